//! Rules for the first answer to an interaction.

use serde_json::Value;

use super::message;
use crate::refusal::{Problems, Refusal};

/// Choices that autocompletion may offer.
const CHOICES: usize = 25;

/// The callback's type, if it is one of those that fit the interaction.
pub(crate) fn type_of(given: Option<u64>, allowed: &[u64]) -> Result<u64, Refusal> {
    let Some(given) = given else {
        let words = "This field is required";
        return Err(Problems::one("type", "BASE_TYPE_REQUIRED", words));
    };
    if allowed.contains(&given) {
        return Ok(given);
    }
    let words = format!("Value must be one of {allowed:?} for this interaction.");
    Err(Problems::one("type", "BASE_TYPE_CHOICES", words))
}

/// Checks the data of a callback that answers with a message.
pub(crate) fn message(data: &Value, files: usize) -> Result<(), Refusal> {
    if data.is_null() {
        let words = "This field is required";
        return Err(Problems::one("data", "BASE_TYPE_REQUIRED", words));
    }
    message::create(data, files).map_err(|refusal| refusal.below("data"))
}

/// Checks the data of a callback that offers choices.
pub(crate) fn choices(data: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    let Some(choices) = data["choices"].as_array() else {
        problems.required("data.choices");
        return problems.into_result();
    };
    problems.count("data.choices", choices.len(), 0, CHOICES);
    for (index, choice) in choices.iter().enumerate() {
        let path = format!("data.choices.{index}");
        problems.required_text(&format!("{path}.name"), &choice["name"], 100);
        if choice["value"].is_null() {
            problems.required(&format!("{path}.value"));
        } else if choice["value"].is_string() {
            problems.length(&format!("{path}.value"), &choice["value"], 1, 100);
        }
    }
    problems.into_result()
}
