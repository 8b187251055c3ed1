//! What is drawn at random: rules, questions, spans of time, people.

use chrono::{NaiveTime, TimeDelta};
use gander::core::availability::{Profile, QuietHours};
use gander::core::decision::authorization::{ApproverRule, Voter};
use gander::core::decision::{Choice, Expects, Person, Request, Risk, SafeDefault};
use gander::core::escalation::{Channel, ExternalChannel, Ladder, Step, StepTime};
use gander::core::messaging::notification::{ExternalChannels, Machine};
use gander::core::policy::desk::DeskRules;
use gander::core::policy::rules::{Rule, Rules};

use crate::common::chance::Chance;
use crate::reference::Allows;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// People who may decide.
pub(crate) const PEOPLE: [u64; 3] = [1, 2, 3];
const ZONES: [chrono_tz::Tz; 4] = [
    chrono_tz::Europe::Berlin,
    chrono_tz::America::New_York,
    chrono_tz::Asia::Kathmandu,
    chrono_tz::Pacific::Kiritimati,
];
pub(crate) const PROJECTS: [&str; 2] = ["shop", "notes"];

pub(crate) fn pick<T: Clone>(chance: &mut Chance, of: &[T]) -> T {
    of[usize::try_from(chance.below(of.len() as u64)).unwrap()].clone()
}

pub(crate) fn voter(user: u64) -> Voter {
    Voter {
        person: Person::discord(user, format!("Person {user}")),
        roles: Vec::new(),
        owner: false,
    }
}

/// How much time passes at once: 1 s to 30 days.
pub(crate) fn pause(chance: &mut Chance) -> TimeDelta {
    let spans = [
        1,
        30,
        MINUTE,
        4 * MINUTE,
        10 * MINUTE,
        31 * MINUTE,
        HOUR,
        2 * HOUR,
        5 * HOUR,
        DAY,
        3 * DAY,
        7 * DAY,
        30 * DAY,
    ];
    TimeDelta::seconds(i64::try_from(pick(chance, &spans)).unwrap())
        + TimeDelta::milliseconds(i64::from(chance.one_in(3)) * 7)
}

fn step(when: StepTime, by: &[Channel], repeat: Option<u64>, default: bool) -> Step {
    Step { when, by: by.to_vec(), repeat, default }
}

fn drawn_ladder(chance: &mut Chance) -> Vec<Step> {
    let spans = [0, 5 * MINUTE, 20 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 9 * HOUR, DAY];
    let mut steps = Vec::new();
    for _ in 0..=chance.below(5) {
        let span = pick(chance, &spans);
        let when = match chance.below(3) {
            0 => StepTime::After(span),
            1 => StepTime::BeforeBreach(span),
            _ => StepTime::AfterBreach(span),
        };
        let repeat = chance.one_in(3).then(|| pick(chance, &[20 * MINUTE, 4 * HOUR, DAY]));
        steps.push(step(when, &[pick(chance, &Channel::all().collect::<Vec<_>>())], repeat, false));
    }
    if chance.one_in(4) {
        steps.push(step(
            StepTime::AfterBreach(pick(chance, &[2 * HOUR, DAY])),
            &[ExternalChannel::Webhook.into()],
            Some(DAY),
            false,
        ));
    } else {
        steps.push(step(
            StepTime::AfterBreach(pick(chance, &[HOUR, 2 * HOUR, 2 * DAY])),
            &[ExternalChannel::Voice.into()],
            None,
            true,
        ));
    }
    steps
}

fn ladder(chance: &mut Chance) -> Ladder {
    let end =
        |after| step(StepTime::AfterBreach(after), &[ExternalChannel::Voice.into()], None, true);
    let steps = match chance.below(8) {
        0 => vec![
            step(StepTime::After(10 * MINUTE), &[Channel::Dm], Some(30 * MINUTE), false),
            step(StepTime::AfterBreach(0), &[Channel::Dm, Channel::Mention], None, false),
            end(HOUR),
        ],
        1 => vec![
            step(StepTime::BeforeBreach(HOUR), &[Channel::Here], None, false),
            step(StepTime::AfterBreach(0), &[ExternalChannel::Sms.into()], None, false),
            step(StepTime::AfterBreach(30 * MINUTE), &[Channel::Dm], Some(2 * HOUR), false),
            end(12 * HOUR),
        ],
        2 => vec![
            step(StepTime::AfterBreach(0), &[Channel::Mention], None, false),
            step(StepTime::AfterBreach(HOUR), &[Channel::Dm], Some(DAY), false),
        ],
        3 => vec![end(2 * HOUR)],
        4 => vec![step(StepTime::After(30 * MINUTE), &[Channel::Dm], None, false), end(HOUR)],
        5 | 6 => drawn_ladder(chance),
        _ => Ladder::default().steps().to_vec(),
    };
    // What is crooked is refused when the configuration is read.
    Ladder::new(steps).unwrap_or_default()
}

