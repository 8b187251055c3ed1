//! The server that is simulated: people, roles, channels and their messages. Knows what is there
//! and finds it; permissions, JSON and the ways to change it have modules of their own.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::error::StartError;
use crate::options::{BotAccess, World};
use crate::permissions;
use crate::snowflake::Snowflake;

/// A message that only one person sees.
pub(crate) const FLAG_EPHEMERAL: u64 = 1 << 6;
/// A deferred answer: "is thinking…".
pub(crate) const FLAG_LOADING: u64 = 1 << 7;
/// A message that is shown without its embeds.
pub(crate) const FLAG_SUPPRESS_EMBEDS: u64 = 1 << 2;
/// A message that notifies nobody.
pub(crate) const FLAG_SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;

/// Everything a person can see of the server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) guild_id: Snowflake,
    pub(crate) name: String,
    pub(crate) founded: DateTime<Utc>,
    /// The bot's account, its application's id included: both are the same.
    pub(crate) bot: User,
    /// The people, owner first.
    pub(crate) people: Vec<User>,
    pub(crate) roles: Vec<Role>,
    pub(crate) channels: Vec<Channel>,
    /// Other servers that the bot was invited to: ids and names.
    pub(crate) others: Vec<(Snowflake, String)>,
    /// Whether anybody may invite the bot.
    pub(crate) bot_public: bool,
}

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) bot: bool,
    pub(crate) member: bool,
    pub(crate) roles: Vec<Snowflake>,
    pub(crate) hue: u16,
    pub(crate) dms_closed: bool,
}

/// A role. The one with the server's id is `@everyone`.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) color: u32,
    pub(crate) permissions: u64,
    /// The bot whose role it is.
    pub(crate) bot: Option<Snowflake>,
}

/// A place for messages.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) id: Snowflake,
    pub(crate) place: Place,
    /// Oldest first.
    pub(crate) messages: Vec<Message>,
}

/// Where a channel is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In the server.
    Guild { name: String, topic: String, bot: BotAccess },
    /// In another server that the bot is in, which everybody is a member of.
    Elsewhere { guild: Snowflake, name: String },
    /// Between a person and the bot.
    Dm { user: Snowflake },
}

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: Snowflake,
    pub(crate) channel: Snowflake,
    pub(crate) author: Snowflake,
    pub(crate) audience: Audience,
    pub(crate) content: String,
    pub(crate) created: DateTime<Utc>,
    pub(crate) edited: Option<DateTime<Utc>>,
    pub(crate) mentions: Mentions,
    pub(crate) embeds: Vec<Value>,
    pub(crate) components: Vec<Value>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) flags: u64,
    pub(crate) nonce: Option<Value>,
    pub(crate) reply_to: Option<Snowflake>,
    pub(crate) origin: Option<Origin>,
}

/// Who sees a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Audience {
    /// Everybody who sees the channel.
    Channel,
    /// One person, in their client's memory: it cannot be fetched from the channel.
    Only(Snowflake),
}

/// Whom a message pings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mentions {
    pub(crate) everyone: bool,
    pub(crate) users: Vec<Snowflake>,
    pub(crate) roles: Vec<Snowflake>,
}

/// A file of a message; its bytes are kept with the other files.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) content_type: String,
    pub(crate) size: usize,
    /// Width and height in pixels, of a picture.
    pub(crate) pixels: Option<(u32, u32)>,
    pub(crate) url: String,
}

/// The interaction that a message answers.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) interaction: Snowflake,
    pub(crate) user: Snowflake,
    pub(crate) cause: Cause,
}

/// What a person did to begin an interaction.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// Used a command: typed it, or took it from the context menu of its target.
    Command { name: String, target: Option<Target> },
    /// Used a button or a select menu of a message.
    Component { message: Snowflake },
    /// Submitted the form that another interaction had opened.
    Modal { trigger: Box<Origin> },
}

/// What a command of a context menu was used on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    User(Snowflake),
    Message(Snowflake),
}

impl Server {
    /// Builds the server that the options describe.
    pub(crate) fn build(world: &World) -> Result<Self, StartError> {
        check(world)?;
        let guild_id = Snowflake::next();
        let bot_id = Snowflake::next();
        let roles = roles(world, guild_id, bot_id);
        let held = |names: &[String]| {
            let holds = |role: &&Role| role.bot.is_none() && names.contains(&role.name);
            roles.iter().filter(holds).map(|role| role.id).collect()
        };
        let people: Vec<User> = world
            .users
            .iter()
            .map(|spec| User {
                id: Snowflake::next(),
                name: spec.name.clone(),
                display_name: spec.display_name.clone(),
                bot: false,
                member: spec.member,
                roles: held(&spec.roles),
                hue: spec.hue.unwrap_or_else(|| hue_of(&spec.name)),
                dms_closed: false,
            })
            .collect();
        let bot_role = roles.iter().filter(|role| role.bot.is_some());
        let bot = User {
            id: bot_id,
            name: world.bot.clone(),
            display_name: world.bot.clone(),
            bot: true,
            member: true,
            roles: bot_role.map(|role| role.id).collect(),
            hue: hue_of(&world.bot),
            dms_closed: false,
        };
        Ok(Self {
            guild_id,
            name: world.guild.clone(),
            founded: crate::clock::now(),
            bot,
            channels: channels(world, &people),
            people,
            roles,
            others: Vec::new(),
            bot_public: false,
        })
    }

    /// The owner: the first person. [`Server::build`] made sure there is one.
    pub(crate) fn owner(&self) -> &User {
        self.people.first().unwrap_or(&self.bot)
    }

