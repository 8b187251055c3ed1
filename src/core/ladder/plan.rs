//! A ladder laid out in time: the moments at which its rungs are due for one decision.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Climb, Ladder, Passed, Stage, Warned, Way, When};
use crate::core::Time;
use crate::core::decision::SafeDefault;

/// A rung that is due, or will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Its sort.
    pub stage: Stage,
    /// When it is due. Where nobody was reached before, earlier than the plan says.
    pub at: Time,
    /// When the plan says that it is: what tells it from the others.
    pub planned: Time,
    /// How people are reached.
    pub by: Vec<Way>,
    /// Whether the safe default is applied then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Those below it that were due and did not fire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<Passed>,
}

/// A rung in its place in time.
#[derive(Debug)]
struct Planned {
    stage: Stage,
    at: Time,
    by: Vec<Way>,
    repeat: Option<TimeDelta>,
    default: bool,
}

/// The rungs of one decision, each later than the one before.
#[derive(Debug)]
pub(super) struct Plan(Vec<Planned>);

/// Where a decision stands on its plan. Sorts before times, so that a plan that became shorter is
/// climbed to its end.
type Place = (Stage, Time);

fn span(seconds: u64) -> TimeDelta {
    i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX)
}

fn later(at: Time, by: TimeDelta) -> Time {
    at.checked_add_signed(by).unwrap_or(Time::MAX_UTC)
}

fn moment(when: When, since: Time, breach: Time) -> Time {
    match when {
        When::After(seconds) => later(since, span(seconds)),
        When::BeforeBreach(seconds) => {
            let sla = breach - since;
            if span(seconds) < sla { breach - span(seconds) } else { later(since, sla / 2) }
        }
        When::AfterBreach(seconds) => later(breach, span(seconds)),
    }
}

impl Plan {
    /// Rungs that would come after a later one are folded into it: it then reaches people by their
    /// ways too.
    pub(super) fn new(ladder: &Ladder, since: Time, breach: Time) -> Self {
        let mut plan: Vec<Planned> = Vec::new();
        for rung in ladder.rungs().iter().rev() {
            let at = moment(rung.when, since, breach);
            match plan.last_mut().filter(|above| above.at <= at) {
                Some(above) => above.by.extend(
                    rung.by
                        .iter()
                        .filter(|way| !above.by.contains(way))
                        .copied()
                        .collect::<Vec<_>>(),
                ),
                None => plan.push(Planned {
                    stage: rung.when.stage(),
                    at,
                    by: rung.by.clone(),
                    repeat: rung.repeat.map(span),
                    default: rung.default,
                }),
            }
        }
        plan.reverse();
        Self(plan)
    }

    /// The first moment of this rung behind a place, its repetitions included. The end of a ladder
    /// is never behind: the place may have been reached on another plan, and what waits must not
    /// fall silent for that. It then keeps the stage reached.
    fn first_behind(&self, index: usize, place: Option<Place>) -> Option<Place> {
        let rung = &self.0[index];
        let Some((stage, time)) = place.filter(|place| *place >= (rung.stage, rung.at)) else {
            return Some((rung.stage, rung.at));
        };
        if rung.default {
            return Some((stage, time.max(rung.at)));
        }
        let is_last = index + 1 == self.0.len();
        let repeat = rung.repeat.filter(|_| is_last || stage == rung.stage)?;
        if time < rung.at {
            return Some((stage, rung.at));
        }
        let times = (time - rung.at).num_milliseconds() / repeat.num_milliseconds().max(1) + 1;
        let next = i32::try_from(times)
            .ok()
            .and_then(|times| repeat.checked_mul(times))
            .map(|passed| later(rung.at, passed))?;
        self.0.get(index + 1).is_none_or(|above| next < above.at).then_some((stage, next))
    }

    /// Whether a rung above the last one reached tells people of the breach, before the end.
    pub(super) fn warns_behind(&self, climb: Option<&Climb>) -> bool {
        let place = climb.map(|climb| (climb.stage, climb.due));
        let warns = |index: usize| self.0[index].stage >= Stage::Breach && !self.0[index].default;
        (0..self.0.len()).any(|index| warns(index) && self.first_behind(index, place).is_some())
    }

