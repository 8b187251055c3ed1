//! `[jobs]`: limits and guards of the queue.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use chrono::TimeDelta;
use serde::Deserialize;

use super::TimeSpan;
use super::place::{Place, WrongValue};
use crate::core::jobs::{Guards, JobRules, ProjectJobRules};
use crate::core::policy::rules::project_name;

/// The shortest and the longest time without output.
const STALL: std::ops::RangeInclusive<u64> = 30..=7 * 24 * 3600;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct JobsSection {
    running: Option<NonZeroU32>,
    running_per_project: Option<NonZeroU32>,
    stall: Option<TimeSpan>,
    per_run: Option<NonZeroU32>,
    depth: Option<u32>,
    budget_tokens: Option<u64>,
    budget_usd: Option<f64>,
    projects: BTreeMap<String, ProjectSection>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ProjectSection {
    running: Option<NonZeroU32>,
    stall: Option<TimeSpan>,
}

impl JobsSection {
    /// The rules of the queue.
    ///
    /// # Errors
    /// [`WrongValue`].
    pub(super) fn rules(&self) -> Result<JobRules, WrongValue> {
        let usual = JobRules::default();
        let guards = Guards {
            jobs_per_run: self.per_run.map_or(usual.guards.jobs_per_run, NonZeroU32::get),
            depth: self.depth.unwrap_or(usual.guards.depth),
            tokens: self.budget_tokens,
            cost_micro_usd: self.budget_usd.map(micro_usd).transpose()?,
        };
        let mut projects = BTreeMap::new();
        for (name, project) in &self.projects {
            let place = ["jobs", "projects", name, "stall"];
            let rules = ProjectJobRules {
                running: project.running.map(NonZeroU32::get),
                stall: project.stall.map(|span| stall(span, &place)).transpose()?,
            };
            projects.insert(project_name(name), rules);
        }
        let own_stall = self.stall.map(|span| stall(span, &["jobs", "stall"])).transpose()?;
        Ok(JobRules {
            running: self.running.map_or(usual.running, NonZeroU32::get),
            running_per_project: self
                .running_per_project
                .map_or(usual.running_per_project, NonZeroU32::get),
            guards,
            stall: own_stall.unwrap_or(usual.stall),
            projects,
            ..usual
        })
    }
}

fn stall(TimeSpan(seconds): TimeSpan, place: &[&str]) -> Result<TimeDelta, WrongValue> {
    let span = i64::try_from(seconds).ok().filter(|_| STALL.contains(&seconds));
    span.and_then(TimeDelta::try_seconds).ok_or_else(|| {
        Place::of(place).wrong("the time without output must be from 30s to 7d, such as 10m")
    })
}

/// The most that a budget can be, in US dollars.
const LARGEST_BUDGET: f64 = 1_000_000.0;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked: neither negative nor large"
)]
fn micro_usd(usd: f64) -> Result<u64, WrongValue> {
    if (0.0..=LARGEST_BUDGET).contains(&usd) {
        return Ok((usd * 1e6).round() as u64);
    }
    let what = "the budget must be from 0 to 1000000, in US dollars, such as 5.0";
    Err(Place::of(&["jobs", "budget_usd"]).wrong(what))
}
