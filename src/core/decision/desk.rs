//! A tool call about which the agent's own prompt asks, because a person is at the desk.
//!
//! The prompt belongs to the agent. Gander does not see what the person answers there, only that
//! the call ran, or that the prompt is gone. The end of the prompt is therefore no verdict: it
//! closes the question, and lets nothing run.

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::{Decision, State};
use crate::core::Time;

/// The agent's own prompt beside the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnPrompt {
    /// The agent also hears an answer that is given elsewhere: the first answer wins.
    Both,
    /// Only the person at the desk can answer.
    Alone,
}

/// How a question at the desk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskOutcome {
    /// The agent reported that the call ran.
    Ran,
    /// The agent's prompt is gone, and the agent did not report that the call ran.
    Closed,
}

/// A tool call in the words of its agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentCall {
    /// What identifies the call within the agent's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The subagent that makes the call. Absent: the agent itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
}

/// The question at the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    /// The agent's prompt.
    pub prompt: OwnPrompt,
    /// The call.
    #[serde(flatten)]
    pub call: AgentCall,
    /// When people are asked elsewhere, unless the question is over before.
    pub until: Time,
    /// Since when people are asked elsewhere, or have handled the question there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Time>,
    /// How the question ended at the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<DeskOutcome>,
}

/// The reason of the withdrawal where the outcome is not shown.
const ENDED: &str = "ended at the desk";

impl Decision {
    /// The question at the desk, while nobody is asked elsewhere: no message pings, and the ladder
    /// has not begun.
    #[must_use]
    pub fn at_desk(&self) -> Option<&Desk> {
        let is_pending = matches!(self.state, State::Pending(_));
        self.desk.as_ref().filter(|desk| is_pending && desk.left_at.is_none())
    }

    /// Whether an answer given elsewhere reaches no agent: only its own prompt is answered.
    #[must_use]
    pub fn is_answered_at_desk_only(&self) -> bool {
        let alone = |desk: &Desk| desk.prompt == OwnPrompt::Alone;
        self.state.is_open() && self.desk.as_ref().is_some_and(alone)
    }

    /// How the question ended at the desk, if it did.
    #[must_use]
    pub fn desk_outcome(&self) -> Option<DeskOutcome> {
        self.desk.as_ref()?.outcome
    }

    /// The event by which people are asked elsewhere from now on. `None`: they are asked already,
    /// or the question is over.
    #[must_use]
    pub fn leave_desk(&self) -> Option<Event> {
        self.at_desk().map(|_| Event::LeftDesk)
    }

    /// The event for the end of the agent's prompt. `None`: the question was never at the desk, or
    /// is over.
    #[must_use]
    pub fn end_at_desk(&self, outcome: DeskOutcome) -> Option<Event> {
        let was_there = self.desk.is_some() && self.state.is_open();
        was_there.then_some(Event::EndedAtDesk { outcome })
    }

    pub(crate) fn left_desk(&mut self, at: Time) {
        if self.at_desk().is_some() {
            self.handled_elsewhere(at);
            // An edit of the quiet card would notify nobody.
            self.returns += 1;
            self.restart_ladder(at);
        }
    }

    pub(crate) fn handled_elsewhere(&mut self, at: Time) {
        if let Some(desk) = &mut self.desk {
            desk.left_at.get_or_insert(at);
        }
    }

