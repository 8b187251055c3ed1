//! Error texts for API callers: missing scopes, and reused idempotency keys.

use crate::core::caller::{Forbidden, Scope};
use crate::core::decision::DecisionId;

/// Why a caller is forbidden to do something.
#[must_use]
pub fn forbidden(why: &Forbidden) -> String {
    match why {
        Forbidden::Lacks(Scope::Decide) => {
            "this token cannot decide: agents ask, people decide. A person answers on Discord, or with \
                                            a token of their own that has the scope decide"
                .into()
        }
        Forbidden::Lacks(scope) => {
            format!("this token lacks the scope {}: gander token create makes one that has it", scope.word())
        }
        Forbidden::OtherProject(project) => format!("this token is not for the project {project}"),
        Forbidden::NotTheirs => "this was asked by somebody else: only who asked takes the verdict, reports and withdraws".into(),
        Forbidden::OwnQuestion => "whoever holds this token asked it, and nobody decides what they asked".into(),
    }
}

/// Name of a local caller, identified by user ID.
#[must_use]
pub fn user(uid: u32) -> String {
    format!("user {uid}")
}

/// The dedup key is reserved for gates.
pub const GATES_KEY: &str = "dedup keys that begin with gate: belong to gates, for what is approved under them runs: choose another";

/// The idempotency key was used for a different request.
#[must_use]
pub fn other_request(id: DecisionId) -> String {
    format!(
        "under this idempotency key something else was asked before ({id}): repeat it as it was, or take another key"
    )
}
