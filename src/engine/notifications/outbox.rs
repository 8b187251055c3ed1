//! Sends notifications over channels beyond the surface, and records the result of each.
//!
//! Durable like cards: a notification is a row with a key chosen by the caller, so queueing twice
//! sends once. Each attempt is recorded before sending; after a crash in between, the row says the
//! notification may have been sent, and its sender finds out. SMS and calls are looked up at their
//! provider and never repeated blindly. Push, webhook and desktop notifications are sent again,
//! because a duplicate reminder is harmless (a push replaces the first, a webhook repeats the id).
//! A failed notification is retried with growing backoff, for a bounded number of attempts and a
//! bounded time, then given up on record.
//!
//! Does not depend on any sender: notifications go through a [`NotificationSender`]. All times are
//! wall-clock times, whatever the store's time scale, because rate caps and pauses protect the
//! outside world.

pub use super::dispatcher::{Senders, run};
pub use super::sender::{NotificationSender, Receipt, SearchResult, SendError};
use crate::core::decision::DecisionId;
use crate::core::messaging::notification::{Notification, OutboxEntry};
use crate::engine::{Handle, HandleError};

/// Queues notifications over external channels, and reports the results.
#[derive(Debug, Clone, Copy)]
pub struct NotificationApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl NotificationApi<'_> {
    /// Queues notifications and returns the number of new ones. A known key is ignored, so nothing
    /// is sent twice. Texts are sanitised, and links to hosts other than Discord are removed.
    ///
    /// [`NotificationApi::settled`] reports the results.
    ///
    /// # Errors
    /// [`HandleError::Store`]; none of the notifications is queued then.
    pub async fn enqueue(self, messages: Vec<Notification>) -> Result<usize, HandleError> {
        let at = self.handle.clock().wall();
        let new = self.handle.with_store(move |store| store.outbox().enqueue(messages, at)).await?;
        self.handle.hint();
        Ok(new)
    }

    /// Settled notifications (sent, given up, dropped) after a position in the order of settling,
    /// which starts at 1. The caller keeps the position as a cursor; [`Handle::hints`] says when to
    /// read again.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn settled(self, after: u64, limit: usize) -> Result<Vec<OutboxEntry>, HandleError> {
        Ok(self.handle.with_store(move |store| store.outbox().settled(after, limit)).await?)
    }

    /// One notification, by key.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn get(self, key: &str) -> Result<Option<OutboxEntry>, HandleError> {
        let key = key.to_owned();
        Ok(self.handle.with_store(move |store| store.outbox().get(&key)).await?)
    }

    /// The notifications about a decision, in the order of queueing.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn of_decision(self, id: DecisionId) -> Result<Vec<OutboxEntry>, HandleError> {
        Ok(self.handle.with_store(move |store| store.outbox().of_decision(id)).await?)
    }
}
