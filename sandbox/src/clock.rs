//! The only place that asks the system what time it is, so that every timestamp has one origin and
//! one format. It must not know what the times are used for.

use chrono::{DateTime, SecondsFormat, Utc};

/// The present moment of the system's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "this module is the crate's one owner of the wall clock"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A moment as Discord writes it: ISO 8601 with microseconds and an offset.
pub(crate) fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, false)
}
