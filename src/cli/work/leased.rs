//! A job that this worker has leased. The lease is renewed in the background; whatever is done for
//! the job ends as soon as the job is no longer the worker's.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::stopping::{Stop, WorkError};
use crate::core::decision::DecisionId;
use crate::core::jobs::{Job, JobRefused, JobResult, LeaseRef, Usage};
use crate::engine::{Handle, HandleError};

/// The lease is renewed this many times before it would end.
const RENEWALS: i32 = 4;
/// Output counts once within this part of a lease: an agent may write thousands of lines.
const OUTPUTS: i32 = 24;
/// How often a change of the job is tried again while the store is busy.
const MOST_TRIES: u32 = 20;
/// The pause before another try.
const PAUSE: chrono::TimeDelta = chrono::TimeDelta::seconds(1);

/// A leased job.
#[derive(Debug)]
pub(super) struct LeasedJob {
    pub(super) handle: Handle,
    pub(super) lease: LeaseRef,
    /// The job as it was last read.
    job: watch::Receiver<Job>,
    stop: watch::Receiver<Option<Stop>>,
    output: Arc<Notify>,
    keeping: AbortHandle,
}

impl Drop for LeasedJob {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

impl LeasedJob {
    /// `None`: the job has no lease. `signal` says that the worker is told to end.
    pub(super) fn new(handle: Handle, job: Job, signal: watch::Receiver<bool>) -> Option<Self> {
        let lease = LeaseRef::of(&job)?;
        let (now, job) = watch::channel(job);
        let (stopping, stop) = watch::channel(None);
        let output = Arc::new(Notify::new());
        let keeper = Keeper {
            handle: handle.clone(),
            lease: lease.clone(),
            now,
            output: Arc::clone(&output),
        };
        let keeping = tokio::spawn(async move {
            stopping.send_replace(Some(keeper.run(signal).await));
            // The sender must live: without it, the reason could not be waited for.
            std::future::pending::<()>().await;
        });
        Some(Self { handle, lease, job, stop, output, keeping: keeping.abort_handle() })
    }

    /// The job as it was last read.
    pub(super) fn job(&self) -> Job {
        self.job.borrow().clone()
    }

    /// Resolves with the reason when work must stop.
    pub(super) async fn stopped(&self) -> Stop {
        let mut stop = self.stop.clone();
        let reason = stop.wait_for(Option::is_some).await.map(|reason| reason.clone());
        match reason {
            Ok(reason) => reason.unwrap_or(Stop::Signal),
            Err(_) => std::future::pending().await,
        }
    }

    /// Resolves when people have said more than this many things to the agent.
    pub(super) async fn guided_beyond(&self, count: usize) {
        let mut job = self.job.clone();
        let is_gone = job.wait_for(|job| job.guidance.len() > count).await.is_err();
        if is_gone {
            std::future::pending::<()>().await;
        }
    }

    /// The agent gave output.
    pub(super) fn saw_output(&self) {
        self.output.notify_one();
    }

    /// Does something of the job, and tries again while the store is busy.
    pub(super) async fn change<T, F>(&self, change: impl Fn() -> F) -> Result<T, WorkError>
    where
        F: Future<Output = Result<T, HandleError>>,
    {
        let mut tries = 0;
        loop {
            match change().await {
                Err(HandleError::Store(error)) if error.is_retryable() && tries < MOST_TRIES => {
                    tries += 1;
                    let clock = self.handle.clock();
                    clock.sleep_until(clock.now() + PAUSE).await;
                }
                changed => return Ok(changed?),
            }
        }
    }

    /// Records a step, of which people read.
    pub(super) async fn step(&self, text: &str) -> Result<(), WorkError> {
        let jobs = self.handle.jobs();
        self.change(|| jobs.output(&self.lease, Some(text))).await.map(drop)
    }

    pub(super) async fn place(&self, worktree: &str, branch: &str) -> Result<(), WorkError> {
        let jobs = self.handle.jobs();
        let place = || jobs.place(&self.lease, Some(worktree.into()), Some(branch.into()));
        self.change(place).await.map(drop)
    }

    /// Waits for a decision that is open.
    pub(super) async fn wait_for(&self, decision: DecisionId) -> Result<(), WorkError> {
        let jobs = self.handle.jobs();
        let wait = || async move {
            match jobs.wait_for(&self.lease, decision).await {
                // It was answered at this very moment.
                Err(HandleError::JobRefused(job, JobRefused::NoOpenDecision(_))) => Ok(*job),
                waits => waits,
            }
        };
        self.change(wait).await.map(drop)
    }

    /// Goes on after a decision.
    pub(super) async fn resume(&self) -> Result<(), WorkError> {
        let jobs = self.handle.jobs();
        self.change(|| jobs.resume(&self.lease)).await.map(drop)
    }

    pub(super) async fn finish(&self, result: &JobResult) -> Result<(), WorkError> {
        let jobs = self.handle.jobs();
        self.change(|| jobs.finish(&self.lease, result.clone())).await.map(drop)
    }

    pub(super) async fn fail(&self, words: &str) -> Result<(), WorkError> {
        let jobs = self.handle.jobs();
        self.change(|| jobs.fail(&self.lease, words, Usage::default())).await.map(drop)
    }

    pub(super) async fn hand_back(&self) -> Result<(), WorkError> {
        let jobs = self.handle.jobs();
        self.change(|| jobs.hand_back(&self.lease)).await.map(drop)
    }
}

/// Keeps a lease.
struct Keeper {
    handle: Handle,
    lease: LeaseRef,
    now: watch::Sender<Job>,
    output: Arc<Notify>,
}

impl Keeper {
    /// Runs until the job is no longer the worker's, or the worker is told to end.
    async fn run(&self, mut signal: watch::Receiver<bool>) -> Stop {
        let mut hints = self.handle.hints();
        let lease = self.handle.rules().jobs.lease;
        let mut renewed = self.handle.now();
        let mut heard = renewed - lease;
        loop {
            let due = renewed + lease / RENEWALS;
            let read = tokio::select! {
                () = is_told(&mut signal) => return Stop::Signal,
                _ = hints.changed() => self.look().await,
                () = self.output.notified() => {
                    let now = self.handle.now();
                    if now < heard + lease / OUTPUTS {
                        continue;
                    }
                    (heard, renewed) = (now, now);
                    self.handle.jobs().output(&self.lease, None).await
                }
                () = self.handle.clock().sleep_until(due) => {
                    if self.handle.now() < due {
                        continue;
                    }
                    renewed = self.handle.now();
                    self.handle.jobs().renew(&self.lease).await
                }
            };
            match read {
                Ok(job) => {
                    self.now.send_if_modified(|now| {
                        let is_news = now.changed != job.changed;
                        *now = job;
                        is_news
                    });
                }
                Err(HandleError::JobRefused(_, why)) => return Stop::NotOurs(why.to_string()),
                Err(error @ HandleError::NoSuchJob(_)) => return Stop::NotOurs(error.to_string()),
                Err(error) => tracing::warn!(%error, "a lease was not renewed; trying again"),
            }
        }
    }

    async fn look(&self) -> Result<Job, HandleError> {
        let job = self.handle.jobs().get(self.lease.job).await?;
        match job.check_lease(&self.lease) {
            Ok(_) => Ok(job),
            Err(why) => Err(HandleError::JobRefused(Box::new(job), why)),
        }
    }
}

/// Resolves when the worker is told to end.
async fn is_told(signal: &mut watch::Receiver<bool>) {
    let is_gone = signal.wait_for(|told| *told).await.is_err();
    if is_gone {
        std::future::pending::<()>().await;
    }
}
