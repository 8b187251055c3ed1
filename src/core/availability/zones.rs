//! Names of time zones, as people write them.

use chrono_tz::Tz;

/// Parses the name of a time zone.
///
/// # Errors
/// A message for the user.
pub fn time_zone(name: &str) -> Result<Tz, String> {
    name.trim().parse().map_err(|_| {
        format!("{name:?} is not a time zone: write, for example, \"Europe/Berlin\" or \"UTC\"")
    })
}

/// What to know of a zone whose name people also use for a place with summer time: in the tz
/// database, EST and MST have one offset all year.
#[must_use]
pub fn zone_caution(zone: Tz) -> Option<String> {
    let (offset, place, with_summer_time) = match zone {
        Tz::EST => (5, "New York", "America/New_York"),
        Tz::MST => (7, "Denver", "America/Denver"),
        _ => return None,
    };
    Some(format!(
        "{zone} is {offset} hours behind UTC all year, also in summer: for the time in {place}, \
         write {with_summer_time}"
    ))
}
