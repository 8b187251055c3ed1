//! What a working directory says about a question, and how far that counts.
//!
//! A repository brings its own `gander.toml`, and agents write to working directories. Such a file
//! may name a project, or set defaults; it may not thereby choose laxer terms or other approvers. A
//! claim counts only if the question is then decided at least as strictly as without the claim.

use super::rules::{Rules, admit, project_name};
use crate::core::decision::authorization::{About, Approvers, approvers_of};
use crate::core::decision::{GrantLimits, Kind, Request, Risk, SafeDefault, Terms};

/// The claims of a working directory. `None`: no claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The project.
    pub project: Option<String>,
    /// The kind.
    pub kind: Option<Kind>,
    /// The risk.
    pub risk: Option<Risk>,
    /// Seconds until the breach.
    pub sla_seconds: Option<u64>,
    /// The safe default.
    pub safe_default: Option<SafeDefault>,
}

/// The request with each claim that does not relax its terms.
#[must_use]
pub fn with_claims(rules: &Rules, request: Request, claims: Claims) -> Request {
    let Claims { project, kind, risk, sla_seconds, safe_default } = claims;
    let claim = |stands: Request, claimed: Request| {
        if is_as_strict(rules, &stands, &claimed) { claimed } else { stands }
    };
    let mut stands = request;
    if let Some(project) = project {
        let claimed = Request { project: project_name(&project), ..stands.clone() };
        stands = claim(stands, claimed);
    }
    if let Some(kind) = kind {
        let claimed = Request { kind, ..stands.clone() };
        stands = claim(stands, claimed);
    }
    if let Some(risk) = risk {
        let claimed = Request { risk, ..stands.clone() };
        stands = claim(stands, claimed);
    }
    if sla_seconds.is_some() {
        let claimed = Request { sla_seconds, ..stands.clone() };
        stands = claim(stands, claimed);
    }
    if safe_default.is_some() {
        let claimed = Request { safe_default, ..stands.clone() };
        stands = claim(stands, claimed);
    }
    stands
}

/// Whether a question would be decided at least as strictly in the claimed form: by no other
/// people, with no fewer approvals, no lower risk, no less time to answer, and never by itself
/// where people would decide now.
#[must_use]
pub fn is_as_strict(rules: &Rules, stands: &Request, claimed: &Request) -> bool {
    let (Ok(now), Ok(then)) = (admit(rules, stands), admit(rules, claimed)) else { return false };
    let routes = |request: &Request| {
        let project = rules.projects.get(&request.project);
        let kind = rules.kinds.get(&request.kind);
        project.is_some_and(|rule| rule.route_by_confidence)
            && kind.is_some_and(|rule| rule.route_by_confidence)
    };
    let silently = |default| default == SafeDefault::Approve;
    let own_ladder = |request: &Request| {
        let project = rules.projects.get(&request.project);
        project.is_some_and(|rule| rule.ladder.is_some())
    };
    then.risk >= now.risk
        && then.approvals >= now.approvals
        && then.sla_seconds >= now.sla_seconds
        && (silently(now.safe_default) || !silently(then.safe_default))
        && (routes(stands) || !routes(claimed))
        && (!own_ladder(claimed) || then.ladder == now.ladder)
        && grants_no_more(stands, &now, claimed, &then)
        && are_among(&approvers(rules, claimed, then.risk), &approvers(rules, stands, now.risk))
}

/// Whether the claimed form allows no grant that the other does not.
fn grants_no_more(stands: &Request, now: &Terms, claimed: &Request, then: &Terms) -> bool {
    let limits = |request: &Request, terms: &Terms| {
        terms.grants.unwrap_or_else(|| GrantLimits::usual(request.is_permission()))
    };
    let (now, then) = (limits(stands, now), limits(claimed, then));
    then.longest <= now.longest && (now.patterns || !then.patterns)
}

fn approvers(rules: &Rules, request: &Request, risk: Risk) -> Approvers {
    approvers_of(&rules.approvers, About::question(&request.project, &request.kind, risk))
}

