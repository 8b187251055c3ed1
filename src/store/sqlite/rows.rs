//! Statements for decisions, events and card messages, with the conversion from and to rows.

use rusqlite::types::Value;
use rusqlite::{Connection, Params, Row, params, params_from_iter};

use super::super::chain::{self, Entry};
use super::super::{Changed, Decide, Delivery, Filter, Head, StoreError, Unchanged};
use super::{from_sqlite, postings};
use crate::core::Time;
use crate::core::caller::Sight;
use crate::core::decision::{Decision, DecisionId, Expects, Refused, Request};
use crate::core::event::{Event, Logged};
use crate::core::routing::Share;
use crate::core::waiting::Waiting;

/// Open decisions.
pub(super) const OPEN: &str = "SELECT id FROM decision INDEXED BY decision_open WHERE state IN ('pending', 'deferred') ORDER BY id";

/// Open decisions without a card (own or batch) for the latest return, plus decisions with an
/// interrupted create or an outdated message.
pub(super) const UNSETTLED: &str = "
    SELECT id FROM decision AS d INDEXED BY decision_open
    WHERE d.state IN ('pending', 'deferred') AND NOT EXISTS (
        SELECT 1 FROM delivery AS v
        WHERE v.decision = d.id AND v.lost = 0 AND v.returns = d.returns AND v.message IS NOT NULL
            AND v.shown < 9223372036854775807)
      AND NOT EXISTS (
        SELECT 1 FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
        WHERE i.decision = d.id AND i.gone IS NULL AND p.purpose = 'batch' AND p.final = 0)
    UNION
    SELECT decision FROM delivery INDEXED BY delivery_behind WHERE behind = 1
    ORDER BY 1";

/// Columns of the list of pending decisions, all covered by a partial index without closed
/// decisions.
pub(super) const WAITING: &str = "
    SELECT id, project, kind, risk, priority, breach_at, asked_at, asked_by
    FROM decision INDEXED BY decision_waiting WHERE state = 'pending'";

pub(super) fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

pub(super) fn time(millis: i64) -> Result<Time, StoreError> {
    Time::from_timestamp_millis(millis).ok_or_else(|| unreadable(format!("time {millis}")))
}

pub(super) fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn parse(document: &str) -> Result<Decision, StoreError> {
    serde_json::from_str(document).map_err(unreadable)
}

pub(super) fn query<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(from_sqlite)?;
    let mut rows = statement.query(params).map_err(from_sqlite)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        found.push(read(row)?);
    }
    Ok(found)
}

pub(super) fn column<T: rusqlite::types::FromSql>(
    row: &Row<'_>,
    index: usize,
) -> Result<T, StoreError> {
    row.get(index).map_err(from_sqlite)
}

/// The single value returned by a statement without parameters.
pub(super) fn one<T: rusqlite::types::FromSql>(
    connection: &Connection,
    sql: &str,
) -> Result<T, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut select| select.query_row([], |row| row.get(0)))
        .map_err(from_sqlite)
}

