//! The channels beyond Discord, as `gander serve` and `gander doctor` use them.

use super::{Exit, Failure};
use crate::channels::{ChannelSettings, Endpoint};
use crate::config::Config;

/// For rehearsals: the address of a Twilio replacement.
const TWILIO_API: &str = "GANDER_TWILIO_API";

/// The configured channels, with overrides from the environment.
pub(super) fn settings(config: &Config) -> Result<ChannelSettings, Failure> {
    let mut settings = config.external_channels.clone();
    if let (Some(twilio), Ok(api)) = (&mut settings.twilio, std::env::var(TWILIO_API)) {
        let wrong = |why| Failure::new(Exit::Usage, format!("{TWILIO_API}: {why}"));
        twilio.api = api.parse::<Endpoint>().map_err(wrong)?;
    }
    Ok(settings)
}
