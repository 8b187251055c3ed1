//! Rules for messages of components "version 2", which have no content and no embeds. Limits and
//! fields are those of the page "Component Reference" of Discord's documentation and of its
//! published description; the names of errors are from public reports.

use std::collections::HashSet;

use serde_json::Value;

use super::address::{self, Schemes};
use super::component::{NUMBER, check_row, unique};
use super::form::{Field, Length, Rule, below, characters, fields, list, optional, required, tag};
use crate::components::{
    self, BUTTON, CONTAINER, FILE, MEDIA_GALLERY, ROW, SECTION, SEPARATOR, TEXT_DISPLAY, THUMBNAIL,
    kind,
};
use crate::refusal::Problems;

/// Components of a message, those inside of others included.
const COMPONENTS: usize = 40;
/// Characters over all text displays of a message, and of each.
const TEXT: usize = 4_000;

/// What can stand alone.
const TOP: &[u64] = &[ROW, SECTION, TEXT_DISPLAY, MEDIA_GALLERY, FILE, SEPARATOR, CONTAINER];
/// What a container can hold.
const IN_CONTAINER: &[u64] = &[ROW, SECTION, TEXT_DISPLAY, MEDIA_GALLERY, FILE, SEPARATOR];
const ACCESSORY: &[u64] = &[BUTTON, THUMBNAIL];

const DESCRIPTION: Rule = Rule::Text(Length::Between(1, 1_024));
const TEXT_FIELDS: &[Field] =
    &[optional("id", NUMBER), required("content", Rule::Text(Length::Between(1, TEXT)))];
const SECTION_FIELDS: &[Field] = &[optional("id", NUMBER)];
const THUMBNAIL_FIELDS: &[Field] = &[
    optional("id", NUMBER),
    required("media", Rule::Other(media)),
    optional("description", DESCRIPTION),
    optional("spoiler", Rule::Bool),
];
const GALLERY_FIELDS: &[Field] = &[
    optional("id", NUMBER),
    required("items", Rule::List(&Rule::Object(ITEM), Length::Between(1, 10))),
];
const ITEM: &[Field] = &[
    required("media", Rule::Other(media)),
    optional("description", DESCRIPTION),
    optional("spoiler", Rule::Bool),
];
const FILE_FIELDS: &[Field] =
    &[optional("id", NUMBER), required("file", Rule::Other(file)), optional("spoiler", Rule::Bool)];
const SEPARATOR_FIELDS: &[Field] = &[
    optional("id", NUMBER),
    optional("divider", Rule::Bool),
    optional("spacing", Rule::Number(&[1, 2])),
];
const CONTAINER_FIELDS: &[Field] = &[
    optional("id", NUMBER),
    optional("accent_color", Rule::Int(0, 0xff_ff_ff)),
    optional("spoiler", Rule::Bool),
];

