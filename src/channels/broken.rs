//! A way that is configured and cannot work, for want of a secret for example: it says so to every
//! message.

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

    /// Whatever went before it broke is looked for once it is mended.
    async fn find(&self, _: &Outgoing, _: Time, _: &[Receipt]) -> Result<Found, Unsent> {
        Err(Unsent::Unsure(self.why.clone()))
    }
}
