//! A no stays a no: what people have rejected, taken, deferred or taken back is not approved
//! without people, also when it is asked anew.

use chrono::TimeDelta;
use gander::core::access::{Caller, Scope};
use gander::core::decision::authorization::Voter;
use gander::core::decision::{Decision, Person, Request, Risk, SafeDefault, State, Verdict, Via};
use gander::core::messaging::batch::SkipReason;
use gander::core::messaging::message::{Item, Listed};
use gander::core::policy::rules::{Rule, Rules};
use gander::engine::Handle;
use gander::engine::clock::{TestClock, wall_time};
use gander::engine::escalation::scheduler;
use gander::store::Store;

use crate::common::engine::{handle_at, maya};
use crate::common::holder::grant;

/// Everything passes in the project `shop`, by confidence and by silence.
fn rules() -> Rules {
    let lax = Rule { route_by_confidence: true, allow_default_approve: true, ..Rule::default() };
    Rules {
        projects: [("shop".to_owned(), lax.clone())].into(),
        kinds: [("naming".into(), lax.clone()), ("parameter".into(), lax)].into(),
        ..Rules::default()
    }
}

struct World {
    folder: tempfile::TempDir,
    handle: Handle,
    clock: TestClock,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::at(wall_time());
        let handle = handle_at(&folder.path().join("gander.db"), rules(), &clock);
        Self { folder, handle, clock }
    }

    /// Asks, and lets the bot approve what it may.
    async fn ask(&self, request: Request) -> Decision {
        let asked = self.handle.approvals().ask(request).await.unwrap().into_decision();
        self.handle.auto_approval().approve_allowed().await.unwrap();
        self.handle.approvals().get(asked.id).await.unwrap()
    }

    async fn reject(&self, decision: &Decision) {
        let approvals = self.handle.approvals();
        let (id, seen) = (decision.id, decision.revision);
        approvals.reject(id, seen, &maya(), Via::Discord, "no").await.unwrap();
    }
}

/// Unsure at first, so that a person answers.
fn question(title: &str) -> Request {
    Request {
        title: title.into(),
        body: format!("A long reason for {title}, in more than twenty-four letters."),
        kind: "naming".into(),
        project: "shop".into(),
        risk: Risk::Low,
        confidence: Some(0.7),
        dedup_key: Some(format!("key of {title}")),
        ..Request::default()
    }
}

fn sure(request: Request) -> Request {
    Request { confidence: Some(0.95), ..request }
}

#[track_caller]
fn waits(decision: &Decision) {
    assert!(decision.state.is_open(), "{decision:#?}");
    assert!(decision.terms.precedent.is_some(), "{decision:#?}");
}

#[tokio::test]
async fn what_was_rejected_waits_for_people_under_any_key_words_asker_or_kind() {
    let world = World::new();
    let first = world.ask(question("Rename parse?")).await;
    world.reject(&first).await;
    let again = sure(question("Rename parse?"));
    let other = |title: &str| Request { title: title.into(), ..again.clone() };
    for request in [
        again.clone(),
        Request { dedup_key: Some("another key".into()), ..again.clone() },
        Request { dedup_key: None, ..again.clone() },
        Request { dedup_key: None, title: "  RENAME `parse` ".into(), ..again.clone() },
        Request { dedup_key: None, ..other("Is this fine?") },
        Request { dedup_key: None, body: String::new(), ..again.clone() },
        Request { kind: "parameter".into(), dedup_key: None, ..again.clone() },
        Request { body: "Something else.".into(), ..other("The key alone is the same") },
    ] {
        let asked = world.ask(request).await;
        waits(&asked);
        world.handle.approvals().withdraw(asked.id, "asked anew").await.unwrap();
    }
    // Whoever asks: keys of programs are kept apart by the asker's id.
    let caller = |id: &str| {
        let mut caller = Caller::of_user(1, "x", false);
        caller.id = id.to_owned();
        caller.grant = grant(&[Scope::Ask], &[], None);
        world.handle.access(caller)
    };
    let body = "Quite another reason, also in more than twenty-four letters.".to_owned();
    let request = Request { body, ..other("Yet another title") };
    let asked = caller("token:9").ask(request, None).await.unwrap().into_decision();
    world.handle.auto_approval().approve_allowed().await.unwrap();
    waits(&world.handle.approvals().get(asked.id).await.unwrap());
}

#[tokio::test]
async fn another_question_and_another_project_still_pass() {
    let world = World::new();
    world.reject(&world.ask(question("Rename parse?")).await).await;
    let other = world.ask(sure(question("Rename scan?"))).await;
    assert_eq!(other.verdict().unwrap().via, Via::Routing);
    // What the agent itself withdrew, and no person touched, may be asked anew.
    let unsure = world.ask(question("Rename read?")).await;
    world.handle.approvals().withdraw(unsure.id, "let me check").await.unwrap();
    let again = world.ask(sure(question("Rename read?"))).await;
    assert_eq!(again.verdict().unwrap().via, Via::Routing);
    // What people approved is no precedent.
    let yes = world.ask(question("Rename write?")).await;
    let approvals = world.handle.approvals();
    approvals.approve(yes.id, yes.revision, &maya(), Via::Discord).await.unwrap();
    let again = world.ask(sure(question("Rename write?"))).await;
    assert_eq!(again.verdict().unwrap().via, Via::Routing);
}