    /// An account by its id, the bot included.
    pub(crate) fn user(&self, id: Snowflake) -> Option<&User> {
        self.everybody().find(|user| user.id == id)
    }

    /// A person by user name.
    pub(crate) fn person(&self, name: &str) -> Option<&User> {
        self.people.iter().find(|user| user.name == name)
    }

    /// The people and the bot.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = &User> {
        self.people.iter().chain([&self.bot])
    }

    /// A role by its id.
    pub(crate) fn role(&self, id: Snowflake) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == id)
    }

    /// Whether a person shares a server with the bot: this one, or another one.
    pub(crate) fn shares_with_bot(&self, user: &User) -> bool {
        user.member || !self.others.is_empty()
    }

    /// A channel by its id.
    pub(crate) fn channel(&self, id: Snowflake) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// A channel by its id, to change it.
    pub(crate) fn channel_mut(&mut self, id: Snowflake) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    /// The server of a channel.
    pub(crate) fn guild_of(&self, channel: &Channel) -> Snowflake {
        match channel.place {
            Place::Elsewhere { guild, .. } => guild,
            Place::Guild { .. } | Place::Dm { .. } => self.guild_id,
        }
    }

    /// The direct message between a person and the bot.
    pub(crate) fn dm_of(&self, person: Snowflake) -> Option<&Channel> {
        self.channels
            .iter()
            .find(|channel| matches!(channel.place, Place::Dm { user } if user == person))
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

impl Channel {
    /// Name without `#`; of a direct message, the bot's.
    pub(crate) fn name<'a>(&'a self, bot: &'a User) -> &'a str {
        match &self.place {
            Place::Guild { name, .. } | Place::Elsewhere { name, .. } => name,
            Place::Dm { .. } => &bot.name,
        }
    }

    /// Whether it is a direct message.
    pub(crate) fn is_dm(&self) -> bool {
        matches!(self.place, Place::Dm { .. })
    }

    /// Whether it is in the server itself, and not in another one.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.place, Place::Guild { .. })
    }

    /// The messages that everybody in it sees, oldest first.
    pub(crate) fn public(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().filter(|message| message.audience == Audience::Channel)
    }
}

impl Message {
    /// Whether this account sees the message, given that it sees the channel.
    pub(crate) fn visible_to(&self, user: Snowflake) -> bool {
        match self.audience {
            Audience::Channel => true,
            Audience::Only(reader) => reader == user,
        }
    }

    /// Whether it is a deferred answer that still waits for its content.
    pub(crate) fn is_loading(&self) -> bool {
        self.flags & FLAG_LOADING != 0
    }
}

/// Refuses a world that contradicts itself.
fn check(world: &World) -> Result<(), StartError> {
    let refuse = |why: String| Err(StartError::World(why));
    if !world.users.first().is_some_and(|owner| owner.member) {
        return refuse("the first user owns the server and must be a member of it".to_owned());
    }
    let names = world.users.iter().map(|user| &user.name);
    if let Some(name) = duplicate(names.chain([&world.bot])) {
        return refuse(format!("two accounts are named {name}"));
    }
    if let Some(name) = duplicate(world.channels.iter().map(|channel| &channel.name)) {
        return refuse(format!("two channels are named {name}"));
    }
    let mut held = world.users.iter().flat_map(|user| &user.roles);
    match held.find(|role| !world.roles.contains(role)) {
        Some(role) => refuse(format!("a user holds the role {role}, which does not exist")),
        None => Ok(()),
    }
}

fn duplicate<'a>(names: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let mut seen = std::collections::HashSet::new();
    names.map(String::as_str).find(|name| !seen.insert(*name))
}

/// `@everyone`, the bot's own role and those of the world.
fn roles(world: &World, guild_id: Snowflake, bot: Snowflake) -> Vec<Role> {
    /// Colours of Discord's palette, given to the roles in turn.
    const PALETTE: [u32; 5] = [0x34_98_db, 0x2e_cc_71, 0xe9_1e_63, 0xf1_c4_0f, 0x9b_59_b6];
    let everyone = Role {
        id: guild_id,
        name: "@everyone".to_owned(),
        color: 0,
        permissions: permissions::EVERYONE,
        bot: None,
    };
    let own = Role {
        id: Snowflake::next(),
        name: world.bot.clone(),
        color: 0,
        permissions: permissions::BOT_ROLE,
        bot: Some(bot),
    };
    let named = world.roles.iter().zip(PALETTE.iter().cycle()).map(|(name, color)| Role {
        id: Snowflake::next(),
        name: name.clone(),
        color: *color,
        permissions: permissions::EVERYONE,
        bot: None,
    });
    [everyone, own].into_iter().chain(named).collect()
}

/// The channels of the server and a direct message for everybody who shares the server with the
/// bot.
fn channels(world: &World, people: &[User]) -> Vec<Channel> {
    let in_guild = world.channels.iter().map(|spec| Place::Guild {
        name: spec.name.clone(),
        topic: spec.topic.clone(),
        bot: spec.bot,
    });
    let direct = people.iter().filter(|user| user.member).map(|user| Place::Dm { user: user.id });
    in_guild
        .chain(direct)
        .map(|place| Channel { id: Snowflake::next(), place, messages: Vec::new() })
        .collect()
}

/// A hue for an avatar, always the same for a name.
fn hue_of(name: &str) -> u16 {
    name.bytes().fold(7, |hue: u16, byte| (hue * 31 + u16::from(byte)) % 360)
}
