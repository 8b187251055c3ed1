//! The part of the approval API that only looks back: the log, what was asked when, and what a
//! surface noted for itself.

use std::time::Duration;

use super::{Handle, HandleError};
use crate::core::decision::{DecisionId, Request, Revision, Terms};
use crate::core::event::{Event, Logged};
use crate::core::posting::Posting;
use crate::store::{Delivery, Head, Store};

impl Handle {
    /// Events behind a position, in order.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn events(&self, after: u64, limit: usize) -> Result<Vec<Logged>, HandleError> {
        Ok(self.store(move |store| store.events(after, limit)).await?)
    }

    /// All that happened to one decision, in order.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn history(&self, id: DecisionId) -> Result<Vec<Logged>, HandleError> {
        Ok(self.store(move |store| store.history(id)).await?)
    }

    /// What was asked, and on what terms, at a revision that somebody saw.
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

    /// The card that is this message.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn delivery_of(&self, message: String) -> Result<Option<Delivery>, HandleError> {
        Ok(self.store(move |store| store.delivery_of(&message)).await?)
    }

    /// What a surface has kept under this name.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn memo(&self, name: &'static str) -> Result<Option<String>, HandleError> {
        Ok(self.store(move |store| store.memo(name)).await?)
    }

    /// Keeps a text of a surface's own under a name; `None` forgets it.
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

    /// The channel and message of the card on which a decision stands: a batch's, or the newest of
    /// its own that hangs.
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

    /// A message hangs, or hangs elsewhere: whoever waits for a card looks.
    pub(crate) fn hangs(&self) {
        self.inner.hung.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The same as [`Handle::card_of`] as soon as it hangs, where this process posts it. `None`:
    /// not within `limit` of real time.
    pub async fn card_within(&self, id: DecisionId, limit: Duration) -> Option<(String, String)> {
        let mut hung = self.inner.hung.subscribe();
        let hangs = async {
            loop {
                hung.borrow_and_update();
                // A store that cannot be read now is read again when the next card hangs.
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
