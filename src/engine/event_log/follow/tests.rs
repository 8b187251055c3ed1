//! Tests of the follower: cursor, filter, wake-ups and backoff.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::core::decision::Request;
use crate::core::policy::rules::Rules;
use crate::engine::clock::{TestClock, wall_time};
use crate::engine::event_log::waiters;

fn handle(folder: &Path) -> Handle {
    let store = Store::open(&folder.join("gander.db"), None, wall_time()).unwrap();
    Handle::new(Arc::new(store), Rules::default(), Arc::new(TestClock::at(wall_time())))
}

async fn ask(handle: &Handle, count: usize) {
    for n in 0..count {
        let request = Request { title: format!("question {n}"), ..Request::default() };
        handle.approvals().ask(request).await.unwrap();
    }
}

/// Writes without a hint, like another process.
async fn ask_without_hint(handle: &Handle, title: &str) {
    let request = Request { title: title.into(), ..Request::default() };
    let terms = crate::core::policy::rules::admit(&handle.rules(), &request).unwrap();
    let at = handle.now();
    handle.with_store(move |store| store.decisions().ask(request, terms, at)).await.unwrap();
}

fn positions(events: &[Logged]) -> Vec<u64> {
    events.iter().map(|logged| logged.seq).collect()
}

#[tokio::test]
async fn resumes_at_the_cursor_and_neither_skips_nor_repeats() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(folder.path());
    ask(&handle, PAGE + 3).await;
    let mut log = handle.event_log().follow(0, EventFilter::default());
    let first = log.next().await;
    assert_eq!((first.len(), log.cursor()), (PAGE, PAGE as u64));
    let mut resumed = handle.event_log().follow(log.cursor(), EventFilter::default());
    let rest: Vec<u64> = (PAGE as u64 + 1..=PAGE as u64 + 3).collect();
    for log in [&mut log, &mut resumed] {
        assert_eq!(positions(&log.next().await), rest);
        assert_eq!(log.try_next().await.unwrap(), None);
        assert_eq!(log.cursor(), PAGE as u64 + 3);
    }
    ask(&handle, 1).await;
    assert_eq!(positions(&log.next().await), [PAGE as u64 + 4]);
    let mut new = handle.event_log().follow_new(EventFilter::default()).await.unwrap();
    assert_eq!(new.try_next().await.unwrap(), None);
    ask(&handle, 2).await;
    assert_eq!(new.next().await.len(), 2);
}

#[tokio::test]
async fn an_exact_page_is_followed_by_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(folder.path());
    ask(&handle, PAGE).await;
    let mut log = handle.event_log().follow(0, EventFilter::default());
    assert_eq!(log.next_or_end().await.map(|events| events.len()), Some(PAGE));
    assert_eq!(log.next_or_end().await, None);
    assert_eq!(log.next_or_end().await, None, "and again");
}

#[tokio::test]
async fn the_filter_moves_the_cursor_past_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(folder.path());
    ask(&handle, 3).await;
    let only = EventFilter { decision: Some(DecisionId(2)), ..EventFilter::default() };
    let mut log = handle.event_log().follow(0, only);
    assert_eq!(positions(&log.next().await), [2]);
    assert_eq!((log.try_next().await.unwrap(), log.cursor()), (None, 3));
    // A caller without the right to observe sees only its own questions.
    let caller = Caller::of_user(1000, "maya", false);
    let request =
        Request { title: "own".into(), asked_by: Some(caller.asker()), ..Request::default() };
    handle.approvals().ask(request).await.unwrap();
    let filter = EventFilter { visible_to: Some(caller), ..EventFilter::default() };
    let mut log = handle.event_log().follow(0, filter);
    assert_eq!(positions(&log.next().await), [4]);
}

#[tokio::test(start_paused = true)]
async fn survives_a_failing_store() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(folder.path());
    ask(&handle, 1).await;
    let mut log = handle.event_log().follow(0, EventFilter::default());
    let hide = |hidden| handle.with_store(move |store| store.event_log().hide(hidden));
    hide(true).await.unwrap();
    assert!(matches!(log.try_next().await, Err(HandleError::Store(_))));
    let started = tokio::time::Instant::now();
    let back = async {
        tokio::time::sleep(FIRST_BACKOFF * 20).await;
        hide(false).await.unwrap();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        events = log.next() => assert_eq!(positions(&events), [1]),
        () = back => {}
    }
    // Pauses of 1, 2, 4, 8 and 15 s.
    assert_eq!(started.elapsed().as_secs(), 30, "{:?}", started.elapsed());
    assert_eq!((log.cursor(), log.failures), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_cannot_be_processed_comes_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(folder.path());
    ask(&handle, 2).await;
    let mut log = handle.event_log().follow(1, EventFilter::default());
    let started = tokio::time::Instant::now();
    for waited in [0, 1, 3, 7] {
        let before = log.cursor();
        assert_eq!(positions(&log.next().await), [2]);
        assert_eq!(started.elapsed().as_secs(), waited);
        log.retry_from(before).await;
    }
    assert_eq!(positions(&log.next().await), [2]);
    assert_eq!(log.try_next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn wakes_at_a_hint_and_polls_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(folder.path());
    let mut log = handle.event_log().follow(0, EventFilter::default());
    let started = tokio::time::Instant::now();
    let (events, ()) = tokio::join!(log.next(), async {
        tokio::time::sleep(FIRST_BACKOFF).await;
        ask(&handle, 1).await;
    });
    assert_eq!((positions(&events), started.elapsed().as_secs()), (vec![1], 1));
    // An event between the read and the wait is not missed.
    assert_eq!(log.try_next().await.unwrap(), None);
    ask(&handle, 1).await;
    log.changed().await;
    assert_eq!(positions(&log.next().await), [2]);
    assert_eq!(started.elapsed().as_secs(), 1);

    let (events, ()) = tokio::join!(log.next(), async {
        tokio::time::sleep(FIRST_BACKOFF).await;
        ask_without_hint(&handle, "by another process").await;
    });
    assert_eq!(positions(&events), [3]);
    assert_eq!(started.elapsed().as_secs(), 1 + POLL_INTERVAL.as_secs());
}

#[tokio::test]
async fn wakes_when_the_reading_task_finds_events() {
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(folder.path());
    let reader = tokio::spawn(waiters::run(handle.clone()));
    while !handle.inner.waiters.is_reading() {
        tokio::task::yield_now().await;
    }
    let mut log = handle.event_log().follow(0, EventFilter::default());
    let follower = tokio::spawn(async move {
        let mut seen = Vec::new();
        while seen.len() < 100 {
            seen.extend(positions(&log.next().await));
        }
        seen
    });
    ask(&handle, 100).await;
    assert_eq!(follower.await.unwrap(), (1..=100).collect::<Vec<u64>>());
    reader.abort();
}
