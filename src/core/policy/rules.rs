//! The policy of a project and a kind, independent of the requester's claims.
//!
//! A requester can raise the risk, never lower it. The SLA has a floor. A safe default of approve
//! is rejected for high and critical risk and wherever the configuration does not allow it. An
//! agent therefore cannot talk its way into an approval. Does not depend on the source of the
//! numbers (`config`).

use std::collections::BTreeMap;

use super::approval_guard::Guard;
use super::ask_limits::AskLimits;
use super::auto_approval::{Thresholds, starts_at_mention};
use super::desk::DeskRules;
use super::grants::{GrantPolicy, enforced_limits, grant_limits};
pub use super::names::{LONGEST_NAME, is_name_char, is_plain_name, project_name};
use super::validation::validate;
pub use super::validation::{
    InvalidRequest, LONGEST_BODY, LONGEST_KEY, LONGEST_SLA_SECONDS, LONGEST_TITLE, MAX_FILES,
    MAX_OTHER_TEXT_BYTES,
};
use crate::core::availability::Profile;
use crate::core::decision::authorization::{ApproverRule, voters_not_counted};
use crate::core::decision::event::Event;
use crate::core::decision::request::DEFAULT_SLA_SECONDS;
use crate::core::decision::{
    Decision, DecisionId, DeferLimits, Expects, Kind, LongestGrant, Request, Risk, SafeDefault,
    Terms,
};
use crate::core::escalation::Ladder;
use crate::core::jobs::JobRules;
use crate::core::messaging::batch::Batching;
use crate::core::messaging::daily::Daily;
use crate::core::messaging::notification::ExternalChannels;

/// The policy for one project or one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The minimum risk.
    pub risk: Option<Risk>,
    /// Seconds until the breach, if the requester names no SLA.
    pub sla_seconds: Option<u64>,
    /// Whether a safe default of approve may be requested, at low and medium risk.
    pub allow_default_approve: bool,
    /// The minimum number of different approvers.
    pub approvals: Option<u32>,
    /// The escalation ladder.
    pub ladder: Option<Ladder>,
    /// Whether a confident agent's decision may be approved automatically. Project and kind must
    /// both allow automatic approval ([`super::auto_approval`]).
    pub route_by_confidence: bool,
    /// The longest grant of such a call ([`super::grants`]).
    pub longest_grant: Option<LongestGrant>,
}

/// All configuration that affects decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The approver rules. Empty: the application's owner decides.
    pub approvers: Vec<ApproverRule>,
    /// Policy by project.
    pub projects: BTreeMap<String, Rule>,
    /// Policy by kind.
    pub kinds: BTreeMap<Kind, Rule>,
    /// Seconds until the breach, by risk.
    pub sla_by_risk: BTreeMap<Risk, u64>,
    /// Default number of seconds until the breach.
    pub sla_seconds: u64,
    /// The shortest possible SLA, in seconds.
    pub sla_floor_seconds: u64,
    /// Escalation ladder by risk.
    pub ladder_by_risk: BTreeMap<Risk, Ladder>,
    /// Default escalation ladder.
    pub ladder: Ladder,
    /// Limits on deferring a decision.
    pub defer: DeferLimits,
    /// The server's time zone, used for words like "tomorrow".
    pub zone: chrono_tz::Tz,
    /// Configured availability and contact data of people.
    pub people: Vec<Profile>,
    /// Channels beyond Discord that are configured.
    pub channels: ExternalChannels,
    /// When decisions share a card.
    pub batching: Batching,
    /// Confidence thresholds for automatic approval.
    pub confidence: Thresholds,
    /// The daily messages and their times.
    pub daily: Daily,
    /// When an approval needs a second confirmation.
    pub guard: Guard,
    /// How much one asker may ask.
    pub ask_limits: AskLimits,
    /// The limits on grants.
    pub grants: GrantPolicy,
    /// What may be asked at the desk. Absent: nothing.
    pub desk: Option<DeskRules>,
    /// The queue of jobs.
    pub jobs: JobRules,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            approvers: Vec::new(),
            projects: BTreeMap::new(),
            kinds: BTreeMap::new(),
            sla_by_risk: BTreeMap::new(),
            sla_seconds: DEFAULT_SLA_SECONDS,
            sla_floor_seconds: 10 * 60,
            ladder_by_risk: BTreeMap::new(),
            ladder: Ladder::default(),
            defer: DeferLimits::default(),
            zone: chrono_tz::UTC,
            people: Vec::new(),
            channels: ExternalChannels::default(),
            batching: Batching::default(),
            confidence: Thresholds::default(),
            daily: Daily::default(),
            guard: Guard::default(),
            ask_limits: AskLimits::default(),
            grants: GrantPolicy::default(),
            desk: None,
            jobs: JobRules::default(),
        }
    }
}

