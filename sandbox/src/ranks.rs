//! The order of roles, and who stands above whom (section "Permission Hierarchy" of the page
//! "Permissions" of Discord's documentation).

use serde_json::{Value, json};

use crate::gateway::intents;
use crate::model::{Guild, Role};
use crate::snowflake::Snowflake;
use crate::state::State;

impl Guild {
    /// The position of a role; 0 is `@everyone`'s, which one that does not exist gets too.
    pub(crate) fn role_rank(&self, role: Snowflake) -> usize {
        self.roles.iter().position(|other| other.id == role).unwrap_or_default()
    }

    /// The position of an account's highest role. The owner stands above all.
    pub(crate) fn rank(&self, user: Snowflake) -> usize {
        if user == self.owner {
            return usize::MAX;
        }
        let held = self.member(user).into_iter().flat_map(|member| &member.roles);
        held.map(|role| self.role_rank(*role)).max().unwrap_or_default()
    }

    /// Whether an account may act on another: nobody may on the owner or an equal.
    pub(crate) fn outranks(&self, user: Snowflake, other: Snowflake) -> bool {
        user == other || self.rank(user) > self.rank(other)
    }

    /// A role by its id, to change it.
    pub(crate) fn role_mut(&mut self, id: Snowflake) -> Option<&mut Role> {
        self.roles.iter_mut().find(|role| role.id == id)
    }

    /// Moves a role to a position above `@everyone`'s.
    pub(crate) fn move_role(&mut self, id: Snowflake, position: usize) {
        let from = self.role_rank(id);
        if from > 0 {
            let role = self.roles.remove(from);
            self.roles.insert(position.clamp(1, self.roles.len()), role);
        }
    }
}

impl State {
    /// Changes a guild's roles and tells the bots of each that is not as it was.
    pub(crate) fn change_roles(&mut self, guild: Snowflake, change: impl FnOnce(&mut Guild)) {
        let before = self.role_objects(guild);
        if let Some(guild) = self.realm.guild_mut(guild) {
            change(guild);
        }
        for role in self.role_objects(guild) {
            if before.iter().any(|old| old["id"] == role["id"] && *old != role) {
                let data = json!({ "guild_id": guild, "role": role });
                self.tell_guild(guild, "GUILD_ROLE_UPDATE", intents::GUILDS, &data);
            }
        }
    }

    fn role_objects(&self, guild: Snowflake) -> Vec<Value> {
        self.realm.guild(guild).map(|guild| self.realm.role_objects(guild)).unwrap_or_default()
    }
}
