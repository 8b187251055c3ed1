//! The control API and the misbehaviours, from outside.

use std::time::Duration;

use discord_sandbox::{Effect, Fault, LimitScope, Match, Sandbox};
use futures_util::StreamExt as _;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::common::{Answering, INTENTS, LIMIT, Rest, Socket, channel, register, relaxed, text};

const TEXT: &str = "text/plain; charset=utf-8";

/// An address below the page.
fn url(sandbox: &Sandbox, path: &str) -> String {
    format!("{}{path}", sandbox.addresses().page)
}

async fn control(sandbox: &Sandbox, path: &str, body: Value) -> (u16, Value) {
    let request = Client::new().post(url(sandbox, path)).json(&body);
    let response = timeout(LIMIT, request.send()).await.unwrap().unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn get(sandbox: &Sandbox, path: &str) -> (u16, Value) {
    let response = Client::new().get(url(sandbox, path)).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn the_state_is_what_a_person_sees() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    Rest::of(&sandbox).say(&general, json!({ "content": "hello" })).await;
    let (status, state) = get(&sandbox, "_sandbox/state?user=maya").await;
    assert_eq!(status, 200);
    assert_eq!(state["me"]["username"], "maya");
    let channels = state["channels"].as_array().unwrap();
    assert_eq!(channels.len(), 6, "five of the server and the direct message");
    assert_eq!(channels[0]["messages"][0]["content"], "hello");
    assert_eq!(channels[5]["kind"], "dm");
    assert_eq!(state["notifications"][0]["reason"], "message");
    assert_eq!(state["bot_online"], false);
    let (status, error) = get(&sandbox, "_sandbox/state?user=nobody").await;
    assert_eq!(status, 404);
    assert!(text(&error, "error").contains("maya"));
}

#[tokio::test]
async fn addresses_keep_their_order_and_the_token() {
    let sandbox = relaxed().await;
    let response = Client::new().get(url(&sandbox, "_sandbox/addresses")).send().await.unwrap();
    let body = response.text().await.unwrap();
    assert!(!body.contains(&sandbox.addresses().token));
    let at = |name: &str| body.find(&format!("\"{name}\"")).unwrap();
    assert!(at("general") < at("decisions") && at("mobile-app") < at("locked"));
    assert!(at("maya") < at("jonas") && at("jonas") < at("sven"));
    let whole = serde_json::to_value(sandbox.addresses()).unwrap();
    assert_eq!(whole["token"], sandbox.addresses().token.as_str());
}

#[tokio::test]
async fn a_person_acts_over_http() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let _bot = Answering::start(&sandbox, |_| json!({ "type": 6 })).await;
    let row = json!({ "type": 1, "components": [
        { "type": 2, "style": 1, "label": "b", "custom_id": "go" },
    ] });
    let body = json!({ "content": "card", "components": [row] });
    let card = Rest::of(&sandbox).say(&general, body).await;
    let click = json!({
        "user": "jonas", "action": "click", "message_id": card["id"], "custom_id": "go",
    });
    let (status, outcome) = control(&sandbox, "_sandbox/act", click).await;
    assert_eq!((status, &outcome["ok"]), (200, &json!(true)));
    assert_eq!(outcome["message"]["id"], card["id"]);
    let write = json!({ "user": "sven", "action": "message", "channel": general, "content": "hi" });
    assert_eq!(control(&sandbox, "_sandbox/act", write).await.1["ok"], true);
    for malformed in [json!({}), json!({ "user": "maya", "action": "dance" }), json!([])] {
        let (status, answer) = control(&sandbox, "_sandbox/act", malformed).await;
        assert_eq!(status, 400);
        assert!(text(&answer, "error").contains("expected"));
    }
}

#[tokio::test]
async fn a_person_waits_as_long_as_asked() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    register(&sandbox, json!([{ "name": "ping", "description": "d" }])).await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let ping = json!({
        "user": "maya", "action": "command", "channel": general, "name": "ping", "timeout_ms": 50,
    });
    let (status, outcome) = control(&sandbox, "_sandbox/act", ping).await;
    assert_eq!((status, &outcome["ok"]), (200, &json!(false)));
    assert_eq!(outcome["error"], "the bot has not answered within 50 ms");
    let interaction = socket.event("INTERACTION_CREATE").await;
    let late = json!({ "type": 4, "data": { "content": "pong" } });
    assert_eq!(Rest::of(&sandbox).respond(&interaction, late).await.0, 204, "it may still answer");
}

