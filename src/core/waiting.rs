//! What is enough to know of a decision to put it in its place in the list of what waits, and to
//! know for whom it is.
//!
//! Ten thousand of these are filtered and sorted in the time in which a hundred whole decisions are
//! read.

use std::cmp::Reverse;

use super::Time;
use super::decision::{Decision, DecisionId, Kind, Priority, Risk};

/// A decision that waits, as far as its place in the list goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub id: DecisionId,
    /// Its project.
    pub project: String,
    /// What it is about.
    pub kind: Kind,
    /// The risk that counts.
    pub risk: Risk,
    /// How soon it is wanted.
    pub priority: Priority,
    /// When its SLA is breached.
    pub breach_at: Time,
    /// When it was first asked.
    pub asked_at: Time,
    /// The id of the person who asks, where it is one.
    pub asked_by: Option<String>,
}

impl Waiting {
    /// The order of urgency, most urgent first: breached, then priority, then soonest breach, then
    /// risk, then age.
    #[must_use]
    pub fn urgency(&self, now: Time) -> impl Ord + use<> {
        (
            self.breach_at > now,
            Reverse(self.priority),
            self.breach_at,
            Reverse(self.risk),
            self.asked_at,
            self.id,
        )
    }
}

impl Decision {
    /// As [`Waiting::urgency`].
    #[must_use]
    pub fn urgency(&self, now: Time) -> impl Ord + use<> {
        Waiting::from(self).urgency(now)
    }
}

impl From<&Decision> for Waiting {
    fn from(decision: &Decision) -> Self {
        let request = &decision.request;
        Self {
            id: decision.id,
            project: request.project.clone(),
            kind: request.kind.clone(),
            risk: decision.terms.risk,
            priority: decision.priority(),
            breach_at: decision.breach_at(),
            asked_at: decision.asked_at,
            asked_by: request.asked_by.as_ref().map(|person| person.id.clone()),
        }
    }
}
