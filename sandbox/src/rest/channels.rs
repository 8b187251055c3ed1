//! Routes of channels themselves.

use super::call::{Answer, Call, Reply};
use super::messages;
use crate::model::Channel;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    Ok(Reply::ok(state.realm.channel_object(channel)))
}

pub(super) fn typing(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?.id;
    messages::may_write(state, call.bot()?, channel)?;
    Ok(Reply::empty())
}

pub(super) fn pins(state: &mut State, call: &Call) -> Answer {
    visible(state, call)?;
    Ok(Reply::ok(Vec::<serde_json::Value>::new()))
}

pub(super) fn pins_page(state: &mut State, call: &Call) -> Answer {
    visible(state, call)?;
    Ok(Reply::ok(serde_json::json!({ "items": [], "has_more": false })))
}

/// The channel of a request, if it exists (10003) and the bot sees it (50001).
pub(super) fn visible<'a>(state: &'a State, call: &Call) -> Result<&'a Channel, Refusal> {
    let channel = state.realm.channel(call.id("channel_id")?);
    let channel = channel.ok_or_else(Refusal::unknown_channel)?;
    if state.bot_sees(call.bot()?, channel) { Ok(channel) } else { Err(Refusal::missing_access()) }
}
