//! Reminders in the store: a step is written as a whole or not at all, and a message that cannot be
//! posted fails its reminders.

use gander::core::Time;
use gander::core::decision::{DecisionId, Request, Terms};
use gander::core::escalation::{Channel, ContactResult, Stage};
use gander::core::messaging::message::{
    Destination, FinalPost, Item, ListChange, PostState, Purpose,
};
use gander::core::messaging::reminder::{Receiver, Reminder, ReminderState};
use gander::engine::clock::wall_time;
use gander::store::{ListUpdate, NewMessage, ReminderUpdate, Store, StoreError};

fn reminder(position: u64) -> Reminder {
    let receiver = Receiver::Person { user: 7, name: "Maya".into() };
    let (decision, stage, channel) = (DecisionId(1), Stage::Reminder, Channel::Dm);
    Reminder {
        position,
        decision,
        stage,
        receiver,
        channel,
        at: Time::UNIX_EPOCH,
        on: None,
        state: ReminderState::Due,
    }
}

#[test]
fn a_step_is_written_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("gander.db"), None, wall_time()).unwrap();
    let decision = store
        .decisions()
        .ask(Request { title: "?".into(), ..Request::default() }, Terms::default(), wall_time())
        .unwrap();
    let item = Item::of(&decision.into_decision());
    assert_eq!(store.reminders().cursor().unwrap(), 0, "a new store is read from its beginning");
    let at = (wall_time(), wall_time());
    let new = NewMessage {
        purpose: Purpose::Reminder { user: 7 },
        place: Destination::Direct(7),
        items: vec![item],
        at: at.0,
    };
    let open = vec![(new, vec![reminder(1)])];
    store
        .reminders()
        .record(ReminderUpdate {
            cursor: Some(5),
            put: vec![reminder(2)],
            open,
            at,
            ..ReminderUpdate::default()
        })
        .unwrap();
    let kept = store.reminders().all().unwrap();
    let on = kept[0].on.unwrap();
    assert_eq!(
        (kept[0].state.clone(), kept[1].state.clone()),
        (ReminderState::Posted, ReminderState::Due)
    );
    assert_eq!(
        (store.reminders().cursor().unwrap(), store.messages().outdated(None).unwrap()),
        (5, vec![on.message])
    );

    // Somebody else has changed the list since it was seen.
    let stale = ListUpdate {
        on,
        revision: 9,
        changes: vec![ListChange::Put(item)],
        reminders: vec![reminder(2)],
    };
    let step = ReminderUpdate {
        cursor: Some(8),
        drop: vec![reminder(1)],
        amend: vec![stale],
        at,
        ..ReminderUpdate::default()
    };
    assert!(matches!(store.reminders().record(step), Err(StoreError::Busy)));
    assert_eq!(
        (store.reminders().cursor().unwrap(), store.reminders().all().unwrap()),
        (5, kept),
        "nothing was written"
    );

    store.messages().give_up(on.message, "closed", None).unwrap();
    let failed = ReminderState::Over { result: ContactResult::Failed { why: "closed".into() } };
    let standing: Vec<ReminderState> =
        store.reminders().all().unwrap().into_iter().map(|reminder| reminder.state).collect();
    assert_eq!(standing, [failed, ReminderState::Due], "its own alone");
    assert_eq!(
        store.messages().get(on.message).unwrap().unwrap().state,
        PostState::Final(FinalPost::NeverPosted)
    );
}

/// Records a reminder with a message to post, and a reminder held until the returned time.
fn record_one_to_post_and_one_held(store: &Store) -> gander::core::Time {
    let decision = store
        .decisions()
        .ask(Request { title: "?".into(), ..Request::default() }, Terms::default(), wall_time())
        .unwrap();
    let at = (wall_time(), wall_time());
    let items = vec![Item::of(&decision.into_decision())];
    let new = NewMessage {
        purpose: Purpose::Reminder { user: 7 },
        place: Destination::Direct(7),
        items,
        at: at.0,
    };
    let until = at.1 + chrono::TimeDelta::hours(1);
    let held = Reminder { state: ReminderState::Held { until }, ..reminder(2) };
    store
        .reminders()
        .record(ReminderUpdate {
            put: vec![held],
            open: vec![(new, vec![reminder(1)])],
            at,
            ..ReminderUpdate::default()
        })
        .unwrap();
    until
}

#[test]
fn what_the_log_knows_is_not_read_again_and_is_forgotten_when_nothing_can_join_its_message() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("gander.db"), None, wall_time()).unwrap();
    let until = record_one_to_post_and_one_held(&store);
    let glance = store.reminders().status().unwrap();
    assert_eq!(
        (glance.moves, glance.held_until),
        (false, Some(until)),
        "one waits for its message, the other for its time"
    );

    let posted = store.reminders().all().unwrap().remove(0);
    let on = posted.on.unwrap();
    let message = PostState::Posted { channel: "5".into(), message: "6".into(), shown: 1, list: 1 };
    store.messages().put_post_state(on.message, 1, message).unwrap();
    assert!(store.reminders().status().unwrap().moves, "it hangs");
    let over = Reminder {
        state: ReminderState::Over { result: ContactResult::Reached },
        ..posted.clone()
    };
    store
        .reminders()
        .record(ReminderUpdate {
            put: vec![over.clone()],
            reported: vec![posted],
            ..ReminderUpdate::default()
        })
        .unwrap();
    assert!(
        store.reminders().status().unwrap().moves,
        "the log was told of another standing than this"
    );
    let forget = |before| ReminderUpdate {
        reported: vec![over.clone()],
        forget: Some(before),
        ..ReminderUpdate::default()
    };
    store.reminders().record(forget(on.since - chrono::TimeDelta::seconds(1))).unwrap();
    let climbs = || {
        store
            .reminders()
            .all()
            .unwrap()
            .iter()
            .map(|reminder| reminder.position)
            .collect::<Vec<_>>()
    };
    assert_eq!((climbs(), store.reminders().status().unwrap().moves), (vec![2], false));
    let before = on.since - chrono::TimeDelta::seconds(1);
    assert_eq!(
        store.reminders().messages_since(before).unwrap(),
        [(on, Stage::Reminder)],
        "more may join it"
    );
    assert!(store.reminders().messages_since(on.since).unwrap().is_empty(), "not for ever");
    store.reminders().record(forget(on.since)).unwrap();
    assert!(store.reminders().messages_since(before).unwrap().is_empty(), "forgotten");
    assert_eq!(climbs(), [2], "what is held back stays");
}
