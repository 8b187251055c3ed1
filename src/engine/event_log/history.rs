//! Reads the event log: events, histories, and earlier revisions.

use crate::core::decision::event::{Event, Logged};
use crate::core::decision::{DecisionId, Request, Revision, Terms};
use crate::engine::{Handle, HandleError};
use crate::store::Head;
use crate::store::chain::Entry;

/// Reads and follows the event log.
#[derive(Debug, Clone, Copy)]
pub struct EventLogApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl EventLogApi<'_> {
    /// Events after a position, in order.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn events(self, after: u64, limit: usize) -> Result<Vec<Logged>, HandleError> {
        Ok(self.handle.with_store(move |store| store.event_log().events(after, limit)).await?)
    }

    /// All events of one decision, in order.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn history(self, id: DecisionId) -> Result<Vec<Logged>, HandleError> {
        Ok(self.handle.with_store(move |store| store.event_log().history(id)).await?)
    }

    /// The request and terms of a decision at a revision shown earlier.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn request_at(
        self,
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
    pub async fn head(self) -> Result<Head, HandleError> {
        Ok(self.handle.with_store(|store| store.event_log().head()).await?)
    }

    /// Log entries after a position, byte for byte.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn entries(self, after: u64, limit: usize) -> Result<Vec<Entry>, HandleError> {
        Ok(self.handle.with_store(move |store| store.event_log().entries(after, limit)).await?)
    }
}
