//! Which channel a decision's card belongs in, and which channels the bot may use.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serenity::all::{
    ChannelId, ChannelType, GuildChannel, GuildId, Http, Member, PartialGuild, Permissions, RoleId,
    UserId,
};
use tokio::time::Instant;

use crate::core::decision::Decision;
use crate::core::permission::Role;
use crate::core::policy::project_name;

/// What a card's channel must allow the bot, and what is asked for in the invitation.
pub const NEEDED: Permissions = Permissions::VIEW_CHANNEL
    .union(Permissions::SEND_MESSAGES)
    .union(Permissions::EMBED_LINKS)
    .union(Permissions::ATTACH_FILES)
    .union(Permissions::READ_MESSAGE_HISTORY);

/// What is asked for in the invitation beside it: `@here` before a breach, and mentions of roles
/// that not everybody may mention.
pub const HERE: Permissions = Permissions::MENTION_EVERYONE;

/// The channel that is used where none is configured.
const USUAL: &str = "decisions";

/// How long a channel that refused is left alone. Refused requests count against a limit of 10,000
/// in 10 minutes, after which Discord bans the address.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// No project can be called so: it stands for those that are not configured.
const NO_PROJECT: &str = "\0";

/// Why there is no channel, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}. {mend}")]
pub(super) struct Trouble {
    pub(super) what: String,
    pub(super) mend: String,
}

/// Which channels the configuration names: by id or by name, with or without `#`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channels {
    /// For projects that have none of their own.
    pub usual: Option<String>,
    /// By project.
    pub projects: BTreeMap<String, String>,
    /// For the digest, if not where other projects' cards go.
    pub digest: Option<String>,
}

/// A server, as the bot sees it.
#[derive(Debug, Clone)]
struct Server {
    guild: PartialGuild,
    me: Member,
    channels: Vec<GuildChannel>,
    read_at: Instant,
}

/// The answer to "where to", kept up to date by events.
#[derive(Debug)]
pub(super) struct Places {
    channels: RwLock<Channels>,
    server: RwLock<Option<Arc<Server>>>,
    refused: RwLock<HashMap<ChannelId, Instant>>,
}

impl Places {
    pub(super) fn new(channels: Channels) -> Self {
        Self {
            channels: RwLock::new(channels),
            server: RwLock::default(),
            refused: RwLock::default(),
        }
    }

    /// The configuration names other channels from now on. Cards that hang stay where they are.
    pub(super) fn configure(&self, channels: Channels) {
        *self.channels.write().unwrap_or_else(PoisonError::into_inner) = channels;
    }

