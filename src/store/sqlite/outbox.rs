//! Statements of the outbox: notifications to send, and the outcomes.

use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use super::rows::{column, query, signed, time, unreadable, unsigned};
use super::{Store, from_sqlite};
use crate::core::Time;
use crate::core::decision::DecisionId;
use crate::core::messaging::notification::{
    DeliveryState, ExternalChannel, Notification, OutboxEntry,
};
use crate::store::StoreError;

/// The outbox: notifications to send, and the outcomes.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct OutboxStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl OutboxStore<'_> {
    /// Adds notifications to the outbox, sanitized by [`Notification::sanitize`]; `at` is the
    /// wall-clock time. A notification with a known key is ignored. Returns the number of new
    /// notifications.
    pub fn enqueue(self, messages: Vec<Notification>, at: Time) -> Result<usize, StoreError> {
        self.store.write(move |connection| enqueue(connection, &messages, at))
    }

    /// Unsettled notifications with a next attempt at or before this time, longest overdue first.
    pub fn due(self, at: Time, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.store.read(|connection| due(connection, at, limit))
    }

    /// The earliest next attempt of all notifications.
    pub fn next_attempt(self) -> Result<Option<Time>, StoreError> {
        self.store.read(next)
    }

    /// The notification with this key.
    pub fn get(self, key: &str) -> Result<Option<OutboxEntry>, StoreError> {
        self.store.read(|connection| of_key(connection, key))
    }

    /// Notifications about a decision, in the order of creation.
    pub fn of_decision(self, id: DecisionId) -> Result<Vec<OutboxEntry>, StoreError> {
        self.store.read(|connection| of_decision(connection, id))
    }

    /// Notifications settled after this position in the settlement order, in order.
    pub fn settled(self, after: u64, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.store.read(|connection| settled(connection, after, limit))
    }

    /// Notifications sent, or possibly sent, to a person by a channel after `since`: time and
    /// receipt.
    pub fn recent_sends(
        self,
        person: &str,
        channel: ExternalChannel,
        since: Time,
    ) -> Result<Vec<(Time, Option<String>)>, StoreError> {
        self.store.read(|connection| recent_sends(connection, person, channel, since))
    }

    /// Records a notification's state; settling deletes the address. Returns `false`, with no
    /// change, for a notification already settled.
    pub fn put_state(
        self,
        key: &str,
        tries: u32,
        state: DeliveryState,
    ) -> Result<bool, StoreError> {
        let key = key.to_owned();
        self.store.write(move |connection| put(connection, &key, tries, &state))
    }
}

const COLUMNS: &str = "document, coalesce(address, '') AS address, asked_at, state, at, next_try, \
    tries, why, receipt, settled";

