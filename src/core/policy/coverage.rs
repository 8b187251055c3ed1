//! Finds combinations of project, kind and risk without an approver, from the rules alone, before
//! an agent asks for such a decision.

use std::collections::BTreeSet;

use super::rules::Rules;
use crate::core::decision::authorization::ApproverRule;
use crate::core::decision::{Kind, Risk};

/// Decisions that no approver rule covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageGap {
    /// Projects concerned.
    pub project: GapScope<String>,
    /// Kinds concerned.
    pub kind: GapScope<Kind>,
    /// Risks concerned.
    pub risks: Vec<Risk>,
}

/// Scope of a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GapScope<T> {
    /// All projects or kinds.
    Every,
    /// Only this project or kind.
    This(T),
    /// All projects or kinds that the configuration does not name.
    Other,
}

impl std::fmt::Display for CoverageGap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.project {
            GapScope::Every => f.write_str("every project")?,
            GapScope::This(name) => write!(f, "project {name}")?,
            GapScope::Other => f.write_str("every other project")?,
        }
        match &self.kind {
            GapScope::Every => {}
            GapScope::This(kind) => write!(f, ", kind {}", kind.as_str())?,
            GapScope::Other => f.write_str(", every other kind")?,
        }
        if self.risks.len() < Risk::ALL.len() {
            let risks: Vec<String> = self.risks.iter().map(ToString::to_string).collect();
            match risks.split_last() {
                Some((last, [])) => write!(f, ", {last} risk")?,
                Some((last, others)) => write!(f, ", {} and {last} risk", others.join(", "))?,
                None => {}
            }
        }
        Ok(())
    }
}

fn covers(rule: &ApproverRule, project: Option<&str>, kind: Option<&Kind>, risk: Risk) -> bool {
    (rule.projects.is_empty()
        || project.is_some_and(|project| rule.projects.iter().any(|name| name == project)))
        && (rule.kinds.is_empty() || kind.is_some_and(|kind| rule.kinds.contains(kind)))
        && (rule.risks.is_empty() || rule.risks.contains(&risk))
}

/// Risks without an approver. Skips risks below the policy's minimum: policy raises lower risks,
/// and therefore these never occur.
fn uncovered(rules: &Rules, project: Option<&str>, kind: Option<&Kind>) -> Vec<Risk> {
    let of_project = project.and_then(|project| rules.projects.get(project));
    let of_kind = kind.and_then(|kind| rules.kinds.get(kind));
    let floor = [of_project, of_kind]
        .into_iter()
        .flatten()
        .filter_map(|rule| rule.risk)
        .max()
        .unwrap_or(Risk::Low);
    let open = |risk: &Risk| {
        *risk >= floor && !rules.approvers.iter().any(|rule| covers(rule, project, kind, *risk))
    };
    Risk::ALL.iter().copied().filter(open).collect()
}

fn reach<T>(named: Option<T>, any_named: bool) -> GapScope<T> {
    match named {
        Some(named) => GapScope::This(named),
        None if any_named => GapScope::Other,
        None => GapScope::Every,
    }
}

/// Risks without an approver, per kind.
type Row = Vec<(GapScope<Kind>, Vec<Risk>)>;

/// All gaps in the rules. Without configured approvers, the application's owner decides everything
/// and no gap exists.
#[must_use]
pub fn gaps(rules: &Rules) -> Vec<CoverageGap> {
    if rules.approvers.is_empty() {
        return Vec::new();
    }
    let in_rules = rules.approvers.iter();
    let projects: BTreeSet<&String> =
        in_rules.clone().flat_map(|rule| &rule.projects).chain(rules.projects.keys()).collect();
    let kinds: BTreeSet<&Kind> =
        in_rules.flat_map(|rule| &rule.kinds).chain(rules.kinds.keys()).collect();
    let of_project = |project: Option<&str>| -> Row {
        let named = kinds.iter().copied().map(Some).chain([None]);
        let row: Vec<_> = named
            .map(|kind| (reach(kind.cloned(), !kinds.is_empty()), uncovered(rules, project, kind)))
            .collect();
        match row.first().cloned() {
            Some((_, risks)) if row.iter().all(|(_, others)| *others == risks) => {
                vec![(GapScope::Every, risks)]
            }
            _ => row,
        }
    };
    let named = projects.iter().map(|name| Some(name.as_str())).chain([None]);
    let table: Vec<_> = named
        .map(|project| {
            (reach(project.map(ToOwned::to_owned), !projects.is_empty()), of_project(project))
        })
        .collect();
    let table = match table.first().cloned() {
        Some((_, row)) if table.iter().all(|(_, others)| *others == row) => {
            vec![(GapScope::Every, row)]
        }
        _ => table,
    };
    let gap = |(project, row): (GapScope<String>, Row)| {
        let some = row.into_iter().filter(|(_, risks)| !risks.is_empty());
        some.map(move |(kind, risks)| CoverageGap { project: project.clone(), kind, risks })
            .collect::<Vec<_>>()
    };
    table.into_iter().flat_map(gap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy::rules::Rule;

    fn rule(projects: &[&str], kinds: &[&str], risks: &[Risk]) -> ApproverRule {
        ApproverRule {
            users: vec![1],
            projects: projects.iter().map(|name| (*name).to_owned()).collect(),
            kinds: kinds.iter().map(|kind| Kind::from(*kind)).collect(),
            risks: risks.to_vec(),
            ..ApproverRule::default()
        }
    }

    fn said(rules: &Rules) -> Vec<String> {
        gaps(rules).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn gaps_are_named_as_widely_as_they_reach() {
        let low = [Risk::Low, Risk::Medium];
        let cases: [(&str, Vec<ApproverRule>, Vec<&str>); 7] = [
            ("the owner", vec![], vec![]),
            ("one for all", vec![rule(&[], &[], &[])], vec![]),
            ("by project", vec![rule(&["shop"], &[], &[])], vec!["every other project"]),
            ("by risk", vec![rule(&[], &[], &low)], vec!["every project, high and critical risk"]),
            ("by kind", vec![rule(&[], &["deploy"], &[])], vec!["every project, every other kind"]),
            (
                "by project and risk",
                vec![rule(&["shop"], &[], &low)],
                vec!["project shop, high and critical risk", "every other project"],
            ),
            (
                "all low, and deployments of the shop",
                vec![rule(&[], &[], &low), rule(&["shop"], &["deploy"], &[])],
                vec![
                    "project shop, every other kind, high and critical risk",
                    "every other project, high and critical risk",
                ],
            ),
        ];
        for (case, approvers, expected) in cases {
            assert_eq!(said(&Rules { approvers, ..Rules::default() }), expected, "{case}");
        }
    }

    #[test]
    fn risks_below_what_policy_demands_are_never_met() {
        let strict = Rule { risk: Some(Risk::High), ..Rule::default() };
        let approvers = vec![rule(&[], &[], &[Risk::High, Risk::Critical])];
        let rules =
            Rules { approvers, projects: [("shop".to_owned(), strict)].into(), ..Rules::default() };
        assert_eq!(said(&rules), ["every other project, low and medium risk"]);
    }
}
