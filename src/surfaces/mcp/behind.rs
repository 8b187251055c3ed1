//! Stands between an MCP client and a server of another maker, on standard input and output. Every
//! message passes as it is, but for the server's questions to the client's user (*elicitation*):
//! they become decisions, and the server gets the answer as if the client had given it.
//!
//! For the revisions of the protocol in which a server sends such a request (before 2026-07-28).
//! Does not read what tools are called with or return.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader, Take};
use tokio::process::{ChildStdin, Command};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::McpServer;
use crate::core::gate::questions::{ADDRESS, ELICITATION, ELICITATION_FIELDS, SERVER};
use crate::engine::Claim;
use crate::engine::approvals::gates::{GateOutcome, GateReply};
use crate::presentation::text;

/// The longest line that passes, in bytes: results of tools can be pictures.
const LONGEST_LINE: u64 = 64 << 20;
/// How long a server may take to end after its client.
const TO_END: Duration = Duration::from_secs(2);
/// Most questions of a server at a time.
const MOST_QUESTIONS: usize = 20;

/// The connection to the server behind, and the questions that it waits for.
struct Behind {
    api: McpServer,
    /// The server, as rules and people know it: its command.
    name: String,
    /// The client, once it has introduced itself.
    client: Mutex<Option<Client>>,
    /// Closed once the client has ended.
    to_server: tokio::sync::Mutex<Option<ChildStdin>>,
    to_client: tokio::sync::Mutex<tokio::io::Stdout>,
    asked: Mutex<HashMap<String, AbortHandle>>,
}

/// What the client has said of itself.
#[derive(Debug, Clone)]
struct Client {
    name: String,
    /// Whether it shows the questions of servers itself.
    elicits: bool,
}

impl McpServer {
    /// Runs an MCP server and passes on what it and the client say, until either ends.
    ///
    /// # Errors
    /// The server cannot be started, as text.
    pub async fn before(self, command: &[String]) -> Result<(), String> {
        let name = command.join(" ");
        let failed = |error: std::io::Error| format!("{name}: {error}");
        let (program, arguments) = command.split_first().ok_or("no server was named")?;
        let mut server = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(input), Some(output)) = (server.stdin.take(), server.stdout.take()) else {
            return Err(format!("{name}: it has no standard input or output"));
        };
        let behind = Arc::new(Behind {
            api: self,
            name: name.clone(),
            client: Mutex::default(),
            to_server: tokio::sync::Mutex::new(Some(input)),
            to_client: tokio::sync::Mutex::new(tokio::io::stdout()),
            asked: Mutex::default(),
        });
        let from_server = from_server(&behind, output);
        tokio::pin!(from_server);
        tokio::select! {
            passed = &mut from_server => return passed.map_err(failed),
            passed = from_client(&behind) => passed.map_err(failed)?,
        }
        let ending = async {
            behind.to_server.lock().await.take();
            from_server.await?;
            server.wait().await.map(drop)
        };
        // A server ends when nothing more comes; one that does not is ended (`kill_on_drop`).
        timeout(TO_END, ending).await.unwrap_or(Ok(())).map_err(failed)
    }
}

/// Lines from a stream, each with its limit.
struct Lines<R> {
    from: BufReader<Take<R>>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(from: R) -> Self {
        Self { from: BufReader::new(tokio::io::AsyncReadExt::take(from, LONGEST_LINE)) }
    }

    /// The next line with its end; `None` at the end of the stream.
    async fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        self.from.get_mut().set_limit(LONGEST_LINE);
        let mut line = Vec::new();
        let read = self.from.read_until(b'\n', &mut line).await?;
        if read as u64 >= LONGEST_LINE {
            return Err(std::io::Error::other("a message is too long"));
        }
        Ok((read > 0).then_some(line))
    }
}

async fn from_client(behind: &Arc<Behind>) -> std::io::Result<()> {
    let mut lines = Lines::new(tokio::io::stdin());
    while let Some(line) = lines.next().await? {
        let line = behind.introduced(line);
        behind.tell_server(&line).await?;
    }
    Ok(())
}

async fn from_server(behind: &Arc<Behind>, output: impl AsyncRead + Unpin) -> std::io::Result<()> {
    let mut lines = Lines::new(output);
    while let Some(line) = lines.next().await? {
        // Most lines are long results: only those that can be meant are read.
        let asks = contains(&line, b"elicitation/create") || contains(&line, b"cancelled");
        let message = if asks { serde_json::from_slice(&line) } else { Ok(Value::Null) };
        let message: Value = message.unwrap_or_default();
        let is = |method: &str| message["method"] == method;
        if is("elicitation/create") {
            behind.question(message, line).await?;
        } else if !is("notifications/cancelled") || !behind.forget(&message) {
            behind.tell_client(&line).await?;
        }
    }
    Ok(())
}

fn contains(line: &[u8], word: &[u8]) -> bool {
    line.windows(word.len()).any(|window| window == word)
}

