//! Gateway intents: the bits with which a bot says what it wants to hear.

/// Servers, roles, channels.
pub(crate) const GUILDS: u64 = 1;
/// Members; privileged.
pub(crate) const GUILD_MEMBERS: u64 = 1 << 1;
/// Audit log entries and bans.
pub(crate) const GUILD_MODERATION: u64 = 1 << 2;
/// Webhooks of channels.
pub(crate) const GUILD_WEBHOOKS: u64 = 1 << 5;
/// Presences; privileged.
pub(crate) const GUILD_PRESENCES: u64 = 1 << 8;
/// Messages in servers.
pub(crate) const GUILD_MESSAGES: u64 = 1 << 9;
/// Reactions in servers.
pub(crate) const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
/// Direct messages.
pub(crate) const DIRECT_MESSAGES: u64 = 1 << 12;
/// Reactions in direct messages.
pub(crate) const DIRECT_MESSAGE_REACTIONS: u64 = 1 << 13;
/// Contents of other people's messages in servers; privileged.
pub(crate) const MESSAGE_CONTENT: u64 = 1 << 15;

/// Those that must be enabled for the application.
pub(super) const PRIVILEGED: u64 = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT;
/// Those that exist. IDENTIFY with any other bit is refused with 4013.
pub(super) const KNOWN: u64 = 0b11_0011_0001_1111_1111_1111_1111;
