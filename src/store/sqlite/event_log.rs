//! Statements of the event log: reads events, and exports entries byte for byte.

use std::sync::PoisonError;

use rusqlite::{Connection, Row, params};

use super::rows::{column, limited, query, query_columns, signed, time, unreadable, unsigned};
use super::{Store, from_sqlite};
use crate::core::decision::DecisionId;
use crate::core::decision::event::{Event, Logged};
use crate::core::jobs::{JobEvent, JobId, LoggedJob};
use crate::store::chain::{self, Entry, LogSubject};
use crate::store::{Head, LogPage, StoreError};

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
    /// Events of decisions and of jobs after a position, at most `limit` of both together.
    pub fn page(self, after: u64, limit: usize) -> Result<LogPage, StoreError> {
        self.store.read(|connection| page(connection, after, limit))
    }

    /// Events of decisions after a position, in order.
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

/// An event to append.
pub(super) struct NewEntry {
    pub(super) subject: LogSubject,
    /// In milliseconds since 1970.
    pub(super) at: i64,
    /// The event as JSON, without the long text.
    pub(super) body: String,
    /// The long text as JSON.
    pub(super) text: Option<String>,
}

/// Appends an event after `head`, the end of the log.
pub(super) fn append(
    connection: &Connection,
    head: &Head,
    entry: NewEntry,
) -> Result<(), StoreError> {
    let NewEntry { subject, at, body, text } = entry;
    let seq = head.seq + 1;
    let digest = text.as_ref().map(|text| chain::digest(text.as_bytes()));
    let digested = digest.as_deref().map(str::as_bytes);
    let hash = chain::link(head.hash.as_bytes(), seq, at, subject, digested, body.as_bytes());
    let (decision, job) = subject.columns();
    connection
        .prepare_cached(
            "INSERT INTO event (seq, at, decision, job, body, text, digest, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .and_then(|mut insert| {
            insert.execute(params![signed(seq), at, decision, job, body, text, digest, hash])
        })
        .map_err(from_sqlite)?;
    Ok(())
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
        &format!(
            "{EVENT} NOT INDEXED
            WHERE seq > ?1 AND decision IS NOT NULL ORDER BY seq LIMIT ?2"
        ),
        params![signed(after), limited(limit)],
        EVENT_COLUMNS,
        logged,
    )
}

fn page(connection: &Connection, after: u64, limit: usize) -> Result<LogPage, StoreError> {
    let sql = "SELECT seq, at, decision, body, text, hash, job FROM event
        WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let names = ["seq", "at", "decision", "body", "text", "hash", "job"];
    let mut page = LogPage::default();
    let read = |row: &Row<'_>, [seq, at, decision, body, text, hash, job]: [usize; 7]| {
        page.count += 1;
        page.last = unsigned(column(row, seq)?);
        if column::<Option<i64>>(row, decision)?.is_some() {
            page.decisions.push(logged(row, [seq, at, decision, body, text, hash])?);
        } else {
            page.jobs.push(logged_job(row, [seq, at, job, body, text, hash])?);
        }
        Ok(())
    };
    query_columns(connection, sql, params![signed(after), limited(limit)], names, read)?;
    Ok(page)
}

/// Reassembles an event of a job from body and long text.
pub(super) fn job_event(body: &[u8], text: Option<&[u8]>) -> Result<JobEvent, serde_json::Error> {
    let mut event: JobEvent = serde_json::from_slice(body)?;
    if let Some(text) = text {
        event.put_text(serde_json::from_slice(text)?);
    }
    Ok(event)
}

fn logged_job(row: &Row<'_>, columns: [usize; 6]) -> Result<LoggedJob, StoreError> {
    let [seq, at, job, body, text, hash] = columns;
    let (body, text): (String, Option<String>) = (column(row, body)?, column(row, text)?);
    let text = text.as_deref().map(str::as_bytes);
    Ok(LoggedJob {
        seq: unsigned(column(row, seq)?),
        at: time(column(row, at)?)?,
        job: column::<Option<i64>>(row, job)?.map(JobId),
        event: job_event(body.as_bytes(), text).map_err(unreadable)?,
        hash: column(row, hash)?,
    })
}

pub(super) fn job_history(
    connection: &Connection,
    id: JobId,
) -> Result<Vec<LoggedJob>, StoreError> {
    let sql = "SELECT seq, at, job, body, text, hash FROM event WHERE job = ?1 ORDER BY seq";
    let names = ["seq", "at", "job", "body", "text", "hash"];
    query_columns(connection, sql, [id.0], names, logged_job)
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
        SELECT seq, at, decision, job, body, text, digest, hash FROM event
        WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let names = ["seq", "at", "decision", "job", "body", "text", "digest", "hash"];
    query_columns(connection, sql, params![signed(after), limited(limit)], names, |row, names| {
        let [seq, at, decision, job, body, text, digest, hash] = names;
        let hash: String = column(row, hash)?;
        Ok(Entry {
            seq: unsigned(column(row, seq)?),
            at: column(row, at)?,
            decision: LogSubject::of(column(row, decision)?, column(row, job)?),
            previous: std::mem::replace(&mut previous, hash.clone()),
            body: column(row, body)?,
            text: column(row, text)?,
            digest: column(row, digest)?,
            hash,
        })
    })
}
