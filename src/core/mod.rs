//! The domain of Gander: pure functions over plain data.
//!
//! Nothing in this module awaits, reads a clock, touches SQL, Discord or HTTP, or draws a random
//! number: the time and every other outside fact are arguments. Tests therefore run through a day
//! of waiting in microseconds, and a verdict means the same on every surface.

pub mod batch;
pub mod calibration;
pub mod caller;
pub mod card;
pub mod content;
pub mod daily;
pub mod decision;
pub mod digest;
pub mod event;
mod evolve;
pub mod figures;
pub mod find;
pub mod finding;
pub mod gaps;
pub mod gate;
pub mod guard;
pub mod incident;
pub mod ladder;
pub mod nearest;
pub mod outgoing;
pub mod pace;
pub mod people;
pub mod permission;
pub mod phrase;
pub mod plot;
pub mod policy;
pub mod posting;
pub mod priority;
pub mod proposal;
pub mod refusal;
pub mod remind;
pub mod request;
pub mod review;
pub mod routing;
pub mod session;
pub mod state;
pub mod text;
pub mod untrusted;
pub mod waiting;
pub mod when;

/// A moment. Stored and compared in UTC; shown to people in their own time zone.
pub type Time = chrono::DateTime<chrono::Utc>;

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
