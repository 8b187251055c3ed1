//! Statements of messages for several decisions.

use chrono::TimeDelta;
use rusqlite::{Connection, Row, params};

use super::super::{NewPosting, StoreError};
use super::from_sqlite;
use super::rows::{column, ids, query, signed, time, unreadable, unsigned};
use crate::core::Time;
use crate::core::decision::{DecisionId, Revision};
use crate::core::posting::{Change, Hanging, Item, Posting, PostingId, Purpose};

/// How long a person's selection is kept for the buttons.
const SELECTION_KEPT: TimeDelta = TimeDelta::days(7);

/// Messages to reconcile.
pub(super) const BEHIND: &str =
    "SELECT id FROM posting INDEXED BY posting_behind WHERE behind = 1 ORDER BY id";

const POSTING: &str = "SELECT id, place, document, opened_at, revision, generation, channel, intent_at, message, shown, drawn, final FROM posting";

fn hanging(row: &Row<'_>) -> Result<Hanging, StoreError> {
    let (channel, message): (Option<String>, Option<String>) = (column(row, 6)?, column(row, 8)?);
    let at: Option<i64> = column(row, 7)?;
    Ok(match (column(row, 11)?, channel, message) {
        (true, ..) => Hanging::Over,
        (false, Some(channel), Some(message)) => Hanging::Message {
            channel,
            message,
            shown: unsigned(column(row, 9)?),
            drawn: column(row, 10)?,
        },
        (false, Some(channel), None) => {
            Hanging::Begun { channel, at: time(at.unwrap_or_default())? }
        }
        (false, None, _) => Hanging::Nothing,
    })
}

/// The message without items.
fn bare(
    connection: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Option<Posting>, StoreError> {
    let found = query(connection, &format!("{POSTING} WHERE {condition}"), params, |row| {
        Ok(Posting {
            id: PostingId(column(row, 0)?),
            purpose: serde_json::from_str::<Purpose>(&column::<String>(row, 2)?)
                .map_err(unreadable)?,
            place: column::<String>(row, 1)?.parse().map_err(unreadable)?,
            opened_at: time(column(row, 3)?)?,
            revision: column(row, 4)?,
            generation: column(row, 5)?,
            hanging: hanging(row)?,
            items: Vec::new(),
        })
    });
    Ok(found?.pop())
}

fn find(
    connection: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Option<Posting>, StoreError> {
    let Some(posting) = bare(connection, condition, params)? else { return Ok(None) };
    let items = items(connection, posting.id)?;
    Ok(Some(Posting { items, ..posting }))
}

fn items(connection: &Connection, id: PostingId) -> Result<Vec<Item>, StoreError> {
    let sql = "SELECT decision, seen, returns, since, gone FROM posting_item WHERE posting = ?1 ORDER BY decision, since";
    query(connection, sql, [id.0], |row| {
        Ok(Item {
            decision: DecisionId(column(row, 0)?),
            seen: Revision(column(row, 1)?),
            returns: column(row, 2)?,
            since: column(row, 3)?,
            gone: column(row, 4)?,
        })
    })
}

pub(super) fn get(connection: &Connection, id: PostingId) -> Result<Option<Posting>, StoreError> {
    find(connection, "id = ?1", [id.0])
}

pub(super) fn of_message(
    connection: &Connection,
    message: &str,
) -> Result<Option<Posting>, StoreError> {
    find(connection, "message = ?1", [message])
}

/// The batch card of a decision. Loaded without items, because a batch may have a thousand items
/// and the caller asks about a single decision.
pub(super) fn carrying(
    connection: &Connection,
    id: DecisionId,
) -> Result<Option<Posting>, StoreError> {
    let condition = "id = (
        SELECT p.id FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
        WHERE i.decision = ?1 AND i.gone IS NULL AND p.purpose = 'batch' AND p.final = 0 ORDER BY p.id DESC LIMIT 1)";
    bare(connection, condition, [id.0])
}

pub(super) fn numbers(connection: &Connection, sql: &str) -> Result<Vec<PostingId>, StoreError> {
    query(connection, sql, [], |row| column(row, 0).map(PostingId))
}

/// The latest revision of a message's list.
pub(super) fn revision(connection: &Connection, id: PostingId) -> Result<u32, StoreError> {
    connection
        .query_row("SELECT revision FROM posting WHERE id = ?1", [id.0], |row| row.get(0))
        .map_err(from_sqlite)
}

/// Posted messages with at least one open decision.
pub(super) const HANGING: &str = "
    SELECT p.id FROM posting AS p INDEXED BY posting_lives
    WHERE p.final = 0 AND p.message IS NOT NULL AND EXISTS (
        SELECT 1 FROM posting_item AS i JOIN decision AS d ON d.id = i.decision
        WHERE i.posting = p.id AND i.gone IS NULL AND d.state IN ('pending', 'deferred'))
    ORDER BY p.id";

/// Deletes selections too old for anybody to use the buttons; every view creates a new selection.
fn forget_selections(connection: &Connection, now: Time) -> Result<(), StoreError> {
    let before = now.checked_sub_signed(SELECTION_KEPT).unwrap_or(now).timestamp_millis();
    let sql = "DELETE FROM posting WHERE purpose = 'selection' AND final = 1 AND opened_at < ?1";
    connection
        .prepare_cached(sql)
        .and_then(|mut delete| delete.execute([before]))
        .map(drop)
        .map_err(from_sqlite)
}

pub(super) fn open(connection: &Connection, new: &NewPosting) -> Result<PostingId, StoreError> {
    if matches!(new.purpose, Purpose::Selection { .. }) {
        forget_selections(connection, new.at)?;
    }
    let document = serde_json::to_string(&new.purpose).map_err(unreadable)?;
    let kept_only = new.place == crate::core::posting::Place::Nowhere;
    connection
        .prepare_cached(
            "INSERT INTO posting (purpose, place, document, opened_at, behind, final) VALUES (?1, ?2, ?3, ?4, NOT ?5, ?5)",
        )
        .and_then(|mut insert| {
            let millis = new.at.timestamp_millis();
            insert.execute(params![new.purpose.word(), new.place.to_string(), document, millis, kept_only])
        })
        .map_err(from_sqlite)?;
    let id = PostingId(connection.last_insert_rowid());
    for item in &new.items {
        put_item(connection, id, 1, *item)?;
    }
    Ok(id)
}

fn put_item(
    connection: &Connection,
    id: PostingId,
    since: u32,
    item: Item,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO posting_item (posting, decision, since, seen, returns) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut insert| insert.execute(params![id.0, item.decision.0, since, item.seen.0, item.returns]))
        .map(drop)
        .map_err(from_sqlite)
}

