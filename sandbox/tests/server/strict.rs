//! As strict as Discord: every case of `fixtures/invalid` is refused with its status, code, paths
//! and words, and every case of `fixtures/valid`, mostly at the limits, is accepted.
//!
//! A case names its source, and in `not_verified` what the source does not say. In bodies
//! `{"$repeat": [TEXT, N]}` stands for a long text, `{"$join": [TEXT, …]}` for texts put together,
//! and `{"$list": [N, ITEM]}` for a list, in whose texts `#` is the element's number.

use std::collections::BTreeMap;

use discord_sandbox::Sandbox;
use reqwest::{Method, multipart};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::common::{INTENTS, LIMIT, Rest, Socket, channel, register, relaxed, text};

/// The areas, each a file for each kind of case.
const INVALID: &[(&str, &str)] = &[
    ("messages", include_str!("fixtures/invalid/messages.json")),
    ("embeds", include_str!("fixtures/invalid/embeds.json")),
    ("components", include_str!("fixtures/invalid/components.json")),
    ("commands", include_str!("fixtures/invalid/commands.json")),
    ("forms", include_str!("fixtures/invalid/forms.json")),
    ("callbacks", include_str!("fixtures/invalid/callbacks.json")),
    ("requests", include_str!("fixtures/invalid/requests.json")),
];
const VALID: &[(&str, &str)] = &[
    ("messages", include_str!("fixtures/valid/messages.json")),
    ("embeds", include_str!("fixtures/valid/embeds.json")),
    ("components", include_str!("fixtures/valid/components.json")),
    ("commands", include_str!("fixtures/valid/commands.json")),
    ("callbacks", include_str!("fixtures/valid/callbacks.json")),
    ("requests", include_str!("fixtures/valid/requests.json")),
];

fn cases(areas: &[(&str, &str)]) -> Vec<(String, Value)> {
    let mut cases = Vec::new();
    for (area, json) in areas {
        let list: Vec<Value> = serde_json::from_str(json).unwrap();
        cases.extend(
            list.into_iter().map(|case| (format!("{area}: {}", text(&case, "name")), case)),
        );
    }
    cases
}

#[tokio::test]
async fn what_discord_refuses_is_refused_in_its_words() {
    let mut stage = Stage::set().await;
    let cases = cases(INVALID);
    assert!(cases.len() >= 200);
    let mut deviations = Vec::new();
    for (name, case) in &cases {
        assert!(case["source"].is_string(), "{name} has no source");
        let (status, answer) = stage.send(case).await;
        let told = told(&answer["errors"]);
        let wanted = wanted(case);
        let words = case["message"].as_str();
        let fits = status == case["status"]
            && answer["code"] == case["code"]
            && words.is_none_or(|words| answer["message"] == words)
            && told.len() == wanted.len()
            && told.iter().zip(&wanted).all(|(told, wanted)| is_told(told, wanted));
        if !fits {
            deviations.push(format!("{name}\n  wanted {wanted:?}\n  got {status} {answer}"));
        }
    }
    assert!(deviations.is_empty(), "{} deviate:\n{}", deviations.len(), deviations.join("\n"));
    let seen = stage.sandbox.view("maya").unwrap().messages("general").len();
    assert_eq!(seen, 1, "nothing was posted");
}

#[tokio::test]
async fn what_discord_accepts_is_accepted() {
    let mut stage = Stage::set().await;
    let cases = cases(VALID);
    assert!(cases.len() >= 80);
    let mut deviations = Vec::new();
    for (name, case) in &cases {
        let (status, answer) = stage.send(case).await;
        let fits = match &case["status"] {
            Value::String(_) => (200..300).contains(&status),
            wanted => status == *wanted,
        };
        if !fits {
            deviations.push(format!("{name}\n  got {status} {answer}"));
        }
    }
    assert!(deviations.is_empty(), "{} deviate:\n{}", deviations.len(), deviations.join("\n"));
}

