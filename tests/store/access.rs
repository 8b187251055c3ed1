//! The approval API for callers from elsewhere: what a token allows, on a real store.

use gander::core::access::{Forbidden, Grant, InvalidGrant, Scope, TokenId};
use gander::core::decision::{
    Decision, DecisionId, Person, Refused, Request, Risk, State, Verdict, Via,
};
use gander::core::policy::rules::Rules;
use gander::engine::approvals::access::{Access, AccessError, AskOutcome};
use gander::engine::{Asked, Filter, Handle, HandleError};
use secrecy::ExposeSecret as _;

use crate::common::engine;
use crate::common::holder::grant;

fn handle(folder: &tempfile::TempDir) -> Handle {
    engine::handle(&folder.path().join("gander.db"), Rules::default())
}

async fn access(handle: &Handle, grant: Grant) -> Access {
    let (_, secret) = handle.tokens().create("a token", grant).await.unwrap();
    handle.access(handle.tokens().caller_of(secret.expose_secret()).await.unwrap().unwrap())
}

fn question(title: &str) -> Request {
    Request { title: title.into(), project: "shop".into(), risk: Risk::Low, ..Request::default() }
}

async fn asked(access: &Access, request: Request) -> Decision {
    access.ask(request, None).await.unwrap().into_decision()
}

#[tokio::test]
async fn a_token_is_known_by_its_secret_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(&folder);
    let (token, secret) =
        handle.tokens().create("goose", grant(&[Scope::Ask], &[], None)).await.unwrap();
    assert!(
        handle.tokens().caller_of("gander_").await.unwrap().is_none()
            && handle.tokens().caller_of("").await.unwrap().is_none()
    );
    assert_eq!(
        handle.tokens().caller_of(secret.expose_secret()).await.unwrap().unwrap().id,
        format!("token:{}", token.id.0)
    );
    assert!(handle.tokens().list().await.unwrap()[0].used_at.is_some());
    assert!(!format!("{secret:?}").contains(secret.expose_secret()));
    assert!(handle.tokens().revoke(token.id).await.unwrap());
    assert!(handle.tokens().caller_of(secret.expose_secret()).await.unwrap().is_none());
    assert!(
        !handle.tokens().revoke(token.id).await.unwrap()
            && !handle.tokens().revoke(TokenId(9)).await.unwrap()
    );
    let refused = handle.tokens().create("nobody's", grant(&[Scope::Decide], &[], None)).await;
    assert!(matches!(refused, Err(HandleError::InvalidGrant(InvalidGrant::NoHolder))));
    // Nothing in the file gives a secret away.
    let file: Vec<u8> = std::fs::read(folder.path().join("gander.db")).unwrap();
    let log = std::fs::read(folder.path().join("gander.db-wal")).unwrap_or_default();
    let needle = secret.expose_secret().as_bytes();
    assert!(
        ![file, log].iter().any(|bytes| bytes.windows(needle.len()).any(|part| part == needle))
    );
}

#[tokio::test]
async fn nobody_reads_or_revises_anothers_question_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(&folder);
    let (one, other) = (
        access(&handle, grant(&[Scope::Ask], &[], None)).await,
        access(&handle, grant(&[Scope::Ask], &[], None)).await,
    );
    let keyed = |title: &str| Request { dedup_key: Some("deploy".into()), ..question(title) };
    let first = asked(&one, keyed("Deploy?")).await;
    let second = asked(&other, keyed("Deploy something else?")).await;
    assert_ne!(first.id, second.id);
    assert_eq!(one.get(first.id).await.unwrap().revision, first.revision);
    assert!(matches!(
        other.get(first.id).await,
        Err(AccessError::Handle(HandleError::NoSuchDecision(_)))
    ));
    assert!(matches!(
        other.withdraw(first.id, "x").await,
        Err(AccessError::Handle(HandleError::NoSuchDecision(_)))
    ));
    assert_eq!(other.list(Filter::default()).await.unwrap().len(), 1);
    // It does not choose as whom it asks.
    let posing = Request {
        asked_by: Some(Person { id: one.caller().id.clone(), name: "x".into() }),
        ..question("Mine?")
    };
    assert_eq!(asked(&other, posing).await.request.asked_by.unwrap().id, other.caller().id);
}

