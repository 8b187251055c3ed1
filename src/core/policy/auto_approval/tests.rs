//! Which decisions are approved automatically, and which never are.

use crate::core::Time;
use crate::core::decision::{Disagreement, Refused};
use crate::core::values::words::Kind;
use proptest::prelude::*;

use super::*;
use crate::core::decision::authorization::Grounds;
use crate::core::decision::{DecisionId, Pending, SafeDefault, Taken, Terms, Vote};
use crate::core::escalation::{Channel, Ladder, StepTime};
use crate::core::policy::rules::{Rule, admit};

const NAMES: [&str; 6] = ["naming", "routine", "parameter", "deploy", "release", "test_failure"];

/// Rules under which all of these kinds may pass in `shop`, including kinds that never pass and are
/// allowed by mistake.
fn rules() -> Rules {
    let yes = Rule { route_by_confidence: true, ..Rule::default() };
    let kinds = NAMES.into_iter().chain([
        "pricing",
        "legal",
        "credentials",
        "client_communication",
        "legal_review",
        "new_prices",
    ]);
    Rules {
        projects: [("shop".to_owned(), yes.clone())].into(),
        kinds: kinds.map(|kind| (Kind::from(kind), yes.clone())).collect(),
        ..Rules::default()
    }
}

fn request() -> Request {
    Request {
        title: "Call it Basket?".into(),
        project: "shop".into(),
        kind: "naming".into(),
        risk: Risk::Low,
        confidence: Some(0.95),
        ..Request::default()
    }
}

fn asked_under(rules: &Rules, request: Request) -> Decision {
    let terms = admit(rules, &request).unwrap();
    Decision::new(DecisionId(1), request, terms, Time::UNIX_EPOCH)
}

fn of(request: Request) -> Route {
    route(&rules(), &asked_under(&rules(), request))
}

#[test]
fn what_an_agent_is_sure_of_passes_where_both_sides_say_so() {
    assert_eq!(of(request()), Route::Approve);
    for (project, kind) in [("shop", "edge_case"), ("other", "naming"), ("other", "edge_case")] {
        let asked = Request { project: project.into(), kind: kind.into(), ..request() };
        assert_eq!(of(asked), Route::Queue(QueueReason::NotAllowed), "{project} {kind}");
    }
    let passed = asked_under(&rules(), request()).auto_approve(&rules());
    let Some(Event::Resolved { verdict, by, via: Via::Routing, .. }) = passed else {
        panic!("{passed:?}")
    };
    assert_eq!(
        (verdict, by.id.as_str()),
        (Verdict::noted(Some("confidence:0.95".into())), "gander")
    );
    assert_eq!(
        asked_under(&Rules::default(), request()).auto_approve(&Rules::default()),
        None,
        "off where nothing is configured"
    );
}

#[test]
fn the_thresholds_themselves_do_not_pass_and_do_not_block() {
    for (confidence, expected) in [
        (Some(1.0), Route::Approve),
        (Some(0.900_001), Route::Approve),
        (Some(0.9), Route::Queue(QueueReason::NotSure)),
        (Some(0.6), Route::Queue(QueueReason::NotSure)),
        (Some(0.599_999), Route::Block),
        (Some(0.0), Route::Block),
        (None, Route::Queue(QueueReason::NoConfidence)),
    ] {
        assert_eq!(of(Request { confidence, ..request() }), expected, "{confidence:?}");
    }
    // A threshold below the floor, configured by mistake, does not lower the bar.
    let low = Thresholds {
        approve_above: Share::new(0.1).unwrap(),
        block_below: Share::new(0.0).unwrap(),
    };
    let lax = Rules { confidence: low, ..rules() };
    assert_eq!(
        route(&lax, &asked_under(&lax, Request { confidence: Some(0.8), ..request() })),
        Route::Queue(QueueReason::NotSure)
    );
}

