//! What the store must do when it prunes: what is removed, what is kept, and that the log can still
//! be checked.

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{Decision, Request};
use gander::store::chain::ChainWalk;
use gander::store::{Pruned, Store};

use super::{approve, ask, long, maya, new_card, noon, posted, terms};

fn days(days: i64) -> Time {
    noon() + TimeDelta::days(days)
}

pub(super) fn what_is_pruned_keeps_its_summary_and_its_place_in_the_chain(store: &Store) {
    store.decisions().ask(long("a"), terms(), noon()).unwrap();
    let revised = Request { body: "another text".into(), ..long("a") };
    let decision = store.decisions().ask(revised, terms(), noon()).unwrap().into_decision();
    assert_eq!(decision.revision.0, 2, "{decision:?}");
    let resolved = approve(store, &decision).unwrap();
    let hashes = |store: &Store| {
        store
            .event_log()
            .events(0, 3)
            .unwrap()
            .into_iter()
            .map(|logged| logged.hash)
            .collect::<Vec<_>>()
    };
    let before = hashes(store);

    assert_eq!(
        store.maintenance().prune(noon(), days(90), 10).unwrap(),
        Pruned::default(),
        "it was over at that very time, not before"
    );
    let prunable = store.maintenance().prunable(days(1)).unwrap();
    assert!(prunable.decisions == 1 && prunable.bytes > 200, "{prunable:?}");
    assert_eq!(store.maintenance().prune(days(1), days(90), 10).unwrap(), prunable);
    assert_eq!(
        store.maintenance().prune(days(1), days(91), 10).unwrap(),
        Pruned::default(),
        "once is enough"
    );

    assert_eq!(hashes(store), before, "the chain is the same");
    let pruned = store.decisions().get(decision.id).unwrap().unwrap();
    let mut summary = resolved.clone();
    summary.request.take_content();
    (summary.pruned_at, summary.changed) = (Some(days(90)), 4);
    assert_eq!(pruned, summary);
    let history = store.event_log().history(decision.id).unwrap();
    assert_eq!(
        history.iter().map(|logged| logged.event.word()).collect::<Vec<_>>(),
        ["asked", "revised", "resolved", "pruned"]
    );
    assert!(
        !serde_json::to_string(&(history, store.event_log().entries(0, 10).unwrap()))
            .unwrap()
            .contains("long text"),
        "it is gone everywhere"
    );
    let chain = store.audit().verify().unwrap().chain.unwrap();
    assert_eq!((chain.events, chain.pruned_events, chain.pruned_decisions), (4, 2, 1));
    // What comes later is logged as ever.
    store.decisions().change(decision.id, days(91), Box::new(|d| Ok(d.claim()?))).unwrap().unwrap();
}

pub(super) fn what_is_open_or_unsettled_is_not_pruned(store: &Store) {
    let [open, deferred, unsettled, settled, interrupted] =
        ["open", "deferred", "unsettled", "settled", "interrupted"]
            .map(|t| store.decisions().ask(long(t), terms(), noon()).unwrap().into_decision());
    let until = noon() + TimeDelta::hours(1);
    let defer = Box::new(move |d: &Decision| {
        Ok(Some(d.defer(until, maya(), d.revision, noon(), Default::default())?))
    });
    store.decisions().change(deferred.id, noon(), defer).unwrap().unwrap();
    let mut cards = [&open, &deferred, &unsettled, &settled].map(|decision| {
        let card = store.messages().open_card(new_card(decision)).unwrap();
        let message = format!("7{}", decision.id.0);
        store.messages().put_post_state(card.id, 1, posted(&message, decision.changed)).unwrap();
        store.messages().get(card.id).unwrap().unwrap()
    });
    store.messages().open_card(new_card(&interrupted)).unwrap();
    for decision in [&unsettled, &settled, &interrupted] {
        approve(store, decision).unwrap();
    }
    let shows = store.decisions().get(settled.id).unwrap().unwrap();
    let message = cards[3].state.message_id().unwrap().to_owned();
    cards[3].state = posted(&message, shows.changed);
    store.messages().put_post_state(cards[3].id, 1, cards[3].state.clone()).unwrap();

    assert_eq!(store.maintenance().prune(days(80), days(90), 10).unwrap().decisions, 1);
    let is_pruned = |decision: &Decision| {
        store.decisions().get(decision.id).unwrap().unwrap().pruned_at.is_some()
    };
    assert_eq!(
        [&open, &deferred, &unsettled, &settled, &interrupted].map(is_pruned),
        [false, false, false, true, false]
    );
    assert!(
        !store.messages().outdated_cards().unwrap().contains(&settled.id),
        "its card stays as it hangs"
    );
    let kept = store.messages().get(cards[3].id).unwrap().unwrap().state;
    assert_eq!(kept, cards[3].state.clone().into_final());
    assert_eq!(store.messages().get(cards[0].id).unwrap().unwrap().state, cards[0].state);
}

pub(super) fn files_are_in_use_until_their_decision_is_pruned(store: &Store) {
    let [first, _second] = ["first", "second"]
        .map(|t| store.decisions().ask(long(t), terms(), noon()).unwrap().into_decision());
    ask(store, "without");
    assert_eq!(
        store.maintenance().files_in_use().unwrap(),
        ["first".to_owned(), "second".to_owned()].into()
    );
    approve(store, &first).unwrap();
    store.maintenance().prune(days(1), days(90), 10).unwrap();
    assert_eq!(store.maintenance().files_in_use().unwrap(), ["second".to_owned()].into());
}

pub(super) fn the_log_can_be_walked_by_anybody(store: &Store) {
    let [first, second] = ["a", "b"]
        .map(|t| store.decisions().ask(long(t), terms(), noon()).unwrap().into_decision());
    approve(store, &first).unwrap();
    approve(store, &second).unwrap();
    store.maintenance().prune(days(1), days(90), 1).unwrap();
    let head = store.event_log().head().unwrap();
    for since in [0, 1, 3] {
        let entries = store.event_log().entries(since, 100).unwrap();
        let mut walk = ChainWalk::behind(since, &entries[0].previous);
        entries.iter().try_for_each(|entry| walk.entry(entry)).unwrap();
        let walked = walk.end().unwrap();
        assert_eq!((walked.seq, walked.hash), (head.seq, head.hash.clone()));
        assert_eq!((walked.events, walked.pruned_decisions), (head.seq - since, 1));
    }
    assert_eq!(
        store.event_log().entries(1, 2).unwrap(),
        store.event_log().entries(0, 3).unwrap()[1..]
    );
}
