//! The escalation status of an unanswered decision, as reported to waiting callers.

use serde::Serialize;

use super::authorization::Approvers;
use super::{Decision, Pending, Person, Proposal, SafeDefault, State};
use crate::core::Time;
use crate::core::escalation::{Channel, Contact, ContactResult, Stage};

/// A step that has fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReachedStep {
    /// The step's phase.
    pub stage: Stage,
    /// When the step fired.
    pub at: Time,
}

/// The next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextStep {
    /// The step's phase.
    pub stage: Stage,
    /// When the step is due.
    pub at: Time,
    /// The channels to be used.
    pub by: Vec<Channel>,
}

/// The effect of silence at the end of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FinalOutcome {
    /// Approve or reject.
    pub default: SafeDefault,
    /// When the safe default applies, if every step fires on time.
    pub at: Time,
}

/// The escalation status of a pending decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// When the SLA is breached.
    pub deadline: Time,
    /// The highest step reached.
    #[serde(rename = "rung", skip_serializing_if = "Option::is_none")]
    pub step: Option<ReachedStep>,
    /// The next step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextStep>,
    /// The people and roles that may answer.
    pub waits_for: Approvers,
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
    pub in_the_end: Option<FinalOutcome>,
}

impl Progress {
    /// The status of a decision; `None` if the decision is not pending.
    #[must_use]
    pub fn of(decision: &Decision, waits_for: Approvers) -> Option<Self> {
        let State::Pending(Pending { taken, proposals, .. }) = &decision.state else { return None };
        let missed = |contact: &&Contact| {
            matches!(contact.result, ContactResult::Failed { .. } | ContactResult::Away { .. })
        };
        Some(Self {
            deadline: decision.breach_at(),
            step: decision
                .position
                .as_ref()
                .map(|position| ReachedStep { stage: position.stage, at: position.at }),
            next: decision.upcoming_step().map(|due| NextStep {
                stage: due.stage,
                at: due.at,
                by: due.by,
            }),
            waits_for,
            taken_by: taken.as_ref().map(|taken| taken.by.clone()),
            proposals: proposals.clone(),
            unreachable: decision
                .position
                .iter()
                .flat_map(|position| position.contacts.iter().filter(missed).cloned())
                .collect(),
            in_the_end: decision
                .default_at()
                .map(|at| FinalOutcome { default: decision.effective_default(), at }),
        })
    }
}
