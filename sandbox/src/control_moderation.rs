//! The control call `world`: changes to the server as a moderator, a person in their settings, or
//! the application's owner makes them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde::Deserialize;
use serde_json::json;

use crate::control::parse;
use crate::http::refuse;
use crate::hub::Hub;
use crate::moderation::Age;
use crate::state::State;
use crate::world::BotAccess;

/// The body of `world`.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum WorldBody {
    DeleteMessage { channel: String, message_id: String },
    DeleteMessages { channel: String, message_ids: Vec<String> },
    DeleteChannel { channel: String },
    BotAccess { channel: String, access: BotAccess },
    RolePermissions { guild: Option<String>, role: String, permissions: u64 },
    RolePosition { guild: Option<String>, role: String, position: usize },
    CloseDms { user: String, closed: bool },
    Membership { guild: Option<String>, user: String, member: bool },
    Status { user: String, status: String },
    TimeOut { guild: Option<String>, user: String, seconds: Option<u64> },
    InteractionsEndpoint { url: Option<String> },
    Invite { server: String, age: Age },
    BotPublic { public: bool },
}

pub(crate) async fn world(extract::State(hub): extract::State<Arc<Hub>>, body: Bytes) -> Response {
    let expected = "{\"do\": delete_message|delete_messages|delete_channel|bot_access|\
                    role_permissions|role_position|close_dms|membership|status|time_out|\
                    interactions_endpoint|invite|bot_public, …}";
    let body = match parse::<WorldBody>(&body, expected) {
        Ok(body) => body,
        Err(words) => return refuse(StatusCode::BAD_REQUEST, &words),
    };
    match change(&mut hub.lock(), body) {
        Ok(()) => Json(json!({ "ok": true })).into_response(),
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error),
    }
}

fn change(state: &mut State, body: WorldBody) -> Result<(), String> {
    match body {
        WorldBody::DeleteMessage { channel, message_id } => {
            state.moderate_message(&channel, &message_id)
        }
        WorldBody::DeleteMessages { channel, message_ids } => {
            let ids: Vec<_> = message_ids.iter().map(String::as_str).collect();
            state.moderate_messages(&channel, &ids)
        }
        WorldBody::DeleteChannel { channel } => state.delete_channel(&channel),
        WorldBody::BotAccess { channel, access } => state.set_bot_access(&channel, access),
        WorldBody::RolePermissions { guild, role, permissions } => {
            state.set_role_permissions(guild.as_deref(), &role, permissions)
        }
        WorldBody::RolePosition { guild, role, position } => {
            state.place_role(guild.as_deref(), &role, position)
        }
        WorldBody::CloseDms { user, closed } => state.close_dms(&user, closed),
        WorldBody::Membership { guild, user, member } => {
            state.set_member(guild.as_deref(), &user, member)
        }
        WorldBody::Status { user, status } => state.set_status(&user, &status),
        WorldBody::TimeOut { guild, user, seconds } => {
            state.time_out(guild.as_deref(), &user, seconds.map(Duration::from_secs))
        }
        WorldBody::InteractionsEndpoint { url } => {
            state.set_endpoint(state.realm.first_application().id(), url);
            Ok(())
        }
        WorldBody::Invite { server, age } => {
            state.invite(&server, age);
            Ok(())
        }
        WorldBody::BotPublic { public } => {
            state.set_bot_public(public);
            Ok(())
        }
    }
}
