//! What people do to messages that are there: react, pin, delete. The checks are those of
//! Discord's app.

use crate::audit::{Deed, action};
use crate::model::{Audience, Message, User};
use crate::permissions::{ADD_REACTIONS, MANAGE_MESSAGES, PIN_MESSAGES, READ_MESSAGE_HISTORY};
use crate::pins;
use crate::reactions::{self, emoji};
use crate::snowflake::Snowflake;
use crate::state::State;

/// What a person does to a message.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    /// Add a reaction with this emoji.
    React(String),
    /// Take the own reaction with this emoji away.
    Unreact(String),
    Pin,
    Unpin,
    Delete,
}

impl State {
    /// Does it and returns the message's id.
    pub(crate) fn mark(
        &mut self,
        user: &User,
        message: &str,
        mark: &Mark,
    ) -> Result<Snowflake, String> {
        let found = self.visible_message(user, message)?;
        let id = found.id;
        if found.audience != Audience::Channel && !matches!(mark, Mark::Delete) {
            return Err("only the person who sees the message could see that".to_owned());
        }
        match mark {
            Mark::React(text) => {
                let emoji = emoji(text).ok_or_else(|| format!("{text} is no emoji"))?.to_owned();
                self.may_react(user, found, &emoji)?;
                self.react(id, user.id, &emoji);
            }
            Mark::Unreact(emoji) => {
                let reaction = found.reaction(emoji);
                if !reaction.is_some_and(|reaction| reaction.users.contains(&user.id)) {
                    return Err(format!("{} did not react with {emoji}", user.name));
                }
                self.unreact(id, user.id, emoji);
            }
            Mark::Pin | Mark::Unpin => {
                self.may_pin(user, found)?;
                match mark {
                    Mark::Pin => self.pin(id, user.id, None),
                    _ => self.unpin(id, user.id, None),
                }
            }
            Mark::Delete => self.delete_as(user, id)?,
        }
        Ok(id)
    }

    fn permissions_at(&self, user: &User, message: &Message) -> u64 {
        let channel = self.realm.channel(message.channel);
        channel.map_or(0, |channel| self.realm.permissions(user, channel))
    }

    fn may_react(&self, user: &User, message: &Message, emoji: &str) -> Result<(), String> {
        let permissions = self.permissions_at(user, message);
        let new = message.reaction(emoji).is_none();
        if permissions & READ_MESSAGE_HISTORY == 0 || new && permissions & ADD_REACTIONS == 0 {
            return Err("you may not add reactions in this channel".to_owned());
        }
        if new && message.reactions.len() >= reactions::MOST {
            return Err(format!("a message has at most {} reactions", reactions::MOST));
        }
        Ok(())
    }

    fn may_pin(&self, user: &User, message: &Message) -> Result<(), String> {
        let Some(channel) = self.realm.channel(message.channel) else {
            return Err("the channel is gone".to_owned());
        };
        if !channel.is_dm() && self.permissions_at(user, message) & PIN_MESSAGES == 0 {
            return Err("you may not pin messages in this channel".to_owned());
        }
        if message.notice.is_some() {
            return Err("this message cannot be pinned".to_owned());
        }
        if message.pinned.is_none() && channel.pins().len() >= pins::MOST {
            return Err(format!("a channel has at most {} pins", pins::MOST));
        }
        Ok(())
    }

    /// Deletes an own message, another's as a moderator, or an ephemeral one from the own view.
    fn delete_as(&mut self, user: &User, id: Snowflake) -> Result<(), String> {
        let Some(message) = self.realm.message(id) else { return Ok(()) };
        let author = message.author;
        let own = author == user.id || message.audience == Audience::Only(user.id);
        if !own && self.permissions_at(user, message) & MANAGE_MESSAGES == 0 {
            return Err("you may not delete others' messages in this channel".to_owned());
        }
        if own {
            self.remove(id);
        } else {
            self.remove_as_moderator(id, user.id, None);
        }
        Ok(())
    }

    /// Deletes another's message and notes who did it.
    pub(crate) fn remove_as_moderator(
        &mut self,
        id: Snowflake,
        by: Snowflake,
        reason: Option<&str>,
    ) {
        let Some(message) = self.realm.message(id) else { return };
        let guild = self.realm.channel(message.channel).and_then(|channel| channel.guild());
        let deed = Deed::new(action::MESSAGE_DELETE, Some(message.author));
        let deed = deed.with("channel_id", message.channel).with("count", 1).because(reason);
        self.remove(id);
        if let Some(guild) = guild {
            self.audit(guild, by, deed);
        }
    }
}
