//! Examines a store's file without creating, migrating or changing anything.

use std::path::Path;

use super::connections::LONG_LOG;
use super::open::{ConnectionMode, connect, newest, schema_of};
use super::{BUSY, audit, backfill, cards, from_sqlite, memos, open, rows, with_path};
use crate::core::decision::DecisionId;
use crate::store::{Audit, StoreError, files};

/// Result of an examination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// Schema version of the file.
    pub schema: i64,
    /// Schema version of this program.
    pub known_schema: i64,
    /// Audit of the log, the states and the file; absent until this version has upgraded the store.
    pub audit: Option<Audit>,
    /// Whether the store is currently writable.
    pub writable: Result<(), StoreError>,
    /// Size in bytes of the write-ahead log.
    pub log_bytes: u64,
    /// Whether the log has grown because a reader kept it from being copied into the store.
    pub log_is_long: bool,
    /// Decisions with a missing or outdated card, according to the store's records.
    pub unsettled: Vec<DecisionId>,
}

/// Examines a store. Reads the whole file.
///
/// # Errors
/// [`StoreError`] if the store cannot be opened or read at all.
pub fn examine(path: &Path) -> Result<Examination, StoreError> {
    let connection = connect(path, ConnectionMode::Read, BUSY)
        .map_err(|error| with_path(from_sqlite(error), path))?;
    let (schema, known_schema) = (schema_of(&connection, path)?, newest());
    let writable = try_to_write(path);
    let log_bytes = files::beside(path, "-wal").metadata().map_or(0, |log| log.len());
    // Twice the size at which the writer shortens the log, because a busy log varies.
    let log_is_long = log_bytes > 2 * LONG_LOG;
    // What an earlier version derived is not yet as this version derives it.
    if schema != known_schema || !backfill::is_filled_in(&connection)? {
        return Ok(Examination {
            schema,
            known_schema,
            audit: None,
            writable,
            log_bytes,
            log_is_long,
            unsettled: Vec::new(),
        });
    }
    let audit = Some(audit::audit(&connection)?);
    let unsettled = rows::ids(&connection, cards::OUTDATED_CARDS, [])?;
    Ok(Examination { schema, known_schema, audit, writable, log_bytes, log_is_long, unsettled })
}

/// A memo ([`super::MemoStore`]), read without changing anything. `None` if there is none, or the
/// file is no readable store.
#[must_use]
pub fn memo(path: &Path, name: &str) -> Option<String> {
    let connection = connect(path, ConnectionMode::Read, BUSY).ok()?;
    open::meta(&connection, &memos::key_of(name)).ok()?
}

/// Takes and releases the write lock.
fn try_to_write(path: &Path) -> Result<(), StoreError> {
    let taken = connect(path, ConnectionMode::Write, BUSY)
        .and_then(|connection| connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK"));
    taken.map_err(|error| with_path(from_sqlite(error), path))
}
