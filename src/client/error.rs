//! Errors of the client, and how to react.

use std::time::Duration;

use crate::wire::{Decision, Problem, ProblemKind};

/// How to react to an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Retry after this delay; no other action is needed.
    Again(Duration),
    /// The decision's state differs from what the caller assumed: get the decision and act on its
    /// state.
    Look,
    /// No retry can succeed: correct the call, the token or the configuration.
    Mend,
}

/// Why a call failed. Errors for which a retry can help have been retried for
/// [`patience`](super::Client::patience()).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address, the token or the request is unusable. Nothing was sent.
    #[error("{0}")]
    Settings(String),
    /// No answer. The request may have arrived; questions, claims, reports and waits can be
    /// repeated safely.
    #[error(
        "no answer from {place}: {why}. Is gander serve running, and does it listen there? gander doctor says where it does"
    )]
    Unreachable {
        /// The address that was tried.
        place: String,
        /// The cause.
        why: String,
    },
    /// The server rejected the request, with reason and remedy.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The response does not come from Gander, or from an incompatible version.
    #[error("what answers at {place} is not Gander, or another version of it: {why}")]
    Strange {
        /// The address.
        place: String,
        /// What was unexpected.
        why: String,
    },
}

/// Default retry delay, if the server names none.
const SHORTLY: Duration = Duration::from_secs(1);

impl Error {
    /// The problem that the server returned.
    #[must_use]
    pub const fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// The kind of problem. `None`: the server returned no problem, or a kind that this version
    /// does not know.
    #[must_use]
    pub fn sort(&self) -> Option<ProblemKind> {
        self.problem().and_then(Problem::sort)
    }

    /// The current decision, if the server included the decision in the problem.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        self.problem().and_then(|problem| problem.decision.as_deref())
    }

    /// How to react.
    #[must_use]
    pub fn next(&self) -> Next {
        match self {
            Self::Settings(_) | Self::Strange { .. } => Next::Mend,
            Self::Unreachable { .. } => Next::Again(SHORTLY),
            Self::Refused(problem) => match problem.status {
                // The body was too slow, the rate limit was exceeded, the store is busy, or the
                // process is shutting down.
                408 | 429 | 503 => {
                    Next::Again(problem.retry_after.map_or(SHORTLY, Duration::from_secs))
                }
                409 | 412 => Next::Look,
                _ => Next::Mend,
            },
        }
    }
}
