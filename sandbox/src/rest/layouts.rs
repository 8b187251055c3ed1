//! Components as Discord returns them: with numbers, with defaults filled in, and with the
//! addresses of the files that they show. The fields are those of Discord's published description.

use serde_json::{Value, json};

use super::drafts::strip_nulls;
use crate::components::{self, CONTAINER, FILE, MEDIA_GALLERY, SEPARATOR, THUMBNAIL, kind};
use crate::model::Attachment;

/// The components that a valid list describes.
pub(super) fn components(list: &Value, attachments: &[Attachment]) -> Vec<Value> {
    let mut components = list.as_array().cloned().unwrap_or_default();
    components::change(&mut components, &mut |component| {
        strip_nulls(component);
        complete(component, attachments);
    });
    components::number(&mut components);
    components
}

fn complete(component: &mut Value, attachments: &[Attachment]) {
    match kind(component) {
        CONTAINER => defaults(component, &[("accent_color", Value::Null)]),
        SEPARATOR => {
            for (field, value) in [("divider", json!(true)), ("spacing", json!(1))] {
                if component[field].is_null() {
                    component[field] = value;
                }
            }
            return;
        }
        THUMBNAIL => {
            defaults(component, &[("description", Value::Null)]);
            unfurl(&mut component["media"], attachments);
        }
        MEDIA_GALLERY => {
            for item in component["items"].as_array_mut().into_iter().flatten() {
                defaults(item, &[("description", Value::Null)]);
                spoiler(item);
                unfurl(&mut item["media"], attachments);
            }
            return;
        }
        FILE => {
            if let Some(attachment) = attached(&component["file"], attachments) {
                component["name"] = json!(attachment.name);
                component["size"] = json!(attachment.size);
            }
            unfurl(&mut component["file"], attachments);
        }
        _ => return,
    }
    spoiler(component);
}

fn defaults(component: &mut Value, fields: &[(&str, Value)]) {
    for (field, value) in fields {
        if component.get(*field).is_none() {
            component[*field] = value.clone();
        }
    }
}

fn spoiler(component: &mut Value) {
    if component["spoiler"].is_null() {
        component["spoiler"] = json!(false);
    }
}

/// The file of the message that a media item names.
fn attached<'a>(media: &Value, attachments: &'a [Attachment]) -> Option<&'a Attachment> {
    let name = media["url"].as_str()?.strip_prefix("attachment://")?;
    attachments.iter().find(|attachment| attachment.name == name)
}

/// Fills in what is known of a media item. Nothing is fetched: of other addresses only they
/// themselves are known.
fn unfurl(media: &mut Value, attachments: &[Attachment]) {
    let Some(attachment) = attached(media, attachments) else {
        media["proxy_url"] = media["url"].clone();
        return;
    };
    media["url"] = json!(attachment.url);
    media["proxy_url"] = json!(attachment.url);
    media["content_type"] = json!(attachment.content_type);
    media["attachment_id"] = json!(attachment.id);
    media["id"] = json!(attachment.id);
    if let Some((width, height)) = attachment.pixels {
        media["width"] = json!(width);
        media["height"] = json!(height);
    }
}
