//! Routes of channels themselves. What they need is from the page "Channels Resource" of Discord's
//! documentation.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::channel_forms::{self as forms, Form};
use super::guilds::inside;
use super::{messages, threads};
use crate::channels::Because;
use crate::model::{Channel, Overwrite, OverwriteOf, Place};
use crate::permissions::{MANAGE_CHANNELS, MANAGE_ROLES};
use crate::refusal::Refusal;
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    Ok(Reply::ok(state.realm.channel_object_for(channel, call.bot()?)))
}

pub(super) fn typing(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?.id;
    messages::may_write(state, call.bot()?, channel)?;
    Ok(Reply::empty())
}

/// The channel of a request, if it exists (10003) and the bot sees it (50001).
pub(super) fn visible<'a>(state: &'a State, call: &Call) -> Result<&'a Channel, Refusal> {
    let channel = state.realm.channel(call.id("channel_id")?);
    let channel = channel.ok_or_else(Refusal::unknown_channel)?;
    if state.bot_sees(call.bot()?, channel) { Ok(channel) } else { Err(Refusal::missing_access()) }
}

/// What a bot may do in a channel; 50013 if a permission is missing.
pub(super) fn need(
    state: &State,
    bot: Snowflake,
    channel: Snowflake,
    permission: u64,
) -> Result<u64, Refusal> {
    let channel = state.realm.channel(channel).ok_or_else(Refusal::unknown_channel)?;
    let bits = state.bot_permissions(bot, channel);
    if bits & permission == permission { Ok(bits) } else { Err(Refusal::missing_permissions()) }
}

/// Who asks, and why.
pub(super) fn because(call: &Call) -> Result<Because<'_>, Refusal> {
    Ok(Because { by: call.bot()?, reason: call.reason.as_deref() })
}

/// The object of a channel that has just been changed.
pub(super) fn object(state: &State, id: Snowflake) -> Result<Value, Refusal> {
    state.channel_json(id).ok_or_else(Refusal::unknown_channel)
}

/// Changes a thread or another channel.
pub(super) fn change(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    let (bot, id) = (call.bot()?, channel.id);
    if channel.thread().is_some() {
        return threads::change(state, call, bot, id);
    }
    let guild = channel.guild().ok_or_else(Refusal::not_in_dm)?;
    let bits = need(state, bot, id, MANAGE_CHANNELS)?;
    let form = Form::of_change(state, guild, channel, &call.body)?;
    if let Some(overwrites) = &form.overwrites {
        need(state, bot, id, MANAGE_ROLES)?;
        forms::within(overwrites, bits)?;
    }
    let position = form.position;
    state.change_channel(id, because(call)?, |channel| form.apply(channel));
    if let Some(position) = position {
        state.move_channels(guild, &[(id, position)]);
    }
    Ok(Reply::ok(object(state, id)?))
}

/// Deletes a thread or another channel. Closing a direct message changes nothing here.
pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    let (bot, id) = (call.bot()?, channel.id);
    if channel.thread().is_some() {
        return threads::delete(state, call, bot, id);
    }
    let gone = object(state, id)?;
    if state.realm.channel(id).is_some_and(Channel::is_dm) {
        return Ok(Reply::ok(gone));
    }
    need(state, bot, id, MANAGE_CHANNELS)?;
    state.remove_channel(id, because(call)?);
    Ok(Reply::ok(gone))
}

/// The channel's guild, if it has overwrites of its own, which threads have not.
fn guild_with_overwrites(state: &State, channel: Snowflake) -> Result<Snowflake, Refusal> {
    let channel = state.realm.channel(channel).ok_or_else(Refusal::unknown_channel)?;
    match channel.place {
        Place::Thread(_) => Err(Refusal::wrong_channel_type()),
        _ => channel.guild().ok_or_else(Refusal::not_in_dm),
    }
}

pub(super) fn put_overwrite(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?.id;
    let guild = guild_with_overwrites(state, channel)?;
    let bits = need(state, call.bot()?, channel, MANAGE_ROLES)?;
    validate::channel::overwrite(&call.body)?;
    let mut body = call.body.clone();
    body["id"] = json!(call.id("overwrite_id")?);
    let overwrite = forms::overwrite(&body).ok_or_else(Refusal::unknown_overwrite)?;
    let known = state.realm.guild(guild).is_some_and(|guild| match overwrite.of {
        OverwriteOf::Role(role) => guild.role(role).is_some(),
        OverwriteOf::Member(user) => guild.has(user),
    });
    if !known {
        return Err(Refusal::unknown_overwrite());
    }
    forms::within(&[overwrite], bits)?;
    state.put_overwrite(channel, overwrite, because(call)?);
    Ok(Reply::empty())
}

pub(super) fn take_overwrite(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?.id;
    guild_with_overwrites(state, channel)?;
    need(state, call.bot()?, channel, MANAGE_ROLES)?;
    let subject = call.id("overwrite_id")?;
    let place = state.realm.channel(channel).and_then(Channel::at);
    let concerns = |overwrite: &&Overwrite| match overwrite.of {
        OverwriteOf::Role(of) | OverwriteOf::Member(of) => of == subject,
    };
    let overwrite = place.and_then(|at| at.overwrites.iter().find(concerns)).copied();
    let overwrite = overwrite.ok_or_else(Refusal::unknown_overwrite)?;
    state.take_overwrite(channel, overwrite, because(call)?);
    Ok(Reply::empty())
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let guild = inside(state, call)?.id;
    let bits = in_guild(state, call.bot()?, guild, MANAGE_CHANNELS)?;
    let place = forms::place(state, guild, &call.body, bits)?;
    let position = call.body["position"].as_u64().and_then(|n| usize::try_from(n).ok());
    let created = state.create_channel(place, position, because(call)?);
    let created = created.ok_or_else(Refusal::unknown_guild)?;
    Ok(Reply { status: 201, body: object(state, created)? })
}

/// Moves channels of a guild.
pub(super) fn arrange(state: &mut State, call: &Call) -> Answer {
    let guild = inside(state, call)?.id;
    in_guild(state, call.bot()?, guild, MANAGE_CHANNELS)?;
    let moves = forms::moves(state, guild, &call.body)?;
    for (channel, parent) in &moves.parents {
        let because = because(call)?;
        state.change_channel(*channel, because, |channel| parent.apply(channel));
    }
    state.move_channels(guild, &moves.positions);
    Ok(Reply::empty())
}

/// What a bot may do in a guild; 50013 if a permission is missing.
pub(super) fn in_guild(
    state: &State,
    bot: Snowflake,
    guild: Snowflake,
    permission: u64,
) -> Result<u64, Refusal> {
    let guild = state.realm.guild(guild).ok_or_else(Refusal::unknown_guild)?;
    let bits = state.realm.guild_permissions(guild, bot);
    if bits & permission == permission { Ok(bits) } else { Err(Refusal::missing_permissions()) }
}
