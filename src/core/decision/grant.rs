//! Grants: approvals that also cover later calls. A grant is part of the verdict that gives it;
//! each call that it lets through, and its end, are events of the decision.
//!
//! `grant_terms.rs` says what a grant can cover. Whether a pattern includes a call is for the
//! gate to say (`core::gate::granting`); everything else is checked here, in the transaction of the
//! use.

use serde::{Deserialize, Serialize};

use super::authorization::{Grounds, Voter};
use super::event::Event;
use super::refusal::Refused;
use super::{
    Agent, CallPattern, Decision, DecisionId, GrantSpan, GrantTerms, Person, Request, Resolved,
    Risk, Script, State,
};
use crate::core::Time;

/// The use and the end of a grant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantUse {
    /// Number of calls let through without a question.
    pub uses: u64,
    /// Time of the last such call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Time>,
    /// The end, if the grant has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<GrantEnd>,
}

impl GrantUse {
    /// Whether the grant was neither used nor ended.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        *self == Self::default()
    }
}

/// The end of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantEnd {
    /// The person who ended the grant; Gander, if no person did.
    pub by: Person,
    /// When.
    pub at: Time,
    /// Why the grant ended without a person. Absent: the rules no longer allow the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<GrantEndReason>,
}

/// Why a grant ended without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantEndReason {
    /// Its time is over.
    Expired,
    /// Its giver has left the server, or no longer has a role of an approver there.
    GiverLeft,
}

/// A call that a grant let through, as far as the call differs from the one that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedCall {
    /// The title of the question that was not asked.
    pub title: String,
    /// The agent's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Digest of the call without its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
}

/// A grant, as recorded in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallGrant {
    /// The decision whose verdict gives the grant.
    pub decision: DecisionId,
    /// The project.
    pub project: String,
    /// The agent and its session.
    pub agent: Agent,
    /// The dedup key of the exact call. Absent: the request had none.
    pub key: Option<String>,
    /// What the grant covers, and for how long.
    pub terms: GrantTerms,
    /// The agent's workspace folder, for a grant that is not found by the call's key.
    pub root: Option<String>,
    /// The person who gave the grant.
    pub by: Person,
    /// When the grant was given.
    pub at: Time,
    /// When the grant ends by itself. Absent: with the agent's session, or only when it is ended.
    pub until: Option<Time>,
    /// Use and end.
    pub progress: GrantUse,
}

/// A call that may need no question.
#[derive(Debug, Clone)]
pub struct RepeatedCall<'a> {
    /// The question about the call.
    pub request: &'a Request,
    /// The risk of the call, by all rules.
    pub risk: Risk,
    /// The pattern that includes the call, by the gate's judgement. Absent: none was looked for.
    pub included_by: Option<&'a CallPattern>,
    /// The time. Never before the log's latest entry, so that a clock that is set back prolongs no
    /// grant.
    pub now: Time,
}

impl Decision {
    /// The grant that the current verdict gives, also after its end.
    #[must_use]
    pub fn grant(&self) -> Option<CallGrant> {
        let State::Resolved(resolved) = &self.state else { return None };
        let terms = resolved.verdict.grant()?.clone();
        let root = self.request.grantable.as_ref().map(|call| call.root.clone());
        Some(CallGrant {
            decision: self.id,
            project: self.request.project.clone(),
            agent: self.request.agent.clone(),
            key: self.request.dedup_key.clone(),
            root: root.filter(|_| terms != GrantTerms::SESSION),
            by: resolved.by.clone(),
            at: resolved.at,
            until: terms.span.until(resolved.at),
            terms,
            progress: resolved.grant.clone(),
        })
    }

    /// Whether the current verdict gives a grant that was not ended.
    #[must_use]
    pub fn has_live_grant(&self) -> bool {
        self.live_grant().is_some()
    }

    fn live_grant(&self) -> Option<(&Resolved, &GrantTerms)> {
        let State::Resolved(resolved) = &self.state else { return None };
        let terms = resolved.verdict.grant()?;
        resolved.grant.ended.is_none().then_some((resolved, terms))
    }

    /// The giver of the current verdict, as far as is recorded: the roles and ownership at the
    /// time.
    #[must_use]
    pub fn giver(&self) -> Option<Voter> {
        let State::Resolved(resolved) = &self.state else { return None };
        let Grounds { owner, roles } = resolved.grounds.clone();
        Some(Voter { person: resolved.by.clone(), roles, owner })
    }

    /// Whether the current verdict covers a later call.
    #[must_use]
    pub fn covers(&self, call: &RepeatedCall<'_>) -> bool {
        let Some((resolved, terms)) = self.live_grant() else { return false };
        let request = call.request;
        let in_time = match terms.span.until(resolved.at) {
            // With a clock set back to before the verdict, nobody knows how much time has passed.
            Some(until) => resolved.at <= call.now && self.time_of_grant(call.now) < until,
            None => true,
        };
        let in_session =
            terms.span != GrantSpan::Session || self.request.agent.session == request.agent.session;
        in_time
            && in_session
            && self.terms.risk >= call.risk.max(request.risk)
            && self.is_asked_by_the_asker_of(request)
            && match &terms.pattern {
                Some(pattern) => {
                    call.included_by == Some(pattern)
                        && self.is_asked_as(request)
                        && self.shows_files_of(request)
                }
                None if terms.span == GrantSpan::Session => self.shows_same_call_as(request),
                None => self.shows_same_call_in_any_session(request),
            }
    }

