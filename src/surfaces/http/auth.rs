//! Authentication and request checks: rejects requests from web pages and under foreign host names,
//! identifies the caller by token or by Unix user, enforces scopes and rate limits, and counts
//! responses.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use gander_client::types::{Problem, ProblemKind};

use super::error::{MEDIA_TYPE, Refusal};
use super::response_body::{Holding, begun_if_stream};
use super::{ApiState, Shared};
use crate::core::access::{Caller, Scope};
use crate::engine::approvals::access::Access;
use crate::engine::per_caller::Counted;
use crate::presentation::text::http as text;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A TCP client, identified only by a token.
    Tcp,
    /// A program on this machine, identified by its Unix user.
    Unix {
        /// The user id.
        uid: u32,
        /// Whether the bot runs as this user.
        ours: bool,
    },
}

/// The caller and the API with the caller's permissions.
#[derive(Debug, Clone)]
pub struct Authenticated(pub Access);

impl<S: Send + Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Refusal::new(ProblemKind::Unauthorized, text::NO_TOKEN))
    }
}

/// Scopes for a route: the caller needs at least one. Empty: any caller.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequiredScopes(pub(super) &'static [Scope]);

/// Shortest interval between two reads of the token list.
const TOKEN_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Longest interval between two checks whether the tokens' holders are still there.
const HOLDER_POLL_INTERVAL: Duration = Duration::from_secs(60);

/// Keeps the set of ended tokens current, so that waits and streams end with a token that was
/// revoked or whose holder has left. Never returns.
pub(super) async fn watch_tokens(server: &ApiState) {
    let mut hints = server.handle.hints();
    loop {
        hints.mark_unchanged();
        match server.handle.tokens().ended().await {
            Ok(revoked) => {
                server.revoked.send_if_modified(|known| {
                    let differs = **known != revoked;
                    if differs {
                        *known = Arc::new(revoked);
                    }
                    differs
                });
            }
            Err(error) => {
                tracing::warn!(%error, "could not check for revoked tokens; trying again")
            }
        }
        tokio::time::sleep(TOKEN_POLL_INTERVAL).await;
        // The sender lives in the handle, so the channel cannot close. No hint says that a holder
        // has left the server.
        let _ = tokio::time::timeout(HOLDER_POLL_INTERVAL, hints.changed()).await;
    }
}

/// The outermost layer. Rejects requests from web pages and under foreign host names on every path,
/// and turns every error response into a problem, including those from axum.
pub(super) async fn outermost(
    State(server): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let foreign =
        foreign(&server.hosts, request.extensions().get(), request.uri(), request.headers());
    let response = match foreign {
        Some(words) => Refusal::new(ProblemKind::Foreign, words).into_response(),
        None => as_problem(next.run(request).await),
    };
    server.figures.answered(response.status());
    begun_if_stream(with_headers(response))
}

/// Marks a response of a mounted service: its errors are not turned into problems.
#[derive(Debug, Clone, Copy)]
pub(super) struct PassThrough;

fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == MEDIA_TYPE);
    let is_problem = is_problem || response.extensions().get::<PassThrough>().is_some();
    if !(status.is_client_error() || status.is_server_error()) || is_problem {
        return response;
    }
    let kind = ProblemKind::ALL
        .iter()
        .copied()
        .find(|kind| kind.status() == status.as_u16())
        .unwrap_or(ProblemKind::BadRequest);
    let refusal = Refusal::new(kind, text::plainly(kind.status()));
    let problem = Problem { status: status.as_u16(), ..*refusal.into_problem() };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    Response::from_parts(parts, serde_json::to_vec(&problem).unwrap_or_default().into())
}

