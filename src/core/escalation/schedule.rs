//! A ladder laid out in time: the due times of the escalation steps of one decision.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{BreachWarning, Channel, Ladder, LadderPosition, SkippedSteps, Stage, StepTime};
use crate::core::Time;
use crate::core::values::words::SafeDefault;

/// An escalation step with its due time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueStep {
    /// The step's phase.
    pub stage: Stage,
    /// When the step is due. May be earlier than `planned` if the previous step reached no person.
    pub at: Time,
    /// The planned time, which identifies the step.
    pub planned: Time,
    /// The channels to use.
    pub by: Vec<Channel>,
    /// Whether the step applies the safe default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Lower steps that were due and did not fire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<SkippedSteps>,
}

/// A step with its planned time.
#[derive(Debug)]
struct ScheduledStep {
    stage: Stage,
    at: Time,
    by: Vec<Channel>,
    repeat: Option<TimeDelta>,
    default: bool,
}

/// The steps of one decision, in strictly ascending order of time.
#[derive(Debug)]
pub(crate) struct Schedule(Vec<ScheduledStep>);

/// A decision's progress on its plan. The phase is compared before the time, so a plan that became
/// shorter is still followed to its end.
type Position = (Stage, Time);

fn span(seconds: u64) -> TimeDelta {
    i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX)
}

fn later(at: Time, by: TimeDelta) -> Time {
    at.checked_add_signed(by).unwrap_or(Time::MAX_UTC)
}

fn moment(when: StepTime, since: Time, breach: Time) -> Time {
    match when {
        StepTime::After(seconds) => later(since, span(seconds)),
        StepTime::BeforeBreach(seconds) => {
            let sla = breach - since;
            if span(seconds) < sla { breach - span(seconds) } else { later(since, sla / 2) }
        }
        StepTime::AfterBreach(seconds) => later(breach, span(seconds)),
    }
}

impl Schedule {
    /// Builds the plan. A step that would fall at or after a later step's time is merged into the
    /// later step, which then also uses the merged step's channels.
    pub(crate) fn new(ladder: &Ladder, since: Time, breach: Time) -> Self {
        let mut plan: Vec<ScheduledStep> = Vec::new();
        for step in ladder.steps().iter().rev() {
            let at = moment(step.when, since, breach);
            match plan.last_mut().filter(|above| above.at <= at) {
                Some(above) => above.by.extend(
                    step.by
                        .iter()
                        .filter(|channel| !above.by.contains(channel))
                        .copied()
                        .collect::<Vec<_>>(),
                ),
                None => plan.push(ScheduledStep {
                    stage: step.when.stage(),
                    at,
                    by: step.by.clone(),
                    repeat: step.repeat.map(span),
                    default: step.default,
                }),
            }
        }
        plan.reverse();
        Self(plan)
    }

    /// The step's first firing after `place`, repetitions included. The end of a ladder always lies
    /// ahead: `place` may come from another plan, and a waiting decision must not fall silent for
    /// this reason. The firing then keeps the phase already reached.
    fn first_after(&self, index: usize, place: Option<Position>) -> Option<Position> {
        let step = &self.0[index];
        let Some((stage, time)) = place.filter(|place| *place >= (step.stage, step.at)) else {
            return Some((step.stage, step.at));
        };
        if step.default {
            return Some((stage, time.max(step.at)));
        }
        let is_last = index + 1 == self.0.len();
        let repeat = step.repeat.filter(|_| is_last || stage == step.stage)?;
        if time < step.at {
            return Some((stage, step.at));
        }
        let times = (time - step.at).num_milliseconds() / repeat.num_milliseconds().max(1) + 1;
        let next = i32::try_from(times)
            .ok()
            .and_then(|times| repeat.checked_mul(times))
            .map(|passed| later(step.at, passed))?;
        self.0.get(index + 1).is_none_or(|above| next < above.at).then_some((stage, next))
    }

    /// Whether a step above the last step reached tells people of the breach before the safe
    /// default applies.
    pub(crate) fn warns_after(&self, position: Option<&LadderPosition>) -> bool {
        let place = position.map(|position| (position.stage, position.due));
        let warns = |index: usize| self.0[index].stage >= Stage::Breach && !self.0[index].default;
        (0..self.0.len()).any(|index| warns(index) && self.first_after(index, place).is_some())
    }

