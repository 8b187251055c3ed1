//! Repeated calls: whether an earlier verdict on a call covers it when the agent repeats it.
//!
//! A gate asks before each tool call, and identical calls recur. A person who approved a call for
//! the session ([`super::grant`]) is not asked again. The requester determines which calls are
//! identical; this module does not depend on how a gate compares two calls.

use super::editing::Editable;
use super::{Decision, RepeatedCall, Request, State};

/// The kind of a gate's question before an agent's tool call.
pub const PERMISSION: &str = "permission";

/// The kind of a question that an agent asks its person.
pub const QUESTION: &str = "question";

/// Prefix of the dedup keys of gates. Reserved for gates: a call runs when a decision with its key
/// is approved.
pub const GATE_KEY: &str = "gate:";

/// End of a gate's dedup key if nobody knows whether a repetition of the call would run the same.
pub const ONCE: &str = ":once";

/// A title that contains this many characters of a call already names the call.
pub const NAMES_IT: usize = 20;

/// The use of the latest verdict on a call when the call is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionApproval {
    /// The call was approved for later calls as well: no question is needed.
    Covers,
    /// The verdict arrived after the gate had to answer the earlier call, and no call has claimed
    /// the verdict. The repeated call may claim it.
    Unclaimed,
    /// No use: a person is asked.
    Nothing,
}

impl Request {
    /// Whether the request is a gate's question before an agent's tool call. The title names the
    /// call; the body is exactly what will run: a command, a diff, or the tool's input.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        self.kind.as_str() == PERMISSION
    }

    /// Whether the request shows a tool call: a permission, or a gate's question of a kind that the
    /// gate's rules name. The body is exactly what will run. What an agent asks its person is none:
    /// nothing runs.
    #[must_use]
    pub fn is_call(&self) -> bool {
        self.is_permission()
            || (self.questions.is_empty()
                && self.dedup_key.as_deref().is_some_and(|key| key.starts_with(GATE_KEY)))
    }

    /// Whether nobody knows that a repetition of the call would run the same.
    #[must_use]
    pub fn is_for_once(&self) -> bool {
        self.dedup_key.as_deref().is_some_and(|key| key.contains(GATE_KEY) && key.ends_with(ONCE))
    }

    /// The request as `earlier` introduced the call. An agent words the observation of a call anew
    /// each time, and a repetition does not tell what had changed before; the call stays the same.
    /// So do the grants that were offered: the patterns depend on the gate's rules, and change with
    /// them. What the verdict vouches for stays, too: the rules as they were when the call was
    /// asked.
    #[must_use]
    pub fn introduced_as(mut self, earlier: &Self) -> Self {
        if self.is_call() {
            self.insight.observation.clone_from(&earlier.insight.observation);
            self.grantable.clone_from(&earlier.grantable);
            self.changes.clone_from(&earlier.changes);
            self.editable = self.editable_as(earlier);
            self.attested.clone_from(&earlier.attested);
        }
        self
    }
}

impl Request {
    /// What may be changed in a repeated call: the arguments as they were at first, by what the
    /// gate found now.
    fn editable_as(&self, earlier: &Self) -> Option<Editable> {
        let input = earlier.editable.as_ref()?.input.clone();
        match &self.editable {
            Some(now) => Some(Editable { input, ..now.clone() }),
            None => earlier.editable.clone(),
        }
    }
}

impl Decision {
    /// See [`Request::is_permission`].
    #[must_use]
    pub fn is_permission(&self) -> bool {
        self.request.is_permission()
    }

    /// See [`Request::is_call`].
    #[must_use]
    pub fn is_call(&self) -> bool {
        self.request.is_call()
    }

    /// Whether this decision had the request's key, kind and displayed content, at the request's
    /// risk or higher. An approval covers only the exact call that was shown, at an equal or lower
    /// risk.
    #[must_use]
    pub fn shows_same_call_as(&self, request: &Request) -> bool {
        let shown = |request: &Request| {
            let Request { dedup_key, kind, title, details, body, scripts, .. } = request.clone();
            (dedup_key, kind, title, details, body, scripts)
        };
        shown(&self.request) == shown(request) && self.terms.risk >= request.risk
    }

