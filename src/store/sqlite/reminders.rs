//! The statements of reminders.

use rusqlite::{Connection, params};

use super::super::{Glance, NewPosting, Reminding, StoreError};
use super::rows::{column, one, query, signed, unreadable};
use super::{from_sqlite, open, outgoing, people, postings};
use crate::core::Time;
use crate::core::ladder::{Came, Stage};
use crate::core::posting::{Hanging, PostingId};
use crate::core::remind::{On, Reminder, Standing};

/// Key of the cursor in the table `meta`.
const CURSOR: &str = "reminded";

pub(super) fn cursor(connection: &Connection) -> Result<u64, StoreError> {
    let kept = open::meta(connection, CURSOR)?;
    kept.map_or(Ok(0), |text| text.parse().map_err(unreadable))
}

pub(super) fn all(connection: &Connection) -> Result<Vec<Reminder>, StoreError> {
    let sql =
        "SELECT document FROM reminder WHERE climb IN (SELECT climb FROM reminder WHERE live = 1)
               ORDER BY climb, receiver, way";
    query(connection, sql, [], |row| {
        serde_json::from_str(&column::<String>(row, 0)?).map_err(unreadable)
    })
}

/// Whether any live reminder needs work:
///
/// - `posted`: once the message is posted, or is final and will never be.
/// - `outgoing`: once the notification is settled in the outbox.
/// - `over`: the outcome must be reported, unless another reminder of this escalation step is
///   `posted`. A post completes within moments, and all outcomes are then reported together.
/// - `held`: not until the hold ends.
const MOVES: &str = "
    SELECT EXISTS (SELECT 1 FROM reminder AS r WHERE r.live = 1 AND CASE r.document ->> '$.stands'
        WHEN 'held' THEN 0
        WHEN 'posted' THEN NOT EXISTS (
            SELECT 1 FROM posting AS p WHERE p.id = r.posting AND p.final = 0 AND p.message IS NULL)
        WHEN 'outgoing' THEN NOT EXISTS (
            SELECT 1 FROM outgoing AS o WHERE o.key = r.document ->> '$.key' AND o.settled IS NULL)
        WHEN 'over' THEN NOT EXISTS (
            SELECT 1 FROM reminder AS other WHERE other.climb = r.climb AND other.document ->> '$.stands' = 'posted')
        ELSE 1 END)";

pub(super) fn glance(connection: &Connection) -> Result<Glance, StoreError> {
    let moves = one(connection, MOVES)?;
    let sql = "SELECT DISTINCT document ->> '$.until' FROM reminder WHERE live = 1 AND document ->> '$.stands' = 'held'";
    let held = query(connection, sql, [], |row| {
        column::<String>(row, 0)?.parse::<Time>().map_err(unreadable)
    })?;
    let sql = "SELECT coalesce(group_concat(user || wishes, ' ' ORDER BY user), '') FROM person WHERE wishes <> '{}'";
    let wishes = one(connection, sql)?;
    Ok(Glance { moves, held_until: held.into_iter().min(), wishes })
}

pub(super) fn messages_since(
    connection: &Connection,
    since: Time,
) -> Result<Vec<(On, Stage)>, StoreError> {
    let sql = "SELECT DISTINCT r.document -> '$.on', r.document -> '$.stage' FROM reminder AS r
               WHERE r.posting IS NOT NULL AND r.since >= ?1
                   AND EXISTS (SELECT 1 FROM decision AS d WHERE d.id = r.document ->> '$.decision' AND d.state = 'pending')";
    let found = query(connection, sql, [since.timestamp_millis()], |row| {
        let on: On = serde_json::from_str(&column::<String>(row, 0)?).map_err(unreadable)?;
        Ok((on, serde_json::from_str(&column::<String>(row, 1)?).map_err(unreadable)?))
    })?;
    // The column has only millisecond precision.
    Ok(found.into_iter().filter(|(on, _): &(On, Stage)| on.since > since).collect())
}

