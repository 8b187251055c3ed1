//! `gander acp --prompt`: Gander as the client of an agent, at the terminal.

use serde_json::json;

use crate::acp_world::{Acp, asks, option, says, tells};
use crate::common::cards::{click, open_card};
use crate::common::process::Program;

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_prints_the_agents_words_and_ends_as_the_agent_does() {
    let Some(acp) = Acp::new().await else { return };
    for (reason, code) in
        [("end_turn", 0), ("refusal", 1), ("max_tokens", 75), ("cancelled", 75), ("x", 75)]
    {
        let steps = json!([
            says("I look"), says(" around.\u{1b}[31m"),
            tells(json!({ "sessionUpdate": "tool_call", "toolCallId": "a", "title": "ls",
                "status": "pending" })),
            says("Done."), { "end": reason },
        ]);
        let ended = Program::start(acp.command(&["--prompt", "Fix it"], &steps)).ended().await;
        assert_eq!(ended.code, Some(code), "{reason}: {ended:#?}");
        assert_eq!(ended.out, "I look around.\nDone.\n", "{reason}");
        assert!(ended.err.contains("--continue s-1") && ended.err.contains("… ls"), "{ended:#?}");
        assert!(acp.heard().contains("Fix it"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_decide_for_a_prompt_too() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([
        { "send": { "id": "fs", "method": "fs/read_text_file",
            "params": { "sessionId": "s-1", "path": "/etc/passwd" } } },
        { "wait": "fs" },
        asks(&json!(0), "make"), { "wait": 0 }, says("Built."), { "end": "end_turn" },
    ]);
    let program = Program::start(acp.command(&["--prompt", "Build it"], &steps));
    let card = open_card(&acp.sandbox, 1).await;
    program.err.line("waiting for a person to decide #1").await;
    assert!(click(&acp.sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    program.ended().await.must(0, &["Built."]);
    assert_eq!(option(&acp.answers(&json!(0))[0]), Some("once"));
    assert!(acp.answers(&json!("fs"))[0]["error"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn as_json_it_is_printed_at_the_end() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([says("One. "), says("Two."), { "end": "end_turn" }]);
    let ended = Program::start(acp.command(&["--json", "--prompt", "x"], &steps)).ended().await;
    assert_eq!(
        ended.json(),
        json!({ "session": "s-1", "stop_reason": "end_turn", "text": "One. Two.\n" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_continued() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([says("Again."), { "end": "end_turn" }]);
    let args = ["--prompt", "Go on", "--continue", "s-1"];
    let ended = Program::start(acp.command(&args, &steps)).ended().await;
    ended.must(0, &["Again."]);
    assert!(acp.heard().contains("session/load") && !acp.heard().contains("session/new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_dies_is_reported_with_how_to_go_on() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([says("I beg"), { "die": 9 }]);
    let ended = Program::start(acp.command(&["--prompt", "x"], &steps)).ended().await;
    ended.must(70, &["I beg\n", "signal 9", "--continue s-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stops_the_agent_and_a_second_does_not_wait() {
    let Some(acp) = Acp::new().await else { return };
    let steps =
        json!([asks(&json!(0), "make"), { "method": "session/cancel" }, { "end": "cancelled" }]);
    let program = Program::start(acp.command(&["--prompt", "x"], &steps));
    open_card(&acp.sandbox, 1).await;
    program.signal("INT").await;
    program.ended().await.must(75, &["the turn was cancelled"]);
    assert_eq!(acp.answers(&json!(0))[0]["result"]["outcome"]["outcome"], "cancelled");
    let deaf = json!([asks(&json!(0), "make again"), { "method": "session/cancel" }, says("deaf\n"),
        { "hang": true }]);
    let program = Program::start(acp.command(&["--prompt", "x"], &deaf));
    open_card(&acp.sandbox, 2).await;
    program.signal("INT").await;
    program.out.until("words", |said| said.contains("deaf")).await;
    program.signal("INT").await;
    let ended = program.ended().await;
    assert_eq!(ended.code, Some(75), "{ended:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_that_asks_nobody_gets_no_prompt() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([{ "end": "end_turn" }]);
    let refused = ["--prompt", "x", "--mode", "yolo"];
    let ended = Program::start(acp.command(&refused, &steps)).ended().await;
    ended.must(70, &["--allow-mode yolo"]);
    assert!(!acp.heard().contains("session/prompt"));
}
