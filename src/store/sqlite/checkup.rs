//! Looks at a store's file as it lies, without making, migrating or changing anything.

use std::path::Path;

use rusqlite::Connection;

use super::open::{self, Access};
use super::{BUSY, audit, from_sqlite, rows};
use crate::core::decision::DecisionId;
use crate::store::{Head, StoreError};

/// Complaints of SQLite that are kept.
const MOST_COMPLAINTS: usize = 5;

/// What was found in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// SQLite's complaints about the file; none: it is sound.
    pub complaints: Vec<String>,
    /// The version of its tables.
    pub schema: i64,
    /// The version that this program makes and reads.
    pub known_schema: i64,
    /// The first event of the log whose hash does not fit, if any.
    pub broken_link: Option<u64>,
    /// The end of the log.
    pub head: Head,
    /// Whether it could be written now.
    pub writable: Result<(), StoreError>,
    /// Decisions whose cards are not as they should be, by the store's own record.
    pub unsettled: Vec<DecisionId>,
}

/// Examines a store. Reads all of it.
///
/// # Errors
/// [`StoreError`] if it cannot be opened or read at all.
pub fn examine(path: &Path) -> Result<Examination, StoreError> {
    let failed = |error: rusqlite::Error| StoreError::Open { path: path.display().to_string(), why: error.to_string() };
    let connection = reader(path)?;
    let complaints = quick_check(&connection).map_err(failed)?;
    let schema =
        connection.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0)).map_err(|error| {
            StoreError::Open { path: path.display().to_string(), why: format!("it is no store of Gander's ({error})") }
        })?;
    Ok(Examination {
        complaints,
        schema,
        known_schema: open::newest(),
        broken_link: audit::first_broken_link(&connection)?,
        head: rows::head(&connection)?,
        unsettled: rows::ids(&connection, rows::UNSETTLED, [])?,
        writable: try_to_write(path),
    })
}

/// A connection that reads, whether the file and its folder can be written or not.
fn reader(path: &Path) -> Result<Connection, StoreError> {
    match open::connect(path, Access::Read, BUSY).and_then(|connection| quick_check(&connection).map(|_| connection)) {
        Ok(connection) => Ok(connection),
        Err(_) => open::to_read(path, BUSY).map(|(connection, _)| connection),
    }
}

fn quick_check(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA quick_check({MOST_COMPLAINTS})"))?;
    let said = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(said.into_iter().filter(|words| words != "ok").collect())
}

/// Takes the write lock and gives it back.
fn try_to_write(path: &Path) -> Result<(), StoreError> {
    let connection = open::connect(path, Access::Read, BUSY).map_err(from_sqlite)?;
    let taken =
        connection.pragma_update(None, "query_only", false).and_then(|()| connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK"));
    taken.map_err(|error| super::with_path(from_sqlite(error), path))
}
