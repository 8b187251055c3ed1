//! Grants in use: lets calls through without a question, ends grants, and keeps to what Discord
//! says of their givers.
//!
//! A use is one transaction that checks everything but the pattern: the end, the giver, the limits
//! of policy, the risk. Whether a pattern includes a call is judged before, and the pattern is
//! compared again in the transaction. Does not depend on how a gate describes calls.

use chrono::TimeDelta;

use super::gates::GateQuestion;
use crate::core::Time;
use crate::core::access::HolderStanding;
use crate::core::decision::authorization::Voter;
use crate::core::decision::{
    CallPattern, Decision, DecisionId, GrantEndReason, Person, Refused, RepeatedCall, Risk,
};
use crate::core::gate::granting;
use crate::core::policy::grants::{Fallen, GiverStanding, grant_stands};
use crate::core::policy::rules::admit;
use crate::engine::{Handle, HandleError};
use crate::store::{Filter, GrantCandidate};

/// How often Discord is asked about the givers of grants.
const GIVERS_EVERY: TimeDelta = TimeDelta::minutes(5);

/// Lists, uses and ends grants.
#[derive(Debug, Clone, Copy)]
pub struct GrantApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

/// Keeps grants to what Discord says of their givers, until dropped.
pub async fn run(handle: Handle) {
    loop {
        if let Err(error) = handle.grants().end_fallen().await {
            tracing::warn!(%error, "could not check the givers of grants; trying again in 5 min");
        }
        handle.clock().sleep_until(handle.now() + GIVERS_EVERY).await;
    }
}

fn discord_user(giver: &str) -> Option<u64> {
    Person { id: giver.to_owned(), name: String::new() }.discord_id()
}

/// The standing of a giver with this Discord id.
fn of_member(user: u64, standing: HolderStanding) -> GiverStanding {
    let person = Person::discord(user, String::new());
    match standing {
        HolderStanding::Member { roles, owner } => {
            GiverStanding::Now(Voter { person, roles, owner })
        }
        HolderStanding::Left => GiverStanding::Left,
        HolderStanding::Stated | HolderStanding::Unknown => GiverStanding::Recorded,
    }
}

