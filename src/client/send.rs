//! One call: request, retries, and interpretation of the response.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::{Client, Error, Next};
use crate::channels::{innermost, pieces};
use crate::wire::Problem;

/// Time limit for a response, in addition to the wait requested from the server.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Longest response read, in bytes; longer than a page of the longest decisions.
const LONGEST_ANSWER: usize = 64 << 20;
/// First and longest pause between retries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// When to retry a call that received no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Always: the call is idempotent.
    Safe,
    /// Only if the request certainly had no effect.
    Unsent,
}

/// A request to the API.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    repeat: Repeat,
    /// The wait requested from the server.
    waits: Duration,
}

fn unwritable(error: impl std::fmt::Display) -> Error {
    Error::Settings(format!("this cannot be sent: {error}"))
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
            repeat: Repeat::Safe,
            waits: Duration::ZERO,
        }
    }

    pub(super) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path)
    }

    /// A call on one decision.
    pub(super) fn on(method: Method, id: i64, deed: &[&str]) -> Self {
        let id = id.to_string();
        let path: Vec<&str> =
            ["v1", "decisions", &id].into_iter().chain(deed.iter().copied()).collect();
        Self::new(method, &path)
    }

    /// Adds a random idempotency key.
    pub(super) fn keyed(self) -> Result<Self, Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            Error::Settings(format!("the system gives no random numbers: {error}"))
        })?;
        self.header(HeaderName::from_static("idempotency-key"), &URL_SAFE_NO_PAD.encode(random))
    }

    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Error> {
        self.headers.insert(name, HeaderValue::from_str(value).map_err(unwritable)?);
        Ok(self)
    }

    /// Adds the fields of `of` as query parameters, without null fields.
    pub(super) fn query(mut self, of: &impl Serialize) -> Result<Self, Error> {
        let text = |value: &serde_json::Value| {
            value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
        };
        let fields = match serde_json::to_value(of).map_err(unwritable)? {
            serde_json::Value::Object(fields) => fields,
            other => return Err(unwritable(format!("{other} is no query"))),
        };
        let given = fields.iter().filter(|(_, value)| !value.is_null());
        self.query.extend(given.map(|(name, value)| (name.clone(), text(value))));
        Ok(self)
    }

    pub(super) fn body(mut self, body: &impl Serialize) -> Result<Self, Error> {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Some(serde_json::to_vec(body).map_err(unwritable)?);
        Ok(self)
    }

    pub(super) const fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    pub(super) const fn waits(mut self, waits: Duration) -> Self {
        self.waits = waits;
        self
    }
}

/// Exponential backoff with jitter, so that many waiting clients do not return at once.
pub(super) fn pauses() -> ExponentialBackoff {
    let (first, longest) = PAUSES;
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(longest)
        .with_jitter()
        .without_max_times()
        .build()
}

/// The next pause, at least `asked`, the delay that the server requests.
pub(super) fn pause(pauses: &mut ExponentialBackoff, asked: Duration) -> Duration {
    pauses.next().unwrap_or(PAUSES.1).max(asked)
}

/// A failed try.
pub(super) struct Failed {
    pub(super) error: Error,
    /// Whether the request certainly had no effect: the connection failed, or the server rejected
    /// the request.
    unsent: bool,
}

impl Client {
    /// Makes a call, with retries for up to [`patience`](Client::patience()).
    pub(super) async fn send<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        self.send_told(call).await.map(|(_, told)| told)
    }

    /// Like [`Client::send`], with the HTTP status.
    pub(super) async fn send_told<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<(StatusCode, T), Error> {
        let (began, mut pauses) = (Instant::now(), pauses());
        loop {
            let failed = match self.once(call).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let Next::Again(after) = failed.error.next() else { return Err(failed.error) };
            let pause = pause(&mut pauses, after.min(self.patience));
            if began.elapsed() + pause > self.patience
                || (call.repeat == Repeat::Unsent && !failed.unsent)
            {
                return Err(failed.error);
            }
            sleep(pause).await;
        }
    }

    /// Makes a call once.
    pub(super) async fn once<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<(StatusCode, T), Failed> {
        let response = self.open(call, Some(ANSWER_WITHIN + call.waits)).await?;
        let status = response.status();
        let body =
            pieces(response, LONGEST_ANSWER).await.map_err(|error| self.unreachable(error))?;
        let told = serde_json::from_slice(&body).map_err(|error| {
            let why = format!("HTTP {}, and it cannot be read: {error}", status.as_u16());
            Failed { error: Error::Strange { place: self.place.words.clone(), why }, unsent: false }
        })?;
        Ok((status, told))
    }

    /// Sends a request and checks the status; the body is not read yet. `within`: time limit for
    /// the whole exchange.
    pub(super) async fn open(
        &self,
        call: &Call,
        within: Option<Duration>,
    ) -> Result<Response, Failed> {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        let mut url = self.place.url(&path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http.request(call.method.clone(), url).headers(call.headers.clone());
        if let Some(token) = &self.token {
            let bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
            let mut bearer =
                bearer.map_err(|error| Failed { error: unwritable(error), unsent: true })?;
            bearer.set_sensitive(true);
            request = request.header(AUTHORIZATION, bearer);
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
        let unsent = error.is_connect();
        let why = if error.is_timeout() {
            "it took too long".to_owned()
        } else {
            innermost(&error.without_url())
        };
        Failed { error: Error::Unreachable { place: self.place.words.clone(), why }, unsent }
    }

    async fn refused(&self, response: Response) -> Failed {
        let (status, place) = (response.status(), self.place.words.clone());
        let body = match pieces(response, LONGEST_ANSWER).await {
            Ok(body) => body,
            Err(error) => return self.unreachable(error),
        };
        let error = match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Error::Refused(Box::new(problem)),
            // A proxy in front reports that Gander does not answer.
            Err(_) if status.is_server_error() => {
                Error::Unreachable { place, why: format!("HTTP {}", status.as_u16()) }
            }
            Err(_) => Error::Strange { place, why: format!("HTTP {}", status.as_u16()) },
        };
        // A request rejected with a problem had no effect.
        let unsent = matches!(error, Error::Refused(_));
        Failed { error, unsent }
    }
}