/// Checks `Host`, the request URI, `Origin` and `Sec-Fetch-Site`. Returns the reason for rejection.
fn foreign(
    hosts: &[String],
    peer: Option<&Peer>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Option<&'static str> {
    let host = match headers.get_all(header::HOST).iter().collect::<Vec<_>>().as_slice() {
        [host] => host.to_str().ok(),
        _ => None,
    };
    let Some(host) = host else { return Some(text::NO_HOST) };
    // A web page cannot reach a Unix socket, and clients of a socket send arbitrary host names.
    let local = matches!(peer, Some(Peer::Unix { .. }));
    let known = |host: &str| local || is_ours(hosts, host);
    if !known(host) || uri.authority().is_some_and(|authority| !known(authority.as_str())) {
        return Some(text::FOREIGN_HOST);
    }
    if headers
        .get_all(header::ORIGIN)
        .iter()
        .any(|origin| origin.as_bytes() != format!("http://{host}").as_bytes())
    {
        return Some(text::FOREIGN_ORIGIN);
    }
    // Browsers send `Sec-Fetch-Site` even on requests without `Origin`.
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    site.is_some_and(|site| !matches!(site, b"same-origin" | b"none"))
        .then_some(text::FOREIGN_ORIGIN)
}

/// Whether a host name, with or without a port, belongs to this server. Stops DNS rebinding: a page
/// whose name resolves to this machine still sends its own name in `Host`.
fn is_ours(hosts: &[String], authority: &str) -> bool {
    let port = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let name = match authority.rsplit_once(':') {
        Some((name, digits)) if port(digits) => name,
        _ => authority,
    };
    let name = name.to_ascii_lowercase();
    ["localhost", "127.0.0.1", "[::1]"].contains(&name.as_str()) || hosts.contains(&name)
}

/// Identifies the caller, applies the rate limit, checks the route's scopes, and counts the request
/// until its response has ended.
pub(super) async fn admit(
    State((server, needs)): State<(Shared, RequiredScopes)>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::Tcp);
    let given = request.headers().get(header::AUTHORIZATION).cloned();
    match admitted(&server, needs, peer, given).await {
        Ok((guest, counted)) => {
            // Mounted services read the bare `Caller`; they do not know `Authenticated`.
            request.extensions_mut().insert(guest.0.caller().clone());
            request.extensions_mut().insert(guest);
            next.run(request).await.map(|body| Body::new(Holding::new(body, counted)))
        }
        Err(refusal) => refusal.into_response(),
    }
}

async fn admitted(
    server: &ApiState,
    RequiredScopes(scopes): RequiredScopes,
    peer: Peer,
    given: Option<HeaderValue>,
) -> Result<(Authenticated, Counted), Refusal> {
    let caller = caller(server, peer, given).await;
    let counted = caller.as_ref().map_or("nobody", |caller| caller.id.as_str());
    server.limiter.check(counted).map_err(|wait| {
        let seconds = wait.as_secs().saturating_add(1);
        Refusal::new(ProblemKind::TooMany, text::too_many(seconds)).after(seconds)
    })?;
    let caller = caller?;
    if let Some(scope) = scopes.first()
        && !scopes.iter().any(|scope| caller.has(*scope).is_ok())
    {
        return Err(server.refused(crate::core::access::Forbidden::Lacks(*scope).into()));
    }
    let counted = server.in_progress.count(&caller.id).map_err(|most| {
        Refusal::new(ProblemKind::TooMany, text::too_many_at_once(most)).after(1)
    })?;
    Ok((Authenticated(server.handle.access(caller)), counted))
}

/// The caller. A token takes precedence over the Unix user; an unknown token is rejected, even on
/// the socket.
async fn caller(
    server: &ApiState,
    peer: Peer,
    given: Option<HeaderValue>,
) -> Result<Caller, Refusal> {
    let Some(given) = given else {
        return match peer {
            Peer::Unix { uid, ours } => Ok(Caller::of_user(uid, &text::user(uid), ours)),
            Peer::Tcp => Err(Refusal::new(ProblemKind::Unauthorized, text::NO_TOKEN)),
        };
    };
    let unknown = || Refusal::new(ProblemKind::Unauthorized, text::UNKNOWN_TOKEN);
    let given = given.to_str().map_err(|_| unknown())?;
    let Some((scheme, secret)) = given.split_once(' ') else { return Err(unknown()) };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::new(ProblemKind::Unauthorized, text::NO_TOKEN));
    }
    let found = server
        .handle
        .tokens()
        .caller_of(secret.trim())
        .await
        .map_err(|error| server.refused(error.into()))?;
    found.ok_or_else(unknown)
}
