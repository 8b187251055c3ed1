//! Due times of escalation steps, and which step fires.

use chrono::TimeDelta;

use super::*;
use crate::core::decision::event::Event;
use crate::core::decision::{
    Decision, DecisionId, Refused, Request, Revision, Risk, Terms, Verdict, Via,
};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

fn start() -> Time {
    Time::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn at(seconds: i64) -> Time {
    start() + TimeDelta::seconds(seconds)
}

fn asked(sla: i64, default: SafeDefault) -> Decision {
    let terms = Terms {
        risk: Risk::Low,
        sla_seconds: u64::try_from(sla).unwrap(),
        safe_default: default,
        ..Terms::default()
    };
    Decision::new(
        DecisionId(1),
        Request { title: "x".into(), ..Request::default() },
        terms,
        start(),
    )
}

/// Advances time by `pause` seconds at a time until the decision is over. Returns each firing and
/// the time since the start.
fn escalate(mut decision: Decision, pause: i64) -> Vec<String> {
    let mut fired = Vec::new();
    let mut now = start();
    for seq in 2.. {
        let Some(wake) = decision.wake_at() else { break };
        while now < wake {
            now += TimeDelta::seconds(pause);
        }
        let event = decision.escalate(now, TimeDelta::zero()).unwrap();
        let after = crate::presentation::text::span(now - start());
        fired.push(match &event {
            Event::StepFired { step } => {
                let by: Vec<&str> = step.by.iter().map(|channel| channel.word()).collect();
                let passed: Vec<String> = step
                    .passed
                    .iter()
                    .map(|passed| format!("{} {}", passed.times, passed.stage))
                    .collect();
                let passed = if passed.is_empty() {
                    String::new()
                } else {
                    format!(" (passed {})", passed.join(", "))
                };
                format!("{after} {} {}{passed}", step.stage, by.join(" "))
            }
            Event::Resolved { verdict, via: Via::SafeDefault, .. } => {
                format!("{after} {}", verdict.word())
            }
            other => panic!("{other:?}"),
        });
        decision = decision.evolve(&event, now, seq);
        if decision.position.as_ref().is_some_and(|position| position.seq == seq) {
            decision = tell(decision, ContactResult::Reached, now, seq);
        }
        assert!(fired.len() < 100, "no end: {fired:#?}");
    }
    fired
}

#[test]
fn the_rungs_of_four_slas() {
    let climbed = |sla| escalate(asked(sla, SafeDefault::Reject), 1);
    let breach = "dm mention push sms webhook desktop";
    assert_eq!(
        climbed(4 * HOUR + 30 * MINUTE),
        [
            "30m reminder dm",
            "2h reminder mention push",
            "4h SLA warning here",
            &format!("4h 30m breach {breach}"),
            "6h 30m overdue voice",
            "6h 30m rejected"
        ]
    );
    assert_eq!(
        climbed(45 * MINUTE),
        [
            "15m SLA warning here mention push dm",
            &format!("45m breach {breach}"),
            "2h 45m overdue voice",
            "2h 45m rejected"
        ]
    );
    assert_eq!(
        climbed(2 * HOUR),
        [
            "30m reminder dm",
            "1h 30m SLA warning here mention push",
            &format!("2h breach {breach}"),
            "4h overdue voice",
            "4h rejected"
        ]
    );
    assert_eq!(
        climbed(24 * HOUR),
        [
            "30m reminder dm",
            "2h reminder mention push",
            "6h reminder mention push",
            "10h reminder mention push",
            "14h reminder mention push",
            "18h reminder mention push",
            "22h reminder mention push",
            "23h 30m SLA warning here",
            &format!("1d breach {breach}"),
            "1d 2h overdue voice",
            "1d 2h rejected"
        ]
    );
    assert_eq!(
        climbed(10 * MINUTE)[0],
        "5m SLA warning here mention push dm",
        "halfway where the SLA is shorter than the warning"
    );
}

#[test]
fn only_the_highest_due_rung_fires_after_a_pause_of_any_length() {
    for pause in [1, 7, 60, 599, 3_600, 5 * HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR] {
        let fired = escalate(asked(24 * HOUR, SafeDefault::Reject), pause);
        assert_eq!(
            fired.iter().filter(|step| step.contains(" rejected")).count(),
            1,
            "{pause}: {fired:#?}"
        );
        assert_eq!(
            fired.len(),
            fired.iter().collect::<std::collections::BTreeSet<_>>().len(),
            "{pause}: {fired:#?}"
        );
        assert!(fired.last().unwrap().ends_with("rejected"), "{pause}: {fired:#?}");
    }
    assert_eq!(
        escalate(asked(24 * HOUR, SafeDefault::Reject), 30 * 24 * HOUR),
        [
            "30d breach dm mention push sms webhook desktop (passed 1 reminder, 5 reminder, 1 \
             reminder, 1 SLA warning)",
            "60d overdue voice",
            "60d rejected"
        ]
    );
}

/// The machine sleeps until the given time, and then stays awake.
fn after_sleep(sla: i64, default: SafeDefault, until: i64) -> Vec<String> {
    let mut decision = asked(sla, default);
    let mut fired = Vec::new();
    let mut now = at(until);
    for seq in 2.. {
        let Some(wake) = decision.wake_at() else { break };
        now = now.max(wake);
        let event = decision.escalate(now, TimeDelta::zero()).unwrap();
        let what = match &event {
            Event::StepFired { step } => step.stage.to_string(),
            Event::Resolved { verdict, .. } => verdict.word().to_owned(),
            other => panic!("{other:?}"),
        };
        fired.push(format!("{} {what}", crate::presentation::text::span(now - start())));
        decision = decision.evolve(&event, now, seq);
        let promised = decision.default_at();
        if let Some(position) = decision.position.as_ref().filter(|position| !position.default) {
            let next = decision.upcoming_step().filter(|next| next.default);
            let kept = position.stage < Stage::Breach || next.map(|next| next.at) == promised;
            assert!(kept, "what a message promises is what happens");
            decision = tell(decision, ContactResult::Reached, now, seq);
        }
    }
    fired
}

#[test]
fn after_a_sleep_past_the_breach_people_have_the_promised_time() {
    for default in [SafeDefault::Reject, SafeDefault::Approve] {
        let end = if default == SafeDefault::Reject { "rejected" } else { "approved" };
        for (until, breach, over) in [
            // On time; a little late; two seconds before the end; long after the end.
            (2 * HOUR, "2h", "4h"),
            (3 * HOUR, "3h", "5h"),
            (4 * HOUR - 2, "4h", "6h"),
            (4 * HOUR, "4h", "6h"),
            (10 * 24 * HOUR, "10d", "10d 2h"),
        ] {
            assert_eq!(
                after_sleep(2 * HOUR, default, until),
                [format!("{breach} breach"), format!("{over} overdue"), format!("{over} {end}")],
                "{default:?}, asleep for {until} s"
            );
        }
    }
}

/// A step repeated until the safe default: the distance counts from the repetition that fired.
#[test]
fn a_repeated_last_call_promises_the_rest_of_its_time() {
    let step = |when, repeat, default| Step { when, by: vec![Channel::Dm], repeat, default };
    let ladder = Ladder::new(vec![
        step(StepTime::AfterBreach(0), Some(1800), false),
        step(StepTime::AfterBreach(7200), None, true),
    ])
    .unwrap();
    let mut decision = asked(HOUR, SafeDefault::Reject);
    decision.terms.ladder = ladder;
    let fire = |decision: &Decision, now, seq| {
        let event = decision.escalate(at(now), TimeDelta::zero()).unwrap();
        decision.clone().evolve(&event, at(now), seq)
    };
    let undisturbed = (0..4).fold(decision.clone(), |decision, n| {
        fire(&decision, HOUR + n * 1800, 2 + u64::try_from(n).unwrap())
    });
    assert_eq!(undisturbed.default_at(), Some(at(3 * HOUR)));
    // Asleep until shortly before the end: the repetition of 30 min before the end is 29 min late.
    let late = fire(&decision, 3 * HOUR - MINUTE, 2);
    assert_eq!(late.default_at(), Some(at(3 * HOUR + 29 * MINUTE)));
}

#[test]
fn a_pause_is_not_what_approves() {
    assert_eq!(
        escalate(asked(2 * HOUR, SafeDefault::Approve), 1).last().unwrap(),
        "4h approved",
        "who was told of the breach and said nothing"
    );
    let fired = escalate(asked(2 * HOUR, SafeDefault::Approve), 24 * HOUR);
    assert_eq!(
        fired,
        [
            "1d breach dm mention push sms webhook desktop (passed 1 reminder, 1 SLA warning)",
            "2d overdue voice",
            "2d approved"
        ]
    );
}

#[test]
fn silence_approves_only_what_it_may_by_then() {
    let mut decision = asked(HOUR, SafeDefault::Approve);
    assert_eq!(decision.effective_default(), SafeDefault::Approve);
    decision.terms.risk = Risk::High;
    assert_eq!(decision.effective_default(), SafeDefault::Reject);
    decision.terms = Terms { risk: Risk::Low, approvals: 2, ..decision.terms };
    assert_eq!(decision.effective_default(), SafeDefault::Reject);
}

fn tell(decision: Decision, result: ContactResult, at: Time, seq: u64) -> Decision {
    let contacts =
        vec![Contact { who: Some(Person::discord(1, "Ann")), channel: Channel::Dm, result }];
    let position = decision.position.as_ref().unwrap().seq;
    let event = decision.record_contacts(position, contacts, true).unwrap();
    decision.evolve(&event, at, seq)
}

#[test]
fn a_rung_that_reaches_nobody_climbs_at_once_but_never_into_the_breach() {
    let mut decision = asked(4 * HOUR + 30 * MINUTE, SafeDefault::Reject);
    let now = at(30 * MINUTE);
    let failed = || ContactResult::Failed { why: "direct messages are closed".into() };
    let mut stages = Vec::new();
    for seq in 1..4 {
        let event = decision.escalate(now, TimeDelta::zero()).unwrap();
        decision = tell(decision.evolve(&event, now, seq * 2), failed(), now, seq * 2 + 1);
        let position = decision.position.clone().unwrap();
        stages.push((position.stage, position.due - start()));
    }
    let minutes = TimeDelta::minutes;
    assert_eq!(
        stages,
        [
            (Stage::Reminder, minutes(30)),
            (Stage::Reminder, minutes(120)),
            (Stage::Warning, minutes(240))
        ]
    );
    assert_eq!(
        decision.wake_at(),
        Some(at(4 * HOUR + 30 * MINUTE)),
        "the breach comes in its time"
    );
    for result in [ContactResult::Reached, ContactResult::Held { until: at(9 * HOUR) }] {
        let told = tell(decision.clone(), result, now, 20);
        assert!(!told.position.unwrap().in_vain);
    }
}

#[test]
fn a_repeated_rung_that_reaches_nobody_keeps_its_times() {
    let mut decision = asked(30 * 24 * HOUR, SafeDefault::Reject);
    let mut now = at(30 * MINUTE);
    let failed = || ContactResult::Failed { why: "nobody is there".into() };
    for seq in 1..4 {
        let event = decision.escalate(now, TimeDelta::zero()).unwrap();
        decision = tell(decision.evolve(&event, now, seq * 2), failed(), now, seq * 2 + 1);
        now = decision.wake_at().unwrap();
    }
    assert_eq!(now, at(10 * HOUR), "30 min, the mention at once, and again at 6 h and at 10 h");
}

#[test]
fn silence_approves_only_some_time_after_somebody_was_reached_with_the_breach() {
    let breached = || {
        let decision = asked(2 * HOUR, SafeDefault::Approve);
        let event = decision.escalate(at(2 * HOUR), TimeDelta::zero()).unwrap();
        decision.evolve(&event, at(2 * HOUR), 2)
    };
    let end = |decision: &Decision| decision.upcoming_step().map(|due| due.at);
    let told = tell(breached(), ContactResult::Reached, at(3 * HOUR), 3);
    assert_eq!((told.effective_default(), end(&told)), (SafeDefault::Approve, Some(at(5 * HOUR))));
    for result in
        [ContactResult::Failed { why: "no".into() }, ContactResult::Away { until: at(9 * HOUR) }]
    {
        let told = tell(breached(), result, at(2 * HOUR), 3);
        assert_eq!(
            (told.effective_default(), end(&told)),
            (SafeDefault::Reject, Some(at(4 * HOUR)))
        );
    }
    // The safe default applies before any contact result of the step is known.
    let event = breached().escalate(at(4 * HOUR), TimeDelta::zero()).unwrap();
    let over = breached()
        .evolve(&event, at(4 * HOUR), 3)
        .escalate(at(4 * HOUR), TimeDelta::zero())
        .unwrap();
    assert!(matches!(over, Event::Resolved { verdict: Verdict::Rejected { .. }, .. }), "{over:?}");
}

#[test]
fn what_was_left_behind_is_not_told() {
    let decision = asked(HOUR, SafeDefault::Reject);
    let event = decision.escalate(at(30 * MINUTE), TimeDelta::zero()).unwrap();
    let decision = decision.evolve(&event, at(30 * MINUTE), 2);
    assert!(decision.record_contacts(2, Vec::new(), true).is_some());
    assert!(decision.record_contacts(1, Vec::new(), true).is_none());
}

#[test]
fn a_reminder_is_pulled_into_a_message_that_goes_out_anyway_and_nothing_else_is() {
    let decision = asked(4 * HOUR + 30 * MINUTE, SafeDefault::Reject);
    let ahead = TimeDelta::minutes(5);
    assert_eq!(decision.escalate(at(24 * MINUTE), ahead), Err(Refused::NotDue));
    let event = decision.escalate(at(26 * MINUTE), ahead).unwrap();
    let decision = decision.evolve(&event, at(26 * MINUTE), 2);
    assert_eq!(decision.escalate(at(30 * MINUTE), ahead), Err(Refused::NotDue), "once");
    let event = decision.escalate(at(2 * HOUR), ahead).unwrap();
    let decision = decision.evolve(&event, at(2 * HOUR), 3);
    assert_eq!(
        decision.escalate(at(4 * HOUR - 60), ahead),
        Err(Refused::NotDue),
        "a warning keeps its time"
    );
}

#[test]
fn a_return_and_an_undo_begin_the_ladder_anew_and_a_deferral_stops_it() {
    let decision = asked(HOUR, SafeDefault::Reject);
    let ann = || Person::discord(1, "Ann");
    let event = decision.escalate(at(30 * MINUTE), TimeDelta::zero()).unwrap();
    let decision = decision.evolve(&event, at(30 * MINUTE), 2);
    let off = decision.clone().evolve(
        &Event::Deferred { until: at(5 * HOUR), by: ann() },
        at(31 * MINUTE),
        3,
    );
    assert_eq!((off.upcoming_step(), off.wake_at()), (None, Some(at(5 * HOUR))));
    let back = off.evolve(&Event::Returned, at(5 * HOUR), 4);
    assert_eq!(
        (back.breach_at(), back.wake_at()),
        (at(6 * HOUR), Some(at(5 * HOUR + 30 * MINUTE)))
    );
    let resolved = decision.resolve(Verdict::approved(), ann(), Via::Discord, Revision(1)).unwrap();
    let resolved = decision.evolve(&resolved, at(40 * MINUTE), 3);
    assert_eq!(resolved.wake_at(), None);
    let undone = resolved.evolve(&Event::Undone { by: ann() }, at(50 * MINUTE), 4);
    assert_eq!(undone.wake_at(), Some(at(80 * MINUTE)));
}

#[test]
fn a_plan_that_became_shorter_is_climbed_to_its_end() {
    let mut decision = asked(24 * HOUR, SafeDefault::Reject);
    let event = decision.escalate(at(2 * HOUR), TimeDelta::zero()).unwrap();
    decision = decision.evolve(&event, at(2 * HOUR), 2);
    decision.terms.sla_seconds = 3_600;
    let Ok(Event::StepFired { step }) = decision.escalate(at(2 * HOUR), TimeDelta::zero()) else {
        panic!()
    };
    assert_eq!((step.stage, step.planned), (Stage::Breach, at(HOUR)));
}

#[test]
fn no_ladder_lets_a_decision_fall_silent() {
    let step =
        |when, by: &[Channel], repeat, default| Step { when, by: by.to_vec(), repeat, default };
    let end = || step(StepTime::AfterBreach(60), &[], None, true);
    for (steps, wrong) in [
        (vec![], InvalidLadder::Steps(0)),
        (vec![step(StepTime::After(60), &[], None, false), end()], InvalidLadder::Idle),
        (
            vec![step(StepTime::After(60), &[Channel::Dm], Some(299), false), end()],
            InvalidLadder::Repeat(299),
        ),
        (
            vec![step(StepTime::AfterBreach(0), &[Channel::Dm], None, true)],
            InvalidLadder::DefaultTooEarly,
        ),
        (vec![step(StepTime::AfterBreach(0), &[Channel::Dm], None, false)], InvalidLadder::Silent),
        (
            vec![step(StepTime::AfterBreach(90), &[Channel::Dm], None, false), end()],
            InvalidLadder::AfterTheEnd,
        ),
        (
            vec![step(StepTime::AfterBreach(90), &[Channel::Dm], Some(3600), false), end()],
            InvalidLadder::AfterTheEnd,
        ),
    ] {
        assert_eq!(Ladder::new(steps), Err(wrong));
    }
    assert!(Ladder::new(Ladder::default().steps().to_vec()).is_ok());
    let endless =
        Ladder::new(vec![step(StepTime::After(3_600), &[Channel::Dm], Some(3_600), false)])
            .unwrap();
    let mut decision = asked(HOUR, SafeDefault::Reject);
    decision.terms.ladder = endless;
    let event = decision.escalate(at(100 * HOUR + 1), TimeDelta::zero()).unwrap();
    let decision = decision.evolve(&event, at(100 * HOUR + 1), 2);
    assert_eq!(decision.wake_at(), Some(at(101 * HOUR)));
}

#[test]
fn what_blocks_its_agent_begins_at_the_mention() {
    let ladder = Ladder::default().starting_at_mention();
    assert_eq!(
        ladder.steps()[0],
        Step { when: StepTime::After(0), ..Ladder::default().steps()[1].clone() }
    );
    assert_eq!(ladder.steps().len(), 4);
}
