//! Rules for the first answer to an interaction.

use serde_json::Value;

use super::form::{Field, Length, Rule, choices as must_be, fields, object, optional, required};
use super::message::{self, Enclosed};
use super::{command, gap};
use crate::refusal::{Problems, Refusal};

/// Callback types that the sandbox does not simulate: the prompt to pay, and an activity.
const ELSEWHERE: &[u64] = &[10, 12];
/// The callback to an autocompletion, which allows no other.
const CHOICES: u64 = 8;

const AUTOCOMPLETION: &[Field] =
    &[required("choices", Rule::List(&Rule::Object(CHOICE), Length::UpTo(25)))];
const CHOICE: &[Field] = &[
    required("name", Rule::Text(Length::Between(1, 100))),
    optional("name_localizations", Rule::Other(command::choice_localizations)),
    required("value", Rule::Other(choice_value)),
];

/// The callback's type, if it is one of those that fit the interaction.
pub(crate) fn type_of(body: &Value, allowed: &[u64]) -> Result<u64, Refusal> {
    let mut problems = Problems::default();
    let given = &body["type"];
    let kind = given.as_u64();
    if given.is_null() {
        problems.required("type");
    } else if kind.is_none() {
        super::form::not(given, "type", "int", &mut problems);
    }
    problems.into_result()?;
    let kind = kind.unwrap_or_default();
    if allowed.contains(&kind) {
        return Ok(kind);
    }
    let mut all = allowed.to_vec();
    if !allowed.contains(&CHOICES) {
        gap::callback(kind, ELSEWHERE)?;
        all.extend(ELSEWHERE);
    }
    all.sort_unstable();
    let all: Vec<_> = all.iter().map(u64::to_string).collect();
    let mut problems = Problems::default();
    must_be("type", &format!("{{{}}}", all.join(", ")), &mut problems);
    problems.into_result()?;
    Ok(kind)
}

/// Checks the data of a callback that answers with a message, which brings these files.
pub(crate) fn message(data: &Value, files: &[Enclosed<'_>]) -> Result<(), Refusal> {
    if data.is_null() && files.is_empty() {
        let mut problems = Problems::default();
        problems.required("data");
        problems.into_result()?;
    }
    is_object(data)?;
    message::create(data, files).map_err(|refusal| refusal.below("data"))
}

/// Checks that the data of a callback is an object, or absent.
pub(crate) fn is_object(data: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    if !data.is_null() {
        object(data, "data", &mut problems);
    }
    problems.into_result()
}

/// Checks the data of a callback that offers choices.
pub(crate) fn choices(data: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    if data.is_null() {
        problems.required("data.choices");
    } else {
        fields(data, "data", AUTOCOMPLETION, &mut problems);
    }
    problems.into_result()
}

fn choice_value(value: &Value, path: &str, problems: &mut Problems) {
    if !value.is_number() {
        Rule::Text(Length::Between(1, 100)).check(value, path, problems);
    }
}
