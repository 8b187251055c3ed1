//! The queue of jobs: the accessor, and how an event of a job is appended.

mod change;
mod dispatch;
mod enqueue;
mod halts;
mod read;
pub(super) mod row;
mod sweep;

use super::Store;
use crate::core::Time;
use crate::core::decision::Person;
use crate::core::jobs::{Job, JobId, JobRequest, JobRules, LeaseRef, LoggedJob};
use crate::store::{
    ChangedJob, DecideJob, EnqueuedJob, HaltOutcome, JobFilter, JobWords, LeaseRequest,
    QueueCounts, StandingHalt, StoreError, Sweep,
};

use self::change::Writing;
pub(super) use self::halts::stored as stored_halts;

/// The shared queue of jobs.
///
/// Every method is atomic, and durable on return. `words` asks people where the queue has to.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct JobStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl JobStore<'_> {
    /// Enqueues a job, or finds the open job of its source and id. [`StoreError::InvalidJob`] if
    /// its parent or a job that it depends on does not fit, or a guard stands.
    pub fn enqueue(
        self,
        request: JobRequest,
        rules: JobRules,
        words: JobWords,
        at: Time,
    ) -> Result<EnqueuedJob, StoreError> {
        self.store.write(move |connection| {
            enqueue::enqueue(Writing::new(connection, &*words, at), request, &rules)
        })
    }

    /// Changes a job: `decide` runs inside the transaction, and the returned event is appended,
    /// with what follows from it for other jobs and for the job's decision.
    pub fn change(
        self,
        id: JobId,
        words: JobWords,
        at: Time,
        decide: DecideJob,
    ) -> Result<ChangedJob, StoreError> {
        self.store.write(move |connection| Writing::new(connection, &*words, at).change(id, decide))
    }

    /// Leases the next job to a worker, after leases that are over were taken back. `None`: no job
    /// is ready, a limit is reached, or the queue is halted.
    pub fn lease(
        self,
        request: LeaseRequest,
        rules: JobRules,
        words: JobWords,
        at: Time,
    ) -> Result<Option<Job>, StoreError> {
        self.store.write(move |connection| {
            dispatch::lease(Writing::new(connection, &*words, at), &request, &rules)
        })
    }

    /// The job that [`JobStore::lease`] would give, as far as it is known without a write: leases
    /// that are over, and urgencies that have changed since, are not looked at.
    pub fn peek(
        self,
        request: &LeaseRequest,
        rules: &JobRules,
    ) -> Result<Option<JobId>, StoreError> {
        self.store.read(|connection| dispatch::next(connection, request, rules))
    }

    /// Renews a lease until a time. A loss of power may undo the renewal.
    pub fn renew(self, lease: LeaseRef, until: Time) -> Result<ChangedJob, StoreError> {
        self.store.write_soon(move |connection| dispatch::renew(connection, &lease, until))
    }

    /// Records output of a worker, which also renews its lease. With a step, the step is an event.
    pub fn output(
        self,
        lease: LeaseRef,
        step: Option<String>,
        until: Time,
        words: JobWords,
        at: Time,
    ) -> Result<ChangedJob, StoreError> {
        // Without a step, nothing is written that could not be found out again, unless the job was
        // stuck.
        self.store.write(move |connection| {
            dispatch::output(Writing::new(connection, &*words, at), &lease, step, until)
        })
    }

    /// Does what is due: takes leases back, finds what is stuck and what is at risk, and applies
    /// the answers of people. Call again at once if the sweep says that more is due.
    pub fn sweep(self, rules: JobRules, words: JobWords, at: Time) -> Result<Sweep, StoreError> {
        self.store
            .write(move |connection| sweep::sweep(Writing::new(connection, &*words, at), &rules))
    }

    /// When a sweep has something to do, unless people answer before. `None`: never.
    pub fn next_sweep(self, rules: &JobRules) -> Result<Option<Time>, StoreError> {
        self.store.read(|connection| sweep::next(connection, rules))
    }

    /// Halts a project, or all: workers lose their leases, and no job is leased.
    /// [`StoreError::Halt`] if it is halted already.
    pub fn halt(
        self,
        project: Option<String>,
        by: Person,
        words: JobWords,
        at: Time,
    ) -> Result<HaltOutcome, StoreError> {
        self.store.write(move |connection| {
            halts::halt(Writing::new(connection, &*words, at), project, by)
        })
    }

    /// Ends a halt: of a project, or all halts. [`StoreError::Halt`] if there is none.
    pub fn lift(
        self,
        project: Option<String>,
        by: Person,
        words: JobWords,
        at: Time,
    ) -> Result<HaltOutcome, StoreError> {
        self.store.write(move |connection| {
            halts::lift(Writing::new(connection, &*words, at), project, by)
        })
    }

    /// The halts that stand.
    pub fn halts(self) -> Result<Vec<StandingHalt>, StoreError> {
        self.store.read(halts::stored)
    }

    /// The job with this number.
    pub fn get(self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.store.read(|connection| read::get(connection, id))
    }

    /// The selected jobs, newest first.
    pub fn list(self, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
        self.store.read(|connection| read::list(connection, filter))
    }

    /// The jobs that this one still waits for.
    pub fn blocked_by(self, id: JobId) -> Result<Vec<JobId>, StoreError> {
        self.store.read(|connection| read::blocked_by(connection, id))
    }

    /// How many jobs are in each state, by project; without those that are over.
    pub fn counts(self) -> Result<Vec<QueueCounts>, StoreError> {
        self.store.read(read::counts)
    }

    /// All events of one job, in order.
    pub fn history(self, id: JobId) -> Result<Vec<LoggedJob>, StoreError> {
        self.store.read(|connection| super::event_log::job_history(connection, id))
    }
}