#[test]
fn each_forbidden_case_stays_with_people_however_sure_the_agent_is() {
    let sure = || Request { confidence: Some(1.0), ..request() };
    let kind = |kind: &str| Request { kind: kind.into(), ..sure() };
    let deploy_to = |environment: Option<&str>| Request {
        environment: environment.map(Into::into),
        ..kind("deploy")
    };
    for (asked, because) in [
        (Request { risk: Risk::High, ..sure() }, QueueReason::Risk),
        (Request { risk: Risk::Critical, ..sure() }, QueueReason::Risk),
        (Request { approvals_needed: 2, ..sure() }, QueueReason::Several),
        (
            Request { asked_by: Some(Person::discord(1, "Ann")), ..sure() },
            QueueReason::AskedByPerson,
        ),
        (Request { expects: Expects::Answer, ..sure() }, QueueReason::NotAYes),
        (kind("pricing"), QueueReason::Kind),
        (kind("Legal "), QueueReason::Kind),
        (kind("credentials"), QueueReason::Kind),
        (kind("Client-Communication"), QueueReason::Kind),
        (kind("legal_review"), QueueReason::Kind),
        (kind("new prices"), QueueReason::Kind),
        (deploy_to(None), QueueReason::Production),
        (deploy_to(Some("production")), QueueReason::Production),
        (deploy_to(Some("Production ")), QueueReason::Production),
        (deploy_to(Some("prod")), QueueReason::Production),
        (deploy_to(Some("live")), QueueReason::Production),
        (deploy_to(Some("  ")), QueueReason::Production),
        (deploy_to(Some("pre-production")), QueueReason::Production),
        (deploy_to(Some("staging-prod")), QueueReason::Production),
        (deploy_to(Some("st\u{430}ging")), QueueReason::Production),
        (deploy_to(Some("staging\u{200b}")), QueueReason::Production),
        (deploy_to(Some("eu-west-1")), QueueReason::Production),
        (Request { kind: "release".into(), ..sure() }, QueueReason::Production),
        (Request { environment: Some("production".into()), ..sure() }, QueueReason::Production),
    ] {
        assert_eq!(of(asked.clone()), Route::Queue(because), "{asked:?}");
    }
    // An agent known by its token is still an agent.
    let known = Person { id: "token:1".into(), name: "goose".into() };
    assert_eq!(of(Request { asked_by: Some(known), ..sure() }), Route::Approve);
    for allowed in [
        deploy_to(Some("staging")),
        deploy_to(Some("Staging-2")),
        deploy_to(Some("test")),
        kind("Naming "),
    ] {
        assert_eq!(of(allowed.clone()), Route::Approve, "{allowed:?}");
    }
}

#[test]
fn what_the_configuration_raises_does_not_pass() {
    let mut strict = rules();
    let asked = asked_under(&strict, request());
    strict.kinds.get_mut(&Kind::from("naming")).unwrap().risk = Some(Risk::High);
    assert_eq!(
        route(&strict, &asked),
        Route::Queue(QueueReason::Risk),
        "asked before, under laxer rules"
    );
    let mut several = rules();
    several.projects.get_mut("shop").unwrap().approvals = Some(2);
    assert_eq!(route(&several, &asked), Route::Queue(QueueReason::Several));
}

#[test]
fn what_people_have_had_in_hand_stays_with_them() {
    let rules = rules();
    let fresh = asked_under(&rules, request());
    let ann = || Person::discord(1, "Ann");
    let at = Time::UNIX_EPOCH;
    let pending = |pending| Decision { state: State::Pending(pending), ..fresh.clone() };
    let touched = [
        Decision { revision: Revision(2), ..fresh.clone() },
        Decision { deferrals: 1, returns: 1, ..fresh.clone() },
        Decision { disagreed: Some(Disagreement { by: ann(), at }), ..fresh.clone() },
        pending(Pending { taken: Some(Taken { by: ann(), at, from: None }), ..Pending::default() }),
        pending(Pending {
            votes: vec![Vote { by: ann(), at, note: None, grounds: Grounds::default() }],
            ..Pending::default()
        }),
    ];
    for decision in touched {
        assert_eq!(
            route(&rules, &decision),
            Route::Queue(QueueReason::AlreadyHandled),
            "{decision:?}"
        );
    }
    let over = Decision { state: State::Withdrawn { reason: "x".into(), at }, ..fresh };
    assert_eq!(route(&rules, &over), Route::Queue(QueueReason::NotWaiting));
}

#[test]
fn whoever_is_not_sure_starts_at_the_mention() {
    let first = |request: Request| admit(&rules(), &request).unwrap().ladder.steps()[0].clone();
    let unsure = first(Request { confidence: Some(0.3), ..request() });
    assert!(
        unsure.when == StepTime::After(0) && unsure.by.contains(&Channel::Mention),
        "{unsure:?}"
    );
    let usual = Ladder::default().steps()[0].clone();
    assert_eq!(first(Request { confidence: Some(0.6), ..request() }), usual);
    assert_eq!(
        first(Request { confidence: Some(0.3), project: "other".into(), ..request() }),
        usual,
        "where it does not count"
    );
}

