//! The route that deletes several messages at once (page "Message" of Discord's documentation).

use chrono::TimeDelta;

use super::call::{Answer, Call, Reply};
use super::channels::visible;
use super::reactions::may_moderate;
use crate::audit::{Deed, action};
use crate::mentions::id_of;
use crate::refusal::Refusal;
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

/// "This endpoint will not delete messages older than 2 weeks."
const OLDEST: TimeDelta = TimeDelta::weeks(2);

/// POST `/channels/{id}/messages/bulk-delete`.
pub(super) fn bulk_delete(state: &mut State, call: &Call) -> Answer {
    let (channel, bot) = (visible(state, call)?, call.bot()?);
    may_moderate(state, bot, channel)?;
    validate::guild::BULK_DELETE.check(&call.body)?;
    let listed = call.body["messages"].as_array().into_iter().flatten();
    let ids: Vec<_> = listed.filter_map(id_of).collect();
    // Ids have the time in them, so that messages need not exist to be too old.
    let limit = Snowflake::at(state.clock().now() - OLDEST);
    if ids.iter().any(|id| *id < limit) {
        return Err(Refusal::too_old_to_delete());
    }
    let (channel, guild) = (channel.id, channel.guild());
    let gone = state.delete_messages(channel, &ids);
    if let (Some(guild), true) = (guild, gone > 0) {
        let deed = Deed::new(action::MESSAGE_BULK_DELETE, Some(channel)).with("count", gone);
        state.audit(guild, bot, deed.because(call.reason.as_deref()));
    }
    Ok(Reply::empty())
}
