//! The JSON files of a drop folder: a report in `outcomes/`, and the state of a question in
//! `verdicts/`. The question itself is [`DroppedQuestion`](super::DroppedQuestion).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Outcome, Resolution};

/// The outcome of acting on a verdict. An agent drops this file into `outcomes/`, under the
/// question's name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Report")]
pub struct OutcomeReport {
    /// The address of this schema, for editors. Ignored.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// Whether the action succeeded.
    pub outcome: Outcome,
    /// A description in the agent's words.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub text: String,
    /// The decision's number, from the verdict file. Default: the latest decision of this name.
    #[schemars(range(min = 1))]
    pub id: Option<i64>,
}

/// The state of a dropped question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Standing")]
pub enum QuestionState {
    /// Waiting for a person's answer.
    #[default]
    Asked,
    /// Deferred until `until`; then the question returns without being asked again. Do something
    /// else meanwhile.
    Deferred,
    /// Answered, with the answer in `verdict`. This file does not change any more.
    Resolved,
    /// Withdrawn, with the reason in `reason`. This file does not change any more.
    Withdrawn,
    /// Refused: the question's file was invalid and is now in `refused/`, with the reason in
    /// `reason`. This file does not change any more.
    Refused,
}

impl QuestionState {
    /// Whether the verdict file can still change.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Deferred)
    }
}

/// The state of a question, in `verdicts/` under the question's name. An agent polls only this
/// file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictFile {
    /// The decision's number. Absent only if the question was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The revision of the question's content, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The question's state.
    pub state: QuestionState,
    /// The answer.
    #[serde(flatten)]
    pub resolution: Resolution,
    /// When a deferred question returns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The person who answered or deferred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When the question entered this state, such as 2026-11-21T12:30:00Z.
    pub at: String,
}
