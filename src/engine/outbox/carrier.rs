//! Carriers of notifications, as the outbox sees them.

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::core::Time;
use crate::core::outgoing::{Outgoing, Way};

/// The carrier's id of an accepted notification. May be empty.
pub type Receipt = String;

/// Why a notification was not sent, and what happens next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// Certainly not sent; a retry may succeed.
    #[error("{why}")]
    Later {
        /// Minimum pause before the retry.
        after: TimeDelta,
        /// What happened.
        why: String,
    },
    /// Possibly sent: [`Carrier::find`] runs before any retry.
    #[error("{0}")]
    Unsure(String),
    /// The receiver cannot be reached over this channel. Final: a retry would not help.
    #[error("{0}")]
    Unreachable(String),
    /// The carrier rejects our requests; the text says what to do. No automatic retry.
    #[error("{0}")]
    Refused(String),
}

/// The result of looking for a possibly sent notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Sent.
    Sent(Receipt),
    /// Not sent, or a duplicate is harmless.
    SendAgain,
}

/// Sends notifications over one channel.
#[async_trait]
pub trait Carrier: Send + Sync + std::fmt::Debug + 'static {
    /// The channel.
    fn way(&self) -> Way;

    /// Sends a notification. `at` is wall-clock time.
    ///
    /// # Errors
    /// [`Unsent`]; its text contains no secret and no address.
    async fn send(&self, message: &Outgoing, at: Time) -> Result<Receipt, Unsent>;

    /// Finds out whether an attempt interrupted after `since` (wall clock) was sent. `known` are
    /// receipts of other notifications to this receiver.
    ///
    /// Carriers without a lookup may only return [`Found::SendAgain`] if a duplicate is harmless:
    /// the receiver then sees the notification twice at worst.
    ///
    /// # Errors
    /// [`Unsent`], if the lookup fails now.
    async fn find(
        &self,
        message: &Outgoing,
        since: Time,
        known: &[Receipt],
    ) -> Result<Found, Unsent> {
        let _ = (message, since, known);
        Ok(Found::SendAgain)
    }
}
