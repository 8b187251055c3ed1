//! Routes of channels themselves.

use super::call::{Answer, Call, Reply, id};
use super::messages;
use crate::refusal::Refusal;
use crate::server::Channel;
use crate::state::State;

pub(super) fn route(state: &State, call: &Call, channel: &str, path: &[&str]) -> Answer {
    let channel = visible(state, channel)?;
    match (call.method.as_str(), path) {
        ("GET", []) => Ok(Reply::ok(state.server.channel_object(channel))),
        ("POST", ["typing"]) => {
            messages::may_write(state, channel.id)?;
            Ok(Reply::empty())
        }
        ("GET", ["pins"]) => Ok(Reply::ok(Vec::<serde_json::Value>::new())),
        _ => Err(Refusal::bare(404)),
    }
}

/// The channel, if it exists (10003) and the bot sees it (50001).
pub(super) fn visible<'a>(state: &'a State, channel: &str) -> Result<&'a Channel, Refusal> {
    let channel = state.server.channel(id(channel, "channel_id")?);
    let channel = channel.ok_or_else(Refusal::unknown_channel)?;
    if state.bot_sees(channel) { Ok(channel) } else { Err(Refusal::missing_access()) }
}
