//! What the store keeps of messages: each once, by its key, and in the order in which they were
//! settled.

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::Request;
use gander::core::messaging::notification::{
    DeliveryState, ExternalChannel, Notification, NotificationPriority, OutboxEntry,
};
use gander::core::policy::rules::{Rules, admit};

use crate::store_suite::noon;
use gander::store::Store;

fn at(seconds: i64) -> Time {
    noon() + TimeDelta::seconds(seconds)
}

fn keys(letters: Vec<OutboxEntry>) -> Vec<String> {
    letters.into_iter().map(|letter| letter.message.key).collect()
}

#[test]
fn messages_are_kept_once_and_settled_in_order() {
    let folder = tempfile::TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("gander.db"), None, noon()).unwrap();
    let request = Request { title: "x".into(), ..Request::default() };
    let terms = admit(&Rules::default(), &request).unwrap();
    let decision = store.decisions().ask(request, terms, noon()).unwrap().into_decision();
    let message = |key: &str| Notification {
        key: key.into(),
        person: "discord:1".into(),
        channel: ExternalChannel::Sms,
        to: "+491701234567".into(),
        title: key.into(),
        words: "words".into(),
        link: None,
        urgency: NotificationPriority::High,
        decisions: [decision.id].into(),
    };
    assert_eq!(
        store.outbox().enqueue(vec![message("a"), message("b"), message("a")], at(0)).unwrap(),
        2
    );
    assert_eq!(store.outbox().enqueue(vec![message("c"), message("b")], at(1)).unwrap(), 1);
    assert_eq!(keys(store.outbox().due(at(0), 9).unwrap()), ["a", "b"]);
    assert_eq!(
        keys(store.outbox().due(at(9), 2).unwrap()),
        ["a", "b"],
        "the longest due first, and no more"
    );
    let fresh = OutboxEntry {
        message: message("a"),
        asked_at: at(0),
        tries: 0,
        state: DeliveryState::Queued { next_try: at(0), why: None },
        settled: 0,
    };
    assert_eq!(store.outbox().get("a").unwrap(), Some(fresh));
    is_read_back_as_it_was_written(&store);
    stays_as_it_is_once_settled(&store);
    assert_eq!(keys(store.outbox().of_decision(decision.id).unwrap()), ["a", "b", "c"]);
    assert_eq!(
        store.outbox().recent_sends("discord:1", ExternalChannel::Sms, at(0)).unwrap(),
        [(at(6), Some("SM1".into()))]
    );
}

fn is_read_back_as_it_was_written(store: &Store) {
    let states = [
        DeliveryState::Queued { next_try: at(70), why: Some("trouble".into()) },
        DeliveryState::Held { until: at(80) },
        DeliveryState::Trying { since: at(5), next_try: at(35) },
    ];
    for (tries, state) in (1..).zip(states) {
        assert!(store.outbox().put_state("a", tries, state.clone()).unwrap());
        let read = store.outbox().get("a").unwrap().unwrap();
        assert_eq!(
            (read.state, read.tries, read.message.to.as_str()),
            (state, tries, "+491701234567")
        );
    }
    assert_eq!(store.outbox().next_attempt().unwrap(), Some(at(0)));
    let went =
        |since| store.outbox().recent_sends("discord:1", ExternalChannel::Sms, since).unwrap();
    assert_eq!(went(at(0)), [(at(5), None)], "what is being sent counts");
    assert_eq!(
        (
            went(at(5)),
            store.outbox().recent_sends("discord:2", ExternalChannel::Sms, at(0)).unwrap()
        ),
        (vec![], vec![])
    );
}

fn stays_as_it_is_once_settled(store: &Store) {
    let ends = [
        ("b", DeliveryState::Sent { at: at(6), receipt: "SM1".into() }),
        ("a", DeliveryState::GaveUp { at: at(7), why: "no such number".into() }),
        ("c", DeliveryState::Dropped { at: at(8) }),
    ];
    for (key, state) in &ends {
        assert!(store.outbox().put_state(key, 4, state.clone()).unwrap());
        assert!(
            !store.outbox().put_state(key, 5, DeliveryState::Dropped { at: at(9) }).unwrap(),
            "what is settled stays so"
        );
    }
    let settled = store.outbox().settled(0, 9).unwrap();
    assert_eq!(settled.iter().map(|letter| letter.settled).collect::<Vec<_>>(), [1, 2, 3]);
    for (letter, (key, state)) in settled.iter().zip(&ends) {
        assert_eq!((letter.message.key.as_str(), &letter.state, letter.tries), (*key, state, 4));
        assert_eq!(
            (letter.message.to.as_str(), letter.message.words.as_str()),
            ("", "words"),
            "the address is forgotten"
        );
    }
    assert_eq!(keys(store.outbox().settled(1, 1).unwrap()), ["a"]);
    assert_eq!(
        (store.outbox().due(at(999), 9).unwrap(), store.outbox().next_attempt().unwrap()),
        (vec![], None)
    );
}
