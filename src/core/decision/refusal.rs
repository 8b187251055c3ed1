//! Reasons why a decision did not change.
//!
//! Each reason carries the data for its message; the wording for Discord is in `text`.

use super::{AnswerFormat, DecisionId, Expects, Person, Priority, Resolved, Revision, Risk};
use crate::core::Time;

/// Why a decision did not change. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The decision already has a verdict.
    #[error("it was already decided by {}", .0.by.name)]
    AlreadyResolved(Box<Resolved>),
    /// The requester withdrew the decision.
    #[error("the agent withdrew it ({reason})")]
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
    /// A question without an answer.
    #[error("{question:?} has no answer yet")]
    Unanswered {
        /// The question, in short.
        question: String,
    },
    /// An answer that does not fit its question.
    #[error("that does not answer {question:?}")]
    BadAnswer {
        /// The question, in short.
        question: String,
        /// What a text must be.
        format: AnswerFormat,
    },
    /// A rejection without a reason.
    #[error("a rejection needs a reason")]
    NoReason,
    /// An approval for the session, on a decision that does not offer session approval.
    #[error("it can be approved only once, not for a session")]
    NotForSession,
    /// An approval with a grant that the decision does not offer.
    #[error("it cannot be approved for so much, or for so long")]
    GrantNotOffered,
    /// An approval with a grant beyond the agent's session, given by token or only proposed.
    #[error(
        "an approval for longer than the session, or for more than the call, is given on Discord \
         or at the terminal"
    )]
    GrantNeedsPerson,
    /// An approval with a change that this call, or this way to decide, does not allow.
    #[error("its call cannot be approved with this change")]
    NotEditable,
    /// High or critical risk with a verdict given by token: such a verdict must be confirmed on
    /// Discord.
    #[error(
        "its risk is {risk}: over HTTP or through an agent, a verdict is only a proposal, to be \
         confirmed on Discord"
    )]
    NotDecidableRemotely {
        /// The decision's risk.
        risk: Risk,
    },
    /// The decision is deferred. A proposal would be discarded on the return.
    #[error("it is deferred until {until}: propose a verdict after that, or decide it on Discord")]
    CurrentlyDeferred {
        /// When the decision returns.
        until: Time,
    },
    /// Critical risk without the typed confirmation word.
    #[error("its risk is critical: to confirm, type {word}")]
    Unconfirmed {
        /// The confirmation word.
        word: String,
    },
    /// Several approvals are needed, and this person has already approved.
    #[error("you already approved it; it needs {} more", .more)]
    AlreadyVoted {
        /// How many further approvals are needed.
        more: u32,
    },
    /// A person has already taken the decision.
    #[error("{} is already on it", .by.name)]
    AlreadyTaken {
        /// The person.
        by: Person,
    },
    /// A person already set this priority.
    #[error("its priority is already {priority}, set by {}", .by.name)]
    AlreadyPrioritized {
        /// The person.
        by: Person,
        /// The priority.
        priority: Priority,
    },
    /// The decision cannot be assigned to a person who may not decide.
    #[error("{} may not decide it", .who.name)]
    AssigneeMayNotDecide {
        /// The person.
        who: Person,
    },
    /// The maximum number of deferrals is reached.
    #[error("it was already deferred {times} times, the maximum")]
    DeferredTooOften {
        /// The limit.
        times: u32,
    },
    /// The deferral would be too long.
    #[error("it can be deferred until {latest} at the latest")]
    DeferredTooLong {
        /// The latest allowed return.
        latest: Time,
    },
    /// The deferral would not end in the future.
    #[error("the time is already past")]
    NotInFuture,
    /// The decision is already deferred until exactly this time.
    #[error("it is already deferred until {until}")]
    AlreadyDeferred {
        /// When the decision returns.
        until: Time,
    },
    /// No verdict exists to claim, report on or undo.
    #[error("it has no verdict yet")]
    NotResolved,
    /// The agent has already claimed the verdict.
    #[error("the agent claimed the verdict at {at}: it can no longer be undone")]
    AlreadyClaimed {
        /// When.
        at: Time,
    },
    /// The agent was already started again with the verdict.
    #[error("the agent was already started again with the verdict at {at}")]
    AlreadyResumed {
        /// When.
        at: Time,
    },
    /// The period for undoing is over.
    #[error("it could be undone until {until}")]
    TooLateToUndo {
        /// The end of the period.
        until: Time,
    },
    /// The verdict gives no grant that could end.
    #[error("its verdict was for one call: there is nothing to end")]
    NoGrant,
    /// The grant has already ended.
    #[error("{} already ended its approval of later calls", .by.name)]
    GrantEnded {
        /// The person.
        by: Person,
        /// When.
        at: Time,
    },
    /// A person has handled this question before: it is not approved without people.
    #[error("people have handled this question before, as {earlier}: only people approve it")]
    Precedent {
        /// The earlier decision.
        earlier: DecisionId,
    },
    /// The question was asked again, and the newer decision is open.
    #[error("the agent has asked again as {again}, which is open: decide that one")]
    AskedAgain {
        /// The newer decision.
        again: DecisionId,
    },
    /// Only an automatic approval can be disagreed with.
    #[error("it was not approved automatically")]
    NotAutoApproved,
    /// A person has already disagreed.
    #[error("{} already disagreed", .by.name)]
    AlreadyDisagreed {
        /// The person.
        by: Person,
    },
    /// The decision is not deferred or not yet due to return; or no escalation step is due.
    #[error("it is not due yet")]
    NotDue,
}