#[tokio::test]
async fn an_idempotency_key_names_one_request_also_when_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(&folder);
    let agent = access(&handle, grant(&[Scope::Ask], &[], None)).await;
    let first = agent.ask(question("Deploy?"), Some("k")).await.unwrap();
    assert!(matches!(&first, AskOutcome::Asked(Asked::New(_))));
    let first = first.into_decision();
    assert!(
        matches!(agent.ask(question("Deploy?"), Some("k")).await.unwrap(), AskOutcome::Before(same) if same.id == first.id)
    );
    let otherwise = agent.ask(question("Delete it?"), Some("k")).await;
    assert!(matches!(otherwise, Err(AccessError::OtherRequest(id)) if id == first.id));
    agent.withdraw(first.id, "done").await.unwrap();
    let AskOutcome::Before(over) = agent.ask(question("Deploy?"), Some("k")).await.unwrap() else {
        panic!("revised")
    };
    assert!(matches!(over.state, State::Withdrawn { .. }));
    let another = access(&handle, grant(&[Scope::Ask], &[], None)).await;
    assert!(matches!(
        another.ask(question("Deploy?"), Some("k")).await.unwrap(),
        AskOutcome::Asked(Asked::New(_))
    ));
}

#[tokio::test]
async fn who_decides_with_a_token_decides_low_risk_of_its_projects_and_nothing_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(&folder);
    let agent = access(&handle, grant(&[Scope::Ask], &[], None)).await;
    let maya = access(&handle, grant(&[Scope::Ask, Scope::Decide], &["shop"], Some(7))).await;
    let approve = |access: Access, decision: Decision| async move {
        access.decide(decision.id, decision.revision, Via::Http, Verdict::approved()).await
    };
    let low = asked(&agent, question("Deploy?")).await;
    assert!(matches!(
        approve(agent.clone(), low.clone()).await,
        Err(AccessError::Forbidden(Forbidden::Lacks(Scope::Decide)))
    ));
    approve(maya.clone(), low.clone()).await.unwrap();
    let State::Resolved(resolved) = agent.get(low.id).await.unwrap().state else {
        panic!("undecided")
    };
    assert_eq!((resolved.by, resolved.via), (Person::discord(7, "Maya"), Via::Http));
    let own = asked(&maya, question("Mine?")).await;
    assert!(matches!(
        approve(maya.clone(), own).await,
        Err(AccessError::Forbidden(Forbidden::OwnQuestion))
    ));
    let elsewhere =
        asked(&agent, Request { project: "notes".into(), ..question("Elsewhere?") }).await;
    assert!(matches!(
        approve(maya.clone(), elsewhere).await,
        Err(AccessError::Handle(HandleError::NoSuchDecision(_)))
    ));
    assert!(matches!(
        maya.get(DecisionId(99)).await,
        Err(AccessError::Handle(HandleError::NoSuchDecision(_)))
    ));
}

#[tokio::test]
async fn high_risk_is_not_decided_with_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(&folder);
    let agent = access(&handle, grant(&[Scope::Ask], &[], None)).await;
    let high = asked(&agent, Request { risk: Risk::High, ..question("Delete?") }).await;
    let maya = gander::core::decision::authorization::Voter {
        person: Person::discord(7, "Maya"),
        roles: Vec::new(),
        owner: true,
    };
    let refused = handle.approvals().approve(high.id, high.revision, &maya, Via::Mcp).await;
    assert!(matches!(refused, Err(HandleError::Refused(_, Refused::NotDecidableRemotely { .. }))));
    assert!(agent.get(high.id).await.unwrap().state.is_open());
}
