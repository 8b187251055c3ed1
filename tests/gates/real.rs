//! The agents themselves, not stand-ins: Claude Code and Codex with a model that is scripted, at the gate as it is installed.
//! Each is run without permissions of its own, so that nothing but the gate stops it.
//!
//! Skipped where `claude` or `codex` is not on the path; with `GANDER_TEST_AGENTS=1` that fails. Nothing leaves the machine.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use gander::core::decision::Verdict;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::standin::Kind;
use crate::world::{World, rejected};

/// A real agent starts slowly on a loaded machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

fn program(kind: Kind) -> Option<PathBuf> {
    let name = if kind == Kind::Codex { "codex" } else { "claude" };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("GANDER_TEST_AGENTS").is_none_or(|wanted| wanted != "1"), "{name} is not installed");
        println!("skipped: {name} is not installed");
    }
    found
}

/// A model that wants these commands run, all at once, and is done when it has their results.
struct Model {
    address: String,
    script: Arc<Script>,
}

struct Script {
    commands: Vec<String>,
    heard: Mutex<String>,
    results: Mutex<Vec<String>>,
}

impl Model {
    async fn start(commands: &[&str]) -> Self {
        let script = Arc::new(Script {
            commands: commands.iter().map(|command| (*command).to_owned()).collect(),
            heard: Mutex::default(),
            results: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, script }
    }

    /// What the agent told it of its calls.
    fn told(&self) -> String {
        self.script.results.lock().unwrap().join("\n")
    }
}

async fn answer(State(script): State<Arc<Script>>, uri: Uri, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    script.heard.lock().unwrap().push_str(&String::from_utf8_lossy(&body));
    let events = if uri.path().ends_with("/messages") {
        anthropic(&script, &asked)
    } else if uri.path().ends_with("/responses") {
        responses(&script, &asked)
    } else {
        return ([(CONTENT_TYPE, "application/json")], "{}").into_response();
    };
    let lines = events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
    ([(CONTENT_TYPE, "text/event-stream")], lines.collect::<String>()).into_response()
}

fn anthropic(script: &Script, asked: &Value) -> Vec<Value> {
    let messages = asked["messages"].as_array().into_iter().flatten();
    let contents = messages.filter_map(|message| message["content"].as_array()).flatten();
    let results: Vec<&Value> = contents.filter(|content| content["type"] == "tool_result").collect();
    script.results.lock().unwrap().extend(results.iter().map(|result| result["content"].to_string()));
    let has_shell = asked["tools"].as_array().is_some_and(|tools| tools.iter().any(|tool| tool["name"] == "Bash"));
    let calls = if has_shell && results.is_empty() { script.commands.as_slice() } else { &[] };
    let usage = json!({ "input_tokens": 1, "output_tokens": 1 });
    let mut events = vec![json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message", "role": "assistant",
        "model": asked["model"], "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage } })];
    let mut block = |index: usize, content: Value, delta: Value| {
        events.push(json!({ "type": "content_block_start", "index": index, "content_block": content }));
        events.push(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    };
    for (index, command) in calls.iter().enumerate() {
        let input = json!({ "command": command, "description": "As scripted" }).to_string();
        let content = json!({ "type": "tool_use", "id": format!("toolu_{index}"), "name": "Bash", "input": {} });
        block(index, content, json!({ "type": "input_json_delta", "partial_json": input }));
    }
    if calls.is_empty() {
        block(0, json!({ "type": "text", "text": "" }), json!({ "type": "text_delta", "text": "done" }));
    }
    let reason = if calls.is_empty() { "end_turn" } else { "tool_use" };
    events.push(json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null }, "usage": usage }));
    events.push(json!({ "type": "message_stop" }));
    events
}

fn responses(script: &Script, asked: &Value) -> Vec<Value> {
    let is_result = |item: &&Value| item["type"].as_str().is_some_and(|kind| kind.ends_with("call_output"));
    let results: Vec<&Value> = asked["input"].as_array().into_iter().flatten().filter(is_result).collect();
    script.results.lock().unwrap().extend(results.iter().map(|result| result["output"].to_string()));
    let mut events = vec![json!({ "type": "response.created", "response": { "id": "r1" } })];
    if results.is_empty() {
        for (index, command) in script.commands.iter().enumerate() {
            let item = json!({ "type": "function_call", "id": format!("fc{index}"), "call_id": format!("call_{index}"),
                "name": "exec_command", "arguments": json!({ "cmd": command }).to_string() });
            events.push(json!({ "type": "response.output_item.done", "item": item }));
        }
    } else {
        let content = json!([{ "type": "output_text", "text": "done" }]);
        let item = json!({ "type": "message", "id": "m1", "role": "assistant", "content": content });
        events.push(json!({ "type": "response.output_item.done", "item": item }));
    }
    events.push(json!({ "type": "response.completed", "response": { "id": "r1", "usage": { "input_tokens": 1,
        "input_tokens_details": null, "output_tokens": 1, "output_tokens_details": null, "total_tokens": 2 } } }));
    events
}

