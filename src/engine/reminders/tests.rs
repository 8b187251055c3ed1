//! How much is read while reminders are pending, tested without a real surface.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::{Directory, Reminders};
use crate::core::Time;
use crate::core::card::Card;
use crate::core::decision::{Decision, DecisionId, Person, Request};
use crate::core::permission::{ApproverRule, Voter};
use crate::core::policy::Rules;
use crate::core::posting::{Hanging, PostingId, Sheet};
use crate::core::remind::GATHERED;
use crate::engine::Handle;
use crate::engine::clock::{TestClock, wall_time};
use crate::engine::deliveries::{Board, BoardError, Deliveries};
use crate::store::sqlite::SqliteStore;

const MAYA: u64 = 7;

struct Surface;

#[async_trait]
impl Directory for Surface {
    fn owner(&self) -> Option<u64> {
        None
    }
    async fn voter(&self, user: u64) -> Result<Option<Voter>, String> {
        Ok(Some(Voter { person: Person::discord(user, "Maya"), roles: Vec::new(), owner: false }))
    }
    fn roles(&self, _: &str) -> Vec<(u64, String)> {
        Vec::new()
    }
    fn channel(&self, _: &str) -> Result<String, String> {
        Ok("5".into())
    }
    fn no_here(&self, _: &str) -> Option<String> {
        None
    }
    fn link(&self, channel: &str, message: &str) -> String {
        format!("{channel}/{message}")
    }
}

fn nothing<T>() -> Result<T, BoardError> {
    Err(BoardError::Refused("nothing is posted here".into()))
}

#[async_trait]
impl Board for Surface {
    async fn place(&self, _: &Decision) -> Result<String, BoardError> {
        nothing()
    }
    async fn post(&self, _: &str, _: &Decision, _: &Card, _: &str) -> Result<String, BoardError> {
        nothing()
    }
    async fn edit(&self, _: &str, _: &str, _: &Decision, _: &Card) -> Result<(), BoardError> {
        nothing()
    }
    async fn find(&self, _: &str, _: DecisionId, _: Time) -> Result<Vec<String>, BoardError> {
        nothing()
    }
    async fn place_of(&self, _: &Sheet) -> Result<String, BoardError> {
        nothing()
    }
    async fn post_sheet(
        &self,
        _: &str,
        _: &Sheet,
        _: &Card,
        _: &str,
    ) -> Result<String, BoardError> {
        nothing()
    }
    async fn edit_sheet(&self, _: &str, _: &str, _: &Sheet, _: &Card) -> Result<(), BoardError> {
        nothing()
    }
    async fn find_sheet(&self, _: &str, _: PostingId, _: Time) -> Result<Vec<String>, BoardError> {
        nothing()
    }
    async fn hangs(&self, _: &str, _: &str) -> Result<bool, BoardError> {
        nothing()
    }
    fn link(&self, _: &str, _: &str) -> Option<String> {
        None
    }
}

/// A store with this many open decisions, each with its first escalation step fired but not yet
/// read.
async fn climbed(folder: &std::path::Path, count: usize) -> (Handle, TestClock, Reminders) {
    let store = SqliteStore::open(&folder.join("gander.db"), None, wall_time()).unwrap();
    let clock = TestClock::at(wall_time());
    let approvers = vec![ApproverRule { users: vec![MAYA], ..ApproverRule::default() }];
    let handle = Handle::new(
        Arc::new(store),
        Rules { approvers, ..Rules::default() },
        Arc::new(clock.clone()),
    );
    asked(&handle, count).await;
    clock.advance(TimeDelta::minutes(30));
    let mut climbing = JoinSet::new();
    for id in handle.store(|store| store.open_ids()).await.unwrap() {
        let handle = handle.clone();
        climbing.spawn(async move { handle.come_due(id, TimeDelta::zero()).await.unwrap() });
    }
    climbing.join_all().await;
    let deliveries = Deliveries::new(handle.clone(), Arc::new(Surface));
    let reminders = Reminders::new(handle.clone(), Arc::new(Surface), deliveries);
    (handle, clock, reminders)
}

async fn asked(handle: &Handle, count: usize) {
    let mut asking = JoinSet::new();
    for number in 0..count {
        let handle = handle.clone();
        let request = Request { title: format!("Question {number}"), ..Request::default() };
        asking.spawn(async move { handle.ask(request).await.unwrap() });
    }
    asking.join_all().await;
}

/// Marks all pending messages as posted.
async fn posted(handle: &Handle) {
    let behind = handle.store(|store| store.postings_behind(None)).await.unwrap();
    for (number, id) in behind.into_iter().enumerate() {
        let message = Hanging::Message {
            channel: "5".into(),
            message: number.to_string(),
            shown: 1,
            drawn: 1,
        };
        handle.store(move |store| store.put_hanging(id, 1, message)).await.unwrap();
    }
}

#[tokio::test]
async fn an_ask_reads_nothing_of_rungs_of_which_the_log_knows_all() {
    let many = std::env::var("MANY").ok().and_then(|many| many.parse().ok()).unwrap_or(300);
    let folder = tempfile::tempdir().unwrap();
    let (handle, _clock, mut reminders) = climbed(folder.path(), many).await;
    let begun = Instant::now();
    reminders.step().await.unwrap();
    println!("{many} rungs put onto a message in {:?}", begun.elapsed());
    let begun = Instant::now();
    for _ in 0..10 {
        asked(&handle, 1).await;
        reminders.step().await.unwrap();
    }
    println!("10 more asks while {many} wait for their message: {:?}", begun.elapsed());
    assert!(!moves(&handle).await, "nothing of them can be done before it hangs");
    posted(&handle).await;
    assert!(moves(&handle).await, "it hangs");
    let begun = Instant::now();
    reminders.step().await.unwrap();
    println!("{many} told in {:?}", begun.elapsed());
    let known = handle.store(|store| store.open_ids()).await.unwrap();
    for id in known {
        let climb = handle.get(id).await.unwrap().climb;
        assert!(
            climb.is_none_or(|climb| climb.contacts.len() == 1),
            "{id}: the log knows whom it reached"
        );
    }
    assert!(!moves(&handle).await);
    reminders.step().await.unwrap();
    let begun = Instant::now();
    for _ in 0..10 {
        asked(&handle, 1).await;
        reminders.step().await.unwrap();
    }
    println!("10 more asks with {many} that stand: {:?}", begun.elapsed());
    let live = handle.store(|store| store.reminders()).await.unwrap();
    assert_eq!(live, [], "none is read again");
    let since = handle.now() - GATHERED;
    let joined = handle.store(move |store| store.messages_since(since)).await.unwrap();
    assert_eq!(joined.len(), 1, "what falls due now joins the message: {joined:?}");
}

async fn moves(handle: &Handle) -> bool {
    handle.store(|store| store.glance_at_reminders()).await.unwrap().moves
}
