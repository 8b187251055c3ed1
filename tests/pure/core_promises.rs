//! Promises about a decision that take a history to break, each told by itself.

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::event::Event;
use gander::core::decision::{
    Ballot, Choice, Decision, DecisionId, Expects, Person, Refused, Request, Revision, Risk,
    SafeDefault, Verdict, Via,
};
use gander::core::policy::rules::{Rule, Rules, admit, enforce};

fn now() -> Time {
    Time::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn rules(rule: Rule) -> Rules {
    Rules { projects: [("default".to_owned(), rule)].into(), ..Rules::default() }
}

fn asked(request: &Request, rules: &Rules) -> Decision {
    Decision::new(DecisionId(1), request.clone(), admit(rules, request).unwrap(), now())
}

fn question() -> Request {
    Request { title: "Go on?".into(), kind: "deploy".into(), risk: Risk::Low, ..Request::default() }
}

fn approve(decision: &Decision, who: u64, word: Option<&str>) -> Result<Event, Refused> {
    let ballot = Ballot { verdict: Verdict::approved(), confirmation: word.map(Into::into) };
    decision.resolve(ballot, Person::discord(who, "x"), Via::Discord, decision.revision)
}

#[test]
fn what_is_answered_keeps_the_content_that_the_answer_was_for() {
    let open = asked(&question(), &Rules::default());
    let answered = open.clone().evolve(&approve(&open, 1, None).unwrap(), now(), 1);
    let other = Request { title: "Delete everything?".into(), ..question() };
    let terms = admit(&Rules::default(), &other).unwrap();
    assert!(open.revise(&other, &terms).is_some());
    assert_eq!(answered.revise(&other, &terms), None);
    let withdrawn = open.clone().evolve(&open.withdraw("over".into()).unwrap(), now(), 1);
    assert_eq!(withdrawn.revise(&other, &terms), None);
}

#[test]
fn a_choice_says_that_one_person_makes_it() {
    let options = ["blue", "green"]
        .map(|name| Choice { name: name.into(), description: String::new() })
        .to_vec();
    let choice = Request { expects: Expects::Choose, options, ..question() };
    let decision = asked(&choice, &rules(Rule { approvals: Some(3), ..Rule::default() }));
    assert_eq!((decision.approvals_needed(), decision.approvals_missing()), (1, 1));
    // Asked again as a yes or no, it needs all three.
    let again = question();
    let event = decision.revise(&again, &admit(&Rules::default(), &again).unwrap()).unwrap();
    assert_eq!(decision.evolve(&event, now(), 1).approvals_needed(), 3);
}

#[test]
fn a_vote_without_the_word_does_not_count_once_the_risk_is_critical() {
    let two = asked(&Request { approvals_needed: 2, ..question() }, &Rules::default());
    let voted = two.clone().evolve(&approve(&two, 1, None).unwrap(), now(), 1);
    assert_eq!(voted.approvals_missing(), 1);
    let strict = rules(Rule { risk: Some(Risk::Critical), ..Rule::default() });
    let enforced = |decision: &Decision| Event::Enforced {
        terms: enforce(&strict, &decision.request, &decision.terms),
    };
    let critical = voted.clone().evolve(&enforced(&voted), now(), 2);
    assert_eq!(critical.approvals_missing(), 2);
    assert!(
        matches!(approve(&critical, 2, None), Err(Refused::Unconfirmed { word }) if word == "DEPLOY")
    );
    let confirmed =
        critical.clone().evolve(&approve(&critical, 2, Some("deploy")).unwrap(), now(), 3);
    assert_eq!(confirmed.approvals_missing(), 1);
    // Held to the same rules once more, the votes with the word stay.
    let stricter = rules(Rule { approvals: Some(3), ..Rule::default() });
    let terms = enforce(&stricter, &confirmed.request, &confirmed.terms);
    assert_eq!(confirmed.evolve(&Event::Enforced { terms }, now(), 4).approvals_missing(), 2);
}

#[test]
fn a_vote_for_something_lesser_does_not_count_once_the_risk_is_higher() {
    let two =
        asked(&Request { approvals_needed: 2, risk: Risk::Low, ..question() }, &Rules::default());
    let voted = two.clone().evolve(&approve(&two, 1, None).unwrap(), now(), 1);
    let strict = rules(Rule { risk: Some(Risk::High), ..Rule::default() });
    let terms = enforce(&strict, &voted.request, &voted.terms);
    assert_eq!(voted.evolve(&Event::Enforced { terms }, now(), 2).approvals_missing(), 2);
}

#[test]
fn an_agents_own_kind_is_no_word_that_confirms() {
    for (kind, word) in [("deploy", "DEPLOY"), ("reject", "APPROVE"), ("cancel", "APPROVE")] {
        let critical = asked(
            &Request { kind: kind.into(), risk: Risk::Critical, ..question() },
            &Rules::default(),
        );
        assert_eq!(critical.confirmation().as_deref(), Some(word));
    }
}

#[test]
fn asking_again_at_a_lower_risk_lets_silence_approve_nothing() {
    let lax = rules(Rule { allow_default_approve: true, ..Rule::default() });
    let high = asked(&Request { risk: Risk::High, ..question() }, &lax);
    let silent = Request { safe_default: Some(SafeDefault::Approve), ..question() };
    let terms = admit(&lax, &silent).unwrap();
    assert_eq!(terms.safe_default, SafeDefault::Approve, "alone it would be allowed");
    let event = high.revise(&silent, &terms).unwrap();
    let revised = high.evolve(&event, now(), 1);
    assert_eq!((revised.terms.risk, revised.terms.safe_default), (Risk::High, SafeDefault::Reject));
}

#[test]
fn asking_the_same_again_is_nothing_new_whatever_the_confidence() {
    for confidence in [0.247_136_024_805_815_42, 0.1 + 0.2, 1.0 / 3.0, f64::MIN_POSITIVE] {
        let request = Request { confidence: Some(confidence), ..question() };
        let decision = asked(&request, &Rules::default());
        let stored: Decision =
            serde_json::from_str(&serde_json::to_string(&decision).unwrap()).unwrap();
        assert_eq!(stored.revise(&request, &decision.terms), None, "{confidence}");
        assert_eq!(stored.revision, Revision(1));
    }
}
