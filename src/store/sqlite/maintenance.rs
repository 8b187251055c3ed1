//! Prunes long-closed decisions, and copies the store while in use.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::audit::audit;
use super::decisions;
use super::open::{ConnectionMode, connect};
use super::rows::{column, ids, query, unreadable, unsigned};
use super::{Store, from_sqlite, with_path};
use crate::core::Time;
use crate::core::decision::content::Content;
use crate::core::decision::event::Event;
use crate::store::{Audit, Pruned, StoreError};

/// Pruning and backup.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct MaintenanceStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl MaintenanceStore<'_> {
    /// Everything [`MaintenanceStore::prune`] would remove without a limit.
    pub fn prunable(self, before: Time) -> Result<Pruned, StoreError> {
        let wall = self.store.time_scale().wall_time(before);
        self.store.read(|connection| prunable(connection, (before, wall)))
    }

    /// Removes the content of at most `limit` decisions closed before this time with up-to-date
    /// cards, and logs the pruning. The posted cards stay unchanged.
    pub fn prune(self, before: Time, at: Time, limit: usize) -> Result<Pruned, StoreError> {
        let wall = self.store.time_scale().wall_time(before);
        self.store.write(move |connection| prune(connection, (before, wall), at, limit))
    }

    /// Names of the stored attachment files still needed by an unpruned decision.
    pub fn files_in_use(self) -> Result<BTreeSet<String>, StoreError> {
        self.store.read(files_in_use)
    }

    /// Writes a consistent copy of the store into an empty file and audits the copy.
    pub fn copy_to(self, file: &Path) -> Result<Audit, StoreError> {
        copy_to(&self.store.path, self.store.access, self.store.patience, file)
    }
}

/// Decisions closed before ?1 with content left to prune and with up-to-date cards. A grant beyond
/// a session keeps the content that later calls are compared with.
pub(super) const PRUNABLE: &str = "
    FROM decision AS d INDEXED BY decision_over
    WHERE d.over_at IS NOT NULL AND d.pruned = 0 AND d.over_at < ?1
      AND EXISTS (SELECT 1 FROM event AS e WHERE e.decision = d.id AND e.text IS NOT NULL)
      AND NOT EXISTS (SELECT 1 FROM posting AS c WHERE c.decision = d.id AND c.behind = 1)
      AND NOT EXISTS (
        SELECT 1 FROM call_grant AS g
        WHERE g.decision = d.id AND g.ended_at IS NULL AND g.span <> 'session')";

/// Final messages opened before ?1 of the wall clock, without reminders, whose decisions were all
/// closed before ?2 of the store's time and have no outdated card.
///
/// Reviews stay, because calibration counts them and later reviews must not repeat decisions;
/// incident reports stay as the record of the report; the latest digest stays, because the next
/// digest continues from there.
const OLD_MESSAGES: &str = "
    FROM posting AS p INDEXED BY posting_purpose
    WHERE p.decision IS NULL AND p.final = 1 AND p.behind = 0 AND p.opened_at < ?1
      AND (p.purpose IN ('batch', 'reminder', 'mention', 'confirmation', 'unreached', 'selection')
        OR p.purpose = 'digest' AND p.id < (
            SELECT max(id) FROM posting WHERE purpose = 'digest' AND decision IS NULL))
      AND NOT EXISTS (SELECT 1 FROM reminder AS r WHERE r.posting = p.id)
      AND NOT EXISTS (
        SELECT 1 FROM posting_item AS i JOIN decision AS d ON d.id = i.decision
        WHERE i.posting = p.id AND (d.over_at IS NULL OR d.over_at >= ?2 OR EXISTS (
            SELECT 1 FROM posting AS c WHERE c.decision = d.id AND c.behind = 1)))";

