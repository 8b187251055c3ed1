//! Statements for resumptions.

use rusqlite::{Connection, Row, named_params, params};

use super::rows::{column, ids, query_columns, time, unreadable};
use super::{Store, decisions, from_sqlite};
use crate::core::Time;
use crate::core::decision::resumption::{
    ResumeEnd, ResumeProgress, Resumption, Seat, UnknownEnd, Wait,
};
use crate::core::decision::{Decision, DecisionId};
use crate::store::{ParkedAgent, ResumeStart, StoreError};

/// Agents that wait at a gate, or ended while they did.
///
/// Every method is atomic. Every method but [`ResumptionStore::renew_wait`] and
/// [`ResumptionStore::renew_watch`], whose loss costs nothing, is durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct ResumptionStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl ResumptionStore<'_> {
    /// Records the agent that waits for a decision, as its gate sees it. The other decisions of the
    /// session learn which process goes on with it. A started resumption stays as it is.
    pub fn park(self, id: DecisionId, seat: Seat, until: Time) -> Result<(), StoreError> {
        self.store.write(move |connection| park(connection, id, &seat, until))
    }

    /// The gate still waits: it counts as alive until `until`.
    pub fn renew_wait(self, id: DecisionId, until: Time) -> Result<(), StoreError> {
        self.store.write_soon(move |connection| put_wait(connection, id, Wait::Until(until)))
    }

    /// Records how the gate stopped waiting.
    pub fn put_wait(self, id: DecisionId, wait: Wait) -> Result<(), StoreError> {
        self.store.write(move |connection| put_wait(connection, id, wait))
    }

    /// Removes the record of an agent that has its answer.
    pub fn forget(self, id: DecisionId) -> Result<(), StoreError> {
        self.store.write(move |connection| {
            let sql = "DELETE FROM resumption WHERE decision = ?1 AND state = 'parked'";
            connection.execute(sql, [id.0]).map(drop).map_err(from_sqlite)
        })
    }

    /// All records, the latest decision first.
    pub fn all(self) -> Result<Vec<ParkedAgent>, StoreError> {
        self.store.read(|connection| list(connection, ALL))
    }

    /// The records of agents that may have to be started: parked, with a decision that is closed.
    pub fn decided(self) -> Result<Vec<ParkedAgent>, StoreError> {
        self.store.read(|connection| list(connection, DECIDED))
    }

    /// Records, before the agent is started, that it is started with the verdicts on these
    /// decisions of one session. `watched_until`: the caller counts as alive until then.
    pub fn start(
        self,
        wanted: Vec<DecisionId>,
        unknown: UnknownEnd,
        at: Time,
        watched_until: Time,
    ) -> Result<ResumeStart, StoreError> {
        self.store.write(move |connection| start(connection, &wanted, unknown, at, watched_until))
    }

    /// The caller still watches the agents of these decisions.
    pub fn renew_watch(self, of: Vec<DecisionId>, until: Time) -> Result<(), StoreError> {
        self.store.write_soon(move |connection| {
            let sql = "UPDATE resumption SET until = ?2 WHERE decision = ?1 AND state = 'started'";
            of.iter().try_for_each(|id| {
                let at = until.timestamp_millis();
                connection.execute(sql, params![id.0, at]).map(drop).map_err(from_sqlite)
            })
        })
    }

    /// Records how the resumption of these decisions ended.
    pub fn end(self, of: Vec<DecisionId>, how: ResumeEnd, at: Time) -> Result<(), StoreError> {
        self.store.write(move |connection| {
            of.iter().try_for_each(|id| end(connection, *id, how, at).map(drop))
        })
    }

    /// Records that nobody has seen the end of the resumptions that nobody watches any more, and
    /// returns their decisions.
    pub fn expire(self, at: Time) -> Result<Vec<Decision>, StoreError> {
        let unwatched = self.store.read(|connection| unwatched(connection, at))?;
        if unwatched.is_empty() {
            return Ok(Vec::new());
        }
        self.store.write(move |connection| {
            // Read again: the process that watches may have woken.
            let mut ended = Vec::new();
            for id in self::unwatched(connection, at)? {
                ended.extend(end(connection, id, ResumeEnd::Unknown, at)?);
            }
            Ok(ended)
        })
    }
}

/// The columns of a record.
const COLUMNS: [&str; 7] = ["decision", "seat", "state", "wait", "until", "started_at", "status"];

