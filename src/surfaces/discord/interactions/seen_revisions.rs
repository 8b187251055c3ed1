//! Remembers which revision of each decision a person has seen.
//!
//! A message like "approve 142" names no revision, so the verdict holds only for a revision that
//! the person has seen. Kept in memory: after a restart a person needs an extra click on the card,
//! and no verdict is lost.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serenity::all::UserId;
use tokio::time::Instant;

use super::chat::ChatPosition;
use crate::core::decision::{Decision, DecisionId, Revision};
use crate::core::policy::approval_guard::Habits;

/// Maximum people remembered, and maximum decisions per person.
const MOST_PEOPLE: usize = 1_000;
const MOST_DECISIONS: usize = 500;
/// Messages of a person answered per minute: more than a person can type.
const MOST_A_MINUTE: u32 = 30;
const MINUTE: Duration = Duration::from_secs(60);

/// What is remembered about a person.
#[derive(Debug, Default)]
struct Seen {
    revisions: HashMap<DecisionId, Revision>,
    /// The position in the list requested last.
    place: Option<ChatPosition>,
    /// Start of the current minute, and the number of messages since.
    said: Option<(Instant, u32)>,
    /// Recent approval behaviour.
    habits: Habits,
}

/// Seen revisions by person.
#[derive(Debug, Default)]
pub(crate) struct Shown(Mutex<HashMap<UserId, Seen>>);

impl Shown {
    /// Records that a person sees these decisions at their current revisions.
    pub(crate) fn record<'a>(&self, to: UserId, decisions: impl IntoIterator<Item = &'a Decision>) {
        self.with(to, |seen| {
            if seen.revisions.len() >= MOST_DECISIONS {
                seen.revisions.clear();
            }
            seen.revisions
                .extend(decisions.into_iter().map(|decision| (decision.id, decision.revision)));
        });
    }

    /// Reads or changes a person's recent approval behaviour. Times are wall-clock times.
    pub(crate) fn habits<T>(&self, of: UserId, act: impl FnOnce(&mut Habits) -> T) -> T {
        self.with(of, |seen| act(&mut seen.habits))
    }

    fn with<T>(&self, person: UserId, change: impl FnOnce(&mut Seen) -> T) -> T {
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= MOST_PEOPLE && !people.contains_key(&person) {
            people.clear();
        }
        change(people.entry(person).or_default())
    }

    /// Counts a message, and returns whether to answer. An answer costs a search through all open
    /// decisions and a message in the channel.
    pub(crate) fn may_answer(&self, person: UserId) -> bool {
        self.with(person, |seen| {
            let (since, count) = seen
                .said
                .filter(|(since, _)| since.elapsed() < MINUTE)
                .unwrap_or((Instant::now(), 0));
            seen.said = Some((since, count + 1));
            count < MOST_A_MINUTE
        })
    }

    /// Remembers a person's position in a list.
    pub(crate) fn set_list_position(&self, person: UserId, place: ChatPosition) {
        self.with(person, |seen| seen.place = Some(place));
    }

    /// The position in the list requested last.
    pub(crate) fn place(&self, person: UserId) -> Option<ChatPosition> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&person)?.place.clone()
    }

    /// The revision that the person saw last.
    pub(crate) fn revision(&self, to: UserId, id: DecisionId) -> Option<Revision> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&to)?.revisions.get(&id).copied()
    }
}
