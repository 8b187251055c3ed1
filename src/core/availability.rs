//! Availability of a person: time zone, quiet hours, days away, and snoozing.
//!
//! Quiet hours follow the person's wall clock, including every change to or from daylight saving
//! time. Quiet hours delay notifications to a person, never messages in a Discord channel. A breach
//! and critical risk come through: an annoyed person is better than an unseen breach. Does not
//! depend on channels, messages, the storage of profiles, or the clock.

mod preferences;
pub mod presence;
mod zones;

use std::fmt;
use std::str::FromStr;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use self::preferences::{days_away, quiet_hours, snooze};
pub use self::zones::{time_zone, zone_caution};
use super::Time;
use super::values::words::Risk;

/// A person's contact data and availability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The Discord user id.
    pub user: u64,
    /// The display name.
    pub name: String,
    /// The person's time zone.
    pub zone: Tz,
    /// Daily quiet hours.
    pub quiet: Option<QuietHours>,
    /// Days away.
    pub away: Vec<Away>,
    /// Phone number in E.164: `+` and 8 to 15 digits (ITU-T E.164).
    pub phone: Option<String>,
    /// The ntfy topic that the person's phone subscribes to: 1 to 64 letters, digits, `-`, `_`
    /// (ntfy's own limit).
    pub ntfy: Option<String>,
}

impl Profile {
    /// A person without any configured data.
    #[must_use]
    pub fn unknown(user: u64, name: impl Into<String>, zone: Tz) -> Self {
        Self {
            user,
            name: name.into(),
            zone,
            quiet: None,
            away: Vec::new(),
            phone: None,
            ntfy: None,
        }
    }

    /// The profile with the person's own preferences applied. Preferences override the
    /// configuration.
    #[must_use]
    pub fn with(self, preferences: &Preferences) -> Self {
        let quiet = match preferences.quiet {
            None => self.quiet,
            Some(QuietPreference::Off) => None,
            Some(QuietPreference::Hours(hours)) => Some(hours),
        };
        Self {
            quiet,
            zone: preferences.zone.unwrap_or(self.zone),
            away: preferences.away.clone().unwrap_or(self.away),
            ..self
        }
    }
}

/// Preferences that a person has set on a surface. Stored per person; an absent value means the
/// configured value applies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// No notifications before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snooze: Option<Time>,
    /// Quiet hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietPreference>,
    /// Days away. An empty list means not away, even if days are configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub away: Option<Vec<Away>>,
    /// Time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<Tz>,
}

/// A person's preference for quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuietPreference {
    /// No quiet hours, even if some are configured.
    Off,
    /// These hours.
    Hours(QuietHours),
}

/// A daily interval of wall-clock time. Spans midnight if the end is earlier than the start. Never
/// a whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QuietHours {
    from: NaiveTime,
    to: NaiveTime,
}

impl QuietHours {
    /// Quiet hours from `from` (inclusive) to `to` (exclusive).
    ///
    /// # Errors
    /// A message for the user if both times are equal.
    pub fn new(from: NaiveTime, to: NaiveTime) -> Result<Self, String> {
        if from == to {
            return Err(format!(
                "quiet hours from {} to {} would be a whole day or \
                 nothing: give two different times",
                from.format(CLOCK),
                to.format(CLOCK)
            ));
        }
        Ok(Self { from, to })
    }

    /// Whether the wall-clock time `shown` is within the quiet hours.
    #[must_use]
    pub fn include(self, shown: NaiveTime) -> bool {
        if self.from < self.to {
            self.from <= shown && shown < self.to
        } else {
            self.from <= shown || shown < self.to
        }
    }

    /// The next end of the quiet hours after the wall-clock time `shown`.
    fn end_after(self, shown: NaiveDateTime) -> NaiveDateTime {
        let day = if shown.time() < self.to { Some(shown.date()) } else { shown.date().succ_opt() };
        day.unwrap_or(NaiveDate::MAX).and_time(self.to)
    }
}

const CLOCK: &str = "%H:%M";

