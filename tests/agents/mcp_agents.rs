//! goose and Codex themselves as clients, with a scripted model on loopback: they ask, wait through
//! a click in the sandbox, and say how it went.
//!
//! Skipped where `goose` or `codex` is not on the path; with `GANDER_TEST_AGENTS=1` that fails.
//! Nothing leaves the machine.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use gander::core::decision::State;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::common::agents;
use crate::common::agents::ended;
use crate::common::cards::{click, open_card};
use crate::common::process::sandbox;
use crate::common::scripted::{Call, Model};
use crate::mcp_http::served;
use crate::mcp_permission::asked;
use crate::mcp_world::World;

/// Asks, waits, and says how it went, by tools that are named so.
fn loop_of(named: impl Fn(&str) -> String) -> Vec<Vec<Call>> {
    let call = |tool: &str, input| vec![Call::new(&named(tool), input)];
    vec![
        call(
            "request_approval",
            json!({ "title": "Deploy the shop?", "kind": "deploy", "risk": "low" }),
        ),
        call("await_decision", json!({ "id": 1, "seconds": 240 })),
        call(
            "report_outcome",
            json!({ "id": 1, "outcome": "succeeded", "text": "live since noon" }),
        ),
    ]
}

/// An agent at work, a person who approves, and what became of it.
async fn goes_round(world: &World, model: &Model, mut agent: Command) {
    let sandbox = sandbox().await;
    let _bot = world.home.serving(&sandbox).await;
    let child = agent.spawn().unwrap();
    let (said, ()) = tokio::join!(ended(child), async {
        assert_eq!(asked(world, 1).await.request.title, "Deploy the shop?");
        let card = open_card(&sandbox, 1).await;
        click(&sandbox.user("maya").unwrap(), &card, "approve").await;
    });
    let told = model.results();
    assert!(
        told.len() == 3
            && told[1].contains("approved")
            && told[2].contains("The outcome of #1 is on its card"),
        "{told:#?}\n{said}"
    );
    let State::Resolved(resolved) = world.get(1).await.state else { panic!("{said}") };
    assert!(resolved.reported.is_some_and(|reported| reported.text == "live since noon"), "{said}");
}

/// The program under the name that people give it, which keeps what it is told.
fn eavesdropped(world: &World) -> (PathBuf, PathBuf) {
    let (program, heard) = (world.home.path().join("gander"), world.home.path().join("heard"));
    let script = format!(
        "#!/bin/sh\ntee -a '{}' | '{}' \"$@\"\n",
        heard.display(),
        env!("CARGO_BIN_EXE_gander")
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    (program, heard)
}

/// Passes on to an address, and keeps what is sent there.
async fn eavesdropped_at(address: SocketAddr) -> (SocketAddr, Arc<Mutex<String>>) {
    let (listener, heard) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::new(Mutex::new(String::new())));
    let (here, kept) = (listener.local_addr().unwrap(), Arc::clone(&heard));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, kept) = (TcpStream::connect(address).await.unwrap(), Arc::clone(&kept));
            let ((mut asks, mut hears), (mut answers, mut takes)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut answers, &mut hears).await });
            tokio::spawn(async move {
                let mut piece = vec![0; 1 << 16];
                while let Ok(count @ 1..) = asks.read(&mut piece).await {
                    kept.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..count]));
                    if takes.write_all(&piece[..count]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (here, heard)
}

fn goose(world: &World, model: &Model) -> Option<Command> {
    let mut command = agents::command(&agents::installed("goose")?, &world.home, model);
    command.args(["run", "--no-session", "-t", "go"]);
    Some(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn goose_over_stdio() {
    let (world, model) =
        (World::new(), Model::start(loop_of(|tool| format!("gander__{tool}"))).await);
    let Some(mut goose) = goose(&world, &model) else { return };
    let (program, heard) = eavesdropped(&world);
    let words = [
        program,
        "mcp".into(),
        "--store".into(),
        world.home.store(),
        "--config".into(),
        world.home.config(),
    ];
    goose.arg("--with-extension").arg(words.map(|word| word.display().to_string()).join(" "));
    goes_round(&world, &model, goose).await;
    let heard = std::fs::read_to_string(heard).unwrap();
    assert!(
        heard.contains("server/discover") && heard.contains("protocolVersion\":\"2026-07-28\""),
        "{heard}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn goose_over_http() {
    let (world, model) =
        (World::new(), Model::start(loop_of(|tool| format!("gander__{tool}"))).await);
    let Some(goose) = goose(&world, &model) else { return };
    let (address, heard) = eavesdropped_at(served(&world.handle).await).await;
    let (handle, store) = (world.handle.clone(), world.home.store());
    // The bot writes to the store in another process.
    tokio::spawn(async move { gander::engine::event_log::watch::run(handle, &store).await });
    let folder = world.home.path().join(".config/goose");
    std::fs::create_dir_all(&folder).unwrap();
    let config = format!(
        "extensions:\n  gander:\n    enabled: true\n    type: streamable_http\n    name: \
         gander\n    description: Gander\n    \
         uri: http://{address}/mcp\n    headers:\n      Authorization: Bearer {}\n    timeout: 300\n",
        world.agent().await
    );
    std::fs::write(folder.join("config.yaml"), config).unwrap();
    goes_round(&world, &model, goose).await;
    let heard = heard.lock().unwrap().to_lowercase();
    assert!(heard.contains("mcp-protocol-version: 2026-07-28"), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_over_stdio() {
    let (world, model) =
        (World::new(), Model::start(loop_of(|tool| format!("mcp__gander/{tool}"))).await);
    let Some(codex) = agents::installed("codex") else { return };
    let (program, heard) = eavesdropped(&world);
    let servers = json!(["mcp", "--store", world.home.store(), "--config", world.home.config()]);
    let server = format!(
        "[mcp_servers.gander]\ncommand = {:?}\nargs = {servers}\ntool_timeout_sec = 300\n",
        program.display().to_string()
    );
    agents::configure_codex(&world.home, &model, &server);
    let mut command = agents::command(&codex, &world.home, &model);
    command.args([
        "exec",
        "--dangerously-bypass-approvals-and-sandbox",
        "--skip-git-repo-check",
        "go",
    ]);
    goes_round(&world, &model, command).await;
    let heard = std::fs::read_to_string(heard).unwrap();
    assert!(
        heard.contains("\"initialize\"") && heard.contains("protocolVersion\":\"2025-06-18\""),
        "{heard}"
    );
}
