//! The scripted model as most agents speak to one: OpenAI's chat completions, and Google's
//! `generateContent`.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::Script;

/// Lines of an event stream.
fn stream(events: &[Value], end: &str) -> Response {
    let lines: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    ([(CONTENT_TYPE, "text/event-stream")], format!("{lines}{end}")).into_response()
}

fn whole(answer: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A chat completion, streamed if asked for.
pub(super) fn completion(script: &Script, asked: &Value) -> Response {
    let of = |role: &'static str| {
        list(&asked["messages"]).filter(move |message| message["role"] == role)
    };
    let results: Vec<String> = of("tool").map(|message| message["content"].to_string()).collect();
    let done = results.len();
    let said = of("user").cloned().collect();
    let tools: Vec<&Value> = list(&asked["tools"]).map(|tool| &tool["function"]["name"]).collect();
    let has = |name: &str| tools.iter().any(|tool| **tool == *name);
    let calls = script.next(&said, results, |call| has(&call.tool));
    let call = |(at, call): (usize, &super::Call)| {
        json!({ "index": at, "id": format!("call_{}", done + at), "type": "function",
            "function": { "name": call.tool, "arguments": call.input.to_string() } })
    };
    let made: Vec<Value> = calls.iter().enumerate().map(call).collect();
    let (text, why) = if made.is_empty() { ("done", "stop") } else { ("", "tool_calls") };
    let mut message = json!({ "role": "assistant", "content": text });
    if !made.is_empty() {
        message["tool_calls"] = made.into();
    }
    let usage = json!({ "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 });
    let event = |kind: &str, choice: Value| {
        json!({ "id": "c1", "created": 1, "model": asked["model"], "object": kind,
            "choices": [choice], "usage": usage })
    };
    if asked["stream"] != true {
        let choice = json!({ "index": 0, "message": message, "finish_reason": why });
        return whole(&event("chat.completion", choice));
    }
    let kind = "chat.completion.chunk";
    let events = [
        event(kind, json!({ "index": 0, "delta": message, "finish_reason": null })),
        event(kind, json!({ "index": 0, "delta": {}, "finish_reason": why })),
    ];
    stream(&events, "data: [DONE]\n\n")
}

/// Content, streamed if asked for.
pub(super) fn content(script: &Script, asked: &Value, streamed: bool) -> Response {
    let contents = || list(&asked["contents"]);
    let results = contents().flat_map(|content| list(&content["parts"]));
    let results = results.filter_map(|part| part.get("functionResponse"));
    let results: Vec<String> = results.map(Value::to_string).collect();
    let done = results.len();
    let said = contents().filter(|content| content["role"] != "model").cloned().collect();
    let tools: Vec<&Value> = list(&asked["tools"])
        .flat_map(|tool| list(&tool["functionDeclarations"]))
        .map(|tool| &tool["name"])
        .collect();
    let has = |name: &str| tools.iter().any(|tool| **tool == *name);
    let calls = script.next(&said, results, |call| has(&call.tool));
    let call = |(at, call): (usize, &super::Call)| {
        let id = format!("call_{}", done + at);
        json!({ "functionCall": { "id": id, "name": call.tool, "args": call.input } })
    };
    let mut parts: Vec<Value> = calls.iter().enumerate().map(call).collect();
    if parts.is_empty() {
        // Without tools, Gemini asks who speaks next and which model to use.
        let other = r#"{"next_speaker":"user","reasoning":"x","model_choice":"flash"}"#;
        parts.push(json!({ "text": if tools.is_empty() { other } else { "done" } }));
    }
    let content = json!({ "role": "model", "parts": parts });
    let answer = json!({
        "candidates": [{ "content": content, "finishReason": "STOP", "index": 0 }],
        "usageMetadata": { "promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2 },
        "modelVersion": "scripted",
    });
    if streamed { stream(&[answer], "") } else { whole(&answer) }
}
