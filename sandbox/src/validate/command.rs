//! Rules for application commands.

use std::collections::HashSet;

use serde_json::Value;

use super::form::{
    Field, Length, Rule, below, characters, choices, fields, list, object, optional, required, tag,
};
use super::gap;
use crate::commands::{ON_MESSAGE, ON_USER, SLASH, SUB_COMMAND, SUB_COMMAND_GROUP};
use crate::refusal::{Problems, Refusal};

/// Commands of a scope, by their kind.
const COMMANDS: [(u64, usize); 3] = [(SLASH, 100), (ON_USER, 15), (ON_MESSAGE, 15)];
/// Options of a command, and choices of an option.
const OPTIONS: Length = Length::UpTo(25);
/// Characters over names, descriptions and values of a command.
const TOTAL: usize = 8_000;

/// Option types with something of their own, in Discord's numbers.
const STRING: u64 = 3;
const INTEGER: u64 = 4;
const CHANNEL: u64 = 7;
const NUMBER: u64 = 10;
/// What a command, a group and a sub-command can hold.
const IN_COMMAND: &[u64] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const IN_GROUP: &[u64] = &[1];
const IN_SUB_COMMAND: &[u64] = &[3, 4, 5, 6, 7, 8, 9, 10, 11];

/// The languages of Discord's app (Discord's documentation, "Locales").
const LOCALES: &[&str] = &[
    "ar", "bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr", "he",
    "hi", "hr", "hu", "id", "it", "ja", "ko", "lt", "nl", "no", "pl", "pt-BR", "ro", "ru", "sv-SE",
    "th", "tr", "uk", "vi", "zh-CN", "zh-TW",
];

const NAME: Rule = Rule::Text(Length::Between(1, 32));
const DESCRIPTION: Rule = Rule::Text(Length::Between(1, 100));

const COMMAND: &[Field] = &[
    required("name", NAME),
    optional("name_localizations", Rule::Other(names)),
    optional("description_localizations", Rule::Other(descriptions)),
    optional("default_member_permissions", Rule::Other(permissions)),
    optional("dm_permission", Rule::Bool),
    optional("nsfw", Rule::Bool),
    optional("contexts", Rule::Set(&Rule::Number(&[0, 1, 2]), Length::Between(1, 3))),
    optional("integration_types", Rule::Set(&Rule::Number(&[0, 1]), Length::Between(1, 2))),
];
/// The description of a command is required as if empty ones were absent; an option's is not.
const TYPED: &[Field] = &[required("description", Rule::Text(Length::Filled(100)))];
const OPTION: &[Field] = &[
    required("name", NAME),
    optional("name_localizations", Rule::Other(names)),
    required("description", DESCRIPTION),
    optional("description_localizations", Rule::Other(descriptions)),
    optional("required", Rule::Bool),
    optional("autocomplete", Rule::Bool),
];
const OF_STRING: &[Field] = &[
    optional("min_length", Rule::Int(0, 6_000)),
    optional("max_length", Rule::Int(1, 6_000)),
    optional("choices", Rule::List(&Rule::Object(STRING_CHOICE), OPTIONS)),
];
/// Whole numbers that every client holds exactly: up to 2^53.
const WHOLE: Rule = Rule::Int(-(1 << 53), 1 << 53);
const OF_INTEGER: &[Field] = &[
    optional("min_value", WHOLE),
    optional("max_value", WHOLE),
    optional("choices", Rule::List(&Rule::Object(INTEGER_CHOICE), OPTIONS)),
];
const OF_NUMBER: &[Field] = &[
    optional("min_value", Rule::Real),
    optional("max_value", Rule::Real),
    optional("choices", Rule::List(&Rule::Object(NUMBER_CHOICE), OPTIONS)),
];
const OF_CHANNEL: &[Field] = &[optional(
    "channel_types",
    Rule::Set(&Rule::Number(&[0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16]), Length::Any),
)];
const CHOICE_NAME: Field = required("name", Rule::Text(Length::Between(1, 100)));
const CHOICE_NAMES: Field = optional("name_localizations", Rule::Other(choice_localizations));
const STRING_CHOICE: &[Field] =
    &[CHOICE_NAME, CHOICE_NAMES, required("value", Rule::Text(Length::UpTo(100)))];
const INTEGER_CHOICE: &[Field] = &[CHOICE_NAME, CHOICE_NAMES, required("value", WHOLE)];
const NUMBER_CHOICE: &[Field] = &[CHOICE_NAME, CHOICE_NAMES, required("value", Rule::Real)];

