//! Guards against runs without end: an agent may enqueue jobs, within limits. Beyond a limit, a
//! person is asked about each further job.

use serde::{Deserialize, Serialize};

use super::request::Enqueuer;
use super::{JobRequest, Usage};

/// What the agents of one run may enqueue without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards {
    /// Jobs of a run.
    pub jobs_per_run: u32,
    /// Jobs between a run's first job and its deepest.
    pub depth: u32,
    /// Tokens that a run may use, as far as they are reported. `None`: no limit.
    pub tokens: Option<u64>,
    /// What a run may cost, in millionths of a US dollar, as far as it is reported. `None`: no
    /// limit.
    pub cost_micro_usd: Option<u64>,
}

impl Default for Guards {
    fn default() -> Self {
        Self { jobs_per_run: 30, depth: 3, tokens: None, cost_micro_usd: None }
    }
}

/// What a run has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// Its jobs, without those that a person refused beyond a guard.
    pub jobs: u32,
    /// What they used, as far as it was reported.
    pub usage: Usage,
}

/// The guard that a job is beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "guard", rename_all = "snake_case")]
pub enum GuardReached {
    /// [`Guards::jobs_per_run`].
    Jobs {
        /// The limit.
        limit: u32,
    },
    /// [`Guards::depth`].
    Depth {
        /// The limit.
        limit: u32,
    },
    /// [`Guards::tokens`].
    Tokens {
        /// The limit.
        limit: u64,
        /// What the run has used.
        used: u64,
    },
    /// [`Guards::cost_micro_usd`].
    Cost {
        /// The limit, in millionths of a US dollar.
        limit: u64,
        /// What the run has cost, in millionths of a US dollar.
        used: u64,
    },
}

impl Guards {
    /// The guard that a further job of a run is beyond. `None`: it may be enqueued.
    #[must_use]
    pub fn reached(
        &self,
        request: &JobRequest,
        depth: u32,
        run: &RunTotals,
    ) -> Option<GuardReached> {
        if !matches!(request.by, Enqueuer::Agent { .. }) {
            return None;
        }
        if run.jobs >= self.jobs_per_run {
            return Some(GuardReached::Jobs { limit: self.jobs_per_run });
        }
        if depth > self.depth {
            return Some(GuardReached::Depth { limit: self.depth });
        }
        let over = |limit: Option<u64>, used: Option<u64>| {
            limit.zip(used).filter(|(limit, used)| used >= limit)
        };
        if let Some((limit, used)) = over(self.tokens, run.usage.tokens) {
            return Some(GuardReached::Tokens { limit, used });
        }
        let cost = over(self.cost_micro_usd, run.usage.cost_micro_usd);
        cost.map(|(limit, used)| GuardReached::Cost { limit, used })
    }
}
