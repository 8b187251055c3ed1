//! Due times of escalation steps, and which step fires.

use chrono::TimeDelta;

use super::*;
use crate::core::decision::{
    Decision, DecisionId, Refused, Request, Revision, Risk, Terms, Verdict, Via,
};
use crate::core::event::Event;

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
fn climb(mut decision: Decision, pause: i64) -> Vec<String> {
    let mut fired = Vec::new();
    let mut now = start();
    for seq in 2.. {
        let Some(wake) = decision.wake_at() else { break };
        while now < wake {
            now += TimeDelta::seconds(pause);
        }
        let event = decision.climb(now, TimeDelta::zero()).unwrap();
        let after = crate::core::text::span(now - start());
        fired.push(match &event {
            Event::Climbed { rung } => {
                let by: Vec<&str> = rung.by.iter().map(|way| way.word()).collect();
                let passed: Vec<String> = rung
                    .passed
                    .iter()
                    .map(|passed| format!("{} {}", passed.times, passed.stage))
                    .collect();
                let passed = if passed.is_empty() {
                    String::new()
                } else {
                    format!(" (passed {})", passed.join(", "))
                };
                format!("{after} {} {}{passed}", rung.stage, by.join(" "))
            }
            Event::Resolved { verdict, via: Via::SafeDefault, .. } => {
                format!("{after} {}", verdict.word())
            }
            other => panic!("{other:?}"),
        });
        decision = decision.evolve(&event, now, seq);
        if decision.climb.as_ref().is_some_and(|climb| climb.seq == seq) {
            decision = tell(decision, Came::Reached, now, seq);
        }
        assert!(fired.len() < 100, "no end: {fired:#?}");
    }
    fired
}

#[test]
fn the_rungs_of_four_slas() {
    let climbed = |sla| climb(asked(sla, SafeDefault::Reject), 1);
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
        let fired = climb(asked(24 * HOUR, SafeDefault::Reject), pause);
        assert_eq!(
            fired.iter().filter(|rung| rung.contains(" rejected")).count(),
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
        climb(asked(24 * HOUR, SafeDefault::Reject), 30 * 24 * HOUR),
        [
            "30d overdue voice (passed 1 reminder, 5 reminder, 1 reminder, 1 SLA warning, 1 breach)",
            "30d rejected"
        ]
    );
}

#[test]
fn a_pause_is_not_what_approves() {
    assert_eq!(
        climb(asked(2 * HOUR, SafeDefault::Approve), 1).last().unwrap(),
        "4h approved",
        "who was told of the breach and said nothing"
    );
    let fired = climb(asked(2 * HOUR, SafeDefault::Approve), 24 * HOUR);
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
    assert_eq!(decision.default_that_holds(), SafeDefault::Approve);
    decision.terms.risk = Risk::High;
    assert_eq!(decision.default_that_holds(), SafeDefault::Reject);
    decision.terms = Terms { risk: Risk::Low, approvals: 2, ..decision.terms };
    assert_eq!(decision.default_that_holds(), SafeDefault::Reject);
}

fn tell(decision: Decision, came: Came, at: Time, seq: u64) -> Decision {
    let contacts = vec![Contact { who: Some(Person::discord(1, "Ann")), way: Way::Dm, came }];
    let climb = decision.climb.as_ref().unwrap().seq;
    let event = decision.tell(climb, contacts, true).unwrap();
    decision.evolve(&event, at, seq)
}