pub(super) fn ids(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<DecisionId>, StoreError> {
    query(connection, sql, params, |row| column(row, 0).map(DecisionId))
}

pub(super) fn next_id(connection: &Connection) -> Result<DecisionId, StoreError> {
    one(connection, "SELECT coalesce(max(id), 0) + 1 FROM decision").map(DecisionId)
}

pub(super) fn get(connection: &Connection, id: DecisionId) -> Result<Option<Decision>, StoreError> {
    let found = query(connection, "SELECT document FROM decision WHERE id = ?1", [id.0], |row| {
        parse(&column::<String>(row, 0)?)
    });
    Ok(found?.pop())
}

pub(super) fn get_many(
    connection: &Connection,
    wanted: &[DecisionId],
) -> Result<Vec<Decision>, StoreError> {
    let found: Result<Vec<Option<Decision>>, StoreError> =
        wanted.iter().map(|id| get(connection, *id)).collect();
    Ok(found?.into_iter().flatten().collect())
}

pub(super) fn waiting(connection: &Connection) -> Result<Vec<Waiting>, StoreError> {
    let word = |row: &Row<'_>, index| column::<String>(row, index);
    query(connection, WAITING, [], |row| {
        Ok(Waiting {
            id: DecisionId(column(row, 0)?),
            project: column(row, 1)?,
            kind: word(row, 2)?.into(),
            risk: word(row, 3)?.parse().map_err(unreadable)?,
            priority: word(row, 4)?.parse().map_err(unreadable)?,
            breach_at: time(column(row, 5)?)?,
            asked_at: time(column(row, 6)?)?,
            asked_by: column(row, 7)?,
        })
    })
}

pub(super) fn open_with_key(
    connection: &Connection,
    request: &Request,
) -> Result<Option<Decision>, StoreError> {
    let Some(key) = &request.dedup_key else { return Ok(None) };
    let found = query(
        connection,
        "SELECT document FROM decision
         WHERE project = ?1 AND dedup_key = ?2 AND state IN ('pending', 'deferred')",
        params![request.project, key],
        |row| parse(&column::<String>(row, 0)?),
    );
    Ok(found?.pop())
}

pub(super) fn list(connection: &Connection, filter: &Filter) -> Result<Vec<Decision>, StoreError> {
    let limit = if filter.limit == 0 { i64::MAX } else { limited(filter.limit) };
    let mut conditions = vec!["id < ?".to_owned()];
    let mut values: Vec<Value> = vec![filter.before.map_or(i64::MAX, |before| before.0).into()];
    let mut only = |condition: &str, value: Option<String>| {
        if let Some(value) = value {
            conditions.push(condition.to_owned());
            values.push(value.into());
        }
    };
    only("project = ?", filter.project.clone());
    only("kind = ?", filter.kind.clone().map(String::from));
    only("risk = ?", filter.risk.map(|risk| risk.to_string()));
    only("state = ?", filter.state.clone());
    only("dedup_key >= ?", filter.key_prefix.clone());
    only("dedup_key < ?", filter.key_prefix.as_ref().map(|prefix| format!("{prefix}\u{10FFFF}")));
    match &filter.sight {
        Sight::All => {}
        Sight::Own { asker } => only("asked_by = ?", Some(asker.clone())),
        Sight::Projects { projects, asker } => {
            let projects = serde_json::to_string(projects).map_err(unreadable)?;
            conditions
                .push("(project IN (SELECT value FROM json_each(?)) OR asked_by = ?)".to_owned());
            values.extend([projects.into(), asker.clone().into()]);
        }
    }
    if filter.open_only {
        conditions.push("state IN ('pending', 'deferred')".to_owned());
    }
    values.push(limit.into());
    let sql = format!(
        "SELECT document FROM decision WHERE {} ORDER BY id DESC LIMIT ?",
        conditions.join(" AND ")
    );
    query(connection, &sql, params_from_iter(values), |row| parse(&column::<String>(row, 0)?))
}

/// Appends the event returned by `decide` to a decision.
pub(super) fn change(
    connection: &Connection,
    id: DecisionId,
    at: Time,
    decide: Decide,
) -> Result<Changed, StoreError> {
    let decision = get(connection, id)?.ok_or(StoreError::NoSuchDecision(id))?;
    match decide(&decision) {
        Err(why) => Ok(Err(Box::new(Unchanged { decision, why }))),
        Ok(None) => Ok(Ok(decision)),
        // A key has at most one open decision: undoing must not reopen a decision while a successor
        // with an equal key is open.
        Ok(Some(Event::Undone { .. } | Event::Disagreed { undone: true, .. }))
            if let Some(again) = open_with_key(connection, &decision.request)? =>
        {
            let why = Refused::AskedAgain { again: again.id }.into();
            Ok(Err(Box::new(Unchanged { decision, why })))
        }
        Ok(Some(event)) => append(connection, decision, &event, at).map(Ok),
    }
}

/// Inserts a new decision with the first event.
pub(super) fn insert(
    connection: &Connection,
    decision: Decision,
    event: &Event,
    at: Time,
) -> Result<Decision, StoreError> {
    put(connection, &decision)?;
    append(connection, decision, event, at)
}

/// Appends an event to the log and writes the resulting state.
pub(super) fn append(
    connection: &Connection,
    decision: Decision,
    event: &Event,
    at: Time,
) -> Result<Decision, StoreError> {
    let head = head(connection)?;
    let (seq, millis) = (head.seq + 1, at.timestamp_millis());
    let mut short = event.clone();
    let text = short
        .take_content()
        .map(|content| serde_json::to_string(&content))
        .transpose()
        .map_err(unreadable)?;
    let body = serde_json::to_string(&short).map_err(unreadable)?;
    let digest = text.as_ref().map(|text| chain::digest(text.as_bytes()));
    let digested = digest.as_deref().map(str::as_bytes);
    let hash =
        chain::link(head.hash.as_bytes(), seq, millis, decision.id.0, digested, body.as_bytes());
    connection
        .prepare_cached("INSERT INTO event (seq, at, decision, body, text, digest, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .and_then(|mut insert| insert.execute(params![signed(seq), millis, decision.id.0, body, text, digest, hash]))
        .map_err(from_sqlite)?;
    // Applies the event at the log's millisecond precision, so that a replay gives an identical
    // state.
    let decision = decision.evolve(event, time(millis)?, seq);
    put(connection, &decision)?;
    connection
        .prepare_cached("UPDATE delivery SET behind = 1 WHERE decision = ?1 AND lost = 0 AND shown < ?2 AND behind = 0")
        .and_then(|mut update| update.execute(params![decision.id.0, signed(seq)]))
        .map_err(from_sqlite)?;
    postings::fall_behind(connection, decision.id)?;
    Ok(decision)
}

/// Search columns beside the document, all derived from the decision.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    state: String,
    project: String,
    dedup_key: Option<String>,
    returns: u32,
    changed: i64,
    wake_at: Option<i64>,
    kind: String,
    risk: String,
    priority: String,
    breach_at: i64,
    asked_at: i64,
    asked_by: Option<String>,
    over_at: Option<i64>,
    pruned: bool,
    agent: String,
    /// In millionths; only for decisions that expect approval.
    confidence: Option<u32>,
    verdict: Option<String>,
    via: Option<String>,
    disagreed: bool,
}

impl Columns {
    /// Column names, in read and write order.
    pub(super) const NAMES: &str = "state, project, dedup_key, returns, changed, wake_at, \
                                    kind, risk, priority, breach_at, asked_at, asked_by, over_at, pruned, \
                                    agent, confidence, verdict, via, disagreed";

    pub(super) fn of(decision: &Decision) -> Self {
        let waiting = Waiting::from(decision);
        let (request, resolved) = (&decision.request, decision.verdict().ok());
        let confidence = request.confidence.filter(|_| request.expects == Expects::Approve);
        Self {
            state: decision.state.word().to_owned(),
            project: waiting.project,
            dedup_key: decision.request.dedup_key.clone(),
            returns: decision.returns,
            changed: signed(decision.changed),
            wake_at: decision.wake_at().map(|at| at.timestamp_millis()),
            kind: waiting.kind.into(),
            risk: waiting.risk.to_string(),
            priority: waiting.priority.to_string(),
            breach_at: waiting.breach_at.timestamp_millis(),
            asked_at: waiting.asked_at.timestamp_millis(),
            asked_by: waiting.asked_by,
            over_at: decision.state.over_at().map(|at| at.timestamp_millis()),
            pruned: decision.pruned_at.is_some(),
            agent: request.agent.name.clone(),
            confidence: confidence.and_then(Share::new).map(Share::millionths),
            verdict: resolved.map(|resolved| resolved.verdict.word().to_owned()),
            via: resolved.map(|resolved| resolved.via.word().to_owned()),
            disagreed: decision.disagreed.is_some(),
        }
    }

    /// Reads the columns from a row, starting at column `first`.
    pub(super) fn read(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            state: column(row, first)?,
            project: column(row, first + 1)?,
            dedup_key: column(row, first + 2)?,
            returns: column(row, first + 3)?,
            changed: column(row, first + 4)?,
            wake_at: column(row, first + 5)?,
            kind: column(row, first + 6)?,
            risk: column(row, first + 7)?,
            priority: column(row, first + 8)?,
            breach_at: column(row, first + 9)?,
            asked_at: column(row, first + 10)?,
            asked_by: column(row, first + 11)?,
            over_at: column(row, first + 12)?,
            pruned: column(row, first + 13)?,
            agent: column(row, first + 14)?,
            confidence: column(row, first + 15)?,
            verdict: column(row, first + 16)?,
            via: column(row, first + 17)?,
            disagreed: column(row, first + 18)?,
        })
    }
}

