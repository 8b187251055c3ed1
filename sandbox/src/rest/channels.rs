//! Routes of channels themselves.

use super::call::{Answer, Call, Reply, id};
use super::messages;
use crate::model::Channel;
use crate::refusal::Refusal;
use crate::snowflake::Snowflake;
use crate::state::State;

pub(super) fn route(
    state: &State,
    call: &Call,
    bot: Snowflake,
    channel: &str,
    path: &[&str],
) -> Answer {
    let channel = visible(state, bot, channel)?;
    match (call.method.as_str(), path) {
        ("GET", []) => Ok(Reply::ok(state.realm.channel_object(channel))),
        ("POST", ["typing"]) => {
            messages::may_write(state, bot, channel.id)?;
            Ok(Reply::empty())
        }
        ("GET", ["pins"]) => Ok(Reply::ok(Vec::<serde_json::Value>::new())),
        _ => Err(Refusal::bare(404)),
    }
}

/// The channel, if it exists (10003) and the bot sees it (50001).
pub(super) fn visible<'a>(
    state: &'a State,
    bot: Snowflake,
    channel: &str,
) -> Result<&'a Channel, Refusal> {
    let channel = state.realm.channel(id(channel, "channel_id")?);
    let channel = channel.ok_or_else(Refusal::unknown_channel)?;
    if state.bot_sees(bot, channel) { Ok(channel) } else { Err(Refusal::missing_access()) }
}
