//! Channels beyond Discord to notify people about waiting decisions.
//!
//! Each channel is a [`Carrier`] in its own file, and a line in the table. The outbox
//! ([`crate::engine::outbox`]) decides which notifications to send, when and how often. A carrier
//! turns one notification into one request, and the response into the next step. No channel can
//! give a verdict: notifications link only to Discord, and no reply is read.

mod broken;
pub mod desktop;
mod http;
pub mod ntfy;
mod secret;
pub mod twilio;
pub mod webhook;

use std::sync::Arc;

pub use self::http::Endpoint;
pub(crate) use self::http::{innermost, pieces};
pub use self::secret::{Secret, SecretFrom};
use crate::core::outgoing::{Hook, Way, Ways};
use crate::engine::outbox::{Carrier, Carriers};

/// Configuration of all channels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Push by ntfy.
    pub ntfy: Option<ntfy::Settings>,
    /// SMS and calls by Twilio.
    pub twilio: Option<twilio::Settings>,
    /// Requests to the user's own programs.
    pub webhooks: Vec<webhook::Settings>,
    /// Desktop notifications.
    pub desktop: Option<desktop::Settings>,
}

/// Builds a channel: `None` if not configured, or the reason why the channel cannot work.
type Make = fn(&Settings) -> Option<Result<Arc<dyn Carrier>, String>>;

/// All channels. A new channel is a file and a line here.
const TABLE: [(Way, Make); 5] = [
    (Way::Push, ntfy::carrier),
    (Way::Sms, twilio::sms),
    (Way::Voice, twilio::voice),
    (Way::Webhook, webhook::carrier),
    (Way::Desktop, desktop::carrier),
];

/// Builds the configured channels and reads their secrets. A channel that cannot work rejects every
/// notification with the reason, so the history shows the reason.
#[must_use]
pub fn carriers(settings: &Settings) -> Carriers {
    let made = TABLE.iter().filter_map(|(way, make)| {
        let carrier = make(settings)?.unwrap_or_else(|why| {
            tracing::error!(%way, "nothing can be sent by it: {why}");
            Arc::new(broken::Broken::new(*way, why))
        });
        Some(carrier)
    });
    Arc::new(made.collect())
}

/// Why configured channels cannot work, as text.
#[must_use]
pub fn faults(settings: &Settings) -> Vec<String> {
    let mut faults: Vec<String> =
        TABLE.iter().filter_map(|(_, make)| make(settings)?.err()).collect();
    // SMS and calls report the same fault.
    faults.dedup();
    faults.extend(webhook::faults(settings));
    faults
}

/// Sources of the secrets of all configured channels.
pub fn secrets(settings: &Settings) -> impl Iterator<Item = &SecretFrom> {
    let ntfy = settings.ntfy.iter().map(|ntfy| &ntfy.token);
    let twilio = settings.twilio.iter().map(|twilio| &twilio.token);
    ntfy.chain(twilio).chain(settings.webhooks.iter().map(|hook| &hook.secret))
}

/// The configured channels, for escalation.
#[must_use]
pub fn ways(settings: &Settings) -> Ways {
    let twilio = settings.twilio.is_some();
    let hook = |hook: &webhook::Settings| Hook {
        name: hook.name.clone(),
        projects: hook.projects.clone(),
    };
    Ways {
        push: settings.ntfy.is_some(),
        sms: twilio,
        voice: twilio,
        desktop: settings.desktop.is_some(),
        hooks: settings.webhooks.iter().map(hook).collect(),
    }
}
