//! What the queue does on its own: takes leases back, finds what is stuck and what is at risk, and
//! applies the answers of people.

use chrono::TimeDelta;
use rusqlite::Connection;

use super::change::Writing;
use super::{dispatch, read};
use crate::core::Time;
use crate::core::decision::{DecisionId, State};
use crate::core::jobs::{JobEvent, JobId, JobQuestion, JobRules};
use crate::store::sqlite::rows::{query, time};
use crate::store::sqlite::{decisions, from_sqlite};
use crate::store::{StoreError, Sweep};

/// Jobs of each kind that one transaction changes, at most.
const MOST: usize = 100;

pub(super) fn sweep(writing: Writing<'_>, rules: &JobRules) -> Result<Sweep, StoreError> {
    let lost = take_back_leases(writing, rules)?;
    let settled = settle(writing)?;
    let stuck = find_stuck(writing, rules)?;
    let at_risk = find_at_risk(writing)?;
    dispatch::refresh_scores(writing.connection, writing.at)?;
    let more = [&lost, &settled, &stuck, &at_risk].iter().any(|jobs| jobs.len() >= MOST);
    Ok(Sweep { lost, stuck, at_risk, settled, more })
}

/// Takes back the leases that were not renewed.
pub(super) fn take_back_leases(
    writing: Writing<'_>,
    rules: &JobRules,
) -> Result<Vec<JobId>, StoreError> {
    bring_to_clock(writing, rules)?;
    let sql = "SELECT id FROM job INDEXED BY job_lease
        WHERE lease_until IS NOT NULL AND lease_until <= ?1 ORDER BY lease_until LIMIT 100";
    let due = read::ids(writing.connection, sql, [writing.at.timestamp_millis()])?;
    change_each(writing, due, |job| Ok(job.lose_lease(writing.at)))
}

/// After the clock was set back, a lease would last for as long as that, and output would lie in
/// the future.
fn bring_to_clock(writing: Writing<'_>, rules: &JobRules) -> Result<(), StoreError> {
    let now = writing.at.timestamp_millis();
    let latest = writing.at.checked_add_signed(rules.lease).unwrap_or(writing.at);
    for (sql, limit) in [
        (
            "UPDATE job SET lease_until = ?1 WHERE lease_until IS NOT NULL AND lease_until > ?1",
            latest.timestamp_millis(),
        ),
        (
            "UPDATE job SET output_at = ?1, stall_from = min(stall_from, ?1)
             WHERE lease_until IS NOT NULL AND output_at > ?1",
            now,
        ),
    ] {
        writing
            .connection
            .prepare_cached(sql)
            .and_then(|mut update| update.execute([limit]))
            .map_err(from_sqlite)?;
    }
    Ok(())
}

/// Appends the event that `event` returns to each of these jobs. Returns the jobs that changed.
fn change_each(
    writing: Writing<'_>,
    ids: Vec<JobId>,
    event: impl Fn(&crate::core::jobs::Job) -> Result<Option<JobEvent>, StoreError>,
) -> Result<Vec<JobId>, StoreError> {
    let mut changed = Vec::new();
    for id in ids {
        let job = read::existing(writing.connection, id)?;
        if let Some(event) = event(&job)? {
            writing.append(job, event)?;
            changed.push(id);
        }
    }
    Ok(changed)
}

fn find_stuck(writing: Writing<'_>, rules: &JobRules) -> Result<Vec<JobId>, StoreError> {
    let sql = "SELECT id FROM job INDEXED BY job_stall
        WHERE stall_from IS NOT NULL AND stall_from <= ?1 ORDER BY stall_from LIMIT 100";
    let before = writing.at - rules.shortest_stall();
    let due = read::ids(writing.connection, sql, [before.timestamp_millis()])?;
    change_each(writing, due, |job| {
        if !job.is_stalled(rules.stall_in(&job.request.project), writing.at) {
            return Ok(None);
        }
        let decision = writing.ask(job, JobQuestion::Stuck)?;
        Ok(Some(JobEvent::Stuck { decision }))
    })
}

fn find_at_risk(writing: Writing<'_>) -> Result<Vec<JobId>, StoreError> {
    let sql = "SELECT id FROM job INDEXED BY job_risk
        WHERE risk_at IS NOT NULL AND risk_at <= ?1 ORDER BY risk_at LIMIT 100";
    let due = read::ids(writing.connection, sql, [writing.at.timestamp_millis()])?;
    change_each(writing, due, |job| Ok(job.find_at_risk(writing.at)))
}

/// Applies the decisions that are over. What a worker waits for is left to the worker.
fn settle(writing: Writing<'_>) -> Result<Vec<JobId>, StoreError> {
    let sql = "SELECT job.id FROM job INDEXED BY job_decision
        JOIN decision ON decision.id = job.decision
        WHERE job.decision IS NOT NULL AND decision.state IN ('resolved', 'withdrawn')
            AND (job.state <> 'waiting' OR job.lease_until IS NULL)
        ORDER BY job.id LIMIT 100";
    let due = read::ids(writing.connection, sql, [])?;
    let mut settled = Vec::new();
    for id in due {
        if settle_job(writing, id)? {
            settled.push(id);
        }
    }
    Ok(settled)
}

fn settle_job(writing: Writing<'_>, id: JobId) -> Result<bool, StoreError> {
    let connection = writing.connection;
    let mut job = read::existing(connection, id)?;
    let Some(on) = job.decision() else { return Ok(false) };
    let Some(decision) = decisions::get(connection, on)? else { return Ok(false) };
    let events = job.settle(&decision);
    if events.is_empty() {
        return Ok(false);
    }
    // From here on, the verdict cannot be undone. The agent's own question is claimed by the agent.
    if job.question().is_some() && matches!(decision.state, State::Resolved(_)) {
        claim(writing, on)?;
    }
    for event in events {
        job = writing.append(job, event)?;
    }
    Ok(true)
}

fn claim(writing: Writing<'_>, id: DecisionId) -> Result<(), StoreError> {
    let Some(decision) = decisions::get(writing.connection, id)? else { return Ok(()) };
    if let Ok(Some(event)) = decision.claim() {
        decisions::append(writing.connection, decision, &event, writing.at)?;
    }
    Ok(())
}

/// The earliest moment at which a sweep has something to do.
pub(super) fn next(connection: &Connection, rules: &JobRules) -> Result<Option<Time>, StoreError> {
    let earliest = |sql: &str, after: TimeDelta| -> Result<Option<Time>, StoreError> {
        let found = query(connection, sql, [], |row| {
            let millis: Option<i64> = row.get(0).map_err(from_sqlite)?;
            millis.map(time).transpose()
        })?;
        Ok(found.into_iter().flatten().next().and_then(|at| at.checked_add_signed(after)))
    };
    let leases = earliest(
        "SELECT min(lease_until) FROM job INDEXED BY job_lease WHERE lease_until IS NOT NULL",
        TimeDelta::zero(),
    )?;
    let stalls = earliest(
        "SELECT min(stall_from) FROM job INDEXED BY job_stall WHERE stall_from IS NOT NULL",
        rules.shortest_stall(),
    )?;
    let risks = earliest(
        "SELECT min(risk_at) FROM job INDEXED BY job_risk WHERE risk_at IS NOT NULL",
        TimeDelta::zero(),
    )?;
    Ok([leases, stalls, risks].into_iter().flatten().min())
}
