//! The control API: what the page and tests outside of Rust use. Turns JSON into the same calls
//! that the Rust interface makes; what is wrong with it is answered with 400 and in words.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{MethodRouter, delete, get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::actions::{self, Action};
use crate::addresses::Addresses;
use crate::http::refuse;
use crate::hub::Hub;
use crate::journal::JournalEntry;
use crate::live;
use crate::marks::Mark;
use crate::outcome::Outcome;
use crate::thread_acts::ThreadAct;
use crate::uploads::UploadBody;
use crate::{
    control_faults, control_help, control_moderation, control_world, coverage, transcript,
};

/// One thing that the control API does.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) does: &'static str,
    pub(crate) takes: Takes,
    handler: fn() -> MethodRouter<Arc<Hub>>,
}

/// What a request brings along.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    Nothing,
    /// A parameter of the query, and what it says.
    Query(&'static str, &'static str),
    /// A JSON body; examples of all that it can be.
    Bodies(fn() -> Value),
}

pub(crate) fn route(
    method: &'static str,
    path: &'static str,
    takes: Takes,
    handler: fn() -> MethodRouter<Arc<Hub>>,
    does: &'static str,
) -> Route {
    Route { method, path, does, takes, handler }
}

/// All that it does: what is served, and what it says of itself.
pub(crate) fn routes() -> Vec<Route> {
    let mut all = vec![
        route("GET", "/_sandbox", Takes::Nothing, || get(control_help::tell), "this list"),
        route(
            "GET",
            "/_sandbox/addresses",
            Takes::Nothing,
            || get(addresses),
            "all addresses, and the ids of channels and people by name; without the bot's token",
        ),
        route(
            "GET",
            "/_sandbox/state",
            Takes::Query("user", "a person's name"),
            || get(state),
            "a person's view: channels with messages, notifications, commands, unanswered \
             interactions",
        ),
        route(
            "GET",
            "/_sandbox/coverage",
            Takes::Nothing,
            || get(coverage::tell),
            "what of Discord is here: operations, events, opcodes and components, each simulated, \
             checked (answered, but nothing comes of it) or loud (refused by its name)",
        ),
        route(
            "POST",
            "/_sandbox/act",
            Takes::Bodies(control_help::acts),
            || post(act),
            "acts as a person, waits for the bot's answer and returns the person's view of it: \
             ok, ack_ms, error, message, modal, choices",
        ),
        route(
            "GET",
            "/_sandbox/journal",
            Takes::Query("since", "a number n: return the entries after n. Default 0"),
            || get(journal),
            "all traffic between the bot and this Discord, oldest first, without the bot's token",
        ),
        route(
            "GET",
            "/_sandbox/transcript",
            Takes::Query("since", "a number n: return the entries after n. Default 0"),
            || get(transcript),
            "the journal as text to read: one line an entry, with names for ids",
        ),
    ];
    all.extend(changes());
    all.extend(control_world::routes());
    all.extend(streams_and_files());
    all
}

/// The routes that arrange faults, move the clock, and change the world.
fn changes() -> [Route; 4] {
    [
        route(
            "POST",
            "/_sandbox/fault",
            Takes::Bodies(control_help::faults),
            || post(control_faults::arrange),
            "arranges a fault for matching requests (default: all) or for the gateway; times is \
             the number of repetitions, 0 always",
        ),
        route(
            "DELETE",
            "/_sandbox/fault",
            Takes::Nothing,
            || delete(control_faults::clear),
            "removes all faults; held requests and answers stay held until released",
        ),
        route(
            "POST",
            "/_sandbox/world",
            Takes::Bodies(control_help::worlds),
            || post(control_moderation::world),
            "changes the server, as a moderator, a person in their settings, or the \
             application's owner",
        ),
        route(
            "POST",
            "/_sandbox/advance",
            Takes::Bodies(|| json!([{ "ms": 900_000 }])),
            || post(advance),
            "moves the clock forward: the deadlines that then lie behind are carried out, those of \
             interactions, time-outs and rate limits",
        ),
    ]
}

/// The routes whose answers are no single JSON document.
fn streams_and_files() -> [Route; 2] {
    [
        route(
            "GET",
            "/_sandbox/live",
            Takes::Nothing,
            || get(live::follow),
            "streams every change, as server-sent events or over a WebSocket",
        ),
        route(
            "GET",
            "/_sandbox/files/{id}/{name}",
            Takes::Nothing,
            || get(file),
            "the bytes of an attachment",
        ),
    ]
}

