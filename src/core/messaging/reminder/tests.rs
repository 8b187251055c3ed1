//! The receivers and channels of an escalation step, and the outcomes reported to the log.

use chrono::TimeDelta;

use super::*;
use crate::core::availability::QuietReason;
use crate::core::decision::authorization::Grounds;
use crate::core::decision::event::Event;
use crate::core::decision::{Request, Risk, Taken, Terms, Vote};

fn at(hours: i64) -> Time {
    Time::UNIX_EPOCH + TimeDelta::hours(hours)
}

fn approver(user: u64, availability: Availability) -> Approver {
    Approver { user, name: format!("P{user}"), availability, channels: vec![ExternalChannel::Push] }
}

const QUIET: Availability =
    Availability::Quiet { until: Time::UNIX_EPOCH, why: QuietReason::QuietHours };
const AWAY: Availability = Availability::Away { until: Time::UNIX_EPOCH };

fn audience(people: &[(u64, Availability)]) -> Audience {
    Audience {
        people: people.iter().map(|(user, availability)| approver(*user, *availability)).collect(),
        roles: vec![(77, "Approvers".into())],
        machines: vec![(ExternalChannel::Webhook, "pager".into())],
        no_here: None,
    }
}

/// A decision that has climbed to this stage.
fn climbed(stage: Stage, risk: Risk) -> Decision {
    let request = Request { title: "Deploy".into(), ..Request::default() };
    let decision = Decision::new(DecisionId(7), request, Terms { risk, ..Terms::default() }, at(0));
    let hours = match stage {
        Stage::Reminder => 1,
        Stage::Warning => 4,
        Stage::Breach => 5,
        Stage::Overdue => 7,
    };
    let event = decision.escalate(at(hours), TimeDelta::zero()).unwrap();
    let decision = decision.evolve(&event, at(hours), 42);
    assert_eq!(decision.position.as_ref().map(|position| position.stage), Some(stage));
    decision
}

fn planned(decision: &Decision, by: &[Channel], audience: &Audience) -> Vec<String> {
    let position = decision.position.as_ref().unwrap();
    let said = |reminder: Reminder| {
        let stands = match reminder.state {
            ReminderState::Due => "now",
            ReminderState::Held { .. } => "held",
            ReminderState::Over { result: ContactResult::Away { .. } } => "away",
            ReminderState::Over { .. } => "failed",
            _ => "sent",
        };
        format!("{} {} {stands}", reminder.receiver.key(), reminder.channel.word())
    };
    reminders(decision, position, by, audience).into_iter().map(said).collect()
}

#[test]
fn each_way_reaches_those_who_are_meant_by_it() {
    let decision = climbed(Stage::Reminder, Risk::Low);
    let all = audience(&[(1, Availability::Available), (2, QUIET), (3, AWAY)]);
    let by = [
        Channel::Dm,
        Channel::Mention,
        Channel::Here,
        ExternalChannel::Push.into(),
        ExternalChannel::Sms.into(),
        ExternalChannel::Webhook.into(),
        ExternalChannel::Desktop.into(),
    ];
    assert_eq!(
        planned(&decision, &by, &all),
        [
            "discord:1 dm now",
            "discord:2 dm held",
            "discord:3 dm away",
            "discord:1 mention now",
            "discord:2 mention held",
            "discord:3 mention away",
            "role:77 mention now",
            "here here now",
            "discord:1 push now",
            "discord:2 push held",
            "discord:3 push away",
            "machine:pager webhook now",
        ]
    );
    for (stage, risk) in [(Stage::Breach, Risk::Low), (Stage::Reminder, Risk::Critical)] {
        let decision = climbed(stage, risk);
        assert_eq!(
            planned(&decision, &[Channel::Dm], &all),
            ["discord:1 dm now", "discord:2 dm now", "discord:3 dm away"],
            "{stage}"
        );
    }
    let nobody = audience(&[(3, AWAY), (4, AWAY)]);
    assert_eq!(
        planned(&climbed(Stage::Warning, Risk::Low), &[Channel::Dm], &nobody),
        ["discord:3 dm away", "discord:4 dm away"]
    );
    assert_eq!(
        planned(&climbed(Stage::Breach, Risk::Low), &[Channel::Dm], &nobody),
        ["discord:3 dm now", "discord:4 dm now"]
    );
}

#[test]
fn whoever_took_it_is_reminded_alone_until_the_breach() {
    let take = |stage| {
        let mut decision = climbed(stage, Risk::Low);
        let State::Pending(pending) = &mut decision.state else { panic!() };
        pending.taken = Some(Taken { by: Person::discord(2, "P2"), at: at(0), from: None });
        decision
    };
    let all = audience(&[(1, Availability::Available), (2, Availability::Available)]);
    let by = [Channel::Dm, Channel::Mention, Channel::Here];
    assert_eq!(
        planned(&take(Stage::Warning), &by, &all),
        ["discord:2 dm now", "discord:2 mention now"]
    );
    let everybody = [
        "discord:1 dm now",
        "discord:2 dm now",
        "discord:1 mention now",
        "discord:2 mention now",
        "role:77 mention now",
    ];
    assert_eq!(planned(&take(Stage::Breach), &[Channel::Dm, Channel::Mention], &all), everybody);
    let gone = audience(&[(1, Availability::Available), (2, AWAY)]);
    assert_eq!(
        planned(&take(Stage::Reminder), &[Channel::Dm], &gone),
        ["discord:1 dm now", "discord:2 dm away"],
        "they are not there"
    );
}

