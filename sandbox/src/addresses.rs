//! Where a running sandbox is reached and the ids of what is in it: all that a bot or a test needs
//! to begin.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::model::{Guild, Realm, Role};

/// Where everything is. Ids are strings of digits, as Discord's JSON has them.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Addresses {
    /// Base of the REST interface over HTTP: `http://127.0.0.1:PORT/api`.
    pub rest: String,
    /// Base address of HTTPS: `https://127.0.0.1:PORT`. Its certificate is also valid for
    /// `discord.com`, for clients that can be told where that name leads.
    pub tls: String,
    /// Path of the PEM file with the certificate authority that signed the HTTPS certificate.
    pub ca: String,
    /// Address of the gateway: `ws://127.0.0.1:PORT/gateway`.
    pub gateway: String,
    /// Address of the page: `http://127.0.0.1:PORT/`.
    pub page: String,
    /// The bot's token, without the prefix `Bot `.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// Id of the bot's application, which is also the id of its account.
    pub application_id: String,
    /// Id of the first guild.
    pub guild_id: String,
    /// Channels of the first guild by name, top to bottom.
    pub channels: Names,
    /// Roles of the first guild by name, lowest first: `@everyone`, those of the bots, the others.
    pub roles: Names,
    /// People by name, the owner first.
    pub users: Names,
    /// Further guilds.
    pub more_guilds: Vec<GuildAddress>,
    /// Further bots.
    pub more_bots: Vec<BotAddress>,
}

/// A further guild.
#[derive(Clone, Debug, serde::Serialize)]
pub struct GuildAddress {
    /// Name of the guild.
    pub name: String,
    /// Id of the guild.
    pub id: String,
    /// Its channels by name, top to bottom.
    pub channels: Names,
    /// Its roles by name, lowest first.
    pub roles: Names,
}

/// A further bot.
#[derive(Clone, Debug, serde::Serialize)]
pub struct BotAddress {
    /// Name of its account.
    pub name: String,
    /// Id of its application, which is also the id of its account.
    pub application_id: String,
    /// Its token, without the prefix `Bot `.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token: String,
}

impl Addresses {
    /// Id of the channel with this name.
    #[must_use]
    pub fn channel_id(&self, name: &str) -> Option<&str> {
        self.channels.get(name)
    }

    /// Id of the role of the first guild with this name.
    #[must_use]
    pub fn role_id(&self, name: &str) -> Option<&str> {
        self.roles.get(name)
    }

    /// The further guild with this name.
    #[must_use]
    pub fn guild(&self, name: &str) -> Option<&GuildAddress> {
        self.more_guilds.iter().find(|guild| guild.name == name)
    }

    /// The further bot with this name.
    #[must_use]
    pub fn bot(&self, name: &str) -> Option<&BotAddress> {
        self.more_bots.iter().find(|bot| bot.name == name)
    }

    /// Id of the person with this user name.
    #[must_use]
    pub fn user_id(&self, name: &str) -> Option<&str> {
        self.users.get(name)
    }

    /// The same with the names that are in the realm now.
    pub(crate) fn with_names_of(&self, realm: &Realm) -> Self {
        let home = realm.home();
        let people = realm.people.iter();
        let more_guilds = realm.guilds.iter().skip(1).map(|guild| GuildAddress {
            name: guild.name.clone(),
            id: guild.id.to_string(),
            channels: channel_names(realm, guild),
            roles: role_names(guild),
        });
        Self {
            channels: channel_names(realm, home),
            roles: role_names(home),
            users: people.map(|user| (user.name.clone(), user.id.to_string())).collect(),
            more_guilds: more_guilds.collect(),
            ..self.clone()
        }
    }

    /// The same without the bots' tokens, which then are left out of the JSON.
    #[must_use]
    pub fn without_token(&self) -> Self {
        let mut without = Self { token: String::new(), ..self.clone() };
        for bot in &mut without.more_bots {
            bot.token.clear();
        }
        without
    }
}

/// Names and their ids in a fixed order; as JSON, an object that keeps this order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Names(Vec<(String, String)>);

impl Names {
    /// Id of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, id)| id)
    }

    /// Pairs of name and id, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, id)| (n.as_str(), id.as_str()))
    }
}

/// Of two with one name, the first counts.
impl FromIterator<(String, String)> for Names {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut names = Self::default();
        for (name, id) in pairs {
            if names.get(&name).is_none() {
                names.0.push((name, id));
            }
        }
        names
    }
}

fn channel_names(realm: &Realm, guild: &Guild) -> Names {
    let channels = realm.channels_of(guild);
    channels
        .map(|channel| (realm.channel_name(channel).to_owned(), channel.id.to_string()))
        .collect()
}

fn role_names(guild: &Guild) -> Names {
    let pair = |role: &Role| (role.name.clone(), role.id.to_string());
    guild.roles.iter().map(pair).collect()
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, id) in self.iter() {
            map.serialize_entry(name, id)?;
        }
        map.end()
    }
}
