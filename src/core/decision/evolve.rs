//! Applies events to a decision: the second of the two steps described in
//! [`crate::core::decision`].
//!
//! No event is refused here: an event in the log has already happened. Does not depend on the
//! reason for an event.

use super::event::Event;
use super::{
    Decision, Desk, Disagreement, GrantUse, Lapsed, Pending, Person, Prioritized, Proposal,
    Reported, Request, Resolved, State, Taken, Terms, Undone, Via, Vote,
};
use crate::core::Time;

impl Decision {
    /// Applies an event. `seq` is the event's position in the log.
    #[must_use]
    pub fn evolve(mut self, event: &Event, at: Time, seq: u64) -> Self {
        // A use of a grant changes nothing that a message shows: no edit for each call of an agent.
        if !matches!(event, Event::GrantUsed { .. }) {
            self.changed = seq;
        }
        match event.clone() {
            Event::Asked { request, terms } => {
                (self.request, self.terms, self.asked_at) = (*request, terms, at);
            }
            Event::Revised { request, terms } => self.revised(*request, terms),
            Event::Enforced { terms } => self.enforced(terms, at),
            Event::Deferred { until, by } => self.deferred(until, by, at),
            Event::Returned => self.returned(at),
            Event::StepFired { step } => self.step_fired(&step, at, seq),
            Event::ContactsRecorded { contacts, complete, .. } => {
                self.contacts_recorded(contacts, complete, at)
            }
            Event::Proposed { verdict, by, via, seen, .. } => {
                self.proposed(Proposal { by, via, verdict, at, revision: seen })
            }
            Event::Lapsed { of } => self = self.votes_lapsed(of, at),
            Event::Voted { by, note, grounds, .. } => self.voted(Vote { by, at, note, grounds }),
            Event::Prioritized { priority, by } => {
                self.prioritized = Some(Prioritized { priority, by, at })
            }
            Event::Taken { by, from } => self.taken(Taken { by, at, from }),
            Event::Resolved { verdict, by, via, with, grounds, attested } => {
                let votes = self.counted_votes(&with);
                self.resolved(Resolved {
                    verdict,
                    by,
                    via,
                    at,
                    votes,
                    claimed_at: None,
                    reported: None,
                    grounds,
                    grant: GrantUse::default(),
                    attested,
                    resumed: None,
                });
            }
            Event::GrantUsed { .. } => self.grant_used(at),
            Event::GrantEnded { by, why } => self.grant_ended(by, at, why),
            Event::Undone { by } => self.undone(by, at),
            Event::Disagreed { by, undone } => self.disagreed_by(by, at, undone),
            Event::AskedAtDesk { prompt, call, until } => {
                self.desk = Some(Desk { prompt, call, until, left_at: None, outcome: None });
            }
            Event::LeftDesk => self.left_desk(at),
            Event::EndedAtDesk { outcome } => self.ended_at_desk(outcome, at),
            Event::Withdrawn { reason } => self.state = State::Withdrawn { reason, at },
            Event::Claimed => self.claimed(at),
            Event::ResumeStarted => self.resume_started(at),
            Event::ResumeEnded { how } => self.resume_ended(how, at),
            Event::Reported { outcome, text } => self.reported(Reported { outcome, text, at }),
            Event::Pruned => {
                self.request.take_content();
                self.pruned_at = Some(at);
            }
        }
        self
    }

    /// The decision without the votes of these people.
    #[must_use]
    pub fn without_votes_of(mut self, people: &[Person]) -> Self {
        if let Some(votes) = self.state.open_votes_mut() {
            votes.retain(|vote| people.iter().all(|by| by.id != vote.by.id));
        }
        self
    }

    fn revised(&mut self, request: Request, terms: Terms) {
        (self.request, self.terms) = (request, terms);
        self.revision.0 += 1;
        // The votes, lapsed approvals and proposals were for the earlier content.
        self.state.open_votes_mut().map(Vec::clear);
        self.lapsed.clear();
        self.forget_proposals(|_| true);
        self.invalidate_warning();
    }

    fn enforced(&mut self, terms: Terms, at: Time) {
        let risk = std::mem::replace(&mut self.terms, terms).risk;
        if self.terms.risk > risk {
            // The votes were given at a lower risk, possibly by people who may not decide at the
            // new risk, and without the confirmation word that critical risk requires.
            self.state.open_votes_mut().map(Vec::clear);
            // The desk was offered the lower risk.
            self.left_desk(at);
        }
    }

    fn deferred(&mut self, until: Time, by: Person, at: Time) {
        self.deferrals += 1;
        self.handled_elsewhere(at);
        self.state = State::Deferred { until, by, at, votes: self.state.votes().to_vec() };
        self.position = None;
    }

    fn returned(&mut self, at: Time) {
        self.returns += 1;
        self.restart_ladder(at);
        let votes = self.state.votes().to_vec();
        self.state = State::Pending(Pending { votes, ..Pending::default() });
    }

    fn voted(&mut self, vote: Vote) {
        self.lapsed.retain(|lapsed| lapsed.by.id != vote.by.id);
        self.forget_proposals(|proposal| proposal.by.id == vote.by.id);
        if let Some(votes) = self.state.open_votes_mut() {
            votes.push(vote);
        }
    }

    fn votes_lapsed(mut self, of: Vec<Person>, at: Time) -> Self {
        self = self.without_votes_of(&of);
        self.lapsed.retain(|lapsed| of.iter().all(|by| by.id != lapsed.by.id));
        self.lapsed.extend(of.into_iter().map(|by| Lapsed { by, at }));
        self
    }

    /// Taking a deferred decision ends the deferral, because a person is on it.
    fn taken(&mut self, taken: Taken) {
        match &mut self.state {
            State::Pending(pending) => pending.taken = Some(taken),
            State::Deferred { votes, .. } => {
                let votes = std::mem::take(votes);
                self.restart_ladder(taken.at);
                self.state =
                    State::Pending(Pending { votes, taken: Some(taken), ..Pending::default() });
            }
            State::Resolved(_) | State::Withdrawn { .. } => {}
        }
    }

    /// The votes of these people; of everybody if no ids are given.
    fn counted_votes(&self, ids: &[String]) -> Vec<Vote> {
        let counted = |vote: &&Vote| ids.is_empty() || ids.contains(&vote.by.id);
        self.state.votes().iter().filter(counted).cloned().collect()
    }

    fn resolved(&mut self, resolved: Resolved) {
        self.lapsed.clear();
        self.handled_elsewhere(resolved.at);
        self.state = State::Resolved(resolved);
    }

    const fn claimed(&mut self, at: Time) {
        if let State::Resolved(resolved) = &mut self.state {
            resolved.claimed_at = Some(at);
        }
    }

    fn reported(&mut self, reported: Reported) {
        if let State::Resolved(resolved) = &mut self.state {
            // A report implies that the agent acted on the verdict.
            resolved.claimed_at.get_or_insert(reported.at);
            resolved.reported = Some(reported);
        }
    }

    pub(crate) fn undone(&mut self, by: Person, at: Time) {
        if let State::Resolved(resolved) = &self.state {
            if resolved.via == Via::Routing {
                // Undoing an automatic approval counts as disagreeing with it.
                self.disagreed.get_or_insert_with(|| Disagreement { by: by.clone(), at });
            }
            let undone = Undone {
                by,
                at,
                verdict: resolved.verdict.clone(),
                was_by: resolved.by.clone(),
                uses: resolved.grant.uses,
            };
            self.state = State::Pending(Pending { undone: Some(undone), ..Pending::default() });
            self.restart_ladder(at);
        }
    }
}
