//! Parses times as people write them: `45m`, `2h 30m`, `18:30`, `6pm`, `tomorrow 09:00`,
//! `2026-12-24 09:00`.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;

use crate::core::Time;

/// The default time of day if only a date is given.
const MORNING: NaiveTime = match NaiveTime::from_hms_opt(9, 0, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

/// Parses a time relative to `now` in a zone. `None` if the text cannot be parsed.
#[must_use]
pub fn parse(text: &str, now: Time, zone: Tz) -> Option<Time> {
    let text = text.trim().to_lowercase();
    let text =
        text.strip_prefix("in ").or_else(|| text.strip_prefix("at ")).unwrap_or(&text).trim();
    if let Ok(span) = humantime::parse_duration(text) {
        return now.checked_add_signed(TimeDelta::from_std(span).ok()?);
    }
    let today = now.with_timezone(&zone).date_naive();
    if let Some(rest) = text.strip_prefix("tomorrow") {
        let time = if rest.trim().is_empty() { MORNING } else { clock_time(rest)? };
        return on_wall(tomorrow(today)?.and_time(time), zone);
    }
    if let Some(time) = clock_time(text) {
        let moment = on_wall(today.and_time(time), zone)?;
        return if moment > now {
            Some(moment)
        } else {
            on_wall(tomorrow(today)?.and_time(time), zone)
        };
    }
    let (date, rest) = text.split_at_checked(10)?;
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    let rest = rest.trim_start_matches('t');
    let time = if rest.trim().is_empty() { MORNING } else { clock_time(rest)? };
    on_wall(date.and_time(time), zone)
}

/// Tomorrow at 09:00 in the zone.
#[must_use]
pub fn tomorrow_morning(now: Time, zone: Tz) -> Option<Time> {
    on_wall(tomorrow(now.with_timezone(&zone).date_naive())?.and_time(MORNING), zone)
}

fn tomorrow(today: NaiveDate) -> Option<NaiveDate> {
    today.checked_add_days(Days::new(1))
}

fn clock_time(text: &str) -> Option<NaiveTime> {
    let text = text.trim().trim_start_matches("at ").trim();
    let hours = text.strip_suffix("am").or_else(|| text.strip_suffix("pm"));
    match hours.map(str::trim) {
        None => NaiveTime::parse_from_str(text, "%H:%M").ok(),
        // `6pm` has no minutes; the format requires minutes.
        Some(hours) => {
            let minutes = if hours.contains(':') { "" } else { ":00" };
            let half = &text[text.len() - 2..];
            NaiveTime::parse_from_str(&format!("{hours}{minutes} {half}"), "%I:%M %p").ok()
        }
    }
}

/// The moment at which the zone's clocks show `time` on `day`: the earlier moment if the time
/// occurs twice in autumn, as much later as the clock jumps if spring skips the time.
#[must_use]
pub fn on_day(day: NaiveDate, time: NaiveTime, zone: Tz) -> Option<Time> {
    on_wall(day.and_time(time), zone)
}

/// The first moment of a day in a zone. Clocks that change at midnight may skip midnight, and show
/// 00:30 or 01:00 first.
#[must_use]
pub fn start_of_day(day: NaiveDate, zone: Tz) -> Time {
    // Between -12:00 and +14:00 lie all offsets of the tz database.
    let midnight = day.and_time(NaiveTime::MIN).and_utc().timestamp();
    let (mut before, mut begun) = (midnight - 15 * 3600, midnight + 15 * 3600);
    let moment = |seconds| Time::from_timestamp(seconds, 0).unwrap_or(Time::MIN_UTC);
    while begun - before > 1 {
        let middle = before + (begun - before) / 2;
        if moment(middle).with_timezone(&zone).date_naive() >= day {
            begun = middle;
        } else {
            before = middle;
        }
    }
    moment(begun)
}

/// Converts a zone's wall-clock time to a moment: the earlier moment if the time occurs twice in
/// autumn, as much later as the clock jumps if spring skips the time.
fn on_wall(local: NaiveDateTime, zone: Tz) -> Option<Time> {
    use chrono::{Offset as _, TimeZone as _};
    let moment = zone.from_local_datetime(&local).earliest().map(|moment| moment.to_utc());
    moment.or_else(|| {
        // A skipped time counts from the offset before the jump.
        let before = zone.offset_from_utc_datetime(&local.checked_sub_days(Days::new(1))?).fix();
        Some(local.checked_sub_offset(before)?.and_utc())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> Tz {
        name.parse().unwrap()
    }

    #[test]
    fn a_day_begins_when_the_clock_first_shows_its_date() {
        for (name, day, begins) in [
            ("UTC", "2026-05-01", "2026-05-01T00:00:00Z"),
            ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"),
            // Offsets of half and quarter hours.
            ("Asia/Kolkata", "2026-05-01", "2026-04-30T18:30:00Z"),
            ("Asia/Kathmandu", "2026-05-01", "2026-04-30T18:15:00Z"),
            ("Pacific/Chatham", "2026-05-01", "2026-04-30T11:15:00Z"),
            ("Pacific/Kiritimati", "2026-05-01", "2026-04-30T10:00:00Z"),
            ("Etc/GMT+12", "2026-05-01", "2026-05-01T12:00:00Z"),
            // The clock jumps from 00:00 to 01:00, or shows 00:00 to 00:59 twice.
            ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"),
            ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z"),
            ("America/Havana", "2026-03-08", "2026-03-08T05:00:00Z"),
            ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"),
            ("Africa/Cairo", "2026-10-30", "2026-10-29T22:00:00Z"),
            // From 23:30 to 00:00, half an hour early.
            ("Asia/Pyongyang", "2018-05-05", "2018-05-04T15:00:00Z"),
        ] {
            let found = start_of_day(day.parse().unwrap(), zone(name));
            assert_eq!(found, at(begins), "{name} {day}");
        }
    }

    #[test]
    fn a_skipped_time_comes_as_much_later_as_the_clock_jumps() {
        for (name, day, time, comes) in [
            ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:30:00Z"),
            // Lord Howe's clock jumps by half an hour: 02:15 is 02:45.
            ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:45:00Z"),
            ("Africa/Cairo", "2026-04-24", "00:15", "2026-04-23T22:15:00Z"),
            // A whole day was skipped.
            ("Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T22:00:00Z"),
        ] {
            let time = NaiveTime::parse_from_str(time, "%H:%M").unwrap();
            let found = on_day(day.parse().unwrap(), time, zone(name));
            assert_eq!(found, Some(at(comes)), "{name} {day} {time}");
        }
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = at("2026-03-28T12:00:00Z");
        let zone = chrono_tz::Europe::Berlin;
        for (text, expected) in [
            ("30m", "2026-03-28T12:30:00Z"),
            ("in 2h 30m", "2026-03-28T14:30:00Z"),
            ("18:30", "2026-03-28T17:30:00Z"),
            ("at 9:00", "2026-03-29T07:00:00Z"),
            ("6pm", "2026-03-28T17:00:00Z"),
            ("6:30 PM", "2026-03-28T17:30:00Z"),
            ("12am", "2026-03-28T23:00:00Z"),
            ("tomorrow 9am", "2026-03-29T07:00:00Z"),
            ("tomorrow", "2026-03-29T07:00:00Z"),
            ("Tomorrow 14:00", "2026-03-29T12:00:00Z"),
            ("tomorrow 02:30", "2026-03-29T01:30:00Z"),
            ("2026-12-24", "2026-12-24T08:00:00Z"),
            ("2026-12-24 18:00", "2026-12-24T17:00:00Z"),
            ("2026-10-25 02:30", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(parse(text, now, zone), Some(at(expected)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_guessed() {
        let now = at("2026-03-28T12:00:00Z");
        for text in [
            "",
            "soon",
            "25:00",
            "tomorrowish",
            "-5m",
            "2026-13-01",
            "13pm",
            "pm",
            "ém",
            "99999999999999y",
            "9",
            "日本語日本語日本語",
        ] {
            assert_eq!(parse(text, now, chrono_tz::UTC), None, "{text}");
        }
    }
}
