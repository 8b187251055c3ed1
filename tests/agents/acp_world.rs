//! An editor that speaks the Agent Client Protocol, an agent whose messages are written down,
//! Gander between them, and people on Discord.

use std::path::PathBuf;
use std::process::Stdio;

use discord_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::common::cards::{Card, card_that};
use crate::common::process::{LIMIT, Program, sandbox};
use crate::common::tools;
use crate::gates_world::World;

/// Maya's machine with the bot.
pub(crate) struct Acp {
    pub(crate) sandbox: Sandbox,
    pub(crate) world: World,
    pub(crate) bot: Option<Program>,
}

/// Whether the agent can be played here.
pub(crate) fn is_here() -> bool {
    tools::is_there("python3", tools::find("python3").is_some(), tools::TOOLS)
}

impl Acp {
    pub(crate) async fn new() -> Option<Self> {
        Self::configured("").await
    }

    pub(crate) async fn configured(more: &str) -> Option<Self> {
        if !is_here() {
            return None;
        }
        let (sandbox, world) = (sandbox().await, World::new());
        world.home.configure(&format!("time_zone = \"UTC\"\nbatch.min = 0\n{more}"));
        let bot = Some(world.home.serving(&sandbox).await);
        Some(Self { sandbox, world, bot })
    }

    /// The file in which the agent writes down what it reads.
    pub(crate) fn log(&self) -> PathBuf {
        self.world.home.path().join("agent.log")
    }

    /// What the agent has read so far.
    pub(crate) fn heard(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The answers that the agent has read to its request of this id.
    pub(crate) fn answers(&self, id: &Value) -> Vec<Value> {
        let heard = self.heard();
        let messages = heard.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        messages.filter(|message| message["id"] == *id && message.get("method").is_none()).collect()
    }

    /// The agent's command, with what it does after a prompt.
    pub(crate) fn agent(&self, steps: &Value) -> Vec<String> {
        let script = self.world.home.path().join("script.json");
        std::fs::write(&script, steps.to_string()).unwrap();
        let agent = format!("{}/tests/agents/acp/agent.py", env!("CARGO_MANIFEST_DIR"));
        let python = tools::find("python3").unwrap();
        [python, agent.into(), script, self.log()]
            .map(|path| path.to_str().unwrap().to_owned())
            .into()
    }

    /// `gander acp` with these arguments before the agent's command.
    pub(crate) fn command(&self, args: &[&str], steps: &Value) -> Command {
        let agent = self.agent(steps);
        let agent = agent.iter().map(String::as_str);
        let args: Vec<&str> =
            ["acp"].iter().chain(args).copied().chain(["--"]).chain(agent).collect();
        // The store and the configuration come before what follows the two dashes.
        let mut command = self.world.home.bare(&[]);
        command.arg("--store").arg(self.world.home.store());
        command.arg("--config").arg(self.world.home.config()).args(args);
        // python3 may be a script that looks for others.
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// An editor whose agent does this after a prompt.
    pub(crate) async fn editor(&self, args: &[&str], steps: &Value) -> Editor {
        Editor::start(self.command(args, steps))
    }

    /// An editor that has opened a session and sent a prompt. The number of the prompt's request.
    pub(crate) async fn prompted(&self, args: &[&str], steps: &Value) -> (Editor, u64) {
        let mut editor = self.editor(args, steps).await;
        editor.open(&self.world.project()).await;
        let prompt = editor.prompt().await;
        (editor, prompt)
    }
}

/// The client of an agent.
pub(crate) struct Editor {
    child: Child,
    stdin: Option<ChildStdin>,
    heard: watch::Receiver<Vec<Value>>,
    errors: watch::Receiver<String>,
    listening: tokio::task::JoinHandle<()>,
    next: u64,
}

impl Editor {
    pub(crate) fn start(command: Command) -> Self {
        let (mut editor, stdout) = Self::deaf(command);
        let (told, heard) = watch::channel(Vec::new());
        editor.listening = tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let message = serde_json::from_str(&line);
                let message = message.unwrap_or_else(|error| panic!("{error}: {line}"));
                told.send_modify(|heard| heard.push(message));
            }
        });
        editor.heard = heard;
        editor
    }

    /// One that does not read what the agent writes.
    pub(crate) fn deaf(mut command: Command) -> (Self, ChildStdout) {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let (told, errors) = watch::channel(String::new());
        tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut bytes).await {
                let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                told.send_modify(|errors| errors.push_str(&text));
            }
        });
        let listening = tokio::spawn(async {});
        let heard = watch::channel(Vec::new()).1;
        (Self { child, stdin, heard, errors, listening, next: 0 }, stdout)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_raw(format!("{message}\n").as_bytes()).await;
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    /// Sends a request. Its number.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> u64 {
        self.next += 1;
        let id = self.next;
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(&message).await;
        id
    }

    /// The answer to a request, once it comes.
    pub(crate) async fn answer(&self, id: u64) -> Value {
        self.message(&format!("the answer to {id}"), |message| {
            message["id"] == id && message.get("method").is_none()
        })
        .await
    }

    /// The first message that is so.
    pub(crate) async fn message(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut heard = self.heard.clone();
        let find = |heard: &Vec<Value>| heard.iter().find(|message| is(message)).cloned();
        let waited = timeout(LIMIT, heard.wait_for(|heard| find(heard).is_some())).await;
        let found = waited.ok().and_then(|heard| find(&*heard.ok()?));
        found.unwrap_or_else(|| {
            panic!("{what} never came, but {:#?}\n{}", self.heard(), self.errors())
        })
    }

    /// All that came so far.
    pub(crate) fn heard(&self) -> Vec<Value> {
        self.heard.borrow().clone()
    }

    /// What Gander and the agent wrote on standard error.
    pub(crate) fn errors(&self) -> String {
        self.errors.borrow().clone()
    }

    /// Waits until standard error has this.
    pub(crate) async fn error(&self, part: &str) {
        let mut errors = self.errors.clone();
        let waited = timeout(LIMIT, errors.wait_for(|errors| errors.contains(part))).await;
        assert!(waited.is_ok_and(|waited| waited.is_ok()), "{part:?} in {}", self.errors());
    }

    /// Introduces itself and opens a session in this folder.
    pub(crate) async fn open(&mut self, folder: &std::path::Path) {
        let introduced = self
            .request("initialize", json!({ "protocolVersion": 1, "clientCapabilities": {} }))
            .await;
        self.answer(introduced).await;
        let params = json!({ "cwd": folder, "mcpServers": [] });
        let opened = self.request("session/new", params).await;
        assert_eq!(self.answer(opened).await["result"]["sessionId"], "s-1");
    }

    pub(crate) async fn prompt(&mut self) -> u64 {
        let prompt = json!([{ "type": "text", "text": "go" }]);
        self.request("session/prompt", json!({ "sessionId": "s-1", "prompt": prompt })).await
    }

    /// Closes the agent's standard input.
    pub(crate) fn leave(&mut self) {
        self.stdin = None;
    }

    /// Waits for the end of `gander acp`: its exit status.
    pub(crate) async fn ended(mut self) -> (Option<i32>, String) {
        let waited = timeout(LIMIT, self.child.wait()).await;
        let Ok(status) = waited else { panic!("it did not end: {}", self.errors()) };
        let _ = timeout(LIMIT, &mut self.listening).await;
        (status.unwrap().code(), self.errors())
    }

    /// Ends Gander as a power cut would, and waits until the agent has ended too: then nobody holds
    /// standard error any more.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
        let ended = timeout(LIMIT, async { while self.errors.changed().await.is_ok() {} });
        assert!(ended.await.is_ok(), "the agent goes on: {}", self.errors());
    }

    pub(crate) async fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status().await;
        assert!(sent.unwrap().success());
    }
}

