//! Grants: their use, their end, and what they do not cover.

use super::*;
use crate::core::decision::session::PERMISSION;
use crate::core::decision::session::SessionApproval;
use crate::core::decision::{
    GrantLimits, Grantable, LongestGrant, Revision, ScriptContent, Terms, Verdict, Via,
};

fn at(minutes: i64) -> Time {
    Time::UNIX_EPOCH + chrono::TimeDelta::minutes(minutes)
}

fn ann() -> Person {
    Person::discord(1, "Ann")
}

/// A call approved for the session.
fn granted() -> Decision {
    let request = Request {
        kind: PERMISSION.into(),
        agent: Agent { name: "goose".into(), session: Some("s-1".into()) },
        title: "Run cargo test".into(),
        body: "cargo test".into(),
        dedup_key: Some("gate:goose:s-1:ab".into()),
        ..Request::default()
    };
    let asked = Decision::new(DecisionId(1), request, Terms::default(), at(0));
    let event = asked.resolve(Verdict::for_session(), ann(), Via::Discord, Revision(1)).unwrap();
    asked.evolve(&event, at(1), 2)
}

fn used(decision: Decision, minute: i64, seq: u64) -> Decision {
    let request = decision.request.clone();
    let event = decision.use_grant(&again(&request, minute)).unwrap();
    assert_eq!(event, Event::GrantUsed { call: None });
    decision.evolve(&event, at(minute), seq)
}

/// The exact call once more.
fn again(request: &Request, minute: i64) -> RepeatedCall<'_> {
    RepeatedCall { request, risk: request.risk, included_by: None, now: at(minute) }
}

#[test]
fn its_uses_are_counted_and_change_nothing_that_is_shown() {
    let twice = used(used(granted(), 2, 3), 5, 4);
    let grant = twice.grant().unwrap();
    assert_eq!((grant.progress.uses, grant.progress.used_at), (2, Some(at(5))));
    assert_eq!((grant.by, grant.at, grant.until), (ann(), at(1), None));
    assert_eq!((twice.changed, twice.verdict().unwrap().claimed_at), (2, None));
}

#[test]
fn it_ends_at_any_time_and_covers_nothing_from_then_on() {
    let used = used(granted(), 2, 3);
    let used = used.clone().evolve(&used.claim().unwrap().unwrap(), at(3), 4);
    let year = at(60 * 24 * 365);
    let end = used.undo(Person::discord(2, "Ben"), year).unwrap();
    assert_eq!(end, Event::GrantEnded { by: Person::discord(2, "Ben"), why: None });
    let ended = used.evolve(&end, year, 5);
    let request = ended.request.clone();
    let call = again(&request, 0);
    assert_eq!((ended.use_grant(&call), ended.has_live_grant()), (None, false));
    assert_eq!(ended.reuse_for(&call), SessionApproval::Nothing);
    assert!(matches!(ended.undo(ann(), year), Err(Refused::GrantEnded { .. })));
}

#[test]
fn an_unclaimed_one_is_undone_however_late_and_an_ended_one_is_not_claimed_by_a_repetition() {
    let granted = granted();
    assert_eq!(granted.undo(ann(), at(60 * 48)), Ok(Event::Undone { by: ann() }));
    let twice = used(used(granted.clone(), 2, 3), 3, 4);
    let undone = twice.evolve(&Event::Undone { by: ann() }, at(4), 5);
    let State::Pending(pending) = undone.state else { panic!("it waits again") };
    assert_eq!(pending.undone.unwrap().uses, 2);
    let ended = granted.clone().evolve(&granted.end_grant(ann()).unwrap(), at(3), 3);
    assert_eq!(ended.reuse_for(&again(&granted.request, 3)), SessionApproval::Nothing);
}

#[test]
fn an_approval_for_once_gives_none() {
    let asked = Decision { state: State::Pending(Default::default()), ..granted() };
    let once = asked.resolve(Verdict::approved(), ann(), Via::Discord, Revision(1)).unwrap();
    let once = asked.evolve(&once, at(1), 2);
    assert_eq!((once.grant(), once.end_grant(ann())), (None, Err(Refused::NoGrant)));
}

fn pattern() -> CallPattern {
    CallPattern::Command { words: vec!["git".into(), "push".into()], options: Vec::new() }
}

/// A call at a gate that knows its workspace.
fn gated(session: &str, body: &str) -> Request {
    Request {
        kind: PERMISSION.into(),
        agent: Agent { name: "goose".into(), session: Some(session.into()) },
        title: format!("Run {body}"),
        body: body.into(),
        dedup_key: Some(format!("gate:goose:{session}:{body}")),
        grantable: Some(Grantable {
            root: "/home/maya/shop".into(),
            call: body.into(),
            rule: Some("a rule".into()),
            patterns: vec![pattern()],
        }),
        ..Request::default()
    }
}

fn given(terms: GrantTerms) -> Decision {
    let asked = Decision::new(DecisionId(1), gated("s-1", "git push"), Terms::default(), at(0));
    let event = asked.resolve(Verdict::granting(terms), ann(), Via::Discord, Revision(1)).unwrap();
    asked.evolve(&event, at(1), 2)
}

