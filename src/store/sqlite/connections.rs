//! The store's connections: one writer thread, and a pool of connections that only read.
//!
//! The writer takes all queued writes, runs each in a SAVEPOINT, and commits once. While idle, it
//! shortens a write-ahead log that a long reader has let grow. Kept by hand: connection pools and
//! SQLite actor crates commit each write by itself, and each commit waits for the disk.
//!
//! Read connections are reused, because a fresh connection reads the whole schema before the first
//! answer. The pool is small: waiting for a returned connection is faster than opening another.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::open::connect;
use super::{Store, from_sqlite, with_path};
use crate::store::poke::Poker;
use crate::store::{StoreError, files};

impl Store {
    /// Runs `work` in a transaction. Returns once the changes are durable or rolled back.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_as(Durability::Now, work)
    }

    /// Like [`Store::write`], but without waiting for the disk. A loss of power may undo the last
    /// such writes, a killed process does not: only for what can be found out again.
    pub(super) fn write_soon<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_as(Durability::Soon, work)
    }

    fn write_as<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = self
            .writer
            .as_ref()
            .ok_or_else(|| StoreError::ReadOnly(self.path.display().to_string()))?;
        writer.write(durability, work).map_err(|error| with_path(error, &self.path))
    }

    /// Runs `work` on a connection that cannot write. `work` must not call [`Store::read`]: with
    /// all connections lent, both would wait forever.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.readers.lend(|| connect(&self.path, self.access, self.patience), work)
    }
}

/// Maximum number of writes per commit, so that the first write of a flood does not wait for the
/// last.
const MOST_WRITES: usize = 256;

/// Size in bytes above which the write-ahead log is shortened. SQLite copies the log into the store
/// after 1,000 pages of 4 KiB, and keeps a file of that size for the next writes.
pub(super) const LONG_LOG: u64 = 8 << 20;
/// Pause between two attempts to shorten the log, while the reader may still need it.
const SHORTEN_AGAIN: Duration = Duration::from_secs(1);

/// When a commit reaches the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Durability {
    /// With a later commit, or when SQLite copies the log into the store.
    Soon,
    /// Before the commit returns.
    Now,
}

impl Durability {
    /// The setting of SQLite. In a write-ahead log, NORMAL leaves the commits in order, and syncs
    /// none; the next FULL commit syncs them all.
    const fn pragma(self) -> &'static str {
        match self {
            Self::Soon => "PRAGMA synchronous = NORMAL",
            Self::Now => "PRAGMA synchronous = FULL",
        }
    }
}

/// A queued write with the waiting caller.
trait Piece: Send {
    fn durability(&self) -> Durability;

    /// Runs the write. Returns whether to keep the changes.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Sends the result to the caller, after the commit or after a failed commit.
    fn reply(self: Box<Self>, failure: Option<StoreError>);
}

struct Write<T, F> {
    durability: Durability,
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    caller: Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, StoreError> + Send> Piece for Write<T, F> {
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, connection: &Connection) -> bool {
        // A panic in one write must not end the shared thread; rolling back to the savepoint undoes
        // the changes.
        let run = |work: F| catch_unwind(AssertUnwindSafe(|| work(connection)));
        let ended_early = |_| {
            Err(StoreError::Failed("the write was interrupted; this is a bug in Gander".into()))
        };
        self.result = self.work.take().map(|work| run(work).unwrap_or_else(ended_early));
        matches!(self.result, Some(Ok(_)))
    }

    fn reply(self: Box<Self>, failure: Option<StoreError>) {
        let result = match (failure, self.result) {
            (Some(error), _) => Err(error),
            (None, Some(result)) => result,
            (None, None) => Err(StoreError::Failed("the write was not run".into())),
        };
        // Fails only if the caller no longer waits.
        let _ = self.caller.send(result);
    }
}

/// Handle of the writer thread. Dropping the handle ends the thread after the queue is empty.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<Sender<Box<dyn Piece>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, which wakes the bot after each commit.
    pub(super) fn start(connection: Connection, poker: Poker) -> std::io::Result<Self> {
        let (queue, pieces) = channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run_writes(&connection, &pieces, &poker))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::Failed("its writer has stopped".into());
        let (caller, answer) = channel();
        let piece = Box::new(Write { durability, work: Some(work), result: None, caller });
        self.queue.as_ref().ok_or_else(gone)?.send(piece).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // After a panic the writer has dropped the callers' channels, so all callers got an
            // error.
            let _ = thread.join();
        }
    }
}

fn run_writes(connection: &Connection, queue: &Receiver<Box<dyn Piece>>, poker: &Poker) {
    let log = connection.path().map(|path| files::beside(path.as_ref(), "-wal"));
    let mut durability = None;
    while let Some(first) = next_write(connection, queue, log.as_ref()) {
        let mut together: Vec<_> =
            std::iter::once(first).chain(queue.try_iter().take(MOST_WRITES - 1)).collect();
        let failure = set_durability(connection, &mut durability, &together)
            .and_then(|()| commit_together(connection, &mut together))
            .err()
            .map(from_sqlite);
        if failure.is_some() && !connection.is_autocommit() {
            // If the rollback fails too, the next BEGIN fails and reports the error.
            let _ = connection.execute_batch("ROLLBACK");
        }
        if failure.is_none() {
            poker.poke();
        }
        for piece in together {
            piece.reply(failure.clone());
        }
    }
}

