//! The events of a decision, as the log stores them permanently.
//!
//! The log is the truth. A written event never changes, except that pruning removes the long
//! content ([`super::content`]). A hash chain over all events reveals a rewritten history. New
//! variants may be added; the meaning of an existing variant never changes.

use serde::{Deserialize, Serialize};

use super::authorization::Grounds;
use super::grant::{GrantEndReason, UsedCall};
use super::resumption::ResumeEnd;
use super::script::Attested;
use super::{
    AgentCall, DecisionId, DeskOutcome, Outcome, OwnPrompt, Person, Priority, Request, Revision,
    Terms, Verdict, Via,
};
use crate::core::Time;
use crate::core::escalation::{Contact, DueStep};

/// One change of one decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An agent asked.
    Asked {
        /// The content.
        request: Box<Request>,
        /// The terms that policy set for the request.
        terms: Terms,
    },
    /// The agent asked again with different content: a new revision.
    Revised {
        /// The new content.
        request: Box<Request>,
        /// The terms that policy set for the new content.
        terms: Terms,
    },
    /// The bot's own rules are stricter than the terms under which the decision was filed.
    Enforced {
        /// The terms from now on.
        terms: Terms,
    },
    /// A person deferred the decision.
    Deferred {
        /// When the decision returns.
        until: Time,
        /// The person.
        by: Person,
    },
    /// The decision returned from a deferral.
    Returned,
    /// An escalation step fired because the decision has no answer.
    #[serde(rename = "climbed")]
    StepFired {
        /// The step, and the lower steps that were skipped.
        #[serde(flatten)]
        step: DueStep,
    },
    /// The results of contacting people at an escalation step.
    #[serde(rename = "told")]
    ContactsRecorded {
        /// The log position of the step's `StepFired` event.
        #[serde(rename = "climb")]
        position: u64,
        /// The contacts. The latest entry for the same person and channel counts.
        contacts: Vec<Contact>,
        /// Whether every contact of the step was attempted. If so and no person was reached, the
        /// next step follows at once.
        complete: bool,
    },
    /// A person proposed a verdict on a surface where the decision cannot be made; the person is
    /// asked to confirm the proposal.
    Proposed {
        /// The proposed verdict.
        verdict: Verdict,
        /// The person.
        by: Person,
        /// The surface of the proposal.
        via: Via,
        /// The revision that the person saw.
        seen: Revision,
        /// Whether this replaces the person's earlier proposal for the same revision. A
        /// confirmation was then already requested.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// One of several required approvals.
    Voted {
        /// The approver.
        by: Person,
        /// The surface of the approval.
        via: Via,
        /// A note to the agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// The approver's roles and ownership at the time. Absent in events from before these were
        /// recorded.
        #[serde(default, skip_serializing_if = "Grounds::are_none")]
        grounds: Grounds,
    },
    /// The rules changed: these people may no longer decide, and their approvals do not count.
    Lapsed {
        /// The people.
        of: Vec<Person>,
    },
    /// A person took responsibility for the decision.
    Taken {
        /// The person now responsible.
        by: Person,
        /// The person who assigned the decision. Absent: `by` took it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Person>,
    },
    /// A person set the priority.
    Prioritized {
        /// The priority.
        priority: Priority,
        /// The person.
        by: Person,
    },
    /// The decision has a verdict.
    Resolved {
        /// The verdict.
        verdict: Verdict,
        /// The author of the verdict.
        by: Person,
        /// The origin of the verdict.
        via: Via,
        /// Where several people approved: the ids of the earlier approvers whose votes counted.
        /// Absent: all recorded votes counted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        with: Vec<String>,
        /// For a grant: the giver's roles and ownership at the time, by which the grant is judged
        /// at each use.
        #[serde(default, skip_serializing_if = "Grounds::are_none")]
        grounds: Grounds,
        /// For a tool call: the rules that judged the call, and the call. Absent in events from
        /// before these were recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attested: Option<Attested>,
    },
    /// A grant let a call through without a question.
    GrantUsed {
        /// The call. Absent: the exact call that was shown, in the same session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<Box<UsedCall>>,
    },
    /// A grant ended: the next call asks again.
    GrantEnded {
        /// The person; Gander, if no person ended the grant.
        by: Person,
        /// Why the grant ended without a person. Absent: the rules no longer allow the grant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<GrantEndReason>,
    },
    /// The verdict was undone before the agent claimed it.
    Undone {
        /// The person.
        by: Person,
    },
    /// A person disagrees with an automatic approval.
    Disagreed {
        /// The person.
        by: Person,
        /// Whether the verdict is undone as well. A claimed verdict stands.
        undone: bool,
    },
    /// A person is at the desk: the agent's own prompt asks, and people elsewhere are not pinged.
    #[serde(rename = "at_desk")]
    AskedAtDesk {
        /// The agent's prompt.
        prompt: OwnPrompt,
        /// The call.
        #[serde(flatten)]
        call: AgentCall,
        /// When people are asked elsewhere.
        until: Time,
    },
    /// The desk was left, or nobody answered there in time: people are asked elsewhere.
    LeftDesk,
    /// The agent's own prompt ended. Not a verdict: the answer itself is not known.
    EndedAtDesk {
        /// What the agent reported.
        outcome: DeskOutcome,
    },
    /// The requester no longer needs an answer.
    Withdrawn {
        /// The reason.
        reason: String,
    },
    /// The agent claimed the verdict.
    Claimed,
    /// The agent had ended, and is about to be started again with the verdict. Recorded before the
    /// process is started, at most once.
    ResumeStarted,
    /// How the resumption ended.
    ResumeEnded {
        /// How.
        #[serde(flatten)]
        how: ResumeEnd,
    },
    /// The agent reported the outcome.
    Reported {
        /// Whether the action succeeded.
        outcome: Outcome,
        /// The agent's own words. May be empty.
        text: String,
    },
    /// Long after the decision ended, its long content was removed.
    Pruned,
}

