//! Rules for forms of labels: what a label can wrap, and how each of them is filled in. Limits and
//! fields are those of the page "Component Reference" of Discord's documentation and of its
//! published description.

use std::collections::HashSet;

use serde_json::Value;

use super::component::{CUSTOM_ID, NUMBER, menu, unique};
use super::form::{Field, Length, Rule, below, fields, optional, required, tag};
use crate::components::{
    CHANNEL_SELECT, CHECKBOX, CHECKBOX_GROUP, FILE_UPLOAD, MENTIONABLE_SELECT, RADIO_GROUP,
    ROLE_SELECT, STRING_SELECT, TEXT_INPUT, USER_SELECT, list,
};
use crate::refusal::Problems;

/// What a label can wrap.
const WRAPPED: &[u64] = &[
    STRING_SELECT,
    TEXT_INPUT,
    USER_SELECT,
    ROLE_SELECT,
    MENTIONABLE_SELECT,
    CHANNEL_SELECT,
    FILE_UPLOAD,
    RADIO_GROUP,
    CHECKBOX_GROUP,
    CHECKBOX,
];

const LABEL: &[Field] = &[
    optional("id", NUMBER),
    required("label", Rule::Text(Length::Between(1, 45))),
    optional("description", Rule::Text(Length::Between(1, 100))),
];
const OPTION: Rule = Rule::Object(&[
    required("label", Rule::Text(Length::Between(1, 100))),
    required("value", Rule::Text(Length::Between(1, 100))),
    optional("description", Rule::Text(Length::UpTo(100))),
    optional("default", Rule::Bool),
]);
const UPLOAD: &[Field] = &[
    optional("id", NUMBER),
    required("custom_id", CUSTOM_ID),
    optional("min_values", Rule::Int(0, 10)),
    optional("max_values", Rule::Int(1, 10)),
    optional("required", Rule::Bool),
    optional("file_types", Rule::List(&Rule::Text(Length::Any), Length::UpTo(10))),
];
const RADIO: &[Field] = &[
    optional("id", NUMBER),
    required("custom_id", CUSTOM_ID),
    optional("required", Rule::Bool),
    required("options", Rule::List(&OPTION, Length::Between(2, 10))),
];
const CHECKS: &[Field] = &[
    optional("id", NUMBER),
    required("custom_id", CUSTOM_ID),
    optional("min_values", Rule::Int(0, 10)),
    optional("max_values", Rule::Int(1, 10)),
    optional("required", Rule::Bool),
    required("options", Rule::List(&OPTION, Length::Between(1, 10))),
];
const CHECK: &[Field] =
    &[optional("id", NUMBER), required("custom_id", CUSTOM_ID), optional("default", Rule::Bool)];
/// A text display among the labels.
pub(super) const TEXT: &[Field] =
    &[optional("id", NUMBER), required("content", Rule::Text(Length::Between(1, 4_000)))];

/// Checks a label and what it wraps.
pub(super) fn check<'a>(
    label: &'a Value,
    path: &str,
    ids: &mut HashSet<&'a str>,
    problems: &mut Problems,
) {
    fields(label, path, LABEL, problems);
    let wrapped = &label["component"];
    let path = below(path, "component");
    if wrapped.is_null() {
        return problems.required(&path);
    }
    match tag(wrapped, &path, WRAPPED, problems) {
        Some(TEXT_INPUT) => super::modal::check_input(wrapped, &path, problems),
        Some(FILE_UPLOAD) => fields(wrapped, &path, UPLOAD, problems),
        Some(RADIO_GROUP) => fields(wrapped, &path, RADIO, problems),
        Some(CHECKBOX_GROUP) => fields(wrapped, &path, CHECKS, problems),
        Some(CHECKBOX) => fields(wrapped, &path, CHECK, problems),
        Some(kind) => menu(wrapped, kind, &path, problems),
        None => return,
    }
    unique(wrapped, &path, ids, problems);
    able(wrapped, &path, problems);
    least(wrapped, &path, problems);
    groups(wrapped, &path, problems);
}

/// "Using `disabled` in a modal will result in an error"; no report names the error.
fn able(wrapped: &Value, path: &str, problems: &mut Problems) {
    if wrapped["disabled"] == true {
        let words = "Component validation failed";
        problems.add(&below(path, "disabled"), "COMPONENT_VALIDATION_FAILED", words);
    }
}

/// What must be filled in cannot be filled in with nothing, and is required unless it says that it
/// is not.
fn least(wrapped: &Value, path: &str, problems: &mut Problems) {
    if wrapped["min_values"] == 0 && wrapped["required"] != false {
        let words = "Components marked as required cannot have a min_values of 0";
        let path = below(path, "min_values");
        problems.add(&path, "COMPONENT_REQUIRED_ZERO_MIN_VALUES", words);
    }
    let (least, most) = (wrapped["min_values"].as_u64(), wrapped["max_values"].as_u64());
    let upload = wrapped["type"] == FILE_UPLOAD || wrapped["type"] == CHECKBOX_GROUP;
    if let (true, Some(least), Some(most)) = (upload, least, most)
        && least > most
    {
        let words = format!("min_values value should be less than or equal to {most}.");
        problems.add(&below(path, "min_values"), "NUMBER_TYPE_MAX", words);
    }
}

/// The options of a group: unlike each other, and no more chosen beforehand than may be.
fn groups(wrapped: &Value, path: &str, problems: &mut Problems) {
    let most = match wrapped["type"].as_u64() {
        Some(RADIO_GROUP) => 1,
        Some(CHECKBOX_GROUP) => wrapped["max_values"].as_u64().unwrap_or(10),
        _ => return,
    };
    let path = below(path, "options");
    let options = list(&wrapped["options"]);
    let mut values = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        if option["value"].as_str().is_some_and(|value| !values.insert(value)) {
            let words = "The specified option value is already used";
            let path = below(&path, &index.to_string());
            problems.add(&path, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", words);
        }
    }
    let chosen = options.iter().filter(|option| option["default"] == true).count() as u64;
    if chosen > most {
        let words = "The specified number of default values exceeds the specified maximum values";
        problems.add(&path, "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", words);
    }
}
