//! The approval API itself: what an agent cannot do to the questions of others, or to its own.

use std::sync::Arc;

use gander::core::decision::authorization::{ApproverRule, Role, Voter};
use gander::core::decision::{
    Attachment, Ballot, Decision, Person, Refused, Request, Risk, SafeDefault, State, Verdict, Via,
};
use gander::core::policy::rules::{Rule, Rules};
use gander::engine::clock::TestClock;
use gander::engine::{Asked, Claim, Handle, HandleError};

use crate::common::engine;
use crate::store_suite::noon;
use gander::store::Store;

fn handle(folder: &tempfile::TempDir, rules: Rules) -> Handle {
    engine::handle_at(&folder.path().join("gander.db"), rules, &TestClock::at(noon()))
}

fn keyed(title: &str, key: &str, risk: Risk) -> Request {
    Request { title: title.into(), dedup_key: Some(key.into()), risk, ..Request::default() }
}

fn voter(id: u64, roles: &[&str]) -> Voter {
    let roles = roles.iter().map(|name| Role { id: 9, name: (*name).into() }).collect();
    Voter { person: Person::discord(id, "x"), roles, owner: id == 1 }
}

async fn approve(
    handle: &Handle,
    decision: &Decision,
    by: &Voter,
) -> Result<Decision, HandleError> {
    handle.approvals().approve(decision.id, decision.revision, by, Via::Discord).await
}

/// Between a person's decided decisions lie many of others: their page is full all the same.
#[tokio::test]
async fn a_persons_last_decisions_are_found_behind_those_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let of = |project: &str, user| ApproverRule {
        users: [user].into(),
        projects: [project.to_owned()].into(),
        ..ApproverRule::default()
    };
    let approvers = vec![of("shop", 2), of("notes", 3)];
    let bot = handle(&folder, Rules { approvers, ..Rules::default() });
    for n in 0..70 {
        let (project, by) = if n < 5 { ("shop", 2) } else { ("notes", 3) };
        let request =
            Request { title: format!("{n}"), project: project.into(), ..Request::default() };
        let asked = bot.approvals().ask(request).await.unwrap().into_decision();
        approve(&bot, &asked, &voter(by, &[])).await.unwrap();
    }
    let decided = bot.attention().decided_for(&voter(2, &[]), 4).await.unwrap();
    let ids: Vec<i64> = decided.iter().map(|decision| decision.id.0).collect();
    assert_eq!(ids, [5, 4, 3, 2]);
}

/// Whoever asks may read rules of their own: the person's count, before the bot has looked at it.
#[tokio::test]
async fn a_verdict_is_judged_by_the_rules_of_those_who_decide() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(
        Store::open(&folder.path().join("gander.db"), None, gander::engine::clock::wall_time())
            .unwrap(),
    );
    let clock = Arc::new(TestClock::at(gander::engine::clock::wall_time()));
    let lax = Handle::new(Arc::clone(&store), Rules::default(), Arc::<TestClock>::clone(&clock));
    let rule = Rule { risk: Some(Risk::Critical), approvals: Some(2), ..Default::default() };
    let own = Handle::new(
        store,
        Rules { kinds: [("deploy".into(), rule)].into(), ..Rules::default() },
        clock,
    );
    let request = Request {
        title: "Deploy?".into(),
        kind: "deploy".into(),
        risk: Risk::Low,
        ..Request::default()
    };
    let asked = lax.approvals().ask(request).await.unwrap().into_decision();
    let person = Person::discord(1, "Maya");
    let owner = Voter { person, roles: Vec::new(), owner: true };
    let seen = own.approvers().may_see(asked.id, &owner).await.unwrap();
    assert_eq!((seen.terms.risk, seen.approvals_needed()), (Risk::Critical, 2));
    let refused =
        own.approvals().approve(asked.id, asked.revision, &owner, Via::Discord).await.unwrap_err();
    assert!(refused.to_string().contains("DEPLOY"), "{refused}");
    let ballot = Ballot { verdict: Verdict::approved(), confirmation: Some("DEPLOY".into()) };
    let voted = own
        .approvals()
        .resolve(asked.id, asked.revision, &owner, Via::Discord, ballot)
        .await
        .unwrap();
    assert!(voted.state.is_open() && voted.approvals_missing() == 1, "{voted:?}");
}

