//! The incident report on a decision without a timely answer: the request, each escalation step,
//! the people reached and not reached, and the outcome.
//!
//! Pure, and made from the log alone, so every statement can be checked there. Does not depend on
//! the place of posting.

use chrono_tz::Tz;

use super::Time;
use super::decision::Decision;
use super::event::{Event, Logged};
use super::ladder::{Came, Contact, Due, Stage};
use super::pace::Pace;
use super::text;

/// A reached escalation step with the known contacts: for each person and channel, the latest
/// outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Climbed<'a> {
    /// When the step was reached.
    pub at: Time,
    /// The step.
    pub rung: &'a Due,
    /// Outcomes of all contacts, successful or not.
    pub contacts: Vec<&'a Contact>,
}

impl Climbed<'_> {
    /// Whether any person was reached, or will be after a hold.
    #[must_use]
    pub fn reached_anybody(&self) -> bool {
        self.contacts
            .iter()
            .any(|contact| matches!(contact.came, Came::Reached | Came::Held { .. }))
    }
}

/// The report's file name.
#[must_use]
pub fn file_name(decision: &Decision) -> String {
    format!("incident-{}.md", decision.id.0)
}

/// Whether the report is due at log position `at`: the safe default was applied, or the first
/// overdue step was reached and does not apply the safe default.
#[must_use]
pub fn is_due(events: &[Logged], at: u64) -> bool {
    use super::decision::Via;
    let Some(now) = events.iter().find(|logged| logged.seq == at) else { return false };
    match &now.event {
        Event::Resolved { via: Via::SafeDefault, .. } => true,
        Event::Climbed { rung } if rung.stage == Stage::Overdue && !rung.default => {
            let before = this_ladder(events, at);
            !before
                .iter()
                .any(|logged| logged.seq < at && matches!(&logged.event, Event::Climbed { rung } if rung.stage == Stage::Overdue))
        }
        _ => false,
    }
}

/// The events of the ladder run up to position `at`.
fn this_ladder(events: &[Logged], at: u64) -> &[Logged] {
    let until = events.partition_point(|logged| logged.seq <= at);
    let anew = |logged: &Logged| {
        matches!(logged.event, Event::Asked { .. } | Event::Returned | Event::Undone { .. })
    };
    let from = events[..until].iter().rposition(anew).unwrap_or(0);
    &events[from..until]
}

/// The escalation steps of a ladder run, each with contacts.
fn rungs(events: &[Logged]) -> Vec<Climbed<'_>> {
    let mut found: Vec<(u64, Climbed<'_>)> = Vec::new();
    for logged in events {
        match &logged.event {
            Event::Climbed { rung } => {
                found.push((logged.seq, Climbed { at: logged.at, rung, contacts: Vec::new() }))
            }
            Event::Told { climb, contacts, .. } => {
                let Some((_, rung)) = found.iter_mut().find(|(seq, _)| seq == climb) else {
                    continue;
                };
                for contact in contacts {
                    let same = |other: &&Contact| {
                        other.way == contact.way
                            && other.who.as_ref().map(|who| &who.id)
                                == contact.who.as_ref().map(|who| &who.id)
                    };
                    rung.contacts.retain(|other| !same(other));
                    rung.contacts.push(contact);
                }
            }
            _ => {}
        }
    }
    found.into_iter().map(|(_, rung)| rung).collect()
}

/// The report in Markdown, as of log position `at`. `events` is the decision's own log, `zone` the
/// server's time zone.
#[must_use]
pub fn report(decision: &Decision, events: &[Logged], at: u64, pace: Pace, zone: Tz) -> String {
    let happened = this_ladder(events, at);
    let moment = |at: Time| {
        pace.wall_time(at).with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
    };
    text::incident(decision, happened, &rungs(happened), &moment)
}

#[cfg(test)]
mod tests;
