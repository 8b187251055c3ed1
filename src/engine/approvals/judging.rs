//! A small pool of threads that judge tool calls.
//!
//! Judging is work for the processor, on texts that an agent chose. It has threads of its own, at
//! most half of the processors, so that a flood of calls takes neither the threads nor the
//! processor time that clicks and cards need. Callers take turns; a caller with too many calls in
//! the queue is told to come back later. A call whose caller has gone is skipped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::oneshot;

use crate::core::values::fair_queue::FairQueue;

/// Most threads, however many processors there are.
const MOST_THREADS: usize = 4;
/// Calls that wait, of all callers. A call has at most 4 MiB.
const QUEUED: usize = 64;
/// Calls of one caller that wait.
const QUEUED_BY_CALLER: usize = 16;
/// How much the threads give way to others of this process, as `nice` counts.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Why a tool call was not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotJudged {
    /// Too many calls of this caller wait.
    #[error("too many of your tool calls wait to be judged: try again in a moment")]
    CallerBusy,
    /// Too many calls of all callers wait.
    #[error("too many tool calls wait to be judged: try again in a moment")]
    Busy,
    /// Judging failed; the log has the details.
    #[error("{}", crate::presentation::text::gate::FAILED)]
    Failed,
}

struct Job {
    /// Gone with the caller.
    caller: Weak<()>,
    work: Box<dyn FnOnce() + Send>,
}

#[derive(Default)]
struct Jobs {
    queue: FairQueue<String, (), Job>,
    threads: usize,
    idle: usize,
    /// Whether the pool was dropped.
    is_over: bool,
}

#[derive(Default)]
struct Shared {
    jobs: Mutex<Jobs>,
    queued: Condvar,
}

/// The pool. Its threads start when needed, and end with the pool.
pub(in crate::engine) struct JudgingPool {
    shared: Arc<Shared>,
    most_threads: usize,
}

impl std::fmt::Debug for JudgingPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JudgingPool")
            .field("most_threads", &self.most_threads)
            .finish_non_exhaustive()
    }
}

impl Default for JudgingPool {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads((processors / 2).clamp(1, MOST_THREADS))
    }
}

impl JudgingPool {
    fn with_threads(most_threads: usize) -> Self {
        Self { shared: Arc::default(), most_threads }
    }

    /// Runs `work` in the caller's turn. If this future is dropped before that, `work` never runs.
    ///
    /// # Errors
    /// [`NotJudged`].
    pub(in crate::engine) async fn run<T: Send + 'static>(
        &self,
        caller: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotJudged> {
        let (reply, replied) = oneshot::channel();
        let waits = Arc::new(());
        let work = Box::new(move || {
            if let Ok(result) = catch_unwind(AssertUnwindSafe(work)) {
                // An error means that the caller has gone.
                let _ = reply.send(result);
            }
        });
        self.queue(caller, Job { caller: Arc::downgrade(&waits), work })?;
        let result = replied.await.map_err(|_| NotJudged::Failed);
        drop(waits);
        result
    }

    fn queue(&self, caller: &str, job: Job) -> Result<(), NotJudged> {
        let caller = caller.to_owned();
        let mut jobs = self.shared.jobs();
        if jobs.queue.len() >= QUEUED || jobs.queue.len_of(&caller) >= QUEUED_BY_CALLER {
            jobs.queue.retain(|job| job.caller.strong_count() > 0);
        }
        if jobs.queue.len_of(&caller) >= QUEUED_BY_CALLER {
            return Err(NotJudged::CallerBusy);
        }
        if jobs.queue.len() >= QUEUED {
            return Err(NotJudged::Busy);
        }
        jobs.queue.push(caller, (), job);
        if jobs.queue.len() > jobs.idle && jobs.threads < self.most_threads {
            jobs.threads += 1;
            drop(jobs);
            return self.start_thread();
        }
        drop(jobs);
        self.shared.queued.notify_one();
        Ok(())
    }

    fn start_thread(&self) -> Result<(), NotJudged> {
        let shared = Arc::clone(&self.shared);
        let started =
            std::thread::Builder::new().name("judge".into()).spawn(move || shared.judge());
        match started {
            Ok(_) => Ok(()),
            Err(error) => {
                let mut jobs = self.shared.jobs();
                jobs.threads -= 1;
                // Other threads, if any, judge the call.
                if jobs.threads > 0 {
                    return Ok(());
                }
                tracing::error!(%error, "could not start a thread to judge tool calls");
                jobs.queue.retain(|_| false);
                Err(NotJudged::Failed)
            }
        }
    }
}