/// Whether everybody who may decide in the first case may decide in the second.
fn are_among(few: &Approvers, all: &Approvers) -> bool {
    (!few.owner || all.owner)
        && few.users.iter().all(|user| all.users.contains(user))
        && few.roles.iter().all(|role| all.roles.contains(role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::authorization::ApproverRule;
    use crate::core::policy::rules::Rule;

    fn request(project: &str) -> Request {
        Request { title: "x".into(), project: project.into(), ..Request::default() }
    }

    fn rules(projects: &[(&str, Rule)]) -> Rules {
        let named = projects.iter().map(|(name, rule)| ((*name).to_owned(), rule.clone()));
        Rules { projects: named.collect(), ..Rules::default() }
    }

    fn project_after(rules: &Rules, claimed: &str) -> String {
        let claims = Claims { project: Some(claimed.into()), ..Claims::default() };
        with_claims(rules, request("default"), claims).project
    }

    #[test]
    fn a_claimed_project_never_relaxes_the_terms() {
        let rule = Rule::default;
        let strict =
            Rule { approvals: Some(2), risk: Some(Risk::High), sla_seconds: Some(7_200), ..rule() };
        for (usual, claimed, counts) in [
            (rule(), rule(), true),
            (rule(), Rule { approvals: Some(2), ..rule() }, true),
            (Rule { approvals: Some(2), ..rule() }, rule(), false),
            (rule(), Rule { risk: Some(Risk::Critical), ..rule() }, true),
            (Rule { risk: Some(Risk::High), ..rule() }, rule(), false),
            (strict.clone(), strict.clone(), true),
            (strict, Rule { sla_seconds: Some(3_600), ..rule() }, false),
            (rule(), Rule { sla_seconds: Some(3_600), ..rule() }, false),
        ] {
            let rules = rules(&[("default", usual), ("web-shop", claimed)]);
            let project = project_after(&rules, "web-shop");
            assert_eq!(project == "web-shop", counts, "{:?}", rules.projects);
        }
        assert_eq!(project_after(&Rules::default(), "anything"), "anything");
    }

    #[test]
    fn a_claimed_project_brings_no_other_approvers() {
        let by = |users: &[u64], projects: &[&str]| ApproverRule {
            users: users.to_vec(),
            projects: projects.iter().map(ToString::to_string).collect(),
            ..ApproverRule::default()
        };
        for (approvers, counts) in [
            (vec![by(&[1], &[])], true),
            (vec![by(&[1], &["default"]), by(&[2], &["web-shop"])], false),
            (vec![by(&[1], &[]), by(&[2], &["web-shop"])], false),
            (vec![by(&[1, 2], &["default"]), by(&[2], &["web-shop"])], true),
            (vec![by(&[2], &["web-shop"])], false),
        ] {
            let rules = Rules { approvers: approvers.clone(), ..Rules::default() };
            let project = project_after(&rules, "web-shop");
            assert_eq!(project == "web-shop", counts, "{approvers:?}");
        }
    }

    #[test]
    fn nothing_becomes_automatic_by_a_claim() {
        let mut rules = rules(&[(
            "web-shop",
            Rule { route_by_confidence: true, allow_default_approve: true, ..Rule::default() },
        )]);
        let routine = Rule { route_by_confidence: true, ..Rule::default() };
        rules.kinds = [(Kind::from("naming"), routine)].into();
        let claims = Claims {
            project: Some("web-shop".into()),
            kind: Some(Kind::from("naming")),
            risk: Some(Risk::Low),
            sla_seconds: Some(600),
            safe_default: Some(SafeDefault::Approve),
        };
        let stands = with_claims(&rules, request("default"), claims);
        assert_eq!(stands.project, "web-shop", "the name alone does nothing");
        assert_eq!(stands.kind, Request::default().kind, "this kind would be approved by itself");
        assert_eq!((stands.risk, stands.sla_seconds), (Request::default().risk, None));
        assert_eq!(stands.safe_default, None);
        let raised = Claims { risk: Some(Risk::Critical), ..Claims::default() };
        assert_eq!(with_claims(&rules, request("default"), raised).risk, Risk::Critical);
    }
}
