//! What every store must do, and what SQLite's adds. A new store runs the same suite.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::sync::Arc;

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{Decision, DecisionId, Person, Refused, Request, Risk, SafeDefault, Surface, Terms, Verdict};
use gander::core::event::Event;
use gander::store::sqlite::SqliteStore;
use gander::store::{Asked, Changed, Delivery, Filter, Store, StoreError, Why};

fn noon() -> Time {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn terms() -> Terms {
    Terms { risk: Risk::Medium, sla_seconds: 3600, safe_default: SafeDefault::Reject, approvals: 1 }
}

fn maya() -> Person {
    Person::discord(1, "Maya")
}

fn request(title: &str, key: Option<&str>) -> Request {
    Request { title: title.into(), dedup_key: key.map(Into::into), ..Request::default() }
}

fn ask(store: &dyn Store, title: &str) -> Decision {
    store.ask(request(title, None), terms(), noon()).unwrap().into_decision()
}

fn approve(store: &dyn Store, decision: &Decision) -> Changed {
    let seen = decision.revision;
    let decide = Box::new(move |d: &Decision| Ok(Some(d.resolve(Verdict::approved(), maya(), Surface::Discord, seen)?)));
    store.change(decision.id, noon(), decide).unwrap()
}

/// A case of the suite: its name, and what must hold of any store.
type Case = (&'static str, fn(&dyn Store));

/// The suite: each store that is made must behave so.
fn conforms(make: impl Fn() -> (Arc<dyn Store>, tempfile::TempDir)) {
    let suite: [Case; 10] = [
        ("numbers_count_up", numbers_count_up),
        ("the_same_key_is_the_same_decision_while_open", the_same_key_is_the_same_decision_while_open),
        ("keys_of_two_projects_are_two", keys_of_two_projects_are_two),
        ("the_first_answer_wins", the_first_answer_wins),
        ("the_log_replays_to_the_state", the_log_replays_to_the_state),
        ("a_refused_change_writes_nothing", a_refused_change_writes_nothing),
        ("what_is_due_is_found", what_is_due_is_found),
        ("cards_are_remembered_and_the_unsettled_found", cards_are_remembered_and_the_unsettled_found),
        ("many_threads_write_at_once", many_threads_write_at_once),
        ("a_memo_is_kept_until_it_is_forgotten", a_memo_is_kept_until_it_is_forgotten),
    ];
    for (case, run) in suite {
        let (store, _folder) = make();
        println!("{case}");
        run(&*store);
        assert_eq!(store.first_broken_link().unwrap(), None, "{case}: the chain");
    }
}

fn numbers_count_up(store: &dyn Store) {
    let ids: Vec<i64> = (0..3).map(|_| ask(store, "x").id.0).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(store.get(DecisionId(4)).unwrap(), None);
    assert_eq!(store.list(&Filter { limit: 2, ..Filter::default() }).unwrap().len(), 2);
}

fn the_same_key_is_the_same_decision_while_open(store: &dyn Store) {
    let first = store.ask(request("a", Some("k")), terms(), noon()).unwrap();
    let Asked::New(first) = first else { panic!("{first:?}") };
    assert_eq!(store.ask(request("a", Some("k")), terms(), noon()).unwrap(), Asked::Same(first.clone()));
    let Asked::Revised(revised) = store.ask(request("b", Some("k")), terms(), noon()).unwrap() else { panic!() };
    assert_eq!((revised.id, revised.revision.0, revised.asked_at), (first.id, 2, first.asked_at));
    approve(store, &revised).unwrap();
    let Asked::New(next) = store.ask(request("b", Some("k")), terms(), noon()).unwrap() else { panic!("answered: a new one") };
    assert_ne!(next.id, first.id);
}

fn keys_of_two_projects_are_two(store: &dyn Store) {
    let of = |project: &str| Request { project: project.into(), ..request("a", Some("k")) };
    let first = store.ask(of("one"), terms(), noon()).unwrap().into_decision();
    let second = store.ask(of("two"), terms(), noon()).unwrap().into_decision();
    assert_ne!(first.id, second.id);
    let filter = Filter { project: Some("two".into()), open_only: true, ..Filter::default() };
    assert_eq!(store.list(&filter).unwrap(), std::slice::from_ref(&second));
    let keyed = |prefix: &str| store.list(&Filter { key_prefix: Some(prefix.into()), ..Filter::default() }).unwrap().len();
    assert_eq!((keyed("k"), keyed("kk"), keyed("")), (2, 0, 2));
}

fn the_first_answer_wins(store: &dyn Store) {
    let decision = ask(store, "x");
    let resolved = approve(store, &decision).unwrap();
    let unchanged = *approve(store, &decision).unwrap_err();
    assert_eq!(unchanged.decision, resolved);
    assert!(matches!(unchanged.why, Why::Refused(Refused::AlreadyResolved(by)) if by.by == maya()));
    let verdicts = store.history(decision.id).unwrap().into_iter().filter(|l| matches!(l.event, Event::Resolved { .. })).count();
    assert_eq!(verdicts, 1);
}

fn the_log_replays_to_the_state(store: &dyn Store) {
    let decision = store.ask(request("a", Some("k")), terms(), noon()).unwrap().into_decision();
    store.ask(request("b", Some("k")), terms(), noon() + TimeDelta::nanoseconds(1_234_567)).unwrap();
    let seen = gander::core::decision::Revision(2);
    let until = noon() + TimeDelta::hours(1);
    let defer = Box::new(move |d: &Decision| Ok(Some(d.defer(until, maya(), seen, noon(), Default::default())?)));
    store.change(decision.id, noon(), defer).unwrap().unwrap();
    store.change(decision.id, until, Box::new(move |d| Ok(Some(d.come_back(until)?)))).unwrap().unwrap();
    let reject = move |d: &Decision| {
        let verdict = Verdict::Rejected { reason: "no".into() };
        Ok(Some(d.resolve(verdict, maya(), Surface::Discord, seen)?))
    };
    store.change(decision.id, until, Box::new(reject)).unwrap().unwrap();
    let standing = store.change(decision.id, until, Box::new(|d| Ok(d.claim()?))).unwrap().unwrap();
    let history = store.history(decision.id).unwrap();
    let blank = Decision::new(decision.id, Request::default(), terms(), noon());
    let replayed = history.iter().fold(blank, |state, logged| state.evolve(&logged.event, logged.at, logged.seq));
    assert_eq!(replayed, standing);
    assert_eq!(store.get(decision.id).unwrap(), Some(standing));
    assert_eq!(history.len(), 6);
    assert_eq!(store.events(2, 2).unwrap(), history[2..4]);
    assert_eq!(store.head().unwrap().seq, 6);
}

fn a_refused_change_writes_nothing(store: &dyn Store) {
    let decision = ask(store, "x");
    let head = store.head().unwrap();
    let refused = store.change(decision.id, noon(), Box::new(|d| Ok(Some(d.come_back(noon())?)))).unwrap();
    assert_eq!(refused.unwrap_err().why, Why::Refused(Refused::NotDue));
    assert_eq!(store.head().unwrap(), head);
    let nobody = store.change(DecisionId(99), noon(), Box::new(|_| Ok(None)));
    assert_eq!(nobody.unwrap_err(), StoreError::NoSuchDecision(DecisionId(99)));
}

fn what_is_due_is_found(store: &dyn Store) {
    let (now, soon, later) = (noon(), noon() + TimeDelta::minutes(30), noon() + TimeDelta::hours(2));
    assert_eq!(store.next_wake().unwrap(), None);
    for until in [later, soon] {
        let decision = ask(store, "x");
        let defer = Box::new(move |d: &Decision| Ok(Some(d.defer(until, maya(), d.revision, now, Default::default())?)));
        store.change(decision.id, now, defer).unwrap().unwrap();
    }
    assert_eq!(store.next_wake().unwrap(), Some(soon));
    assert_eq!(store.due(now).unwrap(), []);
    assert_eq!(store.due(soon).unwrap(), [DecisionId(2)]);
    assert_eq!(store.due(later).unwrap(), [DecisionId(2), DecisionId(1)]);
    store.change(DecisionId(2), soon, Box::new(move |d| Ok(Some(d.come_back(soon)?)))).unwrap().unwrap();
    assert_eq!(store.due(later).unwrap(), [DecisionId(1)]);
}

fn cards_are_remembered_and_the_unsettled_found(store: &dyn Store) {
    let decision = ask(store, "x");
    assert_eq!(store.unsettled().unwrap(), [decision.id], "no card yet");
    let intent = Delivery {
        decision: decision.id,
        generation: 1,
        returns: 0,
        channel: "7".into(),
        intent_at: noon(),
        message: None,
        shown: 0,
        lost: false,
    };
    store.put_delivery(&intent).unwrap();
    assert_eq!(store.unsettled().unwrap(), [decision.id], "an interrupted create");
    let posted = Delivery { message: Some("70".into()), shown: decision.changed, ..intent };
    store.put_delivery(&posted).unwrap();
    assert_eq!(store.unsettled().unwrap(), []);
    assert_eq!(store.delivery_of("70").unwrap(), Some(posted.clone()));
    assert_eq!(store.deliveries(decision.id).unwrap(), std::slice::from_ref(&posted));
    approve(store, &decision).unwrap();
    assert_eq!(store.unsettled().unwrap(), [decision.id], "it shows an earlier state");
    store.put_delivery(&Delivery { lost: true, ..posted }).unwrap();
    assert_eq!(store.unsettled().unwrap(), [], "what is decided needs no card");
}

fn many_threads_write_at_once(store: &dyn Store) {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || (0..25).for_each(|n| drop(ask(store, &format!("{thread}/{n}")))));
        }
    });
    assert_eq!(store.list(&Filter::default()).unwrap().len(), 200);
    assert_eq!(store.head().unwrap().seq, 200);
}

