//! Rules for the components of messages: rows of buttons, or of one select menu.

use std::collections::HashSet;

use serde_json::Value;

use super::address::Schemes;
use super::emoji;
use super::form::{Field, Length, Rule, below, fields, list, optional, required, tag};
use crate::components::{
    BUTTON, CHANNEL_SELECT, CONTAINER, FILE, MEDIA_GALLERY, MENTIONABLE_SELECT, ROLE_SELECT, ROW,
    SECTION, SEPARATOR, STRING_SELECT, TEXT_DISPLAY, THUMBNAIL, USER_SELECT,
};
use crate::refusal::Problems;

/// What a row of a message can hold.
const IN_ROW: &[u64] =
    &[BUTTON, STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT];

/// Component types that messages can have here, in Discord's numbers.
pub(crate) const SIMULATED: &[u64] = &[
    ROW,
    BUTTON,
    STRING_SELECT,
    USER_SELECT,
    ROLE_SELECT,
    MENTIONABLE_SELECT,
    CHANNEL_SELECT,
    SECTION,
    TEXT_DISPLAY,
    THUMBNAIL,
    MEDIA_GALLERY,
    FILE,
    SEPARATOR,
    CONTAINER,
];

/// Button styles, in Discord's numbers.
const LINK: u64 = 5;
const PREMIUM: u64 = 6;

/// Rows of a message.
const ROWS: usize = 5;
/// Buttons of a row, at least one.
const BUTTONS: Length = Length::Between(1, 5);

/// A number that a bot may give to a component.
pub(super) const NUMBER: Rule = Rule::Int(0, i32::MAX as i64);
pub(super) const CUSTOM_ID: Rule = Rule::Text(Length::Between(1, 100));
const EMOJI: Rule = Rule::Other(emoji::check);

const BUTTON_FIELDS: &[Field] = &[
    optional("id", NUMBER),
    required("style", Rule::Number(&[1, 2, 3, 4, 5, 6])),
    optional("label", Rule::Text(Length::UpTo(80))),
    optional("emoji", EMOJI),
    optional("custom_id", CUSTOM_ID),
    optional("sku_id", Rule::Id),
    optional("url", Rule::Address(Schemes::Link, Length::UpTo(512))),
    optional("disabled", Rule::Bool),
];
const MENU: &[Field] = &[
    optional("id", NUMBER),
    required("custom_id", CUSTOM_ID),
    optional("placeholder", Rule::Text(Length::UpTo(150))),
    optional("min_values", Rule::Int(0, 25)),
    optional("max_values", Rule::Int(1, 25)),
    optional("required", Rule::Bool),
    optional("disabled", Rule::Bool),
];
const OPTIONS: Rule = Rule::List(&Rule::Object(OPTION), Length::Between(1, 25));
const OPTION: &[Field] = &[
    required("label", Rule::Text(Length::Between(1, 100))),
    required("value", Rule::Text(Length::Between(1, 100))),
    optional("description", Rule::Text(Length::UpTo(100))),
    optional("emoji", EMOJI),
    optional("default", Rule::Bool),
];
const CHANNEL_TYPES: &[Field] = &[optional(
    "channel_types",
    Rule::Set(&Rule::Number(&[0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16]), Length::Any),
)];
const USERS: &[Field] = &[offers(&["user"])];
const ROLES: &[Field] = &[offers(&["role"])];
const CHANNELS: &[Field] = &[offers(&["channel"])];
const MENTIONABLES: &[Field] = &[offers(&["user", "role"])];

/// The `type` of a default value: what the menu offers.
const fn offers(kinds: &'static [&'static str]) -> Field {
    required("type", Rule::Word(kinds))
}

/// Checks a message's components.
pub(super) fn check(value: &Value, path: &str, problems: &mut Problems) {
    let rows = list(value, path, problems);
    Length::UpTo(ROWS).check(rows.len(), path, problems);
    let mut ids = HashSet::new();
    for (index, row) in rows.iter().enumerate() {
        let path = format!("{path}.{index}");
        if tag(row, &path, &[ROW], problems).is_some() {
            check_row(row, &path, &mut ids, problems);
        }
    }
}

pub(super) fn check_row<'a>(
    row: &'a Value,
    path: &str,
    ids: &mut HashSet<&'a str>,
    problems: &mut Problems,
) {
    fields(row, path, &[optional("id", NUMBER)], problems);
    let inner = format!("{path}.components");
    if row["components"].is_null() {
        return problems.required(&inner);
    }
    let components = list(&row["components"], &inner, problems);
    BUTTONS.check(components.len(), &inner, problems);
    let mut has_menu = false;
    for (index, component) in components.iter().enumerate() {
        let path = format!("{inner}.{index}");
        let kind = tag(component, &path, IN_ROW, problems);
        let is_menu = kind.is_some_and(|kind| kind != BUTTON);
        // A menu is as wide as a row.
        if index > 0 && (is_menu || has_menu) {
            let words = "The specified component exceeds the maximum width";
            problems.add(&path, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", words);
        }
        has_menu |= is_menu;
        match kind {
            Some(BUTTON) => button(component, &path, problems),
            Some(kind) => menu(component, kind, &path, problems),
            None => {}
        }
        unique(component, &path, ids, problems);
    }
}

/// Notes a custom id that another component of the message or form has.
pub(super) fn unique<'a>(
    component: &'a Value,
    path: &str,
    ids: &mut HashSet<&'a str>,
    problems: &mut Problems,
) {
    if let Some(id) = component["custom_id"].as_str()
        && !ids.insert(id)
    {
        problems.add(
            &format!("{path}.custom_id"),
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        );
    }
}

