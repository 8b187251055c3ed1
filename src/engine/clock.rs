//! The only owner of the clock. Everything else is told the time, or asks the [`Clock`] it was
//! given.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::core::Time;
use crate::core::pace::Pace;

/// The longest sleep, in seconds of the wall clock: machines suspend, and a sleep does not notice.
pub const LONGEST_SLEEP: Duration = Duration::from_secs(15);

/// Tells the time and waits for it.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The store's time.
    fn now(&self) -> Time;

    /// The wall clock's time, which the world outside goes by.
    fn wall(&self) -> Time;

    /// Waits until a moment of the store's time, or [`LONGEST_SLEEP`]; the caller looks at the
    /// clock again.
    async fn sleep_until(&self, at: Time);
}

/// The machine's clock, at a store's pace.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    pace: Pace,
}

impl SystemClock {
    /// The clock of a store that runs at this pace.
    #[must_use]
    pub const fn new(pace: Pace) -> Self {
        Self { pace }
    }
}

/// The wall clock's time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock's owner")]
pub fn wall_time() -> Time {
    chrono::Utc::now()
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Time {
        self.pace.store_time(wall_time())
    }

    fn wall(&self) -> Time {
        wall_time()
    }

    async fn sleep_until(&self, at: Time) {
        let left = self.pace.wall_span(at - self.now()).to_std().unwrap_or(Duration::ZERO);
        // A millisecond more than is left: the pace rounds down, and waking early means waking
        // twice.
        tokio::time::sleep((left + Duration::from_millis(1)).min(LONGEST_SLEEP)).await;
    }
}

/// A clock that only moves when it is told to, for tests and rehearsals.
#[derive(Debug, Clone)]
pub struct TestClock {
    now: Arc<watch::Sender<Time>>,
}

impl TestClock {
    /// A clock that stands at this time.
    #[must_use]
    pub fn at(now: Time) -> Self {
        Self { now: Arc::new(watch::Sender::new(now)) }
    }

    /// Moves it on, and wakes who waits for a moment that is now past.
    pub fn advance(&self, by: chrono::TimeDelta) {
        self.now.send_modify(|now| *now += by);
    }

    /// Sets it, forward or back, as a machine's clock is set.
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
        // The sender lives as long as this clock does, so the wait cannot fail.
        let _ = self.now.subscribe().wait_for(|now| *now >= at).await;
    }
}
