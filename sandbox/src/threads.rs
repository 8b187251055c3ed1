//! The life of threads: started, joined, left, changed, archived, deleted, with the events that
//! follow. Whether it may be done is decided before. The source of all of it is the page "Threads"
//! of Discord's documentation.

use serde_json::{Value, json};

use crate::audit::{Deed, action};
use crate::gateway::{Event, intents};
use crate::messages::{Draft, Envelope};
use crate::model::{
    Audience, Channel, FLAG_HAS_THREAD, Message, Notice, Place, Thread, ThreadKind,
};
use crate::snowflake::Snowflake;
use crate::state::State;

/// Minutes of a thread whose starter says nothing, where the channel says nothing either.
const USUAL_MINUTES: u32 = 1_440;

/// A thread about to be started.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) parent: Snowflake,
    /// The message that it is started from.
    pub(crate) message: Option<Snowflake>,
    pub(crate) owner: Snowflake,
    pub(crate) name: String,
    pub(crate) kind: ThreadKind,
    pub(crate) minutes: Option<u32>,
    /// Seconds.
    pub(crate) slowmode: u32,
}

/// What a change of a thread sets; `None` leaves a part as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) name: Option<String>,
    pub(crate) archived: Option<bool>,
    pub(crate) locked: Option<bool>,
    pub(crate) invitable: Option<bool>,
    pub(crate) minutes: Option<u32>,
    /// Seconds.
    pub(crate) slowmode: Option<u32>,
}

/// How an account comes into a thread or out of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hand {
    /// By its own.
    Own,
    /// By this account's.
    Of(Snowflake),
    /// Because it was mentioned, of which nothing is written.
    Mention,
}

impl State {
    /// Starts a thread and returns its id, which of one started from a message is the message's;
    /// `None` if the parent is gone.
    pub(crate) fn start_thread(&mut self, start: Start, reason: Option<&str>) -> Option<Snowflake> {
        let parent = self.realm.channel(start.parent)?;
        let guild = parent.guild()?;
        let usual = match &parent.place {
            Place::Text { about, .. } => about.thread_minutes,
            _ => None,
        };
        let now = self.clock().now();
        let id = start.message.unwrap_or_else(|| self.clock().next_id());
        let thread = Thread {
            guild,
            parent: start.parent,
            name: start.name.clone(),
            kind: start.kind,
            owner: start.owner,
            archived: false,
            archive_changed: now,
            auto_archive_minutes: start.minutes.or(usual).unwrap_or(USUAL_MINUTES),
            locked: false,
            slowmode: start.slowmode,
            sent: 0,
            members: vec![(start.owner, now)],
        };
        let channel = Channel::new(id, Place::Thread(thread));
        let object = self.realm.channel_object(&channel);
        self.realm.channels.push(channel);
        self.tell_of_thread(id, "THREAD_CREATE", Newness::New);
        self.tell_of_members(id, &[start.owner], &[]);
        if let Some(message) = start.message {
            self.mark_started(message);
            let starter = Notice::ThreadStarter { channel: start.parent, message };
            self.announce(id, start.owner, starter, "");
        } else if start.kind == ThreadKind::Public {
            self.announce(start.parent, start.owner, Notice::ThreadCreated(id), &start.name);
        }
        let keys = ["name", "type", "rate_limit_per_user"];
        let deed =
            Deed::new(action::THREAD_CREATE, Some(id)).compared(&keys, &Value::Null, &object);
        let deed = changed_metadata(deed, &Value::Null, &object);
        self.audit(guild, start.owner, deed.because(reason));
        Some(id)
    }

    /// Flags the message that a thread was started from.
    fn mark_started(&mut self, message: Snowflake) {
        if let Some(message) = self.realm.message_mut(message) {
            message.flags |= FLAG_HAS_THREAD;
            let message = message.clone();
            self.tell_of_update(&message);
        }
    }

    /// Posts a notice of Discord's own.
    fn announce(&mut self, channel: Snowflake, author: Snowflake, notice: Notice, content: &str) {
        let envelope = Envelope { channel, author, audience: Audience::Channel, origin: None };
        self.post(envelope, Draft { notice: Some(notice), ..Draft::text(content) });
    }

