//! Identifies the person behind an interaction, with their roles.

use std::sync::Arc;

use async_trait::async_trait;
use serenity::all::{GuildId, Http, Member, User, UserId};
use serenity::http::HttpError;

use super::channels::Places;
use super::error::meaning;
use crate::core::decision::Person;
use crate::core::decision::authorization::Voter;
use crate::engine::approvals::members::{MemberDirectory, Membership};
use crate::presentation::text;

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

/// Why nothing is done for a person: the action comes from outside the bot's server. The person
/// learns nothing about decisions, projects or approvers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outsider {
    /// The action took place in another server.
    OtherServer,
    /// The person wrote directly, and is not a member of the bot's server.
    Stranger,
    /// The person wrote directly, and Discord does not say whether the person is a member.
    Unchecked,
}

impl Outsider {
    /// The answer to the person.
    pub(crate) const fn words(&self) -> &'static str {
        match self {
            Self::OtherServer => text::OTHER_SERVER,
            Self::Stranger => text::STRANGER,
            Self::Unchecked => text::MEMBERSHIP_UNCHECKED,
        }
    }
}

impl Application {
    pub(crate) fn owner_id(&self) -> Option<u64> {
        self.owner.map(UserId::get)
    }

    /// Whether something takes place in another server than the bot's. Direct messages take place
    /// in none.
    pub(crate) fn is_elsewhere(&self, guild: Option<GuildId>) -> bool {
        guild.is_some_and(|guild| guild != self.guild)
    }

    /// The person behind a command, a click or a message, if a member of the bot's server. A direct
    /// message carries no member, so the member is requested.
    ///
    /// # Errors
    /// [`Outsider`].
    pub(crate) async fn visitor(
        &self,
        http: &Http,
        places: &Places,
        guild: Option<GuildId>,
        user: &User,
        member: Option<&Member>,
    ) -> Result<Voter, Outsider> {
        if self.is_elsewhere(guild) {
            tracing::warn!(by = %user.id, ?guild, "refused: not from the bot's server");
            return Err(Outsider::OtherServer);
        }
        if let Some(member) = member.filter(|member| member.guild_id == self.guild) {
            return Ok(self.voter(http, places, user, Some(member)).await);
        }
        match http.get_member(self.guild, user.id).await {
            Ok(member) => Ok(self.voter(http, places, user, Some(&member)).await),
            Err(error) if is_stranger(&error) => {
                tracing::warn!(by = %user.id, "refused: not a member of the bot's server");
                Err(Outsider::Stranger)
            }
            Err(error) => {
                let why = meaning(&error).1;
                tracing::warn!(by = %user.id, why, "refused: Discord does not say whether this \
                    is a member of the bot's server");
                Err(Outsider::Unchecked)
            }
        }
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

/// Discord's code for a user who is not a member of a server.
const UNKNOWN_MEMBER: isize = 10_007;
/// Discord's code for a user who does not exist.
const UNKNOWN_USER: isize = 10_013;

/// Whether Discord says that a user is not a member.
fn is_stranger(error: &serenity::Error) -> bool {
    let serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) = error else {
        return false;
    };
    [UNKNOWN_MEMBER, UNKNOWN_USER].contains(&response.error.code)
}

/// The members of the bot's server, as Discord knows them.
pub(crate) struct DiscordDirectory {
    pub(crate) http: Arc<Http>,
    pub(crate) places: Arc<Places>,
    pub(crate) application: Application,
}

impl std::fmt::Debug for DiscordDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiscordDirectory").finish_non_exhaustive()
    }
}

#[async_trait]
impl MemberDirectory for DiscordDirectory {
    async fn membership(&self, user: u64) -> Result<Membership, String> {
        let (guild, user) = (self.application.guild, UserId::new(user.max(1)));
        match self.http.get_member(guild, user).await {
            Ok(member) => Ok(Membership::Member {
                roles: self.places.roles(&member.roles),
                owner: self.application.owner == Some(user),
            }),
            Err(error) if is_stranger(&error) => Ok(Membership::Stranger),
            Err(error) => Err(meaning(&error).1),
        }
    }
}
