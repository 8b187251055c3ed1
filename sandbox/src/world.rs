//! The world that a sandbox is started with: people, bots, guilds, roles and channels. Can be read
//! from JSON; whether it contradicts itself is found when it is built.

use serde::{Deserialize, Serialize};

use crate::permissions;

/// The guilds, their people and their bots. The first user owns the first guild and the first
/// bot's application. In JSON, what is left out is as in [`World::default`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct World {
    /// Name of the first guild.
    pub guild: String,
    /// Name of the first bot's account.
    pub bot: String,
    /// The roles of the first guild that people can hold, lowest first.
    pub roles: Vec<RoleSpec>,
    /// The people, owner first.
    pub users: Vec<UserSpec>,
    /// The text channels of the first guild, top to bottom.
    pub channels: Vec<ChannelSpec>,
    /// Further bots, each with an application of its own.
    pub more_bots: Vec<BotSpec>,
    /// Further guilds.
    pub more_guilds: Vec<GuildSpec>,
}

impl Default for World {
    fn default() -> Self {
        let mut jonas = UserSpec::new("jonas");
        jonas.roles.push("Approvers".to_owned());
        let mut locked = ChannelSpec::new("locked");
        locked.bot = BotAccess::Hidden;
        Self {
            guild: "Workshop".to_owned(),
            bot: "bot".to_owned(),
            roles: vec![RoleSpec::new("Approvers")],
            users: vec![UserSpec::new("maya"), jonas, UserSpec::new("sven")],
            channels: vec![
                ChannelSpec::new("general"),
                ChannelSpec::new("decisions"),
                ChannelSpec::new("web-shop"),
                ChannelSpec::new("mobile-app"),
                locked,
            ],
            more_bots: Vec::new(),
            more_guilds: Vec::new(),
        }
    }
}

/// A role of a guild. In JSON, only `name` is required.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RoleSpec {
    /// Name, unique in the guild.
    pub name: String,
    /// Permission bits. Default: those that `@everyone` has at first.
    #[serde(default = "permissions::everyone")]
    pub permissions: u64,
    /// Colour as 0xRRGGBB; 0 is none. Default: one of Discord's palette in turn.
    #[serde(default)]
    pub color: Option<u32>,
}

impl RoleSpec {
    /// A role that may do no more than `@everyone`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), permissions: permissions::EVERYONE, color: None }
    }
}

/// A further bot. In JSON, only `name` is required.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BotSpec {
    /// User name, unique in the world.
    pub name: String,
    /// Names of the guilds that the bot is in. Default: none.
    #[serde(default)]
    pub guilds: Vec<String>,
    /// Whether its application may ask for the privileged intents. Default `false`.
    #[serde(default)]
    pub privileged_intents: bool,
    /// Its token, without the prefix `Bot `. Default: a random one for each start.
    #[serde(default)]
    pub token: Option<String>,
    /// User name of the application's owner. Default: the first user.
    #[serde(default)]
    pub owner: Option<String>,
    /// Whether anybody may invite the bot. Default `false`, other than on Discord.
    #[serde(default)]
    pub public: bool,
    /// The application's "Interactions Endpoint URL". Default: none.
    #[serde(default)]
    pub interactions_endpoint_url: Option<String>,
}

impl BotSpec {
    /// A bot in these guilds with default settings.
    #[must_use]
    pub fn new(name: &str, guilds: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            guilds: guilds.iter().map(|&guild| guild.to_owned()).collect(),
            privileged_intents: false,
            token: None,
            owner: None,
            public: false,
            interactions_endpoint_url: None,
        }
    }
}

/// A further guild. In JSON, only `name` and `owner` are required.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GuildSpec {
    /// Name, unique in the world.
    pub name: String,
    /// User name of the owner, who is a member.
    pub owner: String,
    /// The roles that members can hold, lowest first.
    #[serde(default)]
    pub roles: Vec<RoleSpec>,
    /// The people. The owner need not be listed.
    #[serde(default)]
    pub members: Vec<MemberSpec>,
    /// The text channels, top to bottom.
    #[serde(default)]
    pub channels: Vec<ChannelSpec>,
    /// Whether the world's first bot is in it. Default `true`. Further bots name their guilds.
    #[serde(default = "yes")]
    pub bot: bool,
}

impl GuildSpec {
    /// A guild of its owner and the first bot, without channels.
    #[must_use]
    pub fn new(name: &str, owner: &str) -> Self {
        Self {
            name: name.to_owned(),
            owner: owner.to_owned(),
            roles: Vec::new(),
            members: Vec::new(),
            channels: Vec::new(),
            bot: true,
        }
    }
}

