//! A decision, its states, and what may happen to it.
//!
//! Each transition is two steps. A method such as [`Decision::resolve`] looks at the state and
//! either names the [`Event`] that shall happen or the reason why not; [`Decision::evolve`] applies
//! an event (`evolve`). The log holds events only, so replaying it through `evolve` gives the state
//! again.
//!
//! Must not know: who is an approver (`permission`), what a project allows (`policy`), how it looks
//! (`card`).

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Time;
use super::event::Event;
use super::ladder::Climb;
use super::permission::{Grounds, Voter};
pub use super::priority::Prioritized;
pub use super::refusal::Refused;
pub use super::request::{
    Agent, Attachment, Choice, Detail, Expects, Insight, Kind, Link, Outcome, Priority, Request,
    Risk, SafeDefault, Terms,
};
pub use super::routing::Disagreed;
pub use super::state::{
    Ballot, Lapsed, Pending, Proposal, Reported, Resolved, State, Taken, Undone, Verdict, Via, Vote,
};

/// The number of a decision within its store; people write it `#142`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct DecisionId(pub i64);

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl FromStr for DecisionId {
    type Err = String;

    /// Takes `142` and `#142`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim()
            .trim_start_matches('#')
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .map(Self)
            .ok_or_else(|| {
                format!("{text:?} is not the number of a decision: write it as 142 or #142")
            })
    }
}

/// Counts the versions of a decision's content, from 1. A verdict names the one that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u32);

/// A person, as a surface knows them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// Surface and identity there: `discord:80351110224678912`.
    pub id: String,
    /// What others call them.
    pub name: String,
}

impl Person {
    /// The Discord user with this id.
    #[must_use]
    pub fn discord(id: u64, name: impl Into<String>) -> Self {
        Self { id: format!("discord:{id}"), name: name.into() }
    }

    /// Gander itself: who is named where nobody decided.
    #[must_use]
    pub fn gander() -> Self {
        Self { id: "gander".into(), name: "Gander".into() }
    }

    /// Their Discord user id, if they are known by one.
    #[must_use]
    pub fn discord_id(&self) -> Option<u64> {
        self.id.strip_prefix("discord:")?.parse().ok()
    }
}

/// One thing that a human owes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its number.
    pub id: DecisionId,
    /// The version of its content.
    pub revision: Revision,
    /// What was asked, in that version.
    pub request: Request,
    /// What policy made of it.
    pub terms: Terms,
    /// When it was first asked.
    pub asked_at: Time,
    /// How often it was put off.
    pub deferrals: u32,
    /// How often it came back.
    pub returns: u32,
    /// Where it stands.
    pub state: State,
    /// When its ladder began anew: it came back, or its verdict was undone. Absent: when it was
    /// asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Time>,
    /// The highest rung that it has reached since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub climb: Option<Climb>,
    /// The log position of its latest event; a card that shows an earlier one is out of date.
    pub changed: u64,
    /// Who disagreed with its being approved by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disagreed: Option<Disagreed>,
    /// How soon a person wants it decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prioritized: Option<Prioritized>,
    /// Whose approvals no longer count, while it is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lapsed: Vec<Lapsed>,
    /// When its long part was removed ([`super::content`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned_at: Option<Time>,
}

/// How often and how far a decision may be put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeferLimits {
    /// Times, over its life.
    pub times: u32,
    /// From the moment of deferring to the return.
    pub longest: TimeDelta,
}

impl Default for DeferLimits {
    fn default() -> Self {
        Self { times: 3, longest: TimeDelta::days(7) }
    }
}

/// How long a verdict can be undone that the agent has not taken.
const UNDO_WITHIN: TimeDelta = TimeDelta::hours(24);

