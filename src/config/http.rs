//! `[http]`: addresses for agents and programs.
//!
//! Closed by default: the socket is for its owner, and TCP for this machine only. The connection
//! has no encryption, so an address reachable from other machines needs an explicit setting.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::place::{Place, WrongValue};
use super::resolve;
use crate::surfaces::http::{HttpSettings, OpenTo};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HttpSection {
    socket: Option<PathBuf>,
    socket_for: Option<For>,
    listen: Option<String>,
    public: bool,
    hosts: Vec<String>,
    requests_per_second: Option<u32>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum For {
    Owner,
    Group,
    Everyone,
}

impl HttpSection {
    /// The settings. Paths are relative to the file's folder.
    ///
    /// # Errors
    /// [`WrongValue`].
    pub(super) fn settings(self, folder: &Path) -> Result<HttpSettings, WrongValue> {
        let usual = HttpSettings::default();
        let at = |key: &str| Place::of(&["http", key]);
        let listen = self
            .listen
            .map(|address| tcp(&address, self.public).map_err(|what| at("listen").wrong(what)))
            .transpose()?;
        if self.requests_per_second == Some(0) {
            return Err(at("requests_per_second").wrong(
                "requests_per_second is 0, which would reject every request: write 1 or more",
            ));
        }
        let sound = |host: &str| {
            !host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b))
        };
        if let Some((index, host)) = self.hosts.iter().enumerate().find(|(_, host)| !sound(host)) {
            return Err(at("hosts").index(index).wrong(format!(
                "{host:?} is not a host name: write it without http:// and port, such as \
                 gander.example"
            )));
        }
        Ok(HttpSettings {
            socket: self.socket.map(|socket| resolve(folder, &socket)),
            open_to: match self.socket_for {
                None | Some(For::Owner) => OpenTo::Owner,
                Some(For::Group) => OpenTo::Group,
                Some(For::Everyone) => OpenTo::Everyone,
            },
            listen,
            hosts: self.hosts,
            rate: self.requests_per_second.unwrap_or(usual.rate),
        })
    }
}

fn tcp(text: &str, public: bool) -> Result<SocketAddr, String> {
    let text = text.trim();
    let text = text
        .strip_prefix("localhost:")
        .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    let address: SocketAddr = text.parse().map_err(|_| {
        format!("{text:?} is not an address to listen on: write, for example, 127.0.0.1:7777")
    })?;
    if !address.ip().is_loopback() && !public {
        return Err(format!(
            "{address} can be reached from other machines, without encryption: listen on \
             127.0.0.1 behind a proxy with TLS, or add public = true to allow this"
        ));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_unless_it_is_said() {
        for (text, public, taken) in [
            ("127.0.0.1:7777", false, true),
            ("localhost:7777", false, true),
            ("[::1]:0", false, true),
            ("0.0.0.0:7777", false, false),
            ("192.168.1.7:7777", false, false),
            ("[::]:7777", false, false),
            ("0.0.0.0:7777", true, true),
            ("7777", true, false),
            ("example.org:7777", true, false),
        ] {
            assert_eq!(tcp(text, public).is_ok(), taken, "{text}");
        }
    }
}
