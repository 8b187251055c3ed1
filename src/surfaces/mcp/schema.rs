//! Input and output of the tools, with their JSON Schemas: the types of [`gander_client::types`]
//! where possible, and types that only this surface needs.

use gander_client::types::{ApproverList, Decision, Moment, Phase};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::core::decision;
use crate::core::decision::{Outcome, Priority, State, Verdict};
use crate::presentation::text;

/// Waits for a verdict.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Await {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// The revision that you asked. If the content has changed since, the result says `superseded`.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(super) revision: Option<u32>,
    /// Longest wait in seconds. Default: 45.
    #[serde(default)]
    #[schemars(range(min = 0, max = 240))]
    pub(super) seconds: Option<u64>,
}

/// The outcome of acting on a verdict.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportInput {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// Whether it worked.
    pub(super) outcome: Outcome,
    /// Details in your own words.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub(super) text: String,
}

/// Withdraws a question.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WithdrawInput {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// Why. Default: "the agent withdrew it".
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub(super) reason: Option<String>,
}

/// A tool call that Claude Code is about to make.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Permission {
    /// The tool.
    pub(super) tool_name: String,
    /// The tool's arguments.
    #[serde(default)]
    pub(super) input: serde_json::Map<String, serde_json::Value>,
    /// The id of the call.
    #[serde(default)]
    #[expect(dead_code, reason = "sent by Claude Code, and named in the schema so that it may be")]
    pub(super) tool_use_id: Option<String>,
}

/// Filter and paging of pending decisions.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PendingInput {
    /// Only decisions of this project.
    #[serde(default)]
    pub(super) project: Option<String>,
    /// Most decisions to return. Default: 20.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub(super) limit: Option<usize>,
    /// Decisions to skip.
    #[serde(default)]
    pub(super) offset: Option<usize>,
}

/// Search terms and filters.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// Words from the title, project or kind, or the decision's number. Default: everything.
    #[serde(default)]
    pub(super) query: Option<String>,
    /// Only decisions in this state.
    #[serde(default)]
    pub(super) state: Option<Phase>,
    /// Only decisions of this project.
    #[serde(default)]
    pub(super) project: Option<String>,
    /// Most decisions to return. Default: 20.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub(super) limit: Option<usize>,
}

/// Filter of the blockers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Blocking {
    /// Only decisions of this project.
    #[serde(default)]
    pub(super) project: Option<String>,
}

/// An approval, a choice or an answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApproveInput {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// The revision that the person saw.
    #[schemars(range(min = 1))]
    pub(super) revision: u32,
    /// A note to the agent with an approval.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub(super) note: Option<String>,
    /// The option's name, if the decision expects a choice.
    #[serde(default)]
    pub(super) option: Option<String>,
    /// The text, if the decision expects an answer.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub(super) answer: Option<String>,
}

/// A rejection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectInput {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// The revision that the person saw.
    #[schemars(range(min = 1))]
    pub(super) revision: u32,
    /// The reason, for the agent; without a reason the agent tries the same again.
    #[schemars(length(min = 1, max = 4000))]
    pub(super) reason: String,
}

/// A decision's new priority.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Prioritize {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub(super) id: i64,
    /// The priority that the person wants.
    pub(super) priority: Priority,
}

/// A decision's state in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Stands")]
pub(super) enum DecisionState {
    /// Waits for a person. No answer is not an approval.
    Pending,
    /// Deferred.
    Deferred,
    /// Approved.
    Approved,
    /// Rejected.
    Rejected,
    /// One of the options was chosen.
    Chosen,
    /// Answered with a text.
    Answered,
    /// Withdrawn.
    Withdrawn,
    /// The content changed since this revision was asked.
    Superseded,
    /// A verdict on high or critical risk that a person must confirm on Discord.
    Proposed,
}

impl From<&decision::Decision> for DecisionState {
    fn from(decision: &decision::Decision) -> Self {
        match &decision.state {
            State::Pending(_) => Self::Pending,
            State::Deferred { .. } => Self::Deferred,
            State::Withdrawn { .. } => Self::Withdrawn,
            State::Resolved(resolved) => match resolved.verdict {
                Verdict::Approved(_) => Self::Approved,
                Verdict::Rejected { .. } => Self::Rejected,
                Verdict::Chosen { .. } => Self::Chosen,
                Verdict::Answered { .. } => Self::Answered,
            },
        }
    }
}

/// A short schema of a decision: seven tools return decisions, and every client reads all schemas
/// before its first call.
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

/// A decision, with its state and an explanation.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DecisionOutput {
    /// The state.
    pub(super) stands: DecisionState,
    /// An explanation, and what to do next.
    pub(super) words: String,
    /// Which parts were written by agents.
    pub(super) data: &'static str,
    /// The decision.
    #[schemars(schema_with = "a_decision")]
    pub(super) decision: Decision,
}

/// Several decisions.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DecisionList {
    /// The decisions.
    #[schemars(schema_with = "decisions")]
    pub(super) items: Vec<Decision>,
    /// The total number of matches.
    pub(super) count: usize,
    /// Which parts were written by agents.
    pub(super) data: &'static str,
}

impl DecisionList {
    pub(super) const fn new(items: Vec<Decision>, count: usize) -> Self {
        Self { items, count, data: text::mcp::DATA }
    }
}

/// Waiting decisions of one project, agent or job.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Group {
    /// The name, as agents write it.
    pub(super) name: String,
    /// Number of waiting decisions.
    pub(super) waiting: usize,
    /// Number of waiting decisions past their SLA.
    pub(super) overdue: usize,
    /// When the longest-waiting decision was asked.
    pub(super) since: Moment,
    /// The decisions' numbers, most urgent first.
    pub(super) ids: Vec<i64>,
}

/// Decisions that wait for the same approvers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Owed {
    /// Who may answer.
    pub(super) by: ApproverList,
    /// The decisions' numbers.
    pub(super) ids: Vec<i64>,
}

/// Waiting decisions, grouped.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Blockers {
    /// Number of waiting decisions.
    pub(super) waiting: usize,
    /// Numbers of the decisions past their SLA.
    pub(super) overdue: Vec<i64>,
    /// By project, largest group first.
    pub(super) projects: Vec<Group>,
    /// By agent, largest group first.
    pub(super) agents: Vec<Group>,
    /// By job, for decisions that name a job.
    pub(super) jobs: Vec<Group>,
    /// By approvers.
    pub(super) owed: Vec<Owed>,
    /// The longest-waiting decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "a_decision")]
    pub(super) longest: Option<Decision>,
    /// Which parts were written by agents.
    pub(super) data: &'static str,
}

/// The dashboard.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SummaryOutput {
    /// A summary in words.
    pub(super) words: String,
    /// Number of waiting decisions.
    pub(super) waiting: usize,
    /// Number of waiting decisions past their SLA.
    pub(super) overdue: usize,
    /// Number of deferred decisions.
    pub(super) deferred: usize,
    /// By project.
    pub(super) projects: Vec<Group>,
    /// The most urgent decisions.
    #[schemars(schema_with = "decisions")]
    pub(super) next: Vec<Decision>,
    /// Which parts were written by agents.
    pub(super) data: &'static str,
}
