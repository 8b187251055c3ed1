//! Jobs as JSON, for programs: flat, with times by the wall clock, and without what was not
//! reported.

use serde_json::{Map, Value, json};

use crate::core::Time;
use crate::core::jobs::{
    CancelReason, Enqueuer, Job, JobState, LoggedJob, NeedsReason, Validation, WaitReason,
};
use crate::core::values::time_scale::TimeScale;

/// A job. Absent: not reported, or not so.
#[must_use]
pub fn job(job: &Job, scale: TimeScale) -> Value {
    let wall = |at: Time| scale.wall_time(at);
    let (request, lease) = (&job.request, job.lease());
    let mut fields = object(json!({
        "id": job.id,
        "title": request.title,
        "prompt": request.prompt,
        "project": request.project,
        "type": request.job_type,
        "priority": request.priority,
        "deadline": request.deadline.map(wall),
        "at_risk": job.at_risk.map(wall),
        "depends_on": request.depends_on,
        "source": request.source.as_ref().map(|source| &source.name),
        "source_id": request.source.as_ref().map(|source| &source.id),
        "agent": request.agent,
        "enqueued_by": enqueuer(&request.by),
        "enqueued_at": wall(job.enqueued_at),
        "run": job.run,
        "parent": request.parent,
        "depth": job.depth,
        "state": job.state.word(),
        "decision": job.decision(),
        "attempts": job.attempts,
        "failures": job.failures,
        "failure_limit": job.failure_limit(),
        "worker": lease.map(|lease| &lease.worker),
        "attempt": lease.map(|lease| lease.attempt),
        "lease_until": job.liveness.map(|liveness| wall(liveness.until)),
        "output_at": job.liveness.map(|liveness| wall(liveness.output_at)),
        "worktree": job.worktree,
        "branch": job.branch,
        "step": job.step.as_ref().map(|step| &step.text),
    }));
    fields.extend(object(state(&job.state, scale)));
    fields.extend(object(outcome(job, scale)));
    fields.retain(|_, value| !value.is_null());
    Value::Object(fields)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn enqueuer(by: &Enqueuer) -> Value {
    match by {
        Enqueuer::Person { by } => json!({ "person": by.name }),
        Enqueuer::Agent { name } => json!({ "agent": name }),
        Enqueuer::Source => json!("source"),
    }
}

/// What a state has beside its word.
fn state(state: &JobState, scale: TimeScale) -> Value {
    let wall = |at: Time| scale.wall_time(at);
    let over_at = state.over_at().map(wall);
    match state {
        JobState::Queued | JobState::Done { .. } => json!({ "over_at": over_at }),
        JobState::Running { stuck, .. } => {
            json!({ "stuck_since": stuck.as_ref().map(|stuck| wall(stuck.at)) })
        }
        JobState::Waiting { why: WaitReason::Guard(guard), .. } => json!({ "beyond": guard }),
        JobState::Waiting { .. } => json!({}),
        JobState::NeedsPerson { why, .. } => match why {
            NeedsReason::FailedTooOften => json!({ "reason": "failed_too_often" }),
            NeedsReason::DependencyFailed { on } => {
                json!({ "reason": "dependency_failed", "failed_dependency": on })
            }
        },
        JobState::Held { by, at } => json!({ "held_by": by.name, "held_at": wall(*at) }),
        JobState::Halted { worker, at } => {
            json!({ "stopped_worker": worker, "halted_at": wall(*at) })
        }
        JobState::NotNeeded { reason, .. } => json!({ "reason": reason, "over_at": over_at }),
        JobState::Failed { by, words, .. } => {
            json!({ "given_up_by": by.name, "reason": words, "over_at": over_at })
        }
        JobState::Cancelled { cause: CancelReason::Person { by, words }, .. } => {
            json!({ "cancelled_by": by.name, "reason": words, "over_at": over_at })
        }
        JobState::Cancelled { cause: CancelReason::GuardRejected { decision }, .. } => {
            json!({ "reason": "guard_rejected", "rejected_in": decision, "over_at": over_at })
        }
    }
}

/// What came of the attempts.
fn outcome(job: &Job, scale: TimeScale) -> Value {
    let guidance = job.guidance.iter().map(|guidance| {
        json!({ "by": guidance.by.name, "text": guidance.text, "at": scale.wall_time(guidance.at) })
    });
    let guidance: Vec<Value> = guidance.collect();
    let failure = job.last_failure.as_ref().map(|failure| {
        json!({
            "code": failure.code,
            "words": failure.words,
            "at": scale.wall_time(failure.at),
        })
    });
    let result = job.result.as_ref();
    let validation = result.and_then(|result| result.validation.as_ref());
    json!({
        "guidance": (!guidance.is_empty()).then_some(guidance),
        "last_failure": failure,
        "handoff": result.map(|result| &result.handoff).filter(|handoff| !handoff.is_empty()),
        "validation": validation.map(self::validation),
        "commit": result.and_then(|result| result.commit.as_ref()),
        "pull_request": result.and_then(|result| result.pull_request.as_ref()),
        "files_changed": result.and_then(|result| result.files_changed),
        "usage": (!job.usage.is_unreported()).then_some(&job.usage),
    })
}

fn validation(validation: &Validation) -> Value {
    match validation {
        Validation::Passed { command } => json!({ "passed": true, "command": command }),
        Validation::Failed { command, output } => {
            json!({ "passed": false, "command": command, "output": output })
        }
    }
}

/// An event of a job or of the queue.
#[must_use]
pub fn job_event(logged: &LoggedJob, scale: TimeScale) -> Value {
    let mut fields = object(serde_json::to_value(&logged.event).unwrap_or_default());
    fields.insert("seq".into(), logged.seq.into());
    fields.insert("at".into(), json!(scale.wall_time(logged.at)));
    if let Some(job) = logged.job {
        fields.insert("job".into(), job.0.into());
    }
    Value::Object(fields)
}
