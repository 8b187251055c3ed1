//! A decision, its states and its transitions.
//!
//! Each transition has two steps. A method such as [`Decision::resolve`] checks the state and
//! returns either the [`Event`] to append or the reason for the refusal; [`Decision::evolve`] (in
//! `evolve`) applies an event. The log holds events only, and replaying the log through `evolve`
//! rebuilds the state.
//!
//! Does not depend on who is an approver (`permission`), on project policy (`policy`) or on
//! presentation (`card`).

mod approval;
pub mod authorization;
pub mod content;
pub mod desk;
pub(crate) mod disagreement;
pub mod draft;
pub mod editing;
pub(crate) mod escalation;
pub mod event;
pub(crate) mod evolve;
pub mod grant;
mod grant_terms;
mod masking;
pub mod pending_summary;
pub mod precedent;
pub mod priority;
pub mod progress;
pub mod proposal;
pub mod question;
pub mod reason_code;
pub mod refusal;
pub mod request;
pub mod resumption;
pub mod script;
pub mod session;
pub mod state;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

pub use self::approval::Approval;
use self::authorization::{Grounds, Voter};
pub use self::desk::{AgentCall, Desk, DeskOutcome, OwnPrompt};
pub use self::disagreement::Disagreement;
use self::event::Event;
pub use self::grant::{CallGrant, GrantEnd, GrantEndReason, GrantUse, RepeatedCall, UsedCall};
pub use self::grant_terms::{
    CallPattern, GrantLimits, GrantSpan, GrantTerms, Grantable, LongestGrant,
};
pub use self::priority::Prioritized;
pub use self::question::{Answer, AnswerFormat, Question};
pub use self::reason_code::ReasonCode;
pub use self::refusal::Refused;
pub use self::request::{
    ALERTMANAGER_KEY, Agent, Attachment, COMMAND_KEY, Choice, DROPPED_KEY, Detail, GITHUB_KEY,
    Insight, Link, Request, TASK_KEY, Terms, WORKRAIL_KEY,
};
pub use self::script::{Attested, Changes, Script, ScriptContent, Unshown};
pub use self::state::{
    Ballot, Lapsed, Pending, Proposal, Reported, Resolved, State, Taken, Undone, Verdict, Via, Vote,
};
use super::Time;
use super::escalation::LadderPosition;
pub use super::values::identity::{DecisionId, Person, Revision};
pub use super::values::words::{Expects, Kind, Outcome, Priority, Risk, SafeDefault};

/// A question that a person owes an answer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The decision's number.
    pub id: DecisionId,
    /// The version of the content.
    pub revision: Revision,
    /// The content of this revision.
    pub request: Request,
    /// The terms that policy set for the request.
    pub terms: Terms,
    /// Time of the first request.
    pub asked_at: Time,
    /// Number of deferrals so far.
    pub deferrals: u32,
    /// Number of returns from a deferral.
    pub returns: u32,
    /// The current state.
    pub state: State,
    /// When the escalation ladder last restarted: on the return from a deferral or on an undone
    /// verdict. Absent: the ladder began at `asked_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Time>,
    /// The highest escalation step fired since the ladder began.
    #[serde(rename = "climb", default, skip_serializing_if = "Option::is_none")]
    pub position: Option<LadderPosition>,
    /// The log position of the latest event. A card that shows an earlier position is out of date.
    pub changed: u64,
    /// The first disagreement with an automatic approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disagreed: Option<Disagreement>,
    /// The priority set by a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prioritized: Option<Prioritized>,
    /// Approvals that no longer count. Empty once the decision is resolved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lapsed: Vec<Lapsed>,
    /// The agent's own prompt, if the decision was asked at the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk: Option<Desk>,
    /// When the long content was pruned ([`self::content`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned_at: Option<Time>,
}

/// Limits on deferring a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeferLimits {
    /// The maximum number of deferrals of one decision.
    pub times: u32,
    /// The maximum time from the deferral to the return.
    pub longest: TimeDelta,
}

impl Default for DeferLimits {
    fn default() -> Self {
        Self { times: 3, longest: TimeDelta::days(7) }
    }
}

/// How long a verdict can be undone while the agent has not claimed it.
const UNDO_WITHIN: TimeDelta = TimeDelta::hours(24);

