//! Interactions under way: what a person did, how far the bot's answer has come, and until when
//! it may come. How a person begins one is in `actions`; how the bot answers, in the REST routes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clock::Clock;
use crate::model::{Cause, Origin};
use crate::outcome::Outcome;
use crate::snowflake::{self, Snowflake};
use crate::state::State;

/// What a person did, and what has come of it.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) id: Snowflake,
    /// The application that is to answer.
    pub(crate) application: Snowflake,
    pub(crate) token: String,
    pub(crate) kind: Kind,
    pub(crate) user: Snowflake,
    pub(crate) channel: Snowflake,
    pub(crate) origin: Origin,
    pub(crate) stage: Stage,
    /// The message that `@original` means.
    pub(crate) original: Option<Snowflake>,
    /// The messages that the token reaches.
    pub(crate) messages: Vec<Snowflake>,
    began: Instant,
    answered: Option<Instant>,
}

/// Which kind of interaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A slash command.
    Command,
    /// A component of this message.
    Component { message: Snowflake },
    /// A slash command that is being typed.
    Autocomplete,
    /// A form; `message` is where the component was that opened it.
    Modal { message: Option<Snowflake> },
}

impl Kind {
    /// Discord's number.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Command => 2,
            Self::Component { .. } => 3,
            Self::Autocomplete => 4,
            Self::Modal { .. } => 5,
        }
    }

    /// The message that callback types 6 and 7 mean.
    pub(crate) fn message(self) -> Option<Snowflake> {
        match self {
            Self::Component { message } => Some(message),
            Self::Modal { message } => message,
            Self::Command | Self::Autocomplete => None,
        }
    }
}

/// How far the answer has come.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// No answer yet.
    Waiting,
    /// Deferred: the person sees "is thinking…".
    Thinking,
    /// The answer stands.
    Answered(Answer),
    /// No answer came in time.
    Failed,
    /// It was sent to the application's endpoint, where nothing answers, and not to the bot.
    Misdirected,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A message: new, edited, or merely acknowledged.
    Message(Snowflake),
    /// A form.
    Modal(Value),
    /// Choices for the option that is being typed.
    Choices(Vec<Value>),
    /// Nothing: the deferred answer was deleted.
    Nothing,
}

/// A form that stands open before a person.
#[derive(Clone, Debug)]
pub(crate) struct Modal {
    /// The application that opened it.
    pub(crate) application: Snowflake,
    pub(crate) user: Snowflake,
    pub(crate) channel: Snowflake,
    pub(crate) message: Option<Snowflake>,
    pub(crate) trigger: Origin,
    /// `title`, `custom_id` and `components`.
    pub(crate) form: Value,
}

/// What an interaction begins with.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) application: Snowflake,
    pub(crate) kind: Kind,
    pub(crate) user: Snowflake,
    pub(crate) channel: Snowflake,
    pub(crate) cause: Cause,
}

/// All interactions and open forms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interactions {
    all: HashMap<Snowflake, Interaction>,
    pub(crate) modals: HashMap<Snowflake, Modal>,
}

impl Interactions {
    /// Begins an interaction.
    pub(crate) fn begin(&mut self, clock: &Clock, start: Start) -> &Interaction {
        let Start { application, kind, user, channel, cause } = start;
        let id = clock.next_id();
        self.all.entry(id).or_insert(Interaction {
            id,
            application,
            token: format!("{}{}", snowflake::secret(), snowflake::secret()),
            kind,
            user,
            channel,
            origin: Origin { interaction: id, user, cause },
            stage: Stage::Waiting,
            original: None,
            messages: Vec::new(),
            began: clock.instant(),
            answered: None,
        })
    }

    /// Forgets what began longer ago than this.
    pub(crate) fn forget(&mut self, clock: &Clock, age: Duration) {
        self.all.retain(|_, interaction| !interaction.is_expired(clock, age));
    }

    /// The interactions that wait for an answer.
    pub(crate) fn open(&self) -> Vec<Snowflake> {
        let open = |i: &&Interaction| matches!(i.stage, Stage::Waiting | Stage::Thinking);
        self.all.values().filter(open).map(|interaction| interaction.id).collect()
    }

    /// Notes that the bot will never hear of an interaction.
    pub(crate) fn misdirect(&mut self, id: Snowflake) {
        if let Some(interaction) = self.all.get_mut(&id) {
            interaction.stage = Stage::Misdirected;
        }
    }

    pub(crate) fn get(&self, id: Snowflake) -> Option<&Interaction> {
        self.all.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: Snowflake) -> Option<&mut Interaction> {
        self.all.get_mut(&id)
    }

    pub(crate) fn by_token(&self, token: &str) -> Option<&Interaction> {
        self.all.values().find(|i| i.token == token)
    }

