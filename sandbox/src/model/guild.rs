//! Guilds, their members and roles.

use chrono::{DateTime, Utc};

use crate::snowflake::Snowflake;

/// A guild.
#[derive(Clone, Debug)]
pub(crate) struct Guild {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) owner: Snowflake,
    pub(crate) founded: DateTime<Utc>,
    /// Lowest first; the first is `@everyone`, whose id is the guild's.
    pub(crate) roles: Vec<Role>,
    /// People and bots.
    pub(crate) members: Vec<Member>,
    /// In the order in which they were made.
    pub(crate) bans: Vec<Ban>,
    /// Ids of its channels, top to bottom, without threads.
    pub(crate) order: Vec<Snowflake>,
}

/// A role of a guild.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) color: u32,
    pub(crate) permissions: u64,
    /// Whether its holders are listed apart from the others.
    pub(crate) hoist: bool,
    pub(crate) mentionable: bool,
    /// The bot whose managed role it is.
    pub(crate) bot: Option<Snowflake>,
}

/// The ban of an account.
#[derive(Clone, Debug)]
pub(crate) struct Ban {
    pub(crate) user: Snowflake,
    pub(crate) reason: Option<String>,
}

/// What an account is in a guild.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) user: Snowflake,
    pub(crate) nick: Option<String>,
    /// Without `@everyone`.
    pub(crate) roles: Vec<Snowflake>,
    pub(crate) joined: DateTime<Utc>,
    /// When the time-out ends; in the past or `None` without one.
    pub(crate) timed_out_until: Option<DateTime<Utc>>,
}

impl Guild {
    /// A member by the account's id.
    pub(crate) fn member(&self, user: Snowflake) -> Option<&Member> {
        self.members.iter().find(|member| member.user == user)
    }

    /// A member by the account's id, to change it.
    pub(crate) fn member_mut(&mut self, user: Snowflake) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.user == user)
    }

    /// Whether this account is a member.
    pub(crate) fn has(&self, user: Snowflake) -> bool {
        self.member(user).is_some()
    }

    /// A role by its id.
    pub(crate) fn role(&self, id: Snowflake) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == id)
    }

    /// A role by its name.
    pub(crate) fn role_named(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }
}

impl Member {
    /// A member without a nick, roles or a time-out.
    pub(crate) fn new(user: Snowflake, joined: DateTime<Utc>) -> Self {
        Self { user, nick: None, roles: Vec::new(), joined, timed_out_until: None }
    }

    /// Whether a time-out is in force.
    pub(crate) fn is_timed_out(&self, now: DateTime<Utc>) -> bool {
        self.timed_out_until.is_some_and(|until| until > now)
    }
}
