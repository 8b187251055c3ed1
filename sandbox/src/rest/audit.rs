//! The route of a guild's audit log.

use super::call::{Answer, Call, Reply};
use super::guilds::inside;
use crate::audit::Filter;
use crate::permissions::VIEW_AUDIT_LOG;
use crate::refusal::Refusal;
use crate::state::State;
use crate::validate::query;

/// Bounds of an action type, above all that Discord documents.
const ACTIONS: (i64, i64) = (1, 1_000);

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let guild = inside(state, call)?;
    if state.realm.guild_permissions(guild, call.bot()?) & VIEW_AUDIT_LOG == 0 {
        return Err(Refusal::missing_permissions());
    }
    let action = query::int(&call.query, "action_type", ACTIONS, 0)?;
    let filter = Filter {
        user: call.wanted("user_id")?,
        target: call.wanted("target_id")?,
        action: u16::try_from(action).ok().filter(|action| *action != 0),
        before: call.wanted("before")?,
        after: call.wanted("after")?,
        limit: query::int(&call.query, "limit", (1, 100), 50)?,
    };
    Ok(Reply::ok(state.realm.audit_log_object(guild.id, &filter)))
}
