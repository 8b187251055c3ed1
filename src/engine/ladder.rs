//! Applies due steps of the escalation ladder, and describes a decision's position on the ladder.

use chrono::TimeDelta;

use super::{Handle, HandleError, enforced};
use crate::core::decision::{Decision, DecisionId, State};
use crate::core::ladder::{Contact, Standing};

impl Handle {
    /// The escalation status of a waiting decision: current step, next step, approvers, and the
    /// outcome without an answer.
    #[must_use]
    pub fn standing(&self, decision: &Decision) -> Option<Standing> {
        Standing::of(decision, self.who_may(decision))
    }

    /// Applies a due transition: return from a deferral, next escalation step, or safe default.
    /// Called by the timers. `ahead` is how early a reminder may fire.
    pub(crate) async fn come_due(
        &self,
        id: DecisionId,
        ahead: TimeDelta,
    ) -> Result<Decision, HandleError> {
        let (now, rules) = (self.now(), self.rules());
        // Enforce the serving process's rules, even if an agent asks again at this moment: the
        // asker's rules do not count.
        self.enforce(id).await?;
        self.change(id, move |decision| {
            let decision = &enforced(&rules, decision);
            Ok(Some(match decision.state {
                State::Deferred { .. } => decision.come_back(now)?,
                _ => decision.climb(now, ahead)?,
            }))
        })
        .await
    }

    /// Records the results of contacting people at an escalation step. Does nothing if the ladder
    /// has moved past the step.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`], [`HandleError::Store`].
    pub async fn tell(
        &self,
        id: DecisionId,
        climb: u64,
        contacts: Vec<Contact>,
        complete: bool,
    ) -> Result<Decision, HandleError> {
        self.change(id, move |decision| Ok(decision.tell(climb, contacts, complete))).await
    }
}