/// Notifications settled before ?1 of the wall clock, without reminders, about no decision open at
/// or after ?2. The last settled notification stays, because the settlement order is counted from
/// there.
const OLD_NOTIFICATIONS: &str = "
    FROM outgoing AS o
    WHERE o.settled IS NOT NULL AND o.at < ?1 AND o.settled < (SELECT max(settled) FROM outgoing)
      AND NOT EXISTS (SELECT 1 FROM reminder AS r WHERE r.document ->> '$.key' = o.key)
      AND NOT EXISTS (
        SELECT 1 FROM outgoing_decision AS l JOIN decision AS d ON d.id = l.decision
        WHERE l.outgoing = o.id AND (d.over_at IS NULL OR d.over_at >= ?2))";

/// One moment by the store's clock and by the wall clock.
type Moment = (Time, Time);

fn millis((before, wall): Moment) -> [i64; 2] {
    [wall.timestamp_millis(), before.timestamp_millis()]
}

pub(super) fn prunable(connection: &Connection, before: Moment) -> Result<Pruned, StoreError> {
    let count = |rows: &str| {
        let sql = format!("SELECT count(*) {rows}");
        connection
            .query_row(&sql, millis(before), |row| row.get(0))
            .map(unsigned)
            .map_err(from_sqlite)
    };
    let (lists, sent) = (count(OLD_MESSAGES)?, count(OLD_NOTIFICATIONS)?);
    let bytes = "(SELECT sum(octet_length(text)) FROM event AS e WHERE e.decision = d.id)";
    connection
        .query_row(
            &format!("SELECT count(*), coalesce(sum({bytes}), 0) {PRUNABLE}"),
            [before.0.timestamp_millis()],
            |row| {
                Ok(Pruned {
                    decisions: unsigned(row.get(0)?),
                    bytes: unsigned(row.get(1)?),
                    lists,
                    sent,
                })
            },
        )
        .map_err(from_sqlite)
}

pub(super) fn prune(
    connection: &Connection,
    before: Moment,
    at: Time,
    limit: usize,
) -> Result<Pruned, StoreError> {
    // `secure_delete` also overwrites the removed content in the file.
    connection.pragma_update(None, "secure_delete", true).map_err(from_sqlite)?;
    let pruned = prune_securely(connection, before.0, at, limit)
        .and_then(|pruned| sweep(connection, before, limit, pruned));
    connection.pragma_update(None, "secure_delete", false).map_err(from_sqlite)?;
    pruned
}

fn prune_securely(
    connection: &Connection,
    before: Time,
    at: Time,
    limit: usize,
) -> Result<Pruned, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let over = ids(
        connection,
        &format!("SELECT d.id {PRUNABLE} ORDER BY d.over_at LIMIT ?2"),
        params![before.timestamp_millis(), limit],
    )?;
    let mut pruned = Pruned::default();
    for id in over {
        let decision = decisions::get(connection, id)?.ok_or(StoreError::NoSuchDecision(id))?;
        let texts = "SELECT coalesce(sum(octet_length(text)), 0) FROM event WHERE decision = ?1";
        pruned.bytes += connection
            .query_row(texts, [id.0], |row| row.get(0))
            .map(unsigned)
            .map_err(from_sqlite)?;
        pruned.decisions += 1;
        decisions::append(connection, decision, &Event::Pruned, at)?;
        connection
            .execute(
                "UPDATE event SET text = NULL WHERE decision = ?1 AND text IS NOT NULL",
                [id.0],
            )
            .map_err(from_sqlite)?;
        // Notifications about the decision keep the title, like the decision.
        let words = "
            UPDATE outgoing SET document = json_set(document, '$.words', '')
            WHERE settled IS NOT NULL
                AND id IN (SELECT outgoing FROM outgoing_decision WHERE decision = ?1)";
        connection.execute(words, [id.0]).map_err(from_sqlite)?;
        // An incident report quotes the decision's content. Messages without any open decision
        // become final and stay as posted, like the decision's cards.
        connection
            .execute(REPORTS, [id.0])
            .and_then(|_| connection.execute(OLD_LISTS, [id.0]))
            .map_err(from_sqlite)?;
        connection
            .execute("DELETE FROM resumption WHERE decision = ?1", [id.0])
            .map_err(from_sqlite)?;
        // The cards become final: an edit after pruning would remove text that people have read
        // there.
        connection
            .execute(
                "UPDATE posting SET final = 1, behind = 0 WHERE decision = ?1 AND final = 0",
                [id.0],
            )
            .map_err(from_sqlite)?;
    }
    Ok(pruned)
}

