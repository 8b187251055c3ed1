//! The approval API as somebody from elsewhere sees it: each call is checked against what their
//! token allows.
//!
//! Surfaces for agents call this, and nothing else of the handle. What a caller does not see is not
//! there for it: whether another's decision exists is not its business. Must not know HTTP or MCP.

use sha2::{Digest as _, Sha256};

use super::{Claim, Handle, HandleError, Page};
use crate::core::Time;
use crate::core::caller::{Caller, Forbidden, Scope, Sight};
use crate::core::decision::{
    Ballot, Decision, DecisionId, Outcome, Priority, Refused, Request, Revision, Via,
};
use crate::core::event::Logged;
use crate::core::gate;
use crate::core::permission::Voter;
use crate::core::policy::{admit, project_name};
use crate::store::{Asked, AskedOnce, Filter, Once};

/// What an agent is called that does not say.
const UNNAMED: &str = "agent";

/// Why a call from elsewhere changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The approval API refuses it to anybody.
    #[error(transparent)]
    Handle(#[from] HandleError),
    /// This caller may not.
    #[error("{}", crate::core::text::forbidden(.0))]
    Forbidden(Forbidden),
    /// Something else was asked under this idempotency key; it became this decision.
    #[error("{}", crate::core::text::other_request(*.0))]
    OtherRequest(DecisionId),
    /// The dedup key is a gate's.
    #[error("{}", crate::core::text::GATES_KEY)]
    GatesKey,
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

/// What became of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Filed {
    /// As [`Handle::ask`] says.
    Asked(Asked),
    /// The same request was made before under this idempotency key. The decision as it stands, also
    /// if it is over.
    Before(Decision),
}

impl Filed {
    /// The decision.
    #[must_use]
    pub fn into_decision(self) -> Decision {
        match self {
            Self::Asked(asked) => asked.into_decision(),
            Self::Before(decision) => decision,
        }
    }
}

/// What became of a verdict that came from elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// It is given, or counts as a vote.
    Done(Decision),
    /// Its risk is high: it is proposed, and counts once the person confirms it where they see the
    /// card.
    Proposed(Decision),
}

/// The approval API for one caller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Access {
    handle: Handle,
    caller: Caller,
}

impl Handle {
    /// The approval API as this caller may use it.
    #[must_use]
    pub fn access(&self, caller: Caller) -> Access {
        Access { handle: self.clone(), caller }
    }
}

impl Access {
    /// Who calls.
    #[must_use]
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The API without checks: for what concerns no decision.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Files a question. Its key counts among the keys of this caller alone, so that nobody revises
    /// or reads another's question by guessing it. `once`: an idempotency key; the same request
    /// again is the same decision for 24 h.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], [`AccessError::OtherRequest`], [`AccessError::GatesKey`], and as
    /// [`Handle::ask`].
    pub async fn ask(&self, request: Request, once: Option<&str>) -> Result<Filed, AccessError> {
        if request.dedup_key.as_deref().is_some_and(|key| key.trim_start().starts_with(gate::KEY)) {
            return Err(AccessError::GatesKey);
        }
        let request = self.as_asked(request);
        self.caller.may_ask(&request.project)?;
        let Some(key) = once else { return Ok(Filed::Asked(self.handle.ask(request).await?)) };
        let digest = digest(&request)?;
        let once = Once { asker: self.caller.id.clone(), key: key.to_owned(), digest };
        let terms = admit(&self.handle.rules(), &request).map_err(HandleError::from)?;
        let at = self.handle.now();
        let asked =
            self.handle.store(move |store| store.ask_once(request, terms, at, once)).await?;
        self.handle.hint();
        match asked {
            AskedOnce::Asked(asked) => Ok(Filed::Asked(asked)),
            AskedOnce::Before(decision) => Ok(Filed::Before(decision)),
            AskedOnce::Otherwise(id) => Err(AccessError::OtherRequest(id)),
        }
    }

    /// A request as this caller's are kept: keys are told apart by who asks.
    pub(super) fn as_asked(&self, mut request: Request) -> Request {
        request.project = project_name(&request.project);
        let asker = self.caller.asker();
        // Who gives no name is known by the token's.
        if request.agent.name == UNNAMED && asker.id.starts_with("token:") {
            request.agent.name.clone_from(&asker.name);
        }
        request.dedup_key = request.dedup_key.map(|key| format!("{}:{key}", asker.id));
        request.asked_by = Some(asker);
        request
    }

    /// A decision that this caller sees.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`], also for what it does not see; [`HandleError::Store`].
    pub async fn get(&self, id: DecisionId) -> Result<Decision, AccessError> {
        let decision = self.handle.get(id).await?;
        if self.caller.sees(&decision) {
            Ok(decision)
        } else {
            Err(HandleError::NoSuchDecision(id).into())
        }
    }

