//! Rules for messages.

use serde_json::Value;

use super::form::{Field, Length, Rule, fields, optional, required};
use super::{component, embed, gap, layout};
use crate::mentions::id_of;
use crate::model::{FLAG_COMPONENTS_V2, FLAG_SUPPRESS_EMBEDS, Message};
use crate::refusal::{Problems, Refusal};
use crate::snowflake::Snowflake;

/// Characters of a nonce.
const NONCE: usize = 25;
/// Files of a message.
const FILES: usize = 10;
/// Ids in each list of `allowed_mentions`.
const MENTIONS: Length = Length::UpTo(100);

/// What new messages and edits have in common.
const MESSAGE: &[Field] = &[
    optional("content", Rule::Text(Length::UpTo(2_000))),
    optional("embeds", Rule::Other(embed::check)),
    optional("allowed_mentions", Rule::Other(allowed_mentions)),
    optional("attachments", Rule::List(&Rule::Object(ATTACHMENT), Length::UpTo(FILES))),
    optional("flags", Rule::Int(i64::MIN, i64::MAX)),
];
const NEW: &[Field] = &[
    optional("tts", Rule::Bool),
    optional("nonce", Rule::Other(nonce)),
    optional("enforce_nonce", Rule::Bool),
    optional("message_reference", Rule::Object(REFERENCE)),
];
const ATTACHMENT: &[Field] = &[
    required("id", Rule::Id),
    optional("filename", Rule::Text(Length::Between(1, 1_024))),
    optional("description", Rule::Text(Length::UpTo(1_024))),
];
const REFERENCE: &[Field] = &[
    optional("type", Rule::Number(&[0, 1])),
    required("message_id", Rule::Id),
    optional("channel_id", Rule::Id),
    optional("guild_id", Rule::Id),
    optional("fail_if_not_exists", Rule::Bool),
];
const ALLOWED_MENTIONS: &[Field] = &[
    optional("parse", Rule::Set(&Rule::Word(&["users", "roles", "everyone"]), Length::Any)),
    optional("users", Rule::Set(&Rule::Id, MENTIONS)),
    optional("roles", Rule::Set(&Rule::Id, MENTIONS)),
    optional("replied_user", Rule::Bool),
];

/// A file that comes with a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Enclosed<'a> {
    /// The `n` of `files[n]`.
    pub(crate) n: u64,
    pub(crate) name: &'a str,
}

