//! Another store behind the same token. Discord hands every interaction to each session of a bot
//! and tells none of them of the others; but each hears what is posted in the bot's name, and
//! buttons carry their store.
//!
//! Two copies of one store carry the same tag: they are not told apart.

use serenity::all::Message;

use super::Bot;
use super::board::custom_ids;
use super::custom_id::CustomId;
use crate::engine::pulse::Sign;

/// Whether a button is of this store. One that is not may hang there since long ago.
pub(super) fn is_ours(bot: &Bot, button: &CustomId) -> bool {
    let ours = button.tag == bot.handle.tag();
    if !ours {
        bot.handle.saw_another(button.tag.clone(), Sign::Pressed);
    }
    ours
}

/// Looks at a message that is being posted: in the bot's name, with the buttons of another store,
/// it is another process's.
pub(super) fn heard(bot: &Bot, message: &Message) {
    if message.author.id != bot.application.me {
        return;
    }
    let tags = custom_ids(message).filter_map(CustomId::parse).map(|button| button.tag);
    if let Some(tag) = tags.into_iter().find(|tag| tag != bot.handle.tag()) {
        bot.handle.saw_another(tag, Sign::Posted);
    }
}
