//! Who carries messages, as far as the outbox needs to know.

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::core::Time;
use crate::core::outgoing::{Outgoing, Way};

/// A carrier has accepted a message: its name for it. May be empty.
pub type Receipt = String;

/// Why a message did not go, and what happens next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// It certainly did not go, and may later.
    #[error("{why}")]
    Later {
        /// Not before this has passed.
        after: TimeDelta,
        /// What happened.
        why: String,
    },
    /// Nobody knows whether it went: it is looked for before it is tried again.
    #[error("{0}")]
    Unsure(String),
    /// The receiver cannot be reached so: no further try will change that.
    #[error("{0}")]
    Unreachable(String),
    /// The carrier does not accept it from us, with what to do. Nothing is tried again by itself.
    #[error("{0}")]
    Refused(String),
}

/// What became of a message that may have gone out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It went.
    Sent(Receipt),
    /// It did not, or sending it once more is harmless.
    SendAgain,
}

/// Carries messages by one way.
#[async_trait]
pub trait Carrier: Send + Sync + std::fmt::Debug + 'static {
    /// By which way.
    fn way(&self) -> Way;

    /// Sends a message. `at` is the wall clock's time.
    ///
    /// # Errors
    /// [`Unsent`]; its words name no secret and no address.
    async fn send(&self, message: &Outgoing, at: Time) -> Result<Receipt, Unsent>;

    /// Finds out whether a message went whose sending was interrupted after `since`, by the wall
    /// clock. `known` are receipts of other messages to the same receiver.
    ///
    /// Where a carrier cannot know, sending again must be harmless: the receiver sees the same
    /// message twice at worst.
    ///
    /// # Errors
    /// [`Unsent`], if it cannot be found out now.
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
