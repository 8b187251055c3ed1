//! A moderator's hand: changes to the server that the bot did not ask for, with the events it
//! hears of them. What does not exist is said in words.

use serde::Deserialize;
use serde_json::json;

use crate::gateway::{Event, intents};
use crate::options::BotAccess;
use crate::server::{Audience, Channel, Message, Place};
use crate::snowflake::Snowflake;
use crate::state::State;

/// How old another server is. Discord lists servers by id, the oldest first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// Older than the own server.
    Older,
    /// Newer than the own server.
    Newer,
}

impl State {
    /// Deletes somebody's message.
    pub(crate) fn moderate_message(&mut self, channel: &str, message: &str) -> Result<(), String> {
        let found = message
            .parse()
            .ok()
            .and_then(|id| self.server.message(id))
            .filter(|found| found.channel.to_string() == channel)
            .map(|found| found.id)
            .ok_or_else(|| format!("there is no message {message} in the channel {channel}"))?;
        self.remove(found);
        Ok(())
    }

    /// Deletes several messages of a channel at once, of which the bot hears in one event.
    pub(crate) fn moderate_messages(
        &mut self,
        channel: &str,
        messages: &[&str],
    ) -> Result<(), String> {
        let channel = self.guild_channel(channel)?;
        let ids: Vec<Snowflake> = messages.iter().filter_map(|id| id.parse().ok()).collect();
        let (gone, seen) = {
            let Some(place) = self.server.channel_mut(channel) else {
                return Ok(());
            };
            let (gone, left) = std::mem::take(&mut place.messages)
                .into_iter()
                .partition(|message| ids.contains(&message.id));
            place.messages = left;
            let gone: Vec<Message> = gone;
            (gone, self.server.channel(channel).is_some_and(|place| self.bot_sees(place)))
        };
        for message in &gone {
            self.discard_files(message);
        }
        let public: Vec<_> = gone
            .iter()
            .filter(|message| message.audience == Audience::Channel)
            .map(|message| message.id)
            .collect();
        if public.is_empty() || !seen {
            self.touch();
            return Ok(());
        }
        let data =
            json!({ "ids": public, "channel_id": channel, "guild_id": self.server.guild_id });
        self.dispatch(Event::new("MESSAGE_DELETE_BULK", intents::GUILD_MESSAGES, data));
        Ok(())
    }

    /// Changes what a role may do.
    pub(crate) fn set_role_permissions(
        &mut self,
        name: &str,
        permissions: u64,
    ) -> Result<(), String> {
        let role = self.server.roles.iter_mut().find(|role| role.name == name);
        let role = role.ok_or_else(|| format!("there is no role named {name}"))?;
        role.permissions = permissions;
        let role = role.clone();
        let data =
            json!({ "guild_id": self.server.guild_id, "role": self.server.role_object(&role) });
        self.dispatch(Event::new("GUILD_ROLE_UPDATE", intents::GUILDS, data));
        Ok(())
    }

    /// Deletes a channel of the server.
    pub(crate) fn delete_channel(&mut self, channel: &str) -> Result<(), String> {
        let id = self.guild_channel(channel)?;
        let index = self.server.channels.iter().position(|c| c.id == id);
        if let Some(index) = index {
            let object = self.server.channel_object(&self.server.channels[index]);
            let gone = self.server.channels.remove(index);
            for message in &gone.messages {
                self.discard_files(message);
            }
            self.dispatch(Event::new("CHANNEL_DELETE", intents::GUILDS, object));
        }
        Ok(())
    }

    /// Changes what the bot may do in a channel of the server.
    pub(crate) fn set_bot_access(
        &mut self,
        channel: &str,
        access: BotAccess,
    ) -> Result<(), String> {
        let id = self.guild_channel(channel)?;
        if let Some(channel) = self.server.channel_mut(id)
            && let Place::Guild { bot, .. } = &mut channel.place
        {
            *bot = access;
        }
        if let Some(channel) = self.server.channel(id) {
            let object = self.server.channel_object(channel);
            self.dispatch(Event::new("CHANNEL_UPDATE", intents::GUILDS, object));
        }
        Ok(())
    }

    /// Closes or opens a person's direct messages. The bot hears nothing of it, as on Discord.
    pub(crate) fn close_dms(&mut self, user: &str, closed: bool) -> Result<(), String> {
        let people = &mut self.server.people;
        let person = people.iter_mut().find(|person| person.name == user);
        let person = person.ok_or_else(|| format!("there is no user named {user}"))?;
        person.dms_closed = closed;
        self.touch();
        Ok(())
    }

    /// Takes a person out of the server or into it; only who listens for members hears of it.
    pub(crate) fn set_member(&mut self, user: &str, member: bool) -> Result<(), String> {
        let people = &mut self.server.people;
        let index = people.iter().position(|person| person.name == user);
        let index = index.ok_or_else(|| format!("there is no user named {user}"))?;
        if index == 0 && !member {
            return Err(format!("{user} owns the server and cannot leave it"));
        }
        let person = &mut people[index];
        if person.member == member {
            return Ok(());
        }
        person.member = member;
        let person = person.clone();
        if member && self.server.dm_of(person.id).is_none() {
            let place = Place::Dm { user: person.id };
            self.server.channels.push(Channel {
                id: Snowflake::next(),
                place,
                messages: Vec::new(),
            });
        }
        let (name, mut data) = if member {
            ("GUILD_MEMBER_ADD", self.server.member_object(&person))
        } else {
            ("GUILD_MEMBER_REMOVE", json!({ "user": self.server.user_object(&person) }))
        };
        data["guild_id"] = json!(self.server.guild_id);
        self.dispatch(Event::new(name, intents::GUILD_MEMBERS, data));
        Ok(())
    }

    /// Switches "Public Bot" on or off.
    pub(crate) fn set_bot_public(&mut self, public: bool) {
        self.server.bot_public = public;
        self.touch();
    }

    /// Somebody invites the bot to another server, in which everybody is. Returns the id of its
    /// only channel.
    pub(crate) fn invite(&mut self, name: &str, age: Age) -> Snowflake {
        let guild = match age {
            Age::Newer => Snowflake::next(),
            Age::Older => self.server.guild_id.before(),
        };
        self.server.others.push((guild, name.to_owned()));
        let channel = Snowflake::next();
        let place = Place::Elsewhere { guild, name: "general".to_owned() };
        self.server.channels.push(Channel { id: channel, place, messages: Vec::new() });
        // Whoever shares a server with the bot can write to it directly.
        let strangers: Vec<Snowflake> = self.server.people.iter().map(|person| person.id).collect();
        for user in strangers {
            if self.server.dm_of(user).is_none() {
                let place = Place::Dm { user };
                let id = Snowflake::next();
                self.server.channels.push(Channel { id, place, messages: Vec::new() });
            }
        }
        let object = self.server.other_guild_object(guild, name);
        self.dispatch(Event::new("GUILD_CREATE", intents::GUILDS, object));
        channel
    }

    fn guild_channel(&self, channel: &str) -> Result<Snowflake, String> {
        channel
            .parse()
            .ok()
            .and_then(|id| self.server.channel(id))
            .filter(|channel| !channel.is_dm())
            .map(|channel| channel.id)
            .ok_or_else(|| format!("there is no channel {channel} in the server"))
    }
}
