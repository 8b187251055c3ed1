//! Where cards hang, as far as the reconciler needs to know.

use std::time::Duration;

use async_trait::async_trait;

use crate::core::Time;
use crate::core::card::Card;
use crate::core::decision::{Decision, DecisionId};
use crate::core::posting::{PostingId, Sheet};

/// Why a card could not be put up or changed, and what happens next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BoardError {
    /// The message is not there any more.
    #[error("the message is gone")]
    Gone,
    /// There is no channel to put it in; it is tried again, for a channel may be mended.
    #[error("{0}")]
    NoPlace(String),
    /// It may work later.
    #[error("{why}")]
    Later {
        /// When.
        after: Duration,
        /// What happened.
        why: String,
    },
    /// Nothing of ours is accepted, this card's or another's; what to do about it.
    #[error("{0}")]
    NotLetIn(String),
    /// It never will: the card itself is refused.
    #[error("refused for good: {0}")]
    Refused(String),
}

/// Where cards hang.
#[async_trait]
pub trait Board: Send + Sync + 'static {
    /// The channel in which a decision's card belongs.
    async fn place(&self, decision: &Decision) -> Result<String, BoardError>;

    /// Puts up a card. The same nonce within a few minutes is the same message. Returns the
    /// message's id.
    async fn post(
        &self,
        channel: &str,
        decision: &Decision,
        card: &Card,
        nonce: &str,
    ) -> Result<String, BoardError>;

    /// Changes what a message shows.
    async fn edit(
        &self,
        channel: &str,
        message: &str,
        decision: &Decision,
        card: &Card,
    ) -> Result<(), BoardError>;

    /// Messages of ours in the channel, since a time of the wall clock, that carry a decision's
    /// mark.
    async fn find(
        &self,
        channel: &str,
        id: DecisionId,
        since: Time,
    ) -> Result<Vec<String>, BoardError>;

    /// The channel in which a posting's message belongs; direct messages are opened for it.
    async fn place_of(&self, sheet: &Sheet) -> Result<String, BoardError>;

    /// Puts up a posting's message. The same nonce within a few minutes is the same message.
    /// Returns the message's id.
    async fn post_sheet(
        &self,
        channel: &str,
        sheet: &Sheet,
        card: &Card,
        nonce: &str,
    ) -> Result<String, BoardError>;

    /// Changes what a posting's message shows.
    async fn edit_sheet(
        &self,
        channel: &str,
        message: &str,
        sheet: &Sheet,
        card: &Card,
    ) -> Result<(), BoardError>;

    /// Messages of ours in the channel, since a time of the wall clock, that carry a posting's
    /// mark.
    async fn find_sheet(
        &self,
        channel: &str,
        id: PostingId,
        since: Time,
    ) -> Result<Vec<String>, BoardError>;

    /// Whether a message still hangs.
    async fn hangs(&self, channel: &str, message: &str) -> Result<bool, BoardError>;

    /// The address of a message.
    fn link(&self, channel: &str, message: &str) -> Option<String>;
}
