//! What clients might try with tasks: other callers' ids, forged ids, answers to nothing, floods,
//! and the extension without its capability.

use std::collections::BTreeSet;

use gander::core::access::Scope;
use gander::core::decision::{DecisionId, State};
use serde_json::{Value, json};

use crate::mcp_http::{Web, served};
use crate::mcp_rpc::{HANDSHAKE, NEWEST, meta};
use crate::mcp_tasks::{Client, clients, task_meta};
use crate::mcp_world::{MAYA, World};

/// Every request about a task.
fn requests(id: &str) -> [(&'static str, Value); 3] {
    let responses = json!({ "verdict": { "action": "accept", "content": { "approve": true } } });
    [
        ("tasks/get", json!({ "taskId": id })),
        ("tasks/cancel", json!({ "taskId": id })),
        ("tasks/update", json!({ "taskId": id, "inputResponses": responses })),
    ]
}

/// The refusals of all requests about a task: their codes and words.
async fn refusals(client: &mut Client, id: &str) -> BTreeSet<(i64, String)> {
    let mut refusals = BTreeSet::new();
    for (method, params) in requests(id) {
        let answer = client.ask(method, params).await;
        let error = &answer["error"];
        let code = error["code"].as_i64().unwrap_or_else(|| panic!("{method} {id:?}: {answer:#}"));
        refusals.insert((code, error["message"].as_str().unwrap().to_owned()));
    }
    refusals
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_task_is_one_that_does_not_exist() {
    let world = World::new();
    let token = world.agent().await;
    let [mut owner, _] = clients(&world, &token).await;
    let id = owner.asks(json!({ "title": "mine" })).await;
    let own = owner.asks(json!({ "title": "mine too" })).await;
    let others = [
        world.agent().await,
        world.token(&[Scope::Ask, Scope::Observe], &[], None).await,
        world.token(&[Scope::Ask, Scope::Admin], &[], None).await,
        world.token(&[Scope::Ask, Scope::Decide], &[], Some(MAYA)).await,
        world.assistant().await,
    ];
    let nothing = refusals(&mut owner, "99.1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    assert_eq!(nothing.len(), 1, "{nothing:?}");
    assert!(nothing.iter().all(|(code, words)| *code == -32602 && words.contains("no such task")));
    for other in &others {
        for mut client in clients(&world, other).await {
            // Nobody learns from the refusal whether there is such a task.
            assert_eq!(refusals(&mut client, &id).await, nothing);
        }
    }
    // Neither a person's own user, who sees the decision.
    let mut own_user = Client::Stdio(Box::new(world.mcp(None, &[])));
    assert_eq!(refusals(&mut own_user, &id).await, nothing);
    world.approve(1).await;
    for other in &others {
        let mut client = Client::Stdio(Box::new(world.mcp(Some(other), &[])));
        assert_eq!(refusals(&mut client, &id).await, nothing);
    }
    let State::Resolved(resolved) = world.get(1).await.state else { panic!("it is decided") };
    assert_eq!(resolved.claimed_at, None, "nobody but the asker takes the verdict");
    assert_eq!(owner.task(&id).await["status"], "completed");
    assert_eq!(owner.task(&own).await["status"], "working");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_id_can_be_made_from_another() {
    let (world, elsewhere) = (World::new(), World::new());
    let token = world.agent().await;
    let elsewhere_token = elsewhere.agent().await;
    let mut foreign = Client::Stdio(Box::new(elsewhere.mcp(Some(&elsewhere_token), &[])));
    // The same number, revision and token id, in another store.
    let foreign = foreign.asks(json!({ "title": "mine" })).await;
    for mut client in clients(&world, &token).await {
        let id = client.asks(json!({ "title": "mine", "dedup_key": "1" })).await;
        let other = client.asks(json!({ "title": "mine", "dedup_key": "2" })).await;
        let (numbers, seal) = id.rsplit_once('.').unwrap();
        let (other_numbers, other_seal) = other.rsplit_once('.').unwrap();
        assert_eq!(seal.len(), 32, "192 bits");
        let forged = [
            String::new(),
            numbers.to_owned(),
            format!("{numbers}."),
            format!("{numbers}.{other_seal}"),
            format!("{other_numbers}.{seal}"),
            format!("1.2.{seal}"),
            format!("+{id}"),
            format!("0{id}"),
            format!("{id}="),
            format!("{id}\u{0}"),
            format!("{numbers}.{}", &seal[..31]),
            format!("{numbers}.{}", seal.to_ascii_lowercase()),
            format!("{numbers}.{}", "A".repeat(500_000)),
            format!("{}.1.{seal}", i64::MAX),
            format!("-1.1.{seal}"),
            "../../etc/passwd".to_owned(),
            foreign.clone(),
        ];
        for forged in forged.iter().filter(|forged| **forged != id) {
            // Such an id is no header; over HTTP the request is refused before.
            if matches!(client, Client::Http(_)) && (forged.len() > 1_000 || forged.contains('\0'))
            {
                continue;
            }
            let refused = refusals(&mut client, forged).await;
            let codes: BTreeSet<i64> = refused.iter().map(|(code, _)| *code).collect();
            assert_eq!(codes, BTreeSet::from([-32602]), "{forged:.60}: {refused:?}");
            assert!(refused.iter().all(|(_, words)| words.len() < 400), "it is not repeated");
        }
        for id in [&id, &other] {
            assert_eq!(client.task(id).await["status"], "working");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_capability_there_are_no_tasks() {
    let world = World::new();
    let token = world.agent().await;
    let call = json!({ "name": "request_approval", "arguments": { "title": "Rename it?" } });
    let needed = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    for mut client in clients(&world, &token).await {
        let id = client.asks(json!({ "title": "with it" })).await;
        // What an earlier request declared does not count.
        let filed = client.ask_with("tools/call", call.clone(), meta()).await;
        assert_eq!(filed["result"]["structuredContent"]["stands"], "pending", "{filed:#}");
        assert!(filed["result"]["taskId"].is_null(), "{filed:#}");
        for (method, params) in requests(&id) {
            let refused = client.ask_with(method, params, meta()).await;
            assert_eq!(refused["error"]["code"], -32021, "{method}: {refused:#}");
            assert_eq!(refused["error"]["data"]["requiredCapabilities"], needed, "{refused:#}");
        }
        assert_eq!(client.task(&id).await["status"], "working");
        // The methods of the experimental tasks of 2025-11-25 are gone.
        for method in ["tasks/list", "tasks/result"] {
            let refused = client.ask(method, json!({ "taskId": id })).await;
            assert_eq!(refused["error"]["code"], -32601, "{method}: {refused:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_revision_has_no_tasks_whatever_it_declares() {
    let world = World::new();
    let token = world.agent().await;
    let capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} },
        "tasks": { "requests": { "tools": { "call": {} } } } });
    let mut rpc = world.mcp(Some(&token), &[]);
    let client = json!({ "name": "raw", "version": "1" });
    let params = json!({ "protocolVersion": HANDSHAKE, "capabilities": capabilities,
        "clientInfo": client });
    let greeted = rpc.ask("initialize", params).await;
    let offered = &greeted["result"]["capabilities"];
    assert!(offered["extensions"].is_null() && offered["tasks"].is_null(), "{greeted:#}");
    rpc.notify("notifications/initialized", json!({})).await;
    // With the experimental parameter of 2025-11-25, which is ignored.
    let call = json!({ "name": "request_approval", "arguments": { "title": "Rename it?" },
        "task": { "ttl": 60_000 } });
    let filed = rpc.ask("tools/call", call).await;
    assert_eq!(filed["result"]["structuredContent"]["decision"]["id"], 1, "{filed:#}");
    assert!(filed["result"]["resultType"].is_null(), "{filed:#}");
    for (method, params) in requests("1.1.x") {
        assert_eq!(rpc.ask(method, params).await["error"]["code"], -32021, "{method}");
    }
    assert!(world.get(1).await.state.is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_approves_nothing_by_answering_its_own_task() {
    let world = World::new();
    let token = world.agent().await;
    for (number, mut client) in (1..).zip(clients(&world, &token).await) {
        let id = client.asks(json!({ "title": "Deploy?", "risk": "low" })).await;
        for responses in [
            json!({}),
            json!({ "verdict": { "action": "accept", "content": { "approve": true } } }),
            json!({ "": null, "x": [1, 2], "y": "approved" }),
        ] {
            let update = json!({ "taskId": id, "inputResponses": responses });
            let answer = client.ask("tasks/update", update).await;
            assert_eq!(answer["result"], json!({ "resultType": "complete" }), "{answer:#}");
            assert_eq!(client.task(&id).await["status"], "working");
        }
        let wrong = client.ask("tasks/update", json!({ "taskId": id })).await;
        assert!(wrong["error"]["code"].is_number(), "{wrong:#}");
        let decision = world.get(number).await;
        assert!(decision.state.is_open() && decision.revision.0 == 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_polls_write_nothing_and_claim_once() {
    let world = World::new();
    let token = world.agent().await;
    let [mut stdio, mut http] = clients(&world, &token).await;
    let id = stdio.asks(json!({ "title": "Rename it?" })).await;
    let asked = world.get(1).await.changed;
    for _ in 0..500 {
        for client in [&mut stdio, &mut http] {
            assert_eq!(client.task(&id).await["status"], "working");
        }
    }
    assert_eq!(world.get(1).await.changed, asked, "looking changes nothing");
    let approved = world.approve(1).await.changed;
    // Both at once: one claims.
    for _ in 0..500 {
        let (one, other) = tokio::join!(stdio.task(&id), http.task(&id));
        assert_eq!((&one["status"], &other["status"]), (&json!("completed"), &json!("completed")));
        assert_eq!(one["result"]["structuredContent"], other["result"]["structuredContent"]);
    }
    assert_eq!(world.get(1).await.changed, approved + 1, "one claim, and nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_has_no_tasks() {
    let world = World::new();
    let token = world.agent().await;
    let mut client = Client::Stdio(Box::new(world.mcp(Some(&token), &[])));
    let id = client.asks(json!({ "title": "Rename it?" })).await;
    world.approve(1).await;
    for token in world.handle.tokens().list().await.unwrap() {
        world.handle.tokens().revoke(token.id).await.unwrap();
    }
    let refused = refusals(&mut client, &id).await;
    assert!(refused.iter().all(|(_, words)| words.contains("revoked")), "{refused:?}");
    // Neither over HTTP, where the server in front refuses.
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tasks/get",
        "params": { "taskId": id, "_meta": task_meta() } });
    let answer = reqwest::Client::new()
        .post(format!("http://{}/mcp", served(&world.handle).await))
        .header("Authorization", format!("Bearer {token}"))
        .header("MCP-Protocol-Version", NEWEST)
        .header("Mcp-Method", "tasks/get")
        .header("Mcp-Name", &id)
        .body(message.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 401);
    let State::Resolved(resolved) = world.get(1).await.state else { panic!("it is decided") };
    assert_eq!(resolved.claimed_at, None);
    // Another agent's token finds nothing there either.
    let mut other = Client::Http(Web::new(served(&world.handle).await, &world.agent().await));
    assert_eq!(refusals(&mut other, &id).await.len(), 1);
    assert!(world.handle.approvals().get(DecisionId(2)).await.is_err());
}
