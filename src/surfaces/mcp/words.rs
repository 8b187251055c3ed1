//! What the tools take and give, each with its JSON Schema: the types of [`crate::wire`] where
//! there is one, and beside them what only this surface needs.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::core::decision::{Outcome, Priority, State, Verdict};
use crate::core::{decision, text};
use crate::wire::{Decision, Moment};

/// Waits for a verdict.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Await {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// The revision that was asked. If it was asked again with another content, that is said.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(super) revision: Option<u32>,
    /// Seconds to wait at the longest. Left out: 45.
    #[serde(default)]
    #[schemars(range(min = 0, max = 240))]
    pub(super) seconds: Option<u64>,
}

/// How it went.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// Whether it worked.
    pub(super) outcome: Outcome,
    /// In your words.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub(super) text: String,
}

/// Takes a question back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Withdraw {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// Why. Left out: the agent took it back.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub(super) reason: Option<String>,
}

/// A tool that Claude Code is about to use.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Permission {
    /// The tool.
    pub(super) tool_name: String,
    /// What it is called with.
    #[serde(default)]
    pub(super) input: serde_json::Map<String, serde_json::Value>,
    /// The call's own id.
    #[serde(default)]
    #[expect(dead_code, reason = "sent by Claude Code, and named in the schema so that it may be")]
    pub(super) tool_use_id: Option<String>,
}

/// A part of what waits.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pending {
    /// Only of this project.
    #[serde(default)]
    pub(super) project: Option<String>,
    /// How many at most. Left out: 20.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub(super) limit: Option<usize>,
    /// How many to pass over.
    #[serde(default)]
    pub(super) offset: Option<usize>,
}

/// What to look for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// Words of its title, project or kind, or its number. Left out: everything.
    #[serde(default)]
    pub(super) query: Option<String>,
    /// Only those that stand so.
    #[serde(default)]
    pub(super) state: Option<crate::wire::Phase>,
    /// Only of this project.
    #[serde(default)]
    pub(super) project: Option<String>,
    /// How many at most. Left out: 20.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub(super) limit: Option<usize>,
}

/// Which part of what blocks.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Blocking {
    /// Only of this project.
    #[serde(default)]
    pub(super) project: Option<String>,
}

/// A yes, a choice, or an answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approve {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// The revision that the person saw.
    #[schemars(range(min = 1))]
    pub(super) revision: u32,
    /// What the agent is told beside a yes.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub(super) note: Option<String>,
    /// The name of the option, where a choice is expected.
    #[serde(default)]
    pub(super) option: Option<String>,
    /// The text, where an answer is expected.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub(super) answer: Option<String>,
}

/// A no.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reject {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// The revision that the person saw.
    #[schemars(range(min = 1))]
    pub(super) revision: u32,
    /// What the agent is told: without a reason it tries the same again.
    #[schemars(length(min = 1, max = 4000))]
    pub(super) reason: String,
}

/// How soon it is wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Prioritize {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// How soon the person wants it decided.
    pub(super) priority: Priority,
}

/// How a question stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stands {
    /// A person owes it an answer. No answer is no yes.
    Pending,
    /// Put off.
    Deferred,
    /// Yes.
    Approved,
    /// No.
    Rejected,
    /// One of the options.
    Chosen,
    /// A text.
    Answered,
    /// Taken back.
    Withdrawn,
    /// Asked again with another content.
    Superseded,
    /// A verdict of high risk, that a person is to confirm on Discord.
    Proposed,
}

impl From<&decision::Decision> for Stands {
    fn from(decision: &decision::Decision) -> Self {
        match &decision.state {
            State::Pending(_) => Self::Pending,
            State::Deferred { .. } => Self::Deferred,
            State::Withdrawn { .. } => Self::Withdrawn,
            State::Resolved(resolved) => match resolved.verdict {
                Verdict::Approved { .. } => Self::Approved,
                Verdict::Rejected { .. } => Self::Rejected,
                Verdict::Chosen { .. } => Self::Chosen,
                Verdict::Answered { .. } => Self::Answered,
            },
        }
    }
}

/// A decision, in short: seven tools give one, and every client reads every schema before its first
/// call.
fn a_decision(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "description": text::mcp::A_DECISION,
        "properties": {
            "id": { "type": "integer" },
            "revision": { "type": "integer" },
            "state": { "enum": ["pending", "deferred", "resolved", "withdrawn"] },
            "question": { "type": "object" },
        },
        "required": ["id", "revision", "state", "question"],
    })
}

fn decisions(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": a_decision(generator) })
}

/// A decision, and how it stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Told {
    /// How it stands.
    pub(super) stands: Stands,
    /// What to make of it.
    pub(super) words: String,
    /// Whose words are whose.
    pub(super) data: &'static str,
    /// The decision.
    #[schemars(schema_with = "a_decision")]
    pub(super) decision: Decision,
}

/// Several decisions.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Several {
    /// The decisions.
    #[schemars(schema_with = "decisions")]
    pub(super) items: Vec<Decision>,
    /// How many there are in all.
    pub(super) count: usize,
    /// Whose words are whose.
    pub(super) data: &'static str,
}

impl Several {
    pub(super) const fn new(items: Vec<Decision>, count: usize) -> Self {
        Self { items, count, data: text::mcp::DATA }
    }
}

/// What waits of one project, agent or job.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Group {
    /// Its name, as the agents say it.
    pub(super) name: String,
    /// How many decisions wait.
    pub(super) waiting: usize,
    /// How many of them are over their SLA.
    pub(super) overdue: usize,
    /// When the one was asked that waits for the longest time.
    pub(super) since: Moment,
    /// Their numbers, the most urgent first.
    pub(super) ids: Vec<i64>,
}

/// Who is waited for.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Owed {
    /// Who may answer.
    pub(super) by: crate::wire::WaitsFor,
    /// What: numbers of decisions.
    pub(super) ids: Vec<i64>,
}

/// What blocks.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Blockers {
    /// How many decisions wait.
    pub(super) waiting: usize,
    /// Those that are over their SLA.
    pub(super) overdue: Vec<i64>,
    /// By project, the one with the most first.
    pub(super) projects: Vec<Group>,
    /// By agent.
    pub(super) agents: Vec<Group>,
    /// By job, where the agents name one.
    pub(super) jobs: Vec<Group>,
    /// Who is waited for.
    pub(super) owed: Vec<Owed>,
    /// The one that waits for the longest time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "a_decision")]
    pub(super) longest: Option<Decision>,
    /// Whose words are whose.
    pub(super) data: &'static str,
}

/// The dashboard.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Summary {
    /// In words.
    pub(super) words: String,
    /// How many decisions wait for an answer.
    pub(super) waiting: usize,
    /// How many of them are over their SLA.
    pub(super) overdue: usize,
    /// How many are put off.
    pub(super) deferred: usize,
    /// By project.
    pub(super) projects: Vec<Group>,
    /// The most urgent.
    #[schemars(schema_with = "decisions")]
    pub(super) next: Vec<Decision>,
    /// Whose words are whose.
    pub(super) data: &'static str,
}
