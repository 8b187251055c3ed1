//! Applies events to a job. No event is refused here: an event in the log has already happened.

use super::state::{
    AttemptFailure, Guidance, JobState, Lease, Liveness, NeedsReason, ProgressStep, Stuck,
    WaitReason,
};
use super::{Job, JobEvent};
use crate::core::Time;

impl Job {
    /// Applies an event. `seq` is the event's position in the log.
    #[must_use]
    pub fn evolve(mut self, event: &JobEvent, at: Time, seq: u64) -> Self {
        self.changed = seq;
        match event.clone() {
            JobEvent::Enqueued { request, run, depth, beyond } => {
                (self.request, self.run, self.depth) = (*request, run, depth);
                self.enqueued_at = at;
                self.state = beyond.map_or(JobState::Queued, |beyond| JobState::Waiting {
                    on: beyond.decision,
                    why: WaitReason::Guard(beyond.guard),
                    lease: None,
                });
            }
            JobEvent::Finished { result, .. } => {
                self.usage.add(&result.usage);
                self.result = Some(*result);
                self.state = JobState::Done { at };
            }
            JobEvent::NotNeeded { reason, .. } => self.state = JobState::NotNeeded { reason, at },
            JobEvent::GivenUp { by, words } => self.state = JobState::Failed { by, words, at },
            JobEvent::Cancelled { cause } => self.state = JobState::Cancelled { cause, at },
            JobEvent::Held { by } => self.state = JobState::Held { by, at },
            JobEvent::Retried { by, hint } => {
                self.failures = 0;
                self.state = JobState::Queued;
                self.guided(Guidance { by, text: hint, at });
            }
            JobEvent::Steered { by, text } => self.guided(Guidance { by, text, at }),
            JobEvent::Moved { to, .. } => self.bias = to.applied(self.bias),
            JobEvent::AtRisk { .. } => self.at_risk = Some(at),
            JobEvent::DependencyFailed { on } => {
                let why = NeedsReason::DependencyFailed { on };
                self.state = JobState::NeedsPerson { why, decision: None, at };
            }
            JobEvent::Halted { .. } => self.halted(at),
            JobEvent::GuardRaised { .. }
            | JobEvent::Answered
            | JobEvent::HandedBack
            | JobEvent::Released { .. }
            | JobEvent::DependencyBack { .. }
            | JobEvent::HaltLifted { .. } => self.state = JobState::Queued,
            event => self.attempt_changed(event, at),
        }
        if self.lease().is_none() {
            self.liveness = None;
        }
        self
    }

    /// Applies an event of a worker's attempt.
    fn attempt_changed(&mut self, event: JobEvent, at: Time) {
        match event {
            JobEvent::Leased { worker, until } => self.leased(worker, until, at),
            JobEvent::Placed { worktree, branch } => {
                self.worktree = worktree.or(self.worktree.take());
                self.branch = branch.or(self.branch.take());
            }
            JobEvent::Stepped { text } => self.step = Some(ProgressStep { text, at }),
            JobEvent::WaitsFor { decision } => {
                let lease = self.lease().cloned();
                self.state = JobState::Waiting { on: decision, why: WaitReason::Asked, lease };
            }
            JobEvent::Resumed { until } => {
                if let Some(lease) = self.lease().cloned() {
                    self.state = JobState::Running { lease, stuck: None };
                    self.liveness = Some(Liveness { until, output_at: at });
                }
            }
            JobEvent::WaiterGone => {
                if let JobState::Waiting { lease, .. } = &mut self.state {
                    *lease = None;
                }
            }
            JobEvent::Stuck { decision } => {
                self.set_stuck(Some(Stuck { at, decision: Some(decision) }));
            }
            JobEvent::Unstuck => {
                self.set_stuck(None);
                if let Some(liveness) = &mut self.liveness {
                    liveness.output_at = at;
                }
            }
            JobEvent::StuckUnanswered => self.set_stuck(Some(Stuck { at, decision: None })),
            JobEvent::AttemptFailed { code, words, usage, decision } => {
                self.failures += 1;
                self.last_failure = Some(AttemptFailure { code, words, at });
                self.usage.add(&usage);
                self.state = match decision {
                    None => JobState::Queued,
                    decision => {
                        JobState::NeedsPerson { why: NeedsReason::FailedTooOften, decision, at }
                    }
                };
            }
            JobEvent::NeedUnanswered => {
                if let JobState::NeedsPerson { decision, .. } = &mut self.state {
                    *decision = None;
                }
            }
            _ => {}
        }
    }

    fn leased(&mut self, worker: String, until: Time, at: Time) {
        self.attempts += 1;
        let lease = Lease { worker, attempt: self.attempts, since: at };
        self.state = JobState::Running { lease, stuck: None };
        self.liveness = Some(Liveness { until, output_at: at });
    }

    fn set_stuck(&mut self, now: Option<Stuck>) {
        if let JobState::Running { stuck, .. } = &mut self.state {
            *stuck = now;
        }
    }

    fn guided(&mut self, guidance: Guidance) {
        if !guidance.text.is_empty() {
            self.guidance.push(guidance);
        }
    }

    /// A job that waits for a decision goes on waiting, without its worker.
    fn halted(&mut self, at: Time) {
        match &mut self.state {
            JobState::Waiting { lease, .. } => *lease = None,
            JobState::Running { lease, .. } => {
                let worker = std::mem::take(&mut lease.worker);
                self.state = JobState::Halted { worker, at };
            }
            _ => {}
        }
    }
}