/// Parses a time of day: `22:00`, `7:30`.
///
/// # Errors
/// A message for the user.
pub fn clock_time(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text.trim(), CLOCK).map_err(|_| {
        format!("{text:?} is not a time of day: write hours and minutes, such as 22:00")
    })
}

impl FromStr for QuietHours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once('-').ok_or_else(|| {
            format!(
                "{text:?} is not a range of hours: write the start and the end, such as \
                 \"22:00-07:00\""
            )
        })?;
        Self::new(clock_time(from)?, clock_time(to)?)
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.format(CLOCK), self.to.format(CLOCK))
    }
}

impl TryFrom<String> for QuietHours {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<QuietHours> for String {
    fn from(hours: QuietHours) -> Self {
        hours.to_string()
    }
}

/// Days away, first and last day included, in the person's own calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Away {
    from: NaiveDate,
    to: NaiveDate,
}

impl Away {
    /// Days from `from` to `to`, both included.
    ///
    /// # Errors
    /// A message for the user if `to` is before `from`.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Result<Self, String> {
        if to < from {
            return Err(format!(
                "the absence from {from} to {to} ends before it begins: give the first day first"
            ));
        }
        Ok(Self { from, to })
    }

    /// The first day.
    #[must_use]
    pub const fn from(self) -> NaiveDate {
        self.from
    }

    /// The last day.
    #[must_use]
    pub const fn to(self) -> NaiveDate {
        self.to
    }

    /// Whether the person is away on this day.
    #[must_use]
    pub fn include(self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }
}

/// Parses a date: `2026-12-24`.
///
/// # Errors
/// A message for the user.
pub fn calendar_day(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| {
        format!("{text:?} is not a date: write year, month and day, such as 2026-12-24")
    })
}

impl FromStr for Away {
    type Err = String;

    /// Parses `2026-12-24..2027-01-02` or a single date.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        Self::new(calendar_day(from)?, calendar_day(to)?)
    }
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            write!(f, "{}", self.from)
        } else {
            write!(f, "{}..{}", self.from, self.to)
        }
    }
}

impl TryFrom<String> for Away {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Away> for String {
    fn from(away: Away) -> Self {
        away.to_string()
    }
}

/// Parses a phone number in E.164. Removes blanks, dashes, dots and brackets.
///
/// # Errors
/// A message for the user.
pub fn phone(text: &str) -> Result<String, String> {
    let number: String =
        text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    let fits = (8..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0');
    fits.then_some(number).ok_or_else(|| {
        format!(
            "{text:?} is not a phone number: write it with the country code, \
            such as \"+4915112345678\""
        )
    })
}

/// Validates an ntfy topic.
///
/// # Errors
/// A message for the user.
pub fn ntfy_topic(text: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    fits.then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "{text:?} is not an ntfy topic: use 1 to 64 letters, digits, - \
            and _, and choose a name that is hard to guess"
        )
    })
}

/// Whether a person can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Available.
    Available,
    /// In quiet hours or snoozed.
    Quiet {
        /// The first moment at which neither quiet hours nor a snooze applies.
        until: Time,
        /// The current cause.
        why: QuietReason,
    },
    /// Away.
    Away {
        /// The first moment after the days away.
        until: Time,
    },
}

/// Why a person wants quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuietReason {
    /// Quiet hours.
    QuietHours,
    /// A snooze.
    Snoozed,
}

/// The person's availability at `now`. `snooze`: the end of the person's snooze.
#[must_use]
pub fn availability(profile: &Profile, snooze: Option<Time>, now: Time) -> Availability {
    let until = available_from(profile, now);
    if until > now {
        return Availability::Away { until };
    }
    let snoozed = snooze.filter(|until| *until > now);
    let mut until = snoozed.unwrap_or(now);
    if let Some(hours) = profile.quiet {
        until = first_moment_outside(
            profile.zone,
            until,
            |shown| hours.include(shown.time()),
            |shown| hours.end_after(shown),
        );
    }
    match snoozed {
        _ if until <= now => Availability::Available,
        Some(_) => Availability::Quiet { until, why: QuietReason::Snoozed },
        None => Availability::Quiet { until, why: QuietReason::QuietHours },
    }
}