pub(super) fn button(button: &Value, path: &str, problems: &mut Problems) {
    fields(button, path, BUTTON_FIELDS, problems);
    let custom_id = !button["custom_id"].is_null();
    let url = !button["url"].is_null();
    let style = button["style"].as_u64();
    match style {
        Some(LINK) if !url => {
            let words = "A url is required";
            problems.add(&format!("{path}.url"), "BUTTON_COMPONENT_URL_REQUIRED", words);
        }
        Some(1..=4) if !custom_id => {
            let words = "A custom id is required";
            let code = "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED";
            problems.add(&format!("{path}.custom_id"), code, words);
        }
        Some(PREMIUM) if button["sku_id"].is_null() => {
            problems.required(&format!("{path}.sku_id"));
        }
        _ => {}
    }
    if custom_id && (url || style == Some(LINK)) || url && matches!(style, Some(1..=4)) {
        for field in ["custom_id", "url"] {
            let words = "A custom id and url cannot both be specified";
            let code = "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE";
            problems.add(&format!("{path}.{field}"), code, words);
        }
    }
    let unlabelled = button["label"].is_null() || button["label"] == "";
    if unlabelled && button["emoji"].is_null() && style != Some(PREMIUM) {
        let words = "A label or emoji is required";
        problems.add(path, "BUTTON_COMPONENT_INVALID_LABEL", words);
    }
}

pub(super) fn menu(menu: &Value, kind: u64, path: &str, problems: &mut Problems) {
    fields(menu, path, MENU, problems);
    let least = menu["min_values"].as_i64().unwrap_or(1);
    let most = menu["max_values"].as_i64().unwrap_or(1);
    if menu["required"] == true && least == 0 {
        let words = "Select menus marked as required cannot have a min_values of 0";
        let code = "SELECT_COMPONENT_REQUIRED_ZERO_MIN_VALUES";
        problems.add(&format!("{path}.min_values"), code, words);
    }
    if least > most {
        let words = format!("min_values value should be less than or equal to {most}.");
        problems.add(&format!("{path}.min_values"), "NUMBER_TYPE_MAX", words);
    }
    match kind {
        STRING_SELECT => options(menu, most, path, problems),
        USER_SELECT => default_values(menu, USERS, path, problems),
        ROLE_SELECT => default_values(menu, ROLES, path, problems),
        MENTIONABLE_SELECT => default_values(menu, MENTIONABLES, path, problems),
        _ => {
            fields(menu, path, CHANNEL_TYPES, problems);
            default_values(menu, CHANNELS, path, problems);
        }
    }
}

/// The options of a menu of texts: unlike each other, and enough of them to choose from.
fn options(menu: &Value, most: i64, path: &str, problems: &mut Problems) {
    let path = format!("{path}.options");
    if menu["options"].is_null() {
        return Length::Between(1, 25).check(0, &path, problems);
    }
    OPTIONS.check(&menu["options"], &path, problems);
    let options = menu["options"].as_array().map_or(&[][..], Vec::as_slice);
    let most = usize::try_from(most).unwrap_or_default();
    if (1..=25).contains(&options.len()) && most > options.len() && most <= 25 {
        let words = format!("Must be {most} or more in length.");
        problems.add(&path, "BASE_TYPE_MIN_LENGTH", words);
    }
    let mut values = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        if option["value"].as_str().is_some_and(|value| !values.insert(value)) {
            problems.add(
                &format!("{path}.{index}"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            );
        }
    }
    if options.iter().filter(|option| option["default"] == true).count() > most {
        too_many_defaults(&path, problems);
    }
}

fn too_many_defaults(path: &str, problems: &mut Problems) {
    let words = "The specified number of default values exceeds the specified maximum values";
    problems.add(path, "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", words);
}

/// What a menu of people, roles or channels shows as chosen: of its kind, and as many as may be.
fn default_values(menu: &Value, kind: &[Field], path: &str, problems: &mut Problems) {
    let path = format!("{path}.default_values");
    let values = list(&menu["default_values"], &path, problems);
    let mut ids = HashSet::new();
    for (index, value) in values.iter().enumerate() {
        let path = below(&path, &index.to_string());
        fields(value, &path, kind, problems);
        if value.is_object() {
            fields(value, &path, &[required("id", Rule::Id)], problems);
        }
        if !value["id"].is_null() && !ids.insert(value["id"].to_string()) {
            let words = "The specified default value is already used";
            problems.add(&path, "SELECT_COMPONENT_DEFAULT_VALUE_DUPLICATED", words);
        }
    }
    let least = menu["min_values"].as_u64().unwrap_or(1) as usize;
    let most = menu["max_values"].as_u64().unwrap_or(1) as usize;
    // Menus filled in beforehand must themselves be a valid choice; an empty list means none.
    if values.len() > most || !values.is_empty() && values.len() < least {
        Length::Between(least, most).check(values.len(), &path, problems);
    }
}
