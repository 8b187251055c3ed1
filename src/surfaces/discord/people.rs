//! Who somebody is: the person behind an interaction, with their roles.

use serenity::all::{GuildId, Http, Member, User, UserId};

use super::places::Places;
use crate::core::decision::Person;
use crate::core::permission::Voter;

/// The bot's application, as Discord describes it.
#[derive(Debug, Clone)]
pub(super) struct Application {
    /// Its owner; of a team, the team's owner.
    pub(super) owner: Option<UserId>,
    /// The bot's own user.
    pub(super) me: UserId,
    /// The server in which cards hang.
    pub(super) guild: GuildId,
}

impl Application {
    pub(super) fn owner_id(&self) -> Option<u64> {
        self.owner.map(UserId::get)
    }

    /// The person who clicked. In a direct message Discord says nothing about roles: they are asked
    /// for.
    pub(super) async fn voter(
        &self,
        http: &Http,
        places: &Places,
        user: &User,
        member: Option<&Member>,
    ) -> Voter {
        let roles = match member.filter(|member| member.guild_id == self.guild) {
            Some(member) => places.roles(&member.roles),
            None => match http.get_member(self.guild, user.id).await {
                Ok(member) => places.roles(&member.roles),
                // Not a member, or Discord does not say: then they have no role, and are told who
                // may decide.
                Err(_) => Vec::new(),
            },
        };
        let name =
            member.and_then(|member| member.nick.clone()).or_else(|| user.global_name.clone());
        Voter {
            person: Person::discord(user.id.get(), name.unwrap_or_else(|| user.name.clone())),
            roles,
            owner: self.owner == Some(user.id),
        }
    }
}
