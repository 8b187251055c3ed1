//! The relay with what real agents sent.

mod hostile;
mod turns;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::*;
use crate::cli::acp::call::Arguments;
use crate::cli::acp::effect::{Answer, Answered, AskId, AskedQuestion, CallAnswers, Denier};
use crate::cli::acp::requests::ShownOptions;
use crate::core::decision::Outcome;

/// A recorded line and who sent it.
enum Recorded {
    Client(String),
    Agent(String),
}

fn recorded(name: &str) -> Vec<Recorded> {
    let path = format!("{}/fixtures/acp/{name}.transcript", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let line = |line: &str| match line.split_at(4) {
        ("C>A ", message) => Recorded::Client(message.into()),
        ("A>C ", message) => Recorded::Agent(message.into()),
        other => panic!("{other:?}"),
    };
    text.lines().map(line).collect()
}

pub(in crate::cli::acp) fn schema(name: &str) -> Validator {
    let path = format!("{}/fixtures/acp/schema.json", env!("CARGO_MANIFEST_DIR"));
    let mut schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    schema["$ref"] = format!("#/$defs/{name}").into();
    jsonschema::validator_for(&schema).unwrap()
}

/// A relay, and what it wanted done.
struct Played {
    relay: Relay,
    to_agent: Vec<Value>,
    to_client: Vec<Value>,
    asked: Vec<(AskId, AskedQuestion)>,
    withdrawn: Vec<(AskId, &'static str)>,
    reported: Vec<(i64, Outcome, String)>,
    told: Vec<String>,
}

impl Played {
    fn new(show: ShownOptions) -> Self {
        let setup = Setup { root: "/home/maya/shop".into(), home: None, show };
        let relay = Relay::new(setup, AllowedModes::default(), "an-agent");
        Self {
            relay,
            to_agent: Vec::new(),
            to_client: Vec::new(),
            asked: Vec::new(),
            withdrawn: Vec::new(),
            reported: Vec::new(),
            told: Vec::new(),
        }
    }

    /// One whose client has opened the session `s` of an agent.
    fn opened() -> Self {
        let mut played = Self::new(ShownOptions::YesOrNo);
        played.client(json!({ "id": 1, "method": wire::NEW,
            "params": { "cwd": "/home/maya/shop", "mcpServers": [] } }));
        played.agent(json!({ "id": 1, "result": { "sessionId": "s" } }));
        played
    }

    fn take(&mut self, effects: Vec<Effect>) {
        let value = |line: Vec<u8>| {
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
            serde_json::from_slice::<Value>(&line).unwrap()
        };
        for effect in effects {
            match effect {
                Effect::ToAgent(line) => self.to_agent.push(value(line)),
                Effect::ToClient(line) => self.to_client.push(value(line)),
                Effect::Ask { ask, question } => self.asked.push((ask, *question)),
                Effect::Withdraw { ask, why } => self.withdrawn.push((ask, why)),
                Effect::Report { decision, outcome, text } => {
                    self.reported.push((decision, outcome, text));
                }
                Effect::Tell(words) => self.told.push(words),
                Effect::Print(words) => panic!("{words}"),
            }
        }
    }

    fn agent(&mut self, message: Value) {
        let effects = self.relay.agent_sent(format!("{message}\n").into_bytes());
        self.take(effects);
    }

    fn client(&mut self, message: Value) {
        let effects = self.relay.client_sent(format!("{message}\n").into_bytes());
        self.take(effects);
    }

    fn answer(&mut self, at: usize, verdict: Answered) {
        let effects = self.relay.requests.answered(
            self.asked[at].0,
            Answer { decision: Some(7 + i64::try_from(at).unwrap()), verdict },
        );
        self.take(effects);
    }

    fn allow(&mut self, at: usize) {
        self.answer(at, Answered::Allowed { words: "Approved by Maya.".into() });
    }

    fn asks(&mut self, id: Value, call: Value) {
        self.asks_with(
            id,
            call,
            json!([
                { "optionId": "yes", "name": "Yes", "kind": "allow_once" },
                { "optionId": "always", "name": "Always", "kind": "allow_always" },
                { "optionId": "no", "name": "No", "kind": "reject_once" },
            ]),
        );
    }

    fn asks_with(&mut self, id: Value, call: Value, options: Value) {
        self.agent(json!({ "jsonrpc": "2.0", "id": id, "method": wire::PERMISSION,
            "params": { "sessionId": "s", "toolCall": call, "options": options } }));
    }

    /// The outcome that the agent was told last.
    fn outcome(&self) -> &Value {
        &self.to_agent.last().unwrap()["result"]["outcome"]
    }
}

fn run(id: &str, command: &str) -> Value {
    json!({ "toolCallId": id, "title": command, "kind": "execute",
        "rawInput": { "command": command } })
}

fn denied(by: Denier) -> Answered {
    Answered::Denied { words: "Rejected by Maya: no".into(), by }
}

/// Plays a recording. Where people decide, each question about a call is approved, and the first
/// option of another is chosen. Returns what was asked, in short.
fn played(name: &str, show: ShownOptions) -> (Played, String) {
    let mut played = Played::new(show);
    let permission = schema("RequestPermissionResponse");
    let elicitation = schema("CreateElicitationResponse");
    let mut lines = String::new();
    for line in recorded(name) {
        match line {
            // The recorded client answered itself.
            Recorded::Client(line)
                if !line.contains("\"method\"") && line.contains("\"result\"") => {}
            Recorded::Client(line) => {
                let effects = played.relay.client_sent(format!("{line}\n").into_bytes());
                played.take(effects);
            }
            Recorded::Agent(line) => {
                let before = played.asked.len();
                let effects = played.relay.agent_sent(format!("{line}\n").into_bytes());
                played.take(effects);
                if played.asked.len() == before {
                    continue;
                }
                let (_, question) = played.asked.last().unwrap().clone();
                lines.push_str(&in_short(&question));
                let verdict = match &question {
                    AskedQuestion::Call(call) => match &call.answers {
                        CallAnswers::YesOrNo => Answered::Allowed { words: "Approved.".into() },
                        CallAnswers::Options { options, .. } => {
                            Answered::Chosen(options[0].name.clone())
                        }
                    },
                    AskedQuestion::Question(asked) => {
                        Answered::Chosen(asked.options[0].name.clone())
                    }
                };
                played.answer(before, verdict);
                let answer = &played.to_agent.last().unwrap()["result"];
                let valid =
                    if line.contains(wire::ELICITATION) { &elicitation } else { &permission };
                assert!(valid.is_valid(answer), "{answer}");
                lines.push_str(&format!("→ {answer}\n\n"));
            }
        }
    }
    (played, lines)
}

fn in_short(question: &AskedQuestion) -> String {
    match question {
        AskedQuestion::Call(asked) => {
            let call = &asked.call;
            let unknown = if asked.arguments == Arguments::Unknown { " (unknown)" } else { "" };
            let options = match &asked.answers {
                CallAnswers::YesOrNo => String::new(),
                CallAnswers::Options { options, yes, .. } => {
                    format!("{yes:?}: {options:#?}\n")
                }
            };
            format!(
                "call by {}{unknown}: {} {} in {}\n{options}",
                call.agent,
                call.tool,
                call.input,
                call.cwd.display()
            )
        }
        AskedQuestion::Question(asked) => {
            let options: Vec<&str> =
                asked.options.iter().map(|option| option.name.as_str()).collect();
            format!("{}: {} ({}) {options:?}\n", asked.agent.name, asked.message, asked.header)
        }
    }
}

#[test]
fn what_real_agents_ask_is_understood() {
    let all = ["claude-question", "claude-plan", "kimi", "kimi-form", "opencode", "qwen"];
    let told: Vec<String> = all
        .iter()
        .map(|name| format!("══ {name}\n{}", played(name, ShownOptions::YesOrNo).1))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn people_may_be_shown_the_agents_own_options() {
    insta::assert_snapshot!(played("claude-question", ShownOptions::Agents).1);
}

#[test]
fn everything_else_passes_as_it_came() {
    for name in ["claude-question", "claude-plan", "kimi", "kimi-form", "opencode", "qwen"] {
        let mut relay = Played::new(ShownOptions::YesOrNo).relay;
        for line in recorded(name) {
            let (line, effects) = match line {
                Recorded::Client(line) => {
                    let line = format!("{line}\n");
                    // The relay adds that forms can be filled in.
                    if line.contains("\"initialize\"") && !line.contains("\"elicitation\"") {
                        continue;
                    }
                    (line.clone(), relay.client_sent(line.into_bytes()))
                }
                Recorded::Agent(line) => {
                    let line = format!("{line}\n");
                    (line.clone(), relay.agent_sent(line.into_bytes()))
                }
            };
            let is_ours =
                [wire::PERMISSION, wire::ELICITATION].iter().any(|ours| line.contains(ours));
            let is_answer =
                line.contains("\"result\": {\"outcome\"") || line.contains("\"action\"");
            let passed = effects.iter().any(|effect| match effect {
                Effect::ToAgent(sent) | Effect::ToClient(sent) => *sent == line.as_bytes(),
                _ => false,
            });
            assert_eq!(passed, !is_ours && !is_answer, "{line}");
        }
    }
    let mut relay = Played::opened().relay;
    for line in [
        "{ \"jsonrpc\" : \"2.0\",\"method\":\"_x\", \"params\": {\"b\":1e3,\"a\":\"\\ud83d\"}}\r\n",
        "{\"id\":\"seven\",\"method\":\"craft/drainMidTurnQueue\",\"params\":null}\n",
        "{\"id\":3,\"method\":\"fs/read_text_file\",\"params\":{\"path\":\"/etc/passwd\"}}\n",
    ] {
        let effects = relay.agent_sent(line.as_bytes().to_vec());
        assert_eq!(effects, [Effect::ToClient(line.as_bytes().to_vec())]);
        let effects = relay.client_sent(line.as_bytes().to_vec());
        assert_eq!(effects, [Effect::ToAgent(line.as_bytes().to_vec())]);
    }
    let error = b"{\"id\":99,\"error\":{\"code\":-32000,\"message\":\"log in\"}}".to_vec();
    assert_eq!(relay.agent_sent(error.clone()), [Effect::ToClient(error)]);
    for blank in ["\n", "  \r\n"] {
        assert_eq!(relay.agent_sent(blank.as_bytes().to_vec()), []);
    }
}