fn a_memo_is_kept_until_it_is_forgotten(store: &dyn Store) {
    let tag = store.tag().to_owned();
    assert_eq!(store.memo("tag").unwrap(), None, "the store's own is not a surface's");
    for text in ["one", "two"] {
        store.put_memo("tag", Some(text.into())).unwrap();
        assert_eq!(store.memo("tag").unwrap().as_deref(), Some(text));
    }
    store.put_memo("other", None).unwrap();
    store.put_memo("tag", None).unwrap();
    assert_eq!((store.memo("tag").unwrap(), store.tag()), (None, tag.as_str()));
}

fn sqlite(folder: &tempfile::TempDir) -> SqliteStore {
    SqliteStore::open(&folder.path().join("gander.db"), None, noon()).unwrap()
}

#[test]
fn sqlite_conforms() {
    conforms(|| {
        let folder = tempfile::tempdir().unwrap();
        (Arc::new(sqlite(&folder)), folder)
    });
}

#[test]
fn a_store_that_is_made_by_many_at_once_is_made_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let tags: Vec<String> = std::thread::scope(|scope| {
            let open = || sqlite(&folder).tag().to_owned();
            let opening: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            opening.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(tags.iter().all(|tag| *tag == tags[0]), "{tags:?}");
    }
}

#[test]
fn a_rewritten_history_shows() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder);
    for title in ["a", "b", "c"] {
        ask(&store, title);
    }
    let forger = rusqlite::Connection::open(store.path()).unwrap();
    forger.execute("UPDATE event SET body = replace(body, '\"title\":\"b\"', '\"title\":\"B\"') WHERE seq = 2", []).unwrap();
    assert_eq!(store.first_broken_link().unwrap(), Some(2));
}

