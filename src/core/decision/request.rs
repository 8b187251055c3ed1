//! An agent's request, with its content and vocabulary.
//!
//! Plain data without logic. `policy` sets the terms of a request; `decision` handles the resulting
//! decision.

use serde::{Deserialize, Serialize};

use super::editing::Editable;
use super::script::{Attested, Changes, Script};
use super::{
    DecisionId, Expects, GrantLimits, Grantable, Kind, Person, Priority, Question, Risk,
    SafeDefault,
};
use crate::core::escalation::Ladder;

/// The SLA without any configuration, in seconds: 4 h 30 min.
pub const DEFAULT_SLA_SECONDS: u64 = 4 * 3600 + 1800;

/// The three parts that explain a decision. Each may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Insight {
    /// What the agent observed.
    pub observation: String,
    /// Why the observation matters.
    pub why_it_matters: String,
    /// What the agent recommends.
    pub what_to_do: String,
}

/// A named fact on the card: `tests` `47/47`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// An option of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The name, reported to the agent when chosen.
    pub name: String,
    /// Arguments for and against the option. May be empty.
    #[serde(default)]
    pub description: String,
}

/// A link to further reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The link's label.
    pub name: String,
    /// The address, `https://…` or `http://…`.
    pub url: String,
}

/// A file attached to a request. The bytes are read when the file is posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The displayed file name.
    pub name: String,
    /// An absolute path on the store's machine.
    pub path: std::path::PathBuf,
}

/// The requesting agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Agent {
    /// The agent's name: `claude-code`, `goose`, or a custom name.
    pub name: String,
    /// The session, if known. Distinguishes two runs of one agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// An agent's request. An agent's statements about itself are claims; `policy` sets the effective
/// terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// One line. Never empty.
    pub title: String,
    /// The subject.
    pub kind: Kind,
    /// The expected kind of answer.
    pub expects: Expects,
    /// Observation, why it matters, what to do.
    pub insight: Insight,
    /// Facts shown on the card.
    pub details: Vec<Detail>,
    /// Long text: a plan, a diff.
    pub body: String,
    /// Attached files.
    pub attachments: Vec<Attachment>,
    /// Links to further reading.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Of a tool call: the files that it runs, as far as they were found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<Script>,
    /// Of a tool call: what changed since the call was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// The project, which determines Discord channel, approvers and policy.
    pub project: String,
    /// `production`, `staging` …
    pub environment: Option<String>,
    /// The requesting agent.
    pub agent: Agent,
    /// The job that waits for the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The verified identity of the requester, if known: a person, or a program identified by token
    /// or user. A requester may not decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<Person>,
    /// The claimed risk.
    pub risk: Risk,
    /// The agent's confidence in its own proposal, 0 to 1.
    pub confidence: Option<f64>,
    /// How soon the answer is needed.
    pub priority: Priority,
    /// The options, if the decision expects a choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
    /// The questions of an agent that asks its person. Empty: the title is the question.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// Whether the body is a plan that the agent asks to carry out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub plan: bool,
    /// How many different people must approve; 0 and 1 both mean one person.
    #[serde(skip_serializing_if = "is_one")]
    pub approvals_needed: u32,
    /// Seconds until the breach. Absent: set by policy.
    pub sla_seconds: Option<u64>,
    /// The verdict if no person answers. Absent: reject.
    pub safe_default: Option<SafeDefault>,
    /// Idempotency key: asking again with this key while the decision is open returns the existing
    /// decision.
    pub dedup_key: Option<String>,
    /// What a grant of a tool call can cover. Only gates set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grantable: Option<Grantable>,
    /// Of a tool call: what a person may change before approving. Only gates set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub editable: Option<Editable>,
    /// Of a tool call: what a verdict will vouch for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attested: Option<Attested>,
}

/// Prefix of the dedup keys of drop folders: followed by the folder, a colon and the file's name.
pub const DROPPED_KEY: &str = "inbox:";

