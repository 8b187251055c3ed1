//! Requests over a turn: answered, cancelled, given up; modes and forms.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_yes_is_for_once_and_a_no_says_so() {
    let mut played = Played::opened();
    played.asks(json!(5), run("a", "make"));
    played.allow(0);
    assert_eq!(*played.outcome(), json!({ "outcome": "selected", "optionId": "yes" }));
    assert_eq!(played.to_agent.last().unwrap()["id"], 5);
    played.asks(json!("six"), run("b", "make install"));
    played.answer(1, denied(Denier::Person));
    assert_eq!(*played.outcome(), json!({ "outcome": "selected", "optionId": "no" }));
    assert_eq!(
        played.to_agent.last().unwrap()["result"]["_meta"]["gander"]["message"],
        "Rejected by Maya: no"
    );
    // The card says that the agent does not learn why.
    assert_eq!(played.reported, [(8, Outcome::Succeeded, text::REASON_UNTOLD.to_owned())]);
    assert!(played.to_client.len() == 1, "the client sees no request");
}

#[test]
fn a_call_that_ran_is_reported_once() {
    let mut played = Played::opened();
    played.asks(json!(5), run("a", "make"));
    played.allow(0);
    let update = |id: &str, status: &str| {
        json!({ "method": wire::UPDATE, "params": { "sessionId": "s", "update": {
            "sessionUpdate": "tool_call_update", "toolCallId": id, "status": status,
            "rawOutput": { "output": "2 errors" } } } })
    };
    played.agent(update("other", "completed"));
    played.agent(update("a", "in_progress"));
    played.agent(update("a", "failed"));
    played.agent(update("a", "completed"));
    assert_eq!(played.reported, [(7, Outcome::Failed, "2 errors".to_owned())]);
}

#[test]
fn one_yes_is_for_one_of_equal_calls() {
    let mut played = Played::opened();
    for id in 0..3 {
        played.asks(json!(id), run(&format!("call-{id}"), "make"));
    }
    played.asks(json!(3), run("other", "make test"));
    assert_eq!(played.asked.len(), 2, "the second and third wait behind the first");
    played.allow(0);
    assert_eq!(played.to_agent.last().unwrap()["id"], 0);
    assert_eq!(played.asked.len(), 3, "the second is asked now");
    let last = played.asked[2].0;
    let effects = played.relay.requests.answered(last, Answer::failed("no".into()));
    played.take(effects);
    assert_eq!(played.to_agent.last().unwrap()["id"], 1);
    assert_eq!(played.asked.len(), 4);
}

#[test]
fn a_cancelled_turn_ends_its_requests_before_the_agent_hears_of_it() {
    let mut played = Played::opened();
    played.client(json!({ "id": 2, "method": wire::LOAD,
        "params": { "sessionId": "t", "cwd": "/home/maya/shop" } }));
    played.asks(json!(0), run("a", "make"));
    played.asks(json!(1), run("b", "make"));
    played.agent(json!({ "id": 2, "method": wire::PERMISSION, "params": { "sessionId": "t",
        "toolCall": run("c", "make"), "options": [
            { "optionId": "yes", "name": "Yes", "kind": "allow_once" }] } }));
    let sent = played.to_agent.len();
    played.client(json!({ "method": "session/cancel", "params": { "sessionId": "s" } }));
    let told: Vec<&Value> = played.to_agent[sent..].iter().collect();
    assert_eq!(told.len(), 3, "{told:?}");
    for answer in &told[..2] {
        assert_eq!(answer["result"]["outcome"], json!({ "outcome": "cancelled" }));
    }
    assert_eq!(told[2]["method"], "session/cancel");
    // The second was never asked, and the other session goes on.
    assert_eq!(played.withdrawn, [(played.asked[0].0, text::TURN_CANCELLED)]);
    played.allow(0);
    assert_eq!(
        played.reported,
        [(7, Outcome::Failed, text::TOO_LATE.to_owned())],
        "an answer that comes too late reaches nobody"
    );
    assert_eq!(played.to_agent.len(), sent + 3);
    played.allow(1);
    assert_eq!(played.to_agent.last().unwrap()["id"], 2);
}

#[test]
fn a_call_that_is_asked_again_waits_until_its_question_is_withdrawn() {
    let mut played = Played::opened();
    played.asks(json!(0), run("a", "make"));
    played.asks(json!(1), run("b", "make"));
    played.client(json!({ "method": "session/cancel", "params": { "sessionId": "s" } }));
    played.asks(json!(2), run("c", "make"));
    assert_eq!(played.asked.len(), 1, "it would be the same decision, which is being withdrawn");
    let effects = played.relay.requests.withdrawn(played.asked[0].0);
    played.take(effects);
    assert_eq!(played.asked.len(), 2);
    played.allow(1);
    assert_eq!(played.to_agent.last().unwrap()["id"], 2);
}

