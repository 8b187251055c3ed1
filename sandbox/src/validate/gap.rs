//! What Discord accepts in a form and this sandbox does not simulate: it is refused by its name,
//! before anything else is said about the form.

use serde_json::Value;

use super::{component, modal};
use crate::description::{self, Component};
use crate::gap::Gap;
use crate::refusal::Refusal;

/// The flags of a message built from components of "version 2", and of a voice message.
const FLAG_COMPONENTS_V2: u64 = 1 << 15;
const FLAG_VOICE_MESSAGE: u64 = 1 << 13;
/// A reference that forwards a message, in Discord's numbers.
const FORWARD: u64 = 1;
/// The command that launches an application's activity, in Discord's numbers.
const ENTRY_POINT: u64 = 4;

/// Looks into a message's body.
pub(super) fn in_message(body: &Value) -> Result<(), Refusal> {
    let flags = body["flags"].as_u64().unwrap_or(0);
    if flags & FLAG_COMPONENTS_V2 != 0 {
        let foreign = |of: &Component| of.in_messages && !component::SIMULATED.contains(&of.number);
        return refuse(match first(&body["components"], foreign) {
            Some(kind) => Gap::component("message", kind),
            None => Gap::field("message", "flags: IS_COMPONENTS_V2"),
        });
    }
    if flags & FLAG_VOICE_MESSAGE != 0 {
        return refuse(Gap::field("message", "flags: IS_VOICE_MESSAGE"));
    }
    for field in ["poll", "sticker_ids", "shared_client_theme"] {
        let nothing = match &body[field] {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        if !nothing {
            return refuse(Gap::field("message", field));
        }
    }
    if body["message_reference"]["type"].as_u64() == Some(FORWARD) {
        return refuse(Gap::field("message", "message_reference: FORWARD"));
    }
    Ok(())
}

/// Looks into the data of a callback that opens a form.
pub(super) fn in_form(data: &Value) -> Result<(), Refusal> {
    // Rows hold no menus in forms, neither here nor on Discord.
    let foreign = |of: &Component| {
        let known = modal::SIMULATED.contains(&of.number) || of.in_messages;
        of.in_forms && (!known || of.name == "TEXT_DISPLAY")
    };
    match first(&data["components"], foreign) {
        Some(kind) => refuse(Gap::component("form", kind)),
        None => Ok(()),
    }
}

/// Looks at a command's kind.
pub(super) fn in_command(spec: &Value) -> Result<(), Refusal> {
    if spec["type"].as_u64() == Some(ENTRY_POINT) {
        return refuse(Gap::field("command", "type: PRIMARY_ENTRY_POINT"));
    }
    Ok(())
}

/// Looks at a callback's type.
pub(super) fn callback(kind: u64, elsewhere: &[u64]) -> Result<(), Refusal> {
    if elsewhere.contains(&kind) {
        return refuse(Gap::field("callback", &format!("type: {kind}")));
    }
    Ok(())
}

fn refuse(gap: Gap) -> Result<(), Refusal> {
    Err(Refusal::gap(gap))
}

/// The first component, at any depth, whose type is one of those.
fn first(components: &Value, is: impl Fn(&Component) -> bool + Copy) -> Option<u64> {
    components.as_array()?.iter().find_map(|component| {
        let kind = description::component(component["type"].as_u64()?)?;
        if is(kind) { Some(kind.number) } else { first(&component["components"], is) }
    })
}
