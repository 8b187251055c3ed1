//! What the store keeps of messages: each once, by its key, and in the order in which they were
//! settled.

use gander::core::decision::Request;
use gander::core::outgoing::{Letter, Outgoing, Sending, Urgency, Way};
use gander::core::policy::{Rules, admit};
use gander::store::Store as _;
use gander::store::sqlite::SqliteStore;

use crate::desk::noon;

#[test]
fn messages_are_kept_once_and_settled_in_order() {
    let folder = tempfile::TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("gander.db"), None, noon()).unwrap();
    let request = Request { title: "x".into(), ..Request::default() };
    let terms = admit(&Rules::default(), &request).unwrap();
    let decision = store.ask(request, terms, noon()).unwrap().into_decision();
    let message = |key: &str| Outgoing {
        key: key.into(),
        person: "discord:1".into(),
        way: Way::Sms,
        to: "+491701234567".into(),
        title: key.into(),
        words: "words".into(),
        link: None,
        urgency: Urgency::High,
        decisions: [decision.id].into(),
    };
    let at = |seconds| noon() + chrono::TimeDelta::seconds(seconds);
    assert_eq!(store.enqueue(vec![message("a"), message("b"), message("a")], at(0)).unwrap(), 2);
    assert_eq!(store.enqueue(vec![message("c"), message("b")], at(1)).unwrap(), 1);
    let keys = |letters: Vec<Letter>| {
        letters.into_iter().map(|letter| letter.message.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(store.outgoing_due(at(0), 9).unwrap()), ["a", "b"]);
    assert_eq!(
        keys(store.outgoing_due(at(9), 2).unwrap()),
        ["a", "b"],
        "the longest due first, and no more"
    );
    let fresh = Letter {
        message: message("a"),
        asked_at: at(0),
        tries: 0,
        sending: Sending::Queued { next_try: at(0), why: None },
        settled: 0,
    };
    assert_eq!(store.outgoing("a").unwrap(), Some(fresh));

    // Each state is read back as it was written.
    let states = [
        Sending::Queued { next_try: at(70), why: Some("trouble".into()) },
        Sending::Held { until: at(80) },
        Sending::Trying { since: at(5), next_try: at(35) },
    ];
    for (tries, state) in (1..).zip(states) {
        assert!(store.put_outgoing("a", tries, state.clone()).unwrap());
        let read = store.outgoing("a").unwrap().unwrap();
        assert_eq!(
            (read.sending, read.tries, read.message.to.as_str()),
            (state, tries, "+491701234567")
        );
    }
    assert_eq!(store.next_outgoing().unwrap(), Some(at(0)));
    let went = |since| store.outgoing_went("discord:1", Way::Sms, since).unwrap();
    assert_eq!(went(at(0)), [(at(5), None)], "what is being sent counts");
    assert_eq!(
        (went(at(5)), store.outgoing_went("discord:2", Way::Sms, at(0)).unwrap()),
        (vec![], vec![])
    );

    let ends = [
        ("b", Sending::Sent { at: at(6), receipt: "SM1".into() }),
        ("a", Sending::GaveUp { at: at(7), why: "no such number".into() }),
        ("c", Sending::Dropped { at: at(8) }),
    ];
    for (key, state) in &ends {
        assert!(store.put_outgoing(key, 4, state.clone()).unwrap());
        assert!(
            !store.put_outgoing(key, 5, Sending::Dropped { at: at(9) }).unwrap(),
            "what is settled stays so"
        );
    }
    let settled = store.outgoing_settled(0, 9).unwrap();
    assert_eq!(settled.iter().map(|letter| letter.settled).collect::<Vec<_>>(), [1, 2, 3]);
    for (letter, (key, state)) in settled.iter().zip(&ends) {
        assert_eq!((letter.message.key.as_str(), &letter.sending, letter.tries), (*key, state, 4));
        assert_eq!(
            (letter.message.to.as_str(), letter.message.words.as_str()),
            ("", "words"),
            "the address is forgotten"
        );
    }
    assert_eq!(keys(store.outgoing_settled(1, 1).unwrap()), ["a"]);
    assert_eq!(
        (store.outgoing_due(at(999), 9).unwrap(), store.next_outgoing().unwrap()),
        (vec![], None)
    );
    assert_eq!(keys(store.outgoing_of(decision.id).unwrap()), ["a", "b", "c"]);
    assert_eq!(went(at(0)), [(at(6), Some("SM1".into()))]);
}
