//! The relay with agents and clients that mean no good.

use serde_json::{Value, json};

use super::*;
use crate::cli::acp::effect::Yes;

#[test]
fn an_option_that_outlasts_the_call_is_never_guessed() {
    let always = json!({ "optionId": "always", "name": "Yes", "kind": "allow_always" });
    let other = json!({ "optionId": "x", "name": "Approve", "kind": "allow_forever" });
    let once = |id: &str| json!({ "optionId": id, "name": "Yes", "kind": "allow_once" });
    let no = json!({ "optionId": "no", "name": "No", "kind": "reject_once" });
    let never = json!({ "optionId": "never", "name": "Never", "kind": "reject_always" });
    for (options, choices) in [
        (json!([always, no]), Some(2)),
        (json!([other, no]), Some(2)),
        (json!([once("a"), once("b"), no]), Some(3)),
        (json!([never, no]), Some(2)),
        (json!([always, other, once("a"), no, never]), None),
    ] {
        let mut played = Played::opened();
        played.asks_with(json!(0), run("a", "make"), options.clone());
        let [(_, AskedQuestion::Call(asked))] = played.asked.as_slice() else {
            panic!("{options}")
        };
        let shown = match &asked.answers {
            CallAnswers::YesOrNo => None,
            CallAnswers::Options { options, yes, .. } => {
                assert_eq!(*yes, Yes::Ambiguous);
                Some(options.len())
            }
        };
        assert_eq!(shown, choices, "{options}");
        // A yes that names no option chooses none, where there are several.
        played.allow(0);
        let told = played.outcome()["optionId"].as_str().map(str::to_owned);
        let expected = if choices.is_none() { "a" } else { "no" };
        assert_eq!(told.as_deref(), Some(expected), "{options}");
    }
}

#[test]
fn a_tool_of_a_server_that_is_named_like_a_question_is_shown_whole() {
    let mut played = Played::opened();
    played.asks(
        json!(0),
        json!({ "toolCallId": "a", "title": "question", "kind": "other",
        "rawInput": { "query": "drop table users" }, "content": [
            { "type": "content", "content": { "type": "text", "text": "May I look?" } }] }),
    );
    let (_, AskedQuestion::Call(asked)) = &played.asked[0] else { panic!() };
    assert_eq!(asked.call.input, json!({ "query": "drop table users" }));
}

#[test]
fn options_that_look_alike_are_told_apart() {
    let mut played = Played::opened();
    let option =
        |id: &str, name: &str, kind: &str| json!({ "optionId": id, "name": name, "kind": kind });
    let options = json!([
        option("1", "Approve", "reject_once"),
        option("2", "\u{410}pprove", "allow_once"),
        option("3", "Approve (2)", "allow_once"),
        option("4", "\u{202e}Approve\u{200b}", "allow_always"),
        option("5", "", "allow_always"),
        option("6", &"x".repeat(500), "allow_always"),
    ]);
    played.asks_with(json!(0), run("a", "make"), options);
    let (_, AskedQuestion::Call(asked)) = played.asked[0].clone() else { panic!() };
    let CallAnswers::Options { options, .. } = asked.answers else { panic!() };
    let names: Vec<&str> = options.iter().map(|option| option.name.as_str()).collect();
    let shapes: std::collections::BTreeSet<String> =
        names.iter().map(|name| crate::core::untrusted::shape(name)).collect();
    assert_eq!(shapes.len(), names.len(), "{names:?}");
    assert!(names.iter().all(|name| (1..=100).contains(&name.chars().count())), "{names:?}");
    played.answer(0, Answered::Chosen(names[2].to_owned()));
    assert_eq!(played.outcome()["optionId"], "3");
}

#[test]
fn what_nobody_could_answer_is_refused_at_once() {
    let mut played = Played::opened();
    let yes = json!({ "optionId": "yes", "name": "Yes", "kind": "allow_once" });
    let no = json!({ "optionId": "no", "name": "No", "kind": "reject_once" });
    let mut refused = |message: Value| {
        let before = played.to_agent.len();
        played.agent(message.clone());
        assert_eq!(played.to_agent.len(), before + 1, "{message}");
        let answer = played.to_agent.last().unwrap().clone();
        assert_eq!(answer["id"], message["id"]);
        assert_ne!(answer["result"]["outcome"]["optionId"], "yes", "{answer}");
    };
    let ask = |params: Value| json!({ "id": 9, "method": wire::PERMISSION, "params": params });
    for options in [
        json!([]),
        json!([no]),
        json!([yes, { "optionId": "yes", "name": "Always", "kind": "allow_always" }]),
        (0..26)
            .map(|n| json!({ "optionId": n.to_string(), "name": "x", "kind": "allow_once" }))
            .collect(),
    ] {
        refused(ask(json!({ "sessionId": "s", "toolCall": run("a", "make"), "options": options })));
    }
    refused(ask(
        json!({ "sessionId": "another", "toolCall": run("a", "x"), "options": [yes, no] }),
    ));
    refused(ask(json!({ "sessionId": "s", "options": [yes, no] })));
    refused(ask(json!(["s", run("a", "make"), [yes, no]])));
    refused(json!({ "id": 9, "method": wire::PERMISSION }));
    let long = "x".repeat(1 << 20);
    refused(ask(json!({ "sessionId": "s", "toolCall": run("a", &long), "options": [yes, no] })));
    assert!(played.asked.is_empty());
    assert_eq!(played.to_client.len(), 1, "none of it reaches the client");
}

