//! What the worker that leased a job may do with it.

use super::request::LONGEST_PROMPT;
use super::state::{FailureCode, JobState, Lease, LeaseRef, WaitReason};
use super::{Job, JobEvent, JobRefused, JobResult, Usage};
use crate::core::Time;
use crate::core::decision::DecisionId;

/// The longest text of a step, in bytes.
pub(super) const LONGEST_STEP: usize = 2 << 10;
/// The longest reason, hint or report of a failure, in bytes.
pub(super) const LONGEST_WORDS: usize = 16 << 10;

pub(super) const fn short_enough(
    what: &'static str,
    text: &str,
    limit: usize,
) -> Result<(), JobRefused> {
    let size = text.len();
    if size <= limit { Ok(()) } else { Err(JobRefused::TooLong { what, size, limit }) }
}

impl Job {
    /// Leases the job to a worker. The store checks turns, limits, dependencies and halts.
    ///
    /// # Errors
    /// [`JobRefused::WrongState`] unless it is queued.
    pub fn lease_to(&self, worker: String, until: Time) -> Result<JobEvent, JobRefused> {
        match self.state {
            JobState::Queued => Ok(JobEvent::Leased { worker, until }),
            _ => Err(self.wrong_state("leasing it", "queued")),
        }
    }

    /// The lease that a worker names.
    ///
    /// # Errors
    /// [`JobRefused::LeasedByOther`], [`JobRefused::Stopped`], [`JobRefused::NotLeased`],
    /// [`JobRefused::Over`]: the worker must stop.
    pub fn check_lease(&self, named: &LeaseRef) -> Result<&Lease, JobRefused> {
        let state = self.state.word();
        match self.lease() {
            Some(lease)
                if lease.worker == named.worker
                    && named.attempt.is_none_or(|attempt| attempt == lease.attempt) =>
            {
                Ok(lease)
            }
            Some(Lease { worker, attempt, .. }) => {
                Err(JobRefused::LeasedByOther { worker: worker.clone(), attempt: *attempt })
            }
            None => Err(match self.state {
                JobState::Halted { .. } | JobState::Held { .. } | JobState::Cancelled { .. } => {
                    JobRefused::Stopped { state }
                }
                _ if self.state.is_over() => JobRefused::Over { state },
                _ => JobRefused::NotLeased { state },
            }),
        }
    }

    /// Records where the worker works. `None`: as recorded.
    ///
    /// # Errors
    /// As [`Job::check_lease`].
    pub fn place(
        &self,
        named: &LeaseRef,
        worktree: Option<String>,
        branch: Option<String>,
    ) -> Result<Option<JobEvent>, JobRefused> {
        self.check_lease(named)?;
        let new = (worktree.is_some() && worktree != self.worktree)
            || (branch.is_some() && branch != self.branch);
        Ok(new.then_some(JobEvent::Placed { worktree, branch }))
    }

    /// Records a step.
    ///
    /// # Errors
    /// As [`Job::check_lease`]; [`JobRefused::Empty`], [`JobRefused::TooLong`].
    pub fn report_step(&self, named: &LeaseRef, text: String) -> Result<JobEvent, JobRefused> {
        self.check_lease(named)?;
        if text.trim().is_empty() {
            return Err(JobRefused::Empty("step"));
        }
        short_enough("step", &text, LONGEST_STEP)?;
        Ok(JobEvent::Stepped { text })
    }

    /// Waits for a decision. The store checks that the decision is open. `None`: it waits already.
    ///
    /// # Errors
    /// As [`Job::check_lease`].
    pub fn wait_for(
        &self,
        named: &LeaseRef,
        decision: DecisionId,
    ) -> Result<Option<JobEvent>, JobRefused> {
        self.check_lease(named)?;
        let waits = matches!(self.state, JobState::Waiting { on, .. } if on == decision);
        Ok((!waits).then_some(JobEvent::WaitsFor { decision }))
    }

