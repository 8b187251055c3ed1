//! The time scale of a store: how fast store time runs compared with the wall clock.
//!
//! A demonstration or a rehearsal runs at many times the speed of the wall clock. The store
//! persists the time scale, so that all processes on the store agree on the current time. Times
//! shown by a person's own clock (Discord counts `<t:…:R>` by itself) are translated back to wall
//! time.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::core::Time;

/// The speed of store time, and the moment at which store time equalled the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeScale {
    /// When both clocks showed the same time.
    pub since: Time,
    /// Store seconds per real second. At least 1.
    pub speed: u32,
}

impl TimeScale {
    /// The highest speed: a day in 9 s.
    pub const FASTEST: u32 = 10_000;

    /// Real time: store time equals the wall clock.
    pub const REAL: Self = Self { since: Time::UNIX_EPOCH, speed: 1 };

    /// Converts wall-clock time to store time.
    #[must_use]
    pub fn store_time(&self, wall: Time) -> Time {
        if self.speed <= 1 {
            return wall;
        }
        let factor = i32::try_from(self.speed).unwrap_or(i32::MAX);
        (wall - self.since).checked_mul(factor).map_or(wall, |passed| self.since + passed)
    }

    /// Converts store time to wall-clock time.
    #[must_use]
    pub fn wall_time(&self, store: Time) -> Time {
        if self.speed <= 1 { store } else { self.since + self.wall_span(store - self.since) }
    }

    /// Converts a span of store time to a span of real time.
    #[must_use]
    pub fn wall_span(&self, span: TimeDelta) -> TimeDelta {
        span / i32::try_from(self.speed.max(1)).unwrap_or(i32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_passes_in_a_second_and_back_again() {
        let since = Time::UNIX_EPOCH + TimeDelta::days(20_000);
        let time_scale = TimeScale { since, speed: 3600 };
        let wall = since + TimeDelta::seconds(2);
        assert_eq!(time_scale.store_time(wall), since + TimeDelta::hours(2));
        assert_eq!(time_scale.wall_time(since + TimeDelta::hours(2)), wall);
    }

    #[test]
    fn the_real_pace_changes_nothing() {
        let now = Time::UNIX_EPOCH + TimeDelta::days(20_000);
        assert_eq!(TimeScale::REAL.store_time(now), now);
        assert_eq!(TimeScale::REAL.wall_time(now), now);
    }
}
