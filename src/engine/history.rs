//! Read access to the past: the event log, earlier revisions, posted messages, and surfaces' memos.

use std::time::Duration;

use super::{Handle, HandleError};
use crate::core::decision::{DecisionId, Request, Revision, Terms};
use crate::core::event::{Event, Logged};
use crate::core::posting::Posting;
use crate::store::{Delivery, Head, Store};

impl Handle {
    /// Events after a position, in order.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn events(&self, after: u64, limit: usize) -> Result<Vec<Logged>, HandleError> {
        Ok(self.store(move |store| store.events(after, limit)).await?)
    }

    /// All events of one decision, in order.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn history(&self, id: DecisionId) -> Result<Vec<Logged>, HandleError> {
        Ok(self.store(move |store| store.history(id)).await?)
    }

    /// The request and terms of a decision at a revision shown earlier.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn request_at(
        &self,
        id: DecisionId,
        revision: Revision,
    ) -> Result<Option<(Request, Terms)>, HandleError> {
        let requests =
            self.history(id).await?.into_iter().filter_map(|logged| match logged.event {
                Event::Asked { request, terms } | Event::Revised { request, terms } => {
                    Some((*request, terms))
                }
                _ => None,
            });
        Ok(usize::try_from(revision.0)
            .ok()
            .and_then(|n| requests.into_iter().nth(n.checked_sub(1)?)))
    }

    /// The end of the log.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn head(&self) -> Result<Head, HandleError> {
        Ok(self.store(Store::head).await?)
    }

    /// The record of a decision's own card, by message id.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn delivery_of(&self, message: String) -> Result<Option<Delivery>, HandleError> {
        Ok(self.store(move |store| store.delivery_of(&message)).await?)
    }

    /// A surface's memo of this name.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn memo(&self, name: &'static str) -> Result<Option<String>, HandleError> {
        Ok(self.store(move |store| store.memo(name)).await?)
    }

    /// Stores a surface's memo under a name; `None` deletes the memo.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn put_memo(
        &self,
        name: &'static str,
        text: Option<String>,
    ) -> Result<(), HandleError> {
        Ok(self.store(move |store| store.put_memo(name, text)).await?)
    }

    /// The channel and message of a decision's current card: a batch's card, or else the newest
    /// posted card of the decision.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn card_of(&self, id: DecisionId) -> Result<Option<(String, String)>, HandleError> {
        let (cards, carrier) =
            self.store(move |store| Ok((store.deliveries(id)?, store.carrier_of(id)?))).await?;
        if let Some((channel, message)) = carrier.as_ref().and_then(Posting::message) {
            return Ok(Some((channel.to_owned(), message.to_owned())));
        }
        let standing = cards.into_iter().rfind(|card| !card.lost && card.message.is_some());
        Ok(standing.and_then(|card| Some((card.channel, card.message?))))
    }

    /// Wakes tasks waiting for a card, after a message's record changed.
    pub(crate) fn hangs(&self) {
        self.inner.hung.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Like [`Handle::card_of`], but waits until the card is posted by this process. `None`: not
    /// posted within `limit` of wall-clock time.
    pub async fn card_within(&self, id: DecisionId, limit: Duration) -> Option<(String, String)> {
        let mut hung = self.inner.hung.subscribe();
        let hangs = async {
            loop {
                hung.borrow_and_update();
                // After a failed read, read again when the next card is posted.
                if let Ok(Some(card)) = self.card_of(id).await {
                    return card;
                }
                // The sender lives in the handle, so the channel cannot close.
                let _ = hung.changed().await;
            }
        };
        tokio::time::timeout(limit, hangs).await.ok()
    }
}
