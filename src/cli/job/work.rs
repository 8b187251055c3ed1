//! What a worker does with a job: lease it, keep the lease, end it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{changed, person, print};
use crate::cli::{Common, Exit, Failure, Outcome, output};
use crate::config::TimeSpan;
use crate::core::decision::DecisionId;
use crate::core::jobs::{JobId, JobResult, LeaseRef, Usage};
use crate::disk;
use crate::engine::LeaseRequest;

#[derive(Debug, Args)]
pub(super) struct Next {
    /// The worker's name, for its later calls
    #[arg(long)]
    worker: String,
    /// Only jobs of this project; repeatable
    #[arg(long = "project", value_name = "PROJECT")]
    projects: Vec<String>,
    /// The agent that the worker runs: jobs for another agent are left to others
    #[arg(long)]
    agent: Option<String>,
    /// Wait until a job is ready
    #[arg(long)]
    wait: bool,
    /// The longest wait, such as 10m [default: no limit]
    #[arg(long, requires = "wait")]
    timeout: Option<TimeSpan>,
}

impl Next {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        let handle = &opened.handle;
        let request = LeaseRequest {
            worker: self.worker,
            projects: self.projects,
            agent: self.agent,
            run: None,
        };
        let leased = match (self.wait, self.timeout) {
            (false, _) => handle.jobs().lease(request).await?,
            (true, None) => Some(handle.jobs().lease_next(request).await?),
            (true, Some(TimeSpan(seconds))) => {
                let next = handle.jobs().lease_next(request);
                match tokio::time::timeout(Duration::from_secs(seconds), next).await {
                    Ok(leased) => Some(leased?),
                    Err(_) => None,
                }
            }
        };
        let Some(job) = leased else {
            output::progress("no job is ready");
            return Ok(Exit::No);
        };
        if common.json {
            print(common, handle, &job);
        } else {
            output::line(&job.id.0.to_string());
        }
        Ok(Exit::Yes)
    }
}

// Names a worker's lease.
#[derive(Debug, Args)]
struct Named {
    /// The job's number
    id: JobId,
    /// The worker's name
    #[arg(long)]
    worker: String,
    /// The number of the attempt, from gander job next --json [default: the current one]
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
}

impl Named {
    fn lease(self) -> LeaseRef {
        LeaseRef { job: self.id, worker: self.worker, attempt: self.attempt }
    }
}

#[derive(Debug, Args)]
pub(super) struct Renew {
    #[command(flatten)]
    named: Named,
}

impl Renew {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        let lease = self.named.lease();
        changed(common, &opened.handle, opened.handle.jobs().renew(&lease).await)
    }
}

#[derive(Debug, Args)]
pub(super) struct Output {
    #[command(flatten)]
    named: Named,
    /// A step for the history, in a line
    step: Option<String>,
}

impl Output {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        let (lease, step) = (self.named.lease(), self.step.as_deref());
        changed(common, &opened.handle, opened.handle.jobs().output(&lease, step).await)
    }
}

#[derive(Debug, Args)]
pub(super) struct PlaceJob {
    #[command(flatten)]
    named: Named,
    /// The folder of the git worktree
    #[arg(long, value_name = "FOLDER")]
    worktree: Option<String>,
    /// The branch
    #[arg(long)]
    branch: Option<String>,
}

impl PlaceJob {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        let (jobs, lease) = (opened.handle.jobs(), self.named.lease());
        let placed = jobs.place(&lease, self.worktree, self.branch).await;
        changed(common, &opened.handle, placed)
    }
}

#[derive(Debug, Args)]
pub(super) struct Wait {
    #[command(flatten)]
    named: Named,
    /// The decision to wait for [default: none: the worker goes on]
    #[arg(long, value_name = "DECISION")]
    decision: Option<DecisionId>,
}

impl Wait {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        let (jobs, lease) = (opened.handle.jobs(), self.named.lease());
        let result = match self.decision {
            Some(decision) => jobs.wait_for(&lease, decision).await,
            None => jobs.resume(&lease).await,
        };
        changed(common, &opened.handle, result)
    }
}