const ALL: &str = "
    SELECT decision, seat, state, wait, until, started_at, status FROM resumption
    ORDER BY decision DESC";

const DECIDED: &str = "
    SELECT r.decision, seat, r.state, wait, until, started_at, status
    FROM resumption AS r INDEXED BY resumption_open JOIN decision AS d ON d.id = r.decision
    WHERE r.state IN ('parked', 'started') AND r.state = 'parked'
        AND d.state IN ('resolved', 'withdrawn')
    ORDER BY r.decision";

fn list(connection: &Connection, sql: &str) -> Result<Vec<ParkedAgent>, StoreError> {
    let found = query_columns(connection, sql, [], COLUMNS, read)?;
    let with_decision = |resumption: Resumption| {
        let decision = decisions::get(connection, resumption.decision)?
            .ok_or(StoreError::NoSuchDecision(resumption.decision))?;
        Ok(ParkedAgent { resumption, decision })
    };
    found.into_iter().map(with_decision).collect()
}

fn get(connection: &Connection, id: DecisionId) -> Result<Option<Resumption>, StoreError> {
    let sql = "SELECT decision, seat, state, wait, until, started_at, status FROM resumption
        WHERE decision = ?1";
    Ok(query_columns(connection, sql, [id.0], COLUMNS, read)?.pop())
}

fn read(row: &Row<'_>, positions: [usize; 7]) -> Result<Resumption, StoreError> {
    let [decision, seat, state, wait, until, started_at, status] = positions;
    let until = time(column(row, until)?)?;
    let started = || -> Result<Time, StoreError> { time(column(row, started_at)?) };
    let ended = |how| Ok::<_, StoreError>(ResumeProgress::Ended { started: started()?, how });
    let progress = match column::<String>(row, state)?.as_str() {
        "parked" => ResumeProgress::Parked(match column::<String>(row, wait)?.as_str() {
            "until" => Wait::Until(until),
            "went_on" => Wait::WentOn,
            "parted" => Wait::Parted,
            other => return Err(unreadable(format!("the wait {other:?}"))),
        }),
        "started" => ResumeProgress::Started { at: started()?, watched_until: until },
        "finished" => ended(ResumeEnd::Finished)?,
        "failed" => ended(ResumeEnd::Failed { status: column(row, status)? })?,
        "not_started" => ended(ResumeEnd::NotStarted)?,
        "unknown" => ended(ResumeEnd::Unknown)?,
        other => return Err(unreadable(format!("the resumption {other:?}"))),
    };
    let seat: Seat = serde_json::from_str(&column::<String>(row, seat)?).map_err(unreadable)?;
    Ok(Resumption { decision: DecisionId(column(row, decision)?), seat, progress })
}

fn park(
    connection: &Connection,
    id: DecisionId,
    seat: &Seat,
    until: Time,
) -> Result<(), StoreError> {
    let document = serde_json::to_string(seat).map_err(unreadable)?;
    connection
        .prepare_cached(
            "INSERT INTO resumption (decision, agent, session, seat, state, wait, until)
             VALUES (:decision, :agent, :session, :seat, 'parked', 'until', :until)
             ON CONFLICT (decision) DO UPDATE
             SET (agent, session, seat, wait, until) = (:agent, :session, :seat, 'until', :until)
             WHERE state = 'parked'",
        )
        .and_then(|mut upsert| {
            upsert.execute(named_params! {
                ":decision": id.0,
                ":agent": seat.agent,
                ":session": seat.session,
                ":seat": document,
                ":until": until.timestamp_millis(),
            })
        })
        .map_err(from_sqlite)?;
    let process = serde_json::to_string(&seat.process).map_err(unreadable)?;
    let others = "
        UPDATE resumption SET seat = json_set(seat, '$.process', json(?3))
        WHERE agent = ?1 AND session = ?2 AND state = 'parked' AND decision <> ?4";
    connection
        .prepare_cached(others)
        .and_then(|mut update| update.execute(params![seat.agent, seat.session, process, id.0]))
        .map(drop)
        .map_err(from_sqlite)
}

