//! Where things stand while nobody has answered: what whoever waits is told.

use serde::Serialize;

use super::{Came, Contact, Stage, Way};
use crate::core::Time;
use crate::core::decision::{Decision, Pending, Person, Proposal, SafeDefault, State};
use crate::core::permission::WhoMay;

/// A rung that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// Its sort.
    pub stage: Stage,
    /// When it fired.
    pub at: Time,
}

/// The rung that comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Next {
    /// Its sort.
    pub stage: Stage,
    /// When it is due.
    pub at: Time,
    /// How people will be reached.
    pub by: Vec<Way>,
}

/// What silence means in the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InTheEnd {
    /// Yes or no.
    pub default: SafeDefault,
    /// When, if every rung fires in time.
    pub at: Time,
}

/// Where a decision stands that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// When its SLA is breached.
    pub deadline: Time,
    /// The highest rung so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rung: Option<Reached>,
    /// The next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// Who may answer.
    pub waits_for: WhoMay,
    /// Who said that they are on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<Person>,
    /// What people want decided, and are asked to confirm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
    /// Who could not be reached at this rung, or was away, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<Contact>,
    /// The safe default and its time; absent: it stays open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_the_end: Option<InTheEnd>,
}

impl Standing {
    /// Where a decision stands; `None` if it does not wait.
    #[must_use]
    pub fn of(decision: &Decision, waits_for: WhoMay) -> Option<Self> {
        let State::Pending(Pending { taken, proposals, .. }) = &decision.state else { return None };
        let missed =
            |contact: &&Contact| matches!(contact.came, Came::Failed { .. } | Came::Away { .. });
        Some(Self {
            deadline: decision.breach_at(),
            rung: decision.climb.as_ref().map(|climb| Reached { stage: climb.stage, at: climb.at }),
            next: decision.next_rung().map(|due| Next { stage: due.stage, at: due.at, by: due.by }),
            waits_for,
            taken_by: taken.as_ref().map(|taken| taken.by.clone()),
            proposals: proposals.clone(),
            unreachable: decision
                .climb
                .iter()
                .flat_map(|climb| climb.contacts.iter().filter(missed).cloned())
                .collect(),
            in_the_end: decision
                .default_at()
                .map(|at| InTheEnd { default: decision.default_that_holds(), at }),
        })
    }
}
