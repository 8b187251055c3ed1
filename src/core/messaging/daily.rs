//! The schedule of the daily messages: the review of automatic approvals, and the digest.
//!
//! Days follow the server's time zone. A local time skipped by a clock change moves as much later
//! as the clock jumps; of a repeated local time the first counts. Pure: due times are computed from
//! the time alone, so after a pause of any length only the latest is due.

use chrono::{NaiveTime, TimeDelta};
use chrono_tz::Tz;

use crate::core::Time;
use crate::core::values::time_words::on_day;

/// Minimum wall-clock interval between two messages of one kind: a store with a faster time scale
/// would flood the channel.
pub const MIN_INTERVAL: TimeDelta = TimeDelta::minutes(10);

/// Local times of the daily messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Daily {
    /// Time of the review of automatic approvals; posted only if any exist.
    pub review: NaiveTime,
    /// Time of the digest; if absent, the digest is only shown on request.
    pub digest: Option<NaiveTime>,
}

impl Default for Daily {
    fn default() -> Self {
        Self { review: NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default(), digest: None }
    }
}

/// The latest moment at or before `now` with this local time in the zone.
#[must_use]
pub fn latest(at: NaiveTime, now: Time, zone: Tz) -> Time {
    let today = now.with_timezone(&zone).date_naive();
    let days = [Some(today), today.pred_opt()];
    let mut moments = days
        .into_iter()
        .flatten()
        .filter_map(|day| on_day(day, at, zone))
        .filter(|moment| *moment <= now);
    moments.next().unwrap_or(now)
}

/// The first moment after `now` with this local time in the zone.
#[must_use]
pub fn next(at: NaiveTime, now: Time, zone: Tz) -> Time {
    let today = now.with_timezone(&zone).date_naive();
    let days = [Some(today), today.succ_opt()];
    let mut moments = days
        .into_iter()
        .flatten()
        .filter_map(|day| on_day(day, at, zone))
        .filter(|moment| *moment > now);
    moments.next().unwrap_or_else(|| now + TimeDelta::days(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn clock(hour: u32, minute: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hour, minute, 0).unwrap()
    }

    #[test]
    fn each_day_has_one_moment_also_where_the_clock_jumps() {
        let berlin = chrono_tz::Europe::Berlin;
        // Spring: 02:30 is skipped on 29 March. Autumn: it comes twice on 25 October.
        for (from, moments) in [
            (
                "2026-03-27T12:00:00Z",
                ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"],
            ),
            (
                "2026-10-23T12:00:00Z",
                ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
            ),
            (
                "2028-02-28T00:00:00Z",
                ["2028-02-28T01:30:00Z", "2028-02-29T01:30:00Z", "2028-03-01T01:30:00Z"],
            ),
        ] {
            let mut now = at(from);
            for moment in moments {
                now = next(clock(2, 30), now, berlin);
                assert_eq!(now, at(moment), "after {from}");
                assert_eq!(latest(clock(2, 30), now, berlin), now);
                assert_eq!(latest(clock(2, 30), now + TimeDelta::hours(5), berlin), now);
            }
        }
    }

    #[test]
    fn midnight_and_the_moment_itself() {
        let utc = chrono_tz::UTC;
        assert_eq!(next(clock(0, 0), at("2026-12-31T23:59:59Z"), utc), at("2027-01-01T00:00:00Z"));
        assert_eq!(next(clock(8, 0), at("2026-05-01T08:00:00Z"), utc), at("2026-05-02T08:00:00Z"));
        assert_eq!(
            latest(clock(8, 0), at("2026-05-01T07:59:59Z"), utc),
            at("2026-04-30T08:00:00Z")
        );
    }
}
