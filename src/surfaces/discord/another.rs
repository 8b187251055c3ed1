//! Detects another store behind the same bot token. Discord sends every interaction to every
//! session of a bot and reports no other sessions. But each session receives the messages posted in
//! the bot's name, and buttons carry the tag of their store.
//!
//! Two copies of a store carry the same tag and cannot be told apart.

use serenity::all::Message;

use super::Bot;
use super::board::custom_ids;
use super::custom_id::CustomId;
use crate::engine::pulse::Sign;

/// Whether a button belongs to this store; records a foreign button. A foreign button may be old.
pub(super) fn is_ours(bot: &Bot, button: &CustomId) -> bool {
    let ours = button.tag == bot.handle.tag();
    if !ours {
        bot.handle.saw_another(button.tag.clone(), Sign::Pressed);
    }
    ours
}

/// Checks a new message. A message in the bot's name with buttons of another store proves another
/// running process.
pub(super) fn heard(bot: &Bot, message: &Message) {
    if message.author.id != bot.application.me {
        return;
    }
    let tags = custom_ids(message).filter_map(CustomId::parse).map(|button| button.tag);
    if let Some(tag) = tags.into_iter().find(|tag| tag != bot.handle.tag()) {
        bot.handle.saw_another(tag, Sign::Posted);
    }
}