/// A rule of two, and the first of them is dismissed before the second approves. The asker's own
/// rules name nobody, and change nothing of that.
#[tokio::test]
async fn the_approval_of_somebody_who_may_not_decide_any_more_is_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let two = Rule { approvals: Some(2), ..Rule::default() };
    let rules = |users: &[u64], roles: &[&str]| Rules {
        projects: [("default".to_owned(), two.clone())].into(),
        approvers: vec![ApproverRule {
            users: users.to_vec(),
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
            ..ApproverRule::default()
        }],
        ..Rules::default()
    };
    let asker = handle(&folder, Rules::default());
    let bot = handle(&folder, rules(&[1, 2], &["Approvers"]));
    let decision =
        asker.approvals().ask(keyed("Deploy?", "k", Risk::Low)).await.unwrap().into_decision();
    assert_eq!(approve(&bot, &decision, &voter(1, &[])).await.unwrap().approvals_missing(), 1);
    // Nobody looked at it between the new rules and the click.
    bot.set_rules(rules(&[2], &["Approvers"]));
    let voted = approve(&bot, &decision, &voter(2, &[])).await.unwrap();
    assert!(voted.state.is_open() && voted.approvals_missing() == 1, "{voted:#?}");
    assert_eq!(
        voted.lapsed.iter().map(|lapsed| lapsed.by.id.as_str()).collect::<Vec<_>>(),
        ["discord:1"]
    );
    // Whoever is an approver again approves again; named by their role meanwhile, the other one
    // still counts.
    bot.set_rules(rules(&[2], &["Approvers"]));
    assert!(matches!(approve(&bot, &voted, &voter(1, &[])).await, Err(HandleError::Denied(..))));
    let done = approve(&bot, &voted, &voter(1, &["Approvers"])).await.unwrap();
    let State::Resolved(resolved) = &done.state else { panic!("{done:#?}") };
    assert_eq!(
        resolved.votes.iter().map(|vote| vote.by.id.as_str()).collect::<Vec<_>>(),
        ["discord:2"]
    );
    let events: Vec<&str> = bot
        .event_log()
        .history(decision.id)
        .await
        .unwrap()
        .iter()
        .map(|logged| logged.event.word())
        .collect();
    assert_eq!(events, ["asked", "enforced", "voted", "lapsed", "voted", "resolved"]);
    assert!(
        bot.operations().audit().await.unwrap().fault.is_none(),
        "the log gives the same states again"
    );
}

#[tokio::test]
async fn a_role_that_a_voter_had_counts_while_the_rules_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let rules = |role: &str| Rules {
        approvers: vec![ApproverRule {
            users: vec![2],
            roles: vec![role.into()],
            ..ApproverRule::default()
        }],
        ..Rules::default()
    };
    let bot = handle(&folder, rules("Approvers"));
    for (number, (role, counts)) in
        [("Approvers", true), ("9", true), ("Leads", true), ("Juniors", false)]
            .into_iter()
            .enumerate()
    {
        bot.set_rules(rules("Approvers"));
        let asked =
            Request { approvals_needed: 2, ..keyed("Deploy?", &number.to_string(), Risk::Low) };
        let decision = bot.approvals().ask(asked).await.unwrap().into_decision();
        approve(&bot, &decision, &voter(1, &["Approvers", "Leads"])).await.unwrap();
        bot.set_rules(rules(role));
        // All that waits is held to new rules at once.
        bot.operations().enforce_rules().await.unwrap();
        assert_eq!(
            bot.approvals().get(decision.id).await.unwrap().lapsed.is_empty(),
            counts,
            "{role}"
        );
        let second = approve(&bot, &decision, &voter(2, &[])).await.unwrap();
        assert_eq!(!second.state.is_open(), counts, "{role}: {second:#?}");
    }
}