#[tokio::test]
async fn what_was_taken_deferred_undone_or_disagreed_with_waits_for_people_when_asked_anew() {
    for what in ["taken", "deferred", "undone", "disagreed"] {
        let world = World::new();
        let (approvals, by) = (world.handle.approvals(), maya());
        let confidence = if what == "disagreed" { 0.95 } else { 0.7 };
        let request = Request { confidence: Some(confidence), ..question("Rename parse?") };
        let first = world.ask(request).await;
        let (id, seen) = (first.id, first.revision);
        match what {
            "taken" => drop(world.handle.approvers().take(id, &by).await.unwrap()),
            "deferred" => {
                let until = world.handle.now() + TimeDelta::hours(1);
                approvals.defer(id, seen, &by, until).await.unwrap();
            }
            "undone" => {
                approvals.approve(id, seen, &by, Via::Discord).await.unwrap();
                approvals.undo(id, &by).await.unwrap();
            }
            _ => {
                assert_eq!(first.verdict().unwrap().via, Via::Routing);
                approvals.claim(id).await.unwrap();
                world.handle.auto_approval().disagree(id, &by).await.unwrap();
            }
        }
        if what != "disagreed" {
            approvals.withdraw(id, "asked anew").await.unwrap();
        }
        waits(&world.ask(sure(question("Rename parse?"))).await);
    }
}

#[tokio::test]
async fn silence_approves_nothing_that_was_rejected_before() {
    let world = World::new();
    let silent =
        |title: &str| Request { safe_default: Some(SafeDefault::Approve), ..question(title) };
    // Asked before the rejection, under another key: it was to be approved by silence.
    let twin = Request { dedup_key: None, ..silent("Rename parse?") };
    let twin = world.ask(twin).await;
    assert_eq!(twin.terms.safe_default, SafeDefault::Approve);
    world.reject(&world.ask(question("Rename parse?")).await).await;
    let again = world.ask(silent("Rename parse?")).await;
    assert_eq!(again.terms.safe_default, SafeDefault::Reject, "the card says so");
    world.clock.advance(TimeDelta::days(3));
    for _ in 0..20 {
        scheduler::pass(&world.handle).await.unwrap();
    }
    for id in [twin.id, again.id] {
        let over = world.handle.approvals().get(id).await.unwrap();
        if let State::Resolved(resolved) = &over.state {
            assert!(matches!(resolved.verdict, Verdict::Rejected { .. }), "{over:#?}");
        }
    }
}

#[tokio::test]
async fn a_twin_that_waits_is_not_routed_when_the_rules_allow_it_later() {
    let world = World::new();
    world.handle.set_rules(Rules::default());
    let twin = world.ask(Request { dedup_key: None, ..sure(question("Rename parse?")) }).await;
    world.reject(&world.ask(question("Rename parse?")).await).await;
    world.handle.set_rules(rules());
    world.handle.auto_approval().approve_allowed().await.unwrap();
    waits(&world.handle.approvals().get(twin.id).await.unwrap());
}

#[tokio::test]
async fn a_bulk_approval_leaves_out_what_was_rejected_before() {
    let world = World::new();
    world.reject(&world.ask(question("Rename parse?")).await).await;
    let again = world.ask(question("Rename parse?")).await;
    let listed = Listed { item: Item::of(&again), decision: again };
    let preview = world.handle.bulk().preview(vec![listed], &maya());
    assert!(matches!(preview.left_out.as_slice(), [(_, SkipReason::Precedent(_))]), "{preview:?}");
}

#[tokio::test]
async fn the_audit_finds_what_was_removed_from_the_record() {
    let world = World::new();
    world.reject(&world.ask(question("Rename parse?")).await).await;
    let file = world.folder.path().join("gander.db");
    let store = gander::store::Store::open(&file, None, wall_time()).unwrap();
    assert_eq!(store.audit().verify().unwrap().fault, None);
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.execute("DELETE FROM precedent", []).unwrap();
    let fault = store.audit().verify().unwrap().fault.expect("a fault").to_string();
    assert!(fault.contains("people have handled it"), "{fault}");
    // A store from before the record: it is made from the log.
    raw.execute("DELETE FROM meta WHERE key = 'precedents'", []).unwrap();
    drop((raw, store));
    let store = gander::store::Store::open(&file, None, wall_time()).unwrap();
    assert_eq!(store.audit().verify().unwrap().fault, None);
}

#[tokio::test]
async fn a_person_still_approves_what_was_rejected_before() {
    let world = World::new();
    world.reject(&world.ask(question("Rename parse?")).await).await;
    let again = world.ask(sure(question("Rename parse?"))).await;
    let ann = Voter { person: Person::discord(8, "Ann"), roles: Vec::new(), owner: true };
    let approvals = world.handle.approvals();
    let yes = approvals.approve(again.id, again.revision, &ann, Via::Discord).await.unwrap();
    assert_eq!(yes.verdict().unwrap().verdict, Verdict::approved());
}

/// A no of an earlier version is not forgotten because the disk fails while it is recorded.
#[tokio::test]
async fn a_record_that_cannot_be_written_is_made_at_the_next_start() {
    let world = World::new();
    let question = question("Which name?");
    let asked = world.ask(question.clone()).await;
    world.reject(&asked).await;
    let path = world.folder.path().join("gander.db");
    // As an earlier version left the store, on a disk that fails.
    let sql = rusqlite::Connection::open(&path).unwrap();
    sql.execute_batch(
        "DELETE FROM precedent; DELETE FROM meta WHERE key = 'precedents';
         CREATE TRIGGER fails BEFORE INSERT ON precedent BEGIN SELECT RAISE(ABORT, 'fails'); END",
    )
    .unwrap();
    assert!(Store::open(&path, None, wall_time()).is_err());
    sql.execute_batch("DROP TRIGGER fails").unwrap();
    drop(Store::open(&path, None, wall_time()).unwrap());
    waits(&world.ask(sure(question)).await);
}
