//! Channels beyond Discord to notify people about waiting decisions.
//!
//! Each channel is a [`NotificationSender`] in its own file, and a line in the table. The outbox
//! ([`crate::engine::notifications::outbox`]) decides which notifications to send,
//! when and how often. A carrier turns one notification into one request, and the response into the
//! next step. No channel can give a verdict: notifications link only to Discord, and no reply is
//! read.

pub mod desktop;
mod http;
mod misconfigured;
pub mod ntfy;
mod secret;
pub mod twilio;
pub mod webhook;

use std::sync::Arc;

pub use self::http::Endpoint;
pub use self::secret::SecretFrom;
use crate::core::messaging::notification::{ExternalChannel, ExternalChannels, WebhookTarget};
use crate::engine::notifications::outbox::{Carriers, NotificationSender};

/// Configuration of all channels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelSettings {
    /// Push by ntfy.
    pub ntfy: Option<ntfy::NtfySettings>,
    /// SMS and calls by Twilio.
    pub twilio: Option<twilio::TwilioSettings>,
    /// Requests to the user's own programs.
    pub webhooks: Vec<webhook::WebhookSettings>,
    /// Desktop notifications.
    pub desktop: Option<desktop::DesktopSettings>,
}

/// Builds a channel: `None` if not configured, or the reason why the channel cannot work.
type Make = fn(&ChannelSettings) -> Option<Result<Arc<dyn NotificationSender>, String>>;

/// All channels. A new channel is a file and a line here.
const TABLE: [(ExternalChannel, Make); 5] = [
    (ExternalChannel::Push, ntfy::carrier),
    (ExternalChannel::Sms, twilio::sms),
    (ExternalChannel::Voice, twilio::voice),
    (ExternalChannel::Webhook, webhook::carrier),
    (ExternalChannel::Desktop, desktop::carrier),
];

/// Builds the configured channels and reads their secrets. A channel that cannot work rejects every
/// notification with the reason, so the history shows the reason.
#[must_use]
pub fn carriers(settings: &ChannelSettings) -> Carriers {
    let made = TABLE.iter().filter_map(|(channel, make)| {
        let carrier = make(settings)?.unwrap_or_else(|why| {
            tracing::error!(%channel, "this channel cannot send: {why}");
            Arc::new(misconfigured::Broken::new(*channel, why))
        });
        Some(carrier)
    });
    Arc::new(made.collect())
}

/// Why configured channels cannot work, as text.
#[must_use]
pub fn faults(settings: &ChannelSettings) -> Vec<String> {
    let mut faults: Vec<String> =
        TABLE.iter().filter_map(|(_, make)| make(settings)?.err()).collect();
    // SMS and calls report the same fault.
    faults.dedup();
    faults.extend(webhook::faults(settings));
    faults
}

/// Sources of the secrets of all configured channels.
pub fn secrets(settings: &ChannelSettings) -> impl Iterator<Item = &SecretFrom> {
    let ntfy = settings.ntfy.iter().map(|ntfy| &ntfy.token);
    let twilio = settings.twilio.iter().map(|twilio| &twilio.token);
    ntfy.chain(twilio).chain(settings.webhooks.iter().map(|hook| &hook.secret))
}

/// The configured channels, for escalation.
#[must_use]
pub fn channels(settings: &ChannelSettings) -> ExternalChannels {
    let twilio = settings.twilio.is_some();
    let hook = |hook: &webhook::WebhookSettings| WebhookTarget {
        name: hook.name.clone(),
        projects: hook.projects.clone(),
    };
    ExternalChannels {
        push: settings.ntfy.is_some(),
        sms: twilio,
        voice: twilio,
        desktop: settings.desktop.is_some(),
        hooks: settings.webhooks.iter().map(hook).collect(),
    }
}
