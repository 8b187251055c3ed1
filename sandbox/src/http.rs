//! What is served where: REST, the gateway, the page, and the control API behind a guard that
//! keeps other web sites out.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{any, get};
use serde_json::json;

use crate::hub::Hub;
use crate::{control, gateway, page, rest};

/// Largest frame the gateway reads. Above Discord's limit, so that the protocol can say why it
/// closes.
const LARGEST_FRAME: usize = 64 * 1024;

/// Everything the sandbox serves.
pub(crate) fn router(hub: Arc<Hub>) -> Router {
    let guarded = control::router()
        .route("/", get(page::index))
        .route("/page/{name}", get(page::file))
        .layer(middleware::from_fn(guard));
    Router::new()
        .route("/api", any(rest::entry))
        .route("/api/{*path}", any(rest::entry))
        .route("/gateway", get(upgrade))
        .route("/gateway/", get(upgrade))
        .merge(guarded)
        .with_state(hub)
}

async fn upgrade(
    State(hub): State<Arc<Hub>>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let transport = gateway::Transport::of(query.get("compress").map(String::as_str));
    upgrade
        .max_message_size(LARGEST_FRAME)
        .on_upgrade(|socket| gateway::serve(socket, transport, hub))
}

/// A JSON error of the control API.
pub(crate) fn refuse(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

/// Lets only this machine's own pages and tools in: a name that was made to point at loopback, or
/// a form on another site, must not act in the sandbox.
async fn guard(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !text(headers, header::HOST).is_some_and(is_loopback) {
        return refuse(StatusCode::FORBIDDEN, "the Host must be loopback");
    }
    if !request.method().is_safe() && !is_own_origin(headers) {
        return refuse(StatusCode::FORBIDDEN, "the Origin must be the sandbox's own");
    }
    next.run(request).await
}

/// Whether a request comes from the sandbox's own page, or from no page at all.
pub(crate) fn is_own_origin(headers: &HeaderMap) -> bool {
    let host = text(headers, header::HOST);
    let authority =
        |origin: &str| origin.split_once("://").map(|(_, authority)| authority.to_owned());
    text(headers, header::ORIGIN).is_none_or(|origin| authority(origin).as_deref() == host)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_a_host() {
        for good in ["127.0.0.1:80", "localhost", "[::1]:8080", "[::1]"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in ["example.com", "127.0.0.1.example.com:80", "discord.com", ""] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }
}
