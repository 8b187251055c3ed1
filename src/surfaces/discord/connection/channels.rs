//! Finds the channel for a decision's card, and the channels open to the bot.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serenity::all::{
    ChannelId, ChannelType, GuildChannel, GuildId, Http, Member, PartialGuild, Permissions, RoleId,
    UserId,
};
use tokio::time::Instant;

use crate::core::decision::Decision;
use crate::core::decision::authorization::Role;
use crate::core::policy::rules::project_name;

/// Permissions that the bot needs in a channel for cards; part of the invitation.
pub const REQUIRED_PERMISSIONS: Permissions = Permissions::VIEW_CHANNEL
    .union(Permissions::SEND_MESSAGES)
    .union(Permissions::EMBED_LINKS)
    .union(Permissions::ATTACH_FILES)
    .union(Permissions::READ_MESSAGE_HISTORY);

/// Optional permission in the invitation: allows `@here` before a breach, and mentions of roles
/// that are not mentionable by everybody.
pub const MENTION_PERMISSION: Permissions = Permissions::MENTION_EVERYONE;

/// The default channel's name.
const DEFAULT_CHANNEL_NAME: &str = "decisions";

/// How long a channel is avoided after a rejected request. Rejected requests count against a limit
/// of 10,000 in 10 minutes; above the limit Discord bans the IP address.
const AVOID_REJECTING_CHANNEL: Duration = Duration::from_secs(30);

/// Stands for all projects without a configured channel. No project can have this name.
const UNCONFIGURED_PROJECT: &str = "\0";

/// Why no channel can be used, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}. {remedy}")]
pub(crate) struct ChannelError {
    pub(crate) what: String,
    pub(crate) remedy: String,
}

/// Channels named in the configuration: by id or by name, with or without `#`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channels {
    /// For projects without a channel of their own.
    pub usual: Option<String>,
    /// By project.
    pub projects: BTreeMap<String, String>,
    /// For the digest; `None`: the default channel.
    pub digest: Option<String>,
}

/// The server with its channels, as last read from Discord.
#[derive(Debug, Clone)]
struct Server {
    guild: PartialGuild,
    me: Member,
    channels: Vec<GuildChannel>,
    read_at: Instant,
}

/// Resolves projects to channels. Gateway events keep the channel list current.
#[derive(Debug)]
pub(crate) struct Places {
    channels: RwLock<Channels>,
    server: RwLock<Option<Arc<Server>>>,
    refused: RwLock<HashMap<ChannelId, Instant>>,
}

impl Places {
    pub(crate) fn new(channels: Channels) -> Self {
        Self {
            channels: RwLock::new(channels),
            server: RwLock::default(),
            refused: RwLock::default(),
        }
    }

    /// Replaces the configured channels. Posted cards stay in their channels.
    pub(crate) fn configure(&self, channels: Channels) {
        *self.channels.write().unwrap_or_else(PoisonError::into_inner) = channels;
    }

