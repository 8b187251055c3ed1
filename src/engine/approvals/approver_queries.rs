//! Who may decide a decision.

use crate::core::decision::authorization::{Approvers, Voter, approvers_of, may_decide};
use crate::core::decision::{Decision, DecisionId, Revision};
use crate::core::policy::rules::enforced;
use crate::engine::{Handle, HandleError};

/// Who may decide, and who takes responsibility.
#[derive(Debug, Clone, Copy)]
pub struct ApproverApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl ApproverApi<'_> {
    /// Who may decide this decision.
    #[must_use]
    pub fn who_may(self, decision: &Decision) -> Approvers {
        approvers_of(&self.handle.rules().approvers, decision)
    }

    /// A decision, for a person who may decide it.
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

    /// Whether this person may decide the decision as read. Does not read the store.
    #[must_use]
    pub fn is_for(self, decision: &Decision, voter: &Voter) -> bool {
        let rules = self.handle.rules();
        may_decide(&rules.approvers, &enforced(&rules, decision), voter).is_ok()
    }

    /// Whether this person could decide the revision shown to them. Called before asking the person
    /// for more input (a reason, a time).
    ///
    /// # Errors
    /// As [`crate::engine::ApprovalApi::approve`].
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
