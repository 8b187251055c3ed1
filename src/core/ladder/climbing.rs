//! A decision on its ladder: what is due, what comes of it, and when to look again.

use chrono::TimeDelta;

use super::plan::Plan;
use super::{Climb, Contact, Demand, Due, Stage, Warned};
use crate::core::Time;
use crate::core::decision::{Decision, Person, Refused, Risk, SafeDefault, State, Verdict, Via};
use crate::core::event::Event;
use crate::core::text;

impl Decision {
    /// When its ladder, and with it its SLA, began: asked, come back, or its verdict undone.
    #[must_use]
    pub fn since(&self) -> Time {
        self.began.unwrap_or(self.asked_at)
    }

    fn plan(&self) -> Plan {
        Plan::new(&self.terms.ladder, self.since(), self.breach_at())
    }

    /// The rung that comes next, and when. `None` where it is not waiting, or has reached the end.
    #[must_use]
    pub fn next_rung(&self) -> Option<Due> {
        if !matches!(self.state, State::Pending(_))
            || self.climb.as_ref().is_some_and(|climb| climb.default)
        {
            return None;
        }
        self.plan().next(self.climb.as_ref(), self.terms.safe_default)
    }

    /// What is to be done now. `ahead` is how much earlier a reminder may be pulled, into a message
    /// that goes out anyway.
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

    /// What silence means in the end. Policy has admitted the default; what stands by then may be
    /// stricter. It approves only what people were told of when the SLA was breached: neither a
    /// ladder that tells nobody nor a question that was exchanged afterwards gets a yes that way.
    #[must_use]
    pub fn default_that_holds(&self) -> SafeDefault {
        let warned = match &self.climb {
            Some(Climb { warned: Warned::Since(_), .. }) => true,
            Some(climb) if climb.default => false,
            // It still can be.
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

    /// When the safe default is applied if nobody answers and every rung fires in time. `None`
    /// where the ladder has none.
    #[must_use]
    pub fn default_at(&self) -> Option<Time> {
        let waits = matches!(self.state, State::Pending(_));
        waits
            .then(|| self.plan().default_at(self.climb.as_ref(), self.terms.safe_default))
            .flatten()
    }

    /// When the ladder wants to be looked at.
    #[must_use]
    pub(in crate::core) fn ladder_wakes_at(&self) -> Option<Time> {
        match &self.climb {
            // Not the moment at which that rung fired: a clock that is set back must not hold up
            // the end.
            Some(climb) if climb.default => Some(self.since()),
            _ => self.next_rung().map(|due| due.at),
        }
    }

    /// Nobody has answered: what the ladder demands now.
    ///
    /// # Errors
    /// [`Refused::NotDue`] if that is nothing.
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

    /// What came of the tries to reach people at a rung. `None`: it has been left behind since.
    #[must_use]
    pub fn tell(&self, climb: u64, contacts: Vec<Contact>, complete: bool) -> Option<Event> {
        let stands = self.state.is_open()
            && self.climb.as_ref().is_some_and(|standing| standing.seq == climb);
        stands.then_some(Event::Told { climb, contacts, complete })
    }

    pub(in crate::core) fn climbed(&mut self, rung: &Due, at: Time, seq: u64) {
        let warned = match self.climb.take().map(|climb| climb.warned) {
            Some(Warned::Since(at)) => Warned::Since(at),
            // Whoever is reached at this rung is told of what is asked now.
            _ => Warned::Nobody,
        };
        self.climb = Some(Climb::new(rung, at, seq, warned));
    }

    /// What people were told is not what is asked any more.
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
