//! Halts of a project or of the whole queue.

use rusqlite::{Connection, params};

use super::change::Writing;
use super::read;
use crate::core::decision::Person;
use crate::core::jobs::{HaltRefused, Job, JobEvent, JobId};
use crate::store::sqlite::from_sqlite;
use crate::store::sqlite::rows::{column, query, time, unreadable};
use crate::store::{HaltOutcome, StandingHalt, StoreError};

/// The halts that stand.
pub(in crate::store::sqlite) fn stored(
    connection: &Connection,
) -> Result<Vec<StandingHalt>, StoreError> {
    query(connection, "SELECT document FROM job_halt ORDER BY project", [], |row| {
        serde_json::from_str(&column::<String>(row, 0)?).map_err(unreadable)
    })
}

pub(super) fn halt(
    writing: Writing<'_>,
    project: Option<String>,
    by: Person,
) -> Result<HaltOutcome, StoreError> {
    let connection = writing.connection;
    if stored(connection)?.iter().any(|halt| halt.project == project) {
        return Err(StoreError::Halt(HaltRefused::AlreadyHalted { project }));
    }
    let at = time(writing.at.timestamp_millis())?;
    let halt = StandingHalt { project: project.clone(), by: by.clone(), at };
    let document = serde_json::to_string(&halt).map_err(unreadable)?;
    connection
        .execute(
            "INSERT INTO job_halt (project, document) VALUES (?1, ?2)",
            params![project.as_deref().unwrap_or_default(), document],
        )
        .map_err(from_sqlite)?;
    let sql = "SELECT id FROM job INDEXED BY job_lease
        WHERE lease_until IS NOT NULL AND (?1 IS NULL OR project = ?1) ORDER BY id";
    let leased = read::ids(connection, sql, [&project])?;
    let jobs = append_each(writing, leased, |job| job.halt(by.clone()))?;
    let stopped = jobs.iter().map(|job| job.id).collect();
    writing.append_queue_event(&JobEvent::Halted { by, project, stopped })?;
    Ok(HaltOutcome { jobs })
}

pub(super) fn lift(
    writing: Writing<'_>,
    project: Option<String>,
    by: Person,
) -> Result<HaltOutcome, StoreError> {
    let connection = writing.connection;
    let standing = stored(connection)?;
    let all_halted = standing.iter().any(|halt| halt.project.is_none());
    match &project {
        Some(name) if all_halted => {
            return Err(StoreError::Halt(HaltRefused::AllHalted { project: name.clone() }));
        }
        Some(_) if standing.iter().any(|halt| halt.project == project) => {}
        None if !standing.is_empty() => {}
        _ => return Err(StoreError::Halt(HaltRefused::NotHalted { project })),
    }
    connection
        .execute("DELETE FROM job_halt WHERE ?1 IS NULL OR project = ?1", [&project])
        .map_err(from_sqlite)?;
    let sql = "SELECT id FROM job INDEXED BY job_open WHERE state = 'halted' AND over_at IS NULL
        AND (?1 IS NULL OR project = ?1) ORDER BY id";
    let halted = read::ids(connection, sql, [&project])?;
    let jobs = append_each(writing, halted, |job| job.lift_halt(by.clone()))?;
    let resumed = jobs.iter().map(|job| job.id).collect();
    writing.append_queue_event(&JobEvent::HaltLifted { by, project, resumed })?;
    Ok(HaltOutcome { jobs })
}

fn append_each(
    writing: Writing<'_>,
    ids: Vec<JobId>,
    event: impl Fn(&Job) -> Option<JobEvent>,
) -> Result<Vec<Job>, StoreError> {
    let mut jobs = Vec::new();
    for id in ids {
        let job = read::existing(writing.connection, id)?;
        if let Some(event) = event(&job) {
            jobs.push(writing.append(job, event)?);
        }
    }
    Ok(jobs)
}
