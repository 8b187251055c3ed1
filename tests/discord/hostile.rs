//! Texts of agents that try to be more than data: as they come out on the card, on a phone's lock
//! screen and at the terminal.

use std::path::Path;

use gander::core::decision::{Attachment, Decision, Detail, Insight, Request};
use gander::core::policy::rules::InvalidRequest;
use gander::core::untrusted::is_hidden;
use gander::engine::HandleError;
use regex::Regex;
use serde_json::Value;
use tokio::process::Command;

use crate::bot::{Bot, can_decide, click, id, reject, request};
use crate::texts::{Hostile, hostile};

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_come_out_as_text_everywhere() {
    let bot = Bot::start().await;
    let folder = tempfile::tempdir().unwrap();
    let cases = hostile(folder.path());
    assert_eq!(cases.len(), 13);
    for case in cases {
        let mut seen = format!("{}\n", case.about);
        let (decision, card) = bot.ask_and_see(case.request.clone()).await;
        seen.push_str(&drawn(&bot, "card", &card));
        seen.push_str(&format!("\nPHONE\n{}\n", phone(&bot, &case, &card)));
        for command in ["show", "attention"] {
            seen.push_str(&terminal(&bot, &case, &decision, command).await);
        }
        must_be_the_bots(&case, &card);
        assert!(can_decide(&card), "{}: it can be decided", case.case);
        let reason: String = case.text.chars().take(900).collect();
        let rejected = reject(&bot.person("maya"), &card, &reason).await;
        assert!(rejected.ok, "{}: {rejected:?}", case.case);
        let card = bot.card(decision.id, "rejected", |card| !can_decide(card)).await;
        let verdict = &card["embeds"][0]["fields"][0];
        let said = format!(
            "\nREJECTED\n{}\n{}\n",
            card["content"].as_str().unwrap(),
            verdict["value"].as_str().unwrap()
        );
        seen.push_str(&bot.pen().steady(&said));
        seen.push_str(&terminal(&bot, &case, &decision, "wait").await);
        must_be_text(&case, &card);
        must_be_the_bots(&case, &card);
        insta::assert_snapshot!(format!("hostile_{}", case.case), shortened(&seen));
        for project in case.projects {
            let asked = bot
                .handle
                .approvals()
                .ask(Request { project: project.clone(), ..request("Go on?") })
                .await;
            assert!(
                matches!(asked, Err(HandleError::InvalidRequest(InvalidRequest::Name { .. }))),
                "{project:?} passes for another project"
            );
        }
    }
    let blank = bot.handle.approvals().ask(request("\u{200B}\u{2800}\u{3164}")).await;
    assert!(
        matches!(blank, Err(HandleError::InvalidRequest(InvalidRequest::NoTitle))),
        "what is not seen is no title: {blank:?}"
    );
    let view = bot.person("sven").view();
    let pings: Vec<_> =
        view.notifications.iter().filter(|n| format!("{:?}", n.reason) != "Message").collect();
    assert!(pings.is_empty(), "nobody is pinged by an agent's text: {pings:?}");
}

/// No field of the card is named by an agent, and each line of an agent's in a field is a quotation
/// or stands in a numbered list.
fn must_be_the_bots(case: &Hostile, card: &Value) {
    const OWN: [&str; 15] = [
        "❌ Rejected",
        "Risk",
        "Answer by",
        "Asked",
        "Agent's confidence",
        "If nobody answers",
        "Options",
        "Details from the agent",
        "From the agent",
        "Pictures, left to right",
        "Approvals",
        "Still waiting",
        "Priority",
        "👋 On it",
        "🔑 Never put a secret on Discord",
    ];
    // The agent's explanation. What the bot says of its own above it is one line.
    let description = card["embeds"][0]["description"].as_str().unwrap_or_default();
    let own = |line: &str| {
        ["The attached decision-", "🔒 **", "⏳ Due "].iter().any(|start| line.starts_with(start))
    };
    for line in description.lines().filter(|line| !own(line)) {
        assert!(line.starts_with("> "), "{}: {description}", case.case);
    }
    for field in card["embeds"][0]["fields"].as_array().into_iter().flatten() {
        let (name, value) = (field["name"].as_str().unwrap(), field["value"].as_str().unwrap());
        assert!(OWN.contains(&name), "{}: {name}", case.case);
        if name == "Details from the agent" {
            let quoted = value.lines().all(|line| line.starts_with("> "));
            assert!(quoted, "{}, {name}: {value}", case.case);
        }
        if name == "Risk" {
            assert_eq!(value, "🟡 medium", "{}", case.case);
        }
    }
}

/// The message without its buttons, which are other tests' business.
fn drawn(bot: &Bot, what: &str, message: &Value) -> String {
    let mut message = message.clone();
    let options = message["components"][0].take();
    message["components"] = Value::Array(vec![options]);
    format!("\n{}\n{}", what.to_uppercase(), bot.pen().message(&message))
}

/// The line on the lock screen.
fn phone(bot: &Bot, case: &Hostile, card: &Value) -> String {
    must_be_text(case, card);
    let view = bot.person("maya").view();
    let note = view.notifications.iter().rev().find(|note| note.message_id == id(card)).unwrap();
    assert!(
        note.text.starts_with("🟡 routine needs your decision: "),
        "{}: {}",
        case.case,
        note.text
    );
    assert!(
        !note.text.contains('\n') && !note.text.contains("://"),
        "{}: {}",
        case.case,
        note.text
    );
    assert_eq!(
        note.text.matches(" · ").count(),
        2,
        "{}: no title goes on as the bot does: {}",
        case.case,
        note.text
    );
    note.text.clone()
}