/// Inserts the notifications with new keys and returns how many were inserted.
pub(super) fn enqueue(
    connection: &Connection,
    messages: &[Notification],
    at: Time,
) -> Result<usize, StoreError> {
    let mut new = 0;
    for message in messages {
        // Sanitized here for every caller. The address goes to a separate column, cleared when the
        // notification is settled.
        let bare = Notification { to: String::new(), ..message.clone().sanitize() };
        let document = serde_json::to_string(&bare).map_err(unreadable)?;
        let sql = "
            INSERT INTO outgoing
                (key, person, way, address, document, asked_at, state, at, next_try)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued', ?6, ?6)
            ON CONFLICT (key) DO NOTHING RETURNING id";
        let values = params![
            message.key,
            message.person,
            message.channel.word(),
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

fn entries(
    connection: &Connection,
    condition: &str,
    params: impl Params,
) -> Result<Vec<OutboxEntry>, StoreError> {
    query(connection, &format!("SELECT {COLUMNS} FROM outgoing WHERE {condition}"), params, entry)
}

fn entry(row: &Row<'_>) -> Result<OutboxEntry, StoreError> {
    let bare: Notification =
        serde_json::from_str(&column::<String>(row, "document")?).map_err(unreadable)?;
    let at = time(column(row, "at")?)?;
    let next = || {
        column::<Option<i64>>(row, "next_try")?
            .map_or_else(|| Err(unreadable("a message that waits for nothing")), time)
    };
    let word = |name: &str| column::<Option<String>>(row, name);
    let state = match column::<String>(row, "state")?.as_str() {
        "queued" => DeliveryState::Queued { next_try: next()?, why: word("why")? },
        "held" => DeliveryState::Held { until: next()? },
        "trying" => DeliveryState::Trying { since: at, next_try: next()? },
        "sent" => DeliveryState::Sent { at, receipt: word("receipt")?.unwrap_or_default() },
        "gave_up" => DeliveryState::GaveUp { at, why: word("why")?.unwrap_or_default() },
        "dropped" => DeliveryState::Dropped { at },
        other => return Err(unreadable(format!("a message that is {other}"))),
    };
    Ok(OutboxEntry {
        message: Notification { to: column(row, "address")?, ..bare },
        asked_at: time(column(row, "asked_at")?)?,
        tries: column(row, "tries")?,
        state,
        settled: column::<Option<i64>>(row, "settled")?.map_or(0, unsigned),
    })
}

pub(super) fn of_key(
    connection: &Connection,
    key: &str,
) -> Result<Option<OutboxEntry>, StoreError> {
    Ok(entries(connection, "key = ?1", [key])?.pop())
}

pub(super) fn due(
    connection: &Connection,
    at: Time,
    limit: usize,
) -> Result<Vec<OutboxEntry>, StoreError> {
    entries(
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
) -> Result<Vec<OutboxEntry>, StoreError> {
    entries(
        connection,
        "settled > ?1 ORDER BY settled LIMIT ?2",
        params![signed(after), signed(limit as u64)],
    )
}

pub(super) fn of_decision(
    connection: &Connection,
    id: DecisionId,
) -> Result<Vec<OutboxEntry>, StoreError> {
    entries(
        connection,
        "id IN (SELECT outgoing FROM outgoing_decision WHERE decision = ?1) ORDER BY id",
        [id.0],
    )
}

/// Notifications sent, or possibly sent, to a person by a channel after `since`: time and receipt.
pub(super) fn recent_sends(
    connection: &Connection,
    person: &str,
    channel: ExternalChannel,
    since: Time,
) -> Result<Vec<(Time, Option<String>)>, StoreError> {
    let sql = "
        SELECT at, receipt FROM outgoing
        WHERE person = ?1 AND way = ?2 AND state IN ('trying', 'sent') AND at > ?3";
    query(connection, sql, params![person, channel.word(), since.timestamp_millis()], |row| {
        Ok((time(column(row, 0)?)?, column(row, 1)?))
    })
}

/// Records a notification's state. Returns `false`, with no change, if already settled.
pub(super) fn put(
    connection: &Connection,
    key: &str,
    tries: u32,
    delivery: &DeliveryState,
) -> Result<bool, StoreError> {
    let (state, at, why, receipt) = match delivery {
        DeliveryState::Queued { next_try, why } => ("queued", next_try, why.as_deref(), None),
        DeliveryState::Held { until } => ("held", until, None, None),
        DeliveryState::Trying { since, .. } => ("trying", since, None, None),
        DeliveryState::Sent { at, receipt } => ("sent", at, None, Some(receipt.as_str())),
        DeliveryState::GaveUp { at, why } => ("gave_up", at, Some(why.as_str()), None),
        DeliveryState::Dropped { at } => ("dropped", at, None, None),
    };
    let settled =
        "CASE WHEN ?5 IS NULL THEN (SELECT coalesce(max(settled), 0) + 1 FROM outgoing) END";
    let sql = format!(
        "UPDATE outgoing SET tries = ?2, state = ?3, at = ?4, next_try = ?5, why = ?6,
             receipt = ?7, settled = {settled},
             address = CASE WHEN ?5 IS NULL THEN NULL ELSE address END
         WHERE key = ?1 AND settled IS NULL"
    );
    let next = delivery.next().map(|next| next.timestamp_millis());
    let values = params![key, tries, state, at.timestamp_millis(), next, why, receipt];
    connection.execute(&sql, values).map(|changed| changed == 1).map_err(from_sqlite)
}
