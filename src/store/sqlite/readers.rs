//! The pool of read connections. Connections are reused, because a fresh connection reads the whole
//! schema before the first answer. The pool is small: waiting for a returned connection is faster
//! than opening another.

use std::fmt;
use std::sync::{Condvar, Mutex, PoisonError};

use rusqlite::Connection;

use super::from_sqlite;
use crate::store::StoreError;

/// Maximum number of connections. Each may cache 2 MiB of the file (SQLite's default).
const MOST: usize = 16;

#[derive(Default)]
pub(super) struct Readers {
    kept: Mutex<Kept>,
    returned: Condvar,
}

#[derive(Default)]
struct Kept {
    idle: Vec<Connection>,
    /// Number of open connections, including lent connections.
    open: usize,
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

/// A lent connection, returned on drop.
struct Lent<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Readers {
    /// Lends a connection for `work`. `work` must not borrow a second connection: with all
    /// connections lent, both would wait forever.
    pub(super) fn lend<T>(
        &self,
        open: impl FnOnce() -> rusqlite::Result<Connection>,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // From here on, `Lent` frees the slot on every exit.
        let mut lent = Lent { readers: self, connection: self.wait_for_room() };
        let connection = match lent.connection.take() {
            Some(connection) => connection,
            None => open().map_err(from_sqlite)?,
        };
        work(lent.connection.insert(connection))
    }

    /// An idle connection, or `None` with a reserved slot for a new connection.
    fn wait_for_room(&self) -> Option<Connection> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |kept: &mut Kept| kept.idle.is_empty() && kept.open >= MOST;
        let mut kept = self.returned.wait_while(kept, full).unwrap_or_else(PoisonError::into_inner);
        let idle = kept.idle.pop();
        kept.open += usize::from(idle.is_none());
        idle
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut kept = self.readers.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match self.connection.take() {
            // After a panic the connection may be in any state, so close instead of reusing.
            Some(connection) if !std::thread::panicking() => kept.idle.push(connection),
            _ => kept.open -= 1,
        }
        drop(kept);
        self.readers.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};

    use super::*;

    #[test]
    fn many_at_once_share_a_few_and_none_is_lost() {
        let (readers, opened) = (Arc::new(Readers::default()), Arc::new(AtomicUsize::new(0)));
        let open = |opened: &AtomicUsize| {
            opened.fetch_add(1, Ordering::Relaxed);
            Connection::open_in_memory()
        };
        // All connections at once.
        let all = Arc::new(Barrier::new(MOST));
        let threads = (0..MOST * 8).map(|n| {
            let (readers, opened, all) =
                (Arc::clone(&readers), Arc::clone(&opened), Arc::clone(&all));
            std::thread::spawn(move || {
                if n >= MOST * 7 {
                    // Failed or panicked work frees the slot.
                    let failed: Result<(), _> =
                        readers.lend(|| open(&opened), |_| Err(StoreError::Busy));
                    assert!(failed.is_err());
                    return Ok(());
                }
                readers.lend(
                    || open(&opened),
                    |connection| {
                        all.wait();
                        connection.query_row("SELECT 1", [], |_| Ok(())).map_err(from_sqlite)
                    },
                )
            })
        });
        for thread in threads.collect::<Vec<_>>() {
            thread.join().unwrap().unwrap();
        }
        assert_eq!(opened.load(Ordering::Relaxed), MOST);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = readers
                .lend(|| open(&opened), |_| -> Result<(), StoreError> { panic!("as tested") });
        }));
        assert!(panicked.is_err());
        let cannot = readers.lend(|| Err(rusqlite::Error::InvalidQuery), |_| Ok(()));
        assert!(cannot.is_ok(), "another is idle");
        assert_eq!(readers.kept.lock().unwrap().open, MOST - 1);
    }
}