fn for_an_hour(pattern: Option<CallPattern>) -> Decision {
    given(GrantTerms { span: GrantSpan::HOUR, pattern })
}

/// Whether a grant covers a call at this minute, if the gate finds it within the pattern.
fn covers(decision: &Decision, request: &Request, minute: i64) -> bool {
    let pattern = pattern();
    let now = at(minute);
    let call = RepeatedCall { request, risk: request.risk, included_by: Some(&pattern), now };
    decision.covers(&call)
}

#[test]
fn a_grant_of_an_hour_covers_every_session_for_an_hour() {
    for grant in [for_an_hour(None), for_an_hour(Some(pattern()))] {
        assert_eq!(grant.grant().unwrap().until, Some(at(61)));
        assert_eq!(grant.wake_at(), Some(at(61)));
        for session in ["s-1", "s-2"] {
            assert!(covers(&grant, &gated(session, "git push"), 60), "{session}");
            assert!(!covers(&grant, &gated(session, "git push"), 61), "{session}");
        }
        // By a clock that was set back to before it was given, nobody knows the time.
        assert!(!covers(&grant, &gated("s-1", "git push"), 0));
        assert_eq!(grant.expire_grant(at(60)), Err(Refused::NotDue));
        let end = grant.expire_grant(at(61)).unwrap();
        let ended = grant.evolve(&end, at(61), 3);
        let progress = ended.grant().unwrap().progress.ended.unwrap();
        assert_eq!((progress.by, progress.why), (Person::gander(), Some(GrantEndReason::Expired)));
        assert!(!covers(&ended, &gated("s-1", "git push"), 30), "the clock is set back");
        assert_eq!(ended.wake_at(), None);
        assert!(ended.expire_grant(at(62)).is_err(), "once");
    }
}

#[test]
fn a_clock_that_is_set_back_prolongs_no_grant_that_was_used() {
    let grant = for_an_hour(Some(pattern()));
    let (request, pattern) = (gated("s-2", "git push x"), pattern());
    let call = RepeatedCall {
        request: &request,
        risk: Risk::Medium,
        included_by: Some(&pattern),
        now: at(60),
    };
    let used = grant.clone().evolve(&grant.use_grant(&call).unwrap(), at(61), 3);
    assert!(!covers(&used, &request, 20), "its last use was at the end");
    assert!(used.expire_grant(at(20)).is_ok());
}

#[test]
fn a_pattern_covers_only_calls_with_the_files_that_were_shown() {
    let text = |digest: &str| ScriptContent::Text { digest: digest.into(), text: "ls".into() };
    let script = |path: &str, content| Script { path: path.into(), content };
    let with = |scripts: Vec<Script>| Request { scripts, ..gated("s-2", "git push x") };
    let mut grant = for_an_hour(Some(pattern()));
    grant.request.scripts =
        vec![script("a", text("1")), script("b", text("2")), script("c", ScriptContent::Unknown)];
    for (scripts, expected) in [
        (vec![], true),
        (vec![script("a", text("1"))], true),
        (vec![script("b", text("2")), script("a", text("1"))], true),
        (vec![script("a", text("2"))], false),
        (vec![script("a", text("1")), script("d", text("1"))], false),
        (vec![script("c", ScriptContent::Unknown)], false),
    ] {
        assert_eq!(covers(&grant, &with(scripts.clone()), 30), expected, "{scripts:?}");
    }
}

#[test]
fn a_pattern_covers_other_calls_and_their_use_is_told() {
    let grant = for_an_hour(Some(pattern()));
    let request = gated("s-2", "git push origin main");
    let pattern = pattern();
    let call = RepeatedCall {
        request: &request,
        risk: Risk::Medium,
        included_by: Some(&pattern),
        now: at(30),
    };
    let used = UsedCall {
        title: "Run git push origin main".into(),
        session: Some("s-2".into()),
        call: Some("git push origin main".into()),
    };
    let event = Event::GrantUsed { call: Some(Box::new(used)) };
    assert_eq!(grant.use_grant(&call), Some(event));
    // The gate has not found it within the pattern, or within another.
    let other = CallPattern::Tool { tool: "x".into() };
    for included_by in [None, Some(&other)] {
        assert!(!grant.covers(&RepeatedCall { included_by, ..call.clone() }));
    }
    // The exact call alone.
    assert!(!covers(&for_an_hour(None), &request, 30));
}

