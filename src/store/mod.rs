//! Storage of decisions: the [`Store`] in a SQLite file, the only place with SQL.
//!
//! The store has one accessor per context ([`Store::decisions`], [`Store::messages`] …). A second
//! engine would replace the accessors, and pass the suite in `tests/store/store_suite.rs`.
//!
//! Each change is one transaction: the event, the resulting state and the decision's next wake
//! time. The methods block; the engine calls them from its blocking threads. Does not depend on
//! surfaces, sources or a clock: callers pass the time.

pub mod chain;
pub mod files;
mod jobs;
mod messages;
pub mod poke;
mod reminders;
mod resumptions;
pub mod sqlite;
mod tokens;

use serde::{Deserialize, Serialize};

use crate::core::access::Visibility;
use crate::core::decision::authorization::Denied;
use crate::core::decision::event::Event;
use crate::core::decision::pending_summary::PendingSummary;
use crate::core::decision::{Decision, DecisionId, Kind, Refused, Risk};
use crate::core::jobs::{HaltRefused, InvalidJob, JobId};
use crate::core::policy::ask_limits::{Addition, AskLimitReached};

use self::chain::{ChainSummary, Fault};
pub use self::jobs::{
    AskAboutJob, ChangedJob, DecideJob, EnqueuedJob, HaltOutcome, JobFilter, JobWords,
    LeaseRequest, LogPage, QueueCounts, StandingHalt, Sweep, UnchangedJob,
};
pub use self::messages::{NewCard, NewMessage, PlanBatches};
pub use self::reminders::{ListUpdate, ReminderStatus, ReminderUpdate};
pub use self::resumptions::{ParkedAgent, ResumeStart};
pub use self::sqlite::Store;
pub use self::tokens::{IdempotencyKey, KeyedAsk, NewToken, StoredToken};
pub(crate) use crate::core::hex;

/// Outcome of filing a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// A new decision.
    New(Decision),
    /// An open decision with this key and equal content already exists.
    Same(Decision),
    /// An open decision with this key already exists; the new content raised the revision.
    Revised(Decision),
}

impl Asked {
    /// The decision, in each case.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        match self {
            Self::New(decision) | Self::Same(decision) | Self::Revised(decision) => decision,
        }
    }

    /// The decision, in each case.
    #[must_use]
    pub fn into_decision(self) -> Decision {
        match self {
            Self::New(decision) | Self::Same(decision) | Self::Revised(decision) => decision,
        }
    }

    /// The outcome with a changed decision.
    pub(in crate::store) fn try_map<E>(
        self,
        change: impl FnOnce(Decision) -> Result<Decision, E>,
    ) -> Result<Self, E> {
        Ok(match self {
            Self::New(decision) => Self::New(change(decision)?),
            Self::Same(decision) => Self::Same(change(decision)?),
            Self::Revised(decision) => Self::Revised(change(decision)?),
        })
    }
}

/// Inspects a decision and returns the event to append, `None` for no change, or the reason for a
/// refusal.
pub type Decide = Box<dyn FnOnce(&Decision) -> Result<Option<Event>, Why> + Send>;

/// Inspects a decision that was just filed or found, and returns a further event to append.
pub type FollowUp = Box<dyn FnOnce(&Decision) -> Option<Event> + Send>;

/// Refuses an addition to the store, or admits it.
pub type Admit = Box<dyn Fn(Addition) -> Result<(), AskLimitReached> + Send>;

/// Computes a new value from the old value.
pub type Amend<T> = Box<dyn FnOnce(T) -> T + Send>;

/// Why a change was refused.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// The person has no permission.
    Denied(Denied),
    /// The decision's state does not allow the change.
    Refused(Refused),
}

impl From<Denied> for Why {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<Refused> for Why {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// A decision left unchanged, with the reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Unchanged {
    /// The decision in its current state.
    pub decision: Decision,
    /// The reason.
    pub why: Why,
}

/// A decision, and the earlier decision by which people have handled the question, if any.
#[derive(Debug, Clone, PartialEq)]
pub struct PrecedentCheck {
    /// The decision.
    pub decision: Decision,
    /// The earlier decision.
    pub earlier: Option<DecisionId>,
}

/// A decision with a grant that may cover a call.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantCandidate {
    /// The decision.
    pub decision: Decision,
    /// Another decision by which people have handled the call otherwise than with a yes.
    pub handled: Option<DecisionId>,
}

