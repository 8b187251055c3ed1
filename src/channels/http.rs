//! Shared by the HTTP channels: the HTTP client, and the meaning of responses.

use std::time::Duration;

use chrono::TimeDelta;
pub use gander_client::http::Endpoint;
use gander_client::http::{read_body, retry_after, root_cause};
use reqwest::{Client, RequestBuilder, redirect};
use serde::Deserialize;

use crate::engine::clock::wall_time;
use crate::engine::notifications::outbox::SendError;

/// The outbox's own time-out is longer than both.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest pause that a server can ask for; a notification is outdated by then.
const LONGEST_PAUSE: TimeDelta = TimeDelta::days(7);
/// Maximum bytes read from a response; every expected response is shorter.
const LONGEST_ANSWER: usize = 256 * 1024;

/// A client for requests to `endpoint`. Redirects are not followed: a request with a secret goes
/// only to the configured address.
pub(super) fn http_client(endpoint: &Endpoint) -> Result<Client, String> {
    let client = Client::builder()
        .use_rustls_tls()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("gander/", env!("CARGO_PKG_VERSION")));
    // No proxy for requests to this machine.
    let client = if endpoint.url().scheme() == "http" { client.no_proxy() } else { client };
    client.build().map_err(|error| format!("cannot create the HTTP client: {error}"))
}

/// A response.
#[derive(Debug)]
pub(super) struct ServiceResponse {
    pub(super) status: u16,
    /// The pause of the `Retry-After` header; zero if missing.
    pub(super) retry_after: TimeDelta,
    pub(super) body: String,
}

impl ServiceResponse {
    /// Parses the body as JSON; `None` if the body does not match.
    pub(super) fn json<T: for<'de> Deserialize<'de>>(&self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }

    /// The meaning of a status other than 2xx, without channel-specific details. `who` names the
    /// server in the text.
    pub(super) fn meaning(&self, who: &str, to_check: &str) -> SendError {
        let Self { status, retry_after, .. } = self;
        match status {
            429 => SendError::Later {
                after: *retry_after,
                why: format!("{who} reports too many requests (HTTP 429)"),
            },
            408 | 425 | 500..=599 => SendError::Later {
                after: *retry_after,
                why: format!("{who} has a problem (HTTP {status})"),
            },
            300..=399 => SendError::Refused(format!(
                "{who} redirects to another address (HTTP {status}), and Gander does not send \
                 secrets there: configure the final address. {to_check}"
            )),
            _ => SendError::Refused(format!("{who} rejects it (HTTP {status}). {to_check}")),
        }
    }
}

/// Sends a request. `who` names the server in error texts.
///
/// # Errors
/// [`SendError::Later`] if nothing was sent, [`SendError::PossiblySent`] if the request may have
/// arrived.
pub(super) async fn exchange(
    request: RequestBuilder,
    who: &str,
) -> Result<ServiceResponse, SendError> {
    // The address may contain a secret, so no error contains the address.
    let failed = |error: reqwest::Error| {
        let (connecting, late) = (error.is_connect(), error.is_timeout());
        let why = if late {
            "it did not answer in time".to_owned()
        } else {
            root_cause(&error.without_url())
        };
        if connecting {
            SendError::Later { after: TimeDelta::zero(), why: format!("cannot reach {who}: {why}") }
        } else {
            SendError::PossiblySent(format!("no answer from {who}: {why}"))
        }
    };
    let response = request.send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let pause = retry_after(response.headers(), wall_time().into()).unwrap_or_default();
    let body = read_body(response, LONGEST_ANSWER).await.map_err(failed)?;
    Ok(ServiceResponse {
        status,
        // A pause beyond the range of dates is as good as the longest.
        retry_after: TimeDelta::from_std(pause).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
