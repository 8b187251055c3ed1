//! The approval API and its background loops: the only place with side effects.
//!
//! Every surface and source calls [`Handle`] and nothing else. [`Handle`] checks who may decide,
//! writes to the store, and wakes waiting tasks with hints. Does not depend on Discord.

pub mod approvals;
pub mod clock;
pub mod escalation;
pub mod event_log;
mod fair_permits;
pub mod jobs;
mod messages;
pub mod notifications;
pub mod operations;
pub mod per_caller;
pub mod rate_limit;
pub mod reconciler;

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch::{Receiver, Sender};

pub use self::approvals::approver_queries::ApproverApi;
pub use self::approvals::attention::{AttentionApi, AttentionPage};
pub use self::approvals::auto_approval::AutoApprovalApi;
pub use self::approvals::availability::AvailabilityApi;
pub use self::approvals::bulk_approval::{BulkApi, ItemOutcome, Preview, TOGETHER};
pub use self::approvals::decisions::ApprovalApi;
pub use self::approvals::edits::EditApi;
pub use self::approvals::gates::{GateApi, RuleSource};
pub use self::approvals::grants::GrantApi;
pub use self::approvals::resumptions::ResumptionApi;
pub use self::approvals::tokens::TokenApi;
use self::clock::Clock;
pub use self::escalation::progress::EscalationApi;
pub use self::event_log::history::EventLogApi;
pub use self::event_log::{EventFilter, EventFollower};
use self::fair_permits::FairPermits;
pub use self::jobs::{JobApi, JobFollower};
pub use self::messages::MessageApi;
pub use self::notifications::outbox::NotificationApi;
pub use self::operations::maintenance::OperationsApi;
pub use self::operations::reports::ReportApi;
use crate::core::Time;
use crate::core::access::InvalidGrant;
use crate::core::decision::authorization::Denied;
use crate::core::decision::{Decision, DecisionId, Refused};
use crate::core::jobs::{HaltRefused, InvalidJob, Job, JobId, JobRefused};
use crate::core::messaging::message::MessageId;
use crate::core::policy::ask_limits::AskLimitReached;
use crate::core::policy::rules::{InvalidRequest, Rules};
use crate::core::values::time_scale::TimeScale;
use crate::store::Store;
pub use crate::store::{
    Asked, EnqueuedJob, Filter, HaltOutcome, JobFilter, LeaseRequest, ParkedAgent, QueueCounts,
    ResumeStart, StandingHalt, StoreError, Sweep, files,
};

/// Why an approval API call changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The policy does not admit this request.
    #[error(transparent)]
    InvalidRequest(#[from] InvalidRequest),
    /// A token cannot have these rights.
    #[error(transparent)]
    InvalidGrant(#[from] InvalidGrant),
    /// No decision has this number.
    #[error("there is no decision {0} in this store")]
    NoSuchDecision(DecisionId),
    /// The decision's current state does not allow the call.
    #[error("{id}: {refused}. Nothing was changed", id = .0.id, refused = .1)]
    Refused(Box<Decision>, Refused),
    /// The person may not decide this decision.
    #[error("you may not decide {id}", id = .0.id)]
    Denied(Box<Decision>, Denied),
    /// The event log ends before the position to follow from.
    #[error(
        "the event log ends at position {end}, before {position}: a backup of the store was \
         restored. Read the decisions again, then follow from {end}"
    )]
    BeyondLog {
        /// The position to follow from.
        position: u64,
        /// The latest position of the log.
        end: u64,
    },
    /// The asker has reached a limit on asking.
    #[error(transparent)]
    Limited(AskLimitReached),
    /// No job has this number.
    #[error("there is no {0} in this store")]
    NoSuchJob(JobId),
    /// The job cannot be enqueued.
    #[error(transparent)]
    InvalidJob(InvalidJob),
    /// The job's current state does not allow the call.
    #[error("{id}: {refused}. Nothing was changed", id = .0.id, refused = .1)]
    JobRefused(Box<Job>, JobRefused),
    /// A halt, or its end, changed nothing.
    #[error("{0}. Nothing was changed")]
    Halt(HaltRefused),
    /// The store failed; the error says what happens next.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for HandleError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchDecision(id) => Self::NoSuchDecision(id),
            StoreError::Limited(reached) => Self::Limited(reached),
            StoreError::NoSuchJob(id) => Self::NoSuchJob(id),
            StoreError::InvalidJob(invalid) => Self::InvalidJob(invalid),
            StoreError::Halt(refused) => Self::Halt(refused),
            other => Self::Store(other),
        }
    }
}

/// Whether the waiting agent claims the verdict. A claimed verdict cannot be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Claim the verdict.
    Yes,
    /// Only read the verdict.
    No,
}

/// Store calls of callers at a time. Fewer than the store's read connections, so that a click never
/// waits for a connection; the waiting calls occupy no thread.
const CALLERS_AT_ONCE: usize = 12;

