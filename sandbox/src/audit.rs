//! The audit log of a guild: who did what to whom, and why. Knows the log's form, not the deeds.
//! The source is the page "Audit Log" of Discord's documentation.

use serde_json::{Value, json};

use crate::gateway::{Event, intents};
use crate::model::{Channel, Place, Realm};
use crate::permissions::VIEW_AUDIT_LOG;
use crate::snowflake::Snowflake;
use crate::state::State;

/// Entries that the log keeps of all guilds together; Discord keeps those of 45 days.
const MOST: usize = 10_000;

/// Action types, in Discord's numbers.
pub(crate) mod action {
    pub(crate) const CHANNEL_CREATE: u16 = 10;
    pub(crate) const CHANNEL_UPDATE: u16 = 11;
    pub(crate) const CHANNEL_DELETE: u16 = 12;
    pub(crate) const CHANNEL_OVERWRITE_CREATE: u16 = 13;
    pub(crate) const CHANNEL_OVERWRITE_UPDATE: u16 = 14;
    pub(crate) const CHANNEL_OVERWRITE_DELETE: u16 = 15;
    pub(crate) const MEMBER_KICK: u16 = 20;
    pub(crate) const MEMBER_BAN_ADD: u16 = 22;
    pub(crate) const MEMBER_BAN_REMOVE: u16 = 23;
    pub(crate) const MEMBER_UPDATE: u16 = 24;
    pub(crate) const MEMBER_ROLE_UPDATE: u16 = 25;
    pub(crate) const ROLE_CREATE: u16 = 30;
    pub(crate) const ROLE_UPDATE: u16 = 31;
    pub(crate) const ROLE_DELETE: u16 = 32;
    pub(crate) const WEBHOOK_CREATE: u16 = 50;
    pub(crate) const WEBHOOK_UPDATE: u16 = 51;
    pub(crate) const WEBHOOK_DELETE: u16 = 52;
    pub(crate) const MESSAGE_DELETE: u16 = 72;
    pub(crate) const MESSAGE_BULK_DELETE: u16 = 73;
    pub(crate) const MESSAGE_PIN: u16 = 74;
    pub(crate) const MESSAGE_UNPIN: u16 = 75;
    pub(crate) const THREAD_CREATE: u16 = 110;
    pub(crate) const THREAD_UPDATE: u16 = 111;
    pub(crate) const THREAD_DELETE: u16 = 112;
}

/// An entry of the log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: Snowflake,
    pub(crate) guild: Snowflake,
    /// The account that acted.
    pub(crate) user: Snowflake,
    pub(crate) deed: Deed,
}

/// What was done, and why.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    /// One of [`action`].
    action: u16,
    target: Option<Snowflake>,
    /// Audit log change objects.
    changes: Vec<Value>,
    /// The optional audit entry info object; `null` without one.
    options: Value,
    reason: Option<String>,
}

impl Deed {
    /// A deed of one of [`action`], without changes. The target is the id of what was changed.
    pub(crate) fn new(action: u16, target: Option<Snowflake>) -> Self {
        Self { action, target, changes: Vec::new(), options: Value::Null, reason: None }
    }

    /// Adds a change; `null` stands for a value that was not there before or is not afterwards.
    /// Nothing is added if both are equal.
    pub(crate) fn changed(mut self, key: &str, old: Value, new: Value) -> Self {
        if old == new {
            return self;
        }
        let mut change = json!({ "key": key });
        for (field, value) in [("old_value", old), ("new_value", new)] {
            if !value.is_null() {
                change[field] = value;
            }
        }
        self.changes.push(change);
        self
    }

    /// Adds the changes of these fields between two objects.
    pub(crate) fn compared(self, keys: &[&str], old: &Value, new: &Value) -> Self {
        keys.iter().fold(self, |deed, key| deed.changed(key, old[*key].clone(), new[*key].clone()))
    }

