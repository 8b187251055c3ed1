//! A summary of an open decision: just enough to sort the list of waiting decisions and to find the
//! approvers.
//!
//! Ten thousand summaries are filtered and sorted in the time needed to read a hundred whole
//! decisions.

use std::cmp::Reverse;

use super::{Decision, DecisionId, Kind, Priority, Risk};
use crate::core::Time;

/// The summary of a waiting decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSummary {
    /// The decision's number.
    pub id: DecisionId,
    /// The project.
    pub project: String,
    /// The kind.
    pub kind: Kind,
    /// The effective risk.
    pub risk: Risk,
    /// The effective priority.
    pub priority: Priority,
    /// When the SLA is breached.
    pub breach_at: Time,
    /// Time of the first request.
    pub asked_at: Time,
    /// The requester's verified id, if known.
    pub asked_by: Option<String>,
}

impl PendingSummary {
    /// Sort key, most urgent first: breached, then priority, then soonest breach, then risk, then
    /// age.
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
    /// See [`PendingSummary::urgency`].
    #[must_use]
    pub fn urgency(&self, now: Time) -> impl Ord + use<> {
        PendingSummary::from(self).urgency(now)
    }
}

impl From<&Decision> for PendingSummary {
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
