//! The priority of a decision: set by the requester, or later by a person.
//!
//! A priority only orders waiting decisions. A person's priority stays in force when the agent asks
//! again.

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::refusal::Refused;
use super::{Decision, Person, Priority};
use crate::core::Time;

/// A priority set by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prioritized {
    /// The priority.
    pub priority: Priority,
    /// The person.
    pub by: Person,
    /// When the priority was set.
    pub at: Time,
}

impl Decision {
    /// The effective priority: a person's, else the requester's.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.prioritized.as_ref().map_or(self.request.priority, |given| given.priority)
    }

    /// Sets the priority in a person's name.
    ///
    /// # Errors
    /// [`Refused::AlreadyPrioritized`]; not open any more.
    pub fn prioritize(&self, priority: Priority, by: Person) -> Result<Event, Refused> {
        self.check_open()?;
        match &self.prioritized {
            Some(given) if given.priority == priority => {
                Err(Refused::AlreadyPrioritized { by: given.by.clone(), priority })
            }
            _ => Ok(Event::Prioritized { priority, by }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::pending_summary::PendingSummary;
    use crate::core::decision::{DecisionId, Request, Terms};

    fn at(seconds: i64) -> Time {
        Time::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds)
    }

    fn asked(id: i64) -> Decision {
        let terms = Terms { sla_seconds: 3_600, ..Terms::default() };
        Decision::new(
            DecisionId(id),
            Request { title: "Rename it?".into(), ..Request::default() },
            terms,
            at(0),
        )
    }

    fn wanted(decision: &Decision, priority: Priority) -> Decision {
        let event = decision.prioritize(priority, Person::discord(1, "Maya")).unwrap();
        decision.clone().evolve(&event, at(1), 2)
    }

    #[test]
    fn what_a_person_wants_soon_comes_first_and_stays_so_when_it_is_asked_again() {
        let (first, second) = (asked(1), wanted(&asked(2), Priority::Urgent));
        assert!(second.urgency(at(2)) < first.urgency(at(2)));
        assert_eq!(PendingSummary::from(&second).priority, Priority::Urgent);
        // Repeating the request is no event, and new content keeps the person's priority.
        assert_eq!(second.revise(&second.request, &second.terms), None);
        let other = Request { priority: Priority::Low, ..second.request.clone() };
        let revised = second.revise(&other, &second.terms).unwrap();
        assert_eq!(second.clone().evolve(&revised, at(3), 3).priority(), Priority::Urgent);
    }

    #[test]
    fn its_card_says_so_as_long_as_it_waits() {
        let shown = |decision: &Decision| {
            let card = crate::presentation::card::decision_card(
                decision,
                crate::core::values::time_scale::TimeScale::REAL,
            );
            card.fields.into_iter().find(|field| field.name == "Priority").map(|field| field.value)
        };
        assert_eq!(shown(&asked(1)), None);
        let urgent = wanted(&asked(1), Priority::Urgent);
        assert_eq!(shown(&urgent).as_deref(), Some("urgent, set by <@1>"));
        assert_eq!(shown(&urgent.evolve(&Event::Withdrawn { reason: "x".into() }, at(2), 3)), None);
    }

    #[test]
    fn the_same_priority_twice_says_who_gave_it() {
        let maya = Person::discord(1, "Maya");
        let again = wanted(&asked(1), Priority::High)
            .prioritize(Priority::High, Person::discord(2, "Jonas"));
        assert_eq!(again, Err(Refused::AlreadyPrioritized { by: maya, priority: Priority::High }));
        let gone = asked(1).evolve(&Event::Withdrawn { reason: "x".into() }, at(1), 2);
        assert!(matches!(
            gone.prioritize(Priority::High, Person::discord(1, "Maya")),
            Err(Refused::Withdrawn { .. })
        ));
    }
}
