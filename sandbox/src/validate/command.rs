//! Rules for application commands.

use std::collections::HashSet;

use serde_json::Value;

use crate::commands::{SUB_COMMAND, SUB_COMMAND_GROUP};
use crate::refusal::{Problems, Refusal};

/// Slash commands of a scope.
const COMMANDS: usize = 100;
/// Options of a command, and choices of an option.
const OPTIONS: usize = 25;
/// Characters over names, descriptions and values of a command.
const TOTAL: usize = 8_000;
/// Kinds of command: slash, on a user, on a message.
const SLASH: u64 = 1;

/// Checks the commands that are to replace all others.
pub(crate) fn all(specs: &[Value]) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    problems.count("", specs.len(), 0, COMMANDS);
    let mut names = HashSet::new();
    for (index, spec) in specs.iter().enumerate() {
        let path = index.to_string();
        check(spec, &path, &mut problems);
        let kind = spec["type"].as_u64().unwrap_or(SLASH);
        if !names.insert((kind, spec["name"].to_string())) {
            let words = "Application command names must be unique";
            problems.add(&path, "APPLICATION_COMMANDS_DUPLICATE_NAME", words);
        }
    }
    problems.into_result()
}

/// Checks a single command.
pub(crate) fn one(spec: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    check(spec, "", &mut problems);
    problems.into_result()
}

/// A path below another, which may be the root.
fn below(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

fn check(spec: &Value, path: &str, problems: &mut Problems) {
    if spec["type"].as_u64().unwrap_or(SLASH) != SLASH {
        problems.required_text(&below(path, "name"), &spec["name"], 32);
        return;
    }
    name(spec, path, problems);
    problems.required_text(&below(path, "description"), &spec["description"], 100);
    options(spec, path, problems);
    if size(spec) > TOTAL {
        let words = format!("Command exceeds maximum size ({TOTAL})");
        problems.add(path, "APPLICATION_COMMAND_TOO_LARGE", words);
    }
}

/// Names of slash commands and options: 1 to 32 letters, digits, `-`, `_`, and no capitals.
fn name(spec: &Value, path: &str, problems: &mut Problems) {
    let path = below(path, "name");
    problems.required_text(&path, &spec["name"], 32);
    let text = spec["name"].as_str().unwrap_or_default();
    let letters = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '\''));
    if !letters || text.to_lowercase() != text {
        let words = "Command name is invalid";
        problems.add(&path, "APPLICATION_COMMAND_INVALID_NAME", words);
    }
}

fn options(spec: &Value, path: &str, problems: &mut Problems) {
    let list = below(path, "options");
    let options = spec["options"].as_array().map_or(&[][..], Vec::as_slice);
    problems.count(&list, options.len(), 0, OPTIONS);
    let mut names = HashSet::new();
    let mut optional_seen = false;
    for (index, option) in options.iter().enumerate() {
        let path = format!("{list}.{index}");
        check_option(option, &path, problems);
        if !names.insert(option["name"].to_string()) {
            let words = "Option names must be unique";
            problems.add(&list, "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", words);
        }
        let required = option["required"] == true;
        if required && optional_seen {
            let words = "Required options must be placed before non-required options";
            problems.add(&path, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", words);
        }
        optional_seen |= !required;
    }
}

fn check_option(option: &Value, path: &str, problems: &mut Problems) {
    name(option, path, problems);
    problems.required_text(&below(path, "description"), &option["description"], 100);
    match option["type"].as_u64() {
        Some(SUB_COMMAND | SUB_COMMAND_GROUP) => return options(option, path, problems),
        Some(3..=11) => {}
        Some(_) => {
            let words = "Value must be one of {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}.";
            problems.add(&below(path, "type"), "BASE_TYPE_CHOICES", words);
        }
        None => problems.required(&below(path, "type")),
    }
    let choices = option["choices"].as_array().map_or(&[][..], Vec::as_slice);
    problems.count(&below(path, "choices"), choices.len(), 0, OPTIONS);
    for (index, choice) in choices.iter().enumerate() {
        let path = below(path, &format!("choices.{index}"));
        problems.required_text(&format!("{path}.name"), &choice["name"], 100);
        if choice["value"].is_string() {
            problems.length(&format!("{path}.value"), &choice["value"], 0, 100);
        }
    }
    if option["autocomplete"] == true && !choices.is_empty() {
        let words = "Options with choices cannot be autocompleted";
        problems.add(path, "APPLICATION_COMMAND_AUTOCOMPLETE_NOT_ALLOWED", words);
    }
}

/// Characters of names, descriptions and choice values, of the command and all below it.
fn size(spec: &Value) -> usize {
    let length = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let options = spec["options"].as_array().into_iter().flatten();
    let choices = spec["choices"].as_array().into_iter().flatten();
    length(&spec["name"])
        + length(&spec["description"])
        + options.map(size).sum::<usize>()
        + choices.map(|choice| length(&choice["name"]) + length(&choice["value"])).sum::<usize>()
}
