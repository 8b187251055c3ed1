//! Routes that tell of the gateway, the bot itself, its application, and the server.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply, id};
use crate::gateway::IDENTIFY_LIMIT;
use crate::mentions::id_of;
use crate::refusal::{Problems, Refusal};
use crate::snowflake::Snowflake;
use crate::state::State;

pub(super) fn route(state: &mut State, call: &Call, path: &[&str]) -> Answer {
    let server = &state.server;
    match (call.method.as_str(), path) {
        ("GET", ["gateway"]) => Ok(Reply::ok(json!({ "url": state.settings.gateway }))),
        ("GET", ["gateway", "bot"]) => Ok(gateway_bot(state)),
        ("GET", ["users", "@me"]) => Ok(Reply::ok(server.current_user_object())),
        ("GET", ["users", "@me", "guilds"]) => Ok(guilds(state)),
        ("POST", ["users", "@me", "channels"]) => open_dm(state, call),
        // Bots are never told of their direct messages.
        ("GET", ["users", "@me", "channels"]) => Ok(Reply::ok(json!([]))),
        ("GET", ["users", user]) => {
            let user = server.user(id(user, "user_id")?);
            let user = user.ok_or_else(Refusal::unknown_user)?;
            Ok(Reply::ok(server.user_object(user)))
        }
        ("GET", ["oauth2", "applications", "@me"] | ["applications", "@me"]) => {
            Ok(Reply::ok(state.application_object()))
        }
        ("PATCH", ["applications", "@me"]) => edit_application(state, call),
        (_, ["guilds", guild, rest @ ..]) => {
            if id(guild, "guild_id")? != server.guild_id {
                return Err(Refusal::unknown_guild());
            }
            guild_route(state, call, rest)
        }
        _ => Err(Refusal::bare(404)),
    }
}

/// Of the application only the endpoint can be changed, and only taken away: Discord accepts a new
/// one when it has answered a signed ping, and nothing here can.
fn edit_application(state: &mut State, call: &Call) -> Answer {
    match call.body.get("interactions_endpoint_url") {
        None => {}
        Some(Value::Null) => state.endpoint = None,
        Some(_) => {
            let words = "The specified interactions endpoint url could not be verified.";
            return Err(Problems::one(
                "interactions_endpoint_url",
                "APPLICATION_INTERACTIONS_ENDPOINT_URL_INVALID",
                words,
            ));
        }
    }
    state.touch();
    Ok(Reply::ok(state.application_object()))
}

fn guild_route(state: &State, call: &Call, path: &[&str]) -> Answer {
    let server = &state.server;
    match (call.method.as_str(), path) {
        ("GET", []) => Ok(Reply::ok(server.guild_object())),
        ("GET", ["channels"]) => Ok(Reply::ok(server.guild_channel_objects())),
        ("GET", ["roles"]) => Ok(Reply::ok(server.role_objects())),
        ("GET", ["members", "search"]) => Ok(search(state, call)),
        ("GET", ["members", user]) => {
            let user = server.user(id(user, "user_id")?);
            let user = user.ok_or_else(Refusal::unknown_user)?;
            if !user.member {
                return Err(Refusal::unknown_member());
            }
            Ok(Reply::ok(server.member_object(user)))
        }
        _ => Err(Refusal::bare(404)),
    }
}

fn gateway_bot(state: &State) -> Reply {
    Reply::ok(json!({
        "url": state.settings.gateway,
        "shards": 1,
        "session_start_limit": {
            "total": IDENTIFY_LIMIT,
            "remaining": state.gateway.identifies_left(),
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        },
    }))
}

fn guilds(state: &State) -> Reply {
    let server = &state.server;
    let own = (server.guild_id, server.name.as_str());
    let others = server.others.iter().map(|(id, name)| (*id, name.as_str()));
    let mut guilds: Vec<_> = [own].into_iter().chain(others).collect();
    // Discord sorts them by id.
    guilds.sort_unstable();
    let partial = |(id, name): (Snowflake, &str)| {
        json!({
            "id": id,
            "name": name,
            "icon": null,
            "owner": false,
            "permissions": server.guild_permissions(&server.bot).to_string(),
            "features": [],
        })
    };
    Reply::ok(guilds.into_iter().map(partial).collect::<Vec<_>>())
}

/// Members whose name begins with the query.
fn search(state: &State, call: &Call) -> Reply {
    let query = call.query.get("query").map(|query| query.to_lowercase());
    let query = query.unwrap_or_default();
    let limit = call.query.get("limit").and_then(|limit| limit.parse().ok());
    let members: Vec<_> = state
        .server
        .everybody()
        .filter(|user| user.member)
        .filter(|user| {
            let names = [&user.name, &user.display_name];
            names.iter().any(|name| name.to_lowercase().starts_with(&query))
        })
        .take(limit.unwrap_or(1))
        .map(|user| state.server.member_object(user))
        .collect();
    Reply::ok(members)
}

/// The direct message with a person: always the same channel.
fn open_dm(state: &State, call: &Call) -> Answer {
    let recipient: Snowflake = id_of(&call.body["recipient_id"]).ok_or_else(|| {
        Problems::one("recipient_id", "BASE_TYPE_REQUIRED", "This field is required")
    })?;
    let user = state.server.people.iter().find(|user| user.id == recipient);
    let user = user.ok_or_else(Refusal::invalid_recipient)?;
    if !state.server.shares_with_bot(user) {
        return Err(Refusal::no_mutual_guild());
    }
    let channel = state.server.dm_of(user.id);
    let channel = channel.ok_or_else(Refusal::no_mutual_guild)?;
    Ok(Reply::ok(state.server.channel_object(channel)))
}
