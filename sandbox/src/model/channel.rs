//! Channels of every kind.

use chrono::{DateTime, Utc};

use crate::model::{Audience, Message};
use crate::snowflake::Snowflake;

/// A channel.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: Snowflake,
    pub(crate) place: Place,
    /// Oldest first.
    pub(crate) messages: Vec<Message>,
}

/// What kind of channel it is, and where.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A text channel of a guild.
    Text { at: GuildPlace, topic: String },
    /// A voice channel, of which only the name is simulated.
    #[expect(dead_code, reason = "no operation creates one yet")]
    Voice { at: GuildPlace },
    /// A category of channels.
    #[expect(dead_code, reason = "no operation creates one yet")]
    Category { at: GuildPlace },
    /// A thread of a text channel.
    #[expect(dead_code, reason = "no operation creates one yet")]
    Thread(Thread),
    /// Between a bot, by its application, and a person.
    Dm { application: Snowflake, person: Snowflake },
}

/// What all channels of a guild but threads have.
#[derive(Clone, Debug)]
pub(crate) struct GuildPlace {
    pub(crate) guild: Snowflake,
    pub(crate) name: String,
    /// The category.
    pub(crate) parent: Option<Snowflake>,
    pub(crate) overwrites: Vec<Overwrite>,
}

/// A thread.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    pub(crate) guild: Snowflake,
    /// The text channel, whose permissions apply.
    pub(crate) parent: Snowflake,
    pub(crate) name: String,
    pub(crate) owner: Snowflake,
    pub(crate) archived: bool,
    /// When `archived` last changed, or the thread began.
    pub(crate) archive_changed: DateTime<Utc>,
    /// Minutes without activity after which it is archived.
    pub(crate) auto_archive_minutes: u32,
    pub(crate) locked: bool,
    /// Accounts that joined, and when.
    pub(crate) members: Vec<(Snowflake, DateTime<Utc>)>,
}

/// What a channel gives to a role or a member, and takes from them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Overwrite {
    pub(crate) of: OverwriteOf,
    /// Permission bits.
    pub(crate) allow: u64,
    /// Permission bits.
    pub(crate) deny: u64,
}

/// Whom an overwrite concerns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OverwriteOf {
    /// By the role's id; `@everyone` has the guild's.
    Role(Snowflake),
    /// By the account's id.
    Member(Snowflake),
}

impl Channel {
    /// An empty channel.
    pub(crate) fn new(id: Snowflake, place: Place) -> Self {
        Self { id, place, messages: Vec::new() }
    }

    /// The guild it is in; `None` for a direct message.
    pub(crate) fn guild(&self) -> Option<Snowflake> {
        match &self.place {
            Place::Text { at, .. } | Place::Voice { at } | Place::Category { at } => Some(at.guild),
            Place::Thread(thread) => Some(thread.guild),
            Place::Dm { .. } => None,
        }
    }

    /// Whether it is a direct message.
    pub(crate) fn is_dm(&self) -> bool {
        matches!(self.place, Place::Dm { .. })
    }

    /// What it is in its guild, to change it; `None` for threads and direct messages.
    pub(crate) fn at_mut(&mut self) -> Option<&mut GuildPlace> {
        match &mut self.place {
            Place::Text { at, .. } | Place::Voice { at } | Place::Category { at } => Some(at),
            Place::Thread(_) | Place::Dm { .. } => None,
        }
    }

    /// The messages that everybody in it sees, oldest first.
    pub(crate) fn public(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().filter(|message| message.audience == Audience::Channel)
    }
}
