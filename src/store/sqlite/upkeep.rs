//! Pruning what is long over, and copying the store while it is used.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::super::{Audit, Pruned, SHOWN_FOR_GOOD, StoreError};
use super::audit::audit;
use super::open::{Access, connect};
use super::rows::{self, column, ids, query, signed, unreadable, unsigned};
use super::{from_sqlite, with_path};
use crate::core::Time;
use crate::core::content::Content;
use crate::core::event::Event;

/// Decisions that were over at ?1, have something to lose, and whose cards show how it ended.
pub(super) const PRUNABLE: &str = "
    FROM decision AS d INDEXED BY decision_over
    WHERE d.over_at IS NOT NULL AND d.pruned = 0 AND d.over_at < ?1
      AND EXISTS (SELECT 1 FROM event AS e WHERE e.decision = d.id AND e.text IS NOT NULL)
      AND NOT EXISTS (SELECT 1 FROM delivery AS v WHERE v.decision = d.id AND v.behind = 1)";

/// Postings that never change again, as old as ?1 of the wall clock, of which nothing is open or
/// was until ?2, nor has a card that is to say yet where it went. A review counts for calibration
/// and says what was reviewed, an incident's report says that it was reported, and the latest
/// digest says where the next begins: those stay.
const OLD_POSTINGS: &str = "
    FROM posting AS p WHERE p.final = 1 AND p.behind = 0 AND p.opened_at < ?1
      AND (p.purpose IN ('batch', 'reminder', 'mention', 'confirmation', 'unreached', 'selection')
        OR p.purpose = 'digest' AND p.id < (SELECT max(id) FROM posting WHERE purpose = 'digest'))
      AND NOT EXISTS (SELECT 1 FROM reminder AS r WHERE r.posting = p.id)
      AND NOT EXISTS (
        SELECT 1 FROM posting_item AS i JOIN decision AS d ON d.id = i.decision
        WHERE i.posting = p.id AND (d.over_at IS NULL OR d.over_at >= ?2 OR EXISTS (
            SELECT 1 FROM delivery AS v WHERE v.decision = d.id AND v.behind = 1)))";

/// What left, or never will, before ?1 of the wall clock, for nothing that is open or was until ?2.
/// The last stays: the next one's place in the order is counted from it.
const OLD_OUTGOING: &str = "
    FROM outgoing AS o WHERE o.settled IS NOT NULL AND o.at < ?1 AND o.settled < (SELECT max(settled) FROM outgoing)
      AND NOT EXISTS (SELECT 1 FROM reminder AS r WHERE r.document ->> '$.key' = o.key)
      AND NOT EXISTS (
        SELECT 1 FROM outgoing_decision AS l JOIN decision AS d ON d.id = l.decision
        WHERE l.outgoing = o.id AND (d.over_at IS NULL OR d.over_at >= ?2))";

/// A moment of the store's clock, and the same by the wall's.
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
    let (lists, sent) = (count(OLD_POSTINGS)?, count(OLD_OUTGOING)?);
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
    // What is removed is also overwritten in the file.
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
        let decision = rows::get(connection, id)?.ok_or(StoreError::NoSuchDecision(id))?;
        let texts = "SELECT coalesce(sum(octet_length(text)), 0) FROM event WHERE decision = ?1";
        pruned.bytes += connection
            .query_row(texts, [id.0], |row| row.get(0))
            .map(unsigned)
            .map_err(from_sqlite)?;
        pruned.decisions += 1;
        rows::append(connection, decision, &Event::Pruned, at)?;
        connection
            .execute(
                "UPDATE event SET text = NULL WHERE decision = ?1 AND text IS NOT NULL",
                [id.0],
            )
            .map_err(from_sqlite)?;
        // What was said about it elsewhere keeps its title, as the decision does.
        let words = "UPDATE outgoing SET document = json_set(document, '$.words', '') WHERE settled IS NOT NULL
                     AND id IN (SELECT outgoing FROM outgoing_decision WHERE decision = ?1)";
        connection.execute(words, [id.0]).map_err(from_sqlite)?;
        // An incident's report quotes it. Lists of which nothing is open any more stay as they
        // hang, as its cards do.
        connection
            .execute(REPORTS, [id.0])
            .and_then(|_| connection.execute(OLD_LISTS, [id.0]))
            .map_err(from_sqlite)?;
        // Its cards show all that they ever will: drawn anew they would lose what people once read
        // there.
        connection
            .execute(
                "UPDATE delivery SET shown = ?2, behind = 0 WHERE decision = ?1 AND lost = 0",
                params![id.0, signed(SHOWN_FOR_GOOD)],
            )
            .map_err(from_sqlite)?;
    }
    Ok(pruned)
}

/// Removes the rows beside the log that nothing needs any more.
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
    // Their items go with them.
    let lists = run(&format!(
        "DELETE FROM posting WHERE id IN (SELECT p.id {OLD_POSTINGS} ORDER BY p.id LIMIT ?3)"
    ))?;
    let old = format!("SELECT o.id {OLD_OUTGOING} ORDER BY o.id LIMIT ?3");
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
    WHERE final = 0 AND id IN (SELECT posting FROM posting_item WHERE decision = ?1) AND NOT EXISTS (
        SELECT 1 FROM posting_item AS i JOIN decision AS d ON d.id = i.decision
        WHERE i.posting = posting.id AND d.over_at IS NULL)";

pub(super) fn files_in_use(connection: &Connection) -> Result<BTreeSet<String>, StoreError> {
    let with_files = "SELECT text FROM event WHERE text IS NOT NULL AND json_array_length(text, '$.attachments') > 0";
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
    access: Access,
    patience: Duration,
    file: &Path,
) -> Result<Audit, StoreError> {
    let failed = |error| match with_path(from_sqlite(error), file) {
        StoreError::Failed(why) => {
            StoreError::Failed(format!("it could not be copied to {}: {why}", file.display()))
        }
        other => other,
    };
    // VACUUM INTO reads as of one moment, locks nobody out, and leaves behind what was pruned. A
    // connection that may only query refuses it.
    let access = if access == Access::Read { Access::Write } else { access };
    let connection = connect(store, access, patience).map_err(failed)?;
    connection.pragma_update(None, "query_only", false).map_err(failed)?;
    let name = file
        .to_str()
        .ok_or_else(|| StoreError::Failed(format!("{} is no path in UTF-8", file.display())))?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(failed)?;
    // Nobody else knows of it yet, so it is read without any file beside it.
    audit(&connect(file, Access::Immutable, patience).map_err(failed)?)
}
