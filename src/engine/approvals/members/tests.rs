//! The holder of a token leaves, loses roles, or is unknown to a silent Discord.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use secrecy::ExposeSecret as _;

use super::*;
use crate::core::access::{Grant, Holder};
use crate::core::decision::Person;
use crate::core::policy::rules::Rules;
use crate::engine::clock::{SystemClock, wall_time};
use crate::store::Store;

/// Answers as the test says.
#[derive(Debug, Default)]
struct ScriptedDirectory(Mutex<Option<Result<Membership, String>>>);

impl ScriptedDirectory {
    fn say(&self, answer: Result<Membership, String>) {
        *self.0.lock().unwrap() = Some(answer);
    }
}

#[async_trait]
impl MemberDirectory for ScriptedDirectory {
    async fn membership(&self, _: u64) -> Result<Membership, String> {
        self.0.lock().unwrap().clone().unwrap()
    }
}

/// Counts the requests, and answers each after all other tasks have run.
#[derive(Debug, Default)]
struct CountingDirectory(AtomicUsize);

#[async_trait]
impl MemberDirectory for CountingDirectory {
    async fn membership(&self, _: u64) -> Result<Membership, String> {
        self.0.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        Ok(member())
    }
}

fn handle(folder: &tempfile::TempDir) -> Handle {
    let store = Store::open(&folder.path().join("gander.db"), None, wall_time()).unwrap();
    let clock = Arc::new(SystemClock::new(store.time_scale()));
    Handle::new(Arc::new(store), Rules::default(), clock)
}

async fn token(handle: &Handle) -> String {
    let holder = Holder { person: Person::discord(7, "Maya"), roles: vec!["Approvers".into()] };
    let grant =
        Grant { scopes: [Scope::Decide].into(), projects: Vec::new(), holder: Some(holder) };
    handle.tokens().create("phone", grant).await.unwrap().1.expose_secret().to_owned()
}

fn member() -> Membership {
    let roles = vec![Role { id: 9, name: "Approvers".into() }];
    Membership::Member { roles, owner: false }
}

#[tokio::test]
async fn a_verdict_asks_anew_and_what_discord_said_last_counts_while_it_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let (here, directory) = (handle(&folder), Arc::new(ScriptedDirectory::default()));
    let secret = token(&here).await;
    let caller = here.tokens().caller_of(&secret).await.unwrap().unwrap();
    assert_eq!(caller.standing, HolderStanding::Stated, "before any bot");

    here.set_member_directory(Arc::clone(&directory) as Arc<dyn MemberDirectory>);
    directory.say(Err("no network".into()));
    assert_eq!(here.tokens().standing_now(&caller).await, HolderStanding::Unknown);
    directory.say(Ok(member()));
    assert!(matches!(
        here.tokens().standing_now(&caller).await,
        HolderStanding::Member { owner: false, .. }
    ));
    directory.say(Ok(Membership::Stranger));
    assert!(
        matches!(here.tokens().standing_of(&caller).await, HolderStanding::Member { .. }),
        "known a moment ago"
    );
    assert_eq!(here.tokens().standing_now(&caller).await, HolderStanding::Left);
    assert!(here.tokens().ended().await.unwrap().contains(&caller.id));
    directory.say(Err("no network".into()));
    assert_eq!(here.tokens().standing_now(&caller).await, HolderStanding::Left);

    // Another process, without a connection.
    let there = handle(&folder);
    let caller = there.tokens().caller_of(&secret).await.unwrap().unwrap();
    assert_eq!(caller.standing, HolderStanding::Left);
}

#[tokio::test]
async fn verdicts_at_the_same_time_share_a_request_and_a_later_verdict_asks_again() {
    let folder = tempfile::tempdir().unwrap();
    let (here, directory) = (handle(&folder), Arc::new(CountingDirectory::default()));
    let secret = token(&here).await;
    let caller = here.tokens().caller_of(&secret).await.unwrap().unwrap();
    here.set_member_directory(Arc::clone(&directory) as Arc<dyn MemberDirectory>);
    let mut asked = 0;
    for _ in 0..2 {
        let standings = join_all((0..32).map(|_| here.tokens().standing_now(&caller))).await;
        let is_member = |standing| matches!(standing, HolderStanding::Member { .. });
        assert!(standings.into_iter().all(is_member));
        let now = directory.0.load(Ordering::Relaxed);
        assert!((asked + 1..=asked + 2).contains(&now), "{} requests for 32", now - asked);
        asked = now;
    }
    for _ in 0..100 {
        here.tokens().standing_now(&caller).await;
    }
    let in_flood = directory.0.load(Ordering::Relaxed) - asked;
    assert!(in_flood < 50, "{in_flood} requests for a flood of 100");
}
