//! What the bot says of itself in the channel where cards go.

use super::{Time, moment, quoted};

/// Characters of a mistake's description that are shown.
const LONGEST_MISTAKE: usize = 600;

/// The configuration's file has a mistake.
#[must_use]
pub fn configuration_wrong(what: &str) -> String {
    format!(
        "⚠️ **Gander's configuration has a mistake. Nothing changed: what it said before still holds.**\n{}\n-# Save the file with \
         the mistake mended; it is read by itself. `gander doctor` tells more.",
        quoted(what, LONGEST_MISTAKE)
    )
}

/// It has not any more. `at` is the wall clock's time.
#[must_use]
pub fn configuration_mended(what: &str, at: Time) -> String {
    format!(
        "✅ **Mended** {}: this mistake in Gander's configuration is gone.\n{}",
        moment(at),
        quoted(what, LONGEST_MISTAKE)
    )
}
