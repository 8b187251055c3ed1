//! The messaging service as the reconciler sees it.

use std::time::Duration;

use async_trait::async_trait;

use crate::core::Time;
use crate::core::decision::Decision;
use crate::core::messaging::message::{Destination, Message, MessageView};
use crate::engine::clock::LONGEST_SLEEP;
use crate::presentation::card::Card;

/// Why a message could not be posted or edited, and what happens next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SinkError {
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
    AccessDenied(String),
    /// A permanent failure: the service rejects this card's content.
    #[error("permanently rejected: {0}")]
    Refused(String),
}

/// A service with channels and messages.
#[async_trait]
pub trait MessageSink: Send + Sync + 'static {
    /// The channel for this destination. Opens a direct-message channel if needed. `about`: the
    /// decision to name if the channel is unusable.
    async fn channel_for(
        &self,
        place: &Destination,
        about: Option<&Decision>,
    ) -> Result<String, SinkError>;

    /// Posts a message and returns the message's id. Repeating the nonce within a few minutes
    /// returns the message already posted.
    async fn post(
        &self,
        channel: &str,
        view: &MessageView,
        card: &Card,
        nonce: &str,
    ) -> Result<String, SinkError>;

    /// Edits a message to show `card`. Sends nothing if the message is known to show it already.
    async fn edit(
        &self,
        channel: &str,
        message: &str,
        view: &MessageView,
        card: &Card,
    ) -> Result<(), SinkError>;

    /// Forgets what a message shows: the answer to a click edits it, or may still edit it.
    fn forget_content(&self, message: &str);

    /// Our messages in the channel with the buttons of `message`, posted since a wall-clock time. A
    /// card has the buttons of its decision.
    async fn find(
        &self,
        channel: &str,
        message: &Message,
        since: Time,
    ) -> Result<Vec<String>, SinkError>;

    /// Whether a message still exists.
    async fn exists(&self, channel: &str, message: &str) -> Result<bool, SinkError>;

    /// The URL of a message.
    fn link(&self, channel: &str, message: &str) -> Option<String>;
}

/// Time-out of a request, including waits for rate limits. When a rate-limit header is unreadable,
/// serenity repeats the request at once and without end.
const SINK_TIMEOUT: Duration = Duration::from_secs(60);

/// Ends a request, or a sequence of requests, after [`SINK_TIMEOUT`].
pub(super) async fn within_timeout<T>(
    request: impl Future<Output = Result<T, SinkError>>,
) -> Result<T, SinkError> {
    tokio::time::timeout(SINK_TIMEOUT, request).await.unwrap_or_else(|_| {
        let why = format!("the request did not end within {} s", SINK_TIMEOUT.as_secs());
        Err(SinkError::Later { after: LONGEST_SLEEP, why })
    })
}
