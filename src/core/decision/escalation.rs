//! The escalation of a decision: the step that is due, its effects, and the next time to check.

use chrono::TimeDelta;

use super::authorization::Grounds;
use super::event::Event;
use super::{Decision, Person, ReasonCode, Refused, Risk, SafeDefault, State, Verdict, Via};
use crate::core::Time;
use crate::core::escalation::schedule::Schedule;
use crate::core::escalation::{BreachWarning, Contact, DueAction, DueStep, LadderPosition, Stage};

impl Decision {
    /// When the ladder and the SLA began: the first request, the return from a deferral, the
    /// undoing of a verdict, or the end of the quiet time at the desk, which may lie ahead.
    #[must_use]
    pub fn ladder_began_at(&self) -> Time {
        self.at_desk().map_or_else(|| self.waits_since(), |desk| desk.until)
    }

    /// Since when an answer is owed, at the desk or elsewhere.
    #[must_use]
    pub fn waits_since(&self) -> Time {
        self.began.unwrap_or(self.asked_at)
    }

    fn plan(&self) -> Schedule {
        Schedule::new(&self.terms.ladder, self.ladder_began_at(), self.breach_at())
    }

    /// The next step and its time. `None` if the decision is not pending or has reached the safe
    /// default.
    #[must_use]
    pub fn upcoming_step(&self) -> Option<DueStep> {
        if !matches!(self.state, State::Pending(_))
            || self.position.as_ref().is_some_and(|position| position.default)
        {
            return None;
        }
        self.plan().next(self.position.as_ref(), self.terms.safe_default)
    }

    /// The action due now. `ahead`: a reminder due within this time may be pulled forward, into a
    /// message sent anyway.
    #[must_use]
    pub fn due_action(&self, now: Time, ahead: TimeDelta) -> Option<DueAction> {
        if !matches!(self.state, State::Pending(_)) || self.at_desk().is_some() {
            return None;
        }
        if self.position.as_ref().is_some_and(|position| position.default) {
            return Some(DueAction::Default(self.effective_default()));
        }
        let plan = self.plan();
        let due = plan.highest_due(self.position.as_ref(), self.terms.safe_default, now);
        let pulled = || {
            let next = self.upcoming_step()?;
            let latest = now.checked_add_signed(ahead).unwrap_or(now);
            (next.stage == Stage::Reminder && next.at <= latest).then_some(next)
        };
        due.or_else(pulled).map(DueAction::LadderPosition)
    }

    /// The effective safe default. Policy admitted the requested default, but the current state may
    /// be stricter. Approval requires that people were told of the breach: neither a ladder that
    /// tells no person nor content changed after the warning is approved by silence.
    #[must_use]
    pub fn effective_default(&self) -> SafeDefault {
        let warned = match &self.position {
            Some(LadderPosition { warned: BreachWarning::Since(_), .. }) => true,
            Some(position) if position.default => false,
            // A contact of this step may still succeed.
            Some(position)
                if position.stage >= Stage::Breach
                    && !position.in_vain
                    && position.warned == BreachWarning::Nobody =>
            {
                true
            }
            position => self.plan().warns_after(position.as_ref()),
        };
        let approvable = self.terms.risk < Risk::High
            && self.approvals_needed() == 1
            && !self.is_about_credentials()
            && warned;
        match self.terms.safe_default {
            SafeDefault::Approve if approvable => SafeDefault::Approve,
            _ => SafeDefault::Reject,
        }
    }

    /// When the safe default applies if no answer comes and every step fires on time. `None` if the
    /// ladder has no safe-default step.
    #[must_use]
    pub fn default_at(&self) -> Option<Time> {
        let waits = matches!(self.state, State::Pending(_));
        waits
            .then(|| self.plan().default_at(self.position.as_ref(), self.terms.safe_default))
            .flatten()
    }

    /// When the ladder has to be checked next.
    #[must_use]
    pub(crate) fn next_escalation_check(&self) -> Option<Time> {
        if let Some(desk) = self.at_desk() {
            return Some(desk.until);
        }
        match &self.position {
            // Not the firing time of the step: setting the clock back must not delay the safe
            // default.
            Some(position) if position.default => Some(self.ladder_began_at()),
            _ => self.upcoming_step().map(|due| due.at),
        }
    }

    /// The event for the action due now: the end of the quiet time at the desk, an escalation step
    /// or the safe default.
    ///
    /// # Errors
    /// [`Refused::NotDue`] if no action is due.
    pub fn escalate(&self, now: Time, ahead: TimeDelta) -> Result<Event, Refused> {
        if let Some(event) = self.leave_desk().filter(|_| self.ladder_began_at() <= now) {
            return Ok(event);
        }
        match self.due_action(now, ahead).ok_or(Refused::NotDue)? {
            DueAction::LadderPosition(step) => Ok(Event::StepFired { step }),
            DueAction::Default(default) => {
                let verdict = match default {
                    SafeDefault::Approve => Verdict::approved(),
                    SafeDefault::Reject => {
                        Verdict::Rejected { reason: ReasonCode::NobodyAnswered.to_string() }
                    }
                };
                Ok(Event::Resolved {
                    verdict,
                    by: Person::gander(),
                    via: Via::SafeDefault,
                    with: Vec::new(),
                    grounds: Grounds::default(),
                    attested: self.request.attested.clone(),
                })
            }
        }
    }

    /// The event for the contact results of a step. `None`: the step has been superseded, or the
    /// decision is closed.
    #[must_use]
    pub fn record_contacts(
        &self,
        position: u64,
        contacts: Vec<Contact>,
        complete: bool,
    ) -> Option<Event> {
        let stands = self.state.is_open()
            && self.position.as_ref().is_some_and(|standing| standing.seq == position);
        stands.then_some(Event::ContactsRecorded { position, contacts, complete })
    }

    pub(crate) fn step_fired(&mut self, step: &DueStep, at: Time, seq: u64) {
        let warned = match self.position.take().map(|position| position.warned) {
            Some(BreachWarning::Since(at)) => BreachWarning::Since(at),
            // Contacts of this step are about the current revision.
            _ => BreachWarning::Nobody,
        };
        self.position = Some(LadderPosition::new(step, at, seq, warned));
    }

    /// Invalidates the breach warning after a new revision.
    pub(crate) const fn invalidate_warning(&mut self) {
        if let Some(position) = &mut self.position {
            position.warned = BreachWarning::EarlierRevision;
        }
    }

    pub(crate) fn restart_ladder(&mut self, at: Time) {
        self.began = Some(at);
        self.position = None;
    }

    pub(crate) fn contacts_recorded(&mut self, contacts: Vec<Contact>, complete: bool, at: Time) {
        if let Some(position) = &mut self.position {
            position.contacts_recorded(contacts, complete, at);
        }
    }
}