/// Checks the components of a message.
pub(super) fn check(value: &Value, path: &str, problems: &mut Problems) {
    let top = list(value, path, problems);
    let mut ids = HashSet::new();
    for (index, component) in top.iter().enumerate() {
        one(component, &below(path, &index.to_string()), TOP, &mut ids, problems);
    }
    let all = components::all(top);
    if all.len() > COMPONENTS {
        let words = format!("Total number of components cannot exceed {COMPONENTS}");
        problems.add(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", words);
    }
    let displays = all.iter().filter(|of| kind(of) == TEXT_DISPLAY);
    if displays.map(|of| characters(&of["content"])).sum::<usize>() > TEXT {
        let words = format!("Components displayable text size exceeds maximum size of {TEXT}");
        problems.add(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", words);
    }
    numbers(&all, path, problems);
}

/// Notes that a number was given to two components ("must be unique within the message"; the name
/// of the error is built like that of custom ids, for no report shows it).
pub(super) fn numbers(all: &[&Value], path: &str, problems: &mut Problems) {
    let mut given = HashSet::new();
    let numbers = all.iter().filter_map(|of| of["id"].as_u64()).filter(|id| *id != 0);
    if numbers.into_iter().any(|id| !given.insert(id)) {
        problems.add(path, "COMPONENT_ID_DUPLICATED", "Component id cannot be duplicated");
    }
}

fn one<'a>(
    component: &'a Value,
    path: &str,
    kinds: &[u64],
    ids: &mut HashSet<&'a str>,
    problems: &mut Problems,
) {
    match tag(component, path, kinds, problems) {
        Some(ROW) => check_row(component, path, ids, problems),
        Some(SECTION) => section(component, path, ids, problems),
        Some(TEXT_DISPLAY) => fields(component, path, TEXT_FIELDS, problems),
        Some(MEDIA_GALLERY) => fields(component, path, GALLERY_FIELDS, problems),
        Some(FILE) => fields(component, path, FILE_FIELDS, problems),
        Some(SEPARATOR) => fields(component, path, SEPARATOR_FIELDS, problems),
        Some(CONTAINER) => {
            fields(component, path, CONTAINER_FIELDS, problems);
            within(component, path, Length::Between(1, COMPONENTS), IN_CONTAINER, ids, problems);
        }
        _ => {}
    }
}

/// The components that another holds as a list.
fn within<'a>(
    component: &'a Value,
    path: &str,
    length: Length,
    kinds: &[u64],
    ids: &mut HashSet<&'a str>,
    problems: &mut Problems,
) {
    let path = below(path, "components");
    if component["components"].is_null() {
        return problems.required(&path);
    }
    let held = list(&component["components"], &path, problems);
    length.check(held.len(), &path, problems);
    for (index, component) in held.iter().enumerate() {
        one(component, &below(&path, &index.to_string()), kinds, ids, problems);
    }
}

fn section<'a>(
    component: &'a Value,
    path: &str,
    ids: &mut HashSet<&'a str>,
    problems: &mut Problems,
) {
    fields(component, path, SECTION_FIELDS, problems);
    within(component, path, Length::Between(1, 3), &[TEXT_DISPLAY], ids, problems);
    let accessory = &component["accessory"];
    let path = below(path, "accessory");
    if accessory.is_null() {
        return problems.required(&path);
    }
    match tag(accessory, &path, ACCESSORY, problems) {
        Some(BUTTON) => {
            super::component::button(accessory, &path, problems);
            unique(accessory, &path, ids, problems);
        }
        Some(_) => fields(accessory, &path, THUMBNAIL_FIELDS, problems),
        None => {}
    }
}

/// A picture or film: an address, or a file of the message.
fn media(value: &Value, path: &str, problems: &mut Problems) {
    let url = [required("url", Rule::Address(Schemes::Media, Length::UpTo(2_048)))];
    fields(value, path, &url, problems);
}

/// A file of the message, never an address.
fn file(value: &Value, path: &str, problems: &mut Problems) {
    fields(value, path, &[required("url", Rule::Text(Length::UpTo(2_048)))], problems);
    let Some(url) = value["url"].as_str() else { return };
    if !url.starts_with("attachment://") {
        let path = below(path, "url");
        address::scheme(url, &path, "('attachment',)", problems);
    }
}

/// Notes each file that components name and that is not among the files of the message.
pub(super) fn references(value: &Value, path: &str, names: &[&str], problems: &mut Problems) {
    for (index, component) in components::list(value).iter().enumerate() {
        let path = below(path, &index.to_string());
        for held in ["media", "file"] {
            reference(&component[held]["url"], &below(&path, held), names, problems);
        }
        references(&component["items"], &below(&path, "items"), names, problems);
        references(&component["components"], &below(&path, "components"), names, problems);
        let accessory = &component["accessory"]["media"]["url"];
        reference(accessory, &below(&path, "accessory.media"), names, problems);
    }
}

fn reference(url: &Value, path: &str, names: &[&str], problems: &mut Problems) {
    let name = url.as_str().and_then(|url| url.strip_prefix("attachment://"));
    if name.is_some_and(|name| !names.contains(&name)) {
        let code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND";
        let words = "The referenced attachment was not found";
        problems.add(&below(path, "url"), code, words);
    }
}
