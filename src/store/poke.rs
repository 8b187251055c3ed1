//! A datagram to the bot after each commit of another process.
//!
//! A file-system notice of a commit comes before the commit is visible, so a reader of such notices
//! has to look several times. The datagram is sent after the commit. It is a hint without content:
//! when it is lost, the notices and the second's poll remain.

use std::io::{Error, ErrorKind, Result};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::files;

/// The bot's socket beside the store.
fn socket(store: &Path) -> PathBuf {
    files::beside(store, ".poke")
}

/// Binds the bot's socket, accessible to the owner only. Call while holding the store's lock: a
/// socket left by a killed bot is replaced.
///
/// # Errors
/// I/O errors, for example of a path longer than 107 bytes, the system's limit for sockets.
pub fn bind(store: &Path) -> Result<UnixDatagram> {
    let path = socket(&files::resolved(store));
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let bound = UnixDatagram::bind(&path)?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    bound.set_nonblocking(true)?;
    Ok(bound)
}

/// Sends the datagrams of one process.
#[derive(Debug, Clone)]
pub(super) struct Poker {
    /// `None` if the system grants no socket; the bot then relies on notices.
    sender: Option<Arc<UnixDatagram>>,
    to: PathBuf,
    /// Whether this process is the bot, which knows its own commits.
    muted: Arc<AtomicBool>,
}

impl Poker {
    pub(super) fn new(store: &Path) -> Self {
        let unbound = UnixDatagram::unbound()
            .and_then(|sender| sender.set_nonblocking(true).map(|()| Arc::new(sender)));
        Self {
            sender: unbound.inspect_err(log).ok(),
            to: socket(&files::resolved(store)),
            muted: Arc::default(),
        }
    }

    /// Stops sending: this process has bound the socket.
    pub(super) fn mute(&self) {
        self.muted.store(true, Ordering::Relaxed);
    }

    /// Wakes the bot. Without a bot, or with unread datagrams, nothing happens.
    pub(super) fn poke(&self) {
        let Some(sender) = self.sender.as_ref().filter(|_| !self.muted.load(Ordering::Relaxed))
        else {
            return;
        };
        let no_bot = [ErrorKind::NotFound, ErrorKind::ConnectionRefused, ErrorKind::WouldBlock];
        match sender.send_to(&[0], &self.to) {
            Err(error) if !no_bot.contains(&error.kind()) => log(&error),
            _ => {}
        }
    }
}

fn log(error: &Error) {
    tracing::debug!(%error, "could not wake the bot after the commit; it will notice the file");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn open(path: &Path) -> Store {
        Store::open(path, None, "2026-03-01T12:00:00Z".parse().unwrap()).unwrap()
    }

    fn note(store: &Store, value: &str) {
        store.memos().put("test", Some(value.to_owned())).unwrap();
    }

    #[test]
    fn a_datagram_comes_after_the_commit_is_visible() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gander.db");
        let (bot, other) = (open(&path), open(&path));
        let socket = bind(&path).unwrap();
        socket.set_nonblocking(false).unwrap();
        bot.mute_pokes();
        for round in 0..20 {
            let before = bot.event_log().data_version().unwrap();
            note(&other, &round.to_string());
            socket.recv(&mut [0]).unwrap();
            assert_ne!(bot.event_log().data_version().unwrap(), before, "round {round}");
        }
    }

    #[test]
    fn the_bots_own_commits_and_absent_bots_cost_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gander.db");
        let bot = open(&path);
        note(&bot, "without a socket");
        let socket = bind(&path).unwrap();
        bot.mute_pokes();
        note(&bot, "with the bot's own");
        assert_eq!(socket.recv(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        // A bot that was killed leaves its socket.
        drop(socket);
        note(&open(&path), "nobody reads");
        // A bot that does not read holds nobody up: the system queues few datagrams.
        let socket = bind(&path).unwrap();
        let other = open(&path);
        for round in 0..300 {
            note(&other, &round.to_string());
        }
        assert!(socket.recv(&mut [0]).is_ok());
    }

    #[test]
    fn a_link_in_the_sockets_place_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gander.db");
        let (elsewhere, beside) = (folder.path().join("elsewhere"), socket(&path));
        std::fs::write(&elsewhere, "kept").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &beside).unwrap();
        drop(bind(&path).unwrap());
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "kept");
        assert!(!std::fs::symlink_metadata(&beside).unwrap().is_symlink());
    }
}
