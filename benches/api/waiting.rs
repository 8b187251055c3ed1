//! Thousands of agents that wait: what each costs, and how soon the right one has its answer.

use std::time::{Duration, Instant};

use discord_sandbox::RateLimits;
use serde_json::json;
use tokio::task::JoinHandle;

use super::Counts;
use super::serve::{REST, Served, question};
use crate::common::wire::LIMIT;

/// Questions of one request, and agents that begin to wait at once: the system's queue for
/// connections is not long.
const AT_ONCE: usize = 100;

/// What many who wait showed.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// How many.
    pub(crate) count: usize,
    /// Of gander serve, before and with them, in MiB.
    pub(crate) memory: Option<(f64, f64)>,
    /// The part of a core that gander serve was busy.
    pub(crate) busy: Option<f64>,
    /// From the call that approves to the answer of the one who waits for it.
    pub(crate) answered: Vec<Duration>,
}

/// How many files may be open, where the system tells: each connection is one, at both ends.
fn files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(1_024)
}

pub(crate) async fn run(counts: Counts) -> Crowd {
    let count = counts.waiting.min(files().saturating_sub(200)) / AT_ONCE * AT_ONCE;
    let served = Served::start(true, RateLimits::Real).await;
    let mut ids = Vec::new();
    for start in (0..count).step_by(AT_ONCE) {
        let questions: Vec<_> = (start..start + AT_ONCE).map(question).collect();
        let filed = served
            .agent
            .post("/v1/decisions:batch", json!({ "questions": questions }).to_string())
            .await;
        ids.extend(
            filed["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["decision"]["id"].as_i64().unwrap()),
        );
    }
    quiet(&served).await;
    let before = served.resident();
    let mut agents: Vec<JoinHandle<Instant>> = Vec::new();
    for part in ids.chunks(AT_ONCE) {
        agents.extend(part.iter().map(|id| {
            let (agent, id) = (served.agent.clone(), *id);
            tokio::spawn(async move {
                agent.take(id).await;
                Instant::now()
            })
        }));
        let all_wait = async {
            while served.waiting().await < agents.len() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, all_wait).await.expect("all wait");
    }
    quiet(&served).await;
    let memory = before.zip(served.resident());
    let (began, used) = (Instant::now(), served.used());
    tokio::time::sleep(REST * 5).await;
    let busy = used
        .zip(served.used())
        .map(|(before, after)| (after - before).as_secs_f64() / began.elapsed().as_secs_f64());
    let mut answered = Vec::new();
    // From all over the crowd.
    let every = (count / counts.verdicts).max(1);
    for (id, agent) in ids.iter().zip(&mut agents).step_by(every) {
        let called = Instant::now();
        let (at, ()) = tokio::join!(agent, served.person.approve(*id));
        answered.push(at.unwrap() - called);
    }
    agents.iter().for_each(JoinHandle::abort);
    served.end().await;
    Crowd { count, memory, busy, answered }
}

/// Waits until it has nothing to do: no more than a twentieth of a core for a while.
async fn quiet(served: &Served) {
    let resting = async {
        while let Some(before) = served.used() {
            tokio::time::sleep(REST).await;
            if served.used().is_none_or(|after| after - before <= REST / 20) {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT * 4, resting).await.expect("it becomes idle");
}
