//! What the queue asks people about a job, and what an answer means for it.

use super::guards::GuardReached;
use super::state::{CancelReason, FailureCode, JobState, NeedsReason, WaitReason};
use super::{Job, JobEvent, Usage};
use crate::core::decision::{Approval, Decision, Person, Resolved, State, Verdict, Via};

/// A question of the queue about a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobQuestion {
    /// May the run have this job beyond a guard? Approve or reject.
    Guard(GuardReached),
    /// Too many attempts failed: retry, give up, or take over?
    FailedTooOften,
    /// The worker gives no output: stop it, give it time, or give up?
    Stuck,
}

/// An option of a question about a job. The words are reported as the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobAnswer {
    /// Try again; with another text in place of an option, the text is the hint.
    Retry,
    /// Give the job up.
    GiveUp,
    /// The person does the job.
    TakeOver,
    /// Stop the worker, and try again.
    StopAndRetry,
    /// Give the worker more time.
    KeepWaiting,
}

impl JobAnswer {
    /// The option's name. A serialised name: it never changes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Retry => "Retry",
            Self::GiveUp => "Give up",
            Self::TakeOver => "Take over",
            Self::StopAndRetry => "Stop and retry",
            Self::KeepWaiting => "Keep waiting",
        }
    }
}

impl JobQuestion {
    /// The options. Empty: the question is approved or rejected.
    #[must_use]
    pub const fn options(self) -> &'static [JobAnswer] {
        match self {
            Self::Guard(_) => &[],
            Self::FailedTooOften => &[JobAnswer::Retry, JobAnswer::GiveUp, JobAnswer::TakeOver],
            Self::Stuck => &[JobAnswer::StopAndRetry, JobAnswer::KeepWaiting, JobAnswer::GiveUp],
        }
    }

    fn answer(self, option: &str) -> Option<JobAnswer> {
        self.options().iter().copied().find(|answer| answer.word() == option)
    }
}

impl Job {
    /// The queue's own question about the job, while one is open.
    #[must_use]
    pub const fn question(&self) -> Option<JobQuestion> {
        match &self.state {
            JobState::Waiting { why: WaitReason::Guard(guard), .. } => {
                Some(JobQuestion::Guard(*guard))
            }
            JobState::NeedsPerson {
                why: NeedsReason::FailedTooOften, decision: Some(_), ..
            } => Some(JobQuestion::FailedTooOften),
            JobState::Running { stuck: Some(stuck), .. } if stuck.decision.is_some() => {
                Some(JobQuestion::Stuck)
            }
            _ => None,
        }
    }

    /// What the job's decision, which is over, means for the job. Several events, if the words of a
    /// verdict are handed to the agent beside what the verdict does. Empty: nothing to do.
    #[must_use]
    pub fn settle(&self, decision: &Decision) -> Vec<JobEvent> {
        let verdict = match &decision.state {
            State::Resolved(resolved) => Some(resolved),
            State::Withdrawn { .. } => None,
            State::Pending(_) | State::Deferred { .. } => return Vec::new(),
        };
        let Some(question) = self.question() else {
            // The worker's own question: it goes on by itself, if it is still there.
            let asked =
                matches!(self.state, JobState::Waiting { why: WaitReason::Asked, lease: None, .. });
            return if asked { vec![JobEvent::Answered] } else { Vec::new() };
        };
        let answered = verdict.filter(|resolved| resolved.via != Via::SafeDefault);
        match (question, answered) {
            (
                JobQuestion::Guard(_),
                Some(Resolved { verdict: Verdict::Approved(approval), by, .. }),
            ) => {
                let raised = JobEvent::GuardRaised { by: by.clone() };
                note(approval, by).into_iter().chain([raised]).collect()
            }
            (JobQuestion::Guard(_), _) => {
                let cause = CancelReason::GuardRejected { decision: decision.id };
                vec![JobEvent::Cancelled { cause }]
            }
            (JobQuestion::FailedTooOften, None) => vec![JobEvent::NeedUnanswered],
            (JobQuestion::Stuck, None) => vec![JobEvent::StuckUnanswered],
            (_, Some(Resolved { verdict, by, .. })) => self.answered(question, verdict, by),
        }
    }

    fn answered(&self, question: JobQuestion, verdict: &Verdict, by: &Person) -> Vec<JobEvent> {
        let by = by.clone();
        let (answer, words) = match verdict {
            Verdict::Chosen { option } => (question.answer(option), String::new()),
            Verdict::Answered { text, .. } => (None, text.clone()),
            Verdict::Rejected { reason } => (Some(JobAnswer::GiveUp), reason.clone()),
            Verdict::Approved(_) => (None, String::new()),
        };
        match (question, answer) {
            (_, Some(JobAnswer::GiveUp)) => vec![JobEvent::GivenUp { by, words }],
            (_, Some(JobAnswer::TakeOver)) => vec![JobEvent::Held { by }],
            (_, Some(JobAnswer::KeepWaiting)) => vec![JobEvent::Unstuck],
            (JobQuestion::Stuck, _) => {
                let steered = (!words.is_empty()).then_some(JobEvent::Steered { by, text: words });
                let failed = JobEvent::AttemptFailed {
                    code: FailureCode::Stuck,
                    words: String::new(),
                    usage: Usage::default(),
                    decision: None,
                };
                steered.into_iter().chain([failed]).collect()
            }
            _ => vec![JobEvent::Retried { by, hint: words }],
        }
    }
}

/// The note of an approval, as words to the agent.
fn note(approval: &Approval, by: &Person) -> Option<JobEvent> {
    let text = approval.note.clone().filter(|note| !note.trim().is_empty())?;
    Some(JobEvent::Steered { by: by.clone(), text })
}
