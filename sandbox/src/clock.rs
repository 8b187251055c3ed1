//! The only place that asks the system what time it is, so that every timestamp has one origin and
//! one format. It must not know what the times are used for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::snowflake::Snowflake;

/// The clock of one sandbox: the system's, moved forward by [`Clock::advance`]. Clones share it,
/// so that time never runs backwards, whatever state is restored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Microseconds ahead of the system's clock.
    ahead: AtomicU64,
    /// The last id given out.
    last_id: AtomicU64,
}

impl Clock {
    /// The present moment.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let ahead = TimeDelta::from_std(self.ahead()).unwrap_or(TimeDelta::MAX);
        system_time().checked_add_signed(ahead).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The present moment for measuring durations.
    pub(crate) fn instant(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.ahead()).unwrap_or(now)
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        let moved = self.0.ahead.load(Ordering::Relaxed).saturating_add(micros);
        self.0.ahead.store(moved, Ordering::Relaxed);
    }

    /// A new id, greater than every one before it from this clock.
    pub(crate) fn next_id(&self) -> Snowflake {
        let by_time = Snowflake::at(self.now()).number();
        let next = |last: u64| by_time.max(last + 1);
        let last = self
            .0
            .last_id
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)))
            .unwrap_or_default();
        Snowflake::from_number(next(last))
    }

    fn ahead(&self) -> Duration {
        Duration::from_micros(self.0.ahead.load(Ordering::Relaxed))
    }
}

/// The present moment of the system's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "this module is the crate's one owner of the wall clock"
)]
fn system_time() -> DateTime<Utc> {
    Utc::now()
}

/// A moment as Discord writes it: ISO 8601 with microseconds and an offset.
pub(crate) fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_and_follow_the_clock() {
        let clock = Clock::default();
        let ids: Vec<_> = (0..1000).map(|_| clock.next_id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        let day = Duration::from_secs(86_400);
        let tomorrow = Snowflake::at(clock.now() + day);
        assert!(clock.next_id() < tomorrow);
        clock.advance(day);
        assert!(clock.next_id() >= tomorrow);
    }
}
