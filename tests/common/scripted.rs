//! A model whose every word is written down before: it wants these tools called, and is done when
//! it has their results. It speaks as Anthropic's, OpenAI's and Google's do, so that the agents
//! themselves can be run without one.

mod chat;

use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

/// A call that the model makes.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    tool: String,
    input: Value,
    of_heard: Option<fn(&str) -> Value>,
}

impl Call {
    pub(crate) fn new(tool: &str, input: Value) -> Self {
        Self { tool: tool.to_owned(), input, of_heard: None }
    }

    /// A call whose input the model makes of what it was sent until then.
    pub(crate) fn of_heard(tool: &str, input: fn(&str) -> Value) -> Self {
        Self { tool: tool.to_owned(), input: Value::Null, of_heard: Some(input) }
    }

    fn made(mut self, heard: &str) -> Self {
        if let Some(input) = self.of_heard {
            self.input = input(heard);
        }
        self
    }
}

/// What it does in the conversation that begins with these words; an empty text is in all of them.
/// The calls of a round are made at once, and those of the next when their results are there.
#[derive(Debug)]
struct Talk {
    begins: &'static str,
    rounds: Vec<Vec<Call>>,
}

/// A model at work on loopback.
pub(crate) struct Model {
    pub(crate) address: String,
    script: Arc<Script>,
}

struct Script {
    talks: Vec<Talk>,
    heard: Mutex<String>,
    results: Mutex<Vec<String>>,
}

impl Model {
    pub(crate) async fn start(rounds: Vec<Vec<Call>>) -> Self {
        Self::with_aside(rounds, None).await
    }

    /// The same, which does something else in the conversation of whoever is told these words
    /// first.
    pub(crate) async fn with_aside(
        rounds: Vec<Vec<Call>>,
        aside: Option<(&'static str, Vec<Vec<Call>>)>,
    ) -> Self {
        let aside = aside.map(|(begins, rounds)| Talk { begins, rounds });
        let talks = aside.into_iter().chain([Talk { begins: "", rounds }]).collect();
        let script = Arc::new(Script { talks, heard: Mutex::default(), results: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, script }
    }

    /// What the agent told it of its calls.
    pub(crate) fn results(&self) -> Vec<String> {
        self.script.results.lock().unwrap().clone()
    }

    /// The same in one.
    pub(crate) fn told(&self) -> String {
        self.results().join("\n")
    }

    /// Everything that it was ever sent.
    pub(crate) fn heard(&self) -> MutexGuard<'_, String> {
        self.script.heard.lock().unwrap()
    }
}

impl Script {
    /// What comes next in a conversation with these results.
    fn next(&self, first: &Value, results: Vec<String>, has: impl Fn(&Call) -> bool) -> Vec<Call> {
        let first = first.to_string();
        let Some(talk) = self.talks.iter().find(|talk| first.contains(talk.begins)) else {
            return Vec::new();
        };
        // Agents have models do other things too: without tools, or with other ones.
        if !talk.rounds.iter().flatten().all(has) {
            return Vec::new();
        }
        let mut before = 0;
        let next = talk.rounds.iter().find(|round| {
            let now = before == results.len();
            before += round.len();
            now
        });
        let mut told = self.results.lock().unwrap();
        if talk.begins.is_empty() && results.len() >= told.len() {
            *told = results;
        }
        let heard = self.heard.lock().unwrap();
        next.cloned().unwrap_or_default().into_iter().map(|call| call.made(&heard)).collect()
    }
}

async fn answer(State(script): State<Arc<Script>>, uri: Uri, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    script.heard.lock().unwrap().push_str(&String::from_utf8_lossy(&body));
    let events = if uri.path().ends_with("/messages") {
        anthropic(&script, &asked)
    } else if uri.path().ends_with("/responses") {
        responses(&script, &asked)
    } else if uri.path().ends_with("/chat/completions") {
        return chat::completion(&script, &asked);
    } else if uri.path().ends_with("enerateContent") {
        return chat::content(&script, &asked, uri.path().ends_with("streamGenerateContent"));
    } else {
        return ([(CONTENT_TYPE, "application/json")], "{}").into_response();
    };
    let lines = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
    ([(CONTENT_TYPE, "text/event-stream")], lines.collect::<String>()).into_response()
}

fn anthropic(script: &Script, asked: &Value) -> Vec<Value> {
    let messages = asked["messages"].as_array().into_iter().flatten();
    let contents = messages.filter_map(|message| message["content"].as_array()).flatten();
    let results = contents.filter(|content| content["type"] == "tool_result");
    let results: Vec<String> = results.map(|result| result["content"].to_string()).collect();
    let done = results.len();
    let tools: Vec<&Value> =
        asked["tools"].as_array().into_iter().flatten().map(|tool| &tool["name"]).collect();
    let calls = script
        .next(&asked["messages"][0], results, |call| tools.iter().any(|name| **name == *call.tool));
    let usage = json!({ "input_tokens": 1, "output_tokens": 1 });
    let mut events =
        vec![json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message",
            "role": "assistant",
        "model": asked["model"], "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": usage } })];
    let mut block = |index: usize, content: Value, delta: Value| {
        events.push(
            json!({ "type": "content_block_start", "index": index, "content_block": content }),
        );
        events.push(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    };
    for (index, call) in calls.iter().enumerate() {
        let content = json!({ "type": "tool_use", "id": format!("toolu_{}", done + index),
            "name": call.tool, "input": {} });
        block(
            index,
            content,
            json!({ "type": "input_json_delta", "partial_json": call.input.to_string() }),
        );
    }
    if calls.is_empty() {
        block(
            0,
            json!({ "type": "text", "text": "" }),
            json!({ "type": "text_delta", "text": "done" }),
        );
    }
    let reason = if calls.is_empty() { "end_turn" } else { "tool_use" };
    events.push(json!({ "type": "message_delta", "delta": { "stop_reason": reason,
        "stop_sequence": null }, "usage": usage }));
    events.push(json!({ "type": "message_stop" }));
    events
}

