//! The row of a grant, derived from the decision whose verdict gives the grant.

use rusqlite::{Connection, Row, named_params};

use super::from_sqlite;
use super::rows::{column, query, signed};
use crate::core::decision::{Decision, DecisionId};
use crate::store::StoreError;

/// Condition on a decision's row: the decision has a grant that has not ended.
pub(super) const LIVE: &str =
    "id IN (SELECT decision FROM call_grant INDEXED BY call_grant_live WHERE ended_at IS NULL)";

/// A grant as stored. Times are milliseconds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GrantRow {
    project: String,
    agent: String,
    session: Option<String>,
    key: Option<String>,
    by: String,
    at: i64,
    until: Option<i64>,
    uses: i64,
    used_at: Option<i64>,
    ended_at: Option<i64>,
    ended_by: Option<String>,
}

impl GrantRow {
    pub(super) fn of(decision: &Decision) -> Option<Self> {
        let grant = decision.grant()?;
        let ended = grant.progress.ended;
        Some(Self {
            project: grant.project,
            agent: grant.agent.name,
            session: grant.agent.session,
            key: grant.key,
            by: grant.by.id,
            at: grant.at.timestamp_millis(),
            until: grant.until.map(|until| until.timestamp_millis()),
            uses: signed(grant.progress.uses),
            used_at: grant.progress.used_at.map(|at| at.timestamp_millis()),
            ended_at: ended.as_ref().map(|end| end.at.timestamp_millis()),
            ended_by: ended.map(|end| end.by.id),
        })
    }

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            project: column(row, "project")?,
            agent: column(row, "agent")?,
            session: column(row, "session")?,
            key: column(row, "key")?,
            by: column(row, "by")?,
            at: column(row, "at")?,
            until: column(row, "until")?,
            uses: column(row, "uses")?,
            used_at: column(row, "used_at")?,
            ended_at: column(row, "ended_at")?,
            ended_by: column(row, "ended_by")?,
        })
    }
}

/// The stored grant of a decision.
pub(super) fn stored(
    connection: &Connection,
    id: DecisionId,
) -> Result<Option<GrantRow>, StoreError> {
    let found = query(
        connection,
        "SELECT project, agent, session, key, by, at, until, uses, used_at, ended_at, ended_by
         FROM call_grant WHERE decision = ?1",
        [id.0],
        GrantRow::read,
    );
    Ok(found?.pop())
}

/// Writes the grant of a decision, or removes the grant of a verdict that was taken back.
pub(super) fn put(connection: &Connection, decision: &Decision) -> Result<(), StoreError> {
    // Only a permission can be approved for a session.
    if !decision.is_permission() {
        return Ok(());
    }
    let Some(grant) = GrantRow::of(decision) else {
        return connection
            .prepare_cached("DELETE FROM call_grant WHERE decision = ?1")
            .and_then(|mut delete| delete.execute([decision.id.0]))
            .map(drop)
            .map_err(from_sqlite);
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO call_grant (decision, project, agent, session, key, by, at,
                until, uses, used_at, ended_at, ended_by)
             VALUES (:decision, :project, :agent, :session, :key, :by, :at, :until, :uses,
                :used_at, :ended_at, :ended_by)",
        )
        .and_then(|mut insert| {
            insert.execute(named_params! {
                ":decision": decision.id.0,
                ":project": grant.project,
                ":agent": grant.agent,
                ":session": grant.session,
                ":key": grant.key,
                ":by": grant.by,
                ":at": grant.at,
                ":until": grant.until,
                ":uses": grant.uses,
                ":used_at": grant.used_at,
                ":ended_at": grant.ended_at,
                ":ended_by": grant.ended_by,
            })
        })
        .map(drop)
        .map_err(from_sqlite)
}
