//! Statements for short texts that a surface keeps under a name.

use rusqlite::{Connection, params};

use super::{Store, from_sqlite, open};
use crate::store::{Amend, StoreError};

/// Short texts that a surface keeps under a name.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct MemoStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl MemoStore<'_> {
    /// The text stored by a surface under this name.
    pub fn get(self, name: &str) -> Result<Option<String>, StoreError> {
        self.store.read(|connection| open::meta(connection, &key_of(name)))
    }

    /// The text stored under this name. Stores `text` if there is none yet; the first of several
    /// processes wins.
    pub fn settle(self, name: &str, text: String) -> Result<String, StoreError> {
        let key = key_of(name);
        self.store.write(move |connection| open::settle(connection, &key, &text))
    }

    /// Stores a surface's text under a name; `None` deletes the text.
    pub fn put(self, name: &str, text: Option<String>) -> Result<(), StoreError> {
        let key = key_of(name);
        self.store.write(move |connection| put(connection, &key, text))
    }

    /// Changes the text under a name, and returns the new text.
    pub fn amend(
        self,
        name: &str,
        change: Amend<Option<String>>,
    ) -> Result<Option<String>, StoreError> {
        let key = key_of(name);
        self.store.write(move |connection| {
            let text = change(open::meta(connection, &key)?);
            put(connection, &key, text.clone())?;
            Ok(text)
        })
    }
}

fn put(connection: &Connection, key: &str, text: Option<String>) -> Result<(), StoreError> {
    let insert = "
        INSERT INTO meta (key, value) VALUES (?1, ?2)
        ON CONFLICT DO UPDATE SET value = ?2";
    let delete = "DELETE FROM meta WHERE key = ?1 AND ?2 IS NULL";
    let sql = if text.is_some() { insert } else { delete };
    connection.execute(sql, params![key, text]).map(drop).map_err(from_sqlite)
}

/// Deletes the texts under all names that begin like this.
pub(super) fn forget(connection: &Connection, prefix: &str) -> Result<(), StoreError> {
    let key = key_of(prefix);
    connection
        .execute(
            "DELETE FROM meta WHERE key >= ?1 AND key < ?2",
            params![key, format!("{key}\u{10FFFF}")],
        )
        .map(drop)
        .map_err(from_sqlite)
}

/// The prefix keeps a surface's names apart from the store's own keys.
pub(super) fn key_of(name: &str) -> String {
    format!("memo:{name}")
}
