//! Rate limits per caller.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Burst size, as a multiple of the rate per second.
const AT_ONCE: u32 = 10;
/// Above this number of callers, the limiter drops callers that have been idle.
const REMEMBERED: usize = 1_000;

/// Limits requests per caller.
#[derive(Debug)]
pub(super) struct Limiter {
    limiter: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Limiter {
    /// `rate`: requests per second; 0 counts as 1.
    pub(super) fn new(rate: u32) -> Self {
        let rate = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(rate)
            .allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(AT_ONCE - 1)));
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    /// Counts one request of this caller.
    ///
    /// # Errors
    /// The time to wait, if the caller is over the limit.
    pub(super) fn check(&self, caller: &str) -> Result<(), Duration> {
        if self.limiter.len() > REMEMBERED {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(&caller.to_owned())
            .map_err(|until| until.wait_time_from(self.clock.now()))
    }
}
