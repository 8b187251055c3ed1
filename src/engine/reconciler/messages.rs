//! Messages in the approval API: new messages for the reconciler, and views of messages.
//!
//! To add a purpose: add a variant of [`Purpose`](crate::core::messaging::message::Purpose) and the
//! content (`presentation::message::present`), call [`MessageApi::open`], and add the buttons
//! where the surface draws messages. The reconciler needs no change.

use std::sync::PoisonError;

use crate::core::decision::DecisionId;
use crate::core::messaging::message::{Listed, MessageId, MessageView};
use crate::core::policy::rules::enforced;
use crate::engine::{HandleError, MessageApi};
use crate::store::NewMessage;

impl MessageApi<'_> {
    /// Records new messages; the reconciler posts the messages.
    ///
    /// # Errors
    /// [`HandleError::Store`]; messages recorded before the error are posted.
    pub async fn open(self, new: Vec<NewMessage>) -> Result<(), HandleError> {
        for new in new {
            let id = self.handle.with_store(move |store| store.messages().open(new)).await?;
            self.handle.inner.unqueued.lock().unwrap_or_else(PoisonError::into_inner).push(id);
            self.handle.hint();
        }
        Ok(())
    }

    /// A message with the current state of its decisions.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn view(self, id: MessageId) -> Result<Option<MessageView>, HandleError> {
        let found = self.handle.with_store(move |store| {
            let Some(message) = store.messages().get(id)? else { return Ok(None) };
            let items = message.latest_items();
            let ids: Vec<DecisionId> = items.iter().map(|item| item.decision).collect();
            Ok(Some((message, items, store.decisions().get_many(&ids)?)))
        });
        let Some((message, items, decisions)) = found.await? else { return Ok(None) };
        let rules = self.handle.rules();
        let listed = items
            .into_iter()
            .zip(decisions)
            .filter(|(item, decision)| item.decision == decision.id);
        let listed =
            listed.map(|(item, decision)| Listed { item, decision: enforced(&rules, &decision) });
        Ok(Some(MessageView { message, listed: listed.collect() }))
    }
}
