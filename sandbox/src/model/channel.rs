//! Channels of every kind.

use chrono::{DateTime, TimeDelta, Utc};

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
    Text { at: GuildPlace, about: About },
    /// A voice channel, of which only the name is simulated.
    Voice { at: GuildPlace },
    /// A category of channels.
    Category { at: GuildPlace },
    /// A thread of a text channel.
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

/// What only text channels have.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    /// The line below the name; may be empty.
    pub(crate) topic: String,
    pub(crate) nsfw: bool,
    /// Seconds that a person waits between two messages; 0 for none.
    pub(crate) slowmode: u32,
    /// Minutes that threads begun in the app get for `auto_archive_minutes`; `None` if unset.
    pub(crate) thread_minutes: Option<u32>,
}

/// A thread.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    pub(crate) guild: Snowflake,
    /// The text channel, whose permissions apply.
    pub(crate) parent: Snowflake,
    pub(crate) name: String,
    pub(crate) kind: ThreadKind,
    pub(crate) owner: Snowflake,
    pub(crate) archived: bool,
    /// When `archived` last changed, or the thread began.
    pub(crate) archive_changed: DateTime<Utc>,
    /// Minutes without activity after which it is archived.
    pub(crate) auto_archive_minutes: u32,
    pub(crate) locked: bool,
    /// Seconds that a person waits between two messages; 0 for none.
    pub(crate) slowmode: u32,
    /// Messages ever sent, the deleted ones included.
    pub(crate) sent: usize,
    /// Accounts that joined, and when.
    pub(crate) members: Vec<(Snowflake, DateTime<Utc>)>,
}

/// Who sees a thread.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ThreadKind {
    /// Everybody who sees the parent.
    Public,
    /// Its members, and those who manage threads.
    Private {
        /// Whether every member may add others.
        invitable: bool,
    },
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

    /// What it is in its guild; `None` for threads and direct messages.
    pub(crate) fn at(&self) -> Option<&GuildPlace> {
        match &self.place {
            Place::Text { at, .. } | Place::Voice { at } | Place::Category { at } => Some(at),
            Place::Thread(_) | Place::Dm { .. } => None,
        }
    }

    /// What it is as a thread.
    pub(crate) fn thread(&self) -> Option<&Thread> {
        match &self.place {
            Place::Thread(thread) => Some(thread),
            _ => None,
        }
    }

    /// What it is as a thread, to change it.
    pub(crate) fn thread_mut(&mut self) -> Option<&mut Thread> {
        match &mut self.place {
            Place::Thread(thread) => Some(thread),
            _ => None,
        }
    }

    /// Seconds that a person waits between two messages.
    pub(crate) fn slowmode(&self) -> u32 {
        match &self.place {
            Place::Text { about, .. } => about.slowmode,
            Place::Thread(thread) => thread.slowmode,
            Place::Voice { .. } | Place::Category { .. } | Place::Dm { .. } => 0,
        }
    }

    /// The messages that everybody in it sees, oldest first.
    pub(crate) fn public(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().filter(|message| message.audience == Audience::Channel)
    }
}

impl Thread {
    /// Whether this account has joined.
    pub(crate) fn has(&self, user: Snowflake) -> bool {
        self.members.iter().any(|(member, _)| *member == user)
    }

    pub(crate) fn is_private(&self) -> bool {
        self.kind != ThreadKind::Public
    }

    /// Whether it has been without activity for too long, counted from its last message or the
    /// last change of its archive.
    pub(crate) fn is_stale(&self, last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        let active = last.map_or(self.archive_changed, |last| last.max(self.archive_changed));
        !self.archived && now - active >= TimeDelta::minutes(self.auto_archive_minutes.into())
    }
}
