//! The row of a grant, derived from the decision whose verdict gives the grant; and what is
//! searched by these rows.

use rusqlite::{Connection, Row, named_params, params};

use super::rows::{column, query, signed, unreadable};
use super::{Store, decisions, from_sqlite, precedents};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, GrantEndReason, GrantSpan, Request};
use crate::store::{GrantCandidate, StoreError};

/// Condition on a decision's row: the decision has a grant that has not ended.
pub(super) const LIVE: &str =
    "id IN (SELECT decision FROM call_grant INDEXED BY call_grant_live WHERE ended_at IS NULL)";

/// Grants of one agent and workspace that are looked at for a call, the newest.
const MOST_CANDIDATES: i64 = 100;

/// Grants: verdicts that also cover later calls.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct GrantStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl GrantStore<'_> {
    /// The grants beyond the exact call of a session that have not ended, of the request's agent in
    /// its project and workspace: at most 100, the newest first.
    pub fn candidates(self, request: &Request) -> Result<Vec<GrantCandidate>, StoreError> {
        self.store.read(|connection| candidates(connection, request))
    }

    /// The time of the latest entry of the log. `None`: the log is empty.
    pub fn latest_entry_at(self) -> Result<Option<Time>, StoreError> {
        self.store.read(|connection| {
            let sql = "SELECT at FROM event ORDER BY seq DESC LIMIT 1";
            let found = query(connection, sql, [], |row| column::<i64>(row, 0))?.pop();
            Ok(found.and_then(Time::from_timestamp_millis))
        })
    }

    /// The ids of the people whose grants have not ended.
    pub fn givers(self) -> Result<Vec<String>, StoreError> {
        self.store.read(|connection| {
            let sql = "SELECT DISTINCT by FROM call_grant INDEXED BY call_grant_live
                WHERE ended_at IS NULL";
            query(connection, sql, [], |row| column(row, 0))
        })
    }

    /// The uses of each grant after `from`, up to and including `to`: the most used first.
    pub fn uses_between(self, from: Time, to: Time) -> Result<Vec<(DecisionId, u64)>, StoreError> {
        self.store.read(|connection| {
            let span = params![from.timestamp_millis(), to.timestamp_millis()];
            query(connection, USES, span, |row| {
                let uses: i64 = column(row, 1)?;
                Ok((DecisionId(column(row, 0)?), u64::try_from(uses).unwrap_or(0)))
            })
        })
    }
}

const CANDIDATES: &str = "
    SELECT decision FROM call_grant INDEXED BY call_grant_of
    WHERE project = ?1 AND agent = ?2 AND root = ?3 AND root IS NOT NULL AND ended_at IS NULL
    ORDER BY decision DESC LIMIT ?4";

const USES: &str = "
    SELECT decision, count(*) AS uses FROM event INDEXED BY event_grant_used
    WHERE substr(body, 1, 21) = '{\"event\":\"grant_used\"' AND at > ?1 AND at <= ?2
    GROUP BY decision ORDER BY uses DESC, decision";

fn candidates(
    connection: &Connection,
    request: &Request,
) -> Result<Vec<GrantCandidate>, StoreError> {
    let Some(call) = &request.grantable else { return Ok(Vec::new()) };
    let values = params![request.project, request.agent.name, call.root, MOST_CANDIDATES];
    let ids = query(connection, CANDIDATES, values, |row| Ok(DecisionId(column(row, 0)?)))?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let marks = request.marks();
    let mut found = Vec::new();
    for decision in decisions::get_many(connection, &ids)? {
        let handled = precedents::find(connection, &marks, Some(decision.id))?;
        found.push(GrantCandidate { decision, handled });
    }
    Ok(found)
}

/// A grant as stored. Times are milliseconds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GrantRow {
    project: String,
    agent: String,
    session: Option<String>,
    key: Option<String>,
    span: String,
    pattern: Option<String>,
    root: Option<String>,
    by: String,
    at: i64,
    until: Option<i64>,
    uses: i64,
    used_at: Option<i64>,
    ended_at: Option<i64>,
    ended_by: Option<String>,
    ended_why: Option<String>,
}

