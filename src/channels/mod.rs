//! Channels beyond Discord to notify people about waiting decisions.
//!
//! Each channel is a [`NotificationSender`] in its own file, built by [`senders`]. The outbox
//! ([`crate::engine::notifications::outbox`]) decides which notifications to send,
//! when and how often. A sender turns one notification into one request, and the response into the
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
use crate::core::messaging::notification::{ExternalChannel, ExternalChannels, Machine};
use crate::engine::notifications::outbox::{NotificationSender, Senders};

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

/// Builds a channel and reads its secret: `None` if not configured, or the reason why the channel
/// cannot work.
fn sender(
    channel: ExternalChannel,
    settings: &ChannelSettings,
) -> Option<Result<Arc<dyn NotificationSender>, String>> {
    match channel {
        ExternalChannel::Push => ntfy::sender(settings),
        ExternalChannel::Sms => twilio::sms(settings),
        ExternalChannel::Voice => twilio::voice(settings),
        ExternalChannel::Webhook => webhook::sender(settings),
        ExternalChannel::Desktop => desktop::sender(settings),
    }
}

/// Builds the configured channels and reads their secrets. A channel that cannot work rejects every
/// notification with the reason, so the history shows the reason.
#[must_use]
pub fn senders(settings: &ChannelSettings) -> Senders {
    let made = ExternalChannel::ALL.into_iter().filter_map(|channel| {
        let sender = sender(channel, settings)?.unwrap_or_else(|why| {
            tracing::error!(%channel, "this channel cannot send: {why}");
            Arc::new(misconfigured::Broken::new(channel, why))
        });
        Some(sender)
    });
    Arc::new(made.collect())
}

/// Why configured channels cannot work, as text.
#[must_use]
pub fn faults(settings: &ChannelSettings) -> Vec<String> {
    let mut faults: Vec<String> = ExternalChannel::ALL
        .into_iter()
        .filter_map(|channel| sender(channel, settings)?.err())
        .collect();
    // SMS and calls report the same fault.
    faults.dedup();
    faults.extend(webhook::faults(settings));
    faults
}

/// Sources of the secrets of all configured channels.
pub fn secrets(settings: &ChannelSettings) -> impl Iterator<Item = &SecretFrom> {
    // Naming every field makes a new channel fail to compile here.
    let ChannelSettings { ntfy, twilio, webhooks, desktop: _ } = settings;
    let ntfy = ntfy.iter().map(|ntfy| &ntfy.token);
    let twilio = twilio.iter().map(|twilio| &twilio.token);
    ntfy.chain(twilio).chain(webhooks.iter().map(|hook| &hook.secret))
}

/// The configured channels, for escalation.
#[must_use]
pub fn channels(settings: &ChannelSettings) -> ExternalChannels {
    let ChannelSettings { ntfy, twilio, webhooks, desktop } = settings;
    let push = ntfy.iter().map(|_| ExternalChannel::Push);
    let by_phone = twilio.iter().flat_map(|_| [ExternalChannel::Sms, ExternalChannel::Voice]);
    let webhooks = webhooks.iter().map(|hook| Machine {
        channel: ExternalChannel::Webhook,
        name: hook.name.clone(),
        projects: hook.projects.clone(),
    });
    let desktop = desktop.iter().map(|_| Machine {
        channel: ExternalChannel::Desktop,
        name: String::new(),
        projects: Vec::new(),
    });
    ExternalChannels::new(push.chain(by_phone), webhooks.chain(desktop).collect())
}
