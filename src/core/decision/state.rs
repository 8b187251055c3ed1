//! The states of a decision, and the data of each state.
//!
//! Plain data: the transitions are in `decision`.

use serde::{Deserialize, Serialize};

use super::authorization::Grounds;
use super::grant::GrantUse;
use super::grant_terms::GrantTerms;
use super::resumption::Resumed;
use super::script::Attested;
use super::{Answer, Approval, Outcome, Person, Revision};
use crate::core::Time;

/// The origin of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A person on Discord: a button, menu, form, command or message.
    Discord,
    /// A person at a terminal: `gander approve` and similar commands.
    Terminal,
    /// A person calling the HTTP API with a personal token.
    Http,
    /// A person, through an agent that was told the verdict and holds the person's token.
    Mcp,
    /// Automatic approval of a confident agent's request, as allowed by policy
    /// ([`crate::core::policy::rules`]).
    Routing,
    /// The safe default, after the time to answer had passed ([`crate::core::escalation`]).
    SafeDefault,
}

impl Via {
    /// The stored name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Discord => "discord",
            Self::Terminal => "terminal",
            Self::Http => "http",
            Self::Mcp => "mcp",
            Self::Routing => "routing",
            Self::SafeDefault => "safe_default",
        }
    }

    /// Whether the verdict came with a token, which an agent may hold. High risk cannot be decided
    /// this way.
    #[must_use]
    pub const fn is_remote(self) -> bool {
        matches!(self, Self::Http | Self::Mcp)
    }

    /// Whether a person gave the verdict.
    #[must_use]
    pub const fn is_person(self) -> bool {
        matches!(self, Self::Discord | Self::Terminal | Self::Http | Self::Mcp)
    }
}

/// The answer to a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Yes.
    Approved(Approval),
    /// No, with a reason.
    Rejected {
        /// Never empty: an agent without a reason tries again.
        reason: String,
    },
    /// One of the options.
    Chosen {
        /// The option's name.
        option: String,
    },
    /// An answer: a text, or one to each of the request's questions.
    Answered {
        /// The text. Empty beside `answers`.
        text: String,
        /// The answers to the questions.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        answers: Vec<Answer>,
    },
}

impl Verdict {
    /// Approved once, without a note.
    #[must_use]
    pub const fn approved() -> Self {
        Self::noted(None)
    }

    /// Approved once, with an optional note.
    #[must_use]
    pub const fn noted(note: Option<String>) -> Self {
        Self::Approved(Approval { note, grant: None, input: None, risk: None })
    }

    /// Answered with a text.
    #[must_use]
    pub const fn answered(text: String) -> Self {
        Self::Answered { text, answers: Vec::new() }
    }

    /// Approved for the rest of the agent's session.
    #[must_use]
    pub const fn for_session() -> Self {
        Self::granting(GrantTerms::SESSION)
    }

    /// Approved, for later calls as well.
    #[must_use]
    pub const fn granting(terms: GrantTerms) -> Self {
        Self::Approved(Approval { note: None, grant: Some(terms), input: None, risk: None })
    }

    /// The grant that the verdict gives.
    #[must_use]
    pub const fn grant(&self) -> Option<&GrantTerms> {
        match self {
            Self::Approved(approval) => approval.grant.as_ref(),
            Self::Rejected { .. } | Self::Chosen { .. } | Self::Answered { .. } => None,
        }
    }

    /// The approval with changed arguments of the call.
    #[must_use]
    pub const fn change(&self) -> Option<&Approval> {
        match self {
            Self::Approved(approval) if approval.input.is_some() => Some(approval),
            _ => None,
        }
    }

    /// The verdict's name: `approved`, `rejected`, `chosen`, `answered`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Approved(_) => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Chosen { .. } => "chosen",
            Self::Answered { .. } => "answered",
        }
    }
}

/// A verdict as submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    /// The verdict.
    pub verdict: Verdict,
    /// The typed confirmation word, required at critical risk.
    pub confirmation: Option<String>,
}

impl From<Verdict> for Ballot {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, confirmation: None }
    }
}

/// One of several required approvals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The approver.
    pub by: Person,
    /// Time of the approval.
    pub at: Time,
    /// A note to the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The approver's roles and ownership at the time, used to judge whether the vote still counts.
    #[serde(default, skip_serializing_if = "Grounds::are_none")]
    pub grounds: Grounds,
}

