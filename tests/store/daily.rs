//! What is posted once a day, on a store whose time runs much faster: it does not flood its
//! channel.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{NaiveTime, TimeDelta};
use gander::core::Time;
use gander::core::decision::authorization::{ApproverRule, Voter};
use gander::core::decision::{Kind, Person, Refused, Request, Risk, State, Via};
use gander::core::messaging::daily::{Daily, MIN_INTERVAL};
use gander::core::messaging::message::{Message, MessageId, Purpose};
use gander::core::policy::rules::{Rule, Rules};
use gander::engine::clock::{Clock, TestClock};
use gander::engine::operations::daily;
use gander::engine::{Handle, HandleError};
use gander::store::Store;

/// A clock whose time runs so many times faster than the wall's.
#[derive(Debug, Clone)]
struct Fast {
    clock: TestClock,
    began: Time,
    speed: i32,
}

#[async_trait]
impl Clock for Fast {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn wall(&self) -> Time {
        self.began + (self.now() - self.began) / self.speed
    }

    async fn sleep_until(&self, at: Time) {
        self.clock.sleep_until(at).await;
    }
}

struct World {
    handle: Handle,
    store: Arc<Store>,
    clock: TestClock,
    _folder: tempfile::TempDir,
}

fn world(speed: i32) -> World {
    let folder = tempfile::tempdir().unwrap();
    let began: Time = "2026-03-20T12:00:00Z".parse().unwrap();
    let store = Arc::new(Store::open(&folder.path().join("gander.db"), None, began).unwrap());
    let clock = TestClock::at(began);
    let yes = Rule { route_by_confidence: true, ..Rule::default() };
    let rules = Rules {
        approvers: vec![ApproverRule { users: vec![1], ..ApproverRule::default() }],
        projects: [("shop".to_owned(), yes.clone())].into(),
        kinds: [(Kind::from("naming"), yes)].into(),
        daily: Daily { digest: NaiveTime::from_hms_opt(8, 0, 0), ..Daily::default() },
        ..Rules::default()
    };
    let fast = Fast { clock: clock.clone(), began, speed };
    let handle = Handle::new(Arc::clone(&store), rules, Arc::new(fast));
    World { handle, store, clock, _folder: folder }
}

fn sure(title: &str) -> Request {
    Request {
        title: title.into(),
        project: "shop".into(),
        kind: "naming".into(),
        risk: Risk::Low,
        confidence: Some(0.95),
        ..Request::default()
    }
}

impl World {
    /// All messages other than cards, in the order in which they were opened.
    fn messages(&self) -> Vec<Message> {
        (1..).map_while(|id| self.store.messages().get(MessageId(id)).unwrap()).collect()
    }

    /// So many days, on each of which something passes. Looked at twice each: that changes nothing.
    async fn days(&self, days: u32) {
        for day in 0..days {
            self.handle.approvals().ask(sure(&format!("Name {day}?"))).await.unwrap();
            self.handle.auto_approval().approve_allowed().await.unwrap();
            self.clock.advance(TimeDelta::days(1));
            for _ in 0..2 {
                daily::open_due(&self.handle, &mut None).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn at_the_real_pace_each_day_has_one_of_each() {
    let world = world(1);
    daily::open_due(&world.handle, &mut None).await.unwrap();
    assert!(
        world.messages().is_empty(),
        "nothing passed, and the first digest comes with the next morning"
    );
    world.days(10).await;
    let messages = world.messages();
    let digests: Vec<_> = messages
        .iter()
        .filter_map(|message| {
            if let Purpose::Digest { digest } = &message.purpose { Some(digest) } else { None }
        })
        .collect();
    assert_eq!((digests.len(), messages.len()), (10, 20));
    assert!(
        digests.windows(2).all(|pair| pair[0].to == pair[1].from),
        "no moment is counted twice or never"
    );
    assert!(digests.iter().all(|digest| digest.days() == 1 && digest.by_itself <= 1));
}

#[tokio::test]
async fn a_day_of_seconds_floods_nothing_and_nothing_is_lost() {
    let world = world(3600);
    daily::open_due(&world.handle, &mut None).await.unwrap();
    world.days(100).await;
    let messages = world.messages();
    for word in ["digest", "review"] {
        let of: Vec<&Message> =
            messages.iter().filter(|message| message.purpose.word() == word).collect();
        // A hundred days are 40 minutes.
        assert!((3..=5).contains(&of.len()), "{} of {word}", of.len());
        assert!(of.windows(2).all(|pair| pair[1].opened_at - pair[0].opened_at >= MIN_INTERVAL));
    }
    let covered: i64 = messages
        .iter()
        .map(|p| if let Purpose::Digest { digest } = &p.purpose { digest.days() } else { 0 })
        .sum();
    let listed: usize = messages.iter().map(|message| message.items.len()).sum();
    assert!(covered >= 75 && listed >= 75, "{covered} days, {listed} listed");
}

#[tokio::test]
async fn disagreement_is_noted_where_the_same_was_asked_again() {
    let world = world(1);
    let keyed = || Request { dedup_key: Some("name".into()), ..sure("Name?") };
    let first = world.handle.approvals().ask(keyed()).await.unwrap().into_decision();
    world.handle.auto_approval().approve_allowed().await.unwrap();
    let unsure = Request { confidence: Some(0.7), ..keyed() };
    let second = world.handle.approvals().ask(unsure).await.unwrap().into_decision();
    let ann = Voter { person: Person::discord(1, "Ann"), roles: Vec::new(), owner: false };
    let stranger = Voter { person: Person::discord(2, "Sven"), ..ann.clone() };
    assert!(matches!(
        world.handle.auto_approval().disagree(first.id, &stranger).await,
        Err(HandleError::Denied(..))
    ));
    let (stands, again) = world.handle.auto_approval().disagree(first.id, &ann).await.unwrap();
    assert_eq!(again, Some(second.id), "one key is open once");
    assert!(
        matches!(&stands.state, State::Resolved(resolved) if resolved.via == Via::Routing)
            && stands.disagreed.is_some()
    );
    let twice = world.handle.auto_approval().disagree(first.id, &ann).await;
    assert!(
        matches!(twice, Err(HandleError::Refused(_, Refused::AlreadyDisagreed { .. }))),
        "{twice:?}"
    );
    assert_eq!(
        world.store.audit().verify().unwrap().fault,
        None,
        "what is kept is what the log gives"
    );
    assert_eq!(world.handle.reports().calibration(None, None).await.unwrap().count.disagreed, 1);
}

/// What calibration and the digest count is filled in for what an older version has kept.
#[test]
fn the_record_of_an_older_store_is_counted_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gander.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../fixtures/stores/v1.sql")).unwrap();
    drop(old);
    let now: Time = "2026-03-02T12:00:00Z".parse().unwrap();
    let store = Store::open(&path, None, now).unwrap();
    assert_eq!(
        store.audit().verify().unwrap().fault,
        None,
        "every column is what the replayed log gives"
    );
    let ended = store.reports().ended_between(Time::UNIX_EPOCH, now).unwrap();
    let verdicts: Vec<_> = ended.iter().map(|ended| ended.verdict.clone()).collect();
    assert_eq!(
        verdicts,
        [Some(("rejected".to_owned(), Via::Discord)), None],
        "one rejected by a person, one withdrawn"
    );
    assert_eq!(store.reports().asked_between(Time::UNIX_EPOCH, now).unwrap(), 4);
}
