//! HTTP for agents and programs: a Unix socket beside the store, and TCP where the configuration
//! says so.
//!
//! Every call goes through [`crate::engine::access`], which knows what a token allows. What stands
//! here is how it travels: routes, tokens and peers, revisions as ETags, problems, limits. `table`
//! declares each route once; the router and `/openapi.json` are both made of it. Must not know
//! Discord, SQL, or who may decide.

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

/// Bytes of a request's body at most.
pub const LONGEST_BODY: usize = 256 << 10;
/// Bytes of a tool call at most, with what the file holds that it would change.
const LONGEST_CALL: usize = 4 << 20;
/// How long a request's headers may take; a connection without any request is closed after as long.
pub const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// How long a request's body may take.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);
/// The longest wait, in seconds.
pub const LONGEST_WAIT: u64 = 600;
/// How long open requests may take to be answered when the process ends.
const FAREWELL: Duration = Duration::from_secs(5);
/// Requests a second for each token, where the configuration does not say.
const USUAL_RATE: u32 = 50;

/// Who may open the socket, by the file's permissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OpenTo {
    /// The user that the bot runs as.
    #[default]
    Owner,
    /// Its group too.
    Group,
    /// Everybody on this machine.
    Everyone,
}

/// Where it listens, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The socket's file; absent: beside the store.
    pub socket: Option<PathBuf>,
    /// Who may open it.
    pub open_to: OpenTo,
    /// A TCP address.
    pub listen: Option<SocketAddr>,
    /// Names under which it may be called, beside those of this machine.
    pub hosts: Vec<String>,
    /// Requests a second for each token; ten times as many may come at once.
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

/// What every request shares.
#[derive(Debug)]
pub(super) struct Server {
    handle: Handle,
    /// The rules of gates.
    rulebook: Arc<dyn Rulebook>,
    hosts: Vec<String>,
    limiter: Limiter,
    figures: Figures,
    /// Whether the process is about to end.
    ending: watch::Sender<bool>,
    /// Whether every connection is closed, after that.
    closed: watch::Sender<bool>,
    /// The ids of callers whose token was revoked, for what is open for long.
    revoked: watch::Sender<Arc<BTreeSet<String>>>,
}

type Shared = Arc<Server>;

impl Server {
    /// A decision as it is told.
    fn view(&self, decision: &Decision) -> wire::Decision {
        wire::Decision::of(
            decision,
            self.handle.who_may(decision),
            self.handle.now(),
            self.handle.pace(),
        )
    }

    /// Resolves when the process is about to end.
    async fn ends(&self) {
        // The sender lives in here, so this cannot fail.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    /// Resolves when a caller's token is revoked.
    async fn turned_away(&self, caller: &Caller) {
        let _ = self.revoked.subscribe().wait_for(|revoked| revoked.contains(&caller.id)).await;
    }
}

/// The API, before it listens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    server: Shared,
    router: Router,
}

impl Http {
    /// The API over a handle. `rulebook`: the rules by which it judges the tool calls that gates
    /// bring.
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

    /// Adds another service of this server's under a path. Host and Origin are checked as for every
    /// request, and the caller stands in the request's extensions as a [`Guest`]; who is none does
    /// not come this far. What it answers is left as it is.
    #[must_use]
    pub fn with(self, other: Router) -> Self {
        let router = table::guarded(&self.server, self.router, other);
        Self { router, ..self }
    }

    /// Serves what listens, for as long as it is polled.
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

    /// Answers what is open and ends; waits for that, but not for ever. [`Http::run`] must be
    /// polled meanwhile.
    pub async fn end(&self) {
        self.server.ending.send_replace(true);
        let mut closed = self.server.closed.subscribe();
        let _ = tokio::time::timeout(FAREWELL, closed.wait_for(|closed| *closed)).await;
    }
}
