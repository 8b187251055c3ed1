//! Agents and clients that mean no good, or are broken: garbage, floods, huge lines, names that
//! imitate, and numbers that are used twice.

use std::path::Path;

use gander::core::decision::State;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::acp_world::{Acp, Editor, asks, option, says};
use crate::common::cards::{Card, card_that, click, open_card};
use crate::common::process::LIMIT;

/// Most memory of the relay, in kB, whatever is sent through it: it keeps lines only until they are
/// read, and few calls.
const MOST_MEMORY: u64 = 300_000;

fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn asks_with(id: &Value, session: &str, options: Value) -> Value {
    json!({ "send": { "id": id, "method": "session/request_permission", "params": {
        "sessionId": session,
        "toolCall": { "toolCallId": "c", "title": "make", "kind": "execute",
            "rawInput": { "command": "make" } },
        "options": options } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_hostile_agent_passes_for_a_yes() {
    let Some(acp) = Acp::new().await else { return };
    let yes = json!({ "optionId": "yes", "name": "Yes", "kind": "allow_once" });
    let no = json!({ "optionId": "no", "name": "No", "kind": "reject_once" });
    let call =
        r#"{"toolCallId":"c","kind":"execute","rawInput":{"command":"ls","command":"make"}}"#;
    let twice = format!(
        "{{\"id\":\"twice\",\"method\":\"session/request_permission\",\"params\":{{\
         \"sessionId\":\"s-1\",\"toolCall\":{call},\"options\":[{yes},{no}]}}}}"
    );
    let never = json!({ "optionId": "yes", "name": "Never", "kind": "reject_once" });
    let number = json!({ "optionId": "yes", "name": "Yes", "kind": 7 });
    let steps = json!([
        asks_with(&json!("other"), "s-2", json!([yes, no])), { "wait": "other" },
        asks_with(&json!("same"), "s-1", json!([yes, never])),
        { "wait": "same" },
        asks_with(&json!("none"), "s-1", json!([])), { "wait": "none" },
        asks_with(&json!("kinds"), "s-1", json!([number, no])),
        { "wait": "kinds" },
        { "raw": format!("{twice}\n") }, { "wait": "twice" },
        { "raw": "debug: listening\n{\"id\":\n[]\n\n" },
        { "raw": "[{\"id\":9,\"method\":\"session/request_permission\"}]\n" },
        { "raw": "{\"method\":\"session/request_permission\",\"params\":{}}\n" },
        { "end": "end_turn" },
    ]);
    let (editor, prompt) = acp.prompted(&[], &steps).await;
    editor.answer(prompt).await;
    for id in ["other", "same", "none", "kinds", "twice"] {
        let answers = acp.answers(&json!(id));
        assert_eq!(answers.len(), 1, "{id}");
        assert!(!matches!(option(&answers[0]), Some("yes")), "{id}: {answers:?}");
    }
    assert!(acp.world.handle.approvals().list(Default::default()).await.unwrap().is_empty());
    for message in editor.heard() {
        assert_ne!(message["method"], "session/request_permission");
    }
    assert!(editor.errors().contains("not a message"), "{}", editor.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_shown_as_it_is_whatever_its_title_and_options_say() {
    let Some(acp) = Acp::new().await else { return };
    let asked = json!({ "send": { "id": 0, "method": "session/request_permission", "params": {
        "sessionId": "s-1",
        "toolCall": { "toolCallId": "c", "title": "git status", "kind": "read",
            "rawInput": { "command": "rm -rf ~/backups", "path": "README.md" } },
        "options": [
            { "optionId": "1", "name": "Reject", "kind": "allow_always" },
            { "optionId": "2", "name": "Approved by Maya", "kind": "allow_once" },
            { "optionId": "3", "name": "Approve", "kind": "reject_once" },
            { "optionId": "4", "name": "Approve", "kind": "shell" },
        ] } } });
    let (editor, prompt) =
        acp.prompted(&[], &json!([asked, { "wait": 0 }, { "end": "end_turn" }])).await;
    let card = open_card(&acp.sandbox, 1).await;
    let shown = card.0.to_string();
    assert!(shown.contains("rm -rf ~/backups"), "{shown}");
    assert!(!shown.contains("Approved by Maya"), "{shown}");
    assert!(click(&acp.sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    editor.answer(prompt).await;
    assert_eq!(option(&acp.answers(&json!(0))[0]), Some("2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_requests_is_a_hundred_questions_at_most() {
    let Some(acp) = Acp::new().await else { return };
    let request = asks(&json!("#n"), "make {n}")["send"].clone();
    let steps = json!([
        { "repeat": [request, 3_000] }, { "wait": 2_999 }, says("through"), { "hang": true },
    ]);
    let (mut editor, _) = acp.prompted(&[], &steps).await;
    editor.message("what comes after", |message| message.to_string().contains("through")).await;
    let open = acp.world.asked(100).await;
    assert_eq!(open.len(), 100);
    assert!(memory(editor.id()) < MOST_MEMORY);
    editor.leave();
    let (status, errors) = editor.ended().await;
    assert_eq!(status, Some(0), "{errors}");
    let left = acp.world.handle.approvals().list(Default::default()).await.unwrap();
    assert!(left.iter().all(|decision| !decision.state.is_open()));
    let refused = acp.answers(&json!(2_999));
    assert_eq!(option(&refused[0]), Some("reject"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_under_one_number_are_both_refused() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([
        asks(&json!(7), "make"), asks(&json!(7), "make clean"), { "wait": 7 },
        { "end": "end_turn" },
    ]);
    let (editor, prompt) = acp.prompted(&[], &steps).await;
    editor.answer(prompt).await;
    let answers = acp.answers(&json!(7));
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0]["result"]["outcome"]["outcome"], "cancelled");
    // Perhaps before its card was posted, which then never appears.
    let State::Withdrawn { reason, .. } = acp.world.closed().await.state else {
        panic!("the question was not withdrawn")
    };
    assert!(reason.contains("under one number"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_cannot_wait_answers_nothing() {
    let Some(acp) = Acp::new().await else { return };
    let steps = json!([asks(&json!(5), "make"), { "wait": 5 }, { "end": "end_turn" }]);
    let (mut editor, prompt) = acp.prompted(&[], &steps).await;
    let card = open_card(&acp.sandbox, 1).await;
    let yes = json!({ "outcome": { "outcome": "selected", "optionId": "once" } });
    editor.send(&json!({ "jsonrpc": "2.0", "id": 5, "result": yes })).await;
    editor.error("was never sent").await;
    assert!(acp.answers(&json!(5)).is_empty());
    let refused = editor
        .request("session/set_mode", json!({ "sessionId": "s-1", "modeId": "bypassPermissions" }))
        .await;
    assert!(editor.answer(refused).await["error"].is_object());
    assert!(!acp.heard().contains("bypassPermissions"));
    assert!(click(&acp.sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    editor.answer(prompt).await;
}

/// An update with a text of so many bytes.
fn update(bytes: usize) -> Value {
    says(&"x".repeat(bytes))["send"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_holds_the_agent_up_and_misses_nothing() {
    let Some(acp) = Acp::new().await else { return };
    let steps =
        json!([{ "repeat": [update(100_000), 1_000] }, says("last"), { "end": "end_turn" }]);
    let (mut editor, mut stdout) = Editor::deaf(acp.command(&[], &steps));
    for (id, method, params) in [
        (1, "initialize", json!({ "protocolVersion": 1 })),
        (2, "session/new", json!({ "cwd": acp.world.project(), "mcpServers": [] })),
        (3, "session/prompt", json!({ "sessionId": "s-1", "prompt": [] })),
    ] {
        editor
            .send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .await;
    }
    // 100 MB wait for a client that begins to read only now, byte by byte for a start.
    let mut first = [0; 1];
    stdout.read_exact(&mut first).await.unwrap();
    assert!(memory(editor.id()) < MOST_MEMORY, "{}", memory(editor.id()));
    let mut all = Vec::new();
    let reading = async {
        let mut part = vec![0; 1 << 20];
        while !all.ends_with(b"\"end_turn\"}}\n") {
            let count = stdout.read(&mut part).await.unwrap();
            assert_ne!(count, 0, "{}", editor.errors());
            all.extend_from_slice(&part[..count]);
        }
    };
    tokio::time::timeout(LIMIT, reading).await.unwrap();
    assert!(memory(editor.id()) < MOST_MEMORY, "{}", memory(editor.id()));
    let text = String::from_utf8(all).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains("xxx")).count(), 1_000);
    editor.leave();
    assert_eq!(editor.ended().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_line_is_the_end() {
    let Some(acp) = Acp::new().await else { return };
    // As large as may be, then larger.
    let fits = update((16 << 20) - 300);
    let steps = json!([
        asks(&json!(0), "make"), { "method": "_go" }, { "send": fits }, update_step(17 << 20),
        { "hang": true },
    ]);
    let (mut editor, _) = acp.prompted(&[], &steps).await;
    open_card(&acp.sandbox, 1).await;
    editor.send(&json!({ "method": "_go" })).await;
    let large = |message: &Value| message.to_string().len() > (16 << 20) - 300;
    editor.message("the large line", large).await;
    let (status, errors) = editor.ended().await;
    assert_eq!(status, Some(70), "{errors}");
    assert!(errors.contains("longer than 16 MiB"), "{errors}");
    let over = |card: &Card| card.control("approve").is_none();
    card_that(&acp.sandbox, 1, "is withdrawn", over).await;
}

fn update_step(bytes: usize) -> Value {
    json!({ "send": update(bytes) })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_ends_the_agent() {
    let Some(acp) = Acp::new().await else { return };
    let steps =
        json!([asks(&json!(0), "make"), { "method": "_go" }, says("lost"), { "hang": true }]);
    let (mut editor, stdout) = Editor::deaf(acp.command(&[], &steps));
    for (id, method, params) in [
        (1, "session/new", json!({ "cwd": acp.world.project(), "mcpServers": [] })),
        (2, "session/prompt", json!({ "sessionId": "s-1", "prompt": [] })),
    ] {
        editor.send(&json!({ "id": id, "method": method, "params": params })).await;
    }
    open_card(&acp.sandbox, 1).await;
    drop(stdout);
    editor.send(&json!({ "method": "_go" })).await;
    assert_eq!(editor.ended().await.0, Some(0));
    let over = |card: &Card| card.control("approve").is_none();
    card_that(&acp.sandbox, 1, "is withdrawn", over).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_says_so_at_once() {
    let Some(acp) = Acp::new().await else { return };
    let run = async |args: &[&str]| {
        let mut command = acp.world.home.bare(&[]);
        command.arg("--store").arg(acp.world.home.store());
        command.arg("--config").arg(acp.world.home.config()).arg("acp").args(args);
        let editor = Editor::start(command);
        editor.ended().await
    };
    let (status, errors) = run(&["--", "/nowhere/at/all", "acp"]).await;
    assert_eq!(status, Some(127), "{errors}");
    assert!(errors.contains("/nowhere/at/all"), "{errors}");
    for (args, words) in [
        (&["--connect", "nonsense", "--", "true"][..], "unix:///"),
        (&["--root", "nowhere", "--", "true"][..], "there is no such folder"),
        (&["--mode", "x", "--", "true"][..], "--prompt"),
        (&[][..], "COMMAND"),
    ] {
        let (status, errors) = run(args).await;
        assert_eq!(status, Some(2), "{errors}");
        assert!(errors.contains(words), "{errors}");
    }
    assert!(Path::new("/proc").exists());
}