/// The routes of the control API.
pub(crate) fn router() -> Router<Arc<Hub>> {
    let listed = routes()
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, (route.handler)()));
    // As people type it.
    listed.route("/_sandbox/", get(control_help::tell))
}

async fn state(
    State(hub): State<Arc<Hub>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let state = hub.lock();
    let name = query.get("user").map(String::as_str).unwrap_or_default();
    match state.view(name) {
        Some(view) => Json(view).into_response(),
        None => {
            let known: Vec<_> = state.realm.people.iter().map(|user| &user.name).collect();
            let error = format!("there is no user named {name:?}; there are {known:?}");
            refuse(StatusCode::NOT_FOUND, &error)
        }
    }
}

/// The body of `act`.
#[derive(Debug, Deserialize)]
struct Act {
    user: String,
    /// How long to wait for the bot's answer. Default: as long as it may come.
    timeout_ms: Option<u64>,
    #[serde(flatten)]
    what: ActWhat,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum ActWhat {
    Command {
        bot: Option<String>,
        channel: String,
        name: String,
        #[serde(default)]
        options: Value,
    },
    Complete {
        bot: Option<String>,
        channel: String,
        name: String,
        #[serde(default)]
        options: Value,
        focused: String,
    },
    Context {
        bot: Option<String>,
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
    React {
        message_id: String,
        emoji: String,
    },
    Unreact {
        message_id: String,
        emoji: String,
    },
    Pin {
        message_id: String,
    },
    Unpin {
        message_id: String,
    },
    Delete {
        message_id: String,
    },
    Message {
        channel: String,
        #[serde(default)]
        content: String,
        reply_to: Option<String>,
        /// Ids of uploaded files.
        #[serde(default)]
        attachments: Vec<String>,
    },
    Upload(UploadBody),
    CreateThread {
        channel: String,
        message_id: Option<String>,
        name: String,
    },
    JoinThread {
        channel: String,
    },
    LeaveThread {
        channel: String,
    },
    ArchiveThread {
        channel: String,
    },
    UnarchiveThread {
        channel: String,
    },
}

impl From<ActWhat> for Action {
    fn from(what: ActWhat) -> Self {
        match what {
            ActWhat::Command { bot, channel, name, options } => {
                Self::Command { bot, channel, name, options }
            }
            ActWhat::Complete { bot, channel, name, options, focused } => {
                Self::Complete { bot, channel, name, options, focused }
            }
            ActWhat::Context { bot, channel, target_id, name } => {
                Self::Context { bot, channel, target: target_id, name }
            }
            ActWhat::Click { message_id, custom_id } => {
                Self::Click { message: message_id, custom_id }
            }
            ActWhat::Select { message_id, custom_id, values } => {
                Self::Select { message: message_id, custom_id, values }
            }
            ActWhat::Submit { modal_id, values } => Self::Submit { modal: modal_id, values },
            ActWhat::React { message_id, emoji } => mark(message_id, Mark::React(emoji)),
            ActWhat::Unreact { message_id, emoji } => mark(message_id, Mark::Unreact(emoji)),
            ActWhat::Pin { message_id } => mark(message_id, Mark::Pin),
            ActWhat::Unpin { message_id } => mark(message_id, Mark::Unpin),
            ActWhat::Delete { message_id } => mark(message_id, Mark::Delete),
            ActWhat::Message { channel, content, reply_to, attachments } => {
                Self::Message { channel, content, reply_to, attachments }
            }
            ActWhat::Upload(body) => Self::Upload { file: body.file },
            ActWhat::CreateThread { channel, message_id, name } => {
                Self::CreateThread { channel, message: message_id, name }
            }
            ActWhat::JoinThread { channel } => Self::Thread { channel, act: ThreadAct::Join },
            ActWhat::LeaveThread { channel } => Self::Thread { channel, act: ThreadAct::Leave },
            ActWhat::ArchiveThread { channel } => Self::Thread { channel, act: ThreadAct::Archive },
            ActWhat::UnarchiveThread { channel } => {
                Self::Thread { channel, act: ThreadAct::Unarchive }
            }
        }
    }
}

fn mark(message: String, mark: Mark) -> Action {
    Action::Mark { message, mark }
}

/// Reads a JSON body; what is wrong with it is answered with what is expected.
pub(crate) fn parse<T: DeserializeOwned>(body: &Bytes, expected: &str) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| {
        format!("{error}; expected {expected}; GET /_sandbox shows an example of each")
    })
}

