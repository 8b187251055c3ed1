//! Routes of a guild's members and bans. The rules are those of the pages "Guild" and
//! "Permissions" of Discord's documentation.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::guilds::inside;
use crate::members::Actor;
use crate::mentions::id_of;
use crate::model::{Ban, Guild, Member};
use crate::permissions::{
    ADMINISTRATOR, BAN_MEMBERS, CHANGE_NICKNAME, KICK_MEMBERS, MANAGE_GUILD, MANAGE_NICKNAMES,
    MANAGE_ROLES, MODERATE_MEMBERS,
};
use crate::refusal::{Problems, Refusal};
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

/// "Up to 28 days in the future."
const LONGEST_TIME_OUT: TimeDelta = TimeDelta::days(28);

/// A request of a bot that concerns a guild it is in.
#[derive(Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) call: &'a Call,
    pub(super) bot: Snowflake,
    pub(super) guild: Snowflake,
}

impl<'a> Visit<'a> {
    /// The guild of a request: it exists (10004), and the bot is in it (50001).
    pub(super) fn of(state: &State, call: &'a Call) -> Result<Self, Refusal> {
        Ok(Self { call, bot: call.bot()?, guild: inside(state, call)?.id })
    }

    /// A visit that needs these permissions (50013).
    pub(super) fn with(state: &State, call: &'a Call, permissions: u64) -> Result<Self, Refusal> {
        let visit = Self::of(state, call)?;
        visit.needs(state, permissions)?;
        Ok(visit)
    }

    pub(super) fn place(self, state: &State) -> Result<&Guild, Refusal> {
        state.realm.guild(self.guild).ok_or_else(Refusal::unknown_guild)
    }

    /// Whether the bot has all of these permissions in the guild (50013).
    fn needs(self, state: &State, permissions: u64) -> Result<(), Refusal> {
        let held = state.realm.guild_permissions(self.place(state)?, self.bot);
        require(held & permissions == permissions)
    }

    /// Whether the bot's highest role is above the target's (50013).
    fn above(self, state: &State, target: Snowflake) -> Result<(), Refusal> {
        require(self.place(state)?.outranks(self.bot, target))
    }

    pub(super) fn actor(self) -> Actor<'a> {
        Actor { id: self.bot, reason: self.call.reason.as_deref() }
    }
}

/// Refuses with 50013 unless this holds.
pub(super) fn require(holds: bool) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::missing_permissions()) }
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let member = member(state, Visit::of(state, call)?)?;
    Ok(Reply::ok(state.realm.member_object(member)))
}

pub(super) fn edit(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::of(state, call)?;
    let user = member(state, visit)?.user;
    change(state, visit, user)
}

pub(super) fn edit_own(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::of(state, call)?;
    change(state, visit, visit.bot)
}

pub(super) fn kick(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::with(state, call, KICK_MEMBERS)?;
    let user = member(state, visit)?.user;
    visit.above(state, user)?;
    state.kick(visit.guild, user, visit.actor());
    Ok(Reply::empty())
}

pub(super) fn ban(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::with(state, call, BAN_MEMBERS)?;
    validate::guild::BAN.check(&call.body)?;
    let user = state.realm.user(call.id("user_id")?).ok_or_else(Refusal::unknown_user)?.id;
    visit.above(state, user)?;
    state.ban(visit.guild, user, visit.actor(), history(&call.body));
    Ok(Reply::empty())
}

pub(super) fn unban(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::with(state, call, BAN_MEMBERS)?;
    let lifted = state.unban(visit.guild, call.id("user_id")?, visit.actor());
    if lifted { Ok(Reply::empty()) } else { Err(Refusal::unknown_ban()) }
}

pub(super) fn get_ban(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::with(state, call, BAN_MEMBERS)?;
    let user = call.id("user_id")?;
    let ban = visit.place(state)?.bans.iter().find(|ban| ban.user == user);
    Ok(Reply::ok(ban_object(state, ban.ok_or_else(Refusal::unknown_ban)?)))
}

