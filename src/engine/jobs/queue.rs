//! Enqueues jobs, and reads the queue.

use super::JobApi;
use crate::core::jobs::{InvalidJob, Job, JobId, JobRequest, LoggedJob};
use crate::core::policy::rules::{is_plain_name, project_name};
use crate::engine::{EventFilter, EventFollower, HandleError};
use crate::store::{EnqueuedJob, JobFilter, QueueCounts};

impl JobApi<'_> {
    /// Enqueues a job. While a job with the source and id of the request is not over, returns that
    /// job. A job of an agent beyond a guard waits for a person's approval.
    ///
    /// # Errors
    /// [`HandleError::InvalidJob`] with what to change; [`HandleError::Store`].
    pub async fn enqueue(self, mut request: JobRequest) -> Result<EnqueuedJob, HandleError> {
        request.project = project_name(&request.project);
        request.validate().map_err(HandleError::InvalidJob)?;
        if !is_plain_name(&request.project) {
            return Err(HandleError::InvalidJob(InvalidJob::Project(request.project)));
        }
        let (at, rules, words) = (self.handle.now(), self.handle.rules(), self.words());
        let enqueued = self
            .handle
            .write_store(move |store| store.jobs().enqueue(request, rules.jobs.clone(), words, at))
            .await?;
        self.handle.hint();
        Ok(enqueued)
    }

    /// One job, by number.
    ///
    /// # Errors
    /// [`HandleError::NoSuchJob`], [`HandleError::Store`].
    pub async fn get(self, id: JobId) -> Result<Job, HandleError> {
        let found = self.handle.with_store(move |store| store.jobs().get(id)).await?;
        found.ok_or(HandleError::NoSuchJob(id))
    }

    /// The selected jobs, newest first.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn list(self, filter: JobFilter) -> Result<Vec<Job>, HandleError> {
        Ok(self.handle.with_store(move |store| store.jobs().list(&filter)).await?)
    }

    /// The selected jobs in the order in which a person looks at them: what needs a person or is
    /// stopped, what runs, then what is queued, the next first, then what is over, newest first.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn overview(self, filter: JobFilter) -> Result<Vec<Job>, HandleError> {
        let now = self.handle.now();
        let mut jobs = self.list(filter).await?;
        let group = |job: &Job| match job.state.word() {
            "needs_person" => 0,
            "waiting" => 1,
            "halted" => 2,
            "running" => 3,
            "queued" => 4,
            "held" => 5,
            _ => 6,
        };
        jobs.sort_by_cached_key(|job| match job.state.is_over() {
            true => (group(job), 0, -job.id.0),
            false => (group(job), -job.score(now).value, job.id.0),
        });
        Ok(jobs)
    }

    /// The jobs that a job still waits for.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn blocked_by(self, id: JobId) -> Result<Vec<JobId>, HandleError> {
        Ok(self.handle.with_store(move |store| store.jobs().blocked_by(id)).await?)
    }

    /// How many jobs are in each state, by project; without those that are over.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn counts(self) -> Result<Vec<QueueCounts>, HandleError> {
        Ok(self.handle.with_store(|store| store.jobs().counts()).await?)
    }

    /// All events of a job, in order.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn history(self, id: JobId) -> Result<Vec<LoggedJob>, HandleError> {
        Ok(self.handle.with_store(move |store| store.jobs().history(id)).await?)
    }

    /// Follows the events of jobs and of the queue after a position of the log.
    #[must_use]
    pub fn follow(self, after: u64) -> JobFollower {
        let follower = self.handle.event_log().follow(after, EventFilter::default());
        JobFollower { follower }
    }

    /// Follows the events of jobs and of the queue from now on.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn follow_new(self) -> Result<JobFollower, HandleError> {
        let follower = self.handle.event_log().follow_new(EventFilter::default()).await?;
        Ok(JobFollower { follower })
    }
}

/// A subscription to the events of jobs and of the queue. Events are delivered in order and once.
///
/// Every method is cancel-safe: a dropped call delivers its events again at the next call.
#[derive(Debug)]
pub struct JobFollower {
    follower: EventFollower,
}

impl JobFollower {
    /// Position of the latest event read. A new follower from here on misses nothing.
    #[must_use]
    pub const fn cursor(&self) -> u64 {
        self.follower.cursor()
    }

    /// The next events. Waits for them, and reads again after a failure.
    pub async fn next(&mut self) -> Vec<LoggedJob> {
        self.follower.next_of_jobs().await
    }

    /// The next events, or `None` at the end of the log. Never an empty list.
    ///
    /// # Errors
    /// [`HandleError::Store`]; the next call reads again.
    pub async fn try_next(&mut self) -> Result<Option<Vec<LoggedJob>>, HandleError> {
        self.follower.try_next_of_jobs().await
    }
}
