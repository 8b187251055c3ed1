//! Webhooks of GitHub and Alertmanager, on the HTTP surface: an event that needs a person becomes a
//! decision, and a later event withdraws it.
//!
//! Each sender proves itself: GitHub by a signature, Alertmanager by a bearer token; both are
//! compared in constant time, before the body is parsed. A delivery id of GitHub is handled once. A
//! message is acknowledged once its effect is in the store: Alertmanager repeats a message that was
//! not, and GitHub lists it for redelivery.
//!
//! Does not depend on surfaces, the store's tables or permissions.

mod alertmanager;
mod answer;
mod deliveries;
mod github;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
pub use gander_client::http::Endpoint;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;

use self::deliveries::Deliveries;
use super::effect::{Applied, Effect};
use crate::engine::{Handle, HandleError};

/// Path of GitHub's webhook.
pub const GITHUB_PATH: &str = "/hooks/github";
/// Path of Alertmanager's webhook.
pub const ALERTMANAGER_PATH: &str = "/hooks/alertmanager";
/// Longest body, in bytes. GitHub's events have less than 100 KiB.
const LONGEST_BODY: usize = 1 << 20;
/// Time limit for a body.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// `Retry-After` while the store is busy, in seconds.
const BUSY: HeaderValue = HeaderValue::from_static("5");

/// The webhooks that are received.
#[derive(Debug, Clone, Default)]
pub struct WebhookReceivers {
    /// GitHub's.
    pub github: Option<GithubHook>,
    /// Alertmanager's.
    pub alertmanager: Option<AlertmanagerHook>,
}

/// How GitHub's webhooks are received and answered.
#[derive(Debug, Clone)]
pub struct GithubHook {
    /// The webhook's secret.
    pub secret: SecretString,
    /// The token for answers to deployment requests. `None`: nothing is answered.
    pub token: Option<SecretString>,
    /// The REST API.
    pub api: Endpoint,
    /// Which events become decisions.
    pub rules: GithubRules,
}

/// Which of GitHub's events become decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GithubRules {
    /// The project of the decisions. `None`: the repository's name.
    pub project: Option<String>,
    /// Labels that ask for a person. Empty: no label does.
    pub labels: Vec<String>,
    /// Users and teams whose reviews are asked for here. Empty: everybody's.
    pub reviewers: Vec<String>,
}

/// How Alertmanager's webhooks are received.
#[derive(Debug, Clone)]
pub struct AlertmanagerHook {
    /// The bearer token that Alertmanager sends.
    pub token: SecretString,
    /// The project of the decisions.
    pub project: String,
}

struct Receiver {
    handle: Handle,
    hooks: WebhookReceivers,
    /// One delivery at a time: two of one id must not both be handled.
    deliveries: Mutex<Deliveries>,
}

/// The routes of the configured webhooks.
pub fn router(handle: &Handle, hooks: WebhookReceivers) -> Router {
    let mut router = Router::new();
    if hooks.github.is_some() {
        router = router.route(GITHUB_PATH, post(from_github));
    }
    if hooks.alertmanager.is_some() {
        router = router.route(ALERTMANAGER_PATH, post(from_alertmanager));
    }
    let deliveries = Mutex::new(Deliveries::default());
    router.with_state(Arc::new(Receiver { handle: handle.clone(), hooks, deliveries }))
}

/// Answers GitHub's deployment requests. Never returns.
pub async fn run(handle: Handle, hooks: WebhookReceivers) {
    match hooks.github {
        Some(hook) if hook.token.is_some() => answer::run(handle, hook).await,
        _ => std::future::pending().await,
    }
}

/// A refused webhook, in words for the sender's administrator.
type Refused = (StatusCode, &'static str);

async fn from_github(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(hook) = &receiver.hooks.github else { return StatusCode::NOT_FOUND.into_response() };
    let bytes = match read(body).await {
        Ok(bytes) => bytes,
        Err(refused) => return refuse("github", refused),
    };
    if !is_signed(&hook.secret, &headers, &bytes) {
        let words = "X-Hub-Signature-256 is missing or wrong: use the same secret on both sides";
        return refuse("github", (StatusCode::UNAUTHORIZED, words));
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(event), Some(delivery)) = (text("x-github-event"), text("x-github-delivery")) else {
        let words = "X-GitHub-Event or X-GitHub-Delivery is missing";
        return refuse("github", (StatusCode::BAD_REQUEST, words));
    };
    let Ok(payload) = serde_json::from_slice::<Value>(&bytes) else {
        let words = "the body is not JSON: choose the content type application/json";
        return refuse("github", (StatusCode::BAD_REQUEST, words));
    };
    let mut deliveries = receiver.deliveries.lock().await;
    match deliveries.knows(&receiver.handle, delivery).await {
        Ok(true) => return (StatusCode::OK, "received before").into_response(),
        Ok(false) => {}
        Err(error) => return busy(&error),
    }
    let effects = github::effects(event, &payload, &hook.rules);
    if let Err(error) = apply(&receiver.handle, "github", effects).await {
        return busy(&error);
    }
    match deliveries.keep(&receiver.handle, delivery).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(error) => busy(&error),
    }
}