    pub(crate) fn ended_at_desk(&mut self, outcome: DeskOutcome, at: Time) {
        if let Some(desk) = &mut self.desk {
            desk.outcome = Some(outcome);
        }
        self.state = State::Withdrawn { reason: ENDED.to_owned(), at };
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::core::decision::{
        DecisionId, Person, Refused, Request, Revision, Risk, Terms, Verdict, Via,
    };

    fn at(minute: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn event(until: i64) -> Event {
        let call = AgentCall { call: Some("toolu_1".into()), thread: None };
        Event::AskedAtDesk { prompt: OwnPrompt::Both, call, until: at(until) }
    }

    /// A call that has been at the desk since the first minute, for ten minutes.
    fn there() -> Decision {
        let terms = Terms { sla_seconds: 3_600, ..Terms::default() };
        let asked = Decision::new(DecisionId(1), Request::default(), terms, at(0));
        asked.evolve(&event(10), at(0), 2)
    }

    #[test]
    fn the_ladder_and_the_sla_begin_when_people_are_asked_elsewhere() {
        let there = there();
        assert_eq!((there.wake_at(), there.breach_at()), (Some(at(10)), at(70)));
        let soon = TimeDelta::minutes(30);
        assert_eq!(there.due_action(at(9), soon), None);
        assert_eq!(there.escalate(at(9), soon), Err(Refused::NotDue));
        assert_eq!(there.escalate(at(10), soon), Ok(Event::LeftDesk));
        let left = there.clone().evolve(&Event::LeftDesk, at(4), 3);
        assert_eq!((left.at_desk(), left.returns, left.leave_desk()), (None, 1, None));
        assert_eq!((left.ladder_began_at(), left.breach_at()), (at(4), at(64)));
        assert_eq!(left.clone().evolve(&Event::LeftDesk, at(5), 4).returns, 1, "once");
        assert!(left.wake_at().is_some_and(|wake| wake > at(4)));
    }

    #[test]
    fn the_end_of_the_prompt_closes_the_question_and_is_no_verdict() {
        for outcome in [DeskOutcome::Ran, DeskOutcome::Closed] {
            let ended = there().evolve(&there().end_at_desk(outcome).unwrap(), at(2), 3);
            assert_eq!((ended.desk_outcome(), ended.state.is_open()), (Some(outcome), false));
            assert!(ended.verdict().is_err() && ended.claim().is_err());
            assert_eq!((ended.end_at_desk(outcome), ended.wake_at()), (None, None));
        }
        let left = there().evolve(&Event::LeftDesk, at(4), 3);
        assert!(left.end_at_desk(DeskOutcome::Ran).is_some(), "the prompt still stands");
    }

    #[test]
    fn what_was_never_at_the_desk_does_not_end_there() {
        let asked = Decision::new(DecisionId(1), Request::default(), Terms::default(), at(0));
        assert_eq!((asked.end_at_desk(DeskOutcome::Ran), asked.leave_desk()), (None, None));
    }

    #[test]
    fn what_people_did_elsewhere_is_not_quiet_again() {
        let ann = || Person::discord(1, "Ann");
        let verdict = there()
            .resolve(Verdict::approved(), ann(), Via::Discord, Revision(1))
            .expect("an answer elsewhere counts");
        let undone =
            there().evolve(&verdict, at(1), 3).evolve(&Event::Undone { by: ann() }, at(2), 4);
        let deferred = there().evolve(&Event::Deferred { until: at(5), by: ann() }, at(1), 3);
        let back = deferred.evolve(&Event::Returned, at(5), 4);
        assert_eq!((undone.at_desk(), back.at_desk()), (None, None));
    }

    #[test]
    fn a_risk_that_rises_is_not_quiet() {
        let terms = Terms { risk: Risk::Critical, ..there().terms };
        let raised = there().evolve(&Event::Enforced { terms }, at(3), 3);
        assert_eq!((raised.at_desk(), raised.ladder_began_at(), raised.returns), (None, at(3), 1));
        let same = there().terms;
        assert!(there().evolve(&Event::Enforced { terms: same }, at(3), 3).at_desk().is_some());
    }

    #[test]
    fn it_is_stored_and_read_again_and_absent_elsewhere() {
        let there = there();
        let text = serde_json::to_string(&there).unwrap();
        assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), there);
        let plain = Decision { desk: None, ..there };
        assert!(!serde_json::to_string(&plain).unwrap().contains("\"desk\":"));
        let event = serde_json::to_value(event(10)).unwrap();
        assert_eq!((&event["event"], &event["prompt"]), (&"at_desk".into(), &"both".into()));
    }
}
