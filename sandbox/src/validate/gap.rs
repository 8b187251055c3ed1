//! What Discord accepts in a form and this sandbox does not simulate: it is refused by its name,
//! before anything else is said about the form.

use serde_json::Value;

use super::{component, modal};
use crate::description::{self, Component};
use crate::gap::Gap;
use crate::model::FLAG_COMPONENTS_V2;
use crate::refusal::Refusal;

/// The flag of a voice message.
const FLAG_VOICE_MESSAGE: u64 = 1 << 13;
/// A reference that forwards a message, in Discord's numbers.
const FORWARD: u64 = 1;
/// The command that launches an application's activity, in Discord's numbers.
const ENTRY_POINT: u64 = 4;

/// Looks into a message's body.
pub(super) fn in_message(body: &Value) -> Result<(), Refusal> {
    let flags = body["flags"].as_u64().unwrap_or(0);
    // Without the flag, other components than rows are wrong, not missing.
    if flags & FLAG_COMPONENTS_V2 != 0 {
        let foreign = |of: &Component| of.in_messages && !component::SIMULATED.contains(&of.number);
        if let Some(kind) = first(&body["components"], foreign) {
            return refuse(Gap::component("message", kind));
        }
    }
    if flags & FLAG_VOICE_MESSAGE != 0 {
        return refuse(Gap::field("message", "flags: IS_VOICE_MESSAGE"));
    }
    // With the flag, they are wrong.
    let fields = ["shared_client_theme", "poll", "sticker_ids"];
    let fields = if flags & FLAG_COMPONENTS_V2 == 0 { &fields[..] } else { &fields[..1] };
    for field in fields {
        let nothing = match &body[*field] {
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
    let foreign = |of: &Component| of.in_forms && !modal::SIMULATED.contains(&of.number);
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