/// What changed in the list of pending decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingChanges {
    /// The log position that the changes lead to.
    pub position: u64,
    /// The decisions to replace in the list; `None` to replace the whole list.
    pub replaced: Option<Vec<DecisionId>>,
    /// Those of them that are pending now.
    pub waiting: Vec<PendingSummary>,
}

/// Outcome of a change.
pub type Changed = Result<Decision, Box<Unchanged>>;

/// Selects the decisions to list. All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only open decisions (pending or deferred).
    pub open_only: bool,
    /// Only of this project.
    pub project: Option<String>,
    /// Only decisions with exactly this `dedup_key`.
    pub key: Option<String>,
    /// Only decisions with a `dedup_key` that starts with this prefix.
    pub key_prefix: Option<String>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this risk.
    pub risk: Option<Risk>,
    /// Only decisions in this state: `pending`, `deferred`, `resolved` or `withdrawn`.
    pub state: Option<String>,
    /// Only decisions with a grant that has not ended.
    pub granted: bool,
    /// Only decisions visible to this caller.
    pub visibility: Visibility,
    /// Only decisions with a lower number, for paging.
    pub before: Option<DecisionId>,
    /// Maximum number of decisions, newest first; 0 means no limit.
    pub limit: usize,
}

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The latest position; 0 in an empty log.
    pub seq: u64,
    /// The hash of the latest event.
    pub hash: String,
}

/// Result of an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Summary of the hash chain; absent if the chain is broken.
    pub chain: Option<ChainSummary>,
    /// Number of decisions with a replayed log equal to the stored state.
    pub replayed: u64,
    /// Number of such jobs.
    pub jobs: u64,
    /// The first fault, if any.
    pub fault: Option<Fault>,
}

/// Counts of rows and bytes removed, or to be removed, by pruning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Decisions.
    pub decisions: u64,
    /// Bytes of content removed from the log.
    pub bytes: u64,
    /// Records of messages for several decisions or of short-lived messages: batches, reminders,
    /// mentions. The messages on Discord stay unchanged.
    pub lists: u64,
    /// Records of settled notifications.
    pub sent: u64,
}

/// A failure of the store, worded with the next step for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process held the write lock for longer than the timeout.
    #[error("the store is locked by another process; nothing was written, try again")]
    Busy,
    /// The disk is full.
    #[error("the disk with the store is full; nothing was written. Free some space and try again")]
    Full,
    /// The store's file is read-only.
    #[error(
        "the store cannot be written: it is read-only. Nothing was changed. Check the \
         permissions of {0} and of its folder"
    )]
    ReadOnly(String),
    /// The store cannot be opened.
    #[error("cannot open the store {path}: {why}")]
    Open {
        /// The store's file.
        path: String,
        /// The message from SQLite or the operating system.
        why: String,
    },
    /// The store uses another time scale than requested.
    #[error("{0}")]
    TimeScale(String),
    /// Stored data cannot be parsed.
    #[error(
        "the store contains data that this version cannot read ({0}). If a newer Gander wrote \
         it, use that version"
    )]
    Unreadable(String),
    /// Any other SQLite error.
    #[error("the store failed: {0}")]
    Failed(String),
    /// No decision has this number.
    #[error("there is no decision {0}")]
    NoSuchDecision(DecisionId),
    /// The asker has reached a limit on asking.
    #[error(transparent)]
    Limited(AskLimitReached),
    /// No job has this number.
    #[error("there is no {0}")]
    NoSuchJob(JobId),
    /// The job cannot be enqueued.
    #[error(transparent)]
    InvalidJob(InvalidJob),
    /// A halt, or its end, changed nothing.
    #[error(transparent)]
    Halt(HaltRefused),
}

impl StoreError {
    /// Whether a later retry may succeed.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy | Self::Full | Self::Failed(_))
    }
}
