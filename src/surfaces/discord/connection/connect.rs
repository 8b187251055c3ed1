//! The only HTTP client for Discord, in tests and in production: serenity's client, with time-outs
//! and with the rate limiter on.

use std::future::Future;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use secrecy::{ExposeSecret as _, SecretString};
use serenity::all::{Http, HttpBuilder};

use super::error::{Meaning, meaning};
use crate::disk;

/// serenity sets no time-out and would wait for an unresponsive server forever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a whole request, including uploads of 10 MB.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The address of Discord's API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Api {
    /// discord.com.
    #[default]
    Discord,
    /// A server at this address that answers as `https://discord.com`, with a certificate from this
    /// authority (PEM file).
    Pinned {
        /// The server's address.
        address: SocketAddr,
        /// The file with the authority's certificate.
        ca: PathBuf,
    },
    /// A plain `http://` proxy. serenity then requires its rate limiter to be off.
    Proxy(String),
}

/// Why the bot cannot connect, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is invalid.
    #[error(
        "GANDER_DISCORD_API={0}: {1}. Leave it unset for Discord, or give https://HOST:PORT \
         (with GANDER_DISCORD_CA=FILE) or http://HOST:PORT"
    )]
    Address(String, String),
    /// The certificate is invalid.
    #[error("GANDER_DISCORD_CA={}: {why}. Give the PEM file of \
         the server's certificate authority", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The problem.
        why: String,
    },
    /// Discord rejects the token.
    #[error(
        "Discord does not accept the token. Copy the bot's token from \
         https://discord.com/developers/applications (Bot, Reset Token) into DISCORD_TOKEN, or \
         into the file that DISCORD_TOKEN_FILE names"
    )]
    Unauthorized,
    /// The bot is in no server, or not in the configured server.
    #[error("{0}")]
    NoServer(String),
    /// Discord rejects the connection permanently.
    #[error("{0}")]
    Refused(String),
}

impl Api {
    /// Parses the values of `GANDER_DISCORD_API` and `GANDER_DISCORD_CA`.
    ///
    /// # Errors
    /// [`ConnectError::Address`], [`ConnectError::Certificate`].
    pub fn from_settings(address: Option<&str>, ca: Option<&Path>) -> Result<Self, ConnectError> {
        let Some(text) =
            address.map(|text| text.trim().trim_end_matches('/')).filter(|text| !text.is_empty())
        else {
            return Ok(Self::Discord);
        };
        let wrong = |why: &str| ConnectError::Address(text.to_owned(), why.to_owned());
        if let Some(rest) = text.strip_prefix("http://") {
            // serenity appends the API path to the proxy's address.
            return Ok(Self::Proxy(format!("http://{}", rest.trim_end_matches("/api"))));
        }
        let host = text
            .strip_prefix("https://")
            .ok_or_else(|| wrong("it starts with neither https:// nor http://"))?;
        let host = host.trim_end_matches("/api");
        let host = if host.contains(':') { host.to_owned() } else { format!("{host}:443") };
        let mut addresses = host.to_socket_addrs().map_err(|error| wrong(&error.to_string()))?;
        let address = addresses.next().ok_or_else(|| wrong("the host has no address"))?;
        let ca = ca.ok_or_else(|| wrong("an https address needs GANDER_DISCORD_CA"))?;
        Ok(Self::Pinned { address, ca: ca.to_owned() })
    }

    /// The settings to check when requests fail, for error messages.
    pub(crate) const fn to_check(&self) -> &'static str {
        match self {
            Self::Discord => "the network",
            Self::Pinned { .. } => "the network, GANDER_DISCORD_API and GANDER_DISCORD_CA",
            Self::Proxy(_) => "the network and GANDER_DISCORD_API",
        }
    }

    /// The API's name or address, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Discord => "Discord".into(),
            Self::Pinned { address, .. } => format!("https://{address}"),
            Self::Proxy(address) => address.clone(),
        }
    }
}

/// The HTTP client below serenity.
pub(crate) fn client(api: &Api) -> Result<reqwest::Client, ConnectError> {
    let mut client = reqwest::Client::builder()
        .use_rustls_tls()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT);
    if let Api::Pinned { address, ca } = api {
        let failed = |why: String| ConnectError::Certificate { path: ca.clone(), why };
        let pem = disk::read_own(ca, disk::LONGEST_SETTINGS)
            .map_err(|error| failed(error.to_string()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem)
            .map_err(|error| failed(error.to_string()))?;
        if certificates.is_empty() {
            return Err(failed("it contains no certificate".into()));
        }
        client = certificates
            .into_iter()
            .fold(client, reqwest::ClientBuilder::add_root_certificate)
            .resolve("discord.com", *address);
    }
    client.build().map_err(|error| match api {
        // The certificate is decoded only in `build`; nothing else in the client depends on user
        // input.
        Api::Pinned { ca, .. } => ConnectError::Certificate {
            path: ca.clone(),
            why: format!("it contains an invalid certificate ({error})"),
        },
        Api::Discord | Api::Proxy(_) => {
            ConnectError::Refused(format!("cannot create the HTTP client: {error}"))
        }
    })
}

/// serenity's client for this API.
pub(crate) fn http(token: &SecretString, api: &Api) -> Result<Http, ConnectError> {
    let builder = HttpBuilder::new(token.expose_secret()).client(client(api)?);
    Ok(match api {
        // The proxy works only with the limiter off: with the limiter on, serenity ignores the
        // proxy.
        Api::Proxy(address) => builder.proxy(address).ratelimiter_disabled(true).build(),
        Api::Discord | Api::Pinned { .. } => builder.build(),
    })
}

/// Retries a request with backoff (1 s to 15 s) while the failure is temporary, without a limit on
/// the number of attempts. Logs every failure.
pub(crate) async fn persist<T, F: Future<Output = serenity::Result<T>>>(
    what: &str,
    api: &Api,
    request: impl FnMut() -> F,
) -> Result<T, ConnectError> {
    let back_off = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(15))
        .with_jitter()
        .without_max_times();
    request
        .retry(back_off)
        .when(|error| meaning(error).0 == Meaning::Passing)
        .notify(|error, after| {
            tracing::error!(
                "cannot {what}: {} at {}. Trying again in {:.0} s; check {} if this continues",
                meaning(error).1,
                api.name(),
                after.as_secs_f32().ceil(),
                api.to_check()
            );
        })
        .await
        .map_err(|error| match meaning(&error) {
            (Meaning::Unauthorized, _) => ConnectError::Unauthorized,
            (_, words) => ConnectError::Refused(format!("cannot {what}: {words}")),
        })
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_with_what_to_do() {
        assert_eq!(Api::from_settings(None, None).unwrap(), Api::Discord);
        assert_eq!(
            Api::from_settings(Some("http://127.0.0.1:80/api"), None).unwrap(),
            Api::Proxy("http://127.0.0.1:80".into())
        );
        let ca = Path::new("ca.pem");
        let pinned = Api::Pinned { address: "127.0.0.1:4".parse().unwrap(), ca: ca.into() };
        assert_eq!(Api::from_settings(Some("https://127.0.0.1:4/"), Some(ca)).unwrap(), pinned);
        for (address, ca) in [
            ("https://127.0.0.1:4", None),
            ("127.0.0.1:4", Some(ca)),
            ("https://127.0.0.1:x", Some(ca)),
        ] {
            let said = Api::from_settings(Some(address), ca).unwrap_err().to_string();
            assert!(said.contains("GANDER_DISCORD_API"), "{said}");
        }
    }
}
