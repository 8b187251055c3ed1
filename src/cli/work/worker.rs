//! `gander work --project P --agent A`: leases the project's jobs, and works on each in a worktree
//! of its own.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::git::Repository;
use super::job_run::{JobRun, Setup};
use super::leased::LeasedJob;
use super::pool::{Next, Pool, PoolEnd, Work};
use super::stopping::{Stop, WorkError};
use super::task_file::Step;
use super::worktree;
use crate::cli::{Exit, Failure, Opened, Outcome, output};
use crate::core::jobs::{Job, JobResult, JobState};
use crate::core::untrusted::one_line;
use crate::disk;
use crate::engine::{Handle, JobFilter, LeaseRequest, files};
use crate::presentation::text::work as text;

/// Most workers of one store on a machine.
const MOST_WORKERS: u32 = 64;

/// When the worker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// When it is told to.
    Stopped,
    /// When nothing of the project can be begun and nothing is worked on.
    Idle,
}

/// Works on the jobs of a project.
pub(super) struct Worker {
    pub(super) setup: Setup,
    pub(super) repository: Repository,
    pub(super) project: String,
    pub(super) until: Until,
    pub(super) handle: Handle,
}

/// A worker's name, and the lock that keeps it: a worker that was killed and started again has the
/// name that it had, and with it the jobs that it had leased.
pub(super) fn name(store: &Path) -> Result<(String, File), Failure> {
    for number in 1..=MOST_WORKERS {
        let path = files::beside(store, &format!(".worker-{number}"));
        let failed = |error: disk::FileError| {
            Failure::new(Exit::Usage, format!("{}: {error}", path.display()))
        };
        let file = disk::open_private(&path).map_err(failed)?;
        if file.try_lock().is_ok() {
            return Ok((format!("worker-{number}"), file));
        }
    }
    let words = format!("{MOST_WORKERS} workers run on this store already");
    Err(Failure::new(Exit::NotNow, words))
}

impl Worker {
    /// Works until the end.
    pub(super) async fn run(self, opened: Opened, most: usize) -> Outcome {
        let request = LeaseRequest {
            worker: self.setup.worker.clone(),
            projects: vec![self.project.clone()],
            agent: Some(self.setup.agent.name()),
            run: None,
        };
        let left = self.left().await?;
        output::line(&text::worker_started(
            &self.setup.worker,
            &self.project,
            &self.setup.agent.name(),
            &self.repository.root.display().to_string(),
        ));
        let pool = Pool { opened, request, most };
        match pool.run(Arc::new(self), left).await? {
            PoolEnd::Over => Ok(Exit::Yes),
            PoolEnd::Stopped => {
                output::line(text::WORKER_STOPPED);
                Ok(Exit::NotNow)
            }
        }
    }

    /// The jobs that a worker of this name had when it was killed. Those of another folder go back
    /// to the queue.
    async fn left(&self) -> Result<Vec<Job>, Failure> {
        let filter = JobFilter { open_only: true, ..JobFilter::default() };
        let mut ours = Vec::new();
        for job in self.handle.jobs().list(filter).await? {
            let is_ours = job.lease().is_some_and(|lease| lease.worker == self.setup.worker);
            let Some(lease) = crate::core::jobs::LeaseRef::of(&job).filter(|_| is_ours) else {
                continue;
            };
            let place = job.worktree.as_deref().map(Path::new);
            let is_here = place.is_none_or(|place| place.starts_with(&self.repository.root));
            if job.request.project == self.project && is_here {
                ours.push(job);
            } else {
                self.handle.jobs().hand_back(&lease).await?;
            }
        }
        Ok(ours)
    }

    async fn work_on(&self, leased: &LeasedJob) -> Result<(), WorkError> {
        let job = leased.job();
        let place = worktree::prepare(&self.repository, &job, self.handle.tag()).await;
        let place = place.map_err(WorkError::failed)?;
        let mut run = JobRun::begin(&self.setup, leased, place).await?;
        let ended = run.work().await;
        match ended {
            Ok(result) => {
                leased.finish(&result).await?;
                output::line(&done(&job, &result));
                run.end(Step::CompleteLocal, None)
            }
            Err(WorkError::Failed(why)) => {
                // The files first: who leases the job next reads them.
                run.end(Step::Failed, Some(&why))?;
                Err(WorkError::Failed(why))
            }
            Err(stopped) => {
                run.unlock()?;
                Err(stopped)
            }
        }
    }
}

fn done(job: &Job, result: &JobResult) -> String {
    let title = one_line(&job.request.title);
    text::job_done(job.id.0, &title, result.files_changed, result.commit.as_deref())
}

impl Work for Worker {
    async fn work(self: Arc<Self>, leased: LeasedJob) {
        let job = leased.job();
        let title = one_line(&job.request.title);
        output::line(&text::job_started(job.id.0, &title));
        let ended = match self.work_on(&leased).await {
            Ok(()) => Ok(()),
            Err(WorkError::Failed(why)) => {
                output::line(&text::job_failed(job.id.0, &title, &one_line(&why)));
                leased.fail(&why).await
            }
            Err(WorkError::Stopped(Stop::Signal)) => leased.hand_back().await,
            Err(WorkError::Stopped(Stop::NotOurs(why))) => {
                output::line(&text::job_lost(job.id.0, &title, &why));
                Ok(())
            }
            Err(WorkError::Stopped(Stop::Words | Stop::Late)) => Ok(()),
        };
        if let Err(WorkError::Failed(why)) = ended {
            output::progress(&text::job_failed(job.id.0, &title, &one_line(&why)));
        }
    }

    async fn look(&self, at_work: usize) -> Result<Next, Failure> {
        if self.until == Until::Stopped || at_work > 0 {
            return Ok(Next::GoOn);
        }
        let project = Some(self.project.clone());
        let filter = JobFilter { open_only: true, project, ..JobFilter::default() };
        let agent = self.setup.agent.name();
        for job in self.handle.jobs().list(filter).await? {
            let is_for_us = job.request.agent.as_ref().is_none_or(|name| *name == agent);
            let can_begin = is_for_us
                && job.state == JobState::Queued
                && self.handle.jobs().blocked_by(job.id).await?.is_empty();
            if can_begin {
                return Ok(Next::GoOn);
            }
        }
        Ok(Next::Over)
    }
}
