//! Sends notifications over channels beyond the surface, and records the result of each.
//!
//! Durable like cards: a notification is a row with a key chosen by the caller, so queueing twice
//! sends once. Each attempt is recorded before sending; after a crash in between, the row says the
//! notification may have been sent, and its carrier finds out. SMS and calls are looked up at their
//! provider and never repeated blindly. Push, webhook and desktop notifications are sent again,
//! because a duplicate reminder is harmless (a push replaces the first, a webhook repeats the id).
//! A failed notification is retried with growing backoff, for a bounded number of attempts and a
//! bounded time, then given up on record.
//!
//! Does not depend on any carrier: notifications go through a [`Carrier`]. All times are wall-clock
//! times, whatever the store's time scale, because rate caps and pauses protect the outside world.

mod carrier;
mod run;

pub use self::carrier::{Carrier, Found, Receipt, Unsent};
pub use self::run::{Carriers, run};
use super::{Handle, HandleError};
use crate::core::decision::DecisionId;
use crate::core::outgoing::{Letter, Outgoing};

impl Handle {
    /// Queues notifications and returns the number of new ones. A known key is ignored, so nothing
    /// is sent twice. Texts are sanitised, and links to hosts other than Discord are removed.
    ///
    /// [`Handle::outgoing_settled`] reports the results.
    ///
    /// # Errors
    /// [`HandleError::Store`]; none of the notifications is queued then.
    pub async fn send_out(&self, messages: Vec<Outgoing>) -> Result<usize, HandleError> {
        let at = self.clock().wall();
        let new = self.store(move |store| store.enqueue(messages, at)).await?;
        self.hint();
        Ok(new)
    }

    /// Settled notifications (sent, given up, dropped) after a position in the order of settling,
    /// which starts at 1. The caller keeps the position as a cursor; [`Handle::hints`] says when to
    /// read again.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn outgoing_settled(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Letter>, HandleError> {
        Ok(self.store(move |store| store.outgoing_settled(after, limit)).await?)
    }

    /// One notification, by key.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn outgoing(&self, key: &str) -> Result<Option<Letter>, HandleError> {
        let key = key.to_owned();
        Ok(self.store(move |store| store.outgoing(&key)).await?)
    }

    /// The notifications about a decision, in the order of queueing.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn outgoing_of(&self, id: DecisionId) -> Result<Vec<Letter>, HandleError> {
        Ok(self.store(move |store| store.outgoing_of(id)).await?)
    }
}
