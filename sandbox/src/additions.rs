//! People, roles and channels that are added while the sandbox runs, by the rules of its founding
//! and with the events that the bots hear.

use serde_json::json;

use crate::error::WorldError;
use crate::founding::{self, Built, refuse};
use crate::gateway::{Event, intents};
use crate::model::Channel;
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::world::{ChannelSpec, RoleSpec, UserSpec};

impl State {
    /// Adds a person, who joins the first guild if so specified.
    pub(crate) fn add_user(&mut self, spec: &UserSpec) -> Built<Snowflake> {
        if self.realm.user_named(&spec.name).is_some() {
            return refuse(format!("two accounts are named {}", spec.name));
        }
        let person = founding::person(spec, &self.realm.clock);
        let id = person.id;
        self.realm.people.push(person);
        if spec.member {
            match self.realm.member(self.realm.home(), &spec.as_member()) {
                Ok(member) => self.join(self.realm.home().id, member),
                Err(error) => {
                    self.realm.people.pop();
                    return Err(error);
                }
            }
        }
        self.touch();
        Ok(id)
    }

    /// Adds a role above the others of a guild.
    pub(crate) fn add_role(&mut self, guild: Option<&str>, spec: &RoleSpec) -> Built<Snowflake> {
        let guild = self.guild_named(guild).map_err(WorldError)?;
        if guild.role_named(&spec.name).is_some() {
            return refuse(format!("two roles are named {}", spec.name));
        }
        let held = guild.roles.iter().skip(1).filter(|role| role.bot.is_none());
        let role = self.realm.role_of(spec, held.count())?;
        let (guild, id) = (guild.id, role.id);
        if let Some(guild) = self.realm.guild_mut(guild) {
            guild.roles.push(role.clone());
        }
        if let Some(founded) = self.realm.guild(guild) {
            let data = json!({ "guild_id": guild, "role": self.realm.role_object(founded, &role) });
            self.tell_guild(guild, "GUILD_ROLE_CREATE", intents::GUILDS, &data);
        }
        Ok(id)
    }

    /// Adds a text channel below the others of a guild.
    pub(crate) fn add_channel(
        &mut self,
        guild: Option<&str>,
        spec: &ChannelSpec,
    ) -> Built<Snowflake> {
        let guild = self.guild_named(guild).map_err(WorldError)?;
        let named = |channel: &Channel| self.realm.channel_name(channel) == spec.name;
        if self.realm.channels_of(guild).any(named) {
            return refuse(format!("two channels are named {}", spec.name));
        }
        let place = self.realm.text_channel(guild, spec)?;
        let channel = Channel::new(self.clock().next_id(), place);
        let (guild, id) = (guild.id, channel.id);
        self.realm.channels.push(channel.clone());
        if let Some(guild) = self.realm.guild_mut(guild) {
            guild.order.push(id);
        }
        let object = self.realm.channel_object(&channel);
        for application in self.realm.applications_in(guild) {
            if self.bot_sees(application, &channel) {
                let intent = intents::GUILDS;
                self.dispatch(Event::new(application, "CHANNEL_CREATE", intent, object.clone()));
            }
        }
        self.touch();
        Ok(id)
    }
}