impl Decision {
    /// A decision as it is at the moment it is asked.
    #[must_use]
    pub fn new(id: DecisionId, request: Request, terms: Terms, asked_at: Time) -> Self {
        Self {
            id,
            revision: Revision(1),
            request,
            terms,
            asked_at,
            deferrals: 0,
            returns: 0,
            state: State::Pending(Pending::default()),
            began: None,
            climb: None,
            changed: 0,
            disagreed: None,
            prioritized: None,
            lapsed: Vec::new(),
            pruned_at: None,
        }
    }

    /// When the SLA is breached.
    #[must_use]
    pub fn breach_at(&self) -> Time {
        let span = i64::try_from(self.terms.sla_seconds).ok().and_then(TimeDelta::try_seconds);
        span.and_then(|span| self.since().checked_add_signed(span)).unwrap_or(Time::MAX_UTC)
    }

    /// When this decision wants to be looked at by itself, without anybody acting.
    #[must_use]
    pub fn wake_at(&self) -> Option<Time> {
        match &self.state {
            State::Deferred { until, .. } => Some(*until),
            State::Pending(_) => self.ladder_wakes_at(),
            State::Resolved(_) | State::Withdrawn { .. } => None,
        }
    }

    /// How many different people must approve it. A choice and an answer are one person's: they
    /// cannot be counted.
    #[must_use]
    pub fn approvals_needed(&self) -> u32 {
        let approved = self.request.expects == Expects::Approve;
        if approved { self.terms.approvals.max(self.request.approvals_needed).max(1) } else { 1 }
    }

    /// How many approvals are still missing.
    #[must_use]
    pub fn approvals_missing(&self) -> u32 {
        let given = u32::try_from(self.state.votes().len()).unwrap_or(u32::MAX);
        self.approvals_needed().saturating_sub(given)
    }

    /// Whether it is answered by putting a secret in its place, which is never Discord.
    #[must_use]
    pub fn is_about_credentials(&self) -> bool {
        self.request.kind.as_str() == "credentials"
    }

    /// The word that must be typed to say yes: critical risk is not approved by a slip of the
    /// thumb. A rejection harms nothing, and an answer is typed anyway.
    #[must_use]
    pub fn confirmation(&self) -> Option<String> {
        let asks = self.terms.risk == Risk::Critical && self.request.expects != Expects::Answer;
        asks.then(|| {
            // Of a list: the kind is the agent's to choose, and typing REJECT must not approve.
            let known = ["deploy", "pricing", "legal", "credentials"]
                .into_iter()
                .find(|known| *known == self.request.kind.as_str());
            known.unwrap_or("approve").to_uppercase()
        })
    }

    /// Gives the verdict, if it fits what was asked and nobody was first. Where several must
    /// approve, it may be a vote.
    ///
    /// # Errors
    /// See [`Refused`]: answered or withdrawn already, an older revision, a verdict of the wrong
    /// sort, no reason, not confirmed, not decided there.
    pub fn resolve(
        &self,
        ballot: impl Into<Ballot>,
        by: impl Into<Voter>,
        via: Via,
        seen: Revision,
    ) -> Result<Event, Refused> {
        let Ballot { verdict, confirmation } = ballot.into();
        self.must_be_open_at(seen)?;
        self.must_fit(&verdict)?;
        self.session_must_fit(&verdict)?;
        self.must_be_decided_there(via)?;
        if let (Some(word), Verdict::Approved { .. } | Verdict::Chosen { .. }) =
            (self.confirmation(), &verdict)
            && !confirmation.is_some_and(|typed| typed.trim().eq_ignore_ascii_case(&word))
        {
            return Err(Refused::Unconfirmed { word });
        }
        match verdict {
            Verdict::Approved { note, .. } if self.approvals_needed() > 1 => {
                self.vote(by.into(), via, note)
            }
            verdict => Ok(Event::Resolved { verdict, by: by.into().person, via, with: Vec::new() }),
        }
    }