    /// The step's last firing up to a time, repetitions included.
    fn last_until(&self, index: usize, until: Time) -> Option<Time> {
        let step = &self.0[index];
        if step.at > until {
            return None;
        }
        let Some(repeat) = step.repeat else { return Some(step.at) };
        // Repetitions end before the next step.
        let end = self
            .0
            .get(index + 1)
            .map_or(until, |above| until.min(above.at - TimeDelta::milliseconds(1)));
        let times = (end - step.at).num_milliseconds() / repeat.num_milliseconds().max(1);
        Some(
            i32::try_from(times)
                .ok()
                .and_then(|times| repeat.checked_mul(times))
                .map_or(step.at, |passed| later(step.at, passed)),
        )
    }

    fn due(&self, index: usize, (stage, planned): Position, at: Time) -> DueStep {
        let step = &self.0[index];
        DueStep {
            stage,
            at,
            planned,
            by: step.by.clone(),
            default: step.default,
            passed: Vec::new(),
        }
    }

    /// The actual due time of a step planned for `planned`. The safe default keeps its planned
    /// distance from the step below, however late that step fired: people have the time that the
    /// step promised, also after the machine was suspended. An approval by silence keeps the
    /// distance from the moment when people were told of the breach, so that downtime of the bot
    /// cannot cause an approval.
    fn effective(
        &self,
        index: usize,
        planned: Time,
        position: Option<&LadderPosition>,
        default: SafeDefault,
    ) -> Time {
        let step = &self.0[index];
        let below = index.checked_sub(1).map(|below| &self.0[below]);
        match (position, below) {
            (Some(position), Some(below)) if step.default => match default {
                SafeDefault::Approve => {
                    let told = match position.warned {
                        BreachWarning::Since(at) => at,
                        _ => position.at,
                    };
                    planned.max(later(told, step.at - below.at))
                }
                SafeDefault::Reject => {
                    later(planned, (position.at - position.due).max(TimeDelta::zero()))
                }
            },
            // A step that reached no person is followed by the next step at once, but only before
            // the breach. The breach step and repetitions of a step stay on time.
            (Some(position), _)
                if position.in_vain && step.stage < Stage::Breach && planned == step.at =>
            {
                planned.min(position.at)
            }
            _ => planned,
        }
    }

    /// The next step.
    pub(crate) fn next(
        &self,
        position: Option<&LadderPosition>,
        default: SafeDefault,
    ) -> Option<DueStep> {
        let place = position.map(|position| (position.stage, position.due));
        (0..self.0.len()).find_map(|index| {
            let first = self.first_after(index, place)?;
            Some(self.due(index, first, self.effective(index, first.1, position, default)))
        })
    }

    /// The highest step that is due, with the lower steps that are skipped.
    pub(crate) fn highest_due(
        &self,
        position: Option<&LadderPosition>,
        default: SafeDefault,
        now: Time,
    ) -> Option<DueStep> {
        let mut found: Option<DueStep> = None;
        let mut passed: Vec<SkippedSteps> = Vec::new();
        let place = position.map(|position| (position.stage, position.due));
        for index in 0..self.0.len() {
            let Some((stage, first)) = self.first_after(index, place) else { continue };
            let at = self.effective(
                index,
                first,
                position.filter(|position| found.is_none() || !position.in_vain),
                default,
            );
            if at > now {
                break;
            }
            // The safe default applies only some time after people were told, so the lower step
            // fires first.
            if self.0[index].default && found.is_some() {
                break;
            }
            let last = self.last_until(index, now).unwrap_or(first).max(first);
            passed.extend(found.take().map(|below| SkippedSteps {
                stage: below.stage,
                due: below.planned,
                times: 1,
            }));
            if last > first {
                let repeat =
                    self.0[index].repeat.map_or(1, |repeat| repeat.num_milliseconds().max(1));
                let times =
                    u32::try_from((last - first).num_milliseconds() / repeat).unwrap_or(u32::MAX);
                passed.push(SkippedSteps { stage, due: first, times });
            }
            found = Some(self.due(index, (stage, last), at.max(last.min(now))));
        }
        found.map(|due| DueStep { passed, ..due })
    }

    /// When the safe default applies, if every step fires on time.
    pub(crate) fn default_at(
        &self,
        position: Option<&LadderPosition>,
        default: SafeDefault,
    ) -> Option<Time> {
        let index = self.0.iter().position(|step| step.default)?;
        // Only the step directly below can delay the safe default.
        let below = position.filter(|position| {
            index.checked_sub(1).is_some_and(|below| self.0[below].stage == position.stage)
        });
        Some(self.effective(index, self.0[index].at, below, default))
    }
}
