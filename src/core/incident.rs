//! The report on a decision that nobody answered in time: asked, each rung, who was reached and who
//! was not, what was done.
//!
//! Pure, and made from the log alone: what it says can be read there again. Must not know where it
//! is posted.

use chrono_tz::Tz;

use super::Time;
use super::decision::Decision;
use super::event::{Event, Logged};
use super::ladder::{Came, Contact, Due, Stage};
use super::pace::Pace;
use super::text;

/// A rung that was climbed, and what is known of whom it reached. The latest word on each person
/// and way counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Climbed<'a> {
    /// When.
    pub at: Time,
    /// Which.
    pub rung: &'a Due,
    /// Whom it reached, and whom not.
    pub contacts: Vec<&'a Contact>,
}

impl Climbed<'_> {
    /// Whether anybody was reached, or will be.
    #[must_use]
    pub fn reached_anybody(&self) -> bool {
        self.contacts
            .iter()
            .any(|contact| matches!(contact.came, Came::Reached | Came::Held { .. }))
    }
}

/// The file's name.
#[must_use]
pub fn file_name(decision: &Decision) -> String {
    format!("incident-{}.md", decision.id.0)
}

/// Whether the log has come to where the report is due: the safe default was applied, or the last
/// call was reached on a ladder without one. Once for each ladder that is climbed.
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

/// What happened since the ladder that was climbed at this position had begun.
fn this_ladder(events: &[Logged], at: u64) -> &[Logged] {
    let until = events.partition_point(|logged| logged.seq <= at);
    let anew = |logged: &Logged| {
        matches!(logged.event, Event::Asked { .. } | Event::Returned | Event::Undone { .. })
    };
    let from = events[..until].iter().rposition(anew).unwrap_or(0);
    &events[from..until]
}

/// The rungs of that ladder, each with its contacts.
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

/// The report in Markdown, as of a position of the log. `events` is the decision's own log, `zone`
/// the server's.
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
