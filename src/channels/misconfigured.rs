//! A channel that is configured but cannot work, for example because a secret is missing. Rejects
//! every notification with the reason.

use async_trait::async_trait;

use crate::core::Time;
use crate::core::messaging::notification::{ExternalChannel, Notification};
use crate::engine::notifications::outbox::{NotificationSender, Receipt, SearchResult, SendError};

#[derive(Debug)]
pub(super) struct Broken {
    channel: ExternalChannel,
    why: String,
}

impl Broken {
    pub(super) const fn new(channel: ExternalChannel, why: String) -> Self {
        Self { channel, why }
    }
}

#[async_trait]
impl NotificationSender for Broken {
    fn channel(&self) -> ExternalChannel {
        self.channel
    }

    async fn send(&self, _: &Notification, _: Time) -> Result<Receipt, SendError> {
        Err(SendError::Refused(self.why.clone()))
    }

    /// Keeps interrupted notifications undecided: the search runs once the channel works again.
    async fn find(
        &self,
        _: &Notification,
        _: Time,
        _: &[Receipt],
    ) -> Result<SearchResult, SendError> {
        Err(SendError::PossiblySent(self.why.clone()))
    }
}
