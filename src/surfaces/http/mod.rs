//! The approval API over HTTP: a Unix socket beside the store, and TCP if configured.
//!
//! Every call goes through [`crate::engine::approvals::access`], which checks the caller's
//! permissions. This module only handles transport: routes, tokens and peers, revisions as `ETag`s,
//! problems, limits. `table` declares each route once; the router and `/openapi.json` are both
//! built from the table. Does not depend on Discord or SQL, and does not decide who may approve.

mod ask;
mod auth;
mod connections;
mod document;
mod error;
mod extract;
mod gate;
mod gate_facts;
mod grants;
mod health;
mod listen;
mod metrics;
mod queries;
mod response_body;
mod routes;
mod stream;
mod verdict;
mod wait;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use gander_client::types;
use tokio::sync::watch;

pub use self::auth::{Authenticated, Peer};
use self::connections::Connections;
pub use self::connections::raise_file_limit;
pub use self::document::document;
pub use self::error::Refusal;
pub use self::listen::{Bound, ListenError, default_socket};
use self::metrics::Counters;
use crate::core::access::Caller;
use crate::core::decision::Decision;
use crate::engine::Handle;
use crate::engine::approvals::gates::RuleSource;
use crate::engine::per_caller::PerCaller;
use crate::engine::rate_limit::RateLimit;
use crate::presentation::json;

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
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// Default rate limit of a token, in requests per second.
const DEFAULT_RATE: u32 = 50;
/// Burst size, as a multiple of the rate per second.
const AT_ONCE: u32 = 10;

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
pub struct HttpSettings {
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

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            socket: None,
            open_to: OpenTo::Owner,
            listen: None,
            hosts: Vec::new(),
            rate: DEFAULT_RATE,
        }
    }
}

/// State shared by all requests.
#[derive(Debug)]
pub(super) struct ApiState {
    handle: Handle,
    /// The rules for tool calls.
    rulebook: Arc<dyn RuleSource>,
    hosts: Vec<String>,
    limiter: RateLimit,
    connections: Connections,
    in_progress: PerCaller,
    figures: Counters,
    /// Whether shutdown has begun.
    ending: watch::Sender<bool>,
    /// Whether all connections have closed after shutdown began.
    closed: watch::Sender<bool>,
    /// Caller ids of tokens that were revoked or whose holder has left; waits and streams watch
    /// this set.
    revoked: watch::Sender<Arc<BTreeSet<String>>>,
}

type Shared = Arc<ApiState>;

impl ApiState {
    /// A decision as a JSON type, as of now.
    fn view(&self, decision: &Decision) -> types::Decision {
        json::decision(
            decision,
            self.handle.approvers().who_may(decision),
            self.handle.now(),
            self.handle.time_scale(),
        )
    }

    /// Resolves when shutdown begins.
    async fn ends(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    /// Resolves when the caller's token is revoked, or its holder has left.
    async fn token_revoked(&self, caller: &Caller) {
        let _ = self.revoked.subscribe().wait_for(|revoked| revoked.contains(&caller.id)).await;
    }
}

/// The API, without listeners. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpApi {
    server: Shared,
    router: Router,
}

impl HttpApi {
    /// `rulebook` holds the rules for tool calls submitted by gates.
    #[must_use]
    pub fn new(handle: Handle, settings: &HttpSettings, rulebook: Arc<dyn RuleSource>) -> Self {
        let connections = Connections::by_file_limit();
        let server = Arc::new(ApiState {
            handle: handle.for_caller(""),
            rulebook,
            hosts: settings.hosts.iter().map(|host| host.to_lowercase()).collect(),
            limiter: RateLimit::per_second(settings.rate, settings.rate.saturating_mul(AT_ONCE)),
            in_progress: connections.in_progress(),
            connections,
            figures: Counters::default(),
            ending: watch::Sender::new(false),
            closed: watch::Sender::new(false),
            revoked: watch::Sender::default(),
        });
        let router = routes::router(&server);
        Self { server, router }
    }

    /// Mounts another service. `Host` and `Origin` are checked as for every request, and requests
    /// without a known caller are rejected; the service finds the caller in the request's
    /// extensions, as a [`Authenticated`] and as a [`Caller`]. Error responses of the service are
    /// passed on unchanged.
    #[must_use]
    pub fn with(self, other: Router) -> Self {
        let router = routes::mount_authenticated(&self.server, self.router, other);
        Self { router, ..self }
    }

    /// Mounts a service that identifies its callers by itself. `Host` and `Origin` are checked as
    /// for every request, and error responses become problems.
    #[must_use]
    pub fn with_own_authentication(self, other: Router) -> Self {
        Self { router: self.router.merge(other), ..self }
    }

    /// Serves the listeners while polled.
    pub async fn run(&self, bound: Bound) {
        let router = routes::outermost(&self.server, self.router.clone());
        let connections = self.server.connections.clone();
        tokio::select! {
            () = listen::serve(bound, router, connections, self.server.ending.subscribe()) => {
                self.server.closed.send_replace(true);
                std::future::pending().await
            }
            () = auth::watch_tokens(&self.server) => {}
        }
    }

    /// Begins shutdown and waits up to 5 s until open requests are answered. [`HttpApi::run`] must
    /// be polled meanwhile.
    pub async fn end(&self) {
        self.server.ending.send_replace(true);
        let mut closed = self.server.closed.subscribe();
        let _ = tokio::time::timeout(SHUTDOWN_GRACE, closed.wait_for(|closed| *closed)).await;
    }
}
