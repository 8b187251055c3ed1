//! Appends events of jobs, with all that follows from an event in the same transaction: questions
//! to people, questions withdrawn, jobs that depend on the changed job.

use rusqlite::Connection;

use super::{read, row};
use crate::core::Time;
use crate::core::decision::DecisionId;
use crate::core::jobs::{Job, JobEvent, JobId, JobQuestion, JobRefused, JobState};
use crate::store::chain::LogSubject;
use crate::store::sqlite::decisions::{self, NewRequest};
use crate::store::sqlite::event_log::{self, NewEntry};
use crate::store::sqlite::rows::{one, time, unreadable};
use crate::store::{AskAboutJob, ChangedJob, DecideJob, StoreError, UnchangedJob};

/// A transaction that changes jobs.
#[derive(Clone, Copy)]
pub(super) struct Writing<'a> {
    pub(super) connection: &'a Connection,
    words: &'a dyn AskAboutJob,
    pub(super) at: Time,
}

impl<'a> Writing<'a> {
    pub(super) const fn new(
        connection: &'a Connection,
        words: &'a dyn AskAboutJob,
        at: Time,
    ) -> Self {
        Self { connection, words, at }
    }

    /// Appends the event returned by `decide` to a job.
    pub(super) fn change(self, id: JobId, decide: DecideJob) -> Result<ChangedJob, StoreError> {
        let job = read::existing(self.connection, id)?;
        let refused = |job: Job, why| Ok(Err(Box::new(UnchangedJob { job, why })));
        let event = match decide(&job) {
            Err(why) => return refused(job, why),
            Ok(None) => return Ok(Ok(job)),
            Ok(Some(event)) => event,
        };
        match self.forbidden(&job, &event)? {
            Some(why) => refused(job, why),
            None => self.append(job, event).map(Ok),
        }
    }

    /// Why an event that the job allows is refused for the sake of other jobs or of a decision.
    fn forbidden(self, job: &Job, event: &JobEvent) -> Result<Option<JobRefused>, StoreError> {
        match event {
            JobEvent::Retried { .. } => {
                let taken = super::enqueue::open_with_source(self.connection, &job.request)?
                    .filter(|other| *other != job.id)
                    .map(JobRefused::SourceTaken);
                let dead = self.dead_dependency(job)?.map(JobRefused::DeadDependency);
                Ok(taken.or(dead))
            }
            JobEvent::WaitsFor { decision } => {
                let found = decisions::get(self.connection, *decision)?;
                let open = found.is_some_and(|decision| decision.state.is_open());
                Ok((!open).then_some(JobRefused::NoOpenDecision(*decision)))
            }
            JobEvent::Resumed { .. } => {
                let Some(on) = job.decision() else { return Ok(Some(JobRefused::NotWaiting)) };
                let found = decisions::get(self.connection, on)?;
                let open = found.is_some_and(|decision| decision.state.is_open());
                Ok(open.then_some(JobRefused::StillOpen(on)))
            }
            _ => Ok(None),
        }
    }

    /// Appends an event to the log, writes the resulting state, and does what follows from it.
    pub(super) fn append(self, before: Job, event: JobEvent) -> Result<Job, StoreError> {
        let event = self.with_question(&before, event)?;
        let (old_state, old_decision) = (before.state.clone(), before.decision());
        let job = self.append_event(before, &event)?;
        if let Some(old) = old_decision
            && job.decision() != Some(old)
        {
            self.withdraw(old)?;
        }
        let left = |test: fn(&JobState) -> bool| test(&old_state) != test(&job.state);
        let id = job.id;
        if left(JobState::fails_dependants) || left(JobState::satisfies) {
            self.tell_dependants(&job)?;
        }
        if job.state.is_over() && !old_state.is_over() && self.is_drained()? {
            self.append_queue_event(&JobEvent::Drained)?;
        }
        if job.state == JobState::Queued
            && let Some(on) = self.dead_dependency(&job)?
            && let Some(event) = job.lose_dependency(on)
        {
            return self.append(job, event);
        }
        // The job itself may depend on what just changed.
        read::existing(self.connection, id)
    }