/// What Discord has and the sandbox has not, in the middle of what it has.
#[tokio::test]
async fn what_is_not_simulated_is_refused_by_its_name() {
    let mut stage = Stage::set().await;
    let path = "/channels/{general}/messages";
    let message = |body: Value| json!({ "method": "POST", "path": path, "body": body });
    let command = json!({
        "method": "POST", "path": "/applications/{application}/commands",
        "body": { "type": 4, "name": "launch" },
    });
    let activity = json!({
        "method": "POST", "path": "{callback}", "interaction": "command", "body": { "type": 12 },
    });
    for (case, kind, name) in [
        (message(json!({ "flags": 1 << 13 })), "field", "flags: IS_VOICE_MESSAGE in a message"),
        (message(json!({ "poll": { "question": {} } })), "field", "poll in a message"),
        (message(json!({ "sticker_ids": ["1"] })), "field", "sticker_ids in a message"),
        (
            message(json!({ "message_reference": { "type": 1, "message_id": "1" } })),
            "field",
            "message_reference: FORWARD in a message",
        ),
        (command, "field", "type: PRIMARY_ENTRY_POINT in a command"),
        (activity, "field", "type: 12 in a callback"),
        (json!({ "method": "GET", "path": "//v8/users/@me" }), "version", "8 of the API"),
    ] {
        let since = stage.sandbox.journal(0).last().map_or(0, |entry| entry.n);
        let (status, answer) = stage.send(&case).await;
        assert_eq!((status, &answer["code"]), (501, &json!(0)), "{answer}");
        assert_eq!(answer["not_simulated"], json!({ kind: name }));
        assert!(text(&answer, "message").contains(name), "{answer}");
        let journal = stage.sandbox.journal(since);
        let marked = journal.iter().find_map(|entry| entry.gap.clone());
        assert_eq!(marked.unwrap(), format!("{kind} {name}"));
    }
}

/// One error: its path, code and words.
type Told = (String, String, String);

/// The errors of an answer, by path.
fn told(errors: &Value) -> Vec<Told> {
    let mut told = Vec::new();
    let mut places = vec![(String::new(), errors)];
    while let Some((path, place)) = places.pop() {
        for (key, value) in place.as_object().into_iter().flatten() {
            if key == "_errors" {
                let errors = value.as_array().unwrap().iter();
                told.extend(errors.map(|error| {
                    let [code, words] = ["code", "message"].map(|key| text(error, key).to_owned());
                    (path.clone(), code, words)
                }));
            } else {
                let dot = if path.is_empty() { "" } else { "." };
                places.push((format!("{path}{dot}{key}"), value));
            }
        }
    }
    told.sort();
    told
}

fn wanted(case: &Value) -> Vec<Told> {
    let errors = case["errors"].as_array().into_iter().flatten();
    let word = |error: &Value, index: usize| error[index].as_str().unwrap().to_owned();
    let mut wanted: Vec<_> =
        errors.map(|error| (word(error, 0), word(error, 1), word(error, 2))).collect();
    wanted.sort();
    wanted
}

/// Whether an error is as wanted; words that end with `…` are given in part.
fn is_told(told: &Told, wanted: &Told) -> bool {
    let words = match wanted.2.strip_suffix('…') {
        Some(begin) => told.2.starts_with(begin),
        None => told.2 == wanted.2,
    };
    (&told.0, &told.1) == (&wanted.0, &wanted.1) && words
}

/// A sandbox with what the cases name.
struct Stage {
    sandbox: Sandbox,
    rest: Rest,
    socket: Socket,
    names: BTreeMap<&'static str, String>,
    /// Interactions that wait for their first answer, by kind, and what began them.
    waiting: BTreeMap<String, Value>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Stage {
    async fn set() -> Self {
        let sandbox = relaxed().await;
        let rest = Rest::of(&sandbox);
        let option = json!({ "type": 3, "name": "what", "description": "d", "autocomplete": true });
        register(&sandbox, json!([{ "name": "ask", "description": "d", "options": [option] }]))
            .await;
        let general = channel(&sandbox, "general");
        let button = json!({ "type": 2, "style": 1, "label": "go", "custom_id": "go" });
        let rows = json!([{ "type": 1, "components": [button] }]);
        let message = rest.say(&general, json!({ "content": "m", "components": rows })).await;
        let (socket, _) = Socket::ready(&sandbox, INTENTS).await;
        let addresses = sandbox.addresses();
        let names = [
            ("{general}", general),
            ("{locked}", channel(&sandbox, "locked")),
            ("{message}", text(&message, "id").to_owned()),
            ("{application}", addresses.application_id.clone()),
            ("{bot}", addresses.application_id.clone()),
            ("{guild}", addresses.guild_id.clone()),
            ("{jonas}", addresses.user_id("jonas").unwrap().to_owned()),
        ];
        let (waiting, tasks) = (BTreeMap::new(), Vec::new());
        Self { rest, socket, names: names.into(), waiting, tasks, sandbox }
    }

    /// Sends the request of a case; returns the status and the answer.
    async fn send(&mut self, case: &Value) -> (u16, Value) {
        let mut path = self.named(text(case, "path"));
        let kind = case["interaction"].as_str();
        if let Some(kind) = kind {
            let interaction = self.interaction(kind).await;
            let [id, token] = ["id", "token"].map(|key| text(&interaction, key).to_owned());
            path = path.replace("{callback}", &format!("/interactions/{id}/{token}/callback"));
        }
        let method: Method = text(case, "method").parse().unwrap();
        let mut request = self.rest.request(method, &path);
        if let Some(other) = path.strip_prefix("//") {
            request = self.rest.request_beside(&format!("/{other}"));
        }
        let body = self.expanded(&case["body"], None);
        if let Some(raw) = case["raw"].as_str() {
            request = request.body(raw.to_owned());
            if let Some(content_type) = case["content_type"].as_str() {
                request = request.header("content-type", content_type);
            }
        } else if let Some(files) = case["files"].as_u64() {
            request = request.multipart(form(&body, files));
        } else if !body.is_null() {
            request = request.json(&body);
        }
        let response = tokio::time::timeout(LIMIT, request.send()).await.unwrap().unwrap();
        let status = response.status().as_u16();
        let answer = serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null);
        if let Some(kind) = kind.filter(|_| status < 300) {
            self.waiting.remove(kind);
        }
        (status, answer)
    }

