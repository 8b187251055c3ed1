//! Enqueues jobs: once for each source and id, within a run, behind guards.

use rusqlite::{Connection, params};

use super::change::Writing;
use super::read;
use crate::core::decision::DecisionId;
use crate::core::jobs::event::BeyondGuard;
use crate::core::jobs::{
    GuardReached, InvalidJob, Job, JobEvent, JobId, JobQuestion, JobRequest, JobRules, RunTotals,
    Usage,
};
use crate::store::sqlite::from_sqlite;
use crate::store::sqlite::rows::{column, one, query, unsigned};
use crate::store::{EnqueuedJob, StoreError};

pub(super) fn enqueue(
    writing: Writing<'_>,
    request: JobRequest,
    rules: &JobRules,
) -> Result<EnqueuedJob, StoreError> {
    let connection = writing.connection;
    if let Some(open) = open_with_source(connection, &request)? {
        return read::existing(connection, open).map(EnqueuedJob::Same);
    }
    check_dependencies(connection, &request)?;
    let id: i64 = one(connection, "SELECT coalesce(max(id), 0) + 1 FROM job")?;
    let mut job = Job::new(JobId(id), request.clone(), writing.at);
    (job.run, job.depth) = place_in_run(connection, &job)?;
    let totals = totals(connection, &job.run)?;
    let reached = rules.guards.reached(&request, job.depth, &totals);
    let beyond = match reached {
        Some(guard) => Some(ask_beyond(writing, &job, guard)?),
        None => None,
    };
    let (run, depth) = (job.run.clone(), job.depth);
    let event = JobEvent::Enqueued { request: Box::new(request), run, depth, beyond };
    add_project(connection, &job.request.project)?;
    let job = writing.append(job, event)?;
    Ok(if beyond.is_some() { EnqueuedJob::Asked(job) } else { EnqueuedJob::New(job) })
}

/// The job that is not over and has the source and id of this request.
pub(super) fn open_with_source(
    connection: &Connection,
    request: &JobRequest,
) -> Result<Option<JobId>, StoreError> {
    let Some(source) = &request.source else { return Ok(None) };
    let sql = "SELECT id FROM job INDEXED BY job_source
        WHERE source = ?1 AND source_id = ?2 AND source IS NOT NULL AND over_at IS NULL";
    Ok(read::ids(connection, sql, [&source.name, &source.id])?.pop())
}

fn check_dependencies(connection: &Connection, request: &JobRequest) -> Result<(), StoreError> {
    for needs in &request.depends_on {
        let invalid = match read::get(connection, *needs)? {
            None => InvalidJob::NoSuchDependency(*needs),
            Some(job) if job.state.fails_dependants() => {
                InvalidJob::DeadDependency { job: *needs, state: job.state.word() }
            }
            Some(_) => continue,
        };
        return Err(StoreError::InvalidJob(invalid));
    }
    Ok(())
}

/// The job's run, and how deep the job is in it.
fn place_in_run(connection: &Connection, job: &Job) -> Result<(String, u32), StoreError> {
    let asked = job.request.run.clone();
    let Some(parent) = job.request.parent else {
        return Ok((asked.unwrap_or_else(|| format!("job-{}", job.id.0)), 0));
    };
    let invalid = |invalid| Err(StoreError::InvalidJob(invalid));
    match read::get(connection, parent)? {
        None => invalid(InvalidJob::NoSuchParent(parent)),
        Some(found) if asked.is_some_and(|run| run != found.run) => {
            invalid(InvalidJob::OtherRun { parent, run: found.run })
        }
        Some(found) => Ok((found.run, found.depth + 1)),
    }
}

fn totals(connection: &Connection, run: &str) -> Result<RunTotals, StoreError> {
    let sql = "SELECT count(*) FILTER (WHERE guard IS NOT 'refused'), sum(tokens), sum(cost)
        FROM job INDEXED BY job_run WHERE run = ?1";
    let found = query(connection, sql, [run], |row| {
        let jobs: i64 = column(row, 0)?;
        let usage = Usage {
            tokens: column::<Option<i64>>(row, 1)?.map(unsigned),
            cost_micro_usd: column::<Option<i64>>(row, 2)?.map(unsigned),
            ..Usage::default()
        };
        Ok(RunTotals { jobs: u32::try_from(jobs).unwrap_or(u32::MAX), usage })
    });
    Ok(found?.pop().unwrap_or_default())
}

/// Asks about a job beyond a guard: about one at a time, and never after a refusal, so that an
/// agent without end does not flood people instead of the queue.
fn ask_beyond(
    writing: Writing<'_>,
    job: &Job,
    guard: GuardReached,
) -> Result<BeyondGuard, StoreError> {
    let sql = "SELECT guard, document ->> '$.state.on', document ->> '$.state.cause.decision'
        FROM job INDEXED BY job_run WHERE run = ?1 AND guard IS NOT NULL ORDER BY guard LIMIT 1";
    let standing = query(writing.connection, sql, [&job.run], |row| {
        let asked = column::<String>(row, 0)? == "asked";
        let decision: Option<i64> = column(row, if asked { 1 } else { 2 })?;
        Ok((asked, DecisionId(decision.unwrap_or_default())))
    });
    let run = job.run.clone();
    match standing?.pop() {
        Some((true, decision)) => {
            Err(StoreError::InvalidJob(InvalidJob::GuardAsked { run, decision }))
        }
        Some((false, decision)) => {
            Err(StoreError::InvalidJob(InvalidJob::GuardRefused { run, decision }))
        }
        None => {
            let decision = writing.ask(job, JobQuestion::Guard(guard))?;
            Ok(BeyondGuard { guard, decision })
        }
    }
}

/// Gives a project its turns.
fn add_project(connection: &Connection, project: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO job_turn (project, turn) VALUES (?1, 0)")
        .and_then(|mut insert| insert.execute([project]))
        .map(drop)
        .map_err(from_sqlite)
}

/// Records what a new job depends on, once its row exists.
pub(super) fn put_dependencies(connection: &Connection, job: &Job) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO job_dependency (job, needs) VALUES (?1, ?2)";
    for needs in &job.request.depends_on {
        connection
            .prepare_cached(sql)
            .and_then(|mut insert| insert.execute(params![job.id.0, needs.0]))
            .map_err(from_sqlite)?;
    }
    Ok(())
}
