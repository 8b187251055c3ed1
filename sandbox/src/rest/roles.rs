//! Routes of a guild's roles. The rules are those of the pages "Guild" and "Permissions" of
//! Discord's documentation.

use serde_json::{Map, Value, json};

use super::call::{Answer, Call, Reply};
use super::members::{Visit, require};
use crate::audit::{Deed, action};
use crate::gateway::intents;
use crate::mentions::id_of;
use crate::model::Role;
use crate::permissions::MANAGE_ROLES;
use crate::refusal::{Problems, Refusal};
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

/// Roles of a guild (error 30005).
const MOST: usize = 250;
/// What the audit log tells of a role.
const AUDITED: &[&str] = &["name", "permissions", "color", "hoist", "mentionable"];

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let guild = Visit::of(state, call)?.place(state)?;
    Ok(Reply::ok(state.realm.role_objects(guild)))
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::of(state, call)?;
    Ok(Reply::ok(object(state, visit, call.id("role_id")?)?))
}

/// "Does not include the @everyone role."
pub(super) fn counts(state: &mut State, call: &Call) -> Answer {
    let guild = Visit::of(state, call)?.place(state)?;
    let holders =
        |role: &Role| guild.members.iter().filter(|member| member.roles.contains(&role.id)).count();
    let counts: Map<_, _> = guild
        .roles
        .iter()
        .skip(1)
        .map(|role| (role.id.to_string(), json!(holders(role))))
        .collect();
    Ok(Reply::ok(Value::Object(counts)))
}

/// A role that the bot may change: it exists (10011) and is below the bot's highest (50013).
fn below(state: &State, visit: Visit<'_>, role: Snowflake) -> Result<Role, Refusal> {
    let guild = visit.place(state)?;
    let found = guild.role(role).ok_or_else(Refusal::unknown_role)?;
    require(guild.role_rank(role) < guild.rank(visit.bot))?;
    Ok(found.clone())
}

/// Checks what a body says of a role, and writes it into it. "It can only grant permissions it has
/// to those roles."
fn apply(state: &State, visit: Visit<'_>, role: &mut Role) -> Result<(), Refusal> {
    let body = &visit.call.body;
    validate::guild::ROLE.check(body)?;
    let primary = &body["colors"]["primary_color"];
    let permissions = &body["permissions"];
    let permissions = permissions.as_u64().or_else(|| permissions.as_str()?.parse().ok());
    if let Some(permissions) = permissions {
        let held = state.realm.guild_permissions(visit.place(state)?, visit.bot);
        require((permissions ^ role.permissions) & !held == 0)?;
        role.permissions = permissions;
    }
    if let Some(name) = body["name"].as_str().filter(|name| !name.is_empty()) {
        role.name = name.to_owned();
    }
    if let Some(color) = primary.as_u64().or(body["color"].as_u64()) {
        role.color = u32::try_from(color).unwrap_or_default();
    }
    role.hoist = body["hoist"].as_bool().unwrap_or(role.hoist);
    role.mentionable = body["mentionable"].as_bool().unwrap_or(role.mentionable);
    Ok(())
}

/// New roles stand just above `@everyone`.
pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::with(state, call, MANAGE_ROLES)?;
    let guild = visit.place(state)?;
    if guild.roles.len() >= MOST {
        return Err(Refusal::too_many_roles(MOST));
    }
    let held = state.realm.guild_permissions(guild, visit.bot);
    let everyone = guild.role(guild.id).map_or(0, |everyone| everyone.permissions);
    let mut role = Role {
        id: state.clock().next_id(),
        name: "new role".to_owned(),
        color: 0,
        permissions: everyone & held,
        hoist: false,
        mentionable: false,
        bot: None,
    };
    apply(state, visit, &mut role)?;
    let id = role.id;
    state.change_roles(visit.guild, |guild| guild.roles.insert(1, role));
    let object = object(state, visit, id)?;
    let data = json!({ "guild_id": visit.guild, "role": object });
    state.tell_guild(visit.guild, "GUILD_ROLE_CREATE", intents::GUILDS, &data);
    note(state, visit, action::ROLE_CREATE, id, (&Value::Null, &object));
    Ok(Reply::ok(object))
}

pub(super) fn edit(state: &mut State, call: &Call) -> Answer {
    let (visit, id) = (Visit::with(state, call, MANAGE_ROLES)?, call.id("role_id")?);
    let mut role = below(state, visit, id)?;
    let before = object(state, visit, id)?;
    apply(state, visit, &mut role)?;
    state.change_roles(visit.guild, |guild| {
        if let Some(place) = guild.role_mut(id) {
            *place = role;
        }
    });
    let after = object(state, visit, id)?;
    if before != after {
        note(state, visit, action::ROLE_UPDATE, id, (&before, &after));
    }
    Ok(Reply::ok(after))
}

/// `@everyone` and the roles of bots cannot be deleted (50028).
pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let (visit, id) = (Visit::with(state, call, MANAGE_ROLES)?, call.id("role_id")?);
    let role = below(state, visit, id)?;
    if role.bot.is_some() || id == visit.guild {
        return Err(Refusal::invalid_role());
    }
    let before = object(state, visit, id)?;
    let holders = visit.place(state)?.members.iter();
    let holders: Vec<_> = holders.filter(|member| member.roles.contains(&id)).cloned().collect();
    state.change_roles(visit.guild, |guild| {
        guild.roles.retain(|role| role.id != id);
        for member in &mut guild.members {
            member.roles.retain(|role| *role != id);
        }
    });
    let data = json!({ "guild_id": visit.guild, "role_id": id });
    state.tell_guild(visit.guild, "GUILD_ROLE_DELETE", intents::GUILDS, &data);
    for mut member in holders {
        member.roles.retain(|role| *role != id);
        state.tell_of_member(visit.guild, &member);
    }
    note(state, visit, action::ROLE_DELETE, id, (&before, &Value::Null));
    Ok(Reply::empty())
}

/// "A bot can only sort roles lower than its highest role."
pub(super) fn sort(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::with(state, call, MANAGE_ROLES)?;
    let listed = visit.call.body.as_array().ok_or_else(|| {
        let words = "Only iterables may be used in a ListType";
        Problems::one("", "LIST_TYPE_CONVERT", words)
    })?;
    let own = visit.place(state)?.rank(visit.bot);
    let mut moves = Vec::new();
    for entry in listed {
        let role = id_of(&entry["id"]).ok_or_else(Refusal::unknown_role)?;
        below(state, visit, role)?;
        let Some(position) = entry["position"].as_u64() else { continue };
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        require(role != visit.guild && position < own)?;
        moves.push((position, role));
    }
    moves.sort_unstable();
    state.change_roles(visit.guild, |guild| {
        for (position, role) in moves {
            guild.move_role(role, position);
        }
    });
    Ok(Reply::ok(state.realm.role_objects(visit.place(state)?)))
}

fn object(state: &State, visit: Visit<'_>, id: Snowflake) -> Result<Value, Refusal> {
    let guild = visit.place(state)?;
    let role = guild.role(id).ok_or_else(Refusal::unknown_role)?;
    Ok(state.realm.role_object(guild, role))
}

fn note(
    state: &mut State,
    visit: Visit<'_>,
    action: u16,
    role: Snowflake,
    (old, new): (&Value, &Value),
) {
    let deed = Deed::new(action, Some(role)).compared(AUDITED, old, new);
    state.audit(visit.guild, visit.bot, deed.because(visit.actor().reason));
}
