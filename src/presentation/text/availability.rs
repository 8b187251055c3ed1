//! Text for quiet hours, absences and snoozes.

use chrono_tz::Tz;

use super::{escaped, moment, one_line, relative};
use crate::core::Time;
use crate::core::availability::{Availability, Profile, QuietReason, zone_caution};
use crate::core::untrusted::plain;
use crate::core::values::time_scale::TimeScale;

/// The effect of quiet hours and snoozes, shown below a person's preferences.
const EXEMPT: &str = "-# Direct messages, mentions and pushes are held back until this ends. A \
    breached SLA and critical risk still reach you. Cards in channels appear as usual.";
/// The effect of an absence, shown below a person's preferences.
const PASSED_OVER: &str = "-# While you are away, decisions go to the other approvers, and their \
    cards show it. If everyone is away, a breached SLA still reaches you.";

/// A person's current availability and preferences, with end times in the person's time zone.
#[must_use]
pub fn availability_status(
    profile: &Profile,
    snooze: Option<Time>,
    availability: Availability,
    now: Time,
    time_scale: TimeScale,
) -> String {
    let zone = profile.zone;
    let mut lines = vec![match availability {
        Availability::Available => "🔔 You can be reached.".to_owned(),
        Availability::Quiet { until, why } => silenced(until, why, time_scale),
        Availability::Away { until } => {
            format!("🏝️ You are away until {}.", when(until, time_scale))
        }
    }];
    if let (Some(until), Availability::Away { .. }) =
        (snooze.filter(|until| *until > now), availability)
    {
        lines.push(format!("💤 Snoozed until {}.", when(until, time_scale)));
    }
    lines.push(match profile.quiet {
        Some(hours) => {
            let clock = now.with_timezone(&zone).format("%H:%M");
            format!(
                "🌙 Quiet hours: {} each day. {zone}, where it is {clock} now.",
                hours.to_string().replace('-', " to ")
            )
        }
        None => format!(
            "🌙 No quiet hours. Your time zone: {zone}. `/quiet`, `/snooze` and \
            `/away` change that."
        ),
    });
    lines.extend(zone_caution(zone).map(|caution| format!("⚠️ {caution}.")));
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

fn when(at: Time, time_scale: TimeScale) -> String {
    let at = time_scale.wall_time(at);
    format!("{} ({})", moment(at), relative(at))
}

fn silenced(until: Time, why: QuietReason, time_scale: TimeScale) -> String {
    match why {
        QuietReason::QuietHours => {
            format!("🌙 You are in your quiet hours, until {}.", when(until, time_scale))
        }
        QuietReason::Snoozed => {
            format!("💤 Snoozed: nothing reaches you until {}.", when(until, time_scale))
        }
    }
}

/// Warning to a person about their own quiet time or absence. `None` if available.
#[must_use]
pub fn not_reached(availability: Availability, time_scale: TimeScale) -> Option<String> {
    match availability {
        Availability::Available => None,
        Availability::Quiet { until, why } => Some(silenced(until, why, time_scale)),
        Availability::Away { until } => Some(format!(
            "🏝️ You are away until {}. Decisions go to the others.",
            when(until, time_scale)
        )),
    }
}

/// Answer to an invalid preference. Nothing was stored.
#[must_use]
pub fn preference_rejected(why: &str) -> String {
    format!("{}. Nothing was changed.", escaped(&one_line(why), 300).text)
}

/// Answer to “snooze me” without an end.
pub const SNOOZE_UNTIL: &str = "Until when? Say, for example, “snooze me until 18:00”";

/// Autocomplete entry for a typed time, at most 100 characters (Discord's limit). Shows the time
/// in the person's time zone.
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
