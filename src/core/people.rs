//! When somebody may be reached: their zone, quiet hours, days away, and "not now" for a while.
//!
//! Quiet hours are what the person's wall clock says, so they follow every change of it. They hold
//! back what is sent to a person, never what hangs in a channel. A breach and critical risk come
//! through: better an angry phone than a breach that nobody saw. Must not know: ways and messages,
//! where profiles are kept, the clock.

mod wish;

use std::fmt;
use std::str::FromStr;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use self::wish::{days_away, quiet_hours, snooze};
use super::Time;
use super::decision::Risk;

/// What is known of a person beyond their name: when and where they can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Their Discord id.
    pub user: u64,
    /// What they are called.
    pub name: String,
    /// Where their clock is.
    pub zone: Tz,
    /// Each day's quiet hours.
    pub quiet: Option<QuietHours>,
    /// The days on which they are not there.
    pub away: Vec<Away>,
    /// Their telephone number, in E.164: `+` and 8 to 15 digits (ITU-T E.164).
    pub phone: Option<String>,
    /// The ntfy topic that their phone listens to: 1 to 64 letters, digits, `-`, `_` (ntfy's own
    /// limit).
    pub ntfy: Option<String>,
}

impl Profile {
    /// Somebody of whom nothing was said.
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

    /// The same with what they have said themselves, which goes before the configuration.
    #[must_use]
    pub fn with(self, wishes: &Wishes) -> Self {
        let quiet = match wishes.quiet {
            None => self.quiet,
            Some(Quiet::Off) => None,
            Some(Quiet::Hours(hours)) => Some(hours),
        };
        Self {
            quiet,
            zone: wishes.zone.unwrap_or(self.zone),
            away: wishes.away.clone().unwrap_or(self.away),
            ..self
        }
    }
}

/// What a person has said of themselves on a surface. Kept per person; what is absent is as
/// configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wishes {
    /// "Not before this."
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snooze: Option<Time>,
    /// Quiet hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    /// Days away; an empty list says that they are not away, whatever is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub away: Option<Vec<Away>>,
    /// Where their clock is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<Tz>,
}

/// What somebody wants of quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quiet {
    /// None, whatever is configured.
    Off,
    /// These.
    Hours(QuietHours),
}

/// From one time of the wall clock to another, each day; over midnight where the end is the
/// earlier. Never the whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QuietHours {
    from: NaiveTime,
    to: NaiveTime,
}

impl QuietHours {
    /// From this time up to, and without, that one.
    ///
    /// # Errors
    /// In words, if both are the same.
    pub fn new(from: NaiveTime, to: NaiveTime) -> Result<Self, String> {
        if from == to {
            return Err(format!(
                "quiet hours from {} to {} would be a whole day or none: give two different times",
                from.format(CLOCK),
                to.format(CLOCK)
            ));
        }
        Ok(Self { from, to })
    }

    /// Whether a wall clock that shows this is within them.
    #[must_use]
    pub fn include(self, shown: NaiveTime) -> bool {
        if self.from < self.to {
            self.from <= shown && shown < self.to
        } else {
            self.from <= shown || shown < self.to
        }
    }

    /// When the wall clock next shows their end, after it has shown this.
    fn end_after(self, shown: NaiveDateTime) -> NaiveDateTime {
        let day = if shown.time() < self.to { Some(shown.date()) } else { shown.date().succ_opt() };
        day.unwrap_or(NaiveDate::MAX).and_time(self.to)
    }
}

const CLOCK: &str = "%H:%M";

/// A time of the wall clock as people write it: `22:00`, `7:30`.
///
/// # Errors
/// In words.
pub fn clock_time(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text.trim(), CLOCK).map_err(|_| {
        format!("{text:?} is no time of day: write hours and minutes, for example 22:00")
    })
}

