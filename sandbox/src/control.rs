//! The control API: what the page and tests outside of Rust use. Turns JSON into the same calls
//! that the Rust interface makes; what is wrong with it is answered with 400 and in words.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_stream::wrappers::WatchStream;

use crate::actions::{self, Action};
use crate::addresses::Addresses;
use crate::control_faults;
use crate::http::refuse;
use crate::hub::Hub;
use crate::options::BotAccess;

/// The routes of the control API.
pub(crate) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/_sandbox/state", get(state))
        .route("/_sandbox/act", post(act))
        .route("/_sandbox/journal", get(journal))
        .route("/_sandbox/fault", post(control_faults::arrange).delete(control_faults::clear))
        .route("/_sandbox/world", post(world))
        .route("/_sandbox/live", get(live))
        .route("/_sandbox/addresses", get(addresses))
        .route("/_sandbox/files/{id}/{name}", get(file))
}

async fn state(State(hub): State<Arc<Hub>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let state = hub.lock();
    let name = query.get("user").map(String::as_str).unwrap_or_default();
    match state.view(name) {
        Some(view) => Json(view).into_response(),
        None => {
            let known: Vec<_> = state.server.people.iter().map(|user| &user.name).collect();
            let error = format!("there is no user named {name:?}; there are {known:?}");
            refuse(StatusCode::NOT_FOUND, &error)
        }
    }
}

/// The body of `act`.
#[derive(Debug, Deserialize)]
struct Act {
    user: String,
    #[serde(flatten)]
    what: ActWhat,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum ActWhat {
    Command {
        channel: String,
        name: String,
        #[serde(default)]
        options: Value,
    },
    Complete {
        channel: String,
        name: String,
        #[serde(default)]
        options: Value,
        focused: String,
    },
    Context {
        channel: Option<String>,
        target_id: String,
        name: String,
    },
    Click {
        message_id: String,
        custom_id: String,
    },
    Select {
        message_id: String,
        custom_id: String,
        values: Vec<String>,
    },
    Submit {
        modal_id: String,
        values: Value,
    },
    Message {
        channel: String,
        content: String,
        reply_to: Option<String>,
    },
}

impl From<ActWhat> for Action {
    fn from(what: ActWhat) -> Self {
        match what {
            ActWhat::Command { channel, name, options } => Self::Command { channel, name, options },
            ActWhat::Complete { channel, name, options, focused } => Self::Complete { channel, name, options, focused },
            ActWhat::Context { channel, target_id, name } => Self::Context { channel, target: target_id, name },
            ActWhat::Click { message_id, custom_id } => Self::Click { message: message_id, custom_id },
            ActWhat::Select { message_id, custom_id, values } => Self::Select { message: message_id, custom_id, values },
            ActWhat::Submit { modal_id, values } => Self::Submit { modal: modal_id, values },
            ActWhat::Message { channel, content, reply_to } => Self::Message { channel, content, reply_to },
        }
    }
}

/// Reads a JSON body; what is wrong with it is answered with what is expected.
pub(crate) fn parse<T: DeserializeOwned>(body: &Bytes, expected: &str) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("{error}; expected is {expected}"))
}

async fn act(State(hub): State<Arc<Hub>>, body: Bytes) -> Response {
    let expected = "{\"user\": NAME, \"action\": command|complete|context|click|select|submit|message, …}";
    match parse::<Act>(&body, expected) {
        Ok(act) => Json(actions::perform(&hub, &act.user, act.what.into()).await).into_response(),
        Err(words) => refuse(StatusCode::BAD_REQUEST, &words),
    }
}

async fn journal(State(hub): State<Arc<Hub>>, Query(query): Query<HashMap<String, String>>) -> Response {
    match query.get("since").map_or(Ok(0), |since| since.parse()) {
        Ok(since) => Json(hub.lock().journal.since(since)).into_response(),
        Err(_) => refuse(StatusCode::BAD_REQUEST, "since must be a number"),
    }
}

/// The body of `world`.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum WorldBody {
    DeleteMessage { channel: String, message_id: String },
    DeleteMessages { channel: String, message_ids: Vec<String> },
    DeleteChannel { channel: String },
    BotAccess { channel: String, access: BotAccess },
    RolePermissions { role: String, permissions: u64 },
    CloseDms { user: String, closed: bool },
    Membership { user: String, member: bool },
    InteractionsEndpoint { url: Option<String> },
}

async fn world(State(hub): State<Arc<Hub>>, body: Bytes) -> Response {
    let expected = "{\"do\": delete_message|delete_messages|delete_channel|bot_access|role_permissions|close_dms|membership|interactions_endpoint, …}";
    let body = match parse::<WorldBody>(&body, expected) {
        Ok(body) => body,
        Err(words) => return refuse(StatusCode::BAD_REQUEST, &words),
    };
    let state = &mut *hub.lock();
    let done = match body {
        WorldBody::DeleteMessage { channel, message_id } => state.moderate_message(&channel, &message_id),
        WorldBody::DeleteMessages { channel, message_ids } => {
            let ids: Vec<_> = message_ids.iter().map(String::as_str).collect();
            state.moderate_messages(&channel, &ids)
        }
        WorldBody::DeleteChannel { channel } => state.delete_channel(&channel),
        WorldBody::BotAccess { channel, access } => state.set_bot_access(&channel, access),
        WorldBody::RolePermissions { role, permissions } => state.set_role_permissions(&role, permissions),
        WorldBody::CloseDms { user, closed } => state.close_dms(&user, closed),
        WorldBody::Membership { user, member } => state.set_member(&user, member),
        WorldBody::InteractionsEndpoint { url } => {
            state.endpoint = url;
            state.touch();
            Ok(())
        }
    };
    match done {
        Ok(()) => Json(json!({ "ok": true })).into_response(),
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error),
    }
}

/// Tells of every change. Changes that come faster than they are read arrive as one.
async fn live(State(hub): State<Arc<Hub>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = WatchStream::new(hub.lock().subscribe());
    let events = changes.map(|change| {
        let data = json!({ "change": change }).to_string();
        Ok(Event::default().event("change").data(data))
    });
    let closing = async move { hub.closing().await };
    Sse::new(events.take_until(Box::pin(closing))).keep_alive(KeepAlive::default())
}

async fn addresses(State(hub): State<Arc<Hub>>) -> Json<Addresses> {
    Json(hub.addresses.without_token())
}

/// The bytes of an attachment, in a way that no browser runs them.
async fn file(State(hub): State<Arc<Hub>>, Path((id, _name)): Path<(String, String)>) -> Response {
    let id = id.parse().ok();
    let Some(file) = id.and_then(|id| hub.lock().files.get(&id).cloned()) else {
        return refuse(StatusCode::NOT_FOUND, "there is no such file (any more)");
    };
    let headers = [
        (header::CONTENT_TYPE, file.content_type.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "sandbox"),
    ];
    (headers, file.bytes).into_response()
}
