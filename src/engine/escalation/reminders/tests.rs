//! How much is read while reminders are pending, tested without a real surface.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::{Directory, Reminders};
use crate::core::Time;
use crate::core::decision::authorization::{ApproverRule, Voter};
use crate::core::decision::{Decision, Person, Request};
use crate::core::messaging::message::{Destination, Message, MessageView, PostState};
use crate::core::messaging::reminder::GROUPING_WINDOW;
use crate::core::policy::rules::Rules;
use crate::engine::Handle;
use crate::engine::clock::{TestClock, wall_time};
use crate::engine::reconciler::{MessageSink, Reconciler, SinkError};
use crate::presentation::card::Card;
use crate::store::Store;

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

fn nothing<T>() -> Result<T, SinkError> {
    Err(SinkError::Refused("nothing is posted here".into()))
}

#[async_trait]
impl MessageSink for Surface {
    async fn channel_for(
        &self,
        _: &Destination,
        _: Option<&Decision>,
    ) -> Result<String, SinkError> {
        nothing()
    }
    async fn post(&self, _: &str, _: &MessageView, _: &Card, _: &str) -> Result<String, SinkError> {
        nothing()
    }
    async fn edit(&self, _: &str, _: &str, _: &MessageView, _: &Card) -> Result<(), SinkError> {
        nothing()
    }
    fn forget_content(&self, _: &str) {}

    async fn find(&self, _: &str, _: &Message, _: Time) -> Result<Vec<String>, SinkError> {
        nothing()
    }
    async fn exists(&self, _: &str, _: &str) -> Result<bool, SinkError> {
        nothing()
    }
    fn link(&self, _: &str, _: &str) -> Option<String> {
        None
    }
}

/// A store with this many open decisions, each with its first escalation step fired but not yet
/// read.
async fn climbed(folder: &std::path::Path, count: usize) -> (Handle, TestClock, Reminders) {
    let store = Store::open(&folder.join("gander.db"), None, wall_time()).unwrap();
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
    for id in handle.with_store(|store| store.decisions().open_ids()).await.unwrap() {
        let handle = handle.clone();
        climbing.spawn(
            async move { handle.escalation().run_due(id, TimeDelta::zero()).await.unwrap() },
        );
    }
    climbing.join_all().await;
    let reconciler = Reconciler::new(handle.clone(), Arc::new(Surface));
    let reminders = Reminders::new(handle.clone(), Arc::new(Surface), reconciler);
    (handle, clock, reminders)
}

async fn asked(handle: &Handle, count: usize) {
    let mut asking = JoinSet::new();
    for number in 0..count {
        let handle = handle.clone();
        let request = Request { title: format!("Question {number}"), ..Request::default() };
        asking.spawn(async move { handle.approvals().ask(request).await.unwrap() });
    }
    asking.join_all().await;
}

/// Marks all pending messages as posted.
async fn posted(handle: &Handle) {
    let behind = handle.with_store(|store| store.messages().outdated(None)).await.unwrap();
    for (number, id) in behind.into_iter().enumerate() {
        let message = PostState::Posted {
            channel: "5".into(),
            message: number.to_string(),
            shown: 1,
            list: 1,
        };
        handle
            .with_store(move |store| store.messages().put_post_state(id, 1, message))
            .await
            .unwrap();
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
    let known = handle.with_store(|store| store.decisions().open_ids()).await.unwrap();
    for id in known {
        let position = handle.approvals().get(id).await.unwrap().position;
        assert!(
            position.is_none_or(|position| position.contacts.len() == 1),
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
    let live = handle.with_store(|store| store.reminders().all()).await.unwrap();
    assert_eq!(live, [], "none is read again");
    let since = handle.now() - GROUPING_WINDOW;
    let joined =
        handle.with_store(move |store| store.reminders().messages_since(since)).await.unwrap();
    assert_eq!(joined.len(), 1, "what falls due now joins the message: {joined:?}");
}

async fn moves(handle: &Handle) -> bool {
    handle.with_store(|store| store.reminders().status()).await.unwrap().moves
}
