//! How a sandbox is started: where it listens, how patient it is. Who lives in it is in `world`.
//! Holds no running state.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::world::World;

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
    /// The first bot's token. Default: a random one for each start.
    pub token: Option<String>,
    /// Whether the first application may ask for the privileged intents (members, presences, message
    /// content). Default `false`, as for a new application: IDENTIFY with one is closed with 4014.
    pub privileged_intents: bool,
    /// The first application's "Interactions Endpoint URL". Default `None`: interactions come over the
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