impl Behind {
    /// The client's first message says that its user can be asked: Gander asks.
    fn introduced(&self, line: Vec<u8>) -> Vec<u8> {
        if !contains(&line, b"\"initialize\"") {
            return line;
        }
        let Ok(mut message) = serde_json::from_slice::<Value>(&line) else { return line };
        if message["method"] != "initialize" || !message["params"].is_object() {
            return line;
        }
        let params = &mut message["params"];
        let name = params["clientInfo"]["name"].as_str().unwrap_or("mcp-client").to_owned();
        if !params["capabilities"].is_object() {
            params["capabilities"] = json!({});
        }
        let elicits = params["capabilities"]["elicitation"].is_object();
        if !elicits {
            params["capabilities"]["elicitation"] = json!({});
        }
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Client { name, elicits });
        line_of(&message)
    }

    async fn tell_client(&self, line: &[u8]) -> std::io::Result<()> {
        let mut client = self.to_client.lock().await;
        client.write_all(line).await?;
        client.flush().await
    }

    /// Answers a request of the server.
    async fn reply(&self, id: &Value, result: &Value) -> std::io::Result<()> {
        let message = json!({ "jsonrpc": "2.0", "id": id, "result": result });
        self.tell_server(&line_of(&message)).await
    }

    async fn tell_server(&self, line: &[u8]) -> std::io::Result<()> {
        let mut server = self.to_server.lock().await;
        let Some(server) = server.as_mut() else { return Ok(()) };
        server.write_all(line).await?;
        server.flush().await
    }

    /// Asks a person, and goes on meanwhile.
    async fn question(self: &Arc<Self>, message: Value, line: Vec<u8>) -> std::io::Result<()> {
        let id = message["id"].clone();
        let key = id.to_string();
        let waiting = self.asked.lock().unwrap_or_else(PoisonError::into_inner).len();
        if waiting >= MOST_QUESTIONS {
            return self.reply(&id, &json!({ "action": "cancel" })).await;
        }
        let (behind, forget) = (Arc::clone(self), key.clone());
        let task = tokio::spawn(async move {
            let done = match behind.answer(&message["params"]).await {
                Some(result) => behind.reply(&id, &result).await,
                None => behind.tell_client(&line).await,
            };
            if let Err(error) = done {
                tracing::warn!("the answer to a question of {} is lost: {error}", behind.name);
            }
            behind.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&forget);
        });
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if !task.is_finished() {
            asked.insert(key, task.abort_handle());
        }
        Ok(())
    }

    /// Whether the server no longer waits for one of its questions. The decision stays: asked
    /// again, it is the same.
    fn forget(&self, message: &Value) -> bool {
        let id = message["params"]["requestId"].to_string();
        let task = self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        task.inspect(AbortHandle::abort).is_some()
    }

    /// The result for the server. `None`: the rules leave the question to the client.
    async fn answer(&self, params: &Value) -> Option<Value> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match self.decided(params, client.as_ref()).await {
            Ok(None) if client.is_some_and(|client| client.elicits) => None,
            Ok(None) => Some(json!({ "action": "decline" })),
            Ok(Some(result)) => Some(result),
            Err(why) => {
                tracing::error!("a question of {} is declined: {why}", self.name);
                Some(json!({ "action": "decline" }))
            }
        }
    }

    async fn decided(
        &self,
        params: &Value,
        client: Option<&Client>,
    ) -> Result<Option<Value>, String> {
        let access = self.api.access(&rmcp::model::Extensions::new()).await.map_err(words)?;
        let gate = self.api.gate.clone().ok_or(text::mcp::NO_GATE)?;
        let agent = client.map_or_else(|| "mcp-client".to_owned(), |client| client.name.clone());
        let (session, input) = (self.api.session.clone(), self.elicited(params));
        let looks = gate.clone();
        let looked = access.judge(move || looks.brought(&agent, &session, ELICITATION, input));
        let brought = looked.await.map_err(words)?;
        let call = brought.call.clone();
        let asked = match access.gate(gate, brought).await.map_err(words)? {
            GateOutcome::Allowed(_) => return Ok(None),
            GateOutcome::Denied(_) => return Ok(Some(json!({ "action": "decline" }))),
            GateOutcome::Asked(decision) => decision,
        };
        let waited = access.wait(asked.id, Some(asked.revision), Claim::Yes, None);
        let decision = waited.await.map_err(words)?;
        let reply = self.api.handle.gates().reply(&decision, asked.revision, false);
        Ok(Some(match reply {
            GateReply::Answer { answers, .. } => match call.answered(&answers) {
                Some(content) => json!({ "action": "accept", "content": content }),
                None => json!({ "action": "decline" }),
            },
            GateReply::Defer(_) | GateReply::Wait(_) => json!({ "action": "cancel" }),
            GateReply::Unasked(_)
            | GateReply::Allow { .. }
            | GateReply::AllowChanged { .. }
            | GateReply::Deny(_) => {
                json!({ "action": "decline" })
            }
        }))
    }

    /// The question in the shape in which agents pass it on.
    fn elicited(&self, params: &Value) -> Value {
        let mut input: Map<String, Value> = params.as_object().cloned().unwrap_or_default();
        for (theirs, ours) in
            [("requestedSchema", "requested_schema"), ("elicitationId", "elicitation_id")]
        {
            if let Some(value) = input.remove(theirs) {
                input.insert(ours.to_owned(), value);
            }
        }
        input.retain(|name, _| ELICITATION_FIELDS.contains(&name.as_str()));
        if input.get("mode") != Some(&Value::from(ADDRESS)) {
            input.remove(ADDRESS);
        }
        input.insert(SERVER.to_owned(), self.name.clone().into());
        Value::Object(input)
    }
}

fn line_of(message: &Value) -> Vec<u8> {
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
