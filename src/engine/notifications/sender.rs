//! Senders of notifications, as the outbox sees them.

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::core::Time;
use crate::core::messaging::notification::{ExternalChannel, Notification};

/// The service's id of an accepted notification. May be empty.
pub type Receipt = String;

/// Why a notification was not sent, and what happens next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Certainly not sent; a retry may succeed.
    #[error("{why}")]
    Later {
        /// Minimum pause before the retry.
        after: TimeDelta,
        /// What happened.
        why: String,
    },
    /// Possibly sent: [`NotificationSender::find`] runs before any retry.
    #[error("{0}")]
    PossiblySent(String),
    /// The receiver cannot be reached over this channel. Final: a retry would not help.
    #[error("{0}")]
    Unreachable(String),
    /// The service rejects our requests; the text says what to do. No automatic retry.
    #[error("{0}")]
    Refused(String),
}

/// The result of looking for a possibly sent notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchResult {
    /// Sent.
    Sent(Receipt),
    /// Not sent, or a duplicate is harmless.
    SendAgain,
}

/// Sends notifications over one channel.
#[async_trait]
pub trait NotificationSender: Send + Sync + std::fmt::Debug + 'static {
    /// The channel.
    fn channel(&self) -> ExternalChannel;

    /// Sends a notification. `at` is wall-clock time.
    ///
    /// # Errors
    /// [`SendError`]; its text contains no secret and no address.
    async fn send(&self, message: &Notification, at: Time) -> Result<Receipt, SendError>;

    /// Finds out whether an attempt interrupted after `since` (wall clock) was sent. `known` are
    /// receipts of other notifications to this receiver.
    ///
    /// Senders without a lookup may only return [`SearchResult::SendAgain`] if a duplicate is
    /// harmless: the receiver then sees the notification twice at worst.
    ///
    /// # Errors
    /// [`SendError`], if the lookup fails now.
    async fn find(
        &self,
        message: &Notification,
        since: Time,
        known: &[Receipt],
    ) -> Result<SearchResult, SendError> {
        let _ = (message, since, known);
        Ok(SearchResult::SendAgain)
    }
}
