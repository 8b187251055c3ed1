//! Messages that leave Gander by other ways than its surface: what one is, what became of it, and
//! how many a person gets.
//!
//! Pure: who is told and when is the ladder's business, how it is carried that of whoever carries
//! it. Nothing here can carry a link that decides: the only link that a message may have leads to a
//! message on Discord.

pub mod sms;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Time;
use super::decision::DecisionId;
use super::ladder;
use super::people::Profile;
use super::untrusted::{clean, one_line, plain, without_links};

/// A way to reach somebody beyond the surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A push notification on a phone, by ntfy.
    Push,
    /// A text message to a phone.
    Sms,
    /// A phone call that speaks.
    Voice,
    /// A signed request to a program of the user's own.
    Webhook,
    /// A notification on the desktop of the machine that the bot runs on.
    Desktop,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Push, Self::Sms, Self::Voice, Self::Webhook, Self::Desktop];

    /// Its word, in configuration, store and command line.
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

    /// The way of a rung, if it leads beyond the surface.
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

    /// How many messages a person gets by it at most, by span. What is over is held back until it
    /// may go.
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

/// At most so many within a sliding span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// So many.
    pub most: usize,
    /// Within this.
    pub within: TimeDelta,
}

/// When a message may go by a way, if these went to the same person before it. `now` if it may at
/// once.
#[must_use]
pub fn may_go(way: Way, went: &[Time], now: Time) -> Time {
    let mut went = went.to_vec();
    went.sort_unstable();
    let free = |cap: &Cap| {
        // The last `most` of them must not all lie within the span: it is free when the first of
        // those has left it.
        let first = went.len().checked_sub(cap.most)?;
        went.get(first).map(|at| *at + cap.within)
    };
    way.caps().iter().filter_map(free).fold(now, Time::max)
}

/// The longest span that any cap of a way looks back: what went before it counts no more.
#[must_use]
pub fn longest_cap(way: Way) -> TimeDelta {
    way.caps().iter().map(|cap| cap.within).max().unwrap_or(TimeDelta::zero())
}

/// How pressing a message is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// A reminder.
    #[default]
    Normal,
    /// Time runs out.
    High,
    /// It is late, or critical.
    Urgent,
}

/// A message to one receiver by one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Names it for good: asking for the same again is the same message, whatever else it says. For
    /// example `142:climb3:push:discord:80351110224678912`.
    pub key: String,
    /// Whom it is for, by the person's own id; empty for a way that belongs to nobody (webhook,
    /// desktop). Caps count by it.
    pub person: String,
    /// By which way.
    pub way: Way,
    /// Where to: a phone's number (E.164) for SMS and voice, a topic of ntfy for push, the name of
    /// a webhook; empty for the desktop. Forgotten once the message is settled.
    pub to: String,
    /// What it is about, in a line.
    pub title: String,
    /// The rest. May be empty.
    pub words: String,
    /// The Discord message that it leads to. Anything else is left out: see [`link_to_discord`].
    pub link: Option<String>,
    /// How pressing it is.
    pub urgency: Urgency,
    /// The decisions that it is about. When all of them are over it is not sent any more; empty: it
    /// always is.
    pub decisions: BTreeSet<DecisionId>,
}

/// Longest title of a message, in UTF-16 units.
const LONGEST_TITLE: usize = 200;
/// Longest words of a message, in UTF-16 units; a way that carries less cuts them further.
const LONGEST_WORDS: usize = 1_500;

impl Outgoing {
    /// The message as it may leave: its texts cleaned, cut, without mentions and without live
    /// links, and with no link but one to Discord. Doing it twice changes nothing.
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

/// The link, if it leads to a message or channel on Discord:
/// `https://discord.com/channels/SERVER/CHANNEL/MESSAGE`. Nothing else is sent by any way: what is
/// fetched for a preview, or forwarded, must decide nothing.
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

/// Which ways are configured.
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

/// A webhook, as far as it matters who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// Only of these projects; empty: of all.
    pub projects: Vec<String>,
}