    fn channels(&self) -> Channels {
        self.channels.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the server anew: its channels, its roles, the bot's own membership.
    pub(super) async fn refresh(
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

    /// [`Places::refresh`], unless that was a moment ago.
    pub(super) async fn refresh_if_old(
        &self,
        http: &Http,
        guild: GuildId,
        me: UserId,
    ) -> serenity::Result<()> {
        let old = self.server().is_none_or(|server| server.read_at.elapsed() > LEFT_ALONE);
        if old { self.refresh(http, guild, me).await } else { Ok(()) }
    }

    fn server(&self) -> Option<Arc<Server>> {
        self.server.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves a channel alone for a while, because it refused.
    pub(super) fn refused(&self, channel: ChannelId) {
        self.refused
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(channel, Instant::now());
    }

    fn is_left_alone(&self, channel: ChannelId) -> bool {
        let refused = self.refused.read().unwrap_or_else(PoisonError::into_inner);
        refused.get(&channel).is_some_and(|since| since.elapsed() < LEFT_ALONE)
    }

    /// Whether requests to a channel would only be refused again.
    pub(super) fn must_wait(&self, channel: ChannelId) -> Result<(), String> {
        if self.is_left_alone(channel) {
            Err(format!("{} refused a moment ago. {}", self.name(channel), self.advice(channel)))
        } else {
            Ok(())
        }
    }

    /// The channel for the digest; if there is none, what to do about it.
    pub(super) fn of_digest(&self) -> Result<ChannelId, String> {
        let Some(found) = self.look_up_digest() else { return self.usual() };
        let channel = found.map_err(|trouble| trouble.to_string())?;
        self.must_wait(channel)?;
        Ok(channel)
    }

    /// The channel that is named for the digest, if one is.
    pub(super) fn look_up_digest(&self) -> Option<Result<ChannelId, Trouble>> {
        let named = self.channels().digest?;
        Some(self.known().and_then(|server| server.named(&named).map(|channel| channel.id)))
    }

    /// The channel for a project's cards; if there is none, what to do about it.
    pub(super) fn of_project(&self, project: &str) -> Result<ChannelId, String> {
        let channel = self.look_up(project).map_err(|trouble| trouble.to_string())?;
        self.must_wait(channel)?;
        Ok(channel)
    }

    /// The same, whether or not the channel has refused a moment ago.
    pub(super) fn look_up(&self, project: &str) -> Result<ChannelId, Trouble> {
        let (server, channels) = (self.known()?, self.channels());
        let channel =
            match channels.projects.get(&project_name(project)).or(channels.usual.as_ref()) {
                Some(named) => server.named(named)?,
                None => server.usual()?,
            };
        Ok(channel.id)
    }

    fn known(&self) -> Result<Arc<Server>, Trouble> {
        self.server().ok_or_else(|| Trouble {
            what: "the server's channels are not known yet".into(),
            mend: "They are read again by themselves".into(),
        })
    }

    /// The channel for what belongs to no project.
    pub(super) fn usual(&self) -> Result<ChannelId, String> {
        self.of_project(NO_PROJECT)
    }

    /// The same, whether or not the channel has refused a moment ago.
    pub(super) fn look_up_usual(&self) -> Result<ChannelId, Trouble> {
        self.look_up(NO_PROJECT)
    }

    /// The projects whose channel is configured; `None` stands for all the others.
    pub(super) fn configured(&self) -> Vec<Option<String>> {
        self.channels().projects.into_keys().map(Some).chain([None]).collect()
    }

    /// The project whose channel is configured; empty for all the others, which share one.
    pub(super) fn place_of(&self, decision: &Decision) -> String {
        let project = &decision.request.project;
        if self.channels().projects.contains_key(project) { project.clone() } else { String::new() }
    }

    /// What to do about a channel that cannot be used.
    pub(super) fn advice(&self, channel: ChannelId) -> String {
        let name = self.server().and_then(|server| {
            server.channels.iter().find(|c| c.id == channel).map(|c| c.name.clone())
        });
        let name = name.map_or_else(|| format!("the channel {channel}"), |name| format!("#{name}"));
        advice(&name, NEEDED)
    }

    /// A channel's name.
    pub(super) fn name(&self, channel: ChannelId) -> String {
        let server = self.server();
        let found =
            server.as_ref().and_then(|server| server.channels.iter().find(|c| c.id == channel));
        found.map_or_else(|| channel.to_string(), |channel| format!("#{}", channel.name))
    }

    /// The channel's name, if the bot may not use `@here` in it, nor mention roles that do not let
    /// everybody.
    pub(super) fn lacks_here(&self, channel: ChannelId) -> Option<String> {
        let server = self.server()?;
        let found = server.channels.iter().find(|other| other.id == channel)?;
        let may = server.guild.user_permissions_in(found, &server.me).contains(HERE);
        (!may).then(|| format!("#{}", found.name))
    }

    /// Whether a rule's role is there.
    pub(super) fn has_role(&self, named: &str) -> bool {
        !self.role_ids(named).is_empty()
    }

    /// The roles that a rule means: of one name there may be several.
    pub(super) fn role_ids(&self, named: &str) -> Vec<RoleId> {
        let is = |role: &&serenity::all::Role| {
            Role { id: role.id.get(), name: role.name.clone() }.is(named)
        };
        self.server().map_or_else(Vec::new, |server| {
            server.guild.roles.values().filter(is).map(|role| role.id).collect()
        })
    }

    /// The roles with these ids. One that is not known yet has no name.
    pub(super) fn roles(&self, roles: &[RoleId]) -> Vec<Role> {
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
        "In Discord, give the bot these permissions in {channel}: {missing}; or name another channel in gander.toml"
    )
}

impl Server {
    fn missing(&self, channel: &GuildChannel) -> Permissions {
        NEEDED - self.guild.user_permissions_in(channel, &self.me)
    }

    fn text_channels(&self) -> impl Iterator<Item = &GuildChannel> {
        self.channels
            .iter()
            .filter(|channel| matches!(channel.kind, ChannelType::Text | ChannelType::News))
    }

    fn named(&self, named: &str) -> Result<&GuildChannel, Trouble> {
        let plain = named.trim_start_matches('#');
        let channel = self
            .text_channels()
            .find(|channel| channel.name == plain || channel.id.to_string() == plain);
        let channel = channel.ok_or_else(|| Trouble {
            what: format!("there is no text channel #{plain} in {}", self.guild.name),
            mend: "Create it, or name another in gander.toml".into(),
        })?;
        let missing = self.missing(channel);
        if missing.is_empty() {
            Ok(channel)
        } else {
            Err(Trouble {
                what: format!("#{plain} cannot be used"),
                mend: advice(&format!("#{plain}"), missing),
            })
        }
    }

    /// `decisions`, else the first text channel that may be written to.
    fn usual(&self) -> Result<&GuildChannel, Trouble> {
        // One of that name that is closed is waited for: what was meant for it must not be read
        // elsewhere.
        if self.text_channels().any(|channel| channel.name == USUAL) {
            return self.named(USUAL);
        }
        let mut channels: Vec<_> =
            self.text_channels().filter(|channel| self.missing(channel).is_empty()).collect();
        channels.sort_by_key(|channel| (channel.position, channel.id));
        channels.into_iter().next().ok_or_else(|| Trouble {
            what: format!("the bot may not write to any text channel of {}", self.guild.name),
            mend: advice("one of them", NEEDED),
        })
    }
}
