//! An MCP server behind `gander mcp -- COMMAND`: what it asks becomes a decision, and everything
//! else passes.

use gander::core::decision::{Answer, DecisionId, Revision, Risk, Verdict, Via};
use serde_json::{Value, json};

use crate::common::tools;
use crate::mcp_permission::asked;
use crate::mcp_rpc::{HANDSHAKE, Rpc, text};
use crate::mcp_world::{World, person};

/// A server that asks which queue a ticket is for, behind Gander.
fn start(world: &World) -> Option<Rpc> {
    let python = tools::find("python3")?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agents/gates_real/elicits.py");
    let mut command = world.home.bare(&["mcp", "--store"]);
    command.arg(world.home.store()).arg("--config").arg(world.home.config());
    command.arg("--").arg(python).arg(script);
    Some(Rpc::start(command))
}

/// Calls the server's tool, which asks before it answers.
async fn file(rpc: &mut Rpc) -> u64 {
    rpc.send("tools/call", json!({ "name": "file", "arguments": {} })).await
}

async fn result(rpc: &mut Rpc, call: u64) -> Value {
    let answer = rpc.answer(call).await;
    serde_json::from_str(text(&answer["result"])).unwrap()
}

async fn decide(world: &World, id: i64, verdict: Verdict) {
    let approvals = world.handle.approvals();
    approvals.resolve(DecisionId(id), Revision(1), &person(), Via::Discord, verdict).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_gander_gets_what_a_person_filled_in() {
    let world = World::new();
    let Some(mut rpc) = start(&world) else { return };
    // The client shows no questions; the server is told that its user can be asked.
    assert_eq!(rpc.greet().await["serverInfo"]["name"], "tickets");
    assert_eq!(rpc.tools().await, ["file"]);
    let call = file(&mut rpc).await;
    let decision = asked(&world, 1).await;
    assert_eq!((decision.request.kind.as_str(), decision.terms.risk), ("question", Risk::Low));
    assert_eq!(decision.request.agent.name, "raw");
    assert!(decision.request.details[0].value.ends_with("elicits.py"), "{decision:#?}");
    // Other messages pass meanwhile.
    assert_eq!(rpc.tools().await, ["file"]);
    let answer = |question: &str, option: &str| Answer {
        question: question.into(),
        options: vec![option.into()],
        text: None,
    };
    let answers = vec![answer("queue", "web"), answer("urgent", "No")];
    decide(&world, 1, Verdict::Answered { text: String::new(), answers }).await;
    let filled = json!({ "action": "accept", "content": { "queue": "web", "urgent": false } });
    assert_eq!(result(&mut rpc, call).await, filled);
    let call = file(&mut rpc).await;
    asked(&world, 2).await;
    decide(&world, 2, Verdict::Rejected { reason: "No more tickets.".into() }).await;
    assert_eq!(result(&mut rpc, call).await, json!({ "action": "decline" }));
    let call = file(&mut rpc).await;
    let third = asked(&world, 3).await;
    let until = world.handle.now() + chrono::TimeDelta::hours(1);
    world.handle.approvals().defer(third.id, third.revision, &person(), until).await.unwrap();
    assert_eq!(result(&mut rpc, call).await, json!({ "action": "cancel" }));
    let (code, _, errors) = rpc.end().await;
    assert_eq!(code, Some(0), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_leave_a_question_to_the_client_or_decline_it() {
    let world = World::new();
    let rules = |text: &str| std::fs::write(world.home.path().join("gates.toml"), text).unwrap();
    rules("[[rules]]\ndo = \"allow\"\ntools = [\"Elicitation\"]\n");
    let Some(mut rpc) = start(&world) else { return };
    let client = json!({ "name": "raw", "version": "1" });
    let params = json!({ "protocolVersion": HANDSHAKE, "capabilities": { "elicitation": {} },
        "clientInfo": client });
    rpc.ask("initialize", params).await;
    let call = file(&mut rpc).await;
    let passed = rpc.notification("elicitation/create").await;
    assert_eq!(passed["params"]["message"], "Which queue?");
    let reply = json!({ "jsonrpc": "2.0", "id": passed["id"], "result": { "action": "cancel" } });
    rpc.write(&reply.to_string()).await;
    assert_eq!(result(&mut rpc, call).await, json!({ "action": "cancel" }));
    rules("[[rules]]\ndo = \"deny\"\ntools = [\"Elicitation(*elicits.py)\"]\n");
    let call = file(&mut rpc).await;
    assert_eq!(result(&mut rpc, call).await, json!({ "action": "decline" }));
    // Nobody shows it: it is declined, and never accepted.
    rules("[[rules]]\ndo = \"allow\"\ntools = [\"Elicitation\"]\n");
    let mut rpc = start(&world).unwrap();
    rpc.greet().await;
    let call = file(&mut rpc).await;
    assert_eq!(result(&mut rpc, call).await, json!({ "action": "decline" }));
    rules("nonsense");
    let call = file(&mut rpc).await;
    assert_eq!(result(&mut rpc, call).await, json!({ "action": "decline" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_started_is_an_error() {
    let world = World::new();
    let mut command = world.home.bare(&["mcp", "--store"]);
    command.arg(world.home.store()).arg("--config").arg(world.home.config());
    command.args(["--", "/nowhere/tickets"]);
    let ended = crate::common::process::Program::start(command).ended().await;
    ended.must(2, &["/nowhere/tickets"]);
}