    pub(super) fn must_fit(&self, verdict: &Verdict) -> Result<(), Refused> {
        let expects = self.request.expects;
        match (verdict, expects) {
            (Verdict::Rejected { reason }, _) if reason.trim().is_empty() => Err(Refused::NoReason),
            (Verdict::Answered { text }, Expects::Answer) if text.trim().is_empty() => {
                Err(Refused::NoAnswer)
            }
            (Verdict::Chosen { option }, Expects::Choose) if !self.offers(option) => {
                Err(Refused::NoSuchOption { option: option.clone() })
            }
            (Verdict::Rejected { .. }, _)
            | (Verdict::Approved { .. }, Expects::Approve)
            | (Verdict::Chosen { .. }, Expects::Choose)
            | (Verdict::Answered { .. }, Expects::Answer) => Ok(()),
            _ => Err(Refused::WrongAnswer { expects }),
        }
    }

    fn vote(&self, by: Voter, via: Via, note: Option<String>) -> Result<Event, Refused> {
        let (more, votes) = (self.approvals_missing(), self.state.votes());
        let Voter { person: by, roles, owner } = by;
        // By the id: people change their names.
        if votes.iter().any(|vote| vote.by.id == by.id) {
            return Err(Refused::AlreadyVoted { more });
        }
        if more > 1 {
            return Ok(Event::Voted { by, via, note, grounds: Grounds { owner, roles } });
        }
        let with = votes.iter().map(|vote| vote.by.id.clone()).collect();
        Ok(Event::Resolved { verdict: Verdict::noted(note), by, via, with })
    }

    /// Somebody says "I'm on it", or hands it to somebody else.
    ///
    /// # Errors
    /// [`Refused::AlreadyTaken`]; not open any more.
    pub fn take(&self, by: Person, from: Option<Person>) -> Result<Event, Refused> {
        self.must_be_open()?;
        if let State::Pending(Pending { taken: Some(standing), .. }) = &self.state
            && (from.is_none() || standing.by.id == by.id)
        {
            return Err(Refused::AlreadyTaken { by: standing.by.clone() });
        }
        Ok(Event::Taken { by, from })
    }

    /// When a verdict of this moment could last be undone.
    #[must_use]
    pub fn undo_until(at: Time) -> Time {
        at.checked_add_signed(UNDO_WITHIN).unwrap_or(Time::MAX_UTC)
    }

    /// Takes the verdict back, as long as the agent has not taken it.
    ///
    /// # Errors
    /// [`Refused::NotResolved`], [`Refused::AlreadyClaimed`], [`Refused::TooLateToUndo`],
    /// [`Refused::Withdrawn`].
    pub fn undo(&self, by: Person, now: Time) -> Result<Event, Refused> {
        let resolved = self.verdict()?;
        if let Some(at) = resolved.claimed_at {
            return Err(Refused::AlreadyClaimed { at });
        }
        let until = Self::undo_until(resolved.at);
        if now > until { Err(Refused::TooLateToUndo { until }) } else { Ok(Event::Undone { by }) }
    }

    /// The agent says how it went. `None`: it said the same before.
    ///
    /// # Errors
    /// [`Refused::NotResolved`], [`Refused::Withdrawn`].
    pub fn report(&self, outcome: Outcome, text: String) -> Result<Option<Event>, Refused> {
        let resolved = self.verdict()?;
        let said = resolved
            .reported
            .as_ref()
            .is_some_and(|said| said.outcome == outcome && said.text == text);
        Ok((!said).then_some(Event::Reported { outcome, text }))
    }

    /// The verdict that stands.
    ///
    /// # Errors
    /// [`Refused::NotResolved`], [`Refused::Withdrawn`].
    pub fn verdict(&self) -> Result<&Resolved, Refused> {
        match &self.state {
            State::Resolved(resolved) => Ok(resolved),
            State::Withdrawn { reason, at } => {
                Err(Refused::Withdrawn { reason: reason.clone(), at: *at })
            }
            State::Pending(_) | State::Deferred { .. } => Err(Refused::NotResolved),
        }
    }

