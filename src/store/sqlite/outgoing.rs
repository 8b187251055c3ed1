//! Statements of the outbox: notifications to send, and the outcomes.

use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use super::super::StoreError;
use super::from_sqlite;
use super::rows::{column, query, signed, time, unreadable, unsigned};
use crate::core::Time;
use crate::core::decision::DecisionId;
use crate::core::outgoing::{Letter, Outgoing, Sending, Way};

const COLUMNS: &str =
    "document, coalesce(address, ''), asked_at, state, at, next_try, tries, why, receipt, settled";

/// Inserts the notifications with new keys and returns how many were inserted.
pub(super) fn enqueue(
    connection: &Connection,
    messages: &[Outgoing],
    at: Time,
) -> Result<usize, StoreError> {
    let mut new = 0;
    for message in messages {
        // Sanitized here for every caller. The address goes to a separate column, cleared when the
        // notification is settled.
        let bare = Outgoing { to: String::new(), ..message.clone().fit_to_leave() };
        let document = serde_json::to_string(&bare).map_err(unreadable)?;
        let sql = "INSERT INTO outgoing (key, person, way, address, document, asked_at, state, at, next_try)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued', ?6, ?6) ON CONFLICT (key) DO NOTHING RETURNING id";
        let values = params![
            message.key,
            message.person,
            message.way.word(),
            message.to,
            document,
            at.timestamp_millis()
        ];
        let id: Option<i64> =
            connection.query_row(sql, values, |row| row.get(0)).optional().map_err(from_sqlite)?;
        let Some(id) = id else { continue };
        new += 1;
        for decision in &message.decisions {
            connection
                .execute(
                    "INSERT INTO outgoing_decision (decision, outgoing) VALUES (?1, ?2)",
                    [decision.0, id],
                )
                .map_err(from_sqlite)?;
        }
    }
    Ok(new)
}

fn letters(
    connection: &Connection,
    condition: &str,
    params: impl Params,
) -> Result<Vec<Letter>, StoreError> {
    query(connection, &format!("SELECT {COLUMNS} FROM outgoing WHERE {condition}"), params, letter)
}

fn letter(row: &Row<'_>) -> Result<Letter, StoreError> {
    let bare: Outgoing = serde_json::from_str(&column::<String>(row, 0)?).map_err(unreadable)?;
    let at = time(column(row, 4)?)?;
    let next = || {
        column::<Option<i64>>(row, 5)?
            .map_or_else(|| Err(unreadable("a message that waits for nothing")), time)
    };
    let word = |index| column::<Option<String>>(row, index);
    let sending = match column::<String>(row, 3)?.as_str() {
        "queued" => Sending::Queued { next_try: next()?, why: word(7)? },
        "held" => Sending::Held { until: next()? },
        "trying" => Sending::Trying { since: at, next_try: next()? },
        "sent" => Sending::Sent { at, receipt: word(8)?.unwrap_or_default() },
        "gave_up" => Sending::GaveUp { at, why: word(7)?.unwrap_or_default() },
        "dropped" => Sending::Dropped { at },
        other => return Err(unreadable(format!("a message that is {other}"))),
    };
    Ok(Letter {
        message: Outgoing { to: column(row, 1)?, ..bare },
        asked_at: time(column(row, 2)?)?,
        tries: column(row, 6)?,
        sending,
        settled: column::<Option<i64>>(row, 9)?.map_or(0, unsigned),
    })
}

pub(super) fn of_key(connection: &Connection, key: &str) -> Result<Option<Letter>, StoreError> {
    Ok(letters(connection, "key = ?1", [key])?.pop())
}

pub(super) fn due(
    connection: &Connection,
    at: Time,
    limit: usize,
) -> Result<Vec<Letter>, StoreError> {
    letters(
        connection,
        "next_try <= ?1 ORDER BY next_try, id LIMIT ?2",
        params![at.timestamp_millis(), signed(limit as u64)],
    )
}

pub(super) fn next(connection: &Connection) -> Result<Option<Time>, StoreError> {
    let sql = "SELECT min(next_try) FROM outgoing WHERE next_try IS NOT NULL";
    let millis: Option<i64> =
        connection.query_row(sql, [], |row| row.get(0)).map_err(from_sqlite)?;
    millis.map(time).transpose()
}

pub(super) fn settled(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<Letter>, StoreError> {
    letters(
        connection,
        "settled > ?1 ORDER BY settled LIMIT ?2",
        params![signed(after), signed(limit as u64)],
    )
}

pub(super) fn of_decision(
    connection: &Connection,
    id: DecisionId,
) -> Result<Vec<Letter>, StoreError> {
    letters(
        connection,
        "id IN (SELECT outgoing FROM outgoing_decision WHERE decision = ?1) ORDER BY id",
        [id.0],
    )
}

/// Notifications sent, or possibly sent, to a person by a channel after `since`: time and receipt.
pub(super) fn went(
    connection: &Connection,
    person: &str,
    way: Way,
    since: Time,
) -> Result<Vec<(Time, Option<String>)>, StoreError> {
    let sql = "SELECT at, receipt FROM outgoing WHERE person = ?1 AND way = ?2 AND state IN ('trying', 'sent') AND at > ?3";
    query(connection, sql, params![person, way.word(), since.timestamp_millis()], |row| {
        Ok((time(column(row, 0)?)?, column(row, 1)?))
    })
}

/// Records a notification's state. Returns `false`, with no change, if already settled.
pub(super) fn put(
    connection: &Connection,
    key: &str,
    tries: u32,
    sending: &Sending,
) -> Result<bool, StoreError> {
    let (state, at, why, receipt) = match sending {
        Sending::Queued { next_try, why } => ("queued", next_try, why.as_deref(), None),
        Sending::Held { until } => ("held", until, None, None),
        Sending::Trying { since, .. } => ("trying", since, None, None),
        Sending::Sent { at, receipt } => ("sent", at, None, Some(receipt.as_str())),
        Sending::GaveUp { at, why } => ("gave_up", at, Some(why.as_str()), None),
        Sending::Dropped { at } => ("dropped", at, None, None),
    };
    let settled =
        "CASE WHEN ?5 IS NULL THEN (SELECT coalesce(max(settled), 0) + 1 FROM outgoing) END";
    let sql = format!(
        "UPDATE outgoing SET tries = ?2, state = ?3, at = ?4, next_try = ?5, why = ?6, receipt = ?7, settled = {settled},
             address = CASE WHEN ?5 IS NULL THEN NULL ELSE address END
         WHERE key = ?1 AND settled IS NULL"
    );
    let next = sending.next().map(|next| next.timestamp_millis());
    let values = params![key, tries, state, at.timestamp_millis(), next, why, receipt];
    connection.execute(&sql, values).map(|changed| changed == 1).map_err(from_sqlite)
}
