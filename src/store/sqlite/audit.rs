//! Verifies everything without trust: the hash chain, the replayed states, and the file.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Row, Statement};
use serde_json::Value;

mod jobs;

use super::columns::Columns;
use super::from_sqlite;
use super::grants::GrantRow;
use super::{Store, event_log, grants, precedents, rows};
use crate::core::Time;
use crate::core::decision::precedent::PrecedentHistory;
use crate::core::decision::{Decision, DecisionId, Request, Risk, Terms};
use crate::store::chain::{ChainSummary, ChainWalk, Fault, LogSubject, RawEntry};
use crate::store::{Audit, StoreError};

/// Verification of the store.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct AuditStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl AuditStore<'_> {
    /// Verifies the hash chain, replays every decision's log against the stored state, and checks
    /// the file. Runs on one snapshot while others write.
    pub fn verify(self) -> Result<Audit, StoreError> {
        self.store.read(audit)
    }

    /// Verifies the hash chain and returns the position of the first invalid event, if any.
    pub fn first_broken_link(self) -> Result<Option<u64>, StoreError> {
        self.store.read(first_broken_link)
    }
}

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
    let mut audit = Audit { chain: None, replayed: 0, jobs: 0, fault: None };
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
    jobs::replay(connection, &mut audit.jobs)?;
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

const ENTRY: &str = "SELECT seq, at, decision, job, body, text, digest, hash FROM event";

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

/// Columns of an entry.
const ENTRY_COLUMNS: [&str; 8] = ["seq", "at", "decision", "job", "body", "text", "digest", "hash"];

/// The subject of an event. A value that is no number names no subject, so the check reports a
/// fault.
fn subject(row: &Row<'_>, decision: usize, job: usize) -> Result<LogSubject, rusqlite::Error> {
    let named = |index| match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        other => Ok::<_, rusqlite::Error>(Some(other.as_i64().unwrap_or(i64::MIN))),
    };
    Ok(LogSubject::of(named(decision)?, named(job)?))
}

fn raw<'a>(row: &'a Row<'_>, columns: [usize; 8]) -> Result<RawEntry<'a>, rusqlite::Error> {
    let [seq, at, decision, job, body, text, digest, hash] = columns;
    Ok(RawEntry {
        seq: rows::unsigned(number(row, seq)?),
        at: number(row, at)?,
        decision: subject(row, decision, job)?,
        body: bytes(row, body)?.unwrap_or_default(),
        text: bytes(row, text)?,
        digest: bytes(row, digest)?,
        hash: bytes(row, hash)?.unwrap_or_default(),
    })
}

fn chain(connection: &Connection) -> Result<ChainSummary, End> {
    let mut walk = ChainWalk::default();
    let mut statement = connection.prepare(&format!("{ENTRY} ORDER BY seq"))?;
    let columns = rows::positions(&statement, ENTRY_COLUMNS)?;
    let mut entries = statement.query([])?;
    while let Some(row) = entries.next()? {
        walk.step(raw(row, columns)?)?;
    }
    Ok(walk.end()?)
}

/// Replays every decision's log and compares the result with the stored state.
fn replay(connection: &Connection, replayed: &mut u64) -> Result<(), End> {
    let names = Columns::NAMES.join(", ");
    let mut documents =
        connection.prepare(&format!("SELECT id, document, {names} FROM decision ORDER BY id"))?;
    let [id, document] = rows::positions(&documents, ["id", "document"])?;
    let columns = rows::positions(&documents, Columns::NAMES)?;
    let mut documents = documents.query([])?;
    let mut log = connection.prepare(&format!("{ENTRY} WHERE decision = ?1 ORDER BY seq"))?;
    while let Some(row) = documents.next()? {
        let id = number(row, id)?;
        let Replayed { told, history } = replay_events(&mut log, DecisionId(id))?;
        let told = told.ok_or_else(|| differs(id, "it is stored, but not in the log"))?;
        let kept = bytes(row, document)?.unwrap_or_default();
        must_be_kept(kept, Columns::read(row, columns).ok().as_ref(), &told)?;
        must_have_rows(connection, &told, history)?;
        *replayed += 1;
    }
    let lost = "SELECT min(decision) FROM event
        WHERE decision IS NOT NULL AND decision NOT IN (SELECT id FROM decision)";
    match connection.query_row(lost, [], |row| row.get::<_, Option<i64>>(0))? {
        Some(id) => Err(differs(id, "it is in the log, but not stored")),
        None => Ok(()),
    }
}