/// What a store of an earlier version holds: an approval without what its voter was.
#[test]
fn an_approval_that_was_written_down_before_is_read_and_counts_by_user_id() {
    use gander::core::decision::authorization::voters_not_counted;
    use gander::core::decision::event::Event;
    use gander::core::decision::{DecisionId, Terms};
    let event: Event = serde_json::from_str(
        r#"{"event":"voted","by":{"id":"discord:1","name":"Maya"},"via":"discord"}"#,
    )
    .unwrap();
    let resolved: Event = serde_json::from_str(
        r#"{"event":"resolved","verdict":{"verdict":"approved"},"by":{"id":"discord:2","name":"Sven"},"via":"discord"}"#,
    )
    .unwrap();
    let request = Request { approvals_needed: 2, ..Request::default() };
    let voted =
        Decision::new(DecisionId(1), request, Terms::default(), noon()).evolve(&event, noon(), 2);
    let named = |user| {
        [ApproverRule {
            users: vec![user],
            roles: vec!["Approvers".into()],
            ..ApproverRule::default()
        }]
    };
    assert!(voters_not_counted(&named(1), &voted).is_empty());
    assert_eq!(voters_not_counted(&named(3), &voted).len(), 1);
    let done = voted.evolve(&resolved, noon(), 3);
    assert_eq!(done.state.votes().len(), 1, "history stays what it was: {done:#?}");
}

#[tokio::test]
async fn a_verdict_on_another_question_is_none_on_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(&folder, Rules::default());
    let first = handle
        .approvals()
        .ask(keyed("Drop the production database", "k", Risk::High))
        .await
        .unwrap()
        .into_decision();
    let Asked::Revised(second) =
        handle.approvals().ask(keyed("Fix a typo", "k", Risk::Low)).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(second.terms.risk, Risk::High, "asking again does not choose other approvers");
    approve(&handle, &second, &voter(1, &[])).await.unwrap();
    let told =
        handle.approvals().wait(first.id, Some(first.revision), Claim::Yes, None).await.unwrap();
    assert_ne!(told.revision, first.revision, "the first asker sees that it is another question");
    let State::Resolved(resolved) = told.state else { panic!("{told:?}") };
    assert_eq!(resolved.claimed_at, None, "and has not taken its verdict");
    let told =
        handle.approvals().wait(second.id, Some(second.revision), Claim::Yes, None).await.unwrap();
    assert!(matches!(told.state, State::Resolved(resolved) if resolved.claimed_at.is_some()));
}

#[tokio::test]
async fn whoever_asks_under_rules_of_their_own_is_held_to_the_deciders() {
    let folder = tempfile::tempdir().unwrap();
    let lax = Rule { allow_default_approve: true, ..Rule::default() };
    let lax =
        Rules { kinds: [("deploy".into(), lax)].into(), sla_floor_seconds: 1, ..Rules::default() };
    let strict = Rule { risk: Some(Risk::Critical), ..Rule::default() };
    let juniors = ApproverRule {
        roles: vec!["Juniors".into()],
        risks: vec![Risk::Low],
        ..ApproverRule::default()
    };
    let seniors = ApproverRule { roles: vec!["Seniors".into()], ..ApproverRule::default() };
    let strict = Rules {
        kinds: [("deploy".into(), strict)].into(),
        approvers: vec![juniors, seniors],
        ..Rules::default()
    };
    let agent = handle(&folder, lax);
    let bot = handle(&folder, strict);
    let asked = Request {
        kind: "deploy".into(),
        safe_default: Some(SafeDefault::Approve),
        sla_seconds: Some(1),
        ..keyed("Quietly", "k", Risk::Low)
    };
    let decision = agent.approvals().ask(asked).await.unwrap().into_decision();
    assert_eq!(decision.terms.risk, Risk::Low, "as the asker's own rules have it");
    let junior = approve(&bot, &decision, &voter(2, &["Juniors"])).await;
    assert!(matches!(junior, Err(HandleError::Denied(..))), "{junior:?}");
    assert!(bot.attention().list(Some(&voter(2, &["Juniors"]))).await.unwrap().is_empty());
    let senior = voter(3, &["Seniors"]);
    let slip = approve(&bot, &decision, &senior).await;
    assert!(matches!(slip, Err(HandleError::Refused(_, Refused::Unconfirmed { .. }))), "{slip:?}");
    let ballot = Ballot { verdict: Verdict::approved(), confirmation: Some("DEPLOY".into()) };
    bot.approvals()
        .resolve(decision.id, decision.revision, &senior, Via::Discord, ballot)
        .await
        .unwrap();
}