impl Rules {
    /// All configured ladders.
    pub fn ladders(&self) -> impl Iterator<Item = &Ladder> {
        let rules = self.projects.values().chain(self.kinds.values());
        rules
            .filter_map(|rule| rule.ladder.as_ref())
            .chain(self.ladder_by_risk.values())
            .chain([&self.ladder])
    }
}

/// Validates a request and sets the terms under which the decision is filed.
///
/// # Errors
/// [`InvalidRequest`], with a remedy.
pub fn admit(rules: &Rules, request: &Request) -> Result<Terms, InvalidRequest> {
    validate(request)?;
    let matching = matching(rules, request);
    let asked = request.risk.max(masking_risk(request));
    let risk = matching.iter().filter_map(|rule| rule.risk).fold(asked, Risk::max);
    Ok(Terms {
        risk,
        sla_seconds: sla(rules, &matching, request, risk),
        safe_default: safe_default(&matching, request, risk)?,
        approvals: approvals(&matching, request.approvals_needed),
        ladder: ladder(rules, &matching, request, risk),
        precedent: None,
        grants: grant_limits(rules, request, risk),
    })
}

/// Tightens terms to these rules: never a lower risk, a shorter SLA or a laxer safe default than
/// the rules allow.
#[must_use]
pub fn enforce(rules: &Rules, request: &Request, terms: &Terms) -> Terms {
    let matching = matching(rules, request);
    let asked = terms.risk.max(request.risk).max(masking_risk(request));
    let risk = enforced_risk(rules, &request.project, &request.kind, asked);
    let allowed = Request { safe_default: Some(terms.safe_default), ..request.clone() };
    let enforced = Terms {
        risk,
        sla_seconds: terms.sla_seconds.max(rules.sla_floor_seconds),
        safe_default: safe_default(&matching, &allowed, risk).unwrap_or(SafeDefault::Reject),
        approvals: approvals(&matching, terms.approvals),
        ladder: ladder(rules, &matching, request, risk),
        precedent: None,
        grants: enforced_limits(rules, request, risk, terms.grants),
    };
    match terms.precedent {
        Some(earlier) => enforced.with_precedent(earlier),
        None => enforced,
    }
}

/// A decision under these rules: with their terms, and only the approvals still valid.
#[must_use]
pub fn enforced(rules: &Rules, decision: &Decision) -> Decision {
    let terms = enforce(rules, &decision.request, &decision.terms);
    let decision = Decision { terms, ..decision.clone() };
    let of = voters_not_counted(&rules.approvers, &decision);
    decision.without_votes_of(&of)
}

/// The next event that enforces these rules on an open decision, if any. Terms come first, then
/// approvals, because stricter terms may lapse approvals: two events at most. `earlier`: an earlier
/// decision by which people have handled the question.
#[must_use]
pub fn enforcement_event(
    rules: &Rules,
    decision: &Decision,
    earlier: Option<DecisionId>,
) -> Option<Event> {
    if !decision.state.is_open() {
        return None;
    }
    let terms = enforce(rules, &decision.request, &decision.terms);
    let terms = match earlier {
        Some(earlier) => terms.with_precedent(earlier),
        None => terms,
    };
    if terms != decision.terms {
        return Some(Event::Enforced { terms });
    }
    let of = voters_not_counted(&rules.approvers, decision);
    (!of.is_empty()).then_some(Event::Lapsed { of })
}

/// Least risk of a tool call of which a part is masked: people approve what they cannot see at a
/// glance.
fn masking_risk(request: &Request) -> Risk {
    if request.is_call() && request.masked_secrets() > 0 { Risk::High } else { Risk::Low }
}

/// `risk`, raised to the minimum that these rules set for the project and kind.
#[must_use]
pub fn enforced_risk(rules: &Rules, project: &str, kind: &Kind, risk: Risk) -> Risk {
    let matching = [rules.projects.get(project), rules.kinds.get(kind)];
    matching.into_iter().flatten().filter_map(|rule| rule.risk).fold(risk, Risk::max)
}

