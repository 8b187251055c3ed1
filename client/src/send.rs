//! One call: request, retries, and interpretation of the response.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use crate::http::{read_body, retry_after, root_cause};
use crate::types::Problem;
use crate::{Client, Error, Reaction};

/// Time limit for a response, in addition to the wait requested from the server.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest response read, in bytes; longer than a page of the longest decisions.
const LONGEST_RESPONSE: usize = 64 << 20;
/// First and longest pause between retries.
const BACKOFF_RANGE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// When to retry a call that received no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Always: the call is idempotent.
    Always,
    /// Only if the request certainly had no effect.
    OnlyIfNotSent,
}

/// A request to the API.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    retry: Retry,
    /// The wait requested from the server.
    waits: Duration,
}

fn unsendable(error: impl std::fmt::Display) -> Error {
    Error::Settings(format!("cannot encode the request: {error}"))
}

impl Call {
    fn new(method: Method, path: &[&str]) -> Self {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        let (query, headers) = (Vec::new(), HeaderMap::new());
        Self {
            method,
            path,
            query,
            headers,
            body: None,
            retry: Retry::Always,
            waits: Duration::ZERO,
        }
    }

    pub(crate) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path)
    }

    /// A call on one decision.
    pub(crate) fn on(method: Method, id: i64, action: &[&str]) -> Self {
        let id = id.to_string();
        let path: Vec<&str> =
            ["v1", "decisions", &id].into_iter().chain(action.iter().copied()).collect();
        Self::new(method, &path)
    }

    /// Adds a random idempotency key.
    pub(crate) fn with_idempotency_key(self) -> Result<Self, Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            Error::Settings(format!("the system provides no random numbers: {error}"))
        })?;
        self.header(HeaderName::from_static("idempotency-key"), &URL_SAFE_NO_PAD.encode(random))
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Error> {
        self.headers.insert(name, HeaderValue::from_str(value).map_err(unsendable)?);
        Ok(self)
    }

    /// Adds the fields of `parameters` as query parameters, without null fields.
    pub(crate) fn query(mut self, parameters: &impl Serialize) -> Result<Self, Error> {
        let text = |value: &serde_json::Value| {
            value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
        };
        let fields = match serde_json::to_value(parameters).map_err(unsendable)? {
            serde_json::Value::Object(fields) => fields,
            other => return Err(unsendable(format!("{other} is not a query"))),
        };
        let given = fields.iter().filter(|(_, value)| !value.is_null());
        self.query.extend(given.map(|(name, value)| (name.clone(), text(value))));
        Ok(self)
    }

    pub(crate) fn body(mut self, body: &impl Serialize) -> Result<Self, Error> {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Some(serde_json::to_vec(body).map_err(unsendable)?);
        Ok(self)
    }

    pub(crate) const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    pub(crate) const fn waits(mut self, waits: Duration) -> Self {
        self.waits = waits;
        self
    }
}

/// Exponential backoff with jitter, so that many waiting clients do not return at once.
pub(crate) fn retry_backoff() -> ExponentialBackoff {
    let (first, longest) = BACKOFF_RANGE;
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(longest)
        .with_jitter()
        .without_max_times()
        .build()
}

/// The wall clock, for a `Retry-After` date in a response without `Date`.
#[expect(clippy::disallowed_methods, reason = "the client alone has no clock injected")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// The next pause, at least `at_least`, the delay that the server requests.
pub(crate) fn pause(backoff: &mut ExponentialBackoff, at_least: Duration) -> Duration {
    backoff.next().unwrap_or(BACKOFF_RANGE.1).max(at_least)
}

/// A failed try.
pub(crate) struct Failed {
    pub(crate) error: Error,
    /// Whether the request certainly had no effect: the connection failed, or the server rejected
    /// the request.
    not_sent: bool,
}

impl Client {
    /// Makes a call, with retries for up to [`Client::retry_for`].
    pub(crate) async fn send<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        self.send_with_status(call).await.map(|(_, answer)| answer)
    }

    /// Like [`Client::send`], with the HTTP status.
    pub(crate) async fn send_with_status<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<(StatusCode, T), Error> {
        let (began, mut backoff) = (Instant::now(), retry_backoff());
        loop {
            let failed = match self.once(call).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let Reaction::RetryAfter(after) = failed.error.reaction() else {
                return Err(failed.error);
            };
            let pause = pause(&mut backoff, after.min(self.retry_for));
            if began.elapsed() + pause > self.retry_for
                || (call.retry == Retry::OnlyIfNotSent && !failed.not_sent)
            {
                return Err(failed.error);
            }
            sleep(pause).await;
        }
    }

    /// Makes a call once.
    pub(crate) async fn once<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<(StatusCode, T), Failed> {
        let response = self.open(call, Some(RESPONSE_TIMEOUT + call.waits)).await?;
        let status = response.status();
        let body =
            read_body(response, LONGEST_RESPONSE).await.map_err(|error| self.unreachable(error))?;
        let answer = serde_json::from_slice(&body).map_err(|error| {
            let why = format!("HTTP {}, with an unreadable body: {error}", status.as_u16());
            Failed {
                error: Error::UnexpectedResponse { address: self.server.as_given.clone(), why },
                not_sent: false,
            }
        })?;
        Ok((status, answer))
    }

    /// Sends a request and checks the status; the body is not read yet. `within`: time limit for
    /// the whole exchange.
    pub(crate) async fn open(
        &self,
        call: &Call,
        within: Option<Duration>,
    ) -> Result<Response, Failed> {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        let mut url = self.server.url(&path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http.request(call.method.clone(), url).headers(call.headers.clone());
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.header());
        }
        if let Some(within) = within {
            request = request.timeout(within);
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(self.refused(response).await)
        }
    }

    fn unreachable(&self, error: reqwest::Error) -> Failed {
        let not_sent = error.is_connect();
        let why = if error.is_timeout() {
            "it took too long".to_owned()
        } else {
            root_cause(&error.without_url())
        };
        Failed {
            error: Error::Unreachable {
                address: self.server.as_given.clone(),
                why,
                retry_after: None,
            },
            not_sent,
        }
    }

    async fn refused(&self, response: Response) -> Failed {
        let (status, address) = (response.status(), self.server.as_given.clone());
        let pause = retry_after(response.headers(), now());
        let body = match read_body(response, LONGEST_RESPONSE).await {
            Ok(body) => body,
            Err(error) => return self.unreachable(error),
        };
        let error = match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Error::Refused(Box::new(problem)),
            // A proxy in front reports that Gander does not answer.
            Err(_) if status.is_server_error() => {
                let why = format!("HTTP {}", status.as_u16());
                Error::Unreachable { address, why, retry_after: pause }
            }
            Err(_) => {
                Error::UnexpectedResponse { address, why: format!("HTTP {}", status.as_u16()) }
            }
        };
        // A request rejected with a problem had no effect.
        let not_sent = matches!(error, Error::Refused(_));
        Failed { error, not_sent }
    }
}
