//! What comes of a job. What nobody reported is absent, never zero.

use serde::{Deserialize, Serialize};

/// What an agent hands on when a job ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Handoff {
    /// What the job was for.
    pub goal: String,
    /// What was done.
    pub did: String,
    /// What the next agent must know.
    pub for_next: String,
    /// Files that were touched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files_touched: Vec<String>,
    /// What shows that it works.
    pub evidence: String,
    /// What was assumed without a check.
    pub assumptions: String,
}

impl Handoff {
    /// Whether nothing is handed on.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The size of all texts, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let files: usize = self.files_touched.iter().map(String::len).sum();
        let texts = [&self.goal, &self.did, &self.for_next, &self.evidence, &self.assumptions];
        files + texts.into_iter().map(String::len).sum::<usize>()
    }
}

/// The outcome of the project's own check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum Validation {
    /// The check passed.
    Passed {
        /// The command.
        command: String,
    },
    /// The check failed.
    Failed {
        /// The command.
        command: String,
        /// The end of its output.
        output: String,
    },
}

/// What a job used, as far as it was reported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// The provider of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens, read and written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// The cost, in millionths of a US dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<u64>,
}

impl Usage {
    /// Whether nothing was reported.
    #[must_use]
    pub fn is_unreported(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what a further attempt used. The latest provider and model stay.
    pub fn add(&mut self, more: &Self) {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (one, other) => one.or(other),
        };
        self.tokens = sum(self.tokens, more.tokens);
        self.cost_micro_usd = sum(self.cost_micro_usd, more.cost_micro_usd);
        if more.provider.is_some() {
            self.provider.clone_from(&more.provider);
        }
        if more.model.is_some() {
            self.model.clone_from(&more.model);
        }
    }
}

/// What a finished job left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobResult {
    /// The handoff.
    #[serde(skip_serializing_if = "Handoff::is_empty")]
    pub handoff: Handoff,
    /// The project's own check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The pull request's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<String>,
    /// The number of files changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_changed: Option<u32>,
    /// What the last attempt used.
    #[serde(skip_serializing_if = "Usage::is_unreported")]
    pub usage: Usage,
}
