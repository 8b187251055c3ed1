//! Rules for application commands.

use std::collections::HashSet;

use serde_json::Value;

use crate::commands::{ON_MESSAGE, ON_USER, SLASH, SUB_COMMAND, SUB_COMMAND_GROUP};
use crate::refusal::{Problems, Refusal};

/// Commands of a scope, by their kind.
const COMMANDS: [(u64, usize); 3] = [(SLASH, 100), (ON_USER, 15), (ON_MESSAGE, 15)];
/// Options of a command, and choices of an option.
const OPTIONS: usize = 25;
/// Characters over names, descriptions and values of a command.
const TOTAL: usize = 8_000;

/// Checks the commands that are to replace all others.
pub(crate) fn all(specs: &[Value]) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    for (kind, most) in COMMANDS {
        problems.count("", specs.iter().filter(|spec| kind_of(spec) == kind).count(), 0, most);
    }
    let mut names = HashSet::new();
    for (index, spec) in specs.iter().enumerate() {
        let path = index.to_string();
        check(spec, &path, &mut problems);
        if !names.insert((kind_of(spec), spec["name"].to_string())) {
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

/// Commands of a kind that a scope can hold.
pub(crate) fn most(kind: u64) -> usize {
    COMMANDS.iter().find(|(of, _)| *of == kind).map_or(0, |(_, most)| *most)
}

/// The kind of a command; 0 for what is no number.
fn kind_of(spec: &Value) -> u64 {
    if spec["type"].is_null() { SLASH } else { spec["type"].as_u64().unwrap_or(0) }
}

fn check(spec: &Value, path: &str, problems: &mut Problems) {
    match kind_of(spec) {
        SLASH => {}
        ON_USER | ON_MESSAGE => return check_context(spec, path, problems),
        _ => {
            let words = "Value must be one of {1, 2, 3}.";
            return problems.add(&below(path, "type"), "BASE_TYPE_CHOICES", words);
        }
    }
    name(spec, path, problems);
    problems.required_text(&below(path, "description"), &spec["description"], 100);
    options(spec, path, problems);
    if size(spec) > TOTAL {
        let words = format!("Command exceeds maximum size ({TOTAL})");
        problems.add(path, "APPLICATION_COMMAND_TOO_LARGE", words);
    }
}

/// Commands of a context menu: a name in any spelling, and nothing else to read or fill in.
fn check_context(spec: &Value, path: &str, problems: &mut Problems) {
    let name = below(path, "name");
    problems.required_text(&name, &spec["name"], 32);
    if spec["name"].as_str().is_some_and(|text| !text.is_empty() && text.trim().is_empty()) {
        problems.required(&name);
    }
    if spec["description"].as_str().is_some_and(|text| !text.is_empty()) {
        let words = "Context menu commands cannot have description";
        problems.add(
            &below(path, "description"),
            "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_INVALID",
            words,
        );
    }
    if spec["options"].as_array().is_some_and(|options| !options.is_empty()) {
        let words = "Context menu commands cannot have options";
        problems.add(
            &below(path, "options"),
            "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_INVALID",
            words,
        );
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