/// The member that a request names.
fn member<'a>(state: &'a State, visit: Visit<'_>) -> Result<&'a Member, Refusal> {
    let user = state.realm.user(visit.call.id("user_id")?);
    let user = user.ok_or_else(Refusal::unknown_user)?;
    visit.place(state)?.member(user.id).ok_or_else(Refusal::unknown_member)
}

/// "This endpoint requires the GUILD_MEMBERS Privileged Intent."
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::of(state, call)?;
    let application = state.realm.application(visit.bot);
    if !application.is_some_and(|application| application.privileged_intents) {
        return Err(Refusal::missing_access());
    }
    let limit = validate::query::int(&visit.call.query, "limit", (1, 1_000), 1)?;
    let after = visit.call.wanted("after")?;
    let mut members: Vec<_> = visit.place(state)?.members.iter().collect();
    members.sort_by_key(|member| member.user);
    let page = members.into_iter().filter(|member| after.is_none_or(|after| member.user > after));
    let page = page.take(limit).map(|member| state.realm.member_object(member));
    Ok(Reply::ok(page.collect::<Vec<_>>()))
}

/// What a body changes of a member; `None` leaves a part as it is.
#[derive(Default)]
struct Change {
    nick: Option<Option<String>>,
    roles: Option<Vec<Snowflake>>,
    timed_out_until: Option<Option<DateTime<Utc>>>,
}

fn change(state: &mut State, visit: Visit<'_>, user: Snowflake) -> Answer {
    let change = read(state, &visit.call.body)?;
    if change.nick.is_some() {
        if user == visit.bot {
            let held = state.realm.guild_permissions(visit.place(state)?, visit.bot);
            require(held & (CHANGE_NICKNAME | MANAGE_NICKNAMES) != 0)?;
        } else {
            visit.needs(state, MANAGE_NICKNAMES)?;
        }
        visit.above(state, user)?;
    }
    if let Some(roles) = &change.roles {
        may_give(state, visit, user, roles)?;
    }
    if change.timed_out_until.is_some() {
        visit.needs(state, MODERATE_MEMBERS)?;
        visit.above(state, user)?;
        // "Will throw a 403 error if the user has the ADMINISTRATOR permission or is the owner."
        let held = state.realm.guild_permissions(visit.place(state)?, user);
        require(held & ADMINISTRATOR == 0 && user != visit.bot)?;
    }
    state.change_member(visit.guild, user, visit.actor(), |member| {
        if let Some(nick) = change.nick {
            member.nick = nick;
        }
        if let Some(roles) = change.roles {
            member.roles = roles;
        }
        if let Some(until) = change.timed_out_until {
            member.timed_out_until = until;
        }
    });
    let member = visit.place(state)?.member(user).ok_or_else(Refusal::unknown_member)?;
    Ok(Reply::ok(state.realm.member_object(member)))
}

