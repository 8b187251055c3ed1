//! Why work on a job ends before the job does.

use crate::engine::HandleError;

/// Why an agent is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The worker itself is told to end: it hands the job back.
    Signal,
    /// The job is no longer the worker's: halted, held, cancelled, or given to another. In words.
    NotOurs(String),
    /// People said something that the agent is to read at once.
    Words,
    /// It took too long.
    Late,
}

/// Why the work on a job did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WorkError {
    Stopped(Stop),
    /// The attempt failed, for this reason.
    Failed(String),
}

impl WorkError {
    pub(super) fn failed(why: impl std::fmt::Display) -> Self {
        Self::Failed(why.to_string())
    }
}

impl From<HandleError> for WorkError {
    fn from(error: HandleError) -> Self {
        match error {
            HandleError::JobRefused(_, why) => Self::Stopped(Stop::NotOurs(why.to_string())),
            other => Self::failed(other),
        }
    }
}
