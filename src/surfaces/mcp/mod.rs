//! MCP, for agents that ask and wait, and for a person's assistant that shows pending decisions and
//! decides on instruction.
//!
//! Every call goes through [`crate::engine::approvals::access`], which checks the caller's
//! permissions; this module only presents the API as tools, resources and prompts. Serves standard
//! input ([`McpServer::on_stdio`]) and HTTP ([`http_service`]); over HTTP, the router in front
//! authenticates the caller. Text from agents is quoted as data and never mixed into Gander's own
//! words. Does not depend on Discord or SQL, and does not decide who may approve.

mod answer;
mod arguments;
mod asking;
mod behind;
mod deciding;
mod follow;
mod looking;
mod permission;
mod prompts;
mod resources;
mod rounds;
mod schema;
mod serving;
mod tasks;
mod tools;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::request;
use rmcp::ErrorData;
use rmcp::model::Extensions;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::sync::watch;

pub use self::permission::Gatekeeper;
use crate::core::access::Caller;
use crate::core::hex;
use crate::engine::approvals::access::Access;
use crate::engine::per_caller::{Counted, PerCaller};
use crate::engine::{Handle, HandleError};
use crate::presentation::text;

/// Longest message, in bytes: no person could judge a longer tool call.
const LONGEST_MESSAGE: usize = 1 << 20;

/// How long an idle HTTP session of a protocol version before 2026-07-28 is kept: long enough for a
/// pause in a chat.
const SESSION_IDLE_TIMEOUT: Duration = Duration::from_secs(3_600);

/// Most HTTP sessions of one caller: each follows the log, and takes about 100 KiB.
const MOST_SESSIONS: usize = 100;

/// How the caller is identified.
#[derive(Clone)]
pub enum Identity {
    /// By this token's secret, looked up on every call: a revoked token stops working at once.
    Secret(String),
    /// Always this caller.
    Caller(Caller),
    /// By the [`Caller`] in each HTTP request's extensions.
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

/// The server of one connection or session.
#[derive(Debug, Clone)]
pub struct McpServer {
    handle: Handle,
    identity: Identity,
    gate: Option<Arc<dyn Gatekeeper>>,
    /// Random name of this session: an approval for the session covers only tool calls of the
    /// session.
    session: String,
    /// Resource URIs to which a client of a protocol version before 2026-07-28 has subscribed.
    subscribed: Arc<Mutex<BTreeSet<String>>>,
    /// Whether the connection has ended.
    ending: watch::Sender<bool>,
    /// The sessions of all callers, where they are limited.
    sessions: Option<PerCaller>,
    /// This session's place among its caller's.
    place: Arc<Mutex<Option<Counted>>>,
}

impl McpServer {
    /// `gate` judges tool calls; without a gate, `permission_prompt` is not offered.
    #[must_use]
    pub fn new(handle: Handle, identity: Identity, gate: Option<Arc<dyn Gatekeeper>>) -> Self {
        let mut random = [0; 12];
        // Without random numbers the session has no name and shares approvals with other unnamed
        // sessions of this caller.
        let session = getrandom::fill(&mut random).map(|()| hex(&random));
        Self {
            handle,
            identity,
            gate,
            session: session.unwrap_or_default(),
            subscribed: Arc::default(),
            ending: watch::Sender::new(false),
            sessions: None,
            place: Arc::default(),
        }
    }

    /// Takes a place among the caller's sessions.
    fn take_place(&self, caller: &Caller) -> Result<(), ErrorData> {
        let Some(sessions) = &self.sessions else { return Ok(()) };
        let place = sessions
            .count(&caller.id)
            .map_err(|most| ErrorData::invalid_request(text::mcp::too_many_sessions(most), None))?;
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
        Ok(())
    }

    /// The API with the caller's permissions.
    async fn access(&self, extensions: &Extensions) -> Result<Access, ErrorData> {
        let unknown = || ErrorData::invalid_request(text::mcp::UNKNOWN, None);
        let caller = match &self.identity {
            Identity::Caller(caller) => caller.clone(),
            Identity::Secret(secret) => {
                let found = self
                    .handle
                    .tokens()
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

    /// Whether the caller's token was revoked, or its holder has left, since the request or session
    /// began.
    async fn is_revoked(&self, caller: &Caller) -> Result<bool, HandleError> {
        Ok(self.handle.tokens().ended().await?.contains(&caller.id))
    }

    /// Serves one client on standard input and output until the client closes them.
    ///
    /// # Errors
    /// A description, if the client does not speak the protocol.
    pub async fn on_stdio(self) -> Result<(), String> {
        serving::on_stdio(self).await
    }
}

/// The caller that the HTTP router in front has authenticated. Only this function knows where the
/// caller is stored.
fn caller_of_request(parts: &request::Parts) -> Option<Caller> {
    parts.extensions.get::<Caller>().cloned()
}

/// The MCP endpoint `/mcp` (streamable HTTP), to be mounted in another router. The router in front
/// puts the [`Caller`] into each request's extensions; a request without a caller is rejected.
/// `hosts`: host names to accept in addition to localhost. Requests with an `Origin` are always
/// rejected, because no web page should call this endpoint.
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
    let handle = handle.for_caller("");
    let sessions = Some(PerCaller::at_most(MOST_SESSIONS));
    let new = move || {
        let server = McpServer::new(handle.clone(), Identity::OfRequest, gate.clone());
        Ok(McpServer { sessions: sessions.clone(), ..server })
    };
    let mut sessions = LocalSessionManager::default();
    sessions.session_config.keep_alive = Some(SESSION_IDLE_TIMEOUT);
    let service = StreamableHttpService::new(new, Arc::new(sessions), config);
    Router::new().route_service("/mcp", service)
}
