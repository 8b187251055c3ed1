//! Rules for the components of messages: rows of buttons, or of one select menu.

use std::collections::HashSet;

use serde_json::Value;

use crate::mentions::id_of;
use crate::refusal::Problems;
use crate::selection::{
    BUTTON, CHANNEL_SELECT, MENTIONABLE_SELECT, ROLE_SELECT, STRING_SELECT, USER_SELECT,
};

/// Component type of a row, in Discord's numbers.
pub(super) const ROW: u64 = 1;

/// Button styles, in Discord's numbers.
const LINK: u64 = 5;
const PREMIUM: u64 = 6;

/// Rows of a message.
const ROWS: usize = 5;
/// Buttons of a row.
const BUTTONS: usize = 5;
/// Options of a select menu, and the most values that can be chosen.
const OPTIONS: usize = 25;
/// Characters of a custom id.
pub(super) const CUSTOM_ID: usize = 100;

/// Checks a message's components.
pub(super) fn check(list: &Value, path: &str, problems: &mut Problems) {
    if list.is_null() {
        return;
    }
    let Some(rows) = list.as_array() else {
        let words = "Only iterables may be used in a ListType";
        return problems.add(path, "LIST_TYPE_CONVERT", words);
    };
    problems.count(path, rows.len(), 0, ROWS);
    let mut ids = HashSet::new();
    for (index, row) in rows.iter().enumerate() {
        check_row(row, &format!("{path}.{index}"), &mut ids, problems);
    }
}

fn check_row<'a>(row: &'a Value, path: &str, ids: &mut HashSet<&'a str>, problems: &mut Problems) {
    if row["type"].as_u64() != Some(ROW) {
        let words = "Value of field \"type\" must be one of (1,).";
        return problems.add(&format!("{path}.type"), "UNION_TYPE_CHOICES", words);
    }
    let inner = format!("{path}.components");
    let components = row["components"].as_array().map_or(&[][..], Vec::as_slice);
    problems.count(&inner, components.len(), 1, BUTTONS);
    let menus = components.iter().filter(|c| is_select(c)).count();
    if menus > 0 && components.len() > 1 {
        let words = "The specified component exceeds the maximum width";
        problems.add(&inner, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", words);
    }
    for (index, component) in components.iter().enumerate() {
        let path = format!("{inner}.{index}");
        match component["type"].as_u64() {
            Some(BUTTON) => button(component, &path, problems),
            Some(_) if is_select(component) => select(component, &path, problems),
            _ => {
                let words = "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8).";
                problems.add(&format!("{path}.type"), "UNION_TYPE_CHOICES", words);
            }
        }
        unique(component, &path, ids, problems);
    }
}

fn is_select(component: &Value) -> bool {
    component["type"].as_u64().is_some_and(|kind| kind == STRING_SELECT || !offers(kind).is_empty())
}

