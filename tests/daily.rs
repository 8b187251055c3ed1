//! What is posted once a day, on a store whose time runs much faster: it does not flood its
//! channel.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{NaiveTime, TimeDelta};
use gander::core::Time;
use gander::core::daily::{APART, Daily};
use gander::core::decision::{Kind, Person, Refused, Request, Risk, State, Via};
use gander::core::permission::{ApproverRule, Voter};
use gander::core::policy::{Rule, Rules};
use gander::core::posting::{Posting, PostingId, Purpose};
use gander::engine::clock::{Clock, TestClock};
use gander::engine::{Handle, HandleError, daily};
use gander::store::Store as _;
use gander::store::sqlite::SqliteStore;

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
    store: Arc<SqliteStore>,
    clock: TestClock,
    _folder: tempfile::TempDir,
}

fn world(speed: i32) -> World {
    let folder = tempfile::tempdir().unwrap();
    let began: Time = "2026-03-20T12:00:00Z".parse().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("gander.db"), None, began).unwrap());
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
    let handle = Handle::new(Arc::<SqliteStore>::clone(&store), rules, Arc::new(fast));
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
    /// All postings, in the order in which they were opened.
    fn postings(&self) -> Vec<Posting> {
        (1..).map_while(|id| self.store.posting(PostingId(id)).unwrap()).collect()
    }

    /// So many days, on each of which something passes. Looked at twice each: that changes nothing.
    async fn days(&self, days: u32) {
        for day in 0..days {
            self.handle.ask(sure(&format!("Name {day}?"))).await.unwrap();
            self.handle.let_pass().await.unwrap();
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
        world.postings().is_empty(),
        "nothing passed, and the first digest comes with the next morning"
    );
    world.days(10).await;
    let postings = world.postings();
    let digests: Vec<_> = postings
        .iter()
        .filter_map(|posting| {
            if let Purpose::Digest { digest } = &posting.purpose { Some(digest) } else { None }
        })
        .collect();
    assert_eq!((digests.len(), postings.len()), (10, 20));
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
    let postings = world.postings();
    for word in ["digest", "review"] {
        let of: Vec<&Posting> =
            postings.iter().filter(|posting| posting.purpose.word() == word).collect();
        // A hundred days are 40 minutes.
        assert!((3..=5).contains(&of.len()), "{} of {word}", of.len());
        assert!(of.windows(2).all(|pair| pair[1].opened_at - pair[0].opened_at >= APART));
    }
    let covered: i64 = postings
        .iter()
        .map(|p| if let Purpose::Digest { digest } = &p.purpose { digest.days() } else { 0 })
        .sum();
    let listed: usize = postings.iter().map(|posting| posting.items.len()).sum();
    assert!(covered >= 75 && listed >= 75, "{covered} days, {listed} listed");
}

#[tokio::test]
async fn disagreement_is_noted_where_the_same_was_asked_again() {
    let world = world(1);
    let keyed = || Request { dedup_key: Some("name".into()), ..sure("Name?") };
    let first = world.handle.ask(keyed()).await.unwrap().into_decision();
    world.handle.let_pass().await.unwrap();
    let unsure = Request { confidence: Some(0.7), ..keyed() };
    let second = world.handle.ask(unsure).await.unwrap().into_decision();
    let ann = Voter { person: Person::discord(1, "Ann"), roles: Vec::new(), owner: false };
    let stranger = Voter { person: Person::discord(2, "Sven"), ..ann.clone() };
    assert!(matches!(
        world.handle.disagree(first.id, &stranger).await,
        Err(HandleError::Denied(..))
    ));
    let (stands, again) = world.handle.disagree(first.id, &ann).await.unwrap();
    assert_eq!(again, Some(second.id), "one key is open once");
    assert!(
        matches!(&stands.state, State::Resolved(resolved) if resolved.via == Via::Routing)
            && stands.disagreed.is_some()
    );
    let twice = world.handle.disagree(first.id, &ann).await;
    assert!(
        matches!(twice, Err(HandleError::Refused(_, Refused::AlreadyDisagreed { .. }))),
        "{twice:?}"
    );
    assert_eq!(world.store.audit().unwrap().fault, None, "what is kept is what the log gives");
    assert_eq!(world.handle.calibration(None, None).await.unwrap().count.disagreed, 1);
}

/// What calibration and the digest count is filled in for what an older version has kept.
#[test]
fn the_record_of_an_older_store_is_counted_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gander.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../fixtures/stores/v1.sql")).unwrap();
    drop(old);
    let now: Time = "2026-03-02T12:00:00Z".parse().unwrap();
    let store = SqliteStore::open(&path, None, now).unwrap();
    assert_eq!(store.audit().unwrap().fault, None, "every column is what the replayed log gives");
    let ended = store.ended_between(Time::UNIX_EPOCH, now).unwrap();
    let verdicts: Vec<_> = ended.iter().map(|ended| ended.verdict.clone()).collect();
    assert_eq!(
        verdicts,
        [Some(("rejected".to_owned(), Via::Discord)), None],
        "one rejected by a person, one withdrawn"
    );
    assert_eq!(store.asked_between(Time::UNIX_EPOCH, now).unwrap(), 4);
}
