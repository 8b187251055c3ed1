//! Storage of decisions: the [`Store`] trait and its SQLite implementation ([`sqlite`]), the only
//! place with SQL.
//!
//! Each change is one transaction: the event, the resulting state and the decision's next wake
//! time. The methods block; the engine calls them from its blocking threads. Does not depend on
//! surfaces, sources or a clock: callers pass the time.

mod calling;
pub mod chain;
pub mod files;
mod posting;
mod reminding;
pub mod sqlite;

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::core::Time;
use crate::core::calibration::Tally;
use crate::core::caller::{Sight, Token, TokenId};
use crate::core::decision::{Decision, DecisionId, Kind, Refused, Request, Risk, Terms};
use crate::core::digest::Ended;
use crate::core::event::{Event, Logged};
use crate::core::ladder::Stage;
use crate::core::outgoing::{Letter, Outgoing, Sending, Way};
use crate::core::pace::Pace;
use crate::core::people::Wishes;
use crate::core::permission::Denied;
use crate::core::posting::{Change, Hanging, Posting, PostingId};
use crate::core::remind::{On, Reminder};
use crate::core::waiting::Waiting;

pub use self::calling::{AskedOnce, KeptToken, NewToken, Once};
use self::chain::{Entry, Fault, Walked};
pub use self::posting::{NewPosting, PlanBatches};
pub use self::reminding::{Amended, Glance, Reminding};
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
}

/// Inspects a decision and returns the event to append, `None` for no change, or the reason for a
/// refusal.
pub type Decide = Box<dyn FnOnce(&Decision) -> Result<Option<Event>, Why> + Send>;

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

/// Outcome of a change.
pub type Changed = Result<Decision, Box<Unchanged>>;

/// Selects the decisions to list. All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only open decisions (pending or deferred).
    pub open_only: bool,
    /// Only of this project.
    pub project: Option<String>,
    /// Only decisions with a `dedup_key` that starts with this prefix.
    pub key_prefix: Option<String>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this risk.
    pub risk: Option<Risk>,
    /// Only decisions in this state: `pending`, `deferred`, `resolved` or `withdrawn`.
    pub state: Option<String>,
    /// Only decisions visible to this caller.
    pub sight: Sight,
    /// Only decisions with a lower number, for paging.
    pub before: Option<DecisionId>,
    /// Maximum number of decisions, newest first; 0 means no limit.
    pub limit: usize,
}

/// The message for one decision's card, posted or about to be posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The decision on the card.
    pub decision: DecisionId,
    /// Counts the messages of a decision, from 1.
    pub generation: u32,
    /// The decision's return count when this message became due.
    pub returns: u32,
    /// The channel's id.
    pub channel: String,
    /// When the create started, by the wall clock.
    pub intent_at: Time,
    /// The message's id, once known.
    pub message: Option<String>,
    /// Log position of the state shown in the message.
    pub shown: u64,
    /// Whether the message no longer exists.
    pub lost: bool,
}

/// Value of [`Delivery::shown`] for a message that is final.
pub const SHOWN_FOR_GOOD: u64 = i64::MAX as u64;

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
    pub chain: Option<Walked>,
    /// Number of decisions with a replayed log equal to the stored state.
    pub replayed: u64,
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
    #[error("the disk of the store is full; nothing was written. Make room and try again")]
    Full,
    /// The store's file is read-only.
    #[error(
        "the store cannot be written: it is read-only. Nothing was changed. Check the permissions of {0} and of its folder"
    )]
    ReadOnly(String),
    /// The store cannot be opened.
    #[error("the store {path} cannot be opened: {why}")]
    Open {
        /// The store's file.
        path: String,
        /// The message from SQLite or the operating system.
        why: String,
    },
    /// The store uses another time scale than requested.
    #[error("{0}")]
    Pace(String),
    /// Stored data cannot be parsed.
    #[error(
        "the store holds something this version cannot read ({0}). If a newer Gander wrote it, use that"
    )]
    Unreadable(String),
    /// Any other SQLite error.
    #[error("the store failed: {0}")]
    Failed(String),
    /// No decision has this number.
    #[error("there is no decision {0}")]
    NoSuchDecision(DecisionId),
}

impl StoreError {
    /// Whether a later retry may succeed.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Busy | Self::Full | Self::Failed(_))
    }
}

