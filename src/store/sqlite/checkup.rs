//! Looks at a store's file as it lies, without making, migrating or changing anything.

use std::path::Path;

use super::open::{Access, connect, newest, schema_of};
use super::{BUSY, audit, from_sqlite, rows, with_path};
use crate::core::decision::DecisionId;
use crate::store::{Audit, StoreError};

/// What was found in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// The version of its tables.
    pub schema: i64,
    /// The version that this program makes and reads.
    pub known_schema: i64,
    /// The log, the states and the file; absent if the tables are older than this program reads.
    pub audit: Option<Audit>,
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
    let connection =
        connect(path, Access::Read, BUSY).map_err(|error| with_path(from_sqlite(error), path))?;
    let (schema, known_schema) = (schema_of(&connection, path)?, newest());
    let writable = try_to_write(path);
    if schema != known_schema {
        return Ok(Examination {
            schema,
            known_schema,
            audit: None,
            writable,
            unsettled: Vec::new(),
        });
    }
    let audit = Some(audit::audit(&connection)?);
    let unsettled = rows::ids(&connection, rows::UNSETTLED, [])?;
    Ok(Examination { schema, known_schema, audit, writable, unsettled })
}

/// Takes the write lock and gives it back.
fn try_to_write(path: &Path) -> Result<(), StoreError> {
    let taken = connect(path, Access::Write, BUSY)
        .and_then(|connection| connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK"));
    taken.map_err(|error| with_path(from_sqlite(error), path))
}
