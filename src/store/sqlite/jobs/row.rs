//! A job's row: the document, and the columns to search by.

use rusqlite::{Connection, named_params};

use super::read;
use crate::core::Time;
use crate::core::jobs::{CancelReason, Job, JobId, JobState, WaitReason};
use crate::store::StoreError;
use crate::store::sqlite::from_sqlite;
use crate::store::sqlite::rows::{signed, unreadable};

const UPSERT: &str = "
    INSERT INTO job (id, state, project, run, parent, source, source_id, agent, guard, ready, score,
        score_from, score_until, lease_until, output_at, stall_from, risk_at, decision, tokens,
        cost, enqueued_at, over_at, changed, document)
    VALUES (:id, :state, :project, :run, :parent, :source, :source_id, :agent, :guard, :ready,
        :score, :score_from, :score_until, :lease_until, :output_at, :stall_from, :risk_at,
        :decision, :tokens, :cost, :enqueued_at, :over_at, :changed, :document)
    ON CONFLICT (id) DO UPDATE SET
        state = excluded.state, guard = excluded.guard, ready = excluded.ready,
        score = excluded.score, score_from = excluded.score_from,
        score_until = excluded.score_until, lease_until = excluded.lease_until,
        output_at = excluded.output_at, stall_from = excluded.stall_from,
        risk_at = excluded.risk_at, decision = excluded.decision, tokens = excluded.tokens,
        cost = excluded.cost, over_at = excluded.over_at, changed = excluded.changed,
        document = excluded.document";

const fn millis(at: Option<Time>) -> Option<i64> {
    match at {
        Some(at) => Some(at.timestamp_millis()),
        None => None,
    }
}

/// Whether a person is asked, or has refused, about a job beyond a guard.
const fn guard(state: &JobState) -> Option<&'static str> {
    match state {
        JobState::Waiting { why: WaitReason::Guard(_), .. } => Some("asked"),
        JobState::Cancelled { cause: CancelReason::GuardRejected { .. }, .. } => Some("refused"),
        _ => None,
    }
}

/// Whether a worker may have the job, but for limits and halts.
pub(in crate::store::sqlite) fn is_ready(
    connection: &Connection,
    job: &Job,
) -> Result<bool, StoreError> {
    Ok(job.state == JobState::Queued
        && (job.request.depends_on.is_empty() || read::blocked_by(connection, job.id)?.is_empty()))
}

/// Writes a job's row, with its place in the queue at this time.
pub(super) fn put(connection: &Connection, job: &Job, now: Time) -> Result<(), StoreError> {
    let document = serde_json::to_string(job).map_err(unreadable)?;
    let (request, score) = (&job.request, job.score(now));
    let ready = is_ready(connection, job)?;
    let running = matches!(job.state, JobState::Running { stuck: None, .. });
    let output_at = millis(job.liveness.map(|liveness| liveness.output_at));
    connection
        .prepare_cached(UPSERT)
        .and_then(|mut upsert| {
            upsert.execute(named_params! {
                ":id": job.id.0,
                ":state": job.state.word(),
                ":project": request.project,
                ":run": job.run,
                ":parent": request.parent.map(|JobId(parent)| parent),
                ":source": request.source.as_ref().map(|source| source.name.as_str()),
                ":source_id": request.source.as_ref().map(|source| source.id.as_str()),
                ":agent": request.agent,
                ":guard": guard(&job.state),
                ":ready": ready,
                ":score": score.value,
                ":score_from": millis(score.from),
                ":score_until": millis(score.until),
                ":lease_until": millis(job.liveness.map(|liveness| liveness.until)),
                ":output_at": output_at,
                ":stall_from": output_at.filter(|_| running),
                ":risk_at": millis(job.at_risk_from()),
                ":decision": job.decision().map(|decision| decision.0),
                ":tokens": job.usage.tokens.map(signed),
                ":cost": job.usage.cost_micro_usd.map(signed),
                ":enqueued_at": job.enqueued_at.timestamp_millis(),
                ":over_at": millis(job.state.over_at()),
                ":changed": signed(job.changed),
                ":document": document,
            })
        })
        .map(drop)
        .map_err(from_sqlite)
}
