//! Rate limits by key: how many requests, or questions, one caller may make.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Above this number of keys, the limiter drops keys that have been idle.
const REMEMBERED: usize = 1_000;

/// Counts by key, in real time.
#[derive(Debug)]
pub struct RateLimit {
    limiter: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

impl RateLimit {
    /// `rate` a second, and `burst` at once; 0 counts as 1.
    #[must_use]
    pub fn per_second(rate: u32, burst: u32) -> Self {
        Self::new(Quota::per_second(at_least_one(rate)), burst)
    }

    /// `rate` a minute, and `burst` at once; 0 counts as 1.
    #[must_use]
    pub fn per_minute(rate: u32, burst: u32) -> Self {
        Self::new(Quota::per_minute(at_least_one(rate)), burst)
    }

    fn new(quota: Quota, burst: u32) -> Self {
        let limiter = RateLimiter::keyed(quota.allow_burst(at_least_one(burst)));
        Self { limiter, clock: DefaultClock::default() }
    }

    /// Counts one of this key.
    ///
    /// # Errors
    /// The time to wait, if the key is over the limit.
    pub fn check(&self, key: &str) -> Result<(), Duration> {
        if self.limiter.len() > REMEMBERED {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(&key.to_owned())
            .map_err(|until| until.wait_time_from(self.clock.now()))
    }
}
