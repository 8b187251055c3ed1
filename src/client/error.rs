//! Why a call came to nothing, and what happens next.

use std::time::Duration;

use crate::wire::{Decision, Problem, ProblemKind};

/// What to do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The same may work after this long; nothing else need be done.
    Again(Duration),
    /// It stands otherwise than was thought: look at the decision, and go by that.
    Look,
    /// It will never work like this: the call, the token or the configuration is to be mended.
    Mend,
}

/// Why a call came to nothing. It has been tried again for as long as the client is patient, where
/// that could help.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address or the token cannot be used. Nothing was sent.
    #[error("{0}")]
    Settings(String),
    /// Nobody answered. What was sent may have arrived; questions, claims, reports and waits can be
    /// repeated safely.
    #[error(
        "no answer from {place}: {why}. Is gander serve running, and does it listen there? gander doctor says where it does"
    )]
    Unreachable {
        /// Where it was tried.
        place: String,
        /// In words.
        why: String,
    },
    /// The server refused it, and says why and what to do.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// What answered is not Gander, or another version.
    #[error("what answers at {place} is not Gander, or another version of it: {why}")]
    Strange {
        /// Where.
        place: String,
        /// In words.
        why: String,
    },
}

/// How long to leave a server alone that does not say so itself.
const SHORTLY: Duration = Duration::from_secs(1);

impl Error {
    /// The problem, as the server describes it.
    #[must_use]
    pub const fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// Its sort; `None`: it is no refusal, or a newer sort.
    #[must_use]
    pub fn sort(&self) -> Option<ProblemKind> {
        self.problem().and_then(Problem::sort)
    }

    /// The decision as it stands, where the server told it beside its refusal.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        self.problem().and_then(|problem| problem.decision.as_deref())
    }

    /// What happens next.
    #[must_use]
    pub fn next(&self) -> Next {
        match self {
            Self::Settings(_) | Self::Strange { .. } => Next::Mend,
            Self::Unreachable { .. } => Next::Again(SHORTLY),
            Self::Refused(problem) => match problem.status {
                // The body came too slowly, too many at once, the store is busy, or the process
                // ends.
                408 | 429 | 503 => {
                    Next::Again(problem.retry_after.map_or(SHORTLY, Duration::from_secs))
                }
                409 | 412 => Next::Look,
                _ => Next::Mend,
            },
        }
    }
}
