//! Result of a health check, as data. The caller prints the result.

use serde::Serialize;

/// Result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// Area of the check, one or two words: `Discord`, `Store` …
    pub area: &'static str,
    /// Severity of the result.
    pub state: Health,
    /// What the check found.
    pub what: String,
    /// Remedy. Present unless the state is [`Health::Fine`].
    #[serde(rename = "mend")]
    pub remedy: Option<String>,
}

/// Severity of a result, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// No problem.
    Fine,
    /// Works, but needs attention.
    Warning,
    /// Does not work.
    Broken,
}

impl CheckResult {
    /// A result without a problem.
    pub fn fine(area: &'static str, what: impl Into<String>) -> Self {
        Self { area, state: Health::Fine, what: what.into(), remedy: None }
    }

    /// A problem that needs attention, and the remedy.
    pub fn warning(area: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { area, state: Health::Warning, what: what.into(), remedy: Some(remedy.into()) }
    }

    /// A failure, and the remedy.
    pub fn broken(area: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { area, state: Health::Broken, what: what.into(), remedy: Some(remedy.into()) }
    }
}
