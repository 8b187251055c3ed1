//! What people, and the queue on its own, may do with a job.

use chrono::TimeDelta;

use super::state::{CancelReason, JobState, NeedsReason};
use super::worker::{LONGEST_WORDS, check_reason, check_result, short_enough};
use super::{Job, JobEvent, JobId, JobRefused, JobResult, Move};
use crate::core::Time;
use crate::core::decision::Person;

impl Job {
    /// Cancels the job, also while a worker has it: the worker is told at its next call.
    ///
    /// # Errors
    /// [`JobRefused::Over`], [`JobRefused::TooLong`].
    pub fn cancel(&self, by: Person, words: String) -> Result<JobEvent, JobRefused> {
        self.check_not_over()?;
        short_enough("reason", &words, LONGEST_WORDS)?;
        Ok(JobEvent::Cancelled { cause: CancelReason::Person { by, words } })
    }

    /// Keeps the job from workers, also while a worker has it.
    ///
    /// # Errors
    /// [`JobRefused::Over`]; [`JobRefused::WrongState`] while it waits for a decision about a
    /// guard, or is held.
    pub fn hold(&self, by: Person) -> Result<JobEvent, JobRefused> {
        match self.state {
            JobState::Queued
            | JobState::Running { .. }
            | JobState::Halted { .. }
            | JobState::NeedsPerson { .. }
            | JobState::Waiting { why: super::WaitReason::Asked, .. } => Ok(JobEvent::Held { by }),
            _ => Err(self.wrong_state("holding it", "queued, running, halted or in need of you")),
        }
    }

    /// Lets workers have a held job again.
    ///
    /// # Errors
    /// [`JobRefused::Over`]; [`JobRefused::WrongState`] unless it is held.
    pub fn release(&self, by: Person) -> Result<JobEvent, JobRefused> {
        match self.state {
            JobState::Held { .. } => Ok(JobEvent::Released { by }),
            _ => Err(self.wrong_state("releasing it", "held")),
        }
    }

    /// Has the job tried again, with a hint for the agent, which may be empty. The store checks
    /// that no other job has its source, and that what it depends on can still be done.
    ///
    /// # Errors
    /// [`JobRefused::WrongState`] unless it needs a person, was given up or cancelled, or is held;
    /// [`JobRefused::TooLong`].
    pub fn retry(&self, by: Person, hint: String) -> Result<JobEvent, JobRefused> {
        short_enough("hint", &hint, LONGEST_WORDS)?;
        match self.state {
            JobState::NeedsPerson { .. }
            | JobState::Held { .. }
            | JobState::Failed { .. }
            | JobState::Cancelled { .. } => Ok(JobEvent::Retried { by, hint }),
            _ => {
                let possible = "held, failed, cancelled or in need of you";
                Err(self.wrong_state("retrying it", possible))
            }
        }
    }

    /// Gives the job up.
    ///
    /// # Errors
    /// [`JobRefused::Over`], [`JobRefused::TooLong`].
    pub fn give_up(&self, by: Person, words: String) -> Result<JobEvent, JobRefused> {
        self.check_not_over()?;
        short_enough("reason", &words, LONGEST_WORDS)?;
        Ok(JobEvent::GivenUp { by, words })
    }

    /// Ends the job as done by a person.
    ///
    /// # Errors
    /// [`JobRefused::Over`]; [`JobRefused::WrongState`] while a worker has it;
    /// [`JobRefused::TooLong`].
    pub fn finish_by(&self, by: Person, result: JobResult) -> Result<JobEvent, JobRefused> {
        self.check_free("finishing it yourself")?;
        check_result(&result)?;
        Ok(JobEvent::Finished { result: Box::new(result), by: Some(by) })
    }

    /// Ends the job because there is nothing to do, as a person says.
    ///
    /// # Errors
    /// As [`Job::finish_by`]; [`JobRefused::Empty`].
    pub fn not_needed_by(&self, by: Person, reason: String) -> Result<JobEvent, JobRefused> {
        self.check_free("calling it not needed")?;
        check_reason(&reason)?;
        Ok(JobEvent::NotNeeded { reason, by: Some(by) })
    }

    /// Says something to the agent.
    ///
    /// # Errors
    /// [`JobRefused::Over`], [`JobRefused::Empty`], [`JobRefused::TooLong`].
    pub fn steer(&self, by: Person, text: String) -> Result<JobEvent, JobRefused> {
        self.check_not_over()?;
        if text.trim().is_empty() {
            return Err(JobRefused::Empty("text"));
        }
        short_enough("text", &text, LONGEST_WORDS)?;
        Ok(JobEvent::Steered { by, text })
    }

    /// Moves the job in the queue. `None`: it is there already.
    ///
    /// # Errors
    /// [`JobRefused::Over`].
    pub fn move_to(&self, by: Person, to: Move) -> Result<Option<JobEvent>, JobRefused> {
        self.check_not_over()?;
        Ok((to.applied(self.bias) != self.bias).then_some(JobEvent::Moved { by, to }))
    }

    /// Stops the job by a halt. `None`: no worker has it.
    #[must_use]
    pub fn halt(&self, by: Person) -> Option<JobEvent> {
        self.lease()?;
        Some(JobEvent::Halted { by, project: None, stopped: Vec::new() })
    }

    /// Ends the effect of a halt. `None`: the job was not stopped by one.
    #[must_use]
    pub fn lift_halt(&self, by: Person) -> Option<JobEvent> {
        let halted = matches!(self.state, JobState::Halted { .. });
        halted.then(|| JobEvent::HaltLifted { by, project: None, resumed: Vec::new() })
    }

    /// Says that the deadline is near and nobody has begun. `None`: not so, or said already.
    #[must_use]
    pub fn find_at_risk(&self, now: Time) -> Option<JobEvent> {
        self.at_risk_from().filter(|from| *from <= now)?;
        self.request.deadline.map(|deadline| JobEvent::AtRisk { deadline })
    }

    /// Whether the worker has given no output for this long, and nobody was told.
    #[must_use]
    pub fn is_stalled(&self, stall: TimeDelta, now: Time) -> bool {
        matches!(self.state, JobState::Running { stuck: None, .. })
            && self.liveness.is_some_and(|liveness| now - liveness.output_at >= stall)
    }

    /// Reacts to the end of a job that this one depends on, which failed for good. `None`: it does
    /// not matter in this state.
    #[must_use]
    pub fn lose_dependency(&self, on: JobId) -> Option<JobEvent> {
        matches!(self.state, JobState::Queued).then_some(JobEvent::DependencyFailed { on })
    }

    /// Reacts to a job that this one depends on, which is done or tried again after all. `None`: it
    /// does not need a person because of that job.
    #[must_use]
    pub fn regain_dependency(&self, regained: JobId) -> Option<JobEvent> {
        match self.state {
            JobState::NeedsPerson { why: NeedsReason::DependencyFailed { on }, .. }
                if on == regained =>
            {
                Some(JobEvent::DependencyBack { on })
            }
            _ => None,
        }
    }

    const fn check_not_over(&self) -> Result<(), JobRefused> {
        if self.state.is_over() {
            Err(JobRefused::Over { state: self.state.word() })
        } else {
            Ok(())
        }
    }

    fn check_free(&self, what: &'static str) -> Result<(), JobRefused> {
        self.check_not_over()?;
        match self.lease() {
            None => Ok(()),
            Some(_) => Err(self.wrong_state(what, "with no worker: hold it first")),
        }
    }
}
