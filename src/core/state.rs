//! Where a decision stands, and the data that each state carries.
//!
//! Plain data: what may follow on what is `decision`'s.

use serde::{Deserialize, Serialize};

use super::Time;
use super::decision::{Outcome, Person, Revision};
use super::permission::Grounds;

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A person: a button, menu, form, command or message.
    Discord,
    /// A person: `gander approve` and its like.
    Terminal,
    /// A person: a call with a token of theirs.
    Http,
    /// A person: an agent of theirs, told to, with a token of theirs.
    Mcp,
    /// Nobody: policy lets what the agent is sure of pass ([`super::policy`]).
    Routing,
    /// Nobody: the time was over, and this is what was to hold then ([`super::ladder`]).
    SafeDefault,
}

impl Via {
    /// As it is stored.
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

    /// Whether it came with a token, which an agent may hold: no high risk is decided so.
    #[must_use]
    pub const fn is_remote(self) -> bool {
        matches!(self, Self::Http | Self::Mcp)
    }

    /// Whether a person gave it.
    #[must_use]
    pub const fn is_person(self) -> bool {
        matches!(self, Self::Discord | Self::Terminal | Self::Http | Self::Mcp)
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Yes.
    Approved {
        /// What the agent is told beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// Whether the same may be done again without asking, as long as the agent's session lasts
        /// ([`super::session`]).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        for_session: bool,
    },
    /// No, and why.
    Rejected {
        /// Never empty: an agent that is not told why tries again.
        reason: String,
    },
    /// One of the options.
    Chosen {
        /// The option's name.
        option: String,
    },
    /// A text.
    Answered {
        /// The answer.
        text: String,
    },
}

impl Verdict {
    /// Yes, without a note.
    #[must_use]
    pub const fn approved() -> Self {
        Self::noted(None)
    }

    /// Yes, this once, with a note.
    #[must_use]
    pub const fn noted(note: Option<String>) -> Self {
        Self::Approved { note, for_session: false }
    }

    /// Yes, for as long as the agent's session lasts.
    #[must_use]
    pub const fn for_session() -> Self {
        Self::Approved { note: None, for_session: true }
    }

    /// Whether it is a yes that lasts as long as the agent's session.
    #[must_use]
    pub const fn is_for_session(&self) -> bool {
        matches!(self, Self::Approved { for_session: true, .. })
    }

    /// The word for it: `approved`, `rejected`, `chosen`, `answered`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Chosen { .. } => "chosen",
            Self::Answered { .. } => "answered",
        }
    }
}

/// A verdict as somebody hands it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    /// The answer.
    pub verdict: Verdict,
    /// The word that they typed, where critical risk asks for one.
    pub confirmation: Option<String>,
}

impl From<Verdict> for Ballot {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, confirmation: None }
    }
}

/// An approval of several that are needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Whose.
    pub by: Person,
    /// When.
    pub at: Time,
    /// What they said beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What they were then, by which it is judged whether it still counts.
    #[serde(default, skip_serializing_if = "Grounds::are_none")]
    pub grounds: Grounds,
}

/// An approval that no longer counts: whoever gave it may not decide this any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lapsed {
    /// Whose.
    pub by: Person,
    /// Since when.
    pub at: Time,
}

/// Somebody said "I'm on it", or was handed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Who is on it.
    pub by: Person,
    /// Since when.
    pub at: Time,
    /// Who handed it to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Person>,
}

/// A verdict that was taken back before the agent had acted on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// Who took it back.
    pub by: Person,
    /// When.
    pub at: Time,
    /// What it was.
    pub verdict: Verdict,
    /// Whose it was.
    pub was_by: Person,
}

/// What a person wants decided, and has to confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Who.
    pub by: Person,
    /// Where they said so.
    pub via: Via,
    /// What.
    pub verdict: Verdict,
    /// When.
    pub at: Time,
    /// For which content.
    pub revision: Revision,
}

/// What is known of a decision that waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pending {
    /// Approvals so far, where several are needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    /// Who is on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// The verdict that it had and lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
    /// What people want decided and have not confirmed ([`super::proposal`]).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
}

/// How it went when the agent acted on the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// Whether it worked.
    pub outcome: Outcome,
    /// In the agent's words. May be empty.
    pub text: String,
    /// When.
    pub at: Time,
}

/// A verdict that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The answer.
    pub verdict: Verdict,
    /// Who gave it; where several were needed, the last of them.
    pub by: Person,
    /// Where.
    pub via: Via,
    /// When.
    pub at: Time,
    /// The approvals before the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    /// When the agent took it, to act on it.
    pub claimed_at: Option<Time>,
    /// What the agent said of how it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
}

/// Where a decision stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum State {
    /// Somebody owes it an answer.
    Pending(Pending),
    /// Put off; it comes back by itself.
    Deferred {
        /// When it comes back.
        until: Time,
        /// Who put it off.
        by: Person,
        /// When they did.
        at: Time,
        /// Approvals so far, where several are needed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        votes: Vec<Vote>,
    },
    /// Answered.
    Resolved(Resolved),
    /// The asker no longer needs an answer.
    Withdrawn {
        /// Why.
        reason: String,
        /// When.
        at: Time,
    },
}

impl State {
    /// The word for the state: `pending`, `deferred`, `resolved`, `withdrawn`.
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

    /// When it was answered or withdrawn.
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

    pub(super) const fn open_votes_mut(&mut self) -> Option<&mut Vec<Vote>> {
        match self {
            Self::Pending(Pending { votes, .. }) | Self::Deferred { votes, .. } => Some(votes),
            Self::Resolved(_) | Self::Withdrawn { .. } => None,
        }
    }
}
