//! What the store must do with grants: rows that follow from the log, found by agent, project and
//! workspace, until the grant ends.

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{
    Agent, CallPattern, Decision, DecisionId, GrantSpan, GrantTerms, Grantable, Person,
    RepeatedCall, Request, Verdict, Via,
};
use gander::store::{Filter, Store};

use super::{maya, noon, terms};

fn pattern() -> CallPattern {
    CallPattern::Command { words: vec!["git".into(), "push".into()], options: Vec::new() }
}

/// A call at a gate.
fn call(body: &str, agent: &str, project: &str, root: &str) -> Request {
    Request {
        title: format!("Run {body}"),
        kind: "permission".into(),
        body: body.into(),
        project: project.into(),
        agent: Agent { name: agent.into(), session: Some("s-1".into()) },
        dedup_key: Some(format!("gate:{agent}:s-1:{project}{root}{body}")),
        grantable: Some(Grantable {
            root: root.into(),
            call: body.into(),
            rule: Some("a rule".into()),
            patterns: vec![pattern()],
        }),
        ..Request::default()
    }
}

fn given(store: &Store, request: Request, lasts: GrantTerms) -> Decision {
    let asked = store.decisions().ask(request, terms(), noon()).unwrap().into_decision();
    let seen = asked.revision;
    let decide = Box::new(move |decision: &Decision| {
        Ok(Some(decision.resolve(Verdict::granting(lasts), maya(), Via::Discord, seen)?))
    });
    store.decisions().change(asked.id, noon(), decide).unwrap().unwrap()
}

fn hours(hours: i64) -> Time {
    noon() + TimeDelta::hours(hours)
}

fn used(store: &Store, id: DecisionId, request: &Request, at: Time) {
    let request = request.clone();
    let decide = Box::new(move |decision: &Decision| {
        let pattern = pattern();
        let call = RepeatedCall {
            request: &request,
            risk: request.risk,
            included_by: Some(&pattern),
            now: at,
        };
        Ok(decision.use_grant(&call))
    });
    store.decisions().change(id, at, decide).unwrap().unwrap();
}

fn ended(store: &Store, id: DecisionId, at: Time) {
    let decide = Box::new(move |decision: &Decision| {
        Ok(Some(decision.end_grant(Person::discord(2, "Ben"))?))
    });
    store.decisions().change(id, at, decide).unwrap().unwrap();
}

fn candidates(store: &Store, request: &Request) -> Vec<i64> {
    let found = store.grants().candidates(request).unwrap();
    found.iter().map(|found| found.decision.id.0).collect()
}

pub(super) fn grants_are_found_by_agent_project_and_workspace(store: &Store) {
    let of = |body: &str| call(body, "goose", "shop", "/w/shop");
    let hour = GrantTerms { span: GrantSpan::HOUR, pattern: Some(pattern()) };
    let for_ever = GrantTerms { span: GrantSpan::UntilRevoked, pattern: None };
    let first = given(store, of("git push"), hour.clone());
    let second = given(store, of("make"), for_ever);
    given(store, of("cargo test"), GrantTerms::SESSION);
    given(store, call("git push", "codex", "shop", "/w/shop"), hour.clone());
    given(store, call("git push", "goose", "docs", "/w/shop"), hour.clone());
    given(store, call("git push", "goose", "shop", "/w/other"), hour);
    let next = of("git push x");
    assert_eq!(candidates(store, &next), [second.id.0, first.id.0], "the newest first");
    assert_eq!(candidates(store, &Request { grantable: None, ..next.clone() }), [0_i64; 0]);
    assert_eq!(store.grants().givers().unwrap(), [maya().id]);
    let live = Filter { granted: true, ..Filter::default() };
    assert_eq!(store.decisions().list(&live).unwrap().len(), 6);

    assert_eq!(store.decisions().next_wake().unwrap(), Some(hours(1)), "its end");
    ended(store, first.id, hours(1));
    assert_eq!(candidates(store, &next), [second.id.0]);
    assert_eq!(store.decisions().list(&live).unwrap().len(), 5);
}

pub(super) fn what_people_have_handled_is_told_beside_a_grant(store: &Store) {
    let hour = GrantTerms { span: GrantSpan::HOUR, pattern: Some(pattern()) };
    let no = call("git push evil", "goose", "shop", "/w/shop");
    let asked = store.decisions().ask(no.clone(), terms(), noon()).unwrap().into_decision();
    let decide = Box::new(move |decision: &Decision| {
        let verdict = Verdict::Rejected { reason: "no".into() };
        Ok(Some(decision.resolve(verdict, maya(), Via::Discord, asked.revision)?))
    });
    store.decisions().change(asked.id, noon(), decide).unwrap().unwrap();
    given(store, call("git push", "goose", "shop", "/w/shop"), hour);
    let handled = |request: &Request| store.grants().candidates(request).unwrap().remove(0).handled;
    assert_eq!(handled(&no), Some(asked.id));
    assert_eq!(handled(&call("git push x", "goose", "shop", "/w/shop")), None);
}

pub(super) fn uses_are_counted_within_a_span(store: &Store) {
    let of = |body: &str| call(body, "goose", "shop", "/w/shop");
    let for_ever = |pattern| GrantTerms { span: GrantSpan::UntilRevoked, pattern };
    let first = given(store, of("git push"), for_ever(Some(pattern())));
    let second = given(store, of("make"), for_ever(None));
    for (hour, body) in [(1, "git push a"), (2, "git push b"), (3, "git push c")] {
        used(store, first.id, &of(body), hours(hour));
    }
    used(store, second.id, &of("make"), hours(2));
    let uses = |from, to| store.grants().uses_between(hours(from), hours(to)).unwrap();
    assert_eq!(uses(0, 9), [(first.id, 3), (second.id, 1)]);
    assert_eq!(uses(1, 2), [(first.id, 1), (second.id, 1)], "after the first, up to the second");
    assert_eq!(uses(3, 9), []);
    assert_eq!(store.grants().latest_entry_at().unwrap(), Some(hours(2)), "by its place");
    // What a call is compared with stays as long as the grant stands.
    let prune = || store.maintenance().prune(hours(24), hours(48), 10).unwrap().decisions;
    assert_eq!(prune(), 0);
    ended(store, first.id, hours(25));
    assert_eq!(prune(), 1);
}
