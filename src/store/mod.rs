//! Where decisions are kept: the [`Store`] trait, and the only SQL ([`sqlite`]).
//!
//! A change is one transaction: the event, the state it makes, and the time at which the decision
//! wants to be woken. The methods block; the engine calls them off its threads. Must not know
//! surfaces, sources or a clock: the time is an argument.

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

/// What became of an asked request.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// A new decision.
    New(Decision),
    /// It was asked before, with the same content, and is still open.
    Same(Decision),
    /// It was asked before and is still open; its content is new, and so is its revision.
    Revised(Decision),
}

impl Asked {
    /// The decision, whichever way it came.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        match self {
            Self::New(decision) | Self::Same(decision) | Self::Revised(decision) => decision,
        }
    }

    /// The decision, whichever way it came.
    #[must_use]
    pub fn into_decision(self) -> Decision {
        match self {
            Self::New(decision) | Self::Same(decision) | Self::Revised(decision) => decision,
        }
    }
}

/// Looks at a decision and names what shall happen to it, or why not. `None`: nothing needs to.
pub type Decide = Box<dyn FnOnce(&Decision) -> Result<Option<Event>, Why> + Send>;

/// Makes the new of the old.
pub type Amend<T> = Box<dyn FnOnce(T) -> T + Send>;

/// Why a decision did not change.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// The person may not.
    Denied(Denied),
    /// It stands otherwise.
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

/// A decision that did not change, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Unchanged {
    /// As it stands.
    pub decision: Decision,
    /// Why.
    pub why: Why,
}

/// What became of a change.
pub type Changed = Result<Decision, Box<Unchanged>>;

/// Which decisions are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those that still can be answered.
    pub open_only: bool,
    /// Only of this project.
    pub project: Option<String>,
    /// Only those whose `dedup_key` begins with this.
    pub key_prefix: Option<String>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this risk.
    pub risk: Option<Risk>,
    /// Only those that stand so: `pending`, `deferred`, `resolved`, `withdrawn`.
    pub state: Option<String>,
    /// Only those that this caller sees.
    pub sight: Sight,
    /// Only those that were asked before this one.
    pub before: Option<DecisionId>,
    /// At most this many, the newest first; 0: all.
    pub limit: usize,
}

/// A card as it was posted, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The decision it stands for.
    pub decision: DecisionId,
    /// Counts the messages of a decision, from 1.
    pub generation: u32,
    /// How often the decision had come back when this message became due.
    pub returns: u32,
    /// The channel's id.
    pub channel: String,
    /// When the create was begun, by the wall clock.
    pub intent_at: Time,
    /// The message's id, once it is known.
    pub message: Option<String>,
    /// The log position that the message shows.
    pub shown: u64,
    /// Whether the message is gone.
    pub lost: bool,
}

/// The value of [`Delivery::shown`] for a message that will never change again.
pub const SHOWN_FOR_GOOD: u64 = i64::MAX as u64;

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The latest position; 0 in an empty log.
    pub seq: u64,
    /// The hash there.
    pub hash: String,
}

/// What an audit has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The chain as far as it was walked; absent where it is broken.
    pub chain: Option<Walked>,
    /// Decisions whose log was replayed and gave the state that is kept.
    pub replayed: u64,
    /// The first thing that is wrong, if any.
    pub fault: Option<Fault>,
}

/// What pruning would remove, or has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Decisions.
    pub decisions: u64,
    /// Bytes of their long parts in the log.
    pub bytes: u64,
    /// Records of messages that stood for several, or for a moment: batches, reminders, mentions.
    /// Those messages hang as they did.
    pub lists: u64,
    /// Records of what left by the ways beyond the surface.
    pub sent: u64,
}

