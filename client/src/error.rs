//! Errors of the client, and how to react.

use std::time::Duration;

use crate::types::{Decision, Problem, ProblemKind};

/// How to react to an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Retry after this delay; no other action is needed.
    RetryAfter(Duration),
    /// The decision's state differs from what the caller assumed: get the decision and act on its
    /// state.
    GetDecision,
    /// The store is an earlier one than before, because a backup was restored: read the decisions
    /// again, then go on. An event stream continues from the end of the log.
    ReadAgain,
    /// No retry can succeed: correct the call, the token or the configuration.
    Unrecoverable,
}

/// Why a call failed. Errors for which a retry can help have been retried for
/// [`Client::retry_for`](crate::Client::retry_for).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address, the token or the request is unusable. Nothing was sent.
    #[error("{0}")]
    Settings(String),
    /// No answer. The request may have arrived; questions, claims, reports and waits can be
    /// repeated safely.
    #[error(
        "no answer from {address}: {why}. Check that gander serve is running and listens there \
         (gander doctor shows where)"
    )]
    Unreachable {
        /// The address that was tried.
        address: String,
        /// The cause.
        why: String,
        /// The pause that a proxy in front of the server asks for.
        retry_after: Option<Duration>,
    },
    /// The server rejected the request, with reason and remedy.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The response does not come from Gander, or from an incompatible version.
    #[error("the server at {address} is not Gander, or a different version: {why}")]
    UnexpectedResponse {
        /// The address.
        address: String,
        /// What was unexpected.
        why: String,
    },
}

/// Default retry delay, if the server names none.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

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
    pub fn problem_kind(&self) -> Option<ProblemKind> {
        self.problem().and_then(Problem::known_kind)
    }

    /// The current decision, if the server included the decision in the problem.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        self.problem().and_then(|problem| problem.decision.as_deref())
    }

    /// How to react.
    #[must_use]
    pub fn reaction(&self) -> Reaction {
        match self {
            Self::Settings(_) | Self::UnexpectedResponse { .. } => Reaction::Unrecoverable,
            Self::Unreachable { retry_after, .. } => {
                Reaction::RetryAfter(retry_after.unwrap_or(DEFAULT_RETRY_AFTER))
            }
            Self::Refused(problem) => match problem.status {
                // The body was too slow, the rate limit was exceeded, the store is busy, or the
                // process is shutting down.
                408 | 429 | 503 => Reaction::RetryAfter(
                    problem.retry_after.map_or(DEFAULT_RETRY_AFTER, Duration::from_secs),
                ),
                409 | 412 => Reaction::GetDecision,
                410 => Reaction::ReadAgain,
                _ => Reaction::Unrecoverable,
            },
        }
    }
}
