//! The approval API over HTTP: a Unix socket beside the store, and TCP if configured.
//!
//! Every call goes through [`crate::engine::access`], which checks the caller's permissions. This
//! module only handles transport: routes, tokens and peers, revisions as `ETag`s, problems, limits.
//! `table` declares each route once; the router and `/openapi.json` are both built from the table.
//! Does not depend on Discord or SQL, and does not decide who may approve.

mod ask;
mod document;
mod error;
mod extract;
mod gate;
mod guard;
mod health;
mod limits;
mod listen;
mod look;
mod metrics;
mod stream;
mod table;
mod verdict;
mod wait;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;

pub use self::document::document;
pub use self::error::Refusal;
pub use self::guard::{Guest, Peer};
use self::limits::Limiter;
pub use self::listen::{Bound, ListenError, usual_socket};
use self::metrics::Figures;
use crate::core::caller::Caller;
use crate::core::decision::Decision;
use crate::engine::Handle;
use crate::engine::gates::Rulebook;
use crate::wire;

/// Longest request body, in bytes.
pub const LONGEST_BODY: usize = 256 << 10;
/// Longest tool call, in bytes, including the content of the file to change.
const LONGEST_CALL: usize = 4 << 20;
/// Time limit for a request's headers; a connection without a request is closed after this time
/// too.
pub const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// Time limit for a request's body.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Longest wait, in seconds.
pub const LONGEST_WAIT: u64 = 600;
/// Time for open requests to finish when the process ends.
const FAREWELL: Duration = Duration::from_secs(5);
/// Default rate limit of a token, in requests per second.
const USUAL_RATE: u32 = 50;

/// Who may connect to the socket, set by file permissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OpenTo {
    /// Only the user that runs the bot.
    #[default]
    Owner,
    /// The file's group too.
    Group,
    /// Every user of this machine.
    Everyone,
}

/// Listeners, host names and limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The socket's path. Absent: beside the store.
    pub socket: Option<PathBuf>,
    /// Who may connect to the socket.
    pub open_to: OpenTo,
    /// A TCP address.
    pub listen: Option<SocketAddr>,
    /// Host names to accept in addition to localhost.
    pub hosts: Vec<String>,
    /// Requests per second for each token; bursts may be ten times as large.
    pub rate: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            socket: None,
            open_to: OpenTo::Owner,
            listen: None,
            hosts: Vec::new(),
            rate: USUAL_RATE,
        }
    }
}

/// State shared by all requests.
#[derive(Debug)]
pub(super) struct Server {
    handle: Handle,
    /// The rules for tool calls.
    rulebook: Arc<dyn Rulebook>,
    hosts: Vec<String>,
    limiter: Limiter,
    figures: Figures,
    /// Whether shutdown has begun.
    ending: watch::Sender<bool>,
    /// Whether all connections have closed after shutdown began.
    closed: watch::Sender<bool>,
    /// Caller ids of revoked tokens; waits and streams watch this set.
    revoked: watch::Sender<Arc<BTreeSet<String>>>,
}

type Shared = Arc<Server>;

impl Server {
    /// A decision as a JSON type, as of now.
    fn view(&self, decision: &Decision) -> wire::Decision {
        wire::Decision::of(
            decision,
            self.handle.who_may(decision),
            self.handle.now(),
            self.handle.pace(),
        )
    }

    /// Resolves when shutdown begins.
    async fn ends(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    /// Resolves when the caller's token is revoked.
    async fn turned_away(&self, caller: &Caller) {
        let _ = self.revoked.subscribe().wait_for(|revoked| revoked.contains(&caller.id)).await;
    }
}

/// The API, without listeners. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    server: Shared,
    router: Router,
}

impl Http {
    /// `rulebook` holds the rules for tool calls submitted by gates.
    #[must_use]
    pub fn new(handle: Handle, settings: &Settings, rulebook: Arc<dyn Rulebook>) -> Self {
        let server = Arc::new(Server {
            handle,
            rulebook,
            hosts: settings.hosts.iter().map(|host| host.to_lowercase()).collect(),
            limiter: Limiter::new(settings.rate),
            figures: Figures::default(),
            ending: watch::Sender::new(false),
            closed: watch::Sender::new(false),
            revoked: watch::Sender::default(),
        });
        let router = table::router(&server);
        Self { server, router }
    }

    /// Mounts another service. `Host` and `Origin` are checked as for every request, and requests
    /// without a known caller are rejected; the service finds the caller in the request's
    /// extensions, as a [`Guest`] and as a [`Caller`]. Error responses of the service are passed on
    /// unchanged.
    #[must_use]
    pub fn with(self, other: Router) -> Self {
        let router = table::guarded(&self.server, self.router, other);
        Self { router, ..self }
    }

    /// Serves the listeners while polled.
    pub async fn run(&self, bound: Bound) {
        let router = table::outermost(&self.server, self.router.clone());
        tokio::select! {
            () = listen::serve(bound, router, self.server.ending.subscribe()) => {
                self.server.closed.send_replace(true);
                std::future::pending().await
            }
            () = guard::watch_tokens(&self.server) => {}
        }
    }

    /// Begins shutdown and waits up to 5 s until open requests are answered. [`Http::run`] must be
    /// polled meanwhile.
    pub async fn end(&self) {
        self.server.ending.send_replace(true);
        let mut closed = self.server.closed.subscribe();
        let _ = tokio::time::timeout(FAREWELL, closed.wait_for(|closed| *closed)).await;
    }
}