async fn act(State(hub): State<Arc<Hub>>, body: Bytes) -> Response {
    let expected = "{\"user\": NAME, \"action\": command|complete|context|click|select|submit|\
                    react|unreact|pin|unpin|delete|message|upload|create_thread|join_thread|\
                    leave_thread|archive_thread|unarchive_thread, …}";
    match parse::<Act>(&body, expected) {
        Ok(act) => Json(perform(&hub, act).await).into_response(),
        Err(words) => refuse(StatusCode::BAD_REQUEST, &words),
    }
}

/// Acts, and waits no longer than was asked for. What the person did stays done.
async fn perform(hub: &Arc<Hub>, act: Act) -> Outcome {
    let acting = actions::perform(hub, &act.user, act.what.into());
    let Some(ms) = act.timeout_ms else {
        return acting.await;
    };
    match timeout(Duration::from_millis(ms), acting).await {
        Ok(outcome) => outcome,
        Err(_) => Outcome::failed(format!("the bot has not answered within {ms} ms")),
    }
}

async fn journal(
    State(hub): State<Arc<Hub>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    entries_since(&hub, &query, |entries| Json(entries).into_response())
}

async fn transcript(
    State(hub): State<Arc<Hub>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let addresses = hub.addresses_now();
    entries_since(&hub, &query, |entries| transcript::render(&entries, &addresses).into_response())
}

/// The answer with the entries of the journal after `since`.
fn entries_since(
    hub: &Hub,
    query: &HashMap<String, String>,
    answer: impl FnOnce(Vec<JournalEntry>) -> Response,
) -> Response {
    match query.get("since").map_or(Ok(0), |since| since.parse()) {
        Ok(since) => answer(hub.lock().journal.since(since)),
        Err(_) => refuse(StatusCode::BAD_REQUEST, "since must be a number"),
    }
}

/// The body of `advance`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    ms: u64,
}

async fn advance(State(hub): State<Arc<Hub>>, body: Bytes) -> Response {
    match parse::<Advance>(&body, "{\"ms\": milliseconds}") {
        Ok(Advance { ms }) => {
            hub.lock().advance(Duration::from_millis(ms));
            Json(json!({ "ok": true })).into_response()
        }
        Err(words) => refuse(StatusCode::BAD_REQUEST, &words),
    }
}

async fn addresses(State(hub): State<Arc<Hub>>) -> Json<Addresses> {
    Json(hub.addresses_now().without_token())
}

/// The bytes of an attachment, in a way that no browser runs them.
async fn file(State(hub): State<Arc<Hub>>, Path((id, _name)): Path<(String, String)>) -> Response {
    let id = id.parse().ok();
    let Some(file) = id.and_then(|id| hub.lock().files.get(&id).cloned()) else {
        return refuse(StatusCode::NOT_FOUND, "the file does not exist (any more)");
    };
    let headers = [
        (header::CONTENT_TYPE, file.content_type.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "sandbox"),
    ];
    (headers, file.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of a tag that a body knows, in the words of the refusal of one that it does not
    /// know.
    fn known<T: DeserializeOwned>(tag: &str) -> Vec<String> {
        let body = json!({ "user": "maya", tag: "?" });
        let Err(error) = serde_json::from_value::<T>(body) else { panic!("? is not a {tag}") };
        let error = error.to_string();
        let (_, listed) = error.split_once("expected one of ").unwrap();
        listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// Whether all examples are understood, and each value of the tag has one.
    fn told<T: DeserializeOwned>(tag: &str, examples: &Value) {
        let examples = examples.as_array().unwrap();
        for example in examples {
            if let Err(error) = serde_json::from_value::<T>(example.clone()) {
                panic!("{example}: {error}");
            }
        }
        for value in known::<T>(tag) {
            assert!(
                examples.iter().any(|example| example[tag] == value.as_str()),
                "there is no example of {value}"
            );
        }
    }

    #[test]
    fn each_body_is_told_by_an_example() {
        told::<Act>("action", &control_help::acts());
        told::<control_moderation::WorldBody>("do", &control_help::worlds());
        let mut faults = control_help::faults();
        let release = |fault: &Value| fault["do"] == "release";
        faults.as_array_mut().unwrap().retain(|fault| !release(fault));
        told::<control_faults::FaultBody>("do", &faults);
        assert!(control_help::faults().as_array().unwrap().iter().any(release));
    }
}
