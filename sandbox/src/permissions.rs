//! Who may do what where, in Discord's permission bits.

use crate::model::{Channel, Guild, Member, Overwrite, OverwriteOf, Place, Realm, Role, User};
use crate::snowflake::Snowflake;
use crate::world::BotAccess;

/// Bit of KICK_MEMBERS.
pub(crate) const KICK_MEMBERS: u64 = 1 << 1;
/// Bit of BAN_MEMBERS.
pub(crate) const BAN_MEMBERS: u64 = 1 << 2;
/// Bit of ADMINISTRATOR.
pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
/// Bit of MANAGE_CHANNELS.
pub(crate) const MANAGE_CHANNELS: u64 = 1 << 4;
/// Bit of MANAGE_GUILD.
pub(crate) const MANAGE_GUILD: u64 = 1 << 5;
/// Bit of ADD_REACTIONS.
pub(crate) const ADD_REACTIONS: u64 = 1 << 6;
/// Bit of VIEW_AUDIT_LOG.
pub(crate) const VIEW_AUDIT_LOG: u64 = 1 << 7;
/// Bit of VIEW_CHANNEL.
pub(crate) const VIEW_CHANNEL: u64 = 1 << 10;
/// Bit of SEND_MESSAGES.
pub(crate) const SEND_MESSAGES: u64 = 1 << 11;
/// Bit of MANAGE_MESSAGES.
pub(crate) const MANAGE_MESSAGES: u64 = 1 << 13;
/// Bit of EMBED_LINKS.
pub(crate) const EMBED_LINKS: u64 = 1 << 14;
/// Bit of ATTACH_FILES.
pub(crate) const ATTACH_FILES: u64 = 1 << 15;
/// Bit of READ_MESSAGE_HISTORY.
pub(crate) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
/// Bit of MENTION_EVERYONE.
pub(crate) const MENTION_EVERYONE: u64 = 1 << 17;
/// Bit of CHANGE_NICKNAME.
pub(crate) const CHANGE_NICKNAME: u64 = 1 << 26;
/// Bit of MANAGE_NICKNAMES.
pub(crate) const MANAGE_NICKNAMES: u64 = 1 << 27;
/// Bit of MANAGE_ROLES; of a channel, MANAGE_PERMISSIONS.
pub(crate) const MANAGE_ROLES: u64 = 1 << 28;
/// Bit of MANAGE_WEBHOOKS.
pub(crate) const MANAGE_WEBHOOKS: u64 = 1 << 29;
/// Bit of USE_APPLICATION_COMMANDS.
pub(crate) const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
/// Bit of MANAGE_THREADS.
pub(crate) const MANAGE_THREADS: u64 = 1 << 34;
/// Bit of CREATE_PUBLIC_THREADS.
pub(crate) const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
/// Bit of CREATE_PRIVATE_THREADS.
pub(crate) const CREATE_PRIVATE_THREADS: u64 = 1 << 36;
/// Bit of SEND_MESSAGES_IN_THREADS.
pub(crate) const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;
/// Bit of MODERATE_MEMBERS: time-outs.
pub(crate) const MODERATE_MEMBERS: u64 = 1 << 40;
/// Bit of PIN_MESSAGES.
pub(crate) const PIN_MESSAGES: u64 = 1 << 51;
/// Bit of BYPASS_SLOWMODE.
pub(crate) const BYPASS_SLOWMODE: u64 = 1 << 52;

/// What `@everyone` may do in the server.
pub(crate) const EVERYONE: u64 = VIEW_CHANNEL
    | ADD_REACTIONS
    | CHANGE_NICKNAME
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | CREATE_PRIVATE_THREADS
    | SEND_MESSAGES_IN_THREADS;

/// What the bot's own role adds: it may ping everybody, so that a bot's slip shows.
pub(crate) const BOT_ROLE: u64 = EVERYONE | MENTION_EVERYONE;

/// What each side may do in a direct message.
pub(crate) const DIRECT_MESSAGE: u64 = VIEW_CHANNEL
    | ADD_REACTIONS
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY;

/// Every permission that Discord documents (the last is BYPASS_SLOWMODE): the owner's.
pub(crate) const ALL: u64 = (1 << 53) - 1;

/// [`EVERYONE`] as a default of JSON.
pub(crate) fn everyone() -> u64 {
    EVERYONE
}

