//! The writer thread: takes all queued writes, runs each in a SAVEPOINT, and commits once.
//!
//! Kept by hand: connection pools and SQLite actor crates commit each write by itself, and each
//! commit waits for the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::from_sqlite;
use crate::store::StoreError;

/// Maximum number of writes per commit, so that the first write of a flood does not wait for the
/// last.
const MOST_TOGETHER: usize = 256;

/// A queued write with the waiting caller.
trait Piece: Send {
    /// Runs the write. Returns whether to keep the changes.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Sends the result to the caller, after the commit or after a failed commit.
    fn reply(self: Box<Self>, failure: Option<StoreError>);
}

struct Write<T, F> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    caller: Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, StoreError> + Send> Piece for Write<T, F> {
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
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (queue, pieces) = channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&connection, &pieces))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Runs `work` in a transaction. Returns once the changes are durable or rolled back.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::Failed("its writer has stopped".into());
        let (caller, answer) = channel();
        let piece = Box::new(Write { work: Some(work), result: None, caller });
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

fn run(connection: &Connection, queue: &Receiver<Box<dyn Piece>>) {
    while let Ok(first) = queue.recv() {
        let mut together: Vec<_> =
            std::iter::once(first).chain(queue.try_iter().take(MOST_TOGETHER - 1)).collect();
        let failure = commit_together(connection, &mut together).err().map(from_sqlite);
        if failure.is_some() && !connection.is_autocommit() {
            // If the rollback fails too, the next BEGIN fails and reports the error.
            let _ = connection.execute_batch("ROLLBACK");
        }
        for piece in together {
            piece.reply(failure.clone());
        }
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
