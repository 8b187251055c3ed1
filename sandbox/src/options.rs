//! What a sandbox is started with: where it listens, who lives in it, how patient it is. Holds no
//! running state.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a sandbox is to be started. `Options::default()` suits most tests.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where plain HTTP (REST, gateway, page) listens. Default `127.0.0.1:0`: any free port. The
    /// HTTPS port is always a free one on the same address.
    pub listen: SocketAddr,
    /// The people and places. Default [`World::default`].
    pub world: World,
    /// Default [`RateLimits::Real`].
    pub rate_limits: RateLimits,
    /// How long an interaction waits for its first answer. Default 3 s, Discord's own limit.
    pub interaction_deadline: Duration,
    /// How long an interaction's token can be used. Default 15 min, Discord's own limit.
    pub token_lifetime: Duration,
    /// Folder for `ca.pem`. Default: a fresh folder in the system's temporary folder.
    pub state_dir: Option<PathBuf>,
    /// The bot's token. Default: a random one for each start.
    pub token: Option<String>,
    /// Whether the application may ask for the privileged intents (members, presences, message
    /// content). Default `false`, as for a new application: IDENTIFY with one is closed with 4014.
    pub privileged_intents: bool,
    /// The application's "Interactions Endpoint URL". Default `None`: interactions come over the
    /// gateway. With an address, set by mistake, none does any more, and people see that the
    /// application did not respond. Can be changed later with
    /// [`Sandbox::set_interactions_endpoint_url`](crate::Sandbox::set_interactions_endpoint_url).
    pub interactions_endpoint_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            world: World::default(),
            rate_limits: RateLimits::Real,
            interaction_deadline: Duration::from_secs(3),
            token_lifetime: Duration::from_secs(15 * 60),
            state_dir: None,
            token: None,
            privileged_intents: false,
            interactions_endpoint_url: None,
        }
    }
}

/// How many requests are let through.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RateLimits {
    /// What Discord documents or has been seen to apply: per channel, 5 messages created in 5 s,
    /// 5 edits in 5 s, 5 deletions in 1 s; 50 requests in 1 s over everything but interactions.
    #[default]
    Real,
    /// The same headers with room for load tests: 1,000 in 5 s a bucket, 10,000 in 1 s overall.
    Relaxed,
}

/// The server and its people. The first user owns the server and the bot's application.
#[derive(Clone, Debug)]
pub struct World {
    /// Name of the server.
    pub guild: String,
    /// Name of the bot's account.
    pub bot: String,
    /// Names of the roles that people can hold.
    pub roles: Vec<String>,
    /// The people, owner first.
    pub users: Vec<UserSpec>,
    /// The text channels, top to bottom.
    pub channels: Vec<ChannelSpec>,
}

impl Default for World {
    fn default() -> Self {
        let mut jonas = UserSpec::new("jonas");
        jonas.roles.push("Approvers".to_owned());
        let mut locked = ChannelSpec::new("locked");
        locked.bot = BotAccess::Hidden;
        Self {
            guild: "Workshop".to_owned(),
            bot: "bot".to_owned(),
            roles: vec!["Approvers".to_owned()],
            users: vec![UserSpec::new("maya"), jonas, UserSpec::new("sven")],
            channels: vec![
                ChannelSpec::new("general"),
                ChannelSpec::new("decisions"),
                ChannelSpec::new("web-shop"),
                ChannelSpec::new("mobile-app"),
                locked,
            ],
        }
    }
}

/// A person of the world.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserSpec {
    /// User name: lower case, unique in the world.
    pub name: String,
    /// Name that people see.
    pub display_name: String,
    /// Names of the roles held; each must be one of [`World::roles`].
    pub roles: Vec<String>,
    /// Hue of the drawn avatar in degrees (0 to 359). Default: derived from the name.
    pub hue: Option<u16>,
    /// Whether the person is in the server. One who is not shares no server with the bot, which
    /// therefore cannot open a direct message (error 50278).
    pub member: bool,
}

impl UserSpec {
    /// A member without roles whose display name is the name with a capital.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut letters = name.chars();
        let display_name = letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
        Self { name: name.to_owned(), display_name, roles: Vec::new(), hue: None, member: true }
    }
}

/// A text channel of the world.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChannelSpec {
    /// Name without `#`, unique in the world.
    pub name: String,
    /// The line below the name; may be empty.
    pub topic: String,
    /// What the bot may do here.
    pub bot: BotAccess,
}

impl ChannelSpec {
    /// A channel without a topic in which the bot may read and write.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), topic: String::new(), bot: BotAccess::Full }
    }
}

/// What the bot may do in a channel.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BotAccess {
    /// See it and write in it.
    #[default]
    Full,
    /// See it, not write (error 50013).
    ReadOnly,
    /// Not even see it (error 50001).
    Hidden,
    /// All but what these of Discord's permission bits stand for. Besides those above,
    /// EMBED_LINKS (1 << 14) and ATTACH_FILES (1 << 15) are needed for messages with embeds or
    /// files (error 50013), READ_MESSAGE_HISTORY (1 << 16) for finding messages.
    Without(u64),
}
