//! The approval API and its background loops: the only place with side effects.
//!
//! Every surface and source calls [`Handle`] and nothing else. [`Handle`] checks who may decide,
//! writes to the store, and wakes waiting tasks with hints. Does not depend on Discord.

pub mod access;
pub mod attachments;
pub mod checkup;
pub mod clock;
pub mod daily;
pub mod deliveries;
mod figures;
pub mod gates;
mod history;
mod hold;
mod ladder;
mod list;
pub mod lock;
pub mod outbox;
pub mod people;
pub mod plot;
mod propose;
pub mod pulse;
pub mod reminders;
pub mod routing;
pub mod status;
mod take;
mod theirs;
pub mod timers;
mod together;
pub mod tokens;
pub mod upkeep;
pub mod waiters;
pub mod watch;

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch::{Receiver, Sender};

use self::clock::Clock;
use self::hold::enforced;
pub use self::list::Page;
pub use self::together::{Fate, TOGETHER, Weighed};
use crate::core::Time;
use crate::core::caller::Ungrantable;
use crate::core::decision::{
    Ballot, Decision, DecisionId, Outcome, Refused, Request, Revision, State, Verdict, Via,
};
use crate::core::event::Event;
use crate::core::pace::Pace;
use crate::core::permission::{Denied, Voter, WhoMay, may_decide, who_may};
use crate::core::policy::{Inadmissible, Rules, admit, project_name};
use crate::core::posting::PostingId;
pub use crate::store::{Asked, Filter, StoreError, files};
use crate::store::{Store, Why};

/// Why an approval API call changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The policy does not admit this request.
    #[error(transparent)]
    Inadmissible(#[from] Inadmissible),
    /// A token cannot have these rights.
    #[error(transparent)]
    Ungrantable(#[from] Ungrantable),
    /// No decision has this number.
    #[error("there is no decision {0} in this store")]
    NoSuchDecision(DecisionId),
    /// The decision's current state does not allow the call.
    #[error("{id}: {refused}. Nothing was changed", id = .0.id, refused = .1)]
    Refused(Box<Decision>, Refused),
    /// The person may not decide this decision.
    #[error("you may not decide {id}", id = .0.id)]
    Denied(Box<Decision>, Denied),
    /// The store failed; the error says what happens next.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for HandleError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchDecision(id) => Self::NoSuchDecision(id),
            other => Self::Store(other),
        }
    }
}

/// Whether the waiting agent claims the verdict. A claimed verdict cannot be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Claim the verdict.
    Yes,
    /// Only read the verdict.
    No,
}

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    /// Replaced when the configuration changes.
    rules: RwLock<Arc<Rules>>,
    hints: Sender<u64>,
    /// Counts recorded changes of posted messages, to wake [`Handle::card_within`].
    hung: Sender<u64>,
    /// How far automatic approval has checked the log.
    looked: tokio::sync::Mutex<routing::Looked>,
    /// Opened messages not yet seen by the reconciler. Losing this list is harmless: the store has
    /// a record of every message.
    opened: std::sync::Mutex<Vec<PostingId>>,
    /// The bot's heartbeat; absent in other processes.
    pulse: Sender<Option<pulse::Pulse>>,
    waiters: waiters::Waiters,
}

/// The approval API. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    store: Arc<dyn Store>,
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("store", &self.store.tag()).finish_non_exhaustive()
    }
}

