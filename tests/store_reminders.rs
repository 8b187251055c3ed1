//! Reminders in the store: a step is written as a whole or not at all, and a message that cannot be posted fails its reminders.

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
    Reminder { climb, decision, stage, receiver, way, at: Time::UNIX_EPOCH, on: None, standing: Standing::Due }
}

#[test]
fn a_step_is_written_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("gander.db"), None, wall_time()).unwrap();
    let decision = store.ask(Request { title: "?".into(), ..Request::default() }, Terms::default(), wall_time()).unwrap();
    let item = Item::of(&decision.into_decision());
    assert_eq!(store.reminded_up_to().unwrap(), 0, "a new store is read from its beginning");
    let at = (wall_time(), wall_time());
    let new = NewPosting { purpose: Purpose::Reminder { user: 7 }, place: Place::Direct(7), items: vec![item], at: at.0 };
    let open = vec![(new, vec![reminder(1)])];
    store.remind(Reminding { cursor: Some(5), put: vec![reminder(2)], open, at, ..Reminding::default() }).unwrap();
    let kept = store.reminders().unwrap();
    let on = kept[0].on.unwrap();
    assert_eq!((kept[0].standing.clone(), kept[1].standing.clone()), (Standing::Posted, Standing::Due));
    assert_eq!((store.reminded_up_to().unwrap(), store.postings_behind(None).unwrap()), (5, vec![on.posting]));

    // Somebody else has changed the list since it was seen.
    let stale = Amended { on, revision: 9, changes: vec![Change::Put(item)], reminders: vec![reminder(2)] };
    let step = Reminding { cursor: Some(8), drop: vec![reminder(1)], amend: vec![stale], at, ..Reminding::default() };
    assert!(matches!(store.remind(step), Err(StoreError::Busy)));
    assert_eq!((store.reminded_up_to().unwrap(), store.reminders().unwrap()), (5, kept), "nothing was written");

    store.give_up_posting(on.posting, "closed").unwrap();
    let failed = Standing::Over { came: Came::Failed { why: "closed".into() } };
    let standing: Vec<Standing> = store.reminders().unwrap().into_iter().map(|reminder| reminder.standing).collect();
    assert_eq!(standing, [failed, Standing::Due], "its own alone");
    assert_eq!(store.posting(on.posting).unwrap().unwrap().hanging, Hanging::Over);
}
