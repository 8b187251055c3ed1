//! What is enqueued, and what makes it invalid.

use serde::{Deserialize, Serialize};

use super::JobId;
use crate::core::Time;
use crate::core::decision::{Person, Priority};
use crate::core::untrusted::one_line;

/// The longest title, in bytes.
pub const LONGEST_JOB_TITLE: usize = 1 << 10;
/// The longest prompt, in bytes.
pub const LONGEST_PROMPT: usize = 256 << 10;
/// The longest name of a project, type, agent, run, source or source's id, in bytes.
pub const LONGEST_WORD: usize = 200;
/// Jobs that one job may depend on, at most.
pub const MAX_DEPENDENCIES: usize = 100;

/// Who enqueued a job. The guards hold for agents alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum Enqueuer {
    /// A person.
    Person {
        /// The person.
        by: Person,
    },
    /// An agent, for its run.
    Agent {
        /// The agent's name.
        name: String,
    },
    /// A source: files, issues, alerts, a schedule.
    Source,
}

/// Where a job comes from, for a job that is known elsewhere. While a job with this source and id
/// is not over, no other is queued.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobSource {
    /// The source: `github:acme/shop`, `wizard` …
    pub name: String,
    /// The source's own id of the job.
    pub id: String,
}

/// A job as it is enqueued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRequest {
    /// One line. Never empty.
    pub title: String,
    /// What the agent is told. Empty: the title says it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prompt: String,
    /// The project, which determines limits and turns.
    pub project: String,
    /// The type of work: `bug`, `audit`, `llm-analytics` …
    #[serde(rename = "type")]
    pub job_type: String,
    /// How soon it is needed.
    pub priority: Priority,
    /// When it must be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Time>,
    /// Jobs that must be done before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<JobId>,
    /// Where the job comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<JobSource>,
    /// The run. `None`: the parent's, or a run of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The job whose agent enqueued this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<JobId>,
    /// The only agent that may do it. `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Failed attempts after which the job needs a person. `None`: [`JobRequest::FAILURE_LIMIT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_limit: Option<u32>,
    /// Who enqueued it.
    pub by: Enqueuer,
}

impl Default for JobRequest {
    fn default() -> Self {
        Self {
            title: String::new(),
            prompt: String::new(),
            project: "default".into(),
            job_type: "task".into(),
            priority: Priority::Normal,
            deadline: None,
            depends_on: Vec::new(),
            source: None,
            run: None,
            parent: None,
            agent: None,
            failure_limit: None,
            by: Enqueuer::Source,
        }
    }
}

/// Why a job is not enqueued, worded with what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJob {
    /// The title is empty.
    #[error("the title is empty: say in one line what is to be done")]
    NoTitle,
    /// A name is empty.
    #[error("the {what} is empty: give a name, or leave it out")]
    NoName {
        /// Which.
        what: &'static str,
    },
    /// A project's name with characters that could imitate another name.
    #[error(
        "the project {0:?} is no plain name: use letters, digits, blanks and -_./ of one alphabet, \
         at most 100 bytes"
    )]
    Project(String),
    /// A text is too long.
    #[error("the {what} has {size} bytes, more than the maximum of {limit}: shorten it")]
    TooLong {
        /// Which.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Too many dependencies.
    #[error(
        "the job depends on {0} jobs, more than the maximum of {MAX_DEPENDENCIES}: put a job \
         between that depends on some of them"
    )]
    Dependencies(usize),
    /// A job that it depends on does not exist.
    #[error("it depends on {0}, which does not exist: enqueue that first")]
    NoSuchDependency(JobId),
    /// A job that it depends on is over without being done.
    #[error("it depends on {job}, which is {state}: retry that, or leave the dependency out")]
    DeadDependency {
        /// The other job.
        job: JobId,
        /// Its state.
        state: &'static str,
    },
    /// The parent does not exist.
    #[error("its parent {0} does not exist: name the job whose agent enqueues this one")]
    NoSuchParent(JobId),
    /// The parent belongs to another run.
    #[error("its parent {parent} belongs to the run {run:?}: leave the run out, or name that")]
    OtherRun {
        /// The parent.
        parent: JobId,
        /// The parent's run.
        run: String,
    },
    /// A person was asked about a job beyond a guard, and has not answered.
    #[error(
        "the run {run:?} has reached a guard, and a person is asked in {decision}: go on without \
         more jobs, or enqueue again after the answer"
    )]
    GuardAsked {
        /// The run.
        run: String,
        /// The decision.
        decision: crate::core::decision::DecisionId,
    },
    /// A person refused a job beyond a guard.
    #[error(
        "the run {run:?} has reached a guard, and a person refused more jobs in {decision}: \
         finish without them"
    )]
    GuardRefused {
        /// The run.
        run: String,
        /// The decision.
        decision: crate::core::decision::DecisionId,
    },
}

impl JobRequest {
    /// Failed attempts after which a job needs a person, unless its request says otherwise.
    pub const FAILURE_LIMIT: u32 = 3;

    /// Checks the request by itself, without the store.
    ///
    /// # Errors
    /// [`InvalidJob`], with what to change.
    pub fn validate(&self) -> Result<(), InvalidJob> {
        if one_line(&self.title).is_empty() {
            return Err(InvalidJob::NoTitle);
        }
        let (run, agent) = (self.run.as_deref(), self.agent.as_deref());
        let source = self.source.as_ref().map(|source| source.name.as_str());
        let id = self.source.as_ref().map(|source| source.id.as_str());
        let names = [
            ("project", Some(self.project.as_str())),
            ("type", Some(self.job_type.as_str())),
            ("run", run),
            ("agent", agent),
            ("source", source),
            ("source's id", id),
        ];
        for (what, name) in names {
            let Some(name) = name else { continue };
            if name.trim().is_empty() {
                return Err(InvalidJob::NoName { what });
            }
            short_enough(what, name.len(), LONGEST_WORD)?;
        }
        short_enough("title", self.title.len(), LONGEST_JOB_TITLE)?;
        short_enough("prompt", self.prompt.len(), LONGEST_PROMPT)?;
        if self.depends_on.len() > MAX_DEPENDENCIES {
            return Err(InvalidJob::Dependencies(self.depends_on.len()));
        }
        Ok(())
    }
}

const fn short_enough(what: &'static str, size: usize, limit: usize) -> Result<(), InvalidJob> {
    if size <= limit { Ok(()) } else { Err(InvalidJob::TooLong { what, size, limit }) }
}
