//! `permission_prompt`, as Claude Code calls it.

use gander::core::decision::{DecisionId, Revision, Verdict, Via};
use gander::engine::Filter;
use serde_json::{Value, json};

use crate::common::process::LIMIT;
use crate::mcp_rpc::{Rpc, text};
use crate::mcp_world::{World, person};

fn call(command: &str) -> Value {
    json!({ "tool_name": "Bash", "input": { "command": command, "description": "x" },
        "tool_use_id": "toolu_1" })
}

fn answer(result: &Value) -> Value {
    serde_json::from_str(text(result)).unwrap()
}

/// What is asked, once it is.
pub(crate) async fn asked(world: &World, id: i64) -> gander::core::decision::Decision {
    let mut hints = world.handle.hints();
    let (handle, store) = (world.handle.clone(), world.home.store());
    // Another process asks.
    let watching =
        tokio::spawn(async move { gander::engine::event_log::watch::run(handle, &store).await });
    let waited = tokio::time::timeout(LIMIT * 4, async {
        loop {
            if let Ok(decision) = world.handle.approvals().get(DecisionId(id)).await {
                return decision;
            }
            hints.changed().await.unwrap();
        }
    });
    let decision = waited.await.expect("something is asked");
    watching.abort();
    decision
}

async fn prompt(rpc: &mut Rpc, command: &str) -> u64 {
    rpc.send("tools/call", json!({ "name": "permission_prompt", "arguments": call(command) })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_allow_and_deny_without_asking() {
    let world = World::new();
    let mut rpc = world.greeted(None).await;
    let allowed = answer(&rpc.tool("permission_prompt", call("ls -la")).await);
    assert_eq!(
        allowed,
        json!({ "behavior": "allow", "updatedInput": { "command": "ls -la", "description": "x" } })
    );
    let rule = "[[rules]]\ndo = \"deny\"\ncommands = [\"ls\"]\nreason = \"not here.\"\n";
    std::fs::write(world.home.path().join("gates.toml"), rule).unwrap();
    let denied = answer(&rpc.tool("permission_prompt", call("ls")).await);
    assert_eq!(denied["behavior"], "deny");
    assert!(denied["message"].as_str().unwrap().contains("not here."), "{denied}");
    std::fs::write(world.home.path().join("gates.toml"), "nonsense").unwrap();
    assert_eq!(
        answer(&rpc.tool("permission_prompt", call("ls")).await)["behavior"],
        "deny",
        "broken rules allow nothing"
    );
    assert!(world.handle.approvals().list(Filter::default()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_and_the_call_waits() {
    let world = World::new();
    let mut rpc = world.greeted(None).await;
    let waiting = prompt(&mut rpc, "git push origin main").await;
    let decision = asked(&world, 1).await;
    assert!(
        decision.is_permission() && decision.request.body == "git push origin main",
        "{decision:#?}"
    );
    world.approve(1).await;
    let given = rpc.answer(waiting).await;
    assert_eq!(answer(&given["result"])["behavior"], "allow");

    let waiting = prompt(&mut rpc, "git push origin next").await;
    asked(&world, 2).await;
    world
        .handle
        .approvals()
        .reject(DecisionId(2), Revision(1), &person(), Via::Discord, "that is the release")
        .await
        .unwrap();
    let given = rpc.answer(waiting).await;
    let denied = answer(&given["result"]);
    assert!(
        denied["behavior"] == "deny"
            && denied["message"].as_str().unwrap().contains("that is the release"),
        "{denied}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_for_the_session_covers_the_same_call_and_no_other() {
    let world = World::new();
    let mut rpc = world.greeted(None).await;
    let waiting = prompt(&mut rpc, "git push origin main").await;
    assert!(asked(&world, 1).await.offers_session());
    world
        .handle
        .approvals()
        .resolve(DecisionId(1), Revision(1), &person(), Via::Discord, Verdict::for_session())
        .await
        .unwrap();
    assert_eq!(answer(&rpc.answer(waiting).await["result"])["behavior"], "allow");
    assert_eq!(
        answer(&rpc.tool("permission_prompt", call("git push origin main")).await)["behavior"],
        "allow"
    );
    // Another command, and another session.
    prompt(&mut rpc, "git push origin next").await;
    assert_eq!(asked(&world, 2).await.request.body, "git push origin next");
    let mut other = world.greeted(None).await;
    prompt(&mut other, "git push origin main").await;
    assert_eq!(asked(&world, 3).await.request.body, "git push origin main");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_too_late_is_not_asked_again() {
    let world = World::new();
    let mut rpc = world.mcp(None, &["--permission-timeout", "1s"]);
    rpc.greet().await;
    let denied = answer(&rpc.tool("permission_prompt", call("git push origin main")).await);
    let words = denied["message"].as_str().unwrap();
    assert!(
        denied["behavior"] == "deny" && words.contains("Not decided yet: decision #1"),
        "{denied}"
    );
    assert!(
        words.contains("same call later") && words.contains("bot (gander serve) is not running"),
        "{denied}"
    );
    world.approve(1).await;
    assert_eq!(
        answer(&rpc.tool("permission_prompt", call("git push origin main")).await)["behavior"],
        "allow"
    );
    // It was for that one call.
    assert_eq!(
        answer(&rpc.tool("permission_prompt", call("git push origin main")).await)["behavior"],
        "deny"
    );
    assert_eq!(asked(&world, 2).await.request.body, "git push origin main");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_waits_for_its_answer_even_where_the_rules_allow_it() {
    let world = World::new();
    let rules = "[[rules]]\ndo = \"allow\"\ntools = [\"AskUserQuestion\"]\n";
    std::fs::write(world.home.path().join("gates.toml"), rules).unwrap();
    let mut rpc = world.greeted(None).await;
    let questions = json!([{ "question": "Which?", "header": "", "multiSelect": false,
        "options": [{ "label": "A", "description": "" }, { "label": "B", "description": "" }] }]);
    let input = json!({ "questions": questions, "answers": { "Which?": "B" } });
    let call = json!({ "tool_name": "AskUserQuestion", "input": input, "tool_use_id": "toolu_1" });
    let call = json!({ "name": "permission_prompt", "arguments": call });
    let waiting = rpc.send("tools/call", call.clone()).await;
    let decision = asked(&world, 1).await;
    let chosen = Verdict::Chosen { option: "A".into() };
    let approvals = world.handle.approvals();
    approvals.resolve(decision.id, Revision(1), &person(), Via::Discord, chosen).await.unwrap();
    let given = answer(&rpc.answer(waiting).await["result"]);
    let updated = json!({ "questions": questions, "answers": { "Which?": "A" } });
    assert_eq!(given, json!({ "behavior": "allow", "updatedInput": updated }));
    let waiting = rpc.send("tools/call", call).await;
    asked(&world, 2).await;
    approvals
        .reject(DecisionId(2), Revision(1), &person(), Via::Discord, "Find out yourself")
        .await
        .unwrap();
    let given = answer(&rpc.answer(waiting).await["result"]);
    assert_eq!(given["behavior"], "deny");
    assert!(given["message"].as_str().unwrap().ends_with("Find out yourself"), "{given}");
}
