//! The facts of an incident report on a decision without a timely answer: when the report is due,
//! and the escalation steps with the people reached and not reached.
//!
//! Made from the log alone, so every statement can be checked there.

use crate::core::Time;
use crate::core::decision::Decision;
use crate::core::decision::event::{Event, Logged};
use crate::core::escalation::{Contact, DueStep, Stage};

/// A reached escalation step with the known contacts: for each person and channel, the latest
/// outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutedStep<'a> {
    /// When the step was reached.
    pub at: Time,
    /// The step.
    pub step: &'a DueStep,
    /// Outcomes of all contacts, successful or not.
    pub contacts: Vec<&'a Contact>,
}

/// The report's file name.
#[must_use]
pub fn file_name(decision: &Decision) -> String {
    format!("incident-{}.md", decision.id.0)
}

/// Whether the report is due at log position `at`: the first overdue step was reached and does not
/// apply the safe default, or the safe default was applied without such a step before. A ladder run
/// has one report.
#[must_use]
pub fn is_due(events: &[Logged], at: u64) -> bool {
    use crate::core::decision::Via;
    let Some(now) = events.iter().find(|logged| logged.seq == at) else { return false };
    let is_due = match &now.event {
        Event::Resolved { via: Via::SafeDefault, .. } => true,
        event => is_overdue_call(event),
    };
    let is_before = |logged: &&Logged| logged.seq < at;
    is_due
        && !ladder_run(events, at)
            .iter()
            .filter(is_before)
            .any(|logged| is_overdue_call(&logged.event))
}

/// A step after the breach that leaves time for an answer.
fn is_overdue_call(event: &Event) -> bool {
    matches!(event, Event::StepFired { step } if step.stage == Stage::Overdue && !step.default)
}

/// The events of the ladder run up to position `at`.
#[must_use]
pub fn ladder_run(events: &[Logged], at: u64) -> &[Logged] {
    let until = events.partition_point(|logged| logged.seq <= at);
    let anew = |logged: &Logged| {
        matches!(
            logged.event,
            Event::Asked { .. } | Event::Returned | Event::LeftDesk | Event::Undone { .. }
        )
    };
    let from = events[..until].iter().rposition(anew).unwrap_or(0);
    &events[from..until]
}

/// The escalation steps of a ladder run, each with contacts.
#[must_use]
pub fn steps(events: &[Logged]) -> Vec<ExecutedStep<'_>> {
    let mut found: Vec<(u64, ExecutedStep<'_>)> = Vec::new();
    for logged in events {
        match &logged.event {
            Event::StepFired { step } => {
                found.push((logged.seq, ExecutedStep { at: logged.at, step, contacts: Vec::new() }))
            }
            Event::ContactsRecorded { position, contacts, .. } => {
                let Some((_, step)) = found.iter_mut().find(|(seq, _)| seq == position) else {
                    continue;
                };
                for contact in contacts {
                    let same = |other: &&Contact| {
                        other.channel == contact.channel
                            && other.who.as_ref().map(|who| &who.id)
                                == contact.who.as_ref().map(|who| &who.id)
                    };
                    step.contacts.retain(|other| !same(other));
                    step.contacts.push(contact);
                }
            }
            _ => {}
        }
    }
    found.into_iter().map(|(_, step)| step).collect()
}
