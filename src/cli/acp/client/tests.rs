//! Gander as a client, with an agent that answers in one way or another.

use super::*;
use crate::cli::acp::effect::{Answer, Answered, AskId, AskedQuestion};
use crate::cli::acp::relay::tests::schema;
use crate::core::decision::Outcome;

struct Played {
    client: Client,
    sent: Vec<Value>,
    printed: String,
    told: Vec<String>,
    asked: Vec<(AskId, AskedQuestion)>,
    withdrawn: Vec<&'static str>,
}

impl Played {
    fn new(task: Task) -> Self {
        let setup = Setup { root: "/home/maya/shop".into(), ..Setup::default() };
        let (client, first) = Client::start(setup, AllowedModes::default(), "an-agent", task);
        let mut played = Self {
            client,
            sent: Vec::new(),
            printed: String::new(),
            told: Vec::new(),
            asked: Vec::new(),
            withdrawn: Vec::new(),
        };
        played.take(first);
        played
    }

    fn of(session: Option<&str>, mode: Option<&str>) -> Self {
        Self::new(Task {
            prompt: "Fix it".into(),
            session: session.map(Into::into),
            mode: mode.map(Into::into),
            cwd: "/home/maya/shop".into(),
        })
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::ToAgent(line) => {
                    let message: Value = serde_json::from_slice(&line).unwrap();
                    let checked = match message["method"].as_str() {
                        Some("initialize") => Some("InitializeRequest"),
                        Some("session/new") => Some("NewSessionRequest"),
                        Some("session/load") => Some("LoadSessionRequest"),
                        Some("session/resume") => Some("ResumeSessionRequest"),
                        Some("session/set_mode") => Some("SetSessionModeRequest"),
                        Some("session/prompt") => Some("PromptRequest"),
                        Some("session/cancel") => Some("CancelNotification"),
                        _ => None,
                    };
                    if let Some(name) = checked {
                        assert!(schema(name).is_valid(&message["params"]), "{message}");
                    }
                    self.sent.push(message);
                }
                Effect::Print(words) => self.printed.push_str(&words),
                Effect::Tell(words) => self.told.push(words),
                Effect::Ask { ask, question } => self.asked.push((ask, *question)),
                Effect::Withdraw { why, .. } => self.withdrawn.push(why),
                Effect::Report { .. } | Effect::ToClient(_) => {}
            }
        }
    }

    fn agent(&mut self, message: Value) {
        let effects = self.client.agent_sent(format!("{message}\n").as_bytes());
        self.take(effects);
    }

    /// Answers the request that was sent last.
    fn answer(&mut self, result: Value) {
        let id = self.sent.last().unwrap()["id"].clone();
        self.agent(json!({ "jsonrpc": "2.0", "id": id, "result": result }));
    }

    fn update(&mut self, update: Value) {
        self.agent(
            json!({ "method": wire::UPDATE, "params": { "sessionId": "s", "update": update } }),
        );
    }

    fn says(&mut self, words: &str) {
        self.update(json!({ "sessionUpdate": "agent_message_chunk",
            "content": { "type": "text", "text": words } }));
    }

    fn methods(&self) -> Vec<&str> {
        self.sent.iter().filter_map(|message| message["method"].as_str()).collect()
    }

    fn prompted() -> Self {
        let mut played = Self::of(None, None);
        played.answer(json!({ "protocolVersion": 1, "agentInfo": { "name": "goose" } }));
        played.answer(json!({ "sessionId": "s" }));
        played
    }
}

fn permission(id: u64) -> Value {
    json!({ "id": id, "method": wire::PERMISSION, "params": { "sessionId": "s",
        "toolCall": { "toolCallId": "a", "kind": "execute", "rawInput": { "command": "make" } },
        "options": [{ "optionId": "yes", "name": "Yes", "kind": "allow_once" },
            { "optionId": "no", "name": "No", "kind": "reject_once" }] } })
}

#[test]
fn a_prompt_is_sent_and_the_agents_words_are_printed() {
    let mut played = Played::prompted();
    assert_eq!(played.methods(), ["initialize", "session/new", "session/prompt"]);
    assert_eq!(played.sent[2]["params"]["prompt"][0]["text"], "Fix it");
    played.says("I look");
    played.says(" around.");
    played.update(json!({ "sessionUpdate": "tool_call", "toolCallId": "a", "title": "make",
        "status": "pending" }));
    played.agent(permission(0));
    let (ask, AskedQuestion::Call(asked)) = played.asked[0].clone() else { panic!() };
    assert_eq!(
        (asked.call.agent.as_str(), asked.context.words.as_str()),
        ("goose", "I look around.")
    );
    let answer =
        Answer { decision: Some(3), verdict: Answered::Allowed { words: "Approved.".into() } };
    let effects = played.client.requests.answered(ask, answer);
    played.take(effects);
    assert_eq!(played.sent.last().unwrap()["result"]["outcome"]["optionId"], "yes");
    let effects = played.client.agent_sent(
        json!({ "method": wire::UPDATE, "params": {
        "sessionId": "s", "update": { "sessionUpdate": "tool_call_update", "toolCallId": "a",
        "status": "completed", "rawOutput": "ok" } } })
        .to_string()
        .as_bytes(),
    );
    assert!(effects.contains(&Effect::Report {
        decision: 3,
        outcome: Outcome::Succeeded,
        text: "ok".into()
    }));
    played.says("Done.");
    let prompt = json!({ "id": 3, "result": { "stopReason": "end_turn" } });
    played.agent(prompt);
    assert_eq!(played.printed, "I look around.\nDone.\n");
    assert_eq!(played.client.end(), Some(&End::Stopped("end_turn".into())));
}