/// A real agent in a world of its own.
struct Real {
    world: World,
    kind: Kind,
    program: PathBuf,
    model: Model,
}

impl Real {
    /// `None`: the agent is not installed.
    async fn new(kind: Kind, gate: &str, commands: &[&str]) -> Option<Self> {
        let program = program(kind)?;
        let (world, model) = (World::new(), Model::start(commands).await);
        let project = world.project();
        if kind == Kind::Codex {
            let folder = world.home.path().join(".codex");
            std::fs::create_dir(&folder).unwrap();
            let config = format!(
                "model = \"scripted\"\nmodel_provider = \"scripted\"\n[model_providers.scripted]\nname = \"scripted\"\n\
                 base_url = \"{}/v1\"\nwire_api = \"responses\"\n[analytics]\nenabled = false\n",
                model.address
            );
            std::fs::write(folder.join("config.toml"), config).unwrap();
            world.home.run(&["gate", "install", "codex", "--timeout", gate, "--yes"]).await.must(0, &["trust both"]);
        } else {
            let place = project.to_str().unwrap();
            let install = ["gate", "install", "claude-code", "--project", place, "--timeout", gate, "--yes"];
            world.home.run(&install).await.must(0, &["wrote"]);
        }
        Some(Self { world, kind, program, model })
    }

    fn hooks(&self) -> PathBuf {
        if self.kind == Kind::Codex {
            self.world.home.path().join(".codex/hooks.json")
        } else {
            Kind::ClaudeCode.file(&self.world.project())
        }
    }

    fn edit_hooks(&self, change: impl Fn(String) -> String) {
        let there = std::fs::read_to_string(self.hooks()).unwrap();
        let new = change(there.clone());
        assert_ne!(there, new);
        std::fs::write(self.hooks(), new).unwrap();
    }

