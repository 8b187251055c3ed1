//! Parses availability commands: a snooze, quiet hours, days away. Parsing is strict: a wrong guess
//! would withhold decisions from a person who expects notifications.

use chrono::{Days, NaiveDate, TimeDelta};
use chrono_tz::Tz;

use super::{Away, QuietHours, QuietPreference, calendar_day, clock_time};
use crate::core::Time;
use crate::core::values::time_words;

/// The longest snooze.
const LONGEST_SNOOZE: TimeDelta = TimeDelta::days(7);
/// The word that ends a snooze, quiet hours or days away.
const OFF: &str = "off";

fn is_off(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case(OFF)
}

/// Parses the end of a snooze; `None` for `off`.
///
/// # Errors
/// A message for the user.
pub fn snooze(text: &str, now: Time, zone: Tz) -> Result<Option<Time>, String> {
    if is_off(text) {
        return Ok(None);
    }
    let unreadable = || {
        format!("{text:?} is not a time: write, for example, 30m, 18:00, tomorrow 09:00, or off")
    };
    let until = time_words::parse(text, now, zone).ok_or_else(unreadable)?;
    match until - now {
        span if span <= TimeDelta::zero() => Err(format!("{text:?} has already passed")),
        span if span > LONGEST_SNOOZE => {
            Err(format!("{text:?} is more than 7 days from now: for that long, use /away"))
        }
        _ => Ok(Some(until)),
    }
}

/// Parses quiet hours, or `off`.
///
/// # Errors
/// A message for the user.
pub fn quiet_hours(from: &str, to: Option<&str>) -> Result<QuietPreference, String> {
    match (is_off(from), to) {
        (true, _) => Ok(QuietPreference::Off),
        (false, Some(to)) => {
            QuietHours::new(clock_time(from)?, clock_time(to)?).map(QuietPreference::Hours)
        }
        (false, None) => {
            Err("quiet hours also need an end: from 22:00 to 07:00, for example".into())
        }
    }
}

/// Parses days away: a range, or a single day if `to` is absent. `None` for `off`.
///
/// # Errors
/// A message for the user.
pub fn days_away(
    from: &str,
    to: Option<&str>,
    now: Time,
    zone: Tz,
) -> Result<Option<Away>, String> {
    if is_off(from) {
        return Ok(None);
    }
    let today = now.with_timezone(&zone).date_naive();
    let first = day(from, today)?;
    let away = Away::new(first, to.map_or(Ok(first), |to| day(to, today))?)?;
    if away.to() < today {
        return Err(format!("{away} has already passed: today is {today}"));
    }
    Ok(Some(away))
}

fn day(text: &str, today: NaiveDate) -> Result<NaiveDate, String> {
    let named = match text.trim().to_lowercase().as_str() {
        "today" => Some(today),
        "tomorrow" => today.checked_add_days(Days::new(1)),
        _ => None,
    };
    named.map_or_else(|| calendar_day(text), Ok)
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Berlin;

    use super::*;

    fn now() -> Time {
        "2026-11-20T22:30:00Z".parse().unwrap() // 23:30 in Berlin
    }

    #[test]
    fn what_people_type_is_read_in_their_own_zone() {
        let until = |text| snooze(text, now(), Berlin).unwrap().map(|until| until.to_rfc3339());
        assert_eq!(until("30m").as_deref(), Some("2026-11-20T23:00:00+00:00"));
        assert_eq!(until("08:00").as_deref(), Some("2026-11-21T07:00:00+00:00"));
        assert_eq!(until("tomorrow 09:00").as_deref(), Some("2026-11-21T08:00:00+00:00"));
        assert_eq!(until(" OFF "), None);
        let away = |from, to| {
            days_away(from, to, now(), Berlin).map(|away| away.map(|away| away.to_string()))
        };
        assert_eq!(away("today", None), Ok(Some("2026-11-20".into())));
        assert_eq!(away("tomorrow", Some("2026-12-01")), Ok(Some("2026-11-21..2026-12-01".into())));
        assert_eq!(away("off", None), Ok(None));
        assert_eq!(quiet_hours("off", None), Ok(QuietPreference::Off));
        assert_eq!(
            quiet_hours("22:00", Some("7:00")),
            Ok(QuietPreference::Hours("22:00-07:00".parse().unwrap()))
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_words() {
        let wrong = [
            snooze("later", now(), Berlin).unwrap_err(),
            snooze("2026-11-20 23:00", now(), Berlin).unwrap_err(),
            snooze("8d", now(), Berlin).unwrap_err(),
            quiet_hours("22:00", None).unwrap_err(),
            quiet_hours("22:00", Some("22:00")).unwrap_err(),
            days_away("Friday", None, now(), Berlin).unwrap_err(),
            days_away("2026-11-01", Some("2026-11-19"), now(), Berlin).unwrap_err(),
            days_away("tomorrow", Some("today"), now(), Berlin).unwrap_err(),
        ];
        insta::assert_snapshot!(wrong.join("\n"), @r#"
        "later" is not a time: write, for example, 30m, 18:00, tomorrow 09:00, or off
        "2026-11-20 23:00" has already passed
        "8d" is more than 7 days from now: for that long, use /away
        quiet hours also need an end: from 22:00 to 07:00, for example
        quiet hours from 22:00 to 22:00 would be a whole day or nothing: give two different times
        "Friday" is not a date: write year, month and day, such as 2026-12-24
        2026-11-01..2026-11-19 has already passed: today is 2026-11-20
        the absence from 2026-11-21 to 2026-11-20 ends before it begins: give the first day first
        "#);
    }
}
