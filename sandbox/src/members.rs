//! Changes to members of a guild, and the events that tell of them. Whether they are permitted is
//! decided by the callers.

use chrono::TimeDelta;
use serde_json::json;

use crate::audit::{Deed, action};
use crate::gateway::{Event, intents};
use crate::model::{Ban, Channel, Member};
use crate::permissions::{BAN_MEMBERS, VIEW_AUDIT_LOG};
use crate::snowflake::Snowflake;
use crate::state::State;

/// Who acts, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor<'a> {
    pub(crate) id: Snowflake,
    /// For the audit log.
    pub(crate) reason: Option<&'a str>,
}

impl State {
    /// Changes a member and tells the bots of it.
    pub(crate) fn change_member(
        &mut self,
        guild: Snowflake,
        user: Snowflake,
        by: Actor<'_>,
        change: impl FnOnce(&mut Member),
    ) {
        let found = self.realm.guild_mut(guild).and_then(|guild| guild.member_mut(user));
        let Some(member) = found else { return };
        let before = member.clone();
        change(member);
        let after = member.clone();
        self.tell_of_member(guild, &after);
        self.audit_member(guild, by, &before, &after);
    }

    /// A bot hears of its own changes even without the intent for members (section "Gateway
    /// Intents" of the page "Gateway").
    pub(crate) fn tell_of_member(&mut self, guild: Snowflake, member: &Member) {
        let mut data = self.realm.member_object(member);
        data["guild_id"] = json!(guild);
        for application in self.realm.applications_in(guild) {
            let own = application == member.user;
            let intent = if own { 0 } else { intents::GUILD_MEMBERS };
            let event = Event::new(application, "GUILD_MEMBER_UPDATE", intent, data.clone());
            self.dispatch(event);
        }
        self.touch();
    }

    fn audit_member(&mut self, guild: Snowflake, by: Actor<'_>, before: &Member, after: &Member) {
        let [old, new] = [before, after].map(|member| self.realm.partial_member_object(member));
        let deed = Deed::new(action::MEMBER_UPDATE, Some(after.user)).because(by.reason);
        let deed = deed.compared(&["nick", "communication_disabled_until"], &old, &new);
        if !deed.is_idle() {
            self.audit(guild, by.id, deed);
        }
        let difference = |one: &Member, other: &Member| -> Vec<_> {
            let gone = one.roles.iter().filter(|role| !other.roles.contains(role));
            let named = gone.filter_map(|id| self.realm.role(*id));
            named.map(|(_, role)| json!({ "id": role.id, "name": role.name })).collect()
        };
        let (added, removed) = (difference(after, before), difference(before, after));
        if added.is_empty() && removed.is_empty() {
            return;
        }
        let mut deed = Deed::new(action::MEMBER_ROLE_UPDATE, Some(after.user)).because(by.reason);
        for (key, roles) in [("$add", added), ("$remove", removed)] {
            if !roles.is_empty() {
                deed = deed.changed(key, json!(null), json!(roles));
            }
        }
        self.audit(guild, by.id, deed);
    }

    /// Throws a member out.
    pub(crate) fn kick(&mut self, guild: Snowflake, user: Snowflake, by: Actor<'_>) {
        self.leave(guild, user);
        let deed = Deed::new(action::MEMBER_KICK, Some(user)).because(by.reason);
        self.audit(guild, by.id, deed);
    }

    /// Bans an account and deletes what it wrote for so long. Nothing happens if it is banned.
    pub(crate) fn ban(
        &mut self,
        guild: Snowflake,
        user: Snowflake,
        by: Actor<'_>,
        history: TimeDelta,
    ) {
        let Some(place) = self.realm.guild_mut(guild) else { return };
        if place.bans.iter().any(|ban| ban.user == user) {
            return;
        }
        place.bans.push(Ban { user, reason: by.reason.map(str::to_owned) });
        let member = place.has(user);
        self.delete_history(guild, user, history);
        self.tell_of_ban("GUILD_BAN_ADD", guild, user);
        if member {
            self.leave(guild, user);
        }
        let deed = Deed::new(action::MEMBER_BAN_ADD, Some(user)).because(by.reason);
        self.audit(guild, by.id, deed);
    }

    /// Lifts a ban; tells whether there was one.
    pub(crate) fn unban(&mut self, guild: Snowflake, user: Snowflake, by: Actor<'_>) -> bool {
        let Some(place) = self.realm.guild_mut(guild) else { return false };
        let before = place.bans.len();
        place.bans.retain(|ban| ban.user != user);
        if place.bans.len() == before {
            return false;
        }
        self.tell_of_ban("GUILD_BAN_REMOVE", guild, user);
        let deed = Deed::new(action::MEMBER_BAN_REMOVE, Some(user)).because(by.reason);
        self.audit(guild, by.id, deed);
        true
    }

    /// "This event is only sent to bots with the BAN_MEMBERS or VIEW_AUDIT_LOG permission" (page
    /// "Gateway Events").
    fn tell_of_ban(&mut self, name: &'static str, guild: Snowflake, user: Snowflake) {
        let object = self.realm.user(user).map(|user| self.realm.user_object(user));
        let data = json!({ "guild_id": guild, "user": object });
        for application in self.realm.applications_in(guild) {
            let place = self.realm.guild(guild);
            let bits = place.map_or(0, |place| self.realm.guild_permissions(place, application));
            if bits & (BAN_MEMBERS | VIEW_AUDIT_LOG) != 0 {
                let intent = intents::GUILD_MODERATION;
                self.dispatch(Event::new(application, name, intent, data.clone()));
            }
        }
        self.touch();
    }

    fn delete_history(&mut self, guild: Snowflake, user: Snowflake, history: TimeDelta) {
        let since = self.clock().now() - history;
        let concerned = |channel: &&Channel| channel.guild() == Some(guild);
        let mut gone = Vec::new();
        for channel in self.realm.channels.iter().filter(concerned) {
            let written = channel.public().filter(|message| message.author == user);
            let young = written.filter(|message| message.created > since);
            gone.push((channel.id, young.map(|message| message.id).collect::<Vec<_>>()));
        }
        for (channel, messages) in gone.into_iter().filter(|(_, messages)| !messages.is_empty()) {
            self.delete_messages(channel, &messages);
        }
    }
}