/// Stores decisions, the event log and messages. Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Store: Send + Sync + 'static {
    /// The store's identifier in button ids: six letters and digits. Buttons of another store are
    /// ignored.
    fn tag(&self) -> &str;

    /// The store's time scale.
    fn pace(&self) -> Pace;

    /// Files a request, or finds the project's open decision with an equal key.
    fn ask(&self, request: Request, terms: Terms, at: Time) -> Result<Asked, StoreError>;

    /// Like [`Store::ask`], with an idempotency key: repeating the call returns the first decision
    /// for 24 h of the store's time, even after resolution.
    fn ask_once(
        &self,
        request: Request,
        terms: Terms,
        at: Time,
        once: Once,
    ) -> Result<AskedOnce, StoreError>;

    /// Changes a decision: `decide` runs inside the transaction, and the returned event is
    /// appended.
    fn change(&self, id: DecisionId, at: Time, decide: Decide) -> Result<Changed, StoreError>;

    /// Changes several decisions in one transaction, each like [`Store::change`]. An unknown number
    /// fails the whole call.
    fn change_many(
        &self,
        changes: Vec<(DecisionId, Decide)>,
        at: Time,
    ) -> Result<Vec<Changed>, StoreError>;

    /// The decision with this number.
    fn get(&self, id: DecisionId) -> Result<Option<Decision>, StoreError>;

    /// The decisions selected by a filter, newest first.
    fn list(&self, filter: &Filter) -> Result<Vec<Decision>, StoreError>;

    /// Decisions with a wake time at or before `at`.
    fn due(&self, at: Time) -> Result<Vec<DecisionId>, StoreError>;

    /// The earliest wake time of all decisions.
    fn next_wake(&self) -> Result<Option<Time>, StoreError>;

    /// Events after a position, in order.
    fn events(&self, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError>;

    /// All events of one decision, in order.
    fn history(&self, id: DecisionId) -> Result<Vec<Logged>, StoreError>;

    /// The end of the log.
    fn head(&self) -> Result<Head, StoreError>;

    /// Verifies the hash chain and returns the position of the first invalid event, if any.
    fn first_broken_link(&self) -> Result<Option<u64>, StoreError>;

    /// Verifies the hash chain, replays every decision's log against the stored state, and checks
    /// the file. Runs on one snapshot while others write.
    fn audit(&self) -> Result<Audit, StoreError>;

    /// Log entries after a position, byte for byte.
    fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Pending decisions, without deferred decisions; in no particular order.
    fn waiting(&self) -> Result<Vec<Waiting>, StoreError>;

    /// The decisions with these numbers, in this order; unknown numbers are skipped.
    fn get_many(&self, ids: &[DecisionId]) -> Result<Vec<Decision>, StoreError>;

    /// Open decisions, oldest first.
    fn open_ids(&self) -> Result<Vec<DecisionId>, StoreError>;

    /// Everything [`Store::prune`] would remove without a limit.
    fn prunable(&self, before: Time) -> Result<Pruned, StoreError>;

    /// Removes the content of at most `limit` decisions closed before this time with up-to-date
    /// cards, and logs the pruning. The posted cards stay unchanged.
    fn prune(&self, before: Time, at: Time, limit: usize) -> Result<Pruned, StoreError>;

    /// Names of the stored attachment files still needed by an unpruned decision.
    fn files_in_use(&self) -> Result<BTreeSet<String>, StoreError>;

    /// Writes a consistent copy of the store into an empty file and audits the copy.
    fn copy_to(&self, file: &Path) -> Result<Audit, StoreError>;

    /// A number with a different value after every write by any process.
    fn data_version(&self) -> Result<i64, StoreError>;

    /// The card messages of a decision, oldest first.
    fn deliveries(&self, id: DecisionId) -> Result<Vec<Delivery>, StoreError>;

    /// The card with this message id.
    fn delivery_of(&self, message: &str) -> Result<Option<Delivery>, StoreError>;

    /// Inserts or updates the row of a card message.
    fn put_delivery(&self, delivery: &Delivery) -> Result<(), StoreError>;

    /// Decisions with a missing or outdated card, according to the store's records.
    fn unsettled(&self) -> Result<Vec<DecisionId>, StoreError>;

    /// Creates a message for several decisions; the reconciler posts the message.
    fn open_posting(&self, new: NewPosting) -> Result<PostingId, StoreError>;

    /// One message, with every current and former item.
    fn posting(&self, id: PostingId) -> Result<Option<Posting>, StoreError>;

    /// The message with this Discord message id.
    fn posting_of(&self, message: &str) -> Result<Option<Posting>, StoreError>;

    /// The batch card with this decision on the current list, returned without items.
    fn carrier_of(&self, id: DecisionId) -> Result<Option<Posting>, StoreError>;

    /// Replaces a message's list, if `revision` is still the latest. Returns `false`, with no
    /// change, if a newer list exists.
    fn amend_posting(
        &self,
        id: PostingId,
        revision: u32,
        changes: Vec<Change>,
    ) -> Result<bool, StoreError>;

    /// Records the post state of a message. [`Hanging::Over`] is final.
    fn put_hanging(
        &self,
        id: PostingId,
        generation: u32,
        hanging: Hanging,
    ) -> Result<(), StoreError>;

    /// Messages to reconcile: all, or only messages with one of these decisions.
    fn postings_behind(&self, of: Option<&[DecisionId]>) -> Result<Vec<PostingId>, StoreError>;

    /// Posted messages with at least one open decision.
    fn hanging_postings(&self) -> Result<Vec<PostingId>, StoreError>;

    /// Decisions on this message with an own card not yet edited to point here.
    fn to_move_to(&self, id: PostingId) -> Result<Vec<DecisionId>, StoreError>;

    /// Groups pending decisions into batches: `plan` runs inside the transaction, and the planned
    /// steps are written. The grouping window runs from `since` to `at`, by the wall clock. Returns
    /// whether anything changed.
    fn plan_batches(&self, since: Time, at: Time, plan: PlanBatches) -> Result<bool, StoreError>;

    /// The latest message with this purpose.
    fn latest_posting(&self, purpose: &str) -> Result<Option<Posting>, StoreError>;

    /// Verdict counts of decisions with a confidence. An automatic approval counts if a review
    /// listed the decision at or before `reviewed`, by the wall clock.
    fn judged(&self, reviewed: Time) -> Result<Vec<Tally>, StoreError>;

    /// Decisions answered or withdrawn after `from`, up to and including `to`.
    fn ended_between(&self, from: Time, to: Time) -> Result<Vec<Ended>, StoreError>;

    /// Number of decisions asked after `from`, up to and including `to`.
    fn asked_between(&self, from: Time, to: Time) -> Result<u64, StoreError>;

    /// Automatic approvals up to and including `until` not yet listed on a review, with the
    /// project.
    fn unreviewed(&self, until: Time) -> Result<Vec<(DecisionId, String)>, StoreError>;

    /// The text stored by a surface under this name.
    fn memo(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Stores a surface's text under a name; `None` deletes the text.
    fn put_memo(&self, name: &str, text: Option<String>) -> Result<(), StoreError>;

    /// A person's preferences; the defaults for an unknown person.
    fn wishes(&self, user: u64) -> Result<Wishes, StoreError>;

    /// Updates a person's preferences and returns the new preferences.
    fn wish(&self, user: u64, name: &str, change: Amend<Wishes>) -> Result<Wishes, StoreError>;

    /// Everybody with at least one recorded action on a decision: Discord id and name.
    fn acted(&self) -> Result<Vec<(u64, String)>, StoreError>;

    /// The reminder cursor: the log position up to which events were processed.
    fn reminded_up_to(&self) -> Result<u64, StoreError>;

    /// All reminders of escalation steps with at least one reminder in progress or not yet reported
    /// to the log.
    fn reminders(&self) -> Result<Vec<Reminder>, StoreError>;

    /// Cheap check for pending reminder work.
    fn glance_at_reminders(&self) -> Result<Glance, StoreError>;

    /// Messages extended with reminders of pending decisions after `since`, by the store's time;
    /// each with the stages of the reminders.
    fn messages_since(&self, since: Time) -> Result<Vec<(On, Stage)>, StoreError>;

    /// Records progress in the log or work on reminders, all or nothing.
    fn remind(&self, step: Reminding) -> Result<(), StoreError>;

    /// Gives up a message after a failed post: the message becomes final, the reminders on the
    /// message fail with `why`, and `instead` is created in the same transaction.
    fn give_up_posting(
        &self,
        id: PostingId,
        why: &str,
        instead: Option<NewPosting>,
    ) -> Result<(), StoreError>;

    /// Creates a token.
    fn mint(&self, new: NewToken) -> Result<Token, StoreError>;

    /// All tokens, including revoked tokens.
    fn tokens(&self) -> Result<Vec<KeptToken>, StoreError>;

    /// Revokes a token from this wall-clock time on. Returns `false` for an unknown or already
    /// revoked token.
    fn revoke(&self, id: TokenId, at: Time) -> Result<bool, StoreError>;

    /// Records the use of a token at this wall-clock time.
    fn used(&self, id: TokenId, at: Time) -> Result<(), StoreError>;

    /// Adds notifications to the outbox, sanitized by [`Outgoing::fit_to_leave`]; `at` is the
    /// wall-clock time. A notification with a known key is ignored. Returns the number of new
    /// notifications.
    fn enqueue(&self, messages: Vec<Outgoing>, at: Time) -> Result<usize, StoreError>;

    /// Unsettled notifications with a next attempt at or before this time, longest overdue first.
    fn outgoing_due(&self, at: Time, limit: usize) -> Result<Vec<Letter>, StoreError>;

    /// The earliest next attempt of all notifications.
    fn next_outgoing(&self) -> Result<Option<Time>, StoreError>;

    /// The notification with this key.
    fn outgoing(&self, key: &str) -> Result<Option<Letter>, StoreError>;

    /// Notifications about a decision, in the order of creation.
    fn outgoing_of(&self, id: DecisionId) -> Result<Vec<Letter>, StoreError>;

    /// Notifications settled after this position in the settlement order, in order.
    fn outgoing_settled(&self, after: u64, limit: usize) -> Result<Vec<Letter>, StoreError>;

    /// Notifications sent, or possibly sent, to a person by a channel after `since`: time and
    /// receipt.
    fn outgoing_went(
        &self,
        person: &str,
        way: Way,
        since: Time,
    ) -> Result<Vec<(Time, Option<String>)>, StoreError>;

    /// Records a notification's state; settling deletes the address. Returns `false`, with no
    /// change, for a notification already settled.
    fn put_outgoing(&self, key: &str, tries: u32, sending: Sending) -> Result<bool, StoreError>;
}
