//! What every HTTP client of Gander needs: addresses that are safe to send secrets to, bounded
//! reading, and readable causes of errors. Gander's own notification channels use these too.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Response, Url};
use serde::{Deserialize, Deserializer};

/// An address for requests: `https`, or `http` to this machine's loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The host name.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The address itself.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// The address of a path below this address.
    #[must_use]
    pub fn join_path(&self, path: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Cannot fail: every http or https address can have path segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

impl std::str::FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The address may contain a secret, so the error does not repeat the address.
        let url = Url::parse(text.trim()).map_err(|error| {
            format!("this is not an address ({error}): write, for example, https://ntfy.sh")
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("this address contains a user name or password: put secrets in a file or \
                        in the environment"
                .into());
        }
        let on_this_machine = match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
            Some("localhost") => true,
            Some(host) => host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
            None => false,
        };
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if on_this_machine => Ok(Self(url)),
            "http" => {
                Err("this address would send secrets unencrypted: write https:// (http:// is \
                     only for this machine)"
                    .into())
            }
            other => Err(format!("{other}: is not a web address: write https://")),
        }
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Reads the body of a response, truncated after `most` bytes.
///
/// # Errors
/// The error of the read.
pub async fn read_body(mut response: Response, most: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk[..chunk.len().min(most - body.len())]);
        if body.len() == most {
            break;
        }
    }
    Ok(body)
}

/// The pause that a response asks for with `Retry-After`, in seconds or as a date; zero for a date
/// in the past. `None`: no such header, or an unreadable one. A date counts from the response's own
/// `Date`, because the two clocks may differ, and from `now` if the response has none.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let from = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(until.duration_since(from).unwrap_or_default())
}

/// The text of an error's innermost cause: the operating system's message.
#[must_use]
pub fn root_cause(error: &dyn std::error::Error) -> String {
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
        let url = |base: &str| {
            base.parse::<Endpoint>().unwrap().join_path(&["a", "b c.json"]).to_string()
        };
        assert_eq!(url("https://x.example"), "https://x.example/a/b%20c.json");
        assert_eq!(url("https://x.example/base/"), "https://x.example/base/a/b%20c.json");
    }

    #[test]
    fn a_pause_is_read_in_seconds_and_as_a_date() {
        let now = httpdate::parse_http_date("Sun, 29 Nov 2026 12:00:00 GMT").unwrap();
        let asked = |retry_after: &'static str, date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
            headers.extend(date.map(|date| (DATE, date.parse().unwrap())));
            super::retry_after(&headers, now).map(|pause| pause.as_secs())
        };
        let later = "Sun, 29 Nov 2026 12:02:00 GMT";
        for (retry_after, date, seconds) in [
            ("7", None, Some(7)),
            (" 7 ", None, Some(7)),
            ("0", None, Some(0)),
            (later, None, Some(120)),
            ("Sunday, 29-Nov-26 12:02:00 GMT", None, Some(120)),
            ("Sun Nov 29 12:02:00 2026", None, Some(120)),
            // The server's clock is 90 s ahead.
            (later, Some("Sun, 29 Nov 2026 12:01:30 GMT"), Some(30)),
            (later, Some("yesterday"), Some(120)),
            ("Sun, 29 Nov 2026 11:00:00 GMT", None, Some(0)),
            ("soon", None, None),
            ("-1", None, None),
            ("1.5", None, None),
        ] {
            assert_eq!(asked(retry_after, date), seconds, "{retry_after} {date:?}");
        }
        assert_eq!(super::retry_after(&HeaderMap::new(), now), None);
    }
}
