//! Taking responsibility for a decision, and handing it over.

use super::{Handle, HandleError, enforced};
use crate::core::decision::{Decision, DecisionId, Refused};
use crate::core::permission::{Voter, may_decide};

impl Handle {
    /// Records a person's "I'm on it".
    ///
    /// # Errors
    /// As [`Handle::approve`]; [`Refused::AlreadyTaken`].
    pub async fn take(&self, id: DecisionId, by: &Voter) -> Result<Decision, HandleError> {
        let person = by.person.clone();
        self.decide(id, by, move |decision| decision.take(person, None)).await
    }

    /// Hands a decision over to another approver.
    ///
    /// # Errors
    /// As [`Handle::approve`]; [`Refused::NotTheirs`] if the other person may not decide,
    /// [`Refused::AlreadyTaken`] if the other person already has the decision.
    pub async fn hand_over(
        &self,
        id: DecisionId,
        by: &Voter,
        to: &Voter,
    ) -> Result<Decision, HandleError> {
        let (rules, from, to) = (self.rules(), by.person.clone(), to.clone());
        self.decide(id, by, move |decision| {
            if may_decide(&rules.approvers, &enforced(&rules, decision), &to).is_err() {
                return Err(Refused::NotTheirs { who: to.person });
            }
            let from = Some(from).filter(|from| from.id != to.person.id);
            decision.take(to.person, from)
        })
        .await
    }
}