/// Prefix of the dedup keys of watched folders.
pub const TASK_KEY: &str = "agent-task:";

/// Prefix of the dedup keys of `WorkRail` folders: followed by the folder and `#`.
pub const WORKRAIL_KEY: &str = "workrail:";

/// Prefix of the dedup keys of commands that print decisions: followed by the name and `#`.
pub const COMMAND_KEY: &str = "command:";

/// Prefix of the dedup keys of GitHub's webhooks.
pub const GITHUB_KEY: &str = "github:#";

/// Prefix of the dedup keys of Alertmanager's webhook.
pub const ALERTMANAGER_KEY: &str = "alertmanager:#";

/// Prefixes of keys whose first `#` ends the name of where the request came from.
const NAMED_KEYS: [&str; 4] = [WORKRAIL_KEY, COMMAND_KEY, GITHUB_KEY, ALERTMANAGER_KEY];

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
            scripts: Vec::new(),
            changes: None,
            project: "default".into(),
            environment: None,
            agent: Agent::default(),
            job: None,
            asked_by: None,
            risk: Risk::Medium,
            confidence: None,
            priority: Priority::Normal,
            options: Vec::new(),
            questions: Vec::new(),
            plan: false,
            approvals_needed: 1,
            sla_seconds: None,
            safe_default: None,
            dedup_key: None,
            grantable: None,
            editable: None,
            attested: None,
        }
    }
}

impl Request {
    /// The folder, command or service that the request came from, by the key that its source gave
    /// it; `None` for what did not come from a source. All watched folders are one: an agent makes
    /// folders below them.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        let key = self.dedup_key.as_deref().filter(|_| self.asked_by.is_none())?;
        if key.starts_with(TASK_KEY) {
            return Some(TASK_KEY);
        }
        if NAMED_KEYS.iter().any(|prefix| key.starts_with(prefix)) {
            return key.find('#').map(|end| &key[..=end]);
        }
        let folder = key.strip_prefix(DROPPED_KEY)?.rsplit_once(':')?.0;
        Some(&key[..DROPPED_KEY.len() + folder.len() + 1])
    }

    /// Who takes turns with others, and is limited: the verified asker, or the folder. `None`: a
    /// program of the bot's own user. Never the agent's name, which an agent chooses for each
    /// question.
    #[must_use]
    pub fn party(&self) -> Option<&str> {
        self.asked_by.as_ref().map(|asker| asker.id.as_str()).or_else(|| self.folder())
    }

    /// The requester, if the requester is a person and not a program.
    #[must_use]
    pub fn person_asking(&self) -> Option<&Person> {
        self.asked_by.as_ref().filter(|asker| asker.discord_id().is_some())
    }
}

/// The terms of a decision, set by policy and not by the requester.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The effective risk: the requester's, or higher.
    pub risk: Risk,
    /// Seconds from the request to the breach.
    pub sla_seconds: u64,
    /// The verdict if no person answers.
    pub safe_default: SafeDefault,
    /// How many different people must approve, at least 1.
    #[serde(default = "one")]
    pub approvals: u32,
    /// The escalation ladder.
    #[serde(default)]
    pub ladder: Ladder,
    /// An earlier decision with this question that a person rejected, took, deferred or took back.
    /// Only people approve the question then, one by one ([`super::precedent`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precedent: Option<DecisionId>,
    /// The grants that policy allows. Absent: as without any configuration
    /// ([`GrantLimits::usual`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<GrantLimits>,
}

impl Default for Terms {
    /// The terms of a plain request without any configuration.
    fn default() -> Self {
        Self {
            risk: Risk::Medium,
            sla_seconds: DEFAULT_SLA_SECONDS,
            safe_default: SafeDefault::Reject,
            approvals: 1,
            ladder: Ladder::default(),
            precedent: None,
            grants: None,
        }
    }
}
