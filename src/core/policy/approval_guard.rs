//! Detects approvals given without reading, and asks for a second confirmation.
//!
//! Two habits are detected: approving a high-risk decision within a second of opening it, and
//! approving ten decisions in a row without opening any. Neither is forbidden, so a second click
//! suffices. The guard covers only approvals by button. Bulk approval is limited to low risk and
//! shows a preview, an answer is typed, a choice names the chosen option, and critical risk
//! requires a typed word for approvals and choices alike.
//!
//! Pure: the time is an argument. The state per person is small and lost when the process ends; the
//! worst effect is one confirmation too many or too few.

use std::collections::VecDeque;

use chrono::TimeDelta;

use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Risk};

/// When to ask for a second confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Minimum time between opening a high-risk decision and approving it. Zero disables the check.
    pub glance: TimeDelta,
    /// Number of approvals in a row, without opening any decision, after which the next approval
    /// needs confirmation. 0 disables the check.
    pub in_a_row: u32,
}

impl Default for Guard {
    fn default() -> Self {
        Self { glance: TimeDelta::seconds(1), in_a_row: 10 }
    }
}

impl Guard {
    /// Never asks.
    #[must_use]
    pub const fn off() -> Self {
        Self { glance: TimeDelta::zero(), in_a_row: 0 }
    }
}

/// Maximum number of opened decisions remembered per person. Only decisions opened within the last
/// second matter.
const REMEMBERED: usize = 20;

/// Why a second confirmation is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfirmReason {
    /// High risk, and opened a moment ago.
    JustOpened,
    /// This would be the given number of approvals in a row without opening any decision.
    InARow(u32),
}

/// The recent approval behaviour of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Habits {
    opened: VecDeque<(DecisionId, Time)>,
    /// Approvals since the person last opened a decision.
    in_a_row: u32,
}

impl Habits {
    /// Records that the person opened a decision: its card or its details, visible only to the
    /// person.
    pub fn open(&mut self, id: DecisionId, at: Time) {
        self.in_a_row = 0;
        self.opened.retain(|(opened, _)| *opened != id);
        self.opened.push_back((id, at));
        if self.opened.len() > REMEMBERED {
            self.opened.pop_front();
        }
    }

    /// Why the person must confirm an approval of this decision, if at all.
    #[must_use]
    pub fn confirm_reason(
        &self,
        guard: Guard,
        decision: &Decision,
        now: Time,
    ) -> Option<ConfirmReason> {
        // Critical risk is confirmed by typing, which takes longer than either check requires.
        if decision.confirmation().is_some() {
            return None;
        }
        let just_opened =
            self.opened.iter().any(|(id, at)| *id == decision.id && now - *at < guard.glance);
        if decision.terms.risk >= Risk::High && just_opened {
            return Some(ConfirmReason::JustOpened);
        }
        (guard.in_a_row > 0 && self.in_a_row >= guard.in_a_row)
            .then_some(ConfirmReason::InARow(self.in_a_row + 1))
    }

    /// Records an approval.
    pub const fn approve(&mut self) {
        self.in_a_row = self.in_a_row.saturating_add(1);
    }

    /// Records a confirmed approval and restarts the count.
    pub const fn confirm_approval(&mut self) {
        self.in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::{Request, Terms};

    fn decision(id: i64, risk: Risk) -> Decision {
        let terms = Terms { risk, ..Terms::default() };
        Decision::new(DecisionId(id), Request::default(), terms, Time::UNIX_EPOCH)
    }

    fn at(millis: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::milliseconds(millis)
    }

    #[test]
    fn high_risk_is_not_read_within_a_second() {
        let mut habits = Habits::default();
        assert_eq!(
            habits.confirm_reason(Guard::default(), &decision(1, Risk::High), at(0)),
            None,
            "on its card, which hangs there for all"
        );
        habits.open(DecisionId(1), at(0));
        assert_eq!(
            habits.confirm_reason(Guard::default(), &decision(1, Risk::High), at(999)),
            Some(ConfirmReason::JustOpened)
        );
        assert_eq!(habits.confirm_reason(Guard::off(), &decision(1, Risk::High), at(999)), None);
        assert_eq!(
            habits.confirm_reason(Guard::default(), &decision(1, Risk::High), at(1_000)),
            None
        );
        assert_eq!(
            habits.confirm_reason(Guard::default(), &decision(2, Risk::High), at(1)),
            None,
            "another one"
        );
        assert_eq!(
            habits.confirm_reason(Guard::default(), &decision(1, Risk::Medium), at(1)),
            None
        );
        assert_eq!(
            habits.confirm_reason(Guard::default(), &decision(1, Risk::Critical), at(1)),
            None,
            "that is confirmed by typing"
        );
        habits.open(DecisionId(1), at(5_000));
        assert_eq!(
            habits.confirm_reason(Guard::default(), &decision(1, Risk::High), at(5_500)),
            Some(ConfirmReason::JustOpened),
            "opened again"
        );
    }

    #[test]
    fn ten_in_a_row_without_opening_one_are_a_habit() {
        let mut habits = Habits::default();
        for _ in 0..Guard::default().in_a_row {
            assert_eq!(
                habits.confirm_reason(Guard::default(), &decision(1, Risk::Low), at(0)),
                None
            );
            habits.approve();
        }
        assert_eq!(
            habits.confirm_reason(Guard::default(), &decision(1, Risk::Low), at(0)),
            Some(ConfirmReason::InARow(11))
        );
        assert_eq!(habits.confirm_reason(Guard::off(), &decision(1, Risk::Low), at(0)), None);
        let mut sure = habits.clone();
        sure.confirm_approval();
        assert_eq!(sure.confirm_reason(Guard::default(), &decision(1, Risk::Low), at(0)), None);
        habits.open(DecisionId(7), at(0));
        assert_eq!(
            habits.confirm_reason(Guard::default(), &decision(1, Risk::Low), at(0)),
            None,
            "opening any one is looking"
        );
    }

    #[test]
    fn no_more_is_remembered_than_matters() {
        let mut habits = Habits::default();
        for id in 0..1_000 {
            habits.open(DecisionId(id), at(id));
        }
        assert_eq!(habits.opened.len(), REMEMBERED);
    }
}
