//! What is posted once a day, and at which moment: the review of what passed by itself, and the
//! digest.
//!
//! A day is the server's. Where its clock skips the hour it is an hour later, where it shows it
//! twice the first counts. Pure: a moment is computed from the time alone, so a pause of any length
//! leaves one that is due, the latest.

use chrono::{NaiveTime, TimeDelta};
use chrono_tz::Tz;

use super::Time;
use super::when::on_day;

/// Two of a kind are at least so far apart by the wall clock: a store whose time runs faster would
/// else flood its channel.
pub const APART: TimeDelta = TimeDelta::minutes(10);

/// At which hours of the server's day what is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Daily {
    /// What passed by itself, if anything did.
    pub review: NaiveTime,
    /// The digest; absent: it is only shown to whoever asks.
    pub digest: Option<NaiveTime>,
}

impl Default for Daily {
    fn default() -> Self {
        Self { review: NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default(), digest: None }
    }
}

/// The latest moment, not after `now`, at which the clocks of a zone showed this.
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

/// The first moment after `now` at which they do.
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
