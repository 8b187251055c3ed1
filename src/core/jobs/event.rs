//! The events of jobs, as the log stores them permanently, beside the events of decisions.
//!
//! A written event never changes. New variants may be added; the meaning of an existing variant
//! never changes. Long texts are kept apart from the rest of an event, so that they can be removed
//! later without breaking the chain.

use serde::{Deserialize, Serialize};

use super::guards::GuardReached;
use super::order::Move;
use super::state::{CancelReason, FailureCode};
use super::{Handoff, JobId, JobRequest, JobResult, Usage};
use crate::core::Time;
use crate::core::decision::{DecisionId, Person};

/// One change of one job, or of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JobEvent {
    /// A job was enqueued.
    Enqueued {
        /// The job.
        request: Box<JobRequest>,
        /// Its run.
        run: String,
        /// How deep it is in the run.
        depth: u32,
        /// The guard that it is beyond, and the decision about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beyond: Option<BeyondGuard>,
    },
    /// A person approved a job beyond a guard: it waits for a worker.
    GuardRaised {
        /// The person.
        by: Person,
    },
    /// A worker leased the job.
    Leased {
        /// The worker.
        worker: String,
        /// When the lease ends, unless it is renewed.
        until: Time,
    },
    /// The worker said where it works.
    Placed {
        /// The folder of the git worktree.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worktree: Option<String>,
        /// The branch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
    },
    /// The worker reported a step.
    Stepped {
        /// The worker's words.
        text: String,
    },
    /// The worker waits for a decision.
    WaitsFor {
        /// The decision.
        decision: DecisionId,
    },
    /// The worker goes on.
    Resumed {
        /// When the lease ends, unless it is renewed.
        until: Time,
    },
    /// The worker that waited is gone, or was stopped; the decision stays open.
    WaiterGone,
    /// The decision is answered, and no worker has the job: it waits for one.
    Answered,
    /// The worker gives no output.
    Stuck {
        /// The decision about it.
        decision: DecisionId,
    },
    /// The worker gives output again, or a person gives it more time.
    Unstuck,
    /// The decision about a stuck job ended without an answer: the job stays stuck.
    StuckUnanswered,
    /// An attempt failed.
    AttemptFailed {
        /// How.
        code: FailureCode,
        /// The worker's words. May be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        words: String,
        /// What the attempt used.
        #[serde(default, skip_serializing_if = "Usage::is_unreported")]
        usage: Usage,
        /// After the last attempt: the decision what to do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<DecisionId>,
    },
    /// The worker hands the job back, without a failure.
    HandedBack,
    /// The decision what to do ended without an answer: the job still needs a person.
    NeedUnanswered,
    /// The job is done.
    Finished {
        /// What came of it.
        result: Box<JobResult>,
        /// The person who did it. Absent: the worker.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Person>,
    },
    /// There was nothing to do.
    NotNeeded {
        /// Why.
        reason: String,
        /// The person who says so. Absent: the worker.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Person>,
    },
    /// A person gave the job up.
    GivenUp {
        /// The person.
        by: Person,
        /// The person's words. May be empty.
        words: String,
    },
    /// Nobody wants the job any more.
    Cancelled {
        /// Why.
        cause: CancelReason,
    },
    /// A person keeps the job from workers, or takes it over.
    Held {
        /// The person.
        by: Person,
    },
    /// A person lets workers have the job again.
    Released {
        /// The person.
        by: Person,
    },
    /// A person has the job tried again.
    Retried {
        /// The person.
        by: Person,
        /// A hint for the agent. May be empty.
        hint: String,
    },
    /// A person says something to the agent.
    Steered {
        /// The person.
        by: Person,
        /// The words.
        text: String,
    },
    /// A person moved the job in the queue.
    Moved {
        /// The person.
        by: Person,
        /// Where.
        to: Move,
    },
    /// The deadline is near, and nobody has begun: the job moves up.
    AtRisk {
        /// The deadline.
        deadline: Time,
    },
    /// A job that this one depends on failed for good or was cancelled.
    DependencyFailed {
        /// The other job.
        on: JobId,
    },
    /// That job is tried again, or is done.
    DependencyBack {
        /// The other job.
        on: JobId,
    },
    /// Of a job: it was stopped by a halt. Of the queue: the halt.
    Halted {
        /// The person.
        by: Person,
        /// Of the queue: the project. Absent: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<String>,
        /// Of the queue: the jobs that were stopped.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stopped: Vec<JobId>,
    },
    /// Of a job: it waits for a worker again. Of the queue: the end of a halt.
    HaltLifted {
        /// The person.
        by: Person,
        /// Of the queue: the project. Absent: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<String>,
        /// Of the queue: the jobs that go on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        resumed: Vec<JobId>,
    },
    /// Of the queue: nothing is queued, running or waiting any more.
    Drained,
}

