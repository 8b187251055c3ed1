//! Messages in the store: lists that are frozen, what falls behind, what is drawn into batches.

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{Decision, DecisionId, Person, Request, Risk, Terms, Verdict, Via};
use gander::core::messaging::batch::{Batching, plan};
use gander::core::messaging::message::{
    Destination, FinalPost, Item, ListChange, MessageId, PostState, Purpose,
};
use gander::core::messaging::notification::{
    DeliveryState, ExternalChannel, Notification, NotificationPriority,
};
use gander::store::{NewCard, NewMessage, PlanBatches, Store};

const NEVER_POSTED: PostState = PostState::Final(FinalPost::NeverPosted);
const WINDOW: TimeDelta = TimeDelta::seconds(5);

struct World {
    store: Store,
    now: Time,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Time::UNIX_EPOCH + TimeDelta::days(20_000);
        let store = Store::open(&folder.path().join("gander.db"), None, now).unwrap();
        Self { store, now, _folder: folder }
    }

    fn ask(&self, project: &str, kind: &str, risk: Risk) -> Decision {
        let terms = Terms { risk, sla_seconds: 3_600, ..Terms::default() };
        let request = Request {
            title: "x".into(),
            project: project.into(),
            kind: kind.into(),
            risk,
            ..Request::default()
        };
        self.store.decisions().ask(request, terms, self.now).unwrap().into_decision()
    }

    fn low(&self) -> Decision {
        self.ask("p", "routine", Risk::Low)
    }

    fn posted(&self, decision: &Decision, message: &str, at: Time) {
        let new = NewCard {
            item: Item::of(decision),
            generation: 1,
            place: Destination::Project(decision.request.project.clone()),
            channel: "c".into(),
            at,
        };
        let known = self.store.messages().cards_of(decision.id).unwrap().pop();
        let card = known.unwrap_or_else(|| self.store.messages().open_card(new).unwrap());
        let state = PostState::Posted {
            channel: "c".into(),
            message: message.into(),
            shown: decision.changed,
            list: 1,
        };
        self.store.messages().put_post_state(card.id, 1, state).unwrap();
    }

    fn approve(&self, id: DecisionId) {
        let approve = |decision: &Decision| {
            let seen = decision.revision;
            Ok(Some(decision.resolve(
                Verdict::approved(),
                Person::discord(1, "Maya"),
                Via::Discord,
                seen,
            )?))
        };
        self.store.decisions().change(id, self.now, Box::new(approve)).unwrap().unwrap();
    }

    fn plan(&self) -> bool {
        self.plan_with(Batching::default())
    }

    fn plan_with(&self, batching: Batching) -> bool {
        let by: PlanBatches =
            Box::new(move |crowd| plan(&batching, |candidate| candidate.risk, crowd));
        self.store.messages().plan_batches(self.now - WINDOW, self.now, by).unwrap()
    }

    fn listed(&self, id: i64) -> Vec<i64> {
        self.store
            .messages()
            .get(MessageId(id))
            .unwrap()
            .unwrap()
            .list()
            .iter()
            .map(|item| item.decision.0)
            .collect()
    }

    fn post(&self, id: i64, shown: u64, list: u32) {
        let message =
            PostState::Posted { channel: "c".into(), message: format!("m{id}"), shown, list };
        self.store.messages().put_post_state(MessageId(id), 1, message).unwrap();
    }
}

#[test]
fn what_waits_and_has_no_card_is_drawn_together_from_three_on() {
    let world = World::new();
    world.low();
    world.low();
    assert!(!world.plan(), "two are no batch");
    world.ask("p", "routine", Risk::High);
    world.ask("p", "credentials", Risk::Low);
    world.ask("other", "routine", Risk::Low);
    assert!(!world.plan(), "what has a card of its own is not counted");
    world.ask("p", "routine", Risk::Medium);
    assert!(world.plan());
    assert_eq!(world.listed(1), [1, 2, 6]);
    assert!(!world.plan(), "once");
    assert_eq!(
        world.store.messages().batch_card_of(DecisionId(6)).unwrap().unwrap().id,
        MessageId(1)
    );
    assert_eq!(world.store.messages().batch_card_of(DecisionId(3)).unwrap(), None);
    assert_eq!(
        world.store.messages().outdated_cards().unwrap(),
        [DecisionId(3), DecisionId(4), DecisionId(5)],
        "the others want cards"
    );
    assert_eq!(world.store.messages().outdated(None).unwrap(), [MessageId(1)]);
}

