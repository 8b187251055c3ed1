//! Notifications sent outside Discord: content, delivery state, and rate caps per person.
//!
//! Pure: the escalation ladder decides receivers and times, and providers deliver. A notification
//! never contains a link that decides: the only permitted link leads to a Discord message.

pub mod sms;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::core::Time;
use crate::core::availability::Profile;
use crate::core::decision::DecisionId;
use crate::core::untrusted::{clean, one_line, plain, without_links};
use crate::core::values::channel::Addressee;
pub use crate::core::values::channel::{Channel, ExternalChannel};

impl ExternalChannel {
    /// Rate caps per person. Notifications above a cap are held until permitted.
    #[must_use]
    pub const fn caps(self) -> &'static [Cap] {
        match self {
            Self::Sms => &SMS_CAPS,
            Self::Voice => &VOICE_CAPS,
            Self::Push | Self::Webhook | Self::Desktop => &[],
        }
    }
}

const SMS_CAPS: [Cap; 2] = [
    Cap { most: 5, within: TimeDelta::minutes(15) },
    Cap { most: 11, within: TimeDelta::hours(1) },
];
const VOICE_CAPS: [Cap; 2] =
    [Cap { most: 3, within: TimeDelta::minutes(15) }, Cap { most: 7, within: TimeDelta::hours(1) }];

/// A limit on notifications within a sliding window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// Maximum number of notifications.
    pub most: usize,
    /// Length of the window.
    pub within: TimeDelta,
}

/// The earliest time at which the caps permit a notification, given the times `sent` of earlier
/// notifications to this person by this channel. Returns `now` if permitted at once.
#[must_use]
pub fn earliest_send(channel: ExternalChannel, sent: &[Time], now: Time) -> Time {
    let mut sent = sent.to_vec();
    sent.sort_unstable();
    let free = |cap: &Cap| {
        // The window is full while it contains the latest `most` notifications, and free once the
        // oldest of these has left.
        let first = sent.len().checked_sub(cap.most)?;
        sent.get(first).map(|at| *at + cap.within)
    };
    channel.caps().iter().filter_map(free).fold(now, Time::max)
}

/// The longest window of a channel's caps: earlier notifications no longer count.
#[must_use]
pub fn longest_cap(channel: ExternalChannel) -> TimeDelta {
    channel.caps().iter().map(|cap| cap.within).max().unwrap_or(TimeDelta::zero())
}

/// Urgency of a notification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationPriority {
    /// A reminder.
    #[default]
    Normal,
    /// Shortly before the breach.
    High,
    /// After the breach, or at critical risk.
    Urgent,
}

/// A notification to one receiver by one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Unique key: a notification with a known key is not added again, whatever the content.
    /// Example: `142:climb3:push:discord:80351110224678912`.
    pub key: String,
    /// The receiving person's id, used for counting caps; empty for channels without a person
    /// (webhook, desktop).
    pub person: String,
    /// The channel.
    #[serde(rename = "way")]
    pub channel: ExternalChannel,
    /// The address: a phone number (E.164) for SMS and voice, a topic for ntfy, a webhook's name;
    /// empty for the desktop. Deleted once the notification is settled.
    pub to: String,
    /// The subject, on one line.
    pub title: String,
    /// The text; may be empty.
    pub words: String,
    /// The Discord message to link to. Any other link is removed: see [`link_to_discord`].
    pub link: Option<String>,
    /// The urgency.
    pub urgency: NotificationPriority,
    /// The decisions concerned. After all are closed the notification is dropped; with an empty set
    /// the notification is always sent.
    pub decisions: BTreeSet<DecisionId>,
}

/// Longest title, in UTF-16 units.
const LONGEST_TITLE: usize = 200;
/// Longest text, in UTF-16 units; a channel with less room cuts further.
const LONGEST_WORDS: usize = 1_500;

impl Notification {
    /// Sanitizes the notification: texts cleaned and cut, mentions and links defused, and any link
    /// except to Discord removed. Idempotent.
    #[must_use]
    pub fn sanitize(self) -> Self {
        let fit = |text: &str, limit| {
            let quiet = text
                .replace("@everyone", "@ everyone")
                .replace("@here", "@ here")
                .replace("<@", "< @");
            plain(&without_links(&quiet), limit).text
        };
        Self {
            title: fit(&one_line(&self.title), LONGEST_TITLE),
            words: fit(&clean(&self.words), LONGEST_WORDS),
            link: self.link.as_deref().and_then(link_to_discord).map(ToOwned::to_owned),
            ..self
        }
    }
}

/// The link, if the target is a message or channel on Discord:
/// `https://discord.com/channels/SERVER/CHANNEL/MESSAGE`. No other link is sent through any
/// channel: a link fetched for a preview, or forwarded, must not decide anything.
#[must_use]
pub fn link_to_discord(link: &str) -> Option<&str> {
    let path = link.strip_prefix("https://discord.com/channels/")?;
    let is_id = |part: &str| {
        !part.is_empty() && part.len() <= 20 && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let parts: Vec<&str> = path.split('/').collect();
    let whole = (2..=3).contains(&parts.len())
        && (is_id(parts[0]) || parts[0] == "@me")
        && parts[1..].iter().all(|part| is_id(part));
    whole.then_some(link)
}

/// A person's address for a channel; `None` if the person has no address, or if the channel
/// notifies machines.
#[must_use]
pub fn address(channel: ExternalChannel, person: &Profile) -> Option<&str> {
    match channel {
        ExternalChannel::Push => person.ntfy.as_deref(),
        ExternalChannel::Sms | ExternalChannel::Voice => person.phone.as_deref(),
        ExternalChannel::Webhook | ExternalChannel::Desktop => None,
    }
}

/// A receiver that is not a person: a webhook, or the desktop of the bot's machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The channel that reaches the machine.
    pub channel: ExternalChannel,
    /// The webhook's name; empty for the desktop.
    pub name: String,
    /// The projects to notify about; empty means all projects.
    pub projects: Vec<String>,
}