#[test]
fn a_rung_that_reaches_nobody_climbs_at_once_but_never_into_the_breach() {
    let mut decision = asked(4 * HOUR + 30 * MINUTE, SafeDefault::Reject);
    let now = at(30 * MINUTE);
    let failed = || Came::Failed { why: "direct messages are closed".into() };
    let mut stages = Vec::new();
    for seq in 1..4 {
        let event = decision.climb(now, TimeDelta::zero()).unwrap();
        decision = tell(decision.evolve(&event, now, seq * 2), failed(), now, seq * 2 + 1);
        let climb = decision.climb.clone().unwrap();
        stages.push((climb.stage, climb.due - start()));
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
    for came in [Came::Reached, Came::Held { until: at(9 * HOUR) }] {
        let told = tell(decision.clone(), came, now, 20);
        assert!(!told.climb.unwrap().in_vain);
    }
}

#[test]
fn a_repeated_rung_that_reaches_nobody_keeps_its_times() {
    let mut decision = asked(30 * 24 * HOUR, SafeDefault::Reject);
    let mut now = at(30 * MINUTE);
    let failed = || Came::Failed { why: "nobody is there".into() };
    for seq in 1..4 {
        let event = decision.climb(now, TimeDelta::zero()).unwrap();
        decision = tell(decision.evolve(&event, now, seq * 2), failed(), now, seq * 2 + 1);
        now = decision.wake_at().unwrap();
    }
    assert_eq!(now, at(10 * HOUR), "30 min, the mention at once, and again at 6 h and at 10 h");
}

#[test]
fn silence_approves_only_some_time_after_somebody_was_reached_with_the_breach() {
    let breached = || {
        let decision = asked(2 * HOUR, SafeDefault::Approve);
        let event = decision.climb(at(2 * HOUR), TimeDelta::zero()).unwrap();
        decision.evolve(&event, at(2 * HOUR), 2)
    };
    let end = |decision: &Decision| decision.next_rung().map(|due| due.at);
    let told = tell(breached(), Came::Reached, at(3 * HOUR), 3);
    assert_eq!((told.default_that_holds(), end(&told)), (SafeDefault::Approve, Some(at(5 * HOUR))));
    for came in [Came::Failed { why: "no".into() }, Came::Away { until: at(9 * HOUR) }] {
        let told = tell(breached(), came, at(2 * HOUR), 3);
        assert_eq!(
            (told.default_that_holds(), end(&told)),
            (SafeDefault::Reject, Some(at(4 * HOUR)))
        );
    }
    // The safe default applies before any contact result of the step is known.
    let event = breached().climb(at(4 * HOUR), TimeDelta::zero()).unwrap();
    let over =
        breached().evolve(&event, at(4 * HOUR), 3).climb(at(4 * HOUR), TimeDelta::zero()).unwrap();
    assert!(matches!(over, Event::Resolved { verdict: Verdict::Rejected { .. }, .. }), "{over:?}");
}

#[test]
fn what_was_left_behind_is_not_told() {
    let decision = asked(HOUR, SafeDefault::Reject);
    let event = decision.climb(at(30 * MINUTE), TimeDelta::zero()).unwrap();
    let decision = decision.evolve(&event, at(30 * MINUTE), 2);
    assert!(decision.tell(2, Vec::new(), true).is_some());
    assert!(decision.tell(1, Vec::new(), true).is_none());
}

#[test]
fn a_reminder_is_pulled_into_a_message_that_goes_out_anyway_and_nothing_else_is() {
    let decision = asked(4 * HOUR + 30 * MINUTE, SafeDefault::Reject);
    let ahead = TimeDelta::minutes(5);
    assert_eq!(decision.climb(at(24 * MINUTE), ahead), Err(Refused::NotDue));
    let event = decision.climb(at(26 * MINUTE), ahead).unwrap();
    let decision = decision.evolve(&event, at(26 * MINUTE), 2);
    assert_eq!(decision.climb(at(30 * MINUTE), ahead), Err(Refused::NotDue), "once");
    let event = decision.climb(at(2 * HOUR), ahead).unwrap();
    let decision = decision.evolve(&event, at(2 * HOUR), 3);
    assert_eq!(
        decision.climb(at(4 * HOUR - 60), ahead),
        Err(Refused::NotDue),
        "a warning keeps its time"
    );
}

#[test]
fn a_return_and_an_undo_begin_the_ladder_anew_and_a_deferral_stops_it() {
    let decision = asked(HOUR, SafeDefault::Reject);
    let ann = || Person::discord(1, "Ann");
    let event = decision.climb(at(30 * MINUTE), TimeDelta::zero()).unwrap();
    let decision = decision.evolve(&event, at(30 * MINUTE), 2);
    let off = decision.clone().evolve(
        &Event::Deferred { until: at(5 * HOUR), by: ann() },
        at(31 * MINUTE),
        3,
    );
    assert_eq!((off.next_rung(), off.wake_at()), (None, Some(at(5 * HOUR))));
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
    let event = decision.climb(at(2 * HOUR), TimeDelta::zero()).unwrap();
    decision = decision.evolve(&event, at(2 * HOUR), 2);
    decision.terms.sla_seconds = 3_600;
    let Ok(Event::Climbed { rung }) = decision.climb(at(2 * HOUR), TimeDelta::zero()) else {
        panic!()
    };
    assert_eq!((rung.stage, rung.planned), (Stage::Breach, at(HOUR)));
}

#[test]
fn no_ladder_lets_a_decision_fall_silent() {
    let rung = |when, by: &[Way], repeat, default| Rung { when, by: by.to_vec(), repeat, default };
    let end = || rung(When::AfterBreach(60), &[], None, true);
    for (rungs, wrong) in [
        (vec![], Crooked::Rungs(0)),
        (vec![rung(When::After(60), &[], None, false), end()], Crooked::Idle),
        (vec![rung(When::After(60), &[Way::Dm], Some(299), false), end()], Crooked::Repeat(299)),
        (vec![rung(When::AfterBreach(0), &[Way::Dm], None, true)], Crooked::DefaultTooEarly),
        (vec![rung(When::AfterBreach(0), &[Way::Dm], None, false)], Crooked::Silent),
        (vec![rung(When::AfterBreach(90), &[Way::Dm], None, false), end()], Crooked::AfterTheEnd),
        (
            vec![rung(When::AfterBreach(90), &[Way::Dm], Some(3600), false), end()],
            Crooked::AfterTheEnd,
        ),
    ] {
        assert_eq!(Ladder::new(rungs), Err(wrong));
    }
    assert!(Ladder::new(Ladder::default().rungs().to_vec()).is_ok());
    let endless =
        Ladder::new(vec![rung(When::After(3_600), &[Way::Dm], Some(3_600), false)]).unwrap();
    let mut decision = asked(HOUR, SafeDefault::Reject);
    decision.terms.ladder = endless;
    let event = decision.climb(at(100 * HOUR + 1), TimeDelta::zero()).unwrap();
    let decision = decision.evolve(&event, at(100 * HOUR + 1), 2);
    assert_eq!(decision.wake_at(), Some(at(101 * HOUR)));
}

#[test]
fn what_blocks_its_agent_begins_at_the_mention() {
    let ladder = Ladder::default().from_mention();
    assert_eq!(
        ladder.rungs()[0],
        Rung { when: When::After(0), ..Ladder::default().rungs()[1].clone() }
    );
    assert_eq!(ladder.rungs().len(), 4);
}