/// Checks the commands that are to replace all others.
pub(crate) fn all(specs: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    if specs.is_null() {
        let words = "Only iterables may be used in a ListType";
        problems.add("", "LIST_TYPE_CONVERT", words);
    }
    let specs = list(specs, "", &mut problems);
    specs.iter().try_for_each(gap::in_command)?;
    for (kind, most) in COMMANDS {
        let count = specs.iter().filter(|spec| kind_of(spec) == kind).count();
        Length::UpTo(most).check(count, "", &mut problems);
    }
    let mut names = HashSet::new();
    for (index, spec) in specs.iter().enumerate() {
        let path = index.to_string();
        check(spec, &path, &mut problems);
        if spec.is_object() && !names.insert((kind_of(spec), spec["name"].to_string())) {
            let words = "Application command names must be unique";
            problems.add(&path, "APPLICATION_COMMANDS_DUPLICATE_NAME", words);
        }
    }
    problems.into_result()
}

/// Checks a single command.
pub(crate) fn one(spec: &Value) -> Result<(), Refusal> {
    gap::in_command(spec)?;
    let mut problems = Problems::default();
    check(spec, "", &mut problems);
    problems.into_result()
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
    fields(spec, path, COMMAND, problems);
    if !spec.is_object() {
        return;
    }
    if !spec["type"].is_null() {
        Rule::Number(&[1, 2, 3, 4]).check(&spec["type"], &below(path, "type"), problems);
    }
    match kind_of(spec) {
        SLASH => typed(spec, path, problems),
        ON_USER | ON_MESSAGE => in_menu(spec, path, problems),
        _ => {}
    }
}

/// Slash commands.
fn typed(spec: &Value, path: &str, problems: &mut Problems) {
    name(&spec["name"], &below(path, "name"), problems);
    // Not every localization is told of by itself.
    localized_names(spec, path, problems, |_| "name_localizations".to_owned());
    fields(spec, path, TYPED, problems);
    options(spec, IN_COMMAND, path, problems);
    if size(spec) > TOTAL {
        let words = format!("Command exceeds maximum size ({TOTAL})");
        problems.add(path, "APPLICATION_COMMAND_TOO_LARGE", words);
    }
}

/// Commands of a context menu: a name in any spelling, and nothing else to read or fill in.
fn in_menu(spec: &Value, path: &str, problems: &mut Problems) {
    if spec["name"].as_str().is_some_and(|text| !text.is_empty() && text.trim().is_empty()) {
        problems.required(&below(path, "name"));
    }
    if spec["description"].as_str().is_some_and(|text| !text.is_empty()) {
        let words = "Context menu commands cannot have description";
        let code = "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_INVALID";
        problems.add(&below(path, "description"), code, words);
    }
    if spec["options"].as_array().is_some_and(|options| !options.is_empty()) {
        let words = "Context menu commands cannot have options";
        let code = "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_INVALID";
        problems.add(&below(path, "options"), code, words);
    }
}

/// Names of slash commands and options: letters, digits, `-`, `_`, `'`, the signs of Devanagari and
/// Thai, and no capitals (Discord's documentation, "Application Command Naming").
fn name(name: &Value, path: &str, problems: &mut Problems) {
    let Some(text) = name.as_str().filter(|text| !text.is_empty()) else { return };
    let letters = text.chars().all(|c| {
        c.is_alphanumeric()
            || matches!(c, '-' | '_' | '\'' | '\u{900}'..='\u{97f}' | '\u{e00}'..='\u{e7f}')
    });
    if !letters || text.to_lowercase() != text {
        let words = "Command name is invalid";
        problems.add(path, "APPLICATION_COMMAND_INVALID_NAME", words);
    }
}

/// The names in other languages keep the same rules; `place` is where a language's fault is told.
fn localized_names(spec: &Value, path: &str, problems: &mut Problems, place: fn(&str) -> String) {
    let names = spec["name_localizations"].as_object();
    for (locale, text) in names.into_iter().flatten() {
        name(text, &below(path, &place(locale)), problems);
    }
}

fn names(value: &Value, path: &str, problems: &mut Problems) {
    localizations(value, &NAME, path, problems);
}

fn descriptions(value: &Value, path: &str, problems: &mut Problems) {
    localizations(value, &DESCRIPTION, path, problems);
}

/// The names of a choice in other languages.
pub(super) fn choice_localizations(value: &Value, path: &str, problems: &mut Problems) {
    localizations(value, &Rule::Text(Length::Between(1, 100)), path, problems);
}

