//! What the histories came by, so that they cannot quietly become tame.

use std::collections::BTreeMap;
use std::fmt;

use chrono::TimeDelta;
use gander::core::decision::event::Event;
use gander::core::decision::{Verdict, Via};

use crate::sink::Counts;

/// What happened, counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) histories: u64,
    pub(crate) with_sink: u64,
    pub(crate) steps: u64,
    pub(crate) events: u64,
    pub(crate) deaths: u64,
    pub(crate) forward: u64,
    pub(crate) backward: u64,
    pub(crate) calms: u64,
    happened: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn count(&mut self, what: impl Into<String>) {
        *self.happened.entry(what.into()).or_default() += 1;
    }

    pub(crate) fn happened(&self, what: &str) -> u64 {
        self.happened.get(what).copied().unwrap_or(0)
    }

    pub(crate) fn jump(&mut self, by: TimeDelta) {
        *(if by < TimeDelta::zero() { &mut self.backward } else { &mut self.forward }) += 1;
    }

    pub(crate) fn event(&mut self, event: &Event) {
        self.events += 1;
        match event {
            Event::Resolved { verdict, via: Via::SafeDefault, .. } => {
                self.count(if *verdict == Verdict::approved() {
                    "silence approved"
                } else {
                    "silence rejected"
                });
            }
            Event::Resolved { verdict, .. } => self.count(verdict.word()),
            Event::StepFired { step } => {
                self.count(format!("rung: {}", step.stage));
                if !step.passed.is_empty() {
                    self.count("rungs passed over");
                }
            }
            other => self.count(other.word()),
        }
    }

    pub(crate) fn sink(&mut self, counts: &Counts) {
        let all = [
            ("card posted", counts.posted),
            ("batch posted", counts.batches),
            ("card edited", counts.edited),
            ("board: refused", counts.refused),
            ("board: answer lost", counts.unheard),
            ("board: never answered", counts.silent),
            ("board: message gone", counts.lost),
        ];
        for (what, count) in all {
            *self.happened.entry(what.into()).or_default() += count;
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.histories += other.histories;
        self.with_sink += other.with_sink;
        self.steps += other.steps;
        self.events += other.events;
        self.deaths += other.deaths;
        self.forward += other.forward;
        self.backward += other.backward;
        self.calms += other.calms;
        for (what, count) in other.happened {
            *self.happened.entry(what).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:#?}", self.happened)?;
        write!(
            f,
            "{} histories on a real store ({} of them with a board of cards, which was true {} \
             times): {} steps, {} events, {} deaths, \
             {} jumps forward, {} back",
            self.histories,
            self.with_sink,
            self.calms,
            self.steps,
            self.events,
            self.deaths,
            self.forward,
            self.backward
        )
    }
}
