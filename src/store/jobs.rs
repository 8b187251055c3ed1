//! What goes into and comes out of the store's queue of jobs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::core::Time;
use crate::core::decision::event::Logged;
use crate::core::decision::{Person, Request, Terms};
use crate::core::jobs::{Job, JobEvent, JobId, JobQuestion, JobRefused, LoggedJob};

/// Words a question about a job. Called within the transaction that changes the job.
pub trait AskAboutJob: Send + Sync {
    /// The question, with the terms that policy sets for it.
    fn question(&self, job: &Job, question: JobQuestion) -> (Request, Terms);

    /// Why a question is withdrawn: the job went on without an answer.
    fn withdrawal(&self) -> String;
}

/// Shared words of questions.
pub type JobWords = Arc<dyn AskAboutJob>;

/// Inspects a job and returns the event to append, `None` for no change, or the reason for a
/// refusal.
pub type DecideJob = Box<dyn FnOnce(&Job) -> Result<Option<JobEvent>, JobRefused> + Send>;

/// A job left unchanged, with the reason.
#[derive(Debug, Clone, PartialEq)]
pub struct UnchangedJob {
    /// The job in its current state.
    pub job: Job,
    /// The reason.
    pub why: JobRefused,
}

/// Outcome of a change of a job.
pub type ChangedJob = Result<Job, Box<UnchangedJob>>;

/// Outcome of an enqueue.
#[derive(Debug, Clone, PartialEq)]
pub enum EnqueuedJob {
    /// A new job waits for a worker.
    New(Job),
    /// A job with this source and id is not over yet.
    Same(Job),
    /// A new job is beyond a guard: a person is asked.
    Asked(Job),
}

impl EnqueuedJob {
    /// The job, in each case.
    #[must_use]
    pub const fn job(&self) -> &Job {
        match self {
            Self::New(job) | Self::Same(job) | Self::Asked(job) => job,
        }
    }

    /// The job, in each case.
    #[must_use]
    pub fn into_job(self) -> Job {
        match self {
            Self::New(job) | Self::Same(job) | Self::Asked(job) => job,
        }
    }
}

/// A worker that asks for a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The worker's name.
    pub worker: String,
    /// The projects to take jobs of. Empty: all.
    pub projects: Vec<String>,
    /// The agent that the worker runs. Jobs for another agent are left to others. `None`: any.
    pub agent: Option<String>,
    /// The only run to take jobs of. `None`: any.
    pub run: Option<String>,
}

/// Selects the jobs to list. All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only jobs that are not over.
    pub open_only: bool,
    /// Only jobs in this state, by its word.
    pub state: Option<String>,
    /// Only of this project.
    pub project: Option<String>,
    /// Only of this run.
    pub run: Option<String>,
    /// Only jobs from this source.
    pub source: Option<String>,
    /// Only jobs with this id of their source.
    pub source_id: Option<String>,
    /// Only jobs with a lower number, for paging.
    pub before: Option<JobId>,
    /// Maximum number of jobs, newest first; 0 means no limit.
    pub limit: usize,
}

/// A halt that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingHalt {
    /// The project. `None`: all.
    pub project: Option<String>,
    /// The person who halted it.
    pub by: Person,
    /// Since when.
    pub at: Time,
}

/// What a halt stopped, or what goes on after its end.
#[derive(Debug, Clone, PartialEq)]
pub struct HaltOutcome {
    /// The jobs.
    pub jobs: Vec<Job>,
}

/// What the queue did on its own, because time passed or people answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Jobs whose lease was taken back.
    pub lost: Vec<JobId>,
    /// Jobs that are stuck since.
    pub stuck: Vec<JobId>,
    /// Jobs that are at risk of their deadline since.
    pub at_risk: Vec<JobId>,
    /// Jobs whose decision was answered or withdrawn.
    pub settled: Vec<JobId>,
    /// Whether more is due than one transaction takes.
    pub more: bool,
}

impl Sweep {
    /// Whether nothing was due.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lost.is_empty()
            && self.stuck.is_empty()
            && self.at_risk.is_empty()
            && self.settled.is_empty()
    }
}

/// How many jobs of a project are in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueCounts {
    /// The project.
    pub project: String,
    /// The state's word.
    pub state: String,
    /// The number of jobs.
    pub jobs: u64,
}

/// Events of decisions and jobs, in the order of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogPage {
    /// Events of decisions.
    pub decisions: Vec<Logged>,
    /// Events of jobs and of the queue.
    pub jobs: Vec<LoggedJob>,
    /// Number of events of both kinds.
    pub count: usize,
    /// Position of the last event of both kinds; 0 without any.
    pub last: u64,
}