impl GrantApi<'_> {
    /// The decisions whose grants have not ended and are for this person to end, the newest first.
    /// Without a person, all.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn live(self, voter: Option<&Voter>) -> Result<Vec<Decision>, HandleError> {
        let mut found = self.live_within(Filter::default()).await?;
        found.retain(|decision| {
            voter.is_none_or(|voter| self.handle.approvers().is_for(decision, voter))
        });
        Ok(found)
    }

    /// The decisions of a filter whose grants have not ended.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn live_within(self, filter: Filter) -> Result<Vec<Decision>, HandleError> {
        let mut found = self.handle.approvals().list(Filter { granted: true, ..filter }).await?;
        let now = self.time().await?;
        // The end of a grant may be due and not written yet.
        found.retain(|decision| decision.expire_grant(now).is_err());
        Ok(found)
    }

    /// Ends a grant for a person who may decide: the next call asks again. A verdict that the agent
    /// has not picked up stays, for one call.
    ///
    /// # Errors
    /// As [`crate::engine::ApprovalApi::approve`]; [`Refused::NoGrant`], [`Refused::GrantEnded`].
    pub async fn end(self, id: DecisionId, by: &Voter) -> Result<Decision, HandleError> {
        let person = by.person.clone();
        self.handle.approvals().decide(id, by, move |decision| decision.end_grant(person)).await
    }

    /// Ends every grant that the rules no longer allow, or whose giver may no longer decide.
    ///
    /// # Errors
    /// [`HandleError::Store`]; the remaining grants are checked at their next use.
    pub async fn end_fallen(self) -> Result<(), HandleError> {
        let givers = self.handle.with_store(|store| store.grants().givers()).await?;
        let mut known = Vec::new();
        for giver in givers {
            let standing = match discord_user(&giver) {
                Some(user) => {
                    of_member(user, self.handle.tokens().standing_of_user_now(user).await)
                }
                None => GiverStanding::Recorded,
            };
            known.push((giver, standing));
        }
        if known.is_empty() {
            return Ok(());
        }
        let granted = Filter { granted: true, ..Filter::default() };
        for decision in self.handle.approvals().list(granted).await? {
            let giver = decision.giver().map(|giver| giver.person.id);
            let standing = known.iter().find(|(id, _)| Some(id) == giver.as_ref());
            let standing = standing.map(|(_, standing)| standing.clone()).unwrap_or_default();
            let rules = self.handle.rules();
            if grant_stands(&rules, &decision, &standing).is_ok() {
                continue;
            }
            let end = move |decision: &Decision| {
                let fallen = grant_stands(&rules, decision, &standing).err();
                let why = match fallen.filter(|_| decision.has_live_grant()) {
                    None => return Ok(None),
                    Some(Fallen::Rules) => None,
                    Some(Fallen::Giver) => Some(GrantEndReason::GiverLeft),
                };
                Ok(Some(decision.ended_grant(Person::gander(), why)?))
            };
            self.handle.approvals().change(decision.id, end).await?;
            tracing::info!(
                decision = decision.id.0,
                "a grant has ended: the rules no longer allow it, or its giver may not decide"
            );
        }
        Ok(())
    }

    /// What Discord said of a giver a moment ago, as far as this process knows.
    async fn standing_of(self, giver: &str) -> GiverStanding {
        match discord_user(giver) {
            Some(user) => of_member(user, self.handle.tokens().standing_of_user(user).await),
            None => GiverStanding::Recorded,
        }
    }

    /// The time by which grants are judged: never before the latest entry of the log, so that a
    /// clock that is set back prolongs no grant.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub(in crate::engine) async fn time(self) -> Result<Time, HandleError> {
        let latest = self.handle.with_store(|store| store.grants().latest_entry_at()).await?;
        Ok(latest.map_or_else(|| self.handle.now(), |latest| latest.max(self.handle.now())))
    }

    /// The risk of a call by all rules; critical if the call could not be asked about.
    pub(in crate::engine) fn risk(self, question: &GateQuestion) -> Risk {
        admit(&self.handle.rules(), &question.request).map_or(Risk::Critical, |terms| terms.risk)
    }

    /// Lets a call through by a grant beyond the exact call of a session, if one covers it. `None`:
    /// a person is asked.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub(in crate::engine) async fn let_through(
        self,
        question: &GateQuestion,
    ) -> Result<Option<Decision>, HandleError> {
        let request = question.request.clone();
        let found = self.handle.with_store(move |store| store.grants().candidates(&request));
        let found = found.await?;
        let included = self.included(question, &found).await;
        for GrantCandidate { decision, handled } in found {
            let pattern = decision.grant().and_then(|grant| grant.terms.pattern);
            if let Some(pattern) = &pattern
                && (handled.is_some() || !included.contains(pattern))
            {
                continue;
            }
            let used = self.use_grant(&decision, question, pattern).await?;
            if used.is_some() {
                return Ok(used);
            }
        }
        Ok(None)
    }

    /// The patterns of these grants that include the call.
    async fn included(self, question: &GateQuestion, found: &[GrantCandidate]) -> Vec<CallPattern> {
        let mut patterns: Vec<CallPattern> = Vec::new();
        for pattern in found.iter().filter_map(|found| found.decision.grant()?.terms.pattern) {
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        if patterns.is_empty() {
            return patterns;
        }
        let (rules, call) = (question.rules.clone(), question.call.clone());
        let judged = self.handle.judge(move || {
            patterns.retain(|pattern| granting::includes(&rules, &call, pattern));
            patterns
        });
        judged.await.unwrap_or_else(|why| {
            tracing::warn!(%why, "a call was not compared with the patterns of grants: asking");
            Vec::new()
        })
    }

    /// Lets a call through by this grant and records the use, in one transaction: once the end of
    /// the grant is written, no call passes. A grant whose time is over ends here.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub(in crate::engine) async fn use_grant(
        self,
        decision: &Decision,
        question: &GateQuestion,
        pattern: Option<CallPattern>,
    ) -> Result<Option<Decision>, HandleError> {
        let giver = decision.giver().map(|giver| giver.person.id).unwrap_or_default();
        let standing = self.standing_of(&giver).await;
        let used_at = decision.grant().and_then(|grant| grant.progress.used_at);
        let now = self.time().await?.max(used_at.unwrap_or(Time::MIN_UTC));
        let (rules, risk) = (self.handle.rules(), self.risk(question));
        let request = question.request.clone();
        let used = self.handle.approvals().change_at(decision.id, now, move |decision| {
            if let Ok(end) = decision.expire_grant(now) {
                return Ok(Some(end));
            }
            let included_by = pattern.as_ref();
            let call = RepeatedCall { request: &request, risk, included_by, now };
            let stands = grant_stands(&rules, decision, &standing).is_ok();
            Ok(Some(decision.use_grant(&call).filter(|_| stands).ok_or(Refused::NoGrant)?))
        });
        match used.await {
            Ok(decision) => Ok(Some(decision).filter(Decision::has_live_grant)),
            Err(HandleError::Refused(..)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