/// Texts by the languages of Discord's app.
fn localizations(value: &Value, rule: &Rule, path: &str, problems: &mut Problems) {
    let Some(texts) = object(value, path, problems) else { return };
    for (locale, text) in texts {
        let path = below(path, locale);
        if !LOCALES.contains(&locale.as_str()) {
            let known: Vec<_> = LOCALES.iter().map(|locale| format!("'{locale}'")).collect();
            choices(&path, &format!("({})", known.join(", ")), problems);
        }
        if !text.is_null() {
            rule.check(text, &path, problems);
        }
    }
}

/// Permissions as Discord writes them: a number, mostly in a text.
fn permissions(value: &Value, path: &str, problems: &mut Problems) {
    let bits = match value {
        Value::String(text) => text.parse::<i64>().ok(),
        other => other.as_i64(),
    };
    match bits {
        None => super::form::not(value, path, "int", problems),
        Some(bits) if bits < 0 => super::form::at_least(0, path, problems),
        Some(_) => {}
    }
}

fn options(spec: &Value, kinds: &[u64], path: &str, problems: &mut Problems) {
    let place = below(path, "options");
    let options = list(&spec["options"], &place, problems);
    OPTIONS.check(options.len(), &place, problems);
    let is_sub =
        |option: &Value| matches!(option["type"].as_u64(), Some(SUB_COMMAND | SUB_COMMAND_GROUP));
    let mut names = HashSet::new();
    let mut optional_seen = false;
    for (index, option) in options.iter().enumerate() {
        let path = below(&place, &index.to_string());
        let Some(kind) = tag(option, &path, kinds, problems) else { continue };
        check_option(option, kind, &path, problems);
        if is_sub(option) != is_sub(&options[0]) {
            let words = "Sub-command and sub-command group option types are mutually exclusive \
                         to all other types";
            problems.add(&path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", words);
        }
        if !names.insert(option["name"].to_string()) {
            let words = "Option names must be unique";
            problems.add(&place, "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", words);
        }
        let required = option["required"] == true;
        if required && optional_seen && !is_sub(option) {
            let words = "Required options must be placed before non-required options";
            problems.add(&path, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", words);
        }
        optional_seen |= !required;
    }
}

fn check_option(option: &Value, kind: u64, path: &str, problems: &mut Problems) {
    fields(option, path, OPTION, problems);
    name(&option["name"], &below(path, "name"), problems);
    localized_names(option, path, problems, |locale| format!("name_localizations.{locale}"));
    match kind {
        SUB_COMMAND => return options(option, IN_SUB_COMMAND, path, problems),
        SUB_COMMAND_GROUP => return options(option, IN_GROUP, path, problems),
        STRING => fields(option, path, OF_STRING, problems),
        INTEGER => fields(option, path, OF_INTEGER, problems),
        NUMBER => fields(option, path, OF_NUMBER, problems),
        CHANNEL => fields(option, path, OF_CHANNEL, problems),
        _ => {}
    }
    if option["min_value"].as_f64() > option["max_value"].as_f64()
        && let Some(most) = option["max_value"].as_number()
    {
        let words = format!("min_value value should be less than or equal to {most}.");
        problems.add(&below(path, "min_value"), "NUMBER_TYPE_MAX", words);
    }
    if option["autocomplete"] != true {
        return;
    }
    if !matches!(kind, STRING | INTEGER | NUMBER) {
        let words = "Autocomplete cannot be configured for this type of option";
        let code = "APPLICATION_COMMAND_AUTOCOMPLETE_INVALID";
        problems.add(&below(path, "autocomplete"), code, words);
    } else if option["choices"].as_array().is_some_and(|choices| !choices.is_empty()) {
        let words = "Options with choices cannot be autocompleted";
        problems.add(path, "APPLICATION_COMMAND_AUTOCOMPLETE_NOT_ALLOWED", words);
    }
}

/// Characters of names, descriptions and choice values, of the command and all below it. Of a text
/// in several languages the longest counts (Discord's documentation, "Localization").
fn size(spec: &Value) -> usize {
    let length = |field: &str| {
        let others = spec[format!("{field}_localizations")].as_object();
        let others = others.into_iter().flatten().map(|(_, text)| characters(text));
        others.chain([characters(&spec[field])]).max().unwrap_or_default()
    };
    let below = |list: &str| spec[list].as_array().into_iter().flatten().map(size).sum::<usize>();
    length("name")
        + length("description")
        + characters(&spec["value"])
        + below("options")
        + below("choices")
}
