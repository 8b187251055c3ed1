//! Rules for messages.

use serde_json::Value;

use super::{component, embed};
use crate::mentions::id_of;
use crate::model::{FLAG_SUPPRESS_EMBEDS, Message};
use crate::refusal::{Problems, Refusal};

/// Characters of a message's content.
const CONTENT: usize = 2_000;
/// Characters of a nonce.
const NONCE: usize = 25;
/// Files of a message.
const FILES: usize = 10;
/// Ids in each list of `allowed_mentions`.
const MENTIONS: usize = 100;
/// The flag of a message built from components of "version 2".
const FLAG_COMPONENTS_V2: u64 = 1 << 15;

/// Checks the body of a new message.
pub(crate) fn create(body: &Value, files: usize) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    check(body, files, &mut problems);
    nonce(&body["nonce"], &mut problems);
    problems.into_result()?;
    let nothing = is_blank(&body["content"])
        && are_blank(&body["embeds"])
        && is_empty(&body["components"])
        && files == 0;
    if nothing {
        return Err(Refusal::empty_message());
    }
    Ok(())
}

/// Checks the body of an edit, which must leave something of the message.
pub(crate) fn edit(body: &Value, files: usize, message: &Message) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    check(body, files, &mut problems);
    problems.into_result()?;
    let content = body.get("content");
    let embeds = body.get("embeds");
    let components = body.get("components");
    let nothing = content.map_or(message.content.is_empty(), is_blank)
        && embeds.map_or(message.embeds.is_empty(), are_blank)
        && components.map_or(message.components.is_empty(), is_empty)
        && files == 0
        && body.get("attachments").map_or(message.attachments.is_empty(), is_empty)
        // Suppressing embeds is an edit that leaves everything where it is.
        && body["flags"].as_u64().unwrap_or(0) & FLAG_SUPPRESS_EMBEDS == 0;
    if nothing {
        return Err(Refusal::empty_message());
    }
    Ok(())
}

/// What new messages and edits have in common.
fn check(body: &Value, files: usize, problems: &mut Problems) {
    problems.length("content", &body["content"], 0, CONTENT);
    embed::check(&body["embeds"], "embeds", problems);
    component::check(&body["components"], "components", problems);
    allowed_mentions(&body["allowed_mentions"], problems);
    if files > FILES {
        let words = format!("Must be {FILES} or fewer in length.");
        problems.add("attachments", "BASE_TYPE_MAX_LENGTH", words);
    }
    if body["flags"].as_u64().unwrap_or(0) & FLAG_COMPONENTS_V2 != 0 {
        let words = "Components of version 2 are not simulated by this sandbox.";
        problems.add("flags", "MESSAGE_COMPONENTS_V2_NOT_SIMULATED", words);
    }
}

fn nonce(nonce: &Value, problems: &mut Problems) {
    if nonce.is_string() {
        problems.length("nonce", nonce, 0, NONCE);
    } else if !nonce.is_null() && !nonce.is_i64() && !nonce.is_u64() {
        let words = "Could not interpret as an integer or a string.";
        problems.add("nonce", "NONCE_TYPE_INVALID", words);
    }
}

fn allowed_mentions(object: &Value, problems: &mut Problems) {
    for kind in ["users", "roles"] {
        let path = format!("allowed_mentions.{kind}");
        let Some(list) = object[kind].as_array() else {
            continue;
        };
        problems.count(&path, list.len(), 0, MENTIONS);
        let parsed = object["parse"].as_array().into_iter().flatten();
        if !list.is_empty() && parsed.into_iter().any(|parsed| parsed == kind) {
            let words = format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive.");
            problems.add("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", words);
        }
        if let Some(index) = list.iter().position(|id| id_of(id).is_none()) {
            let words = format!("Value {} is not snowflake.", list[index]);
            problems.add(&format!("{path}.{index}"), "NUMBER_TYPE_COERCE", words);
        }
    }
    let parse = object["parse"].as_array().into_iter().flatten();
    for (index, kind) in parse.enumerate() {
        if !matches!(kind.as_str(), Some("users" | "roles" | "everyone")) {
            let words = "Value must be one of ('users', 'roles', 'everyone').";
            let path = format!("allowed_mentions.parse.{index}");
            problems.add(&path, "BASE_TYPE_CHOICES", words);
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