#[test]
fn a_field_that_is_there_twice_is_no_request() {
    let mut played = Played::opened();
    let input = r#"{"command":"ls","command":"rm -rf ."}"#;
    let line = format!(
        "{{\"id\":4,\"method\":\"{}\",\"params\":{{\"sessionId\":\"s\",\"toolCall\":{{\
         \"toolCallId\":\"a\",\"rawInput\":{input}}},\"options\":[{{\"optionId\":\"yes\",\
         \"name\":\"Yes\",\"kind\":\"allow_once\"}}]}}}}",
        wire::PERMISSION
    );
    let effects = played.relay.agent_sent(line.as_bytes().to_vec());
    played.take(effects);
    assert_eq!(*played.outcome(), json!({ "outcome": "cancelled" }));
    assert!(played.asked.is_empty());
}

#[test]
fn two_requests_under_one_number_are_both_refused() {
    let mut played = Played::opened();
    played.asks(json!(1), run("a", "ls"));
    played.asks(json!(1.0), run("b", "rm -rf ."));
    assert_eq!(*played.outcome(), json!({ "outcome": "cancelled" }));
    assert_eq!(played.withdrawn, [(played.asked[0].0, text::SAME_ID)]);
    assert_eq!(played.asked.len(), 1);
    let told = played.to_agent.len();
    played.allow(0);
    assert_eq!(played.to_agent.len(), told, "the number has its answer");
}

#[test]
fn thousands_of_requests_stay_few() {
    let mut played = Played::opened();
    for n in 0..5_000 {
        played.asks(json!(n), run("a", &format!("make {n}")));
    }
    assert_eq!(played.asked.len(), 100);
    let told = played.to_agent.len();
    assert_eq!(told, 1 + 4_900);
    assert_eq!(*played.outcome(), json!({ "outcome": "selected", "optionId": "no" }));
    let mut effects = Vec::new();
    played.relay.requests.end(text::AGENT_GONE, &mut effects);
    played.take(effects);
    assert_eq!(played.withdrawn.len(), 100);
    assert_eq!(played.to_agent.len(), told + 100);
}

#[test]
fn a_client_cannot_answer_what_it_was_not_asked() {
    let mut played = Played::opened();
    played.asks(json!(0), run("a", "make"));
    let sent = played.to_agent.len();
    played.client(
        json!({ "id": 0, "result": { "outcome": { "outcome": "selected", "optionId": "yes" } } }),
    );
    played.client(json!({ "id": 0.0, "result": {} }));
    assert_eq!(played.to_agent.len(), sent);
    // Nor what the agent has not asked yet, or has its answer to.
    let yes = json!({ "outcome": { "outcome": "selected", "optionId": "yes" } });
    played.client(json!({ "id": 1, "result": yes }));
    played.asks(json!(1), run("b", "make clean"));
    played.allow(0);
    let sent = played.to_agent.len();
    played.client(json!({ "id": 0, "result": yes }));
    assert_eq!(played.to_agent.len(), sent);
    assert_eq!(played.told, [text::NOT_ASKED; 4]);
}

#[test]
fn a_client_answers_each_request_that_it_was_sent_once() {
    let mut played = Played::opened();
    let read = |id: Value| json!({ "id": id, "method": "fs/read_text_file", "params": {} });
    played.agent(read(json!("r")));
    assert_eq!(played.to_client.last(), Some(&read(json!("r"))));
    let sent = played.to_agent.len();
    played.client(json!({ "id": "r", "result": { "content": "x" } }));
    played.client(json!({ "id": "r", "result": { "content": "y" } }));
    assert_eq!(played.to_agent.len(), sent + 1);
}

#[test]
fn an_answer_to_another_request_under_the_same_number_answers_nothing() {
    let mut played = Played::opened();
    played.agent(json!({ "id": 3, "method": "terminal/create", "params": {} }));
    played.asks(json!(3), run("a", "make"));
    assert!(played.asked.is_empty());
    assert_eq!(played.to_agent.last().unwrap()["error"]["message"], text::SAME_ID);
    let sent = played.to_agent.len();
    played.client(
        json!({ "id": 3, "result": { "outcome": { "outcome": "selected", "optionId": "yes" } } }),
    );
    assert_eq!(played.to_agent.len(), sent);
}

#[test]
fn requests_that_a_client_never_answers_stay_few() {
    let mut played = Played::opened();
    let before = played.to_client.len();
    for n in 0..=MOST_PASSED_ON {
        played.agent(json!({ "id": n, "method": "terminal/create", "params": {} }));
    }
    assert_eq!(played.to_client.len(), before + MOST_PASSED_ON);
    assert_eq!(played.to_agent.last().unwrap()["error"]["message"], text::TOO_MANY);
}

#[test]
fn lines_that_are_no_message_reach_nobody() {
    let mut played = Played::opened();
    for line in [
        "Listening on port 7",
        "[{\"id\":1,\"method\":\"session/request_permission\",\"params\":{}}]",
        "{\"method\":\"a\",\"method\":\"session/request_permission\",\"id\":1,\"params\":{}}",
        "{\"id\":1,\"method\":\"session/request_permission\"",
    ] {
        let effects = played.relay.agent_sent(format!("{line}\n").into_bytes());
        assert!(matches!(effects.as_slice(), [Effect::Tell(_)]), "{line}: {effects:?}");
    }
    // Without a usable id, nobody could answer.
    played.agent(json!({ "method": wire::PERMISSION, "params": {} }));
    assert!(played.asked.is_empty() && played.to_client.len() == 1);
}
