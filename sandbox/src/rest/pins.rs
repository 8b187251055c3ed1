//! Routes of a channel's pins, in their present form and in the deprecated one (page "Message" of
//! Discord's documentation).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::channels::visible;
use super::messages::public;
use crate::clock::iso;
use crate::model::{Channel, Message};
use crate::permissions::{PIN_MESSAGES, READ_MESSAGE_HISTORY};
use crate::pins::MOST;
use crate::refusal::{Problems, Refusal};
use crate::state::State;
use crate::validate;

/// Pins of a page, and of the deprecated list.
const PAGE: usize = 50;

/// PUT in both forms.
pub(super) fn pin(state: &mut State, call: &Call) -> Answer {
    let (channel, bot) = (visible(state, call)?, call.bot()?);
    let message = pinnable(state, call, channel)?;
    if message.pinned.is_none() && channel.pins().len() >= MOST {
        return Err(Refusal::too_many_pins(MOST));
    }
    let message = message.id;
    state.pin(message, bot, call.reason.as_deref());
    Ok(Reply::empty())
}

/// DELETE in both forms.
pub(super) fn unpin(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    let message = pinnable(state, call, channel)?.id;
    state.unpin(message, call.bot()?, call.reason.as_deref());
    Ok(Reply::empty())
}

/// A message that the bot may pin: PIN_MESSAGES is needed but in direct messages, and what the
/// system says cannot be pinned (50021).
fn pinnable<'a>(state: &State, call: &Call, channel: &'a Channel) -> Result<&'a Message, Refusal> {
    let bot = call.bot()?;
    if !channel.is_dm() && state.bot_permissions(bot, channel) & PIN_MESSAGES == 0 {
        return Err(Refusal::missing_permissions());
    }
    let message = public(channel, call)?;
    if message.notice.is_some() {
        return Err(Refusal::system_message());
    }
    Ok(message)
}

/// The pins that the bot may read, the last pinned first. "If the user is missing the
/// READ_MESSAGE_HISTORY permission in the channel, then no pins will be returned."
fn readable<'a>(state: &'a State, call: &Call) -> Result<Vec<&'a Message>, Refusal> {
    let channel = visible(state, call)?;
    let reads = state.bot_permissions(call.bot()?, channel) & READ_MESSAGE_HISTORY != 0;
    Ok(if reads { channel.pins() } else { Vec::new() })
}

/// The deprecated list.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let bot = call.bot()?;
    let pins = readable(state, call)?.into_iter().take(PAGE);
    let objects = pins.map(|message| state.message_for_bot(message, bot));
    Ok(Reply::ok(objects.collect::<Vec<_>>()))
}

pub(super) fn page(state: &mut State, call: &Call) -> Answer {
    let bot = call.bot()?;
    let limit = validate::query::int(&call.query, "limit", (1, 50), PAGE)?;
    let before = call.query.get("before").map(|text| time(text)).transpose()?;
    let mut pins = readable(state, call)?;
    pins.retain(|message| before.is_none_or(|before| message.pinned < Some(before)));
    let has_more = pins.len() > limit;
    pins.truncate(limit);
    let item = |message: &&Message| {
        let pinned_at = message.pinned.map(iso);
        json!({ "pinned_at": pinned_at, "message": state.message_for_bot(message, bot) })
    };
    let items: Vec<Value> = pins.iter().map(item).collect();
    Ok(Reply::ok(json!({ "items": items, "has_more": has_more })))
}

fn time(text: &str) -> Result<DateTime<Utc>, Refusal> {
    // A plus sign that was not encoded arrives as a space.
    DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map(|time| time.to_utc()).map_err(|_| {
        let words = format!("Could not parse {text}. Should be ISO8601.");
        Problems::one("before", "DATE_TIME_TYPE_PARSE", words)
    })
}