impl Ways {
    /// Whether a way of the ladder is set up. Those of the surface itself always are.
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

    /// Where a person is reached by a way; `None` if they are not, because the way is not
    /// configured or they have no address for it. Webhooks and the desktop belong to nobody: see
    /// [`Ways::of_nobody`].
    #[must_use]
    pub fn of_person(&self, way: Way, person: &Profile) -> Option<String> {
        match way {
            Way::Push if self.push => person.ntfy.clone(),
            Way::Sms if self.sms => person.phone.clone(),
            Way::Voice if self.voice => person.phone.clone(),
            _ => None,
        }
    }

    /// The webhooks and the desktop that hear of a project, with the address of each.
    #[must_use]
    pub fn of_nobody(&self, project: &str) -> Vec<(Way, String)> {
        let hears = |hook: &&Hook| {
            hook.projects.is_empty() || hook.projects.iter().any(|other| other == project)
        };
        let hooks = self.hooks.iter().filter(hears).map(|hook| (Way::Webhook, hook.name.clone()));
        hooks.chain(self.desktop.then(|| (Way::Desktop, String::new()))).collect()
    }
}

/// How a message stands. Times are the wall clock's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Sending {
    /// It waits for its turn, or for its next try.
    Queued {
        /// When that is.
        next_try: Time,
        /// Why the last try failed.
        why: Option<String>,
    },
    /// The person has had enough of them for now: it goes later, and is not lost.
    Held {
        /// When it may go.
        until: Time,
    },
    /// It is being sent: from `since` on it may have gone out.
    Trying {
        /// Since then.
        since: Time,
        /// When it is looked for, if nobody knows what became of it.
        next_try: Time,
    },
    /// It was accepted by whoever carries it.
    Sent {
        /// When.
        at: Time,
        /// Their name for it. May be empty.
        receipt: String,
    },
    /// It did not reach them and is not tried any more.
    GaveUp {
        /// When.
        at: Time,
        /// Why, and what to do.
        why: String,
    },
    /// Everything that it was about was over before it went.
    Dropped {
        /// When.
        at: Time,
    },
}

impl Sending {
    /// Whether it will not change any more.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        matches!(self, Self::Sent { .. } | Self::GaveUp { .. } | Self::Dropped { .. })
    }

    /// When somebody is to look at it again.
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

/// A message with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// The message. Once it is settled its address is empty.
    #[serde(flatten)]
    pub message: Outgoing,
    /// When it was asked for, by the wall clock.
    pub asked_at: Time,
    /// How often it was tried.
    pub tries: u32,
    /// How it stands.
    #[serde(flatten)]
    pub sending: Sending,
    /// Its place in the order in which messages were settled, from 1; 0: it is not.
    pub settled: u64,
}

/// A message is tried so often at most. With the back-off that is about an hour and a half.
pub const MOST_TRIES: u32 = 12;
/// And not after this, however long it was held back: then the ladder has climbed on.
pub const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(6);
/// The pause before the second try; it doubles with each.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(10);
/// The longest pause that is taken without being asked to.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// How long to wait after a number of failed tries, from 1, when whoever carries it asked for at
/// least this.
#[must_use]
pub fn pause(tries: u32, asked_for: TimeDelta) -> TimeDelta {
    let doubled = FIRST_PAUSE * (1 << tries.saturating_sub(1).min(10));
    doubled.min(LONGEST_PAUSE).max(asked_for.min(TimeDelta::hours(1)))
}

/// Whether it is worth another try.
#[must_use]
pub fn is_worth_a_try(letter: &Letter, now: Time) -> bool {
    letter.tries < MOST_TRIES && now - letter.asked_at < GIVE_UP_AFTER
}

#[cfg(test)]
#[path = "outgoing/tests.rs"]
mod tests;