#[test]
fn nothing_is_offered_to_the_agent_but_answers() {
    let mut played = Played::prompted();
    let capabilities = &played.sent[0]["params"]["clientCapabilities"];
    assert_eq!(capabilities["terminal"], false);
    for method in ["fs/read_text_file", "fs/write_text_file", "terminal/create", "_x/y"] {
        played.agent(json!({ "id": "r", "method": method, "params": {} }));
        assert_eq!(played.sent.last().unwrap()["error"]["code"], wire::NO_METHOD);
    }
    played.agent(json!({ "id": 9, "method": wire::ELICITATION, "params": { "sessionId": "s",
        "mode": "url", "message": "Log in", "elicitationId": "e", "url": "https://x" } }));
    assert_eq!(played.sent.last().unwrap()["result"], json!({ "action": "decline" }));
}

#[test]
fn a_session_is_continued_where_the_agent_can() {
    let initialized = |capabilities: Value| json!({ "agentCapabilities": capabilities });
    let mut loaded = Played::of(Some("s"), None);
    loaded.answer(initialized(json!({ "loadSession": true })));
    assert_eq!(loaded.methods(), ["initialize", "session/load"]);
    loaded.says("what was said before");
    loaded.answer(json!({}));
    loaded.says("more");
    assert_eq!(loaded.printed, "more");
    let mut resumed = Played::of(Some("s"), None);
    resumed.answer(initialized(json!({ "sessionCapabilities": { "resume": {} } })));
    assert_eq!(resumed.methods(), ["initialize", "session/resume"]);
    let mut refused = Played::of(Some("s"), None);
    refused.answer(initialized(json!({})));
    assert!(matches!(refused.client.end(), Some(End::Failed(why)) if why.contains("--continue")));
}

#[test]
fn a_mode_without_questions_gets_no_prompt() {
    let mut played = Played::of(None, None);
    played.answer(json!({}));
    played.answer(json!({ "sessionId": "s", "modes": { "currentModeId": "bypassPermissions" } }));
    assert!(matches!(played.client.end(), Some(End::Failed(why)) if why.contains("--allow-mode")));
    assert_eq!(played.methods(), ["initialize", "session/new"]);
    let mut set = Played::of(None, Some("plan"));
    set.answer(json!({}));
    set.answer(json!({ "sessionId": "s", "modes": { "currentModeId": "yolo" } }));
    set.answer(json!({}));
    assert_eq!(set.methods(), ["initialize", "session/new", "session/set_mode", "session/prompt"]);
}

#[test]
fn the_person_stops_the_agent() {
    let mut played = Played::prompted();
    played.agent(permission(0));
    let effects = played.client.cancel().unwrap();
    played.take(effects);
    let told: Vec<&Value> = played.sent[3..].iter().collect();
    assert_eq!(told[0]["result"]["outcome"]["outcome"], "cancelled");
    assert_eq!(told[1]["method"], "session/cancel");
    assert_eq!(played.withdrawn, [text::TURN_CANCELLED]);
    assert!(played.client.cancel().is_none(), "the second time, the agent is not waited for");
    played.agent(json!({ "id": 3, "result": { "stopReason": "cancelled" } }));
    assert_eq!(played.client.end(), Some(&End::Stopped("cancelled".into())));
}

#[test]
fn an_agent_that_fails_is_named() {
    let mut played = Played::of(None, None);
    played.answer(json!({}));
    let id = played.sent.last().unwrap()["id"].clone();
    played.agent(
        json!({ "id": id, "error": { "code": -32000, "message": "Authentication required" } }),
    );
    let Some(End::Failed(why)) = played.client.end() else { panic!() };
    assert!(why.contains("Authentication required"), "{why}");
    let mut unnamed = Played::of(None, None);
    unnamed.answer(json!({}));
    unnamed.answer(json!({}));
    assert!(matches!(unnamed.client.end(), Some(End::Failed(_))));
    // Answers to other numbers, and garbage, change nothing.
    let mut other = Played::prompted();
    other.agent(json!({ "id": 99, "result": { "stopReason": "end_turn" } }));
    let effects = other.client.agent_sent(b"{\"id\":3,\n");
    other.take(effects);
    assert_eq!((other.client.end(), other.told.len()), (None, 2));
}
