//! Gander's side of a round: a store, who asks, and the bot, in the asker's process or in its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use discord_sandbox::Sandbox;
use gander::core::decision::{Decision, Request};
use gander::core::policy::approval_guard::Guard;
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::{SystemClock, wall_time};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::floor::Trace;
use super::process::Serve;
use super::rounds::{PAUSE, Times};
use crate::common::bot::{is_online, tasks};
use crate::common::wire::{LIMIT, Probe, answers_click, creates_message, sandbox};
use gander::store::Store;

/// Where the bot runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    /// In the process that asks, as with an agent's task folder that `gander serve` watches.
    OneProcess,
    /// In its own, as with `gander ask`: it learns of a question by the store's file.
    OwnProcess,
}

enum Bot {
    Tasks(Vec<JoinHandle<()>>),
    Process(Serve),
}

/// A pretend Discord, a bot in it, and the store that both the bot and the asker have.
pub(crate) struct Round {
    sandbox: Sandbox,
    store: Arc<Store>,
    handle: Handle,
    bot: Bot,
    asked: Vec<(Decision, Value)>,
}

/// The API over the store in a folder, as `gander serve` and `gander ask` make it.
pub(crate) fn open(folder: &Path) -> (Arc<Store>, Handle) {
    let store = Arc::new(Store::open(&folder.join("gander.db"), None, wall_time()).unwrap());
    let clock = SystemClock::new(store.time_scale());
    // Whoever approves hundreds in a row is asked whether they look; that is not what is measured.
    let rules = Rules { guard: Guard::off(), ..Rules::default() };
    let handle = Handle::new(Arc::clone(&store) as Arc<_>, rules, Arc::new(clock));
    (store, handle)
}

/// Waits until every card is recorded as it hangs.
pub(crate) async fn settled(store: &Store) {
    let settling = async {
        while !store.messages().outdated_cards().unwrap().is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(LIMIT, settling).await.expect("all cards are settled");
}

/// A question as agents ask them.
pub(crate) fn request(number: usize) -> Request {
    serde_json::from_value(serde_json::json!({
        "title": format!("Deploy contact sync {number} to production"),
        "kind": "deploy", "environment": "production", "risk": "high", "confidence": 0.82,
        "priority": "high",
        "insight": {
            "observation": "All stages are green.", "why_it_matters": "Sales sees stale contacts.",
            "what_to_do": "Approve to roll out. Rolling back takes 2 minutes."
        },
        "details": [{ "name": "tests", "value": "47/47" }, { "name": "coverage", "value": "94 %" }],
        "agent": { "name": "goose", "session": "s-7" }
    }))
    .unwrap()
}

impl Round {
    /// Everything is connected, and nothing is left to do.
    pub(crate) async fn start(folder: &Path, place: Where) -> Self {
        let sandbox = sandbox().await;
        let (store, handle) = open(folder);
        let bot = match place {
            Where::OneProcess => Bot::Tasks(tasks(&sandbox, &handle, store.path())),
            Where::OwnProcess => Bot::Process(Serve::spawn(folder, &sandbox)),
        };
        is_online(&sandbox).await;
        Self { sandbox, store, handle, bot, asked: Vec::new() }
    }

    /// Asks, one question at a time, and waits each time until the card hangs.
    pub(crate) async fn ask(&mut self, count: usize, times: &mut Times) {
        let mut probe = Probe::new(&self.sandbox);
        for number in 0..count {
            let request = request(number);
            let called = Instant::now();
            let decision = self.handle.approvals().ask(request).await.unwrap().into_decision();
            let committed = Instant::now();
            let (held, card) = probe.message().await;
            times.ask(called, committed, held);
            let words = card["content"].as_str().unwrap_or_default();
            let named = words.split(' ').next_back();
            assert_eq!(named, Some(&*decision.id.to_string()), "the card's number: {words}");
            self.asked.push((decision, card));
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Approves everything that was asked.
    pub(crate) async fn click(&self, times: &mut Times) {
        let maya = self.sandbox.user("maya").unwrap();
        for (_, card) in &self.asked {
            times.click(&maya, card).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What was written and sent.
    pub(crate) async fn traces(&self) -> Vec<Trace> {
        let journal = self.sandbox.journal(0);
        let body = |entry: &discord_sandbox::JournalEntry| entry.body.to_string();
        let cards = journal.iter().filter(|entry| creates_message(entry)).map(body);
        let callbacks = journal.iter().filter(|entry| answers_click(entry)).map(body);
        let mut traces = Vec::new();
        for ((decision, _), (card, callback)) in self.asked.iter().zip(cards.zip(callbacks)) {
            let asked = serde_json::to_string(decision).unwrap();
            let approved =
                serde_json::to_string(&self.handle.approvals().get(decision.id).await.unwrap())
                    .unwrap();
            traces.push(Trace { asked, card, approved, callback });
        }
        assert_eq!(traces.len(), self.asked.len(), "one card and one answer for each");
        traces
    }

    /// How many edits the cards got beside the answers to the clicks.
    pub(crate) fn edits(&self) -> usize {
        self.sandbox.journal(0).iter().filter(|entry| entry.method == "PATCH").count()
    }

    /// The resident memory of the bot's own process, if it has one, in MiB.
    pub(crate) fn resident(&self) -> Option<f64> {
        match &self.bot {
            Bot::Tasks(_) => None,
            Bot::Process(serve) => serve.resident(),
        }
    }

    /// Ends it, once every card is recorded as it hangs.
    pub(crate) async fn end(self) {
        settled(&self.store).await;
        match self.bot {
            Bot::Tasks(tasks) => tasks.into_iter().for_each(|task| task.abort()),
            Bot::Process(serve) => serve.end().await,
        }
        self.sandbox.shutdown().await;
    }
}
