//! Proposed verdicts: a person must confirm them on the surface.

use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId, Revision, Verdict, Via};
use crate::engine::{ApprovalApi, HandleError};

impl ApprovalApi<'_> {
    /// Proposes a verdict where the person may not decide directly: high and critical risk over
    /// HTTP or through an agent. Decides nothing; Gander asks the person once, on the surface, to
    /// confirm. Repeating a proposal changes nothing.
    ///
    /// # Errors
    /// As [`ApprovalApi::approve`];
    /// [`Refused::CurrentlyDeferred`](crate::core::decision::Refused::CurrentlyDeferred) while the
    /// decision is deferred.
    pub async fn propose(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        via: Via,
        verdict: Verdict,
    ) -> Result<Decision, HandleError> {
        let person = by.person.clone();
        self.decide_if(id, by, move |decision| decision.propose(verdict, person, via, seen)).await
    }
}
