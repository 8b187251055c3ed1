//! The shared queue: what people, agents and workers do with jobs, and the loop that does what is
//! due.
//!
//! Every rule is in the store's transactions, so that many workers and processes share one queue.
//! Without a running bot, leases are taken back when another worker asks for a job.

mod people;
mod queue;
mod scheduler;
mod words;
mod workers;

pub use self::queue::JobFollower;
pub use self::scheduler::run;

use std::sync::Arc;

use self::words::Words;
use crate::core::Time;
use crate::core::jobs::{Job, JobEvent, JobId, JobRefused};
use crate::engine::{Handle, HandleError};
use crate::store::{ChangedJob, JobWords};

/// Enqueues, leases and ends jobs, and reads the queue.
#[derive(Debug, Clone, Copy)]
pub struct JobApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl JobApi<'_> {
    fn words(self) -> JobWords {
        Arc::new(Words(self.handle.rules()))
    }

    /// Changes a job; `decide` runs in the transaction, and gets the time of the change.
    async fn change(
        self,
        id: JobId,
        decide: impl FnOnce(&Job, Time) -> Result<Option<JobEvent>, JobRefused> + Send + 'static,
    ) -> Result<Job, HandleError> {
        let (at, words) = (self.handle.now(), self.words());
        let changed = self
            .handle
            .write_store(move |store| {
                store.jobs().change(id, words, at, Box::new(move |job| decide(job, at)))
            })
            .await?;
        self.handle.hint();
        told(changed)
    }
}

fn told(changed: ChangedJob) -> Result<Job, HandleError> {
    changed.map_err(|unchanged| HandleError::JobRefused(Box::new(unchanged.job), unchanged.why))
}