#[tokio::test]
async fn a_transcript_tells_who_did_what() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    register(&sandbox, json!([{ "name": "ping", "description": "d" }])).await;
    let mut bot =
        Answering::start(&sandbox, |_| json!({ "type": 4, "data": { "content": "pong" } })).await;
    let maya = sandbox.user("maya").unwrap();
    assert!(maya.command(&general, "ping", json!({})).await.ok);
    bot.next().await;
    Rest::of(&sandbox).post(&format!("/channels/{general}/messages"), json!({})).await;
    let response = Client::new().get(url(&sandbox, "_sandbox/transcript")).send().await.unwrap();
    let text = response.text().await.unwrap();
    let line = |part: &str| {
        let mut lines = text.lines();
        lines.find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part} in\n{text}"))
    };
    assert!(line("INTERACTION_CREATE").ends_with("sandbox INTERACTION_CREATE maya uses ping"));
    assert!(line("/callback").contains(r#"{"data":{"content":"pong"},"type":4} -> 204"#));
    assert!(line("MESSAGE_CREATE").ends_with(r#"bot in #general: "pong""#));
    assert!(line("POST /channels/").contains("/channels/#general/messages {} -> 400 => {"));
    assert!(!text.contains(&sandbox.addresses().token));
}

#[tokio::test]
async fn the_journal_never_holds_the_token() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let (_socket, _) = Socket::ready(&sandbox, INTENTS).await;
    Rest::of(&sandbox).say(&general, json!({ "content": "hello" })).await;
    let (_, journal) = get(&sandbox, "_sandbox/journal?since=0").await;
    assert!(!journal.to_string().contains(&sandbox.addresses().token));
    let entries = journal.as_array().unwrap();
    let posted = entries.iter().find(|entry| entry["method"] == "POST").unwrap();
    assert_eq!(posted["kind"], "rest");
    assert_eq!(posted["status"], 200);
    assert_eq!(posted["path"], format!("/channels/{general}/messages"));
    assert_eq!(posted["body"]["content"], "hello");
    assert_eq!(posted["answer"]["content"], "hello");
    assert!(entries.iter().any(|entry| entry["method"] == "IDENTIFY"));
    let last = entries.last().unwrap()["n"].as_u64().unwrap();
    let (_, rest) = get(&sandbox, &format!("_sandbox/journal?since={last}")).await;
    assert_eq!(rest, json!([]));
}

#[tokio::test]
async fn strangers_are_kept_out() {
    let sandbox = relaxed().await;
    let client = Client::new();
    for path in ["", "_sandbox/state?user=maya"] {
        let request = client.get(url(&sandbox, path)).header("host", "evil.example");
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
    let own = sandbox.addresses().page.trim_end_matches('/').to_owned();
    for (origin, status) in [("https://evil.example", 403), ("null", 403), (own.as_str(), 200)] {
        let request = client
            .post(url(&sandbox, "_sandbox/world"))
            .header("origin", origin)
            .json(&json!({ "do": "close_dms", "user": "maya", "closed": true }));
        assert_eq!(request.send().await.unwrap().status(), status, "{origin}");
    }
    let page = client.get(url(&sandbox, "")).send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn changes_are_told_live() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let mut events = Client::new().get(url(&sandbox, "_sandbox/live")).send().await.unwrap();
    let first = timeout(LIMIT, events.chunk()).await.unwrap().unwrap().unwrap();
    assert!(first.starts_with(b"event: change\ndata: {\"change\":"));
    sandbox.user("maya").unwrap().message(&general, "x").await;
    let second = timeout(LIMIT, events.chunk()).await.unwrap().unwrap().unwrap();
    assert_ne!(first, second);
}

#[tokio::test]
async fn it_tells_what_it_can_do() {
    let sandbox = relaxed().await;
    let (status, told) = get(&sandbox, "_sandbox").await;
    assert_eq!((status, &get(&sandbox, "_sandbox/").await.1), (200, &told));
    let routes = told["routes"].as_array().unwrap();
    assert_eq!(routes.len(), 19, "{told:#}");
    for route in routes {
        let path = text(route, "path").trim_start_matches('/').replace("{id}/{name}", "1/x");
        let method: Method = text(route, "method").parse().unwrap();
        let answer = Client::new().request(method, url(&sandbox, &path)).send().await.unwrap();
        // Without what it takes it refuses; a path or a method that is not served would be told by
        // an empty body.
        let kind =
            answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        assert!(
            matches!(kind.as_deref(), Some("application/json" | "text/event-stream" | TEXT)),
            "{route}: {kind:?}"
        );
    }
    let refused = control(&sandbox, "_sandbox/act", json!({})).await.1;
    assert!(
        text(&refused, "error").ends_with("GET /_sandbox shows an example of each"),
        "{refused}"
    );
}

#[tokio::test]
async fn changes_are_told_over_a_websocket_to_the_own_page_alone() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let page = sandbox.addresses().page.clone();
    let follow = async |origin: &str| {
        let mut request =
            format!("{}_sandbox/live", page.replace("http", "ws")).into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        timeout(LIMIT, connect_async(request)).await.unwrap()
    };
    let (mut socket, _) = follow(page.trim_end_matches('/')).await.unwrap();
    let first = timeout(LIMIT, socket.next()).await.unwrap().unwrap().unwrap();
    assert!(first.to_text().unwrap().starts_with("{\"change\":"), "{first}");
    sandbox.user("maya").unwrap().message(&general, "x").await;
    let second = timeout(LIMIT, socket.next()).await.unwrap().unwrap().unwrap();
    assert_ne!(first, second);
    let Err(Error::Http(refused)) = follow("https://evil.example").await else {
        panic!("a stranger follows")
    };
    assert_eq!(refused.status(), 403);
    timeout(LIMIT, sandbox.shutdown()).await.unwrap();
    let left = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(LIMIT, left).await.expect("it ends with the sandbox");
}

#[tokio::test]
async fn a_moderator_acts_over_http() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let message = Rest::of(&sandbox).say(&general, json!({ "content": "x" })).await;
    let delete = json!({ "do": "delete_message", "channel": general, "message_id": message["id"] });
    assert_eq!(control(&sandbox, "_sandbox/world", delete.clone()).await.0, 200);
    assert_eq!(control(&sandbox, "_sandbox/world", delete).await.0, 400);
    let access = json!({ "do": "bot_access", "channel": general, "access": "read_only" });
    assert_eq!(control(&sandbox, "_sandbox/world", access).await.0, 200);
    let path = format!("/channels/{general}/messages");
    let (status, _) = Rest::of(&sandbox).post(&path, json!({ "content": "x" })).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn a_status_comes_instead_of_the_request() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let path = format!("/channels/{general}/messages");
    let fault = json!({
        "match": { "method": "POST", "path": "/channels/*/messages" }, "do": "status", "status": 503,
    });
    assert_eq!(control(&sandbox, "_sandbox/fault", fault).await.0, 200);
    assert_eq!(rest.get(&path).await.0, 200);
    assert_eq!(rest.post(&path, json!({ "content": "x" })).await.0, 503);
    assert_eq!(rest.post(&path, json!({ "content": "x" })).await.0, 200);
    assert_eq!(sandbox.view("maya").unwrap().messages("general").len(), 1);

    sandbox.fault(Fault::once(
        Match::default(),
        Effect::Status {
            status: 429,
            ms: Some(1_500),
            body: None,
            retry_after_header: false,
            scope: LimitScope::Shared,
        },
    ));
    let limited = rest.send(Method::GET, &path, Value::Null).await;
    assert_eq!(limited.headers()["x-ratelimit-scope"], "shared");
    assert!(!limited.headers().contains_key("retry-after"));
    assert_eq!(limited.json::<Value>().await.unwrap()["retry_after"], 1.5);

    let forever = json!({ "do": "status", "status": 500, "times": 0 });
    control(&sandbox, "_sandbox/fault", forever).await;
    assert_eq!(rest.get(&path).await.0, 500);
    assert_eq!(rest.get(&path).await.0, 500);
    let clear = Client::new().delete(url(&sandbox, "_sandbox/fault")).send().await.unwrap();
    assert_eq!(clear.status(), 200);
    assert_eq!(rest.get(&path).await.0, 200);
}

#[tokio::test]
async fn an_answer_can_be_withheld() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let path = format!("/channels/{general}/messages");
    let withhold = |ms| Fault::once(Match::new("POST", "/messages"), Effect::WithholdAnswer { ms });
    sandbox.fault(withhold(Some(50)));
    let request = rest.request(Method::POST, &path).json(&json!({ "content": "cut off" }));
    let cut = timeout(LIMIT, request.send()).await.unwrap();
    assert!(cut.is_err(), "the connection ends without an answer");
    sandbox.fault(withhold(None));
    let request = rest
        .request(Method::POST, &path)
        .json(&json!({ "content": "hung up" }))
        .timeout(Duration::from_millis(500));
    assert!(request.send().await.unwrap_err().is_timeout());
    let messages = sandbox.view("maya").unwrap().messages("general").to_vec();
    let contents: Vec<_> = messages.iter().map(|m| &m["content"]).collect();
    assert_eq!(contents, ["cut off", "hung up"], "both were carried out");
    let withheld: Vec<_> = sandbox.journal(0).iter().map(|entry| entry.status).collect();
    assert_eq!(withheld, [None, None]);
}