    /// An interaction of a kind that nobody has answered yet.
    async fn interaction(&mut self, kind: &str) -> Value {
        if let Some(waiting) = self.waiting.get(kind) {
            return waiting.clone();
        }
        let maya = self.sandbox.user("maya").unwrap();
        let [general, message] = ["{general}", "{message}"].map(|name| self.names[name].clone());
        if kind == "form" {
            let opened = self.opened().await;
            let values = json!({ "i": "x" });
            self.tasks.push(tokio::spawn(async move { drop(maya.submit(&opened, values).await) }));
        } else {
            let kind = kind.to_owned();
            self.tasks.push(tokio::spawn(async move {
                match kind.as_str() {
                    "command" => drop(maya.command(&general, "ask", Value::Null).await),
                    "component" => drop(maya.click(&message, "go").await),
                    "autocomplete" => {
                        drop(maya.complete(&general, "ask", Value::Null, "what").await);
                    }
                    other => panic!("there is no interaction of kind {other}"),
                }
            }));
        }
        let interaction = self.socket.event("INTERACTION_CREATE").await;
        self.waiting.insert(kind.to_owned(), interaction.clone());
        interaction
    }

    /// The id of a form that is open.
    async fn opened(&mut self) -> String {
        let maya = self.sandbox.user("maya").unwrap();
        let message = self.names["{message}"].clone();
        let click = tokio::spawn(async move { maya.click(&message, "go").await });
        let interaction = self.socket.event("INTERACTION_CREATE").await;
        let input = json!({ "type": 4, "custom_id": "i", "style": 1, "label": "l" });
        let rows = json!([{ "type": 1, "components": [input] }]);
        let data = json!({ "title": "t", "custom_id": "f", "components": rows });
        self.rest.respond(&interaction, json!({ "type": 9, "data": data })).await;
        let outcome = tokio::time::timeout(LIMIT, click).await.unwrap().unwrap();
        outcome.modal_id().unwrap().to_owned()
    }

    /// A text with the names replaced.
    fn named(&self, text: &str) -> String {
        let replaced = |text: String, (name, value): (&&str, &String)| text.replace(*name, value);
        self.names.iter().fold(text.to_owned(), replaced)
    }

    /// A body with what its abbreviations stand for; `#` is the number of a list's element.
    fn expanded(&self, body: &Value, number: Option<usize>) -> Value {
        let inner = |value: &Value| self.expanded(value, number);
        if let [text, times] = parts(&body["$repeat"]) {
            return json!(text.as_str().unwrap().repeat(times.as_u64().unwrap() as usize));
        }
        if let [length, item] = parts(&body["$list"]) {
            let numbers = 0..length.as_u64().unwrap() as usize;
            return numbers.map(|number| self.expanded(item, Some(number))).collect();
        }
        if let texts @ [_, ..] = parts(&body["$join"]) {
            let texts = texts.iter().map(|text| inner(text).as_str().unwrap().to_owned());
            return json!(texts.collect::<String>());
        }
        match body {
            Value::String(text) => {
                let text = self.named(text);
                json!(number.map_or(text.clone(), |n| text.replace('#', &n.to_string())))
            }
            Value::Array(values) => values.iter().map(inner).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), inner(value))).collect()
            }
            other => other.clone(),
        }
    }
}

fn parts(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A form with a body and this many small files.
fn form(body: &Value, files: u64) -> multipart::Form {
    let mut form = multipart::Form::new();
    if !body.is_null() {
        form = form.text("payload_json", body.to_string());
    }
    for n in 0..files {
        let part = multipart::Part::bytes(b"f".to_vec()).file_name(format!("f{n}.txt"));
        form = form.part(format!("files[{n}]"), part);
    }
    form
}
