//! Leases jobs and works on several at a time, until told to end or until nothing is left.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::leased::LeasedJob;
use crate::cli::signals::Signals;
use crate::cli::{Failure, Opened};
use crate::core::jobs::Job;
use crate::engine::event_log::watch as store_watch;
use crate::engine::{Handle, HandleError, LeaseRequest};

/// The longest wait before the queue is looked at again: a hint may be lost.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(5);

/// What to lease.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) opened: Opened,
    pub(super) request: LeaseRequest,
    /// Jobs at a time.
    pub(super) most: usize,
}

/// Whether more jobs are to be leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    /// End once nothing is worked on.
    Over,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PoolEnd {
    Over,
    /// By a signal. The jobs were handed back.
    Stopped,
}

/// What is done beside leasing.
pub(super) trait Work: Send + Sync + 'static {
    /// Works on a job to its end.
    fn work(self: Arc<Self>, leased: LeasedJob) -> impl Future<Output = ()> + Send;

    /// Looks at the queue whenever it may have changed. `at_work`: jobs that are worked on.
    fn look(&self, at_work: usize) -> impl Future<Output = Result<Next, Failure>>;
}

impl Pool {
    /// Works until the end. `left`: jobs that this worker had leased before it was killed.
    ///
    /// # Errors
    /// The store fails, and not for a moment.
    pub(super) async fn run<W: Work>(
        self,
        work: Arc<W>,
        left: Vec<Job>,
    ) -> Result<PoolEnd, Failure> {
        let handle = self.opened.handle.clone();
        let (end, told) = watch::channel(false);
        let (watched, store) = (handle.clone(), self.opened.store.clone());
        let watching = tokio::spawn(async move { store_watch::run(watched, &store).await });
        let mut set = JoinSet::new();
        let begin = |set: &mut JoinSet<()>, job: Job| {
            if let Some(leased) = LeasedJob::new(handle.clone(), job, told.clone()) {
                set.spawn(Arc::clone(&work).work(leased));
            }
        };
        left.into_iter().for_each(|job| begin(&mut set, job));
        let (mut hints, mut signals) = (handle.hints(), Signals::new());
        let ended = loop {
            let seen = *hints.borrow_and_update();
            let next = work.look(set.len()).await?;
            if next == Next::Over && set.is_empty() {
                break PoolEnd::Over;
            }
            let own = if next == Next::GoOn { self.lease(&mut set, &begin).await? } else { 0 };
            // Its own looks are no news.
            if *hints.borrow() == seen.wrapping_add(own) {
                hints.mark_unchanged();
            }
            tokio::select! {
                _ = hints.changed() => {}
                Some(_) = set.join_next() => {}
                () = handle.clock().sleep_until(handle.now() + LOOK_AGAIN) => {}
                () = signals.next() => break PoolEnd::Stopped,
            }
        };
        // Each stops its agent and hands its job back.
        end.send_replace(true);
        while set.join_next().await.is_some() {}
        watching.abort();
        Ok(ended)
    }

    /// Leases jobs while there is room. Returns how many hints that gave.
    async fn lease(
        &self,
        set: &mut JoinSet<()>,
        begin: &impl Fn(&mut JoinSet<()>, Job),
    ) -> Result<u64, Failure> {
        let handle: &Handle = &self.opened.handle;
        let mut own = 0;
        match handle.jobs().sweep().await {
            Ok(swept) => own += u64::from(!swept.is_empty()),
            Err(HandleError::Store(error)) if error.is_retryable() => return Ok(own),
            Err(error) => return Err(error.into()),
        }
        while set.len() < self.most {
            let leased = handle.jobs().lease(self.request.clone()).await;
            own += u64::from(leased.is_ok());
            match leased {
                Ok(Some(job)) => begin(set, job),
                Ok(None) => break,
                Err(HandleError::Store(error)) if error.is_retryable() => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(own)
    }
}
