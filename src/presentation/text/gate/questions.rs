//! Text about the questions that an agent asks its person at the gate.

use serde_json::Value;

use crate::core::decision::question::UnfitQuestion;
use crate::core::decision::{Answer, Decision, Resolved};
use crate::core::untrusted::one_line;
use crate::presentation::text::{answer_words, given_by};

/// Name of the detail with the MCP server that asks.
pub const SERVER: &str = "MCP server";

/// To the agent: the person's answer, word for word. Also read as the reason of a denial, by agents
/// that take no answer from their hook.
#[must_use]
pub fn answered(decision: &Decision, resolved: &Resolved, answers: &[Answer]) -> String {
    let by = given_by(&resolved.by, resolved.via, |by| one_line(&by.name));
    let said = answer_words("", answers);
    format!(
        "Answered {by} (decision {}). Go on with this answer, and do not ask again:\n{said}",
        decision.id
    )
}

/// To the agent: nobody could answer its question.
#[must_use]
pub fn unfit(why: &UnfitQuestion) -> String {
    format!("Nobody was asked: {why}. Then ask again.")
}

/// The words of an MCP server beside its form.
#[must_use]
pub fn message(input: &Value) -> &str {
    input.get("message").and_then(Value::as_str).unwrap_or_default().trim()
}

/// The previews of options, which agents show beside them.
#[must_use]
pub fn previews(input: &Value) -> String {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let of = |question: Value| {
        let options = list(&question, "options");
        let shown = |option: Value| {
            let preview = option["preview"].as_str().filter(|text| !text.trim().is_empty())?;
            let label = one_line(option["label"].as_str().unwrap_or_default());
            Some(format!("Preview of {label}:\n{preview}"))
        };
        options.into_iter().filter_map(shown).collect::<Vec<_>>()
    };
    let all: Vec<String> = list(input, "questions").into_iter().flat_map(of).collect();
    all.join("\n\n")
}