    /// The time by which a grant is judged.
    fn time_of_grant(&self, now: Time) -> Time {
        match &self.state {
            State::Resolved(resolved) => now.max(resolved.grant.used_at.unwrap_or(resolved.at)),
            _ => now,
        }
    }

    /// Whether the agent, its project and its caller are those of a later request.
    fn is_asked_by_the_asker_of(&self, request: &Request) -> bool {
        let asker = |request: &Request| {
            let by = request.asked_by.as_ref().map(|by| by.id.clone());
            (request.project.clone(), request.agent.name.clone(), by)
        };
        asker(&self.request) == asker(request)
    }

    /// Whether a later call would be asked about in the same workspace, as the same kind, by the
    /// same rule and for the same reason.
    fn is_asked_as(&self, request: &Request) -> bool {
        let asked = |request: &Request| {
            let call = request.grantable.as_ref()?;
            let place = (call.root.clone(), call.rule.clone()?);
            Some((place, request.kind.clone(), request.insight.why_it_matters.clone()))
        };
        asked(&self.request).is_some_and(|shown| asked(request) == Some(shown))
    }

    /// Whether every file that a later call runs was shown with this decision, as it is now.
    fn shows_files_of(&self, request: &Request) -> bool {
        let is_shown = |later: &Script| {
            later.content.digest().is_some_and(|digest| {
                let is_same = |shown: &Script| {
                    shown.path == later.path && shown.content.digest() == Some(digest)
                };
                self.request.scripts.iter().any(is_same)
            })
        };
        request.scripts.iter().all(is_shown)
    }

    /// As [`Decision::shows_same_call_as`], for a call that may come from another session.
    fn shows_same_call_in_any_session(&self, request: &Request) -> bool {
        let shown = |request: &Request| {
            let Request { kind, title, details, body, .. } = request.clone();
            (kind, title, details, body)
        };
        let call = &self.request.grantable;
        let same = |call: &super::Grantable, other: &super::Grantable| {
            call.root == other.root && call.call == other.call
        };
        let same = call.as_ref().zip(request.grantable.as_ref()).is_some_and(|(a, b)| same(a, b));
        same && shown(&self.request) == shown(request)
    }

    /// The event for a call that the grant lets through. `None`: the grant does not cover the call.
    #[must_use]
    pub fn use_grant(&self, call: &RepeatedCall<'_>) -> Option<Event> {
        if !self.covers(call) {
            return None;
        }
        let request = call.request;
        let used = UsedCall {
            title: request.title.clone(),
            session: request.agent.session.clone(),
            call: request.grantable.as_ref().map(|call| call.call.clone()),
        };
        // The exact call of the session is the one that was shown.
        let is_shown = self.shows_same_call_as(request);
        Some(Event::GrantUsed { call: (!is_shown).then(|| Box::new(used)) })
    }

    /// Ends the grant: the next call asks again.
    ///
    /// # Errors
    /// [`Refused::NoGrant`], [`Refused::GrantEnded`]; [`Refused::NotResolved`],
    /// [`Refused::Withdrawn`].
    pub fn end_grant(&self, by: Person) -> Result<Event, Refused> {
        self.ended_grant(by, None)
    }

    /// Ends a grant whose time is over.
    ///
    /// # Errors
    /// [`Refused::NotDue`] if the grant has time left, or no end; and as [`Decision::end_grant`].
    pub fn expire_grant(&self, now: Time) -> Result<Event, Refused> {
        let until = self.grant().and_then(|grant| grant.until).ok_or(Refused::NotDue)?;
        if self.time_of_grant(now) < until {
            return Err(Refused::NotDue);
        }
        self.ended_grant(Person::gander(), Some(GrantEndReason::Expired))
    }

    /// Ends the grant for a reason, without a person.
    ///
    /// # Errors
    /// As [`Decision::end_grant`].
    pub fn ended_grant(&self, by: Person, why: Option<GrantEndReason>) -> Result<Event, Refused> {
        let resolved = self.verdict()?;
        if resolved.verdict.grant().is_none() {
            return Err(Refused::NoGrant);
        }
        match &resolved.grant.ended {
            None => Ok(Event::GrantEnded { by, why }),
            Some(end) => Err(Refused::GrantEnded { by: end.by.clone(), at: end.at }),
        }
    }

    /// When the grant ends by itself, unless it has ended.
    pub(crate) fn grant_wakes_at(&self) -> Option<Time> {
        let (resolved, terms) = self.live_grant()?;
        terms.span.until(resolved.at)
    }

    pub(crate) fn grant_used(&mut self, at: Time) {
        if let State::Resolved(Resolved { grant, .. }) = &mut self.state {
            grant.uses += 1;
            grant.used_at = Some(at);
        }
    }

    pub(crate) fn grant_ended(&mut self, by: Person, at: Time, why: Option<GrantEndReason>) {
        if let State::Resolved(resolved) = &mut self.state {
            resolved.grant.ended = Some(GrantEnd { by, at, why });
        }
    }
}

#[cfg(test)]
mod tests;
