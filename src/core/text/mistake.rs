//! Configuration alerts for the channel that receives cards.

use super::{Time, moment, quoted};

/// Maximum characters of an error description.
const LONGEST_MISTAKE: usize = 600;

/// The configuration file is invalid.
#[must_use]
pub fn configuration_wrong(what: &str) -> String {
    format!(
        "⚠️ **Gander's configuration has a mistake. Nothing changed: what it said before still holds.**\n{}\n-# Save the file with \
         the mistake mended; it is read by itself. `gander doctor` tells more.",
        quoted(what, LONGEST_MISTAKE)
    )
}

/// The configuration file is valid again. `at` is wall-clock time.
#[must_use]
pub fn configuration_mended(what: &str, at: Time) -> String {
    format!(
        "✅ **Mended** {}: this mistake in Gander's configuration is gone.\n{}",
        moment(at),
        quoted(what, LONGEST_MISTAKE)
    )
}