#[test]
fn nothing_else_is_covered() {
    let grants = [for_an_hour(None), for_an_hour(Some(pattern()))];
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = gated("s-2", "git push");
        change(&mut request);
        grants.each_ref().map(|grant| covers(grant, &request, 30))
    };
    let root = |request: &mut Request, root: &str| {
        request.grantable.as_mut().unwrap().root = root.into();
    };
    let by = |id: &str| Some(Person { id: id.into(), name: "x".into() });
    assert_eq!(with(&|_| {}), [true, true]);
    assert_eq!(with(&|request| request.project = "other".into()), [false, false]);
    assert_eq!(with(&|request| request.agent.name = "codex".into()), [false, false]);
    assert_eq!(with(&|request| request.kind = "deploy".into()), [false, false]);
    assert_eq!(with(&|request| request.risk = Risk::High), [false, false]);
    assert_eq!(with(&|request| request.asked_by = by("token:3")), [false, false]);
    assert_eq!(with(&|request| root(request, "/home/maya/other")), [false, false]);
    assert_eq!(with(&|request| request.grantable = None), [false, false]);
    // Another rule asks about it, for another reason.
    let reason = |request: &mut Request| request.insight.why_it_matters = "Release!".into();
    assert_eq!(with(&reason), [true, false]);
    for rule in [None, Some("another rule")] {
        let rule = |request: &mut Request| {
            request.grantable.as_mut().unwrap().rule = rule.map(str::to_owned);
        };
        assert_eq!(with(&rule), [true, false]);
    }
    // For a pattern within one session.
    let session = given(GrantTerms { span: GrantSpan::Session, pattern: Some(pattern()) });
    assert!(covers(&session, &gated("s-1", "git push x"), 9_999));
    assert!(!covers(&session, &gated("s-2", "git push x"), 30));
    // By all rules its risk is greater than the rule's.
    let (request, pattern) = (gated("s-2", "git push"), pattern());
    let call = RepeatedCall {
        request: &request,
        risk: Risk::High,
        included_by: Some(&pattern),
        now: at(30),
    };
    assert!(grants.iter().all(|grant| !grant.covers(&call)));
}

#[test]
fn only_what_is_offered_can_be_given() {
    let asked = Decision::new(DecisionId(1), gated("s-1", "git push"), Terms::default(), at(0));
    let hour = |pattern| GrantTerms { span: GrantSpan::HOUR, pattern };
    let gives = |decision: &Decision, terms: &GrantTerms, via: Via| {
        let verdict = Verdict::granting(terms.clone());
        decision.resolve(verdict, ann(), via, Revision(1)).map(|_| ())
    };
    let refused = Err(Refused::GrantNotOffered);
    assert_eq!(gives(&asked, &hour(None), Via::Discord), Ok(()));
    assert_eq!(gives(&asked, &hour(Some(pattern())), Via::Terminal), Ok(()));
    let tool = CallPattern::Tool { tool: "Bash".into() };
    assert_eq!(gives(&asked, &hour(Some(tool)), Via::Discord), refused, "not of this call");
    // A token may be an agent's.
    for via in [Via::Http, Via::Mcp] {
        assert_eq!(gives(&asked, &hour(None), via), Err(Refused::GrantNeedsPerson));
        assert_eq!(gives(&asked, &GrantTerms::SESSION, via), Ok(()));
        let proposed = asked.propose(Verdict::granting(hour(None)), ann(), via, Revision(1));
        assert_eq!(proposed, Err(Refused::GrantNeedsPerson), "nor is it proposed");
    }
    let but = |change: &dyn Fn(&mut Decision)| {
        let mut decision = asked.clone();
        change(&mut decision);
        assert!(decision.longer_grants().is_empty());
        for terms in asked.longer_grants() {
            assert_eq!(gives(&decision, &terms, Via::Discord), refused, "{terms:?}");
        }
    };
    but(&|decision| decision.terms.risk = Risk::Critical);
    but(&|decision| decision.terms.approvals = 2);
    but(&|decision| decision.request.kind = "deploy".into());
    but(&|decision| decision.request.grantable = None);
    but(&|decision| decision.request.dedup_key = Some("gate:goose:s-1:ab:once".into()));
    let none = GrantLimits { longest: LongestGrant::Never, patterns: true };
    but(&|decision| decision.terms.grants = Some(none));
    // Three spans of the exact call beside the session, and four of the pattern.
    assert_eq!(asked.longer_grants().len(), 7);
    let limited = |limits: GrantLimits| {
        let terms = Terms { grants: Some(limits), ..Terms::default() };
        Decision { terms, ..asked.clone() }.longer_grants()
    };
    let hours = LongestGrant::UpTo(GrantSpan::Seconds(2 * 3_600));
    assert_eq!(limited(GrantLimits { longest: hours, patterns: false }), [hour(None)]);
    let session = LongestGrant::UpTo(GrantSpan::Session);
    let only = GrantTerms { span: GrantSpan::Session, pattern: Some(pattern()) };
    assert_eq!(limited(GrantLimits { longest: session, patterns: true }), [only]);
}

#[test]
fn events_of_before_read_and_write_as_they_did() {
    for old in [
        r#"{"event":"grant_used"}"#,
        r#"{"event":"grant_ended","by":{"id":"discord:1","name":"Ann"}}"#,
        r#"{"event":"resolved","verdict":{"verdict":"approved","for_session":true},"by":{"id":"discord:1","name":"Ann"},"via":"discord"}"#,
    ] {
        let event: Event = serde_json::from_str(old).unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), old);
    }
}
