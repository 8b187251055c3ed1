//! The escalation of a decision: the step that is due, its effects, and the next time to check.

use chrono::TimeDelta;

use super::plan::Plan;
use super::{Climb, Contact, Demand, Due, Stage, Warned};
use crate::core::Time;
use crate::core::decision::{Decision, Person, Refused, Risk, SafeDefault, State, Verdict, Via};
use crate::core::event::Event;
use crate::core::text;

impl Decision {
    /// When the ladder and the SLA began: the first request, the return from a deferral, or the
    /// undoing of a verdict.
    #[must_use]
    pub fn since(&self) -> Time {
        self.began.unwrap_or(self.asked_at)
    }

    fn plan(&self) -> Plan {
        Plan::new(&self.terms.ladder, self.since(), self.breach_at())
    }

    /// The next step and its time. `None` if the decision is not pending or has reached the safe
    /// default.
    #[must_use]
    pub fn next_rung(&self) -> Option<Due> {
        if !matches!(self.state, State::Pending(_))
            || self.climb.as_ref().is_some_and(|climb| climb.default)
        {
            return None;
        }
        self.plan().next(self.climb.as_ref(), self.terms.safe_default)
    }

    /// The action due now. `ahead`: a reminder due within this time may be pulled forward, into a
    /// message sent anyway.
    #[must_use]
    pub fn demand(&self, now: Time, ahead: TimeDelta) -> Option<Demand> {
        if !matches!(self.state, State::Pending(_)) {
            return None;
        }
        if self.climb.as_ref().is_some_and(|climb| climb.default) {
            return Some(Demand::Default(self.default_that_holds()));
        }
        let plan = self.plan();
        let due = plan.highest_due(self.climb.as_ref(), self.terms.safe_default, now);
        let pulled = || {
            let next = self.next_rung()?;
            let latest = now.checked_add_signed(ahead).unwrap_or(now);
            (next.stage == Stage::Reminder && next.at <= latest).then_some(next)
        };
        due.or_else(pulled).map(Demand::Climb)
    }

    /// The effective safe default. Policy admitted the requested default, but the current state may
    /// be stricter. Approval requires that people were told of the breach: neither a ladder that
    /// tells no person nor content changed after the warning is approved by silence.
    #[must_use]
    pub fn default_that_holds(&self) -> SafeDefault {
        let warned = match &self.climb {
            Some(Climb { warned: Warned::Since(_), .. }) => true,
            Some(climb) if climb.default => false,
            // A contact of this step may still succeed.
            Some(climb)
                if climb.stage >= Stage::Breach
                    && !climb.in_vain
                    && climb.warned == Warned::Nobody =>
            {
                true
            }
            climb => self.plan().warns_behind(climb.as_ref()),
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
            .then(|| self.plan().default_at(self.climb.as_ref(), self.terms.safe_default))
            .flatten()
    }

    /// When the ladder has to be checked next.
    #[must_use]
    pub(in crate::core) fn ladder_wakes_at(&self) -> Option<Time> {
        match &self.climb {
            // Not the firing time of the step: setting the clock back must not delay the safe
            // default.
            Some(climb) if climb.default => Some(self.since()),
            _ => self.next_rung().map(|due| due.at),
        }
    }

    /// The event for the action due now: an escalation step or the safe default.
    ///
    /// # Errors
    /// [`Refused::NotDue`] if no action is due.
    pub fn climb(&self, now: Time, ahead: TimeDelta) -> Result<Event, Refused> {
        match self.demand(now, ahead).ok_or(Refused::NotDue)? {
            Demand::Climb(rung) => Ok(Event::Climbed { rung }),
            Demand::Default(default) => {
                let verdict = match default {
                    SafeDefault::Approve => Verdict::approved(),
                    SafeDefault::Reject => {
                        Verdict::Rejected { reason: text::NOBODY_ANSWERED.into() }
                    }
                };
                Ok(Event::Resolved {
                    verdict,
                    by: Person::gander(),
                    via: Via::SafeDefault,
                    with: Vec::new(),
                })
            }
        }
    }

    /// The event for the contact results of a step. `None`: the step has been superseded, or the
    /// decision is closed.
    #[must_use]
    pub fn tell(&self, climb: u64, contacts: Vec<Contact>, complete: bool) -> Option<Event> {
        let stands = self.state.is_open()
            && self.climb.as_ref().is_some_and(|standing| standing.seq == climb);
        stands.then_some(Event::Told { climb, contacts, complete })
    }

    pub(in crate::core) fn climbed(&mut self, rung: &Due, at: Time, seq: u64) {
        let warned = match self.climb.take().map(|climb| climb.warned) {
            Some(Warned::Since(at)) => Warned::Since(at),
            // Contacts of this step are about the current revision.
            _ => Warned::Nobody,
        };
        self.climb = Some(Climb::new(rung, at, seq, warned));
    }

    /// Invalidates the breach warning after a new revision.
    pub(in crate::core) const fn asked_otherwise(&mut self) {
        if let Some(climb) = &mut self.climb {
            climb.warned = Warned::OfAnother;
        }
    }

    pub(in crate::core) fn begin_anew(&mut self, at: Time) {
        self.began = Some(at);
        self.climb = None;
    }

    pub(in crate::core) fn told(&mut self, contacts: Vec<Contact>, complete: bool, at: Time) {
        if let Some(climb) = &mut self.climb {
            climb.told(contacts, complete, at);
        }
    }
}
