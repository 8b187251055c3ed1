//! The only code reading the system clock. All other code receives the time as an argument or asks
//! a [`Clock`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::core::Time;
use crate::core::values::time_scale::TimeScale;

/// The longest sleep, in wall-clock time: a sleep does not notice a suspended machine.
pub const LONGEST_SLEEP: Duration = Duration::from_secs(15);

/// A clock to read and to wait on.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Store time.
    fn now(&self) -> Time;

    /// Wall-clock time, used for everything outside the store.
    fn wall(&self) -> Time;

    /// Waits until a moment of store time, but at most [`LONGEST_SLEEP`]; the caller then reads the
    /// clock again.
    async fn sleep_until(&self, at: Time);
}

/// The machine's clock, converted by a store's time scale.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    time_scale: TimeScale,
}

impl SystemClock {
    /// The clock of a store with this time scale.
    #[must_use]
    pub const fn new(time_scale: TimeScale) -> Self {
        Self { time_scale }
    }
}

/// Wall-clock time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock's owner")]
pub fn wall_time() -> Time {
    chrono::Utc::now()
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Time {
        self.time_scale.store_time(wall_time())
    }

    fn wall(&self) -> Time {
        wall_time()
    }

    async fn sleep_until(&self, at: Time) {
        let left = self.time_scale.wall_span(at - self.now()).to_std().unwrap_or(Duration::ZERO);
        // Sleep a millisecond longer: the time scale rounds down, and waking early means sleeping
        // twice.
        tokio::time::sleep((left + Duration::from_millis(1)).min(LONGEST_SLEEP)).await;
    }
}

/// A manually advanced clock, for tests and rehearsals.
#[derive(Debug, Clone)]
pub struct TestClock {
    now: Arc<watch::Sender<Time>>,
}

impl TestClock {
    /// A clock stopped at this time.
    #[must_use]
    pub fn at(now: Time) -> Self {
        Self { now: Arc::new(watch::Sender::new(now)) }
    }

    /// Moves the clock forward and wakes tasks waiting for a moment now past.
    pub fn advance(&self, by: chrono::TimeDelta) {
        self.now.send_modify(|now| *now += by);
    }

    /// Sets the clock forward or back, like a change of the system clock.
    pub fn set(&self, to: Time) {
        self.now.send_replace(to);
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Time {
        *self.now.borrow()
    }

    fn wall(&self) -> Time {
        self.now()
    }

    async fn sleep_until(&self, at: Time) {
        // The sender lives as long as this clock, so the wait cannot fail.
        let _ = self.now.subscribe().wait_for(|now| *now >= at).await;
    }
}
