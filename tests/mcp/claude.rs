//! Claude Code itself, with a scripted model on loopback: `--permission-prompt-tool` stops each tool call at a person.
//!
//! Skipped where `claude` is not on the path; with `GANDER_TEST_AGENTS=1` that fails. Nothing leaves the machine.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use gander::core::decision::{DecisionId, Revision, Verdict, Via};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::permission::asked;
use crate::world::{World, person};

/// A real agent starts slowly on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn claude() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("claude")).find(|file| file.is_file());
    let wanted = std::env::var_os("GANDER_TEST_AGENTS").is_some_and(|wanted| wanted == "1");
    assert!(found.is_some() || !wanted, "GANDER_TEST_AGENTS=1, and claude is not installed");
    if found.is_none() {
        println!("skipped: claude is not installed");
    }
    found
}

/// What the model was told of its calls.
type Told = Arc<Mutex<Vec<String>>>;

/// A model that wants these commands run, one after the other.
#[derive(Clone)]
struct Model {
    commands: Arc<Vec<String>>,
    told: Told,
}

async fn answer(State(model): State<Model>, uri: Uri, body: Bytes) -> Response {
    if !uri.path().ends_with("/messages") {
        return ([(CONTENT_TYPE, "application/json")], "{}").into_response();
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let messages = asked["messages"].as_array().into_iter().flatten();
    let contents = messages.filter_map(|message| message["content"].as_array()).flatten();
    let results: Vec<String> =
        contents.filter(|content| content["type"] == "tool_result").map(|content| content["content"].to_string()).collect();
    let has_shell = asked["tools"].as_array().is_some_and(|tools| tools.iter().any(|tool| tool["name"] == "Bash"));
    let next = model.commands.get(results.len()).filter(|_| has_shell);
    if has_shell {
        *model.told.lock().unwrap() = results;
    }
    let (content, delta, reason) = match next {
        Some(command) => {
            let input = json!({ "command": command, "description": "As scripted" }).to_string();
            let id = format!("toolu_{}", model.told.lock().unwrap().len());
            let content = json!({ "type": "tool_use", "id": id, "name": "Bash", "input": {} });
            (content, json!({ "type": "input_json_delta", "partial_json": input }), "tool_use")
        }
        None => (json!({ "type": "text", "text": "" }), json!({ "type": "text_delta", "text": "done" }), "end_turn"),
    };
    let usage = json!({ "input_tokens": 1, "output_tokens": 1 });
    let message = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"], "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage });
    let events = [
        json!({ "type": "message_start", "message": message }),
        json!({ "type": "content_block_start", "index": 0, "content_block": content }),
        json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null }, "usage": usage }),
        json!({ "type": "message_stop" }),
    ];
    let lines = events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
    ([(CONTENT_TYPE, "text/event-stream")], lines.collect::<String>()).into_response()
}

/// Claude Code, at work on these commands.
async fn start(world: &World, claude: PathBuf, commands: &[&str]) -> (Child, Told) {
    let told = Told::default();
    let model = Model { commands: Arc::new(commands.iter().map(|one| (*one).to_owned()).collect()), told: Arc::clone(&told) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer).with_state(model)).await });
    let args = ["mcp", "--store", world.home.store().to_str().unwrap(), "--config", world.home.config().to_str().unwrap()]
        .map(ToOwned::to_owned);
    let servers = json!({ "mcpServers": { "gander": { "command": env!("CARGO_BIN_EXE_gander"), "args": args } } });
    let mut command = Command::new(claude);
    command.args(["-p", "go", "--output-format", "json", "--strict-mcp-config", "--mcp-config", &servers.to_string()]);
    command.args(["--permission-prompt-tool", "mcp__gander__permission_prompt"]);
    command.current_dir(world.home.work()).env_clear().env("HOME", world.home.path());
    command.env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh").env("ANTHROPIC_BASE_URL", address);
    // A key of nobody.
    command.env("ANTHROPIC_API_KEY", "sk-ant-nobody").env("IS_SANDBOX", "1").env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    (command.spawn().unwrap(), told)
}

async fn ended(child: Child) -> String {
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("the agent ends").unwrap();
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn claude_code_runs_what_a_person_approved_and_hears_why_not() {
    let Some(claude) = claude() else { return };
    let world = World::new();
    let ran = |name: &str| world.home.work().join(name).exists();
    let (child, told) = start(&world, claude, &["touch first", "touch second", "touch first"]).await;
    let decide = async {
        let first = asked(&world, 1).await;
        assert!(first.request.body == "touch first" && first.offers_session(), "{first:#?}");
        assert!(!ran("first"));
        world.handle.resolve(DecisionId(1), Revision(1), &person(), Via::Discord, Verdict::for_session()).await.unwrap();
        assert_eq!(asked(&world, 2).await.request.body, "touch second");
        let no = Verdict::Rejected { reason: "one file is enough".into() };
        world.handle.resolve(DecisionId(2), Revision(1), &person(), Via::Discord, no).await.unwrap();
    };
    let (said, ()) = tokio::join!(ended(child), decide);
    assert!(ran("first") && !ran("second"), "{said}");
    let told = told.lock().unwrap().clone();
    assert!(told.len() == 3 && told[1].contains("one file is enough"), "{told:#?}\n{said}");
    // The third call was covered by the approval for the session.
    assert!(world.handle.get(DecisionId(3)).await.is_err());
    println!("{said}");
}
