//! Every sequence of acts up to a depth, from each sort of question: no state of a decision is
//! reached that breaks an invariant or from which no verdict is possible.
//!
//! Breadth first over distinct states. Two states are one if they differ only in what decides
//! nothing: log positions, and when exactly something happened, but for how long a deferral still
//! lasts and how old a verdict is.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

#[path = "common/invariants.rs"]
mod invariants;

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{
    Ballot, Choice, Decision, DecisionId, DeferLimits, Expects, Outcome, Pending, Person, Priority,
    Refused, Request, Resolved, Revision, Risk, State, Terms, Verdict, Via,
};
use gander::core::event::Event;
use gander::core::ladder::Climb;
use gander::core::permission::{ApproverRule, not_counted};
use gander::core::policy::{Rule, Rules, admit, enforce};

use invariants::{INVARIANTS, Step, broken, name_of};

/// The longest sequence. `GANDER_WALK_DEPTH` walks further.
const DEPTH: usize = 7;
/// Fewer states or transitions than these, over all questions, mean that the walk has shrunk.
const AT_LEAST: (usize, usize) = (80_000, 1_500_000);

/// Everybody who may approve: one more than any question needs.
const APPROVERS: [u64; 4] = [1, 2, 3, 4];

/// A letter of the alphabet.
#[derive(Debug, Clone, Copy)]
enum Letter {
    AskSame,
    AskOther,
    AskAtCritical,
    RulesSayCritical,
    RulesSayTwo,
    Dismiss(u64),
    Approve(u64),
    ApproveWithWord(u64),
    ApproveOutdated,
    ApproveByToken,
    Propose(u64),
    ProposeNo,
    Reject,
    RejectOutdated,
    Choose,
    ChooseWithWord,
    Answer,
    Take(u64),
    HandOver,
    Prioritize,
    DeferAnHour,
    DeferAWeek,
    ComeBack,
    Climb,
    NobodyReached,
    AnHourPasses,
    ADayPasses,
    ClockGoesBack,
    Undo,
    Claim,
    ReportDone,
    ReportFailed,
    Withdraw,
}

const ALPHABET: [Letter; 37] = [
    Letter::AskSame,
    Letter::AskOther,
    Letter::AskAtCritical,
    Letter::RulesSayCritical,
    Letter::RulesSayTwo,
    Letter::Dismiss(1),
    Letter::Approve(1),
    Letter::Approve(2),
    Letter::Approve(3),
    Letter::ApproveWithWord(1),
    Letter::ApproveWithWord(2),
    Letter::ApproveOutdated,
    Letter::ApproveByToken,
    Letter::Propose(1),
    Letter::ProposeNo,
    Letter::Reject,
    Letter::RejectOutdated,
    Letter::Choose,
    Letter::ChooseWithWord,
    Letter::Answer,
    Letter::Take(1),
    Letter::Take(2),
    Letter::HandOver,
    Letter::Prioritize,
    Letter::DeferAnHour,
    Letter::DeferAWeek,
    Letter::ComeBack,
    Letter::Climb,
    Letter::NobodyReached,
    Letter::AnHourPasses,
    Letter::ADayPasses,
    Letter::ClockGoesBack,
    Letter::Undo,
    Letter::Claim,
    Letter::ReportDone,
    Letter::ReportFailed,
    Letter::Withdraw,
];

/// What an act did.
enum Did {
    Happened(Event),
    TimePassed(Time),
    Nothing,
    Refused(Refused),
}

#[derive(Clone)]
struct Place {
    decision: Decision,
    now: Time,
}

#[derive(Default)]
struct Tally {
    states: usize,
    transitions: usize,
    deepest: usize,
    events: BTreeMap<&'static str, u64>,
    refusals: BTreeMap<String, u64>,
    nothing: u64,
}

fn person(id: u64) -> Person {
    Person::discord(id, format!("person {id}"))
}

fn word_of(letter: Letter, decision: &Decision) -> Option<String> {
    matches!(letter, Letter::ApproveWithWord(_) | Letter::ChooseWithWord)
        .then(|| decision.confirmation())
        .flatten()
}

