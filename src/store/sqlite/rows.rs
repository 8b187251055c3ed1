//! The statements: decisions, events and deliveries to rows and back.

use rusqlite::{Connection, Params, Row, params};
use sha2::{Digest, Sha256};

use super::super::{Delivery, Filter, Head, StoreError, hex};
use super::from_sqlite;
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Request};
use crate::core::event::{Event, Logged};

/// Open decisions without a card of their latest return, interrupted creates, and messages that show an earlier state.
pub(super) const UNSETTLED: &str = "
    SELECT id FROM decision AS d
    WHERE d.state IN ('pending', 'deferred') AND NOT EXISTS (
        SELECT 1 FROM delivery AS v
        WHERE v.decision = d.id AND v.lost = 0 AND v.returns = d.returns AND v.message IS NOT NULL)
    UNION
    SELECT v.decision FROM delivery AS v JOIN decision AS d ON d.id = v.decision
    WHERE v.lost = 0 AND (v.message IS NULL OR v.shown < d.changed)
    ORDER BY 1";

fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

fn time(millis: i64) -> Result<Time, StoreError> {
    Time::from_timestamp_millis(millis).ok_or_else(|| unreadable(format!("time {millis}")))
}

fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn unsigned(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}

fn parse(document: &str) -> Result<Decision, StoreError> {
    serde_json::from_str(document).map_err(unreadable)
}

fn query<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(from_sqlite)?;
    let mut rows = statement.query(params).map_err(from_sqlite)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn column<T: rusqlite::types::FromSql>(row: &Row<'_>, index: usize) -> Result<T, StoreError> {
    row.get(index).map_err(from_sqlite)
}

pub(super) fn ids(connection: &Connection, sql: &str, params: impl Params) -> Result<Vec<DecisionId>, StoreError> {
    query(connection, sql, params, |row| column(row, 0).map(DecisionId))
}

pub(super) fn next_id(connection: &Connection) -> Result<DecisionId, StoreError> {
    connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM decision", [], |row| row.get(0)).map(DecisionId).map_err(from_sqlite)
}

pub(super) fn get(connection: &Connection, id: DecisionId) -> Result<Option<Decision>, StoreError> {
    let found = query(connection, "SELECT document FROM decision WHERE id = ?1", [id.0], |row| parse(&column::<String>(row, 0)?));
    Ok(found?.pop())
}

pub(super) fn open_with_key(connection: &Connection, request: &Request) -> Result<Option<Decision>, StoreError> {
    let Some(key) = &request.dedup_key else { return Ok(None) };
    let found = query(
        connection,
        "SELECT document FROM decision
         WHERE project = ?1 AND dedup_key = ?2 AND state IN ('pending', 'deferred')",
        params![request.project, key],
        |row| parse(&column::<String>(row, 0)?),
    );
    Ok(found?.pop())
}

pub(super) fn list(connection: &Connection, filter: &Filter) -> Result<Vec<Decision>, StoreError> {
    let limit = if filter.limit == 0 { i64::MAX } else { i64::try_from(filter.limit).unwrap_or(i64::MAX) };
    let open = if filter.open_only { "state IN ('pending', 'deferred')" } else { "true" };
    // Without a prefix the condition is left out, so that the index of keys is used only where it helps.
    let keys = if filter.key_prefix.is_some() { "dedup_key >= ?3 AND dedup_key < ?4" } else { "(?3 IS NULL AND ?4 IS NULL)" };
    let behind = filter.key_prefix.as_ref().map(|prefix| format!("{prefix}\u{10FFFF}"));
    query(
        connection,
        &format!(
            "SELECT document FROM decision WHERE {open} AND (?1 IS NULL OR project = ?1) AND {keys} ORDER BY id DESC LIMIT ?2"
        ),
        params![filter.project, limit, filter.key_prefix, behind],
        |row| parse(&column::<String>(row, 0)?),
    )
}

/// Files a new decision with its first event.
pub(super) fn insert(connection: &Connection, decision: Decision, event: &Event, at: Time) -> Result<Decision, StoreError> {
    put(connection, &decision)?;
    append(connection, decision, event, at)
}