    /// How this decision's verdict applies to a repetition of the call.
    #[must_use]
    pub fn reuse_for(&self, call: &RepeatedCall<'_>) -> SessionApproval {
        let request = call.request;
        match &self.state {
            State::Resolved(_) if self.covers(call) => SessionApproval::Covers,
            _ if self.is_unclaimed_answer_to(request) => SessionApproval::Unclaimed,
            _ => SessionApproval::Nothing,
        }
    }

    /// Whether this decision has a verdict for this request that nobody has claimed.
    #[must_use]
    pub fn is_unclaimed_answer_to(&self, request: &Request) -> bool {
        let State::Resolved(resolved) = &self.state else { return false };
        resolved.claimed_at.is_none()
            && resolved.grant.ended.is_none()
            && self.request == request.clone().introduced_as(&self.request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Time;
    use crate::core::decision::{
        Agent, Attested, DecisionId, Person, Refused, Revision, Risk, Script, ScriptContent, Terms,
        Verdict, Via,
    };

    /// How a verdict applies to a request.
    fn reuse(decision: &Decision, request: &Request) -> SessionApproval {
        let risk = request.risk;
        let call = RepeatedCall { request, risk, included_by: None, now: Time::UNIX_EPOCH };
        decision.reuse_for(&call)
    }

    fn asked() -> Decision {
        let agent = Agent { name: "goose".into(), session: Some("s-1".into()) };
        let request = Request {
            kind: PERMISSION.into(),
            agent,
            title: "Run cargo test".into(),
            body: "cargo test".into(),
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
        but(&|decision| decision.request.body = " \n".into());
        but(&|decision| decision.request.dedup_key = Some("user:1:gate:goose:s-1:ab:once".into()));
        let mut critical = asked();
        critical.terms.risk = Risk::Critical;
        assert!(!critical.offers_session() && given(&critical).is_err());
    }

    #[test]
    fn it_covers_as_long_as_it_stands() {
        let given = given(&asked()).unwrap();
        assert!(given.has_live_grant());
        let undone = given.undo(Person::discord(1, "Maya"), Time::UNIX_EPOCH).unwrap();
        assert!(!given.evolve(&undone, Time::UNIX_EPOCH, 3).has_live_grant());
        let once = asked()
            .resolve(Verdict::approved(), Person::discord(1, "Maya"), Via::Discord, Revision(1))
            .unwrap();
        assert!(!asked().evolve(&once, Time::UNIX_EPOCH, 2).has_live_grant());
    }

    #[test]
    fn an_earlier_answer_is_for_the_same_call_asked_as_no_more() {
        let (given, request) = (given(&asked()).unwrap(), asked().request);
        assert_eq!(reuse(&given, &request), SessionApproval::Covers);
        let worse = Request { risk: Risk::High, ..request.clone() };
        let other = Request { body: "./other.sh".into(), ..request.clone() };
        let script = Script { path: "x".into(), content: ScriptContent::Unknown };
        let runs = Request { scripts: vec![script], ..request.clone() };
        assert_eq!(
            [&worse, &other, &runs].map(|request| reuse(&given, request)),
            [SessionApproval::Nothing; 3]
        );
        let approved = asked()
            .resolve(Verdict::approved(), Person::discord(1, "Maya"), Via::Discord, Revision(1))
            .unwrap();
        let once = asked().evolve(&approved, Time::UNIX_EPOCH, 2);
        assert_eq!(reuse(&once, &request), SessionApproval::Unclaimed);
        let mut reworded = request.clone();
        reworded.insight.observation = "description: \"Trying once more\"".into();
        reworded.attested = Some(Attested { rules: "other".into(), call: "same".into() });
        assert_eq!(reuse(&once, &reworded), SessionApproval::Unclaimed);
        assert_eq!(reuse(&given, &reworded), SessionApproval::Covers);
        assert_eq!(reuse(&once, &worse), SessionApproval::Nothing);
        let claimed = once.claim().unwrap().unwrap();
        let claimed = once.evolve(&claimed, Time::UNIX_EPOCH, 3);
        assert_eq!(reuse(&claimed, &request), SessionApproval::Nothing);
        assert_eq!(reuse(&asked(), &request), SessionApproval::Nothing);
    }
}
