//! Routes of a channel's messages.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::channels::visible;
use super::{drafts, reactions};
use crate::messages::Envelope;
use crate::model::{Audience, Channel, Message, Place};
use crate::permissions::{ATTACH_FILES, EMBED_LINKS, MANAGE_THREADS, READ_MESSAGE_HISTORY};
use crate::refusal::{Problems, Refusal};
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

/// How long `enforce_nonce` remembers. Discord says "the past few minutes".
const NONCE_MEMORY: TimeDelta = TimeDelta::minutes(5);

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    let bot = call.bot()?;
    if !may(state, bot, channel, READ_MESSAGE_HISTORY) {
        return Err(Refusal::missing_permissions());
    }
    let message = public(channel, call)?;
    Ok(Reply::ok(state.message_for_bot(message, bot)))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    let (message, bot) = (public(channel, call)?, call.bot()?);
    let (message, own) = (message.id, message.author == bot);
    if own {
        state.remove(message);
    } else {
        reactions::may_moderate(state, bot, channel)?;
        state.remove_as_moderator(message, bot, call.reason.as_deref());
    }
    Ok(Reply::empty())
}

/// A message that can be fetched: ephemeral ones cannot (10008).
pub(super) fn public<'a>(channel: &'a Channel, call: &Call) -> Result<&'a Message, Refusal> {
    let wanted = call.id("message_id")?;
    let found = channel.public().find(|message| message.id == wanted);
    found.ok_or_else(Refusal::unknown_message)
}

/// Newest first, as Discord lists them.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    let bot = call.bot()?;
    let limit = validate::query::int(&call.query, "limit", (1, 100), 50)?;
    // Discord refuses nothing here: it finds nothing.
    if !may(state, bot, channel, READ_MESSAGE_HISTORY) {
        return Ok(Reply::ok(Vec::<Value>::new()));
    }
    let (before, after, around) =
        (call.wanted("before")?, call.wanted("after")?, call.wanted("around")?);
    let messages: Vec<&Message> = channel.public().collect();
    let end = before
        .map_or(messages.len(), |before| messages.partition_point(|message| message.id < before));
    let window = if let Some(after) = after {
        let start = messages.partition_point(|message| message.id <= after);
        start..messages.len().min(start + limit)
    } else if let Some(around) = around {
        let middle = messages.partition_point(|message| message.id < around);
        let start = middle.saturating_sub(limit / 2);
        start..messages.len().min(start + limit)
    } else {
        end.saturating_sub(limit)..end
    };
    let objects: Vec<Value> =
        messages[window].iter().rev().map(|message| state.message_for_bot(message, bot)).collect();
    Ok(Reply::ok(objects))
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?.id;
    let bot = call.bot()?;
    may_write(state, bot, channel)?;
    may_enclose(state, bot, channel, call)?;
    validate::message::create(&call.body, &drafts::enclosed(&call.files))?;
    if let Some(existing) = same_nonce(state, call, bot, channel) {
        return Ok(Reply::ok(existing));
    }
    let reply_to = replied_to(state, &call.body, bot, channel)?;
    let mut draft = drafts::draft(state, &call.body, &call.files);
    draft.reply_to = reply_to;
    let nonce = draft.nonce.clone();
    let envelope = Envelope { channel, author: bot, audience: Audience::Channel, origin: None };
    let posted = state.post(envelope, draft);
    let object = posted.and_then(|id| state.message_object(id));
    let mut object = object.ok_or_else(Refusal::unknown_channel)?;
    if let Some(nonce) = nonce {
        object["nonce"] = nonce;
    }
    Ok(Reply::ok(object))
}

