//! What the design says of a decision that waits, written down a second time: when a rung is due,
//! which one fires, what it passes over, and what silence means. It counts moments one by one where
//! the program calculates, and shares nothing with it but the names of things. It follows the log,
//! event by event, and refuses the first that should not be there.

mod events;

use std::collections::{BTreeMap, BTreeSet};

use gander::core::decision::event::{Event, Logged};
use gander::core::decision::{
    DecisionId, Expects, Person, Request, Risk, SafeDefault, Terms, Verdict, Via,
};
use gander::core::escalation::{Channel, Contact, ContactResult, DueStep, Stage, Step, StepTime};

/// A moment, in milliseconds since 1970.
pub(crate) type At = i64;

const DAY: At = 86_400_000;

/// People get one message for all that is due within this.
pub(crate) const WINDOW: At = 300_000;

/// Where a decision stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stands {
    Waits,
    PutOff { until: At },
    Decided { at: At, claimed: bool },
    Withdrawn,
}

/// What the ladder has come to, since it began.
#[derive(Debug, Clone)]
struct Reached {
    stage: Stage,
    planned: At,
    fired: At,
    seq: u64,
    /// The rung with which silence decides.
    last: bool,
    contacts: BTreeMap<(Option<String>, &'static str), bool>,
    complete: bool,
    /// The content was exchanged since: whoever is reached now was told of the other one.
    of_another: bool,
}

impl Reached {
    fn in_vain(&self) -> bool {
        self.complete && !self.contacts.values().any(|reached| *reached)
    }
}

/// A moment of the ladder: which rung, of what stage, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    step: usize,
    stage: Stage,
    at: At,
}

/// What must happen now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Must {
    LadderPosition {
        stage: Stage,
        planned: At,
        passed: u32,
        channels: BTreeSet<&'static str>,
        last: bool,
    },
    Approve,
    Reject,
    Return,
    LeaveDesk,
}

/// A decision as the design sees it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    stands: Stands,
    began: At,
    /// Until when only somebody at the desk is asked.
    desk: Option<At>,
    /// Whether the agent's own prompt was ever left to ask.
    prompted: bool,
    request: Request,
    pub(crate) terms: Terms,
    pub(crate) revision: u32,
    reached: Option<Reached>,
    /// When somebody was reached with the breach, of this content.
    told_of_breach: Option<At>,
    deferrals: u32,
    voted: BTreeSet<String>,
    verdicts: u32,
}

/// A rung that stands in the plan, and by which ways it reaches people.
struct Standing<'a> {
    step: &'a Step,
    at: At,
    channels: BTreeSet<&'static str>,
}

impl Case {
    fn new(request: Request, terms: Terms, at: At) -> Self {
        Self {
            stands: Stands::Waits,
            began: at,
            desk: None,
            prompted: false,
            request,
            terms,
            revision: 1,
            reached: None,
            told_of_breach: None,
            deferrals: 0,
            voted: BTreeSet::new(),
            verdicts: 0,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.stands, Stands::Waits | Stands::PutOff { .. })
    }

    fn begin(&mut self, at: At) {
        (self.stands, self.began, self.reached, self.told_of_breach) =
            (Stands::Waits, at, None, None);
    }

    /// A choice and an answer are one person's.
    fn needed(&self) -> u32 {
        if self.request.expects == Expects::Approve {
            self.terms.approvals.max(self.request.approvals_needed)
        } else {
            1
        }
    }

    fn sla(&self) -> At {
        At::try_from(self.terms.sla_seconds).unwrap() * 1000
    }

    fn when(&self, step: &Step) -> At {
        let breach = self.began + self.sla();
        let ms = |seconds: u64| At::try_from(seconds).unwrap() * 1000;
        match step.when {
            StepTime::After(seconds) => self.began + ms(seconds),
            StepTime::BeforeBreach(seconds) if ms(seconds) < self.sla() => breach - ms(seconds),
            StepTime::BeforeBreach(_) => self.began + self.sla() / 2,
            StepTime::AfterBreach(seconds) => breach + ms(seconds),
        }
    }