fn put_wait(connection: &Connection, id: DecisionId, wait: Wait) -> Result<(), StoreError> {
    let (word, until) = match wait {
        Wait::Until(until) => ("until", Some(until.timestamp_millis())),
        Wait::WentOn => ("went_on", None),
        Wait::Parted => ("parted", None),
    };
    let sql = "UPDATE resumption SET wait = ?2, until = coalesce(?3, until)
        WHERE decision = ?1 AND state = 'parked'";
    connection
        .prepare_cached(sql)
        .and_then(|mut update| update.execute(params![id.0, word, until]))
        .map(drop)
        .map_err(from_sqlite)
}

fn start(
    connection: &Connection,
    wanted: &[DecisionId],
    unknown: UnknownEnd,
    at: Time,
    watched_until: Time,
) -> Result<ResumeStart, StoreError> {
    let mut parked = Vec::new();
    for id in wanted {
        let found = get(connection, *id)?;
        parked.extend(found.filter(|found| match found.progress {
            ResumeProgress::Parked(Wait::Until(until)) => until <= at,
            ResumeProgress::Parked(Wait::WentOn | Wait::Parted) => true,
            ResumeProgress::Started { .. } | ResumeProgress::Ended { .. } => false,
        }));
    }
    let Some(first) = parked.first().cloned() else { return Ok(ResumeStart::NothingOwed) };
    match latest_start(connection, &first.seat)? {
        Some(ResumeProgress::Started { watched_until, .. }) if at < watched_until => {
            return Ok(ResumeStart::SessionRuns);
        }
        Some(
            ResumeProgress::Started { .. } | ResumeProgress::Ended { how: ResumeEnd::Unknown, .. },
        ) if unknown == UnknownEnd::Prevents => return Ok(ResumeStart::EndUnknown),
        _ => {}
    }
    let mut begun = Vec::new();
    for resumption in parked.iter().filter(|other| other.shares_session(&first)) {
        let decide = Box::new(|decision: &Decision| Ok(Some(decision.start_resumption()?)));
        let Ok(decision) = decisions::change(connection, resumption.decision, at, decide)? else {
            continue;
        };
        connection
            .execute(
                "UPDATE resumption SET state = 'started', started_at = ?2, until = ?3
                 WHERE decision = ?1",
                params![decision.id.0, at.timestamp_millis(), watched_until.timestamp_millis()],
            )
            .map_err(from_sqlite)?;
        begun.push(decision);
    }
    if begun.is_empty() {
        return Ok(ResumeStart::NothingOwed);
    }
    Ok(ResumeStart::Recorded(begun))
}

/// The latest start in a session.
fn latest_start(
    connection: &Connection,
    seat: &Seat,
) -> Result<Option<ResumeProgress>, StoreError> {
    let sql = "SELECT decision, seat, state, wait, until, started_at, status FROM resumption
        WHERE agent = ?1 AND session = ?2 AND started_at IS NOT NULL
        ORDER BY started_at DESC, until DESC LIMIT 1";
    let found = query_columns(connection, sql, params![seat.agent, seat.session], COLUMNS, read)?;
    Ok(found.into_iter().next().map(|found| found.progress))
}

/// Started resumptions that nobody watches at `at`.
fn unwatched(connection: &Connection, at: Time) -> Result<Vec<DecisionId>, StoreError> {
    let sql = "SELECT decision FROM resumption INDEXED BY resumption_open
        WHERE state IN ('parked', 'started') AND state = 'started' AND until <= ?1";
    ids(connection, sql, [at.timestamp_millis()])
}

/// Records the end of a resumption. `None`: its end is on record.
fn end(
    connection: &Connection,
    id: DecisionId,
    how: ResumeEnd,
    at: Time,
) -> Result<Option<Decision>, StoreError> {
    let (state, status) = match how {
        ResumeEnd::Finished => ("finished", None),
        ResumeEnd::Failed { status } => ("failed", status),
        ResumeEnd::NotStarted => ("not_started", None),
        ResumeEnd::Unknown => ("unknown", None),
    };
    let written = connection
        .execute(
            "UPDATE resumption SET state = ?2, status = ?3
             WHERE decision = ?1 AND state IN ('started', 'unknown') AND state <> ?2",
            params![id.0, state, status],
        )
        .map_err(from_sqlite)?;
    if written == 0 {
        return Ok(None);
    }
    let decide = Box::new(move |decision: &Decision| Ok(decision.end_resumption(how)));
    match decisions::change(connection, id, at, decide)? {
        Ok(decision) => Ok(Some(decision)),
        Err(unchanged) => Ok(Some(unchanged.decision)),
    }
}
