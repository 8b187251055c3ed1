//! Which tool calls the agent's own prompt may ask about while a person is at the desk.
//!
//! The prompt takes one keypress of the person at the desk. So it may ask only what that person may
//! decide alone, at a risk that the configuration allows, and nothing that people have begun to
//! decide. Does not depend on how a person is seen at the desk.

use chrono::TimeDelta;

use super::rules::Rules;
use crate::core::Time;
use crate::core::decision::authorization::{Voter, may_decide};
use crate::core::decision::event::Event;
use crate::core::decision::{AgentCall, Decision, OwnPrompt, Pending, Risk, State};

/// What the configuration lets the agent's own prompt ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskRules {
    /// The person at the desk.
    pub person: Voter,
    /// The highest risk.
    pub highest_risk: Risk,
    /// Whether a call with a masked secret may be asked there: the card shows that it has one, and
    /// the agent's prompt does not.
    pub masked: bool,
    /// Whether a call that runs files may be asked there: the card shows the files, and an approval
    /// is for these; the agent's prompt does not, and nobody looks at them again before they run.
    pub scripts: bool,
    /// How long people elsewhere are not asked, in store time.
    pub hand_over: TimeDelta,
}

impl DeskRules {
    /// The default of [`DeskRules::highest_risk`]: critical risk needs a typed word, for which an
    /// agent's prompt has no place.
    pub const HIGHEST_RISK: Risk = Risk::High;
    /// The default of [`DeskRules::hand_over`].
    pub const HAND_OVER: TimeDelta = TimeDelta::minutes(10);
}

/// The agent's offer to ask the person at the desk about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskOffer {
    /// The agent's prompt.
    pub prompt: OwnPrompt,
    /// The call.
    pub call: AgentCall,
}

/// Why a call is not asked at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAtDesk {
    /// The configuration names no way to see a person at the desk.
    NotConfigured,
    /// It is no tool call.
    NoCall,
    /// The risk is above the highest.
    Risk,
    /// The call contains a masked secret.
    Masked,
    /// It is a plan, which people read and answer elsewhere as they do the agent's questions.
    Plan,
    /// The call runs files.
    Scripts,
    /// The call was approved, and has changed since: only the card shows what changed.
    Changed,
    /// More than one person must approve.
    SeveralApprovals,
    /// The person at the desk may not decide it.
    NoApprover,
    /// People have handled the same question before, otherwise than with a yes.
    Precedent,
    /// People have begun to decide it, or have deferred it.
    Handled,
}

