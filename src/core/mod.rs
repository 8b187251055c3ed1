//! The domain of Gander: pure functions over plain data.
//!
//! Nothing in this module awaits, reads a clock, touches SQL, Discord or HTTP, or draws a random
//! number: the time and every other outside fact are arguments. Tests therefore run through a day
//! of waiting in microseconds, and a verdict means the same on every surface.

pub mod access;
pub mod availability;
pub mod decision;
pub mod escalation;
pub mod gate;
pub mod jobs;
pub mod messaging;
pub mod policy;
pub mod untrusted;
pub mod values;

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