    /// The last moment of this rung until a time, its repetitions included.
    fn last_until(&self, index: usize, until: Time) -> Option<Time> {
        let rung = &self.0[index];
        if rung.at > until {
            return None;
        }
        let Some(repeat) = rung.repeat else { return Some(rung.at) };
        // Repetitions end before the rung above.
        let end = self
            .0
            .get(index + 1)
            .map_or(until, |above| until.min(above.at - TimeDelta::milliseconds(1)));
        let times = (end - rung.at).num_milliseconds() / repeat.num_milliseconds().max(1);
        Some(
            i32::try_from(times)
                .ok()
                .and_then(|times| repeat.checked_mul(times))
                .map_or(rung.at, |passed| later(rung.at, passed)),
        )
    }

    fn due(&self, index: usize, (stage, planned): Place, at: Time) -> Due {
        let rung = &self.0[index];
        Due { stage, at, planned, by: rung.by.clone(), default: rung.default, passed: Vec::new() }
    }

    /// When a rung is due that is planned for a time. An approval by silence keeps its distance
    /// from the breach as people were told of it: a pause of the bot must not be what approves.
    fn effective(
        &self,
        index: usize,
        planned: Time,
        climb: Option<&Climb>,
        default: SafeDefault,
    ) -> Time {
        let rung = &self.0[index];
        let below = index.checked_sub(1).map(|below| &self.0[below]);
        match (climb, below) {
            (Some(climb), Some(below)) if rung.default && default == SafeDefault::Approve => {
                let told = if let Warned::Since(at) = climb.warned { at } else { climb.at };
                planned.max(later(told, rung.at - below.at))
            }
            // What reached nobody is not waited on, as far as people are warned of the breach: that
            // itself comes in its time, and so does the same rung again.
            (Some(climb), _)
                if climb.in_vain && rung.stage < Stage::Breach && planned == rung.at =>
            {
                planned.min(climb.at)
            }
            _ => planned,
        }
    }

    /// The rung that comes next.
    pub(super) fn next(&self, climb: Option<&Climb>, default: SafeDefault) -> Option<Due> {
        let place = climb.map(|climb| (climb.stage, climb.due));
        (0..self.0.len()).find_map(|index| {
            let first = self.first_behind(index, place)?;
            Some(self.due(index, first, self.effective(index, first.1, climb, default)))
        })
    }

    /// The highest rung that is due, with those that it passes over.
    pub(super) fn highest_due(
        &self,
        climb: Option<&Climb>,
        default: SafeDefault,
        now: Time,
    ) -> Option<Due> {
        let mut found: Option<Due> = None;
        let mut passed: Vec<Passed> = Vec::new();
        let place = climb.map(|climb| (climb.stage, climb.due));
        for index in 0..self.0.len() {
            let Some((stage, first)) = self.first_behind(index, place) else { continue };
            let at = self.effective(
                index,
                first,
                climb.filter(|climb| found.is_none() || !climb.in_vain),
                default,
            );
            if at > now {
                break;
            }
            // Silence approves only once people were told of the breach.
            if self.0[index].default && default == SafeDefault::Approve && found.is_some() {
                break;
            }
            let last = self.last_until(index, now).unwrap_or(first).max(first);
            passed.extend(found.take().map(|below| Passed {
                stage: below.stage,
                due: below.planned,
                times: 1,
            }));
            if last > first {
                let repeat =
                    self.0[index].repeat.map_or(1, |repeat| repeat.num_milliseconds().max(1));
                let times =
                    u32::try_from((last - first).num_milliseconds() / repeat).unwrap_or(u32::MAX);
                passed.push(Passed { stage, due: first, times });
            }
            found = Some(self.due(index, (stage, last), at.max(last.min(now))));
        }
        found.map(|due| Due { passed, ..due })
    }

    /// When the safe default is applied, if every rung fires in time.
    pub(super) fn default_at(&self, climb: Option<&Climb>, default: SafeDefault) -> Option<Time> {
        let index = self.0.iter().position(|rung| rung.default)?;
        // Only the rung right below it can hold it up.
        let below = climb.filter(|climb| {
            index.checked_sub(1).is_some_and(|below| self.0[below].stage == climb.stage)
        });
        Some(self.effective(index, self.0[index].at, below, default))
    }
}
