//! What every store must do, and what SQLite's adds. A new store runs the same suite.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::sync::Arc;

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{
    Attachment, Decision, DecisionId, Detail, Insight, Person, Priority, Refused, Request, Risk,
    Terms, Verdict, Via,
};
use gander::core::event::Event;
use gander::core::waiting::Waiting;
use gander::store::chain::Walk;
use gander::store::sqlite::SqliteStore;
use gander::store::{Asked, Changed, Delivery, Filter, Pruned, Store, StoreError, Why};

fn noon() -> Time {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn terms() -> Terms {
    Terms { risk: Risk::Medium, sla_seconds: 3600, ..Terms::default() }
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
    let decide = Box::new(move |d: &Decision| {
        Ok(Some(d.resolve(Verdict::approved(), maya(), Via::Discord, seen)?))
    });
    store.change(decision.id, noon(), decide).unwrap()
}

/// A case of the suite: its name, and what must hold of any store.
type Case = (&'static str, fn(&dyn Store));

/// The suite: each store that is made must behave so.
fn conforms(make: impl Fn() -> (Arc<dyn Store>, tempfile::TempDir)) {
    let suite: [Case; 16] = [
        ("numbers_count_up", numbers_count_up),
        (
            "the_same_key_is_the_same_decision_while_open",
            the_same_key_is_the_same_decision_while_open,
        ),
        ("keys_of_two_projects_are_two", keys_of_two_projects_are_two),
        ("the_first_answer_wins", the_first_answer_wins),
        ("the_log_replays_to_the_state", the_log_replays_to_the_state),
        ("a_refused_change_writes_nothing", a_refused_change_writes_nothing),
        ("what_is_due_is_found", what_is_due_is_found),
        (
            "cards_are_remembered_and_the_unsettled_found",
            cards_are_remembered_and_the_unsettled_found,
        ),
        ("many_threads_write_at_once", many_threads_write_at_once),
        ("what_waits_is_known_without_reading_it", what_waits_is_known_without_reading_it),
        (
            "what_is_pruned_keeps_its_summary_and_its_place_in_the_chain",
            what_is_pruned_keeps_its_summary_and_its_place_in_the_chain,
        ),
        ("what_is_open_or_unsettled_is_not_pruned", what_is_open_or_unsettled_is_not_pruned),
        (
            "files_are_in_use_until_their_decision_is_pruned",
            files_are_in_use_until_their_decision_is_pruned,
        ),
        ("the_log_can_be_walked_by_anybody", the_log_can_be_walked_by_anybody),
        ("a_copy_is_sound_and_whole", a_copy_is_sound_and_whole),
        ("a_memo_is_kept_until_it_is_forgotten", a_memo_is_kept_until_it_is_forgotten),
    ];
    for (case, run) in suite {
        let (store, _folder) = make();
        println!("{case}");
        run(&*store);
        assert_eq!(store.first_broken_link().unwrap(), None, "{case}: the chain");
        let audit = store.audit().unwrap();
        assert_eq!(audit.fault, None, "{case}: the audit");
        assert_eq!(
            audit.replayed,
            store.list(&Filter::default()).unwrap().len() as u64,
            "{case}: what was replayed"
        );
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
    assert_eq!(
        store.ask(request("a", Some("k")), terms(), noon()).unwrap(),
        Asked::Same(first.clone())
    );
    let Asked::Revised(revised) = store.ask(request("b", Some("k")), terms(), noon()).unwrap()
    else {
        panic!()
    };
    assert_eq!((revised.id, revised.revision.0, revised.asked_at), (first.id, 2, first.asked_at));
    approve(store, &revised).unwrap();
    let Asked::New(next) = store.ask(request("b", Some("k")), terms(), noon()).unwrap() else {
        panic!("answered: a new one")
    };
    assert_ne!(next.id, first.id);
}

fn keys_of_two_projects_are_two(store: &dyn Store) {
    let of = |project: &str| Request { project: project.into(), ..request("a", Some("k")) };
    let first = store.ask(of("one"), terms(), noon()).unwrap().into_decision();
    let second = store.ask(of("two"), terms(), noon()).unwrap().into_decision();
    assert_ne!(first.id, second.id);
    let filter = Filter { project: Some("two".into()), open_only: true, ..Filter::default() };
    assert_eq!(store.list(&filter).unwrap(), std::slice::from_ref(&second));
    let keyed = |prefix: &str| {
        store.list(&Filter { key_prefix: Some(prefix.into()), ..Filter::default() }).unwrap().len()
    };
    assert_eq!((keyed("k"), keyed("kk"), keyed("")), (2, 0, 2));
}

fn the_first_answer_wins(store: &dyn Store) {
    let decision = ask(store, "x");
    let resolved = approve(store, &decision).unwrap();
    let unchanged = *approve(store, &decision).unwrap_err();
    assert_eq!(unchanged.decision, resolved);
    assert!(matches!(unchanged.why, Why::Refused(Refused::AlreadyResolved(by)) if by.by == maya()));
    let verdicts = store
        .history(decision.id)
        .unwrap()
        .into_iter()
        .filter(|l| matches!(l.event, Event::Resolved { .. }))
        .count();
    assert_eq!(verdicts, 1);
}

fn the_log_replays_to_the_state(store: &dyn Store) {
    let decision = store.ask(request("a", Some("k")), terms(), noon()).unwrap().into_decision();
    store
        .ask(request("b", Some("k")), terms(), noon() + TimeDelta::nanoseconds(1_234_567))
        .unwrap();
    let seen = gander::core::decision::Revision(2);
    let until = noon() + TimeDelta::hours(1);
    let defer = Box::new(move |d: &Decision| {
        Ok(Some(d.defer(until, maya(), seen, noon(), Default::default())?))
    });
    store.change(decision.id, noon(), defer).unwrap().unwrap();
    store
        .change(decision.id, until, Box::new(move |d| Ok(Some(d.come_back(until)?))))
        .unwrap()
        .unwrap();
    let reject = move |d: &Decision| {
        let verdict = Verdict::Rejected { reason: "no".into() };
        Ok(Some(d.resolve(verdict, maya(), Via::Discord, seen)?))
    };
    store.change(decision.id, until, Box::new(reject)).unwrap().unwrap();
    let standing = store.change(decision.id, until, Box::new(|d| Ok(d.claim()?))).unwrap().unwrap();
    let history = store.history(decision.id).unwrap();
    let blank = Decision::new(decision.id, Request::default(), terms(), noon());
    let replayed = history
        .iter()
        .fold(blank, |state, logged| state.evolve(&logged.event, logged.at, logged.seq));
    assert_eq!(replayed, standing);
    assert_eq!(store.get(decision.id).unwrap(), Some(standing));
    assert_eq!(history.len(), 6);
    assert_eq!(store.events(2, 2).unwrap(), history[2..4]);
    assert_eq!(store.head().unwrap().seq, 6);
}

fn a_refused_change_writes_nothing(store: &dyn Store) {
    let decision = ask(store, "x");
    let head = store.head().unwrap();
    let refused =
        store.change(decision.id, noon(), Box::new(|d| Ok(Some(d.come_back(noon())?)))).unwrap();
    assert_eq!(refused.unwrap_err().why, Why::Refused(Refused::NotDue));
    assert_eq!(store.head().unwrap(), head);
    let nobody = store.change(DecisionId(99), noon(), Box::new(|_| Ok(None)));
    assert_eq!(nobody.unwrap_err(), StoreError::NoSuchDecision(DecisionId(99)));
}

fn what_is_due_is_found(store: &dyn Store) {
    let (now, soon, later) =
        (noon(), noon() + TimeDelta::minutes(30), noon() + TimeDelta::hours(2));
    assert_eq!(store.next_wake().unwrap(), None);
    for until in [later, soon] {
        let decision = ask(store, "x");
        let defer = Box::new(move |d: &Decision| {
            Ok(Some(d.defer(until, maya(), d.revision, now, Default::default())?))
        });
        store.change(decision.id, now, defer).unwrap().unwrap();
    }
    assert_eq!(store.next_wake().unwrap(), Some(soon));
    assert_eq!(store.due(now).unwrap(), []);
    assert_eq!(store.due(soon).unwrap(), [DecisionId(2)]);
    assert_eq!(store.due(later).unwrap(), [DecisionId(2), DecisionId(1)]);
    store
        .change(DecisionId(2), soon, Box::new(move |d| Ok(Some(d.come_back(soon)?))))
        .unwrap()
        .unwrap();
    assert_eq!(
        store.due(later).unwrap(),
        [DecisionId(2), DecisionId(1)],
        "one waits again, and its ladder begins"
    );
    assert_eq!(store.next_wake().unwrap(), store.get(DecisionId(2)).unwrap().unwrap().wake_at());
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

/// A question with all that makes it long.
fn long(title: &str) -> Request {
    let part = |part: &str| format!("{part} of {title}");
    Request {
        insight: Insight {
            observation: part("what was seen"),
            why_it_matters: part("why"),
            what_to_do: part("what"),
        },
        details: vec![Detail { name: "tests".into(), value: "47/47".into() }],
        body: part("a long text"),
        attachments: vec![Attachment {
            name: "a.png".into(),
            path: format!("/kept/{title}").into(),
        }],
        confidence: Some(0.1 + 0.2),
        ..request(title, Some(title))
    }
}

fn what_waits_is_known_without_reading_it(store: &dyn Store) {
    let asker = Request {
        asked_by: Some(maya()),
        project: "shop".into(),
        kind: "deploy".into(),
        priority: Priority::Urgent,
        ..long("a")
    };
    let asked: Vec<Decision> = [asker, long("b"), long("c"), long("d")]
        .map(|request| store.ask(request, terms(), noon()).unwrap().into_decision())
        .to_vec();
    approve(store, &asked[1]).unwrap();
    let until = noon() + TimeDelta::hours(1);
    let defer = Box::new(move |d: &Decision| {
        Ok(Some(d.defer(until, maya(), d.revision, noon(), Default::default())?))
    });
    store.change(asked[2].id, noon(), defer).unwrap().unwrap();
    let mut waiting = store.waiting().unwrap();
    waiting.sort_by_key(|waiting| waiting.id);
    assert_eq!(waiting, [Waiting::from(&asked[0]), Waiting::from(&asked[3])]);
    assert_eq!(waiting[0].asked_by.as_deref(), Some("discord:1"));
    assert_eq!(store.open_ids().unwrap(), [asked[0].id, asked[2].id, asked[3].id]);
    let wanted = [asked[3].id, DecisionId(99), asked[0].id];
    assert_eq!(
        store.get_many(&wanted).unwrap(),
        [asked[3].clone(), asked[0].clone()],
        "in the order that was asked for"
    );
}

fn days(days: i64) -> Time {
    noon() + TimeDelta::days(days)
}

fn what_is_pruned_keeps_its_summary_and_its_place_in_the_chain(store: &dyn Store) {
    store.ask(long("a"), terms(), noon()).unwrap();
    let revised = Request { body: "another text".into(), ..long("a") };
    let decision = store.ask(revised, terms(), noon()).unwrap().into_decision();
    assert_eq!(decision.revision.0, 2, "{decision:?}");
    let resolved = approve(store, &decision).unwrap();
    let hashes = |store: &dyn Store| {
        store.events(0, 3).unwrap().into_iter().map(|logged| logged.hash).collect::<Vec<_>>()
    };
    let before = hashes(store);

    assert_eq!(
        store.prune(noon(), days(90), 10).unwrap(),
        Pruned::default(),
        "it was over at that very time, not before"
    );
    let prunable = store.prunable(days(1)).unwrap();
    assert!(prunable.decisions == 1 && prunable.bytes > 200, "{prunable:?}");
    assert_eq!(store.prune(days(1), days(90), 10).unwrap(), prunable);
    assert_eq!(store.prune(days(1), days(91), 10).unwrap(), Pruned::default(), "once is enough");

    assert_eq!(hashes(store), before, "the chain is the same");
    let pruned = store.get(decision.id).unwrap().unwrap();
    let mut summary = resolved.clone();
    summary.request.take_content();
    (summary.pruned_at, summary.changed) = (Some(days(90)), 4);
    assert_eq!(pruned, summary);
    let history = store.history(decision.id).unwrap();
    assert_eq!(
        history.iter().map(|logged| logged.event.word()).collect::<Vec<_>>(),
        ["asked", "revised", "resolved", "pruned"]
    );
    assert!(
        !serde_json::to_string(&(history, store.entries(0, 10).unwrap()))
            .unwrap()
            .contains("long text"),
        "it is gone everywhere"
    );
    let chain = store.audit().unwrap().chain.unwrap();
    assert_eq!((chain.events, chain.pruned_events, chain.pruned_decisions), (4, 2, 1));
    // What comes later is logged as ever.
    store.change(decision.id, days(91), Box::new(|d| Ok(d.claim()?))).unwrap().unwrap();
}

fn card(decision: &Decision, shown: u64) -> Delivery {
    let (decision, returns) = (decision.id, decision.returns);
    let message = Some(format!("7{}", decision.0));
    Delivery {
        decision,
        generation: 1,
        returns,
        channel: "7".into(),
        intent_at: noon(),
        message,
        shown,
        lost: false,
    }
}

fn what_is_open_or_unsettled_is_not_pruned(store: &dyn Store) {
    let [open, deferred, unsettled, settled, interrupted] =
        ["open", "deferred", "unsettled", "settled", "interrupted"]
            .map(|t| store.ask(long(t), terms(), noon()).unwrap().into_decision());
    let until = noon() + TimeDelta::hours(1);
    let defer = Box::new(move |d: &Decision| {
        Ok(Some(d.defer(until, maya(), d.revision, noon(), Default::default())?))
    });
    store.change(deferred.id, noon(), defer).unwrap().unwrap();
    for decision in [&open, &deferred, &unsettled, &settled] {
        store.put_delivery(&card(decision, decision.changed)).unwrap();
    }
    store.put_delivery(&Delivery { message: None, ..card(&interrupted, 0) }).unwrap();
    for decision in [&unsettled, &settled, &interrupted] {
        approve(store, decision).unwrap();
    }
    let shows = store.get(settled.id).unwrap().unwrap();
    store.put_delivery(&card(&shows, shows.changed)).unwrap();

    assert_eq!(store.prune(days(80), days(90), 10).unwrap().decisions, 1);
    let is_pruned =
        |decision: &Decision| store.get(decision.id).unwrap().unwrap().pruned_at.is_some();
    assert_eq!(
        [&open, &deferred, &unsettled, &settled, &interrupted].map(is_pruned),
        [false, false, false, true, false]
    );
    assert!(!store.unsettled().unwrap().contains(&settled.id), "its card stays as it hangs");
}

fn files_are_in_use_until_their_decision_is_pruned(store: &dyn Store) {
    let [first, _second] =
        ["first", "second"].map(|t| store.ask(long(t), terms(), noon()).unwrap().into_decision());
    ask(store, "without");
    assert_eq!(store.files_in_use().unwrap(), ["first".to_owned(), "second".to_owned()].into());
    approve(store, &first).unwrap();
    store.prune(days(1), days(90), 10).unwrap();
    assert_eq!(store.files_in_use().unwrap(), ["second".to_owned()].into());
}

fn the_log_can_be_walked_by_anybody(store: &dyn Store) {
    let [first, second] =
        ["a", "b"].map(|t| store.ask(long(t), terms(), noon()).unwrap().into_decision());
    approve(store, &first).unwrap();
    approve(store, &second).unwrap();
    store.prune(days(1), days(90), 1).unwrap();
    let head = store.head().unwrap();
    for since in [0, 1, 3] {
        let entries = store.entries(since, 100).unwrap();
        let mut walk = Walk::behind(since, &entries[0].previous);
        entries.iter().try_for_each(|entry| walk.entry(entry)).unwrap();
        let walked = walk.end().unwrap();
        assert_eq!((walked.seq, walked.hash), (head.seq, head.hash.clone()));
        assert_eq!((walked.events, walked.pruned_decisions), (head.seq - since, 1));
    }
    assert_eq!(store.entries(1, 2).unwrap(), store.entries(0, 3).unwrap()[1..]);
}

fn a_copy_is_sound_and_whole(store: &dyn Store) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    std::fs::write(&file, "").unwrap();
    let decision = store.ask(long("a"), terms(), noon()).unwrap().into_decision();
    approve(store, &decision).unwrap();
    let audit = store.copy_to(&file).unwrap();
    assert_eq!((&audit.fault, audit.chain.unwrap().hash), (&None, store.head().unwrap().hash));
    assert!(std::fs::metadata(&file).unwrap().len() > 0);
    assert!(store.copy_to(&file).is_err(), "what is there is not overwritten");
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
    assert!(
        matches!(lived, Err(StoreError::Pace(_))),
        "a store that has lived by the real clock keeps it"
    );
}

#[test]
fn a_store_that_cannot_be_opened_says_which_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteStore::open(folder.path(), None, noon()).unwrap_err().to_string();
    assert!(error.contains(&folder.path().display().to_string()), "{error}");
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, "this is not a database, whatever its name says about it".repeat(50))
        .unwrap();
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
    let ours =
        Handle::new(Arc::new(sqlite(&folder)), Rules::default(), Arc::new(TestClock::at(noon())));
    let theirs = Arc::new(sqlite(&folder));
    // Connections that open raise notices of their own: let them all be open.
    for _ in 0..5 {
        ask(&*theirs, "warm");
    }
    let path = theirs.path().to_owned();
    // Before the watch begins: its first hint must not be missed.
    let mut hints = ours.hints();
    let watching = tokio::spawn({
        let ours = ours.clone();
        async move { watch::run(ours, &path).await }
    });
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