fn rule(chance: &mut Chance) -> Rule {
    Rule {
        risk: chance.one_in(5).then(|| pick(chance, Risk::ALL)),
        sla_seconds: chance.one_in(3).then(|| pick(chance, &[45 * MINUTE, 2 * HOUR, DAY])),
        allow_default_approve: !chance.one_in(3),
        approvals: chance.one_in(6).then_some(2),
        ladder: (!chance.one_in(3)).then(|| ladder(chance)),
        ..Rule::default()
    }
}

/// Some of the ways beyond the surface are set up.
fn channels(chance: &mut Chance) -> ExternalChannels {
    let mut draw = |channel: &ExternalChannel| chance.one_in(2).then_some(*channel);
    let people = [ExternalChannel::Push, ExternalChannel::Sms, ExternalChannel::Voice];
    let to_people: Vec<ExternalChannel> = people.iter().filter_map(&mut draw).collect();
    let machine = |channel, name: &str| Machine { channel, name: name.into(), projects: vec![] };
    let desktop = draw(&ExternalChannel::Desktop).map(|channel| machine(channel, ""));
    let pager = draw(&ExternalChannel::Webhook).map(|channel| machine(channel, "pager"));
    ExternalChannels::new(to_people, pager.into_iter().chain(desktop).collect())
}

/// The configuration.
pub(crate) fn rules(chance: &mut Chance) -> Rules {
    let quiet = |from, to| QuietHours::new(hour(from), hour(to)).ok();
    let profile = |(user, zone): (u64, chrono_tz::Tz)| Profile {
        quiet: quiet(22, 7),
        ..Profile::unknown(user, "x", zone)
    };
    let zones: Vec<_> = PEOPLE.into_iter().map(|user| (user, pick(chance, &ZONES))).collect();
    Rules {
        channels: channels(chance),
        approvers: vec![ApproverRule { users: PEOPLE.to_vec(), ..ApproverRule::default() }],
        projects: PROJECTS.map(|name| (name.to_owned(), rule(chance))).into(),
        sla_floor_seconds: pick(chance, &[60, 10 * MINUTE]),
        ladder_by_risk: if chance.one_in(4) {
            [(Risk::Low, ladder(chance))].into()
        } else {
            Default::default()
        },
        people: zones.into_iter().map(profile).collect(),
        desk: Some(DeskRules {
            person: voter(1),
            highest_risk: DeskRules::HIGHEST_RISK,
            masked: false,
            scripts: false,
            hand_over: DeskRules::HAND_OVER,
        }),
        ..Rules::default()
    }
}

fn hour(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).unwrap()
}

/// A question.
pub(crate) fn request(chance: &mut Chance) -> Request {
    let expects = pick(
        chance,
        &[Expects::Approve, Expects::Approve, Expects::Approve, Expects::Choose, Expects::Answer],
    );
    let choices =
        ["left", "right"].map(|name| Choice { name: name.into(), description: String::new() });
    Request {
        title: format!("Question {}?", chance.below(3)),
        project: pick(chance, &PROJECTS).into(),
        kind: pick(chance, &["naming", "naming", "deploy", "credentials"]).into(),
        expects: if expects == Expects::Answer && chance.one_in(2) {
            Expects::Approve
        } else {
            expects
        },
        options: if expects == Expects::Choose { choices.to_vec() } else { Vec::new() },
        risk: pick(chance, &[Risk::Low, Risk::Low, Risk::Medium, Risk::High, Risk::Critical]),
        confidence: pick(chance, &[None, None, Some(0.3), Some(0.75), Some(0.97)]),
        sla_seconds: pick(
            chance,
            &[None, None, Some(45 * MINUTE), Some(2 * HOUR), Some(DAY), Some(1), Some(7 * DAY)],
        ),
        safe_default: (!chance.one_in(3)).then_some(SafeDefault::Approve),
        dedup_key: Some(format!("key {}", chance.below(3))),
        ..Request::default()
    }
}

impl Allows for Rules {
    fn silence_may_approve(&self, request: &Request) -> bool {
        self.projects.get(&request.project).is_some_and(|rule| {
            rule.allow_default_approve && rule.risk.is_none_or(|risk| risk < Risk::High)
        })
    }
}
