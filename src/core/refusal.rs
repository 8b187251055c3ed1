//! Reasons why a decision did not change.
//!
//! Each reason carries the data for its message; the wording for Discord is in `text`.

use super::Time;
use super::decision::{DecisionId, Expects, Person, Priority, Resolved, Revision, Risk};

/// Why a decision did not change. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The decision already has a verdict.
    #[error("it is already decided, by {}", .0.by.name)]
    AlreadyResolved(Box<Resolved>),
    /// The requester withdrew the decision.
    #[error("the agent took it back ({reason})")]
    Withdrawn {
        /// The reason given.
        reason: String,
        /// When.
        at: Time,
    },
    /// The person saw an older revision than the current revision.
    #[error("it changed since revision {} was seen", seen.0)]
    Outdated {
        /// The revision that the person saw.
        seen: Revision,
        /// The current revision.
        current: Revision,
    },
    /// The verdict is not of the expected kind.
    #[error("it expects you to {expects}")]
    WrongAnswer {
        /// The expected kind.
        expects: Expects,
    },
    /// The chosen option is not offered.
    #[error("it does not offer {option:?}")]
    NoSuchOption {
        /// The chosen option.
        option: String,
    },
    /// The answer is empty.
    #[error("the answer is empty")]
    NoAnswer,
    /// A rejection without a reason.
    #[error("a rejection needs a reason")]
    NoReason,
    /// An approval for the session, on a decision that does not offer session approval.
    #[error("it cannot be approved for a session: approve it for this once")]
    NotForSession,
    /// High or critical risk with a verdict given by token: such a verdict must be confirmed on
    /// Discord.
    #[error(
        "its risk is {risk}: over HTTP and through an agent it can be proposed, and is confirmed on Discord"
    )]
    NotDecidedThere {
        /// The decision's risk.
        risk: Risk,
    },
    /// The decision is deferred. A proposal would be discarded on the return.
    #[error("it is put off until {until}: propose it when it is back, or decide it on Discord")]
    PutOff {
        /// When the decision returns.
        until: Time,
    },
    /// Critical risk without the typed confirmation word.
    #[error("its risk is critical: it is confirmed by typing {word}")]
    Unconfirmed {
        /// The confirmation word.
        word: String,
    },
    /// Several approvals are needed, and this person has already approved.
    #[error("you approved it already; it needs {} more", .more)]
    AlreadyVoted {
        /// How many further approvals are needed.
        more: u32,
    },
    /// A person has already taken the decision.
    #[error("{} is on it already", .by.name)]
    AlreadyTaken {
        /// The person.
        by: Person,
    },
    /// A person already set this priority.
    #[error("its priority is {priority} already: {} said so", .by.name)]
    AlreadyPrioritized {
        /// The person.
        by: Person,
        /// The priority.
        priority: Priority,
    },
    /// The decision cannot be assigned to a person who may not decide.
    #[error("{} may not decide it", .who.name)]
    NotTheirs {
        /// The person.
        who: Person,
    },
    /// The maximum number of deferrals is reached.
    #[error("it was put off {times} times, as often as may be")]
    DeferredTooOften {
        /// The limit.
        times: u32,
    },
    /// The deferral would be too long.
    #[error("it can be put off until {latest} at the latest")]
    DeferredTooLong {
        /// The latest allowed return.
        latest: Time,
    },
    /// The deferral would not end in the future.
    #[error("the time is already past")]
    NotLater,
    /// The decision is already deferred until exactly this time.
    #[error("it is already put off until {until}")]
    AlreadyDeferred {
        /// When the decision returns.
        until: Time,
    },
    /// No verdict exists to claim, report on or undo.
    #[error("it has no verdict yet")]
    NotResolved,
    /// The agent has already claimed the verdict.
    #[error("the agent picked the verdict up at {at}: it cannot be undone any more")]
    AlreadyClaimed {
        /// When.
        at: Time,
    },
    /// The period for undoing is over.
    #[error("it could be undone until {until}")]
    TooLateToUndo {
        /// The end of the period.
        until: Time,
    },
    /// The question was asked again, and the newer decision is open.
    #[error("the same was asked again as {again}, which is open: decide that one")]
    AskedAgain {
        /// The newer decision.
        again: DecisionId,
    },
    /// Only an automatic approval can be disagreed with.
    #[error("it was not approved by itself")]
    NotByItself,
    /// A person has already disagreed.
    #[error("{} has disagreed already", .by.name)]
    AlreadyDisagreed {
        /// The person.
        by: Person,
    },
    /// The decision is not deferred or not yet due to return; or no escalation step is due.
    #[error("it is not due to come back")]
    NotDue,
}
