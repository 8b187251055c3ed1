//! Rules for forms: labels, text displays, and the older rows of one text input each.

use std::collections::HashSet;

use serde_json::Value;

use super::component::{CUSTOM_ID, NUMBER, unique};
use super::form::{Field, Length, Rule, characters, fields, list, optional, required, tag};
use super::{gap, label, layout};
use crate::components::{self, LABEL, ROW, TEXT_DISPLAY, TEXT_INPUT};
use crate::refusal::{Problems, Refusal};

/// Component types that forms can have here, in Discord's numbers.
pub(crate) const SIMULATED: &[u64] =
    &[ROW, 3, TEXT_INPUT, 5, 6, 7, 8, TEXT_DISPLAY, LABEL, 19, 21, 22, 23];
/// What a form can hold (page "Receiving and Responding" of Discord's documentation).
const TOP: &[u64] = &[ROW, TEXT_DISPLAY, LABEL];
/// A text input of one line, in Discord's numbers.
const SHORT: u64 = 1;
/// Characters a text input can hold.
const TEXT: usize = 4_000;
/// Rows of a form.
const ROWS: Length = Length::Between(1, 5);

const FORM: &[Field] =
    &[required("title", Rule::Text(Length::Between(1, 45))), required("custom_id", CUSTOM_ID)];
const INPUT: &[Field] = &[
    optional("id", NUMBER),
    required("custom_id", CUSTOM_ID),
    required("style", Rule::Number(&[1, 2])),
    optional("label", Rule::Text(Length::Between(1, 45))),
    optional("placeholder", Rule::Text(Length::UpTo(100))),
    optional("value", Rule::Text(Length::UpTo(TEXT))),
    optional("required", Rule::Bool),
    optional("min_length", Rule::Int(0, TEXT as i64)),
    optional("max_length", Rule::Int(1, TEXT as i64)),
];

/// Checks the data of a callback that opens a form.
pub(crate) fn check(data: &Value) -> Result<(), Refusal> {
    gap::in_form(data)?;
    let mut problems = Problems::default();
    if data.is_null() {
        problems.required("data");
        return problems.into_result();
    }
    fields(data, "data", FORM, &mut problems);
    if data.is_object() {
        rows(&data["components"], "data.components", &mut problems);
    }
    problems.into_result()
}

fn rows(value: &Value, path: &str, problems: &mut Problems) {
    if value.is_null() {
        return problems.required(path);
    }
    let rows = list(value, path, problems);
    if value.is_array() {
        ROWS.check(rows.len(), path, problems);
    }
    let mut ids = HashSet::new();
    for (index, component) in rows.iter().enumerate() {
        let path = format!("{path}.{index}");
        match tag(component, &path, TOP, problems) {
            Some(ROW) => row(component, &path, &mut ids, problems),
            Some(LABEL) => label::check(component, &path, &mut ids, problems),
            Some(_) => fields(component, &path, label::TEXT, problems),
            None => {}
        }
    }
    layout::numbers(&components::all(rows), path, problems);
}

/// A row of one text input, which brings its own label.
fn row<'a>(row: &'a Value, path: &str, ids: &mut HashSet<&'a str>, problems: &mut Problems) {
    let path = format!("{path}.components");
    let inputs = list(&row["components"], &path, problems);
    Length::Between(1, 1).check(inputs.len(), &path, problems);
    for (index, input) in inputs.iter().enumerate() {
        let path = format!("{path}.{index}");
        if tag(input, &path, &[TEXT_INPUT], problems).is_some() {
            check_input(input, &path, problems);
            if input["label"].is_null() {
                problems.required(&format!("{path}.label"));
            }
            unique(input, &path, ids, problems);
        }
    }
}

/// Checks a text input.
pub(super) fn check_input(input: &Value, path: &str, problems: &mut Problems) {
    fields(input, path, INPUT, problems);
    let least = input["min_length"].as_u64().unwrap_or(0);
    let most = input["max_length"].as_u64().unwrap_or(TEXT as u64);
    if least > most {
        let words = format!("min_length value should be less than or equal to {most}.");
        problems.add(&format!("{path}.min_length"), "NUMBER_TYPE_MAX", words);
    }
    let Some(value) = input["value"].as_str() else { return };
    let length = characters(&input["value"]) as u64;
    let path = format!("{path}.value");
    if length > most && length <= TEXT as u64 {
        let words = format!("Must be {most} or fewer in length.");
        problems.add(&path, "BASE_TYPE_MAX_LENGTH", words);
    }
    let needed = if input["required"] == false { 0 } else { least.max(1) };
    if length < needed {
        let words = format!("Must be {needed} or more in length.");
        problems.add(&path, "BASE_TYPE_MIN_LENGTH", words);
    }
    if input["style"].as_u64() == Some(SHORT) && value.contains('\n') {
        problems.add(&path, "COMPONENT_VALIDATION_FAILED", "Component validation failed");
    }
}
