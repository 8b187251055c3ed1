//! Rules for forms: rows of one text input each.

use std::collections::HashSet;

use serde_json::Value;

use super::component::{CUSTOM_ID, ROW, unique};
use crate::refusal::{Problems, Refusal};

/// Type of a text input, in Discord's numbers.
const TEXT_INPUT: u64 = 4;
/// Characters a text input can hold.
const TEXT: usize = 4_000;

/// Checks the data of a callback that opens a form.
pub(crate) fn check(data: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    if !data.is_object() {
        problems.required("data");
        return problems.into_result();
    }
    problems.required_text("data.title", &data["title"], 45);
    problems.required_text("data.custom_id", &data["custom_id"], CUSTOM_ID);
    let rows = data["components"].as_array().map_or(&[][..], Vec::as_slice);
    problems.count("data.components", rows.len(), 1, 5);
    let mut ids = HashSet::new();
    for (index, row) in rows.iter().enumerate() {
        let path = format!("data.components.{index}");
        if row["type"].as_u64() != Some(ROW) {
            let words = "Value of field \"type\" must be one of (1,).";
            problems.add(&format!("{path}.type"), "UNION_TYPE_CHOICES", words);
            continue;
        }
        let inputs = row["components"].as_array().map_or(&[][..], Vec::as_slice);
        problems.count(&format!("{path}.components"), inputs.len(), 1, 1);
        for (index, input) in inputs.iter().enumerate() {
            let path = format!("{path}.components.{index}");
            check_input(input, &path, &mut problems);
            unique(input, &path, &mut ids, &mut problems);
        }
    }
    problems.into_result()
}

fn check_input(input: &Value, path: &str, problems: &mut Problems) {
    if input["type"].as_u64() != Some(TEXT_INPUT) {
        let words = "Value of field \"type\" must be one of (4,).";
        return problems.add(&format!("{path}.type"), "UNION_TYPE_CHOICES", words);
    }
    problems.required_text(&format!("{path}.custom_id"), &input["custom_id"], CUSTOM_ID);
    problems.required_text(&format!("{path}.label"), &input["label"], 45);
    problems.length(&format!("{path}.placeholder"), &input["placeholder"], 0, 100);
    problems.length(&format!("{path}.value"), &input["value"], 0, TEXT);
    let most = TEXT as i64;
    problems.within(&format!("{path}.min_length"), &input["min_length"], 0, most);
    problems.within(&format!("{path}.max_length"), &input["max_length"], 1, most);
    if !matches!(input["style"].as_u64(), Some(1 | 2)) {
        let words = "Value must be one of {1, 2}.";
        problems.add(&format!("{path}.style"), "BASE_TYPE_CHOICES", words);
    }
    let least = input["min_length"].as_u64().unwrap_or(0);
    let most = input["max_length"].as_u64().unwrap_or(TEXT as u64);
    if least > most {
        let words = "Min length cannot be greater than max length";
        problems.add(path, "TEXT_INPUT_COMPONENT_MIN_LENGTH_GREATER_THAN_MAX", words);
    }
    let filled = input["value"].as_str().map(|text| text.chars().count() as u64);
    if filled.is_some_and(|length| length > most) {
        let words = format!("Must be {most} or fewer in length.");
        problems.add(&format!("{path}.value"), "BASE_TYPE_MAX_LENGTH", words);
    }
}
