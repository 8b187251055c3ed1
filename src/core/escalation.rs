//! The escalation ladder: which step an unanswered decision has reached, and when the next step is
//! due.
//!
//! Pure. A [`Ladder`] holds the configured steps. Combined with a decision's start and SLA, the
//! ladder becomes a plan of moments. A step fires once: a decision remembers the highest step
//! reached ([`LadderPosition`]), and only higher steps can fall due. Does not depend on recipients,
//! transports or wording.

pub(crate) mod schedule;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::schedule::DueStep;
use super::Time;
pub use super::values::channel::{Channel, ExternalChannel};
use super::values::identity::Person;
use super::values::words::SafeDefault;

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

/// When a step is due. Times are in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepTime {
    /// Time after the start of the ladder.
    After(u64),
    /// Time before the breach. If the SLA is no longer than this time, the step is due halfway to
    /// the breach.
    BeforeBreach(u64),
    /// Time after the breach; 0 is the breach itself.
    AfterBreach(u64),
}

impl StepTime {
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
pub struct Step {
    /// When the step is due.
    pub when: StepTime,
    /// The channels to use, each listed once.
    pub by: Vec<Channel>,
    /// Repeat interval in seconds, until the next step. Absent: the step fires once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u64>,
    /// Whether the step applies the safe default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
}

/// Maximum number of steps in a ladder.
pub const MAX_STEPS: usize = 20;
/// Shortest repeat interval in seconds. People mute notifications that come more often.
pub const MIN_REPEAT_SECONDS: u64 = 5 * 60;

/// Why a ladder is invalid, with a remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLadder {
    /// No steps, or too many.
    #[error("a ladder must have 1 to {MAX_STEPS} steps, not {0}")]
    Steps(usize),
    /// A step without channels or safe default.
    #[error("a step reaches nobody: add by = [\"dm\"] or another channel, or default = true")]
    Idle,
    /// A repeat interval below [`MIN_REPEAT_SECONDS`].
    #[error("a step repeats every {0} s: the interval must be at least 5m")]
    Repeat(u64),
    /// A safe default at or before the breach.
    #[error(
        "the step with the safe default must come after the breach: give it after_breach, such \
         as \"2h\""
    )]
    DefaultTooEarly,
    /// A last step without repetition or safe default.
    #[error(
        "after the last step nothing happens any more: give that step default = true, or repeat, \
         such as \"24h\""
    )]
    Silent,
    /// A step after the safe default.
    #[error(
        "a step comes after the step with the safe default, when nothing is open any more: \
         remove it, or move it earlier"
    )]
    AfterTheEnd,
}

/// The escalation steps, earliest first. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ladder(Arc<[Step]>);

impl Default for Ladder {
    /// Steps at 30 min, at 2 h and every 4 h, 30 min before the breach, at the breach, and 2 h
    /// after the breach.
    fn default() -> Self {
        let step =
            |when, by: &[Channel]| Step { when, by: by.to_vec(), repeat: None, default: false };
        let push = Channel::External(ExternalChannel::Push);
        Self(Arc::new([
            step(StepTime::After(30 * 60), &[Channel::Dm]),
            Step {
                repeat: Some(4 * 3600),
                ..step(StepTime::After(2 * 3600), &[Channel::Mention, push])
            },
            step(StepTime::BeforeBreach(30 * 60), &[Channel::Here]),
            step(
                StepTime::AfterBreach(0),
                &[
                    Channel::Dm,
                    Channel::Mention,
                    push,
                    ExternalChannel::Sms.into(),
                    ExternalChannel::Webhook.into(),
                    ExternalChannel::Desktop.into(),
                ],
            ),
            Step {
                default: true,
                ..step(StepTime::AfterBreach(2 * 3600), &[ExternalChannel::Voice.into()])
            },
        ]))
    }
}

