//! The approval API for callers outside this process: each call is checked against the rights of
//! the caller's token.
//!
//! Surfaces for agents call this type and no other part of the handle. Decisions hidden from a
//! caller are reported as missing, so a caller cannot learn whether another caller's decision
//! exists. Does not depend on HTTP or MCP.

use sha2::{Digest as _, Sha256};

use crate::core::Time;
use crate::core::access::{Caller, Forbidden, Scope, Visibility};
use crate::core::decision::authorization::{Denied, Voter, may_decide};
use crate::core::decision::{
    Ballot, Decision, DecisionId, Outcome, Priority, Refused, Request, Revision, Via,
};
use crate::core::gate;
use crate::core::policy::rules::{admit, enforced, project_name};
use crate::engine::approvals::judging::NotJudged;
use crate::engine::{AttentionPage, Claim, EventFilter, EventFollower, Handle, HandleError};
use crate::store::{Asked, Filter, IdempotencyKey, KeyedAsk};

/// Agent name used when the request names no agent.
const UNNAMED: &str = "agent";

/// Why a caller's request changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The approval API rejects the request from any caller.
    #[error(transparent)]
    Handle(#[from] HandleError),
    /// This caller lacks the right.
    #[error("{}", crate::presentation::text::forbidden(.0))]
    Forbidden(Forbidden),
    /// This idempotency key was used for a different request; the decision is the earlier one's.
    #[error("{}", crate::presentation::text::other_request(*.0))]
    OtherRequest(DecisionId),
    /// The decision is for others to decide, and the caller may not see it.
    #[error("{}", crate::presentation::text::http::denied(*.0, .1))]
    Denied(DecisionId, Denied),
    /// The dedup key is reserved for gates.
    #[error("{}", crate::presentation::text::GATES_KEY)]
    ReservedKey,
    /// A tool call was not judged.
    #[error(transparent)]
    NotJudged(#[from] NotJudged),
}

impl From<Forbidden> for AccessError {
    fn from(forbidden: Forbidden) -> Self {
        Self::Forbidden(forbidden)
    }
}

impl From<crate::store::StoreError> for AccessError {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Handle(error.into())
    }
}

/// The result of asking a question.
#[derive(Debug, Clone, PartialEq)]
pub enum AskOutcome {
    /// A result of [`crate::engine::ApprovalApi::ask`].
    Asked(Asked),
    /// This request was already made under this idempotency key. Contains the decision's current
    /// state, even if the decision is over.
    Before(Decision),
}

impl AskOutcome {
    /// The decision.
    #[must_use]
    pub fn into_decision(self) -> Decision {
        match self {
            Self::Asked(asked) => asked.into_decision(),
            Self::Before(decision) => decision,
        }
    }
}

/// The result of giving a verdict through a token.
#[derive(Debug, Clone, PartialEq)]
pub enum VerdictOutcome {
    /// The verdict is given, or counts as a vote.
    Done(Decision),
    /// The risk is high: the verdict is proposed, and counts once the person confirms on the
    /// surface.
    Proposed(Decision),
}

/// The approval API for one caller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Access {
    handle: Handle,
    caller: Caller,
}

impl Handle {
    /// The approval API with this caller's rights.
    #[must_use]
    pub fn access(&self, caller: Caller) -> Access {
        Access { handle: self.for_caller(&caller.id), caller }
    }
}

impl Access {
    /// The caller.
    #[must_use]
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Runs `work` on a tool call in the threads for judging, in this caller's turn.
    ///
    /// # Errors
    /// [`NotJudged`].
    pub async fn judge<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotJudged> {
        self.handle.inner.judging.run(&self.caller.id, work).await
    }

    /// The API without permission checks, for calls about no decision.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Asks a question. Dedup keys are separate per caller, so no caller can revise or read
    /// another's question by guessing a key. `once` is an idempotency key: repeating the request
    /// within 24 h returns the first request's decision.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], [`AccessError::OtherRequest`], [`AccessError::ReservedKey`], and
    /// as [`crate::engine::ApprovalApi::ask`].
    pub async fn ask(
        &self,
        request: Request,
        once: Option<&str>,
    ) -> Result<AskOutcome, AccessError> {
        if request.dedup_key.as_deref().is_some_and(|key| key.trim_start().starts_with(gate::KEY)) {
            return Err(AccessError::ReservedKey);
        }
        let request = self.in_stored_form(request);
        self.caller.may_ask(&request.project)?;
        let Some(key) = once else {
            return Ok(AskOutcome::Asked(self.handle.approvals().ask(request).await?));
        };
        let digest = digest(&request)?;
        let once = IdempotencyKey { asker: self.caller.id.clone(), key: key.to_owned(), digest };
        let terms = admit(&self.handle.rules(), &request).map_err(HandleError::from)?;
        let (at, limits) = (self.handle.now(), self.handle.ask_limits(&request));
        let asked = self
            .handle
            .write_store(move |store| store.decisions().ask_once(request, terms, at, once, limits))
            .await?;
        self.handle.hint();
        match asked {
            KeyedAsk::Asked(asked) => Ok(AskOutcome::Asked(asked)),
            KeyedAsk::Before(decision) => Ok(AskOutcome::Before(decision)),
            KeyedAsk::Otherwise(id) => Err(AccessError::OtherRequest(id)),
        }
    }

