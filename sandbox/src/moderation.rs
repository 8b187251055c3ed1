//! A moderator's hand: changes to the server that the bot did not ask for, with the events it
//! hears of them. What does not exist is said in words.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::channels::Because;
use crate::founding;
use crate::gateway::{Event, intents};
use crate::model::{
    About, Application, Audience, Channel, Guild, GuildPlace, Member, Message, OverwriteOf, Place,
};
use crate::objects::Hears;
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::world::BotAccess;

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
            .and_then(|id| self.realm.message(id))
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
        self.delete_messages(channel, &ids);
        Ok(())
    }

    /// Deletes messages of a channel, of which the bots hear in one event. Returns how many of
    /// those that everybody sees are gone.
    pub(crate) fn delete_messages(&mut self, channel: Snowflake, ids: &[Snowflake]) -> usize {
        let Some(place) = self.realm.channel_mut(channel) else {
            return 0;
        };
        let (gone, left): (Vec<Message>, _) = std::mem::take(&mut place.messages)
            .into_iter()
            .partition(|message| ids.contains(&message.id));
        place.messages = left;
        for message in &gone {
            self.discard_files(message);
        }
        let public: Vec<_> = gone
            .iter()
            .filter(|message| message.audience == Audience::Channel)
            .map(|message| message.id)
            .collect();
        if !public.is_empty() {
            self.tell_of_bulk(channel, &public);
        }
        self.touch();
        public.len()
    }

    fn tell_of_bulk(&mut self, channel: Snowflake, gone: &[Snowflake]) {
        let Some(place) = self.realm.channel(channel) else {
            return;
        };
        let data = json!({ "ids": gone, "channel_id": channel, "guild_id": place.guild() });
        let applications = self.realm.applications.iter().map(Application::id);
        let seeing: Vec<_> = applications.filter(|id| self.bot_sees(*id, place)).collect();
        for application in seeing {
            let intent = intents::GUILD_MESSAGES;
            self.dispatch(Event::new(application, "MESSAGE_DELETE_BULK", intent, data.clone()));
        }
    }

    /// A guild by its name or id; without either, the first one.
    pub(crate) fn guild_named(&self, guild: Option<&str>) -> Result<&Guild, String> {
        let Some(wanted) = guild else {
            return Ok(self.realm.home());
        };
        let mut guilds = self.realm.guilds.iter();
        guilds
            .find(|guild| guild.name == wanted || guild.id.to_string() == wanted)
            .ok_or_else(|| format!("there is no guild {wanted}"))
    }

    /// Changes what a role of a guild may do.
    pub(crate) fn set_role_permissions(
        &mut self,
        guild: Option<&str>,
        name: &str,
        permissions: u64,
    ) -> Result<(), String> {
        let id = self.guild_named(guild)?.id;
        let views = self.views();
        let guild = self.realm.guild_mut(id);
        let role = guild.and_then(|guild| guild.roles.iter_mut().find(|role| role.name == name));
        let role = role.ok_or_else(|| format!("there is no role named {name}"))?;
        role.permissions = permissions;
        let role = role.clone();
        if let Some(guild) = self.realm.guild(id) {
            let data = json!({ "guild_id": id, "role": self.realm.role_object(guild, &role) });
            self.tell_guild(id, "GUILD_ROLE_UPDATE", intents::GUILDS, &data);
        }
        self.tell_of_gained(&views);
        Ok(())
    }

    /// Moves a role of a guild to a position above `@everyone`'s, which is 0.
    pub(crate) fn place_role(
        &mut self,
        guild: Option<&str>,
        name: &str,
        position: usize,
    ) -> Result<(), String> {
        let guild = self.guild_named(guild)?;
        let role =
            guild.role_named(name).ok_or_else(|| format!("there is no role named {name}"))?;
        let (guild, role) = (guild.id, role.id);
        self.change_roles(guild, |guild| guild.move_role(role, position));
        Ok(())
    }

    /// Deletes a channel of a guild.
    pub(crate) fn delete_channel(&mut self, channel: &str) -> Result<(), String> {
        let id = self.guild_channel(channel)?;
        let guild = self.realm.channel(id).and_then(|channel| self.realm.guild_of(channel));
        if let Some(owner) = guild.map(|guild| guild.owner) {
            let because = Because { by: owner, reason: None };
            match self.realm.channel(id).and_then(Channel::thread) {
                Some(_) => self.delete_thread(id, owner, None),
                None => self.remove_channel(id, because),
            }
        }
        Ok(())
    }

    /// Changes what the first bot may do in a channel of a guild: its overwrite there is replaced.
    pub(crate) fn set_bot_access(
        &mut self,
        channel: &str,
        access: BotAccess,
    ) -> Result<(), String> {
        let id = self.guild_channel(channel)?;
        let bot = self.realm.first_application().id();
        let views = self.views();
        if let Some(at) = self.realm.channel_mut(id).and_then(Channel::at_mut) {
            at.overwrites.retain(|overwrite| overwrite.of != OverwriteOf::Member(bot));
            at.overwrites.extend(access.overwrite(bot));
        }
        if let Some(channel) = self.realm.channel(id)
            && let Some(guild) = channel.guild()
        {
            let object = self.realm.channel_object(channel);
            self.tell_guild(guild, "CHANNEL_UPDATE", intents::GUILDS, &object);
        }
        self.tell_of_gained(&views);
        Ok(())
    }

    /// Closes or opens a person's direct messages. The bots hear nothing of it, as on Discord.
    pub(crate) fn close_dms(&mut self, user: &str, closed: bool) -> Result<(), String> {
        let people = &mut self.realm.people;
        let person = people.iter_mut().find(|person| person.name == user);
        let person = person.ok_or_else(|| format!("there is no user named {user}"))?;
        person.dms_closed = closed;
        self.touch();
        Ok(())
    }

    fn person_named(&self, user: &str) -> Result<Snowflake, String> {
        let person = self.realm.person(user);
        person.map(|person| person.id).ok_or_else(|| format!("there is no user named {user}"))
    }

    /// Takes a person out of a guild or into it; only who listens for members hears of it.
    pub(crate) fn set_member(
        &mut self,
        guild: Option<&str>,
        user: &str,
        member: bool,
    ) -> Result<(), String> {
        let person = self.person_named(user)?;
        let guild = self.guild_named(guild)?;
        let (guild, owner, was) = (guild.id, guild.owner, guild.has(person));
        if person == owner && !member {
            return Err(format!("{user} owns the server and cannot leave it"));
        }
        if was == member {
            return Ok(());
        }
        let banned = |place: &Guild| place.bans.iter().any(|ban| ban.user == person);
        if member && self.realm.guild(guild).is_some_and(banned) {
            return Err(format!("{user} is banned"));
        }
        if member {
            self.join(guild, Member::new(person, self.clock().now()));
        } else {
            self.leave(guild, person);
        }
        Ok(())
    }

    pub(crate) fn join(&mut self, guild: Snowflake, member: Member) {
        let mut data = self.realm.member_object(&member);
        data["guild_id"] = json!(guild);
        if let Some(guild) = self.realm.guild_mut(guild) {
            guild.members.push(member);
        }
        self.realm.open_dms();
        self.tell_guild(guild, "GUILD_MEMBER_ADD", intents::GUILD_MEMBERS, &data);
    }

    pub(crate) fn leave(&mut self, guild: Snowflake, person: Snowflake) {
        if let Some(guild) = self.realm.guild_mut(guild) {
            guild.members.retain(|member| member.user != person);
        }
        let user = self.realm.user(person).map(|user| self.realm.user_object(user));
        let data = json!({ "user": user, "guild_id": guild });
        self.tell_guild(guild, "GUILD_MEMBER_REMOVE", intents::GUILD_MEMBERS, &data);
        if self.realm.application(person).is_some() {
            let data = json!({ "id": guild });
            self.dispatch(Event::new(person, "GUILD_DELETE", intents::GUILDS, data));
        }
    }

    /// Times a member out for so long, or ends the time-out.
    pub(crate) fn time_out(
        &mut self,
        guild: Option<&str>,
        user: &str,
        length: Option<Duration>,
    ) -> Result<(), String> {
        let guild = self.guild_named(guild)?.id;
        let person = self.person_named(user)?;
        let until = length.map(|length| self.clock().now() + length);
        let found = self.realm.guild_mut(guild).and_then(|guild| guild.member_mut(person));
        let member = found.ok_or_else(|| format!("{user} is no member of the guild"))?;
        member.timed_out_until = until;
        let member = member.clone();
        self.tell_of_member(guild, &member);
        Ok(())
    }

    /// Switches "Public Bot" of the first application on or off.
    pub(crate) fn set_bot_public(&mut self, public: bool) {
        let first = self.realm.first_application().id();
        if let Some(application) = self.realm.application_mut(first) {
            application.public = public;
        }
        self.touch();
    }

    /// Somebody invites the first bot to another guild, in which everybody is. Returns the id of
    /// its only channel.
    pub(crate) fn invite(&mut self, name: &str, age: Age) -> Snowflake {
        let clock = self.clock().clone();
        let oldest = self.realm.guilds.iter().map(|guild| guild.id).min();
        let id = match (age, oldest) {
            (Age::Older, Some(oldest)) => oldest.before(),
            (Age::Older | Age::Newer, _) => clock.next_id(),
        };
        let now = clock.now();
        let people = self.realm.people.iter();
        let mut members: Vec<_> = people.map(|person| Member::new(person.id, now)).collect();
        let bot = &self.realm.first_application().bot;
        let (bot_id, role) = (bot.id, self.realm.managed_role(bot));
        members.push(Member { roles: vec![role.id], ..Member::new(bot_id, now) });
        let at = GuildPlace {
            guild: id,
            name: "general".to_owned(),
            parent: None,
            overwrites: Vec::new(),
        };
        let channel = Channel::new(clock.next_id(), Place::Text { at, about: About::default() });
        let channel_id = channel.id;
        let guild = Guild {
            id,
            name: name.to_owned(),
            owner: self.realm.home().owner,
            founded: now,
            roles: vec![founding::everyone(id), role],
            members,
            bans: Vec::new(),
            order: vec![channel_id],
        };
        self.realm.channels.push(channel);
        self.realm.guilds.push(guild.clone());
        self.realm.open_dms();
        let object = self.realm.guild_create_object(&guild, bot_id, Hears::Itself);
        self.dispatch(Event::new(bot_id, "GUILD_CREATE", intents::GUILDS, object));
        channel_id
    }

    fn guild_channel(&self, channel: &str) -> Result<Snowflake, String> {
        channel
            .parse()
            .ok()
            .and_then(|id| self.realm.channel(id))
            .filter(|channel| !channel.is_dm())
            .map(|channel| channel.id)
            .ok_or_else(|| format!("there is no channel {channel} in the server"))
    }
}
