//! A job of the shared queue, its states and its transitions.
//!
//! As for a decision ([`crate::core::decision`]), each transition has two steps: a method checks
//! the state and returns the [`JobEvent`] to append or the reason for the refusal, and
//! [`Job::evolve`] applies an event. Replaying a job's events rebuilds the job.
//!
//! A job is leased, not assigned: a worker that stops renewing its lease loses the job. Does not
//! depend on other jobs (the store looks at those), on workers' processes or on presentation.

pub mod event;
mod evolve;
pub mod guards;
pub mod order;
mod people;
pub mod question;
pub mod refusal;
pub mod request;
pub mod result;
pub mod rules;
pub mod state;
#[cfg(test)]
mod tests;
mod worker;

use serde::{Deserialize, Serialize};

pub use self::event::{JobEvent, LoggedJob};
pub use self::guards::{GuardReached, Guards, RunTotals};
pub use self::order::Move;
pub use self::question::{JobAnswer, JobQuestion};
pub use self::refusal::{HaltRefused, JobRefused};
pub use self::request::{Enqueuer, InvalidJob, JobRequest, JobSource};
pub use self::result::{Handoff, JobResult, Usage, Validation};
pub use self::rules::{JobRules, ProjectJobRules};
pub use self::state::{
    AttemptFailure, CancelReason, FailureCode, Guidance, JobState, Lease, LeaseRef, Liveness,
    NeedsReason, ProgressStep, Stuck, WaitReason,
};
use super::Time;
use super::decision::DecisionId;
pub use super::values::identity::JobId;

/// A piece of work for an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The job's number.
    pub id: JobId,
    /// What is to be done, as it was enqueued.
    pub request: JobRequest,
    /// The run that the job belongs to: jobs that came from one beginning.
    pub run: String,
    /// How many jobs are between this one and the first of its run; 0 for a first job.
    pub depth: u32,
    /// Time of the enqueue.
    pub enqueued_at: Time,
    /// The current state.
    pub state: JobState,
    /// How often a worker has begun the job.
    pub attempts: u32,
    /// Attempts that failed since the job was enqueued or a person retried it.
    pub failures: u32,
    /// The latest failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<AttemptFailure>,
    /// Steps up (positive) or down in the queue, as people moved the job.
    #[serde(default)]
    pub bias: i32,
    /// When the queue found that the deadline is near and the job not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_risk: Option<Time>,
    /// The folder of the job's git worktree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<String>,
    /// The job's branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// What the worker said last about its progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<ProgressStep>,
    /// What people said to the agent, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guidance: Vec<Guidance>,
    /// What came of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<JobResult>,
    /// What all attempts together used, as far as workers reported it.
    #[serde(default)]
    pub usage: Usage,
    /// The log position of the latest event.
    pub changed: u64,
    /// How the worker that has the lease is doing. Renewed without events, and no part of the log.
    #[serde(skip)]
    pub liveness: Option<Liveness>,
}

impl Job {
    /// A new job that waits for a worker.
    #[must_use]
    pub fn new(id: JobId, request: JobRequest, enqueued_at: Time) -> Self {
        Self {
            id,
            request,
            run: String::new(),
            depth: 0,
            enqueued_at,
            state: JobState::Queued,
            attempts: 0,
            failures: 0,
            last_failure: None,
            bias: 0,
            at_risk: None,
            worktree: None,
            branch: None,
            step: None,
            guidance: Vec::new(),
            result: None,
            usage: Usage::default(),
            changed: 0,
            liveness: None,
        }
    }

    /// The decision that the job waits for, or that asks what to do with it.
    #[must_use]
    pub fn decision(&self) -> Option<DecisionId> {
        match &self.state {
            JobState::Running { stuck: Some(stuck), .. } => stuck.decision,
            JobState::Waiting { on, .. } => Some(*on),
            JobState::NeedsPerson { decision, .. } => *decision,
            _ => None,
        }
    }

    /// The lease of the worker that has the job.
    #[must_use]
    pub const fn lease(&self) -> Option<&Lease> {
        self.state.lease()
    }

    /// The number of failed attempts after which the job needs a person, at least 1.
    #[must_use]
    pub fn failure_limit(&self) -> u32 {
        self.request.failure_limit.unwrap_or(JobRequest::FAILURE_LIMIT).max(1)
    }

    /// Whether a further failed attempt is the last.
    #[must_use]
    pub fn is_last_attempt(&self) -> bool {
        self.failures + 1 >= self.failure_limit()
    }
}
