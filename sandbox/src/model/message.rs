//! Messages and what belongs to them.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::snowflake::Snowflake;

/// A message that only one person sees.
pub(crate) const FLAG_EPHEMERAL: u64 = 1 << 6;
/// A deferred answer: "is thinking…".
pub(crate) const FLAG_LOADING: u64 = 1 << 7;
/// A message that a thread was started from.
pub(crate) const FLAG_HAS_THREAD: u64 = 1 << 5;
/// A message that is shown without its embeds.
pub(crate) const FLAG_SUPPRESS_EMBEDS: u64 = 1 << 2;
/// A message that notifies nobody.
pub(crate) const FLAG_SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;
/// A message built from components of "version 2", without content and embeds.
pub(crate) const FLAG_COMPONENTS_V2: u64 = 1 << 15;

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
    pub(crate) reactions: Vec<Reaction>,
    /// When it was pinned, if it is.
    pub(crate) pinned: Option<DateTime<Utc>>,
    /// Of a message that Discord wrote in the author's name: what it tells.
    pub(crate) notice: Option<Notice>,
    /// Of a webhook's message: how its author, the webhook, shows itself.
    pub(crate) guise: Option<Guise>,
}

/// All reactions to a message with one emoji.
#[derive(Clone, Debug)]
pub(crate) struct Reaction {
    pub(crate) emoji: String,
    /// In the order of their reactions; never empty.
    pub(crate) users: Vec<Snowflake>,
}

/// What a message of Discord's own tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Notice {
    /// The author pinned this message.
    Pinned(Snowflake),
    /// The author started this thread of the channel.
    ThreadCreated(Snowflake),
    /// The thread was started from the message of this id in this channel.
    ThreadStarter { channel: Snowflake, message: Snowflake },
    /// The author renamed the thread.
    Renamed,
    /// The author added this account to the thread.
    Added(Snowflake),
    /// The author removed this account from the thread.
    Removed(Snowflake),
}

/// How a webhook shows itself.
#[derive(Clone, Debug)]
pub(crate) struct Guise {
    pub(crate) name: String,
    pub(crate) avatar: Option<String>,
    /// The application that owns the webhook.
    pub(crate) application: Snowflake,
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

impl Message {
    /// Whether this account sees the message, given that it sees the channel.
    pub(crate) fn visible_to(&self, user: Snowflake) -> bool {
        match self.audience {
            Audience::Channel => true,
            Audience::Only(reader) => reader == user,
        }
    }

    /// Whether it is built from components of "version 2".
    pub(crate) fn is_of_components(&self) -> bool {
        self.flags & FLAG_COMPONENTS_V2 != 0
    }

    /// The application that interactions with the message go to.
    pub(crate) fn application(&self) -> Snowflake {
        self.guise.as_ref().map_or(self.author, |guise| guise.application)
    }

    /// Whether it is a deferred answer that still waits for its content.
    pub(crate) fn is_loading(&self) -> bool {
        self.flags & FLAG_LOADING != 0
    }
}