impl Event {
    /// The event's name: `asked`, `resolved` …
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Asked { .. } => "asked",
            Self::Revised { .. } => "revised",
            Self::Enforced { .. } => "enforced",
            Self::Deferred { .. } => "deferred",
            Self::Returned => "returned",
            Self::StepFired { .. } => "climbed",
            Self::ContactsRecorded { .. } => "told",
            Self::Proposed { .. } => "proposed",
            Self::Voted { .. } => "voted",
            Self::Lapsed { .. } => "lapsed",
            Self::Taken { .. } => "taken",
            Self::Prioritized { .. } => "prioritized",
            Self::Undone { .. } => "undone",
            Self::Disagreed { .. } => "disagreed",
            Self::Resolved { .. } => "resolved",
            Self::GrantUsed { .. } => "grant_used",
            Self::GrantEnded { .. } => "grant_ended",
            Self::AskedAtDesk { .. } => "at_desk",
            Self::LeftDesk => "left_desk",
            Self::EndedAtDesk { .. } => "ended_at_desk",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Claimed => "claimed",
            Self::ResumeStarted => "resume_started",
            Self::ResumeEnded { .. } => "resume_ended",
            Self::Reported { .. } => "reported",
            Self::Pruned => "pruned",
        }
    }

    /// Whether the event is progress on the escalation ladder, which leaves the question, its state
    /// and its answer as they are.
    #[must_use]
    pub const fn is_progress(&self) -> bool {
        matches!(self, Self::StepFired { .. } | Self::ContactsRecorded { .. })
    }
}

/// An event at its position in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// Position, from 1, without gaps.
    pub seq: u64,
    /// Time of the commit.
    pub at: Time,
    /// The decision that the event changed.
    pub decision: DecisionId,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// SHA-256 in hexadecimal over the previous hash and this event, forming the chain. Long
    /// content enters by its digest, so pruning keeps the chain valid.
    pub hash: String,
}
