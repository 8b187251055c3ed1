//! Statements that read jobs.

use rusqlite::types::Value;
use rusqlite::{Connection, Params, Row, params_from_iter};

use crate::core::jobs::{Job, JobId, Liveness};
use crate::store::sqlite::rows::{column, limited, query, query_columns, time, unreadable};
use crate::store::{JobFilter, QueueCounts, StoreError};

/// Columns of a job: the document, and what is renewed beside it.
const COLUMNS: [&str; 3] = ["document", "lease_until", "output_at"];

fn job(row: &Row<'_>, columns: [usize; 3]) -> Result<Job, StoreError> {
    let [document, lease_until, output_at] = columns;
    let job: Job = serde_json::from_str(&column::<String>(row, document)?).map_err(unreadable)?;
    let until: Option<i64> = column(row, lease_until)?;
    let output_at: Option<i64> = column(row, output_at)?;
    let liveness = match until.zip(output_at) {
        Some((until, output_at)) => {
            Some(Liveness { until: time(until)?, output_at: time(output_at)? })
        }
        None => None,
    };
    Ok(Job { liveness, ..job })
}

fn jobs(connection: &Connection, rest: &str, params: impl Params) -> Result<Vec<Job>, StoreError> {
    let sql = format!("SELECT document, lease_until, output_at FROM job {rest}");
    query_columns(connection, &sql, params, COLUMNS, job)
}

pub(super) fn get(connection: &Connection, id: JobId) -> Result<Option<Job>, StoreError> {
    Ok(jobs(connection, "WHERE id = ?1", [id.0])?.pop())
}

/// Like [`get`], for a job that must exist.
pub(super) fn existing(connection: &Connection, id: JobId) -> Result<Job, StoreError> {
    get(connection, id)?.ok_or(StoreError::NoSuchJob(id))
}

/// The numbers that a statement selects.
pub(super) fn ids(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<JobId>, StoreError> {
    query(connection, sql, params, |row| column(row, 0).map(JobId))
}

pub(super) fn list(connection: &Connection, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
    let limit = if filter.limit == 0 { i64::MAX } else { limited(filter.limit) };
    let mut conditions = vec!["id < ?".to_owned()];
    let mut values: Vec<Value> = vec![filter.before.map_or(i64::MAX, |before| before.0).into()];
    for (condition, value) in [
        ("state = ?", &filter.state),
        ("project = ?", &filter.project),
        ("run = ?", &filter.run),
        ("source = ?", &filter.source),
        ("source_id = ?", &filter.source_id),
    ] {
        if let Some(value) = value {
            conditions.push(condition.to_owned());
            values.push(value.clone().into());
        }
    }
    if filter.open_only {
        conditions.push("over_at IS NULL".to_owned());
    }
    values.push(limit.into());
    let rest = format!("WHERE {} ORDER BY id DESC LIMIT ?", conditions.join(" AND "));
    jobs(connection, &rest, params_from_iter(values))
}

pub(super) fn blocked_by(connection: &Connection, id: JobId) -> Result<Vec<JobId>, StoreError> {
    let sql = "SELECT needs FROM job_dependency JOIN job ON job.id = needs
        WHERE job_dependency.job = ?1 AND state NOT IN ('done', 'not_needed') ORDER BY needs";
    ids(connection, sql, [id.0])
}

pub(super) fn counts(connection: &Connection) -> Result<Vec<QueueCounts>, StoreError> {
    let sql = "SELECT project, state, count(*) FROM job INDEXED BY job_open WHERE over_at IS NULL
        GROUP BY project, state ORDER BY project, state";
    query(connection, sql, [], |row| {
        let jobs: i64 = column(row, 2)?;
        Ok(QueueCounts {
            project: column(row, 0)?,
            state: column(row, 1)?,
            jobs: u64::try_from(jobs).unwrap_or(0),
        })
    })
}