#[test]
fn a_store_keeps_its_tag_and_its_pace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fast.db");
    let tag = SqliteStore::open(&path, Some(60), noon()).unwrap().tag().to_owned();
    let again = SqliteStore::open(&path, None, noon() + TimeDelta::days(1)).unwrap();
    assert_eq!((again.tag(), again.pace().speed, again.pace().since), (tag.as_str(), 60, noon()));
    assert!(matches!(SqliteStore::open(&path, Some(61), noon()), Err(StoreError::Pace(_))));
    drop(sqlite(&folder));
    let lived = SqliteStore::open(&folder.path().join("gander.db"), Some(60), noon());
    assert!(matches!(lived, Err(StoreError::Pace(_))), "a store that has lived by the real clock keeps it");
}

#[test]
fn a_store_that_cannot_be_opened_says_which_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteStore::open(folder.path(), None, noon()).unwrap_err().to_string();
    assert!(error.contains(&folder.path().display().to_string()), "{error}");
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, "this is not a database, whatever its name says about it".repeat(50)).unwrap();
    let error = SqliteStore::open(&garbage, None, noon()).unwrap_err().to_string();
    assert!(error.contains("garbage.db"), "{error}");
}

#[test]
fn a_lock_held_by_another_process_is_waited_for_then_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder);
    let mut other = rusqlite::Connection::open(store.path()).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let busy = store.ask(request("x", None), terms(), noon());
    assert_eq!(busy.unwrap_err(), StoreError::Busy);
    drop(held);
    assert_eq!(ask(&store, "x").id.0, 1, "afterwards it works, and nothing was lost or doubled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_commits_is_noticed_without_waiting_for_the_tick() {
    use gander::core::policy::Rules;
    use gander::engine::clock::TestClock;
    use gander::engine::{Handle, watch};

    let folder = tempfile::tempdir().unwrap();
    let ours = Handle::new(Arc::new(sqlite(&folder)), Rules::default(), Arc::new(TestClock::at(noon())));
    let theirs = Arc::new(sqlite(&folder));
    // Connections that open raise notices of their own: let them all be open.
    for _ in 0..5 {
        ask(&*theirs, "warm");
    }
    let path = theirs.path().to_owned();
    let watching = tokio::spawn({
        let ours = ours.clone();
        async move { watch::run(ours, &path).await }
    });
    let mut hints = ours.hints();
    hints.changed().await.unwrap();
    // The tick is a second. Twenty commits that each waited for it would take twenty.
    let noticed = async {
        for _ in 0..20 {
            hints.mark_unchanged();
            let theirs = Arc::clone(&theirs);
            tokio::task::spawn_blocking(move || ask(&*theirs, "now")).await.unwrap();
            hints.changed().await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), noticed).await.unwrap();
    watching.abort();
}