async fn from_alertmanager(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(hook) = &receiver.hooks.alertmanager else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !has_token(&hook.token, &headers) {
        let words = "the bearer token is missing or wrong: set http_config.authorization";
        return refuse("alertmanager", (StatusCode::UNAUTHORIZED, words));
    }
    let bytes = match read(body).await {
        Ok(bytes) => bytes,
        Err(refused) => return refuse("alertmanager", refused),
    };
    let Ok(message) = serde_json::from_slice::<alertmanager::Message>(&bytes) else {
        let words = "the body is not a webhook of Alertmanager, version 4";
        return refuse("alertmanager", (StatusCode::BAD_REQUEST, words));
    };
    match alertmanager::receive(&receiver.handle, message, &hook.project).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(error) => busy(&error),
    }
}

async fn read(body: Body) -> Result<Bytes, Refused> {
    match tokio::time::timeout(BODY_WITHIN, to_bytes(body, LONGEST_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // Too long, or the connection broke, and then nobody reads this.
        Ok(Err(_)) => Err((StatusCode::PAYLOAD_TOO_LARGE, "the body has more than 1 MiB")),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not arrive within 10 s")),
    }
}

/// Whether the body was signed with this secret: `sha256=` and the HMAC in hexadecimal.
fn is_signed(secret: &SecretString, headers: &HeaderMap, body: &[u8]) -> bool {
    let given = headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    let Some(given) = given.and_then(|value| value.strip_prefix("sha256=")) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return false;
    };
    mac.update(body);
    let right: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    bool::from(right.as_bytes().ct_eq(given.as_bytes()))
}

fn has_token(token: &SecretString, headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    bool::from(token.expose_secret().as_bytes().ct_eq(given.as_bytes()))
}

/// Carries out the effects. A question that policy refuses is logged: the sender can do nothing
/// about it.
async fn apply(
    handle: &Handle,
    from: &'static str,
    effects: Vec<Effect>,
) -> Result<(), HandleError> {
    let mut applied = Applied::default();
    for effect in effects {
        match effect.apply(handle, &mut applied).await {
            Err(HandleError::InvalidRequest(why)) => {
                tracing::warn!(from, %why, "a webhook's question was refused");
            }
            done => done?,
        }
    }
    for id in applied.asked {
        tracing::info!(decision = id.0, from, "a webhook asks");
    }
    for id in applied.withdrawn {
        tracing::info!(decision = id.0, from, "a webhook withdraws");
    }
    Ok(())
}

fn refuse(from: &'static str, (status, words): Refused) -> Response {
    tracing::warn!(from, status = status.as_u16(), words, "a webhook was refused");
    (status, words).into_response()
}

/// The sender repeats the message.
fn busy(error: &HandleError) -> Response {
    tracing::warn!(%error, "a webhook could not be handled; its sender may repeat it");
    let status = match error {
        HandleError::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, [(header::RETRY_AFTER, BUSY)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's documentation.
    #[test]
    fn the_documented_signature_is_accepted_and_no_other() {
        let secret = SecretString::from("It's a Secret to Everybody");
        let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let wrong_case = right.to_uppercase();
        let short = &right[..right.len() - 1];
        for (given, expected) in [
            (right, true),
            (wrong_case.as_str(), false),
            (short, false),
            ("sha1=757107ea0eb2509fc211221cce984b8a37570b6d", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-hub-signature-256", given.parse().unwrap());
            assert_eq!(is_signed(&secret, &headers, b"Hello, World!"), expected, "{given}");
            assert!(!is_signed(&secret, &headers, b"Hello, World?"), "{given}");
        }
        assert!(!is_signed(&secret, &HeaderMap::new(), b"Hello, World!"));
    }

    #[test]
    fn only_the_right_bearer_token_counts() {
        let token = SecretString::from("t-1");
        for (given, expected) in
            [("Bearer t-1", true), ("Bearer t-2", false), ("t-1", false), ("Bearer ", false)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, given.parse().unwrap());
            assert_eq!(has_token(&token, &headers), expected, "{given}");
        }
        assert!(!has_token(&token, &HeaderMap::new()));
    }
}
