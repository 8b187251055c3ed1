//! Answers that are for another question: of a client that answers ahead or again, of an agent that
//! uses a number twice, and of a person for options that the agent has exchanged since.

use gander::core::decision::State;
use serde_json::{Value, json};

use crate::acp_world::{Acp, asks, choice_card, choose, option};
use crate::common::cards::{open_card, reject};

/// The client's answer that lets a call run.
fn yes(id: u64) -> Value {
    let outcome = json!({ "outcome": "selected", "optionId": "once" });
    json!({ "jsonrpc": "2.0", "id": id, "result": { "outcome": outcome } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_answers_ahead_or_again_answers_nothing() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([
        asks(&json!(5), "make"), { "wait": 5 },
        asks(&json!(6), "make clean"), { "wait": 6 },
        { "end": "end_turn" },
    ]);
    let mut editor = acp.editor(&[], &steps).await;
    editor.open(&acp.world.project()).await;
    // The agent would find both answers as soon as it has asked.
    editor.send(&yes(5)).await;
    editor.send(&yes(6)).await;
    let prompt = editor.prompt().await;
    let maya = acp.sandbox.user("maya").unwrap();
    let card = open_card(&acp.sandbox, 1).await;
    assert!(reject(&maya, &card, "Not now").await.ok);
    let card = open_card(&acp.sandbox, 2).await;
    editor.send(&yes(5)).await;
    editor.send(&yes(6)).await;
    assert!(reject(&maya, &card, "Nor this").await.ok);
    editor.answer(prompt).await;
    for id in [5, 6] {
        let told = acp.answers(&json!(id));
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(option(&told[0]), Some("reject"));
    }
    assert_eq!(editor.errors().matches("was never sent").count(), 4, "{}", editor.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_another_request_of_the_agent_is_none_to_its_question() {
    let Some(acp) = Acp::new().await else { return };
    let terminal = json!({ "send": { "id": 3, "method": "terminal/create",
        "params": { "sessionId": "s-1", "command": "make" } } });
    let steps = json!([terminal, asks(&json!(3), "make"), { "wait": 3 }, { "end": "end_turn" }]);
    let (mut editor, prompt) = acp.prompted(&[], &steps).await;
    editor.message("the other request", |message| message["method"] == "terminal/create").await;
    editor.error("two things under one number").await;
    editor.send(&yes(3)).await;
    editor.answer(prompt).await;
    let told = acp.answers(&json!(3));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0]["error"].is_object(), "{told:?}");
    editor.error("was never sent").await;
    assert!(acp.world.asked(0).await.is_empty());
}

/// An option with this id and name.
fn named((id, name): (&str, &str), kind: &str) -> Value {
    json!({ "optionId": id, "name": name, "kind": kind })
}

/// The request before a command, with a yes and a no of these ids and names.
fn asks_between(yes: (&str, &str), no: (&str, &str)) -> Value {
    let mut asked = asks(&json!(0), "make");
    asked["send"]["params"]["options"] =
        json!([named(yes, "allow_once"), named(no, "reject_once")]);
    json!([asked, { "wait": 0 }, { "end": "end_turn" }])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_is_not_for_options_that_the_agent_has_exchanged_since() {
    let Some(acp) = Acp::new().await else { return };
    let args = ["--agent-options"];
    let steps = asks_between(("a", "Build"), ("b", "Leave it"));
    let (editor, _) = acp.prompted(&args, &steps).await;
    let card = choice_card(&acp, 1).await;
    // Nobody takes the answer.
    editor.kill().await;
    choose(&acp, &card, "Leave it").await;
    let steps = asks_between(("a", "Leave it"), ("b", "Build"));
    let (editor, prompt) = acp.prompted(&args, &steps).await;
    let card = choice_card(&acp, 2).await;
    assert!(acp.answers(&json!(0)).is_empty());
    choose(&acp, &card, "Build").await;
    editor.answer(prompt).await;
    let told = acp.answers(&json!(0));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(option(&told[0]), Some("b"), "the option of this request");
    let State::Resolved(first) = acp.world.decision(1).await.state else { panic!("undecided") };
    assert!(first.claimed_at.is_none(), "no agent has acted on the first choice");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_gets_an_option_of_its_own() {
    let Some(acp) = Acp::new().await else { return };
    let request = |id: u64, command: &str| {
        let mut asked = asks(&json!(id), command);
        asked["send"]["params"]["options"] = json!([
            { "optionId": format!("yes-{id}"), "name": "Yes", "kind": "allow_once" },
            { "optionId": format!("no-{id}"), "name": "No", "kind": "reject_once" },
        ]);
        asked
    };
    let steps = json!([
        request(1, "make"), request(2, "make clean"), { "wait": 2 }, { "wait": 1 },
        { "end": "end_turn" },
    ]);
    let (editor, prompt) = acp.prompted(&["--agent-options"], &steps).await;
    let (first, second) = (choice_card(&acp, 1).await, choice_card(&acp, 2).await);
    let is_clean = first.0.to_string().contains("make clean");
    let (make, clean) = if is_clean { (second, first) } else { (first, second) };
    choose(&acp, &clean, "No").await;
    choose(&acp, &make, "Yes").await;
    editor.answer(prompt).await;
    for (id, name) in [(1, "yes-1"), (2, "no-2")] {
        let told = acp.answers(&json!(id));
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(option(&told[0]), Some(name));
    }
}