    /// Puts it off until a time.
    ///
    /// # Errors
    /// See [`Refused`]: not open, an older revision, too often, too long, not in the future.
    pub fn defer(
        &self,
        until: Time,
        by: Person,
        seen: Revision,
        now: Time,
        limits: DeferLimits,
    ) -> Result<Event, Refused> {
        self.must_be_open_at(seen)?;
        if let State::Deferred { until: standing, .. } = self.state
            && standing == until
        {
            return Err(Refused::AlreadyDeferred { until });
        }
        if self.deferrals >= limits.times {
            return Err(Refused::DeferredTooOften { times: limits.times });
        }
        if until <= now {
            return Err(Refused::NotLater);
        }
        let latest = now.checked_add_signed(limits.longest).unwrap_or(Time::MAX_UTC);
        if until > latest {
            return Err(Refused::DeferredTooLong { latest });
        }
        Ok(Event::Deferred { until, by })
    }

    /// Comes back from a deferral that is over.
    ///
    /// # Errors
    /// [`Refused::NotDue`] while it is not.
    pub fn come_back(&self, now: Time) -> Result<Event, Refused> {
        match self.state {
            State::Deferred { until, .. } if until <= now => Ok(Event::Returned),
            _ => Err(Refused::NotDue),
        }
    }

    /// The asker no longer needs an answer.
    ///
    /// # Errors
    /// See [`Refused`]: not open any more.
    pub fn withdraw(&self, reason: String) -> Result<Event, Refused> {
        self.must_be_open()?;
        Ok(Event::Withdrawn { reason })
    }

    /// The agent takes the verdict to act on it. `None`: it had taken it before.
    ///
    /// # Errors
    /// [`Refused::NotResolved`] while it is open, [`Refused::Withdrawn`] if it never will be.
    pub fn claim(&self) -> Result<Option<Event>, Refused> {
        Ok(self.verdict()?.claimed_at.is_none().then_some(Event::Claimed))
    }

    /// Asked again: the event, if its content differs. What was once asked at a higher risk keeps
    /// that: the people who may decide it are not exchanged by asking again.
    #[must_use]
    pub fn revise(&self, request: &Request, terms: &Terms) -> Option<Event> {
        let (risk, approvals) =
            (terms.risk.max(self.terms.risk), terms.approvals.max(self.terms.approvals));
        // The default was admitted for the risk that it is asked at now, not for the one that it
        // keeps.
        let safe_default =
            if risk >= Risk::High { SafeDefault::Reject } else { terms.safe_default };
        let terms = Terms { risk, approvals, safe_default, ..terms.clone() };
        let differs = self.request != *request
            || self.terms.risk != terms.risk
            || self.terms.approvals != terms.approvals;
        // What is answered or withdrawn keeps the content that the answer was for.
        (differs && self.state.is_open())
            .then(|| Event::Revised { request: Box::new(request.clone()), terms })
    }

    fn offers(&self, option: &str) -> bool {
        self.request.options.iter().any(|choice| choice.name == option)
    }

    /// Whether somebody who saw this revision can still answer.
    ///
    /// # Errors
    /// See [`Refused`]: answered or withdrawn already, an older revision.
    pub fn must_be_open_at(&self, seen: Revision) -> Result<(), Refused> {
        self.must_be_open()?;
        if seen == self.revision {
            Ok(())
        } else {
            Err(Refused::Outdated { seen, current: self.revision })
        }
    }

    pub(super) fn must_be_open(&self) -> Result<(), Refused> {
        match &self.state {
            State::Pending(_) | State::Deferred { .. } => Ok(()),
            State::Resolved(resolved) => Err(Refused::AlreadyResolved(Box::new(resolved.clone()))),
            State::Withdrawn { reason, at } => {
                Err(Refused::Withdrawn { reason: reason.clone(), at: *at })
            }
        }
    }
}
