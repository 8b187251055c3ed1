//! The escalation ladder: which step an unanswered decision has reached, and when the next step is
//! due.
//!
//! Pure. A [`Ladder`] holds the configured steps. Combined with a decision's start and SLA, the
//! ladder becomes a plan of moments. A step fires once: a decision remembers the highest step
//! reached ([`Climb`]), and only higher steps can fall due. Does not depend on recipients,
//! transports or wording.

mod climbing;
mod plan;
mod standing;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::plan::Due;
pub use self::standing::{InTheEnd, Next, Reached, Standing};
use super::Time;
use super::decision::{Person, SafeDefault};

/// The phase of an escalation step, in firing order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Some time after the start of the ladder.
    Reminder,
    /// Some time before the SLA breach.
    Warning,
    /// The SLA breach.
    Breach,
    /// Some time after the SLA breach.
    Overdue,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reminder => "reminder",
            Self::Warning => "SLA warning",
            Self::Breach => "breach",
            Self::Overdue => "overdue",
        })
    }
}

/// A channel: a way to reach people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A Discord direct message to each person.
    Dm,
    /// A mention under the card.
    Mention,
    /// `@here` under the card.
    Here,
    /// A push notification to each person's phone.
    Push,
    /// A text message to each person.
    Sms,
    /// A phone call to each person.
    Voice,
    /// A signed HTTP request to a user's own program.
    Webhook,
    /// A desktop notification on the bot's machine.
    Desktop,
}

impl Way {
    /// All channels.
    pub const ALL: [Self; 8] = [
        Self::Dm,
        Self::Mention,
        Self::Here,
        Self::Push,
        Self::Sms,
        Self::Voice,
        Self::Webhook,
        Self::Desktop,
    ];

    /// The channel's name in the configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dm => "dm",
            Self::Mention => "mention",
            Self::Here => "here",
            Self::Push => "push",
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Webhook => "webhook",
            Self::Desktop => "desktop",
        }
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|way| way.word() == text);
        let all = || Self::ALL.map(Self::word).join(", ");
        known.ok_or_else(|| format!("{text:?} is no way to reach people: write one of {}", all()))
    }
}

/// When a step is due. Times are in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Time after the start of the ladder.
    After(u64),
    /// Time before the breach. If the SLA is no longer than this time, the step is due halfway to
    /// the breach.
    BeforeBreach(u64),
    /// Time after the breach; 0 is the breach itself.
    AfterBreach(u64),
}

impl When {
    /// The phase of a step with this timing.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::After(_) => Stage::Reminder,
            Self::BeforeBreach(_) => Stage::Warning,
            Self::AfterBreach(0) => Stage::Breach,
            Self::AfterBreach(_) => Stage::Overdue,
        }
    }
}

/// An escalation step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// When the step is due.
    pub when: When,
    /// The channels to use, each listed once.
    pub by: Vec<Way>,
    /// Repeat interval in seconds, until the next step. Absent: the step fires once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u64>,
    /// Whether the step applies the safe default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
}

/// Maximum number of steps in a ladder.
pub const MOST_RUNGS: usize = 20;
/// Shortest repeat interval in seconds. People mute notifications that come more often.
pub const SHORTEST_REPEAT: u64 = 5 * 60;

/// Why a ladder is invalid, with a remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Crooked {
    /// No steps, or too many.
    #[error("a ladder has 1 to {MOST_RUNGS} rungs, and this one has {0}")]
    Rungs(usize),
    /// A step without channels or safe default.
    #[error("a rung reaches nobody: give it by = [\"dm\"] or another way, or default = true")]
    Idle,
    /// A repeat interval below [`SHORTEST_REPEAT`].
    #[error("a rung is repeated every {0} s: at least 5m must lie between")]
    Repeat(u64),
    /// A safe default at or before the breach.
    #[error(
        "the safe default is applied some time after the breach: give that rung after_breach, such as \"2h\""
    )]
    DefaultTooEarly,
    /// A last step without repetition or safe default.
    #[error(
        "the last rung lets the decision fall silent: give it default = true, or repeat, such as \"24h\""
    )]
    Silent,
    /// A step after the safe default.
    #[error(
        "a rung comes after the one that applies the safe default: nothing is open any more then. Remove it, or let it come earlier"
    )]
    AfterTheEnd,
}

