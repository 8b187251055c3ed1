//! The one thread that writes: it takes what is waiting, runs each piece in a SAVEPOINT, and
//! commits once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::super::StoreError;
use super::from_sqlite;

/// Pieces that share a commit at most, so that the first of a flood is not kept waiting for the
/// last.
const MOST_TOGETHER: usize = 256;

/// A piece of work and the caller that waits for it.
trait Piece: Send {
    /// Does it. Whether it is to be kept.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Tells the caller, after the commit or after its failure.
    fn tell(self: Box<Self>, failure: Option<StoreError>);
}

struct Write<T, F> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    caller: Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, StoreError> + Send> Piece for Write<T, F> {
    fn run(&mut self, connection: &Connection) -> bool {
        // A panic in one piece must not end the thread that all the others wait for; its savepoint
        // takes back what it wrote.
        let run = |work: F| catch_unwind(AssertUnwindSafe(|| work(connection)));
        let ended_early =
            |_| Err(StoreError::Failed("the write ended early; this is a bug in Gander".into()));
        self.result = self.work.take().map(|work| run(work).unwrap_or_else(ended_early));
        matches!(self.result, Some(Ok(_)))
    }

    fn tell(self: Box<Self>, failure: Option<StoreError>) {
        let result = match (failure, self.result) {
            (Some(error), _) => Err(error),
            (None, Some(result)) => result,
            (None, None) => Err(StoreError::Failed("the write was not run".into())),
        };
        // A caller that gave up does not want to be told.
        let _ = self.caller.send(result);
    }
}

/// A handle on the writer thread, which ends when this is dropped and its queue is empty.
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

    /// Runs `work` in a transaction. Returns once it is durable, or was not kept.
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
            // A writer that panicked has already dropped its callers' channels; they were told.
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
            // If even this fails, the next BEGIN does, and says so.
            let _ = connection.execute_batch("ROLLBACK");
        }
        for piece in together {
            piece.tell(failure.clone());
        }
    }
}

/// Runs the pieces and commits them. Where the transaction as a whole fails, none of them is kept.
fn commit_together(
    connection: &Connection,
    together: &mut [Box<dyn Piece>],
) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for piece in together {
        connection.execute_batch("SAVEPOINT piece")?;
        let keep = piece.run(connection);
        // A full disk rolls the whole transaction back by itself; then ending the savepoint fails,
        // as it should.
        connection.execute_batch(if keep {
            "RELEASE piece"
        } else {
            "ROLLBACK TO piece; RELEASE piece"
        })?;
    }
    connection.execute_batch("COMMIT")
}
