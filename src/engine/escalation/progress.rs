//! Applies due steps of the escalation ladder, and describes a decision's position on the ladder.

use chrono::TimeDelta;

use crate::core::decision::progress::Progress;
use crate::core::decision::{Decision, DecisionId, State};
use crate::core::escalation::Contact;
use crate::core::policy::rules::enforced;
use crate::engine::{Handle, HandleError};

/// Position of a decision on the escalation ladder.
#[derive(Debug, Clone, Copy)]
pub struct EscalationApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl EscalationApi<'_> {
    /// The escalation status of a waiting decision: current step, next step, approvers, and the
    /// outcome without an answer.
    #[must_use]
    pub fn progress(self, decision: &Decision) -> Option<Progress> {
        Progress::of(decision, self.handle.approvers().who_may(decision))
    }

    /// Applies a due transition: return from a deferral, next escalation step, safe default, or the
    /// end of a grant.
    /// Called by the timers. `ahead` is how early a reminder may fire.
    pub(crate) async fn run_due(
        self,
        id: DecisionId,
        ahead: TimeDelta,
    ) -> Result<Decision, HandleError> {
        let (now, rules) = (self.handle.now(), self.handle.rules());
        // Enforce the serving process's rules, even if an agent asks again at this moment: the
        // asker's rules do not count.
        self.handle.approvals().enforce(id).await?;
        self.handle
            .approvals()
            .change(id, move |decision| {
                let decision = &enforced(&rules, decision);
                Ok(Some(match decision.state {
                    State::Deferred { .. } => decision.return_from_deferral(now)?,
                    State::Resolved(_) => decision.expire_grant(now)?,
                    _ => decision.escalate(now, ahead)?,
                }))
            })
            .await
    }

    /// Records the results of contacting people at an escalation step. Does nothing if the ladder
    /// has moved past the step.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`], [`HandleError::Store`].
    pub async fn record_contacts(
        self,
        id: DecisionId,
        position: u64,
        contacts: Vec<Contact>,
        complete: bool,
    ) -> Result<Decision, HandleError> {
        self.handle
            .approvals()
            .change(id, move |decision| Ok(decision.record_contacts(position, contacts, complete)))
            .await
    }
}
