//! The life of a guild's channels: created, changed, moved, deleted, with the events that follow.
//! Whether it may be done is decided before. Threads have a module of their own.

use serde_json::{Value, json};

use crate::audit::{Deed, action};
use crate::gateway::intents;
use crate::model::{Channel, Overwrite, OverwriteOf, Place};
use crate::snowflake::Snowflake;
use crate::state::State;

/// The fields of a channel object that the audit log tells of.
const AUDITED: [&str; 6] =
    ["name", "type", "topic", "nsfw", "rate_limit_per_user", "permission_overwrites"];

/// Who changes something, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Because<'a> {
    pub(crate) by: Snowflake,
    /// For the audit log.
    pub(crate) reason: Option<&'a str>,
}

impl State {
    /// Creates a channel of a guild at a position, or below all others, and returns its id.
    pub(crate) fn create_channel(
        &mut self,
        place: Place,
        position: Option<usize>,
        because: Because<'_>,
    ) -> Option<Snowflake> {
        let id = self.clock().next_id();
        let channel = Channel::new(id, place);
        let guild = channel.guild()?;
        self.realm.channels.push(channel);
        self.changing_channels(guild, |state| {
            let order = &mut state.realm.guild_mut(guild)?.order;
            order.insert(position.unwrap_or(order.len()).min(order.len()), id);
            let object = state.channel_json(id)?;
            state.tell_guild(guild, "CHANNEL_CREATE", intents::GUILDS, &object);
            let deed = Deed::new(action::CHANNEL_CREATE, Some(id));
            let deed = deed.compared(&AUDITED, &Value::Null, &object);
            state.audit(guild, because.by, deed.because(because.reason));
            Some(id)
        })
    }

    /// Changes a channel of a guild.
    pub(crate) fn change_channel(
        &mut self,
        id: Snowflake,
        because: Because<'_>,
        change: impl FnOnce(&mut Channel),
    ) {
        let guild = self.realm.channel(id).and_then(Channel::guild);
        let (Some(guild), Some(old)) = (guild, self.channel_json(id)) else { return };
        self.changing_channels(guild, |state| {
            if let Some(channel) = state.realm.channel_mut(id) {
                change(channel);
            }
        });
        let Some(new) = self.channel_json(id) else { return };
        let deed = Deed::new(action::CHANNEL_UPDATE, Some(id)).compared(&AUDITED, &old, &new);
        if !deed.is_idle() {
            self.audit(guild, because.by, deed.because(because.reason));
        }
    }

    /// Moves channels of a guild to positions counted from 0, in this order.
    pub(crate) fn move_channels(&mut self, guild: Snowflake, moves: &[(Snowflake, usize)]) {
        self.changing_channels(guild, |state| {
            let Some(guild) = state.realm.guild_mut(guild) else { return };
            for (id, position) in moves {
                guild.order.retain(|other| other != id);
                guild.order.insert((*position).min(guild.order.len()), *id);
            }
        });
    }

    /// Puts a permission overwrite on a channel, in place of the one it has for the same subject.
    pub(crate) fn put_overwrite(&mut self, id: Snowflake, new: Overwrite, because: Because<'_>) {
        let old = self.overwrite(id, new.of);
        let kind = match old {
            Some(_) => action::CHANNEL_OVERWRITE_UPDATE,
            None => action::CHANNEL_OVERWRITE_CREATE,
        };
        self.replace_overwrite(id, kind, old, Some(new), because);
    }

    /// Takes a permission overwrite off a channel.
    pub(crate) fn take_overwrite(&mut self, id: Snowflake, old: Overwrite, because: Because<'_>) {
        let kind = action::CHANNEL_OVERWRITE_DELETE;
        self.replace_overwrite(id, kind, Some(old), None, because);
    }

    fn overwrite(&self, id: Snowflake, of: OverwriteOf) -> Option<Overwrite> {
        let mut overwrites = self.realm.channel(id)?.at()?.overwrites.iter();
        overwrites.find(|overwrite| overwrite.of == of).copied()
    }