    fn channels(&self) -> Channels {
        self.channels.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the server's channels and roles and the bot's own membership from Discord.
    pub(crate) async fn refresh(
        &self,
        http: &Http,
        guild: GuildId,
        me: UserId,
    ) -> serenity::Result<()> {
        let (guild_now, channels, member) = tokio::try_join!(
            http.get_guild(guild),
            http.get_channels(guild),
            http.get_member(guild, me)
        )?;
        let server = Server { guild: guild_now, me: member, channels, read_at: Instant::now() };
        *self.server.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(server));
        self.refused.write().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// [`Places::refresh`], unless the last refresh was less than [`AVOID_REJECTING_CHANNEL`] ago.
    pub(crate) async fn refresh_if_old(
        &self,
        http: &Http,
        guild: GuildId,
        me: UserId,
    ) -> serenity::Result<()> {
        let old =
            self.server().is_none_or(|server| server.read_at.elapsed() > AVOID_REJECTING_CHANNEL);
        if old { self.refresh(http, guild, me).await } else { Ok(()) }
    }

    fn server(&self) -> Option<Arc<Server>> {
        self.server.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Avoids a channel for [`AVOID_REJECTING_CHANNEL`] after a rejected request.
    pub(crate) fn refused(&self, channel: ChannelId) {
        self.refused
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(channel, Instant::now());
    }

    fn is_avoided(&self, channel: ChannelId) -> bool {
        let refused = self.refused.read().unwrap_or_else(PoisonError::into_inner);
        refused.get(&channel).is_some_and(|since| since.elapsed() < AVOID_REJECTING_CHANNEL)
    }

    /// An error with advice while the channel is avoided after a rejected request.
    pub(crate) fn check_not_avoided(&self, channel: ChannelId) -> Result<(), String> {
        if self.is_avoided(channel) {
            Err(format!(
                "{} was refused a moment ago. {}",
                self.name(channel),
                self.advice(channel)
            ))
        } else {
            Ok(())
        }
    }

    /// The channel for the digest, or a problem with its remedy.
    pub(crate) fn channel_for_digest(&self) -> Result<ChannelId, String> {
        let Some(found) = self.resolve_digest_channel() else { return self.usual() };
        let channel = found.map_err(|trouble| trouble.to_string())?;
        self.check_not_avoided(channel)?;
        Ok(channel)
    }

    /// The channel configured for the digest, if any.
    pub(crate) fn resolve_digest_channel(&self) -> Option<Result<ChannelId, ChannelError>> {
        let named = self.channels().digest?;
        Some(self.known().and_then(|server| server.named(&named).map(|channel| channel.id)))
    }

    /// The channel for a project's cards, or a problem with its remedy.
    pub(crate) fn of_project(&self, project: &str) -> Result<ChannelId, String> {
        let channel = self.resolve_channel(project).map_err(|trouble| trouble.to_string())?;
        self.check_not_avoided(channel)?;
        Ok(channel)
    }

    /// Like [`Places::of_project`], but ignores recent rejections.
    pub(crate) fn resolve_channel(&self, project: &str) -> Result<ChannelId, ChannelError> {
        let (server, channels) = (self.known()?, self.channels());
        let channel =
            match channels.projects.get(&project_name(project)).or(channels.usual.as_ref()) {
                Some(named) => server.named(named)?,
                None => server.usual()?,
            };
        Ok(channel.id)
    }

    fn known(&self) -> Result<Arc<Server>, ChannelError> {
        self.server().ok_or_else(|| ChannelError {
            what: "the server's channels are not loaded yet".into(),
            remedy: "They are loaded automatically".into(),
        })
    }

    /// The channel for messages that belong to no project.
    pub(crate) fn usual(&self) -> Result<ChannelId, String> {
        self.of_project(UNCONFIGURED_PROJECT)
    }

    /// Like [`Places::usual`], but ignores recent rejections.
    pub(crate) fn resolve_default_channel(&self) -> Result<ChannelId, ChannelError> {
        self.resolve_channel(UNCONFIGURED_PROJECT)
    }

    /// Projects with a configured channel, then `None` for all other projects.
    pub(crate) fn configured(&self) -> Vec<Option<String>> {
        self.channels().projects.into_keys().map(Some).chain([None]).collect()
    }

    /// The decision's project if a channel is configured for the project; empty for all other
    /// projects, because they share a channel.
    pub(crate) fn place_of(&self, decision: &Decision) -> String {
        let project = &decision.request.project;
        if self.channels().projects.contains_key(project) { project.clone() } else { String::new() }
    }

    /// The remedy for a channel without the needed permissions.
    pub(crate) fn advice(&self, channel: ChannelId) -> String {
        let name = self.server().and_then(|server| {
            server.channels.iter().find(|c| c.id == channel).map(|c| c.name.clone())
        });
        let name = name.map_or_else(|| format!("the channel {channel}"), |name| format!("#{name}"));
        advice(&name, REQUIRED_PERMISSIONS)
    }

    /// The channel's name with `#`; the id if the channel is unknown.
    pub(crate) fn name(&self, channel: ChannelId) -> String {
        let server = self.server();
        let found =
            server.as_ref().and_then(|server| server.channels.iter().find(|c| c.id == channel));
        found.map_or_else(|| channel.to_string(), |channel| format!("#{}", channel.name))
    }

    /// The channel's name if the bot lacks permission there for `@here` and for mentions of roles
    /// that are not mentionable by everybody.
    pub(crate) fn channel_without_here(&self, channel: ChannelId) -> Option<String> {
        let server = self.server()?;
        let found = server.channels.iter().find(|other| other.id == channel)?;
        let may = server.guild.user_permissions_in(found, &server.me).contains(MENTION_PERMISSION);
        (!may).then(|| format!("#{}", found.name))
    }

    /// Whether the server has a role with this name or id.
    pub(crate) fn has_role(&self, named: &str) -> bool {
        !self.role_ids(named).is_empty()
    }

    /// The roles with this name or id. Several roles can share a name.
    pub(crate) fn role_ids(&self, named: &str) -> Vec<RoleId> {
        let is = |role: &&serenity::all::Role| {
            Role { id: role.id.get(), name: role.name.clone() }.is(named)
        };
        self.server().map_or_else(Vec::new, |server| {
            server.guild.roles.values().filter(is).map(|role| role.id).collect()
        })
    }

    /// The roles with these ids. An unknown role has an empty name.
    pub(crate) fn roles(&self, roles: &[RoleId]) -> Vec<Role> {
        let server = self.server();
        let named = |role: &RoleId| {
            server
                .as_ref()
                .and_then(|server| server.guild.roles.get(role))
                .map(|role| role.name.clone())
        };
        roles
            .iter()
            .map(|role| Role { id: role.get(), name: named(role).unwrap_or_default() })
            .collect()
    }
}

fn advice(channel: &str, missing: Permissions) -> String {
    format!(
        "In Discord, give the bot these permissions in {channel}: {missing}; or use another \
         channel in gander.toml"
    )
}

impl Server {
    fn missing(&self, channel: &GuildChannel) -> Permissions {
        REQUIRED_PERMISSIONS - self.guild.user_permissions_in(channel, &self.me)
    }

    fn text_channels(&self) -> impl Iterator<Item = &GuildChannel> {
        self.channels
            .iter()
            .filter(|channel| matches!(channel.kind, ChannelType::Text | ChannelType::News))
    }

    fn named(&self, named: &str) -> Result<&GuildChannel, ChannelError> {
        let plain = named.trim_start_matches('#');
        let channel = self
            .text_channels()
            .find(|channel| channel.name == plain || channel.id.to_string() == plain);
        let channel = channel.ok_or_else(|| ChannelError {
            what: format!("there is no text channel #{plain} in {}", self.guild.name),
            remedy: "Create it, or use another channel in gander.toml".into(),
        })?;
        let missing = self.missing(channel);
        if missing.is_empty() {
            Ok(channel)
        } else {
            Err(ChannelError {
                what: format!("#{plain} cannot be used"),
                remedy: advice(&format!("#{plain}"), missing),
            })
        }
    }

    /// The channel `decisions`, or else the first text channel with the needed permissions.
    fn usual(&self) -> Result<&GuildChannel, ChannelError> {
        // If `decisions` exists without the needed permissions, report the problem and wait: its
        // messages must not appear in another channel.
        if self.text_channels().any(|channel| channel.name == DEFAULT_CHANNEL_NAME) {
            return self.named(DEFAULT_CHANNEL_NAME);
        }
        let mut channels: Vec<_> =
            self.text_channels().filter(|channel| self.missing(channel).is_empty()).collect();
        channels.sort_by_key(|channel| (channel.position, channel.id));
        channels.into_iter().next().ok_or_else(|| ChannelError {
            what: format!("the bot may not write to any text channel of {}", self.guild.name),
            remedy: advice("one of them", REQUIRED_PERMISSIONS),
        })
    }
}
