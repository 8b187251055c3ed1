//! Routes that tell of the gateway, the bot itself, its application, and its guilds.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply, id};
use crate::gateway::IDENTIFY_LIMIT;
use crate::mentions::id_of;
use crate::model::{Guild, Member, User};
use crate::refusal::{Problems, Refusal};
use crate::snowflake::Snowflake;
use crate::state::State;

pub(super) fn route(state: &mut State, call: &Call, bot: Snowflake, path: &[&str]) -> Answer {
    let application = state.realm.application(bot).ok_or_else(|| Refusal::bare(401))?;
    let realm = &state.realm;
    match (call.method.as_str(), path) {
        ("GET", ["gateway", "bot"]) => Ok(gateway_bot(state, bot)),
        ("GET", ["users", "@me"]) => Ok(Reply::ok(realm.current_user_object(&application.bot))),
        ("GET", ["users", "@me", "guilds"]) => Ok(guilds(state, bot)),
        ("POST", ["users", "@me", "channels"]) => open_dm(state, call, bot),
        // Bots are never told of their direct messages.
        ("GET", ["users", "@me", "channels"]) => Ok(Reply::ok(json!([]))),
        ("GET", ["users", user]) => {
            let user = realm.user(id(user, "user_id")?);
            let user = user.ok_or_else(Refusal::unknown_user)?;
            Ok(Reply::ok(realm.user_object(user)))
        }
        ("GET", ["oauth2", "applications", "@me"] | ["applications", "@me"]) => {
            Ok(Reply::ok(realm.application_object(application)))
        }
        ("GET", ["soundboard-default-sounds"]) => Ok(Reply::ok(default_sounds())),
        ("PATCH", ["applications", "@me"]) => edit_application(state, call, bot),
        (_, ["guilds", guild, rest @ ..]) => {
            let guild = realm.guild(id(guild, "guild_id")?);
            let guild = guild.ok_or_else(Refusal::unknown_guild)?;
            // The guild itself does not exist for a bot that is not in it; what is in it is
            // forbidden.
            match rest {
                _ if guild.has(bot) => guild_route(state, call, guild, rest),
                [] => Err(Refusal::unknown_guild()),
                _ => Err(Refusal::missing_access()),
            }
        }
        _ => Err(Refusal::bare(404)),
    }
}

/// GET `/gateway`.
pub(super) fn gateway(state: &State) -> Reply {
    Reply::ok(json!({ "url": state.settings.gateway }))
}

/// Of the application only the endpoint can be changed, and only taken away: Discord accepts a new
/// one when it has answered a signed ping, and nothing here can.
fn edit_application(state: &mut State, call: &Call, bot: Snowflake) -> Answer {
    match call.body.get("interactions_endpoint_url") {
        None => {}
        Some(Value::Null) => state.set_endpoint(bot, None),
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
    let application = state.realm.application(bot).ok_or_else(|| Refusal::bare(401))?;
    Ok(Reply::ok(state.realm.application_object(application)))
}

fn guild_route(state: &State, call: &Call, guild: &Guild, path: &[&str]) -> Answer {
    let realm = &state.realm;
    match (call.method.as_str(), path) {
        ("GET", []) => Ok(whole(state, call, guild)),
        ("GET", ["channels"]) => Ok(Reply::ok(realm.guild_channel_objects(guild))),
        ("GET", ["roles"]) => Ok(Reply::ok(realm.role_objects(guild))),
        ("GET", ["members", "search"]) => Ok(search(state, call, guild)),
        ("GET", ["members", user]) => {
            let user = realm.user(id(user, "user_id")?);
            let user = user.ok_or_else(Refusal::unknown_user)?;
            let member = guild.member(user.id).ok_or_else(Refusal::unknown_member)?;
            Ok(Reply::ok(realm.member_object(member)))
        }
        _ => Err(Refusal::bare(404)),
    }
}

/// A guild; with counts, on request, of members and of those online, which all are.
fn whole(state: &State, call: &Call, guild: &Guild) -> Reply {
    let mut object = state.realm.guild_object(guild);
    if call.is_set("with_counts") {
        object["approximate_member_count"] = json!(guild.members.len());
        object["approximate_presence_count"] = json!(guild.members.len());
    }
    Reply::ok(object)
}

/// A sound that every guild has, as Discord's documentation shows it ("Soundboard Resource").
fn default_sounds() -> Value {
    json!([{
        "sound_id": "1",
        "name": "quack",
        "volume": 1.0,
        "emoji_id": null,
        "emoji_name": "\u{1F986}",
        "available": true,
    }])
}

fn gateway_bot(state: &State, bot: Snowflake) -> Reply {
    Reply::ok(json!({
        "url": state.settings.gateway,
        "shards": 1,
        "session_start_limit": {
            "total": IDENTIFY_LIMIT,
            "remaining": state.gateway.identifies_left(bot),
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        },
    }))
}

fn guilds(state: &State, bot: Snowflake) -> Reply {
    let mut guilds: Vec<_> = state.realm.guilds_of(bot).collect();
    // Discord sorts them by id.
    guilds.sort_unstable_by_key(|guild| guild.id);
    let partial = |guild: &Guild| {
        json!({
            "id": guild.id,
            "name": guild.name,
            "icon": null,
            "owner": false,
            "permissions": state.realm.guild_permissions(guild, bot).to_string(),
            "features": [],
        })
    };
    Reply::ok(guilds.into_iter().map(partial).collect::<Vec<_>>())
}

/// Members whose name or nick begins with the query.
fn search(state: &State, call: &Call, guild: &Guild) -> Reply {
    let query = call.query.get("query").map(|query| query.to_lowercase());
    let query = query.unwrap_or_default();
    let limit = call.query.get("limit").and_then(|limit| limit.parse().ok());
    let fits = |user: &User, member: &Member| {
        let names = [Some(&user.name), Some(&user.display_name), member.nick.as_ref()];
        names.into_iter().flatten().any(|name| name.to_lowercase().starts_with(&query))
    };
    let members: Vec<_> = state
        .realm
        .users_in(guild)
        .filter_map(|user| Some((user, guild.member(user.id)?)))
        .filter(|(user, member)| fits(user, member))
        .take(limit.unwrap_or(1))
        .map(|(_, member)| state.realm.member_object(member))
        .collect();
    Reply::ok(members)
}

/// The direct message with a person: always the same channel.
fn open_dm(state: &State, call: &Call, bot: Snowflake) -> Answer {
    let recipient: Snowflake = id_of(&call.body["recipient_id"]).ok_or_else(|| {
        Problems::one("recipient_id", "BASE_TYPE_REQUIRED", "This field is required")
    })?;
    let user = state.realm.people.iter().find(|user| user.id == recipient);
    let user = user.ok_or_else(Refusal::invalid_recipient)?;
    if !state.realm.share_guild(bot, user.id) {
        return Err(Refusal::no_mutual_guild());
    }
    let channel = state.realm.dm_of(bot, user.id);
    let channel = channel.ok_or_else(Refusal::no_mutual_guild)?;
    Ok(Reply::ok(state.realm.channel_object(channel)))
}