/// An approval that no longer counts: the approver may no longer decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lapsed {
    /// The former approver.
    pub by: Person,
    /// Time of the lapse.
    pub at: Time,
}

/// The assignment of a decision: a person said "I'm on it", or was assigned by another person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The person responsible.
    pub by: Person,
    /// Start of the assignment.
    pub at: Time,
    /// The person who assigned the decision. Absent: `by` took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Person>,
}

/// A verdict undone before the agent claimed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// The person who undid the verdict.
    pub by: Person,
    /// When.
    pub at: Time,
    /// The former verdict.
    pub verdict: Verdict,
    /// The author of the former verdict.
    pub was_by: Person,
    /// For a grant: the number of calls that it had let through.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uses: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A verdict proposed by a person, still to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The person.
    pub by: Person,
    /// The surface of the proposal.
    pub via: Via,
    /// The proposed verdict.
    pub verdict: Verdict,
    /// When.
    pub at: Time,
    /// The revision that the person saw.
    pub revision: Revision,
}

/// The data of a pending decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pending {
    /// Approvals so far, where several are needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    /// The current assignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// The verdict that was undone last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
    /// Unconfirmed proposals ([`super::proposal`]).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
}

/// The outcome reported by the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// Whether the action succeeded.
    pub outcome: Outcome,
    /// The agent's own words. May be empty.
    pub text: String,
    /// Time of the report.
    pub at: Time,
}

/// The current verdict with its circumstances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The verdict.
    pub verdict: Verdict,
    /// The author; where several approvals were needed, the last approver.
    pub by: Person,
    /// The origin of the verdict.
    pub via: Via,
    /// Time of the verdict.
    pub at: Time,
    /// The approvals before the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    /// When the agent claimed the verdict in order to act on it.
    pub claimed_at: Option<Time>,
    /// The outcome reported by the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
    /// For a grant: the giver's roles and ownership at the time.
    #[serde(default, skip_serializing_if = "Grounds::are_none")]
    pub grounds: Grounds,
    /// Use and end of a grant ([`super::grant`]).
    #[serde(default, skip_serializing_if = "GrantUse::is_untouched")]
    pub grant: GrantUse,
    /// For a tool call: the rules that judged the call, and the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attested: Option<Attested>,
    /// The agent had ended, and was started again with the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<Resumed>,
}

/// The state of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum State {
    /// Waits for an answer.
    Pending(Pending),
    /// Deferred; returns by itself.
    Deferred {
        /// When the decision returns.
        until: Time,
        /// The person who deferred the decision.
        by: Person,
        /// When the decision was deferred.
        at: Time,
        /// Approvals so far, where several are needed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        votes: Vec<Vote>,
    },
    /// Has a verdict.
    Resolved(Resolved),
    /// The requester no longer needs an answer.
    Withdrawn {
        /// The reason.
        reason: String,
        /// When.
        at: Time,
    },
}

impl State {
    /// The state's name: `pending`, `deferred`, `resolved`, `withdrawn`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pending(_) => "pending",
            Self::Deferred { .. } => "deferred",
            Self::Resolved(_) => "resolved",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    /// Whether an answer is still possible.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Pending(_) | Self::Deferred { .. })
    }

    /// When the decision was resolved or withdrawn.
    #[must_use]
    pub const fn over_at(&self) -> Option<Time> {
        match self {
            Self::Pending(_) | Self::Deferred { .. } => None,
            Self::Resolved(resolved) => Some(resolved.at),
            Self::Withdrawn { at, .. } => Some(*at),
        }
    }

    /// The approvals so far, where several are needed.
    #[must_use]
    pub fn votes(&self) -> &[Vote] {
        match self {
            Self::Pending(Pending { votes, .. }) | Self::Deferred { votes, .. } => votes,
            Self::Resolved(resolved) => &resolved.votes,
            Self::Withdrawn { .. } => &[],
        }
    }

    pub(crate) const fn open_votes_mut(&mut self) -> Option<&mut Vec<Vote>> {
        match self {
            Self::Pending(Pending { votes, .. }) | Self::Deferred { votes, .. } => Some(votes),
            Self::Resolved(_) | Self::Withdrawn { .. } => None,
        }
    }
}