fn act(letter: Letter, Place { decision, now }: &Place) -> Did {
    let (current, now) = (decision.revision, *now);
    let outdated = Revision(current.0 - 1);
    let resolve = |verdict, who, seen| {
        let ballot = Ballot { verdict, confirmation: word_of(letter, decision) };
        decision.resolve(ballot, person(who), Via::Discord, seen)
    };
    let no = || Verdict::Rejected { reason: "not now".into() };
    let defer = |by| decision.defer(now + by, person(1), current, now, DeferLimits::default());
    let result = match letter {
        Letter::AskSame => return ask(decision, decision.request.clone()),
        Letter::AskOther => {
            let title = if decision.request.title == "this" { "that" } else { "this" };
            return ask(decision, Request { title: title.into(), ..decision.request.clone() });
        }
        Letter::AskAtCritical => {
            return ask(decision, Request { risk: Risk::Critical, ..decision.request.clone() });
        }
        Letter::RulesSayCritical => {
            return hold(decision, &Rule { risk: Some(Risk::Critical), ..Rule::default() });
        }
        Letter::RulesSayTwo => {
            return hold(decision, &Rule { approvals: Some(2), ..Rule::default() });
        }
        Letter::Dismiss(who) => return dismiss(decision, who),
        Letter::Approve(who) | Letter::ApproveWithWord(who) => {
            resolve(Verdict::approved(), who, current)
        }
        Letter::ApproveByToken => {
            decision.resolve(Verdict::approved(), person(1), Via::Http, current)
        }
        Letter::Propose(who) => {
            return perhaps(decision.propose(Verdict::approved(), person(who), Via::Mcp, current));
        }
        Letter::ProposeNo => return perhaps(decision.propose(no(), person(1), Via::Http, current)),
        Letter::ApproveOutdated => resolve(Verdict::approved(), 1, outdated),
        Letter::Reject => resolve(no(), 1, current),
        Letter::RejectOutdated => resolve(no(), 1, outdated),
        Letter::Choose | Letter::ChooseWithWord => {
            resolve(Verdict::Chosen { option: "blue".into() }, 1, current)
        }
        Letter::Answer => resolve(Verdict::Answered { text: "42".into() }, 1, current),
        Letter::Take(who) => decision.take(person(who), None),
        Letter::HandOver => decision.take(person(2), Some(person(1))),
        Letter::Prioritize => decision.prioritize(Priority::Urgent, person(1)),
        Letter::DeferAnHour => defer(TimeDelta::hours(1)),
        Letter::DeferAWeek => defer(TimeDelta::days(7)),
        Letter::ComeBack => decision.come_back(now),
        Letter::Climb => decision.climb(now, TimeDelta::zero()),
        Letter::NobodyReached => {
            let tell = |climb: &Climb| {
                (!climb.in_vain).then(|| decision.tell(climb.seq, Vec::new(), true)).flatten()
            };
            return decision.climb.as_ref().and_then(tell).map_or(Did::Nothing, Did::Happened);
        }
        Letter::AnHourPasses => return Did::TimePassed(now + TimeDelta::hours(1)),
        Letter::ADayPasses => return Did::TimePassed(now + TimeDelta::hours(25)),
        Letter::ClockGoesBack => return Did::TimePassed(now - TimeDelta::hours(1)),
        Letter::Undo => decision.undo(person(1), now),
        Letter::Claim => return perhaps(decision.claim()),
        Letter::ReportDone => return perhaps(decision.report(Outcome::Succeeded, "done".into())),
        Letter::ReportFailed => return perhaps(decision.report(Outcome::Failed, String::new())),
        Letter::Withdraw => decision.withdraw("over".into()),
    };
    result.map_or_else(Did::Refused, Did::Happened)
}

fn perhaps(result: Result<Option<Event>, Refused>) -> Did {
    result.map_or_else(Did::Refused, |event| event.map_or(Did::Nothing, Did::Happened))
}

fn ask(decision: &Decision, request: Request) -> Did {
    let terms = admit(&Rules::default(), &request).unwrap();
    decision.revise(&request, &terms).map_or(Did::Nothing, Did::Happened)
}

/// What the engine does when the configuration is stricter than the terms.
fn hold(decision: &Decision, rule: &Rule) -> Did {
    let rules =
        Rules { projects: [("default".to_owned(), rule.clone())].into(), ..Rules::default() };
    let terms = enforce(&rules, &decision.request, &decision.terms);
    if decision.state.is_open() && terms != decision.terms {
        Did::Happened(Event::Enforced { terms })
    } else {
        Did::Nothing
    }
}

