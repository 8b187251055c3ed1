//! Where a message stands on Discord, from the first intent to the final state.

use crate::core::Time;

/// Post state of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostState {
    /// Not posted yet.
    NotPosted,
    /// A create has started and may have succeeded.
    Creating {
        /// The channel's id.
        channel: String,
        /// When the create started, by the wall clock.
        at: Time,
    },
    /// Posted.
    Posted {
        /// The channel's id.
        channel: String,
        /// The message's id.
        message: String,
        /// Log position of the state shown in the message.
        shown: u64,
        /// Number of the list shown in the message; 0 if unknown.
        list: u32,
    },
    /// Never posted or edited again.
    Final(FinalPost),
}

/// What remains of a final message on Discord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinalPost {
    /// Nothing: the message was never posted.
    NeverPosted,
    /// The message as last edited. People may still click there.
    Kept {
        /// The channel's id.
        channel: String,
        /// The message's id.
        message: String,
    },
    /// Nothing: the message was deleted.
    Deleted {
        /// The id of the former channel.
        channel: String,
        /// The id of the former message.
        message: String,
    },
}

impl PostState {
    /// The final state of a message that stays on Discord as last edited.
    #[must_use]
    pub fn into_final(self) -> Self {
        match self {
            Self::Posted { channel, message, .. } => {
                Self::Final(FinalPost::Kept { channel, message })
            }
            Self::NotPosted | Self::Creating { .. } => Self::Final(FinalPost::NeverPosted),
            Self::Final(_) => self,
        }
    }

    /// The final state of a message missing on Discord.
    #[must_use]
    pub fn into_deleted(self) -> Self {
        match self {
            Self::Posted { channel, message, .. } => {
                Self::Final(FinalPost::Deleted { channel, message })
            }
            Self::NotPosted | Self::Creating { .. } | Self::Final(_) => self.into_final(),
        }
    }

    /// The id of the message on Discord, existing or deleted.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        match self {
            Self::Posted { message, .. }
            | Self::Final(FinalPost::Kept { message, .. } | FinalPost::Deleted { message, .. }) => {
                Some(message)
            }
            _ => None,
        }
    }

    /// The channel id and message id of the message on Discord, final or not.
    #[must_use]
    pub fn on_discord(&self) -> Option<(&str, &str)> {
        match self {
            Self::Posted { channel, message, .. }
            | Self::Final(FinalPost::Kept { channel, message }) => Some((channel, message)),
            _ => None,
        }
    }
}