#[test]
fn whoever_has_voted_is_left_alone() {
    let mut decision = climbed(Stage::Reminder, Risk::Low);
    decision.terms.approvals = 2;
    decision.state.open_votes_mut().unwrap().push(Vote {
        by: Person::discord(1, "P1"),
        at: at(0),
        note: None,
        grounds: Grounds::default(),
    });
    let all = audience(&[(1, Availability::Available), (2, Availability::Available)]);
    assert_eq!(planned(&decision, &[Channel::Dm], &all), ["discord:2 dm now"]);
}

#[test]
fn where_here_may_not_be_used_the_approvers_are_mentioned_once_and_it_is_said() {
    let decision = climbed(Stage::Warning, Risk::Low);
    let all =
        Audience { no_here: Some("no right".into()), ..audience(&[(1, Availability::Available)]) };
    let expected = ["discord:1 mention now", "role:77 mention now", "here here failed"];
    assert_eq!(planned(&decision, &[Channel::Mention, Channel::Here], &all), expected);
}

#[test]
fn the_log_is_told_once_what_is_known_and_when_nobody_was_reached() {
    let decision = climbed(Stage::Reminder, Risk::Low);
    let position = decision.position.clone().unwrap();
    let all = audience(&[(1, Availability::Available), (3, AWAY)]);
    let mut rows = reminders(&decision, &position, &[Channel::Dm], &all);
    assert_eq!(outcomes_to_report(&decision, 42, &rows), None, "one is on its way");
    rows[0].state = ReminderState::Over { result: ContactResult::Failed { why: "closed".into() } };
    let (contacts, complete) = outcomes_to_report(&decision, 42, &rows).unwrap();
    assert!(complete && contacts.len() == 2, "{contacts:?}");
    let event = Event::ContactsRecorded { position: 42, contacts, complete };
    let told = decision.clone().evolve(&event, at(1), 43);
    assert!(told.position.as_ref().unwrap().in_vain);
    assert_eq!(outcomes_to_report(&told, 42, &rows), None, "it knows");
    assert_eq!(outcomes_to_report(&told, 41, &rows), None, "of another rung");
    rows[0].state = ReminderState::Over { result: ContactResult::Reached };
    let (contacts, _) = outcomes_to_report(&told, 42, &rows).unwrap();
    assert_eq!(contacts.len(), 1, "only what is new: {contacts:?}");
    // An escalation step without receivers.
    let (none, complete) = outcomes_to_report(&decision, 42, &[]).unwrap();
    assert!(none.is_empty() && complete);
    // Notifications outside Discord may take long: the other outcomes are reported first.
    rows.push(Reminder {
        channel: ExternalChannel::Push.into(),
        state: ReminderState::Notification { key: "k".into() },
        ..rows[0].clone()
    });
    assert!(!outcomes_to_report(&decision, 42, &rows).unwrap().1);
}

#[test]
fn a_reminder_is_kept_as_it_was() {
    let decision = climbed(Stage::Breach, Risk::Low);
    let all = audience(&[(1, Availability::Available), (2, QUIET), (3, AWAY)]);
    let by = [Channel::Dm, Channel::Mention, Channel::Here, ExternalChannel::Webhook.into()];
    for reminder in reminders(&decision, decision.position.as_ref().unwrap(), &by, &all) {
        for state in [
            reminder.state.clone(),
            ReminderState::Posted,
            ReminderState::Notification { key: "k".into() },
        ] {
            let on = Some(ReminderMessage { message: MessageId(3), since: at(1) });
            let kept = Reminder { state, on, ..reminder.clone() };
            let text = serde_json::to_string(&kept).unwrap();
            assert_eq!(serde_json::from_str::<Reminder>(&text).unwrap(), kept, "{text}");
        }
    }
}

#[test]
fn stored_names_keep_their_spelling() {
    let decision = climbed(Stage::Reminder, Risk::Low);
    let all = audience(&[(1, AWAY)]);
    let push = ExternalChannel::Push.into();
    let away = &reminders(&decision, decision.position.as_ref().unwrap(), &[push], &all)[0];
    let stored = serde_json::to_value(away).unwrap();
    assert_eq!(stored["way"], "push");
    assert_eq!(stored["stands"], "over");
    assert_eq!(stored["came"]["came"], "away");
    let event = Event::ContactsRecorded {
        position: 42,
        contacts: vec![Contact { who: None, channel: push, result: ContactResult::Reached }],
        complete: true,
    };
    assert_eq!(
        serde_json::to_string(&event).unwrap(),
        concat!(
            r#"{"event":"told","climb":42,"#,
            r#""contacts":[{"way":"push","came":"reached"}],"complete":true}"#
        )
    );
}
