//! Text for quiet hours, absences and snoozes.

use chrono_tz::Tz;

use super::{escaped, moment, one_line, relative};
use crate::core::Time;
use crate::core::pace::Pace;
use crate::core::people::{Availability, Hush, Profile};
use crate::core::untrusted::plain;

/// Notifications that ignore quiet hours and snoozes, shown below a person's preferences.
const EXEMPT: &str = "-# Held back are direct messages, mentions and pushes; they come when it ends. A breached SLA and critical risk \
                      come through. Cards in channels appear as ever.";
/// Effect of an absence, shown below a person's preferences.
const PASSED_OVER: &str = "-# While you are away, decisions go to the others who may decide them, and their cards say so. If everybody is \
                           away, a breached SLA reaches you all the same.";

/// A person's current availability and preferences, each with its end.
#[must_use]
pub fn holds(
    profile: &Profile,
    snooze: Option<Time>,
    availability: Availability,
    now: Time,
    pace: Pace,
) -> String {
    let zone = profile.zone;
    let mut lines = vec![match availability {
        Availability::Available => "🔔 You can be reached.".to_owned(),
        Availability::Quiet { until, why } => hushed(until, why, pace),
        Availability::Away { until } => format!("🏝️ You are away, and back {}.", when(until, pace)),
    }];
    if let (Some(until), Availability::Away { .. }) =
        (snooze.filter(|until| *until > now), availability)
    {
        lines.push(format!("💤 Snoozed until {}.", when(until, pace)));
    }
    lines.push(match profile.quiet {
        Some(hours) => {
            let clock = now.with_timezone(&zone).format("%H:%M");
            format!("🌙 Quiet hours: {} each day. {zone}, where it is {clock} now.", hours.to_string().replace('-', " to "))
        }
        None => format!("🌙 No quiet hours. Your time zone: {zone}. `/quiet`, `/snooze` and `/away` change that."),
    });
    let today = now.with_timezone(&zone).date_naive();
    let days: Vec<String> = profile
        .away
        .iter()
        .filter(|away| away.to() >= today)
        .map(|away| away.to_string().replace("..", " to "))
        .collect();
    if !days.is_empty() {
        lines.push(format!("🏝️ Days away: {}.", days.join(", ")));
    }
    if profile.quiet.is_some() || matches!(availability, Availability::Quiet { .. }) {
        lines.push(EXEMPT.to_owned());
    }
    if !days.is_empty() {
        lines.push(PASSED_OVER.to_owned());
    }
    lines.join("\n")
}

fn when(at: Time, pace: Pace) -> String {
    let at = pace.wall_time(at);
    format!("{} ({})", moment(at), relative(at))
}

fn hushed(until: Time, why: Hush, pace: Pace) -> String {
    match why {
        Hush::QuietHours => format!("🌙 You are in your quiet hours, until {}.", when(until, pace)),
        Hush::Snoozed => format!("💤 Snoozed: nothing reaches you until {}.", when(until, pace)),
    }
}

/// Warning for a caller who is currently unreachable. `None` if available.
#[must_use]
pub fn not_reached(availability: Availability, pace: Pace) -> Option<String> {
    match availability {
        Availability::Available => None,
        Availability::Quiet { until, why } => Some(hushed(until, why, pace)),
        Availability::Away { until } => Some(format!(
            "🏝️ You are away, and back {}. Decisions go to the others.",
            when(until, pace)
        )),
    }
}

/// A preference was invalid, and nothing changed.
#[must_use]
pub fn not_set(why: &str) -> String {
    format!("{}. Nothing was changed.", escaped(&one_line(why), 300).text)
}

/// "snooze me" without an end.
pub const SNOOZE_UNTIL: &str = "Until when? Say for example “snooze me until 18:00”";

/// Autocomplete entry for a time, in the person's time zone.
#[must_use]
pub fn moment_entry(typed: &str, at: Time, zone: Tz) -> String {
    plain(
        &format!("{} → {}", one_line(typed), at.with_timezone(&zone).format("%a %-d %b, %H:%M")),
        100,
    )
    .text
}

/// Autocomplete entry that ends a snooze.
pub const OFF_ENTRY: &str = "off → you can be reached";
/// Autocomplete entry that removes quiet hours.
pub const NO_QUIET_ENTRY: &str = "off → no quiet hours";
/// Autocomplete entry that ends an absence.
pub const NOT_AWAY_ENTRY: &str = "off → you are not away";
