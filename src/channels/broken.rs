//! A channel that is configured but cannot work, for example because a secret is missing. Rejects
//! every notification with the reason.

use async_trait::async_trait;

use crate::core::Time;
use crate::core::outgoing::{Outgoing, Way};
use crate::engine::outbox::{Carrier, Found, Receipt, Unsent};

#[derive(Debug)]
pub(super) struct Broken {
    way: Way,
    why: String,
}

impl Broken {
    pub(super) const fn new(way: Way, why: String) -> Self {
        Self { way, why }
    }
}

#[async_trait]
impl Carrier for Broken {
    fn way(&self) -> Way {
        self.way
    }

    async fn send(&self, _: &Outgoing, _: Time) -> Result<Receipt, Unsent> {
        Err(Unsent::Refused(self.why.clone()))
    }

    /// Keeps interrupted notifications undecided: the search runs once the channel works again.
    async fn find(&self, _: &Outgoing, _: Time, _: &[Receipt]) -> Result<Found, Unsent> {
        Err(Unsent::Unsure(self.why.clone()))
    }
}
