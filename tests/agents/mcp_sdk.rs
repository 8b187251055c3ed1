//! The two SDKs that most clients are made of list and call every tool, read every resource, get
//! every prompt, and wait through a verdict that is given in the sandbox.
//!
//! The packages are not fetched here: `PYTHONPATH` names where `mcp` is (`pip install --target DIR
//! mcp`), `NODE_PATH` where `@modelcontextprotocol/sdk` is (`npm install --prefix DIR
//! @modelcontextprotocol/sdk`, then DIR/node_modules). Where they cannot be imported the tests say
//! so and pass, unless `GANDER_TEST_AGENTS=1` asks for them.

use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::common::cards::{click, open_card};
use crate::common::process::{LIMIT, Program, sandbox};
use crate::common::tools;
use crate::mcp_http::served;
use crate::mcp_world::World;

/// A program that drives an SDK, and one that only sees whether the SDK is there.
struct Sdk {
    program: &'static str,
    script: &'static str,
    probe: &'static [&'static str],
}

const PYTHON: Sdk =
    Sdk { program: "python3", script: "python.py", probe: &["-c", "from mcp import Client"] };
const TYPESCRIPT: Sdk = Sdk {
    program: "node",
    script: "typescript.mjs",
    probe: &["-e", "require('@modelcontextprotocol/sdk/client/index.js')"],
};

impl Sdk {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// Whether it can be used here; says so where it cannot.
    async fn is_here(&self) -> bool {
        let found = self
            .command()
            .args(self.probe)
            .output()
            .await
            .is_ok_and(|probed| probed.status.success());
        let what = format!("the SDK for {} (PYTHONPATH, NODE_PATH)", self.program);
        tools::is_there(&what, found, tools::AGENTS)
    }

    async fn drive(&self, over_http: bool, mode: &str, protocol: Option<&str>) {
        if !self.is_here().await {
            return;
        }
        let (world, sandbox) = (World::new(), sandbox().await);
        let _bot = world.home.serving(&sandbox).await;
        let mut told = json!({
            "command": env!("CARGO_BIN_EXE_gander"),
            "args": ["mcp", "--store", world.home.store(), "--config", world.home.config()],
            "cwd": world.home.work(),
            "agent": world.agent().await,
            "assistant": world.assistant().await,
            "mode": mode,
        });
        if over_http {
            told["url"] = json!(format!("http://{}/mcp", served(&world.handle).await));
            let (handle, store) = (world.handle.clone(), world.home.store());
            // The bot writes to the store in another process.
            tokio::spawn(
                async move { gander::engine::event_log::watch::run(handle, &store).await },
            );
        }
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/agents/mcp_sdk")
            .join(self.script);
        let mut command = self.command();
        command.arg(script).arg(told.to_string());
        let program = Program::start(command);
        let said = program.out.line("WAITING ").await;
        let id = said.trim_start_matches("WAITING ").trim().parse().unwrap();
        let card = open_card(&sandbox, id).await;
        click(&sandbox.user("maya").unwrap(), &card, "approve").await;
        let ended = program.ended_within(LIMIT * 2).await;
        ended.must(0, &[]);
        let saw: Value = serde_json::from_str(ended.out.lines().last().unwrap()).unwrap();
        println!("{} over {}: {saw:#}", self.script, if over_http { "HTTP" } else { "stdio" });
        assert_eq!(saw["tools"], saw["called"], "every tool that is listed was called");
        assert_eq!(saw["tools"].as_array().unwrap().len(), if over_http { 10 } else { 11 });
        let kept = format!("factory://decisions/{}", saw["kept"]);
        assert_eq!(saw["read"], json!(["factory://dashboard/summary", kept]));
        assert_eq!(saw["prompts"].as_array().unwrap().len(), 3);
        assert!(saw["progress"].as_u64().unwrap() >= 1, "who waits is told so");
        if let Some(protocol) = protocol {
            assert_eq!(saw["protocol"], protocol);
        } else {
            assert_ne!(saw["updates"], json!([]), "what changes is told");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_over_stdio() {
    PYTHON.drive(false, "legacy", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_over_stdio_at_the_newest_revision() {
    PYTHON.drive(false, "auto", Some("2026-07-28")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_over_http() {
    PYTHON.drive(true, "legacy", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_over_http_at_the_newest_revision() {
    PYTHON.drive(true, "auto", Some("2026-07-28")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_sdk_over_stdio() {
    TYPESCRIPT.drive(false, "legacy", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_sdk_over_http() {
    TYPESCRIPT.drive(true, "legacy", None).await;
}