fn read(state: &State, body: &Value) -> Result<Change, Refusal> {
    validate::guild::MEMBER.check(body)?;
    let path = "communication_disabled_until";
    let until = body[path].as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let until = until.map(|until| until.to_utc());
    if until.is_some_and(|until| until > state.clock().now() + LONGEST_TIME_OUT) {
        // No report shows the name of the error.
        let words = "Communication cannot be disabled for more than 28 days";
        return Err(Problems::one(path, "COMMUNICATION_DISABLED_UNTIL_TOO_LONG", words));
    }
    let nick = |value: &Value| value.as_str().filter(|nick| !nick.is_empty()).map(str::to_owned);
    let roles = |value: &Value| {
        let mut ids: Vec<_> = value.as_array().into_iter().flatten().filter_map(id_of).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    Ok(Change {
        nick: body.get("nick").map(nick),
        roles: body.get("roles").map(roles),
        timed_out_until: body.get("communication_disabled_until").map(|_| until),
    })
}

/// Whether the bot may give a member exactly these roles: each that is added or removed must exist
/// (50028), belong to no bot, and be below the bot's highest.
fn may_give(
    state: &State,
    visit: Visit<'_>,
    user: Snowflake,
    roles: &[Snowflake],
) -> Result<(), Refusal> {
    visit.needs(state, MANAGE_ROLES)?;
    let guild = visit.place(state)?;
    let held = guild.member(user).map_or(&[][..], |member| &member.roles);
    let added = roles.iter().filter(|role| !held.contains(role));
    let removed = held.iter().filter(|role| !roles.contains(role));
    for role in added.chain(removed) {
        let role = guild.role(*role).filter(|role| role.id != guild.id);
        let role = role.ok_or_else(Refusal::invalid_role)?;
        require(role.bot.is_none() && guild.role_rank(role.id) < guild.rank(visit.bot))?;
    }
    Ok(())
}

/// PUT and DELETE `/guilds/{id}/members/{id}/roles/{id}`.
pub(super) fn give_role(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::with(state, call, MANAGE_ROLES)?;
    let found = member(state, visit)?;
    let (user, mut roles) = (found.user, found.roles.clone());
    let role = visit.place(state)?.role(call.id("role_id")?);
    let role = role.ok_or_else(Refusal::unknown_role)?.id;
    let had = roles.contains(&role);
    roles.retain(|other| *other != role);
    let gives = visit.call.method == "PUT";
    if gives {
        roles.push(role);
    }
    // What changes nothing is judged, too.
    let held = if had == gives { visit.place(state)?.rank(visit.bot) } else { usize::MAX };
    require(visit.place(state)?.role_rank(role) < held)?;
    may_give(state, visit, user, &roles)?;
    if had != gives {
        state.change_member(visit.guild, user, visit.actor(), |member| member.roles = roles);
    }
    Ok(Reply::empty())
}

fn ban_object(state: &State, ban: &Ban) -> Value {
    let user = state.realm.user(ban.user).map(|user| state.realm.user_object(user));
    json!({ "user": user, "reason": ban.reason })
}

/// "Users will always be returned in ascending order by user.id. If both before and after are
/// provided, only before is respected."
pub(super) fn bans(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::with(state, call, BAN_MEMBERS)?;
    let limit = validate::query::int(&visit.call.query, "limit", (1, 1_000), 1_000)?;
    let (before, after) = (visit.call.wanted("before")?, visit.call.wanted("after")?);
    let mut bans: Vec<_> = visit.place(state)?.bans.iter().collect();
    bans.sort_by_key(|ban| ban.user);
    match (before, after) {
        (Some(before), _) => {
            bans.retain(|ban| ban.user < before);
            bans.drain(..bans.len().saturating_sub(limit));
        }
        (None, Some(after)) => bans.retain(|ban| ban.user > after),
        (None, None) => {}
    }
    let objects = bans.into_iter().take(limit).map(|ban| ban_object(state, ban));
    Ok(Reply::ok(objects.collect::<Vec<_>>()))
}

/// For how long a ban deletes messages, by what a valid body says.
fn history(body: &Value) -> TimeDelta {
    let days = body["delete_message_days"].as_i64().unwrap_or(0);
    TimeDelta::seconds(body["delete_message_seconds"].as_i64().unwrap_or(days * 86_400))
}

/// Users that do not exist, stand above the bot or are banned already fail.
pub(super) fn bulk_ban(state: &mut State, call: &Call) -> Answer {
    let visit = Visit::with(state, call, BAN_MEMBERS | MANAGE_GUILD)?;
    validate::guild::BULK_BAN.check(&call.body)?;
    let history = history(&call.body);
    let listed = call.body["user_ids"].as_array().map_or(&[][..], Vec::as_slice);
    let (mut banned, mut failed) = (Vec::new(), Vec::new());
    for user in listed.iter().filter_map(id_of) {
        let guild = visit.place(state)?;
        let fits = state.realm.user(user).is_some()
            && user != visit.bot
            && guild.outranks(visit.bot, user)
            && !guild.bans.iter().any(|ban| ban.user == user);
        if fits {
            state.ban(visit.guild, user, visit.actor(), history);
            banned.push(user);
        } else {
            failed.push(user);
        }
    }
    if banned.is_empty() {
        return Err(Refusal::nobody_banned());
    }
    Ok(Reply::ok(json!({ "banned_users": banned, "failed_users": failed })))
}
