//! Configuration alerts for the channel that receives cards.

use super::{Time, moment, quoted};

/// Maximum characters of an error description.
const LONGEST_MISTAKE: usize = 600;

/// The configuration file is invalid.
#[must_use]
pub fn configuration_wrong(what: &str) -> String {
    format!(
        "⚠️ **Gander's configuration is invalid. The previous configuration stays in use.**\n\
         {}\n\
         -# Correct the file and save it; Gander reads it again automatically. `gander doctor` \
         shows details.",
        quoted(what, LONGEST_MISTAKE)
    )
}

/// The configuration file is valid again. `at` is wall-clock time.
#[must_use]
pub fn configuration_fixed(what: &str, at: Time) -> String {
    format!(
        "✅ **Fixed** {}: Gander's configuration is valid again. The error was:\n{}",
        moment(at),
        quoted(what, LONGEST_MISTAKE)
    )
}
