//! Error texts for API callers: missing scopes, and reused idempotency keys.

use crate::core::access::{Forbidden, Scope};
use crate::core::decision::DecisionId;

/// Why a caller is forbidden to do something.
#[must_use]
pub fn forbidden(why: &Forbidden) -> String {
    match why {
        Forbidden::Lacks(Scope::Decide) => {
            "this token cannot decide: agents ask, people decide. A person answers on Discord, \
             or with their own token that has the scope decide"
                .into()
        }
        Forbidden::Lacks(scope) => {
            format!(
                "this token lacks the scope {}: create a token with \
                 that scope: gander token create",
                scope.word()
            )
        }
        Forbidden::OtherProject(project) => {
            format!("this token does not cover the project {project}")
        }
        Forbidden::NotTheirs => "another caller asked this: only that caller can claim the \
            verdict, report the outcome and withdraw"
            .into(),
        Forbidden::OwnQuestion => {
            "the holder of this token asked this, and nobody may decide their own question".into()
        }
        Forbidden::HolderLeft => "the holder of this token is no longer a member of the bot's \
            Discord server: the token decides and sees nothing more in their name. Revoke it with \
            gander token revoke"
            .into(),
        Forbidden::HolderUnknown => "Discord does not say whether the holder of this token is \
            still a member of the bot's server: nothing was decided. Try again, or decide on \
            Discord"
            .into(),
    }
}

/// Name of a local caller, identified by user ID.
#[must_use]
pub fn user(uid: u32) -> String {
    format!("user {uid}")
}

/// The dedup key is reserved for gates.
pub const GATES_KEY: &str = "dedup keys that begin with gate: are reserved for gates, because an \
    approval under such a key lets the call run: choose another key";

/// The idempotency key was used for a different request.
#[must_use]
pub fn other_request(id: DecisionId) -> String {
    format!(
        "this idempotency key was used before for a different request ({id}): repeat that \
         request unchanged, or use another key"
    )
}