    /// Goes on after a decision. `None`: it runs already.
    ///
    /// # Errors
    /// As [`Job::check_lease`].
    pub fn resume(&self, named: &LeaseRef, until: Time) -> Result<Option<JobEvent>, JobRefused> {
        self.check_lease(named)?;
        let waits = matches!(self.state, JobState::Waiting { why: WaitReason::Asked, .. });
        Ok(waits.then_some(JobEvent::Resumed { until }))
    }

    /// Ends the job as done.
    ///
    /// # Errors
    /// As [`Job::check_lease`]; [`JobRefused::TooLong`].
    pub fn finish(&self, named: &LeaseRef, result: JobResult) -> Result<JobEvent, JobRefused> {
        self.check_lease(named)?;
        check_result(&result)?;
        Ok(JobEvent::Finished { result: Box::new(result), by: None })
    }

    /// Ends the job because there was nothing to do.
    ///
    /// # Errors
    /// As [`Job::check_lease`]; [`JobRefused::Empty`], [`JobRefused::TooLong`].
    pub fn find_not_needed(
        &self,
        named: &LeaseRef,
        reason: String,
    ) -> Result<JobEvent, JobRefused> {
        self.check_lease(named)?;
        check_reason(&reason)?;
        Ok(JobEvent::NotNeeded { reason, by: None })
    }

    /// Ends the attempt as failed. After the last attempt, the store adds the decision.
    ///
    /// # Errors
    /// As [`Job::check_lease`]; [`JobRefused::TooLong`].
    pub fn fail(
        &self,
        named: &LeaseRef,
        words: String,
        usage: Usage,
    ) -> Result<JobEvent, JobRefused> {
        self.check_lease(named)?;
        short_enough("report of the failure", &words, LONGEST_WORDS)?;
        let code = FailureCode::Reported;
        Ok(JobEvent::AttemptFailed { code, words, usage, decision: None })
    }

    /// Hands the job back without a failure: the worker ends.
    ///
    /// # Errors
    /// As [`Job::check_lease`].
    pub fn hand_back(&self, named: &LeaseRef) -> Result<JobEvent, JobRefused> {
        self.check_lease(named)?;
        Ok(match self.state {
            JobState::Waiting { .. } => JobEvent::WaiterGone,
            _ => JobEvent::HandedBack,
        })
    }

    /// Takes the job back from a worker that did not renew its lease. `None`: the lease holds.
    #[must_use]
    pub fn lose_lease(&self, now: Time) -> Option<JobEvent> {
        self.liveness.filter(|liveness| liveness.until <= now)?;
        match self.state {
            JobState::Running { .. } => Some(JobEvent::AttemptFailed {
                code: FailureCode::LeaseLost,
                words: String::new(),
                usage: Usage::default(),
                decision: None,
            }),
            JobState::Waiting { lease: Some(_), .. } => Some(JobEvent::WaiterGone),
            _ => None,
        }
    }

    pub(super) fn wrong_state(&self, what: &'static str, possible: &'static str) -> JobRefused {
        let state = self.state.word();
        if self.state.is_over() {
            JobRefused::Over { state }
        } else {
            JobRefused::WrongState { state, what, possible }
        }
    }
}

pub(super) fn check_reason(reason: &str) -> Result<(), JobRefused> {
    if reason.trim().is_empty() {
        return Err(JobRefused::Empty("reason"));
    }
    short_enough("reason", reason, LONGEST_WORDS)
}

pub(super) fn check_result(result: &JobResult) -> Result<(), JobRefused> {
    let (size, limit) = (result.handoff.bytes(), LONGEST_PROMPT);
    if size > limit {
        return Err(JobRefused::TooLong { what: "handoff", size, limit });
    }
    for text in [&result.commit, &result.pull_request].into_iter().flatten() {
        short_enough("commit or pull request", text, LONGEST_STEP)?;
    }
    match &result.validation {
        Some(super::Validation::Failed { output, .. }) => {
            short_enough("output of the validation", output, LONGEST_WORDS)
        }
        _ => Ok(()),
    }
}