impl GrantRow {
    /// # Errors
    /// [`StoreError::Unreadable`] if a pattern cannot be written as JSON.
    pub(super) fn of(decision: &Decision) -> Result<Option<Self>, StoreError> {
        let Some(grant) = decision.grant() else { return Ok(None) };
        let ended = grant.progress.ended;
        let pattern = grant.terms.pattern.as_ref().map(serde_json::to_string).transpose();
        Ok(Some(Self {
            project: grant.project,
            agent: grant.agent.name,
            session: grant.agent.session,
            key: grant.key,
            span: span(grant.terms.span).to_owned(),
            pattern: pattern.map_err(unreadable)?,
            root: grant.root,
            by: grant.by.id,
            at: grant.at.timestamp_millis(),
            until: grant.until.map(|until| until.timestamp_millis()),
            uses: signed(grant.progress.uses),
            used_at: grant.progress.used_at.map(|at| at.timestamp_millis()),
            ended_at: ended.as_ref().map(|end| end.at.timestamp_millis()),
            ended_by: ended.as_ref().map(|end| end.by.id.clone()),
            ended_why: ended.and_then(|end| end.why).map(|why| reason(why).to_owned()),
        }))
    }

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            project: column(row, "project")?,
            agent: column(row, "agent")?,
            session: column(row, "session")?,
            key: column(row, "key")?,
            span: column(row, "span")?,
            pattern: column(row, "pattern")?,
            root: column(row, "root")?,
            by: column(row, "by")?,
            at: column(row, "at")?,
            until: column(row, "until")?,
            uses: column(row, "uses")?,
            used_at: column(row, "used_at")?,
            ended_at: column(row, "ended_at")?,
            ended_by: column(row, "ended_by")?,
            ended_why: column(row, "ended_why")?,
        })
    }
}

const fn span(span: GrantSpan) -> &'static str {
    match span {
        GrantSpan::Session => "session",
        GrantSpan::Seconds(_) => "seconds",
        GrantSpan::UntilRevoked => "until_revoked",
    }
}

const fn reason(why: GrantEndReason) -> &'static str {
    match why {
        GrantEndReason::Expired => "expired",
        GrantEndReason::GiverLeft => "giver_left",
    }
}

/// The stored grant of a decision.
pub(super) fn stored(
    connection: &Connection,
    id: DecisionId,
) -> Result<Option<GrantRow>, StoreError> {
    let found = query(
        connection,
        "SELECT project, agent, session, key, span, pattern, root, by, at, until, uses, used_at,
            ended_at, ended_by, ended_why
         FROM call_grant WHERE decision = ?1",
        [id.0],
        GrantRow::read,
    );
    Ok(found?.pop())
}

/// Writes the grant of a decision, or removes the grant of a verdict that was taken back.
pub(super) fn put(connection: &Connection, decision: &Decision) -> Result<(), StoreError> {
    // Only a call can be approved for later calls.
    if !decision.is_call() && decision.request.grantable.is_none() {
        return Ok(());
    }
    let Some(grant) = GrantRow::of(decision)? else {
        return connection
            .prepare_cached("DELETE FROM call_grant WHERE decision = ?1")
            .and_then(|mut delete| delete.execute([decision.id.0]))
            .map(drop)
            .map_err(from_sqlite);
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO call_grant (decision, project, agent, session, key, span,
                pattern, root, by, at, until, uses, used_at, ended_at, ended_by, ended_why)
             VALUES (:decision, :project, :agent, :session, :key, :span, :pattern, :root, :by, :at,
                :until, :uses, :used_at, :ended_at, :ended_by, :ended_why)",
        )
        .and_then(|mut insert| {
            insert.execute(named_params! {
                ":decision": decision.id.0,
                ":project": grant.project,
                ":agent": grant.agent,
                ":session": grant.session,
                ":key": grant.key,
                ":span": grant.span,
                ":pattern": grant.pattern,
                ":root": grant.root,
                ":by": grant.by,
                ":at": grant.at,
                ":until": grant.until,
                ":uses": grant.uses,
                ":used_at": grant.used_at,
                ":ended_at": grant.ended_at,
                ":ended_by": grant.ended_by,
                ":ended_why": grant.ended_why,
            })
        })
        .map(drop)
        .map_err(from_sqlite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_gate_nor_a_digest_reads_all_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gander.db");
        drop(Store::open(&path, None, Time::UNIX_EPOCH).unwrap());
        let connection = Connection::open(path).unwrap();
        for (sql, index) in [(CANDIDATES, "call_grant_of"), (USES, "event_grant_used")] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = vec![0; plan.parameter_count()];
            let steps = plan
                .query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3))
                .unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            let searches = format!("INDEX {index}");
            let found =
                steps.iter().any(|step| step.starts_with("SEARCH") && step.contains(&searches));
            assert!(found, "{sql}: {steps:#?}");
        }
    }

    #[test]
    fn the_index_of_uses_knows_how_an_event_begins() {
        let event = crate::core::decision::event::Event::GrantUsed { call: None };
        let body = serde_json::to_string(&event).unwrap();
        assert_eq!(body.get(..21), Some("{\"event\":\"grant_used\""));
        assert!(USES.contains(&body[..21]));
    }
}
