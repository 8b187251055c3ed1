//! What an earlier version has not written of a decision, because it did not know it: filled in
//! from the log.
//!
//! The log tells it all the same: when a ladder began anew, what it had come to, and with that the
//! next moment. Only this is filled in. Where what is kept differs otherwise from what the log
//! tells, it stays as it is, for the audit to find.

use rusqlite::{Connection, TransactionBehavior};

use super::super::StoreError;
use super::rows::{self, query};
use super::{audit, from_sqlite, open};
use crate::core::decision::{Decision, DecisionId};

/// Raised whenever [`Decision::evolve`] makes more of an old log than it did.
const FILLED_IN: &str = "1";
/// Where that is noted.
const NOTE: &str = "filled_in";

/// Fills in what is missing, once. Whoever dies within has filled in nothing, and the next one
/// does.
pub(super) fn fill_in(connection: &mut Connection) -> Result<(), StoreError> {
    if open::meta(connection, NOTE)?.as_deref() == Some(FILLED_IN) {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(from_sqlite)?;
    let sql = "SELECT id, coalesce(wake_at = 0, 0) FROM decision";
    let all = query(&transaction, sql, [], |row| {
        Ok((DecisionId(rows::column(row, 0)?), rows::column::<bool>(row, 1)?))
    })?;
    for (id, wakes_unknown) in all {
        // One that cannot be read must not keep the others away: whoever looks at it is told.
        let Ok(Some(kept)) = rows::get(&transaction, id) else { continue };
        let filled = audit::told_of(&transaction, id).and_then(|told| filled(&kept, told));
        if wakes_unknown || filled.is_some() {
            rows::put(&transaction, &filled.unwrap_or(kept))?;
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

/// What the log tells, if it is what is kept but for the parts that were not written.
fn filled(kept: &Decision, told: Decision) -> Option<Decision> {
    let same = Decision { began: told.began, climb: told.climb.clone(), ..kept.clone() } == told;
    (same && *kept != told).then_some(told)
}
