//! Calls of a gate elsewhere that a person changes before approving: what the server answers, and
//! which call it then lets run.

use std::sync::Arc;

use gander::config::gates::RulesFile;
use serde_json::{Value, json};

use crate::http_world::{Token, World, got, maya};

const COMMAND: &str = "git push origin draft";
const CHANGED: &str = "git push";

fn run(command: &str, since: Option<i64>) -> Value {
    let mut call = json!({
        "agent": "claude-code", "session": "s-1", "tool": "Bash", "input": { "command": command },
        "cwd": "/home/ada/shop", "roots": ["/home/ada/shop"], "home": "/home/ada",
        "takes_edits": true,
    });
    if let Some(since) = since {
        call["changed_since"] = since.into();
    }
    call
}

async fn bring(token: &Token<'_>, call: &Value) -> Value {
    got(token.post("/v1/gate", call)).await.must(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_allowed_only_as_it_was_approved() {
    let world = World::new().await;
    // Without a file: the default rules.
    let none = tempfile::tempdir().unwrap();
    let rules = RulesFile(Some(none.path().join("gander.toml")));
    world.handle.set_gate_rules(Arc::new(rules));
    let agent = world.agent().await;
    let told = bring(&agent, &run(COMMAND, None)).await;
    let id = told["decision"].as_i64().unwrap();
    let asked = world.decision(id).await;
    let edits = world.handle.edits();
    let shown = edits.submit(asked.id, asked.revision, &maya(), CHANGED).await.unwrap().unwrap();
    // Nothing is approved yet, nor claimed.
    assert_eq!(bring(&agent, &run(CHANGED, Some(id))).await["answer"], "wait");
    let digest = shown.digest();
    edits.approve(asked.id, asked.revision, &maya(), digest, None).await.unwrap().unwrap();
    let path = format!("/v1/gate/{id}/wait?timeout=0&revision=1");
    let told = got(agent.post(&path, &json!({}))).await.must(200);
    // A gate that knows no `input` denies.
    assert_eq!((&told["answer"], &told["input"]["command"]), (&json!("deny"), &json!(CHANGED)));
    assert!(told["note"].as_str().unwrap().contains("Maya changed the command"), "{told}");
    // A response that was lost is given again.
    for _ in 0..2 {
        assert_eq!(bring(&agent, &run(CHANGED, Some(id))).await["answer"], "allow");
    }
    for other in ["git push; id", COMMAND, "git push origin"] {
        let told = bring(&agent, &run(other, Some(id))).await;
        assert_eq!(told["answer"], "wait", "{other}: {told}");
    }
    let denied = bring(&agent, &run("git push; sudo id", Some(id))).await;
    assert_eq!(denied["answer"], "deny", "{denied}");
}
