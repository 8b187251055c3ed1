//! Where the server is: a socket of this machine, or an address.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Url, redirect};

use super::Error;
use crate::channels::Endpoint;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that rests for longer is not used again: the server closes it at 20 s.
const IDLE: Duration = Duration::from_secs(10);
/// What is called on a socket, where every name is as good.
const ON_A_SOCKET: &str = "http://localhost";

/// Where the server is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// As it was said.
    pub(super) words: String,
    base: Endpoint,
    socket: Option<PathBuf>,
}

impl Place {
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

    /// A client for it. It follows no redirect and asks no proxy: a token goes where the user has
    /// said, nowhere else.
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