fn responses(script: &Script, asked: &Value) -> Vec<Value> {
    let is_result =
        |item: &&Value| item["type"].as_str().is_some_and(|kind| kind.ends_with("call_output"));
    let results = asked["input"].as_array().into_iter().flatten().filter(is_result);
    let results: Vec<String> = results.map(|result| result["output"].to_string()).collect();
    let done = results.len();
    let said = asked["input"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|item| item["type"] == "message")
        .cloned()
        .collect();
    let calls = script.next(&said, results, |_| true);
    let mut events = vec![json!({ "type": "response.created", "response": { "id": "r1" } })];
    for (index, call) in calls.iter().enumerate() {
        let (id, number) = (format!("fc{}", done + index), format!("call_{}", done + index));
        let mut item = json!({ "type": "function_call", "id": id, "call_id": number,
            "arguments": call.input.to_string() });
        // Codex has the tools of a server in a space of its own.
        match call.tool.rsplit_once('/') {
            Some((space, tool)) => (item["namespace"], item["name"]) = (space.into(), tool.into()),
            None => item["name"] = call.tool.as_str().into(),
        }
        events.push(json!({ "type": "response.output_item.done", "item": item }));
    }
    if calls.is_empty() {
        let content = json!([{ "type": "output_text", "text": "done" }]);
        let item =
            json!({ "type": "message", "id": "m1", "role": "assistant", "content": content });
        events.push(json!({ "type": "response.output_item.done", "item": item }));
    }
    events.push(json!({ "type": "response.completed",
        "response": { "id": "r1", "usage": { "input_tokens": 1,
        "input_tokens_details": null, "output_tokens": 1, "output_tokens_details": null,
        "total_tokens": 2 } } }));
    events
}
