//! Queries about approvers: the approvers of a decision, and a person's permission to decide.

use crate::core::decision::authorization::{Approvers, Voter, approvers_of, may_decide};
use crate::core::decision::{Decision, DecisionId, Revision};
use crate::core::policy::rules::enforced;
use crate::engine::{Handle, HandleError};

/// Approvers and their permissions; taking and assigning decisions.
#[derive(Debug, Clone, Copy)]
pub struct ApproverApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl ApproverApi<'_> {
    /// The approvers of a decision, by the current rules.
    #[must_use]
    pub fn who_may(self, decision: &Decision) -> Approvers {
        approvers_of(&self.handle.rules().approvers, decision)
    }

    /// A decision, after enforcing the current rules, for an approver.
    ///
    /// # Errors
    /// [`HandleError::Denied`], [`HandleError::NoSuchDecision`], [`HandleError::Store`].
    pub async fn may_see(self, id: DecisionId, by: &Voter) -> Result<Decision, HandleError> {
        let decision = self.handle.approvals().enforce(id).await?;
        let rules = self.handle.rules();
        match may_decide(&rules.approvers, &enforced(&rules, &decision), by) {
            Ok(_) => Ok(decision),
            Err(denied) => Err(HandleError::Denied(Box::new(decision), denied)),
        }
    }

    /// Whether a person may decide an already read decision. Does not read the store.
    #[must_use]
    pub fn is_for(self, decision: &Decision, voter: &Voter) -> bool {
        let rules = self.handle.rules();
        may_decide(&rules.approvers, &enforced(&rules, decision), voter).is_ok()
    }

    /// A decision, for an approver who saw its revision `seen`. Called before a form for a reason
    /// or a time, so that nobody types in vain.
    ///
    /// # Errors
    /// As [`Self::may_see`], and [`HandleError::Refused`] for a closed decision or an older
    /// revision.
    pub async fn may_decide(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
    ) -> Result<Decision, HandleError> {
        let decision = self.may_see(id, by).await?;
        match decision.check_open_at(seen) {
            Ok(()) => Ok(decision),
            Err(refused) => Err(HandleError::Refused(Box::new(decision), refused)),
        }
    }
}
