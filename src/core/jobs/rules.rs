//! The configuration of the queue.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::guards::Guards;

/// What differs for one project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProjectJobRules {
    /// Jobs that may run at a time. `None`: as [`JobRules::running_per_project`].
    pub running: Option<u32>,
    /// How long a worker may give no output. `None`: as [`JobRules::stall`].
    pub stall: Option<TimeDelta>,
}

/// All configuration of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRules {
    /// Jobs that may run at a time, in all.
    pub running: u32,
    /// Jobs of one project that may run at a time.
    pub running_per_project: u32,
    /// What agents may enqueue without asking.
    pub guards: Guards,
    /// How long a lease lasts without being renewed.
    pub lease: TimeDelta,
    /// How long a worker may give no output before a person is asked.
    pub stall: TimeDelta,
    /// By project.
    pub projects: BTreeMap<String, ProjectJobRules>,
}

impl Default for JobRules {
    fn default() -> Self {
        Self {
            running: 10,
            running_per_project: 4,
            guards: Guards::default(),
            lease: TimeDelta::minutes(2),
            stall: TimeDelta::minutes(10),
            projects: BTreeMap::new(),
        }
    }
}

impl JobRules {
    /// Jobs of this project that may run at a time.
    #[must_use]
    pub fn running_in(&self, project: &str) -> u32 {
        let own = self.projects.get(project).and_then(|rules| rules.running);
        own.unwrap_or(self.running_per_project)
    }

    /// How long a worker of this project may give no output.
    #[must_use]
    pub fn stall_in(&self, project: &str) -> TimeDelta {
        self.projects.get(project).and_then(|rules| rules.stall).unwrap_or(self.stall)
    }

    /// The shortest time without output after which a worker of any project is stuck.
    #[must_use]
    pub fn shortest_stall(&self) -> TimeDelta {
        let own = self.projects.values().filter_map(|rules| rules.stall);
        own.chain([self.stall]).min().unwrap_or(self.stall)
    }
}
