//! The states of a job, each with its data.

use serde::{Deserialize, Serialize};

use super::JobId;
use super::guards::GuardReached;
use crate::core::Time;
use crate::core::decision::{DecisionId, Person};

/// A worker's temporary right to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The worker's name.
    pub worker: String,
    /// The number of the attempt, from 1. Tells this lease from an earlier lease of this worker.
    pub attempt: u32,
    /// Since when.
    pub since: Time,
}

/// How a worker names its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRef {
    /// The job.
    pub job: JobId,
    /// The worker's name.
    pub worker: String,
    /// The number of the attempt. `None`: the worker's current attempt, whichever that is.
    pub attempt: Option<u32>,
}

impl LeaseRef {
    /// Names the lease that a job has now. `None` without a lease.
    #[must_use]
    pub fn of(job: &super::Job) -> Option<Self> {
        let Lease { worker, attempt, .. } = job.lease()?;
        Some(Self { job: job.id, worker: worker.clone(), attempt: Some(*attempt) })
    }
}

/// When a worker was last heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Liveness {
    /// When the lease ends, unless the worker renews it.
    pub until: Time,
    /// The worker's latest output; the beginning of the lease, before any.
    pub output_at: Time,
}

/// A running job without output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// When the queue found it stuck.
    pub at: Time,
    /// The decision about it, while one is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionId>,
}

/// Why a job waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum WaitReason {
    /// A guard against runs without end: the job is queued once a person approves.
    Guard(GuardReached),
    /// The worker asked: a plan, a question.
    Asked,
}

/// Why a job needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum NeedsReason {
    /// Too many attempts failed.
    FailedTooOften,
    /// A job that this one depends on failed for good or was cancelled.
    DependencyFailed {
        /// The other job.
        on: JobId,
    },
}

/// Why a job was cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum CancelReason {
    /// A person cancelled the job.
    Person {
        /// The person.
        by: Person,
        /// The person's words. May be empty.
        words: String,
    },
    /// Nobody approved the job beyond a guard: rejected, or withdrawn.
    GuardRejected {
        /// The decision.
        decision: DecisionId,
    },
}

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The worker reported the failure.
    Reported,
    /// The worker stopped renewing its lease.
    LeaseLost,
    /// The worker gave no output, and a person had it stopped.
    Stuck,
}

impl FailureCode {
    /// The code's word: `reported`, `lease_lost`, `stuck`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::LeaseLost => "lease_lost",
            Self::Stuck => "stuck",
        }
    }
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFailure {
    /// How.
    pub code: FailureCode,
    /// The worker's words. May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// When.
    pub at: Time,
}

/// A step that a worker reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressStep {
    /// The worker's words.
    pub text: String,
    /// When.
    pub at: Time,
}

/// What a person said to the agent: a hint for the next attempt, or words on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guidance {
    /// The person.
    pub by: Person,
    /// The words.
    pub text: String,
    /// When.
    pub at: Time,
}

/// The state of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker, or for the jobs that it depends on.
    Queued,
    /// A worker has the job.
    Running {
        /// The worker's lease.
        lease: Lease,
        /// Set while the worker gives no output.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stuck: Option<Stuck>,
    },
    /// Waits for a decision.
    Waiting {
        /// The decision.
        on: DecisionId,
        /// Why.
        why: WaitReason,
        /// The lease of the worker that waits; absent if no worker has the job.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease: Option<Lease>,
    },
    /// No worker can go on; a person must say what to do.
    NeedsPerson {
        /// Why.
        why: NeedsReason,
        /// The decision that asks, while one is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<DecisionId>,
        /// Since when.
        at: Time,
    },
    /// A person keeps the job from workers, or does it.
    Held {
        /// The person.
        by: Person,
        /// Since when.
        at: Time,
    },
    /// The queue was halted while a worker had the job. The worktree is kept.
    Halted {
        /// The worker that was stopped.
        worker: String,
        /// When.
        at: Time,
    },
    /// Done.
    Done {
        /// When.
        at: Time,
    },
    /// There was nothing to do.
    NotNeeded {
        /// Why, in the worker's or person's words.
        reason: String,
        /// When.
        at: Time,
    },
    /// A person gave the job up.
    Failed {
        /// The person.
        by: Person,
        /// The person's words. May be empty.
        words: String,
        /// When.
        at: Time,
    },
    /// Nobody wants the job any more.
    Cancelled {
        /// Why.
        cause: CancelReason,
        /// When.
        at: Time,
    },
}

impl JobState {
    /// The words of all states, in the order of a job's life.
    pub const WORDS: [&'static str; 10] = [
        "queued",
        "running",
        "waiting",
        "needs_person",
        "held",
        "halted",
        "done",
        "not_needed",
        "failed",
        "cancelled",
    ];

    /// The state's word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Waiting { .. } => "waiting",
            Self::NeedsPerson { .. } => "needs_person",
            Self::Held { .. } => "held",
            Self::Halted { .. } => "halted",
            Self::Done { .. } => "done",
            Self::NotNeeded { .. } => "not_needed",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// When the job ended. `None`: it is not over.
    #[must_use]
    pub const fn over_at(&self) -> Option<Time> {
        match self {
            Self::Done { at }
            | Self::NotNeeded { at, .. }
            | Self::Failed { at, .. }
            | Self::Cancelled { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// Whether the job is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over_at().is_some()
    }

    /// Whether jobs that depend on this one may run.
    #[must_use]
    pub const fn satisfies(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::NotNeeded { .. })
    }

    /// Whether jobs that depend on this one cannot run unless a person acts.
    #[must_use]
    pub const fn fails_dependants(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Cancelled { .. })
    }

    /// The lease of the worker that has the job.
    #[must_use]
    pub const fn lease(&self) -> Option<&Lease> {
        match self {
            Self::Running { lease, .. } | Self::Waiting { lease: Some(lease), .. } => Some(lease),
            _ => None,
        }
    }
}
