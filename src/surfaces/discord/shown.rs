//! What each person was shown, and at which revision.
//!
//! Words like "approve 142" name no revision, so they decide only what their writer has seen. Kept in memory: what is
//! forgotten with a restart costs a click on the card, never a verdict.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serenity::all::UserId;

use crate::core::decision::{Decision, DecisionId, Revision};

/// People that are remembered, and decisions of each.
const MOST_PEOPLE: usize = 1_000;
const MOST_DECISIONS: usize = 500;

/// What people were shown.
#[derive(Debug, Default)]
pub(super) struct Shown(Mutex<HashMap<UserId, HashMap<DecisionId, Revision>>>);

impl Shown {
    /// Somebody sees these, as they stand.
    pub(super) fn record<'a>(&self, to: UserId, decisions: impl IntoIterator<Item = &'a Decision>) {
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= MOST_PEOPLE && !people.contains_key(&to) {
            people.clear();
        }
        let seen = people.entry(to).or_default();
        if seen.len() >= MOST_DECISIONS {
            seen.clear();
        }
        seen.extend(decisions.into_iter().map(|decision| (decision.id, decision.revision)));
    }

    /// The revision that somebody was shown last.
    pub(super) fn revision(&self, to: UserId, id: DecisionId) -> Option<Revision> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&to)?.get(&id).copied()
    }
}
