//! Reminders in the store: a step is written as a whole or not at all, and a message that cannot be
//! posted fails its reminders.

#![allow(clippy::unwrap_used, reason = "a test")]

use gander::core::Time;
use gander::core::decision::{DecisionId, Request, Terms};
use gander::core::ladder::{Came, Stage, Way};
use gander::core::posting::{Change, Hanging, Item, Place, Purpose};
use gander::core::remind::{Receiver, Reminder, Standing};
use gander::engine::clock::wall_time;
use gander::store::sqlite::SqliteStore;
use gander::store::{Amended, NewPosting, Reminding, Store, StoreError};

fn reminder(climb: u64) -> Reminder {
    let receiver = Receiver::Person { user: 7, name: "Maya".into() };
    let (decision, stage, way) = (DecisionId(1), Stage::Reminder, Way::Dm);
    Reminder {
        climb,
        decision,
        stage,
        receiver,
        way,
        at: Time::UNIX_EPOCH,
        on: None,
        standing: Standing::Due,
    }
}

#[test]
fn a_step_is_written_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("gander.db"), None, wall_time()).unwrap();
    let decision = store
        .ask(Request { title: "?".into(), ..Request::default() }, Terms::default(), wall_time())
        .unwrap();
    let item = Item::of(&decision.into_decision());
    assert_eq!(store.reminded_up_to().unwrap(), 0, "a new store is read from its beginning");
    let at = (wall_time(), wall_time());
    let new = NewPosting {
        purpose: Purpose::Reminder { user: 7 },
        place: Place::Direct(7),
        items: vec![item],
        at: at.0,
    };
    let open = vec![(new, vec![reminder(1)])];
    store
        .remind(Reminding {
            cursor: Some(5),
            put: vec![reminder(2)],
            open,
            at,
            ..Reminding::default()
        })
        .unwrap();
    let kept = store.reminders().unwrap();
    let on = kept[0].on.unwrap();
    assert_eq!(
        (kept[0].standing.clone(), kept[1].standing.clone()),
        (Standing::Posted, Standing::Due)
    );
    assert_eq!(
        (store.reminded_up_to().unwrap(), store.postings_behind(None).unwrap()),
        (5, vec![on.posting])
    );

    // Somebody else has changed the list since it was seen.
    let stale =
        Amended { on, revision: 9, changes: vec![Change::Put(item)], reminders: vec![reminder(2)] };
    let step = Reminding {
        cursor: Some(8),
        drop: vec![reminder(1)],
        amend: vec![stale],
        at,
        ..Reminding::default()
    };
    assert!(matches!(store.remind(step), Err(StoreError::Busy)));
    assert_eq!(
        (store.reminded_up_to().unwrap(), store.reminders().unwrap()),
        (5, kept),
        "nothing was written"
    );

    store.give_up_posting(on.posting, "closed", None).unwrap();
    let failed = Standing::Over { came: Came::Failed { why: "closed".into() } };
    let standing: Vec<Standing> =
        store.reminders().unwrap().into_iter().map(|reminder| reminder.standing).collect();
    assert_eq!(standing, [failed, Standing::Due], "its own alone");
    assert_eq!(store.posting(on.posting).unwrap().unwrap().hanging, Hanging::Over);
}

#[test]
fn what_the_log_knows_is_not_read_again_and_is_forgotten_when_nothing_can_join_its_message() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("gander.db"), None, wall_time()).unwrap();
    let decision = store
        .ask(Request { title: "?".into(), ..Request::default() }, Terms::default(), wall_time())
        .unwrap();
    let at = (wall_time(), wall_time());
    let items = vec![Item::of(&decision.into_decision())];
    let new = NewPosting {
        purpose: Purpose::Reminder { user: 7 },
        place: Place::Direct(7),
        items,
        at: at.0,
    };
    let until = at.1 + chrono::TimeDelta::hours(1);
    let held = Reminder { standing: Standing::Held { until }, ..reminder(2) };
    store
        .remind(Reminding {
            put: vec![held],
            open: vec![(new, vec![reminder(1)])],
            at,
            ..Reminding::default()
        })
        .unwrap();
    let glance = store.glance_at_reminders().unwrap();
    assert_eq!(
        (glance.moves, glance.held_until),
        (false, Some(until)),
        "one waits for its message, the other for its time"
    );

    let posted = store.reminders().unwrap().remove(0);
    let on = posted.on.unwrap();
    let message = Hanging::Message { channel: "5".into(), message: "6".into(), shown: 1, drawn: 1 };
    store.put_hanging(on.posting, 1, message).unwrap();
    assert!(store.glance_at_reminders().unwrap().moves, "it hangs");
    let over = Reminder { standing: Standing::Over { came: Came::Reached }, ..posted.clone() };
    store
        .remind(Reminding { put: vec![over.clone()], told: vec![posted], ..Reminding::default() })
        .unwrap();
    assert!(
        store.glance_at_reminders().unwrap().moves,
        "the log was told of another standing than this"
    );
    let forget = |before| Reminding {
        told: vec![over.clone()],
        forget: Some(before),
        ..Reminding::default()
    };
    store.remind(forget(on.since - chrono::TimeDelta::seconds(1))).unwrap();
    let climbs =
        || store.reminders().unwrap().iter().map(|reminder| reminder.climb).collect::<Vec<_>>();
    assert_eq!((climbs(), store.glance_at_reminders().unwrap().moves), (vec![2], false));
    let before = on.since - chrono::TimeDelta::seconds(1);
    assert_eq!(store.messages_since(before).unwrap(), [(on, Stage::Reminder)], "more may join it");
    assert!(store.messages_since(on.since).unwrap().is_empty(), "not for ever");
    store.remind(forget(on.since)).unwrap();
    assert!(store.messages_since(before).unwrap().is_empty(), "forgotten");
    assert_eq!(climbs(), [2], "what is held back stays");
}
