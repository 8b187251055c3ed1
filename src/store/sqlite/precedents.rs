//! The marks of questions that people have handled otherwise than with a yes.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::from_sqlite;
use super::rows::{column, query};
use crate::core::decision::event::{Event, Logged};
use crate::core::decision::precedent::{PrecedentHistory, QuestionMark};
use crate::core::decision::{Decision, DecisionId};
use crate::store::StoreError;

/// The latest decision by which people have handled a question with one of these marks, other than
/// `own`.
pub(super) fn find(
    connection: &Connection,
    marks: &[QuestionMark],
    own: Option<DecisionId>,
) -> Result<Option<DecisionId>, StoreError> {
    let own = own.map_or(0, |own| own.0);
    let mut latest = None;
    for QuestionMark { project, digest } in marks {
        let found = query(
            connection,
            "SELECT max(decision) FROM precedent
             WHERE project = ?1 AND mark = ?2 AND decision <> ?3",
            params![project, digest, own],
            |row| column::<Option<i64>>(row, 0),
        );
        latest = latest.max(found?.pop().flatten().map(DecisionId));
    }
    Ok(latest)
}

/// Records what this event, the latest of the decision, makes a precedent.
pub(super) fn record(
    connection: &Connection,
    decision: &Decision,
    event: &Event,
) -> Result<(), StoreError> {
    let revised = matches!(event, Event::Revised { .. });
    if event.sets_precedent() || revised && !stored(connection, decision.id)?.is_empty() {
        return insert(connection, decision.id, decision.request.marks());
    }
    Ok(())
}

/// Records the precedents of a decision from an earlier version's log.
pub(super) fn backfill(
    connection: &Connection,
    id: DecisionId,
    events: &[Logged],
) -> Result<(), StoreError> {
    let mut history = PrecedentHistory::default();
    for logged in events {
        history.add(&logged.event);
    }
    insert(connection, id, history.precedents())
}

fn insert(
    connection: &Connection,
    id: DecisionId,
    marks: impl IntoIterator<Item = QuestionMark>,
) -> Result<(), StoreError> {
    let mut insert = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO precedent (project, mark, decision) VALUES (?, ?, ?)",
        )
        .map_err(from_sqlite)?;
    for QuestionMark { project, digest } in marks {
        insert.execute(params![project, digest, id.0]).map_err(from_sqlite)?;
    }
    Ok(())
}

/// The stored marks of a decision.
pub(super) fn stored(
    connection: &Connection,
    id: DecisionId,
) -> Result<BTreeSet<QuestionMark>, StoreError> {
    let sql = "SELECT project, mark FROM precedent WHERE decision = ?1";
    let marks = query(connection, sql, [id.0], |row| {
        Ok(QuestionMark { project: column(row, 0)?, digest: column(row, 1)? })
    });
    Ok(marks?.into_iter().collect())
}
