//! Threads as Discord's JSON objects. Only renders. The source is the page "Channels Resource" of
//! Discord's documentation.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::clock::iso;
use crate::model::{Channel, Message, Notice, Realm, Thread, ThreadKind};
use crate::snowflake::Snowflake;

/// Members that `member_count` counts at most.
const COUNTED_MEMBERS: usize = 50;

impl Notice {
    /// The number of the message type.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Added(_) => 1,
            Self::Removed(_) => 2,
            Self::Renamed => 4,
            Self::Pinned(_) => 6,
            Self::ThreadCreated(_) => 18,
            Self::ThreadStarter { .. } => 21,
        }
    }
}

impl Realm {
    /// The channel object of a thread.
    pub(crate) fn thread_object(&self, channel: &Channel, thread: &Thread) -> Value {
        let counted = |message: &&Message| message.notice.is_none();
        let mut object = json!({
            "id": channel.id,
            "type": if thread.is_private() { 12 } else { 11 },
            "guild_id": thread.guild,
            "name": thread.name,
            "parent_id": thread.parent,
            "owner_id": thread.owner,
            "flags": 0,
            "rate_limit_per_user": thread.slowmode,
            "last_message_id": channel.public().next_back().map(|message| message.id),
            "message_count": channel.public().filter(counted).count(),
            "total_message_sent": thread.sent,
            "member_count": thread.members.len().min(COUNTED_MEMBERS),
            "thread_metadata": {
                "archived": thread.archived,
                "archive_timestamp": iso(thread.archive_changed),
                "auto_archive_duration": thread.auto_archive_minutes,
                "locked": thread.locked,
                "create_timestamp": iso(channel.id.created()),
            },
        });
        if let ThreadKind::Private { invitable } = thread.kind {
            object["thread_metadata"]["invitable"] = json!(invitable);
        }
        object
    }

    /// A channel object, of a thread with what the account is in it.
    pub(crate) fn channel_object_for(&self, channel: &Channel, user: Snowflake) -> Value {
        let mut object = self.channel_object(channel);
        if let Some(member) = self.own_thread_member(channel, user) {
            object["member"] = member;
        }
        object
    }

    /// The thread member object of an account that has joined.
    pub(crate) fn own_thread_member(&self, channel: &Channel, user: Snowflake) -> Option<Value> {
        let mut members = channel.thread()?.members.iter();
        let member = members.find(|(member, _)| *member == user)?;
        Some(thread_member_object(channel.id, *member))
    }

    /// A thread member object with the guild member object.
    pub(crate) fn thread_member_with_member(
        &self,
        channel: &Channel,
        user: Snowflake,
    ) -> Option<Value> {
        let mut object = self.own_thread_member(channel, user)?;
        let member = self.guild_of(channel).and_then(|guild| guild.member(user));
        object["member"] = json!(member.map(|member| self.member_object(member)));
        Some(object)
    }

    /// The active threads of a guild that a bot sees, as GUILD_CREATE lists them.
    pub(crate) fn active_thread_objects(&self, guild: Snowflake, bot: Snowflake) -> Vec<Value> {
        let threads = self.active_threads(guild, bot).into_iter();
        threads.map(|thread| self.channel_object_for(thread, bot)).collect()
    }

    /// The active threads of a guild that an account sees.
    pub(crate) fn active_threads(&self, guild: Snowflake, user: Snowflake) -> Vec<&Channel> {
        let active = |channel: &&Channel| channel.thread().is_some_and(|thread| !thread.archived);
        let Some(user) = self.user(user) else { return Vec::new() };
        let threads = self.threads_of(guild).filter(active);
        threads.filter(|thread| self.sees(user, thread)).collect()
    }

    /// Adds the thread that was started from a message, and what a notice refers to.
    pub(crate) fn add_threads(&self, object: &mut Value, message: &Message) {
        let started = self.channel(message.id).filter(|channel| channel.thread().is_some());
        if let Some(thread) = started {
            object["thread"] = self.channel_object(thread);
        }
        let guild = self.channel(message.channel).and_then(Channel::guild);
        match message.notice {
            Some(Notice::ThreadCreated(thread)) => {
                object["message_reference"] =
                    json!({ "type": 0, "channel_id": thread, "guild_id": guild });
            }
            Some(Notice::ThreadStarter { channel, message: original }) => {
                object["message_reference"] = json!({
                    "type": 0,
                    "channel_id": channel,
                    "message_id": original,
                    "guild_id": guild,
                });
                let original = self.message(original);
                object["referenced_message"] =
                    json!(original.map(|original| self.message_object(original)));
            }
            Some(Notice::Pinned(pinned)) => {
                let channel = message.channel;
                object["message_reference"] =
                    json!({ "type": 0, "channel_id": channel, "message_id": pinned });
                if let Some(guild) = guild {
                    object["message_reference"]["guild_id"] = json!(guild);
                }
            }
            Some(Notice::Added(user) | Notice::Removed(user)) => {
                let user = self.user(user).map(|user| self.user_object(user));
                object["mentions"] = json!(user.into_iter().collect::<Vec<_>>());
            }
            Some(Notice::Renamed) | None => {}
        }
    }
}

/// A thread member object.
fn thread_member_object(thread: Snowflake, member: (Snowflake, DateTime<Utc>)) -> Value {
    let (user, joined) = member;
    json!({ "id": thread, "user_id": user, "join_timestamp": iso(joined), "flags": 0 })
}
