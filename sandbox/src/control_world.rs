//! The part of the control API that adds to the world, and puts it back.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::json;

use crate::control::{Route, Takes, parse, route};
use crate::control_help;
use crate::founding::Built;
use crate::http::refuse;
use crate::hub::Hub;
use crate::snowflake::Snowflake;
use crate::world::{ChannelSpec, RoleSpec, UserSpec};

pub(crate) fn routes() -> [Route; 6] {
    [
        route(
            "POST",
            "/_sandbox/add_user",
            Takes::Bodies(control_help::users),
            || post(add_user),
            "adds a person and returns their id",
        ),
        route(
            "POST",
            "/_sandbox/add_role",
            Takes::Bodies(control_help::roles),
            || post(add_role),
            "adds a role above the others of a guild (default: the first) and returns its id",
        ),
        route(
            "POST",
            "/_sandbox/add_channel",
            Takes::Bodies(control_help::channels),
            || post(add_channel),
            "adds a channel below the others of a guild (default: the first) and returns its id",
        ),
        route(
            "POST",
            "/_sandbox/reset",
            Takes::Nothing,
            || post(reset),
            "puts the world back as it was founded, without commands and messages; clears faults \
             and the journal; the bots' sessions become invalid",
        ),
        route(
            "POST",
            "/_sandbox/snapshot",
            Takes::Nothing,
            || post(snapshot),
            "keeps the whole world as it is now and returns the snapshot's id",
        ),
        route(
            "POST",
            "/_sandbox/restore",
            Takes::Bodies(|| json!([{ "id": "1" }])),
            || post(restore),
            "puts the world back as it was at a snapshot; the bots' sessions become invalid",
        ),
    ]
}

/// The body of `add_role`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddRole {
    guild: Option<String>,
    role: RoleSpec,
}

/// The body of `add_channel`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddChannel {
    guild: Option<String>,
    channel: ChannelSpec,
}

/// The body of `restore`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Restore {
    id: String,
}

async fn add_user(State(hub): State<Arc<Hub>>, body: Bytes) -> Response {
    match parse::<UserSpec>(&body, "{\"name\": NAME, …}") {
        Ok(user) => added(hub.lock().add_user(&user)),
        Err(words) => refuse(StatusCode::BAD_REQUEST, &words),
    }
}

async fn add_role(State(hub): State<Arc<Hub>>, body: Bytes) -> Response {
    match parse::<AddRole>(&body, "{\"role\": {\"name\": NAME, …}}") {
        Ok(AddRole { guild, role }) => added(hub.lock().add_role(guild.as_deref(), &role)),
        Err(words) => refuse(StatusCode::BAD_REQUEST, &words),
    }
}

async fn add_channel(State(hub): State<Arc<Hub>>, body: Bytes) -> Response {
    match parse::<AddChannel>(&body, "{\"channel\": {\"name\": NAME, …}}") {
        Ok(AddChannel { guild, channel }) => {
            added(hub.lock().add_channel(guild.as_deref(), &channel))
        }
        Err(words) => refuse(StatusCode::BAD_REQUEST, &words),
    }
}

fn added(id: Built<Snowflake>) -> Response {
    match id {
        Ok(id) => Json(json!({ "ok": true, "id": id })).into_response(),
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

async fn reset(State(hub): State<Arc<Hub>>) -> Response {
    hub.lock().reset();
    Json(json!({ "ok": true })).into_response()
}

async fn snapshot(State(hub): State<Arc<Hub>>) -> Response {
    let id = hub.lock().snapshot();
    Json(json!({ "ok": true, "id": id })).into_response()
}

async fn restore(State(hub): State<Arc<Hub>>, body: Bytes) -> Response {
    let restored = parse::<Restore>(&body, "{\"id\": ID}")
        .and_then(|Restore { id }| hub.lock().restore(&id).map_err(|error| error.to_string()));
    match restored {
        Ok(()) => Json(json!({ "ok": true })).into_response(),
        Err(words) => refuse(StatusCode::BAD_REQUEST, &words),
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::Value;

    use super::*;

    fn understood<T: DeserializeOwned>(examples: &Value) {
        for example in examples.as_array().unwrap() {
            if let Err(error) = serde_json::from_value::<T>(example.clone()) {
                panic!("{example}: {error}");
            }
        }
    }

    #[test]
    fn the_examples_are_understood() {
        understood::<UserSpec>(&control_help::users());
        understood::<AddRole>(&control_help::roles());
        understood::<AddChannel>(&control_help::channels());
    }
}
