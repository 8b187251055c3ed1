//! MCP: for agents that ask and wait, and for a person's own assistant that shows what waits and,
//! told to, decides.
//!
//! Every call goes through [`crate::engine::access`], which knows what a caller may do; what stands
//! here is how it is offered: tools, resources, prompts. It speaks on standard input
//! ([`Server::on_stdio`]) and over HTTP ([`http_service`]), where whoever mounts it has made sure
//! who calls. What agents wrote is quoted, never spoken. Must not know Discord, SQL, or who may
//! decide.

mod answer;
mod asking;
mod deciding;
mod follow;
mod looking;
mod permission;
mod prompts;
mod resources;
mod serving;
mod tools;
mod words;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::request;
use rmcp::ErrorData;
use rmcp::model::Extensions;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::sync::watch;

pub use self::permission::Gatekeeper;
use crate::core::caller::Caller;
use crate::core::{hex, text};
use crate::engine::access::Access;
use crate::engine::{Handle, HandleError};

/// Bytes of a message at most: more is no tool call that a person could judge.
const LONGEST_MESSAGE: usize = 1 << 20;

/// How long a session of before 2026-07-28 is kept over HTTP while nothing is heard of it: a chat
/// that pauses.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);

/// Who calls.
#[derive(Clone)]
pub enum Identity {
    /// Whoever holds this secret. It is looked up at each call: a token that is revoked is worth
    /// nothing from then on.
    Secret(String),
    /// Always this caller.
    Caller(Caller),
    /// Whoever each HTTP request was made by, as it says in its extensions.
    OfRequest,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret(…)",
            Self::Caller(_) => "Caller",
            Self::OfRequest => "OfRequest",
        })
    }
}

/// The server, for one connection or session.
#[derive(Debug, Clone)]
pub struct Server {
    handle: Handle,
    identity: Identity,
    gate: Option<Arc<dyn Gatekeeper>>,
    /// Tells this session's tool calls from those of others: an approval for the session ends with
    /// it.
    session: String,
    /// What a client of before 2026-07-28 wants to hear of.
    subscribed: Arc<Mutex<BTreeSet<String>>>,
    /// Whether the connection is over.
    ending: watch::Sender<bool>,
}

impl Server {
    /// The server for somebody. `gate`: what judges tool calls; without it there is no permission
    /// prompt.
    #[must_use]
    pub fn new(handle: Handle, identity: Identity, gate: Option<Arc<dyn Gatekeeper>>) -> Self {
        let mut random = [0; 12];
        // A session without a name of its own only shares its approvals with others of this caller
        // that have none.
        let session = getrandom::fill(&mut random).map(|()| hex(&random));
        Self {
            handle,
            identity,
            gate,
            session: session.unwrap_or_default(),
            subscribed: Arc::default(),
            ending: watch::Sender::new(false),
        }
    }

    /// The API as whoever calls may use it.
    async fn access(&self, extensions: &Extensions) -> Result<Access, ErrorData> {
        let unknown = || ErrorData::invalid_request(text::mcp::UNKNOWN, None);
        let caller = match &self.identity {
            Identity::Caller(caller) => caller.clone(),
            Identity::Secret(secret) => {
                let found = self
                    .handle
                    .caller_of(secret)
                    .await
                    .map_err(|error| answer::broken(&error.into()))?;
                found.ok_or_else(unknown)?
            }
            Identity::OfRequest => {
                let found = extensions.get::<request::Parts>().and_then(caller_of_request);
                found.ok_or_else(unknown)?
            }
        };
        Ok(self.handle.access(caller))
    }

    /// Whether a caller's token was revoked since their request or session began.
    async fn is_revoked(&self, caller: &Caller) -> Result<bool, HandleError> {
        let tokens = self.handle.tokens().await?;
        Ok(tokens.iter().any(|token| {
            token.revoked_at.is_some() && format!("token:{}", token.id.0) == caller.id
        }))
    }

    /// Serves one client on standard input and output, until it closes them.
    ///
    /// # Errors
    /// Words, if the client does not speak the protocol.
    pub async fn on_stdio(self) -> Result<(), String> {
        serving::on_stdio(self).await
    }
}

/// Who made a request, as the server that it came by has made sure. The only place that knows where
/// that stands.
fn caller_of_request(parts: &request::Parts) -> Option<Caller> {
    parts.extensions.get::<Caller>().cloned()
}

/// The MCP endpoint for another router: `/mcp`, streamable HTTP. The router before it puts the
/// [`Caller`] into each request's extensions; a request without one is refused. `hosts`: the names
/// under which it may be called, beside those of this machine. An Origin is always refused: no web
/// page has business here.
pub fn http_service(
    handle: &Handle,
    gate: Option<Arc<dyn Gatekeeper>>,
    hosts: &[String],
) -> Router {
    let local = ["localhost", "127.0.0.1", "::1"].map(ToOwned::to_owned);
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(local.into_iter().chain(hosts.iter().cloned()))
        .enforce_origin_validation()
        .with_max_request_body_bytes(LONGEST_MESSAGE);
    let handle = handle.clone();
    let new = move || Ok(Server::new(handle.clone(), Identity::OfRequest, gate.clone()));
    let mut sessions = LocalSessionManager::default();
    sessions.session_config.keep_alive = Some(FORGOTTEN_AFTER);
    let service = StreamableHttpService::new(new, Arc::new(sessions), config);
    Router::new().route_service("/mcp", service)
}
