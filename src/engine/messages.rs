//! The messages on Discord, as recorded in the store: which message shows a decision.

use std::time::Duration;

use crate::core::decision::DecisionId;
use crate::core::messaging::message::Message;
use crate::engine::{Handle, HandleError};

/// The messages on Discord, as recorded in the store.
#[derive(Debug, Clone, Copy)]
pub struct MessageApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl MessageApi<'_> {
    /// The channel and message of a decision's current card: a batch's card, or else the newest
    /// posted card of the decision.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn card_of(self, id: DecisionId) -> Result<Option<(String, String)>, HandleError> {
        let records = self.handle.with_store(move |store| {
            Ok((store.messages().cards_of(id)?, store.messages().batch_card_of(id)?))
        });
        let (cards, batch) = records.await?;
        let batch = batch.as_ref().and_then(Message::posted);
        let newest = || cards.iter().rev().find_map(|card| card.state.on_discord());
        let found = batch.or_else(newest);
        Ok(found.map(|(channel, message)| (channel.to_owned(), message.to_owned())))
    }

    /// Wakes tasks waiting for a card, after a message's record changed.
    pub(crate) fn notify_card_change(self) {
        self.handle.inner.card_changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Like [`MessageApi::card_of`], but waits until the card is posted by this process. `None`:
    /// not posted within `limit` of wall-clock time.
    pub async fn card_within(self, id: DecisionId, limit: Duration) -> Option<(String, String)> {
        let mut changes = self.handle.inner.card_changes.subscribe();
        let posted = async {
            loop {
                changes.borrow_and_update();
                // After a failed read, read again when the next card is posted.
                if let Ok(Some(card)) = self.card_of(id).await {
                    return card;
                }
                // The sender lives in the handle, so the channel cannot close.
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(limit, posted).await.ok()
    }

    /// The message with this Discord message id.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn with_discord_id(self, message: String) -> Result<Option<Message>, HandleError> {
        Ok(self.handle.with_store(move |store| store.messages().with_discord_id(&message)).await?)
    }
}
