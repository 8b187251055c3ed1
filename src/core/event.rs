//! What happened to a decision, as the log keeps it for good.
//!
//! The log is the truth: an event once written is never changed, but for its long part
//! ([`super::content`]), which pruning removes. A hash chain runs over all of them, so that a
//! rewritten history shows. New variants may be added; the meaning of an old one never changes.

use serde::{Deserialize, Serialize};

use super::Time;
use super::decision::{
    DecisionId, Outcome, Person, Priority, Request, Revision, Terms, Verdict, Via,
};
use super::ladder::{Contact, Due};
use super::permission::Grounds;

/// One change of one decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An agent asked.
    Asked {
        /// What.
        request: Box<Request>,
        /// What policy made of it.
        terms: Terms,
    },
    /// The agent asked again, with another content: the next revision.
    Revised {
        /// The new content.
        request: Box<Request>,
        /// What policy made of that.
        terms: Terms,
    },
    /// The bot's own rules are stricter than those that it was asked under.
    Enforced {
        /// The terms that hold from now on.
        terms: Terms,
    },
    /// Put off.
    Deferred {
        /// When it comes back.
        until: Time,
        /// By whom.
        by: Person,
    },
    /// Came back from a deferral.
    Returned,
    /// Nobody has answered, and a rung of the ladder was due.
    Climbed {
        /// Which, and which others it passes over.
        #[serde(flatten)]
        rung: Due,
    },
    /// What came of the tries to reach people at a rung.
    Told {
        /// The log's position of the rung.
        climb: u64,
        /// Who was tried to be reached. The latest of one person and way counts.
        contacts: Vec<Contact>,
        /// Whether all of them were tried: then nobody reached means that the ladder is climbed on
        /// at once.
        complete: bool,
    },
    /// A person wants it decided, where that needs their own hand: they are asked to confirm it.
    Proposed {
        /// What they want.
        verdict: Verdict,
        /// Who.
        by: Person,
        /// Where they said so.
        via: Via,
        /// For which content.
        seen: Revision,
        /// Whether they wanted something else of this content before: then they were asked already.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// Approved by one of several who must.
    Voted {
        /// By whom.
        by: Person,
        /// Where.
        via: Via,
        /// What they said beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// What they were then. Absent: it was not written down yet.
        #[serde(default, skip_serializing_if = "Grounds::are_none")]
        grounds: Grounds,
    },
    /// The rules changed: these people may not decide it any more, and their approvals do not
    /// count.
    Lapsed {
        /// Whose approvals.
        of: Vec<Person>,
    },
    /// Somebody is on it.
    Taken {
        /// Who.
        by: Person,
        /// Who handed it to them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Person>,
    },
    /// A person said how soon it is wanted.
    Prioritized {
        /// So soon.
        priority: Priority,
        /// Who.
        by: Person,
    },
    /// Answered.
    Resolved {
        /// The answer.
        verdict: Verdict,
        /// By whom.
        by: Person,
        /// Where.
        via: Via,
        /// Where several approved: the ids of those whose approvals counted beside this one.
        /// Absent: all that were given.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        with: Vec<String>,
    },
    /// The verdict was taken back before the agent had taken it.
    Undone {
        /// By whom.
        by: Person,
    },
    /// A person disagrees with what was approved by itself.
    Disagreed {
        /// Who.
        by: Person,
        /// Whether the verdict is taken back by that: the agent had not taken it.
        undone: bool,
    },
    /// The asker no longer needs an answer.
    Withdrawn {
        /// Why.
        reason: String,
    },
    /// The agent took the verdict to act on it.
    Claimed,
    /// The agent said how it went.
    Reported {
        /// Whether it worked.
        outcome: Outcome,
        /// In its words. May be empty.
        text: String,
    },
    /// It was over for long, and its long part was removed.
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
            Self::Climbed { .. } => "climbed",
            Self::Told { .. } => "told",
            Self::Proposed { .. } => "proposed",
            Self::Voted { .. } => "voted",
            Self::Lapsed { .. } => "lapsed",
            Self::Taken { .. } => "taken",
            Self::Prioritized { .. } => "prioritized",
            Self::Undone { .. } => "undone",
            Self::Disagreed { .. } => "disagreed",
            Self::Resolved { .. } => "resolved",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Claimed => "claimed",
            Self::Reported { .. } => "reported",
            Self::Pruned => "pruned",
        }
    }
}

/// An event in its place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// Position, from 1, without gaps.
    pub seq: u64,
    /// When it was committed.
    pub at: Time,
    /// Which decision it changed.
    pub decision: DecisionId,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// SHA-256 in hexadecimal over the previous hash and this event: the chain. The long part
    /// counts by its digest, so that it holds without it.
    pub hash: String,
}