    /// A person's interactions that have no answer yet, oldest first.
    pub(crate) fn pending(&self, user: Snowflake) -> Vec<&Interaction> {
        let open = |i: &&Interaction| {
            i.user == user
                && i.kind != Kind::Autocomplete
                && matches!(i.stage, Stage::Waiting | Stage::Thinking)
        };
        let mut pending: Vec<_> = self.all.values().filter(open).collect();
        pending.sort_by_key(|interaction| interaction.id);
        pending
    }
}

impl Interaction {
    /// Whether the first answer may no longer come.
    pub(crate) fn is_late(&self, clock: &Clock, deadline: Duration) -> bool {
        matches!(self.stage, Stage::Waiting) && self.age(clock) >= deadline
    }

    /// Whether the token is of no use any more.
    pub(crate) fn is_expired(&self, clock: &Clock, lifetime: Duration) -> bool {
        self.age(clock) >= lifetime
    }

    fn age(&self, clock: &Clock) -> Duration {
        clock.instant().saturating_duration_since(self.began)
    }

    /// Notes the bot's first answer.
    pub(crate) fn acknowledge(&mut self, clock: &Clock, stage: Stage) {
        self.answered = Some(clock.instant());
        self.stage = stage;
    }

    /// Notes a message that answers.
    pub(crate) fn keep(&mut self, message: Snowflake) {
        self.original.get_or_insert(message);
        if !self.messages.contains(&message) {
            self.messages.push(message);
        }
    }

    fn ack_ms(&self) -> Option<u64> {
        let taken = self.answered?.duration_since(self.began);
        u64::try_from(taken.as_millis()).ok()
    }
}

/// What a person who waits for an answer knows now.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It is over.
    Over(Outcome),
    /// It may go on for so long.
    For(Duration),
}

impl State {
    /// How far an interaction has come; notes the failure when its time is over.
    pub(crate) fn progress(&mut self, id: Snowflake) -> Progress {
        let deadline = self.settings.interaction_deadline;
        let lifetime = self.settings.token_lifetime;
        let now = self.clock().instant();
        let Some(interaction) = self.interactions.get_mut(id) else {
            return Progress::Over(Outcome::failed("This interaction failed"));
        };
        let end = match interaction.stage {
            Stage::Waiting => interaction.began + deadline,
            Stage::Thinking => interaction.began + lifetime,
            Stage::Answered(_) | Stage::Failed | Stage::Misdirected => {
                return Progress::Over(self.outcome(id));
            }
        };
        if now < end {
            return Progress::For(end.saturating_duration_since(now));
        }
        interaction.stage = Stage::Failed;
        self.touch();
        Progress::Over(self.outcome(id))
    }

    /// What the person sees of an interaction that is over.
    fn outcome(&self, id: Snowflake) -> Outcome {
        let Some(interaction) = self.interactions.get(id) else {
            return Outcome::default();
        };
        let mut outcome = Outcome { ok: true, ack_ms: interaction.ack_ms(), ..Outcome::default() };
        match &interaction.stage {
            Stage::Answered(Answer::Message(message)) => {
                outcome.message = self.message_object(*message);
            }
            Stage::Answered(Answer::Modal(form)) => outcome.modal = Some(form.clone()),
            Stage::Answered(Answer::Choices(choices)) => outcome.choices.clone_from(choices),
            Stage::Answered(Answer::Nothing) => {}
            Stage::Waiting | Stage::Thinking | Stage::Failed | Stage::Misdirected => {
                outcome.ok = false;
                outcome.error = Some(self.failure(interaction));
            }
        }
        outcome
    }

    /// What the person reads, and what happened.
    fn failure(&self, interaction: &Interaction) -> String {
        let words = match interaction.kind {
            Kind::Command => "The application did not respond",
            Kind::Autocomplete => "Loading options failed",
            Kind::Component { .. } => "This interaction failed",
            Kind::Modal { .. } => "Something went wrong. Try again.",
        };
        let application = self.realm.application(interaction.application);
        let endpoint = application.and_then(|application| application.endpoint.as_ref());
        if let (Stage::Misdirected, Some(endpoint)) = (&interaction.stage, endpoint) {
            format!(
                "{words} (sent to the Interactions Endpoint URL {endpoint}, not over the gateway)"
            )
        } else if interaction.answered.is_some() {
            let limit = words_for(self.settings.token_lifetime);
            format!("{words} (deferred, but no answer within {limit})")
        } else if !self.gateway.is_connected(interaction.application) {
            let limit = words_for(self.settings.interaction_deadline);
            format!("{words} (no answer within {limit}: the bot is not connected)")
        } else {
            let limit = words_for(self.settings.interaction_deadline);
            format!("{words} (no answer within {limit})")
        }
    }
}

/// A duration with its unit: `3 s`, `300 ms`.
fn words_for(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{} s", duration.as_secs()),
        _ => format!("{} ms", duration.as_millis()),
    }
}
