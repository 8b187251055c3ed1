//! The limits of policy on grants: the longest, up to which risk, of which projects and kinds.
//!
//! Never at critical risk, whatever the configuration says; without any configuration only of
//! permissions. A grant that was given under other rules is judged by the present ones.

use super::rules::{Rules, enforce};
use crate::core::decision::authorization::{ApproverRule, Voter, may_decide};
use crate::core::decision::{Decision, GrantLimits, LongestGrant, Request, Risk};

/// The limits on all grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantPolicy {
    /// The longest grant.
    pub longest: LongestGrant,
    /// The greatest risk of a call that a grant may cover.
    pub max_risk: Risk,
    /// The greatest risk of a call that a pattern may cover.
    pub max_risk_of_patterns: Risk,
}

impl Default for GrantPolicy {
    fn default() -> Self {
        Self {
            longest: LongestGrant::UNLIMITED,
            max_risk: Risk::High,
            max_risk_of_patterns: Risk::High,
        }
    }
}

/// The grants that these rules allow for a request of this risk. `None`: those without any
/// configuration.
#[must_use]
pub fn grant_limits(rules: &Rules, request: &Request, risk: Risk) -> Option<GrantLimits> {
    let usual = GrantLimits::usual(request.is_permission());
    // At critical risk nothing is granted anyway.
    if risk >= Risk::Critical {
        return None;
    }
    let policy = &rules.grants;
    let of_kind = rules.kinds.get(&request.kind).and_then(|rule| rule.longest_grant);
    let of_project = rules.projects.get(&request.project).and_then(|rule| rule.longest_grant);
    let longest = of_kind
        .unwrap_or(usual.longest)
        .min(of_project.unwrap_or(LongestGrant::UNLIMITED))
        .min(policy.longest);
    let longest = if risk > policy.max_risk { LongestGrant::Never } else { longest };
    let limits = GrantLimits { longest, patterns: risk <= policy.max_risk_of_patterns };
    (limits != usual).then_some(limits)
}

/// As [`grant_limits`], for a decision that was filed with `earlier` limits: never laxer.
#[must_use]
pub fn enforced_limits(
    rules: &Rules,
    request: &Request,
    risk: Risk,
    earlier: Option<GrantLimits>,
) -> Option<GrantLimits> {
    let usual = GrantLimits::usual(request.is_permission());
    let (now, earlier) = (grant_limits(rules, request, risk), earlier.unwrap_or(usual));
    let now = now.unwrap_or(usual);
    let limits = GrantLimits {
        longest: now.longest.min(earlier.longest),
        patterns: now.patterns && earlier.patterns,
    };
    (limits != usual).then_some(limits)
}

/// What is known of a grant's giver now, beside what was recorded with the verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum GiverStanding {
    /// Nothing.
    #[default]
    Recorded,
    /// These are the giver's roles and ownership.
    Now(Voter),
    /// The giver is no member of the server.
    Left,
}

/// Why a grant no longer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallen {
    /// The rules no longer allow it, or no longer name its giver.
    Rules,
    /// The giver has left the server, or has lost the role.
    Giver,
}

/// Checks that the grant of a decision's verdict still stands: the rules allow such a grant, and
/// the giver may decide the call, by the roles recorded with the verdict and by those of now.
///
/// # Errors
/// [`Fallen`].
pub fn grant_stands(
    rules: &Rules,
    decision: &Decision,
    standing: &GiverStanding,
) -> Result<(), Fallen> {
    let terms = enforce(rules, &decision.request, &decision.terms);
    let decision = &Decision { terms, ..decision.clone() };
    let offers = decision.grant().is_some_and(|grant| decision.offers(&grant.terms));
    let may = |giver: &Voter| may_approve(&rules.approvers, decision, giver);
    let giver = decision.giver().filter(|giver| offers && may(giver)).ok_or(Fallen::Rules)?;
    match standing {
        GiverStanding::Recorded => Ok(()),
        GiverStanding::Now(now) if now.person.id == giver.person.id && may(now) => Ok(()),
        GiverStanding::Now(_) | GiverStanding::Left => Err(Fallen::Giver),
    }
}

fn may_approve(rules: &[ApproverRule], decision: &Decision, giver: &Voter) -> bool {
    may_decide(rules, decision, giver).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::{GrantSpan, Kind};
    use crate::core::policy::rules::Rule;

    fn limits(rules: &Rules, kind: &str, risk: Risk) -> Option<GrantLimits> {
        let request = Request { kind: kind.into(), project: "shop".into(), ..Request::default() };
        grant_limits(rules, &request, risk)
    }

    #[test]
    fn without_configuration_there_are_no_limits_of_its_own() {
        for kind in ["permission", "deploy"] {
            for risk in [Risk::Low, Risk::High, Risk::Critical] {
                assert_eq!(limits(&Rules::default(), kind, risk), None, "{kind} {risk}");
            }
        }
    }

    #[test]
    fn the_strictest_of_all_kind_and_project_counts() {
        let hour = LongestGrant::UpTo(GrantSpan::HOUR);
        let session = LongestGrant::UpTo(GrantSpan::Session);
        let rule = |longest| Rule { longest_grant: Some(longest), ..Rule::default() };
        let of_kind =
            Rules { kinds: [(Kind::from("deploy"), rule(hour))].into(), ..Rules::default() };
        let longest = |rules: &Rules, kind| limits(rules, kind, Risk::Low).unwrap().longest;
        assert_eq!(longest(&of_kind, "deploy"), hour);
        let both = Rules { projects: [("shop".into(), rule(session))].into(), ..of_kind.clone() };
        assert_eq!(longest(&both, "deploy"), session);
        assert_eq!(longest(&both, "permission"), session);
        let policy = GrantPolicy { longest: LongestGrant::Never, ..GrantPolicy::default() };
        let all = Rules { grants: policy, ..both };
        assert_eq!(longest(&all, "permission"), LongestGrant::Never);
        // A kind that nobody named gets none, however long others may last.
        assert_eq!(limits(&of_kind, "naming", Risk::Low), None);
    }

    #[test]
    fn a_decision_keeps_the_stricter_limits() {
        let hour = LongestGrant::UpTo(GrantSpan::HOUR);
        let policy = GrantPolicy { longest: hour, ..GrantPolicy::default() };
        let strict = Rules { grants: policy, ..Rules::default() };
        let request = Request { kind: "permission".into(), ..Request::default() };
        let limited = Some(GrantLimits { longest: hour, patterns: true });
        for (rules, earlier, expected) in [
            (&Rules::default(), None, None),
            (&strict, None, limited),
            (&Rules::default(), limited, limited),
            (&strict, limited, limited),
        ] {
            assert_eq!(enforced_limits(rules, &request, Risk::Low, earlier), expected);
        }
    }

    #[test]
    fn the_risk_limits_grants_and_patterns() {
        let policy = GrantPolicy {
            max_risk: Risk::Medium,
            max_risk_of_patterns: Risk::Low,
            ..GrantPolicy::default()
        };
        let rules = Rules { grants: policy, ..Rules::default() };
        let of = |risk| limits(&rules, "permission", risk);
        assert_eq!(of(Risk::Low), None);
        let exact = GrantLimits { longest: LongestGrant::UNLIMITED, patterns: false };
        assert_eq!(of(Risk::Medium), Some(exact));
        assert_eq!(of(Risk::High).map(|limits| limits.longest), Some(LongestGrant::Never));
    }
}
