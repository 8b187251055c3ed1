//! A client that knows nothing of MCP but its messages.

use std::collections::VecDeque;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::common::process::LIMIT;

/// The newest revision that begins with a handshake.
pub(crate) const HANDSHAKE: &str = "2025-11-25";
/// The newest revision.
pub(crate) const NEWEST: &str = "2026-07-28";

pub(crate) struct Rpc {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    errors: ChildStderr,
    last: u64,
    /// What came while something else was waited for.
    kept: VecDeque<Value>,
}

impl Rpc {
    pub(crate) fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self {
            child,
            input,
            output: BufReader::new(output).lines(),
            errors,
            last: 0,
            kept: VecDeque::new(),
        }
    }

    pub(crate) async fn write(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        input.flush().await.unwrap();
    }

    /// Sends a request. Its id.
    pub(crate) async fn send(&mut self, method: &str, params: Value) -> u64 {
        self.last += 1;
        self.write(
            &json!({ "jsonrpc": "2.0", "id": self.last, "method": method, "params": params })
                .to_string(),
        )
        .await;
        self.last
    }

    pub(crate) async fn notify(&mut self, method: &str, params: Value) {
        self.write(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string())
            .await;
    }

    /// The next message that is like this; others are kept.
    pub(crate) async fn message(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&is) {
            return self.kept.remove(at).unwrap();
        }
        let found = timeout(LIMIT, async {
            while let Some(line) = self.output.next_line().await.unwrap() {
                let message: Value =
                    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if is(&message) {
                    return Some(message);
                }
                self.kept.push_back(message);
            }
            None
        });
        let found = found.await.ok().flatten();
        found.unwrap_or_else(|| panic!("there was no {what}, but {:#?}", self.kept))
    }

    /// The answer to a request.
    pub(crate) async fn answer(&mut self, id: u64) -> Value {
        self.message(&format!("answer to {id}"), |message| {
            message["id"] == id && message.get("method").is_none()
        })
        .await
    }

    pub(crate) async fn notification(&mut self, method: &str) -> Value {
        self.message(method, |message| message["method"] == method).await
    }

    /// Asks and waits for the answer.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params).await;
        self.answer(id).await
    }

    /// The handshake.
    pub(crate) async fn greet(&mut self) -> Value {
        let client = json!({ "name": "raw", "version": "1" });
        let params =
            json!({ "protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": client });
        let answer = self.ask("initialize", params).await;
        self.notify("notifications/initialized", json!({})).await;
        answer["result"].clone()
    }

    /// What a tool gives.
    pub(crate) async fn tool(&mut self, name: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({ "name": name, "arguments": arguments })).await;
        assert!(answer["error"].is_null(), "{name}: {answer:#}");
        answer["result"].clone()
    }

    /// What a tool gives that works.
    pub(crate) async fn done(&mut self, name: &str, arguments: Value) -> Value {
        let result = self.tool(name, arguments).await;
        assert_ne!(result["isError"], true, "{name}: {result:#}");
        result["structuredContent"].clone()
    }

    /// Why a tool does nothing.
    pub(crate) async fn refused(&mut self, name: &str, arguments: Value) -> String {
        let result = self.tool(name, arguments).await;
        assert_eq!(result["isError"], true, "{name}: {result:#}");
        assert!(result["structuredContent"].is_null(), "{result:#}");
        text(&result).to_owned()
    }

    /// The names of the tools that are listed.
    pub(crate) async fn tools(&mut self) -> Vec<String> {
        let listed = self.ask("tools/list", json!({})).await;
        let tools = listed["result"]["tools"].as_array().unwrap();
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Closes its input, and waits until it ends by itself. Its exit status, what else it said, and
    /// its standard error.
    pub(crate) async fn end(mut self) -> (Option<i32>, Vec<String>, String) {
        drop(self.input.take());
        let ended = timeout(LIMIT, async {
            let mut said = Vec::new();
            while let Some(line) = self.output.next_line().await.unwrap() {
                said.push(line);
            }
            let mut errors = String::new();
            self.errors.read_to_string(&mut errors).await.unwrap();
            (self.child.wait().await.unwrap().code(), said, errors)
        });
        ended.await.expect("it ends with its input")
    }
}

/// A result's readable text.
pub(crate) fn text(result: &Value) -> &str {
    result["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("there is no text in {result:#}"))
}

/// What requests of the newest revision carry.
pub(crate) fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": NEWEST,
        "io.modelcontextprotocol/clientInfo": { "name": "raw", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}