#[test]
fn a_disagreement_undoes_what_nobody_acts_on_and_is_kept_in_any_case() {
    let (rules, at) = (rules(), Time::UNIX_EPOCH);
    let passed = || {
        let decision = asked_under(&rules, request());
        let event = decision.auto_approve(&rules).unwrap();
        decision.evolve(&event, at, 2)
    };
    let ann = Person::discord(1, "Ann");
    let undone = passed().disagree(ann.clone(), false).unwrap();
    let stands = passed().evolve(&undone, at, 3);
    assert!(
        matches!(&stands.state, State::Pending(Pending { undone: Some(_), .. }))
            && stands.disagreed.is_some()
    );
    assert_eq!(
        route(&rules, &stands),
        Route::Queue(QueueReason::AlreadyHandled),
        "it does not pass again"
    );
    assert!(matches!(stands.disagree(ann.clone(), false), Err(Refused::AlreadyDisagreed { .. })));

    let claimed = passed().evolve(&Event::Claimed, at, 3);
    let word = claimed.disagree(ann.clone(), false).unwrap();
    let noted = claimed.evolve(&word, at, 4);
    assert!(noted.verdict().is_ok() && noted.disagreed.as_ref().is_some_and(|word| word.by == ann));

    let by_button = passed().evolve(&Event::Undone { by: ann.clone() }, at, 3);
    assert!(by_button.disagreed.is_some(), "Undo says the same");
    let by_ann = asked_under(&rules, request()).evolve(
        &Event::Resolved {
            verdict: Verdict::approved(),
            by: ann.clone(),
            via: Via::Discord,
            with: Vec::new(),
            grounds: Grounds::default(),
            attested: None,
        },
        at,
        2,
    );
    assert_eq!(by_ann.disagree(ann, false), Err(Refused::NotAutoApproved));
}

/// Kinds, and whether each may pass without a named environment.
fn kinds() -> impl Strategy<Value = (&'static str, bool)> {
    prop::sample::select(vec![
        ("naming", true),
        ("Routine", true),
        ("test-failure", true),
        ("deploy", false),
        ("Deploy ", false),
        ("release", false),
        ("pricing", false),
        ("legal", false),
        ("credentials", false),
        ("client communication", false),
        ("legal_review", false),
        ("edge_case", false),
        ("nаming", false), // with a Cyrillic а: not an allowed kind
    ])
}

/// Environments: absent, clearly not production (`true`), or possibly production (`false`).
fn environments() -> impl Strategy<Value = (Option<&'static str>, Option<bool>)> {
    prop::sample::select(vec![
        (None, None),
        (Some(""), None),
        (Some("staging"), Some(true)),
        (Some("QA"), Some(true)),
        (Some("prod"), Some(false)),
        (Some("Production"), Some(false)),
        (Some("live"), Some(false)),
        (Some("stagıng"), Some(false)),
        (Some("test/production"), Some(false)),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Restates the documented promise independently of the implementation.
    #[test]
    fn nothing_passes_beyond_the_rules(
        (kind, harmless) in kinds(),
        (environment, elsewhere) in environments(),
        shop: bool,
        risk in prop::sample::select(Risk::ALL),
        floor in prop::option::of(prop::sample::select(vec![Risk::Low, Risk::High])),
        expects in prop::sample::select(vec![Expects::Approve, Expects::Answer]),
        approvals in 0_u32..3,
        demanded in prop::option::of(1_u32..3),
        person: bool,
        confidence in prop::option::of(0.0_f64..=1.0),
        revision in 1_u32..3,
        terms_risk in prop::sample::select(vec![Risk::Low, Risk::Critical]),
    ) {
        let mut rules = rules();
        let rule = rules.projects.get_mut("shop").unwrap();
        (rule.risk, rule.approvals) = (floor, demanded);
        let request = Request {
            project: if shop { "shop".into() } else { "other".into() },
            kind: kind.into(),
            environment: environment.map(Into::into),
            risk,
            expects,
            approvals_needed: approvals,
            asked_by: person.then(|| Person::discord(1, "Ann")),
            confidence,
            title: "x".into(),
            ..Request::default()
        };
        // Terms as a requester's own process may have filed them, under arbitrary rules.
        let terms = Terms {
            risk: terms_risk,
            safe_default: SafeDefault::Approve,
            ..Terms::default()
        };
        let decision = Decision {
            revision: Revision(revision),
            ..Decision::new(DecisionId(1), request, terms, Time::UNIX_EPOCH)
        };
        let deploys = ["deploy", "Deploy ", "release"].contains(&kind);
        let highest = risk.max(terms_risk).max(floor.unwrap_or(Risk::Low));
        let may = shop
            && expects == Expects::Approve
            && !person
            && revision == 1
            && approvals <= 1
            && demanded.unwrap_or(1) == 1
            && highest <= Risk::Medium
            && confidence.is_some_and(|confidence| confidence > 0.9)
            && match elsewhere {
                None => harmless,
                Some(elsewhere) => elsewhere && (harmless || deploys),
            };
        prop_assert_eq!(decision.auto_approve(&rules).is_some(), may);
    }
}
