//! What the tasks of a running sandbox share: the state behind its lock, and the sign to stop.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::addresses::Addresses;
use crate::state::State;

/// The running sandbox, as its tasks see it.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    closing: watch::Sender<bool>,
    /// Those of the start.
    pub(crate) addresses: Addresses,
}

impl Hub {
    pub(crate) fn new(state: State, addresses: Addresses) -> Self {
        Self { state: Mutex::new(state), closing: watch::Sender::new(false), addresses }
    }

    /// The state, for as long as the guard lives. Never held across an `await`. A panic while it
    /// was held left the state whole enough for a test to go on.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The addresses with the names that are there now.
    pub(crate) fn addresses_now(&self) -> Addresses {
        self.addresses.with_names_of(&self.lock().realm)
    }

    /// Gives the sign to stop.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Returns when the sign to stop is given.
    pub(crate) async fn closing(&self) {
        let mut sign = self.closing.subscribe();
        // The sender is part of `self`, so waiting can end only with the sign.
        sign.wait_for(|closing| *closing).await.ok();
    }
}
