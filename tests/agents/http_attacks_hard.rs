//! Two thousand agents that wait, on one store and one process.

use std::collections::BTreeSet;
use std::time::Instant;

use gander::core::decision::{DecisionId, Verdict, Via};
use gander::core::policy::ask_limits::AskLimits;
use gander::core::policy::rules::Rules;
use gander::surfaces::http::HttpSettings;
use gander_client::types::MAX_BATCH;
use serde_json::json;
use tokio::task::JoinSet;

use crate::http_world::{World, got, low, maya};

const AGENTS: i64 = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_open_long_polls() {
    let world = World::with(
        HttpSettings { rate: 1_000_000, ..HttpSettings::default() },
        Rules { ask_limits: AskLimits::NONE, ..Rules::default() },
        None,
    )
    .await;
    let agent = world.agent().await;
    for _ in 0..AGENTS / i64::try_from(MAX_BATCH).unwrap() {
        let questions: Vec<_> = (0..MAX_BATCH).map(|n| low(&format!("Deploy {n}?"))).collect();
        got(agent.post("/v1/decisions:batch", &json!({ "questions": questions }))).await.must(200);
    }
    let mut waiting = JoinSet::new();
    for id in 1..=AGENTS {
        waiting.spawn(got(
            agent.post(&format!("/v1/decisions/{id}/wait?claim=true&timeout=600"), &json!({}))
        ));
    }
    world.figure_is("http_waiting", AGENTS).await;

    // One verdict reaches the one who waits for it, and nobody else.
    let began = Instant::now();
    world.approve(77).await;
    let first = waiting.join_next().await.unwrap().unwrap().must(200);
    let alone = began.elapsed();
    assert_eq!((first["id"].as_i64(), first["verdict"].as_str()), (Some(77), Some("approved")));
    world.figure_is("http_waiting", AGENTS - 1).await;

    let began = Instant::now();
    let mut deciding = JoinSet::new();
    for id in (1..=AGENTS).filter(|id| *id != 77) {
        let (handle, id) = (world.handle.clone(), DecisionId(id));
        deciding.spawn(async move {
            let seen = handle.approvals().get(id).await.unwrap().revision;
            handle
                .approvals()
                .resolve(id, seen, &maya(), Via::Discord, Verdict::approved())
                .await
                .unwrap();
        });
    }
    let mut answered = BTreeSet::new();
    while let Some(told) = waiting.join_next().await {
        let told = told.unwrap().must(200);
        assert!(told["verdict"] == "approved" && told["claimed_at"].is_string(), "{told:#}");
        assert!(answered.insert(told["id"].as_i64().unwrap()), "each is told its own");
    }
    assert_eq!(answered.len(), usize::try_from(AGENTS - 1).unwrap());
    deciding.join_all().await;
    println!(
        "one verdict among {AGENTS} waits: {alone:?}; {} verdicts until the last claim: {:?}",
        AGENTS - 1,
        began.elapsed()
    );
    assert_eq!(
        world.handle.event_log().head().await.unwrap().seq,
        3 * u64::try_from(AGENTS).unwrap(),
        "asked, resolved, claimed: once each"
    );
}