fn differs(decision: i64, why: impl Into<String>) -> End {
    Fault::State { decision: LogSubject::Decision(decision), why: why.into() }.into()
}

/// A decision replayed from the log. `None` if the log has no events of the decision or cannot be
/// read.
pub(super) fn replay_decision(connection: &Connection, id: DecisionId) -> Option<Decision> {
    let mut log =
        connection.prepare_cached(&format!("{ENTRY} WHERE decision = ?1 ORDER BY seq")).ok()?;
    replay_events(&mut log, id).ok()?.told
}

/// What a decision's log gives.
struct Replayed {
    /// The decision; absent if the log has no events of the decision.
    told: Option<Decision>,
    /// What its events make precedents.
    history: PrecedentHistory,
}

/// Replays a decision from its log.
fn replay_events(log: &mut Statement<'_>, id: DecisionId) -> Result<Replayed, End> {
    let columns = rows::positions(log, ENTRY_COLUMNS)?;
    let mut events = log.query([id.0])?;
    let (mut told, mut history): (Option<Decision>, _) = (None, PrecedentHistory::default());
    while let Some(row) = events.next()? {
        let RawEntry { seq, at, decision, body, text, .. } = raw(row, columns)?;
        let unreadable = |why: String| End::from(Fault::Unreadable { seq, decision, why });
        let event = event_log::event(body, text).map_err(|error| unreadable(error.to_string()))?;
        let at =
            Time::from_timestamp_millis(at).ok_or_else(|| unreadable(format!("the time {at}")))?;
        // Placeholder terms: the first event sets all fields.
        let terms = Terms { risk: Risk::Low, sla_seconds: 0, ..Terms::default() };
        let before =
            told.take().unwrap_or_else(|| Decision::new(id, Request::default(), terms, at));
        history.add(&event);
        told = Some(before.evolve(&event, at, seq));
    }
    Ok(Replayed { told, history })
}

/// Fails unless the rows beside a decision's own follow from the log.
fn must_have_rows(
    connection: &Connection,
    told: &Decision,
    history: PrecedentHistory,
) -> Result<(), End> {
    let failed = |error: StoreError| End::Failed(error);
    let id = told.id.0;
    let stored = grants::stored(connection, told.id).map_err(failed)?;
    if stored != GrantRow::of(told).map_err(failed)? {
        return Err(differs(id, "its grant differs"));
    }
    let stored = precedents::stored(connection, told.id).map_err(failed)?;
    // A pruned log no longer has the content, by which some marks were made.
    if told.pruned_at.is_some() || stored == history.precedents() {
        return Ok(());
    }
    Err(differs(id, "the record that people have handled it differs"))
}

/// Fails unless a stored decision equals the replayed decision.
fn must_be_kept(document: &[u8], columns: Option<&Columns>, told: &Decision) -> Result<(), End> {
    let id = told.id.0;
    let unreadable =
        |error: serde_json::Error| differs(id, format!("its stored data cannot be read: {error}"));
    let kept: Decision = serde_json::from_slice(document).map_err(unreadable)?;
    // Compares the JSON too: deserializing ignores unknown names, and a name unknown to the log was
    // never written by Gander.
    let entries: Value = serde_json::from_slice(document).map_err(unreadable)?;
    let should = serde_json::to_value(told).map_err(unreadable)?;
    if let Some(part) = first_difference(&entries, &should) {
        return Err(differs(id, format!("its {part:?} differs")));
    }
    if kept != *told {
        return Err(differs(id, "a part is missing from the stored data"));
    }
    if columns != Some(&Columns::of(told)) {
        return Err(differs(id, "its index columns differ from its document"));
    }
    Ok(())
}

/// The path of the first part of `document` with a different value in `other`. Parts missing from
/// `document` are allowed, because earlier versions did not write all parts.
fn first_difference(document: &Value, other: &Value) -> Option<String> {
    let (Value::Object(parts), Value::Object(others)) = (document, other) else {
        return (document != other).then(String::new);
    };
    parts.iter().find_map(|(name, part)| {
        let within = others
            .get(name)
            .map_or_else(|| Some(String::new()), |other| first_difference(part, other))?;
        Some(if within.is_empty() { name.clone() } else { format!("{name}.{within}") })
    })
}
