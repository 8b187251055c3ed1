//! Grants: approvals that also cover later calls. A grant is part of the verdict that gives it;
//! each call that it lets through, and its end, are events of the decision.
//!
//! So far a verdict for the agent's session ([`super::session`]) is the only grant, and it covers
//! the exact call that was shown.

use serde::{Deserialize, Serialize};

use super::authorization::{Grounds, Voter};
use super::event::Event;
use super::refusal::Refused;
use super::{Agent, Decision, DecisionId, Person, Request, Resolved, State};
use crate::core::Time;
use crate::core::decision::session::SessionApproval;

/// What a grant covers, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantTerms {
    /// How long.
    pub span: GrantSpan,
}

/// How long a grant lasts, unless it is ended before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantSpan {
    /// Until the agent's session ends.
    Session,
    /// This number of seconds, from the verdict on.
    Seconds(u64),
    /// Until it is ended.
    UntilRevoked,
}

impl GrantTerms {
    /// The call that was shown, until the agent's session ends.
    pub const SESSION: Self = Self { span: GrantSpan::Session };
}

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
    /// The person who ended the grant; Gander, if the rules no longer allow the grant.
    pub by: Person,
    /// When.
    pub at: Time,
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
    /// The person who gave the grant.
    pub by: Person,
    /// When the grant was given.
    pub at: Time,
    /// When the grant ends by itself. Absent: with the agent's session.
    pub until: Option<Time>,
    /// Use and end.
    pub progress: GrantUse,
}

impl Decision {
    /// The grant that the current verdict gives, also after its end.
    #[must_use]
    pub fn grant(&self) -> Option<CallGrant> {
        let State::Resolved(resolved) = &self.state else { return None };
        resolved.verdict.grant().is_some().then(|| CallGrant {
            decision: self.id,
            project: self.request.project.clone(),
            agent: self.request.agent.clone(),
            key: self.request.dedup_key.clone(),
            by: resolved.by.clone(),
            at: resolved.at,
            until: None,
            progress: resolved.grant.clone(),
        })
    }

    /// The giver of the current verdict, as far as is recorded: the roles and ownership at the
    /// time.
    #[must_use]
    pub fn giver(&self) -> Option<Voter> {
        let State::Resolved(resolved) = &self.state else { return None };
        let Grounds { owner, roles } = resolved.grounds.clone();
        Some(Voter { person: resolved.by.clone(), roles, owner })
    }

    /// The event for a call that the grant lets through. `None`: the grant does not cover the call.
    #[must_use]
    pub fn use_grant(&self, request: &Request) -> Option<Event> {
        (self.reuse_for(request) == SessionApproval::Covers).then_some(Event::GrantUsed)
    }

    /// Ends the grant: the next call asks again.
    ///
    /// # Errors
    /// [`Refused::NoGrant`], [`Refused::GrantEnded`]; [`Refused::NotResolved`],
    /// [`Refused::Withdrawn`].
    pub fn end_grant(&self, by: Person) -> Result<Event, Refused> {
        let resolved = self.verdict()?;
        if resolved.verdict.grant().is_none() {
            return Err(Refused::NoGrant);
        }
        match &resolved.grant.ended {
            None => Ok(Event::GrantEnded { by }),
            Some(end) => Err(Refused::GrantEnded { by: end.by.clone(), at: end.at }),
        }
    }

    pub(crate) fn grant_used(&mut self, at: Time) {
        if let State::Resolved(Resolved { grant, .. }) = &mut self.state {
            grant.uses += 1;
            grant.used_at = Some(at);
        }
    }

    pub(crate) fn grant_ended(&mut self, by: Person, at: Time) {
        if let State::Resolved(resolved) = &mut self.state {
            resolved.grant.ended = Some(GrantEnd { by, at });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::session::PERMISSION;
    use crate::core::decision::{Revision, Terms, Verdict, Via};

    fn at(minutes: i64) -> Time {
        Time::UNIX_EPOCH + chrono::TimeDelta::minutes(minutes)
    }

    fn ann() -> Person {
        Person::discord(1, "Ann")
    }

    /// A call approved for the session.
    fn granted() -> Decision {
        let request = Request {
            kind: PERMISSION.into(),
            agent: Agent { name: "goose".into(), session: Some("s-1".into()) },
            title: "Run cargo test".into(),
            body: "cargo test".into(),
            dedup_key: Some("gate:goose:s-1:ab".into()),
            ..Request::default()
        };
        let asked = Decision::new(DecisionId(1), request, Terms::default(), at(0));
        let event =
            asked.resolve(Verdict::for_session(), ann(), Via::Discord, Revision(1)).unwrap();
        asked.evolve(&event, at(1), 2)
    }

    fn used(decision: Decision, minute: i64, seq: u64) -> Decision {
        let event = decision.use_grant(&decision.request.clone()).unwrap();
        decision.evolve(&event, at(minute), seq)
    }

    #[test]
    fn its_uses_are_counted_and_change_nothing_that_is_shown() {
        let twice = used(used(granted(), 2, 3), 5, 4);
        let grant = twice.grant().unwrap();
        assert_eq!((grant.progress.uses, grant.progress.used_at), (2, Some(at(5))));
        assert_eq!((grant.by, grant.at, grant.until), (ann(), at(1), None));
        assert_eq!((twice.changed, twice.verdict().unwrap().claimed_at), (2, None));
    }

    #[test]
    fn it_ends_at_any_time_and_covers_nothing_from_then_on() {
        let used = used(granted(), 2, 3);
        let used = used.clone().evolve(&used.claim().unwrap().unwrap(), at(3), 4);
        let year = at(60 * 24 * 365);
        let end = used.undo(Person::discord(2, "Ben"), year).unwrap();
        assert_eq!(end, Event::GrantEnded { by: Person::discord(2, "Ben") });
        let ended = used.evolve(&end, year, 5);
        let request = ended.request.clone();
        assert_eq!((ended.use_grant(&request), ended.covers_session()), (None, false));
        assert_eq!(ended.reuse_for(&request), SessionApproval::Nothing);
        assert!(matches!(ended.undo(ann(), year), Err(Refused::GrantEnded { .. })));
    }

    #[test]
    fn an_unclaimed_one_is_undone_however_late_and_an_ended_one_is_not_claimed_by_a_repetition() {
        let granted = granted();
        assert_eq!(granted.undo(ann(), at(60 * 48)), Ok(Event::Undone { by: ann() }));
        let twice = used(used(granted.clone(), 2, 3), 3, 4);
        let undone = twice.evolve(&Event::Undone { by: ann() }, at(4), 5);
        let State::Pending(pending) = undone.state else { panic!("it waits again") };
        assert_eq!(pending.undone.unwrap().uses, 2);
        let ended = granted.clone().evolve(&granted.end_grant(ann()).unwrap(), at(3), 3);
        assert_eq!(ended.reuse_for(&granted.request), SessionApproval::Nothing);
    }

    #[test]
    fn an_approval_for_once_gives_none() {
        let asked = Decision { state: State::Pending(Default::default()), ..granted() };
        let once = asked.resolve(Verdict::approved(), ann(), Via::Discord, Revision(1)).unwrap();
        let once = asked.evolve(&once, at(1), 2);
        assert_eq!((once.grant(), once.end_grant(ann())), (None, Err(Refused::NoGrant)));
    }
}
