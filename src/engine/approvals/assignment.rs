//! Taking responsibility for a decision, and handing it over.

use crate::core::decision::authorization::{Denied, Voter, approvers_of, may_decide};
use crate::core::decision::{Decision, DecisionId, Person, Priority, Refused};
use crate::core::policy::rules::enforced;
use crate::engine::{ApproverApi, HandleError};
use crate::store::Why;

impl ApproverApi<'_> {
    /// Records a person's "I'm on it".
    ///
    /// # Errors
    /// As [`crate::engine::ApprovalApi::approve`]; [`Refused::AlreadyTaken`].
    pub async fn take(self, id: DecisionId, by: &Voter) -> Result<Decision, HandleError> {
        let person = by.person.clone();
        self.handle.approvals().decide(id, by, move |decision| decision.take(person, None)).await
    }

    /// Hands a decision over to another approver.
    ///
    /// # Errors
    /// As [`crate::engine::ApprovalApi::approve`]; [`Refused::AssigneeMayNotDecide`];
    /// [`Refused::AlreadyTaken`] if the other person already has the decision.
    pub async fn hand_over(
        self,
        id: DecisionId,
        by: &Voter,
        to: &Voter,
    ) -> Result<Decision, HandleError> {
        let (rules, from, to) = (self.handle.rules(), by.person.clone(), to.clone());
        self.handle
            .approvals()
            .decide(id, by, move |decision| {
                if may_decide(&rules.approvers, &enforced(&rules, decision), &to).is_err() {
                    return Err(Refused::AssigneeMayNotDecide { who: to.person });
                }
                let from = Some(from).filter(|from| from.id != to.person.id);
                decision.take(to.person, from)
            })
            .await
    }

    /// Assigns a decision to an approver, named by the asker. Unlike with
    /// [`ApproverApi::hand_over`], the asker may not decide.
    ///
    /// # Errors
    /// [`HandleError::Denied`] for every person but the asker;
    /// [`Refused::AssigneeMayNotDecide`]; [`Refused::AlreadyTaken`];
    /// [`HandleError::NoSuchDecision`], [`HandleError::Store`].
    pub async fn assign(
        self,
        id: DecisionId,
        asker: &Person,
        to: &Voter,
    ) -> Result<Decision, HandleError> {
        let (rules, asker, to) = (self.handle.rules(), asker.clone(), to.clone());
        self.handle
            .approvals()
            .change(id, move |decision| {
                let decision = &enforced(&rules, decision);
                if decision.request.asked_by.as_ref().is_none_or(|by| by.id != asker.id) {
                    return Err(Why::Denied(Denied::NotAnApprover(approvers_of(
                        &rules.approvers,
                        decision,
                    ))));
                }
                if may_decide(&rules.approvers, decision, &to).is_err() {
                    return Err(Why::Refused(Refused::AssigneeMayNotDecide { who: to.person }));
                }
                Ok(Some(decision.take(to.person, Some(asker))?))
            })
            .await
    }

    /// Sets a decision's priority for a person.
    ///
    /// # Errors
    /// As [`crate::engine::ApprovalApi::approve`]; [`Refused::AlreadyPrioritized`].
    pub async fn prioritize(
        self,
        id: DecisionId,
        by: &Voter,
        priority: Priority,
    ) -> Result<Decision, HandleError> {
        let person = by.person.clone();
        self.handle
            .approvals()
            .decide(id, by, move |decision| decision.prioritize(priority, person))
            .await
    }
}
