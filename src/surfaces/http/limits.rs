//! How many requests a caller may make.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// So many times the requests of a second may come at once.
const AT_ONCE: u32 = 10;
/// Callers that are remembered at most before those that have been quiet are forgotten.
const REMEMBERED: usize = 1_000;

/// Counts requests by caller.
#[derive(Debug)]
pub(super) struct Limiter {
    limiter: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Limiter {
    /// So many requests a second; 0 counts as 1.
    pub(super) fn new(rate: u32) -> Self {
        let rate = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(rate)
            .allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(AT_ONCE - 1)));
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    /// Whether this caller may make a request now.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn check(&self, caller: &str) -> Result<(), Duration> {
        if self.limiter.len() > REMEMBERED {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(&caller.to_owned())
            .map_err(|until| until.wait_time_from(self.clock.now()))
    }
}
