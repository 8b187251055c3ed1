//! Routes of a message's reactions. The rules are those of the page "Message" of Discord's
//! documentation.

use super::call::{Answer, Call, Reply};
use super::channels::visible;
use super::messages::public;
use crate::model::{Channel, Message, Place};
use crate::permissions::{ADD_REACTIONS, MANAGE_MESSAGES, READ_MESSAGE_HISTORY};
use crate::reactions::{MOST, emoji};
use crate::refusal::Refusal;
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

/// The emoji of a request (10014).
fn named(call: &Call) -> Result<String, Refusal> {
    let emoji = emoji(call.parameter("emoji_name")).map(str::to_owned);
    emoji.ok_or_else(Refusal::unknown_emoji)
}

pub(super) fn add(state: &mut State, call: &Call) -> Answer {
    let (channel, bot) = (visible(state, call)?, call.bot()?);
    let (message, emoji) = (public(channel, call)?, named(call)?);
    may_react(state, bot, channel, message, &emoji)?;
    let message = message.id;
    state.react(message, bot, &emoji);
    Ok(Reply::empty())
}

pub(super) fn remove_own(state: &mut State, call: &Call) -> Answer {
    let message = public(visible(state, call)?, call)?;
    let (emoji, id) = (named(call)?, message.id);
    message.reaction(&emoji).ok_or_else(Refusal::unknown_emoji)?;
    state.unreact(id, call.bot()?, &emoji);
    Ok(Reply::empty())
}

pub(super) fn remove_of_user(state: &mut State, call: &Call) -> Answer {
    let (channel, bot) = (visible(state, call)?, call.bot()?);
    let message = public(channel, call)?;
    let (emoji, id, user) = (named(call)?, message.id, call.id("user_id")?);
    if user != bot {
        may_moderate(state, bot, channel)?;
    }
    state.realm.user(user).ok_or_else(Refusal::unknown_user)?;
    message.reaction(&emoji).ok_or_else(Refusal::unknown_emoji)?;
    state.unreact(id, user, &emoji);
    Ok(Reply::empty())
}

pub(super) fn clear(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    let message = public(channel, call)?.id;
    may_moderate(state, call.bot()?, channel)?;
    state.clear_reactions(message);
    Ok(Reply::empty())
}

pub(super) fn clear_emoji(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    let (message, emoji) = (public(channel, call)?.id, named(call)?);
    may_moderate(state, call.bot()?, channel)?;
    state.clear_reaction(message, &emoji);
    Ok(Reply::empty())
}

/// READ_MESSAGE_HISTORY is needed for every reaction, ADD_REACTIONS for the first of an emoji.
fn may_react(
    state: &State,
    bot: Snowflake,
    channel: &Channel,
    message: &Message,
    emoji: &str,
) -> Result<(), Refusal> {
    let permissions = state.bot_permissions(bot, channel);
    let new = message.reaction(emoji).is_none();
    if permissions & READ_MESSAGE_HISTORY == 0 || new && permissions & ADD_REACTIONS == 0 {
        return Err(Refusal::missing_permissions());
    }
    if new && message.reactions.len() >= MOST {
        return Err(Refusal::too_many_reactions(MOST));
    }
    Ok(())
}

/// Whether the bot may act on others' messages: never in direct messages (50003).
pub(super) fn may_moderate(
    state: &State,
    bot: Snowflake,
    channel: &Channel,
) -> Result<(), Refusal> {
    if let Place::Dm { .. } = channel.place {
        return Err(Refusal::not_in_dm());
    }
    if state.bot_permissions(bot, channel) & MANAGE_MESSAGES == 0 {
        return Err(Refusal::missing_permissions());
    }
    Ok(())
}

/// The accounts that reacted with an emoji, by id. Of bursts (`type` 1) there are none.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let (message, emoji) = (public(visible(state, call)?, call)?, named(call)?);
    let limit = validate::query::int(&call.query, "limit", (1, 100), 25)?;
    let after = call.wanted("after")?;
    let burst = call.query.get("type").is_some_and(|kind| kind == "1");
    let reaction = message.reaction(&emoji).filter(|_| !burst);
    let mut users: Vec<_> = reaction.map(|reaction| reaction.users.clone()).unwrap_or_default();
    users.sort_unstable();
    let users = users.into_iter().filter(|user| after.is_none_or(|after| *user > after));
    let users = users.filter_map(|user| state.realm.user(user)).take(limit);
    Ok(Reply::ok(users.map(|user| state.realm.user_object(user)).collect::<Vec<_>>()))
}