    /// Asks what to do after the last attempt.
    fn with_question(self, job: &Job, event: JobEvent) -> Result<JobEvent, StoreError> {
        match event {
            JobEvent::AttemptFailed { code, words, usage, decision: None }
                if job.is_last_attempt() =>
            {
                let decision = Some(self.ask(job, JobQuestion::FailedTooOften)?);
                Ok(JobEvent::AttemptFailed { code, words, usage, decision })
            }
            event => Ok(event),
        }
    }

    fn append_event(self, job: Job, event: &JobEvent) -> Result<Job, StoreError> {
        let head = event_log::head(self.connection)?;
        let millis = self.at.timestamp_millis();
        // At the log's millisecond precision, so that a replay gives an identical state.
        let job = job.evolve(event, time(millis)?, head.seq + 1);
        row::put(self.connection, &job, self.at)?;
        if matches!(event, JobEvent::Enqueued { .. }) && !job.request.depends_on.is_empty() {
            super::enqueue::put_dependencies(self.connection, &job)?;
            // By them, it may not be ready.
            row::put(self.connection, &job, self.at)?;
        }
        let subject = LogSubject::Job(job.id.0);
        event_log::append(self.connection, &head, entry(subject, millis, event)?)?;
        Ok(job)
    }

    pub(super) fn append_queue_event(self, event: &JobEvent) -> Result<(), StoreError> {
        let head = event_log::head(self.connection)?;
        let millis = self.at.timestamp_millis();
        event_log::append(self.connection, &head, entry(LogSubject::Queue, millis, event)?)
    }

    /// Asks a person about a job.
    pub(super) fn ask(self, job: &Job, question: JobQuestion) -> Result<DecisionId, StoreError> {
        let (mut request, terms) = self.words.question(job, question);
        request.job = Some(job.id.0.to_string());
        let new = NewRequest::new(request, terms, self.at);
        let admit: crate::store::Admit = Box::new(|_| Ok(()));
        decisions::file_request(self.connection, new, &admit).map(|asked| asked.decision().id)
    }

    /// Withdraws a question that the job no longer waits for.
    fn withdraw(self, id: DecisionId) -> Result<(), StoreError> {
        let Some(decision) = decisions::get(self.connection, id)? else { return Ok(()) };
        if let Ok(event) = decision.withdraw(self.words.withdrawal()) {
            decisions::append(self.connection, decision, &event, self.at)?;
        }
        Ok(())
    }

    /// Tells the jobs that depend on this one what has become of it.
    fn tell_dependants(self, job: &Job) -> Result<(), StoreError> {
        let sql = "SELECT job FROM job_dependency WHERE needs = ?1 ORDER BY job";
        for id in read::ids(self.connection, sql, [job.id.0])? {
            let dependant = read::existing(self.connection, id)?;
            let event = if job.state.fails_dependants() {
                dependant.lose_dependency(job.id)
            } else {
                dependant.regain_dependency(job.id)
            };
            match event {
                Some(event) => drop(self.append(dependant, event)?),
                // Whether it is ready may have changed.
                None if dependant.state == JobState::Queued => {
                    row::put(self.connection, &dependant, self.at)?;
                }
                None => {}
            }
        }
        Ok(())
    }

    /// A job that this one depends on, and that is over without being done.
    fn dead_dependency(self, job: &Job) -> Result<Option<JobId>, StoreError> {
        if job.request.depends_on.is_empty() {
            return Ok(None);
        }
        let sql = "SELECT needs FROM job_dependency JOIN job ON job.id = needs
            WHERE job_dependency.job = ?1 AND state IN ('failed', 'cancelled')
            ORDER BY needs LIMIT 1";
        Ok(read::ids(self.connection, sql, [job.id.0])?.pop())
    }

    fn is_drained(self) -> Result<bool, StoreError> {
        let sql = "SELECT NOT EXISTS (
            SELECT 1 FROM job INDEXED BY job_open WHERE over_at IS NULL)";
        one(self.connection, sql)
    }
}

fn entry(subject: LogSubject, at: i64, event: &JobEvent) -> Result<NewEntry, StoreError> {
    let mut short = event.clone();
    let text = short.take_text().map(|text| serde_json::to_string(&text));
    let text = text.transpose().map_err(unreadable)?;
    let body = serde_json::to_string(&short).map_err(unreadable)?;
    Ok(NewEntry { subject, at, body, text })
}