    /// The request in stored form: with the asker, and with the dedup key prefixed by the asker's
    /// id.
    pub(crate) fn in_stored_form(&self, mut request: Request) -> Request {
        request.project = project_name(&request.project);
        let asker = self.caller.asker();
        // An unnamed agent gets the token's name.
        if request.agent.name == UNNAMED && asker.id.starts_with("token:") {
            request.agent.name.clone_from(&asker.name);
        }
        request.dedup_key = request.dedup_key.map(|key| format!("{}:{key}", asker.id));
        request.asked_by = Some(asker);
        request
    }

    /// A decision visible to this caller.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`], also for a hidden decision; [`HandleError::Store`].
    pub async fn get(&self, id: DecisionId) -> Result<Decision, AccessError> {
        let decision = self.handle.approvals().get(id).await?;
        if self.sees(&decision) {
            Ok(decision)
        } else {
            Err(HandleError::NoSuchDecision(id).into())
        }
    }

    /// Decisions visible to this caller, newest first.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn list(&self, filter: Filter) -> Result<Vec<Decision>, AccessError> {
        Ok(self.handle.approvals().list(Filter { visibility: self.visibility(), ..filter }).await?)
    }

    /// As [`crate::engine::ApprovalApi::wait`]. A caller without the right to claim can wait with
    /// [`Claim::No`].
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`crate::engine::ApprovalApi::wait`].
    pub async fn wait(
        &self,
        id: DecisionId,
        asked: Option<Revision>,
        claim: Claim,
        deadline: Option<Time>,
    ) -> Result<Decision, AccessError> {
        let decision = self.get(id).await?;
        if claim == Claim::Yes {
            self.caller.may_take(&decision)?;
        }
        Ok(self.handle.approvals().wait(id, asked, claim, deadline).await?)
    }

    /// As [`crate::engine::ApprovalApi::wait_through_deferral`], without a claim.
    ///
    /// # Errors
    /// As [`Access::wait`].
    pub async fn wait_through_deferral(
        &self,
        id: DecisionId,
        asked: Option<Revision>,
        deadline: Option<Time>,
    ) -> Result<Decision, AccessError> {
        self.get(id).await?;
        let approvals = self.handle.approvals();
        Ok(approvals.wait_through_deferral(id, asked, Claim::No, deadline).await?)
    }

    /// As [`crate::engine::ApprovalApi::claim`].
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`crate::engine::ApprovalApi::claim`].
    pub async fn claim(&self, id: DecisionId) -> Result<Decision, AccessError> {
        self.caller.may_take(&self.get(id).await?)?;
        Ok(self.handle.approvals().claim(id).await?)
    }

    /// As [`crate::engine::ApprovalApi::report`].
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`crate::engine::ApprovalApi::report`].
    pub async fn report(
        &self,
        id: DecisionId,
        outcome: Outcome,
        text: &str,
    ) -> Result<Decision, AccessError> {
        self.caller.may_take(&self.get(id).await?)?;
        Ok(self.handle.approvals().report(id, outcome, text).await?)
    }

    /// As [`crate::engine::ApprovalApi::withdraw`].
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`crate::engine::ApprovalApi::withdraw`].
    pub async fn withdraw(&self, id: DecisionId, reason: &str) -> Result<Decision, AccessError> {
        self.caller.may_withdraw(&self.get(id).await?)?;
        Ok(self.handle.approvals().withdraw(id, reason).await?)
    }

    fn visibility(&self) -> Visibility {
        self.caller.visibility(&self.handle.rules().approvers)
    }

    /// Whether this caller can see a decision.
    #[must_use]
    pub fn sees(&self, decision: &Decision) -> bool {
        self.caller.can_see(decision, &self.handle.rules().approvers)
    }

    /// The decision that this caller wants to decide. To a person, as on Discord, a decision that
    /// is for others to decide is not missing: only its number and its approvers are told.
    async fn to_decide(&self, id: DecisionId) -> Result<Decision, AccessError> {
        let decision = self.handle.approvals().get(id).await?;
        if self.sees(&decision) || self.caller.has(Scope::Decide).is_err() {
            return self.get(id).await;
        }
        let rules = self.handle.rules();
        let voter = match self.caller.may_decide(&decision, &rules.approvers) {
            Err(Forbidden::OtherProject(_)) => return Err(HandleError::NoSuchDecision(id).into()),
            voter => voter?,
        };
        may_decide(&rules.approvers, &enforced(&rules, &decision), &voter)
            .map_err(|denied| AccessError::Denied(id, denied))?;
        Ok(decision)
    }

    /// The person in whose name this caller decides, by what Discord says now.
    async fn voter(&self, id: DecisionId) -> Result<Voter, AccessError> {
        let decision = self.to_decide(id).await?;
        let approvers = self.handle.rules();
        // First by what was known, so that others cannot make the bot ask Discord.
        self.caller.may_decide(&decision, &approvers.approvers)?;
        let standing = self.handle.tokens().standing_now(&self.caller).await;
        let caller = self.caller.clone().with_standing(standing);
        Ok(caller.may_decide(&decision, &approvers.approvers)?)
    }

    /// Decides in the name of the token's holder. At high or critical risk the verdict is only
    /// proposed.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`crate::engine::ApprovalApi::resolve`].
    pub async fn decide(
        &self,
        id: DecisionId,
        seen: Revision,
        via: Via,
        ballot: impl Into<Ballot>,
    ) -> Result<VerdictOutcome, AccessError> {
        let (voter, ballot) = (self.voter(id).await?, ballot.into());
        let verdict = ballot.verdict.clone();
        match self.handle.approvals().resolve(id, seen, &voter, via, ballot).await {
            Err(HandleError::Refused(_, Refused::NotDecidableRemotely { .. })) => {
                Ok(VerdictOutcome::Proposed(
                    self.handle.approvals().propose(id, seen, &voter, via, verdict).await?,
                ))
            }
            decided => Ok(VerdictOutcome::Done(decided?)),
        }
    }

    /// As [`crate::engine::ApprovalApi::defer`], in the name of the token's holder.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`crate::engine::ApprovalApi::defer`].
    pub async fn defer(
        &self,
        id: DecisionId,
        seen: Revision,
        until: Time,
    ) -> Result<Decision, AccessError> {
        let voter = self.voter(id).await?;
        Ok(self.handle.approvals().defer(id, seen, &voter, until).await?)
    }

    /// As [`crate::engine::ApproverApi::prioritize`], in the name of the token's holder.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`crate::engine::ApproverApi::prioritize`].
    pub async fn prioritize(
        &self,
        id: DecisionId,
        priority: Priority,
    ) -> Result<Decision, AccessError> {
        let voter = self.voter(id).await?;
        Ok(self.handle.approvers().prioritize(id, &voter, priority).await?)
    }

    /// As [`crate::engine::ApprovalApi::undo`], in the name of the token's holder.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`crate::engine::ApprovalApi::undo`].
    pub async fn undo(&self, id: DecisionId) -> Result<Decision, AccessError> {
        let voter = self.voter(id).await?;
        Ok(self.handle.approvals().undo(id, &voter).await?)
    }

    /// Decisions visible to this caller whose grants have not ended, newest first.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn grants(&self, filter: Filter) -> Result<Vec<Decision>, AccessError> {
        let filter = Filter { visibility: self.visibility(), ..filter };
        Ok(self.handle.grants().live_within(filter).await?)
    }

    /// Ends a grant: in the name of the token's holder, or with [`Scope::Admin`] in the token's
    /// own, because an end only makes things stricter.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`crate::engine::GrantApi::end`].
    pub async fn end_grant(&self, id: DecisionId) -> Result<Decision, AccessError> {
        if self.caller.has(Scope::Admin).is_err() {
            let voter = self.voter(id).await?;
            return Ok(self.handle.grants().end(id, &voter).await?);
        }
        let decision = self.get(id).await?;
        self.caller.may_withdraw(&decision)?;
        let by = self.caller.asker();
        let end = move |decision: &Decision| Ok(Some(decision.end_grant(by)?));
        Ok(self.handle.approvals().change(id, end).await?)
    }

    /// Waiting decisions visible to this caller, most urgent first. With the right to decide, only
    /// decisions for the token's holder.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn attention(
        &self,
        offset: usize,
        limit: usize,
    ) -> Result<AttentionPage, AccessError> {
        let voter = self.caller.voter(&self.handle.rules().approvers).ok();
        let whole = self.handle.attention().list(voter.as_ref()).await?;
        let seen: Vec<Decision> =
            whole.into_iter().filter(|decision| self.sees(decision)).collect();
        let count = seen.len();
        Ok(AttentionPage {
            decisions: seen.into_iter().skip(offset).take(limit).collect(),
            offset,
            count,
        })
    }

    /// Follows the events of decisions visible to this caller after a position, or from now on;
    /// optionally of one decision only.
    ///
    /// # Errors
    /// [`HandleError::BeyondLog`], [`HandleError::Store`].
    pub async fn follow(
        &self,
        after: Option<u64>,
        decision: Option<DecisionId>,
    ) -> Result<EventFollower, AccessError> {
        let filter = EventFilter { visible_to: Some(self.caller.clone()), decision };
        Ok(match after {
            Some(after) => self.handle.event_log().resume(after, filter).await?,
            None => self.handle.event_log().follow_new(filter).await?,
        })
    }
}

fn digest(request: &Request) -> Result<[u8; 32], HandleError> {
    let text = serde_json::to_vec(request)
        .map_err(|error| crate::store::StoreError::Failed(error.to_string()))?;
    Ok(Sha256::digest(text).into())
}