    /// Decisions that this caller sees, the newest first.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn list(&self, filter: Filter) -> Result<Vec<Decision>, AccessError> {
        Ok(self.handle.list(Filter { sight: self.caller.sight(), ..filter }).await?)
    }

    /// As [`Handle::wait`]. Who may not take the verdict only looks.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`Handle::wait`].
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
        Ok(self.handle.wait(id, asked, claim, deadline).await?)
    }

    /// As [`Handle::claim`].
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as there.
    pub async fn claim(&self, id: DecisionId) -> Result<Decision, AccessError> {
        self.caller.may_take(&self.get(id).await?)?;
        Ok(self.handle.claim(id).await?)
    }

    /// As [`Handle::report`].
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as there.
    pub async fn report(
        &self,
        id: DecisionId,
        outcome: Outcome,
        text: &str,
    ) -> Result<Decision, AccessError> {
        self.caller.may_take(&self.get(id).await?)?;
        Ok(self.handle.report(id, outcome, text).await?)
    }

    /// As [`Handle::withdraw`].
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as there.
    pub async fn withdraw(&self, id: DecisionId, reason: &str) -> Result<Decision, AccessError> {
        self.caller.may_withdraw(&self.get(id).await?)?;
        Ok(self.handle.withdraw(id, reason).await?)
    }

    /// In whose name this caller decides a decision. Without configured approvers, whoever made the
    /// token has named somebody as good as the application's owner: it takes the same access to the
    /// store.
    async fn voter(&self, id: DecisionId) -> Result<Voter, AccessError> {
        let voter = self.caller.may_decide(&self.get(id).await?)?;
        Ok(Voter { owner: self.handle.rules().approvers.is_empty(), ..voter })
    }

    /// Decides in the name of the token's holder. What is of high or critical risk is only
    /// proposed.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as [`Handle::resolve`].
    pub async fn decide(
        &self,
        id: DecisionId,
        seen: Revision,
        via: Via,
        ballot: impl Into<Ballot>,
    ) -> Result<Given, AccessError> {
        let (voter, ballot) = (self.voter(id).await?, ballot.into());
        let verdict = ballot.verdict.clone();
        match self.handle.resolve(id, seen, &voter, via, ballot).await {
            Err(HandleError::Refused(_, Refused::NotDecidedThere { .. })) => {
                Ok(Given::Proposed(self.handle.propose(id, seen, &voter, via, verdict).await?))
            }
            decided => Ok(Given::Done(decided?)),
        }
    }

    /// As [`Handle::defer`], in the name of the token's holder.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as there.
    pub async fn defer(
        &self,
        id: DecisionId,
        seen: Revision,
        until: Time,
    ) -> Result<Decision, AccessError> {
        let voter = self.voter(id).await?;
        Ok(self.handle.defer(id, seen, &voter, until).await?)
    }

    /// As [`Handle::prioritize`], in the name of the token's holder.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as there.
    pub async fn prioritize(
        &self,
        id: DecisionId,
        priority: Priority,
    ) -> Result<Decision, AccessError> {
        let voter = self.voter(id).await?;
        Ok(self.handle.prioritize(id, &voter, priority).await?)
    }

    /// As [`Handle::undo`], in the name of the token's holder.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], and as there.
    pub async fn undo(&self, id: DecisionId) -> Result<Decision, AccessError> {
        let voter = self.voter(id).await?;
        Ok(self.handle.undo(id, &voter).await?)
    }

    /// What waits, the most urgent first: what the token's holder may decide, or else what this
    /// caller sees.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn attention(&self, offset: usize, limit: usize) -> Result<Page, AccessError> {
        let holder =
            self.caller.grant.holder.as_ref().filter(|_| self.caller.has(Scope::Decide).is_ok());
        let owner = self.handle.rules().approvers.is_empty();
        let voter = holder.map(|holder| Voter { owner, ..holder.voter() });
        let whole = self.handle.attention(voter.as_ref()).await?;
        let seen: Vec<Decision> =
            whole.into_iter().filter(|decision| self.caller.sees(decision)).collect();
        let count = seen.len();
        Ok(Page { decisions: seen.into_iter().skip(offset).take(limit).collect(), offset, count })
    }

    /// Events behind a position that this caller sees, in order, and the position up to which was
    /// read: at most `limit` are read, and fewer may be seen.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn events(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<Logged>, u64), AccessError> {
        let mut events = self.handle.events(after, limit).await?;
        let read = events.last().map_or(after, |last| last.seq);
        if self.caller.sight() != Sight::All {
            let mut ids: Vec<DecisionId> = events.iter().map(|logged| logged.decision).collect();
            ids.sort_unstable();
            ids.dedup();
            let decisions = self.handle.store(move |store| store.get_many(&ids)).await?;
            let seen = |id| {
                decisions.iter().any(|decision| decision.id == id && self.caller.sees(decision))
            };
            events.retain(|logged| seen(logged.decision));
        }
        Ok((events, read))
    }
}

fn digest(request: &Request) -> Result<[u8; 32], HandleError> {
    let text = serde_json::to_vec(request)
        .map_err(|error| crate::store::StoreError::Failed(error.to_string()))?;
    Ok(Sha256::digest(text).into())
}
