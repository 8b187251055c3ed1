//! Detects another store behind the same bot token. Discord sends every interaction to every
//! session of a bot and reports no other sessions. But each session receives the messages posted in
//! the bot's name, and buttons carry the tag of their store.
//!
//! Two copies of a store carry the same tag and cannot be told apart.

use serenity::all::Message;

use crate::engine::operations::heartbeat::Sign;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::interactions::custom_id::CustomId;
use crate::surfaces::discord::rendering::sink::custom_ids;

/// Records a click on a button of another store. The button may be old.
pub(crate) fn record_foreign_button(bot: &Bot, button: &CustomId) {
    bot.handle.operations().saw_other_store(button.tag.clone(), Sign::Pressed);
}

/// Checks a new message. A message in the bot's name with buttons of another store proves another
/// running process.
pub(crate) fn check_for_foreign_store(bot: &Bot, message: &Message) {
    if message.author.id != bot.application.me {
        return;
    }
    let tags = custom_ids(message).filter_map(CustomId::parse).map(|button| button.tag);
    if let Some(tag) = tags.into_iter().find(|tag| tag != bot.handle.tag()) {
        bot.handle.operations().saw_other_store(tag, Sign::Posted);
    }
}