    fn replace_overwrite(
        &mut self,
        id: Snowflake,
        kind: u16,
        old: Option<Overwrite>,
        new: Option<Overwrite>,
        because: Because<'_>,
    ) {
        let guild = self.realm.channel(id).and_then(Channel::guild);
        let (Some(guild), Some(either)) = (guild, new.or(old)) else { return };
        self.changing_channels(guild, |state| {
            if let Some(at) = state.realm.channel_mut(id).and_then(Channel::at_mut) {
                at.overwrites.retain(|overwrite| overwrite.of != either.of);
                at.overwrites.extend(new);
            }
        });
        let (subject, number) = match either.of {
            OverwriteOf::Role(role) => (role, 0),
            OverwriteOf::Member(member) => (member, 1),
        };
        let bits = |overwrite: Option<Overwrite>, of: fn(Overwrite) -> u64| {
            json!(overwrite.map(|overwrite| of(overwrite).to_string()))
        };
        let mut deed = Deed::new(kind, Some(id)).with("id", subject).with("type", number);
        for (key, of) in [
            ("allow", (|overwrite| overwrite.allow) as fn(Overwrite) -> u64),
            ("deny", |overwrite| overwrite.deny),
        ] {
            deed = deed.changed(key, bits(old, of), bits(new, of));
        }
        if let Some((_, role)) = self.realm.role(subject) {
            deed = deed.with("role_name", role.name.clone());
        }
        self.audit(guild, because.by, deed.because(because.reason));
    }

    /// Deletes a channel of a guild with its threads and webhooks. A category's channels stay, says
    /// the page "Channels Resource" of Discord's documentation.
    pub(crate) fn remove_channel(&mut self, id: Snowflake, because: Because<'_>) {
        let guild = self.realm.channel(id).and_then(Channel::guild);
        let (Some(guild), Some(object)) = (guild, self.channel_json(id)) else { return };
        self.tell_guild(guild, "CHANNEL_DELETE", intents::GUILDS, &object);
        let below = |channel: &&Channel| channel.thread().is_some_and(|t| t.parent == id);
        let threads: Vec<_> = self.realm.channels.iter().filter(below).map(|c| c.id).collect();
        self.changing_channels(guild, |state| {
            for channel in threads.iter().chain([&id]) {
                state.forget_channel(*channel);
            }
            for at in state.realm.channels.iter_mut().filter_map(Channel::at_mut) {
                at.parent = at.parent.filter(|parent| *parent != id);
            }
        });
        let deed = Deed::new(action::CHANNEL_DELETE, Some(id));
        let deed = deed.compared(&AUDITED, &object, &Value::Null);
        self.audit(guild, because.by, deed.because(because.reason));
    }

    /// Forgets a channel with its files and webhooks.
    pub(crate) fn forget_channel(&mut self, id: Snowflake) {
        let Some(index) = self.realm.channels.iter().position(|c| c.id == id) else { return };
        let gone = self.realm.channels.remove(index);
        for message in &gone.messages {
            self.discard_files(message);
        }
        self.realm.webhooks.retain(|webhook| webhook.channel != id);
        for guild in &mut self.realm.guilds {
            guild.order.retain(|other| *other != id);
        }
        self.touch();
    }

    /// Tells the bots of a guild what a change made of its channels: which are different
    /// afterwards, be it only their position, and which threads came into view.
    pub(crate) fn changing_channels<T>(
        &mut self,
        guild: Snowflake,
        change: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let objects = |state: &Self| {
            let guild = state.realm.guild(guild);
            guild.map(|guild| state.realm.guild_channel_objects(guild)).unwrap_or_default()
        };
        let (before, views) = (objects(self), self.views());
        let done = change(self);
        for object in objects(self) {
            if before.iter().any(|old| old["id"] == object["id"] && *old != object) {
                self.tell_guild(guild, "CHANNEL_UPDATE", intents::GUILDS, &object);
            }
        }
        self.tell_of_gained(&views);
        self.touch();
        done
    }
}