/// What a command prints: text that no terminal obeys, in which nothing is hidden.
async fn terminal(bot: &Bot, case: &Hostile, decision: &Decision, command: &str) -> String {
    let printed = gander(bot, command, decision, &[]).await;
    must_be_plain(case, &printed);
    let hidden = printed.chars().filter(|c| *c != '\n').any(|c| is_hidden(c) || c.is_control());
    assert!(!hidden, "{}, {command}: {printed:?}", case.case);
    // What an approver wrote as a reason is theirs; what the agent wrote must not begin a line like
    // the program's own.
    let own = printed
        .lines()
        .filter(|line| line.starts_with("State ") || line.starts_with("Risk "))
        .count();
    let expected = if command == "show" { 2 } else { 0 };
    assert!(own == expected || command == "wait", "{}, {command}: {printed}", case.case);
    if command == "show" {
        let json = gander(bot, command, decision, &["--json"]).await;
        assert!(
            !json.trim_end().chars().any(|c| is_hidden(c) || c.is_control()),
            "{}: {json:?}",
            case.case
        );
        let said: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            said["decision"]["request"]["title"],
            Value::from(case.text.as_str()),
            "{}: JSON is faithful",
            case.case
        );
    }
    // On a loaded machine half a minute may have passed.
    let printed = Regex::new(r"\b29m\b").unwrap().replace_all(&printed, "30m");
    let times = Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC|4h 30m").unwrap();
    format!("\n$ gander {command}\n{}", times.replace_all(&printed, "TIME"))
}

pub(crate) async fn gander(bot: &Bot, command: &str, decision: &Decision, more: &[&str]) -> String {
    let folder: &Path = bot.folder.path();
    let config = folder.join("gander.toml");
    std::fs::write(&config, "time_zone = \"UTC\"\n").unwrap();
    let mut gander = Command::new(env!("CARGO_BIN_EXE_gander"));
    gander.env_clear().env("HOME", folder).current_dir(folder).arg(command);
    if command != "attention" {
        gander.arg(decision.id.0.to_string());
    }
    gander.arg("--store").arg(folder.join("gander.db")).arg("--config").arg(&config).args(more);
    let ended = gander.output().await.unwrap();
    assert!(ended.stdout.len() > 1, "{command}: {ended:?}");
    String::from_utf8(ended.stdout).unwrap()
}

/// Nothing on the message is hidden, pings, or is a secret.
fn must_be_text(case: &Hostile, message: &Value) {
    assert_eq!(message["mention_everyone"], false, "{}", case.case);
    assert!(message["mentions"].as_array().unwrap().is_empty(), "{}", case.case);
    for part in ["content", "embeds", "components", "attachments"] {
        let mut texts = Vec::new();
        texts_of(&message[part], &mut texts);
        for text in texts {
            must_be_plain(case, text);
            // The bot itself breaks up what looks like a mention of everybody.
            let rest = text.replace("@\u{200B}", "@");
            assert!(!rest.chars().any(|c| c != '\n' && is_hidden(c)), "{}: {text:?}", case.case);
        }
    }
}

fn must_be_plain(case: &Hostile, text: &str) {
    for gone in &case.gone {
        assert!(!text.contains(gone), "{}: {gone:?} stands in {text}", case.case);
    }
}

/// What a snapshot keeps of what was seen: a flood shows at its beginning and its end what it is.
fn shortened(seen: &str) -> String {
    const BEGIN: usize = 260;
    const END: usize = 60;
    let lines: Vec<&str> = seen.lines().collect();
    if lines.len() <= BEGIN + END {
        return seen.to_owned();
    }
    let left_out = format!("… {} lines …", lines.len() - BEGIN - END);
    [&lines[..BEGIN], &[left_out.as_str()], &lines[lines.len() - END..]].concat().join("\n")
}

fn texts_of<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| texts_of(value, texts)),
        Value::Object(members) => members.values().for_each(|value| texts_of(value, texts)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_beyond_all_limits_goes_into_a_file_that_survives_the_verdict() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let details =
        (0..40).map(|n| Detail { name: format!("fact {n}"), value: "v".repeat(300) }).collect();
    let picture = bot.folder.path().join("mockup.png");
    std::fs::write(&picture, b"not really a picture").unwrap();
    let insight = Insight {
        observation: "o".repeat(9_000),
        why_it_matters: "w".repeat(9_000),
        what_to_do: "d".repeat(9_000),
    };
    let long = Request {
        body: "A line of a plan.\n".repeat(3_000),
        details,
        insight,
        attachments: vec![Attachment { name: "mockup.png".into(), path: picture }],
        ..request(&"T".repeat(900))
    };
    let (decision, card) = bot.ask_and_see(long).await;
    insta::assert_snapshot!("beyond_all_limits", pen.message(&card));
    click(&bot.person("maya"), &card, "approve").await;
    let card = bot.card(decision.id, "approved", |card| !can_decide(card)).await;
    let files: Vec<&str> = card["attachments"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|file| file["filename"].as_str())
        .collect();
    assert_eq!(files, ["decision-1.md", "mockup.png"], "the verdict took no file away");
}