impl Drop for JudgingPool {
    fn drop(&mut self) {
        self.shared.jobs().is_over = true;
        self.shared.queued.notify_all();
    }
}

impl Shared {
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The loop of a thread.
    fn judge(&self) {
        // On Linux the call changes this thread alone. Without it judging only competes more.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::setpriority_process(None, NICENESS);
        let mut jobs = self.jobs();
        while !jobs.is_over {
            let Some(job) = jobs.queue.pop() else {
                jobs.idle += 1;
                jobs = self.queued.wait(jobs).unwrap_or_else(PoisonError::into_inner);
                jobs.idle -= 1;
                continue;
            };
            drop(jobs);
            if job.caller.strong_count() > 0 {
                (job.work)();
            }
            jobs = self.jobs();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    /// A pool of one thread, held up until the returned sender is dropped.
    async fn held_up() -> (Arc<JudgingPool>, mpsc::Sender<()>) {
        let pool = Arc::new(JudgingPool::with_threads(1));
        let ((release, held), (begun, begins)) = (mpsc::channel::<()>(), oneshot::channel());
        let first = Arc::clone(&pool);
        tokio::spawn(async move {
            let wait = move || {
                let _ = begun.send(());
                let _ = held.recv();
            };
            first.run("first", wait).await.unwrap();
        });
        begins.await.unwrap();
        (pool, release)
    }

    #[tokio::test]
    async fn a_callers_flood_is_refused_and_others_have_their_turn() {
        let (pool, release) = held_up().await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut running = tokio::task::JoinSet::new();
        let queue = |caller: &'static str, running: &mut tokio::task::JoinSet<_>| {
            let (pool, order) = (Arc::clone(&pool), Arc::clone(&order));
            running.spawn(async move {
                pool.run(caller, move || order.lock().unwrap().push(caller)).await
            });
        };
        (0..100).for_each(|_| queue("flood", &mut running));
        while pool.shared.jobs().queue.len() < QUEUED_BY_CALLER {
            tokio::task::yield_now().await;
        }
        queue("other", &mut running);
        while pool.shared.jobs().queue.len_of(&"other".to_owned()) == 0 {
            tokio::task::yield_now().await;
        }
        drop(release);
        let results = running.join_all().await;
        let refused = results.iter().filter(|result| **result == Err(NotJudged::CallerBusy));
        assert_eq!(refused.count(), 100 - QUEUED_BY_CALLER);
        let order = order.lock().unwrap();
        assert_eq!(order.len(), QUEUED_BY_CALLER + 1);
        assert!(order.iter().take(2).any(|caller| *caller == "other"), "{order:?}");
    }

    #[tokio::test]
    async fn all_callers_together_have_a_limit() {
        let (pool, release) = held_up().await;
        let mut waiting = Vec::new();
        for n in 0..QUEUED {
            let pool = Arc::clone(&pool);
            let caller = format!("{}", n % 8);
            waiting.push(tokio::spawn(async move { pool.run(&caller, || ()).await }));
        }
        while pool.shared.jobs().queue.len() < QUEUED {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.run("late", || ()).await, Err(NotJudged::Busy));
        drop(release);
        for waits in waiting {
            assert_eq!(waits.await.unwrap(), Ok(()));
        }
    }

    #[tokio::test]
    async fn the_call_of_a_caller_that_has_gone_is_never_judged() {
        let (pool, release) = held_up().await;
        let judged = Arc::new(AtomicUsize::new(0));
        for _ in 0..QUEUED_BY_CALLER * 3 {
            let (gone, judged) = (Arc::clone(&pool), Arc::clone(&judged));
            let call = tokio::spawn(async move {
                gone.run("gone", move || judged.fetch_add(1, Ordering::Relaxed)).await
            });
            while pool.shared.jobs().queue.is_empty() {
                tokio::task::yield_now().await;
            }
            call.abort();
            assert!(call.await.unwrap_err().is_cancelled());
        }
        drop(release);
        assert_eq!(pool.run("gone", || 7).await, Ok(7));
        assert_eq!(judged.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_pool_goes_on() {
        let pool = JudgingPool::with_threads(1);
        assert_eq!(pool.run("x", || -> u8 { panic!("as tested") }).await, Err(NotJudged::Failed));
        assert_eq!(pool.run("x", || 7).await, Ok(7));
        assert_eq!(pool.shared.jobs().threads, 1);
    }
}