/// Appends an event to the log and writes the state that it makes.
pub(super) fn append(connection: &Connection, decision: Decision, event: &Event, at: Time) -> Result<Decision, StoreError> {
    let head = head(connection)?;
    let seq = head.seq + 1;
    let body = serde_json::to_string(event).map_err(unreadable)?;
    let hash = link(&head.hash, seq, at.timestamp_millis(), decision.id, &body);
    connection
        .prepare_cached("INSERT INTO event (seq, at, decision, body, hash) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut insert| insert.execute(params![signed(seq), at.timestamp_millis(), decision.id.0, body, hash]))
        .map_err(from_sqlite)?;
    // What is kept has the log's precision, so that a replay gives the same state to the millisecond.
    let decision = decision.evolve(event, time(at.timestamp_millis())?, seq);
    put(connection, &decision)?;
    Ok(decision)
}

fn put(connection: &Connection, decision: &Decision) -> Result<(), StoreError> {
    let document = serde_json::to_string(decision).map_err(unreadable)?;
    connection
        .prepare_cached(
            "INSERT INTO decision (id, state, project, dedup_key, returns, changed, wake_at, document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET state = ?2, project = ?3, dedup_key = ?4, returns = ?5, changed = ?6,
                                            wake_at = ?7, document = ?8",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![
                decision.id.0,
                decision.state.word(),
                decision.request.project,
                decision.request.dedup_key,
                decision.returns,
                signed(decision.changed),
                decision.wake_at().map(|at| at.timestamp_millis()),
                document,
            ])
        })
        .map(drop)
        .map_err(from_sqlite)
}

/// The hash of an event: SHA-256 over its predecessor's and everything that the row says.
fn link(previous: &str, seq: u64, at: i64, decision: DecisionId, body: &str) -> String {
    hex(&Sha256::digest(format!("{previous}\n{seq}\n{at}\n{}\n{body}", decision.0)))
}

pub(super) fn head(connection: &Connection) -> Result<Head, StoreError> {
    let found = query(connection, "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1", [], |row| {
        Ok(Head { seq: unsigned(column(row, 0)?), hash: column(row, 1)? })
    });
    Ok(found?.pop().unwrap_or_else(|| Head { seq: 0, hash: String::new() }))
}

const EVENT: &str = "SELECT seq, at, decision, body, hash FROM event";

fn logged(row: &Row<'_>) -> Result<Logged, StoreError> {
    Ok(Logged {
        seq: unsigned(column(row, 0)?),
        at: time(column(row, 1)?)?,
        decision: DecisionId(column(row, 2)?),
        event: serde_json::from_str(&column::<String>(row, 3)?).map_err(unreadable)?,
        hash: column(row, 4)?,
    })
}

pub(super) fn events(connection: &Connection, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    query(connection, &format!("{EVENT} WHERE seq > ?1 ORDER BY seq LIMIT ?2"), params![signed(after), limit], logged)
}

pub(super) fn history(connection: &Connection, id: DecisionId) -> Result<Vec<Logged>, StoreError> {
    query(connection, &format!("{EVENT} WHERE decision = ?1 ORDER BY seq"), [id.0], logged)
}

pub(super) fn first_broken_link(connection: &Connection) -> Result<Option<u64>, StoreError> {
    let (mut previous, mut expected) = (String::new(), 1_u64);
    let mut statement = connection.prepare(&format!("{EVENT} ORDER BY seq")).map_err(from_sqlite)?;
    let mut rows = statement.query([]).map_err(from_sqlite)?;
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        let seq = unsigned(column(row, 0)?);
        let (at, decision, body): (i64, i64, String) = (column(row, 1)?, column(row, 2)?, column(row, 3)?);
        let hash: String = column(row, 4)?;
        if seq != expected || hash != link(&previous, seq, at, DecisionId(decision), &body) {
            return Ok(Some(expected));
        }
        (previous, expected) = (hash, expected + 1);
    }
    Ok(None)
}

pub(super) fn deliveries(connection: &Connection, condition: &str, params: impl Params) -> Result<Vec<Delivery>, StoreError> {
    let sql =
        format!("SELECT decision, generation, returns, channel, intent_at, message, shown, lost FROM delivery WHERE {condition}");
    query(connection, &sql, params, |row| {
        Ok(Delivery {
            decision: DecisionId(column(row, 0)?),
            generation: column(row, 1)?,
            returns: column(row, 2)?,
            channel: column(row, 3)?,
            intent_at: time(column(row, 4)?)?,
            message: column(row, 5)?,
            shown: unsigned(column(row, 6)?),
            lost: column(row, 7)?,
        })
    })
}

pub(super) fn put_delivery(connection: &Connection, delivery: &Delivery) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO delivery (decision, generation, returns, channel, intent_at, message, shown, lost)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (decision, generation) DO UPDATE SET channel = ?4, intent_at = ?5, message = ?6, shown = ?7, lost = ?8",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![
                delivery.decision.0,
                delivery.generation,
                delivery.returns,
                delivery.channel,
                delivery.intent_at.timestamp_millis(),
                delivery.message,
                signed(delivery.shown),
                delivery.lost,
            ])
        })
        .map(drop)
        .map_err(from_sqlite)
}