impl Decision {
    /// A new decision at revision 1, pending, without votes.
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
            position: None,
            changed: 0,
            disagreed: None,
            prioritized: None,
            lapsed: Vec::new(),
            desk: None,
            pruned_at: None,
        }
    }

    /// When the SLA is breached.
    #[must_use]
    pub fn breach_at(&self) -> Time {
        let span = i64::try_from(self.terms.sla_seconds).ok().and_then(TimeDelta::try_seconds);
        span.and_then(|span| self.ladder_began_at().checked_add_signed(span))
            .unwrap_or(Time::MAX_UTC)
    }

    /// When a timer has to look at the decision next: the end of the deferral, the end of the
    /// quiet time at the desk, the next escalation step, or the end of the grant.
    #[must_use]
    pub fn wake_at(&self) -> Option<Time> {
        match &self.state {
            State::Deferred { until, .. } => Some(*until),
            State::Pending(_) => self.next_escalation_check(),
            State::Resolved(_) => self.grant_wakes_at(),
            State::Withdrawn { .. } => None,
        }
    }

    /// How many different people must approve, at least 1. A choice or a text answer always needs
    /// only one person, because different answers cannot be counted together.
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

    /// Whether the answer is a secret. The person puts the secret in its place outside Discord.
    #[must_use]
    pub fn is_about_credentials(&self) -> bool {
        self.request.kind.as_str() == "credentials"
    }

    /// The word to type before an approval or a choice at critical risk, so that an accidental tap
    /// cannot approve. A rejection does no harm, and a text answer is typed anyway.
    #[must_use]
    pub fn confirmation(&self) -> Option<String> {
        self.confirmation_at(self.terms.risk)
    }

    /// The word to type at this risk.
    #[must_use]
    pub fn confirmation_at(&self, risk: Risk) -> Option<String> {
        let typed = self.request.expects == Expects::Answer && !self.request.is_walked_through();
        let asks = risk == Risk::Critical && !typed;
        asks.then(|| {
            // The word comes from a fixed list: the agent chooses the kind, and typing REJECT must
            // not approve.
            let known = ["deploy", "pricing", "legal", "credentials"]
                .into_iter()
                .find(|known| *known == self.request.kind.as_str());
            known.unwrap_or("approve").to_uppercase()
        })
    }

    /// Gives the verdict, if the verdict fits the question and the decision is still open. The
    /// event is a vote while further approvals are missing.
    ///
    /// # Errors
    /// See [`Refused`]: answered or withdrawn already, outdated revision, wrong kind of verdict, no
    /// reason, not confirmed, not allowed on this surface.
    pub fn resolve(
        &self,
        ballot: impl Into<Ballot>,
        by: impl Into<Voter>,
        via: Via,
        seen: Revision,
    ) -> Result<Event, Refused> {
        let Ballot { verdict, confirmation } = ballot.into();
        self.check_open_at(seen)?;
        self.check_verdict(&verdict)?;
        self.check_change(&verdict, via)?;
        if via.is_remote() {
            check_remote_grant(&verdict)?;
            if self.needs_confirming() {
                return Err(Refused::NotDecidableRemotely { risk: self.terms.risk });
            }
        }
        if let (
            Some(word),
            Verdict::Approved(_) | Verdict::Chosen { .. } | Verdict::Answered { .. },
        ) = (self.confirmation(), &verdict)
            && !confirmation.is_some_and(|typed| typed.trim().eq_ignore_ascii_case(&word))
        {
            return Err(Refused::Unconfirmed { word });
        }
        match verdict {
            Verdict::Approved(Approval { note, .. }) if self.approvals_needed() > 1 => {
                self.vote(by.into(), via, note)
            }
            verdict => {
                let Voter { person: by, roles, owner } = by.into();
                // Only a grant is judged again later, by the grounds of its giver.
                let grounds = match verdict.grant() {
                    Some(_) => Grounds { owner, roles },
                    None => Grounds::default(),
                };
                let attested = self.request.attested.clone();
                Ok(Event::Resolved { verdict, by, via, with: Vec::new(), grounds, attested })
            }
        }
    }

    pub(crate) fn check_verdict(&self, verdict: &Verdict) -> Result<(), Refused> {
        let expects = self.request.expects;
        match (verdict, expects) {
            (Verdict::Rejected { reason }, _) if reason.trim().is_empty() => Err(Refused::NoReason),
            (Verdict::Answered { text, answers }, Expects::Answer) => {
                self.check_answer(text, answers)
            }
            (Verdict::Answered { text, answers }, Expects::Choose)
                if answers.is_empty() && self.request.takes_other_answer() =>
            {
                self.check_answer(text, &[])
            }
            (Verdict::Chosen { option }, Expects::Choose) if !self.has_option(option) => {
                Err(Refused::NoSuchOption { option: option.clone() })
            }
            (Verdict::Approved(Approval { grant: Some(terms), .. }), Expects::Approve)
                if !self.offers(terms) =>
            {
                Err(if *terms == GrantTerms::SESSION {
                    Refused::NotForSession
                } else {
                    Refused::GrantNotOffered
                })
            }
            (Verdict::Rejected { .. }, _)
            | (Verdict::Approved(_), Expects::Approve)
            | (Verdict::Chosen { .. }, Expects::Choose) => Ok(()),
            _ => Err(Refused::WrongAnswer { expects }),
        }
    }

    fn vote(&self, by: Voter, via: Via, note: Option<String>) -> Result<Event, Refused> {
        let (more, votes) = (self.approvals_missing(), self.state.votes());
        let Voter { person: by, roles, owner } = by;
        // Compare ids: names can change.
        if votes.iter().any(|vote| vote.by.id == by.id) {
            return Err(Refused::AlreadyVoted { more });
        }
        if more > 1 {
            return Ok(Event::Voted { by, via, note, grounds: Grounds { owner, roles } });
        }
        let with = votes.iter().map(|vote| vote.by.id.clone()).collect();
        let verdict = Verdict::noted(note);
        let (grounds, attested) = (Grounds::default(), self.request.attested.clone());
        Ok(Event::Resolved { verdict, by, via, with, grounds, attested })
    }

    /// Assigns the decision: a person says "I'm on it", or `from` hands the decision to `by`.
    ///
    /// # Errors
    /// [`Refused::AlreadyTaken`]; not open any more.
    pub fn take(&self, by: Person, from: Option<Person>) -> Result<Event, Refused> {
        self.check_open()?;
        if let State::Pending(Pending { taken: Some(standing), .. }) = &self.state
            && (from.is_none() || standing.by.id == by.id)
        {
            return Err(Refused::AlreadyTaken { by: standing.by.clone() });
        }
        Ok(Event::Taken { by, from })
    }

    /// The last moment at which a verdict given at `at` can be undone.
    #[must_use]
    pub fn undo_until(at: Time) -> Time {
        at.checked_add_signed(UNDO_WITHIN).unwrap_or(Time::MAX_UTC)
    }

    /// Takes the verdict back, within 24 h and before the agent claims it. A grant can be taken
    /// back at any time: once claimed, the claimed call stands, and the grant ends.
    ///
    /// # Errors
    /// [`Refused::NotResolved`], [`Refused::AlreadyClaimed`], [`Refused::TooLateToUndo`],
    /// [`Refused::GrantEnded`], [`Refused::Withdrawn`].
    pub fn undo(&self, by: Person, now: Time) -> Result<Event, Refused> {
        let resolved = self.verdict()?;
        let until = Self::undo_until(resolved.at);
        match (resolved.verdict.grant().is_some(), resolved.claimed_at) {
            (true, None) if resolved.grant.ended.is_none() => Ok(Event::Undone { by }),
            (true, _) => self.end_grant(by),
            (false, Some(at)) => Err(Refused::AlreadyClaimed { at }),
            (false, None) if now > until => Err(Refused::TooLateToUndo { until }),
            (false, None) => Ok(Event::Undone { by }),
        }
    }

    /// Records the outcome that the agent reports. `None`: an identical report is already recorded.
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

    /// The current verdict.
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

    /// Defers the decision until a time.
    ///
    /// # Errors
    /// See [`Refused`]: not open, outdated revision, deferred too often or for too long, not in the
    /// future.
    pub fn defer(
        &self,
        until: Time,
        by: Person,
        seen: Revision,
        now: Time,
        limits: DeferLimits,
    ) -> Result<Event, Refused> {
        self.check_open_at(seen)?;
        if let State::Deferred { until: standing, .. } = self.state
            && standing == until
        {
            return Err(Refused::AlreadyDeferred { until });
        }
        if self.deferrals >= limits.times {
            return Err(Refused::DeferredTooOften { times: limits.times });
        }
        if until <= now {
            return Err(Refused::NotInFuture);
        }
        let latest = now.checked_add_signed(limits.longest).unwrap_or(Time::MAX_UTC);
        if until > latest {
            return Err(Refused::DeferredTooLong { latest });
        }
        Ok(Event::Deferred { until, by })
    }

    /// Returns the decision from a deferral that has ended.
    ///
    /// # Errors
    /// [`Refused::NotDue`] if the decision is not deferred or the deferral has not ended.
    pub fn return_from_deferral(&self, now: Time) -> Result<Event, Refused> {
        match self.state {
            State::Deferred { until, .. } if until <= now => Ok(Event::Returned),
            _ => Err(Refused::NotDue),
        }
    }

    /// Withdraws the decision: the requester no longer needs an answer.
    ///
    /// # Errors
    /// See [`Refused`]: not open any more.
    pub fn withdraw(&self, reason: String) -> Result<Event, Refused> {
        self.check_open()?;
        Ok(Event::Withdrawn { reason })
    }

    /// Claims the verdict for the agent, which is about to act on it. `None`: already claimed.
    ///
    /// # Errors
    /// [`Refused::NotResolved`] while the decision is open, [`Refused::Withdrawn`] after a
    /// withdrawal.
    pub fn claim(&self) -> Result<Option<Event>, Refused> {
        Ok(self.verdict()?.claimed_at.is_none().then_some(Event::Claimed))
    }

    /// The event for a repeated request, if the content differs. The risk and the number of
    /// approvals never drop below the earlier revision: an agent cannot change who may decide by
    /// asking again.
    #[must_use]
    pub fn revise(&self, request: &Request, terms: &Terms) -> Option<Event> {
        let (risk, approvals) =
            (terms.risk.max(self.terms.risk), terms.approvals.max(self.terms.approvals));
        // Policy admitted the safe default for the new request's risk, not for the higher risk kept
        // from the earlier revision.
        let safe_default =
            if risk >= Risk::High { SafeDefault::Reject } else { terms.safe_default };
        let precedent = terms.precedent.or(self.terms.precedent);
        let terms = Terms { risk, approvals, safe_default, precedent, ..terms.clone() };
        let terms = match precedent {
            Some(earlier) => terms.with_precedent(earlier),
            None => terms,
        };
        let differs = self.request != *request
            || self.terms.risk != terms.risk
            || self.terms.approvals != terms.approvals;
        // A resolved or withdrawn decision keeps the content for which the answer was given.
        (differs && self.state.is_open())
            .then(|| Event::Revised { request: Box::new(request.clone()), terms })
    }

    fn has_option(&self, option: &str) -> bool {
        self.request.options.iter().any(|choice| choice.name == option)
    }

    /// Checks that a person who saw this revision can still answer.
    ///
    /// # Errors
    /// See [`Refused`]: answered or withdrawn already, outdated revision.
    pub fn check_open_at(&self, seen: Revision) -> Result<(), Refused> {
        self.check_open()?;
        if seen == self.revision {
            Ok(())
        } else {
            Err(Refused::Outdated { seen, current: self.revision })
        }
    }

    pub(crate) fn check_open(&self) -> Result<(), Refused> {
        match &self.state {
            State::Pending(_) | State::Deferred { .. } => Ok(()),
            State::Resolved(resolved) => Err(Refused::AlreadyResolved(Box::new(resolved.clone()))),
            State::Withdrawn { reason, at } => {
                Err(Refused::Withdrawn { reason: reason.clone(), at: *at })
            }
        }
    }
}

/// Checks that a verdict that comes with a token, which an agent may hold, gives no grant beyond
/// the agent's session.
pub(crate) fn check_remote_grant(verdict: &Verdict) -> Result<(), Refused> {
    match verdict.grant() {
        Some(terms) if *terms != GrantTerms::SESSION => Err(Refused::GrantNeedsPerson),
        _ => Ok(()),
    }
}
