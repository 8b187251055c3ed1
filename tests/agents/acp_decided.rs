//! What people decide on Discord is what an agent behind `gander acp` is told: allowed, rejected,
//! chosen, deferred, cancelled, and killed in the middle.

use gander::core::decision::{Expects, Risk, State, Verdict};
use serde_json::{Value, json};

use crate::acp_world::{Acp, asks, choice_card, choose, option, says, tells};
use crate::common::cards::{Card, card_that, click, open_card, reject};

#[tokio::test(flavor = "multi_thread")]
async fn rules_answer_first_then_people() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([
        asks(&json!(0), "git status"), { "wait": 0 },
        asks(&json!(1), "sudo ls"), { "wait": 1 },
        says("The tests need a build."),
        asks(&json!(2), "make"), { "wait": 2 },
        tells(json!({ "sessionUpdate": "tool_call_update", "toolCallId": "call-2",
            "status": "completed", "rawOutput": "built in 3 s" })),
        asks(&json!(3), "make publish"), { "wait": 3 },
        { "end": "end_turn" },
    ]);
    let (editor, prompt) = acp.prompted(&[], &steps).await;
    let maya = acp.sandbox.user("maya").unwrap();
    let card = open_card(&acp.sandbox, 1).await;
    assert!(card.0.to_string().contains("make"), "{:#?}", card.0);
    assert!(click(&maya, &card, "approve").await.ok);
    let ran = card_that(&acp.sandbox, 1, "tells what came of it", |card| {
        card.0.to_string().contains("built in 3 s")
    });
    ran.await;
    let card = open_card(&acp.sandbox, 2).await;
    assert!(reject(&maya, &card, "Not on a Friday").await.ok);
    assert_eq!(editor.answer(prompt).await["result"]["stopReason"], "end_turn");
    let told = |id: i32| option(&acp.answers(&json!(id))[0]).map(str::to_owned);
    assert_eq!([0, 1, 2, 3].map(|id| told(id).unwrap()), ["once", "reject", "once", "reject"]);
    let words = &acp.answers(&json!(3))[0]["result"]["_meta"]["gander"]["message"];
    assert!(words.as_str().unwrap().contains("Not on a Friday"), "{words}");
    let untold = |card: &Card| card.0.to_string().contains("no field for the reason");
    card_that(&acp.sandbox, 2, "tells that the agent does not learn why", untold).await;
    let asked = acp.world.decision(1).await.request;
    assert_eq!(
        (asked.agent.name.as_str(), asked.agent.session.as_deref()),
        ("Stand-in", Some("s-1"))
    );
    assert!(asked.insight.observation.contains("The tests need a build."), "{asked:?}");
    assert!(editor.heard().iter().all(|message| message["method"] != "session/request_permission"));
    assert!(editor.errors().contains("Not on a Friday"), "{}", editor.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_for_the_session_is_ganders_and_ends_when_a_person_ends_it() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([
        asks(&json!(0), "make"), { "wait": 0 },
        asks(&json!(1), "make"), { "wait": 1 },
        says("twice"), { "method": "_go" },
        asks(&json!(2), "make"), { "wait": 2 },
        { "end": "end_turn" },
    ]);
    let (mut editor, prompt) = acp.prompted(&[], &steps).await;
    let maya = acp.sandbox.user("maya").unwrap();
    let card = open_card(&acp.sandbox, 1).await;
    assert!(click(&maya, &card, "session").await.ok);
    editor.message("the second run", |message| message.to_string().contains("twice")).await;
    let ends = |card: &Card| card.control("end").is_some();
    let card = card_that(&acp.sandbox, 1, "can be ended", ends).await;
    assert!(click(&maya, &card, "end").await.ok);
    editor.send(&json!({ "method": "_go" })).await;
    let card = open_card(&acp.sandbox, 2).await;
    assert!(click(&maya, &card, "approve").await.ok);
    editor.answer(prompt).await;
    for id in 0..3 {
        let told = acp.answers(&json!(id));
        assert_eq!(option(&told[0]), Some("once"), "never the agent's own 'always'");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_with_one_of_the_agents_options() {
    let Some(acp) = Acp::new().await else { return };
    let question = |id: u64| {
        json!({ "send": { "id": id, "method": "session/request_permission", "params": {
            "sessionId": "s-1",
            "options": [
                { "optionId": "q0_opt_0", "name": "pg", "kind": "allow_once" },
                { "optionId": "q0_opt_1", "name": "sqlite", "kind": "allow_once" },
                { "optionId": "q0_skip", "name": "Skip", "kind": "reject_once" },
            ],
            "toolCall": { "toolCallId": "call-q", "title": "AskUserQuestion", "content": [
                { "type": "content", "content": { "type": "text", "text": "Which db?" } }] } } } })
    };
    let form = |id: u64, fields: Value| {
        json!({ "send": { "id": id, "method": "elicitation/create", "params": {
            "sessionId": "s-1", "mode": "form", "message": "How large?",
            "requestedSchema": { "type": "object", "properties": fields } } } })
    };
    let steps = json!([
        question(0), { "wait": 0 },
        form(1, json!({ "size": { "type": "string", "enum": ["small", "large"] } })), { "wait": 1 },
        form(2, json!({ "name": { "type": "string", "title": "Name" } })), { "wait": 2 },
        form(3, json!({ "password": { "type": "string" } })), { "wait": 3 },
        { "end": "end_turn" },
    ]);
    let (editor, prompt) = acp.prompted(&[], &steps).await;
    let card = choice_card(&acp, 1).await;
    assert!(card.0.to_string().contains("Which db?"), "{:#?}", card.0);
    choose(&acp, &card, "sqlite").await;
    let card = choice_card(&acp, 2).await;
    choose(&acp, &card, "large").await;
    let asked = acp.world.asked(3).await.remove(2);
    assert_eq!(asked.request.expects, Expects::Answer);
    acp.world
        .decides(&asked, Verdict::Answered { text: "Ann's shop".into(), answers: Vec::new() })
        .await;
    editor.answer(prompt).await;
    assert_eq!(option(&acp.answers(&json!(0))[0]), Some("q0_opt_1"));
    assert_eq!(acp.answers(&json!(1))[0]["result"]["content"], json!({ "size": "large" }));
    assert_eq!(acp.answers(&json!(2))[0]["result"]["content"], json!({ "name": "Ann's shop" }));
    assert_eq!(acp.answers(&json!(3))[0]["result"], json!({ "action": "decline" }));
    assert_eq!(acp.world.asked(3).await.len(), 3, "nobody types a password into Discord");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_own_options_are_shown_on_request() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([
        asks(&json!(0), "git status"), { "wait": 0 },
        asks(&json!(1), "make"), { "wait": 1 },
        { "end": "end_turn" },
    ]);
    let (editor, prompt) = acp.prompted(&["--agent-options"], &steps).await;
    let card = choice_card(&acp, 1).await;
    let shown = card.0.to_string();
    assert!(shown.contains("make") && shown.contains("Always allow"), "{shown}");
    choose(&acp, &card, "Always allow").await;
    editor.answer(prompt).await;
    assert_eq!(option(&acp.answers(&json!(0))[0]), Some("once"), "by the rules");
    assert_eq!(option(&acp.answers(&json!(1))[0]), Some("always"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_decision_just_waits() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([asks(&json!("x"), "make"), { "wait": "x" }, { "end": "end_turn" }]);
    let (editor, prompt) = acp.prompted(&[], &steps).await;
    open_card(&acp.sandbox, 1).await;
    let asked = acp.world.asked(1).await.remove(0);
    let deferred = acp.world.defers(&asked).await;
    assert!(matches!(deferred.state, State::Deferred { .. }));
    let hung = |card: &Card| card.0.to_string().contains("Deferred");
    card_that(&acp.sandbox, 1, "is deferred", hung).await;
    assert!(acp.answers(&json!("x")).is_empty());
    acp.world.decides(&deferred, Verdict::approved()).await;
    editor.answer(prompt).await;
    assert_eq!(option(&acp.answers(&json!("x"))[0]), Some("once"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_turn_withdraws_its_question() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([
        asks(&json!(0), "make"), { "method": "session/cancel" }, { "end": "cancelled" },
    ]);
    let (mut editor, prompt) = acp.prompted(&[], &steps).await;
    open_card(&acp.sandbox, 1).await;
    editor.send(&json!({ "method": "session/cancel", "params": { "sessionId": "s-1" } })).await;
    assert_eq!(editor.answer(prompt).await["result"]["stopReason"], "cancelled");
    assert_eq!(acp.answers(&json!(0))[0]["result"]["outcome"]["outcome"], "cancelled");
    let heard = acp.heard();
    let (answered, told) = (heard.find("\"cancelled\""), heard.find("session/cancel"));
    assert!(answered < told, "answered first: {heard}");
    let over = |card: &Card| card.0.to_string().contains("cancelled the agent's turn");
    card_that(&acp.sandbox, 1, "is withdrawn", over).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_dies_withdraws_its_question_and_its_status_is_passed_on() {
    for (step, code) in [(json!({ "exit": 7 }), 7), (json!({ "die": 9 }), 137)] {
        let Some(acp) = Acp::new().await else { return };
        let steps = json!([asks(&json!(0), "make"), { "method": "_go" }, step]);
        let (mut editor, _) = acp.prompted(&[], &steps).await;
        open_card(&acp.sandbox, 1).await;
        editor.send(&json!({ "method": "_go" })).await;
        let (status, errors) = editor.ended().await;
        assert_eq!(status, Some(code), "{errors}");
        let over = |card: &Card| card.0.to_string().contains("the agent ended while it waited");
        card_that(&acp.sandbox, 1, "is withdrawn", over).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_that_leaves_ends_the_agent_and_withdraws_its_question() {
    for signal in [None, Some("TERM"), Some("INT")] {
        let Some(acp) = Acp::new().await else { return };
        let (mut editor, _) =
            acp.prompted(&[], &json!([asks(&json!(0), "make"), { "hang": true }])).await;
        open_card(&acp.sandbox, 1).await;
        match signal {
            None => editor.leave(),
            Some(name) => editor.signal(name).await,
        }
        let (status, errors) = editor.ended().await;
        assert_eq!(status, Some(0), "{errors}");
        assert!(acp.heard().contains("hangs"));
        let over = |card: &Card| card.control("approve").is_none();
        let card = card_that(&acp.sandbox, 1, "is withdrawn", over).await;
        let said = card.0.to_string();
        assert!(said.contains("closed the connection") || said.contains("was stopped"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_power_cut_the_same_question_is_the_same_decision() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([asks(&json!(0), "make"), { "wait": 0 }, { "end": "end_turn" }]);
    let (editor, _) = acp.prompted(&[], &steps).await;
    let card = open_card(&acp.sandbox, 1).await;
    editor.kill().await;
    assert!(acp.answers(&json!(0)).is_empty());
    let again = async {
        let mut editor = acp.editor(&[], &steps).await;
        let introduced = editor.request("initialize", json!({ "protocolVersion": 1 })).await;
        editor.answer(introduced).await;
        let params = json!({ "sessionId": "s-1", "cwd": acp.world.project(), "mcpServers": [] });
        let loaded = editor.request("session/load", params).await;
        editor.answer(loaded).await;
        let prompt = editor.prompt().await;
        editor.error("#1").await;
        (editor, prompt)
    };
    let (editor, prompt) = again.await;
    // The person answers the card that has hung since before.
    assert!(click(&acp.sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    editor.answer(prompt).await;
    assert_eq!(option(&acp.answers(&json!(0))[0]), Some("once"));
    assert_eq!(acp.world.asked(1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_elsewhere_answers_as_the_store_does() {
    let Some(acp) = Acp::configured("[http]\nlisten = \"127.0.0.1:0\"\n").await else { return };
    let bot = acp.bot.as_ref().unwrap();
    let line = bot.err.line("http://127.0.0.1:").await;
    let address = line.split_once("http://").map(|(_, rest)| format!("http://{}", rest.trim()));
    let made = acp.world.home.run(&["token", "create", "agent"]).await;
    made.must(0, &[]);
    let token = acp.world.home.path().join("token");
    std::fs::write(&token, &made.out).unwrap();
    let socket = format!("{}.sock", acp.world.home.store().display());
    let address = address.unwrap();
    let over_tcp = ["--connect", &address, "--token-file", token.to_str().unwrap()];
    let over_socket = ["--connect", &socket];
    let mut number = 0;
    for args in [&over_tcp[..], &over_socket[..]] {
        let fields = json!({ "n": { "type": "string", "enum": ["one", "two"] } });
        let form = json!({ "send": { "id": "f", "method": "elicitation/create", "params": {
            "sessionId": "s-1", "mode": "form", "message": "How large?",
            "requestedSchema": { "type": "object", "properties": fields } } } });
        let steps = json!([
            asks(&json!(0), "git status"), { "wait": 0 },
            asks(&json!(1), "sudo ls"), { "wait": 1 },
            asks(&json!(2), "make"), { "wait": 2 },
            form, { "wait": "f" },
            asks(&json!(3), "make"), { "method": "session/cancel" },
            { "end": "cancelled" },
        ]);
        let _ = std::fs::remove_file(acp.log());
        let (mut editor, prompt) = acp.prompted(args, &steps).await;
        let asked = acp.world.asked(number + 1).await.remove(number);
        let deferred = acp.world.defers(&asked).await;
        acp.world.decides(&deferred, Verdict::approved()).await;
        let card = choice_card(&acp, i64::try_from(number).unwrap() + 2).await;
        choose(&acp, &card, "two").await;
        let card = open_card(&acp.sandbox, i64::try_from(number).unwrap() + 3).await;
        editor.send(&json!({ "method": "session/cancel", "params": { "sessionId": "s-1" } })).await;
        editor.answer(prompt).await;
        let over = |card: &Card| card.control("approve").is_none();
        card_that(&acp.sandbox, i64::try_from(number).unwrap() + 3, "is withdrawn", over).await;
        drop(card);
        let told = |id: i32| option(&acp.answers(&json!(id))[0]).map(str::to_owned);
        assert_eq!([0, 1, 2].map(|id| told(id).unwrap()), ["once", "reject", "once"]);
        assert_eq!(acp.answers(&json!("f"))[0]["result"]["content"], json!({ "n": "two" }));
        assert_eq!(acp.answers(&json!(3))[0]["result"]["outcome"]["outcome"], "cancelled");
        number += 3;
    }
    assert_eq!(acp.world.decision(1).await.terms.risk, Risk::Medium);
}