    fn start(&self, more: &[&str]) -> Child {
        let mut command = Command::new(&self.program);
        if self.kind == Kind::Codex {
            let free =
                ["exec", "--dangerously-bypass-hook-trust", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check"];
            command.args(free).args(more).arg("go");
        } else {
            command.args(["-p", "go", "--output-format", "json", "--dangerously-skip-permissions"]).args(more);
        }
        command.current_dir(self.world.project()).env_clear().env("HOME", self.world.home.path());
        command.env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh").env("ANTHROPIC_BASE_URL", &self.model.address);
        // A key of nobody; and root is let go without permissions in what is a sandbox.
        command.env("ANTHROPIC_API_KEY", "sk-ant-nobody").env("IS_SANDBOX", "1");
        command.env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap()
    }

    /// Everything that it printed.
    async fn ended(child: Child) -> String {
        let output = timeout(PATIENCE, child.wait_with_output()).await.expect("the agent ends").unwrap();
        format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    fn ran(&self) -> bool {
        self.world.project().join("ran").exists()
    }
}

const BOTH: [Kind; 2] = [Kind::ClaudeCode, Kind::Codex];

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_runs_what_was_approved() {
    for kind in BOTH {
        let Some(real) = Real::new(kind, "100s", &["touch ran"]).await else { continue };
        let (said, asked) = tokio::join!(Real::ended(real.start(&[])), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            assert!(!real.ran());
            let approved = Verdict::Approved { note: Some("Only this once, please".into()), for_session: false };
            real.world.decides(&asked, approved).await;
            asked
        });
        assert!(real.ran(), "{kind:?}: {said}\n{}", real.model.told());
        assert!(real.model.script.heard.lock().unwrap().contains("approved this and says: Only this once, please"), "{kind:?}");
        assert_eq!((asked.request.title.as_str(), asked.request.agent.name.as_str()), ("Run touch ran in work", kind.name()));
        assert!(asked.request.agent.session.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_is_told_why_not() {
    for kind in BOTH {
        let Some(real) = Real::new(kind, "100s", &["touch ran"]).await else { continue };
        let (said, ()) = tokio::join!(Real::ended(real.start(&[])), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            real.world.decides(&asked, rejected("Use “make”, never touch")).await;
        });
        assert!(!real.ran(), "{kind:?}: {said}");
        assert!(
            real.model.told().contains("Rejected by Maya (decision #1): Use “make”, never touch"),
            "{kind:?}: {}",
            real.model.told()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_goes_by_the_rules() {
    for kind in BOTH {
        let Some(real) = Real::new(kind, "100s", &["sudo touch ran"]).await else { continue };
        let said = Real::ended(real.start(&[])).await;
        assert!(real.model.told().contains("Agents do not act as another user."), "{kind:?}: {said}\n{}", real.model.told());
        let rules = "[[rules]]\ndo = \"allow\"\ncommands = [\"touch *\"]\n";
        let real = Real::new(kind, "100s", &["touch ran"]).await.unwrap();
        std::fs::write(real.world.home.path().join("gates.toml"), rules).unwrap();
        let said = Real::ended(real.start(&[])).await;
        assert!(real.ran() && real.world.asked(0).await.is_empty(), "{kind:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_waits_no_longer_than_its_gate() {
    for kind in BOTH {
        let Some(real) = Real::new(kind, "1s", &["touch ran"]).await else { continue };
        let said = Real::ended(real.start(&[])).await;
        assert!(
            !real.ran() && real.model.told().contains("Not decided yet: decision #1"),
            "{kind:?}: {said}\n{}",
            real.model.told()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_without_its_gate_runs_nothing() {
    for kind in BOTH {
        let Some(real) = Real::new(kind, "100s", &["touch ran"]).await else { continue };
        real.edit_hooks(|hooks| hooks.replace(env!("CARGO_BIN_EXE_gander"), "/nowhere/gander"));
        let said = Real::ended(real.start(&[])).await;
        assert!(
            !real.ran() && real.model.told().contains("did not answer, so this is denied"),
            "{kind:?}: {said}\n{}",
            real.model.told()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_whose_gate_is_killed_runs_nothing() {
    for kind in BOTH {
        let Some(real) = Real::new(kind, "100s", &["touch ran"]).await else { continue };
        let child = real.start(&[]);
        let agent = child.id().unwrap();
        let (said, ()) = tokio::join!(Real::ended(child), async {
            real.world.asked_within(1, PATIENCE).await;
            crate::standin::kill_gate_below(agent).await;
        });
        assert!(
            !real.ran() && real.model.told().contains("did not answer, so this is denied"),
            "{kind:?}: {said}\n{}",
            real.model.told()
        );
    }
}

/// Its own limit is longer than the gate's; struck all the same, it denies by `onFailure`.
#[tokio::test(flavor = "multi_thread")]
async fn real_claude_code_that_gives_up_on_its_gate_runs_nothing() {
    let Some(real) = Real::new(Kind::ClaudeCode, "100s", &["touch ran"]).await else { return };
    real.edit_hooks(|hooks| hooks.replace("\"timeout\": 130", "\"timeout\": 1"));
    let said = Real::ended(real.start(&[])).await;
    assert!(!real.ran() && real.model.told().contains("timed out"), "{said}\n{}", real.model.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn real_claude_code_ends_when_it_is_put_off_and_goes_on_when_it_is_resumed() {
    for commands in [&["touch ran"][..], &["touch ran", "touch ran too"]] {
        let Some(real) = Real::new(Kind::ClaudeCode, "100s", commands).await else { return };
        // It asks about its calls one after the other.
        let (said, ()) = tokio::join!(Real::ended(real.start(&[])), async {
            for count in 1..=commands.len() {
                let asked = real.world.asked_within(count, PATIENCE).await.remove(count - 1);
                real.world.defers(&asked).await;
            }
        });
        assert!(!real.ran() && said.contains("tool_deferred"), "{said}\n{}", real.model.told());
        for asked in real.world.asked(commands.len()).await {
            real.world.decides(&asked, Verdict::approved()).await;
        }
        let session = real.world.decision(1).await.request.agent.session.unwrap();
        let said = Real::ended(real.start(&["--resume", &session])).await;
        assert!(real.ran(), "{said}\n{}", real.model.told());
    }
}