#[test]
fn projects_and_configurations_that_want_no_batches_get_none() {
    let world = World::new();
    for _ in 0..5 {
        world.low();
    }
    assert!(!world.plan_with(Batching::off()));
    assert!(!world.plan_with(Batching { except: ["p".to_owned()].into(), ..Batching::default() }));
    assert!(!world.plan_with(Batching { min: 6, ..Batching::default() }));
    assert!(world.plan_with(Batching { min: 5, ..Batching::default() }));
}

#[test]
fn a_card_that_was_just_posted_is_drawn_in_and_an_older_one_stays() {
    let world = World::new();
    let (old, recent) = (world.low(), world.low());
    world.posted(&old, "old", world.now - WINDOW - TimeDelta::milliseconds(1));
    world.posted(&recent, "recent", world.now - WINDOW);
    world.low();
    assert!(!world.plan(), "one new one and one recent one");
    world.low();
    assert!(world.plan());
    assert_eq!(world.listed(1), [2, 3, 4]);
    assert_eq!(
        world.store.messages().outdated_cards().unwrap(),
        [recent.id],
        "its own card does not say so yet"
    );
    world.post(1, 10, 1);
    assert_eq!(world.store.messages().cards_to_redirect(MessageId(1)).unwrap(), [recent.id]);
    // However it is written meanwhile, it stays behind until it says where its decision went.
    world.posted(&recent, "recent", world.now);
    assert_eq!(world.store.messages().cards_to_redirect(MessageId(1)).unwrap(), [recent.id]);
    let card = world.store.messages().cards_of(recent.id).unwrap().remove(0);
    world.store.messages().put_post_state(card.id, 1, card.state.into_final()).unwrap();
    assert_eq!(world.store.messages().cards_to_redirect(MessageId(1)).unwrap(), []);
    assert_eq!(world.store.messages().outdated_cards().unwrap(), []);
}

#[test]
fn a_young_batch_takes_in_more_and_an_old_one_that_hangs_does_not() {
    let mut world = World::new();
    for _ in 0..3 {
        world.low();
    }
    assert!(world.plan());
    world.now += WINDOW * 2;
    world.low();
    assert!(world.plan(), "it is not posted yet, however long ago it was made");
    assert_eq!(world.listed(1), [1, 2, 3, 4]);
    world.post(1, 10, 2);
    world.low();
    assert!(!world.plan(), "nobody is told of an edit");
    assert_eq!(
        world.store.messages().get(MessageId(1)).unwrap().unwrap().list_at(1).len(),
        3,
        "the first list is known"
    );
}

#[test]
fn a_list_is_changed_by_whoever_saw_the_latest_one() {
    let world = World::new();
    let items: Vec<Item> = (0..3).map(|_| Item::of(&world.low())).collect();
    let new = NewMessage {
        purpose: Purpose::Batch { project: "p".into() },
        place: Destination::Project("p".into()),
        items: items.clone(),
        at: world.now,
    };
    let id = world.store.messages().open(new).unwrap();
    assert!(
        world.store.messages().amend(id, 1, vec![ListChange::Drop(items[0].decision)]).unwrap()
    );
    assert!(
        !world.store.messages().amend(id, 1, vec![ListChange::Drop(items[1].decision)]).unwrap(),
        "somebody was first"
    );
    let message = world.store.messages().get(id).unwrap().unwrap();
    assert_eq!((message.revision, message.list().len(), message.list_at(1).len()), (2, 2, 3));
    assert_eq!(message.latest_items().len(), 3, "what was taken off is still told of");
}

#[test]
fn every_change_of_a_listed_decision_leaves_its_message_behind() {
    let world = World::new();
    let listed: Vec<Decision> = (0..3).map(|_| world.low()).collect();
    assert!(world.plan());
    let head = world.store.event_log().head().unwrap().seq;
    world.post(1, head, 1);
    assert_eq!(world.store.messages().outdated(None).unwrap(), []);
    assert_eq!(world.store.messages().posted_with_open().unwrap(), [MessageId(1)]);
    world.low();
    assert_eq!(world.store.messages().outdated(None).unwrap(), [], "another decision");
    world.approve(listed[1].id);
    assert_eq!(world.store.messages().outdated(Some(&[listed[1].id])).unwrap(), [MessageId(1)]);
    world.post(1, head, 1);
    assert_eq!(
        world.store.messages().outdated(None).unwrap(),
        [MessageId(1)],
        "an edit of before does not show it"
    );
    world.post(1, head + 2, 1);
    assert_eq!(world.store.messages().outdated(None).unwrap(), []);
    assert_eq!(world.store.messages().with_discord_id("m1").unwrap().unwrap().id, MessageId(1));
    for decision in [&listed[0], &listed[2]] {
        world.approve(decision.id);
    }
    assert_eq!(world.store.messages().posted_with_open().unwrap(), [], "nothing on it waits");
    let posted = world.store.messages().get(MessageId(1)).unwrap().unwrap().state;
    world.store.messages().put_post_state(MessageId(1), 1, posted.into_final()).unwrap();
    assert_eq!(world.store.messages().outdated(None).unwrap(), []);
    world.post(1, 99, 1);
    assert_eq!(
        world.store.messages().get(MessageId(1)).unwrap().unwrap().state,
        PostState::Final(FinalPost::Kept { channel: "c".into(), message: "m1".into() }),
        "for good"
    );
}

