//! From the JSON of a request to a message about to be posted or an edit about to be made. What is
//! wrong with the JSON was said by `validate` before.

use serde_json::{Value, json};

use super::call::Upload;
use super::layouts;
use crate::mentions::{AllowedMentions, id_of};
use crate::messages::{Draft, Patch};
use crate::model::{
    Attachment, FLAG_COMPONENTS_V2, FLAG_SUPPRESS_EMBEDS, FLAG_SUPPRESS_NOTIFICATIONS, Message,
};
use crate::refusal::Refusal;
use crate::state::State;
use crate::validate::{self, message::Enclosed};

/// The message that a valid body describes.
pub(super) fn draft(state: &mut State, body: &Value, files: &[Upload]) -> Draft {
    let attachments = store(state, body, files);
    let flags = body["flags"].as_u64().unwrap_or(0);
    Draft {
        content: trimmed(&body["content"]),
        embeds: embeds(&body["embeds"], &attachments),
        components: layouts::components(&body["components"], &attachments),
        attachments,
        flags: flags & (FLAG_SUPPRESS_EMBEDS | FLAG_SUPPRESS_NOTIFICATIONS | FLAG_COMPONENTS_V2),
        allowed: AllowedMentions::read(&body["allowed_mentions"]),
        nonce: Some(body["nonce"].clone()).filter(|nonce| !nonce.is_null()),
        reply_to: None,
        notice: None,
        guise: None,
    }
}

/// The edit that a body describes.
pub(super) fn patch(
    state: &mut State,
    message: &Message,
    body: &Value,
    files: &[Upload],
) -> Result<Patch, Refusal> {
    validate::message::edit(body, &enclosed(files), message)?;
    let attachments = attachments_after(state, message, body, files);
    let known = attachments.as_ref().unwrap_or(&message.attachments);
    let flags = body["flags"].as_u64();
    Ok(Patch {
        content: body.get("content").map(trimmed),
        embeds: body.get("embeds").map(|list| embeds(list, known)),
        components: body.get("components").map(|list| layouts::components(list, known)),
        flags: flags.map(|flags| {
            let kept = message.flags & FLAG_COMPONENTS_V2;
            (FLAG_SUPPRESS_EMBEDS | FLAG_COMPONENTS_V2, flags | kept)
        }),
        allowed: body.get("allowed_mentions").map(AllowedMentions::read),
        attachments,
    })
}

/// The files that a request brings, for the rules.
pub(super) fn enclosed(files: &[Upload]) -> Vec<Enclosed<'_>> {
    files.iter().map(|upload| Enclosed { n: upload.n, name: &upload.file.name }).collect()
}

/// A content without the white space around it, which Discord drops.
fn trimmed(content: &Value) -> String {
    content.as_str().unwrap_or_default().trim().to_owned()
}

/// Attachments after an edit: those the body lists, and the new files. Without a list all stay.
fn attachments_after(
    state: &mut State,
    message: &Message,
    body: &Value,
    files: &[Upload],
) -> Option<Vec<Attachment>> {
    let listed = body.get("attachments");
    if listed.is_none() && files.is_empty() {
        return None;
    }
    let mut kept = message.attachments.clone();
    if let Some(listed) = listed {
        let ids: Vec<_> = listed
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| id_of(&entry["id"]))
            .collect();
        kept.retain(|attachment| ids.contains(&attachment.id));
        for gone in &message.attachments {
            if !ids.contains(&gone.id) {
                state.files.remove(&gone.id);
            }
        }
    }
    kept.extend(store(state, body, files));
    Some(kept)
}

/// Keeps the files; the body's `attachments` describe them by their number.
fn store(state: &mut State, body: &Value, files: &[Upload]) -> Vec<Attachment> {
    let described = body["attachments"].as_array();
    files
        .iter()
        .map(|upload| {
            let number = upload.n.to_string();
            let meta = described.into_iter().flatten().find(|entry| {
                entry["id"].as_str() == Some(&number) || entry["id"].as_u64() == Some(upload.n)
            });
            let description = meta.and_then(|meta| meta["description"].as_str());
            state.store(upload.file.clone(), description.map(str::to_owned))
        })
        .collect()
}

/// Embeds as Discord returns them: typed, with the addresses of attached files filled in.
fn embeds(list: &Value, attachments: &[Attachment]) -> Vec<Value> {
    let mut embeds = list.as_array().cloned().unwrap_or_default();
    for embed in &mut embeds {
        strip_nulls(embed);
        embed["type"] = json!("rich");
        for (part, key) in
            [("image", "url"), ("thumbnail", "url"), ("footer", "icon_url"), ("author", "icon_url")]
        {
            let attached = |url: &str| {
                let name = url.strip_prefix("attachment://")?;
                attachments.iter().find(|a| a.name == name)
            };
            if let Some(holder) = embed.get_mut(part)
                && let Some(attachment) = holder[key].as_str().and_then(attached)
            {
                holder[key] = json!(attachment.url);
                if let (Some((width, height)), "url") = (attachment.pixels, key) {
                    holder["width"] = json!(width);
                    holder["height"] = json!(height);
                }
            }
        }
        for field in embed["fields"].as_array_mut().into_iter().flatten() {
            if field["inline"].is_null() {
                field["inline"] = json!(false);
            }
        }
        if embed["fields"].is_null()
            && let Some(embed) = embed.as_object_mut()
        {
            embed.remove("fields");
        }
    }
    embeds
}

pub(super) fn strip_nulls(value: &mut Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
        for value in fields.values_mut() {
            strip_nulls(value);
        }
    }
}
