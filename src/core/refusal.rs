//! Why a decision did not change.
//!
//! Each reason carries what is needed to say it; the words that people read on Discord are
//! `text`'s.

use super::Time;
use super::decision::{DecisionId, Expects, Person, Priority, Resolved, Revision, Risk};

/// Why a decision did not change. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Somebody was first.
    #[error("it is already decided, by {}", .0.by.name)]
    AlreadyResolved(Box<Resolved>),
    /// The asker took it back.
    #[error("the agent took it back ({reason})")]
    Withdrawn {
        /// Why.
        reason: String,
        /// When.
        at: Time,
    },
    /// The person saw an older revision than the one that stands.
    #[error("it changed since revision {} was seen", seen.0)]
    Outdated {
        /// What they saw.
        seen: Revision,
        /// What stands.
        current: Revision,
    },
    /// The verdict does not fit what is expected.
    #[error("it expects you to {expects}")]
    WrongAnswer {
        /// What would.
        expects: Expects,
    },
    /// The choice is none of those that are offered.
    #[error("it does not offer {option:?}")]
    NoSuchOption {
        /// What was chosen.
        option: String,
    },
    /// The answer is empty.
    #[error("the answer is empty")]
    NoAnswer,
    /// A rejection came without a reason.
    #[error("a rejection needs a reason")]
    NoReason,
    /// An approval for the session, where that is not offered.
    #[error("it cannot be approved for a session: approve it for this once")]
    NotForSession,
    /// High or critical risk, by a token: such a verdict needs a person's own hand.
    #[error(
        "its risk is {risk}: over HTTP and through an agent it can be proposed, and is confirmed on Discord"
    )]
    NotDecidedThere {
        /// Its risk.
        risk: Risk,
    },
    /// It is put off, and what is proposed meanwhile would be forgotten when it is back.
    #[error("it is put off until {until}: propose it when it is back, or decide it on Discord")]
    PutOff {
        /// When it comes back.
        until: Time,
    },
    /// Critical risk, and the word that confirms it was not typed.
    #[error("its risk is critical: it is confirmed by typing {word}")]
    Unconfirmed {
        /// The word.
        word: String,
    },
    /// Several must approve, and this person has.
    #[error("you approved it already; it needs {} more", .more)]
    AlreadyVoted {
        /// How many others are still needed.
        more: u32,
    },
    /// Somebody is on it already.
    #[error("{} is on it already", .by.name)]
    AlreadyTaken {
        /// Who.
        by: Person,
    },
    /// A person gave it this priority already.
    #[error("its priority is {priority} already: {} said so", .by.name)]
    AlreadyPrioritized {
        /// Who.
        by: Person,
        /// Which.
        priority: Priority,
    },
    /// It cannot be handed to somebody who may not decide it.
    #[error("{} may not decide it", .who.name)]
    NotTheirs {
        /// Who.
        who: Person,
    },
    /// It was put off as often as may be.
    #[error("it was put off {times} times, as often as may be")]
    DeferredTooOften {
        /// The limit.
        times: u32,
    },
    /// The return would be too far away.
    #[error("it can be put off until {latest} at the latest")]
    DeferredTooLong {
        /// The latest allowed return.
        latest: Time,
    },
    /// The return would not be in the future.
    #[error("the time is already past")]
    NotLater,
    /// It already waits for exactly that return.
    #[error("it is already put off until {until}")]
    AlreadyDeferred {
        /// When it comes back.
        until: Time,
    },
    /// There is no verdict to claim, report on or undo.
    #[error("it has no verdict yet")]
    NotResolved,
    /// The agent acts on the verdict already.
    #[error("the agent picked the verdict up at {at}: it cannot be undone any more")]
    AlreadyClaimed {
        /// When.
        at: Time,
    },
    /// The time in which it could be undone is over.
    #[error("it could be undone until {until}")]
    TooLateToUndo {
        /// When that was.
        until: Time,
    },
    /// The same question was asked again, and that one waits for an answer.
    #[error("the same was asked again as {again}, which is open: decide that one")]
    AskedAgain {
        /// The other decision.
        again: DecisionId,
    },
    /// Only what was approved by itself can be disagreed with.
    #[error("it was not approved by itself")]
    NotByItself,
    /// Somebody has disagreed already.
    #[error("{} has disagreed already", .by.name)]
    AlreadyDisagreed {
        /// Who.
        by: Person,
    },
    /// It is not deferred, or not yet due to come back.
    #[error("it is not due to come back")]
    NotDue,
}