/// The project's ladder, else the kind's, else the risk's, else the default. A requester has no
/// influence, except that an unsure agent's ladder begins at the mention. Channels that are not
/// configured are removed from the steps.
fn ladder(rules: &Rules, matching: &[&Rule], request: &Request, risk: Risk) -> Ladder {
    let named = matching.iter().find_map(|rule| rule.ladder.as_ref());
    let ladder = named.or_else(|| rules.ladder_by_risk.get(&risk)).unwrap_or(&rules.ladder);
    let ladder = ladder.with_channels(|channel| rules.channels.has(channel));
    if starts_at_mention(rules, request) { ladder.starting_at_mention() } else { ladder }
}

fn approvals(matching: &[&Rule], asked: u32) -> u32 {
    matching.iter().filter_map(|rule| rule.approvals).fold(asked.max(1), u32::max)
}

fn matching<'a>(rules: &'a Rules, request: &Request) -> Vec<&'a Rule> {
    [rules.projects.get(&request.project), rules.kinds.get(&request.kind)]
        .into_iter()
        .flatten()
        .collect()
}

fn sla(rules: &Rules, matching: &[&Rule], request: &Request, risk: Risk) -> u64 {
    request
        .sla_seconds
        .or_else(|| matching.iter().filter_map(|rule| rule.sla_seconds).min())
        .or_else(|| rules.sla_by_risk.get(&risk).copied())
        .unwrap_or(rules.sla_seconds)
        .max(rules.sla_floor_seconds)
}

