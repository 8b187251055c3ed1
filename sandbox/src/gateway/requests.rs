//! Operation 8, "Request Guild Members": the members that a bot asks for, in chunks (page "Gateway
//! Events" of Discord's documentation).

use serde_json::{Value, json};

use super::intents::{GUILD_MEMBERS, GUILD_PRESENCES};
use crate::mentions::id_of;
use crate::model::{Guild, Member};
use crate::snowflake::Snowflake;
use crate::state::State;

/// Members of a chunk.
const CHUNK: usize = 1_000;
/// Members that a prefix or a list of ids gives at most.
const FOUND: usize = 100;
/// "Nonce can only be up to 32 bytes. If you send an invalid nonce it will be ignored."
const NONCE: usize = 32;

/// Who asks.
#[derive(Clone, Copy)]
pub(super) struct Asker {
    pub(super) application: Snowflake,
    pub(super) intents: u64,
}

/// The data of the events GUILD_MEMBERS_CHUNK; none for a guild that the bot is not in, and none
/// for all members without the intent for them, of which libraries then report that they did not
/// arrive in time.
pub(super) fn members(state: &State, asker: Asker, data: &Value) -> Vec<Value> {
    let guild = match &data["guild_id"] {
        Value::Array(ids) => ids.first().and_then(id_of),
        id => id_of(id),
    };
    let guild = guild.and_then(|id| state.realm.guild(id));
    let Some(guild) = guild.filter(|guild| guild.has(asker.application)) else {
        return Vec::new();
    };
    let Some(wanted) = wanted(state, guild, asker, data) else { return Vec::new() };
    let mut pieces: Vec<&[&Member]> = wanted.members.chunks(CHUNK).collect();
    if pieces.is_empty() {
        pieces.push(&[]);
    }
    let presences = data["presences"] == true && asker.intents & GUILD_PRESENCES != 0;
    let presences = presences.then(|| state.presences(guild));
    let nonce = data["nonce"].as_str().filter(|nonce| nonce.len() <= NONCE);
    let chunk = |(index, members): (usize, &&[&Member])| {
        let objects = members.iter().map(|member| state.realm.member_object(member));
        let mut chunk = json!({
            "guild_id": guild.id,
            "members": objects.collect::<Vec<_>>(),
            "chunk_index": index,
            "chunk_count": pieces.len(),
        });
        if let Some(missing) = &wanted.missing {
            chunk["not_found"] = json!(missing);
        }
        if let Some(presences) = &presences {
            let listed = |presence: &&Value| {
                members.iter().any(|member| presence["user"]["id"] == json!(member.user))
            };
            chunk["presences"] = json!(presences.iter().filter(listed).collect::<Vec<_>>());
        }
        if let Some(nonce) = nonce {
            chunk["nonce"] = json!(nonce);
        }
        chunk
    };
    pieces.iter().enumerate().map(chunk).collect()
}

/// What a request finds.
struct Wanted<'a> {
    members: Vec<&'a Member>,
    /// The ids that are no member's, if ids were given.
    missing: Option<Vec<Value>>,
}

fn wanted<'a>(state: &State, guild: &'a Guild, asker: Asker, data: &Value) -> Option<Wanted<'a>> {
    let ids = match &data["user_ids"] {
        Value::Null => None,
        Value::Array(ids) => Some(ids.clone()),
        id => Some(vec![id.clone()]),
    };
    if let Some(mut ids) = ids {
        ids.truncate(FOUND);
        let member = |id: &Value| id_of(id).and_then(|id| guild.member(id));
        let members = ids.iter().filter_map(member).collect();
        ids.retain(|id| member(id).is_none());
        return Some(Wanted { members, missing: Some(ids) });
    }
    let query = data["query"].as_str()?.to_lowercase();
    let limit = usize::try_from(data["limit"].as_u64()?).unwrap_or(usize::MAX);
    let most = match (query.is_empty(), limit) {
        (true, 0) if asker.intents & GUILD_MEMBERS == 0 => return None,
        (true, 0) => usize::MAX,
        (false, 0) => FOUND,
        (_, limit) => limit.min(FOUND),
    };
    let fits = |member: &&Member| {
        let user = state.realm.user(member.user);
        let names = [user.map(|user| &user.name), member.nick.as_ref()];
        names.into_iter().flatten().any(|name| name.to_lowercase().starts_with(&query))
    };
    let members = guild.members.iter().filter(fits).take(most).collect();
    Some(Wanted { members, missing: None })
}
