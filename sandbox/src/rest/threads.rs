//! Routes of threads. What they need is from the pages "Threads" and "Channels Resource" of
//! Discord's documentation.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::channel_forms::number;
use super::channels::{need, object, visible};
use super::guilds::inside;
use super::messages::public;
use crate::model::{Channel, Place, Thread, ThreadKind};
use crate::permissions::{
    CREATE_PRIVATE_THREADS, CREATE_PUBLIC_THREADS, MANAGE_THREADS, READ_MESSAGE_HISTORY,
};
use crate::refusal::{Problems, Refusal};
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::threads::{Change, Hand, Start};
use crate::validate::{self, query};

/// Numbers of the types of threads.
const PUBLIC: u64 = 11;
const PRIVATE: u64 = 12;

/// The thread that a channel is (50024).
fn thread_of(state: &State, channel: Snowflake) -> Result<&Thread, Refusal> {
    let channel = state.realm.channel(channel).ok_or_else(Refusal::unknown_channel)?;
    channel.thread().ok_or_else(Refusal::wrong_channel_type)
}

/// Starts a thread without a message.
pub(super) fn start_loose(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?.id;
    start(state, call, channel, None)
}

/// Starts a thread from a message.
pub(super) fn start_from(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    let message = public(channel, call)?;
    if message.notice.is_some() {
        return Err(Refusal::invalid_message_type());
    }
    let (channel, message) = (channel.id, message.id);
    start(state, call, channel, Some(message))
}

fn start(state: &mut State, call: &Call, parent: Snowflake, message: Option<Snowflake>) -> Answer {
    let bot = call.bot()?;
    let channel = state.realm.channel(parent).ok_or_else(Refusal::unknown_channel)?;
    if !matches!(channel.place, Place::Text { .. }) {
        return Err(Refusal::wrong_channel_type());
    }
    let body = &call.body;
    match message {
        Some(_) => validate::channel::thread(body)?,
        None => validate::channel::loose_thread(body)?,
    }
    // The documented default of API 10 is a private thread.
    let kind = match body["type"].as_u64().unwrap_or(PRIVATE) {
        PUBLIC => ThreadKind::Public,
        _ if message.is_some() => ThreadKind::Public,
        _ => ThreadKind::Private { invitable: body["invitable"] != false },
    };
    let needed = match kind {
        ThreadKind::Public => CREATE_PUBLIC_THREADS,
        ThreadKind::Private { .. } => CREATE_PRIVATE_THREADS,
    };
    need(state, bot, parent, needed)?;
    if message.is_some_and(|message| state.realm.channel(message).is_some()) {
        return Err(Refusal::thread_exists());
    }
    let start = Start {
        parent,
        message,
        owner: bot,
        name: body["name"].as_str().unwrap_or_default().to_owned(),
        kind,
        minutes: number(&body["auto_archive_duration"]),
        slowmode: number(&body["rate_limit_per_user"]).unwrap_or(0),
    };
    let id = state.start_thread(start, call.reason.as_deref());
    let thread = id.and_then(|id| state.realm.channel(id));
    let thread = thread.ok_or_else(Refusal::unknown_channel)?;
    let body = state.realm.channel_object_for(thread, bot);
    Ok(Reply { status: 201, body })
}

/// PATCH of a thread.
pub(super) fn change(state: &mut State, call: &Call, bot: Snowflake, id: Snowflake) -> Answer {
    let body = &call.body;
    validate::channel::thread_change(body)?;
    let change = Change {
        name: body["name"].as_str().map(str::to_owned),
        archived: body["archived"].as_bool(),
        locked: body["locked"].as_bool(),
        invitable: body["invitable"].as_bool(),
        minutes: number(&body["auto_archive_duration"]),
        slowmode: number(&body["rate_limit_per_user"]),
    };
    may_change(state, bot, id, &change)?;
    state.change_thread(id, bot, change, call.reason.as_deref());
    Ok(Reply::ok(object(state, id)?))
}

