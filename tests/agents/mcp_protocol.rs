//! The protocol's edges on standard input: revisions, what is wrong, and tokens.

use serde_json::json;

use crate::common::process::Ended;
use crate::mcp_rpc::{NEWEST, meta};
use crate::mcp_stdio::{AGENTS, LOOKING};
use crate::mcp_world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_with_what_to_do() {
    let world = World::new();
    let mut rpc = world.greeted(None).await;
    let many = "x".repeat(5_000);
    for (tool, arguments, words) in [
        ("request_approval", json!({ "titel": "x" }), "did you mean `title`"),
        ("request_approval", json!({ "title": "  " }), "title"),
        ("request_approval", json!({ "title": "x", "attachments": [] }), "leave out `attachments`"),
        ("request_approval", json!({ "title": "x", "risk": "huge" }), "risk"),
        ("request_approval", json!({ "title": "x", "approvals_needed": 0 }), "approvals_needed"),
        ("await_decision", json!({ "id": 7 }), "Decision #7 does not exist"),
        ("await_decision", json!({}), "id"),
        (
            "report_outcome",
            json!({ "id": 7, "outcome": "succeeded", "text": many }),
            "longer than 4000",
        ),
        ("report_outcome", json!({ "id": 7, "outcome": "maybe" }), "outcome"),
    ] {
        let said = rpc.refused(tool, arguments.clone()).await;
        assert!(said.contains(words), "{tool} {arguments}: {said}");
    }
    assert_eq!(rpc.ask("tools/call", json!({ "name": "rm" })).await["error"]["code"], -32602);
    assert_eq!(rpc.ask("tools/destroy", json!({})).await["error"]["code"], -32601);
    rpc.done("request_approval", json!({ "title": "x" })).await;
    assert!(
        rpc.refused("report_outcome", json!({ "id": 1, "outcome": "succeeded" }))
            .await
            .contains("no verdict yet")
    );
    // What is no message ends nothing.
    rpc.write("garbage").await;
    rpc.write("[]").await;
    assert!(rpc.ask("ping", json!({})).await["error"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_revision_needs_no_handshake() {
    let world = World::new();
    let mut rpc = world.mcp(None, &[]);
    let found = rpc.ask("server/discover", json!({ "_meta": meta() })).await;
    let versions = found["result"]["supportedVersions"].as_array().unwrap();
    assert!(
        versions.contains(&json!(NEWEST)) && versions.contains(&json!("2025-11-25")),
        "{found:#}"
    );
    let call = json!({ "name": "request_approval", "arguments": { "title": "Rename it?" },
        "_meta": meta() });
    let filed = rpc.ask("tools/call", call).await;
    assert_eq!(filed["result"]["structuredContent"]["decision"]["id"], 1, "{filed:#}");
    // What changes is listened for by a request of its own.
    let wanted = json!({ "resourcesListChanged": true,
        "resourceSubscriptions": ["factory://decisions/1", "file:///etc/passwd"] });
    let listening =
        rpc.send("subscriptions/listen", json!({ "notifications": wanted, "_meta": meta() })).await;
    let accepted = rpc.notification("notifications/subscriptions/acknowledged").await;
    assert_eq!(
        accepted["params"]["notifications"]["resourceSubscriptions"],
        json!(["factory://decisions/1"]),
        "{accepted:#}"
    );
    world.approve(1).await;
    let updated = rpc.notification("notifications/resources/updated").await;
    assert_eq!(updated["params"]["uri"], "factory://decisions/1");
    rpc.notification("notifications/resources/list_changed").await;
    rpc.notify("notifications/cancelled", json!({ "requestId": listening })).await;
    let unknown = json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": "2099-01-01" } });
    assert!(rpc.ask("tools/list", unknown).await["error"]["message"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn older_revisions_are_answered_in_kind_and_unknown_ones_with_one_that_is_known() {
    let world = World::new();
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        // It has no handshake.
        (NEWEST, "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let mut rpc = world.mcp(None, &[]);
        let client = json!({ "name": "raw", "version": "1" });
        let params = json!({ "protocolVersion": asked, "capabilities": {}, "clientInfo": client });
        let greeted = rpc.ask("initialize", params).await;
        assert_eq!(greeted["result"]["protocolVersion"], answered, "{asked}");
        rpc.notify("notifications/initialized", json!({})).await;
        assert_eq!(rpc.tools().await.len(), AGENTS.len() + LOOKING.len(), "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_from_a_file_or_the_environment_and_ends_when_it_is_revoked() {
    let world = World::new();
    let file = world.home.path().join("token");
    let ended = |ended: Ended, words: &str| ended.must(2, &[words]);
    std::fs::write(&file, "\n").unwrap();
    ended(
        world.home.run(&["mcp", "--token-file", file.to_str().unwrap()]).await,
        "the token's file is empty",
    );
    std::fs::write(&file, "gander_nobody").unwrap();
    ended(
        world.home.run(&["mcp", "--token-file", file.to_str().unwrap()]).await,
        "unknown or revoked",
    );
    ended(world.home.run(&["mcp", "--token-file", "nowhere"]).await, "--token-file nowhere");
    std::fs::write(&file, format!("{}\n", world.agent().await)).unwrap();
    let mut rpc = world.mcp(None, &["--token-file", file.to_str().unwrap()]);
    rpc.greet().await;
    assert_eq!(rpc.tools().await.len(), AGENTS.len());
    for token in world.handle.tokens().list().await.unwrap() {
        world.handle.tokens().revoke(token.id).await.unwrap();
    }
    let answer = rpc
        .ask("tools/call", json!({ "name": "request_approval", "arguments": { "title": "x" } }))
        .await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("revoked"), "{answer:#}");
}
