//! The questions of an agent within a decision, and their answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Choice;

/// A question within a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedQuestion {
    /// What the agent calls the question; answers name it.
    pub id: String,
    /// The subject in a word or two.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub header: String,
    /// The question itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The options. Empty: a text is expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
    /// Whether several options can be chosen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub many: bool,
    /// Whether a text can be given in place of an option, or beside several.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other: bool,
    /// Whether the answer can be left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// The answer to a question within a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionAnswer {
    /// The id of the question.
    pub question: String,
    /// The names of the chosen options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4000))]
    pub text: Option<String>,
}