pub(super) fn put(connection: &Connection, decision: &Decision) -> Result<(), StoreError> {
    let document = serde_json::to_string(decision).map_err(unreadable)?;
    let c = Columns::of(decision);
    let sql = format!(
        "INSERT INTO decision (id, document, {names})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                 ?17, ?18, ?19, ?20, ?21)
         ON CONFLICT (id) DO UPDATE SET (document, {names}) = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                 ?17, ?18, ?19, ?20, ?21)",
        names = Columns::NAMES
    );
    connection
        .prepare_cached(&sql)
        .and_then(|mut upsert| {
            upsert.execute(params![
                decision.id.0,
                document,
                c.state,
                c.project,
                c.dedup_key,
                c.returns,
                c.changed,
                c.wake_at,
                c.kind,
                c.risk,
                c.priority,
                c.breach_at,
                c.asked_at,
                c.asked_by,
                c.over_at,
                c.pruned,
                c.agent,
                c.confidence,
                c.verdict,
                c.via,
                c.disagreed,
            ])
        })
        .map(drop)
        .map_err(from_sqlite)
}

pub(super) fn head(connection: &Connection) -> Result<Head, StoreError> {
    let found =
        query(connection, "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok(Head { seq: unsigned(column(row, 0)?), hash: column(row, 1)? })
        });
    Ok(found?.pop().unwrap_or_else(|| Head { seq: 0, hash: String::new() }))
}