/// Whether a bot may change a thread so: to unarchive it, it has to be able to write in it; its
/// starter may also change the name, the archive and who may invite; the rest is for moderators,
/// and so is what was locked.
fn may_change(
    state: &State,
    bot: Snowflake,
    id: Snowflake,
    change: &Change,
) -> Result<(), Refusal> {
    let thread = thread_of(state, id)?;
    let moderates = need(state, bot, id, MANAGE_THREADS).is_ok();
    let reopens = thread.archived && change.archived == Some(false);
    let alters = change.name.is_some()
        || change.invitable.is_some()
        || change.minutes.is_some()
        || change.archived == Some(true);
    let governs = change.locked.is_some() || change.slowmode.is_some();
    if thread.archived && !reopens && (alters || governs) {
        return Err(Refusal::archived_thread());
    }
    let own = thread.owner == bot;
    let closed = thread.locked || !own && !bot_writes(state, bot, id);
    let beyond = governs || alters && !own || reopens && closed;
    if moderates || !beyond { Ok(()) } else { Err(Refusal::missing_permissions()) }
}

fn bot_writes(state: &State, bot: Snowflake, id: Snowflake) -> bool {
    let user = state.realm.user(bot);
    let channel = state.realm.channel(id);
    user.zip(channel).is_some_and(|(user, channel)| state.realm.may_write(user, channel))
}

/// DELETE of a thread.
pub(super) fn delete(state: &mut State, call: &Call, bot: Snowflake, id: Snowflake) -> Answer {
    need(state, bot, id, MANAGE_THREADS)?;
    let gone = object(state, id)?;
    state.delete_thread(id, bot, call.reason.as_deref());
    Ok(Reply::ok(gone))
}

pub(super) fn join(state: &mut State, call: &Call) -> Answer {
    let (bot, id) = (call.bot()?, visible(state, call)?.id);
    active_thread(state, id)?;
    state.join_thread(id, bot, Hand::Own);
    Ok(Reply::empty())
}

pub(super) fn leave(state: &mut State, call: &Call) -> Answer {
    let (bot, id) = (call.bot()?, visible(state, call)?.id);
    active_thread(state, id)?;
    state.leave_thread(id, bot, Hand::Own);
    Ok(Reply::empty())
}

/// The thread that a channel is, if it is not archived (50083).
fn active_thread(state: &State, id: Snowflake) -> Result<&Thread, Refusal> {
    let thread = thread_of(state, id)?;
    if thread.archived { Err(Refusal::archived_thread()) } else { Ok(thread) }
}

/// Adds another account.
pub(super) fn add(state: &mut State, call: &Call) -> Answer {
    let (bot, id) = (call.bot()?, visible(state, call)?.id);
    let thread = active_thread(state, id)?;
    let user = member_id(state, call, id)?;
    let closed = thread.kind == ThreadKind::Private { invitable: false } && thread.owner != bot;
    if !bot_writes(state, bot, id) || closed && need(state, bot, id, MANAGE_THREADS).is_err() {
        return Err(Refusal::missing_permissions());
    }
    state.join_thread(id, user, Hand::Of(bot));
    Ok(Reply::empty())
}

/// Removes another account: moderators do, and from a private thread its starter.
pub(super) fn remove(state: &mut State, call: &Call) -> Answer {
    let (bot, id) = (call.bot()?, visible(state, call)?.id);
    let thread = active_thread(state, id)?;
    let own = thread.is_private() && thread.owner == bot;
    let user = member_id(state, call, id)?;
    if !own {
        need(state, bot, id, MANAGE_THREADS)?;
    }
    if !thread_of(state, id)?.has(user) {
        return Err(Refusal::unknown_member());
    }
    state.leave_thread(id, user, Hand::Of(bot));
    Ok(Reply::empty())
}

/// An account that is a member of the thread's guild.
fn member_id(state: &State, call: &Call, thread: Snowflake) -> Result<Snowflake, Refusal> {
    let user = state.realm.user(call.id("user_id")?).ok_or_else(Refusal::unknown_user)?;
    let channel = state.realm.channel(thread).ok_or_else(Refusal::unknown_channel)?;
    let is_member = state.realm.guild_of(channel).is_some_and(|guild| guild.has(user.id));
    if is_member { Ok(user.id) } else { Err(Refusal::unknown_member()) }
}

/// A member, the bot itself as `@me`.
pub(super) fn member(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    thread_of(state, channel.id)?;
    let user = match call.parameter("user_id") {
        "@me" => call.bot()?,
        _ => call.id("user_id")?,
    };
    let member = member_object(state, call, channel, user);
    Ok(Reply::ok(member.ok_or_else(Refusal::unknown_member)?))
}

fn member_object(state: &State, call: &Call, channel: &Channel, user: Snowflake) -> Option<Value> {
    if call.is_set("with_member") {
        state.realm.thread_member_with_member(channel, user)
    } else {
        state.realm.own_thread_member(channel, user)
    }
}