fn safe_default(
    matching: &[&Rule],
    request: &Request,
    risk: Risk,
) -> Result<SafeDefault, InvalidRequest> {
    let wanted = request.safe_default.unwrap_or(SafeDefault::Reject);
    if wanted == SafeDefault::Reject {
        return Ok(wanted);
    }
    if request.expects != Expects::Approve {
        return Err(InvalidRequest::DefaultApproveExpects(request.expects));
    }
    if risk >= Risk::High {
        return Err(InvalidRequest::DefaultApproveRisk(risk));
    }
    if !matching.iter().any(|rule| rule.allow_default_approve) {
        return Err(InvalidRequest::DefaultApproveNotAllowed {
            project: request.project.clone(),
            kind: request.kind.as_str().to_owned(),
        });
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::Detail;
    use crate::core::policy::validation::LONGEST_SHOWN_CALL;

    fn rules() -> Rules {
        let strict = Rule { risk: Some(Risk::High), sla_seconds: Some(3_600), ..Rule::default() };
        let lax = Rule {
            risk: Some(Risk::Low),
            sla_seconds: Some(7_200),
            allow_default_approve: true,
            ..Rule::default()
        };
        Rules {
            projects: [("shop".to_owned(), strict), ("notes".to_owned(), lax)].into(),
            kinds: [(Kind::from("deploy"), Rule { risk: Some(Risk::Critical), ..Rule::default() })]
                .into(),
            sla_by_risk: [(Risk::Critical, 1_800)].into(),
            ..Rules::default()
        }
    }

    fn request(project: &str, kind: &str, risk: Risk) -> Request {
        Request {
            title: "x".into(),
            project: project.into(),
            kind: kind.into(),
            risk,
            ..Request::default()
        }
    }

    #[test]
    fn risk_is_raised_and_never_lowered() {
        for (project, kind, asked, stands) in [
            ("other", "naming", Risk::Low, Risk::Low),
            ("shop", "naming", Risk::Low, Risk::High),
            ("shop", "naming", Risk::Critical, Risk::Critical),
            ("shop", "deploy", Risk::Low, Risk::Critical),
            ("notes", "naming", Risk::High, Risk::High),
        ] {
            assert_eq!(
                admit(&rules(), &request(project, kind, asked)).unwrap().risk,
                stands,
                "{project} {kind} {asked}"
            );
        }
    }

    #[test]
    fn a_mask_over_what_runs_raises_the_risk() {
        let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4));
        let call = |kind: &str, body: &str| Request {
            body: body.into(),
            dedup_key: Some("gate:claude-code:s:0".into()),
            ..request("other", kind, Risk::Low)
        };
        let risk = |request: &Request| admit(&rules(), request).unwrap().risk;
        for kind in ["permission", "naming"] {
            assert_eq!(risk(&call(kind, &format!("curl -H {token}"))), Risk::High, "{kind}");
            assert_eq!(risk(&call(kind, "curl")), Risk::Low, "{kind}");
        }
        let prose = Request { dedup_key: None, ..call("naming", &token) };
        assert_eq!(risk(&prose), Risk::Low, "an explanation runs nothing");
        let terms = admit(&rules(), &call("permission", "curl")).unwrap();
        assert_eq!(enforce(&rules(), &call("permission", &token), &terms).risk, Risk::High);
    }

    #[test]
    fn an_sla_is_the_askers_then_the_rules_then_the_risks_and_never_below_the_floor() {
        let sla = |request: &Request| admit(&rules(), request).unwrap().sla_seconds;
        assert_eq!(sla(&request("other", "naming", Risk::Low)), 16_200);
        assert_eq!(sla(&request("shop", "naming", Risk::Low)), 3_600);
        assert_eq!(sla(&request("other", "deploy", Risk::Low)), 1_800);
        assert_eq!(
            sla(&Request { sla_seconds: Some(60), ..request("shop", "naming", Risk::Low) }),
            600,
            "the floor"
        );
        for seconds in [0, LONGEST_SLA_SECONDS + 1] {
            let asked =
                Request { sla_seconds: Some(seconds), ..request("shop", "naming", Risk::Low) };
            assert_eq!(admit(&rules(), &asked), Err(InvalidRequest::Sla(seconds)));
        }
    }

    #[test]
    fn silence_approves_only_what_was_allowed_at_low_and_medium_risk() {
        let wish = |project: &str, risk| Request {
            safe_default: Some(SafeDefault::Approve),
            ..request(project, "naming", risk)
        };
        assert_eq!(
            admit(&rules(), &wish("notes", Risk::Medium)).unwrap().safe_default,
            SafeDefault::Approve
        );
        assert_eq!(
            admit(&rules(), &wish("notes", Risk::High)),
            Err(InvalidRequest::DefaultApproveRisk(Risk::High))
        );
        assert!(matches!(
            admit(&rules(), &wish("other", Risk::Low)),
            Err(InvalidRequest::DefaultApproveNotAllowed { .. })
        ));
        assert_eq!(
            admit(&rules(), &request("notes", "naming", Risk::Low)).unwrap().safe_default,
            SafeDefault::Reject
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let fine = request("shop", "naming", Risk::Low);
        for (asked, refused) in [
            (Request { title: " \n".into(), ..fine.clone() }, InvalidRequest::NoTitle),
            (Request { project: " ".into(), ..fine.clone() }, InvalidRequest::NoProject),
            (
                Request { confidence: Some(f64::NAN), ..fine.clone() },
                InvalidRequest::Confidence("NaN".into()),
            ),
            (
                Request { confidence: Some(1.1), ..fine.clone() },
                InvalidRequest::Confidence("1.1".into()),
            ),
        ] {
            assert_eq!(admit(&rules(), &asked), Err(refused));
        }
        let long = Request { body: "x".repeat(LONGEST_BODY + 1), ..fine };
        assert!(matches!(admit(&rules(), &long), Err(InvalidRequest::TooLong { .. })));
    }

    #[test]
    fn a_call_that_nobody_could_read_to_its_end_is_refused() {
        let fine = request("shop", "permission", Risk::Low);
        let hiding = |count: usize| "\u{7f}".repeat(count);
        let most = LONGEST_SHOWN_CALL / "‹U+007F›".len();
        let call = |body: String| Request { body, ..fine.clone() };
        let admitted = |asked: &Request| admit(&rules(), asked);
        assert!(admitted(&call(hiding(most - 100))).is_ok());
        assert!(admitted(&call("x".repeat(LONGEST_BODY))).is_ok(), "it hides nothing");
        let prose = Request { kind: "deploy".into(), ..call(hiding(most + 1)) };
        assert!(admitted(&prose).is_ok(), "there they are left out");
        let gated = Request { dedup_key: Some("gate:x".into()), ..prose };
        let detail = Detail { name: "env".into(), value: hiding((1 << 17) - 100) };
        let beside = vec![detail.clone(), detail];
        for asked in [
            call(hiding(most + 1)),
            gated,
            Request { details: beside, ..call(hiding(most - 200_000)) },
        ] {
            let refused = admitted(&asked);
            assert!(matches!(refused, Err(InvalidRequest::TooLongToShow { .. })), "{refused:?}");
        }
    }
}
