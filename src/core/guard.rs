//! Whether somebody approves without looking: then they are asked once more.
//!
//! Two habits are known by their traces. Who approves what is of high risk within a second of
//! opening it has not read it; and who approves ten in a row without opening one has stopped
//! choosing. Neither is forbidden, so a second click does it. It is about approvals by a button. A
//! list is approved together at low risk alone and is shown before, an answer is typed, a choice
//! names what is chosen, and at critical risk a word is typed for an approval and a choice alike.
//! Pure: it is told the time. What it remembers of a person is small and lost with the process,
//! which asks no more than once too often or once too seldom.

use std::collections::VecDeque;

use chrono::TimeDelta;

use super::Time;
use super::decision::{Decision, DecisionId, Risk};

/// When somebody is asked once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Less than this from opening to approving is too little to read a card; zero: it never is.
    pub glance: TimeDelta,
    /// So many approvals without opening one are a habit; 0: they never are.
    pub in_a_row: u32,
}

impl Default for Guard {
    fn default() -> Self {
        Self { glance: TimeDelta::seconds(1), in_a_row: 10 }
    }
}

impl Guard {
    /// Nobody is ever asked.
    #[must_use]
    pub const fn off() -> Self {
        Self { glance: TimeDelta::zero(), in_a_row: 0 }
    }
}

/// Opened decisions that are remembered of a person: only those of the last second count.
const REMEMBERED: usize = 20;

/// Why somebody is asked once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It is of high risk, and they opened it a moment ago.
    JustOpened,
    /// It would be this many approvals in a row without opening one.
    InARow(u32),
}

/// What is remembered of how one person approves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Habits {
    opened: VecDeque<(DecisionId, Time)>,
    /// Approvals since they last opened one.
    in_a_row: u32,
}

impl Habits {
    /// They opened this one: its card or its details, for them alone.
    pub fn open(&mut self, id: DecisionId, at: Time) {
        self.in_a_row = 0;
        self.opened.retain(|(opened, _)| *opened != id);
        self.opened.push_back((id, at));
        if self.opened.len() > REMEMBERED {
            self.opened.pop_front();
        }
    }

    /// Why they are asked once more before they approve this one, if they are.
    #[must_use]
    pub fn doubt(&self, guard: Guard, decision: &Decision, now: Time) -> Option<Doubt> {
        // Critical risk is confirmed by typing, which takes longer than any of this.
        if decision.confirmation().is_some() {
            return None;
        }
        let just_opened =
            self.opened.iter().any(|(id, at)| *id == decision.id && now - *at < guard.glance);
        if decision.terms.risk >= Risk::High && just_opened {
            return Some(Doubt::JustOpened);
        }
        (guard.in_a_row > 0 && self.in_a_row >= guard.in_a_row)
            .then_some(Doubt::InARow(self.in_a_row + 1))
    }

    /// They approved one.
    pub const fn approve(&mut self) {
        self.in_a_row = self.in_a_row.saturating_add(1);
    }

    /// They were asked once more, and are sure: the count begins anew.
    pub const fn be_sure(&mut self) {
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
            habits.doubt(Guard::default(), &decision(1, Risk::High), at(0)),
            None,
            "on its card, which hangs there for all"
        );
        habits.open(DecisionId(1), at(0));
        assert_eq!(
            habits.doubt(Guard::default(), &decision(1, Risk::High), at(999)),
            Some(Doubt::JustOpened)
        );
        assert_eq!(habits.doubt(Guard::off(), &decision(1, Risk::High), at(999)), None);
        assert_eq!(habits.doubt(Guard::default(), &decision(1, Risk::High), at(1_000)), None);
        assert_eq!(
            habits.doubt(Guard::default(), &decision(2, Risk::High), at(1)),
            None,
            "another one"
        );
        assert_eq!(habits.doubt(Guard::default(), &decision(1, Risk::Medium), at(1)), None);
        assert_eq!(
            habits.doubt(Guard::default(), &decision(1, Risk::Critical), at(1)),
            None,
            "that is confirmed by typing"
        );
        habits.open(DecisionId(1), at(5_000));
        assert_eq!(
            habits.doubt(Guard::default(), &decision(1, Risk::High), at(5_500)),
            Some(Doubt::JustOpened),
            "opened again"
        );
    }

    #[test]
    fn ten_in_a_row_without_opening_one_are_a_habit() {
        let mut habits = Habits::default();
        for _ in 0..Guard::default().in_a_row {
            assert_eq!(habits.doubt(Guard::default(), &decision(1, Risk::Low), at(0)), None);
            habits.approve();
        }
        assert_eq!(
            habits.doubt(Guard::default(), &decision(1, Risk::Low), at(0)),
            Some(Doubt::InARow(11))
        );
        assert_eq!(habits.doubt(Guard::off(), &decision(1, Risk::Low), at(0)), None);
        let mut sure = habits.clone();
        sure.be_sure();
        assert_eq!(sure.doubt(Guard::default(), &decision(1, Risk::Low), at(0)), None);
        habits.open(DecisionId(7), at(0));
        assert_eq!(
            habits.doubt(Guard::default(), &decision(1, Risk::Low), at(0)),
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
