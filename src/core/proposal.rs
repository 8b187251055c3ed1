//! What a person wants decided, said where it cannot be decided: high and critical risk over HTTP
//! or through an agent.
//!
//! It decides nothing. It is kept while the decision waits at that revision, its cards say so, and
//! the person confirms it by the ordinary button. Who may decide is `permission`'s; how the person
//! is asked is the engine's.

use super::decision::{
    Decision, Pending, Person, Proposal, Refused, Revision, Risk, State, Verdict, Via,
};
use super::event::Event;

impl Decision {
    /// Whether its verdict needs a person's own hand: over HTTP and through an agent it is only
    /// proposed.
    #[must_use]
    pub fn needs_confirming(&self) -> bool {
        self.terms.risk >= Risk::High
    }

    /// What people want decided and have not confirmed; of each person the last.
    #[must_use]
    pub fn proposals(&self) -> &[Proposal] {
        match &self.state {
            State::Pending(pending) => &pending.proposals,
            State::Deferred { .. } | State::Resolved(_) | State::Withdrawn { .. } => &[],
        }
    }

    /// What this person wants decided, by their id.
    #[must_use]
    pub fn proposal_of(&self, person: &str) -> Option<&Proposal> {
        self.proposals().iter().find(|proposal| proposal.by.id == person)
    }

    /// A person wants this decided, and is asked to confirm it. `None`: they want that already.
    ///
    /// # Errors
    /// As [`Decision::resolve`], but for the typed word; [`Refused::PutOff`] while it is.
    pub fn propose(
        &self,
        verdict: Verdict,
        by: Person,
        via: Via,
        seen: Revision,
    ) -> Result<Option<Event>, Refused> {
        self.must_be_open_at(seen)?;
        if let State::Deferred { until, .. } = self.state {
            return Err(Refused::PutOff { until });
        }
        self.must_fit(&verdict)?;
        self.session_must_fit(&verdict)?;
        let is_yes = matches!(verdict, Verdict::Approved { .. });
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

    /// # Errors
    /// [`Refused::NotDecidedThere`] over HTTP and through an agent, where the risk is high or
    /// critical.
    pub(super) fn must_be_decided_there(&self, via: Via) -> Result<(), Refused> {
        if via.is_remote() && self.needs_confirming() {
            Err(Refused::NotDecidedThere { risk: self.terms.risk })
        } else {
            Ok(())
        }
    }

    /// The newest stands last.
    pub(super) fn proposed(&mut self, proposal: Proposal) {
        self.forget_proposals(|standing| standing.by.id == proposal.by.id);
        if let State::Pending(Pending { proposals, .. }) = &mut self.state {
            proposals.push(proposal);
        }
    }

    pub(super) fn forget_proposals(&mut self, which: impl Fn(&Proposal) -> bool) {
        if let State::Pending(Pending { proposals, .. }) = &mut self.state {
            proposals.retain(|proposal| !which(proposal));
        }
    }
}