impl Machine {
    /// Whether the machine is notified about a project.
    #[must_use]
    pub fn covers(&self, project: &str) -> bool {
        self.projects.is_empty() || self.projects.iter().any(|other| other == project)
    }
}

/// The configured channels, and the machines that they reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExternalChannels {
    configured: BTreeSet<ExternalChannel>,
    machines: Vec<Machine>,
}

impl ExternalChannels {
    /// Channels to people, and machines. A channel to machines is configured if it has a machine,
    /// and is ignored in `to_people`.
    #[must_use]
    pub fn new(
        to_people: impl IntoIterator<Item = ExternalChannel>,
        machines: Vec<Machine>,
    ) -> Self {
        let to_people =
            to_people.into_iter().filter(|channel| channel.addressee() == Addressee::Person);
        let configured = to_people.chain(machines.iter().map(|machine| machine.channel)).collect();
        Self { configured, machines }
    }

    /// The configured channels.
    pub fn iter(&self) -> impl Iterator<Item = ExternalChannel> {
        self.configured.iter().copied()
    }

    /// Whether a channel is configured. Channels on Discord itself always are.
    #[must_use]
    pub fn has(&self, channel: Channel) -> bool {
        channel.external().is_none_or(|channel| self.configured.contains(&channel))
    }

    /// A person's address for a channel; `None` if the channel is not configured, or as
    /// [`address`].
    #[must_use]
    pub fn address(&self, channel: ExternalChannel, person: &Profile) -> Option<String> {
        address(channel, person).filter(|_| self.has(channel.into())).map(ToOwned::to_owned)
    }

    /// The machines of all channels.
    #[must_use]
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// The machines to notify about a project, by channel and name.
    #[must_use]
    pub fn machines_for(&self, project: &str) -> Vec<(ExternalChannel, String)> {
        let covering = self.machines.iter().filter(|machine| machine.covers(project));
        covering.map(|machine| (machine.channel, machine.name.clone())).collect()
    }
}

/// Delivery state of a notification. All times are by the wall clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waiting for the first attempt or a retry.
    Queued {
        /// Time of the next attempt.
        next_try: Time,
        /// Why the last attempt failed.
        why: Option<String>,
    },
    /// Held back by a rate cap and sent later.
    Held {
        /// When the cap permits sending.
        until: Time,
    },
    /// An attempt has started and may have succeeded.
    Trying {
        /// Start of the attempt.
        since: Time,
        /// When to check the outcome if still unknown.
        next_try: Time,
    },
    /// Accepted by the provider.
    Sent {
        /// When.
        at: Time,
        /// The provider's id for the notification; may be empty.
        receipt: String,
    },
    /// Failed for good, without further retries.
    GaveUp {
        /// When.
        at: Time,
        /// The reason and the remedy.
        why: String,
    },
    /// All decisions concerned were closed before sending.
    Dropped {
        /// When.
        at: Time,
    },
}

impl DeliveryState {
    /// Whether the state is final.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        matches!(self, Self::Sent { .. } | Self::GaveUp { .. } | Self::Dropped { .. })
    }

    /// When to process the notification next; `None` once settled.
    #[must_use]
    pub const fn next(&self) -> Option<Time> {
        match self {
            Self::Queued { next_try: next, .. }
            | Self::Held { until: next }
            | Self::Trying { next_try: next, .. } => Some(*next),
            Self::Sent { .. } | Self::GaveUp { .. } | Self::Dropped { .. } => None,
        }
    }
}

/// A notification with its delivery state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutboxEntry {
    /// The notification, with an empty address once settled.
    #[serde(flatten)]
    pub message: Notification,
    /// When the notification was added, by the wall clock.
    pub asked_at: Time,
    /// Number of attempts.
    pub tries: u32,
    /// The delivery state.
    #[serde(flatten)]
    pub state: DeliveryState,
    /// Position in the settlement order, from 1; 0 if not settled.
    pub settled: u64,
}

/// Maximum number of attempts; with the backoff, about an hour and a half.
pub const MAX_ATTEMPTS: u32 = 12;
/// No attempts after this age, however long the notification was held: by then the ladder has
/// escalated further.
pub const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(6);
/// Backoff before the second attempt; doubles with each attempt.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(10);
/// Longest backoff, unless the provider asks for more.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// Backoff after `tries` failed attempts (from 1). `asked_for` is the provider's minimum, honoured
/// up to an hour.
#[must_use]
pub fn pause(tries: u32, asked_for: TimeDelta) -> TimeDelta {
    let doubled = FIRST_PAUSE * (1 << tries.saturating_sub(1).min(10));
    doubled.min(LONGEST_PAUSE).max(asked_for.min(TimeDelta::hours(1)))
}

/// Whether another attempt is permitted.
#[must_use]
pub fn may_retry(entry: &OutboxEntry, now: Time) -> bool {
    entry.tries < MAX_ATTEMPTS && now - entry.asked_at < GIVE_UP_AFTER
}

#[cfg(test)]
mod tests;
