//! The statements of reminders.

use rusqlite::{Connection, params};

use super::rows::{column, one, query, signed, unreadable};
use super::{Store, availability, from_sqlite, messages, open, outbox};
use crate::core::Time;
use crate::core::escalation::{ContactResult, Stage};
use crate::core::messaging::message::{FinalPost, MessageId, PostState};
use crate::core::messaging::reminder::{Reminder, ReminderMessage, ReminderState};
use crate::store::{NewMessage, ReminderStatus, ReminderUpdate, StoreError};

/// Reminders, and how far the log was read for them.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct ReminderStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl ReminderStore<'_> {
    /// The reminder cursor: the log position up to which events were processed.
    pub fn cursor(self) -> Result<u64, StoreError> {
        self.store.read(cursor)
    }

    /// All reminders of escalation steps with at least one reminder in progress or not yet reported
    /// to the log.
    pub fn all(self) -> Result<Vec<Reminder>, StoreError> {
        self.store.read(all)
    }

    /// Cheap check for pending reminder work.
    pub fn status(self) -> Result<ReminderStatus, StoreError> {
        self.store.read(status)
    }

    /// Messages extended with reminders of pending decisions after `since`, by the store's time;
    /// each with the stages of the reminders.
    pub fn messages_since(self, since: Time) -> Result<Vec<(ReminderMessage, Stage)>, StoreError> {
        self.store.read(|connection| messages_since(connection, since))
    }

    /// Records progress in the log or work on reminders, all or nothing.
    pub fn record(self, step: ReminderUpdate) -> Result<(), StoreError> {
        self.store.write(move |connection| record(connection, &step))
    }
}

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
/// - `notification`: once the notification is settled in the outbox.
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
            SELECT 1 FROM reminder AS other
            WHERE other.climb = r.climb AND other.document ->> '$.stands' = 'posted')
        ELSE 1 END)";

pub(super) fn status(connection: &Connection) -> Result<ReminderStatus, StoreError> {
    let moves = one(connection, MOVES)?;
    let sql = "
        SELECT DISTINCT document ->> '$.until' FROM reminder
        WHERE live = 1 AND document ->> '$.stands' = 'held'";
    let held = query(connection, sql, [], |row| {
        column::<String>(row, 0)?.parse::<Time>().map_err(unreadable)
    })?;
    let sql = "
        SELECT coalesce(group_concat(user || wishes, ' ' ORDER BY user), '') FROM person
        WHERE wishes <> '{}'";
    let preferences = one(connection, sql)?;
    Ok(ReminderStatus { moves, held_until: held.into_iter().min(), preferences })
}

pub(super) fn messages_since(
    connection: &Connection,
    since: Time,
) -> Result<Vec<(ReminderMessage, Stage)>, StoreError> {
    let sql = "SELECT DISTINCT r.document -> '$.on', r.document -> '$.stage' FROM reminder AS r
               WHERE r.posting IS NOT NULL AND r.since >= ?1
                   AND EXISTS (
                       SELECT 1 FROM decision AS d
                       WHERE d.id = r.document ->> '$.decision' AND d.state = 'pending')";
    let found = query(connection, sql, [since.timestamp_millis()], |row| {
        let on: ReminderMessage =
            serde_json::from_str(&column::<String>(row, 0)?).map_err(unreadable)?;
        Ok((on, serde_json::from_str(&column::<String>(row, 1)?).map_err(unreadable)?))
    })?;
    // The column has only millisecond precision.
    Ok(found.into_iter().filter(|(on, _): &(ReminderMessage, Stage)| on.since > since).collect())
}

fn put(connection: &Connection, reminder: &Reminder) -> Result<(), StoreError> {
    let document = serde_json::to_string(reminder).map_err(unreadable)?;
    let (message, since) =
        (reminder.on.map(|on| on.message.0), reminder.on.map(|on| on.since.timestamp_millis()));
    connection
        .prepare_cached(
            "INSERT INTO reminder (climb, receiver, way, posting, since, document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET posting = ?4, since = ?5, document = ?6, live = 1",
        )
        .and_then(|mut upsert| {
            let (position, receiver) = (signed(reminder.position), reminder.receiver.key());
            let channel = reminder.channel.word();
            upsert.execute(params![position, receiver, channel, message, since, document])
        })
        .map(drop)
        .map_err(from_sqlite)
}

fn remove(connection: &Connection, reminder: &Reminder) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM reminder WHERE climb = ?1 AND receiver = ?2 AND way = ?3")
        .and_then(|mut delete| {
            delete.execute(params![
                signed(reminder.position),
                reminder.receiver.key(),
                reminder.channel.word()
            ])
        })
        .map(drop)
        .map_err(from_sqlite)
}

/// Marks a reminder as reported to the log, unless the row has changed since the read.
fn mark_reported(connection: &Connection, reminder: &Reminder) -> Result<(), StoreError> {
    let document = serde_json::to_string(reminder).map_err(unreadable)?;
    let sql = "
        UPDATE reminder SET live = 0
        WHERE climb = ?1 AND receiver = ?2 AND way = ?3 AND live = 1 AND document = ?4";
    connection
        .prepare_cached(sql)
        .and_then(|mut update| {
            update.execute(params![
                signed(reminder.position),
                reminder.receiver.key(),
                reminder.channel.word(),
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

fn put_on(
    connection: &Connection,
    reminders: &[Reminder],
    on: ReminderMessage,
) -> Result<(), StoreError> {
    reminders.iter().try_for_each(|reminder| {
        put(
            connection,
            &Reminder { on: Some(on), state: ReminderState::Posted, ..reminder.clone() },
        )
    })
}

pub(super) fn record(connection: &Connection, step: &ReminderUpdate) -> Result<(), StoreError> {
    for amended in &step.amend {
        if !messages::amend(connection, amended.message(), amended.revision, &amended.changes)? {
            return Err(StoreError::Busy);
        }
        put_on(connection, &amended.reminders, amended.on)?;
    }
    for (new, reminders) in &step.open {
        let message = messages::open(connection, new)?;
        put_on(connection, reminders, ReminderMessage { message, since: step.at.1 })?;
    }
    step.put.iter().try_for_each(|reminder| put(connection, reminder))?;
    step.drop.iter().try_for_each(|reminder| remove(connection, reminder))?;
    step.reported.iter().try_for_each(|reminder| mark_reported(connection, reminder))?;
    step.forget.map_or(Ok(()), |before| forget(connection, before))?;
    step.acted
        .iter()
        .try_for_each(|(user, name)| availability::put_acted(connection, *user, name))?;
    outbox::enqueue(connection, &step.send, step.at.0)?;
    if let Some(cursor) = step.cursor {
        let sql =
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2";
        connection.execute(sql, params![CURSOR, cursor.to_string()]).map_err(from_sqlite)?;
    }
    Ok(())
}

pub(super) fn give_up(
    connection: &Connection,
    id: MessageId,
    why: &str,
    instead: Option<&NewMessage>,
) -> Result<(), StoreError> {
    messages::put_post_state(connection, id, 1, &PostState::Final(FinalPost::NeverPosted))?;
    instead.map_or(Ok(()), |new| messages::open(connection, new).map(drop))?;
    let on =
        query(connection, "SELECT document FROM reminder WHERE posting = ?1", [id.0], |row| {
            serde_json::from_str::<Reminder>(&column::<String>(row, 0)?).map_err(unreadable)
        })?;
    let failed = || ReminderState::Over { result: ContactResult::Failed { why: why.to_owned() } };
    on.into_iter()
        .try_for_each(|reminder| put(connection, &Reminder { state: failed(), ..reminder }))
}
