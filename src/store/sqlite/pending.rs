//! Statements of the list of pending decisions.

use rusqlite::{Connection, Params, Row};

use super::event_log;
use super::rows::{column, ids, query_columns, signed, time, unreadable};
use crate::core::decision::DecisionId;
use crate::core::decision::pending_summary::PendingSummary;
use crate::store::{PendingChanges, StoreError};

/// Columns of the list, all covered by a partial index without closed decisions.
pub(super) const WAITING: &str = "
    SELECT id, project, kind, risk, priority, breach_at, asked_at, asked_by
    FROM decision INDEXED BY decision_waiting WHERE state = 'pending'";

/// Decisions with an event after a log position. By its index of decisions, SQLite would read the
/// whole log.
pub(super) const CHANGED: &str = "
    SELECT DISTINCT decision FROM event NOT INDEXED WHERE seq > ?1 AND decision IS NOT NULL";

/// The pending ones of [`CHANGED`], with the columns of [`WAITING`]. Without `CROSS JOIN` and `+`,
/// SQLite reads all pending decisions, and asks of each whether it changed.
pub(super) const WAITING_SINCE: &str = "
    SELECT id, project, kind, risk, priority, breach_at, asked_at, asked_by
    FROM (SELECT DISTINCT decision FROM event NOT INDEXED
        WHERE seq > ?1 AND decision IS NOT NULL) AS changed
    CROSS JOIN decision ON id = changed.decision
    WHERE +state = 'pending'";

/// Events up to which reading the changed decisions is faster than reading all pending decisions.
const MOST_CHANGES: u64 = 1_000;

pub(super) fn list(connection: &Connection) -> Result<Vec<PendingSummary>, StoreError> {
    summaries(connection, WAITING, [])
}

pub(super) fn changes(
    connection: &Connection,
    after: Option<u64>,
) -> Result<PendingChanges, StoreError> {
    // Read first: a decision that changes during the next reads is read again next time.
    let position = event_log::head(connection)?.seq;
    let Some(after) = after.filter(|after| position.saturating_sub(*after) <= MOST_CHANGES) else {
        return Ok(PendingChanges { position, replaced: None, waiting: list(connection)? });
    };
    let after = [signed(after)];
    let replaced = Some(ids(connection, CHANGED, after)?);
    let waiting = summaries(connection, WAITING_SINCE, after)?;
    Ok(PendingChanges { position, replaced, waiting })
}

fn summaries(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<PendingSummary>, StoreError> {
    let word = |row: &Row<'_>, index| column::<String>(row, index);
    let names = ["id", "project", "kind", "risk", "priority", "breach_at", "asked_at", "asked_by"];
    query_columns(connection, sql, params, names, |row, names| {
        let [id, project, kind, risk, priority, breach_at, asked_at, asked_by] = names;
        Ok(PendingSummary {
            id: DecisionId(column(row, id)?),
            project: column(row, project)?,
            kind: word(row, kind)?.into(),
            risk: word(row, risk)?.parse().map_err(unreadable)?,
            priority: word(row, priority)?.parse().map_err(unreadable)?,
            breach_at: time(column(row, breach_at)?)?,
            asked_at: time(column(row, asked_at)?)?,
            asked_by: column(row, asked_by)?,
        })
    })
}
