//! The ladder: which rung of it a decision that nobody answers has reached, and when the next one
//! is due.
//!
//! Pure. A [`Ladder`] is what the configuration says; with the moment at which a decision's ladder
//! began and its SLA it becomes a plan of moments. A rung fires once: what a decision remembers is
//! the highest rung it has reached ([`Climb`]), and only what lies above that can fall due. Must
//! not know who is told, by what, or in which words.

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

/// The sort of a rung, in the order in which they are climbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Some time after it was asked.
    Reminder,
    /// Some time before the SLA is breached.
    Warning,
    /// The SLA is breached.
    Breach,
    /// Some time after the breach.
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

/// A way to reach people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A direct message to each person.
    Dm,
    /// A mention under the card.
    Mention,
    /// `@here` under the card.
    Here,
    /// A push notification to each person's telephone.
    Push,
    /// A text message to each person.
    Sms,
    /// A telephone call to each person.
    Voice,
    /// A signed request to somebody's own program.
    Webhook,
    /// A notification on the desktop of the machine that the bot runs on.
    Desktop,
}

impl Way {
    /// All of them.
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

    /// As it is written in the configuration.
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

/// When a rung is due. Spans are in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// So long after the ladder began.
    After(u64),
    /// So long before the breach. Where the SLA is not longer than that: halfway to the breach.
    BeforeBreach(u64),
    /// So long after the breach; 0 is the breach itself.
    AfterBreach(u64),
}

impl When {
    /// The sort of the rung.
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

/// A step of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// When it is due.
    pub when: When,
    /// How people are reached, each way once.
    pub by: Vec<Way>,
    /// Repeated after so many seconds, until the next rung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u64>,
    /// Whether the safe default is applied then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
}

/// Rungs of a ladder at most.
pub const MOST_RUNGS: usize = 20;
/// The shortest time after which a rung is repeated, in seconds: more often is noise that people
/// switch off.
pub const SHORTEST_REPEAT: u64 = 5 * 60;

/// What is wrong with a ladder, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Crooked {
    /// None, or too many.
    #[error("a ladder has 1 to {MOST_RUNGS} rungs, and this one has {0}")]
    Rungs(usize),
    /// A rung that does nothing.
    #[error("a rung reaches nobody: give it by = [\"dm\"] or another way, or default = true")]
    Idle,
    /// Too often.
    #[error("a rung is repeated every {0} s: at least 5m must lie between")]
    Repeat(u64),
    /// The default before the breach.
    #[error(
        "the safe default is applied some time after the breach: give that rung after_breach, such as \"2h\""
    )]
    DefaultTooEarly,
    /// The end is silence.
    #[error(
        "the last rung lets the decision fall silent: give it default = true, or repeat, such as \"24h\""
    )]
    Silent,
    /// Something behind the end.
    #[error(
        "a rung comes after the one that applies the safe default: nothing is open any more then. Remove it, or let it come earlier"
    )]
    AfterTheEnd,
}

/// The rungs, lowest first. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ladder(Arc<[Rung]>);

impl Default for Ladder {
    /// 30 min, 2 h and every 4 h, 30 min before the breach, the breach, 2 h after it.
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
    /// Puts rungs in order.
    ///
    /// # Errors
    /// [`Crooked`], with what to do: no decision may be left without a next moment.
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

    /// The rungs, lowest first.
    #[must_use]
    pub fn rungs(&self) -> &[Rung] {
        &self.0
    }

    /// The same ladder with the ways that are set up. A reminder or warning that would reach nobody
    /// is left out; the breach and what comes after it are facts, whoever hears of them.
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

    /// The same ladder begun at its first mention, for what blocks an agent that is not sure of
    /// itself.
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

/// What came of the try to reach somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "came", rename_all = "snake_case")]
pub enum Came {
    /// They were reached.
    Reached,
    /// It is their quiet time: they will be.
    Held {
        /// When.
        until: Time,
    },
    /// They are away: they were passed over.
    Away {
        /// Until then.
        until: Time,
    },
    /// They could not be.
    Failed {
        /// Why.
        why: String,
    },
}

/// A try to reach somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Whom; absent: everybody in the channel, or the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Person>,
    /// By what.
    pub way: Way,
    /// What came of it.
    #[serde(flatten)]
    pub came: Came,
}

/// Rungs that were passed over because a higher one was due as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Their sort.
    pub stage: Stage,
    /// When the first was due.
    pub due: Time,
    /// How many: a repeated one counts each time.
    pub times: u32,
}

/// Whether people know of a breach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warned {
    /// Nobody was reached with it so far.
    #[default]
    Nobody,
    /// Somebody was.
    Since(Time),
    /// What they were told of is not what is asked any more, whoever is still to be reached at this
    /// rung.
    OfAnother,
}

impl Warned {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The highest rung that a decision has reached since its ladder began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Climb {
    /// Its sort.
    pub stage: Stage,
    /// When it was due.
    pub due: Time,
    /// When it fired.
    pub at: Time,
    /// The log's position of that: what its contacts name.
    pub seq: u64,
    /// Whether the safe default belongs to it.
    pub default: bool,
    /// Who was tried to be reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<Contact>,
    /// Nobody was reached, and nobody will be: the next rung does not wait for its time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_vain: bool,
    /// Whether people know of the breach: only then may silence approve.
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

    /// The latest word on each person and way counts.
    fn told(&mut self, contacts: Vec<Contact>, complete: bool, at: Time) {
        let id = |contact: &Contact| contact.who.as_ref().map(|who| who.id.clone());
        for contact in contacts {
            self.contacts.retain(|known| id(known) != id(&contact) || known.way != contact.way);
            self.contacts.push(contact);
        }
        // The rung of the end itself tells people nothing that they could still answer.
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

/// What a decision's ladder demands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// A rung is due.
    Climb(Due),
    /// The safe default is to be applied.
    Default(SafeDefault),
}

#[cfg(test)]
mod tests;