/// A job beyond a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeyondGuard {
    /// The guard.
    pub guard: GuardReached,
    /// The decision about the job.
    pub decision: DecisionId,
}

/// The long text of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobText {
    /// The prompt of a job that was enqueued.
    Prompt(String),
    /// The handoff of a finished job.
    Handoff(Handoff),
}

impl JobEvent {
    /// The event's name: `enqueued`, `leased` …
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Enqueued { .. } => "enqueued",
            Self::GuardRaised { .. } => "guard_raised",
            Self::Leased { .. } => "leased",
            Self::Placed { .. } => "placed",
            Self::Stepped { .. } => "stepped",
            Self::WaitsFor { .. } => "waits_for",
            Self::Resumed { .. } => "resumed",
            Self::WaiterGone => "waiter_gone",
            Self::Answered => "answered",
            Self::Stuck { .. } => "stuck",
            Self::Unstuck => "unstuck",
            Self::StuckUnanswered => "stuck_unanswered",
            Self::AttemptFailed { .. } => "attempt_failed",
            Self::HandedBack => "handed_back",
            Self::NeedUnanswered => "need_unanswered",
            Self::Finished { .. } => "finished",
            Self::NotNeeded { .. } => "not_needed",
            Self::GivenUp { .. } => "given_up",
            Self::Cancelled { .. } => "cancelled",
            Self::Held { .. } => "held",
            Self::Released { .. } => "released",
            Self::Retried { .. } => "retried",
            Self::Steered { .. } => "steered",
            Self::Moved { .. } => "moved",
            Self::AtRisk { .. } => "at_risk",
            Self::DependencyFailed { .. } => "dependency_failed",
            Self::DependencyBack { .. } => "dependency_back",
            Self::Halted { .. } => "halted",
            Self::HaltLifted { .. } => "halt_lifted",
            Self::Drained => "drained",
        }
    }

    /// The person who caused the event.
    #[must_use]
    pub const fn by(&self) -> Option<&Person> {
        match self {
            Self::GuardRaised { by }
            | Self::GivenUp { by, .. }
            | Self::Cancelled { cause: CancelReason::Person { by, .. } }
            | Self::Held { by }
            | Self::Released { by }
            | Self::Retried { by, .. }
            | Self::Steered { by, .. }
            | Self::Moved { by, .. }
            | Self::Halted { by, .. }
            | Self::HaltLifted { by, .. } => Some(by),
            Self::Finished { by, .. } | Self::NotNeeded { by, .. } => by.as_ref(),
            _ => None,
        }
    }

    /// Takes the long text out of the event. `None`: it has none.
    pub fn take_text(&mut self) -> Option<JobText> {
        match self {
            Self::Enqueued { request, .. } if !request.prompt.is_empty() => {
                Some(JobText::Prompt(std::mem::take(&mut request.prompt)))
            }
            Self::Finished { result, .. } if !result.handoff.is_empty() => {
                Some(JobText::Handoff(std::mem::take(&mut result.handoff)))
            }
            _ => None,
        }
    }

    /// Puts the long text back.
    pub fn put_text(&mut self, text: JobText) {
        match (self, text) {
            (Self::Enqueued { request, .. }, JobText::Prompt(prompt)) => request.prompt = prompt,
            (Self::Finished { result, .. }, JobText::Handoff(handoff)) => result.handoff = handoff,
            _ => {}
        }
    }
}

/// An event of a job or of the queue, at its position in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedJob {
    /// Position in the log, which has the events of decisions too.
    pub seq: u64,
    /// Time of the commit.
    pub at: Time,
    /// The job. Absent: the queue as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// The event.
    #[serde(flatten)]
    pub event: JobEvent,
    /// SHA-256 in hexadecimal over the previous hash and this event.
    pub hash: String,
}
