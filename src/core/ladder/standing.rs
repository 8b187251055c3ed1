//! The escalation status of an unanswered decision, as reported to waiting callers.

use serde::Serialize;

use super::{Came, Contact, Stage, Way};
use crate::core::Time;
use crate::core::decision::{Decision, Pending, Person, Proposal, SafeDefault, State};
use crate::core::permission::WhoMay;

/// A step that has fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// The step's phase.
    pub stage: Stage,
    /// When the step fired.
    pub at: Time,
}

/// The next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Next {
    /// The step's phase.
    pub stage: Stage,
    /// When the step is due.
    pub at: Time,
    /// The channels to be used.
    pub by: Vec<Way>,
}

/// The effect of silence at the end of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InTheEnd {
    /// Approve or reject.
    pub default: SafeDefault,
    /// When the safe default applies, if every step fires on time.
    pub at: Time,
}

/// The escalation status of a pending decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// When the SLA is breached.
    pub deadline: Time,
    /// The highest step reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rung: Option<Reached>,
    /// The next step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// The people and roles that may answer.
    pub waits_for: WhoMay,
    /// The person who has taken the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<Person>,
    /// Proposed verdicts that await confirmation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
    /// Contacts of the current step that failed or were skipped because the person is away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<Contact>,
    /// The safe default and its time. Absent: the decision stays open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_the_end: Option<InTheEnd>,
}

impl Standing {
    /// The status of a decision; `None` if the decision is not pending.
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
