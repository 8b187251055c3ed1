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
use crate::core::escalation;
use crate::core::untrusted::{clean, one_line, plain, without_links};

/// A channel to reach a person outside Discord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalChannel {
    /// A push notification on a phone, through ntfy.
    Push,
    /// A text message to a phone.
    Sms,
    /// A phone call with a spoken text.
    Voice,
    /// A signed request to the user's own program.
    Webhook,
    /// A desktop notification on the bot's machine.
    Desktop,
}

impl ExternalChannel {
    /// All channels.
    pub const ALL: [Self; 5] = [Self::Push, Self::Sms, Self::Voice, Self::Webhook, Self::Desktop];

    /// The name in configuration, store and command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Webhook => "webhook",
            Self::Desktop => "desktop",
        }
    }

    /// The channel of an escalation step; `None` for channels on Discord itself.
    #[must_use]
    pub fn of_step(channel: escalation::Channel) -> Option<Self> {
        match channel {
            escalation::Channel::Dm | escalation::Channel::Mention | escalation::Channel::Here => {
                None
            }
            escalation::Channel::Push => Some(Self::Push),
            escalation::Channel::Sms => Some(Self::Sms),
            escalation::Channel::Voice => Some(Self::Voice),
            escalation::Channel::Webhook => Some(Self::Webhook),
            escalation::Channel::Desktop => Some(Self::Desktop),
        }
    }

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

impl std::fmt::Display for ExternalChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl std::str::FromStr for ExternalChannel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|channel| channel.word() == text).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|channel| channel.word()).collect();
            format!("{text:?} is not a channel: write {}", words.join(", "))
        })
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

/// The earliest time at which the caps permit a notification, given the times `went` of earlier
/// notifications to this person by this channel. Returns `now` if permitted at once.
#[must_use]
pub fn earliest_send(channel: ExternalChannel, went: &[Time], now: Time) -> Time {
    let mut went = went.to_vec();
    went.sort_unstable();
    let free = |cap: &Cap| {
        // The window is full while it contains the latest `most` notifications, and free once the
        // oldest of these has left.
        let first = went.len().checked_sub(cap.most)?;
        went.get(first).map(|at| *at + cap.within)
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

/// The configured channels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExternalChannels {
    /// Push.
    pub push: bool,
    /// SMS.
    pub sms: bool,
    /// Phone calls.
    pub voice: bool,
    /// Desktop.
    pub desktop: bool,
    /// Webhooks.
    pub hooks: Vec<WebhookTarget>,
}

/// A webhook, reduced to the receiver's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// The name.
    pub name: String,
    /// The projects to notify about; empty means all projects.
    pub projects: Vec<String>,
}

impl ExternalChannels {
    /// Whether a channel of the ladder is configured. Channels on Discord itself always are.
    #[must_use]
    pub fn has(&self, channel: escalation::Channel) -> bool {
        match ExternalChannel::of_step(channel) {
            None => true,
            Some(ExternalChannel::Push) => self.push,
            Some(ExternalChannel::Sms) => self.sms,
            Some(ExternalChannel::Voice) => self.voice,
            Some(ExternalChannel::Webhook) => !self.hooks.is_empty(),
            Some(ExternalChannel::Desktop) => self.desktop,
        }
    }

    /// A person's address for a channel; `None` if the channel is not configured or the person has
    /// no address. Webhooks and the desktop belong to no person: see
    /// [`ExternalChannels::of_nobody`].
    #[must_use]
    pub fn of_person(&self, channel: ExternalChannel, person: &Profile) -> Option<String> {
        match channel {
            ExternalChannel::Push if self.push => person.ntfy.clone(),
            ExternalChannel::Sms if self.sms => person.phone.clone(),
            ExternalChannel::Voice if self.voice => person.phone.clone(),
            _ => None,
        }
    }

    /// The webhooks and the desktop subscribed to a project, with addresses.
    #[must_use]
    pub fn of_nobody(&self, project: &str) -> Vec<(ExternalChannel, String)> {
        let hears = |hook: &&WebhookTarget| {
            hook.projects.is_empty() || hook.projects.iter().any(|other| other == project)
        };
        let hooks = self
            .hooks
            .iter()
            .filter(hears)
            .map(|hook| (ExternalChannel::Webhook, hook.name.clone()));
        hooks.chain(self.desktop.then(|| (ExternalChannel::Desktop, String::new()))).collect()
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
    pub sending: DeliveryState,
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
