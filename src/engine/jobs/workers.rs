//! What workers do: lease a job, keep the lease, and end the job.
//!
//! Every call of a worker names its lease. [`HandleError::JobRefused`] tells the worker to stop: it
//! lost the lease, or the job was halted, held or cancelled.

use chrono::TimeDelta;

use super::{JobApi, told};
use crate::core::decision::DecisionId;
use crate::core::jobs::{Job, JobResult, LeaseRef, Usage};
use crate::engine::HandleError;
use crate::store::LeaseRequest;

/// The longest wait for a job before the queue is looked at again: a hint of another process may be
/// lost.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(5);

impl JobApi<'_> {
    /// Leases the next job, in the order of the queue. `None`: none is ready, a limit is reached,
    /// or the queue is halted. The lease ends after 2 min unless it is renewed
    /// ([`crate::core::jobs::JobRules::lease`]).
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn lease(self, request: LeaseRequest) -> Result<Option<Job>, HandleError> {
        let (at, rules, words) = (self.handle.now(), self.handle.rules(), self.words());
        let leased = self
            .handle
            .write_store(move |store| store.jobs().lease(request, rules.jobs.clone(), words, at))
            .await?;
        if leased.is_some() {
            self.handle.hint();
        }
        Ok(leased)
    }

    /// Waits until [`JobApi::lease`] gives a job. Cancel-safe, but for a job that was leased at
    /// that moment: its lease ends by itself.
    ///
    /// # Errors
    /// [`HandleError::Store`], unless a retry may succeed.
    pub async fn lease_next(self, request: LeaseRequest) -> Result<Job, HandleError> {
        let mut hints = self.handle.hints();
        loop {
            hints.mark_unchanged();
            match self.lease(request.clone()).await {
                Ok(Some(job)) => return Ok(job),
                Ok(None) => {}
                Err(HandleError::Store(error)) if error.is_retryable() => {}
                Err(error) => return Err(error),
            }
            let until = self.handle.now() + LOOK_AGAIN;
            tokio::select! {
                _ = hints.changed() => {}
                () = self.handle.clock().sleep_until(until) => {}
            }
        }
    }

    /// Renews a lease. To be called at least every 2 min; every 30 s is usual.
    ///
    /// # Errors
    /// [`HandleError::JobRefused`]: the worker must stop. [`HandleError::NoSuchJob`],
    /// [`HandleError::Store`].
    pub async fn renew(self, lease: &LeaseRef) -> Result<Job, HandleError> {
        let (lease, until) = (lease.clone(), self.handle.now() + self.handle.rules().jobs.lease);
        told(self.handle.write_store(move |store| store.jobs().renew(lease, until)).await?)
    }

    /// Records that the worker gave output, which also renews its lease. A step, in at most 2 KiB,
    /// becomes part of the job's history.
    ///
    /// # Errors
    /// As [`JobApi::renew`].
    pub async fn output(self, lease: &LeaseRef, step: Option<&str>) -> Result<Job, HandleError> {
        let (at, rules, words) = (self.handle.now(), self.handle.rules(), self.words());
        let (lease, step, until) = (lease.clone(), step.map(str::to_owned), at + rules.jobs.lease);
        let is_event = step.is_some();
        let changed = self
            .handle
            .write_store(move |store| store.jobs().output(lease, step, until, words, at))
            .await?;
        if is_event {
            self.handle.hint();
        }
        told(changed)
    }

    /// Records where the worker works. `None`: as recorded.
    ///
    /// # Errors
    /// As [`JobApi::renew`].
    pub async fn place(
        self,
        lease: &LeaseRef,
        worktree: Option<String>,
        branch: Option<String>,
    ) -> Result<Job, HandleError> {
        let named = lease.clone();
        self.change(lease.job, move |job, _| job.place(&named, worktree, branch)).await
    }

    /// Says that the worker waits for a decision that is open. The worker goes on renewing its
    /// lease; if it ends, the job is queued again after the answer.
    ///
    /// # Errors
    /// As [`JobApi::renew`]; [`crate::core::jobs::JobRefused::NoOpenDecision`].
    pub async fn wait_for(
        self,
        lease: &LeaseRef,
        decision: DecisionId,
    ) -> Result<Job, HandleError> {
        let named = lease.clone();
        self.change(lease.job, move |job, _| job.wait_for(&named, decision)).await
    }

    /// Says that the worker goes on after a decision.
    ///
    /// # Errors
    /// As [`JobApi::renew`]; [`crate::core::jobs::JobRefused::StillOpen`].
    pub async fn resume(self, lease: &LeaseRef) -> Result<Job, HandleError> {
        let (named, span) = (lease.clone(), self.handle.rules().jobs.lease);
        self.change(lease.job, move |job, at| job.resume(&named, at + span)).await
    }

    /// Ends the job as done.
    ///
    /// # Errors
    /// As [`JobApi::renew`].
    pub async fn finish(self, lease: &LeaseRef, result: JobResult) -> Result<Job, HandleError> {
        let named = lease.clone();
        self.change(lease.job, move |job, _| job.finish(&named, result).map(Some)).await
    }

    /// Ends the job because there is nothing to do.
    ///
    /// # Errors
    /// As [`JobApi::renew`]; an empty reason is refused.
    pub async fn find_not_needed(self, lease: &LeaseRef, reason: &str) -> Result<Job, HandleError> {
        let (named, reason) = (lease.clone(), reason.to_owned());
        self.change(lease.job, move |job, _| job.find_not_needed(&named, reason).map(Some)).await
    }

    /// Ends the attempt as failed: the job is queued again, or needs a person after its last
    /// attempt.
    ///
    /// # Errors
    /// As [`JobApi::renew`].
    pub async fn fail(
        self,
        lease: &LeaseRef,
        words: &str,
        usage: Usage,
    ) -> Result<Job, HandleError> {
        let (named, words) = (lease.clone(), words.to_owned());
        self.change(lease.job, move |job, _| job.fail(&named, words, usage).map(Some)).await
    }

    /// Hands the job back without a failure, because the worker ends.
    ///
    /// # Errors
    /// As [`JobApi::renew`].
    pub async fn hand_back(self, lease: &LeaseRef) -> Result<Job, HandleError> {
        let named = lease.clone();
        self.change(lease.job, move |job, _| job.hand_back(&named).map(Some)).await
    }
}
