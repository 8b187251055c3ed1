//! Arguments as clients write them: whole floats, JSON in strings, and null for what is left out.

use serde_json::{Value, json};

use crate::mcp_rpc::Rpc;
use crate::mcp_world::World;

/// What the tool gives for a call that stands in a file.
async fn call(rpc: &mut Rpc, file: &str) -> Value {
    let call: Value = serde_json::from_str(file).unwrap();
    let params = &call["params"];
    rpc.done(params["name"].as_str().unwrap(), params["arguments"].clone()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn floats_strings_and_null_are_taken_as_the_schema_wants_them() {
    let world = World::new();
    let token = world.agent().await;
    let mut rpc = world.greeted(Some(&token)).await;
    let filed =
        call(&mut rpc, include_str!("../../fixtures/mcp/request-options-in-a-string.json")).await;
    let options = &filed["decision"]["question"]["options"];
    assert_eq!((&options[0]["name"], &options[1]["name"]), (&json!("Postgres"), &json!("Redis")));
    let waited = call(&mut rpc, include_str!("../../fixtures/mcp/await-whole-floats.json")).await;
    assert_eq!((&waited["decision"]["id"], &waited["stands"]), (&json!(1), &json!("pending")));
    let filed = call(&mut rpc, include_str!("../../fixtures/mcp/request-nested-null.json")).await;
    let question = &filed["decision"]["question"];
    assert_eq!(question["insight"]["observation"], "[1]", "{question:#}");
    assert_eq!(question["confidence"], 0.5, "{question:#}");
    assert_eq!(question["options"][1]["name"], "Redis", "{question:#}");

    // Every tool with a number takes a whole float and a number in a string.
    for id in [json!(1.0), json!("1"), json!("1.0")] {
        let withdrawn = rpc.tool("withdraw", json!({ "id": id, "reason": null })).await;
        assert!(!withdrawn.to_string().contains("invalid type"), "{id}: {withdrawn:#}");
    }
    let assistant = world.assistant().await;
    let mut maya = world.greeted(Some(&assistant)).await;
    let page = json!({ "limit": 1.0, "offset": "0", "project": null });
    assert_eq!(maya.done("factory_get_pending_tasks", page).await["count"], 1);
    let search = json!({ "query": "2", "limit": "5", "state": null });
    assert_eq!(maya.done("factory_search", search).await["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_fits_nothing_is_reported_with_its_field() {
    let world = World::new();
    let mut rpc = world.greeted(None).await;
    for (tool, arguments, field) in [
        ("await_decision", json!({ "id": 1.5 }), "id"),
        ("await_decision", json!({ "id": null }), "id"),
        ("await_decision", json!({ "id": 1, "seconds": "soon" }), "seconds"),
        ("request_approval", json!({ "title": "x", "options": "[{\"name\":" }), "options"),
        ("request_approval", json!({ "title": "x", "options": "[{\"nome\":\"a\"}]" }), "nome"),
        (
            "request_approval",
            json!({ "title": "x", "options": "[{\"name\":1}]" }),
            "options[0].name",
        ),
        ("request_approval", json!({ "title": 5 }), "title"),
        ("request_approval", json!({ "title": "x", "insight": "words" }), "insight"),
    ] {
        let said = rpc.refused(tool, arguments.clone()).await;
        assert!(said.contains(field), "{arguments}: {said}");
    }
}