/// What the engine does when the configuration names everybody but this one.
fn dismiss(decision: &Decision, who: u64) -> Did {
    let users = APPROVERS.into_iter().filter(|one| *one != who).collect();
    let of = not_counted(&[ApproverRule { users, ..ApproverRule::default() }], decision);
    if of.is_empty() { Did::Nothing } else { Did::Happened(Event::Lapsed { of }) }
}

/// All that decides what may happen next. Times are told from now, and only as far as anything
/// asks.
fn canonical(Place { decision, now }: &Place) -> String {
    let people = |votes: &[gander::core::decision::Vote]| -> Vec<String> {
        votes.iter().map(|vote| vote.by.id.clone()).collect()
    };
    let state = match &decision.state {
        State::Pending(Pending { votes, taken, undone, proposals }) => {
            let taken = taken.as_ref().map(|taken| &taken.by.id);
            let climb = decision
                .climb
                .as_ref()
                .map(|climb| (climb.due - decision.since(), climb.at <= *now, climb.in_vain));
            let waits = (*now - decision.since()).num_hours().clamp(-2, 8);
            format!(
                "pending {:?} {taken:?} {:?} {climb:?} {waits} {:?}",
                people(votes),
                undone.as_ref().map(|undone| undone.verdict.word()),
                proposals
                    .iter()
                    .map(|proposal| (&proposal.by.id, proposal.verdict.word()))
                    .collect::<Vec<_>>()
            )
        }
        State::Deferred { until, votes, .. } => {
            format!(
                "deferred {} {:?}",
                (*until - *now).num_hours().clamp(-2, 7 * 24),
                people(votes)
            )
        }
        State::Resolved(Resolved { verdict, at, votes, claimed_at, reported, .. }) => {
            let age = (*now - *at).num_hours().clamp(-2, 25);
            let reported = reported.as_ref().map(|reported| reported.outcome);
            format!(
                "resolved {} {age} {:?} {} {reported:?}",
                verdict.word(),
                people(votes),
                claimed_at.is_some()
            )
        }
        State::Withdrawn { .. } => "withdrawn".into(),
    };
    let Terms { risk, approvals, safe_default, .. } = &decision.terms;
    let (title, asked_risk, revised) =
        (&decision.request.title, decision.request.risk, decision.revision.0 > 1);
    format!(
        "{state} | {title} {asked_risk} {revised} {risk} {approvals} {safe_default} {}",
        decision.deferrals
    )
}

/// Whether people can still bring this to an end: a yes by enough of them, or a no by one; and what
/// is put off returns.
fn dead_end(place: &Place) -> Option<&'static str> {
    let decision = &place.decision;
    if !decision.state.is_open() {
        return None;
    }
    let no = Verdict::Rejected { reason: "no".into() };
    if decision.resolve(no, person(1), Via::Discord, decision.revision).is_err() {
        return Some("nobody can reject it");
    }
    if let State::Deferred { until, .. } = decision.state {
        let back = decision.come_back(until).map(|event| decision.clone().evolve(&event, until, 0));
        if !back.is_ok_and(|back| matches!(back.state, State::Pending(_))) {
            return Some("it does not come back");
        }
    } else if !ends_by_itself(decision.clone()) {
        return Some("nobody answers, and it stays open for ever");
    }
    let mut asked = decision.clone();
    for who in APPROVERS {
        let verdict = match asked.request.expects {
            Expects::Approve => Verdict::approved(),
            Expects::Choose => Verdict::Chosen { option: "green".into() },
            Expects::Answer => Verdict::Answered { text: "yes".into() },
        };
        let ballot = Ballot { verdict, confirmation: asked.confirmation() };
        if let Ok(event) = asked.resolve(ballot, person(who), Via::Terminal, asked.revision) {
            asked = asked.evolve(&event, place.now, 0);
        }
    }
    invariants::resolved(&asked).is_none().then_some("all approvers together cannot say yes")
}

/// Whether the ladder leads to an end where nobody does anything.
fn ends_by_itself(mut decision: Decision) -> bool {
    for _ in 0..20 {
        let Some(wake) = decision.wake_at() else { return !decision.state.is_open() };
        let Ok(event) = decision.climb(wake, TimeDelta::zero()) else { return false };
        decision = decision.clone().evolve(&event, wake, decision.changed + 1);
    }
    false
}

