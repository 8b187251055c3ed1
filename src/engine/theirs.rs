//! Queries and actions of one person: open and recent decisions, priority, and assignment by the
//! asker.

use super::{Handle, HandleError, enforced};
use crate::core::decision::{Decision, DecisionId, Person, Priority, Refused, State};
use crate::core::event::Event;
use crate::core::permission::{Denied, Voter, may_decide, who_may};
use crate::store::{Filter, Why};

/// How many events back to look for recent verdicts.
const RECENT_EVENTS: u64 = 1_000;

impl Handle {
    /// Open decisions a person may decide: first the waiting ones, most urgent first; then the
    /// deferred ones, soonest return first.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn open_for(&self, voter: &Voter) -> Result<Vec<Decision>, HandleError> {
        let open = self.list(Filter { open_only: true, ..Filter::default() }).await?;
        let now = self.now();
        let mut theirs: Vec<Decision> =
            open.into_iter().filter(|decision| self.is_for(decision, voter)).collect();
        theirs.sort_by_cached_key(|decision| (decision.wake_at(), decision.urgency(now)));
        Ok(theirs)
    }

    /// Ended decisions a person could decide, latest verdict or withdrawal first. At most `limit`,
    /// and only from the last 1,000 events of the log.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn decided_for(
        &self,
        voter: &Voter,
        limit: usize,
    ) -> Result<Vec<Decision>, HandleError> {
        let head = self.head().await?.seq;
        let latest = usize::try_from(RECENT_EVENTS).unwrap_or(usize::MAX);
        let events = self.events(head.saturating_sub(RECENT_EVENTS), latest).await?;
        let mut ids: Vec<DecisionId> = Vec::new();
        for logged in events.iter().rev() {
            let ends = matches!(logged.event, Event::Resolved { .. } | Event::Withdrawn { .. });
            if ends && !ids.contains(&logged.decision) {
                ids.push(logged.decision);
            }
        }
        let mut decided = Vec::new();
        // Many decisions of other people may lie between: bound the reads.
        for id in ids.into_iter().take(limit.saturating_mul(4)) {
            let decision = self.get(id).await?;
            // An undone verdict does not count.
            if matches!(decision.state, State::Resolved(_) | State::Withdrawn { .. })
                && self.is_for(&decision, voter)
            {
                decided.push(decision);
            }
            if decided.len() == limit {
                break;
            }
        }
        Ok(decided)
    }

    /// Sets a decision's priority for a person.
    ///
    /// # Errors
    /// As [`Handle::approve`]; [`Refused::AlreadyPrioritized`].
    pub async fn prioritize(
        &self,
        id: DecisionId,
        by: &Voter,
        priority: Priority,
    ) -> Result<Decision, HandleError> {
        let person = by.person.clone();
        self.decide(id, by, move |decision| decision.prioritize(priority, person)).await
    }

    /// Assigns a decision to an approver, named by the asker. Unlike with [`Handle::hand_over`],
    /// the asker may not decide.
    ///
    /// # Errors
    /// [`HandleError::Denied`] for every person but the asker; [`Refused::NotTheirs`] if the
    /// assignee may not decide; [`Refused::AlreadyTaken`]; [`HandleError::NoSuchDecision`],
    /// [`HandleError::Store`].
    pub async fn assign(
        &self,
        id: DecisionId,
        asker: &Person,
        to: &Voter,
    ) -> Result<Decision, HandleError> {
        let (rules, asker, to) = (self.rules(), asker.clone(), to.clone());
        self.change(id, move |decision| {
            let decision = &enforced(&rules, decision);
            if decision.request.asked_by.as_ref().is_none_or(|by| by.id != asker.id) {
                return Err(Why::Denied(Denied::NotAnApprover(who_may(
                    &rules.approvers,
                    decision,
                ))));
            }
            if may_decide(&rules.approvers, decision, &to).is_err() {
                return Err(Why::Refused(Refused::NotTheirs { who: to.person }));
            }
            Ok(Some(decision.take(to.person, Some(asker))?))
        })
        .await
    }
}
