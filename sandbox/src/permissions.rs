//! Who may do what where, in Discord's permission bits.

use crate::options::BotAccess;
use crate::server::{Channel, Place, Role, Server, User};

/// Bit of ADMINISTRATOR.
const ADMINISTRATOR: u64 = 1 << 3;
/// Bit of VIEW_CHANNEL.
pub(crate) const VIEW_CHANNEL: u64 = 1 << 10;
/// Bit of SEND_MESSAGES.
pub(crate) const SEND_MESSAGES: u64 = 1 << 11;
/// Bit of EMBED_LINKS.
pub(crate) const EMBED_LINKS: u64 = 1 << 14;
/// Bit of ATTACH_FILES.
pub(crate) const ATTACH_FILES: u64 = 1 << 15;
/// Bit of READ_MESSAGE_HISTORY.
pub(crate) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
/// Bit of MENTION_EVERYONE.
pub(crate) const MENTION_EVERYONE: u64 = 1 << 17;
/// Bit of USE_APPLICATION_COMMANDS.
const USE_APPLICATION_COMMANDS: u64 = 1 << 31;

/// What `@everyone` may do in the server.
pub(crate) const EVERYONE: u64 = VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS;

/// What the bot's own role adds: it may ping everybody, so that a bot's slip shows.
pub(crate) const BOT_ROLE: u64 = EVERYONE | MENTION_EVERYONE;

/// What each side may do in a direct message.
pub(crate) const DIRECT_MESSAGE: u64 =
    VIEW_CHANNEL | SEND_MESSAGES | EMBED_LINKS | ATTACH_FILES | READ_MESSAGE_HISTORY;

/// Every permission: the owner's.
const ALL: u64 = (1 << 52) - 1;

impl BotAccess {
    /// The permission bits that the channel's overwrite takes from the bot.
    pub(crate) fn denied(self) -> u64 {
        match self {
            Self::Full => 0,
            Self::ReadOnly => SEND_MESSAGES,
            Self::Hidden => VIEW_CHANNEL | SEND_MESSAGES,
            Self::Without(bits) => bits,
        }
    }
}

impl Server {
    /// What somebody may do in the server as a whole.
    pub(crate) fn guild_permissions(&self, user: &User) -> u64 {
        if user.id == self.owner().id {
            return ALL;
        }
        let bits = self
            .roles
            .iter()
            .filter(|role| role.id == self.guild_id || user.roles.contains(&role.id))
            .fold(0, |bits, role: &Role| bits | role.permissions);
        if bits & ADMINISTRATOR == 0 { bits } else { ALL }
    }

    /// What somebody may do in a channel.
    pub(crate) fn permissions(&self, user: &User, channel: &Channel) -> u64 {
        match &channel.place {
            Place::Dm { user: peer } if *peer == user.id || user.bot => DIRECT_MESSAGE,
            Place::Dm { .. } => 0,
            Place::Elsewhere { .. } => EVERYONE,
            Place::Guild { .. } if !user.member => 0,
            Place::Guild { bot, .. } => {
                let denied = if user.bot { bot.denied() } else { 0 };
                self.guild_permissions(user) & !denied
            }
        }
    }

    /// Whether somebody sees a channel.
    pub(crate) fn sees(&self, user: &User, channel: &Channel) -> bool {
        self.permissions(user, channel) & VIEW_CHANNEL != 0
    }
}
