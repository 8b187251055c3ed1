//! The statements of reminders.

use rusqlite::{Connection, params};

use super::super::{Reminding, StoreError};
use super::rows::{column, query, signed, unreadable};
use super::{from_sqlite, open, outgoing, people, postings};
use crate::core::ladder::Came;
use crate::core::posting::{Hanging, PostingId};
use crate::core::remind::{On, Reminder, Standing};

/// Where the cursor is kept.
const CURSOR: &str = "reminded";

pub(super) fn cursor(connection: &Connection) -> Result<u64, StoreError> {
    let kept = open::meta(connection, CURSOR)?;
    kept.map_or(Ok(0), |text| text.parse().map_err(unreadable))
}

pub(super) fn all(connection: &Connection) -> Result<Vec<Reminder>, StoreError> {
    query(connection, "SELECT document FROM reminder ORDER BY climb, receiver, way", [], |row| {
        serde_json::from_str(&column::<String>(row, 0)?).map_err(unreadable)
    })
}

fn put(connection: &Connection, reminder: &Reminder) -> Result<(), StoreError> {
    let document = serde_json::to_string(reminder).map_err(unreadable)?;
    let posting = reminder.on.map(|on| on.posting.0);
    connection
        .prepare_cached(
            "INSERT INTO reminder (climb, receiver, way, posting, document) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET posting = ?4, document = ?5",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![signed(reminder.climb), reminder.receiver.key(), reminder.way.word(), posting, document])
        })
        .map(drop)
        .map_err(from_sqlite)
}

fn remove(connection: &Connection, reminder: &Reminder) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM reminder WHERE climb = ?1 AND receiver = ?2 AND way = ?3")
        .and_then(|mut delete| delete.execute(params![signed(reminder.climb), reminder.receiver.key(), reminder.way.word()]))
        .map(drop)
        .map_err(from_sqlite)
}

fn put_on(connection: &Connection, reminders: &[Reminder], on: On) -> Result<(), StoreError> {
    reminders
        .iter()
        .try_for_each(|reminder| put(connection, &Reminder { on: Some(on), standing: Standing::Posted, ..reminder.clone() }))
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
    step.acted.iter().try_for_each(|(user, name)| people::put_acted(connection, *user, name))?;
    outgoing::enqueue(connection, &step.send, step.at.0)?;
    if let Some(cursor) = step.cursor {
        let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2";
        connection.execute(sql, params![CURSOR, cursor.to_string()]).map_err(from_sqlite)?;
    }
    Ok(())
}

pub(super) fn give_up(connection: &Connection, id: PostingId, why: &str) -> Result<(), StoreError> {
    postings::hang(connection, id, 1, &Hanging::Over)?;
    let on = query(connection, "SELECT document FROM reminder WHERE posting = ?1", [id.0], |row| {
        serde_json::from_str::<Reminder>(&column::<String>(row, 0)?).map_err(unreadable)
    })?;
    let failed = || Standing::Over { came: Came::Failed { why: why.to_owned() } };
    on.into_iter().try_for_each(|reminder| put(connection, &Reminder { standing: failed(), ..reminder }))
}
