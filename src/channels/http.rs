//! Shared by the HTTP channels: addresses safe to send secrets to, and the meaning of responses.

use std::net::IpAddr;
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::{Client, RequestBuilder, Response, Url, redirect};
use serde::{Deserialize, Deserializer};

use crate::engine::outbox::Unsent;

/// The outbox's own time-out is longer than both.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Maximum bytes read from a response; every expected response is shorter.
const LONGEST_ANSWER: usize = 256 * 1024;

/// An address for requests: `https`, or `http` to this machine's loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The host name.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    pub(super) const fn url(&self) -> &Url {
        &self.0
    }

    /// The address of a path below this address.
    pub(crate) fn beneath(&self, path: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Cannot fail: every http or https address can have path segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// A client for requests to this address. Redirects are not followed: a request with a secret
    /// goes only to the configured address.
    pub(super) fn client(&self) -> Result<Client, String> {
        let client = Client::builder()
            .use_rustls_tls()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("gander/", env!("CARGO_PKG_VERSION")));
        // No proxy for requests to this machine.
        let client = if self.0.scheme() == "http" { client.no_proxy() } else { client };
        client.build().map_err(|error| format!("the HTTP client cannot be made: {error}"))
    }
}

impl std::str::FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The address may contain a secret, so the error does not repeat the address.
        let url = Url::parse(text.trim()).map_err(|error| {
            format!("this is no address ({error}): write for example https://ntfy.sh")
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("there is a user or a password in this address: give secrets in a file or in the environment".into());
        }
        let is_near = match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
            Some("localhost") => true,
            Some(host) => host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
            None => false,
        };
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_near => Ok(Self(url)),
            "http" => {
                Err("this address would send secrets in the clear: write https:// (http:// only for this machine itself)".into())
            }
            other => Err(format!("{other}: is no address of the web: write https://")),
        }
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A response.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The `Retry-After` header; zero if missing.
    pub(super) retry_after: TimeDelta,
    pub(super) body: String,
}

impl Answer {
    /// Parses the body as JSON; `None` if the body does not match.
    pub(super) fn json<T: for<'de> Deserialize<'de>>(&self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }

    /// The meaning of a status other than 2xx, without channel-specific details. `who` names the
    /// server in the text.
    pub(super) fn meaning(&self, who: &str, to_check: &str) -> Unsent {
        let Self { status, retry_after, .. } = self;
        match status {
            429 => Unsent::Later {
                after: *retry_after,
                why: format!("{who} says that these are too many requests (HTTP 429)"),
            },
            408 | 425 | 500..=599 => Unsent::Later {
                after: *retry_after,
                why: format!("{who} has trouble (HTTP {status})"),
            },
            300..=399 => Unsent::Refused(format!(
                "{who} sends us elsewhere (HTTP {status}), and secrets are not taken there: write the final address. {to_check}"
            )),
            _ => Unsent::Refused(format!("{who} refuses it (HTTP {status}). {to_check}")),
        }
    }
}

/// Sends a request. `who` names the server in error texts.
///
/// # Errors
/// [`Unsent::Later`] if nothing was sent, [`Unsent::Unsure`] if the request may have arrived.
pub(super) async fn exchange(request: RequestBuilder, who: &str) -> Result<Answer, Unsent> {
    // The address may contain a secret, so no error contains the address.
    let failed = |error: reqwest::Error| {
        let (connecting, late) = (error.is_connect(), error.is_timeout());
        let why = if late {
            "it did not answer in time".to_owned()
        } else {
            innermost(&error.without_url())
        };
        if connecting {
            Unsent::Later {
                after: TimeDelta::zero(),
                why: format!("{who} cannot be reached: {why}"),
            }
        } else {
            Unsent::Unsure(format!("no answer from {who}: {why}"))
        }
    };
    let response = request.send().await.map_err(failed)?;
    let (status, headers) = (response.status().as_u16(), response.headers());
    let seconds: u32 = headers
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .unwrap_or(0);
    let body = pieces(response, LONGEST_ANSWER).await.map_err(failed)?;
    Ok(Answer {
        status,
        retry_after: TimeDelta::seconds(seconds.into()),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// Reads the body of a response, truncated after `most` bytes.
///
/// # Errors
/// The error of the read.
pub(crate) async fn pieces(mut response: Response, most: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        body.extend_from_slice(&piece[..piece.len().min(most - body.len())]);
        if body.len() == most {
            break;
        }
    }
    Ok(body)
}

/// The text of an error's innermost cause: the operating system's message.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_and_this_machine_itself() {
        for good in [
            "https://ntfy.sh",
            "https://push.example:8443/base",
            "http://127.0.0.1:80",
            "http://[::1]:80/",
            "http://localhost:1",
        ] {
            assert!(good.parse::<Endpoint>().is_ok(), "{good}");
        }
        for bad in [
            "http://ntfy.sh",
            "http://127.0.0.1.evil.example",
            "http://192.168.1.4",
            "ftp://x",
            "https://",
            "ntfy.sh",
            "https://user:pass@ntfy.sh",
            "file:///etc/passwd",
            "",
        ] {
            let said = bad.parse::<Endpoint>().unwrap_err();
            assert!(!said.contains("pass@"), "{said}");
        }
    }

    #[test]
    fn what_lies_beneath_keeps_the_base() {
        let url =
            |base: &str| base.parse::<Endpoint>().unwrap().beneath(&["a", "b c.json"]).to_string();
        assert_eq!(url("https://x.example"), "https://x.example/a/b%20c.json");
        assert_eq!(url("https://x.example/base/"), "https://x.example/base/a/b%20c.json");
    }
}