fn put(connection: &Connection, reminder: &Reminder) -> Result<(), StoreError> {
    let document = serde_json::to_string(reminder).map_err(unreadable)?;
    let (posting, since) =
        (reminder.on.map(|on| on.posting.0), reminder.on.map(|on| on.since.timestamp_millis()));
    connection
        .prepare_cached(
            "INSERT INTO reminder (climb, receiver, way, posting, since, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET posting = ?4, since = ?5, document = ?6, live = 1",
        )
        .and_then(|mut upsert| {
            let (climb, receiver) = (signed(reminder.climb), reminder.receiver.key());
            upsert.execute(params![climb, receiver, reminder.way.word(), posting, since, document])
        })
        .map(drop)
        .map_err(from_sqlite)
}

fn remove(connection: &Connection, reminder: &Reminder) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM reminder WHERE climb = ?1 AND receiver = ?2 AND way = ?3")
        .and_then(|mut delete| {
            delete.execute(params![
                signed(reminder.climb),
                reminder.receiver.key(),
                reminder.way.word()
            ])
        })
        .map(drop)
        .map_err(from_sqlite)
}

/// Marks a reminder as reported to the log, unless the row has changed since the read.
fn told(connection: &Connection, reminder: &Reminder) -> Result<(), StoreError> {
    let document = serde_json::to_string(reminder).map_err(unreadable)?;
    let sql = "UPDATE reminder SET live = 0 WHERE climb = ?1 AND receiver = ?2 AND way = ?3 AND live = 1 AND document = ?4";
    connection
        .prepare_cached(sql)
        .and_then(|mut update| {
            update.execute(params![
                signed(reminder.climb),
                reminder.receiver.key(),
                reminder.way.word(),
                document
            ])
        })
        .map(drop)
        .map_err(from_sqlite)
}

/// Deletes reported reminders. A reminder on a recent message stays until the message accepts no
/// further reminders.
fn forget(connection: &Connection, before: Time) -> Result<(), StoreError> {
    let sql = "DELETE FROM reminder WHERE live = 0 AND coalesce(since, 0) <= ?1
                   AND climb NOT IN (SELECT climb FROM reminder WHERE live = 1)";
    connection.execute(sql, [before.timestamp_millis()]).map(drop).map_err(from_sqlite)
}

fn put_on(connection: &Connection, reminders: &[Reminder], on: On) -> Result<(), StoreError> {
    reminders.iter().try_for_each(|reminder| {
        put(connection, &Reminder { on: Some(on), standing: Standing::Posted, ..reminder.clone() })
    })
}

pub(super) fn record(connection: &Connection, step: &Reminding) -> Result<(), StoreError> {
    for amended in &step.amend {
        if !postings::amend(connection, amended.posting(), amended.revision, &amended.changes)? {
            return Err(StoreError::Busy);
        }
        put_on(connection, &amended.reminders, amended.on)?;
    }
    for (new, reminders) in &step.open {
        let posting = postings::open(connection, new)?;
        put_on(connection, reminders, On { posting, since: step.at.1 })?;
    }
    step.put.iter().try_for_each(|reminder| put(connection, reminder))?;
    step.drop.iter().try_for_each(|reminder| remove(connection, reminder))?;
    step.told.iter().try_for_each(|reminder| told(connection, reminder))?;
    step.forget.map_or(Ok(()), |before| forget(connection, before))?;
    step.acted.iter().try_for_each(|(user, name)| people::put_acted(connection, *user, name))?;
    outgoing::enqueue(connection, &step.send, step.at.0)?;
    if let Some(cursor) = step.cursor {
        let sql =
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2";
        connection.execute(sql, params![CURSOR, cursor.to_string()]).map_err(from_sqlite)?;
    }
    Ok(())
}

pub(super) fn give_up(
    connection: &Connection,
    id: PostingId,
    why: &str,
    instead: Option<&NewPosting>,
) -> Result<(), StoreError> {
    postings::hang(connection, id, 1, &Hanging::Over)?;
    instead.map_or(Ok(()), |new| postings::open(connection, new).map(drop))?;
    let on =
        query(connection, "SELECT document FROM reminder WHERE posting = ?1", [id.0], |row| {
            serde_json::from_str::<Reminder>(&column::<String>(row, 0)?).map_err(unreadable)
        })?;
    let failed = || Standing::Over { came: Came::Failed { why: why.to_owned() } };
    on.into_iter()
        .try_for_each(|reminder| put(connection, &Reminder { standing: failed(), ..reminder }))
}
