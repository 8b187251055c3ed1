//! What is said of a decision once it is asked: the verdicts of people, and what the agent says
//! when it is done or gone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Moment, Problem, Question, Span};
use crate::core::decision::Outcome;

/// Yes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Approve {
    /// What the agent is told beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4000))]
    pub note: Option<String>,
    /// Whether the same is allowed for the rest of the agent's session.
    pub for_session: bool,
    /// The word that confirms it, where critical risk asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<String>,
}

/// No, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// What the agent is told: without a reason it tries the same again.
    #[schemars(length(min = 1, max = 4000), regex(pattern = r"\S"))]
    pub reason: String,
}

/// One of the options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choose {
    /// Its name.
    pub option: String,
    /// The word that confirms it, where critical risk asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<String>,
}

/// A text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The answer.
    #[schemars(length(min = 1, max = 4000), regex(pattern = r"\S"))]
    pub text: String,
}

/// Not now. Give one of the two.
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
        /// Both, so that giving both or none can be told in words.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Given {
            #[serde(default, deserialize_with = "there")]
            until: Option<Moment>,
            #[serde(default, deserialize_with = "there", rename = "for")]
            span: Option<Span>,
        }
        match Given::deserialize(deserializer)? {
            Given { until: Some(until), span: None } => Ok(Self::Until(until)),
            Given { until: None, span: Some(span) } => Ok(Self::For(span)),
            _ => Err(serde::de::Error::custom(
                "give either `for` or `until`, such as {\"for\": \"2h\"}",
            )),
        }
    }
}

/// What is given must be something: null is not left out.
fn there<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The asker no longer needs an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Withdraw {
    /// Why. Left out: the agent took it back.
    #[schemars(length(max = 4000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Characters of a report's text at most.
pub const LONGEST_REPORT: usize = 4_000;

/// How it went when the agent acted on a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Whether it worked.
    pub outcome: Outcome,
    /// In the agent's words.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub text: String,
}

/// Questions of a batch at most.
pub const MOST_AT_ONCE: usize = 100;

/// Several questions at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The questions. Each is filed, or refused, by itself.
    #[schemars(length(min = 1, max = 100))]
    pub questions: Vec<Question>,
}

/// What became of one question of a batch: a decision or a problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatchItem {
    /// As if it had been asked alone: 201 new, 200 asked before, else refused.
    pub status: u16,
    /// The decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Box<Decision>>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Box<Problem>>,
}

/// What became of the questions of a batch, in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Batched {
    /// One for each question.
    pub items: Vec<BatchItem>,
}