/// The members, for which the application needs the privileged intent for members. Only with
/// `with_member` the list comes in pages.
pub(super) fn members(state: &mut State, call: &Call) -> Answer {
    let (bot, id) = (call.bot()?, visible(state, call)?.id);
    let thread = thread_of(state, id)?;
    let application = state.realm.application(bot);
    if !application.is_some_and(|application| application.privileged_intents) {
        return Err(Refusal::missing_access());
    }
    let channel = state.realm.channel(id).ok_or_else(Refusal::unknown_channel)?;
    let mut users: Vec<_> = thread.members.iter().map(|(user, _)| *user).collect();
    if call.is_set("with_member") {
        users.sort_unstable();
        let after = call.wanted("after")?;
        users.retain(|user| after.is_none_or(|after| *user > after));
        users.truncate(query::int(&call.query, "limit", (1, 100), 100)?);
    }
    let users = users.into_iter();
    let objects = users.filter_map(|user| member_object(state, call, channel, user));
    Ok(Reply::ok(objects.collect::<Vec<_>>()))
}

/// Which archived threads are listed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shelf {
    Public,
    Private,
    /// The private ones that the bot has joined.
    Joined,
}

pub(super) fn archived_public(state: &mut State, call: &Call) -> Answer {
    archived(state, call, Shelf::Public)
}

pub(super) fn archived_private(state: &mut State, call: &Call) -> Answer {
    let parent = visible(state, call)?.id;
    need(state, call.bot()?, parent, MANAGE_THREADS)?;
    archived(state, call, Shelf::Private)
}

pub(super) fn archived_joined(state: &mut State, call: &Call) -> Answer {
    archived(state, call, Shelf::Joined)
}

/// The archived threads of a channel, those archived last first; the joined ones by id.
fn archived(state: &State, call: &Call, shelf: Shelf) -> Answer {
    let (bot, parent) = (call.bot()?, visible(state, call)?.id);
    need(state, bot, parent, READ_MESSAGE_HISTORY)?;
    let limit = query::int(&call.query, "limit", (2, 100), 50)?;
    let before = call.query.get("before");
    let (time, bound) = match (shelf, before) {
        (_, None) => (None, None),
        (Shelf::Joined, Some(_)) => (None, call.wanted("before")?),
        (_, Some(text)) => (Some(timestamp(text)?), None),
    };
    let fits = |channel: &&Channel| {
        let Some(thread) = channel.thread() else { return false };
        thread.parent == parent
            && thread.archived
            && thread.is_private() == (shelf != Shelf::Public)
            && (shelf != Shelf::Joined || thread.has(bot))
            && time.is_none_or(|time| thread.archive_changed < time)
            && bound.is_none_or(|bound| channel.id < bound)
    };
    let mut threads: Vec<_> = state.realm.channels.iter().filter(fits).collect();
    threads.sort_by_key(|channel| {
        let time = channel.thread().filter(|_| shelf != Shelf::Joined);
        std::cmp::Reverse((time.map(|thread| thread.archive_changed), channel.id))
    });
    let more = threads.len() > limit;
    threads.truncate(limit);
    let mut body = listed(state, bot, &threads);
    body["has_more"] = json!(more);
    Ok(Reply::ok(body))
}

fn timestamp(text: &str) -> Result<DateTime<Utc>, Refusal> {
    let moment = DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
    moment.map(|moment| moment.to_utc()).map_err(|_| {
        let words = format!("Could not parse {text}. Should be ISO8601.");
        Problems::one("before", "DATE_TIME_TYPE_PARSE", words)
    })
}

pub(super) fn active(state: &mut State, call: &Call) -> Answer {
    let (bot, guild) = (call.bot()?, inside(state, call)?);
    let mut threads = state.realm.active_threads(guild.id, bot);
    threads.sort_by_key(|channel| std::cmp::Reverse(channel.id));
    Ok(Reply::ok(listed(state, bot, &threads)))
}

/// Threads, and what the bot is in those that it has joined.
fn listed(state: &State, bot: Snowflake, threads: &[&Channel]) -> Value {
    let own = |thread: &&Channel| state.realm.own_thread_member(thread, bot);
    json!({
        "threads":
            threads.iter().map(|thread| state.realm.channel_object(thread)).collect::<Vec<_>>(),
        "members": threads.iter().filter_map(own).collect::<Vec<_>>(),
    })
}
