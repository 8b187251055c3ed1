//! Verifies everything without trust: the hash chain, the replayed states, and the file.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Row};
use serde_json::Value;

use super::super::chain::{Fault, Raw, Walk, Walked};
use super::super::{Audit, StoreError};
use super::from_sqlite;
use super::rows::{self, Columns};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Request, Risk, Terms};

/// Why a check stopped early: a fault, or a store currently unreadable.
enum End {
    Found(Fault),
    Failed(StoreError),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Found(fault)
    }
}

impl From<rusqlite::Error> for End {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Found(Fault::File { why: error.to_string() })
            }
            _ => Self::Failed(from_sqlite(error)),
        }
    }
}

pub(super) fn audit(connection: &Connection) -> Result<Audit, StoreError> {
    let mut audit = Audit { chain: None, replayed: 0, fault: None };
    match check(connection, &mut audit) {
        Ok(()) => {}
        Err(End::Found(fault)) => audit.fault = Some(fault),
        Err(End::Failed(error)) => return Err(error),
    }
    Ok(audit)
}

fn check(connection: &Connection, audit: &mut Audit) -> Result<(), End> {
    // One read transaction gives all checks a single snapshot despite concurrent writes. Dropping
    // the transaction rolls back, harmless for a reader.
    let _moment = connection.unchecked_transaction()?;
    audit.chain = Some(chain(connection)?);
    replay(connection, &mut audit.replayed)?;
    // Last, because SQLite reports a place in the file, while the chain reports the event.
    let said: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(Fault::File { why: said }.into()) }
}

pub(super) fn first_broken_link(connection: &Connection) -> Result<Option<u64>, StoreError> {
    match chain(connection) {
        Ok(_) => Ok(None),
        Err(End::Found(fault)) => match fault.seq() {
            Some(seq) => Ok(Some(seq)),
            None => Err(StoreError::Failed(fault.to_string())),
        },
        Err(End::Failed(error)) => Err(error),
    }
}

const ENTRY: &str = "SELECT seq, at, decision, body, text, digest, hash FROM event";

/// The column's raw bytes: a flipped bit may make the text invalid UTF-8, or change the column's
/// type.
fn bytes<'a>(row: &'a Row<'_>, index: usize) -> Result<Option<&'a [u8]>, rusqlite::Error> {
    Ok(match row.get_ref(index)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes),
        ValueRef::Null => None,
        ValueRef::Integer(_) | ValueRef::Real(_) => Some(b"a number"),
    })
}

fn number(row: &Row<'_>, index: usize) -> Result<i64, rusqlite::Error> {
    // No valid row has this number, so the check reports a fault.
    Ok(row.get_ref(index)?.as_i64().unwrap_or(i64::MIN))
}

fn raw<'a>(row: &'a Row<'_>) -> Result<Raw<'a>, rusqlite::Error> {
    Ok(Raw {
        seq: rows::unsigned(number(row, 0)?),
        at: number(row, 1)?,
        decision: number(row, 2)?,
        body: bytes(row, 3)?.unwrap_or_default(),
        text: bytes(row, 4)?,
        digest: bytes(row, 5)?,
        hash: bytes(row, 6)?.unwrap_or_default(),
    })
}

fn chain(connection: &Connection) -> Result<Walked, End> {
    let mut walk = Walk::default();
    let mut statement = connection.prepare(&format!("{ENTRY} ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        walk.step(raw(row)?)?;
    }
    Ok(walk.end()?)
}

/// Replays every decision's log and compares the result with the stored state.
fn replay(connection: &Connection, replayed: &mut u64) -> Result<(), End> {
    let mut documents = connection
        .prepare(&format!("SELECT id, document, {} FROM decision ORDER BY id", Columns::NAMES))?;
    let mut documents = documents.query([])?;
    let mut log = connection.prepare(&format!("{ENTRY} WHERE decision = ?1 ORDER BY seq"))?;
    while let Some(row) = documents.next()? {
        let id = number(row, 0)?;
        let told = told(log.query([id])?, DecisionId(id))?;
        must_be_kept(
            row,
            &told.ok_or_else(|| differs(id, "it is kept, and the log does not tell of it"))?,
        )?;
        *replayed += 1;
    }
    let lost = "SELECT min(decision) FROM event WHERE decision NOT IN (SELECT id FROM decision)";
    match connection.query_row(lost, [], |row| row.get::<_, Option<i64>>(0))? {
        Some(id) => Err(differs(id, "the log tells of it, and nothing is kept of it")),
        None => Ok(()),
    }
}

fn differs(decision: i64, why: impl Into<String>) -> End {
    Fault::State { decision, why: why.into() }.into()
}

/// A decision replayed from the log. `None` if the log has no events of the decision or cannot be
/// read.
pub(super) fn told_of(connection: &Connection, id: DecisionId) -> Option<Decision> {
    let mut log =
        connection.prepare_cached(&format!("{ENTRY} WHERE decision = ?1 ORDER BY seq")).ok()?;
    told(log.query([id.0]).ok()?, id).ok().flatten()
}

/// Replays a decision from its log.
fn told(mut log: rusqlite::Rows<'_>, id: DecisionId) -> Result<Option<Decision>, End> {
    let mut told: Option<Decision> = None;
    while let Some(row) = log.next()? {
        let Raw { seq, at, decision, body, text, .. } = raw(row)?;
        let unreadable = |why: String| End::from(Fault::Unreadable { seq, decision, why });
        let event = rows::event(body, text).map_err(|error| unreadable(error.to_string()))?;
        let at =
            Time::from_timestamp_millis(at).ok_or_else(|| unreadable(format!("the time {at}")))?;
        // Placeholder terms: the first event sets all fields.
        let terms = Terms { risk: Risk::Low, sla_seconds: 0, ..Terms::default() };
        let before =
            told.take().unwrap_or_else(|| Decision::new(id, Request::default(), terms, at));
        told = Some(before.evolve(&event, at, seq));
    }
    Ok(told)
}

/// Fails unless a stored decision equals the replayed decision.
fn must_be_kept(row: &Row<'_>, told: &Decision) -> Result<(), End> {
    let id = told.id.0;
    let document = bytes(row, 1)?.unwrap_or_default();
    let unreadable = |error: serde_json::Error| {
        differs(id, format!("what is kept of it cannot be read: {error}"))
    };
    let kept: Decision = serde_json::from_slice(document).map_err(unreadable)?;
    // Compares the JSON too: deserializing ignores unknown names, and a name unknown to the log was
    // never written by Gander.
    let letters: Value = serde_json::from_slice(document).map_err(unreadable)?;
    let should = serde_json::to_value(told).map_err(unreadable)?;
    if let Some(part) = other_part(&letters, &should) {
        return Err(differs(id, format!("its {part:?} is another")));
    }
    if kept != *told {
        return Err(differs(id, "a part of it is missing from what is kept"));
    }
    match Columns::read(row, 2) {
        Ok(columns) if columns == Columns::of(told) => Ok(()),
        _ => Err(differs(id, "what it is found by is not what it says")),
    }
}

/// The path of the first part of `document` with a different value in `other`. Parts missing from
/// `document` are allowed, because earlier versions did not write all parts.
fn other_part(document: &Value, other: &Value) -> Option<String> {
    let (Value::Object(parts), Value::Object(others)) = (document, other) else {
        return (document != other).then(String::new);
    };
    parts.iter().find_map(|(name, part)| {
        let within = others
            .get(name)
            .map_or_else(|| Some(String::new()), |other| other_part(part, other))?;
        Some(if within.is_empty() { name.clone() } else { format!("{name}.{within}") })
    })
}