    /// Adds a field of the optional audit entry info; Discord writes all of them as strings.
    pub(crate) fn with(mut self, option: &str, value: impl ToString) -> Self {
        self.options[option] = json!(value.to_string());
        self
    }

    /// Adds the reason that `X-Audit-Log-Reason` gave.
    pub(crate) fn because(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.map(str::to_owned);
        self
    }

    /// Whether nothing was changed.
    pub(crate) fn is_idle(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Which entries a bot asks for.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) user: Option<Snowflake>,
    pub(crate) target: Option<Snowflake>,
    pub(crate) action: Option<u16>,
    pub(crate) before: Option<Snowflake>,
    pub(crate) after: Option<Snowflake>,
    pub(crate) limit: usize,
}

impl State {
    /// Notes a deed in a guild's log and tells the bots that may read it.
    pub(crate) fn audit(&mut self, guild: Snowflake, user: Snowflake, deed: Deed) {
        let entry = Entry { id: self.clock().next_id(), guild, user, deed };
        let mut data = entry.object();
        data["guild_id"] = json!(guild);
        self.realm.audit.push(entry);
        if self.realm.audit.len() > MOST {
            self.realm.audit.remove(0);
        }
        for application in self.realm.applications_in(guild) {
            let reads = self.realm.guild(guild).is_some_and(|guild| {
                self.realm.guild_permissions(guild, application) & VIEW_AUDIT_LOG != 0
            });
            if reads {
                let intent = intents::GUILD_MODERATION;
                let name = "GUILD_AUDIT_LOG_ENTRY_CREATE";
                self.dispatch(Event::new(application, name, intent, data.clone()));
            }
        }
    }
}

impl Realm {
    /// The audit log object of a guild. Newest first, but oldest first with `after`.
    pub(crate) fn audit_log_object(&self, guild: Snowflake, filter: &Filter) -> Value {
        let fits = |entry: &&Entry| {
            entry.guild == guild
                && filter.user.is_none_or(|user| entry.user == user)
                && filter.target.is_none_or(|target| entry.deed.target == Some(target))
                && filter.action.is_none_or(|action| entry.deed.action == action)
                && filter.before.is_none_or(|before| entry.id < before)
                && filter.after.is_none_or(|after| entry.id > after)
        };
        let fitting = self.audit.iter().filter(fits);
        let entries: Vec<&Entry> = match filter.after {
            Some(_) => fitting.take(filter.limit).collect(),
            None => fitting.rev().take(filter.limit).collect(),
        };
        let named = |id: Snowflake| {
            entries.iter().any(|entry| entry.user == id || entry.deed.target == Some(id))
        };
        let users = self.everybody().filter(|user| named(user.id));
        let is_thread = |channel: &&Channel| matches!(channel.place, Place::Thread(_));
        let threads = self.channels.iter().filter(is_thread).filter(|thread| named(thread.id));
        json!({
            "audit_log_entries": entries.iter().map(|entry| entry.object()).collect::<Vec<_>>(),
            "users": users.map(|user| self.user_object(user)).collect::<Vec<_>>(),
            "threads": threads.map(|thread| self.channel_object(thread)).collect::<Vec<_>>(),
            "webhooks": [],
            "integrations": [],
            "application_commands": [],
            "auto_moderation_rules": [],
            "guild_scheduled_events": [],
        })
    }
}

impl Entry {
    /// An audit log entry object. Fields without a value are absent, but for the user and target.
    fn object(&self) -> Value {
        let deed = &self.deed;
        let mut object = json!({
            "id": self.id,
            "user_id": self.user,
            "target_id": deed.target,
            "action_type": deed.action,
        });
        if !deed.changes.is_empty() {
            object["changes"] = json!(deed.changes);
        }
        if !deed.options.is_null() {
            object["options"] = deed.options.clone();
        }
        if let Some(reason) = &deed.reason {
            object["reason"] = json!(reason);
        }
        object
    }
}
