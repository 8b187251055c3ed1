//! Statements of the event log: reads events, and exports entries byte for byte.

use std::sync::PoisonError;

use rusqlite::{Connection, Row, params};

use super::rows::{column, limited, query, query_columns, signed, time, unreadable, unsigned};
use super::{Store, from_sqlite};
use crate::core::decision::DecisionId;
use crate::core::decision::event::{Event, Logged};
use crate::store::chain::Entry;
use crate::store::{Head, StoreError};

/// The event log.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct EventLogStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl EventLogStore<'_> {
    /// Events after a position, in order.
    pub fn events(self, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        self.store.read(|connection| events(connection, after, limit))
    }

    /// All events of one decision, in order.
    pub fn history(self, id: DecisionId) -> Result<Vec<Logged>, StoreError> {
        self.store.read(|connection| history(connection, id))
    }

    /// The end of the log.
    pub fn head(self) -> Result<Head, StoreError> {
        self.store.read(head)
    }

    /// Log entries after a position, byte for byte.
    pub fn entries(self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.store.read(|connection| entries(connection, after, limit))
    }

    /// A number with a different value after every write by any process.
    pub fn data_version(self) -> Result<i64, StoreError> {
        let watcher = self.store.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.pragma_query_value(None, "data_version", |row| row.get(0)).map_err(from_sqlite)
    }
}

#[cfg(test)]
impl EventLogStore<'_> {
    /// Makes every read of the log fail, or succeed again.
    pub(crate) fn hide(self, hidden: bool) -> Result<(), StoreError> {
        let (from, to) = if hidden { ("event", "hidden") } else { ("hidden", "event") };
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        self.store.write(move |connection| connection.execute_batch(&sql).map_err(from_sqlite))
    }
}

pub(super) fn head(connection: &Connection) -> Result<Head, StoreError> {
    let found =
        query(connection, "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok(Head { seq: unsigned(column(row, 0)?), hash: column(row, 1)? })
        });
    Ok(found?.pop().unwrap_or_else(|| Head { seq: 0, hash: String::new() }))
}

const EVENT: &str = "SELECT seq, at, decision, body, text, hash FROM event";

/// Reassembles an event from body and content.
pub(super) fn event(body: &[u8], text: Option<&[u8]>) -> Result<Event, serde_json::Error> {
    let mut event: Event = serde_json::from_slice(body)?;
    if let Some(text) = text {
        event.put_content(serde_json::from_slice(text)?);
    }
    Ok(event)
}

/// Columns of an event.
const EVENT_COLUMNS: [&str; 6] = ["seq", "at", "decision", "body", "text", "hash"];

fn logged(row: &Row<'_>, columns: [usize; 6]) -> Result<Logged, StoreError> {
    let [seq, at, decision, body, text, hash] = columns;
    let (body, text): (String, Option<String>) = (column(row, body)?, column(row, text)?);
    Ok(Logged {
        seq: unsigned(column(row, seq)?),
        at: time(column(row, at)?)?,
        decision: DecisionId(column(row, decision)?),
        event: event(body.as_bytes(), text.as_deref().map(str::as_bytes)).map_err(unreadable)?,
        hash: column(row, hash)?,
    })
}

pub(super) fn events(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<Logged>, StoreError> {
    query_columns(
        connection,
        &format!("{EVENT} WHERE seq > ?1 ORDER BY seq LIMIT ?2"),
        params![signed(after), limited(limit)],
        EVENT_COLUMNS,
        logged,
    )
}

pub(super) fn history(connection: &Connection, id: DecisionId) -> Result<Vec<Logged>, StoreError> {
    let sql = format!("{EVENT} WHERE decision = ?1 ORDER BY seq");
    query_columns(connection, &sql, [id.0], EVENT_COLUMNS, logged)
}

pub(super) fn entries(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let before =
        query(connection, "SELECT hash FROM event WHERE seq = ?1", [signed(after)], |row| {
            column(row, 0)
        })?
        .pop();
    let mut previous: String = before.unwrap_or_default();
    let sql = "
        SELECT seq, at, decision, body, text, digest, hash FROM event
        WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let names = ["seq", "at", "decision", "body", "text", "digest", "hash"];
    query_columns(connection, sql, params![signed(after), limited(limit)], names, |row, names| {
        let [seq, at, decision, body, text, digest, hash] = names;
        let hash: String = column(row, hash)?;
        Ok(Entry {
            seq: unsigned(column(row, seq)?),
            at: column(row, at)?,
            decision: column(row, decision)?,
            previous: std::mem::replace(&mut previous, hash.clone()),
            body: column(row, body)?,
            text: column(row, text)?,
            digest: column(row, digest)?,
            hash,
        })
    })
}
