//! The server's address: a Unix socket or a URL.

use std::path::{Path, PathBuf};
use std::time::Duration;

use directories::ProjectDirs;
use reqwest::{Url, redirect};

use crate::Error;
use crate::http::Endpoint;

/// Time limit for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections are dropped after this time, before the server closes them after 15 s.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// Base URL for requests over a socket, where the server accepts any host name.
const SOCKET_BASE_URL: &str = "http://localhost";

/// The server's address.
#[derive(Debug, Clone)]
pub(crate) struct ServerAddress {
    /// The address as given.
    pub(crate) as_given: String,
    base: Endpoint,
    socket: Option<PathBuf>,
}

impl ServerAddress {
    /// Parses an address.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let url = url.trim();
        let (base, socket) = match url.strip_prefix("unix://") {
            Some(path) if Path::new(path).is_absolute() => {
                (SOCKET_BASE_URL, Some(PathBuf::from(path)))
            }
            Some(_) => {
                return Err(Error::Settings(
                    "the socket's path must be absolute: write, for \
                     example, unix:///run/gander.sock"
                        .into(),
                ));
            }
            None => (url, None),
        };
        let base = base.parse().map_err(|why| {
            Error::Settings(format!(
                "{why}. Give an address such as http://127.0.0.1:7777 or unix:///run/gander.sock"
            ))
        })?;
        Ok(Self { as_given: url.to_owned(), base, socket })
    }

    pub(crate) fn url(&self, path: &[&str]) -> Url {
        self.base.join_path(path)
    }

    /// An HTTP client for this address. Follows no redirects and uses no proxy, so that a token is
    /// sent only to the configured address.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub(crate) fn http_client(&self) -> Result<reqwest::Client, Error> {
        let mut builder = reqwest::Client::builder()
            .use_rustls_tls()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("gander/", env!("CARGO_PKG_VERSION")));
        if let Some(socket) = &self.socket {
            builder = builder.unix_socket(socket.as_path());
        }
        builder
            .build()
            .map_err(|error| Error::Settings(format!("cannot create the HTTP client: {error}")))
    }
}

/// The default socket of this user's own `gander serve`: beside the default store, on Linux
/// `~/.local/state/gander/gander.db.sock`.
///
/// # Errors
/// [`Error::Settings`]: the user has no home directory.
pub fn default_socket() -> Result<PathBuf, Error> {
    let folders = ProjectDirs::from("", "", "gander").ok_or_else(|| {
        Error::Settings("there is no home directory, and so no socket in it: set GANDER_URL".into())
    })?;
    let state = folders.state_dir().unwrap_or_else(|| folders.data_local_dir());
    Ok(state.join("gander.db.sock"))
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
            assert!(ServerAddress::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "unix://gander.sock",
            "unix:/run/gander.sock",
            "127.0.0.1:7777",
            "http://gander.example",
            "https://me:pass@x.example",
        ] {
            let Err(Error::Settings(said)) = ServerAddress::parse(bad) else {
                panic!("{bad:?} was taken")
            };
            assert!(said.contains("unix:///") && !said.contains("pass@"), "{said}");
        }
    }
}
