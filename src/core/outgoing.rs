//! Notifications sent outside Discord: content, delivery state, and rate caps per person.
//!
//! Pure: the escalation ladder decides receivers and times, and providers deliver. A notification
//! never contains a link that decides: the only permitted link leads to a Discord message.

pub mod sms;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Time;
use super::decision::DecisionId;
use super::ladder;
use super::people::Profile;
use super::untrusted::{clean, one_line, plain, without_links};

/// A channel to reach a person outside Discord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
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

impl Way {
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
    pub fn of_rung(way: ladder::Way) -> Option<Self> {
        match way {
            ladder::Way::Dm | ladder::Way::Mention | ladder::Way::Here => None,
            ladder::Way::Push => Some(Self::Push),
            ladder::Way::Sms => Some(Self::Sms),
            ladder::Way::Voice => Some(Self::Voice),
            ladder::Way::Webhook => Some(Self::Webhook),
            ladder::Way::Desktop => Some(Self::Desktop),
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

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl std::str::FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|way| way.word() == text).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|way| way.word()).collect();
            format!("{text:?} is no way to reach somebody: write {}", words.join(", "))
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
pub fn may_go(way: Way, went: &[Time], now: Time) -> Time {
    let mut went = went.to_vec();
    went.sort_unstable();
    let free = |cap: &Cap| {
        // The window is full while it contains the latest `most` notifications, and free once the
        // oldest of these has left.
        let first = went.len().checked_sub(cap.most)?;
        went.get(first).map(|at| *at + cap.within)
    };
    way.caps().iter().filter_map(free).fold(now, Time::max)
}

/// The longest window of a channel's caps: earlier notifications no longer count.
#[must_use]
pub fn longest_cap(way: Way) -> TimeDelta {
    way.caps().iter().map(|cap| cap.within).max().unwrap_or(TimeDelta::zero())
}

/// Urgency of a notification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
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
pub struct Outgoing {
    /// Unique key: a notification with a known key is not added again, whatever the content.
    /// Example: `142:climb3:push:discord:80351110224678912`.
    pub key: String,
    /// The receiving person's id, used for counting caps; empty for channels without a person
    /// (webhook, desktop).
    pub person: String,
    /// The channel.
    pub way: Way,
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
    pub urgency: Urgency,
    /// The decisions concerned. After all are closed the notification is dropped; with an empty set
    /// the notification is always sent.
    pub decisions: BTreeSet<DecisionId>,
}

/// Longest title, in UTF-16 units.
const LONGEST_TITLE: usize = 200;
/// Longest text, in UTF-16 units; a channel with less room cuts further.
const LONGEST_WORDS: usize = 1_500;

impl Outgoing {
    /// Sanitizes the notification: texts cleaned and cut, mentions and links defused, and any link
    /// except to Discord removed. Idempotent.
    #[must_use]
    pub fn fit_to_leave(self) -> Self {
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
pub struct Ways {
    /// Push.
    pub push: bool,
    /// SMS.
    pub sms: bool,
    /// Phone calls.
    pub voice: bool,
    /// Desktop.
    pub desktop: bool,
    /// Webhooks.
    pub hooks: Vec<Hook>,
}

/// A webhook, reduced to the receiver's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The name.
    pub name: String,
    /// The projects to notify about; empty means all projects.
    pub projects: Vec<String>,
}

impl Ways {
    /// Whether a channel of the ladder is configured. Channels on Discord itself always are.
    #[must_use]
    pub fn has(&self, way: ladder::Way) -> bool {
        match Way::of_rung(way) {
            None => true,
            Some(Way::Push) => self.push,
            Some(Way::Sms) => self.sms,
            Some(Way::Voice) => self.voice,
            Some(Way::Webhook) => !self.hooks.is_empty(),
            Some(Way::Desktop) => self.desktop,
        }
    }

    /// A person's address for a channel; `None` if the channel is not configured or the person has
    /// no address. Webhooks and the desktop belong to no person: see [`Ways::of_nobody`].
    #[must_use]
    pub fn of_person(&self, way: Way, person: &Profile) -> Option<String> {
        match way {
            Way::Push if self.push => person.ntfy.clone(),
            Way::Sms if self.sms => person.phone.clone(),
            Way::Voice if self.voice => person.phone.clone(),
            _ => None,
        }
    }

    /// The webhooks and the desktop subscribed to a project, with addresses.
    #[must_use]
    pub fn of_nobody(&self, project: &str) -> Vec<(Way, String)> {
        let hears = |hook: &&Hook| {
            hook.projects.is_empty() || hook.projects.iter().any(|other| other == project)
        };
        let hooks = self.hooks.iter().filter(hears).map(|hook| (Way::Webhook, hook.name.clone()));
        hooks.chain(self.desktop.then(|| (Way::Desktop, String::new()))).collect()
    }
}

/// Delivery state of a notification. All times are by the wall clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Sending {
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

impl Sending {
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
pub struct Letter {
    /// The notification, with an empty address once settled.
    #[serde(flatten)]
    pub message: Outgoing,
    /// When the notification was added, by the wall clock.
    pub asked_at: Time,
    /// Number of attempts.
    pub tries: u32,
    /// The delivery state.
    #[serde(flatten)]
    pub sending: Sending,
    /// Position in the settlement order, from 1; 0 if not settled.
    pub settled: u64,
}

/// Maximum number of attempts; with the backoff, about an hour and a half.
pub const MOST_TRIES: u32 = 12;
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
pub fn is_worth_a_try(letter: &Letter, now: Time) -> bool {
    letter.tries < MOST_TRIES && now - letter.asked_at < GIVE_UP_AFTER
}

#[cfg(test)]
#[path = "outgoing/tests.rs"]
mod tests;
