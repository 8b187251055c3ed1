//! The whole of the simulated world, and how anything in it is found.

use crate::audit;
use crate::clock::Clock;
use crate::model::{Application, Channel, Guild, Message, Place, Role, User, Webhook};
use crate::snowflake::Snowflake;

/// All accounts, applications, guilds and channels.
#[derive(Clone, Debug)]
pub(crate) struct Realm {
    pub(crate) clock: Clock,
    /// The people, in the order of the options; they never leave the world.
    pub(crate) people: Vec<User>,
    /// Never empty: the first is the one that the options configure.
    pub(crate) applications: Vec<Application>,
    /// Never empty: the first is the one of the options and the page.
    pub(crate) guilds: Vec<Guild>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) webhooks: Vec<Webhook>,
    /// The audit logs of all guilds, oldest entry first.
    pub(crate) audit: Vec<audit::Entry>,
}

impl Realm {
    /// The first guild.
    pub(crate) fn home(&self) -> &Guild {
        &self.guilds[0]
    }

    /// The first application.
    pub(crate) fn first_application(&self) -> &Application {
        &self.applications[0]
    }

    /// An application by its id.
    pub(crate) fn application(&self, id: Snowflake) -> Option<&Application> {
        self.applications.iter().find(|application| application.id() == id)
    }

    /// An application by its id, to change it.
    pub(crate) fn application_mut(&mut self, id: Snowflake) -> Option<&mut Application> {
        self.applications.iter_mut().find(|application| application.id() == id)
    }

    /// The application that a token without prefix belongs to.
    pub(crate) fn authorized(&self, token: &str) -> Option<&Application> {
        self.applications.iter().find(|application| application.token == token)
    }

    /// A guild by its id.
    pub(crate) fn guild(&self, id: Snowflake) -> Option<&Guild> {
        self.guilds.iter().find(|guild| guild.id == id)
    }

    /// A guild by its id, to change it.
    pub(crate) fn guild_mut(&mut self, id: Snowflake) -> Option<&mut Guild> {
        self.guilds.iter_mut().find(|guild| guild.id == id)
    }

    /// The guilds that an account is a member of, in the order of their founding.
    pub(crate) fn guilds_of(&self, user: Snowflake) -> impl Iterator<Item = &Guild> {
        self.guilds.iter().filter(move |guild| guild.has(user))
    }

    /// The guild of a channel; `None` for a direct message.
    pub(crate) fn guild_of(&self, channel: &Channel) -> Option<&Guild> {
        self.guild(channel.guild()?)
    }

    /// The channels of a guild, top to bottom, without threads.
    pub(crate) fn channels_of<'a>(&'a self, guild: &'a Guild) -> impl Iterator<Item = &'a Channel> {
        guild.order.iter().filter_map(|id| self.channel(*id))
    }

    /// The threads of a guild, in the order of their start.
    pub(crate) fn threads_of(&self, guild: Snowflake) -> impl Iterator<Item = &Channel> {
        let threads = self.channels.iter();
        threads.filter(move |channel| channel.thread().is_some_and(|t| t.guild == guild))
    }

    /// A webhook by its id.
    pub(crate) fn webhook(&self, id: Snowflake) -> Option<&Webhook> {
        self.webhooks.iter().find(|webhook| webhook.id == id)
    }

    /// A webhook by its id, to change it.
    pub(crate) fn webhook_mut(&mut self, id: Snowflake) -> Option<&mut Webhook> {
        self.webhooks.iter_mut().find(|webhook| webhook.id == id)
    }

    /// The applications whose bots are in a guild.
    pub(crate) fn applications_in(&self, guild: Snowflake) -> Vec<Snowflake> {
        let Some(guild) = self.guild(guild) else {
            return Vec::new();
        };
        let ids = self.applications.iter().map(Application::id);
        ids.filter(|id| guild.has(*id)).collect()
    }

    /// An account by its id, of a person or a bot.
    pub(crate) fn user(&self, id: Snowflake) -> Option<&User> {
        self.everybody().find(|user| user.id == id)
    }

    /// An account by its id, to change it.
    pub(crate) fn user_mut(&mut self, id: Snowflake) -> Option<&mut User> {
        let bots = self.applications.iter_mut().map(|application| &mut application.bot);
        self.people.iter_mut().chain(bots).find(|user| user.id == id)
    }

    /// A person by user name.
    pub(crate) fn person(&self, name: &str) -> Option<&User> {
        self.people.iter().find(|user| user.name == name)
    }

    /// An account by user name, of a person or a bot.
    pub(crate) fn user_named(&self, name: &str) -> Option<&User> {
        self.everybody().find(|user| user.name == name)
    }

    /// The people, then the bots.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = &User> {
        self.people.iter().chain(self.applications.iter().map(|application| &application.bot))
    }

    /// The members of a guild among everybody.
    pub(crate) fn users_in<'a>(&'a self, guild: &'a Guild) -> impl Iterator<Item = &'a User> {
        self.everybody().filter(|user| guild.has(user.id))
    }

    /// A role of any guild by its id.
    pub(crate) fn role(&self, id: Snowflake) -> Option<(&Guild, &Role)> {
        self.guilds.iter().find_map(|guild| Some((guild, guild.role(id)?)))
    }

    /// Whether two accounts are members of one guild.
    pub(crate) fn share_guild(&self, one: Snowflake, other: Snowflake) -> bool {
        self.guilds_of(one).any(|guild| guild.has(other))
    }

    /// A channel by its id.
    pub(crate) fn channel(&self, id: Snowflake) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// A channel by its id, to change it.
    pub(crate) fn channel_mut(&mut self, id: Snowflake) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    /// Name without `#`; of a direct message, the bot's.
    pub(crate) fn channel_name<'a>(&'a self, channel: &'a Channel) -> &'a str {
        match &channel.place {
            Place::Text { at, .. } | Place::Voice { at } | Place::Category { at } => &at.name,
            Place::Thread(thread) => &thread.name,
            Place::Dm { application, .. } => {
                self.application(*application).map_or("", |application| &application.bot.name)
            }
        }
    }

    /// The direct message between a bot and a person.
    pub(crate) fn dm_of(&self, bot: Snowflake, user: Snowflake) -> Option<&Channel> {
        self.channels.iter().find(|channel| {
            matches!(channel.place, Place::Dm { application, person }
                if application == bot && person == user)
        })
    }

    /// Opens the direct messages between bots and people who share a guild and have none yet.
    pub(crate) fn open_dms(&mut self) {
        let mut missing = Vec::new();
        for application in self.applications.iter().map(Application::id) {
            for person in self.people.iter().map(|person| person.id) {
                if self.share_guild(application, person)
                    && self.dm_of(application, person).is_none()
                {
                    missing.push(Place::Dm { application, person });
                }
            }
        }
        for place in missing {
            self.channels.push(Channel::new(self.clock.next_id(), place));
        }
    }

    /// A message by its id, wherever it is and whoever sees it.
    pub(crate) fn message(&self, id: Snowflake) -> Option<&Message> {
        let mut messages = self.channels.iter().flat_map(|channel| &channel.messages);
        messages.find(|message| message.id == id)
    }

    /// A message by its id, to change it.
    pub(crate) fn message_mut(&mut self, id: Snowflake) -> Option<&mut Message> {
        let mut messages = self.channels.iter_mut().flat_map(|c| &mut c.messages);
        messages.find(|message| message.id == id)
    }
}