#[test]
fn the_agent_may_give_up_its_own_requests_only() {
    let mut played = Played::opened();
    played.asks(json!(0), run("a", "make"));
    let give_up =
        |id: Value| json!({ "method": wire::CANCEL_REQUEST, "params": { "requestId": id } });
    played.agent(give_up(json!("0")));
    assert_eq!(played.to_client.last().unwrap()["method"], wire::CANCEL_REQUEST);
    assert_eq!(played.withdrawn, []);
    played.agent(give_up(json!(0)));
    assert_eq!(played.to_agent.last().unwrap()["error"]["code"], wire::GIVEN_UP);
    assert_eq!(played.withdrawn, [(played.asked[0].0, text::GIVEN_UP)]);
    // Of the client, it is about the client's requests.
    played.asks(json!(1), run("b", "make"));
    played.client(give_up(json!(1)));
    assert_eq!(played.to_agent.last().unwrap()["method"], wire::CANCEL_REQUEST);
    assert_eq!(played.withdrawn.len(), 1);
}

#[test]
fn modes_that_ask_nobody_are_refused() {
    fn of(id: u64, method: &str, params: Value) -> Value {
        json!({ "id": id, "method": method, "params": params })
    }
    let prompt = |id| of(id, wire::PROMPT, json!({ "sessionId": "s", "prompt": [] }));
    let set_mode =
        |id, mode: &str| of(id, wire::SET_MODE, json!({ "sessionId": "s", "modeId": mode }));
    let mut played = Played::opened();
    let sent = played.to_agent.len();
    played.client(set_mode(5, "yolo"));
    played.client(json!({ "id": 6, "method": "session/set_config_option",
        "params": { "sessionId": "s", "configId": "mode", "value": "bypassPermissions" } }));
    assert_eq!(played.to_agent.len(), sent);
    for (answer, id) in played.to_client[1..].iter().zip([5, 6]) {
        assert_eq!((&answer["id"], answer["error"].is_object()), (&json!(id), true));
    }
    played.client(json!({ "id": 7, "method": "session/set_config_option",
        "params": { "sessionId": "s", "configId": "model", "value": "yolo-7b" } }));
    played.client(set_mode(8, "plan"));
    assert_eq!(played.to_agent.len(), sent + 2);
    // The agent switches by itself: no further prompt.
    played.client(prompt(9));
    assert_eq!(played.to_agent.len(), sent + 3);
    played.agent(json!({ "method": wire::UPDATE, "params": { "sessionId": "s", "update": {
        "sessionUpdate": "current_mode_update", "currentModeId": "yolo" } } }));
    assert!(played.told.last().unwrap().contains("yolo"));
    played.client(prompt(10));
    assert_eq!(played.to_agent.len(), sent + 3);
    assert!(
        played.to_client.last().unwrap()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--allow-mode yolo")
    );
    played.client(set_mode(11, "default"));
    played.agent(json!({ "id": 11, "result": {} }));
    played.client(prompt(12));
    assert_eq!(played.to_agent.len(), sent + 5);
}

#[test]
fn forms_go_to_people_or_to_a_client_that_fills_them_in() {
    let form = |id: u64, fields: Value| {
        json!({ "id": id, "method": wire::ELICITATION, "params": {
        "sessionId": "s", "mode": "form", "message": "Which?",
        "requestedSchema": { "type": "object", "properties": fields } } })
    };
    let one = json!({ "db": { "type": "string", "enum": ["pg", "sqlite"] } });
    let two = json!({ "a": { "type": "string" }, "b": { "type": "string" } });
    for client_fills in [false, true] {
        let mut played = Played::opened();
        let capabilities =
            if client_fills { json!({ "elicitation": { "form": {} } }) } else { json!({}) };
        played.client(json!({ "id": 0, "method": "initialize", "params": {
            "protocolVersion": 1, "clientCapabilities": capabilities } }));
        let told = played.to_agent.last().unwrap()["params"]["clientCapabilities"].clone();
        assert_eq!(told["elicitation"]["form"], json!({}));
        played.agent(form(1, one.clone()));
        assert_eq!(played.asked.len(), 1);
        played.answer(0, Answered::Chosen("sqlite".into()));
        assert_eq!(
            played.to_agent.last().unwrap()["result"],
            json!({ "action": "accept", "content": { "db": "sqlite" } })
        );
        played.agent(form(2, one.clone()));
        played.answer(1, denied(Denier::Person));
        assert_eq!(played.to_agent.last().unwrap()["result"], json!({ "action": "decline" }));
        let (to_agent, to_client) = (played.to_agent.len(), played.to_client.len());
        played.agent(form(3, two.clone()));
        assert_eq!(played.to_client.len() - to_client, usize::from(client_fills));
        assert_eq!(played.to_agent.len() - to_agent, usize::from(!client_fills));
        assert_eq!(played.asked.len(), 2);
    }
}