/// Commits as durably as the most demanding of these writes requires. `current`: the connection's
/// setting, if known.
fn set_durability(
    connection: &Connection,
    current: &mut Option<Durability>,
    together: &[Box<dyn Piece>],
) -> rusqlite::Result<()> {
    let needed = together.iter().map(|piece| piece.durability()).max();
    if let Some(needed) = needed.filter(|needed| *current != Some(*needed)) {
        *current = None;
        connection.execute_batch(needed.pragma())?;
        *current = Some(needed);
    }
    Ok(())
}

/// The next queued write; `None` at the end. Shortens a long log while the queue is empty.
fn next_write(
    connection: &Connection,
    queue: &Receiver<Box<dyn Piece>>,
    log: Option<&PathBuf>,
) -> Option<Box<dyn Piece>> {
    let is_long =
        || log.and_then(|log| log.metadata().ok()).is_some_and(|log| log.len() > LONG_LOG);
    while is_long() {
        match queue.recv_timeout(SHORTEN_AGAIN) {
            Ok(first) => return Some(first),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => shorten(connection),
        }
    }
    queue.recv().ok()
}

/// Copies the log into the store and truncates it, unless somebody reads or writes at this moment:
/// a later attempt follows.
fn shorten(connection: &Connection) {
    let patience = connection.query_row("PRAGMA busy_timeout", [], |row| row.get::<_, u32>(0));
    let Ok(patience) = patience.map(|millis| Duration::from_millis(millis.into())) else { return };
    let shortened = connection
        .busy_timeout(Duration::ZERO)
        .and_then(|()| connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
    if let Err(error) = shortened.and(connection.busy_timeout(patience)) {
        tracing::debug!(%error, "the write-ahead log could not be shortened");
    }
}

/// Runs the writes and commits. If the transaction fails as a whole, no write is kept.
fn commit_together(
    connection: &Connection,
    together: &mut [Box<dyn Piece>],
) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for piece in together {
        connection.execute_batch("SAVEPOINT piece")?;
        let keep = piece.run(connection);
        // A full disk makes SQLite roll back the whole transaction; ending the savepoint then
        // fails, as intended.
        connection.execute_batch(if keep {
            "RELEASE piece"
        } else {
            "ROLLBACK TO piece; RELEASE piece"
        })?;
    }
    connection.execute_batch("COMMIT")
}

/// Maximum number of connections. Each may cache 2 MiB of the file (SQLite's default).
const MOST_READERS: usize = 16;

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
    fn lend<T>(
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
        let full = |kept: &mut Kept| kept.idle.is_empty() && kept.open >= MOST_READERS;
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
        let all = Arc::new(Barrier::new(MOST_READERS));
        let threads = (0..MOST_READERS * 8).map(|n| {
            let (readers, opened, all) =
                (Arc::clone(&readers), Arc::clone(&opened), Arc::clone(&all));
            std::thread::spawn(move || {
                if n >= MOST_READERS * 7 {
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
        assert_eq!(opened.load(Ordering::Relaxed), MOST_READERS);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = readers
                .lend(|| open(&opened), |_| -> Result<(), StoreError> { panic!("as tested") });
        }));
        assert!(panicked.is_err());
        let cannot = readers.lend(|| Err(rusqlite::Error::InvalidQuery), |_| Ok(()));
        assert!(cannot.is_ok(), "another is idle");
        assert_eq!(readers.kept.lock().unwrap().open, MOST_READERS - 1);
    }

    #[test]
    fn a_commit_waits_for_the_disk_if_any_of_its_writes_must() {
        let folder = tempfile::tempdir().unwrap();
        let at = "2026-03-01T12:00:00Z".parse().unwrap();
        let store = Store::open(&folder.path().join("gander.db"), None, at).unwrap();
        let setting = |connection: &Connection| {
            connection
                .query_row("PRAGMA synchronous", [], |row| row.get::<_, u8>(0))
                .map_err(from_sqlite)
        };
        let (normal, full) = (1, 2);
        for _ in 0..2 {
            assert_eq!(store.write_soon(setting).unwrap(), normal);
            assert_eq!(store.write(setting).unwrap(), full);
        }
        let piece = |durability| -> Box<dyn Piece> {
            let work = Some(|_: &Connection| Ok(()));
            Box::new(Write { durability, work, result: None, caller: channel().0 })
        };
        let together = [piece(Durability::Soon), piece(Durability::Now), piece(Durability::Soon)];
        let connection = Connection::open_in_memory().unwrap();
        set_durability(&connection, &mut None, &together[..1]).unwrap();
        assert_eq!(setting(&connection).unwrap(), normal);
        set_durability(&connection, &mut Some(Durability::Soon), &together).unwrap();
        assert_eq!(setting(&connection).unwrap(), full);
    }
}