impl Handle {
    /// Creates the API for a store, with these rules and this clock.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, rules: Rules, clock: Arc<dyn Clock>) -> Self {
        let rules = RwLock::new(Arc::new(rules));
        Self {
            store,
            inner: Arc::new(Inner {
                clock,
                rules,
                hints: Sender::new(0),
                hung: Sender::new(0),
                looked: tokio::sync::Mutex::default(),
                opened: std::sync::Mutex::default(),
                pulse: Sender::new(None),
                waiters: waiters::Waiters::default(),
            }),
        }
    }

    /// The engine's clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// The current time by the store's clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.inner.clock.now()
    }

    /// The store's time scale.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.store.pace()
    }

    /// The store's tag, part of every button's `custom_id`.
    #[must_use]
    pub fn tag(&self) -> &str {
        self.store.tag()
    }

    /// The current rules from the configuration.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.inner.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the rules after a configuration change, effective at once and for open decisions
    /// too.
    pub fn set_rules(&self, rules: Rules) {
        *self.inner.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        self.hint();
    }

    /// Who may decide this decision.
    #[must_use]
    pub fn who_may(&self, decision: &Decision) -> WhoMay {
        who_may(&self.rules().approvers, decision)
    }

    /// Changes whenever the store may have news. Only a hint to read again: the store is the truth.
    #[must_use]
    pub fn hints(&self) -> Receiver<u64> {
        self.inner.hints.subscribe()
    }

    /// Wakes every task of this process to read the store again.
    pub fn hint(&self) {
        self.inner.hints.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Runs a blocking store call off the async threads.
    pub(crate) async fn store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || call(&*store)).await.unwrap_or_else(|error| {
            Err(StoreError::Failed(format!("a call of it ended early: {error}")))
        })
    }

    /// Records an agent's question. Asking again with the dedup key of an open decision of this
    /// project returns that decision.
    ///
    /// # Errors
    /// [`HandleError::Inadmissible`] with what to change; [`HandleError::Store`].
    pub async fn ask(&self, mut request: Request) -> Result<Asked, HandleError> {
        request.project = project_name(&request.project);
        let terms = admit(&self.rules(), &request)?;
        let at = self.now();
        let asked = self.store(move |store| store.ask(request, terms, at)).await?;
        self.hint();
        Ok(asked)
    }

    /// One decision, by number.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`]; [`HandleError::Store`].
    pub async fn get(&self, id: DecisionId) -> Result<Decision, HandleError> {
        self.store(move |store| store.get(id)).await?.ok_or(HandleError::NoSuchDecision(id))
    }

    /// Decisions, newest first.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn list(&self, filter: Filter) -> Result<Vec<Decision>, HandleError> {
        Ok(self.store(move |store| store.list(&filter)).await?)
    }

    /// A decision, for a person who may decide it.
    ///
    /// # Errors
    /// [`HandleError::Denied`], [`HandleError::NoSuchDecision`], [`HandleError::Store`].
    pub async fn may_see(&self, id: DecisionId, by: &Voter) -> Result<Decision, HandleError> {
        let decision = self.enforce(id).await?;
        let rules = self.rules();
        match may_decide(&rules.approvers, &enforced(&rules, &decision), by) {
            Ok(_) => Ok(decision),
            Err(denied) => Err(HandleError::Denied(Box::new(decision), denied)),
        }
    }

    /// Whether this person may decide the decision as read. Does not read the store.
    #[must_use]
    pub fn is_for(&self, decision: &Decision, voter: &Voter) -> bool {
        let rules = self.rules();
        may_decide(&rules.approvers, &enforced(&rules, decision), voter).is_ok()
    }

    /// Whether this person could decide the revision shown to them. Called before asking the person
    /// for more input (a reason, a time).
    ///
    /// # Errors
    /// As [`Handle::approve`].
    pub async fn may_decide(
        &self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
    ) -> Result<Decision, HandleError> {
        let decision = self.may_see(id, by).await?;
        match decision.must_be_open_at(seen) {
            Ok(()) => Ok(decision),
            Err(refused) => Err(HandleError::Refused(Box::new(decision), refused)),
        }
    }

    /// Approves.
    ///
    /// # Errors
    /// [`HandleError::Denied`], [`HandleError::Refused`], [`HandleError::NoSuchDecision`],
    /// [`HandleError::Store`].
    pub async fn approve(
        &self,
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
    /// As [`Handle::approve`]; [`Refused::NoReason`] if the reason is empty.
    pub async fn reject(
        &self,
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
    /// As [`Handle::approve`]; [`Refused::NoSuchOption`].
    pub async fn choose(
        &self,
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
    /// As [`Handle::approve`]; [`Refused::NoAnswer`] if the text is empty.
    pub async fn answer(
        &self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        via: Via,
        text: &str,
    ) -> Result<Decision, HandleError> {
        self.resolve(id, seen, by, via, Verdict::Answered { text: text.trim().to_owned() }).await
    }

    /// Gives a verdict. The ballot includes the typed confirmation required for critical risk.
    /// Where several people must approve, an approval may count as a vote and leave the decision
    /// open.
    ///
    /// # Errors
    /// As [`Handle::approve`]; [`Refused::Unconfirmed`], [`Refused::AlreadyVoted`].
    pub async fn resolve(
        &self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        via: Via,
        ballot: impl Into<Ballot>,
    ) -> Result<Decision, HandleError> {
        let (voter, ballot) = (by.clone(), ballot.into());
        self.decide(id, by, move |decision| decision.resolve(ballot, voter, via, seen)).await
    }

    /// Undoes a verdict not yet claimed by the agent.
    ///
    /// # Errors
    /// As [`Handle::approve`]; [`Refused::AlreadyClaimed`], [`Refused::TooLateToUndo`],
    /// [`Refused::AskedAgain`].
    pub async fn undo(&self, id: DecisionId, by: &Voter) -> Result<Decision, HandleError> {
        let (person, now) = (by.person.clone(), self.now());
        self.decide(id, by, move |decision| decision.undo(person, now)).await
    }

    /// Records the outcome reported by the agent. A report also claims the verdict.
    ///
    /// # Errors
    /// [`HandleError::Refused`] while the decision has no verdict; [`HandleError::NoSuchDecision`],
    /// [`HandleError::Store`].
    pub async fn report(
        &self,
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
    /// As [`Handle::approve`]; [`Refused`] names the limits.
    pub async fn defer(
        &self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        until: Time,
    ) -> Result<Decision, HandleError> {
        let (person, now, limits) = (by.person.clone(), self.now(), self.rules().defer);
        self.decide(id, by, move |decision| decision.defer(until, person, seen, now, limits)).await
    }

    /// Runs an action of a person with permission to decide. Checks permission against the current
    /// state, in the transaction of the change. Permission is checked first, so a person without it
    /// does not learn whether the decision has a verdict.
    async fn decide(
        &self,
        id: DecisionId,
        by: &Voter,
        act: impl FnOnce(&Decision) -> Result<Event, Refused> + Send + 'static,
    ) -> Result<Decision, HandleError> {
        self.decide_if(id, by, move |decision| act(decision).map(Some)).await
    }

    /// Like [`Handle::decide`], for actions that may have been done already: `None` changes
    /// nothing.
    async fn decide_if(
        &self,
        id: DecisionId,
        by: &Voter,
        act: impl FnOnce(&Decision) -> Result<Option<Event>, Refused> + Send + 'static,
    ) -> Result<Decision, HandleError> {
        // The asking process may have read other rules. Log the terms now in force before deciding
        // by them.
        self.enforce(id).await?;
        let (rules, voter) = (self.rules(), by.clone());
        let decide = move |decision: &Decision| {
            let decision = &enforced(&rules, decision);
            may_decide(&rules.approvers, decision, &voter)?;
            Ok(act(decision)?)
        };
        self.change(id, decide).await
    }

    async fn change(
        &self,
        id: DecisionId,
        decide: impl FnOnce(&Decision) -> Result<Option<Event>, Why> + Send + 'static,
    ) -> Result<Decision, HandleError> {
        let at = self.now();
        let changed = self.store(move |store| store.change(id, at, Box::new(decide))).await?;
        self.hint();
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
    pub async fn withdraw(&self, id: DecisionId, reason: &str) -> Result<Decision, HandleError> {
        let reason = reason.to_owned();
        self.change(id, move |decision| Ok(Some(decision.withdraw(reason)?))).await
    }

    /// Claims the verdict for the agent. Claiming twice is harmless.
    ///
    /// # Errors
    /// [`HandleError::Refused`] while the decision has no verdict; [`HandleError::NoSuchDecision`],
    /// [`HandleError::Store`].
    pub async fn claim(&self, id: DecisionId) -> Result<Decision, HandleError> {
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
        &self,
        id: DecisionId,
        asked: Option<Revision>,
        claim: Claim,
        deadline: Option<Time>,
    ) -> Result<Decision, HandleError> {
        let mut news = waiters::News::new(self, id);
        loop {
            news.look();
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
                Err(HandleError::Store(error)) if error.is_passing() => news.soon(),
                Err(error) => return Err(error),
                Ok(decision) => match &decision.state {
                    State::Pending(_) if deadline.is_none_or(|deadline| self.now() < deadline) => {}
                    _ => return Ok(decision),
                },
            }
            let until = deadline.unwrap_or_else(|| self.now() + chrono::TimeDelta::days(1));
            tokio::select! {
                () = news.come() => {}
                () = self.inner.clock.sleep_until(until) => {}
            }
        }
    }
}