#[tokio::test]
async fn names_that_could_pass_for_others_are_refused_and_case_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let strict = Rule { risk: Some(Risk::Critical), ..Rule::default() };
    let handle =
        handle(&folder, Rules { projects: [("prod".into(), strict)].into(), ..Rules::default() });
    let of = |project: &str, kind: &str| Request {
        project: project.into(),
        kind: kind.into(),
        ..keyed("x", project, Risk::Low)
    };
    for (project, kind) in [
        ("prod\u{200b}", "deploy"),
        ("prod", "deploy\u{200b}"),
        ("pr*od", "deploy"),
        (&"p".repeat(101), "deploy"),
    ] {
        assert!(
            matches!(
                handle.approvals().ask(of(project, kind)).await,
                Err(HandleError::InvalidRequest(_))
            ),
            "{project:?} {kind:?}"
        );
    }
    let decision = handle.approvals().ask(of(" PROD ", "Deploy")).await.unwrap().into_decision();
    assert_eq!((decision.request.project.as_str(), decision.terms.risk), ("prod", Risk::Critical));
}

#[tokio::test]
async fn what_no_card_could_carry_is_refused_when_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(&folder, Rules::default());
    let file =
        |n: usize| Attachment { name: n.to_string(), path: folder.path().join(n.to_string()) };
    let cases = [
        (keyed("x", "", Risk::Low), "the dedup key is empty"),
        (keyed("x", &"k".repeat(2_000), Risk::Low), "longer than"),
        (
            Request { attachments: (0..10).map(file).collect(), ..keyed("x", "k", Risk::Low) },
            "10 attached files",
        ),
        (
            Request { details: vec![detail(300_000)], ..keyed("x", "k", Risk::Low) },
            "the rest of the text",
        ),
    ];
    for (request, says) in cases {
        let error = handle.approvals().ask(request).await.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

fn detail(size: usize) -> gander::core::decision::Detail {
    gander::core::decision::Detail { name: "n".into(), value: "v".repeat(size) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_locked_when_the_verdict_is_taken_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(&folder, Rules::default());
    let decision =
        handle.approvals().ask(keyed("x", "k", Risk::Low)).await.unwrap().into_decision();
    approve(&handle, &decision, &voter(1, &[])).await.unwrap();
    let mut other = rusqlite::Connection::open(folder.path().join("gander.db")).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.approvals().wait(decision.id, None, Claim::Yes, None).await }
    });
    // The claim has failed once when this, queued behind it, has too.
    let busy = handle.approvals().ask(keyed("y", "y", Risk::Low)).await;
    assert!(matches!(busy, Err(HandleError::Store(_))), "{busy:?}");
    drop(held);
    handle.hint();
    let told = waiting.await.unwrap().unwrap();
    assert!(matches!(told.state, State::Resolved(resolved) if resolved.claimed_at.is_some()));
}