    /// Takes an account into a thread; nothing happens if it is in it.
    pub(crate) fn join_thread(&mut self, id: Snowflake, user: Snowflake, hand: Hand) {
        let now = self.clock().now();
        let thread = self.realm.channel_mut(id).and_then(Channel::thread_mut);
        let Some(thread) = thread.filter(|thread| !thread.has(user)) else {
            return;
        };
        thread.members.push((user, now));
        if hand != Hand::Own && self.realm.application(user).is_some() {
            self.tell_of_thread_to(user, id, "THREAD_CREATE", Newness::Known);
        }
        self.tell_of_members(id, &[user], &[]);
        self.tell_of_own_member(id, user);
        if let Hand::Of(by) = hand {
            self.announce(id, by, Notice::Added(user), "");
        }
        self.touch();
    }

    /// Takes an account out of a thread; nothing happens if it is not in it.
    pub(crate) fn leave_thread(&mut self, id: Snowflake, user: Snowflake, hand: Hand) {
        let thread = self.realm.channel_mut(id).and_then(Channel::thread_mut);
        let Some(thread) = thread.filter(|thread| thread.has(user)) else {
            return;
        };
        thread.members.retain(|(member, _)| *member != user);
        self.tell_of_members(id, &[], &[user]);
        if let Hand::Of(by) = hand {
            self.announce(id, by, Notice::Removed(user), "");
        }
        self.touch();
    }

    /// Changes a thread, with the notice of a new name and an entry of the audit log.
    pub(crate) fn change_thread(
        &mut self,
        id: Snowflake,
        by: Snowflake,
        change: Change,
        reason: Option<&str>,
    ) {
        let Some(old) = self.channel_json(id) else { return };
        let now = self.clock().now();
        let Some(thread) = self.realm.channel_mut(id).and_then(Channel::thread_mut) else {
            return;
        };
        let guild = thread.guild;
        let renamed = change.name.filter(|name| *name != thread.name);
        thread.name = renamed.clone().unwrap_or_else(|| thread.name.clone());
        thread.locked = change.locked.unwrap_or(thread.locked);
        thread.slowmode = change.slowmode.unwrap_or(thread.slowmode);
        if let (ThreadKind::Private { invitable }, Some(new)) = (&mut thread.kind, change.invitable)
        {
            *invitable = new;
        }
        let minutes = change.minutes.unwrap_or(thread.auto_archive_minutes);
        let archived = change.archived.unwrap_or(thread.archived);
        if minutes != thread.auto_archive_minutes || archived != thread.archived {
            (thread.auto_archive_minutes, thread.archived) = (minutes, archived);
            thread.archive_changed = now;
        }
        if let Some(name) = renamed {
            self.announce(id, by, Notice::Renamed, &name);
        }
        let Some(new) = self.channel_json(id) else { return };
        let keys = ["name", "rate_limit_per_user"];
        let deed = Deed::new(action::THREAD_UPDATE, Some(id)).compared(&keys, &old, &new);
        let deed = changed_metadata(deed, &old, &new);
        if !deed.is_idle() {
            self.tell_of_thread(id, "THREAD_UPDATE", Newness::Known);
            self.audit(guild, by, deed.because(reason));
        }
    }

    /// Deletes a thread.
    pub(crate) fn delete_thread(&mut self, id: Snowflake, by: Snowflake, reason: Option<&str>) {
        let Some(channel) = self.realm.channel(id) else { return };
        let Some(thread) = channel.thread() else { return };
        let (guild, parent) = (thread.guild, thread.parent);
        let kind = if thread.is_private() { 12 } else { 11 };
        let object = self.realm.channel_object(channel);
        let data = json!({ "id": id, "guild_id": guild, "parent_id": parent, "type": kind });
        for application in self.seeing(id) {
            let event = Event::new(application, "THREAD_DELETE", intents::GUILDS, data.clone());
            self.dispatch(event);
        }
        self.forget_channel(id);
        if let Some(message) = self.realm.message_mut(id) {
            message.flags &= !FLAG_HAS_THREAD;
            let message = message.clone();
            self.tell_of_update(&message);
        }
        let keys = ["name", "type", "rate_limit_per_user"];
        let deed =
            Deed::new(action::THREAD_DELETE, Some(id)).compared(&keys, &object, &Value::Null);
        let deed = changed_metadata(deed, &object, &Value::Null);
        self.audit(guild, by, deed.because(reason));
    }

