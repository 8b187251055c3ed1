//! One `serve` per store: an operating-system lock on a file beside the store, released when the
//! process ends.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use crate::core::Time;
use crate::disk;
use crate::store::files;

/// Holds the lock until dropped or until the process ends, even by a crash.
#[derive(Debug)]
pub struct ServeLock {
    _file: File,
}

/// Why the lock was not acquired.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds the lock.
    #[error(
        "another gander serve ({holder}) already runs on the store {store}. Stop it first, or \
         use another store with --store"
    )]
    Held {
        /// The holder's description of itself.
        holder: String,
        /// The store.
        store: String,
    },
    /// The lock file cannot be created or locked.
    #[error("cannot use the lock file {path}: {why}. Check the folder's permissions")]
    Failed {
        /// The file.
        path: String,
        /// The system's error.
        why: std::io::Error,
    },
}

/// Acquires a store's lock.
///
/// # Errors
/// [`LockError::Held`] naming the holder, [`LockError::Failed`].
pub fn acquire(store: &Path, now: Time) -> Result<ServeLock, LockError> {
    let path = files::beside(store, ".lock");
    let failed = |why| LockError::Failed { path: path.display().to_string(), why };
    files::private_folder(files::folder_of(store)).map_err(failed)?;
    let mut file = disk::open_private(&path).map_err(|error| failed(error.into()))?;
    match try_lock(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(LockError::Held {
                holder: holder_line(&mut file),
                store: store.display().to_string(),
            });
        }
        Err(TryLockError::Error(why)) => return Err(failed(why)),
    }
    let line =
        format!("process {}, since {}\n", std::process::id(), now.format("%Y-%m-%d %H:%M:%S UTC"));
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(line.as_bytes()))
        .map_err(failed)?;
    Ok(ServeLock { _file: file })
}

/// Attempts to acquire the lock. [`holder`] takes the lock for a moment, even when no `serve` runs.
const TRIES: u32 = 5;
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

fn try_lock(file: &File) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    file.try_lock()
}

/// The holder of a store's lock, as the holder describes itself; `None` if the lock is free.
/// Creates and changes no file.
#[must_use]
pub fn holder(store: &Path) -> Option<String> {
    let mut file = disk::open_beside(&files::beside(store, ".lock")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(holder_line(&mut file)),
        // Free, or a file system without locks: the holder is unknown.
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// Longest line of a holder that is read, in bytes.
const LONGEST_LINE: u64 = 1 << 10;

/// The holder's line in the lock file.
fn holder_line(file: &mut File) -> String {
    let mut holder = String::new();
    // Unreadable or not written yet: the text stays empty.
    let _ = file.take(LONGEST_LINE).read_to_string(&mut holder);
    if holder.trim().is_empty() { "just starting".into() } else { holder.trim().to_owned() }
}