/// A person in a further guild. In JSON, only `user` is required.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MemberSpec {
    /// User name; one of [`World::users`].
    pub user: String,
    /// Name in this guild. Default: none.
    #[serde(default)]
    pub nick: Option<String>,
    /// Names of the roles held; each must be one of the guild's.
    #[serde(default)]
    pub roles: Vec<String>,
}

impl MemberSpec {
    /// A member without a nick and roles.
    #[must_use]
    pub fn new(user: &str) -> Self {
        Self { user: user.to_owned(), nick: None, roles: Vec::new() }
    }
}

/// A person of the world. In JSON, only `name` is required; the rest is as in [`UserSpec::new`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "UserForm")]
pub struct UserSpec {
    /// User name: lower case, unique in the world.
    pub name: String,
    /// Name that people see.
    pub display_name: String,
    /// Names of the roles held; each must be one of [`World::roles`].
    pub roles: Vec<String>,
    /// Hue of the drawn avatar in degrees (0 to 359). Default: derived from the name.
    pub hue: Option<u16>,
    /// Whether the person is in the first guild. One who shares no guild with the bot is one whom it
    /// cannot open a direct message to (error 50278).
    pub member: bool,
}

impl UserSpec {
    /// A member without roles whose display name is the name with a capital.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut letters = name.chars();
        let display_name = letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
        Self { name: name.to_owned(), display_name, roles: Vec::new(), hue: None, member: true }
    }

    /// What the person is in the first guild.
    pub(crate) fn as_member(&self) -> MemberSpec {
        MemberSpec { user: self.name.clone(), nick: None, roles: self.roles.clone() }
    }
}

/// What JSON says of a person.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserForm {
    name: String,
    display_name: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    hue: Option<u16>,
    #[serde(default = "yes")]
    member: bool,
}

impl From<UserForm> for UserSpec {
    fn from(form: UserForm) -> Self {
        let plain = Self::new(&form.name);
        Self {
            display_name: form.display_name.unwrap_or(plain.display_name),
            name: form.name,
            roles: form.roles,
            hue: form.hue,
            member: form.member,
        }
    }
}

/// A text channel of a guild. In JSON, only `name` is required.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSpec {
    /// Name without `#`, unique in its guild.
    pub name: String,
    /// The line below the name; may be empty.
    #[serde(default)]
    pub topic: String,
    /// What the world's first bot may do here: short for an overwrite of its permissions.
    #[serde(default)]
    pub bot: BotAccess,
    /// Permissions given to roles and members here, or taken from them.
    #[serde(default)]
    pub overwrites: Vec<OverwriteSpec>,
}

impl ChannelSpec {
    /// A channel without a topic in which the bot may read and write.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            topic: String::new(),
            bot: BotAccess::Full,
            overwrites: Vec::new(),
        }
    }
}

/// A permission overwrite of a channel. In JSON: `{"of": {"role": "Approvers"}, "deny": 2048}`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OverwriteSpec {
    /// Whom it concerns.
    pub of: Subject,
    /// Permission bits that are given.
    #[serde(default)]
    pub allow: u64,
    /// Permission bits that are taken away.
    #[serde(default)]
    pub deny: u64,
}

impl OverwriteSpec {
    /// Gives permission bits.
    #[must_use]
    pub fn allow(of: Subject, bits: u64) -> Self {
        Self { of, allow: bits, deny: 0 }
    }

    /// Takes permission bits away.
    #[must_use]
    pub fn deny(of: Subject, bits: u64) -> Self {
        Self { of, allow: 0, deny: bits }
    }
}

/// Whom an overwrite concerns.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A role of the guild by name; `@everyone` is one, and each bot has one of its own name.
    Role(String),
    /// A person or a bot by user name.
    Member(String),
}

impl Subject {
    /// A role by name.
    #[must_use]
    pub fn role(name: &str) -> Self {
        Self::Role(name.to_owned())
    }

    /// A member by user name.
    #[must_use]
    pub fn member(name: &str) -> Self {
        Self::Member(name.to_owned())
    }
}

/// What the bot may do in a channel.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BotAccess {
    /// See it and write in it.
    #[default]
    Full,
    /// See it, not write (error 50013).
    ReadOnly,
    /// Not even see it (error 50001).
    Hidden,
    /// All but what these of Discord's permission bits stand for. Besides those above,
    /// EMBED_LINKS (1 << 14) and ATTACH_FILES (1 << 15) are needed for messages with embeds or
    /// files (error 50013), READ_MESSAGE_HISTORY (1 << 16) for finding messages.
    Without(u64),
}

fn yes() -> bool {
    true
}
