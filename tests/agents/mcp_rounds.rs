//! Long waits of clients of the revision 2026-07-28 come in rounds; and tasks and rounds through the
//! protocol's own client for tasks.
//!
//! Its packages are not fetched here: `NODE_PATH` names where they are (`npm install --prefix DIR
//! @modelcontextprotocol/client @modelcontextprotocol/ext-tasks`, then DIR/node_modules). Where they
//! are not found the test says so and passes, unless `GANDER_TEST_AGENTS=1` asks for them.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use gander::core::Time;
use gander::core::decision::State;
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::{Clock, TestClock, wall_time};
use gander::store::Store;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::common::process::{Home, LIMIT, Program};
use crate::common::tools;
use crate::mcp_http::{Web, served};
use crate::mcp_rpc::{meta, text};
use crate::mcp_tasks::{Client, task_meta};
use crate::mcp_world::World;

/// A clock by which every wait is over at once: whoever waits for a moment makes it come.
#[derive(Debug)]
struct Impatient(TestClock);

#[async_trait]
impl Clock for Impatient {
    fn now(&self) -> Time {
        self.0.now()
    }

    fn wall(&self) -> Time {
        self.0.wall()
    }

    async fn sleep_until(&self, at: Time) {
        self.0.set(at.max(self.0.now()));
    }
}

/// A store by an impatient clock.
fn impatient() -> World {
    let (home, clock) = (Home::new(), Impatient(TestClock::at(wall_time())));
    let store = Arc::new(Store::open(&home.store(), None, clock.now()).unwrap());
    let handle = Handle::new(store, Rules::default(), Arc::new(clock));
    World { home, handle }
}

/// Such a store, with an agent's client over HTTP.
struct Waiting {
    world: World,
    client: Client,
}

impl Waiting {
    async fn new() -> Self {
        let world = impatient();
        let address = served(&world.handle).await;
        let mut client = Client::Http(Web::new(address, &world.agent().await));
        let question =
            json!({ "name": "request_approval", "arguments": { "title": "Rename it?" } });
        client.ask_with("tools/call", question, meta()).await;
        Self { world, client }
    }

    /// Waits 240 s, or goes on with a wait.
    async fn waits(&mut self, state: Option<&Value>) -> Value {
        self.waits_with(json!({ "id": 1, "seconds": 240 }), state, meta()).await
    }

    async fn waits_with(&mut self, arguments: Value, state: Option<&Value>, meta: Value) -> Value {
        let mut call = json!({ "name": "await_decision", "arguments": arguments });
        if let Some(state) = state {
            call["requestState"] = state.clone();
        }
        self.client.ask_with("tools/call", call, meta).await["result"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_wait_comes_in_rounds_and_ends() {
    let mut waiting = Waiting::new().await;
    let mut rounds = 0;
    let mut answer = waiting.waits(None).await;
    while answer["resultType"] == "input_required" {
        rounds += 1;
        // There is nothing to answer, only to come back.
        assert!(answer.get("inputRequests").is_none(), "{answer:#}");
        answer = waiting.waits(Some(&answer["requestState"])).await;
    }
    assert_eq!(rounds, 5, "240 s are five rounds of 45 s, and the rest");
    assert_eq!(answer["structuredContent"]["stands"], "pending", "{answer:#}");
    assert!(text(&answer).contains("This is not an approval"), "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_comes_in_the_round_in_which_it_is_given() {
    let mut waiting = Waiting::new().await;
    let first = waiting.waits(None).await;
    assert_eq!(first["resultType"], "input_required", "{first:#}");
    waiting.world.approve(1).await;
    let answer = waiting.waits(Some(&first["requestState"])).await;
    assert_eq!(answer["structuredContent"]["stands"], "approved", "{answer:#}");
    assert!(answer["structuredContent"]["decision"]["claimed_at"].is_string(), "{answer:#}");
    // The state gives nothing that the caller has not.
    let again = waiting.waits(Some(&first["requestState"])).await;
    assert_eq!(again["structuredContent"]["stands"], "approved", "{again:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_for_its_wait_and_its_caller() {
    let mut waiting = Waiting::new().await;
    let first = waiting.waits(None).await;
    let state = first["requestState"].as_str().unwrap().to_owned();
    let (end, seal) = state.split_once('.').unwrap();
    let later = end.parse::<i64>().unwrap() + 3_600_000;
    let own = json!({ "id": 1, "seconds": 240 });
    for (arguments, state) in [
        (own.clone(), String::new()),
        (own.clone(), "x".to_owned()),
        (own.clone(), format!("{later}.{seal}")),
        (own.clone(), format!("{end}.{}", "A".repeat(32))),
        (own.clone(), format!("{}.{seal}", i64::MAX)),
        (json!({ "id": 1, "revision": 1, "seconds": 240 }), state.clone()),
        (json!({ "id": 2, "seconds": 240 }), state.clone()),
    ] {
        let refused = waiting.waits_with(arguments, Some(&json!(state)), meta()).await;
        assert_eq!(refused["isError"], true, "{state}: {refused:#}");
        assert!(text(&refused).contains("does not belong to this wait"), "{refused:#}");
    }
    let address = served(&waiting.world.handle).await;
    waiting.client = Client::Http(Web::new(address, &waiting.world.agent().await));
    let refused = waiting.waits_with(own, Some(&json!(state)), meta()).await;
    assert!(text(&refused).contains("does not belong to this wait"), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn short_waits_and_waits_with_progress_are_one_request() {
    let mut waiting = Waiting::new().await;
    let mut with_progress = task_meta();
    with_progress["progressToken"] = json!("p");
    for (arguments, meta) in [
        (json!({ "id": 1, "seconds": 45 }), meta()),
        (json!({ "id": 1 }), task_meta()),
        (json!({ "id": 1, "seconds": 240 }), with_progress),
    ] {
        let answer = waiting.waits_with(arguments.clone(), None, meta).await;
        assert_eq!(answer["resultType"], "complete", "{arguments}: {answer:#}");
        assert_eq!(answer["structuredContent"]["stands"], "pending", "{arguments}: {answer:#}");
    }
}

/// Whether the packages are where `NODE_PATH` says, and node too.
fn has_packages() -> bool {
    let folders = std::env::var_os("NODE_PATH").unwrap_or_default();
    let has = |name: &str| {
        std::env::split_paths(&folders)
            .any(|folder| folder.join("@modelcontextprotocol").join(name).is_dir())
    };
    tools::find("node").is_some() && has("client") && has("ext-tasks")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocols_own_client_for_tasks() {
    let what = "node with @modelcontextprotocol/ext-tasks (NODE_PATH)";
    if !tools::is_there(what, has_packages(), tools::AGENTS) {
        return;
    }
    let world = impatient();
    let url = format!("http://{}/mcp", served(&world.handle).await);
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/agents/mcp_sdk/tasks.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(json!({ "url": url, "token": world.agent().await }).to_string());
    let program = Program::start(command);
    program.out.line("WAITING 1").await;
    world.approve(1).await;
    let ended = program.ended_within(LIMIT).await;
    ended.must(0, &[]);
    println!("{}", ended.out);
    let State::Withdrawn { .. } = world.get(2).await.state else { panic!("it was cancelled") };
    assert!(world.get(3).await.state.is_open());
}