    /// What a message does to its thread: it counts, unarchives it, and takes in its author.
    pub(crate) fn enliven(&mut self, message: &Message) {
        let now = self.clock().now();
        let channel = self.realm.channel_mut(message.channel);
        let Some(thread) = channel.and_then(Channel::thread_mut) else { return };
        thread.sent += 1;
        if thread.archived {
            (thread.archived, thread.archive_changed) = (false, now);
            self.tell_of_thread(message.channel, "THREAD_UPDATE", Newness::Known);
        }
        if message.guise.is_none() {
            self.join_thread(message.channel, message.author, Hand::Own);
        }
    }

    /// Takes into a thread those whom a message in it mentions by name. Those of a mentioned role
    /// stay outside, other than on Discord, which takes in a few.
    pub(crate) fn admit_mentioned(&mut self, message: Snowflake) {
        let Some(message) = self.realm.message(message) else { return };
        let channel = self.realm.channel(message.channel);
        let Some(channel) = channel.filter(|channel| channel.thread().is_some()) else { return };
        let parent = channel.thread().and_then(|thread| self.realm.channel(thread.parent));
        let sees = |user: &&Snowflake| {
            let user = self.realm.user(**user);
            user.zip(parent).is_some_and(|(user, parent)| self.realm.sees(user, parent))
        };
        let mentioned: Vec<_> = message.mentions.users.iter().filter(sees).copied().collect();
        let thread = channel.id;
        for user in mentioned {
            self.join_thread(thread, user, Hand::Mention);
        }
    }

    /// Archives the threads that have been without activity for too long.
    pub(crate) fn archive_stale(&mut self) {
        let now = self.clock().now();
        let stale = |channel: &&mut Channel| {
            let last = channel.public().next_back().map(|message| message.created);
            channel.thread().is_some_and(|thread| thread.is_stale(last, now))
        };
        let mut archived = Vec::new();
        for channel in self.realm.channels.iter_mut().filter(stale) {
            let id = channel.id;
            if let Some(thread) = channel.thread_mut() {
                (thread.archived, thread.archive_changed) = (true, now);
                archived.push(id);
            }
        }
        for id in archived {
            self.tell_of_thread(id, "THREAD_UPDATE", Newness::Known);
        }
    }

    /// The applications whose bots see a channel.
    pub(crate) fn seeing(&self, channel: Snowflake) -> Vec<Snowflake> {
        let Some(channel) = self.realm.channel(channel) else { return Vec::new() };
        let bots = self.realm.applications.iter().map(|application| &application.bot);
        bots.filter(|bot| self.realm.sees(bot, channel)).map(|bot| bot.id).collect()
    }

    fn tell_of_thread(&mut self, id: Snowflake, name: &'static str, newness: Newness) {
        for application in self.seeing(id) {
            self.tell_of_thread_to(application, id, name, newness);
        }
    }

    fn tell_of_thread_to(
        &mut self,
        application: Snowflake,
        id: Snowflake,
        name: &'static str,
        newness: Newness,
    ) {
        let Some(channel) = self.realm.channel(id) else { return };
        let mut data = self.realm.channel_object_for(channel, application);
        if newness == Newness::New {
            data["newly_created"] = json!(true);
        }
        self.dispatch(Event::new(application, name, intents::GUILDS, data));
    }

