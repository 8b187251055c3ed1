//! What SQLite's store adds to what every store must do: it is made once, notices what others
//! write, and says what is wrong with its file.

use std::sync::Arc;

use chrono::TimeDelta;
use gander::core::decision::Request;
use gander::core::values::check_result::{CheckResult, Health};
use gander::store::{Store, StoreError};

use crate::store_suite::{ask, conforms, noon, request, terms};

fn sqlite(folder: &tempfile::TempDir) -> Store {
    Store::open(&folder.path().join("gander.db"), None, noon()).unwrap()
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
    forger
        .execute(
            "UPDATE event SET body = replace(body, '\"title\":\"b\"', '\"title\":\"B\"') \
                    WHERE seq = 2",
            [],
        )
        .unwrap();
    assert_eq!(store.audit().first_broken_link().unwrap(), Some(2));
}

/// A process that reads for a long time keeps the write-ahead log from being copied into the store.
/// Once it has ended its read, nothing needs to be written for the log to become short.
#[test]
fn a_log_that_a_long_reader_let_grow_is_shortened_when_the_reader_has_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder);
    ask(&store, "first");
    let log = folder.path().join("gander.db-wal");
    let size = || std::fs::metadata(&log).map_or(0, |log| log.len());
    let told = || {
        let found = gander::engine::operations::health::checkup(store.path(), noon());
        let about = |found: &CheckResult| found.what.contains("write-ahead log");
        found.into_iter().find(about)
    };
    assert_eq!(told().unwrap().state, Health::Fine);
    let reader = rusqlite::Connection::open(store.path()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    reader.query_row("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0)).unwrap();
    while size() < 20 << 20 {
        let request = Request { body: "x".repeat(200_000), ..request("long", None) };
        drop(store.decisions().ask(request, terms(), noon()).unwrap());
    }
    let finding = told().unwrap();
    assert_eq!(finding.state, Health::Warning, "{finding:?}");
    assert!(finding.what.contains("has 2") && finding.what.contains(" MB"), "{finding:?}");

    let begun = std::time::Instant::now();
    reader.execute_batch("COMMIT").unwrap();
    while size() > 8 << 20 {
        assert!(begun.elapsed().as_secs() < 120, "the log still has {} bytes", size());
        std::thread::yield_now();
    }
    assert!(told().is_none_or(|finding| finding.state == Health::Fine));
    assert_eq!(store.audit().verify().unwrap().fault, None);
    ask(&store, "last");
}

#[test]
fn a_store_keeps_its_tag_and_its_pace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fast.db");
    let tag = Store::open(&path, Some(60), noon()).unwrap().tag().to_owned();
    let again = Store::open(&path, None, noon() + TimeDelta::days(1)).unwrap();
    assert_eq!(
        (again.tag(), again.time_scale().speed, again.time_scale().since),
        (tag.as_str(), 60, noon())
    );
    assert!(matches!(Store::open(&path, Some(61), noon()), Err(StoreError::TimeScale(_))));
    drop(sqlite(&folder));
    let lived = Store::open(&folder.path().join("gander.db"), Some(60), noon());
    assert!(
        matches!(lived, Err(StoreError::TimeScale(_))),
        "a store that has lived by the real clock keeps it"
    );
}

#[test]
fn a_store_that_cannot_be_opened_says_which_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(folder.path(), None, noon()).unwrap_err().to_string();
    assert!(error.contains(&folder.path().display().to_string()), "{error}");
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, "this is not a database, whatever its name says about it".repeat(50))
        .unwrap();
    let error = Store::open(&garbage, None, noon()).unwrap_err().to_string();
    assert!(error.contains("garbage.db"), "{error}");
}

#[test]
fn a_lock_held_by_another_process_is_waited_for_then_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder);
    let mut other = rusqlite::Connection::open(store.path()).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let busy = store.decisions().ask(request("x", None), terms(), noon());
    assert_eq!(busy.unwrap_err(), StoreError::Busy);
    drop(held);
    assert_eq!(ask(&store, "x").id.0, 1, "afterwards it works, and nothing was lost or doubled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_commits_is_noticed_without_waiting_for_the_tick() {
    use gander::core::policy::rules::Rules;
    use gander::engine::Handle;
    use gander::engine::clock::TestClock;
    use gander::engine::event_log::watch;

    let folder = tempfile::tempdir().unwrap();
    let ours =
        Handle::new(Arc::new(sqlite(&folder)), Rules::default(), Arc::new(TestClock::at(noon())));
    let theirs = Arc::new(sqlite(&folder));
    // Connections that open raise notices of their own: let them all be open.
    for _ in 0..5 {
        ask(&theirs, "warm");
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
            tokio::task::spawn_blocking(move || ask(&theirs, "now")).await.unwrap();
            hints.changed().await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), noticed).await.unwrap();
    watching.abort();
}