/// The escalation steps, earliest first. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ladder(Arc<[Rung]>);

impl Default for Ladder {
    /// Steps at 30 min, at 2 h and every 4 h, 30 min before the breach, at the breach, and 2 h
    /// after the breach.
    fn default() -> Self {
        let rung = |when, by: &[Way]| Rung { when, by: by.to_vec(), repeat: None, default: false };
        Self(Arc::new([
            rung(When::After(30 * 60), &[Way::Dm]),
            Rung {
                repeat: Some(4 * 3600),
                ..rung(When::After(2 * 3600), &[Way::Mention, Way::Push])
            },
            rung(When::BeforeBreach(30 * 60), &[Way::Here]),
            rung(
                When::AfterBreach(0),
                &[Way::Dm, Way::Mention, Way::Push, Way::Sms, Way::Webhook, Way::Desktop],
            ),
            Rung { default: true, ..rung(When::AfterBreach(2 * 3600), &[Way::Voice]) },
        ]))
    }
}

impl Ladder {
    /// Sorts and validates the steps.
    ///
    /// # Errors
    /// [`Crooked`], with a remedy. A valid ladder never leaves a decision without a next moment.
    pub fn new(mut rungs: Vec<Rung>) -> Result<Self, Crooked> {
        if !(1..=MOST_RUNGS).contains(&rungs.len()) {
            return Err(Crooked::Rungs(rungs.len()));
        }
        rungs.sort_by_key(|rung| match rung.when {
            When::After(span) => (Stage::Reminder, span),
            When::BeforeBreach(span) => (Stage::Warning, u64::MAX - span),
            When::AfterBreach(span) => (rung.when.stage(), span),
        });
        for rung in &rungs {
            if rung.by.is_empty() && !rung.default {
                return Err(Crooked::Idle);
            }
            if let Some(repeat) = rung.repeat.filter(|repeat| *repeat < SHORTEST_REPEAT) {
                return Err(Crooked::Repeat(repeat));
            }
            if rung.default && rung.when.stage() != Stage::Overdue {
                return Err(Crooked::DefaultTooEarly);
            }
        }
        let (last, others) = rungs.split_last().ok_or(Crooked::Rungs(0))?;
        if others.iter().any(|rung| rung.default) {
            return Err(Crooked::AfterTheEnd);
        }
        if !last.default && last.repeat.is_none() {
            return Err(Crooked::Silent);
        }
        Ok(Self(rungs.into()))
    }

    /// The steps, earliest first.
    #[must_use]
    pub fn rungs(&self) -> &[Rung] {
        &self.0
    }

    /// The ladder restricted to configured channels. A reminder or warning without any configured
    /// channel is dropped. The breach, the steps after it and the last step stay even without
    /// channels, because they record facts.
    #[must_use]
    pub fn with_ways(&self, is_set_up: impl Fn(Way) -> bool) -> Self {
        let last = self.0.len().saturating_sub(1);
        let mend = |(index, rung): (usize, &Rung)| {
            let by: Vec<Way> = rung.by.iter().copied().filter(|way| is_set_up(*way)).collect();
            let stays = !by.is_empty() || index == last || rung.when.stage() >= Stage::Breach;
            stays.then(|| Rung { by, ..rung.clone() })
        };
        Self(self.0.iter().enumerate().filter_map(mend).collect())
    }

