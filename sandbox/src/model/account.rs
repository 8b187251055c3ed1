//! Accounts of people and bots, and the applications that the bots belong to.

use serde_json::Value;

use crate::commands::Command;
use crate::snowflake::Snowflake;

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) bot: bool,
    pub(crate) hue: u16,
    pub(crate) presence: Presence,
    /// Whether the person accepts no direct messages.
    pub(crate) dms_closed: bool,
}

/// How an account appears to others.
#[derive(Clone, Debug)]
pub(crate) struct Presence {
    /// "online", "dnd", "idle" or "offline".
    pub(crate) status: &'static str,
    /// Activity objects, as the account sent them.
    pub(crate) activities: Vec<Value>,
}

impl Presence {
    /// Online, doing nothing in particular.
    pub(crate) fn online() -> Self {
        Self { status: "online", activities: Vec::new() }
    }
}

/// An application and its bot.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    /// The bot's account. The application has its id and its name.
    pub(crate) bot: User,
    /// Without the prefix `Bot `.
    pub(crate) token: String,
    pub(crate) owner: Snowflake,
    /// Whether anybody may invite the bot.
    pub(crate) public: bool,
    /// Whether it may ask for the privileged intents.
    pub(crate) privileged_intents: bool,
    /// Where the application wants its interactions instead of the gateway.
    pub(crate) endpoint: Option<String>,
    pub(crate) commands: Vec<Command>,
}

impl Application {
    /// The id of the application, which is its bot's too.
    pub(crate) fn id(&self) -> Snowflake {
        self.bot.id
    }

    /// Flags of the application: which privileged intents the developer portal allows an application
    /// in fewer than 100 guilds (page "Application" of Discord's documentation).
    pub(crate) const fn flags(&self) -> u64 {
        const GATEWAY_PRESENCE_LIMITED: u64 = 1 << 13;
        const GATEWAY_GUILD_MEMBERS_LIMITED: u64 = 1 << 15;
        const GATEWAY_MESSAGE_CONTENT_LIMITED: u64 = 1 << 19;
        if self.privileged_intents {
            GATEWAY_PRESENCE_LIMITED
                | GATEWAY_GUILD_MEMBERS_LIMITED
                | GATEWAY_MESSAGE_CONTENT_LIMITED
        } else {
            0
        }
    }
}