    /// A rung that falls at or after a later one is folded into it.
    fn plan(&self) -> Vec<Standing<'_>> {
        let steps = self.terms.ladder.steps();
        let times: Vec<At> = steps.iter().map(|step| self.when(step)).collect();
        let mut folded: BTreeSet<&'static str> = BTreeSet::new();
        let mut plan = Vec::new();
        for (n, step) in steps.iter().enumerate() {
            folded.extend(step.by.iter().map(|channel| channel.word()));
            if times[n + 1..].iter().all(|later| *later > times[n]) {
                plan.push(Standing { step, at: times[n], channels: std::mem::take(&mut folded) });
            }
        }
        plan
    }

    /// The moments that lie above the place that was reached, up to a time and at least one.
    fn above(&self, until: At) -> Vec<Moment> {
        let plan = self.plan();
        let mut above = Vec::new();
        for (n, Standing { step, at, .. }) in plan.iter().enumerate() {
            let end = plan.get(n + 1).map(|next| next.at);
            let mut at = *at;
            loop {
                let moment = Moment { step: n, stage: step.when.stage(), at };
                above.extend(self.lies_above(moment, end.is_none(), step.default));
                let enough = at > until && !above.is_empty();
                match step.repeat {
                    Some(pause)
                        if !enough
                            && end.is_none_or(|end| {
                                at + At::try_from(pause).unwrap() * 1000 < end
                            }) =>
                    {
                        at += At::try_from(pause).unwrap() * 1000;
                    }
                    _ => break,
                }
            }
        }
        above
    }

    /// The end of a ladder is never behind: whatever the plan was before, silence ends there, or is
    /// broken again.
    fn lies_above(&self, moment: Moment, is_last: bool, default: bool) -> Option<Moment> {
        let Some(Reached { stage, planned, .. }) = &self.reached else { return Some(moment) };
        if (moment.stage, moment.at) > (*stage, *planned) {
            return Some(moment);
        }
        let goes_on = is_last && (default || moment.at > *planned);
        goes_on.then(|| Moment {
            stage: moment.stage.max(*stage),
            at: moment.at.max(*planned),
            ..moment
        })
    }

    /// When a moment counts as come. The end keeps its distance from the rung below, however late
    /// that fired; silence that approves, from the last rung that people heard of. Below the breach, what reached nobody is not waited on.
    fn comes(&self, moment: Moment, is_first: bool) -> At {
        let plan = self.plan();
        let Some(reached) = &self.reached else { return moment.at };
        let ends = plan[moment.step].step.default;
        if ends && self.terms.safe_default == SafeDefault::Approve && moment.step > 0 {
            let distance = plan[moment.step].at - plan[moment.step - 1].at;
            return moment.at.max(self.told_of_breach.unwrap_or(reached.fired) + distance);
        }
        if ends && moment.step > 0 {
            return moment.at + (reached.fired - reached.planned).max(0);
        }
        // The same rung again keeps its time.
        let is_again = moment.at != plan[moment.step].at;
        let pulled = is_first
            && reached.in_vain()
            && !is_again
            && plan[moment.step].step.when.stage() < Stage::Breach;
        if pulled { moment.at.min(reached.fired) } else { moment.at }
    }

    /// What silence means in the end.
    fn silence(&self) -> Must {
        let may = self.terms.safe_default == SafeDefault::Approve
            && matches!(self.terms.risk, Risk::Low | Risk::Medium)
            && self.request.expects == Expects::Approve
            && self.needed() <= 1
            && self.request.kind.as_str() != "credentials"
            && self.told_of_breach.is_some();
        if may { Must::Approve } else { Must::Reject }
    }

    /// What must happen now. `window`: how much earlier a reminder may come, because a message goes
    /// out anyway.
    pub(crate) fn must(&self, now: At, window: At) -> Option<Must> {
        match self.stands {
            Stands::Decided { .. } | Stands::Withdrawn => return None,
            Stands::PutOff { until } => return (until <= now).then_some(Must::Return),
            Stands::Waits => {}
        }
        if let Some(until) = self.desk {
            return (until <= now).then_some(Must::LeaveDesk);
        }
        if self.reached.as_ref().is_some_and(|reached| reached.last) {
            // At once, even if the clock was set back: but not before it began.
            return (self.began <= now).then(|| self.silence());
        }
        let plan = self.plan();
        let above = self.above(now);
        let mut due: Vec<Moment> = Vec::new();
        for (n, moment) in above.iter().enumerate() {
            if self.comes(*moment, n == 0) > now {
                break;
            }
            // The end passes over nothing: people must have been told.
            if plan[moment.step].step.default && !due.is_empty() {
                break;
            }
            due.push(*moment);
        }
        if due.is_empty() && window > 0 {
            let next = above.first().copied();
            due.extend(next.filter(|next| {
                next.stage == Stage::Reminder && self.comes(*next, true) <= now + window
            }));
        }
        let highest = due.last()?;
        let Standing { step, channels, .. } = &plan[highest.step];
        let passed = u32::try_from(due.len() - 1).unwrap();
        Some(Must::LadderPosition {
            stage: highest.stage,
            planned: highest.at,
            passed,
            channels: channels.clone(),
            last: step.default,
        })
    }

    /// When something must happen next.
    pub(crate) fn wakes(&self) -> Option<At> {
        match &self.stands {
            Stands::Decided { .. } | Stands::Withdrawn => None,
            Stands::PutOff { until } => Some(*until),
            Stands::Waits if self.desk.is_some() => self.desk,
            Stands::Waits => match &self.reached {
                Some(reached) if reached.last => Some(self.began),
                _ => self.above(At::MIN).first().map(|first| self.comes(*first, true)),
            },
        }
    }
}

