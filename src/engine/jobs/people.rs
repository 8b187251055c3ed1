//! What people do with jobs and with the queue.

use super::JobApi;
use crate::core::decision::Person;
use crate::core::jobs::{Job, JobId, JobResult, Move};
use crate::engine::HandleError;
use crate::store::{HaltOutcome, StandingHalt};

impl JobApi<'_> {
    /// Cancels a job, also while a worker has it. The worktree is kept.
    ///
    /// # Errors
    /// [`HandleError::JobRefused`], [`HandleError::NoSuchJob`], [`HandleError::Store`].
    pub async fn cancel(self, id: JobId, by: Person, words: &str) -> Result<Job, HandleError> {
        let words = words.trim().to_owned();
        self.change(id, move |job, _| job.cancel(by, words).map(Some)).await
    }

    /// Keeps a job from workers, also while a worker has it: to pause it, or to take it over.
    ///
    /// # Errors
    /// As [`JobApi::cancel`].
    pub async fn hold(self, id: JobId, by: Person) -> Result<Job, HandleError> {
        self.change(id, move |job, _| job.hold(by).map(Some)).await
    }

    /// Lets workers have a held job again.
    ///
    /// # Errors
    /// As [`JobApi::cancel`].
    pub async fn release(self, id: JobId, by: Person) -> Result<Job, HandleError> {
        self.change(id, move |job, _| job.release(by).map(Some)).await
    }

    /// Has a job tried again, with a hint for the agent, which may be empty.
    ///
    /// # Errors
    /// As [`JobApi::cancel`].
    pub async fn retry(self, id: JobId, by: Person, hint: &str) -> Result<Job, HandleError> {
        let hint = hint.trim().to_owned();
        self.change(id, move |job, _| job.retry(by, hint).map(Some)).await
    }

    /// Gives a job up: what depends on it needs a person.
    ///
    /// # Errors
    /// As [`JobApi::cancel`].
    pub async fn give_up(self, id: JobId, by: Person, words: &str) -> Result<Job, HandleError> {
        let words = words.trim().to_owned();
        self.change(id, move |job, _| job.give_up(by, words).map(Some)).await
    }

    /// Ends a job as done by a person, while no worker has it.
    ///
    /// # Errors
    /// As [`JobApi::cancel`].
    pub async fn finish_by(
        self,
        id: JobId,
        by: Person,
        result: JobResult,
    ) -> Result<Job, HandleError> {
        self.change(id, move |job, _| job.finish_by(by, result).map(Some)).await
    }

    /// Ends a job that is not needed, while no worker has it.
    ///
    /// # Errors
    /// As [`JobApi::cancel`].
    pub async fn not_needed_by(
        self,
        id: JobId,
        by: Person,
        reason: &str,
    ) -> Result<Job, HandleError> {
        let reason = reason.trim().to_owned();
        self.change(id, move |job, _| job.not_needed_by(by, reason).map(Some)).await
    }

    /// Says something to the agent: a worker reads it in [`Job::guidance`] and in the job's events.
    ///
    /// # Errors
    /// As [`JobApi::cancel`].
    pub async fn steer(self, id: JobId, by: Person, text: &str) -> Result<Job, HandleError> {
        let text = text.trim().to_owned();
        self.change(id, move |job, _| job.steer(by, text).map(Some)).await
    }

    /// Moves a job within the queue of its project.
    ///
    /// # Errors
    /// As [`JobApi::cancel`].
    pub async fn move_to(self, id: JobId, by: Person, to: Move) -> Result<Job, HandleError> {
        self.change(id, move |job, _| job.move_to(by, to)).await
    }

    /// Stops everything in a project, or in all, at once: workers lose their leases and learn so at
    /// their next call, no job is leased, worktrees stay. Returns the jobs that were stopped.
    ///
    /// # Errors
    /// [`HandleError::Halt`] if it is halted already; [`HandleError::Store`].
    pub async fn halt(
        self,
        project: Option<String>,
        by: Person,
    ) -> Result<HaltOutcome, HandleError> {
        let (at, words) = (self.handle.now(), self.words());
        let halted =
            self.handle.write_store(move |store| store.jobs().halt(project, by, words, at)).await?;
        self.handle.hint();
        Ok(halted)
    }

    /// Ends the halt of a project, or all halts. Returns the stopped jobs, which wait for a worker
    /// again.
    ///
    /// # Errors
    /// [`HandleError::Halt`] if there is no such halt; [`HandleError::Store`].
    pub async fn lift_halt(
        self,
        project: Option<String>,
        by: Person,
    ) -> Result<HaltOutcome, HandleError> {
        let (at, words) = (self.handle.now(), self.words());
        let lifted =
            self.handle.write_store(move |store| store.jobs().lift(project, by, words, at)).await?;
        self.handle.hint();
        Ok(lifted)
    }

    /// The halts that stand.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn halts(self) -> Result<Vec<StandingHalt>, HandleError> {
        Ok(self.handle.with_store(|store| store.jobs().halts()).await?)
    }
}
