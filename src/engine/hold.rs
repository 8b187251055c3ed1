//! Open decisions are held to the rules of whoever shows and decides them.
//!
//! Whoever asked may have read other rules, and the rules change while decisions wait. What a
//! decision loses by them is an event of its own, written before anything is decided: stricter
//! terms, and the approvals of those who may not decide it any more. Must not know where rules come
//! from.

use super::{Handle, HandleError};
use crate::core::decision::{Decision, DecisionId};
use crate::core::event::Event;
use crate::core::permission::not_counted;
use crate::core::policy::{Rules, enforce};
use crate::store::Filter;

/// Terms first, then approvals: those may lapse because of the terms.
const STEPS: usize = 2;

/// The decision as this process's own rules see it: with their terms, and the approvals that count
/// by them.
pub(super) fn enforced(rules: &Rules, decision: &Decision) -> Decision {
    let terms = enforce(rules, &decision.request, &decision.terms);
    let decision = Decision { terms, ..decision.clone() };
    let of = not_counted(&rules.approvers, &decision);
    decision.without_votes_of(&of)
}

/// What rules do to an open decision next.
pub(super) fn held(rules: &Rules, decision: &Decision) -> Option<Event> {
    if !decision.state.is_open() {
        return None;
    }
    let terms = enforce(rules, &decision.request, &decision.terms);
    if terms != decision.terms {
        return Some(Event::Enforced { terms });
    }
    let of = not_counted(&rules.approvers, decision);
    (!of.is_empty()).then_some(Event::Lapsed { of })
}

impl Handle {
    /// Holds every open decision to the rules that hold now.
    ///
    /// # Errors
    /// [`HandleError::Store`]; what was not reached is held to them when somebody looks at it or
    /// decides it.
    pub async fn enforce_all(&self) -> Result<(), HandleError> {
        for decision in self.list(Filter { open_only: true, ..Filter::default() }).await? {
            if held(&self.rules(), &decision).is_some() {
                self.enforce(decision.id).await?;
            }
        }
        Ok(())
    }

    /// Holds a decision to this process's own rules. Whoever asked may have read others: only the
    /// rules of those who show and decide count.
    pub(crate) async fn enforce(&self, id: DecisionId) -> Result<Decision, HandleError> {
        let mut decision = self.get(id).await?;
        for _ in 0..STEPS {
            let rules = self.rules();
            if held(&rules, &decision).is_none() {
                break;
            }
            decision = self.change(id, move |decision| Ok(held(&rules, decision))).await?;
        }
        Ok(decision)
    }
}
