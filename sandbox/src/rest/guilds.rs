//! Routes that tell of the gateway, the bot itself, its application, and its guilds.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use crate::gateway::IDENTIFY_LIMIT;
use crate::model::{Application, Guild, Member, User};
use crate::refusal::{Problems, Refusal};
use crate::state::State;
use crate::validate;

pub(super) fn gateway(state: &mut State, _: &Call) -> Answer {
    Ok(Reply::ok(json!({ "url": state.settings.gateway })))
}

/// The application whose bot sends a request.
fn own<'a>(state: &'a State, call: &Call) -> Result<&'a Application, Refusal> {
    state.realm.application(call.bot()?).ok_or_else(|| Refusal::bare(401))
}

pub(super) fn me(state: &mut State, call: &Call) -> Answer {
    Ok(Reply::ok(state.realm.current_user_object(&own(state, call)?.bot)))
}

pub(super) fn user(state: &mut State, call: &Call) -> Answer {
    let user = state.realm.user(call.id("user_id")?);
    let user = user.ok_or_else(Refusal::unknown_user)?;
    Ok(Reply::ok(state.realm.user_object(user)))
}

pub(super) fn no_channels(_: &mut State, _: &Call) -> Answer {
    Ok(Reply::ok(json!([])))
}

pub(super) fn application(state: &mut State, call: &Call) -> Answer {
    Ok(Reply::ok(state.realm.application_object(own(state, call)?)))
}

/// Of the application only the endpoint can be changed, and only taken away: Discord accepts a new
/// one when it has answered a signed ping, and nothing here can.
pub(super) fn edit_application(state: &mut State, call: &Call) -> Answer {
    let bot = call.bot()?;
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
    application(state, call)
}

pub(super) fn guild(state: &mut State, call: &Call) -> Answer {
    let guild = state.realm.guild(call.id("guild_id")?);
    let bot = call.bot()?;
    let guild = guild.filter(|guild| guild.has(bot)).ok_or_else(Refusal::unknown_guild)?;
    let mut object = state.realm.guild_object(guild);
    // Everybody is online.
    if call.is_set("with_counts") {
        object["approximate_member_count"] = json!(guild.members.len());
        object["approximate_presence_count"] = json!(guild.members.len());
    }
    Ok(Reply::ok(object))
}

/// A sound that every guild has, as Discord's documentation shows it ("Soundboard Resource").
pub(super) fn default_sounds(_: &mut State, _: &Call) -> Answer {
    Ok(Reply::ok(json!([{
        "sound_id": "1",
        "name": "quack",
        "volume": 1.0,
        "emoji_id": null,
        "emoji_name": "\u{1F986}",
        "available": true,
    }])))
}

/// The guild that a request is about something in. The guild itself does not exist for a bot that
/// is not in it; what is in it is forbidden.
pub(super) fn inside<'a>(state: &'a State, call: &Call) -> Result<&'a Guild, Refusal> {
    let guild = state.realm.guild(call.id("guild_id")?);
    let guild = guild.ok_or_else(Refusal::unknown_guild)?;
    if guild.has(call.bot()?) { Ok(guild) } else { Err(Refusal::missing_access()) }
}

pub(super) fn channels(state: &mut State, call: &Call) -> Answer {
    Ok(Reply::ok(state.realm.guild_channel_objects(inside(state, call)?)))
}

pub(super) fn gateway_bot(state: &mut State, call: &Call) -> Answer {
    let bot = call.bot()?;
    Ok(Reply::ok(json!({
        "url": state.settings.gateway,
        "shards": 1,
        "session_start_limit": {
            "total": IDENTIFY_LIMIT,
            "remaining": state.gateway.identifies_left(bot),
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        },
    })))
}

pub(super) fn guilds(state: &mut State, call: &Call) -> Answer {
    let bot = call.bot()?;
    let limit = validate::query::int(&call.query, "limit", (1, 200), 200)?;
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
    Ok(Reply::ok(guilds.into_iter().take(limit).map(partial).collect::<Vec<_>>()))
}

/// Members whose name or nick begins with the query.
pub(super) fn search(state: &mut State, call: &Call) -> Answer {
    let guild = inside(state, call)?;
    let query = validate::query::text(&call.query, "query")?.to_lowercase();
    let limit = validate::query::int(&call.query, "limit", (1, 1_000), 1)?;
    let fits = |user: &User, member: &Member| {
        let names = [Some(&user.name), Some(&user.display_name), member.nick.as_ref()];
        names.into_iter().flatten().any(|name| name.to_lowercase().starts_with(&query))
    };
    let members: Vec<_> = state
        .realm
        .users_in(guild)
        .filter_map(|user| Some((user, guild.member(user.id)?)))
        .filter(|(user, member)| fits(user, member))
        .take(limit)
        .map(|(_, member)| state.realm.member_object(member))
        .collect();
    Ok(Reply::ok(members))
}

/// The direct message with a person: always the same channel.
pub(super) fn open_dm(state: &mut State, call: &Call) -> Answer {
    let bot = call.bot()?;
    let recipient = validate::message::recipient(&call.body)?;
    let user = recipient.and_then(|recipient| state.realm.user(recipient));
    let user = user.ok_or_else(Refusal::invalid_recipient)?;
    if user.bot {
        return Err(Refusal::cannot_dm_bot());
    }
    if !state.realm.share_guild(bot, user.id) {
        return Err(Refusal::no_mutual_guild());
    }
    let channel = state.realm.dm_of(bot, user.id);
    let channel = channel.ok_or_else(Refusal::no_mutual_guild)?;
    Ok(Reply::ok(state.realm.channel_object(channel)))
}
