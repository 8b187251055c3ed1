//! `[work]` and the keys of `[projects.NAME]` about workers.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How workers treat the jobs of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTerms {
    /// Whether a person approves the agent's plan before it works.
    pub plan: bool,
    /// Whether a person approves the finished work.
    pub review: bool,
    /// The command that checks the work, for the shell. `None`: `make check`, where there is such a
    /// target. Empty: none.
    pub validation: Option<String>,
}

/// The configuration of workers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkConfig {
    /// The agent, unless the command line names one.
    pub agent: Option<String>,
    usual: Part,
    projects: BTreeMap<String, Part>,
}

/// The terms, as far as a section sets them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) plan: Option<bool>,
    pub(super) review: Option<bool>,
    pub(super) validation: Option<String>,
}

impl WorkConfig {
    /// The terms of a project's jobs.
    #[must_use]
    pub fn terms(&self, project: &str) -> WorkTerms {
        let none = Part::default();
        let own = self.projects.get(project).unwrap_or(&none);
        WorkTerms {
            plan: own.plan.or(self.usual.plan).unwrap_or(false),
            review: own.review.or(self.usual.review).unwrap_or(true),
            validation: own.validation.clone().or_else(|| self.usual.validation.clone()),
        }
    }
}

/// `[work]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WorkSection {
    agent: Option<String>,
    plan: Option<bool>,
    review: Option<bool>,
    validation: Option<String>,
}

impl WorkSection {
    /// The configuration, with what differs by project.
    pub(super) fn config(self, projects: BTreeMap<String, Part>) -> WorkConfig {
        let Self { agent, plan, review, validation } = self;
        WorkConfig { agent, usual: Part { plan, review, validation }, projects }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_says_what_differs() {
        let section =
            WorkSection { review: Some(false), plan: Some(true), ..WorkSection::default() };
        let shop = Part { plan: Some(false), validation: Some("npm test".into()), review: None };
        let config = section.config(BTreeMap::from([("shop".into(), shop)]));
        let expected =
            WorkTerms { plan: false, review: false, validation: Some("npm test".into()) };
        assert_eq!(config.terms("shop"), expected);
        assert_eq!(config.terms("x"), WorkTerms { plan: true, review: false, validation: None });
        let usual = WorkConfig::default().terms("x");
        assert_eq!(usual, WorkTerms { plan: false, review: true, validation: None });
    }
}