/// Walks from one question, and adds to the tally.
fn walk(name: &str, first: Request, depth: usize, tally: &mut Tally) {
    let now = Time::UNIX_EPOCH + TimeDelta::days(20_000);
    let terms = admit(&Rules::default(), &first).unwrap();
    let start = Place { decision: Decision::new(DecisionId(1), first, terms, now), now };
    let mut seen = HashSet::from([canonical(&start)]);
    let mut edge = vec![(start, Vec::new())];
    let mut closed = false;
    for level in 1..=depth {
        let mut next = Vec::new();
        for (place, path) in &edge {
            for letter in ALPHABET {
                tally.transitions += 1;
                let after = step(letter, place, path, tally);
                if let Some(after) = after.filter(|after| seen.insert(canonical(after))) {
                    let path: Vec<Letter> = path.iter().copied().chain([letter]).collect();
                    if let Some(why) = dead_end(&after) {
                        panic!("{name}: after {path:?}: {why}: {:#?}", after.decision);
                    }
                    next.push((after, path));
                }
            }
        }
        tally.deepest = tally.deepest.max(level);
        edge = next;
        if edge.is_empty() {
            closed = true;
            break;
        }
    }
    println!(
        "{name:<22} {:>7} states{}",
        seen.len(),
        if closed { ", which are all there are" } else { "" }
    );
    tally.states += seen.len();
}

/// Does one act; the place that it leads to, if it leads anywhere.
fn step(letter: Letter, place: &Place, path: &[Letter], tally: &mut Tally) -> Option<Place> {
    match act(letter, place) {
        Did::Nothing => tally.nothing += 1,
        Did::Refused(refused) => *tally.refusals.entry(name_of(&refused)).or_default() += 1,
        Did::TimePassed(now) => return Some(Place { now, ..place.clone() }),
        Did::Happened(event) => {
            *tally.events.entry(event.word()).or_default() += 1;
            let (before, typed) = (&place.decision, word_of(letter, &place.decision));
            let after = before.clone().evolve(&event, place.now, before.changed + 1);
            let step = Step {
                before,
                event: &event,
                after: &after,
                now: place.now,
                typed: typed.as_deref(),
            };
            let broken = broken(&step);
            assert!(
                broken.is_empty(),
                "{broken:?} by {letter:?} after {path:?}: {before:#?} became {after:#?}"
            );
            return Some(Place { decision: after, now: place.now });
        }
    }
    None
}

fn questions() -> Vec<(&'static str, Request)> {
    let request = |expects, risk, approvals_needed| {
        let choices = ["blue", "green"]
            .map(|name| Choice { name: name.into(), description: String::new() })
            .to_vec();
        let options = if expects == Expects::Choose { choices } else { Vec::new() };
        Request {
            title: "this".into(),
            kind: "deploy".into(),
            expects,
            risk,
            approvals_needed,
            options,
            ..Request::default()
        }
    };
    vec![
        ("yes or no", request(Expects::Approve, Risk::Low, 1)),
        ("yes or no, of three", request(Expects::Approve, Risk::High, 3)),
        ("yes or no, critical", request(Expects::Approve, Risk::Critical, 2)),
        ("a choice", request(Expects::Choose, Risk::Medium, 1)),
        ("a critical choice", request(Expects::Choose, Risk::Critical, 1)),
        ("an answer", request(Expects::Answer, Risk::Low, 1)),
    ]
}

#[test]
fn no_sequence_of_acts_breaks_an_invariant_or_ends_in_a_dead_end() {
    let depth = std::env::var("GANDER_WALK_DEPTH").map_or(DEPTH, |depth| depth.parse().unwrap());
    let mut tally = Tally::default();
    for (name, request) in questions() {
        walk(name, request, depth, &mut tally);
    }
    let Tally { states, transitions, deepest, events, refusals, nothing } = &tally;
    println!(
        "\n{states} states, {transitions} transitions by {} letters, sequences of up to {deepest}",
        ALPHABET.len()
    );
    println!(
        "events {events:#?}\nrefusals {refusals:#?}\nnothing new {nothing}\n\nAfter each step:"
    );
    for (name, _) in INVARIANTS {
        println!("- {name}");
    }
    println!("- from each open state a yes, a no, and from each deferral a return remain possible");
    assert!(
        depth < DEPTH || (*states >= AT_LEAST.0 && *transitions >= AT_LEAST.1),
        "the walk has shrunk"
    );
    assert_eq!(events.len(), 16, "every event but the first was seen");
    assert!(refusals.len() >= 13, "{refusals:?}");
}
