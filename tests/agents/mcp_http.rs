//! `/mcp` over HTTP, as `gander serve` has it beside the rest of the API.

use std::net::SocketAddr;
use std::sync::Arc;

use gander::config::gates::RulesFile;
use gander::core::access::Scope;
use gander::core::decision::State as Stands;
use gander::engine::Handle;
use gander::engine::event_log::waiters;
use gander::surfaces::http::{Bound, HttpApi, HttpSettings};
use gander::surfaces::mcp::http_service;
use serde_json::{Value, json};

use crate::common::cards::{click, open_card, reject};
use crate::common::process::{LIMIT, sandbox};
use crate::mcp_rpc::{HANDSHAKE, NEWEST, meta};
use crate::mcp_world::World;

/// Serves beside the HTTP API, as `gander serve` does, for as long as the test lives. Its address.
pub(crate) async fn served(handle: &Handle) -> SocketAddr {
    let folder = tempfile::tempdir().unwrap();
    let listen = Some("127.0.0.1:0".parse().unwrap());
    let hosts = vec!["gander.test".into()];
    let settings = HttpSettings { listen, hosts, rate: 1_000, ..HttpSettings::default() };
    let bound = Bound::new(&settings, &folder.path().join("gander.db")).await.unwrap();
    let address = bound.address().unwrap();
    let rules = Arc::new(RulesFile(Some(folder.path().join("gander.toml"))));
    let http = HttpApi::new(handle.clone(), &settings, rules).with(http_service(
        handle,
        None,
        &settings.hosts,
    ));
    tokio::spawn(async move {
        let _kept = folder;
        http.run(bound).await;
    });
    tokio::spawn(waiters::run(handle.clone()));
    address
}

/// A client of one token.
pub(crate) struct Web {
    url: String,
    token: String,
    session: Option<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Web {
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        Self {
            url: format!("http://{address}/mcp"),
            token: token.to_owned(),
            session: None,
            headers: Vec::new(),
        }
    }

    async fn post(&self, message: &Value) -> reqwest::Response {
        let mut request = reqwest::Client::new()
            .post(&self.url)
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Accept", "application/json, text/event-stream")
            .header("Content-Type", "application/json")
            .body(message.to_string());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(session) = &self.session {
            request =
                request.header("Mcp-Session-Id", session).header("MCP-Protocol-Version", HANDSHAKE);
        }
        request.send().await.unwrap()
    }

    /// Asks, and reads the stream or the body to the answer.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let response = self
            .post(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
            .await;
        let body = response.text().await.unwrap();
        let messages = body.lines().map(|line| line.strip_prefix("data:").unwrap_or(line).trim());
        let mut messages = messages.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        messages
            .find(|message| message["id"] == 1)
            .unwrap_or_else(|| panic!("{method}: there is no answer in {body:?}"))
    }

