//! How much of Discord there is here, told by itself: GET `/_sandbox/coverage`. What is simulated
//! comes from where it is simulated: the table of routes, and the component types that the rules
//! let through.

use axum::response::Json;
use serde::Serialize;
use serde_json::{Value, json};

use crate::description::{COMPONENTS, Component, EVENTS, OPERATIONS, SENT_BY_BOTS};
use crate::rest::routes::{Depth, ROUTES};
use crate::validate::{component, modal};

/// The events that the sandbox sends. `tests/server/coverage.rs` holds it against the sources.
const EVENTS_SENT: &[&str] = &[
    "READY",
    "RESUMED",
    "CHANNEL_CREATE",
    "CHANNEL_UPDATE",
    "CHANNEL_DELETE",
    "CHANNEL_PINS_UPDATE",
    "GUILD_CREATE",
    "GUILD_DELETE",
    "GUILD_AUDIT_LOG_ENTRY_CREATE",
    "GUILD_BAN_ADD",
    "GUILD_BAN_REMOVE",
    "GUILD_MEMBER_ADD",
    "GUILD_MEMBER_UPDATE",
    "GUILD_MEMBER_REMOVE",
    "GUILD_MEMBERS_CHUNK",
    "GUILD_ROLE_CREATE",
    "GUILD_ROLE_UPDATE",
    "GUILD_ROLE_DELETE",
    "INTERACTION_CREATE",
    "MESSAGE_CREATE",
    "MESSAGE_UPDATE",
    "MESSAGE_DELETE",
    "MESSAGE_DELETE_BULK",
    "MESSAGE_REACTION_ADD",
    "MESSAGE_REACTION_REMOVE",
    "MESSAGE_REACTION_REMOVE_ALL",
    "MESSAGE_REACTION_REMOVE_EMOJI",
    "PRESENCE_UPDATE",
    "THREAD_CREATE",
    "THREAD_UPDATE",
    "THREAD_DELETE",
    "THREAD_LIST_SYNC",
    "THREAD_MEMBER_UPDATE",
    "THREAD_MEMBERS_UPDATE",
    "WEBHOOKS_UPDATE",
];

/// What bots send over the gateway and the sandbox answers, by number.
const OPCODES_SIMULATED: &[u64] = &[1, 2, 3, 6, 8];

/// How much there is of a part of Discord.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Coverage {
    /// It does what it does on Discord.
    Simulated,
    /// It is checked and answered, but nothing comes of it.
    Checked,
    /// It is refused by its name.
    Loud,
}

impl Coverage {
    fn of(simulated: bool) -> Self {
        if simulated { Self::Simulated } else { Self::Loud }
    }
}

/// GET `/_sandbox/coverage`.
pub(crate) async fn tell() -> Json<Value> {
    Json(json!({
        "operations": operations(),
        "events": events(),
        "opcodes": opcodes(),
        "components": components(),
    }))
}

fn operations() -> Vec<Value> {
    let coverage = |method: &str, template: &str| {
        let route = ROUTES.iter().find(|r| (r.method, r.template) == (method, template));
        match route.map(|route| route.depth) {
            Some(Depth::Simulated) => Coverage::Simulated,
            Some(Depth::Checked) => Coverage::Checked,
            None => Coverage::Loud,
        }
    };
    OPERATIONS
        .iter()
        .map(|operation| {
            json!({
                "id": operation.id,
                "method": operation.method,
                "path": operation.template,
                "tag": operation.tag,
                "coverage": coverage(operation.method, operation.template),
            })
        })
        .collect()
}

fn events() -> Vec<Value> {
    let entry = |(name, _): &(&str, u64)| {
        let coverage = Coverage::of(EVENTS_SENT.contains(name));
        json!({ "name": name, "coverage": coverage })
    };
    EVENTS.iter().map(entry).collect()
}

fn opcodes() -> Vec<Value> {
    let entry = |(number, name): &(u64, &str)| {
        let coverage = Coverage::of(OPCODES_SIMULATED.contains(number));
        json!({ "op": number, "name": name, "coverage": coverage })
    };
    SENT_BY_BOTS.iter().map(entry).collect()
}

fn components() -> Vec<Value> {
    let coverage = |possible: bool, simulated: &[u64], number: &u64| {
        possible.then(|| Coverage::of(simulated.contains(number)))
    };
    let entry = |of: &Component| {
        json!({
            "type": of.number,
            "name": of.name,
            "in_messages": coverage(of.in_messages, component::SIMULATED, &of.number),
            "in_forms": coverage(of.in_forms, modal::SIMULATED, &of.number),
        })
    };
    COMPONENTS.iter().map(entry).collect()
}

/// The events that a bot with these intents would get from Discord, but not from here.
pub(crate) fn missing_events(intents: u64) -> Vec<&'static str> {
    let asked = EVENTS.iter().filter(|(_, bits)| bits & intents != 0);
    asked.map(|(name, _)| *name).filter(|name| !EVENTS_SENT.contains(name)).collect()
}