/// The first moment from `now` on outside all days away; `now` if the person is not away.
fn available_from(profile: &Profile, now: Time) -> Time {
    let on =
        |shown: NaiveDateTime| profile.away.iter().filter(move |away| away.include(shown.date()));
    let end = |shown| {
        let last = on(shown).map(|away| away.to).max().unwrap_or(shown.date());
        last.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN)
    };
    first_moment_outside(profile.zone, now, |shown| on(shown).next().is_some(), end)
}

/// Limit on iterations in [`first_moment_outside`]. Real spans need fewer: two clock changes a
/// year, and a few adjacent ends.
const MOST_STEPS: usize = 64;

/// The first moment from `from` on at which `held` is false for the zone's wall clock. `end`
/// returns the next wall-clock time at which the interval ends, assuming no clock change before.
fn first_moment_outside(
    zone: Tz,
    from: Time,
    held: impl Fn(NaiveDateTime) -> bool,
    end: impl Fn(NaiveDateTime) -> NaiveDateTime,
) -> Time {
    let mut at = from;
    for _ in 0..MOST_STEPS {
        let shown = wall(zone, at);
        if !held(shown) {
            break;
        }
        let Some(undisturbed) = at.checked_add_signed(end(shown) - shown) else { break };
        let is_set = wall(zone, undisturbed) - undisturbed.naive_utc() != shown - at.naive_utc();
        at = if is_set { next_offset_change(zone, at, undisturbed) } else { undisturbed };
    }
    at
}

/// The wall-clock time in a zone.
fn wall(zone: Tz, at: Time) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// The first moment after `from` at which the zone's UTC offset has changed. Requires a change
/// before `to`. Exact to the second, the resolution of zone definitions.
fn next_offset_change(zone: Tz, from: Time, to: Time) -> Time {
    let offset = |at: Time| wall(zone, at) - at.naive_utc();
    let before = offset(from);
    let (mut low, mut high) = (from.timestamp(), to.timestamp() + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match Time::from_timestamp(middle, 0) {
            Some(at) if offset(at) == before => low = middle,
            _ => high = middle,
        }
    }
    Time::from_timestamp(high, 0).unwrap_or(to)
}

/// The urgency of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactUrgency {
    /// A reminder or a warning.
    Usual,
    /// The SLA is breached.
    Breach,
}

/// Whether and when a notification is sent to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactTime {
    /// Sent now.
    Now,
    /// Delayed.
    Held {
        /// The first moment at which the notification may be sent.
        until: Time,
        /// The cause of the delay.
        why: QuietReason,
    },
    /// Not sent: the person is away.
    PassedOver {
        /// When the person is back.
        until: Time,
    },
}

/// Whether a notification reaches a person now. A breach and critical risk override quiet hours and
/// snoozing.
#[must_use]
pub fn delivery_timing(
    availability: Availability,
    urgency: ContactUrgency,
    risk: Risk,
) -> ContactTime {
    match availability {
        Availability::Available => ContactTime::Now,
        Availability::Quiet { .. }
            if urgency == ContactUrgency::Breach || risk == Risk::Critical =>
        {
            ContactTime::Now
        }
        Availability::Quiet { until, why } => ContactTime::Held { until, why },
        Availability::Away { until } => ContactTime::PassedOver { until },
    }
}

/// Applies [`delivery_timing`] to all recipients, in order. If every recipient is away, a breach
/// reaches all recipients anyway.
#[must_use]
pub fn delivery_timings(
    meant: &[Availability],
    urgency: ContactUrgency,
    risk: Risk,
) -> Vec<ContactTime> {
    let all_away =
        meant.iter().all(|availability| matches!(availability, Availability::Away { .. }));
    if all_away && urgency == ContactUrgency::Breach {
        return vec![ContactTime::Now; meant.len()];
    }
    meant.iter().map(|availability| delivery_timing(*availability, urgency, risk)).collect()
}

#[cfg(test)]
mod tests;
