//! Backfills parts of decisions not written by earlier versions, from the log.
//!
//! The log implies the missing parts: when an escalation ladder restarted, the current step, and
//! with both the next wake time, which also follows the rules of this version; grants, and what
//! people have handled. Nothing else is filled in. A stored decision with any other difference from
//! the log stays unchanged, for the audit to report.

use rusqlite::{Connection, TransactionBehavior};

use super::decisions;
use super::rows::query;
use super::{audit, event_log, from_sqlite, grants, open, precedents, rows};
use crate::core::decision::{Decision, DecisionId};
use crate::store::StoreError;

/// Backfill version. Incremented whenever [`Decision::evolve`] derives more from an old log, or
/// [`Decision::wake_at`] derives another time from an old decision.
const FILLED_IN: &str = "2";
/// Key of the backfill version in the table `meta`.
const NOTE: &str = "filled_in";

/// Whether this version has filled in what it derives.
pub(super) fn is_filled_in(connection: &Connection) -> Result<bool, StoreError> {
    Ok(open::meta(connection, NOTE)?.as_deref() == Some(FILLED_IN))
}

/// Fills in missing parts, once per backfill version, in one transaction: after a crash nothing was
/// written, and the next start repeats the backfill.
pub(super) fn fill_in(connection: &mut Connection) -> Result<(), StoreError> {
    fill_in_decisions(connection)?;
    record_grants_and_precedents(connection)
}

fn fill_in_decisions(connection: &mut Connection) -> Result<(), StoreError> {
    if is_filled_in(connection)? {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(from_sqlite)?;
    let all = query(&transaction, "SELECT id, wake_at FROM decision", [], |row| {
        Ok((DecisionId(rows::column(row, 0)?), rows::column::<Option<i64>>(row, 1)?))
    })?;
    for (id, wakes) in all {
        // An unreadable decision must not block the rest; reading the decision reports the error.
        let Ok(Some(kept)) = decisions::get(&transaction, id) else { continue };
        let told = audit::replay_decision(&transaction, id);
        let wakes_else = wakes != kept.wake_at().map(|at| at.timestamp_millis());
        let wakes_anew = wakes == Some(0) || wakes_else && told.as_ref() == Some(&kept);
        let filled = told.and_then(|told| filled(&kept, told));
        if wakes_anew || filled.is_some() {
            decisions::put(&transaction, &filled.unwrap_or(kept))?;
        }
    }
    transaction
        .execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
            [NOTE, FILLED_IN],
        )
        .map_err(from_sqlite)?;
    transaction.commit().map_err(from_sqlite)
}

/// Key of the note in the table `meta` that grants and precedents are recorded.
const RECORDED: &str = "precedents";

/// Events by which people handle a question otherwise than with a yes. Names more than
/// [`Event::sets_precedent`](crate::core::decision::event::Event::sets_precedent) does: the replay
/// decides.
const HANDLED: &str = "
    SELECT DISTINCT decision FROM event
    WHERE decision IS NOT NULL
        AND (json_extract(body, '$.event') IN
                ('deferred', 'taken', 'undone', 'disagreed', 'proposed')
            OR json_extract(body, '$.verdict.verdict') = 'rejected')";

const GRANTS: &str = "
    SELECT id FROM decision WHERE verdict = 'approved'
        AND json_extract(document, '$.state.verdict.for_session') = 1";

/// Records the grants and precedents of a store from before there were any, in one transaction.
fn record_grants_and_precedents(connection: &mut Connection) -> Result<(), StoreError> {
    if open::meta(connection, RECORDED)?.is_some() {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(from_sqlite)?;
    for id in rows::ids(&transaction, HANDLED, [])? {
        // An unreadable log must not block the rest; the audit reports the error. A failed write
        // ends the transaction, and the next start repeats the backfill.
        let Ok(history) = event_log::history(&transaction, id) else { continue };
        precedents::backfill(&transaction, id, &history)?;
    }
    for id in rows::ids(&transaction, GRANTS, [])? {
        if let Ok(Some(decision)) = decisions::get(&transaction, id) {
            grants::put(&transaction, &decision)?;
        }
    }
    transaction
        .execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?1, '1')", [RECORDED])
        .map_err(from_sqlite)?;
    transaction.commit().map_err(from_sqlite)
}

/// The replayed decision, if equal to the stored decision except for the missing parts.
fn filled(kept: &Decision, told: Decision) -> Option<Decision> {
    let same =
        Decision { began: told.began, position: told.position.clone(), ..kept.clone() } == told;
    (same && *kept != told).then_some(told)
}
