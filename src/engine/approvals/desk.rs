//! Tool calls about which the agent's own prompt asks while a person is at the desk: asked there,
//! asked elsewhere once the desk is left, and closed when the prompt has ended.
//!
//! Nothing here lets a call run: a yes at the desk is the agent's own, and a yes elsewhere is a
//! verdict as any other.

use super::gates::GateApi;
use crate::core::decision::{Decision, DecisionId, DeskOutcome, Request};
use crate::core::gate::key_of_session;
use crate::core::policy::desk::{DeskOffer, ask_at_desk};
use crate::engine::HandleError;
use crate::store::Filter;

/// Where a person is asked about a call.
#[derive(Debug, Clone, PartialEq)]
pub enum GateAsked {
    /// At the desk, by the agent's own prompt; quietly elsewhere.
    AtDesk(Box<Decision>),
    /// As every question: wait for this decision.
    Elsewhere(Box<Decision>),
}

impl GateApi<'_> {
    /// Asks a person about a call: at the desk if the agent offers to ask there (`offer`) and the
    /// rules allow it, else as every question. A question of a desk that was left is asked
    /// elsewhere.
    ///
    /// # Errors
    /// As [`crate::engine::ApprovalApi::ask`].
    pub async fn ask(
        self,
        request: Request,
        offer: Option<DeskOffer>,
    ) -> Result<GateAsked, HandleError> {
        let (rules, now) = (self.handle.rules(), self.handle.now());
        let follow = move |decision: &Decision| {
            let offered = offer.and_then(|offer| ask_at_desk(&rules, decision, &offer, now).ok());
            offered.or_else(|| decision.leave_desk())
        };
        let asked = self.handle.approvals().ask_and(request, Box::new(follow)).await?;
        let decision = Box::new(asked.into_decision());
        Ok(match decision.at_desk() {
            Some(_) => GateAsked::AtDesk(decision),
            None => GateAsked::Elsewhere(decision),
        })
    }

    /// Asks people elsewhere, because the desk was left. Does nothing if they are asked already.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`], [`HandleError::Store`].
    pub async fn leave_desk(self, id: DecisionId) -> Result<Decision, HandleError> {
        self.handle.approvals().change(id, |decision| Ok(decision.leave_desk())).await
    }

    /// Closes a question whose prompt at the desk has ended. Does nothing if the question is over.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`], [`HandleError::Store`].
    pub async fn end_at_desk(
        self,
        id: DecisionId,
        outcome: DeskOutcome,
    ) -> Result<Decision, HandleError> {
        let approvals = self.handle.approvals();
        let ended = approvals.change(id, move |decision| Ok(decision.end_at_desk(outcome))).await?;
        if ended.desk_outcome().is_some() {
            // No verdict follows with which the agent could be started again.
            self.handle.resumptions().forget(id).await?;
        }
        Ok(ended)
    }

    /// The open questions of an agent's session that are or were at the desk.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn at_desk_of(
        self,
        agent: &str,
        session: &str,
    ) -> Result<Vec<Decision>, HandleError> {
        let filter = Filter {
            key_prefix: Some(key_of_session(agent, Some(session))),
            open_only: true,
            ..Filter::default()
        };
        let mut found = self.handle.approvals().list(filter).await?;
        found.retain(|decision| decision.desk.is_some());
        Ok(found)
    }

    /// The decision that the agent's own prompt about this call stands beside: open, or decided
    /// and not yet claimed. `request` must be in stored form.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn beside_prompt(self, request: &Request) -> Result<Option<Decision>, HandleError> {
        let is_beside = |decision: &Decision| {
            let unclaimed = decision.verdict().is_ok_and(|given| given.claimed_at.is_none());
            decision.desk.is_some()
                && decision.shows_same_call_as(request)
                && (decision.state.is_open() || unclaimed)
        };
        Ok(self.earlier(request).await?.filter(is_beside))
    }
}