/// Writes of callers at a time. They share commits, so the throughput grows with their number; each
/// occupies a thread, and no read connection. A click waits for at most one commit of them.
const CALLER_WRITES_AT_ONCE: usize = 64;

/// Store calls of the reconciler at a time. Thousands of cards may be due at once; each call in
/// progress occupies a thread, and more of them would only wait for each other.
const CARDS_AT_ONCE: usize = 16;

/// On whose behalf a handle calls the store.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Lane {
    /// The bot itself, for people: never waits for callers or cards.
    Own,
    /// The reconciler, [`CARDS_AT_ONCE`] at a time.
    Cards,
    /// A caller of the approval API, or all whose token is not known yet. They have
    /// [`CALLERS_AT_ONCE`] calls and [`CALLER_WRITES_AT_ONCE`] writes at a time, and take turns.
    Caller(Arc<str>),
}

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    /// Replaced when the configuration changes.
    rules: RwLock<Arc<Rules>>,
    /// The rules for tool calls; absent in processes that judge no changes of calls.
    gate_rules: RwLock<Option<Arc<dyn RuleSource>>>,
    hints: Sender<u64>,
    /// Counts recorded changes of posted messages, to wake [`MessageApi::card_within`].
    card_changes: Sender<u64>,
    /// How far automatic approval has checked the log.
    auto_approval_progress: tokio::sync::Mutex<approvals::auto_approval::Checked>,
    /// Opened messages not yet seen by the reconciler. Losing this list is harmless: the store has
    /// a record of every message.
    unqueued: std::sync::Mutex<Vec<MessageId>>,
    /// The bot's heartbeat; absent in other processes.
    heartbeat: Sender<Option<operations::heartbeat::Heartbeat>>,
    waiters: event_log::waiters::Waiters,
    members: approvals::members::KnownMembers,
    /// Places of [`Lane::Cards`].
    cards: FairPermits<Arc<str>, ()>,
    /// Places of [`Lane::Caller`].
    callers: FairPermits<Arc<str>, ()>,
    /// Places of [`Lane::Caller`] for [`Handle::write_store`].
    caller_writes: FairPermits<Arc<str>, ()>,
    judging: approvals::judging::JudgingPool,
    ask_rate: approvals::ask_limits::AskRate,
    pending: approvals::pending_list::PendingList,
    seal_key: approvals::seal::SealKey,
}

/// The approval API. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    store: Arc<Store>,
    inner: Arc<Inner>,
    lane: Lane,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("store", &self.store.tag()).finish_non_exhaustive()
    }
}

impl Handle {
    /// Creates the API for a store, with these rules and this clock.
    #[must_use]
    pub fn new(store: Arc<Store>, rules: Rules, clock: Arc<dyn Clock>) -> Self {
        let rules = RwLock::new(Arc::new(rules));
        Self {
            store,
            lane: Lane::Own,
            inner: Arc::new(Inner {
                clock,
                rules,
                gate_rules: RwLock::default(),
                hints: Sender::new(0),
                card_changes: Sender::new(0),
                auto_approval_progress: tokio::sync::Mutex::default(),
                unqueued: std::sync::Mutex::default(),
                heartbeat: Sender::new(None),
                waiters: event_log::waiters::Waiters::default(),
                members: approvals::members::KnownMembers::default(),
                cards: FairPermits::new(CARDS_AT_ONCE),
                callers: FairPermits::new(CALLERS_AT_ONCE),
                caller_writes: FairPermits::new(CALLER_WRITES_AT_ONCE),
                judging: approvals::judging::JudgingPool::default(),
                ask_rate: approvals::ask_limits::AskRate::default(),
                pending: approvals::pending_list::PendingList::default(),
                seal_key: approvals::seal::SealKey::default(),
            }),
        }
    }

    /// The same API for the reconciler.
    pub(crate) fn for_cards(&self) -> Self {
        Self { lane: Lane::Cards, ..self.clone() }
    }

    /// The same API for a caller outside this process: its flood delays others by one call at a
    /// time, and never a click or a card. `caller`: the caller's id; empty if not known yet.
    #[must_use]
    pub fn for_caller(&self, caller: &str) -> Self {
        Self { lane: Lane::Caller(caller.into()), ..self.clone() }
    }