#[derive(Debug, Args)]
pub(super) struct HandBack {
    #[command(flatten)]
    named: Named,
}

impl HandBack {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        let lease = self.named.lease();
        changed(common, &opened.handle, opened.handle.jobs().hand_back(&lease).await)
    }
}

// Names a worker's lease; without a worker, a person acts.
#[derive(Debug, Args)]
struct MaybeNamed {
    /// The job's number
    id: JobId,
    /// The worker's name [default: none: you do it yourself]
    #[arg(long)]
    worker: Option<String>,
    /// The number of the attempt [default: the current one]
    #[arg(long, value_name = "N", requires = "worker")]
    attempt: Option<u32>,
}

impl MaybeNamed {
    fn lease(&self) -> Option<LeaseRef> {
        let worker = self.worker.clone()?;
        Some(LeaseRef { job: self.id, worker, attempt: self.attempt })
    }
}

#[derive(Debug, Args)]
pub(super) struct Done {
    #[command(flatten)]
    named: MaybeNamed,
    /// A JSON file with handoff, validation, commit, pull_request, files_changed and usage, each
    /// optional
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// What was done
    #[arg(long, value_name = "TEXT")]
    did: Option<String>,
    /// What the next agent must know
    #[arg(long, value_name = "TEXT")]
    for_next: Option<String>,
    /// The commit
    #[arg(long)]
    commit: Option<String>,
    /// The pull request's address
    #[arg(long, value_name = "ADDRESS")]
    pull_request: Option<String>,
}

/// The longest result file, in bytes: above what a handoff may have.
const LONGEST_RESULT: u64 = 1 << 20;

impl Done {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let (opened, result) = (common.open()?, self.result()?);
        let jobs = opened.handle.jobs();
        let done = match self.named.lease() {
            Some(lease) => jobs.finish(&lease, result).await,
            None => jobs.finish_by(self.named.id, person(common)?, result).await,
        };
        changed(common, &opened.handle, done)
    }

    fn result(&self) -> Result<JobResult, Failure> {
        let mut result = JobResult::default();
        if let Some(file) = &self.result {
            let wrong = |error: &dyn std::fmt::Display| {
                Failure::new(Exit::Usage, format!("--result {}: {error}", file.display()))
            };
            let bytes = disk::read_argument(file, LONGEST_RESULT).map_err(|error| wrong(&error))?;
            result = serde_json::from_slice(&bytes).map_err(|error| wrong(&error))?;
        }
        let set = |part: &mut String, text: &Option<String>| {
            if let Some(text) = text {
                part.clone_from(text);
            }
        };
        set(&mut result.handoff.did, &self.did);
        set(&mut result.handoff.for_next, &self.for_next);
        result.commit = self.commit.clone().or(result.commit);
        result.pull_request = self.pull_request.clone().or(result.pull_request);
        Ok(result)
    }
}

#[derive(Debug, Args)]
pub(super) struct Fail {
    #[command(flatten)]
    named: MaybeNamed,
    /// Why it failed
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Tokens that the attempt used
    #[arg(long, value_name = "N", requires = "worker")]
    tokens: Option<u64>,
}

impl Fail {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        let jobs = opened.handle.jobs();
        let usage = Usage { tokens: self.tokens, ..Usage::default() };
        let failed = match self.named.lease() {
            Some(lease) => jobs.fail(&lease, &self.reason, usage).await,
            None => jobs.give_up(self.named.id, person(common)?, &self.reason).await,
        };
        changed(common, &opened.handle, failed)
    }
}

#[derive(Debug, Args)]
pub(super) struct NotNeeded {
    #[command(flatten)]
    named: MaybeNamed,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl NotNeeded {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        let jobs = opened.handle.jobs();
        let ended = match self.named.lease() {
            Some(lease) => jobs.find_not_needed(&lease, &self.reason).await,
            None => jobs.not_needed_by(self.named.id, person(common)?, &self.reason).await,
        };
        changed(common, &opened.handle, ended)
    }
}