/// Deletes rows outside the log that are no longer needed.
fn sweep(
    connection: &Connection,
    before: Moment,
    limit: usize,
    pruned: Pruned,
) -> Result<Pruned, StoreError> {
    let [wall, until] = millis(before);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let run = |sql: &str| {
        connection
            .execute(sql, params![wall, until, limit])
            .map(|rows| rows as u64)
            .map_err(from_sqlite)
    };
    // Deletes the items too, by cascade.
    let lists = run(&format!(
        "DELETE FROM posting WHERE id IN (SELECT p.id {OLD_MESSAGES} ORDER BY p.id LIMIT ?3)"
    ))?;
    let old = format!("SELECT o.id {OLD_NOTIFICATIONS} ORDER BY o.id LIMIT ?3");
    let sent: Vec<i64> =
        query(connection, &old, params![wall, until, limit], |row| column(row, 0))?;
    for id in &sent {
        for sql in [
            "DELETE FROM outgoing_decision WHERE outgoing = ?1",
            "DELETE FROM outgoing WHERE id = ?1",
        ] {
            connection
                .prepare_cached(sql)
                .and_then(|mut delete| delete.execute([id]))
                .map_err(from_sqlite)?;
        }
    }
    Ok(Pruned { lists, sent: sent.len() as u64, ..pruned })
}

const REPORTS: &str = "UPDATE posting SET document = json_set(document, '$.report', '')
    WHERE purpose = 'incident' AND id IN (SELECT posting FROM posting_item WHERE decision = ?1)";
const OLD_LISTS: &str = "UPDATE posting SET final = 1, behind = 0
    WHERE final = 0 AND id IN (SELECT posting FROM posting_item WHERE decision = ?1)
      AND NOT EXISTS (
        SELECT 1 FROM posting_item AS i JOIN decision AS d ON d.id = i.decision
        WHERE i.posting = posting.id AND d.over_at IS NULL)";

pub(super) fn files_in_use(connection: &Connection) -> Result<BTreeSet<String>, StoreError> {
    let with_files = "SELECT text FROM event WHERE text IS NOT NULL AND json_array_length(text, \
        '$.attachments') > 0";
    let contents = query(connection, with_files, [], |row| {
        serde_json::from_str::<Content>(&column::<String>(row, 0)?).map_err(unreadable)
    })?;
    let files = contents.iter().flat_map(|content| &content.attachments);
    Ok(files
        .filter_map(|file| Some(file.path.file_name()?.to_string_lossy().into_owned()))
        .collect())
}

pub(super) fn copy_to(
    store: &Path,
    access: ConnectionMode,
    patience: Duration,
    file: &Path,
) -> Result<Audit, StoreError> {
    let failed = |error| match with_path(from_sqlite(error), file) {
        StoreError::Failed(why) => {
            StoreError::Failed(format!("cannot copy it to {}: {why}", file.display()))
        }
        other => other,
    };
    // VACUUM INTO reads one snapshot, blocks no other process, and omits pruned content. SQLite
    // refuses the statement on a `query_only` connection.
    let access = if access == ConnectionMode::Read { ConnectionMode::Write } else { access };
    let connection = connect(store, access, patience).map_err(failed)?;
    connection.pragma_update(None, "query_only", false).map_err(failed)?;
    let name = file
        .to_str()
        .ok_or_else(|| StoreError::Failed(format!("the path {} is not UTF-8", file.display())))?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(failed)?;
    // No other process knows the copy yet, so the audit can open the file as immutable, without
    // `-wal` and `-shm`.
    audit(&connect(file, ConnectionMode::Immutable, patience).map_err(failed)?)
}
