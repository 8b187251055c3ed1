//! A ladder laid out in time: the due times of the escalation steps of one decision.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Climb, Ladder, Passed, Stage, Warned, Way, When};
use crate::core::Time;
use crate::core::decision::SafeDefault;

/// An escalation step with its due time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The step's phase.
    pub stage: Stage,
    /// When the step is due. May be earlier than `planned` if the previous step reached no person.
    pub at: Time,
    /// The planned time, which identifies the step.
    pub planned: Time,
    /// The channels to use.
    pub by: Vec<Way>,
    /// Whether the step applies the safe default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Lower steps that were due and did not fire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<Passed>,
}

/// A step with its planned time.
#[derive(Debug)]
struct Planned {
    stage: Stage,
    at: Time,
    by: Vec<Way>,
    repeat: Option<TimeDelta>,
    default: bool,
}

/// The steps of one decision, in strictly ascending order of time.
#[derive(Debug)]
pub(super) struct Plan(Vec<Planned>);

/// A decision's progress on its plan. The phase is compared before the time, so a plan that became
/// shorter is still followed to its end.
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
    /// Builds the plan. A step that would fall at or after a later step's time is merged into the
    /// later step, which then also uses the merged step's channels.
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

    /// The step's first firing after `place`, repetitions included. The end of a ladder always lies
    /// ahead: `place` may come from another plan, and a waiting decision must not fall silent for
    /// this reason. The firing then keeps the phase already reached.
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

    /// Whether a step above the last step reached tells people of the breach before the safe
    /// default applies.
    pub(super) fn warns_behind(&self, climb: Option<&Climb>) -> bool {
        let place = climb.map(|climb| (climb.stage, climb.due));
        let warns = |index: usize| self.0[index].stage >= Stage::Breach && !self.0[index].default;
        (0..self.0.len()).any(|index| warns(index) && self.first_behind(index, place).is_some())
    }

    /// The step's last firing up to a time, repetitions included.
    fn last_until(&self, index: usize, until: Time) -> Option<Time> {
        let rung = &self.0[index];
        if rung.at > until {
            return None;
        }
        let Some(repeat) = rung.repeat else { return Some(rung.at) };
        // Repetitions end before the next step.
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

    /// The actual due time of a step planned for `planned`. An approval by silence keeps its
    /// planned distance from the moment when people were told of the breach, so that downtime of
    /// the bot cannot cause an approval.
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
            // A step that reached no person is followed by the next step at once, but only before
            // the breach. The breach step and repetitions of a step stay on time.
            (Some(climb), _)
                if climb.in_vain && rung.stage < Stage::Breach && planned == rung.at =>
            {
                planned.min(climb.at)
            }
            _ => planned,
        }
    }

    /// The next step.
    pub(super) fn next(&self, climb: Option<&Climb>, default: SafeDefault) -> Option<Due> {
        let place = climb.map(|climb| (climb.stage, climb.due));
        (0..self.0.len()).find_map(|index| {
            let first = self.first_behind(index, place)?;
            Some(self.due(index, first, self.effective(index, first.1, climb, default)))
        })
    }

    /// The highest step that is due, with the lower steps that are skipped.
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
            // A safe default of approve applies only after people were told of the breach, so the
            // lower step fires first.
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

    /// When the safe default applies, if every step fires on time.
    pub(super) fn default_at(&self, climb: Option<&Climb>, default: SafeDefault) -> Option<Time> {
        let index = self.0.iter().position(|rung| rung.default)?;
        // Only the step directly below can delay the safe default.
        let below = climb.filter(|climb| {
            index.checked_sub(1).is_some_and(|below| self.0[below].stage == climb.stage)
        });
        Some(self.effective(index, self.0[index].at, below, default))
    }
}
