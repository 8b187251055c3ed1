//! What a person has to do with it: from their click to the agent that waits, and from a gate's
//! start to the card before them.

use std::process::Stdio;
use std::time::{Duration, Instant};

use discord_sandbox::RateLimits;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::Counts;
use super::serve::Served;
use crate::common::wire::{Probe, approve_button};

/// What is waited between two, and until a poll surely waits.
const PAUSE: Duration = Duration::from_millis(20);

/// From a click on.
#[derive(Debug, Default)]
pub(crate) struct Clicks {
    pub(crate) callback: Vec<Duration>,
    pub(crate) answered: Vec<Duration>,
}

/// The clicks; and from the start of a gate to its card, if this gander has one.
pub(crate) async fn run(counts: Counts) -> (Clicks, Option<Vec<Duration>>) {
    let served = Served::start(false, RateLimits::Relaxed).await;
    let clicks = clicks(&served, counts.clicks).await;
    let has_gate = served
        .gander(&["gate", "claude-code", "--help"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    let gates = if has_gate.is_ok_and(|status| status.success()) {
        Some(gates(&served, counts.gates).await)
    } else {
        None
    };
    served.end().await;
    (clicks, gates)
}

async fn clicks(served: &Served, count: usize) -> Clicks {
    let mut probe = Probe::new(&served.sandbox);
    let maya = served.sandbox.user("maya").unwrap();
    let mut clicks = Clicks::default();
    for number in 0..count {
        let id = served.agent.ask(number).await;
        let agent = served.agent.clone();
        let waiting = tokio::spawn(async move {
            agent.take(id).await;
            Instant::now()
        });
        let (_, card) = probe.message().await;
        tokio::time::sleep(PAUSE).await;
        let (message, button) = (card["id"].as_str().unwrap(), approve_button(&card));
        let clicked = Instant::now();
        let outcome = maya.click(message, &button).await;
        clicks.callback.push(clicked.elapsed());
        assert!(outcome.ok, "{outcome:?}");
        clicks.answered.push(waiting.await.unwrap() - clicked);
    }
    clicks
}

/// Each asks about another command, and is killed once its card hangs.
async fn gates(served: &Served, count: usize) -> Vec<Duration> {
    let mut probe = Probe::new(&served.sandbox);
    let mut times = Vec::new();
    for number in 0..count {
        let call = json!({
            "session_id": "c06057bc-837b-4946-9fba-2c86f99eff95",
            "transcript_path": "/nowhere.jsonl", "cwd": "/",
            "permission_mode": "default", "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": { "command": format!("./deploy.sh --to staging-{number}") },
            "tool_use_id": format!("toolu_{number}")
        });
        let mut gate = served.gander(&["gate", "claude-code"]);
        let spawned = Instant::now();
        let mut gate = gate
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = gate.stdin.take().unwrap();
        input.write_all(call.to_string().as_bytes()).await.unwrap();
        drop(input);
        // Whichever it is, the gate ends with it.
        let (held, _) = tokio::select! {
            held = probe.message() => held,
            ended = gate.wait_with_output() => panic!("the gate asked no question: {ended:?}"),
        };
        times.push(held - spawned);
        tokio::time::sleep(PAUSE).await;
    }
    times
}
