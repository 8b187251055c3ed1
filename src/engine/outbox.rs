//! Gets messages out by the ways beyond the surface, and keeps the record of what became of each.
//!
//! Durable as the cards are: a message is a row with a key of its asker's, so asking twice is one
//! message. Before it is sent that is written down; after a death in between, the row says that it
//! may have gone. Then its carrier is asked: SMS and calls are looked up at their carrier and never
//! repeated blindly; push, webhook and desktop are sent again, because a reminder seen twice is
//! harmless (push replaces the first, a webhook carries the same id). What failed is tried again
//! with growing pauses, a bounded number of times and for a bounded time, then given up, on record.
//!
//! Must not know any carrier: messages go by a [`Carrier`]. Its times are the wall clock's,
//! whatever the store's pace: caps and pauses protect the world outside.

mod carrier;
mod run;

pub use self::carrier::{Carrier, Found, Receipt, Unsent};
pub use self::run::{Carriers, run};
use super::{Handle, HandleError};
use crate::core::decision::DecisionId;
use crate::core::outgoing::{Letter, Outgoing};

impl Handle {
    /// Puts messages into the outbox. One whose key is known already is that one: nothing is sent
    /// twice. Their texts are cleaned, and a link that does not lead to Discord is left out. How
    /// many were new.
    ///
    /// What became of each is told by [`Handle::outgoing_settled`].
    ///
    /// # Errors
    /// [`HandleError::Store`]: then none of them is in it.
    pub async fn send_out(&self, messages: Vec<Outgoing>) -> Result<usize, HandleError> {
        let at = self.clock().wall();
        let new = self.store(move |store| store.enqueue(messages, at)).await?;
        self.hint();
        Ok(new)
    }

    /// Messages that were settled (sent, given up, dropped) behind a place in that order, from 1: a
    /// cursor to remember. [`Handle::hints`] tells when to look again.
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

    /// One message, by its key.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn outgoing(&self, key: &str) -> Result<Option<Letter>, HandleError> {
        let key = key.to_owned();
        Ok(self.store(move |store| store.outgoing(&key)).await?)
    }

    /// The messages about a decision, in the order in which they were asked for.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn outgoing_of(&self, id: DecisionId) -> Result<Vec<Letter>, HandleError> {
        Ok(self.store(move |store| store.outgoing_of(id)).await?)
    }
}
