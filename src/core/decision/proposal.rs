//! Proposals: verdicts given where they cannot take effect, over HTTP or through an agent at high
//! or critical risk.
//!
//! A proposal decides nothing. The proposal is kept while the decision is pending at the proposed
//! revision and is shown on the cards, and the person confirms with the ordinary button.
//! `permission` defines who may decide; the engine asks the person.

use super::event::Event;
use super::{Decision, Pending, Person, Proposal, Refused, Revision, Risk, State, Verdict, Via};

impl Decision {
    /// Whether a verdict needs confirmation in person: over HTTP and through an agent, the verdict
    /// is only proposed.
    #[must_use]
    pub fn needs_confirming(&self) -> bool {
        self.terms.risk >= Risk::High
    }

    /// Unconfirmed proposals, at most one per person (the latest).
    #[must_use]
    pub fn proposals(&self) -> &[Proposal] {
        match &self.state {
            State::Pending(pending) => &pending.proposals,
            State::Deferred { .. } | State::Resolved(_) | State::Withdrawn { .. } => &[],
        }
    }

    /// The proposal of the person with this id.
    #[must_use]
    pub fn proposal_of(&self, person: &str) -> Option<&Proposal> {
        self.proposals().iter().find(|proposal| proposal.by.id == person)
    }

    /// Records a person's proposal, to be confirmed. `None` if this person already proposed an
    /// equal verdict.
    ///
    /// # Errors
    /// As [`Decision::resolve`], except for the typed confirmation; [`Refused::CurrentlyDeferred`]
    /// while deferred.
    pub fn propose(
        &self,
        verdict: Verdict,
        by: Person,
        via: Via,
        seen: Revision,
    ) -> Result<Option<Event>, Refused> {
        self.check_open_at(seen)?;
        if let State::Deferred { until, .. } = self.state {
            return Err(Refused::CurrentlyDeferred { until });
        }
        self.check_verdict(&verdict)?;
        // What was only proposed becomes no grant beyond the agent's session.
        super::check_remote_grant(&verdict)?;
        let is_yes = matches!(verdict, Verdict::Approved(_));
        if is_yes && self.state.votes().iter().any(|vote| vote.by.id == by.id) {
            return Err(Refused::AlreadyVoted { more: self.approvals_missing() });
        }
        let standing = self.proposal_of(&by.id);
        if standing.is_some_and(|standing| standing.verdict == verdict) {
            return Ok(None);
        }
        let again = standing.is_some();
        Ok(Some(Event::Proposed { verdict, by, via, seen, again }))
    }

    /// Replaces the person's earlier proposal; the newest is last.
    pub(crate) fn proposed(&mut self, proposal: Proposal) {
        self.forget_proposals(|standing| standing.by.id == proposal.by.id);
        if let State::Pending(Pending { proposals, .. }) = &mut self.state {
            proposals.push(proposal);
        }
    }

    pub(crate) fn forget_proposals(&mut self, which: impl Fn(&Proposal) -> bool) {
        if let State::Pending(Pending { proposals, .. }) = &mut self.state {
            proposals.retain(|proposal| !which(proposal));
        }
    }
}
