//! Identifies the person behind an interaction, with their roles.

use serenity::all::{GuildId, Http, Member, User, UserId};

use super::channels::Places;
use crate::core::decision::Person;
use crate::core::decision::authorization::Voter;

/// The bot's application and server.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    /// The application's owner; the team's owner if a team owns the application.
    pub(crate) owner: Option<UserId>,
    /// The bot's own user.
    pub(crate) me: UserId,
    /// The server with the card channels.
    pub(crate) guild: GuildId,
}

impl Application {
    pub(crate) fn owner_id(&self) -> Option<u64> {
        self.owner.map(UserId::get)
    }

    /// The person with their roles. A direct message carries no roles, so the member is requested.
    pub(crate) async fn voter(
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
                // Not a member, or the request failed: treated as without roles. The refusal then
                // names the approvers.
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
