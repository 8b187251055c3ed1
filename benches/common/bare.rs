//! The least that a durable change costs: a row in a table, and nothing around it.

use std::path::Path;

use rusqlite::Connection;

/// A table without anything around it, as durable as Gander's store: WAL, `synchronous=FULL`.
pub(crate) struct Bare(Connection);

impl Bare {
    pub(crate) fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.pragma_update(None, "synchronous", "FULL").unwrap();
        connection
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, document TEXT \
                            NOT NULL) STRICT",
            )
            .unwrap();
        Self(connection)
    }

    /// One row in a transaction of its own. Durable when it returns.
    pub(crate) fn insert(&self, document: &str) {
        let mut insert = self.0.prepare_cached("INSERT INTO bare (document) VALUES (?1)").unwrap();
        insert.execute([document]).unwrap();
    }
}