    /// The ladder starting at its first step beyond a direct message; a reminder in this place is
    /// due at once. Used when the agent is blocked and unsure of its own proposal.
    #[must_use]
    pub fn from_mention(&self) -> Self {
        let loud = |rung: &Rung| {
            rung.when.stage() > Stage::Reminder || rung.by.iter().any(|way| *way != Way::Dm)
        };
        let mut rungs: Vec<Rung> = self.0.iter().skip_while(|rung| !loud(rung)).cloned().collect();
        if let Some(Rung { when: when @ When::After(_), .. }) = rungs.first_mut() {
            *when = When::After(0);
        }
        Self(rungs.into())
    }
}

/// The result of one attempt to contact a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "came", rename_all = "snake_case")]
pub enum Came {
    /// The contact succeeded.
    Reached,
    /// Delayed by quiet hours or a snooze.
    Held {
        /// When the contact is made.
        until: Time,
    },
    /// Skipped: the person is away.
    Away {
        /// When the person is back.
        until: Time,
    },
    /// The attempt failed.
    Failed {
        /// The cause.
        why: String,
    },
}

/// One attempt to contact a person through one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The person. Absent: everybody in the Discord channel, or the bot's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Person>,
    /// The channel.
    pub way: Way,
    /// The result.
    #[serde(flatten)]
    pub came: Came,
}

/// Steps skipped because a higher step was due as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// The phase of the skipped steps.
    pub stage: Stage,
    /// When the first skipped step was due.
    pub due: Time,
    /// Number of skipped firings, repetitions included.
    pub times: u32,
}

/// Whether people know of the SLA breach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warned {
    /// No person has been reached since the breach.
    #[default]
    Nobody,
    /// When the first person was reached.
    Since(Time),
    /// The contacts of this step were about an earlier revision. Contacts still to come at this
    /// step do not count either; the next step starts again at `Nobody`.
    OfAnother,
}

impl Warned {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The highest escalation step that a decision has reached since its ladder began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Climb {
    /// The step's phase.
    pub stage: Stage,
    /// The planned time of the step.
    pub due: Time,
    /// When the step fired.
    pub at: Time,
    /// The log position of the step's event. The step's contacts refer to this position.
    pub seq: u64,
    /// Whether the step applies the safe default.
    pub default: bool,
    /// The contact attempts of the step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<Contact>,
    /// No contact of the step succeeded, and none is pending. Before the breach, the next step then
    /// fires early.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_vain: bool,
    /// Whether people know of the breach. Only then may the safe default approve.
    #[serde(default, skip_serializing_if = "Warned::is_default")]
    pub warned: Warned,
}

impl Climb {
    fn new(rung: &Due, at: Time, seq: u64, warned: Warned) -> Self {
        let Due { stage, planned, default, .. } = rung;
        Self {
            stage: *stage,
            due: *planned,
            at,
            seq,
            default: *default,
            contacts: Vec::new(),
            in_vain: false,
            warned,
        }
    }

    /// Merges contact results; the latest result per person and channel counts.
    fn told(&mut self, contacts: Vec<Contact>, complete: bool, at: Time) {
        let id = |contact: &Contact| contact.who.as_ref().map(|who| who.id.clone());
        for contact in contacts {
            self.contacts.retain(|known| id(known) != id(&contact) || known.way != contact.way);
            self.contacts.push(contact);
        }
        // Contacts of the safe-default step do not count as a warning: no time to answer remains.
        let warns = self.stage >= Stage::Breach && !self.default;
        if warns
            && self.warned == Warned::Nobody
            && self.contacts.iter().any(|contact| contact.came == Came::Reached)
        {
            self.warned = Warned::Since(at);
        }
        let waits = |contact: &Contact| matches!(contact.came, Came::Reached | Came::Held { .. });
        self.in_vain = complete && !self.contacts.iter().any(waits);
    }
}

/// The next action of a decision's ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// Fire a step that is due.
    Climb(Due),
    /// Apply the safe default.
    Default(SafeDefault),
}

#[cfg(test)]
mod tests;