/// The event by which the agent's own prompt asks. Asking again does not prolong the quiet time.
///
/// # Errors
/// [`NotAtDesk`]: people are asked elsewhere, as without a person at the desk.
pub fn ask_at_desk(
    rules: &Rules,
    decision: &Decision,
    offer: &DeskOffer,
    now: Time,
) -> Result<Event, NotAtDesk> {
    let desk = rules.desk.as_ref().ok_or(NotAtDesk::NotConfigured)?;
    if !decision.is_call() {
        return Err(NotAtDesk::NoCall);
    }
    if decision.terms.risk > desk.highest_risk {
        return Err(NotAtDesk::Risk);
    }
    if !desk.masked && decision.request.masked_secrets() > 0 {
        return Err(NotAtDesk::Masked);
    }
    if decision.request.plan {
        return Err(NotAtDesk::Plan);
    }
    if !desk.scripts && !decision.request.scripts.is_empty() {
        return Err(NotAtDesk::Scripts);
    }
    if decision.request.changes.is_some() {
        return Err(NotAtDesk::Changed);
    }
    if decision.approvals_needed() > 1 {
        return Err(NotAtDesk::SeveralApprovals);
    }
    if may_decide(&rules.approvers, decision, &desk.person).is_err() {
        return Err(NotAtDesk::NoApprover);
    }
    if decision.terms.precedent.is_some() {
        return Err(NotAtDesk::Precedent);
    }
    match &decision.state {
        State::Pending(Pending { votes, taken: None, undone: None, proposals })
            if votes.is_empty() && proposals.is_empty() => {}
        _ => return Err(NotAtDesk::Handled),
    }
    let latest = now.checked_add_signed(desk.hand_over).unwrap_or(Time::MAX_UTC);
    let until = decision.at_desk().map_or(latest, |standing| standing.until.min(latest));
    Ok(Event::AskedAtDesk { prompt: offer.prompt, call: offer.call.clone(), until })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::authorization::ApproverRule;
    use crate::core::decision::{
        Agent, Changes, DecisionId, Person, Question, Request, Script, ScriptContent, Terms, Via,
    };

    fn at(minute: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn maya() -> Voter {
        Voter { owner: true, ..Person::discord(1, "Maya").into() }
    }

    fn rules() -> Rules {
        let desk = DeskRules {
            person: maya(),
            highest_risk: DeskRules::HIGHEST_RISK,
            masked: false,
            scripts: false,
            hand_over: DeskRules::HAND_OVER,
        };
        Rules { desk: Some(desk), ..Rules::default() }
    }

    fn offer() -> DeskOffer {
        DeskOffer { prompt: OwnPrompt::Both, call: AgentCall::default() }
    }

    fn call(risk: Risk) -> Decision {
        let request = Request {
            kind: "permission".into(),
            agent: Agent { name: "claude-code".into(), session: Some("s-1".into()) },
            title: "Run make".into(),
            body: "make".into(),
            risk,
            dedup_key: Some("gate:claude-code:s-1:ab".into()),
            ..Request::default()
        };
        Decision::new(DecisionId(1), request, Terms { risk, ..Terms::default() }, at(0))
    }

    fn refused(rules: &Rules, decision: &Decision) -> Option<NotAtDesk> {
        ask_at_desk(rules, decision, &offer(), at(0)).err()
    }

    #[test]
    fn it_is_for_calls_that_the_person_there_may_decide_alone() {
        assert_eq!(refused(&rules(), &call(Risk::High)), None);
        assert_eq!(refused(&rules(), &call(Risk::Critical)), Some(NotAtDesk::Risk));
        assert_eq!(refused(&Rules::default(), &call(Risk::Low)), Some(NotAtDesk::NotConfigured));
        let but = |change: &dyn Fn(&mut Decision)| {
            let mut decision = call(Risk::Low);
            change(&mut decision);
            refused(&rules(), &decision)
        };
        let secret = format!("curl -H ghp_{}", "a1B2c3D4e5".repeat(4));
        assert_eq!(but(&|it| it.request.body.clone_from(&secret)), Some(NotAtDesk::Masked));
        assert_eq!(but(&|it| it.terms.approvals = 2), Some(NotAtDesk::SeveralApprovals));
        assert_eq!(but(&|it| it.terms.precedent = Some(DecisionId(7))), Some(NotAtDesk::Precedent));
        let plain = |it: &mut Decision| {
            (it.request.kind, it.request.dedup_key) = ("naming".into(), None);
        };
        assert_eq!(but(&plain), Some(NotAtDesk::NoCall));
    }

    #[test]
    fn what_only_the_card_shows_is_asked_there() {
        let but = |change: &dyn Fn(&mut Request)| {
            let mut decision = call(Risk::Low);
            change(&mut decision.request);
            decision
        };
        let runs = but(&|it| {
            let (path, content) = ("deploy.sh".into(), ScriptContent::Unknown);
            it.scripts = vec![Script { path, content }];
        });
        assert_eq!(refused(&rules(), &runs), Some(NotAtDesk::Scripts));
        let desk = rules().desk.map(|desk| DeskRules { scripts: true, ..desk });
        assert_eq!(refused(&Rules { desk, ..rules() }, &runs), None);
        let plan = but(&|it| it.plan = true);
        assert_eq!(refused(&rules(), &plan), Some(NotAtDesk::Plan));
        let asks = but(&|it| {
            it.kind = "question".into();
            it.questions = vec![Question { id: "Which?".into(), ..Question::default() }];
        });
        assert_eq!(refused(&rules(), &asks), Some(NotAtDesk::NoCall));
        let changed = but(&|it| {
            it.changes = Some(Changes {
                since: DecisionId(7),
                by: Person::discord(1, "Maya"),
                via: Via::Discord,
                files: Vec::new(),
                diff: String::new(),
            });
        });
        assert_eq!(refused(&rules(), &changed), Some(NotAtDesk::Changed));
    }

    #[test]
    fn whom_the_approver_rules_leave_out_decides_nothing_at_the_desk_either() {
        let approvers = |user| vec![ApproverRule { users: vec![user], ..ApproverRule::default() }];
        let with = |user| Rules { approvers: approvers(user), ..rules() };
        assert_eq!(refused(&with(1), &call(Risk::Low)), None);
        assert_eq!(refused(&with(2), &call(Risk::Low)), Some(NotAtDesk::NoApprover));
    }

    #[test]
    fn what_people_have_begun_to_decide_stays_with_them() {
        let ann = || Person::discord(2, "Ann");
        let deferred = Event::Deferred { until: at(60), by: ann() };
        for event in [deferred, Event::Taken { by: ann(), from: None }] {
            let handled = call(Risk::Low).evolve(&event, at(1), 2);
            assert_eq!(refused(&rules(), &handled), Some(NotAtDesk::Handled), "{event:?}");
        }
    }

    #[test]
    fn asking_again_does_not_prolong_the_quiet_time() {
        let until = |decision: &Decision, now| match ask_at_desk(&rules(), decision, &offer(), now)
        {
            Ok(Event::AskedAtDesk { until, .. }) => until,
            other => panic!("{other:?}"),
        };
        let asked = call(Risk::Low);
        assert_eq!(until(&asked, at(0)), at(10));
        let event = ask_at_desk(&rules(), &asked, &offer(), at(0)).unwrap();
        let there = asked.evolve(&event, at(0), 2);
        assert_eq!(until(&there, at(9)), at(10));
        let left = there.evolve(&Event::LeftDesk, at(10), 3);
        assert_eq!(until(&left, at(12)), at(22), "somebody is there again");
    }
}