/// Checks the body of a new message, which brings these files.
pub(crate) fn create(body: &Value, files: &[Enclosed<'_>]) -> Result<(), Refusal> {
    gap::in_message(body)?;
    let mut problems = Problems::default();
    let of_components = is_of_components(body);
    check(body, files.len(), &mut problems);
    let names: Vec<_> = files.iter().map(|file| file.name).collect();
    components(body, of_components, &names, &mut problems);
    if body.is_object() {
        fields(body, "", NEW, &mut problems);
    }
    described(body, files, &mut problems);
    problems.into_result()?;
    let nothing = is_blank(&body["content"])
        && are_blank(&body["embeds"])
        && is_empty(&body["components"])
        && (files.is_empty() || of_components);
    if nothing {
        return Err(Refusal::empty_message());
    }
    Ok(())
}

/// Checks the body of an edit, which must leave something of the message.
pub(crate) fn edit(body: &Value, files: &[Enclosed<'_>], message: &Message) -> Result<(), Refusal> {
    gap::in_message(body)?;
    let mut problems = Problems::default();
    // "Once a message has been sent with this flag, it can't be removed from that message" (page
    // "Component Reference").
    let of_components = is_of_components(body) || message.is_of_components();
    check(body, files.len(), &mut problems);
    let kept = message.attachments.iter().map(|attachment| attachment.name.as_str());
    let names: Vec<_> = files.iter().map(|file| file.name).chain(kept).collect();
    components(body, of_components, &names, &mut problems);
    if of_components {
        for (field, there) in
            [("content", !message.content.is_empty()), ("embeds", !message.embeds.is_empty())]
        {
            if there && body.get(field).is_none() {
                legacy(field, &mut problems);
            }
        }
    }
    problems.into_result()?;
    let content = body.get("content");
    let embeds = body.get("embeds");
    let components = body.get("components");
    let nothing = content.map_or(message.content.is_empty(), is_blank)
        && embeds.map_or(message.embeds.is_empty(), are_blank)
        && components.map_or(message.components.is_empty(), is_empty)
        && files.is_empty()
        && body.get("attachments").map_or(message.attachments.is_empty(), is_empty)
        // Suppressing embeds is an edit that leaves everything where it is.
        && body["flags"].as_u64().unwrap_or(0) & FLAG_SUPPRESS_EMBEDS == 0;
    if nothing {
        return Err(Refusal::empty_message());
    }
    Ok(())
}

/// The person that a direct message is to be opened with, by what a body says.
pub(crate) fn recipient(body: &Value) -> Result<Option<Snowflake>, Refusal> {
    let mut problems = Problems::default();
    fields(body, "", &[required("recipient_id", Rule::Id)], &mut problems);
    problems.into_result()?;
    Ok(id_of(&body["recipient_id"]))
}

fn check(body: &Value, files: usize, problems: &mut Problems) {
    match body {
        // A form with files needs no JSON.
        Value::Null => {}
        Value::Object(_) => fields(body, "", MESSAGE, problems),
        _ => {
            let words = "Only dictionaries may be used in a DictType";
            problems.add("", "DICT_TYPE_CONVERT", words);
        }
    }
    if body["attachments"].as_array().is_none_or(|listed| listed.len() <= FILES) {
        Length::UpTo(FILES).check(files, "attachments", problems);
    }
}

fn is_of_components(body: &Value) -> bool {
    body["flags"].as_u64().unwrap_or(0) & FLAG_COMPONENTS_V2 != 0
}

/// Components, which can refer to files of these names, and what goes with them.
fn components(body: &Value, of_components: bool, files: &[&str], problems: &mut Problems) {
    let (components, path) = (&body["components"], "components");
    if !of_components {
        return component::check(components, path, problems);
    }
    layout::check(components, path, problems);
    layout::references(components, path, files, problems);
    for field in ["content", "embeds", "poll", "sticker_ids"] {
        let given = match &body[field] {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            _ => true,
        };
        if given {
            legacy(field, problems);
        }
    }
}

/// Notes a field that messages of components do not have.
fn legacy(field: &str, problems: &mut Problems) {
    let words =
        format!("The '{field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2");
    problems.add(field, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", words);
}

/// Whether each attachment of a new message describes a file that came with it.
fn described(body: &Value, files: &[Enclosed<'_>], problems: &mut Problems) {
    let listed = body["attachments"].as_array().into_iter().flatten();
    for (index, attachment) in listed.enumerate() {
        let id = &attachment["id"];
        let number = id.as_u64().or_else(|| id.as_str()?.parse().ok());
        if number.is_some_and(|number| files.iter().all(|file| file.n != number)) {
            let path = format!("attachments.{index}");
            problems.add(&path, "ATTACHMENT_NOT_FOUND", "Attachment data not found");
        }
    }
}

fn nonce(nonce: &Value, path: &str, problems: &mut Problems) {
    match nonce {
        Value::String(text) if text.chars().count() > NONCE => {
            let words = format!("Must be {NONCE} or fewer characters long.");
            problems.add(path, "NONCE_TYPE_TOO_LONG", words);
        }
        Value::Number(number) if number.is_u64() && !number.is_i64() => {
            let words = format!("Must be between {} and {}.", i64::MIN, i64::MAX);
            problems.add(path, "NONCE_TYPE_OUT_OF_BOUNDS", words);
        }
        Value::String(_) => {}
        Value::Number(number) if number.is_i64() => {}
        _ => {
            let words = "This field must be a string or integer.";
            problems.add(path, "NONCE_TYPE_INVALID_TYPE", words);
        }
    }
}

fn allowed_mentions(object: &Value, path: &str, problems: &mut Problems) {
    fields(object, path, ALLOWED_MENTIONS, problems);
    for kind in ["users", "roles"] {
        let listed = object[kind].as_array().is_some_and(|ids| !ids.is_empty());
        let parsed = object["parse"].as_array().into_iter().flatten();
        if listed && parsed.into_iter().any(|parsed| parsed == kind) {
            let words = format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive.");
            problems.add(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", words);
        }
    }
}

fn is_blank(content: &Value) -> bool {
    content.as_str().is_none_or(|text| text.trim().is_empty())
}

fn are_blank(embeds: &Value) -> bool {
    let embeds = embeds.as_array();
    embeds.is_none_or(|embeds| embeds.iter().all(embed::is_blank))
}

fn is_empty(list: &Value) -> bool {
    list.as_array().is_none_or(Vec::is_empty)
}