fn drop_item(
    connection: &Connection,
    id: PostingId,
    gone: u32,
    decision: DecisionId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE posting_item SET gone = ?3 WHERE posting = ?1 AND decision = ?2 AND gone IS NULL")
        .and_then(|mut update| update.execute(params![id.0, decision.0, gone]))
        .map(drop)
        .map_err(from_sqlite)
}

/// Writes the next list. Returns `false`, with no change, if the list has changed since the
/// caller's read.
pub(super) fn amend(
    connection: &Connection,
    id: PostingId,
    seen: u32,
    changes: &[Change],
) -> Result<bool, StoreError> {
    let changed = connection
        .prepare_cached("UPDATE posting SET revision = ?2 + 1, behind = NOT final WHERE id = ?1 AND revision = ?2")
        .and_then(|mut update| update.execute(params![id.0, seen]))
        .map_err(from_sqlite)?;
    if changed == 0 {
        return Ok(false);
    }
    for change in changes {
        let (Change::Put(Item { decision, .. }) | Change::Drop(decision)) = change;
        drop_item(connection, id, seen + 1, *decision)?;
        if let Change::Put(item) = change {
            put_item(connection, id, seen + 1, *item)?;
        }
    }
    Ok(true)
}

pub(super) fn hang(
    connection: &Connection,
    id: PostingId,
    generation: u32,
    hanging: &Hanging,
) -> Result<(), StoreError> {
    let (channel, at, message, shown, drawn) = match hanging {
        Hanging::Nothing | Hanging::Over => (None, None, None, 0, 0),
        Hanging::Begun { channel, at } => (Some(channel), Some(at.timestamp_millis()), None, 0, 0),
        Hanging::Message { channel, message, shown, drawn } => {
            (Some(channel), None, Some(message), *shown, *drawn)
        }
    };
    // A finished message keeps the channel and message id: people may still click there.
    let sql = if *hanging == Hanging::Over {
        "UPDATE posting SET final = 1, behind = 0 WHERE id = ?1 AND ?2 = ?2 AND ?3 IS NULL AND ?4 IS NULL AND ?5 IS NULL
         AND ?6 = 0 AND ?7 = 0"
    } else {
        "UPDATE posting SET generation = ?2, channel = ?3, intent_at = coalesce(?4, intent_at), message = ?5, shown = ?6,
            drawn = ?7, behind = ?5 IS NULL OR ?7 < revision OR EXISTS (
                SELECT 1 FROM posting_item AS i JOIN decision AS d ON d.id = i.decision
                WHERE i.posting = ?1 AND d.changed > ?6)
         WHERE id = ?1 AND final = 0"
    };
    connection
        .prepare_cached(sql)
        .and_then(|mut update| {
            update.execute(params![id.0, generation, channel, at, message, signed(shown), drawn])
        })
        .map(drop)
        .map_err(from_sqlite)
}

/// Marks every message with a changed decision as outdated, including lists from which the decision
/// was removed: the decision's line there shows the outcome.
pub(super) fn fall_behind(connection: &Connection, id: DecisionId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE posting SET behind = 1 WHERE behind = 0 AND final = 0 AND id IN (
                SELECT posting FROM posting_item WHERE decision = ?1)",
        )
        .and_then(|mut update| update.execute([id.0]))
        .map(drop)
        .map_err(from_sqlite)
}

pub(super) fn of_decisions(
    connection: &Connection,
    decisions: &[DecisionId],
) -> Result<Vec<PostingId>, StoreError> {
    let sql =
        "SELECT DISTINCT i.posting FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
               WHERE i.decision = ?1 AND p.behind = 1";
    let mut found = std::collections::BTreeSet::new();
    for decision in decisions {
        found.extend(query(connection, sql, [decision.0], |row| column(row, 0).map(PostingId))?);
    }
    Ok(found.into_iter().collect())
}

/// Decisions on a message with an own card not yet edited to point here.
pub(super) fn to_move(
    connection: &Connection,
    id: PostingId,
) -> Result<Vec<DecisionId>, StoreError> {
    let sql = "SELECT DISTINCT i.decision FROM posting_item AS i JOIN delivery AS v ON v.decision = i.decision
               WHERE i.posting = ?1 AND i.gone IS NULL AND v.behind = 1";
    ids(connection, sql, [id.0])
}
