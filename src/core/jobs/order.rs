//! The order of the queue: priority plus the urgency of the deadline, then age.
//!
//! The urgency changes with time in a few steps. A [`Score`] says how long it holds, so that an
//! index can keep it.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Job;
use crate::core::Time;
use crate::core::decision::Priority;

/// How long before its deadline a job that nobody has begun is at risk.
pub const RISK_BEFORE: TimeDelta = TimeDelta::hours(48);

/// How far a first or last place is from all others.
const FAR: i32 = 1_000;

/// The steps of urgency: from this time relative to the deadline, this much.
const STEPS: [(TimeDelta, i32); 6] = [
    (TimeDelta::MIN, 0),
    (TimeDelta::days(-14), 1),
    (TimeDelta::days(-7), 2),
    (TimeDelta::days(-2), 3),
    (TimeDelta::zero(), 4),
    // What is long past due must not sit on top for ever.
    (TimeDelta::days(7), 0),
];

/// A place in the queue: the greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// The value.
    pub value: i32,
    /// The first moment for which it holds. `None`: it always has.
    pub from: Option<Time>,
    /// The first moment for which it no longer holds. `None`: it holds for ever.
    pub until: Option<Time>,
}

/// Where a person moves a job, among the jobs of its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// One priority higher.
    Up,
    /// One priority lower.
    Down,
    /// Before all that nobody moved to the front.
    First,
    /// Behind all that nobody moved to the end.
    Last,
    /// To the place that it has by itself.
    Back,
}

impl Move {
    /// The bias of a job after the move.
    #[must_use]
    pub fn applied(self, bias: i32) -> i32 {
        match self {
            Self::Up => (bias + 1).min(FAR),
            Self::Down => (bias - 1).max(-FAR),
            Self::First => FAR,
            Self::Last => -FAR,
            Self::Back => 0,
        }
    }
}

impl std::str::FromStr for Move {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_lowercase().as_str() {
            "up" => Ok(Self::Up),
            "down" => Ok(Self::Down),
            "first" => Ok(Self::First),
            "last" => Ok(Self::Last),
            "back" => Ok(Self::Back),
            _ => Err(format!("{text:?} is not one of up, down, first, last, back")),
        }
    }
}

const fn weight(priority: Priority) -> i32 {
    match priority {
        Priority::Low => 1,
        Priority::Normal => 2,
        Priority::High => 3,
        Priority::Urgent => 4,
    }
}

/// How much a deadline adds, with the times between which it does.
fn urgency(deadline: Option<Time>, now: Time) -> Score {
    let Some(deadline) = deadline else { return Score { value: 0, from: None, until: None } };
    let starts = |step: usize| {
        STEPS.get(step).filter(|_| step > 0).and_then(|(at, _)| deadline.checked_add_signed(*at))
    };
    let begun = |step: &usize| starts(*step).is_some_and(|start| start <= now);
    let step = (1..STEPS.len()).rev().find(begun).unwrap_or(0);
    Score { value: STEPS[step].1, from: starts(step), until: starts(step + 1) }
}

impl Job {
    /// The job's place in the queue of its project at this time.
    #[must_use]
    pub fn score(&self, now: Time) -> Score {
        let urgency = urgency(self.request.deadline, now);
        let base = weight(self.request.priority) + self.bias + i32::from(self.at_risk.is_some());
        Score { value: base + urgency.value, ..urgency }
    }

    /// When the job is at risk of its deadline, if nobody begins it before. `None`: never, or it
    /// was found already.
    #[must_use]
    pub fn at_risk_from(&self) -> Option<Time> {
        let waits = matches!(self.state, super::JobState::Queued)
            && self.attempts == 0
            && self.at_risk.is_none();
        let deadline = self.request.deadline.filter(|_| waits)?;
        Some(deadline.checked_sub_signed(RISK_BEFORE).unwrap_or(Time::MIN_UTC))
    }
}