impl Ladder {
    /// Sorts and validates the steps.
    ///
    /// # Errors
    /// [`InvalidLadder`], with a remedy. A valid ladder never leaves a decision without a next
    /// moment.
    pub fn new(mut steps: Vec<Step>) -> Result<Self, InvalidLadder> {
        if !(1..=MAX_STEPS).contains(&steps.len()) {
            return Err(InvalidLadder::Steps(steps.len()));
        }
        steps.sort_by_key(|step| match step.when {
            StepTime::After(span) => (Stage::Reminder, span),
            StepTime::BeforeBreach(span) => (Stage::Warning, u64::MAX - span),
            StepTime::AfterBreach(span) => (step.when.stage(), span),
        });
        for step in &steps {
            if step.by.is_empty() && !step.default {
                return Err(InvalidLadder::Idle);
            }
            if let Some(repeat) = step.repeat.filter(|repeat| *repeat < MIN_REPEAT_SECONDS) {
                return Err(InvalidLadder::Repeat(repeat));
            }
            if step.default && step.when.stage() != Stage::Overdue {
                return Err(InvalidLadder::DefaultTooEarly);
            }
        }
        let (last, others) = steps.split_last().ok_or(InvalidLadder::Steps(0))?;
        if others.iter().any(|step| step.default) {
            return Err(InvalidLadder::AfterTheEnd);
        }
        if !last.default && last.repeat.is_none() {
            return Err(InvalidLadder::Silent);
        }
        Ok(Self(steps.into()))
    }

    /// The steps, earliest first.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The ladder restricted to configured channels. A reminder or warning without any configured
    /// channel is dropped. The breach, the steps after it and the last step stay even without
    /// channels, because they record facts.
    #[must_use]
    pub fn with_channels(&self, is_set_up: impl Fn(Channel) -> bool) -> Self {
        let last = self.0.len().saturating_sub(1);
        let configured = |(index, step): (usize, &Step)| {
            let by: Vec<Channel> =
                step.by.iter().copied().filter(|channel| is_set_up(*channel)).collect();
            let stays = !by.is_empty() || index == last || step.when.stage() >= Stage::Breach;
            stays.then(|| Step { by, ..step.clone() })
        };
        Self(self.0.iter().enumerate().filter_map(configured).collect())
    }

    /// The ladder starting at its first step beyond a direct message; a reminder in this place is
    /// due at once. Used when the agent is blocked and unsure of its own proposal.
    #[must_use]
    pub fn starting_at_mention(&self) -> Self {
        let loud = |step: &Step| {
            step.when.stage() > Stage::Reminder
                || step.by.iter().any(|channel| *channel != Channel::Dm)
        };
        let mut steps: Vec<Step> = self.0.iter().skip_while(|step| !loud(step)).cloned().collect();
        if let Some(Step { when: when @ StepTime::After(_), .. }) = steps.first_mut() {
            *when = StepTime::After(0);
        }
        Self(steps.into())
    }
}

/// The result of one attempt to contact a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "came", rename_all = "snake_case")]
pub enum ContactResult {
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
    #[serde(rename = "way")]
    pub channel: Channel,
    /// The result.
    #[serde(flatten)]
    pub result: ContactResult,
}

/// Steps skipped because a higher step was due as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedSteps {
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
pub enum BreachWarning {
    /// No person has been reached since the breach.
    #[default]
    Nobody,
    /// When the first person was reached.
    Since(Time),
    /// The contacts of this step were about an earlier revision. Contacts still to come at this
    /// step do not count either; the next step starts again at `Nobody`.
    #[serde(rename = "of_another")]
    EarlierRevision,
}

impl BreachWarning {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The highest escalation step that a decision has reached since its ladder began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LadderPosition {
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
    #[serde(default, skip_serializing_if = "BreachWarning::is_default")]
    pub warned: BreachWarning,
}

impl LadderPosition {
    pub(crate) fn new(step: &DueStep, at: Time, seq: u64, warned: BreachWarning) -> Self {
        let DueStep { stage, planned, default, .. } = step;
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
    pub(crate) fn contacts_recorded(&mut self, contacts: Vec<Contact>, complete: bool, at: Time) {
        let id = |contact: &Contact| contact.who.as_ref().map(|who| who.id.clone());
        for contact in contacts {
            self.contacts
                .retain(|known| id(known) != id(&contact) || known.channel != contact.channel);
            self.contacts.push(contact);
        }
        // Contacts of the safe-default step do not count as a warning: no time to answer remains.
        let warns = self.stage >= Stage::Breach && !self.default;
        if warns
            && self.warned == BreachWarning::Nobody
            && self.contacts.iter().any(|contact| contact.result == ContactResult::Reached)
        {
            self.warned = BreachWarning::Since(at);
        }
        let waits = |contact: &Contact| {
            matches!(contact.result, ContactResult::Reached | ContactResult::Held { .. })
        };
        self.in_vain = complete && !self.contacts.iter().any(waits);
    }
}

/// The next action of a decision's ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DueAction {
    /// Fire a step that is due.
    LadderPosition(DueStep),
    /// Apply the safe default.
    Default(SafeDefault),
}

#[cfg(test)]
mod tests;