    /// THREAD_MEMBERS_UPDATE: of itself a bot hears with GUILDS, of others with GUILD_MEMBERS.
    fn tell_of_members(&mut self, id: Snowflake, added: &[Snowflake], removed: &[Snowflake]) {
        let Some(channel) = self.realm.channel(id) else { return };
        let Some(thread) = channel.thread() else { return };
        let member = |user: &Snowflake| {
            let mut object = self.realm.thread_member_with_member(channel, *user)?;
            object["presence"] = Value::Null;
            Some(object)
        };
        let mut data = json!({
            "id": id,
            "guild_id": thread.guild,
            "member_count": thread.members.len(),
        });
        if !added.is_empty() {
            data["added_members"] = json!(added.iter().filter_map(member).collect::<Vec<_>>());
        }
        if !removed.is_empty() {
            data["removed_member_ids"] = json!(removed);
        }
        let mut hearing = self.seeing(id);
        // Who was removed from a private thread sees it no more, and hears of that.
        hearing.extend(removed.iter().filter(|user| self.realm.application(**user).is_some()));
        hearing.sort_unstable();
        hearing.dedup();
        for application in hearing {
            let own = added.contains(&application) || removed.contains(&application);
            let intent = if own { intents::GUILDS } else { intents::GUILD_MEMBERS };
            let event = Event::new(application, "THREAD_MEMBERS_UPDATE", intent, data.clone());
            self.dispatch(event);
        }
    }

    /// THREAD_MEMBER_UPDATE, which to a bot is the sign that it has joined.
    fn tell_of_own_member(&mut self, id: Snowflake, user: Snowflake) {
        let Some(channel) = self.realm.channel(id) else { return };
        let member = self.realm.own_thread_member(channel, user);
        let (Some(mut data), Some(_)) = (member, self.realm.application(user)) else { return };
        data["guild_id"] = json!(channel.guild());
        self.dispatch(Event::new(user, "THREAD_MEMBER_UPDATE", intents::GUILDS, data));
    }

    /// A channel object by the channel's id.
    pub(crate) fn channel_json(&self, id: Snowflake) -> Option<Value> {
        self.realm.channel(id).map(|channel| self.realm.channel_object(channel))
    }

    /// Tells the bots that gained a view of channels which active threads those have.
    pub(crate) fn tell_of_gained(&mut self, before: &Views) {
        let gained: Vec<_> = self.views().0.into_iter().filter(|v| !before.0.contains(v)).collect();
        for (application, channel) in gained {
            let Some(guild) = self.realm.channel(channel).and_then(Channel::guild) else {
                continue;
            };
            let threads = self.realm.active_threads(guild, application).into_iter();
            let here = |thread: &&Channel| thread.thread().is_some_and(|t| t.parent == channel);
            let threads: Vec<_> = threads.filter(here).collect();
            let own = |thread: &&Channel| self.realm.own_thread_member(thread, application);
            let data = json!({
                "guild_id": guild,
                "channel_ids": [channel],
                "threads":
                    threads.iter().map(|t| self.realm.channel_object(t)).collect::<Vec<_>>(),
                "members": threads.iter().filter_map(own).collect::<Vec<_>>(),
            });
            self.dispatch(Event::new(application, "THREAD_LIST_SYNC", intents::GUILDS, data));
        }
    }

    /// Which bots see which text channels.
    pub(crate) fn views(&self) -> Views {
        let text = |channel: &&Channel| matches!(channel.place, Place::Text { .. });
        let channels = self.realm.channels.iter().filter(text);
        let seen = channels.flat_map(|channel| {
            self.seeing(channel.id).into_iter().map(|application| (application, channel.id))
        });
        Views(seen.collect())
    }
}

/// Pairs of an application and a text channel that its bot sees.
#[derive(Debug)]
pub(crate) struct Views(Vec<(Snowflake, Snowflake)>);

/// Whether a thread was created just now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Newness {
    New,
    Known,
}

/// Adds the changes of a thread's metadata.
fn changed_metadata(deed: Deed, old: &Value, new: &Value) -> Deed {
    let keys = ["archived", "auto_archive_duration", "locked", "invitable"];
    deed.compared(&keys, &old["thread_metadata"], &new["thread_metadata"])
}
