//! What can go wrong between the sandbox and whoever started it. What Discord answers to a faulty
//! request is in `refusal`.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why a sandbox could not be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is taken or not this machine's.
    #[error(
        "cannot listen on {address}: {source}. Choose another with --listen, or port 0 for a free one"
    )]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The sandbox has no protection but that nobody else can reach it.
    #[error("{0} is not a loopback address: the sandbox listens on loopback only")]
    NotLoopback(SocketAddr),
    /// The certificate authority could not be written.
    #[error("cannot write {path}")]
    StateDir {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate for `discord.com` could not be made.
    #[error("cannot create the certificate: {0}")]
    Certificate(String),
    /// The world contradicts itself.
    #[error("invalid world: {0}")]
    World(String),
}

/// What is asked for is not in the world, or would contradict it.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct WorldError(pub(crate) String);

impl From<WorldError> for StartError {
    fn from(WorldError(why): WorldError) -> Self {
        Self::World(why)
    }
}

/// What was waited for did not come about in time.
#[derive(Debug, Error)]
#[error("waited {limit:?} without success for {what}")]
pub struct TimedOut {
    /// What was waited for.
    pub what: String,
    /// How long.
    pub limit: Duration,
}
