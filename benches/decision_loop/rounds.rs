//! The measurements of the loop, in rounds: Gander in one process, the floor with what Gander wrote
//! and sent, Gander in two processes. So a busy moment of the machine falls on all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use discord_sandbox::Person;
use serde_json::Value;

use super::Counts;
use super::bot::{Round, Where, open, request};
use super::floor;
use crate::common::bare::Bare;
use crate::common::report::resident;
use crate::common::wire::{approve_button, folder};

/// What is waited after each question and each click, so that they come one at a time; and the
/// sandbox, as Discord does, limits the messages of a channel (200 a second here).
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// Tasks that ask at the same time.
pub(crate) const TASKS: usize = 32;

/// How long the parts took, each time.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// From the call of `ask` to its return.
    pub(crate) committed: Vec<Duration>,
    /// From the return of `ask` to the card.
    pub(crate) shown: Vec<Duration>,
    /// From the call of `ask` to the card.
    pub(crate) whole: Vec<Duration>,
    /// From the click to its answer.
    pub(crate) answered: Vec<Duration>,
}

impl Times {
    pub(crate) fn ask(&mut self, called: Instant, committed: Instant, held: Instant) {
        self.committed.push(committed - called);
        self.shown.push(held - committed);
        self.whole.push(held - called);
    }

    /// The click sends INTERACTION_CREATE at once, and returns when the callback stands.
    pub(crate) async fn click(&mut self, person: &Person, card: &Value) {
        let (message, button) = (card["id"].as_str().unwrap(), approve_button(card));
        let clicked = Instant::now();
        let outcome = person.click(message, &button).await;
        self.answered.push(clicked.elapsed());
        assert!(outcome.ok, "{outcome:?}");
    }
}

/// What all rounds gave.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) one_process: Times,
    pub(crate) own_process: Times,
    pub(crate) floor: Times,
    /// Of `gander serve` after its round: the largest, in MiB.
    pub(crate) serve_resident: Option<f64>,
    /// Of this process after the last round of the bot in it, in MiB.
    pub(crate) own_resident: Option<f64>,
    /// Edits of cards beside the answers to the clicks, by the bot in one process and in its own.
    pub(crate) edits: (usize, usize),
}

pub(crate) async fn run(counts: Counts) -> Measured {
    let mut measured = Measured::default();
    for number in 1..=counts.rounds {
        // A store belongs to the server of its first start, so each sandbox has stores of its own.
        let (together, apart, bare) = (folder(), folder(), folder());
        println!("round {number} of {}", counts.rounds);
        let mut round = Round::start(together.path(), Where::OneProcess).await;
        round.ask(counts.of_a_round, &mut measured.one_process).await;
        round.click(&mut measured.one_process).await;
        measured.own_resident = resident("self");
        measured.edits.0 += round.edits();
        let traces = round.traces().await;
        round.end().await;

        floor::round(bare.path(), traces, &mut measured.floor).await;

        let mut round = Round::start(apart.path(), Where::OwnProcess).await;
        round.ask(counts.apart, &mut measured.own_process).await;
        round.click(&mut measured.own_process).await;
        measured.serve_resident =
            measured.serve_resident.into_iter().chain(round.resident()).reduce(f64::max);
        measured.edits.1 += round.edits();
        round.end().await;
    }
    measured
}

/// How long it takes to ask so often from many tasks at once, and to insert as many bare rows one
/// after another.
pub(crate) async fn throughput(count: usize) -> (Duration, Duration) {
    let folder = folder();
    let (_store, handle) = open(folder.path());
    let sample = handle.approvals().ask(request(0)).await.unwrap().into_decision();
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (handle, next) = (handle.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    handle.approvals().ask(request(number)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let together = began.elapsed();

    let bare = Bare::open(&folder.path().join("bare.db"));
    let document = serde_json::to_string(&sample).unwrap();
    let began = Instant::now();
    for _ in 0..count {
        bare.insert(&document);
    }
    (together, began.elapsed())
}
