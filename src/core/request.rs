//! What an agent asks, and the words that it is asked in.
//!
//! Plain data: nothing in here decides anything. What becomes of a request is `policy`'s, what
//! becomes of the decision is `decision`'s.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::decision::Person;
use super::ladder::Ladder;

/// What a decision is about: `deploy`, `credentials`, `naming` … Lower case with underscores. Kinds
/// that nobody has heard of are kept as given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Kind(String);

impl Kind {
    /// The kind's name, as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `client_communication` as a person reads it: `client communication`.
    #[must_use]
    pub fn words(&self) -> String {
        self.0.replace('_', " ")
    }
}

impl Default for Kind {
    fn default() -> Self {
        Self("routine".into())
    }
}

impl From<String> for Kind {
    fn from(text: String) -> Self {
        let name = text.trim().to_lowercase().replace(['-', ' '], "_");
        if name.is_empty() { Self::default() } else { Self(name) }
    }
}

impl From<&str> for Kind {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.0
    }
}

/// An enum whose members have one lower-case word each: parsed from it, shown as it, stored as it.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $member:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$each])* $member),+ }

        impl $name {
            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$member => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text.trim().to_lowercase().as_str() {
                    $($word => Ok(Self::$member),)+
                    _ => Err(format!("{text:?} is none of {}", [$($word),+].join(", "))),
                }
            }
        }
    };
}

words! {
    /// What answers a decision.
    Expects {
        /// Yes or no.
        Approve = "approve",
        /// One of its options.
        Choose = "choose",
        /// A text.
        Answer = "answer",
    }
}

words! {
    /// What can go wrong if the verdict is wrong. Ordered: policy raises it, nothing lowers it.
    Risk {
        /// Easily undone.
        Low = "low",
        /// Some work to undo.
        Medium = "medium",
        /// Customers or money notice.
        High = "high",
        /// Cannot be undone.
        Critical = "critical",
    }
}

words! {
    /// How soon the asker wants the answer.
    Priority {
        /// Some day.
        Low = "low",
        /// In its turn.
        Normal = "normal",
        /// Before the others.
        High = "high",
        /// Now.
        Urgent = "urgent",
    }
}

words! {
    /// What happens to a decision that nobody answers in time.
    SafeDefault {
        /// The answer is no.
        Reject = "reject",
        /// The answer is yes; only where policy allows it.
        Approve = "approve",
    }
}

words! {
    /// How it went when the agent acted on a verdict.
    Outcome {
        /// It worked.
        Succeeded = "succeeded",
        /// It did not.
        Failed = "failed",
    }
}

/// The three parts that explain a decision. Each may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Insight {
    /// What was seen.
    pub observation: String,
    /// What follows from it.
    pub why_it_matters: String,
    /// What the asker recommends to the person.
    pub what_to_do: String,
}

/// A named fact on the card: `tests` `47/47`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The fact's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// One of the answers that a decision offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What the agent is told if it is chosen.
    pub name: String,
    /// What speaks for it and against it. May be empty.
    #[serde(default)]
    pub description: String,
}

/// Something to read elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it is.
    pub name: String,
    /// Its address, `https://…` or `http://…`.
    pub url: String,
}

/// A file that goes with the question. Its bytes are read when it is posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The file's name as people see it.
    pub name: String,
    /// Where it lies: an absolute path on the machine of the store.
    pub path: std::path::PathBuf,
}

/// Who asks: the agent's name, and its session where it has one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Agent {
    /// `claude-code`, `goose`, a name of its own.
    pub name: String,
    /// Tells two runs of one agent apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// What an agent asks. What it says of itself is a claim: `policy` decides what becomes of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// One line. Never empty.
    pub title: String,
    /// What it is about.
    pub kind: Kind,
    /// What answers it.
    pub expects: Expects,
    /// Observation, why it matters, what to do.
    pub insight: Insight,
    /// Facts for the card.
    pub details: Vec<Detail>,
    /// Long text: a plan, a diff.
    pub body: String,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// What to read elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// The project; its channel, approvers and policy follow from it.
    pub project: String,
    /// `production`, `staging` …
    pub environment: Option<String>,
    /// Who asks.
    pub agent: Agent,
    /// The job that waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Who asks, where they are known by more than the agent's own word: a person, or a program by
    /// its token or user. They may not decide it themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<Person>,
    /// How bad a wrong answer is.
    pub risk: Risk,
    /// How sure the agent is of its own proposal, 0 to 1.
    pub confidence: Option<f64>,
    /// How soon it is wanted.
    pub priority: Priority,
    /// What can be chosen, where it expects a choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
    /// How many different people must approve it; 0 and 1: one.
    #[serde(skip_serializing_if = "is_one")]
    pub approvals_needed: u32,
    /// How long it can wait, in seconds; absent: what policy gives.
    pub sla_seconds: Option<u64>,
    /// What happens when nobody answers; absent: reject.
    pub safe_default: Option<SafeDefault>,
    /// Asking again with the same key while it is open is the same decision.
    pub dedup_key: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_one(count: &u32) -> bool {
    *count == 1
}

const fn one() -> u32 {
    1
}

impl Default for Request {
    fn default() -> Self {
        Self {
            title: String::new(),
            kind: Kind::default(),
            expects: Expects::Approve,
            insight: Insight::default(),
            details: Vec::new(),
            body: String::new(),
            attachments: Vec::new(),
            links: Vec::new(),
            project: "default".into(),
            environment: None,
            agent: Agent::default(),
            job: None,
            asked_by: None,
            risk: Risk::Medium,
            confidence: None,
            priority: Priority::Normal,
            options: Vec::new(),
            approvals_needed: 1,
            sla_seconds: None,
            safe_default: None,
            dedup_key: None,
        }
    }
}

impl Request {
    /// The person who asks, if it is one and no program.
    #[must_use]
    pub fn person_asking(&self) -> Option<&Person> {
        self.asked_by.as_ref().filter(|asker| asker.discord_id().is_some())
    }
}

/// What policy made of a request: the part the asker does not decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The risk that counts: the asker's, or higher.
    pub risk: Risk,
    /// Seconds from asking to the breach.
    pub sla_seconds: u64,
    /// What happens when nobody answers.
    pub safe_default: SafeDefault,
    /// How many different people must approve it, at least 1.
    #[serde(default = "one")]
    pub approvals: u32,
    /// What happens while nobody answers.
    #[serde(default)]
    pub ladder: Ladder,
}

impl Default for Terms {
    /// What holds where nothing is configured and nothing asked for.
    fn default() -> Self {
        let rules = super::policy::Rules::default();
        Self {
            risk: Risk::Medium,
            sla_seconds: rules.sla_seconds,
            safe_default: SafeDefault::Reject,
            approvals: 1,
            ladder: rules.ladder,
        }
    }
}
