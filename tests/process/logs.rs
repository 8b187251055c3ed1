//! The log: for people or for programs, with the number of the decision that a line is about, and
//! without secrets.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use discord_sandbox::{Effect, Fault, Match, Sandbox};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::common::cards::{card_that, click, open_card, reject};
use crate::common::process::{Home, Program, sandbox};

fn with(mut command: Command, args: &[&str]) -> Command {
    command.args(args);
    command
}

/// The tokens of all interactions that there were.
fn interaction_tokens(sandbox: &Sandbox) -> Vec<String> {
    let journal = sandbox.journal(0);
    let told = journal.iter().filter(|entry| entry.method.contains("INTERACTION_CREATE"));
    told.filter_map(|entry| entry.body["token"].as_str()).map(ToOwned::to_owned).collect()
}

/// A bot's life with all that goes through its hands: cards, clicks, forms, a command, answers that
/// fail.
async fn live(home: &Home, sandbox: &Sandbox, serve: Command) -> String {
    let mut serve = serve;
    serve.env("RUST_LOG", "trace");
    let bot = Program::start(serve);
    bot.err.line("the gateway is ready").await;
    let maya = sandbox.user("maya").unwrap();
    let mut ask = home.gander(&["ask", "Deploy?", "--wait"]);
    ask.env("RUST_LOG", "trace");
    let agent = Program::start(ask);
    let card = open_card(sandbox, 1).await;
    assert!(maya.command(&card_channel(&card.0), "attention", json!({})).await.ok);
    // Both tries to open the form fail.
    sandbox.fault(Fault {
        times: 2,
        ..Fault::once(Match::new("POST", "/interactions"), Effect::status(503))
    });
    assert!(!click(&maya, &card, "reject").await.ok);
    sandbox.clear_faults();
    bot.err.line("Discord did not accept the response to a click").await;
    assert!(reject(&maya, &card, "Not on a Friday").await.ok);
    let ended = agent.ended().await;
    ended.must(1, &["Not on a Friday"]);
    card_that(sandbox, 1, "is decided", |card| card.control("approve").is_none()).await;
    bot.signal("TERM").await;
    let said = bot.ended().await;
    said.must(0, &[]);
    format!("{}{}{}{}", said.out, said.err, ended.out, ended.err)
}

fn card_channel(card: &Value) -> String {
    card["channel_id"].as_str().unwrap().to_owned()
}

fn must_hold_no_secret(sandbox: &Sandbox, said: &str) {
    let token = sandbox.addresses().token.clone();
    let header = format!("Bot {token}");
    let mut secrets =
        vec![token.clone(), token.rsplit('.').next().unwrap().to_owned(), header.clone()];
    for plain in [&token, &header] {
        secrets.extend([
            STANDARD.encode(plain),
            STANDARD_NO_PAD.encode(plain),
            URL_SAFE_NO_PAD.encode(plain),
        ]);
        secrets.push(format!("{:?}", plain.as_bytes()).trim_matches(['[', ']']).to_owned());
    }
    let interactions = interaction_tokens(sandbox);
    assert!(interactions.len() >= 3, "there were interactions: {interactions:?}");
    for token in interactions {
        secrets.push(STANDARD.encode(&token));
        secrets.push(token);
    }
    for secret in secrets {
        if let Some(line) = said.lines().find(|line| line.contains(&secret)) {
            panic!("a secret was said: {line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_text_at_any_level_without_a_token() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let said = live(&home, &sandbox, with(home.serve(&sandbox), &["--log", "text"])).await;
    assert!(said.contains("DEBUG"), "there was much to look through:\n{said}");
    assert!(
        said.contains("card posted decision=1") && said.contains("click{decision=1}"),
        "{said}"
    );
    must_hold_no_secret(&sandbox, &said);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_json_at_any_level_without_a_token_and_with_the_decisions_number() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("[log]\nformat = \"json\"\n");
    let said = live(&home, &sandbox, home.serve(&sandbox)).await;
    must_hold_no_secret(&sandbox, &said);
    let lines: Vec<Value> =
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for words in [
        "card posted",
        "done on Discord",
        "happened",
        "Discord did not accept the response to a click",
    ] {
        let is =
            |line: &&Value| line["message"].as_str().is_some_and(|message| message.contains(words));
        let line = lines.iter().find(is).unwrap_or_else(|| panic!("no {words:?} in\n{said}"));
        assert!(line["decision"] == 1 || line["span"]["decision"] == 1, "{line}");
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_on_the_command_line_goes_before_the_file() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("[log]\nformat = \"json\"\n");
    let bot = Program::start(with(home.serve(&sandbox), &["--log", "text"]));
    bot.err.line("the gateway is ready").await;
    assert!(
        bot.err.so_far().lines().all(|line| serde_json::from_str::<Value>(line).is_err()),
        "{}",
        bot.err.so_far()
    );
    Program::start(with(home.serve(&sandbox), &["--log", "xml"]))
        .ended()
        .await
        .must(2, &["write text or json"]);
    home.configure("[log]\nformat = \"xml\"\n");
    Program::start(home.serve(&sandbox))
        .ended()
        .await
        .must(2, &["gander.toml:2", "write text or json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_much_is_logged_can_be_chosen() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let mut quiet = home.serve(&sandbox);
    quiet.env("RUST_LOG", "error");
    let bot = Program::start(quiet);
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    let card = open_card(&sandbox, 1).await;
    // A card may come before the gateway is ready, and this log does not say when that is.
    let maya = sandbox.user("maya").unwrap();
    let mut answered = false;
    for _ in 0..5 {
        answered = answered || click(&maya, &card, "approve").await.ok;
    }
    assert!(answered);
    bot.signal("TERM").await;
    let ended = bot.ended().await;
    ended.must(0, &[]);
    assert_eq!(ended.err, "");
}
