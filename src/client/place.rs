//! The server's address: a Unix socket or a URL.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Url, redirect};

use super::Error;
use crate::channels::Endpoint;

/// Time limit for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections are dropped after this time, before the server closes them after 15 s.
const IDLE: Duration = Duration::from_secs(10);
/// Base URL for requests over a socket, where the server accepts any host name.
const ON_A_SOCKET: &str = "http://localhost";

/// The server's address.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The address as given.
    pub(super) words: String,
    base: Endpoint,
    socket: Option<PathBuf>,
}

impl Place {
    /// Parses an address.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub(super) fn of(url: &str) -> Result<Self, Error> {
        let url = url.trim();
        let (base, socket) = match url.strip_prefix("unix://") {
            Some(path) if Path::new(path).is_absolute() => (ON_A_SOCKET, Some(PathBuf::from(path))),
            Some(_) => {
                return Err(Error::Settings(
                    "the path of a socket is whole: write for example unix:///run/gander.sock"
                        .into(),
                ));
            }
            None => (url, None),
        };
        let base = base.parse().map_err(|why| {
            Error::Settings(format!(
                "{why}. Gander is at an address such as http://127.0.0.1:7777, or at unix:///path/of/its/socket"
            ))
        })?;
        Ok(Self { words: url.to_owned(), base, socket })
    }

    pub(super) fn url(&self, path: &[&str]) -> Url {
        self.base.beneath(path)
    }

    /// An HTTP client for this address. Follows no redirects and uses no proxy, so that a token is
    /// sent only to the configured address.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub(super) fn http(&self) -> Result<reqwest::Client, Error> {
        let mut builder = reqwest::Client::builder()
            .use_rustls_tls()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("gander/", env!("CARGO_PKG_VERSION")));
        if let Some(socket) = &self.socket {
            builder = builder.unix_socket(socket.as_path());
        }
        builder
            .build()
            .map_err(|error| Error::Settings(format!("the HTTP client cannot be made: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_or_an_address_that_is_safe() {
        for good in [
            "http://127.0.0.1:7777",
            "http://localhost:1/",
            "https://gander.example/base",
            "unix:///run/gander.sock",
            " unix:///a ",
        ] {
            assert!(Place::of(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "unix://gander.sock",
            "unix:/run/gander.sock",
            "127.0.0.1:7777",
            "http://gander.example",
            "https://me:pass@x.example",
        ] {
            let Err(Error::Settings(said)) = Place::of(bad) else { panic!("{bad:?} was taken") };
            assert!(said.contains("unix:///") && !said.contains("pass@"), "{said}");
        }
    }
}
