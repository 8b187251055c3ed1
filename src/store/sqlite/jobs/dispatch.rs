//! Leases jobs, and keeps leases.
//!
//! The next job of a project is the first of an index, because a job's row has its place in the
//! queue, with the time for which the place holds ([`crate::core::jobs::order`]). Places that no
//! longer hold are computed anew before the index is read.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::change::Writing;
use super::{halts, read, row, sweep};
use crate::core::Time;
use crate::core::jobs::{Job, JobEvent, JobId, JobRules, JobState, LeaseRef};
use crate::store::sqlite::from_sqlite;
use crate::store::sqlite::rows::{column, one, query, signed, unsigned};
use crate::store::{ChangedJob, LeaseRequest, StoreError, UnchangedJob};

pub(super) fn lease(
    writing: Writing<'_>,
    request: &LeaseRequest,
    rules: &JobRules,
) -> Result<Option<Job>, StoreError> {
    let connection = writing.connection;
    sweep::take_back_leases(writing, rules)?;
    refresh_scores(connection, writing.at)?;
    let Some(id) = next(connection, request, rules)? else { return Ok(None) };
    let job = read::existing(connection, id)?;
    let until = writing.at + rules.lease;
    let Ok(event) = job.lease_to(request.worker.clone(), until) else { return Ok(None) };
    let job = writing.append(job, event)?;
    take_turn(connection, &job)?;
    Ok(Some(job))
}

const ALL_RUNNING: &str = "SELECT count(*) FROM job INDEXED BY job_running WHERE state = 'running'";
const RUNNING: &str =
    "SELECT count(*) FROM job INDEXED BY job_running WHERE state = 'running' AND project = ?1";

/// The first job of a project that this agent may do.
pub(super) const FIRST: &str = "
    SELECT id, score FROM job INDEXED BY job_ready
    WHERE ready = 1 AND project = ?1 AND (?2 IS NULL OR agent IS NULL OR agent = ?2)
        AND (?3 IS NULL OR run = ?3)
    ORDER BY score DESC, id LIMIT 1";

/// A job that may be leased next: that of the project whose latest turn is longest ago; among
/// projects that never had a turn, that with the greatest score, then the oldest.
type Candidate = (u64, std::cmp::Reverse<i64>, JobId);

/// The job that is leased next. `None`: none is ready, a limit is reached, or all is halted.
pub(super) fn next(
    connection: &Connection,
    request: &LeaseRequest,
    rules: &JobRules,
) -> Result<Option<JobId>, StoreError> {
    let halted: BTreeSet<Option<String>> =
        halts::stored(connection)?.into_iter().map(|halt| halt.project).collect();
    let running: u32 = one(connection, ALL_RUNNING)?;
    if halted.contains(&None) || running >= rules.running {
        return Ok(None);
    }
    let mut best: Option<Candidate> = None;
    for (project, turn) in turns(connection, &request.projects)? {
        if best.as_ref().is_some_and(|(earlier, ..)| *earlier < turn) {
            break;
        }
        if halted.contains(&Some(project.clone())) {
            continue;
        }
        let first =
            query(connection, FIRST, params![project, request.agent, request.run], |row| {
                Ok((turn, std::cmp::Reverse(column(row, 1)?), JobId(column(row, 0)?)))
            })?
            .pop();
        let Some(candidate) = first else { continue };
        let running = query(connection, RUNNING, [&project], |row| column::<u32>(row, 0))?.pop();
        if running.unwrap_or(0) < rules.running_in(&project) {
            best = best.map_or(Some(candidate), |best| Some(best.min(candidate)));
        }
    }
    Ok(best.map(|(_, _, id)| id))
}

/// The projects with their latest turns, that of longest ago first.
fn turns(connection: &Connection, projects: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
    let sql = "SELECT project, turn FROM job_turn ORDER BY turn, project";
    let all = query(connection, sql, [], |row| {
        Ok((column::<String>(row, 0)?, unsigned(column(row, 1)?)))
    })?;
    let wanted = |project: &String| projects.is_empty() || projects.contains(project);
    Ok(all.into_iter().filter(|(project, _)| wanted(project)).collect())
}

fn take_turn(connection: &Connection, job: &Job) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE job_turn SET turn = ?2 WHERE project = ?1")
        .and_then(|mut update| update.execute(params![job.request.project, signed(job.changed)]))
        .map(drop)
        .map_err(from_sqlite)
}

/// The jobs whose place in the queue holds no longer, or not yet.
pub(super) const OUTDATED_SCORES: &str = "
    SELECT id FROM job INDEXED BY job_score_until
    WHERE ready = 1 AND score_until IS NOT NULL AND score_until <= ?1
    UNION
    SELECT id FROM job INDEXED BY job_score_from
    WHERE ready = 1 AND score_from IS NOT NULL AND score_from > ?1";

pub(super) fn refresh_scores(connection: &Connection, now: Time) -> Result<(), StoreError> {
    for id in read::ids(connection, OUTDATED_SCORES, [now.timestamp_millis()])? {
        row::put(connection, &read::existing(connection, id)?, now)?;
    }
    Ok(())
}

/// A job whose lease was checked, or why the worker must stop.
fn leased(
    connection: &Connection,
    lease: &LeaseRef,
) -> Result<Result<Job, Box<UnchangedJob>>, StoreError> {
    let job = read::existing(connection, lease.job)?;
    Ok(match job.check_lease(lease) {
        Ok(_) => Ok(job),
        Err(why) => Err(Box::new(UnchangedJob { job, why })),
    })
}

pub(super) fn renew(
    connection: &Connection,
    lease: &LeaseRef,
    until: Time,
) -> Result<ChangedJob, StoreError> {
    let job = match leased(connection, lease)? {
        Ok(job) => job,
        Err(unchanged) => return Ok(Err(unchanged)),
    };
    connection
        .prepare_cached("UPDATE job SET lease_until = ?2 WHERE id = ?1")
        .and_then(|mut update| update.execute(params![job.id.0, until.timestamp_millis()]))
        .map_err(from_sqlite)?;
    read::existing(connection, job.id).map(Ok)
}

pub(super) fn output(
    writing: Writing<'_>,
    lease: &LeaseRef,
    step: Option<String>,
    until: Time,
) -> Result<ChangedJob, StoreError> {
    let connection = writing.connection;
    let mut job = match leased(connection, lease)? {
        Ok(job) => job,
        Err(unchanged) => return Ok(Err(unchanged)),
    };
    if let Some(text) = step {
        job = match job.report_step(lease, text) {
            Ok(event) => writing.append(job, event)?,
            Err(why) => return Ok(Err(Box::new(UnchangedJob { job, why }))),
        };
    }
    if matches!(job.state, JobState::Running { stuck: Some(_), .. }) {
        job = writing.append(job, JobEvent::Unstuck)?;
    }
    if let Some(liveness) = &mut job.liveness {
        (liveness.until, liveness.output_at) = (until, writing.at);
    }
    row::put(connection, &job, writing.at)?;
    Ok(Ok(job))
}