/// What the values of a menu without options can be, as `default_values` names them.
fn offers(kind: u64) -> &'static [&'static str] {
    match kind {
        USER_SELECT => &["user"],
        ROLE_SELECT => &["role"],
        MENTIONABLE_SELECT => &["user", "role"],
        CHANNEL_SELECT => &["channel"],
        _ => &[],
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

fn button(button: &Value, path: &str, problems: &mut Problems) {
    problems.length(&format!("{path}.label"), &button["label"], 0, 80);
    let (custom_id, url) = (&button["custom_id"], &button["url"]);
    match button["style"].as_u64() {
        Some(LINK) => {
            if url.is_null() {
                let words = "A url is required";
                problems.add(&format!("{path}.url"), "BUTTON_COMPONENT_URL_REQUIRED", words);
            }
            problems.length(&format!("{path}.url"), url, 0, 512);
            forbid_custom_id(custom_id, path, problems);
        }
        Some(PREMIUM) => forbid_custom_id(custom_id, path, problems),
        Some(1..=4) => {
            if !url.is_null() {
                let words = "A custom id and url cannot both be specified";
                problems.add(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_EXCLUSIVE", words);
            }
            custom_id_required(custom_id, path, problems);
        }
        _ => {
            let words = "Value must be one of {1, 2, 3, 4, 5, 6}.";
            problems.add(&format!("{path}.style"), "BASE_TYPE_CHOICES", words);
        }
    }
    let unlabelled = button["label"].as_str().is_none_or(str::is_empty);
    if unlabelled && button["emoji"].is_null() && button["style"].as_u64() != Some(PREMIUM) {
        let words = "A label or emoji is required";
        problems.add(path, "BUTTON_COMPONENT_INVALID_LABEL", words);
    }
}

fn forbid_custom_id(custom_id: &Value, path: &str, problems: &mut Problems) {
    if !custom_id.is_null() {
        let words = "A custom id and url cannot both be specified";
        problems.add(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_EXCLUSIVE", words);
    }
}

fn custom_id_required(custom_id: &Value, path: &str, problems: &mut Problems) {
    let path = format!("{path}.custom_id");
    if custom_id.is_null() {
        let words = "A custom id is required";
        problems.add(&path, "COMPONENT_CUSTOM_ID_REQUIRED", words);
    }
    problems.length(&path, custom_id, 1, CUSTOM_ID);
}

fn select(menu: &Value, path: &str, problems: &mut Problems) {
    custom_id_required(&menu["custom_id"], path, problems);
    problems.length(&format!("{path}.placeholder"), &menu["placeholder"], 0, 150);
    let options = menu["options"].as_array().map_or(&[][..], Vec::as_slice);
    let most = OPTIONS as i64;
    problems.within(&format!("{path}.min_values"), &menu["min_values"], 0, most);
    problems.within(&format!("{path}.max_values"), &menu["max_values"], 1, most);
    let least_chosen = menu["min_values"].as_u64().unwrap_or(1);
    let most_chosen = menu["max_values"].as_u64().unwrap_or(1);
    if least_chosen > most_chosen {
        let words = "Min values cannot be greater than max values";
        problems.add(path, "SELECT_COMPONENT_MIN_VALUES_GREATER_THAN_MAX", words);
    }
    if menu["type"].as_u64() != Some(STRING_SELECT) {
        return default_values(menu, path, problems);
    }
    problems.count(&format!("{path}.options"), options.len(), 1, OPTIONS);
    if menu["max_values"].is_u64() && most_chosen > options.len() as u64 {
        let words = "Max values cannot be greater than the number of options";
        problems.add(
            &format!("{path}.max_values"),
            "SELECT_COMPONENT_MAX_VALUES_EXCEEDS_OPTIONS",
            words,
        );
    }
    let mut values = HashSet::new();
    let mut chosen = 0;
    for (index, option) in options.iter().enumerate() {
        let path = format!("{path}.options.{index}");
        problems.required_text(&format!("{path}.label"), &option["label"], 100);
        problems.required_text(&format!("{path}.value"), &option["value"], 100);
        problems.length(&format!("{path}.description"), &option["description"], 0, 100);
        chosen += u64::from(option["default"] == true);
        if !values.insert(option["value"].to_string()) {
            problems.add(
                &format!("{path}.value"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            );
        }
    }
    if chosen > most_chosen {
        let words = "There are too many default options";
        problems.add(path, "SELECT_COMPONENT_TOO_MANY_DEFAULT_OPTIONS", words);
    }
}

/// What a menu of people, roles or channels shows as chosen: of its kind, and as many as may be.
fn default_values(menu: &Value, path: &str, problems: &mut Problems) {
    let kind = menu["type"].as_u64().unwrap_or_default();
    if kind == CHANNEL_SELECT {
        let types = menu["channel_types"].as_array().into_iter().flatten();
        for (index, of) in types.enumerate().filter(|(_, of)| !of.is_u64()) {
            let words = format!("Value \"{of}\" is not int.");
            problems.add(&format!("{path}.channel_types.{index}"), "NUMBER_TYPE_COERCE", words);
        }
    }
    let list = format!("{path}.default_values");
    if menu["default_values"].is_null() {
        return;
    }
    let Some(values) = menu["default_values"].as_array() else {
        let words = "Only iterables may be used in a ListType";
        return problems.add(&list, "LIST_TYPE_CONVERT", words);
    };
    let mut ids = HashSet::new();
    for (index, value) in values.iter().enumerate() {
        let path = format!("{list}.{index}");
        if !offers(kind).iter().any(|of| value["type"] == *of) {
            let words = format!("Value must be one of {:?}.", offers(kind));
            problems.add(&format!("{path}.type"), "BASE_TYPE_CHOICES", words);
        }
        match id_of(&value["id"]) {
            None if value["id"].is_null() => problems.required(&format!("{path}.id")),
            None => {
                let words = format!("Value {} is not snowflake.", value["id"]);
                problems.add(&format!("{path}.id"), "NUMBER_TYPE_COERCE", words);
            }
            Some(id) if !ids.insert(id) => {
                let words = "The specified default value is already used";
                problems.add(&path, "SELECT_COMPONENT_DEFAULT_VALUE_DUPLICATED", words);
            }
            Some(_) => {}
        }
    }
    // Menus filled in beforehand must themselves be a valid choice; an empty list means none.
    let least = menu["min_values"].as_u64().unwrap_or(1);
    let most = menu["max_values"].as_u64().unwrap_or(1);
    let chosen = values.len() as u64;
    if chosen > most || chosen > 0 && chosen < least {
        let words = format!("Must be between {least} and {most} in length.");
        problems.add(&list, "BASE_TYPE_BAD_LENGTH", words);
    }
}
