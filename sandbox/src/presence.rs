//! Who is online, and the events that tell of it (section "Presence" of the page "Gateway Events"
//! of Discord's documentation).

use serde_json::{Value, json};

use crate::gateway::{Event, intents};
use crate::model::{Guild, Presence, User};
use crate::snowflake::Snowflake;
use crate::state::State;

/// The statuses that an account can choose. Others see "invisible" as "offline".
const STATUSES: [&str; 5] = ["online", "dnd", "idle", "invisible", "offline"];

/// The status that others see; `None` for what is none.
pub(crate) fn shown(status: &str) -> Option<&'static str> {
    let known = STATUSES.iter().find(|known| **known == status)?;
    Some(if *known == "invisible" { "offline" } else { known })
}

impl State {
    /// Changes how an account appears, and tells the other bots of its guilds.
    pub(crate) fn set_presence(&mut self, user: Snowflake, presence: Presence) {
        let Some(account) = self.realm.user_mut(user) else { return };
        account.presence = presence;
        let guilds: Vec<_> = self.realm.guilds_of(user).map(|guild| guild.id).collect();
        for guild in guilds {
            let Some(mut data) = self.realm.user(user).map(|user| self.presence_object(user))
            else {
                continue;
            };
            data["guild_id"] = json!(guild);
            for application in self.realm.applications_in(guild) {
                if application != user {
                    let intent = intents::GUILD_PRESENCES;
                    let event = Event::new(application, "PRESENCE_UPDATE", intent, data.clone());
                    self.dispatch(event);
                }
            }
        }
        self.touch();
    }

    /// Changes how a person appears.
    pub(crate) fn set_status(&mut self, user: &str, status: &str) -> Result<(), String> {
        let status = shown(status)
            .ok_or_else(|| format!("{status} is no status; there are {STATUSES:?}"))?;
        let person = self.realm.person(user);
        let id = person.ok_or_else(|| format!("there is no user named {user}"))?.id;
        self.set_presence(id, Presence { status, activities: Vec::new() });
        Ok(())
    }

    /// How an account appears now: bots are online while they are connected.
    pub(crate) fn status(&self, user: &User) -> &'static str {
        if user.bot && !self.gateway.is_connected(user.id) {
            "offline"
        } else {
            user.presence.status
        }
    }

    /// A presence object without its guild.
    fn presence_object(&self, user: &User) -> Value {
        let status = self.status(user);
        let client = if status == "offline" { json!({}) } else { json!({ "desktop": status }) };
        json!({
            "user": { "id": user.id },
            "status": status,
            "activities": user.presence.activities,
            "client_status": client,
        })
    }

    /// The presences of those of a guild's members that are not offline.
    pub(crate) fn presences(&self, guild: &Guild) -> Vec<Value> {
        let users = self.realm.users_in(guild).filter(|user| self.status(user) != "offline");
        users.map(|user| self.presence_object(user)).collect()
    }
}