    pub(crate) async fn greet(&mut self) {
        let client = json!({ "name": "raw", "version": "1" });
        let params =
            json!({ "protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": client });
        let response = self
            .post(&json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }))
            .await;
        let session = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        drop(response.text().await);
        self.session = Some(session);
        self.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    }

    async fn tool(&self, name: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": name, "arguments": arguments })).await["result"]
            .clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_asks_and_waits_in_a_session() {
    let world = World::new();
    let address = served(&world.handle).await;
    let mut agent = Web::new(address, &world.agent().await);
    agent.greet().await;
    let filed = agent.tool("request_approval", json!({ "title": "Rename it?" })).await;
    assert_eq!(filed["structuredContent"]["decision"]["id"], 1, "{filed:#}");
    let (waited, _) = tokio::join!(agent.tool("await_decision", json!({ "id": 1 })), async {
        world.approve(1).await;
    });
    assert_eq!(waited["structuredContent"]["stands"], "approved", "{waited:#}");
    // No rules of gates are known there.
    let listed = agent.ask("tools/list", json!({})).await;
    assert!(!listed.to_string().contains("permission_prompt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_has_a_limit_of_sessions() {
    let world = World::new();
    let address = served(&world.handle).await;
    let token = world.agent().await;
    let mut sessions = Vec::new();
    for _ in 0..100 {
        let mut agent = Web::new(address, &token);
        agent.greet().await;
        sessions.push(agent);
    }
    let one_more = Web::new(address, &token);
    let client = json!({ "name": "raw", "version": "1" });
    let params = json!({ "protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": client });
    let refused = one_more.ask("initialize", params.clone()).await;
    let words = refused["error"]["message"].as_str().unwrap();
    assert!(words.contains("100 sessions of this token") && words.contains("DELETE"), "{refused}");
    // Another token has its own, and those that are open work on.
    Web::new(address, &world.agent().await).greet().await;
    let filed = sessions[99].tool("request_approval", json!({ "title": "Rename it?" })).await;
    assert_eq!(filed["structuredContent"]["decision"]["id"], 1, "{filed:#}");
    // A session that ends makes room.
    let ended = reqwest::Client::new()
        .delete(&sessions[0].url)
        .header("Authorization", format!("Bearer {token}"))
        .header("Mcp-Session-Id", sessions[0].session.clone().unwrap())
        .header("MCP-Protocol-Version", HANDSHAKE)
        .send()
        .await
        .unwrap();
    assert!(ended.status().is_success(), "{ended:?}");
    let there_is_room = async {
        while Web::new(address, &token).ask("initialize", params.clone()).await["error"].is_object()
        {
        }
    };
    tokio::time::timeout(LIMIT, there_is_room).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_revision_needs_no_session() {
    let world = World::new();
    let mut agent = Web::new(served(&world.handle).await, &world.agent().await);
    agent.headers = vec![
        ("MCP-Protocol-Version", NEWEST.into()),
        ("Mcp-Method", "tools/call".into()),
        ("Mcp-Name", "request_approval".into()),
    ];
    let call = json!({ "name": "request_approval", "arguments": { "title": "Rename it?" },
        "_meta": meta() });
    let filed = agent.ask("tools/call", call).await;
    assert_eq!(filed["result"]["structuredContent"]["decision"]["id"], 1, "{filed:#}");
}

/// As `gander serve` has it: where the call runs is not known, so what no rule denies is asked, and
/// for the one call.
#[tokio::test(flavor = "multi_thread")]
async fn permission_prompts_are_asked_whatever_the_rules_allow() {
    let (sandbox, world) = (sandbox().await, World::new());
    world.home.configure("time_zone = \"UTC\"\nbatch.min = 0\n[http]\nlisten = \"127.0.0.1:0\"\n");
    let bot = world.home.serving(&sandbox).await;
    let line = bot.err.line("http://127.0.0.1:").await;
    let address = line.split_once("http://").unwrap().1.trim().parse().unwrap();
    let mut agent = Web::new(address, &world.agent().await);
    agent.greet().await;
    let prompt = |tool: &str, input: Value| {
        let call = json!({ "tool_name": tool, "input": input, "tool_use_id": "toolu_1" });
        agent.tool("permission_prompt", call)
    };
    let answer = |result: Value| -> Value {
        serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap()
    };
    let denied = answer(prompt("Bash", json!({ "command": "sudo ls" })).await);
    assert!(
        denied["behavior"] == "deny"
            && denied["message"].as_str().unwrap().contains("another user"),
        "{denied}"
    );
    let maya = sandbox.user("maya").unwrap();
    // The rules would let it read; but what `~` is there nobody knows.
    for (number, tool, input) in [
        (1, "Bash", json!({ "command": "ls" })),
        (2, "Read", json!({ "file_path": "/home/ada/.ssh/id_x" })),
    ] {
        let (told, ()) = tokio::join!(prompt(tool, input.clone()), async {
            let card = open_card(&sandbox, number).await;
            assert!(
                card.control("session").is_none() && card.0.to_string().contains("not known"),
                "{card:?}"
            );
            click(&maya, &card, "approve").await;
        });
        let told = answer(told);
        assert_eq!((&told["behavior"], &told["updatedInput"]), (&json!("allow"), &input), "{told}");
    }
    let (told, ()) = tokio::join!(prompt("Bash", json!({ "command": "ls" })), async {
        reject(&maya, &open_card(&sandbox, 3).await, "Once is enough").await;
    });
    assert!(answer(told)["message"].as_str().unwrap().ends_with("Once is enough"));
    // Who may not ask has none.
    let mut assistant = Web::new(address, &world.assistant().await);
    assistant.greet().await;
    assert!(
        !assistant.ask("tools/list", json!({})).await.to_string().contains("permission_prompt")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_origins_and_hosts_are_refused() {
    let world = World::new();
    let address = served(&world.handle).await;
    let client = json!({ "name": "raw", "version": "1" });
    let params = json!({ "protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": client });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let mut web = Web::new(address, &world.assistant().await);
    for (name, value, status) in [
        ("Origin", "https://evil.example".to_owned(), 403),
        ("Origin", "null".to_owned(), 403),
        ("Origin", format!("http://{address}"), 403),
        ("Origin", "http://localhost".to_owned(), 403),
        ("Host", "evil.example".to_owned(), 403),
        ("Host", "127.0.0.1.evil.example".to_owned(), 403),
        ("Host", "gander.test".to_owned(), 200),
        ("Host", "localhost:1".to_owned(), 200),
    ] {
        web.headers = vec![(name, value.clone())];
        assert_eq!(web.post(&hello).await.status().as_u16(), status, "{name}: {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_nobody_gets_nothing() {
    let world = World::new();
    let address = served(&world.handle).await;
    let nobody = Web::new(address, "gander_nobody");
    for method in [
        "initialize",
        "tools/list",
        "tools/call",
        "resources/read",
        "prompts/get",
        "resources/subscribe",
    ] {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": {} });
        let answer = nobody.post(&message).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers().contains_key("www-authenticate")),
            (401, true),
            "{method}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_session_gives_nobody_more_than_their_own_token() {
    let world = World::new();
    let address = served(&world.handle).await;
    let mut maya = Web::new(address, &world.assistant().await);
    maya.greet().await;
    let mut agent = Web::new(address, &world.token(&[Scope::Ask], &["shop"], None).await);
    agent.session = maya.session.clone();
    let filed = agent.tool("request_approval", json!({ "title": "Rename it?" })).await;
    assert_eq!(filed["structuredContent"]["decision"]["question"]["project"], "shop", "{filed:#}");
    let refused = agent.tool("factory_approve_task", json!({ "id": 1, "revision": 1 })).await;
    assert_eq!(refused["isError"], true, "{refused:#}");
    assert!(world.get(1).await.state.is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_while_it_waits_takes_nothing() {
    let world = World::new();
    let address = served(&world.handle).await;
    let mut agent = Web::new(address, &world.agent().await);
    agent.greet().await;
    agent.tool("request_approval", json!({ "title": "Rename it?" })).await;
    let params = json!({ "name": "await_decision", "arguments": { "id": 1 },
        "_meta": { "progressToken": "p" } });
    let mut waiting = agent
        .post(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }))
        .await;
    let mut heard = String::new();
    while !heard.contains("notifications/progress") {
        heard.push_str(&String::from_utf8_lossy(&waiting.chunk().await.unwrap().unwrap()));
    }
    for token in world.handle.tokens().list().await.unwrap() {
        world.handle.tokens().revoke(token.id).await.unwrap();
    }
    world.approve(1).await;
    while !heard.contains("No verdict was claimed") {
        heard.push_str(&String::from_utf8_lossy(&waiting.chunk().await.unwrap().unwrap()));
    }
    let Stands::Resolved(resolved) = world.get(1).await.state else { panic!("it is decided") };
    assert_eq!(resolved.claimed_at, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_long_is_refused() {
    let world = World::new();
    let web = Web::new(served(&world.handle).await, &world.agent().await);
    let long = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list",
        "params": { "x": "x".repeat(2 << 20) } });
    assert_eq!(web.post(&long).await.status().as_u16(), 413);
}