    /// The engine's clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// The current time by the store's clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.inner.clock.now()
    }

    /// The store's time scale.
    #[must_use]
    pub fn time_scale(&self) -> TimeScale {
        self.store.time_scale()
    }

    /// The store's tag, part of every button's `custom_id`.
    #[must_use]
    pub fn tag(&self) -> &str {
        self.store.tag()
    }

    /// The current rules from the configuration.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.inner.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the rules after a configuration change, effective at once and for open decisions
    /// too.
    pub fn set_rules(&self, rules: Rules) {
        *self.inner.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        self.hint();
    }

    /// Changes whenever the store may have news. Only a hint to read again: the store is the truth.
    #[must_use]
    pub fn hints(&self) -> Receiver<u64> {
        self.inner.hints.subscribe()
    }

    /// Wakes every task of this process to read the store again.
    pub fn hint(&self) {
        self.inner.hints.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Asks questions, gives verdicts, and waits for them.
    #[must_use]
    pub const fn approvals(&self) -> ApprovalApi<'_> {
        ApprovalApi { handle: self }
    }

    /// Who may decide, and who takes responsibility.
    #[must_use]
    pub const fn approvers(&self) -> ApproverApi<'_> {
        ApproverApi { handle: self }
    }

    /// Approves by the rules, and records people's disagreement.
    #[must_use]
    pub const fn auto_approval(&self) -> AutoApprovalApi<'_> {
        AutoApprovalApi { handle: self }
    }

    /// What waits for an answer, for one person or for everyone.
    #[must_use]
    pub const fn attention(&self) -> AttentionApi<'_> {
        AttentionApi { handle: self }
    }

    /// Approves several decisions with one click.
    #[must_use]
    pub const fn bulk(&self) -> BulkApi<'_> {
        BulkApi { handle: self }
    }

    /// The shared queue: enqueues, leases and ends jobs.
    #[must_use]
    pub const fn jobs(&self) -> JobApi<'_> {
        JobApi { handle: self }
    }

    /// The messages on Discord, as recorded in the store.
    #[must_use]
    pub const fn messages(&self) -> MessageApi<'_> {
        MessageApi { handle: self }
    }

    /// Queues notifications over external channels, and reports the results.
    #[must_use]
    pub const fn notifications(&self) -> NotificationApi<'_> {
        NotificationApi { handle: self }
    }

    /// Tokens of remote callers.
    #[must_use]
    pub const fn tokens(&self) -> TokenApi<'_> {
        TokenApi { handle: self }
    }

    /// People's profiles and preferences.
    #[must_use]
    pub const fn availability(&self) -> AvailabilityApi<'_> {
        AvailabilityApi { handle: self }
    }

    /// Answers the gates of agents.
    #[must_use]
    pub const fn gates(&self) -> GateApi<'_> {
        GateApi { handle: self }
    }

    /// Changes tool calls before they are approved.
    #[must_use]
    pub const fn edits(&self) -> EditApi<'_> {
        EditApi { handle: self }
    }

    /// Lists, uses and ends grants.
    #[must_use]
    pub const fn grants(&self) -> GrantApi<'_> {
        GrantApi { handle: self }
    }

    /// Agents that wait at a gate, or ended while they did.
    #[must_use]
    pub const fn resumptions(&self) -> ResumptionApi<'_> {
        ResumptionApi { handle: self }
    }

    /// Reads and follows the event log.
    #[must_use]
    pub const fn event_log(&self) -> EventLogApi<'_> {
        EventLogApi { handle: self }
    }

    /// Health, status, heartbeat and maintenance.
    #[must_use]
    pub const fn operations(&self) -> OperationsApi<'_> {
        OperationsApi { handle: self }
    }

    /// Figures for calibration and digest.
    #[must_use]
    pub const fn reports(&self) -> ReportApi<'_> {
        ReportApi { handle: self }
    }

    /// Position of a decision on the escalation ladder.
    #[must_use]
    pub const fn escalation(&self) -> EscalationApi<'_> {
        EscalationApi { handle: self }
    }

    /// Runs `work` on a tool call in the threads for judging, in the turn of this handle's caller.
    async fn judge<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, approvals::judging::NotJudged> {
        let caller = match &self.lane {
            Lane::Caller(caller) => caller,
            Lane::Own | Lane::Cards => "",
        };
        self.inner.judging.run(caller, work).await
    }

    /// Runs a blocking store call off the async threads.
    async fn with_store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.in_place(&self.inner.callers, call).await
    }

    /// Like [`Handle::with_store`], for a call that only writes, in one transaction.
    async fn write_store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.in_place(&self.inner.caller_writes, call).await
    }

    /// Runs a store call in its place: a caller's in one of these.
    async fn in_place<T: Send + 'static>(
        &self,
        of_callers: &FairPermits<Arc<str>, ()>,
        call: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        let place = match &self.lane {
            Lane::Own => None,
            Lane::Cards => Some(self.inner.cards.acquire(Arc::default(), ()).await),
            Lane::Caller(caller) => Some(of_callers.acquire(Arc::clone(caller), ()).await),
        };
        let call = move || {
            // Held until the call ends, even if its caller has gone.
            let _place = place;
            call(&store)
        };
        tokio::task::spawn_blocking(call).await.unwrap_or_else(|error| {
            Err(StoreError::Failed(format!("a store call panicked: {error}")))
        })
    }
}