/// Whether the bot may write here: the person of a direct message must let it (50007) and share
/// the server with it (50278); in the server it needs the permission (50013).
pub(super) fn may_write(state: &State, bot: Snowflake, channel: Snowflake) -> Result<(), Refusal> {
    let realm = &state.realm;
    let channel = realm.channel(channel);
    let channel = channel.ok_or_else(Refusal::unknown_channel)?;
    if let Place::Dm { person, .. } = channel.place {
        let user = realm.user(person).ok_or_else(Refusal::cannot_dm)?;
        if !realm.share_guild(bot, person) {
            return Err(Refusal::no_mutual_guild());
        }
        if user.dms_closed {
            return Err(Refusal::cannot_dm());
        }
    }
    let user = realm.user(bot).ok_or_else(Refusal::unknown_user)?;
    if !realm.may_write(user, channel) {
        return Err(Refusal::missing_permissions());
    }
    match channel.thread() {
        Some(thread) if thread.locked && !may(state, bot, channel, MANAGE_THREADS) => {
            Err(if thread.archived { Refusal::archived_thread() } else { Refusal::locked_thread() })
        }
        _ => Ok(()),
    }
}

/// Whether the bot may send what a message encloses: embeds and files have permissions of their
/// own.
fn may_enclose(
    state: &State,
    bot: Snowflake,
    channel: Snowflake,
    call: &Call,
) -> Result<(), Refusal> {
    let channel = state.realm.channel(channel).ok_or_else(Refusal::unknown_channel)?;
    let embeds = call.body["embeds"].as_array().is_some_and(|embeds| !embeds.is_empty());
    let allowed = (!embeds || may(state, bot, channel, EMBED_LINKS))
        && (call.files.is_empty() || may(state, bot, channel, ATTACH_FILES));
    if allowed { Ok(()) } else { Err(Refusal::missing_permissions()) }
}

fn may(state: &State, bot: Snowflake, channel: &Channel, permission: u64) -> bool {
    state.bot_permissions(bot, channel) & permission != 0
}

/// The message that `enforce_nonce` finds instead of posting another.
fn same_nonce(state: &State, call: &Call, bot: Snowflake, channel: Snowflake) -> Option<Value> {
    let nonce = &call.body["nonce"];
    if call.body["enforce_nonce"] != true || nonce.is_null() {
        return None;
    }
    let since = state.clock().now() - NONCE_MEMORY;
    let messages = state.realm.channel(channel)?.public();
    let existing = messages
        .rev()
        .take_while(|message| message.created >= since)
        .filter(|message| message.author == bot)
        .find(|message| message.nonce.as_ref() == Some(nonce))?;
    let mut object = state.realm.message_object(existing);
    object["nonce"] = nonce.clone();
    Some(object)
}

/// The message that `message_reference` means.
fn replied_to(
    state: &State,
    body: &Value,
    bot: Snowflake,
    channel: Snowflake,
) -> Result<Option<Snowflake>, Refusal> {
    let reference = &body["message_reference"];
    if reference.is_null() {
        return Ok(None);
    }
    let wanted = crate::mentions::id_of(&reference["message_id"]);
    if state
        .realm
        .channel(channel)
        .is_some_and(|channel| !may(state, bot, channel, READ_MESSAGE_HISTORY))
    {
        return Err(Refusal::cannot_reply());
    }
    let messages = state.realm.channel(channel).map(|channel| channel.public());
    let found =
        messages.into_iter().flatten().map(|message| message.id).find(|id| Some(*id) == wanted);
    if found.is_none() && reference["fail_if_not_exists"] != json!(false) {
        let code = "MESSAGE_REFERENCE_UNKNOWN_MESSAGE";
        return Err(Problems::one("message_reference", code, "Unknown message"));
    }
    Ok(found)
}

pub(super) fn edit(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    let message = public(channel, call)?.clone();
    if channel.thread().is_some_and(|thread| thread.archived) {
        return Err(Refusal::archived_thread());
    }
    if message.author != call.bot()? {
        return Err(Refusal::other_author());
    }
    let patch = drafts::patch(state, &message, &call.body, &call.files)?;
    state.edit(message.id, patch);
    let edited = state.realm.message(message.id).ok_or_else(Refusal::unknown_message)?;
    Ok(Reply::ok(state.realm.message_object_for(edited, call.application)))
}