impl FromStr for QuietHours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once('-').ok_or_else(|| {
            format!(
                "{text:?} are no quiet hours: write from when to when, for example \"22:00-07:00\""
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

/// Days on which somebody is not there, the first and the last included, as their own calendar
/// counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Away {
    from: NaiveDate,
    to: NaiveDate,
}

impl Away {
    /// From this day to that one.
    ///
    /// # Errors
    /// In words, if they end before they begin.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Result<Self, String> {
        if to < from {
            return Err(format!(
                "away from {from} to {to} ends before it begins: give the first day first"
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

    /// Whether this day is one of them.
    #[must_use]
    pub fn include(self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }
}

/// A day as people write it: `2026-12-24`.
///
/// # Errors
/// In words.
pub fn calendar_day(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| {
        format!("{text:?} is no day: write year, month and day, for example 2026-12-24")
    })
}

impl FromStr for Away {
    type Err = String;

    /// Two days, or one.
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

/// A telephone number in E.164. Blanks, dashes and brackets between the digits are left out.
///
/// # Errors
/// In words.
pub fn phone(text: &str) -> Result<String, String> {
    let number: String =
        text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    let fits = (8..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0');
    fits.then_some(number)
        .ok_or_else(|| format!("{text:?} is no telephone number: write it with its country code, for example \"+4915112345678\""))
}

/// A topic of ntfy.
///
/// # Errors
/// In words.
pub fn ntfy_topic(text: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    fits.then(|| text.to_owned())
        .ok_or_else(|| format!("{text:?} is no topic of ntfy: 1 to 64 letters, digits, - and _; choose one that nobody guesses"))
}

/// A time zone by its name.
///
/// # Errors
/// In words.
pub fn time_zone(name: &str) -> Result<Tz, String> {
    name.trim().parse().map_err(|_| {
        format!("{name:?} is no time zone: write for example \"Europe/Berlin\" or \"UTC\"")
    })
}

/// Whether somebody can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// They can.
    Available,
    /// Not before this: the first moment at which nothing holds them any more.
    Quiet {
        /// That moment.
        until: Time,
        /// What holds now.
        why: Hush,
    },
    /// They are not there.
    Away {
        /// The first moment at which they are back.
        until: Time,
    },
}

/// Why somebody wants quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hush {
    /// Their quiet hours.
    QuietHours,
    /// They said "not now".
    Snoozed,
}

/// Whether this person can be reached at `now`. `snooze`: they said "not before this".
#[must_use]
pub fn availability(profile: &Profile, snooze: Option<Time>, now: Time) -> Availability {
    let until = back_at(profile, now);
    if until > now {
        return Availability::Away { until };
    }
    let snoozed = snooze.filter(|until| *until > now);
    let mut until = snoozed.unwrap_or(now);
    if let Some(hours) = profile.quiet {
        until = leaves(
            profile.zone,
            until,
            |shown| hours.include(shown.time()),
            |shown| hours.end_after(shown),
        );
    }
    match snoozed {
        _ if until <= now => Availability::Available,
        Some(_) => Availability::Quiet { until, why: Hush::Snoozed },
        None => Availability::Quiet { until, why: Hush::QuietHours },
    }
}

/// The first moment from `now` on at which none of their days away holds.
fn back_at(profile: &Profile, now: Time) -> Time {
    let on =
        |shown: NaiveDateTime| profile.away.iter().filter(move |away| away.include(shown.date()));
    let end = |shown| {
        let last = on(shown).map(|away| away.to).max().unwrap_or(shown.date());
        last.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN)
    };
    leaves(profile.zone, now, |shown| on(shown).next().is_some(), end)
}

/// More changes than any span met here has: two a year, and a few ends in a row.
const MOST_STEPS: usize = 64;

/// The first moment from `from` on at which the zone's wall clock shows what is not held. `end`
/// says when the clock, if it runs on undisturbed, next shows what may not be.
fn leaves(
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
        at = if is_set { next_setting(zone, at, undisturbed) } else { undisturbed };
    }
    at
}

/// What the zone's wall clocks show.
fn wall(zone: Tz, at: Time) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// The first moment after `from` at which the zone's clocks have been set, of which there is one up
/// to `to`. To the second, as the zones are defined.
fn next_setting(zone: Tz, from: Time, to: Time) -> Time {
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

/// How much a message presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A reminder, a warning.
    Usual,
    /// The answer is overdue.
    Breach,
}

/// Whether somebody is sent a message now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Yes.
    Now,
    /// It is held back, and sent then.
    Held {
        /// The first moment at which it may be sent.
        until: Time,
        /// Why.
        why: Hush,
    },
    /// They are away: not at all.
    PassedOver {
        /// When they are back.
        until: Time,
    },
}

/// Whether a message reaches somebody now. A breach and critical risk come through quiet hours and
/// snoozing.
#[must_use]
pub fn may_reach(availability: Availability, urgency: Urgency, risk: Risk) -> Reach {
    match availability {
        Availability::Available => Reach::Now,
        Availability::Quiet { .. } if urgency == Urgency::Breach || risk == Risk::Critical => {
            Reach::Now
        }
        Availability::Quiet { until, why } => Reach::Held { until, why },
        Availability::Away { until } => Reach::PassedOver { until },
    }
}

/// The same for all who are meant, in their order: if everybody is away, a breach reaches them all
/// the same.
#[must_use]
pub fn who_is_reached(meant: &[Availability], urgency: Urgency, risk: Risk) -> Vec<Reach> {
    let all_away =
        meant.iter().all(|availability| matches!(availability, Availability::Away { .. }));
    if all_away && urgency == Urgency::Breach {
        return vec![Reach::Now; meant.len()];
    }
    meant.iter().map(|availability| may_reach(*availability, urgency, risk)).collect()
}

#[cfg(test)]
mod tests;
