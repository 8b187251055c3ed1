//! The ways beyond Discord by which people are told that something waits.
//!
//! Each is a [`Carrier`] in a file of its own, and a line in the table. The outbox
//! ([`crate::engine::outbox`]) decides what is sent, when and how often; a carrier only turns one
//! message into one request and its answer into what happens next. No way can decide anything:
//! nothing that leaves here has a link but to Discord, and nothing comes back.

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

/// What the configuration says about the ways.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Push by ntfy.
    pub ntfy: Option<ntfy::Settings>,
    /// SMS and calls by Twilio.
    pub twilio: Option<twilio::Settings>,
    /// Requests to programs of the user's own.
    pub webhooks: Vec<webhook::Settings>,
    /// The desktop.
    pub desktop: Option<desktop::Settings>,
}

/// A way as the configuration makes it: `None` if it is not configured, in words what keeps it from
/// working.
type Make = fn(&Settings) -> Option<Result<Arc<dyn Carrier>, String>>;

/// All ways. A new one is a file and a line here.
const TABLE: [(Way, Make); 5] = [
    (Way::Push, ntfy::carrier),
    (Way::Sms, twilio::sms),
    (Way::Voice, twilio::voice),
    (Way::Webhook, webhook::carrier),
    (Way::Desktop, desktop::carrier),
];

/// The carriers that are configured, with their secrets as they are now. One that cannot work
/// refuses every message with the reason, so that the record says it.
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

/// What keeps configured ways from working, in words.
#[must_use]
pub fn faults(settings: &Settings) -> Vec<String> {
    let mut faults: Vec<String> =
        TABLE.iter().filter_map(|(_, make)| make(settings)?.err()).collect();
    // SMS and calls share their fault.
    faults.dedup();
    faults.extend(webhook::faults(settings));
    faults
}

/// Where the secrets of configured ways come from.
pub fn secrets(settings: &Settings) -> impl Iterator<Item = &SecretFrom> {
    let ntfy = settings.ntfy.iter().map(|ntfy| &ntfy.token);
    let twilio = settings.twilio.iter().map(|twilio| &twilio.token);
    ntfy.chain(twilio).chain(settings.webhooks.iter().map(|hook| &hook.secret))
}

/// Which ways are configured, for those who decide whom to tell.
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