#[test]
fn what_one_person_chose_is_kept_and_never_posted() {
    let world = World::new();
    let items = vec![Item::of(&world.low())];
    let of = Purpose::Selection { of: "discord:1".into() };
    let new = NewMessage { purpose: of.clone(), place: Destination::Nowhere, items, at: world.now };
    let id = world.store.messages().open(new).unwrap();
    let message = world.store.messages().get(id).unwrap().unwrap();
    assert_eq!((message.purpose, message.state, message.items.len()), (of, NEVER_POSTED, 1));
    assert_eq!(world.store.messages().outdated(None).unwrap(), []);
    assert_eq!(
        world.store.messages().outdated_cards().unwrap().len(),
        1,
        "its decision still wants a card"
    );
    // After a week nobody clicks it any more.
    let later = NewMessage {
        purpose: Purpose::Selection { of: "discord:2".into() },
        place: Destination::Nowhere,
        items: Vec::new(),
        at: world.now + TimeDelta::days(8),
    };
    world.store.messages().open(later).unwrap();
    assert_eq!(world.store.messages().get(id).unwrap(), None);
}

#[test]
fn many_are_changed_in_one_go_and_each_is_told_of() {
    let world = World::new();
    let asked: Vec<Decision> = (0..3).map(|_| world.low()).collect();
    world.approve(asked[1].id);
    let approve = |decision: &Decision| {
        let id = decision.id;
        let decide: gander::store::Decide = Box::new(|decision| {
            let by = Person::discord(2, "Jonas");
            Ok(Some(decision.resolve(Verdict::approved(), by, Via::Discord, decision.revision)?))
        });
        (id, decide)
    };
    let changed = world
        .store
        .decisions()
        .change_many(asked.iter().map(approve).collect(), world.now)
        .unwrap();
    assert_eq!(changed.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(world.store.audit().first_broken_link().unwrap(), None);
    let missing = vec![
        approve(&asked[0]),
        (DecisionId(99), Box::new(|_: &Decision| Ok(None)) as gander::store::Decide),
    ];
    assert!(world.store.decisions().change_many(missing, world.now).is_err());
}

#[test]
fn what_is_pruned_is_quoted_by_no_report_and_its_lists_stay_as_they_hang() {
    let world = World::new();
    let request = Request { title: "x".into(), body: "the long text".into(), ..Request::default() };
    let over =
        world.store.decisions().ask(request, Terms::default(), world.now).unwrap().into_decision();
    let purpose = Purpose::Incident { report: "it quotes the long text".into() };
    let new = NewMessage {
        purpose,
        place: Destination::Channel("c".into()),
        items: vec![Item::of(&over)],
        at: world.now,
    };
    let id = world.store.messages().open(new).unwrap();
    world.approve(over.id);
    world.posted(&world.store.decisions().get(over.id).unwrap().unwrap(), "m", world.now);
    let later = world.now + TimeDelta::days(90);
    assert_eq!(world.store.maintenance().prune(later, later, 10).unwrap().decisions, 1);
    let kept = world.store.messages().get(id).unwrap().unwrap();
    assert_eq!(kept.purpose, Purpose::Incident { report: String::new() });
    assert_eq!(world.store.messages().outdated(None).unwrap(), [], "nothing is drawn anew");
}

/// Closed for good, as a message of which nothing is open any more.
fn closed(
    world: &World,
    purpose: Purpose,
    place: Destination,
    of: &[&Decision],
    at: Time,
) -> MessageId {
    let items = of.iter().map(|decision| Item::of(decision)).collect();
    let id = world.store.messages().open(NewMessage { purpose, place, items, at }).unwrap();
    world.store.messages().put_post_state(id, 1, NEVER_POSTED).unwrap();
    id
}

#[test]
fn lists_that_are_over_go_when_their_decisions_are_pruned_and_no_others() {
    let world = World::new();
    let [over, open, late] = [world.low(), world.low(), world.low()];
    let channel = || Destination::Channel("c".into());
    let batch = || Purpose::Batch { project: "p".into() };
    let reminder = || Purpose::Reminder { user: 1 };
    let [old, mixed, reminded, report, review, young, recent] = [
        closed(&world, batch(), channel(), &[&over], world.now),
        closed(&world, batch(), channel(), &[&over, &open], world.now),
        closed(&world, reminder(), Destination::Direct(1), &[&over], world.now),
        closed(&world, Purpose::Incident { report: "r".into() }, channel(), &[&over], world.now),
        closed(
            &world,
            Purpose::Review { project: "p".into(), until: world.now },
            channel(),
            &[&over],
            world.now,
        ),
        closed(&world, batch(), channel(), &[&over], world.now + TimeDelta::days(89)),
        closed(&world, batch(), channel(), &[&late], world.now),
    ];
    // It hangs, and is to be drawn once more.
    let hangs = NewMessage {
        purpose: batch(),
        place: channel(),
        items: vec![Item::of(&open)],
        at: world.now,
    };
    let hangs = world.store.messages().open(hangs).unwrap();
    world.approve(over.id);
    let approve = |decision: &Decision| {
        Ok(Some(decision.resolve(
            Verdict::approved(),
            Person::discord(1, "Maya"),
            Via::Discord,
            decision.revision,
        )?))
    };
    world
        .store
        .decisions()
        .change(late.id, world.now + TimeDelta::days(40), Box::new(approve))
        .unwrap()
        .unwrap();
    let (limit, at) = (world.now + TimeDelta::days(30), world.now + TimeDelta::days(90));
    assert_eq!(world.store.maintenance().prunable(limit).unwrap().lists, 2);
    assert_eq!(
        world.store.maintenance().prune(limit, at, 1).unwrap().lists,
        1,
        "so many in one transaction"
    );
    assert_eq!(world.store.maintenance().prune(limit, at, 10).unwrap().lists, 1);
    assert_eq!(world.store.maintenance().prune(limit, at, 10).unwrap().lists, 0);
    let there = [old, mixed, reminded, report, review, young, recent, hangs]
        .map(|id| world.store.messages().get(id).unwrap().is_some());
    assert_eq!(there, [false, true, false, true, true, true, true, true]);
    assert_eq!(
        world.store.messages().outdated(None).unwrap(),
        [hangs],
        "what is to be drawn is drawn as before"
    );
}

#[test]
fn messages_that_left_go_when_their_decisions_are_pruned_and_the_order_goes_on() {
    let world = World::new();
    let [over, open] = [world.low(), world.low()];
    let message = |key: &str, of: &[&Decision]| Notification {
        key: key.into(),
        person: "discord:1".into(),
        channel: ExternalChannel::Push,
        to: "topic".into(),
        title: key.into(),
        words: String::new(),
        link: None,
        urgency: NotificationPriority::High,
        decisions: of.iter().map(|decision| decision.id).collect(),
    };
    let all = [
        ("old", &[&over][..]),
        ("both", &[&over, &open]),
        ("test", &[]),
        ("queued", &[&over]),
        ("last", &[&over]),
    ];
    world.store.outbox().enqueue(all.map(|(key, of)| message(key, of)).into(), world.now).unwrap();
    let sent = || DeliveryState::Sent { at: world.now, receipt: "r".into() };
    for key in ["old", "both", "test", "last"] {
        assert!(world.store.outbox().put_state(key, 1, sent()).unwrap());
    }
    world.approve(over.id);
    let (limit, at) = (world.now + TimeDelta::days(30), world.now + TimeDelta::days(90));
    assert_eq!(world.store.maintenance().prunable(limit).unwrap().sent, 2);
    assert_eq!(world.store.maintenance().prune(limit, at, 10).unwrap().sent, 2);
    let there = ["old", "both", "test", "queued", "last"]
        .map(|key| world.store.outbox().get(key).unwrap().is_some());
    assert_eq!(there, [false, true, false, true, true]);
    assert_eq!(world.store.outbox().of_decision(over.id).unwrap().len(), 3);
    // Whoever has read up to the last one misses nothing that comes after it.
    let read = world.store.outbox().get("last").unwrap().unwrap().settled;
    world.store.outbox().put_state("queued", 1, sent()).unwrap();
    assert_eq!(world.store.outbox().settled(read, 10).unwrap().len(), 1);
}
