//! What the control API can do, told by itself: GET `/_sandbox`. The routes are those that are
//! served, and the tests parse every body that is shown as an example.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::control::{Route, Takes, routes};

const ABOUT: &str = "The control API of a pretend Discord. Bodies and answers are JSON. Ids are \
    strings of digits; people and roles are named. Each listed body is an example of one kind of \
    request.";
const ERRORS: &str = "400, 403 and 404 with {\"error\": a description}";

/// GET `/_sandbox`: JSON, laid out for people.
pub(crate) async fn tell() -> Response {
    let routes: Vec<_> = routes().iter().map(lay_out).collect();
    let (about, errors) = (Value::from(ABOUT), Value::from(ERRORS));
    let text = format!(
        "{{\n\"about\": {about},\n\"errors\": {errors},\n\"routes\": [\n{}\n]\n}}\n",
        routes.join(",\n")
    );
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], text)
        .into_response()
}

/// What a route is comes first, and each example has a line.
fn lay_out(route: &Route) -> String {
    let takes = match route.takes {
        Takes::Nothing => String::new(),
        Takes::Query(name, what) => format!(",\n    \"query\": {}", json!({ name: what })),
        Takes::Bodies(bodies) => {
            let bodies: Vec<_> = bodies()
                .as_array()
                .into_iter()
                .flatten()
                .map(|body| format!("      {body}"))
                .collect();
            format!(",\n    \"bodies\": [\n{}\n    ]", bodies.join(",\n"))
        }
    };
    let [method, path, does] = [route.method, route.path, route.does].map(Value::from);
    format!("  {{\"method\": {method}, \"path\": {path},\n    \"does\": {does}{takes}}}")
}

/// One body for each action of a person.
pub(crate) fn acts() -> Value {
    json!([
        { "user": "maya", "action": "message", "channel": "ID", "content": "Shall we?" },
        { "user": "maya", "action": "message", "channel": "ID", "content": "Yes.", "reply_to": "MESSAGE_ID" },
        { "user": "maya", "action": "react", "message_id": "ID", "emoji": "👍" },
        { "user": "maya", "action": "unreact", "message_id": "ID", "emoji": "👍" },
        { "user": "maya", "action": "pin", "message_id": "ID" },
        { "user": "maya", "action": "unpin", "message_id": "ID" },
        { "user": "maya", "action": "delete", "message_id": "ID" },
        { "user": "maya", "action": "click", "message_id": "ID", "custom_id": "approve", "timeout_ms": 5000 },
        { "user": "maya", "action": "message", "channel": "ID", "content": "", "attachments": ["ATTACHMENT_ID"] },
        { "user": "maya", "action": "upload", "filename": "a.png", "content_type": "image/png", "data": "iVBORw0KGgo=" },
        { "user": "maya", "action": "upload", "filename": "a.txt", "content": "Text" },
        { "user": "maya", "action": "create_thread", "channel": "ID", "message_id": "ID", "name": "Details" },
        { "user": "maya", "action": "join_thread", "channel": "ID" },
        { "user": "maya", "action": "leave_thread", "channel": "ID" },
        { "user": "maya", "action": "archive_thread", "channel": "ID" },
        { "user": "maya", "action": "unarchive_thread", "channel": "ID" },
        { "user": "maya", "action": "select", "message_id": "ID", "custom_id": "when", "values": ["2h"] },
        { "user": "maya", "action": "submit", "modal_id": "MODAL_ID", "values": { "reason": "Too early." } },
        { "user": "maya", "action": "submit", "modal_id": "MODAL_ID", "values": { "who": ["USER_ID"], "sure": true, "plan": ["ATTACHMENT_ID"] } },
        { "user": "maya", "action": "command", "channel": "ID", "name": "ping", "options": { "loud": true } },
        { "user": "maya", "action": "complete", "channel": "ID", "name": "find", "options": { "what": "de" }, "focused": "what" },
        { "user": "maya", "action": "context", "target_id": "MESSAGE_OR_USER_ID", "name": "Ask for a Decision" },
    ])
}

/// One body for each thing that a moderator, or a person in their settings, can do.
pub(crate) fn worlds() -> Value {
    json!([
        { "do": "delete_message", "channel": "ID", "message_id": "ID" },
        { "do": "delete_messages", "channel": "ID", "message_ids": ["ID", "ID"] },
        { "do": "delete_channel", "channel": "ID" },
        { "do": "bot_access", "channel": "ID", "access": "full" },
        { "do": "bot_access", "channel": "ID", "access": "read_only" },
        { "do": "bot_access", "channel": "ID", "access": "hidden" },
        { "do": "bot_access", "channel": "ID", "access": { "without": 16384 } },
        { "do": "role_permissions", "role": "@everyone", "permissions": 1024 },
        { "do": "role_position", "role": "bot", "position": 2 },
        { "do": "close_dms", "user": "maya", "closed": true },
        { "do": "membership", "user": "sven", "member": false },
        { "do": "status", "user": "sven", "status": "idle" },
        { "do": "time_out", "guild": "Workshop", "user": "sven", "seconds": 60 },
        { "do": "interactions_endpoint", "url": "https://example.com/interactions" },
        { "do": "invite", "server": "Another server", "age": "older" },
        { "do": "bot_public", "public": true },
    ])
}

/// Bodies of people.
pub(crate) fn users() -> Value {
    json!([
        { "name": "olga" },
        { "name": "olga", "display_name": "Olga", "roles": ["Approvers"], "hue": 120 },
        { "name": "olga", "member": false },
    ])
}

/// Bodies of roles.
pub(crate) fn roles() -> Value {
    json!([
        { "role": { "name": "Crew" } },
        { "guild": "Workshop", "role": { "name": "Crew", "permissions": 2048, "color": 3447003 } },
    ])
}

/// Bodies of channels.
pub(crate) fn channels() -> Value {
    json!([
        { "channel": { "name": "staff" } },
        { "guild": "Workshop", "channel": { "name": "staff", "topic": "Shifts", "bot": "hidden" } },
        { "channel": { "name": "staff", "overwrites": [{ "of": { "role": "Approvers" }, "deny": 2048 }] } },
    ])
}

/// One body for each misbehaviour. `match` and `times` go with all of those that strike requests.
pub(crate) fn faults() -> Value {
    json!([
        { "match": { "method": "POST", "path": "/channels/*/messages" }, "times": 2, "do": "status", "status": 503 },
        { "do": "status", "status": 429, "ms": 1500, "retry_after_header": false, "scope": "shared" },
        { "match": { "path": "/callback" }, "do": "delay", "ms": 4000 },
        { "do": "withhold_answer", "ms": 100 },
        { "do": "hold_request" },
        { "do": "hold_answer" },
        { "do": "release" },
        { "do": "malformed_header", "header": "remaining", "value": "many" },
        { "do": "drop_gateway", "code": 4000 },
        { "do": "drop_gateway_at", "phase": "after_hello", "code": 1001 },
        { "do": "duplicate", "event": "INTERACTION_CREATE" },
        { "do": "lose", "event": "MESSAGE_CREATE", "times": 0 },
        { "do": "reorder", "times": 3 },
    ])
}
