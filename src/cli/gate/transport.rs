//! How a gate reaches decisions: through the store's file, or through a `gander serve` elsewhere.
//! Only the hook's command line selects the transport: an agent controls its own environment, and
//! must not choose who answers.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use clap::Args;
use gander_client::Client;

use super::remote;
use crate::disk::{self, FileError};
use crate::engine::operations::heartbeat::{self, Running};
use crate::presentation::text;
use crate::surfaces::http::default_socket;

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(in crate::cli) struct Transport {
    /// Ask the gander serve at this address, by its rules, instead of the store's file: the path of
    /// a socket, http://127.0.0.1:7777 or https://…
    #[arg(long, value_name = "ADDRESS")]
    pub(super) connect: Option<String>,
    /// A file with the token for that server (gander token create) [default: GANDER_TOKEN, or the
    /// file named by GANDER_TOKEN_FILE; a socket needs no token]
    #[arg(long, value_name = "FILE", requires = "connect")]
    pub(in crate::cli) token_file: Option<PathBuf>,
}

impl Transport {
    /// The address in the client's form, with `unix://` before a path.
    pub(super) fn address(&self) -> Option<String> {
        self.connect.as_ref().map(|place| {
            let is_path = ["/", "./", "../"].iter().any(|start| place.starts_with(start));
            let whole = |path| std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
            if is_path {
                format!("unix://{}", whole(place).display())
            } else {
                place.trim().to_owned()
            }
        })
    }

    /// The client for the server; `None` if the gate uses the store.
    ///
    /// # Errors
    /// The address or the token cannot be used, as text.
    pub(in crate::cli) fn client(&self) -> Result<Option<Client>, String> {
        let Some(address) = self.address() else { return Ok(None) };
        let client =
            Client::new(&address).and_then(|client| client.token_from(self.token_file.clone()));
        client.map(Some).map_err(|error| format!("--connect {address}: {error}"))
    }

    /// If this user may not open the store but the store owner's socket accepts connections,
    /// switches to the socket. An explicit address stays.
    pub(in crate::cli) fn or_socket_of(self, store: &Path) -> Self {
        let is_denied = disk::open_to_write(store).is_err_and(|error| match error {
            FileError::System(error) => error.kind() == ErrorKind::PermissionDenied,
            _ => false,
        });
        if self.connect.is_some() || !is_denied {
            return self;
        }
        let socket = default_socket(store);
        // The socket must belong to the store's owner: another user with write access to the folder
        // could place a socket there.
        let owner = |file: &Path| file.symlink_metadata().map(|there| there.uid()).ok();
        let is_theirs = owner(&socket).is_some() && owner(&socket) == owner(store);
        let answers = is_theirs && UnixStream::connect(&socket).is_ok();
        Self { connect: answers.then(|| format!("unix://{}", socket.display())), token_file: None }
    }

    /// The command-line arguments. The token itself is never among them.
    pub(super) fn words(&self) -> Vec<String> {
        let place = self.address().map(|address| ["--connect".to_owned(), address]);
        let whole = |file: &PathBuf| {
            std::path::absolute(file)
                .unwrap_or_else(|_| file.clone())
                .to_string_lossy()
                .into_owned()
        };
        let token = self.token_file.as_ref().map(|file| ["--token-file".to_owned(), whole(file)]);
        place.into_iter().flatten().chain(token.into_iter().flatten()).collect()
    }

    /// Reads the transport back from a hook's command.
    pub(super) fn of_command(command: &str) -> Self {
        Self {
            connect: word_after(command, "--connect"),
            token_file: word_after(command, "--token-file").map(PathBuf::from),
        }
    }

    /// Checks the transport and describes it.
    ///
    /// # Errors
    /// The problem, as text.
    pub(super) async fn look(&self, store: &Path) -> Result<String, String> {
        if let Some(client) = self.client()? {
            return remote::looked(client).await;
        }
        match disk::open_to_write(store) {
            // A missing store is fine: the first question creates the store.
            Err(error) if !error.is_absence() => Err(format!("{}: {error}", store.display())),
            _ if heartbeat::of(store) == Running::No => Ok(text::gate::BY_FILE_UNSERVED.to_owned()),
            _ => Ok(text::gate::BY_FILE.to_owned()),
        }
    }
}

/// The store named in a hook's command.
pub(super) fn store_of_command(command: &str) -> Option<PathBuf> {
    word_after(command, "--store").map(PathBuf::from)
}

/// The folder for which a hook's command was installed.
pub(super) fn root_of_command(command: &str) -> Option<PathBuf> {
    word_after(command, "--root").map(PathBuf::from)
}

/// The word after a flag in an installed command. Words may be quoted, twice for Codex.
fn word_after(command: &str, flag: &str) -> Option<String> {
    let (_, rest) = command.split_once(&format!(" {flag} "))?;
    let word = rest.trim_start_matches(['\'', '\\']);
    let is_quoted = word.len() < rest.len();
    let end =
        word.find(|c: char| if is_quoted { matches!(c, '\'' | '\\') } else { c.is_whitespace() });
    Some(word[..end.unwrap_or(word.len())].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for connect in [
            "http://127.0.0.1:7777",
            "unix:///run/gander/gander.sock",
            "unix:///a folder/gander.sock",
            "/run/g.sock",
        ] {
            let transport = Transport {
                connect: Some(connect.into()),
                token_file: Some("/run/secrets/the token".into()),
            };
            let line = transport
                .words()
                .iter()
                .map(|word| crate::cli::gate::command::quote_if_needed(word))
                .collect::<Vec<_>>()
                .join(" ");
            let line = format!("gander gate codex --timeout 1s {line} || exit 2");
            for line in [line.clone(), format!("/bin/sh -c {}", crate::core::gate::quote(&line))] {
                let read = Transport::of_command(&line);
                assert_eq!(
                    (read.address(), &read.token_file),
                    (transport.address(), &transport.token_file),
                    "{line}"
                );
            }
        }
        assert_eq!(
            Transport::of_command("gander gate codex --timeout 1s --store /x"),
            Transport::default()
        );
    }

    #[test]
    fn an_address_is_one_or_is_refused() {
        let client =
            |connect: &str| Transport { connect: Some(connect.into()), token_file: None }.client();
        assert!(client("/run/g.sock").is_ok() && client("http://127.0.0.1:1").is_ok());
        for bad in ["", "127.0.0.1:7777", "http://gander.example", "gander.sock"] {
            assert!(client(bad).unwrap_err().contains("unix:///"), "{bad}");
        }
    }
}
