//! An approval that lasts as long as the agent's session: which question offers it, and whether it
//! holds.
//!
//! A gate asks before each tool call, and the same call comes again and again. Who said yes to it
//! for the session is not asked again. What is "the same" is the asker's to say; must not know how
//! a gate compares two calls.

use super::decision::{Decision, Expects, Request, Risk, State, Verdict};
use super::refusal::Refused;

/// The kind of what a gate asks before an agent's tool call.
pub const PERMISSION: &str = "permission";

/// What the latest answer to the same call is good for, when the call comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// It covers the call: it was approved for the session.
    Covers,
    /// Nobody has picked it up, because it came after the call had to be told something: it is for
    /// this one.
    Unclaimed,
    /// Nothing: a person is asked.
    Nothing,
}

impl Request {
    /// Whether it is a gate's question before an agent's tool call. Its title names the call, its
    /// long text is what will run, exactly: a command, a diff, or what the tool is given.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        self.kind.as_str() == PERMISSION
    }
}

impl Decision {
    /// [`Request::is_permission`].
    #[must_use]
    pub fn is_permission(&self) -> bool {
        self.request.is_permission()
    }

    /// Whether it can be approved for the agent's session: a permission that one person gives, of
    /// an agent that says which session it is, and not of critical risk.
    #[must_use]
    pub fn offers_session(&self) -> bool {
        self.is_permission()
            && self.request.agent.session.as_ref().is_some_and(|session| !session.trim().is_empty())
            && self.request.expects == Expects::Approve
            && self.approvals_needed() == 1
            && self.terms.risk < Risk::Critical
    }

    /// Whether the same call of the same session needs no asking: it was approved for the session,
    /// and that stands.
    #[must_use]
    pub fn covers_session(&self) -> bool {
        matches!(&self.state, State::Resolved(resolved) if resolved.verdict.is_for_session())
    }

    /// Whether this was asked under the same key, as no less than that is, and showed the same:
    /// what was asked as something else was approved as that.
    #[must_use]
    pub fn was_asked_as(&self, request: &Request) -> bool {
        let shown = |request: &Request| {
            let Request { dedup_key, kind, title, details, body, .. } = request.clone();
            (dedup_key, kind, title, details, body)
        };
        shown(&self.request) == shown(request) && self.terms.risk >= request.risk
    }

    /// What its answer is good for, if the same call comes as this request.
    #[must_use]
    pub fn as_answer_to(&self, request: &Request) -> Earlier {
        match &self.state {
            State::Resolved(_) if self.was_asked_as(request) && self.covers_session() => {
                Earlier::Covers
            }
            State::Resolved(resolved)
                if resolved.claimed_at.is_none() && self.request == *request =>
            {
                Earlier::Unclaimed
            }
            _ => Earlier::Nothing,
        }
    }

    /// # Errors
    /// [`Refused::NotForSession`] if the verdict is for the session and that is not offered.
    pub(super) fn session_must_fit(&self, verdict: &Verdict) -> Result<(), Refused> {
        if verdict.is_for_session() && !self.offers_session() {
            Err(Refused::NotForSession)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Time;
    use crate::core::decision::{Agent, DecisionId, Person, Revision, Terms, Via};

    fn asked() -> Decision {
        let agent = Agent { name: "goose".into(), session: Some("s-1".into()) };
        let request = Request {
            kind: PERMISSION.into(),
            agent,
            title: "Run cargo test".into(),
            ..Request::default()
        };
        Decision::new(
            DecisionId(1),
            request,
            Terms { risk: Risk::Medium, sla_seconds: 60, ..Terms::default() },
            Time::UNIX_EPOCH,
        )
    }

    fn given(decision: &Decision) -> Result<Decision, Refused> {
        let event = decision.resolve(
            Verdict::for_session(),
            Person::discord(1, "Maya"),
            Via::Discord,
            Revision(1),
        )?;
        Ok(decision.clone().evolve(&event, Time::UNIX_EPOCH, 2))
    }

    #[test]
    fn it_is_offered_for_a_permission_of_a_session_only() {
        assert!(asked().offers_session());
        let but = |change: &dyn Fn(&mut Decision)| {
            let mut decision = asked();
            change(&mut decision);
            assert_eq!(given(&decision), Err(Refused::NotForSession));
        };
        but(&|decision| decision.request.kind = "deploy".into());
        but(&|decision| decision.request.agent.session = None);
        but(&|decision| decision.request.agent.session = Some("  ".into()));
        but(&|decision| decision.terms.approvals = 2);
        let mut critical = asked();
        critical.terms.risk = Risk::Critical;
        assert!(!critical.offers_session() && given(&critical).is_err());
    }

    #[test]
    fn it_covers_as_long_as_it_stands() {
        let given = given(&asked()).unwrap();
        assert!(given.covers_session());
        let undone = given.undo(Person::discord(1, "Maya"), Time::UNIX_EPOCH).unwrap();
        assert!(!given.evolve(&undone, Time::UNIX_EPOCH, 3).covers_session());
        let once = asked()
            .resolve(Verdict::approved(), Person::discord(1, "Maya"), Via::Discord, Revision(1))
            .unwrap();
        assert!(!asked().evolve(&once, Time::UNIX_EPOCH, 2).covers_session());
    }

    #[test]
    fn an_earlier_answer_is_for_the_same_call_asked_as_no_more() {
        let (given, request) = (given(&asked()).unwrap(), asked().request);
        assert_eq!(given.as_answer_to(&request), Earlier::Covers);
        let worse = Request { risk: Risk::High, ..request.clone() };
        let other = Request { body: "./other.sh".into(), ..request.clone() };
        assert_eq!(
            [&worse, &other].map(|request| given.as_answer_to(request)),
            [Earlier::Nothing; 2]
        );
        let approved = asked()
            .resolve(Verdict::approved(), Person::discord(1, "Maya"), Via::Discord, Revision(1))
            .unwrap();
        let once = asked().evolve(&approved, Time::UNIX_EPOCH, 2);
        assert_eq!(once.as_answer_to(&request), Earlier::Unclaimed);
        assert_eq!(once.as_answer_to(&worse), Earlier::Nothing);
        let claimed = once.claim().unwrap().unwrap();
        assert_eq!(
            once.evolve(&claimed, Time::UNIX_EPOCH, 3).as_answer_to(&request),
            Earlier::Nothing
        );
        assert_eq!(asked().as_answer_to(&request), Earlier::Nothing);
    }

    #[test]
    fn a_verdict_of_before_reads_and_writes_as_it_did() {
        let old = r#"{"verdict":"approved","note":"mind"}"#;
        let read: Verdict = serde_json::from_str(old).unwrap();
        assert_eq!(read, Verdict::noted(Some("mind".into())));
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
        assert_eq!(
            serde_json::to_string(&Verdict::for_session()).unwrap(),
            r#"{"verdict":"approved","for_session":true}"#
        );
    }
}