impl BotAccess {
    /// The permission bits that the channel's overwrite takes from the bot.
    fn denied(self) -> u64 {
        match self {
            Self::Full => 0,
            Self::ReadOnly => SEND_MESSAGES,
            Self::Hidden => VIEW_CHANNEL | SEND_MESSAGES,
            Self::Without(bits) => bits,
        }
    }

    /// The overwrite that it is short for; `None` if nothing is denied.
    pub(crate) fn overwrite(self, bot: Snowflake) -> Option<Overwrite> {
        let deny = self.denied();
        (deny != 0).then_some(Overwrite { of: OverwriteOf::Member(bot), allow: 0, deny })
    }
}

/// The algorithm is Discord's, from the page "Permissions" of its documentation.
impl Realm {
    /// What an account may do in a guild as a whole; nothing if it is no member.
    pub(crate) fn guild_permissions(&self, guild: &Guild, user: Snowflake) -> u64 {
        let Some(member) = guild.member(user) else {
            return 0;
        };
        self.restrained(member, base(guild, member))
    }

    /// What an account may do in a channel.
    pub(crate) fn permissions(&self, user: &User, channel: &Channel) -> u64 {
        match &channel.place {
            Place::Dm { application, person } if [*application, *person].contains(&user.id) => {
                DIRECT_MESSAGE
            }
            Place::Dm { .. } => 0,
            Place::Thread(thread) => {
                let parent = self.channel(thread.parent);
                let bits = parent.map_or(0, |parent| self.permissions(user, parent));
                // The page "Threads": only members and moderators see a private thread.
                if thread.is_private() && !thread.has(user.id) && bits & MANAGE_THREADS == 0 {
                    return 0;
                }
                bits
            }
            Place::Text { at, .. } | Place::Voice { at } | Place::Category { at } => {
                let guild = self.guild(at.guild);
                let member = guild.and_then(|guild| guild.member(user.id));
                let (Some(guild), Some(member)) = (guild, member) else {
                    return 0;
                };
                let bits = overwritten(base(guild, member), guild, member, &at.overwrites);
                self.restrained(member, bits)
            }
        }
    }

    /// Whether an account sees a channel.
    pub(crate) fn sees(&self, user: &User, channel: &Channel) -> bool {
        self.permissions(user, channel) & VIEW_CHANNEL != 0
    }

    /// Whether an account may write in a channel. In threads SEND_MESSAGES has no effect, says the
    /// page "Threads" of Discord's documentation.
    pub(crate) fn may_write(&self, user: &User, channel: &Channel) -> bool {
        let needed = match channel.place {
            Place::Thread(_) => VIEW_CHANNEL | SEND_MESSAGES_IN_THREADS,
            Place::Category { .. } => return false,
            _ => SEND_MESSAGES,
        };
        self.permissions(user, channel) & needed == needed
    }

    /// What a time-out leaves of permissions. Owners and administrators cannot be timed out.
    fn restrained(&self, member: &Member, bits: u64) -> u64 {
        if bits & ADMINISTRATOR == 0 && member.is_timed_out(self.clock.now()) {
            bits & (VIEW_CHANNEL | READ_MESSAGE_HISTORY)
        } else {
            bits
        }
    }
}

/// What a member's roles give in the whole guild.
fn base(guild: &Guild, member: &Member) -> u64 {
    if member.user == guild.owner {
        return ALL;
    }
    let held = |role: &&Role| role.id == guild.id || member.roles.contains(&role.id);
    let bits = guild.roles.iter().filter(held).fold(0, |bits, role| bits | role.permissions);
    if bits & ADMINISTRATOR == 0 { bits } else { ALL }
}

/// What a channel's overwrites make of permissions: first that of `@everyone`, then those of all
/// held roles at once, then the member's.
fn overwritten(bits: u64, guild: &Guild, member: &Member, overwrites: &[Overwrite]) -> u64 {
    if bits & ADMINISTRATOR != 0 {
        return ALL;
    }
    let levels: [&dyn Fn(OverwriteOf) -> bool; 3] = [
        &|of| of == OverwriteOf::Role(guild.id),
        &|of| matches!(of, OverwriteOf::Role(role) if member.roles.contains(&role)),
        &|of| of == OverwriteOf::Member(member.user),
    ];
    levels.iter().fold(bits, |bits, concerns| {
        let of_level = overwrites.iter().filter(|overwrite| concerns(overwrite.of));
        let (allow, deny) = of_level.fold((0, 0), |(allow, deny), overwrite| {
            (allow | overwrite.allow, deny | overwrite.deny)
        });
        bits & !deny | allow
    })
}
