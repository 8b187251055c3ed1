//! Reasons why a job did not change.

use super::JobId;
use crate::core::decision::DecisionId;

/// Why a job did not change. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobRefused {
    /// Another worker, or another attempt of this worker, has the job.
    #[error("{worker} has it (attempt {attempt}): your lease is over, stop working on it")]
    LeasedByOther {
        /// The worker that has the job.
        worker: String,
        /// Its attempt.
        attempt: u32,
    },
    /// The worker was stopped: by a halt, or by a person who holds or cancelled the job.
    #[error("it is {state}: stop working on it, and leave its worktree as it is")]
    Stopped {
        /// The job's state.
        state: &'static str,
    },
    /// No worker has the job: the lease was taken back.
    #[error("your lease is over: it is {state}. Stop working on it")]
    NotLeased {
        /// The job's state.
        state: &'static str,
    },
    /// The job is over.
    #[error("it is over: {state}")]
    Over {
        /// The job's state.
        state: &'static str,
    },
    /// The state does not allow the action.
    #[error("it is {state}: {what} is possible only while it is {possible}")]
    WrongState {
        /// The job's state.
        state: &'static str,
        /// The action.
        what: &'static str,
        /// The states that allow it.
        possible: &'static str,
    },
    /// The worker does not wait for a decision.
    #[error("it waits for no decision")]
    NotWaiting,
    /// The decision is still open.
    #[error("{0} has no answer yet")]
    StillOpen(DecisionId),
    /// The decision does not exist, or is over already.
    #[error("there is no open decision {0} to wait for")]
    NoOpenDecision(DecisionId),
    /// Another job with this source and id is not over.
    #[error("{0} has its source and id, and is not over")]
    SourceTaken(JobId),
    /// A job that it depends on is over without being done.
    #[error("it depends on {0}, which is over and not done: retry that first, or cancel this")]
    DeadDependency(JobId),
    /// A text is empty.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// A text is too long.
    #[error("the {what} has {size} bytes, more than the maximum of {limit}: shorten it")]
    TooLong {
        /// Which.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

/// Why a halt, or its end, changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HaltRefused {
    /// It is halted already.
    #[error("{} halted already", all_or(.project))]
    AlreadyHalted {
        /// The project. `None`: all.
        project: Option<String>,
    },
    /// It is not halted.
    #[error("{} not halted", all_or(.project))]
    NotHalted {
        /// The project. `None`: all.
        project: Option<String>,
    },
    /// The whole queue is halted, and its end was asked for one project.
    #[error("the whole queue is halted, not only {project}: lift the halt without a project")]
    AllHalted {
        /// The project.
        project: String,
    },
}

fn all_or(project: &Option<String>) -> String {
    project.as_ref().map_or_else(|| "the queue is".into(), |name| format!("the project {name} is"))
}
