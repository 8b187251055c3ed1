//! What people want decided and have to confirm with their own hand.

use super::{Handle, HandleError};
use crate::core::decision::{Decision, DecisionId, Revision, Verdict, Via};
use crate::core::permission::Voter;

impl Handle {
    /// A person wants this decided, where it is not decided: high and critical risk over HTTP or
    /// through an agent. It decides nothing; the person is asked once, on the surface, to confirm
    /// it. Wanting the same again is the same.
    ///
    /// # Errors
    /// As [`Handle::approve`]; [`Refused::PutOff`](crate::core::decision::Refused::PutOff) while it
    /// is put off.
    pub async fn propose(
        &self,
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