/// The request before a command.
pub(crate) fn asks(id: &Value, command: &str) -> Value {
    json!({ "send": { "id": id, "method": "session/request_permission", "params": {
        "sessionId": "s-1",
        "toolCall": { "toolCallId": format!("call-{id}"), "title": command, "kind": "execute",
            "status": "pending", "rawInput": { "command": command } },
        "options": [
            { "optionId": "once", "name": "Allow", "kind": "allow_once" },
            { "optionId": "always", "name": "Always allow", "kind": "allow_always" },
            { "optionId": "reject", "name": "Reject", "kind": "reject_once" },
        ] } } })
}

/// An update of the session.
pub(crate) fn tells(update: Value) -> Value {
    json!({ "send": { "method": "session/update",
        "params": { "sessionId": "s-1", "update": update } } })
}

/// Words of the agent.
pub(crate) fn says(words: &str) -> Value {
    tells(json!({ "sessionUpdate": "agent_message_chunk",
        "content": { "type": "text", "text": words } }))
}

/// The option that an answer names.
pub(crate) fn option(answer: &Value) -> Option<&str> {
    answer["result"]["outcome"]["optionId"].as_str()
}

/// The buttons of a card with options: the label and the id of each.
fn options(card: &Card) -> Vec<(&str, &str)> {
    let rows = card.0["components"].as_array().into_iter().flatten();
    let buttons = rows.filter_map(|row| row["components"].as_array()).flatten();
    buttons
        .filter_map(|button| Some((button["label"].as_str()?, button["custom_id"].as_str()?)))
        .filter(|(_, id)| id.split(':').nth(2).is_some_and(|verb| verb.starts_with("choose-")))
        .collect()
}

/// Chooses an option on a card.
pub(crate) async fn choose(acp: &Acp, card: &Card, option: &str) {
    let all = options(card);
    let is = |label: &str| label.split_once(". ").is_some_and(|(_, name)| name == option);
    let (_, button) = all
        .iter()
        .find(|(label, _)| is(label))
        .unwrap_or_else(|| panic!("there is no option {option} in {all:?}"));
    let chosen = acp.sandbox.user("maya").unwrap().click(card.id(), button).await;
    assert!(chosen.ok, "{chosen:?}");
}

/// The card of a decision with options, once one can be chosen.
pub(crate) async fn choice_card(acp: &Acp, number: i64) -> Card {
    card_that(&acp.sandbox, number, "has options", |card| !options(card).is_empty()).await
}