/// What went wrong with the store, and what happens next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the write lock for longer than was waited.
    #[error("the store is locked by another process; nothing was written, try again")]
    Busy,
    /// No space is left.
    #[error("the disk of the store is full; nothing was written. Make room and try again")]
    Full,
    /// It cannot be written.
    #[error(
        "the store cannot be written: it is read-only. Nothing was changed. Check the permissions of {0} and of its folder"
    )]
    ReadOnly(String),
    /// It cannot be opened.
    #[error("the store {path} cannot be opened: {why}")]
    Open {
        /// Its file.
        path: String,
        /// SQLite's or the system's words.
        why: String,
    },
    /// It lives by another clock than was asked for.
    #[error("{0}")]
    Pace(String),
    /// What is written in it cannot be understood.
    #[error(
        "the store holds something this version cannot read ({0}). If a newer Gander wrote it, use that"
    )]
    Unreadable(String),
    /// Anything else that SQLite reports.
    #[error("the store failed: {0}")]
    Failed(String),
    /// There is no decision with this number.
    #[error("there is no decision {0}")]
    NoSuchDecision(DecisionId),
}

impl StoreError {
    /// Whether the same may work a moment later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Busy | Self::Full | Self::Failed(_))
    }
}

/// Keeps decisions, their log and their cards. All methods are atomic and durable when they return.
///
/// # Errors
/// Every method returns [`StoreError`]; then nothing of it was written.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Store: Send + Sync + 'static {
    /// The store's own name in buttons, six letters and digits: a button of another store decides
    /// nothing.
    fn tag(&self) -> &str;

    /// How fast its time runs.
    fn pace(&self) -> Pace;

    /// Files a request, or finds the open decision with the same key of the same project.
    fn ask(&self, request: Request, terms: Terms, at: Time) -> Result<Asked, StoreError>;

    /// As [`Store::ask`], under a name of the asker's own: the same again is the same decision for
    /// 24 h of the store's time, also when it is over.
    fn ask_once(
        &self,
        request: Request,
        terms: Terms,
        at: Time,
        once: Once,
    ) -> Result<AskedOnce, StoreError>;

    /// Changes a decision: `decide` sees it inside the transaction, and what it names is written.
    fn change(&self, id: DecisionId, at: Time, decide: Decide) -> Result<Changed, StoreError>;

    /// Changes many in one transaction, each as [`Store::change`] does. One that is not there fails
    /// all of them.
    fn change_many(
        &self,
        changes: Vec<(DecisionId, Decide)>,
        at: Time,
    ) -> Result<Vec<Changed>, StoreError>;

    /// One decision.
    fn get(&self, id: DecisionId) -> Result<Option<Decision>, StoreError>;

    /// Many.
    fn list(&self, filter: &Filter) -> Result<Vec<Decision>, StoreError>;

    /// Decisions that want to be woken at or before this time.
    fn due(&self, at: Time) -> Result<Vec<DecisionId>, StoreError>;

    /// When the next one wants to be woken.
    fn next_wake(&self) -> Result<Option<Time>, StoreError>;

    /// Events behind a position, in order.
    fn events(&self, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError>;

    /// All events of one decision, in order.
    fn history(&self, id: DecisionId) -> Result<Vec<Logged>, StoreError>;

    /// The end of the log.
    fn head(&self) -> Result<Head, StoreError>;

    /// Walks the hash chain. The position of the first event that does not fit, if any.
    fn first_broken_link(&self) -> Result<Option<u64>, StoreError>;

    /// Walks the hash chain, replays every decision's log and compares with what is kept, and
    /// checks the file. As of one moment, while others write.
    fn audit(&self) -> Result<Audit, StoreError>;

    /// The log behind a position, to the byte.
    fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// What waits for an answer, without what was put off; in no order.
    fn waiting(&self) -> Result<Vec<Waiting>, StoreError>;

    /// These decisions, in this order; one that is not there is left out.
    fn get_many(&self, ids: &[DecisionId]) -> Result<Vec<Decision>, StoreError>;

    /// Those that still can be answered, the oldest first.
    fn open_ids(&self) -> Result<Vec<DecisionId>, StoreError>;

    /// What [`Store::prune`] would remove in all.
    fn prunable(&self, before: Time) -> Result<Pruned, StoreError>;

    /// Removes the long parts of at most `limit` decisions that were over before this time and
    /// whose cards are settled, and logs that. Their cards stay as they hang.
    fn prune(&self, before: Time, at: Time, limit: usize) -> Result<Pruned, StoreError>;

    /// The names of the kept files that a decision needs which is not pruned.
    fn files_in_use(&self) -> Result<BTreeSet<String>, StoreError>;

    /// Writes a copy of the store, as of one moment, into an empty file, and audits that copy.
    fn copy_to(&self, file: &Path) -> Result<Audit, StoreError>;

    /// A number that differs whenever anybody has written since the last call.
    fn data_version(&self) -> Result<i64, StoreError>;

    /// The cards of a decision, oldest first.
    fn deliveries(&self, id: DecisionId) -> Result<Vec<Delivery>, StoreError>;

    /// The card that is this message.
    fn delivery_of(&self, message: &str) -> Result<Option<Delivery>, StoreError>;

    /// Writes a card's row, new or changed.
    fn put_delivery(&self, delivery: &Delivery) -> Result<(), StoreError>;

    /// Decisions whose cards are not as they should be, by the store's own record.
    fn unsettled(&self) -> Result<Vec<DecisionId>, StoreError>;

    /// Opens a message that stands for several decisions; the reconciler posts it.
    fn open_posting(&self, new: NewPosting) -> Result<PostingId, StoreError>;

    /// One posting, with all that it lists or has listed.
    fn posting(&self, id: PostingId) -> Result<Option<Posting>, StoreError>;

    /// The posting that is this message.
    fn posting_of(&self, message: &str) -> Result<Option<Posting>, StoreError>;

    /// The batch's card on which a decision stands, without its items.
    fn carrier_of(&self, id: DecisionId) -> Result<Option<Posting>, StoreError>;

    /// Makes a posting's next list from the one of this revision. `false`: that is not the latest
    /// any more, and nothing was changed.
    fn amend_posting(
        &self,
        id: PostingId,
        revision: u32,
        changes: Vec<Change>,
    ) -> Result<bool, StoreError>;

    /// Writes what hangs of a posting. What is [`Hanging::Over`] stays so.
    fn put_hanging(
        &self,
        id: PostingId,
        generation: u32,
        hanging: Hanging,
    ) -> Result<(), StoreError>;

    /// Postings whose message is not as it should be: all of them, or those that list one of these
    /// decisions.
    fn postings_behind(&self, of: Option<&[DecisionId]>) -> Result<Vec<PostingId>, StoreError>;

    /// Postings that hang and list something that still can be answered.
    fn hanging_postings(&self) -> Result<Vec<PostingId>, StoreError>;

    /// Decisions on a posting whose own card does not say yet where they went.
    fn to_move_to(&self, id: PostingId) -> Result<Vec<DecisionId>, StoreError>;

    /// Draws what waits into batches: `plan` sees it inside the transaction, and what it names is
    /// written. `since` is where the window begins, `at` where it ends, by the wall clock. Whether
    /// anything was changed.
    fn plan_batches(&self, since: Time, at: Time, plan: PlanBatches) -> Result<bool, StoreError>;

    /// The latest posting of a purpose.
    fn latest_posting(&self, purpose: &str) -> Result<Option<Posting>, StoreError>;

    /// How decisions that came with a confidence were judged. What passed by itself counts if it
    /// was listed for review up to this moment of the wall clock.
    fn judged(&self, reviewed: Time) -> Result<Vec<Tally>, StoreError>;

    /// What was answered or withdrawn after a moment, up to and with another.
    fn ended_between(&self, from: Time, to: Time) -> Result<Vec<Ended>, StoreError>;

    /// How many were asked after a moment, up to and with another.
    fn asked_between(&self, from: Time, to: Time) -> Result<u64, StoreError>;

    /// What was approved by itself up to and with a moment and is on no review, with its project.
    fn unreviewed(&self, until: Time) -> Result<Vec<(DecisionId, String)>, StoreError>;

    /// What a surface has kept under this name.
    fn memo(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Keeps a text of a surface's own under a name; `None` forgets it.
    fn put_memo(&self, name: &str, text: Option<String>) -> Result<(), StoreError>;

    /// What somebody has said of themselves; nothing, if they never did.
    fn wishes(&self, user: u64) -> Result<Wishes, StoreError>;

    /// Changes that. What stands then.
    fn wish(&self, user: u64, name: &str, change: Amend<Wishes>) -> Result<Wishes, StoreError>;

    /// Whoever has ever acted on a decision: their Discord ids and names.
    fn acted(&self) -> Result<Vec<(u64, String)>, StoreError>;

    /// How far the log was read for reminders.
    fn reminded_up_to(&self) -> Result<u64, StoreError>;

    /// All reminders of rungs of which something may yet come, or of which the log does not know
    /// all that came.
    fn reminders(&self) -> Result<Vec<Reminder>, StoreError>;

    /// Whether there is anything to be done about reminders.
    fn glance_at_reminders(&self) -> Result<Glance, StoreError>;

    /// The messages that have taken in reminders after this, by the store's time, of decisions that
    /// wait; each with the stages of what is on it.
    fn messages_since(&self, since: Time) -> Result<Vec<(On, Stage)>, StoreError>;

    /// Records what was read of the log, or what was done about reminders: all of it or nothing.
    fn remind(&self, step: Reminding) -> Result<(), StoreError>;

    /// A posting could not be posted, and will not be: nothing hangs of it, and its reminders have
    /// failed. `instead` is opened with that.
    fn give_up_posting(
        &self,
        id: PostingId,
        why: &str,
        instead: Option<NewPosting>,
    ) -> Result<(), StoreError>;

    /// Makes a token.
    fn mint(&self, new: NewToken) -> Result<Token, StoreError>;

    /// All tokens, also those that were revoked.
    fn tokens(&self) -> Result<Vec<KeptToken>, StoreError>;

    /// From this moment of the wall clock on a token is worth nothing. `false`: there is none, or
    /// it was revoked before.
    fn revoke(&self, id: TokenId, at: Time) -> Result<bool, StoreError>;

    /// A token was used at this moment of the wall clock.
    fn used(&self, id: TokenId, at: Time) -> Result<(), StoreError>;

    /// Keeps messages that are to leave, as they may ([`Outgoing::fit_to_leave`]); `at` is the wall
    /// clock's time. One whose key is known already is that one, and stays as it is. How many were
    /// new.
    fn enqueue(&self, messages: Vec<Outgoing>, at: Time) -> Result<usize, StoreError>;

    /// Messages that are not settled and want to be looked at at or before this time, the longest
    /// due first.
    fn outgoing_due(&self, at: Time, limit: usize) -> Result<Vec<Letter>, StoreError>;

    /// When the next one wants to be looked at.
    fn next_outgoing(&self) -> Result<Option<Time>, StoreError>;

    /// One message, by its key.
    fn outgoing(&self, key: &str) -> Result<Option<Letter>, StoreError>;

    /// The messages about a decision, in the order in which they were asked for.
    fn outgoing_of(&self, id: DecisionId) -> Result<Vec<Letter>, StoreError>;

    /// Messages that were settled behind a place in that order, in order.
    fn outgoing_settled(&self, after: u64, limit: usize) -> Result<Vec<Letter>, StoreError>;

    /// What went to a person by a way since then, or may have: when, and the receipt.
    fn outgoing_went(
        &self,
        person: &str,
        way: Way,
        since: Time,
    ) -> Result<Vec<(Time, Option<String>)>, StoreError>;

    /// Records how a message stands; settling it forgets its address. One that is settled stays so:
    /// then `false`.
    fn put_outgoing(&self, key: &str, tries: u32, sending: Sending) -> Result<bool, StoreError>;
}
