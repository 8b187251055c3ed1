//! The messaging service as the reconciler sees it.

use std::time::Duration;

use async_trait::async_trait;

use crate::core::Time;
use crate::core::card::Card;
use crate::core::decision::{Decision, DecisionId};
use crate::core::posting::{PostingId, Sheet};

/// Why a message could not be posted or edited, and what happens next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BoardError {
    /// The message or its channel no longer exists.
    #[error("the message is gone")]
    Gone,
    /// No channel to post in. Retried, because the channel may be fixed.
    #[error("{0}")]
    NoPlace(String),
    /// A temporary failure.
    #[error("{why}")]
    Later {
        /// Earliest retry.
        after: Duration,
        /// What happened.
        why: String,
    },
    /// The service rejects every request of this bot, for any card. The text says what to do.
    #[error("{0}")]
    NotLetIn(String),
    /// A permanent failure: the service rejects this card's content.
    #[error("refused for good: {0}")]
    Refused(String),
}

/// A service with channels and messages.
#[async_trait]
pub trait Board: Send + Sync + 'static {
    /// The channel for a decision's card.
    async fn place(&self, decision: &Decision) -> Result<String, BoardError>;

    /// Posts a card and returns the message's id. Repeating the nonce within a few minutes returns
    /// the message already posted.
    async fn post(
        &self,
        channel: &str,
        decision: &Decision,
        card: &Card,
        nonce: &str,
    ) -> Result<String, BoardError>;

    /// Edits a message to show `card`.
    async fn edit(
        &self,
        channel: &str,
        message: &str,
        decision: &Decision,
        card: &Card,
    ) -> Result<(), BoardError>;

    /// Our messages in the channel with a decision's mark, posted since a wall-clock time.
    async fn find(
        &self,
        channel: &str,
        id: DecisionId,
        since: Time,
    ) -> Result<Vec<String>, BoardError>;

    /// The channel for a message covering several decisions. Opens the direct-message channel if
    /// needed.
    async fn place_of(&self, sheet: &Sheet) -> Result<String, BoardError>;

    /// Posts a message covering several decisions and returns the message's id. Repeating the nonce
    /// within a few minutes returns the message already posted.
    async fn post_sheet(
        &self,
        channel: &str,
        sheet: &Sheet,
        card: &Card,
        nonce: &str,
    ) -> Result<String, BoardError>;

    /// Edits a message covering several decisions.
    async fn edit_sheet(
        &self,
        channel: &str,
        message: &str,
        sheet: &Sheet,
        card: &Card,
    ) -> Result<(), BoardError>;

    /// Our messages in the channel with this posting's mark, posted since a wall-clock time.
    async fn find_sheet(
        &self,
        channel: &str,
        id: PostingId,
        since: Time,
    ) -> Result<Vec<String>, BoardError>;

    /// Whether a message still exists.
    async fn hangs(&self, channel: &str, message: &str) -> Result<bool, BoardError>;

    /// The URL of a message.
    fn link(&self, channel: &str, message: &str) -> Option<String>;
}
