//! Reactions to messages and the events that tell of them. Who may react is decided by the callers.

use serde_json::{Value, json};

use crate::gateway::intents;
use crate::model::{Message, Reaction};
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate::emoji::is_emoji;

/// Different emoji on a message (error 30010, page "Opcodes and Status Codes").
pub(crate) const MOST: usize = 20;

/// The emoji that a path or a person names; `None` for what is none. Custom ones, written
/// `name:id`, belong to guilds, and those of the sandbox have none.
pub(crate) fn emoji(text: &str) -> Option<&str> {
    is_emoji(text).then_some(text)
}

/// A partial emoji object.
fn emoji_object(emoji: &str) -> Value {
    json!({ "id": null, "name": emoji })
}

/// Whether two texts are one emoji: with or without the selector of its colourful form.
fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('\u{fe0f}') == other.trim_end_matches('\u{fe0f}')
}

impl Message {
    /// The reactions with an emoji.
    pub(crate) fn reaction(&self, emoji: &str) -> Option<&Reaction> {
        self.reactions.iter().find(|reaction| same(&reaction.emoji, emoji))
    }

    /// Reaction objects, as an account sees them; without one, nobody's.
    pub(crate) fn reaction_objects(&self, viewer: Option<Snowflake>) -> Vec<Value> {
        let object = |reaction: &Reaction| {
            let count = reaction.users.len();
            json!({
                "emoji": emoji_object(&reaction.emoji),
                "count": count,
                "count_details": { "burst": 0, "normal": count },
                "burst_colors": [],
                "me_burst": false,
                "burst_me": false,
                "burst_count": 0,
                "me": viewer.is_some_and(|viewer| reaction.users.contains(&viewer)),
            })
        };
        self.reactions.iter().map(object).collect()
    }
}

impl State {
    /// Adds an account's reaction; nothing happens if it is there.
    pub(crate) fn react(&mut self, id: Snowflake, user: Snowflake, emoji: &str) {
        let Some(message) = self.realm.message_mut(id) else { return };
        let author = message.author;
        let place = message.reactions.iter().position(|there| same(&there.emoji, emoji));
        let place = place.unwrap_or(message.reactions.len());
        if place == message.reactions.len() {
            message.reactions.push(Reaction { emoji: emoji.to_owned(), users: Vec::new() });
        }
        let reaction = &mut message.reactions[place];
        if reaction.users.contains(&user) {
            return;
        }
        reaction.users.push(user);
        let mut data = json!({
            "user_id": user,
            "emoji": emoji_object(&reaction.emoji),
            "message_author_id": author,
            "burst": false,
            "type": 0,
        });
        let channel = message.channel;
        let guild = self.realm.channel(channel).and_then(|channel| self.realm.guild_of(channel));
        if let Some(member) = guild.and_then(|guild| guild.member(user)) {
            data["member"] = self.realm.member_object(member);
        }
        self.tell_of_reaction("MESSAGE_REACTION_ADD", channel, id, data);
    }

    /// Takes an account's reaction away, if it is there.
    pub(crate) fn unreact(&mut self, id: Snowflake, user: Snowflake, emoji: &str) {
        let Some(message) = self.realm.message_mut(id) else { return };
        let channel = message.channel;
        let mut reactions = message.reactions.iter_mut();
        let Some(reaction) = reactions.find(|there| same(&there.emoji, emoji)) else { return };
        if !reaction.users.contains(&user) {
            return;
        }
        reaction.users.retain(|other| *other != user);
        let emoji = emoji_object(&reaction.emoji);
        message.reactions.retain(|reaction| !reaction.users.is_empty());
        let data = json!({ "user_id": user, "emoji": emoji, "burst": false, "type": 0 });
        self.tell_of_reaction("MESSAGE_REACTION_REMOVE", channel, id, data);
    }

    /// Takes all reactions away.
    pub(crate) fn clear_reactions(&mut self, id: Snowflake) {
        let Some(message) = self.realm.message_mut(id) else { return };
        let channel = message.channel;
        message.reactions.clear();
        self.tell_of_reaction("MESSAGE_REACTION_REMOVE_ALL", channel, id, json!({}));
    }

    /// Takes all reactions with an emoji away, if there are any.
    pub(crate) fn clear_reaction(&mut self, id: Snowflake, emoji: &str) {
        let Some(message) = self.realm.message_mut(id) else { return };
        let channel = message.channel;
        let Some(reaction) = message.reaction(emoji).cloned() else { return };
        message.reactions.retain(|other| other.emoji != reaction.emoji);
        let data = json!({ "emoji": emoji_object(&reaction.emoji) });
        self.tell_of_reaction("MESSAGE_REACTION_REMOVE_EMOJI", channel, id, data);
    }

    fn tell_of_reaction(
        &mut self,
        name: &'static str,
        channel: Snowflake,
        message: Snowflake,
        mut data: Value,
    ) {
        data["message_id"] = json!(message);
        data["channel_id"] = json!(channel);
        let intents = (intents::GUILD_MESSAGE_REACTIONS, intents::DIRECT_MESSAGE_REACTIONS);
        self.tell_channel(channel, name, intents, data);
    }
}