const EVENT: &str = "SELECT seq, at, decision, body, text, hash FROM event";

/// Reassembles an event from body and content.
pub(super) fn event(body: &[u8], text: Option<&[u8]>) -> Result<Event, serde_json::Error> {
    let mut event: Event = serde_json::from_slice(body)?;
    if let Some(text) = text {
        event.put_content(serde_json::from_slice(text)?);
    }
    Ok(event)
}

fn logged(row: &Row<'_>) -> Result<Logged, StoreError> {
    let (body, text): (String, Option<String>) = (column(row, 3)?, column(row, 4)?);
    Ok(Logged {
        seq: unsigned(column(row, 0)?),
        at: time(column(row, 1)?)?,
        decision: DecisionId(column(row, 2)?),
        event: event(body.as_bytes(), text.as_deref().map(str::as_bytes)).map_err(unreadable)?,
        hash: column(row, 5)?,
    })
}

pub(super) fn events(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<Logged>, StoreError> {
    query(
        connection,
        &format!("{EVENT} WHERE seq > ?1 ORDER BY seq LIMIT ?2"),
        params![signed(after), limited(limit)],
        logged,
    )
}

pub(super) fn history(connection: &Connection, id: DecisionId) -> Result<Vec<Logged>, StoreError> {
    query(connection, &format!("{EVENT} WHERE decision = ?1 ORDER BY seq"), [id.0], logged)
}

pub(super) fn entries(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let before =
        query(connection, "SELECT hash FROM event WHERE seq = ?1", [signed(after)], |row| {
            column(row, 0)
        })?
        .pop();
    let mut previous: String = before.unwrap_or_default();
    let sql = "SELECT seq, at, decision, body, text, digest, hash FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    query(connection, sql, params![signed(after), limited(limit)], |row| {
        let hash: String = column(row, 6)?;
        Ok(Entry {
            seq: unsigned(column(row, 0)?),
            at: column(row, 1)?,
            decision: column(row, 2)?,
            previous: std::mem::replace(&mut previous, hash.clone()),
            body: column(row, 3)?,
            text: column(row, 4)?,
            digest: column(row, 5)?,
            hash,
        })
    })
}

pub(super) fn deliveries(
    connection: &Connection,
    condition: &str,
    params: impl Params,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "SELECT decision, generation, returns, channel, intent_at, message, shown, lost FROM delivery WHERE {condition}"
    );
    query(connection, &sql, params, |row| {
        Ok(Delivery {
            decision: DecisionId(column(row, 0)?),
            generation: column(row, 1)?,
            returns: column(row, 2)?,
            channel: column(row, 3)?,
            intent_at: time(column(row, 4)?)?,
            message: column(row, 5)?,
            shown: unsigned(column(row, 6)?),
            lost: column(row, 7)?,
        })
    })
}

/// Writes a card message's row. The card of a batched decision counts as outdated until edited to
/// point to the batch.
pub(super) fn put_delivery(connection: &Connection, delivery: &Delivery) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO delivery (decision, generation, returns, channel, intent_at, message, shown, lost, behind)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
                     NOT ?8 AND (?6 IS NULL OR ?7 < (SELECT changed FROM decision WHERE id = ?1)
                        OR ?7 < 9223372036854775807 AND EXISTS (
                            SELECT 1 FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
                            WHERE i.decision = ?1 AND i.gone IS NULL AND p.purpose = 'batch' AND p.final = 0)))
             ON CONFLICT (decision, generation) DO UPDATE SET
                channel = ?4, intent_at = ?5, message = ?6, shown = ?7, lost = ?8, behind = excluded.behind",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![
                delivery.decision.0,
                delivery.generation,
                delivery.returns,
                delivery.channel,
                delivery.intent_at.timestamp_millis(),
                delivery.message,
                signed(delivery.shown),
                delivery.lost,
            ])
        })
        .map(drop)
        .map_err(from_sqlite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteStore;

    #[test]
    fn nothing_that_is_asked_often_reads_all_decisions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gander.db");
        drop(SqliteStore::open(&path, None, Time::UNIX_EPOCH).unwrap());
        let connection = Connection::open(&path).unwrap();
        let prunable = format!("SELECT count(*) {}", super::super::upkeep::PRUNABLE);
        for sql in [WAITING, OPEN, UNSETTLED, &prunable] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = vec![0; plan.parameter_count()];
            let steps = plan
                .query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3))
                .unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            assert!(!steps.is_empty(), "no plan for {sql}");
            // A partial index over open rows may be scanned.
            let whole = |step: &&String| {
                step.starts_with("SCAN")
                    && !step.contains("decision_open")
                    && !step.contains("delivery_behind")
            };
            assert_eq!(steps.iter().find(whole), None, "{sql}: {steps:#?}");
        }
    }
}
