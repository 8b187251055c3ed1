//! The life of a decision: asked, answered, claimed, and waited for.

use crate::core::Time;
use crate::core::decision::authorization::{Voter, may_decide};
use crate::core::decision::event::Event;
use crate::core::decision::{
    Ballot, Decision, DecisionId, Outcome, Refused, Request, Revision, State, Verdict, Via,
};
use crate::core::policy::rules::{admit, enforced, enforcement_event, project_name};
use crate::engine::event_log::waiters;
use crate::engine::{Claim, Handle, HandleError};
use crate::store::{Asked, Filter, FollowUp, PrecedentCheck, Why};

/// Events that enforce the rules on one decision, at most ([`enforcement_event`]).
const ENFORCEMENT_EVENTS: usize = 2;

/// Asks questions, gives verdicts, and waits for them.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl ApprovalApi<'_> {
    /// Records an agent's question. Asking again with the dedup key of an open decision of this
    /// project returns that decision.
    ///
    /// # Errors
    /// [`HandleError::InvalidRequest`] with what to change; [`HandleError::Limited`];
    /// [`HandleError::Store`].
    pub async fn ask(self, request: Request) -> Result<Asked, HandleError> {
        self.ask_and(request, Box::new(|_| None)).await
    }

    /// Like [`ApprovalApi::ask`], with a further event in the same transaction.
    pub(in crate::engine) async fn ask_and(
        self,
        mut request: Request,
        follow: FollowUp,
    ) -> Result<Asked, HandleError> {
        request.project = project_name(&request.project);
        let terms = admit(&self.handle.rules(), &request)?;
        let (at, limits) = (self.handle.now(), self.handle.ask_limits(&request));
        let asked = self
            .handle
            .write_store(move |store| store.decisions().ask_and(request, terms, at, limits, follow))
            .await?;
        self.handle.hint();
        Ok(asked)
    }

    /// One decision, by number.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`]; [`HandleError::Store`].
    pub async fn get(self, id: DecisionId) -> Result<Decision, HandleError> {
        self.handle
            .with_store(move |store| store.decisions().get(id))
            .await?
            .ok_or(HandleError::NoSuchDecision(id))
    }

    /// Decisions, newest first.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn list(self, filter: Filter) -> Result<Vec<Decision>, HandleError> {
        Ok(self.handle.with_store(move |store| store.decisions().list(&filter)).await?)
    }

    /// Approves.
    ///
    /// # Errors
    /// [`HandleError::Denied`], [`HandleError::Refused`], [`HandleError::NoSuchDecision`],
    /// [`HandleError::Store`].
    pub async fn approve(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        via: Via,
    ) -> Result<Decision, HandleError> {
        self.resolve(id, seen, by, via, Verdict::approved()).await
    }

    /// Rejects, with a reason for the agent.
    ///
    /// # Errors
    /// As [`ApprovalApi::approve`]; [`Refused::NoReason`] if the reason is empty.
    pub async fn reject(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        via: Via,
        reason: &str,
    ) -> Result<Decision, HandleError> {
        self.resolve(id, seen, by, via, Verdict::Rejected { reason: reason.trim().to_owned() })
            .await
    }

    /// Chooses an option by name.
    ///
    /// # Errors
    /// As [`ApprovalApi::approve`]; [`Refused::NoSuchOption`].
    pub async fn choose(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        via: Via,
        option: &str,
    ) -> Result<Decision, HandleError> {
        self.resolve(id, seen, by, via, Verdict::Chosen { option: option.to_owned() }).await
    }

    /// Answers with a text.
    ///
    /// # Errors
    /// As [`ApprovalApi::approve`]; [`Refused::NoAnswer`] if the text is empty.
    pub async fn answer(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        via: Via,
        text: &str,
    ) -> Result<Decision, HandleError> {
        self.resolve(id, seen, by, via, Verdict::answered(text.trim().to_owned())).await
    }

    /// Gives a verdict. The ballot includes the typed confirmation required for critical risk.
    /// Where several people must approve, an approval may count as a vote and leave the decision
    /// open.
    ///
    /// # Errors
    /// As [`ApprovalApi::approve`]; [`Refused::Unconfirmed`], [`Refused::AlreadyVoted`].
    pub async fn resolve(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        via: Via,
        ballot: impl Into<Ballot>,
    ) -> Result<Decision, HandleError> {
        let (voter, ballot) = (by.clone(), ballot.into());
        self.decide(id, by, move |decision| decision.resolve(ballot, voter, via, seen)).await
    }

    /// Undoes a verdict not yet claimed by the agent, or ends a grant.
    ///
    /// # Errors
    /// As [`ApprovalApi::approve`]; [`Refused::AlreadyClaimed`], [`Refused::TooLateToUndo`],
    /// [`Refused::GrantEnded`], [`Refused::AskedAgain`].
    pub async fn undo(self, id: DecisionId, by: &Voter) -> Result<Decision, HandleError> {
        let (person, now) = (by.person.clone(), self.handle.now());
        match self.decide(id, by, move |decision| decision.undo(person, now)).await {
            // The decision cannot open again beside the newer one; the grant ends all the same.
            Err(HandleError::Refused(decision, Refused::AskedAgain { .. }))
                if decision.has_live_grant() =>
            {
                let person = by.person.clone();
                self.decide(id, by, move |decision| decision.end_grant(person)).await
            }
            done => done,
        }
    }

    /// Records the outcome reported by the agent. A report also claims the verdict.
    ///
    /// # Errors
    /// [`HandleError::Refused`] while the decision has no verdict; [`HandleError::NoSuchDecision`],
    /// [`HandleError::Store`].
    pub async fn report(
        self,
        id: DecisionId,
        outcome: Outcome,
        text: &str,
    ) -> Result<Decision, HandleError> {
        let text = text.trim().to_owned();
        self.change(id, move |decision| Ok(decision.report(outcome, text)?)).await
    }

    /// Defers until a time.
    ///
    /// # Errors
    /// As [`ApprovalApi::approve`]; [`Refused`] names the limits.
    pub async fn defer(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        until: Time,
    ) -> Result<Decision, HandleError> {
        let (person, now, limits) =
            (by.person.clone(), self.handle.now(), self.handle.rules().defer);
        self.decide(id, by, move |decision| decision.defer(until, person, seen, now, limits)).await
    }

    /// Runs an action of a person with permission to decide. Checks permission against the current
    /// state, in the transaction of the change. Permission is checked first, so a person without it
    /// does not learn whether the decision has a verdict.
    pub(in crate::engine) async fn decide(
        self,
        id: DecisionId,
        by: &Voter,
        act: impl FnOnce(&Decision) -> Result<Event, Refused> + Send + 'static,
    ) -> Result<Decision, HandleError> {
        self.decide_if(id, by, move |decision| act(decision).map(Some)).await
    }

    /// Like [`ApprovalApi::decide`], for actions that may have been done already: `None` changes
    /// nothing.
    pub(in crate::engine) async fn decide_if(
        self,
        id: DecisionId,
        by: &Voter,
        act: impl FnOnce(&Decision) -> Result<Option<Event>, Refused> + Send + 'static,
    ) -> Result<Decision, HandleError> {
        self.enforce(id).await?;
        let (rules, voter) = (self.handle.rules(), by.clone());
        let decide = move |decision: &Decision| {
            let decision = &enforced(&rules, decision);
            may_decide(&rules.approvers, decision, &voter)?;
            Ok(act(decision)?)
        };
        self.change(id, decide).await
    }

    /// Enforces this process's rules on a decision. Only the rules of the process that shows and
    /// decides count: the asking process may have read others, and rules change while decisions
    /// wait. Each stricter term and each lapsed approval is logged before any verdict.
    pub(crate) async fn enforce(self, id: DecisionId) -> Result<Decision, HandleError> {
        let found = self.handle.with_store(move |store| store.decisions().get_with_precedent(id));
        let PrecedentCheck { mut decision, earlier } =
            found.await?.ok_or(HandleError::NoSuchDecision(id))?;
        for _ in 0..ENFORCEMENT_EVENTS {
            let rules = self.handle.rules();
            if enforcement_event(&rules, &decision, earlier).is_none() {
                break;
            }
            decision = self
                .change(id, move |decision| Ok(enforcement_event(&rules, decision, earlier)))
                .await?;
        }
        Ok(decision)
    }

    pub(in crate::engine) async fn change(
        self,
        id: DecisionId,
        decide: impl FnOnce(&Decision) -> Result<Option<Event>, Why> + Send + 'static,
    ) -> Result<Decision, HandleError> {
        self.change_at(id, self.handle.now(), decide).await
    }

    /// Like [`ApprovalApi::change`], at this time.
    pub(in crate::engine) async fn change_at(
        self,
        id: DecisionId,
        at: Time,
        decide: impl FnOnce(&Decision) -> Result<Option<Event>, Why> + Send + 'static,
    ) -> Result<Decision, HandleError> {
        let changed = self
            .handle
            .write_store(move |store| store.decisions().change(id, at, Box::new(decide)))
            .await?;
        self.handle.hint();
        changed.map_err(|unchanged| match unchanged.why {
            Why::Denied(denied) => HandleError::Denied(Box::new(unchanged.decision), denied),
            Why::Refused(refused) => HandleError::Refused(Box::new(unchanged.decision), refused),
        })
    }

    /// Withdraws a question for its asker.
    ///
    /// # Errors
    /// [`HandleError::Refused`] if the decision is no longer open; [`HandleError::NoSuchDecision`],
    /// [`HandleError::Store`].
    pub async fn withdraw(self, id: DecisionId, reason: &str) -> Result<Decision, HandleError> {
        let reason = reason.to_owned();
        self.change(id, move |decision| Ok(Some(decision.withdraw(reason)?))).await
    }

    /// Claims the verdict for the agent. Claiming twice is harmless.
    ///
    /// # Errors
    /// [`HandleError::Refused`] while the decision has no verdict; [`HandleError::NoSuchDecision`],
    /// [`HandleError::Store`].
    pub async fn claim(self, id: DecisionId) -> Result<Decision, HandleError> {
        self.change(id, |decision| Ok(decision.claim()?)).await
    }

    /// Waits until the agent can be told something, at most until `deadline` (store time). Returns
    /// the decision's state at that moment: resolved (and claimed, if wanted), withdrawn, deferred
    /// (the decision will come back; ask or wait again), or still pending after a time-out.
    ///
    /// `asked` is the revision to wait for. A decision with another revision is returned at once
    /// and not claimed: a verdict on another question does not answer this one.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`], [`HandleError::Store`]. A busy store is retried, not
    /// reported.
    pub async fn wait(
        self,
        id: DecisionId,
        asked: Option<Revision>,
        claim: Claim,
        deadline: Option<Time>,
    ) -> Result<Decision, HandleError> {
        let waits = |state: &State| matches!(state, State::Pending(_));
        self.wait_while(waits, (id, asked), claim, deadline).await
    }

    /// As [`ApprovalApi::wait`], and goes on while the decision is deferred: for an agent that has
    /// nothing else to do until then. After a time-out, the decision may be deferred.
    ///
    /// # Errors
    /// As [`ApprovalApi::wait`].
    pub async fn wait_through_deferral(
        self,
        id: DecisionId,
        asked: Option<Revision>,
        claim: Claim,
        deadline: Option<Time>,
    ) -> Result<Decision, HandleError> {
        self.wait_while(State::is_open, (id, asked), claim, deadline).await
    }

    async fn wait_while(
        self,
        waits: impl Fn(&State) -> bool,
        (id, asked): (DecisionId, Option<Revision>),
        claim: Claim,
        deadline: Option<Time>,
    ) -> Result<Decision, HandleError> {
        let mut signal = waiters::ChangeSignal::new(self.handle, id);
        loop {
            signal.mark_seen();
            let found = match self.get(id).await {
                Ok(decision) if asked.is_some_and(|asked| asked != decision.revision) => {
                    return Ok(decision);
                }
                // A resolved decision is never revised, so this verdict belongs to the revision
                // asked for.
                Ok(decision)
                    if matches!(decision.state, State::Resolved(_)) && claim == Claim::Yes =>
                {
                    self.claim(id).await
                }
                found => found,
            };
            match found {
                Err(HandleError::Store(error)) if error.is_retryable() => signal.retry_soon(),
                Err(error) => return Err(error),
                Ok(decision) => {
                    let in_time = deadline.is_none_or(|deadline| self.handle.now() < deadline);
                    if !in_time || !waits(&decision.state) {
                        return Ok(decision);
                    }
                }
            }
            let until = deadline.unwrap_or_else(|| self.handle.now() + chrono::TimeDelta::days(1));
            tokio::select! {
                () = signal.wait_for_change() => {}
                () = self.handle.inner.clock.sleep_until(until) => {}
            }
        }
    }
}