#[tokio::test]
async fn the_gateway_can_be_dropped() {
    let sandbox = relaxed().await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let now = json!({ "do": "drop_gateway", "code": 4000 });
    assert_eq!(control(&sandbox, "_sandbox/fault", now).await.0, 200);
    assert_eq!(socket.closed().await, Some(4000));

    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let on_request = json!({ "match": { "method": "GET" }, "do": "drop_gateway" });
    control(&sandbox, "_sandbox/fault", on_request).await;
    assert_eq!(Rest::of(&sandbox).get("/users/@me").await.0, 200);
    assert_eq!(socket.closed().await, None);
}

#[tokio::test]
async fn a_delay_delays() {
    let sandbox = relaxed().await;
    sandbox.fault(Fault::once(Match::default(), Effect::Delay { ms: 200 }));
    let began = std::time::Instant::now();
    assert_eq!(Rest::of(&sandbox).get("/users/@me").await.0, 200);
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn it_stops_with_everything_open() {
    let sandbox = relaxed().await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let live = Client::new().get(url(&sandbox, "_sandbox/live")).send().await.unwrap();
    let address = sandbox.addresses().page.clone();
    let authority = sandbox.addresses().ca.clone();
    timeout(LIMIT, sandbox.shutdown()).await.unwrap();
    assert_eq!(socket.closed().await, None);
    drop(live);
    assert!(Client::new().get(address).send().await.is_err());
    assert!(!std::path::Path::new(&authority).exists());
}
