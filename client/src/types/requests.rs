//! Requests about an existing decision: verdicts of people, and the agent's report or withdrawal.
//! Also batches of questions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Moment, Outcome, Problem, Question, QuestionAnswer, Span};

/// An approval.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Approve {
    /// A note for the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4000))]
    pub note: Option<String>,
    /// Whether the approval covers the same call for the rest of the agent's session.
    pub for_session: bool,
    /// The confirmation word, where critical risk requires confirmation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<String>,
}

/// A rejection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// The reason, for the agent; without a reason the agent tries the same again.
    #[schemars(length(min = 1, max = 4000), regex(pattern = r"\S"))]
    pub reason: String,
}

/// A choice among the options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choose {
    /// The option's name.
    pub option: String,
    /// The confirmation word, where critical risk requires confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<String>,
}

/// An answer: a text, or an answer to each question of an agent. Give either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The answer as a text. Where an agent asks several questions, it answers each of them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4000))]
    pub text: String,
    /// The answers to the questions of an agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub answers: Vec<QuestionAnswer>,
}

/// Postpones the decision. Give either `until` or `for`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(deny_unknown_fields)]
pub enum Defer {
    /// Until this moment.
    Until(Moment),
    /// For this long.
    For(Span),
}

impl<'de> Deserialize<'de> for Defer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Both fields, so that giving both or neither yields a clear error.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct BothFields {
            #[serde(default, deserialize_with = "not_null")]
            until: Option<Moment>,
            #[serde(default, deserialize_with = "not_null", rename = "for")]
            span: Option<Span>,
        }
        match BothFields::deserialize(deserializer)? {
            BothFields { until: Some(until), span: None } => Ok(Self::Until(until)),
            BothFields { until: None, span: Some(span) } => Ok(Self::For(span)),
            _ => Err(serde::de::Error::custom(
                "give either `for` or `until`, such as {\"for\": \"2h\"}",
            )),
        }
    }
}

/// Rejects `null`: a field must be left out or have a value.
fn not_null<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Withdraws a question that no longer needs an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Withdraw {
    /// Why. Left out: "the agent took it back".
    #[schemars(length(max = 4000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Longest report, note, reason or answer, in characters.
pub const LONGEST_REPORT: usize = 4_000;

/// The outcome of acting on a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Whether it worked.
    pub outcome: Outcome,
    /// The agent's words.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub text: String,
}

/// Most questions in a batch.
pub const MAX_BATCH: usize = 100;

/// Several questions at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The questions. Each question succeeds or fails alone.
    #[schemars(length(min = 1, max = 100))]
    pub questions: Vec<Question>,
}

/// The result of one question of a batch: a decision or a problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatchItem {
    /// The status of asking the question alone: 201 for a new decision, 200 for an existing
    /// decision, else the problem's status.
    pub status: u16,
    /// The decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Box<Decision>>,
    /// Why the question was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Box<Problem>>,
}

/// The results of a batch, in the order of the questions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Batched")]
pub struct BatchResult {
    /// One result for each question.
    pub items: Vec<BatchItem>,
}
