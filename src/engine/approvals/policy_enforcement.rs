//! Enforces the serving process's rules on open decisions.
//!
//! The asking process may have read other rules, and rules change while decisions wait. Each loss
//! of a decision is an event of its own, written before any verdict: stricter terms, and the lapse
//! of approvals by people who may no longer decide. Does not depend on the source of the rules.

use crate::core::decision::authorization::voters_not_counted;
use crate::core::decision::event::Event;
use crate::core::decision::{Decision, DecisionId};
use crate::core::policy::rules::{Rules, enforce};
use crate::engine::{ApprovalApi, HandleError, OperationsApi};
use crate::store::Filter;

/// Terms first, then approvals: stricter terms may lapse approvals.
const STEPS: usize = 2;

/// The decision under this process's rules: with their terms, and only the approvals still valid.
pub(crate) fn enforced(rules: &Rules, decision: &Decision) -> Decision {
    let terms = enforce(rules, &decision.request, &decision.terms);
    let decision = Decision { terms, ..decision.clone() };
    let of = voters_not_counted(&rules.approvers, &decision);
    decision.without_votes_of(&of)
}

/// The next enforcement event for an open decision, if any.
pub(crate) fn enforcement_event(rules: &Rules, decision: &Decision) -> Option<Event> {
    if !decision.state.is_open() {
        return None;
    }
    let terms = enforce(rules, &decision.request, &decision.terms);
    if terms != decision.terms {
        return Some(Event::Enforced { terms });
    }
    let of = voters_not_counted(&rules.approvers, decision);
    (!of.is_empty()).then_some(Event::Lapsed { of })
}

impl OperationsApi<'_> {
    /// Enforces the current rules on every open decision.
    ///
    /// # Errors
    /// [`HandleError::Store`]; the remaining decisions follow when next shown or decided.
    pub async fn enforce_rules(self) -> Result<(), HandleError> {
        for decision in
            self.handle.approvals().list(Filter { open_only: true, ..Filter::default() }).await?
        {
            if enforcement_event(&self.handle.rules(), &decision).is_some() {
                self.handle.approvals().enforce(decision.id).await?;
            }
        }
        Ok(())
    }
}

impl ApprovalApi<'_> {
    /// Enforces this process's rules on a decision. Only the rules of the process showing and
    /// deciding count; the asking process may have read others.
    pub(crate) async fn enforce(self, id: DecisionId) -> Result<Decision, HandleError> {
        let mut decision = self.get(id).await?;
        for _ in 0..STEPS {
            let rules = self.handle.rules();
            if enforcement_event(&rules, &decision).is_none() {
                break;
            }
            decision =
                self.change(id, move |decision| Ok(enforcement_event(&rules, decision))).await?;
        }
        Ok(decision)
    }
}
