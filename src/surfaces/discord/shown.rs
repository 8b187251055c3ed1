//! What each person was shown, and at which revision.
//!
//! Words like "approve 142" name no revision, so they decide only what their writer has seen. Kept
//! in memory: what is forgotten with a restart costs a click on the card, never a verdict.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serenity::all::UserId;
use tokio::time::Instant;

use super::talk::Place;
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Revision};
use crate::core::guard::{Doubt, Guard, Habits};

/// People that are remembered, and decisions of each.
const MOST_PEOPLE: usize = 1_000;
const MOST_DECISIONS: usize = 500;
/// Messages of one person that are answered in a minute: more than anybody types.
const MOST_A_MINUTE: u32 = 30;
const MINUTE: Duration = Duration::from_secs(60);

/// What one person was shown.
#[derive(Debug, Default)]
struct Seen {
    revisions: HashMap<DecisionId, Revision>,
    /// Where they are in the list that they asked for last.
    place: Option<Place>,
    /// When the minute began in which their messages are counted, and how many there were.
    said: Option<(Instant, u32)>,
    /// How they approve.
    habits: Habits,
}

/// What people were shown.
#[derive(Debug, Default)]
pub(super) struct Shown(Mutex<HashMap<UserId, Seen>>);

impl Shown {
    /// Somebody sees these, as they stand.
    pub(super) fn record<'a>(&self, to: UserId, decisions: impl IntoIterator<Item = &'a Decision>) {
        self.with(to, |seen| {
            if seen.revisions.len() >= MOST_DECISIONS {
                seen.revisions.clear();
            }
            seen.revisions
                .extend(decisions.into_iter().map(|decision| (decision.id, decision.revision)));
        });
    }

    /// Somebody opened this one, for themselves.
    pub(super) fn opened(&self, by: UserId, id: DecisionId, at: Time) {
        self.with(by, |seen| seen.habits.open(id, at));
    }

    /// Why somebody is asked once more before they approve this one, if they are. Times are the
    /// wall clock's.
    pub(super) fn doubt(
        &self,
        of: UserId,
        guard: Guard,
        decision: &Decision,
        now: Time,
    ) -> Option<Doubt> {
        self.with(of, |seen| seen.habits.doubt(guard, decision, now))
    }

    /// Somebody approved one. `sure`: after they were asked once more.
    pub(super) fn approved(&self, by: UserId, sure: bool) {
        self.with(by, |seen| if sure { seen.habits.be_sure() } else { seen.habits.approve() });
    }

    fn with<T>(&self, person: UserId, change: impl FnOnce(&mut Seen) -> T) -> T {
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= MOST_PEOPLE && !people.contains_key(&person) {
            people.clear();
        }
        change(people.entry(person).or_default())
    }

    /// Whether one more message of theirs is answered. Each takes a look at all that is open, and
    /// an answer in the channel.
    pub(super) fn hears(&self, person: UserId) -> bool {
        self.with(person, |seen| {
            let (since, count) = seen
                .said
                .filter(|(since, _)| since.elapsed() < MINUTE)
                .unwrap_or((Instant::now(), 0));
            seen.said = Some((since, count + 1));
            count < MOST_A_MINUTE
        })
    }

    /// Remembers where they are in a list.
    pub(super) fn put_place(&self, person: UserId, place: Place) {
        self.with(person, |seen| seen.place = Some(place));
    }

    /// Where they are in the list that they asked for last.
    pub(super) fn place(&self, person: UserId) -> Option<Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&person)?.place.clone()
    }

    /// The revision that somebody was shown last.
    pub(super) fn revision(&self, to: UserId, id: DecisionId) -> Option<Revision> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&to)?.revisions.get(&id).copied()
    }
}
