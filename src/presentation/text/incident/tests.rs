//! The report on a made-up history.

use crate::core::escalation::Contact;
use crate::core::messaging::incident::is_due;
use chrono::TimeDelta;

use super::*;
use crate::core::decision::{DecisionId, Person, Request, Risk, Terms};
use crate::core::escalation::Channel;

fn at(minutes: i64) -> Time {
    "2026-11-20T08:00:00Z".parse::<Time>().unwrap() + TimeDelta::minutes(minutes)
}

/// A decision and its log; each event follows from the state.
struct Story {
    decision: Decision,
    log: Vec<Logged>,
}

impl Story {
    fn new() -> Self {
        let request: Request = serde_json::from_value(serde_json::json!({
            "title": "Deploy | contact sync\n# to production", "kind": "deploy", "project": "ghl",
            "insight": {
                "observation": "All stages are green.",
                "why_it_matters": "",
                "what_to_do": "Approve.\n## Reached: everybody",
            },
            "agent": { "name": "goose" }
        }))
        .unwrap();
        let terms = Terms { risk: Risk::High, sla_seconds: 16_200, ..Terms::default() };
        let asked = Event::Asked { request: Box::new(request.clone()), terms: terms.clone() };
        let mut story = Self {
            decision: Decision::new(DecisionId(142), request, terms, at(0)),
            log: Vec::new(),
        };
        story.write(asked, at(0));
        story
    }

    fn write(&mut self, event: Event, at: Time) -> u64 {
        let seq = u64::try_from(self.log.len()).unwrap() + 11;
        self.decision = self.decision.clone().evolve(&event, at, seq);
        self.log.push(Logged {
            seq,
            at,
            decision: self.decision.id,
            event,
            hash: format!("hash{seq}"),
        });
        seq
    }

    fn escalate(&mut self, at: Time) -> u64 {
        let event = self.decision.escalate(at, TimeDelta::zero()).unwrap();
        self.write(event, at)
    }

    fn told(
        &mut self,
        position: u64,
        who: Option<(u64, &str)>,
        channel: Channel,
        result: ContactResult,
        at: Time,
    ) {
        let who = who.map(|(id, name)| Person::discord(id, name));
        self.write(
            Event::ContactsRecorded {
                position,
                contacts: vec![Contact { who, channel, result }],
                complete: true,
            },
            at,
        );
    }
}

fn silent() -> Story {
    let mut story = Story::new();
    let first = story.escalate(at(30));
    story.told(
        first,
        Some((1, "Maya")),
        Channel::Dm,
        ContactResult::Failed { why: "direct messages are closed".into() },
        at(30),
    );
    let second = story.escalate(at(30));
    story.told(
        second,
        Some((2, "Jonas | the *second*")),
        Channel::Mention,
        ContactResult::Held { until: at(400) },
        at(30),
    );
    story.told(second, Some((1, "Maya")), Channel::Mention, ContactResult::Reached, at(31));
    story.write(Event::Taken { by: Person::discord(1, "Maya"), from: None }, at(60));
    let breach = story.escalate(at(270));
    story.told(breach, None, Channel::Here, ContactResult::Reached, at(270));
    story.escalate(at(390));
    let last = story.escalate(at(390));
    assert!(is_due(&story.log, last), "the safe default was applied");
    story
}

#[test]
fn the_report_tells_it_from_the_beginning_to_the_end() {
    let story = silent();
    let last = story.log.last().unwrap().seq;
    insta::assert_snapshot!(incident_report(
        &story.decision,
        &story.log,
        last,
        TimeScale::REAL,
        chrono_tz::Europe::Berlin
    ));
    for logged in &story.log[..story.log.len() - 1] {
        assert!(!is_due(&story.log, logged.seq), "{logged:?}");
    }
}

/// A ladder with a call after the breach and a later safe default has one report, at the call.
#[test]
fn a_ladder_with_a_call_and_a_later_default_has_one_report() {
    use crate::core::escalation::{Ladder, Step, StepTime};
    let step = |after, default| Step {
        when: StepTime::AfterBreach(after),
        by: vec![Channel::Dm],
        repeat: None,
        default,
    };
    let calls = [
        (vec![step(0, false), step(3600, false), step(7200, true)], 1),
        (vec![step(0, false), step(3600, false), step(5400, false), step(7200, true)], 1),
        (vec![step(0, false), step(7200, true)], 1),
    ];
    for (steps, expected) in calls {
        let mut story = Story::new();
        story.decision.terms.ladder = Ladder::new(steps).unwrap();
        while let Some(wake) = story.decision.wake_at() {
            let now = story.log.last().map_or(wake, |last| last.at.max(wake));
            story.escalate(now);
        }
        let due = story.log.iter().filter(|logged| is_due(&story.log, logged.seq)).count();
        assert_eq!(due, expected, "{:#?}", story.log);
        // Undone, the ladder begins anew, and may fail anew.
        story.write(Event::Undone { by: Person::discord(1, "Maya") }, at(5000));
        while let Some(wake) = story.decision.wake_at() {
            story.escalate(wake);
        }
        let due = story.log.iter().filter(|logged| is_due(&story.log, logged.seq)).count();
        assert_eq!(due, 2 * expected);
    }
}

#[test]
fn what_the_agent_wrote_makes_no_heading_and_no_cell() {
    let story = silent();
    let report = incident_report(&story.decision, &story.log, 99, TimeScale::REAL, chrono_tz::UTC);
    let headings: Vec<&str> = report.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(headings.len(), 4, "{headings:?}");
    for line in report.lines().filter(|line| line.starts_with('|')) {
        let cells = line.replace("\\|", "").matches('|').count();
        assert!([3, 5].contains(&cells), "{line}");
    }
}

#[test]
fn only_the_ladder_that_failed_is_told_of() {
    let mut story = silent();
    story.write(Event::Undone { by: Person::discord(1, "Maya") }, at(500));
    story.escalate(at(540));
    let report = incident_report(
        &story.decision,
        &story.log,
        story.log.last().unwrap().seq,
        TimeScale::REAL,
        chrono_tz::UTC,
    );
    assert!(!report.contains("closed") && report.contains("Waiting again since"), "{report}");
}