fn escalate(step: &DueStep) -> Must {
    let passed = step.passed.iter().map(|passed| passed.times).sum();
    let channels = step.by.iter().map(|channel: &Channel| channel.word()).collect();
    Must::LadderPosition {
        stage: step.stage,
        planned: step.planned.timestamp_millis(),
        passed,
        channels,
        last: step.default,
    }
}

/// What holds for silence, in the configuration of whoever serves.
pub(crate) trait Allows {
    fn silence_may_approve(&self, request: &Request) -> bool;
}

/// All decisions of a history.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    pub(crate) cases: BTreeMap<DecisionId, Case>,
    /// Rungs that have fired since each ladder began.
    fired: BTreeMap<DecisionId, Vec<(Stage, At)>>,
}

impl Reference {
    /// Follows an event. `gathers`: something is due now, so that a message goes out anyway.
    pub(crate) fn follow(
        &mut self,
        logged: &Logged,
        gathers: bool,
        rules: &dyn Allows,
    ) -> Result<(), String> {
        let (id, at) = (logged.decision, logged.at.timestamp_millis());
        if let Event::Asked { request, terms } = &logged.event {
            let known = self.cases.insert(id, Case::new((**request).clone(), terms.clone(), at));
            return if known.is_none() { Ok(()) } else { Err(format!("{id} was asked twice")) };
        }
        let case = self.cases.get_mut(&id).ok_or_else(|| format!("{id} was never asked"))?;
        let refused = |why: &str| Err(format!("{id}: {why}: {:?} although {case:?}", logged.event));
        if let Event::StepFired { step } = &logged.event {
            let is = escalate(step);
            let expected =
                case.must(at, 0).or_else(|| gathers.then(|| case.must(at, WINDOW)).flatten());
            if expected.as_ref() != Some(&is) {
                return refused(&format!("what must happen now is {expected:?}"));
            }
            let fired = self.fired.entry(id).or_default();
            if !step.default && fired.contains(&(step.stage, step.planned.timestamp_millis())) {
                return refused("this rung has fired before");
            }
            fired.push((step.stage, step.planned.timestamp_millis()));
        }
        if let Event::Resolved { verdict, by, via: Via::SafeDefault, .. } = &logged.event {
            let is =
                if matches!(verdict, Verdict::Approved(_)) { Must::Approve } else { Must::Reject };
            if case.must(at, 0) != Some(is.clone()) || *by != Person::gander() {
                return refused("this is not what silence means");
            }
            if is == Must::Approve && !rules.silence_may_approve(&case.request) {
                return refused("whoever serves does not allow that");
            }
        }
        let (before, was_there) = (case.began, case.desk.is_some());
        case.follow(&logged.event, at, logged.seq)
            .map_err(|why| format!("{id}: {why}: {:?} although {case:?}", logged.event))?;
        if case.began != before
            || (was_there && case.desk.is_none())
            || matches!(
                logged.event,
                Event::Deferred { .. } | Event::Undone { .. } | Event::Returned
            )
        {
            self.fired.remove(&id);
        }
        Ok(())
    }

    /// Whether anything must happen now.
    pub(crate) fn anything_due(&self, now: At) -> Option<(DecisionId, Must)> {
        self.cases.iter().find_map(|(id, case)| Some((*id, case.must(now, 0)?)))
    }

    /// When anything must happen next.
    pub(crate) fn wakes(&self) -> Option<At> {
        self.cases.values().filter_map(Case::wakes).min()
    }

    pub(crate) fn open(&self) -> Vec<DecisionId> {
        self.cases.iter().filter(|(_, case)| case.is_open()).map(|(id, _)| *id).collect()
    }
}
