//! Which server the bot works in: the first start decides, and nothing from elsewhere counts.

use std::sync::Arc;

use discord_sandbox::{Age, Sandbox};
use gander::core::decision::authorization::ApproverRule;
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::{TestClock, wall_time};
use gander::engine::operations::heartbeat;
use gander::store::Store;
use gander::surfaces::discord::{
    self, Api, Channels, ConnectError, DiscordSettings, ResponseTimes,
};
use serde_json::{Value, json};

use crate::bot::{Bot, LIMIT, click, control, deploy, id, request, words};
use crate::common::process::sandbox;
use crate::talk::say;

/// A start of the bot on a store, which is expected to fail.
async fn refused(sandbox: &Sandbox, handle: &Handle) -> String {
    let addresses = sandbox.addresses();
    let settings = DiscordSettings {
        token: addresses.token.as_str().into(),
        api: Api::Pinned {
            address: addresses.tls.trim_start_matches("https://").parse().unwrap(),
            ca: addresses.ca.clone().into(),
        },
        guild: None,
        channels: Channels::default(),
        response_times: ResponseTimes::default(),
    };
    let run = discord::run(handle.clone(), settings, std::future::pending());
    match tokio::time::timeout(LIMIT, run).await.expect("it ends") {
        Err(ConnectError::NoServer(words)) => words,
        other => panic!("{other:?}"),
    }
}

fn handle(folder: &tempfile::TempDir) -> Handle {
    let store = Store::open(&folder.path().join("gander.db"), None, wall_time()).unwrap();
    Handle::new(Arc::new(store), Rules::default(), Arc::new(TestClock::at(wall_time())))
}

fn guild(bot: &Bot) -> u64 {
    bot.sandbox.addresses().guild_id.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_pins_the_server_and_an_older_one_changes_nothing() {
    let bot = Bot::start().await;
    let own = guild(&bot);
    assert_eq!(bot.handle.operations().pinned_server().await.unwrap(), Some(own));
    bot.sandbox.invite("Evil", Age::Older);
    let bot = bot.restart().await;
    assert_eq!(bot.handle.operations().pinned_server().await.unwrap(), Some(own));
    let (_, card) = bot.ask_and_see(deploy()).await;
    assert!(click(&bot.person("maya"), &card, "take").await.ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_is_alerted_of_a_second_server_once() {
    let bot = Bot::start().await;
    heartbeat::begin(&bot.handle);
    bot.sandbox.invite("Evil", Age::Newer);
    let alerts = |sandbox: &Sandbox| {
        let view = sandbox.view("maya")?;
        let messages = &view.dm()?.messages;
        let is = |message: &&Value| message["content"].to_string().contains("also in the server");
        Some(messages.iter().filter(is).count()).filter(|count| *count > 0)
    };
    let count = bot.sandbox.wait_for("the alert", LIMIT, alerts).await.unwrap();
    assert_eq!(count, 1);
    let known = bot.handle.operations().heartbeat().unwrap().other_servers;
    assert_eq!(known.values().collect::<Vec<_>>(), ["Evil"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_none_is_chosen_without_a_word_of_the_operator() {
    let sandbox = sandbox().await;
    sandbox.invite("Evil", Age::Older);
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(&folder);
    let words = refused(&sandbox, &handle).await;
    assert!(
        words.contains("Evil") && words.contains(&sandbox.addresses().guild_id),
        "both are named: {words}"
    );
    assert!(words.contains("guild under [discord]") && words.contains("Public Bot"), "{words}");
    assert_eq!(handle.operations().pinned_server().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_no_longer_in_its_server_works_in_no_other() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let handle = handle(&folder);
    handle.operations().pin_server(4_711).await.unwrap();
    let words = refused(&sandbox, &handle).await;
    assert!(words.contains("no longer in the server 4711"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_menus_and_words_from_another_server_are_refused_and_tell_nothing() {
    let bot = Bot::start().await;
    let (decision, _) = bot.ask_and_see(deploy()).await;
    let there = bot.sandbox.invite("Evil", Age::Newer);
    let maya = bot.person("maya");
    let number = json!({ "decision": decision.id.0.to_string() });
    for (name, options) in [
        ("attention", json!({})),
        ("status", json!({})),
        ("help", json!({})),
        ("digest", json!({})),
        ("calibration", json!({})),
        ("decision", number.clone()),
        ("take", number.clone()),
        ("undo", number.clone()),
        ("snooze", json!({ "until": "30m" })),
        ("ask", json!({ "title": "Mine?" })),
    ] {
        let done = maya.command(&there, name, options).await;
        assert!(words(&done).contains("in its own server only"), "/{name}: {done:?}");
    }
    for (name, options, focused) in [
        ("approve", json!({ "decision": "" }), "decision"),
        ("ask", json!({ "title": "x", "project": "" }), "project"),
    ] {
        let offered = maya.complete(&there, name, options, focused).await;
        assert!(offered.choices.is_empty(), "/{name}: {offered:?}");
    }
    let me = &bot.sandbox.addresses().application_id;
    assert!(maya.message(&there, &format!("<@{me}> status")).await.ok);
    let now = bot.handle.approvals().get(decision.id).await.unwrap();
    assert_eq!(now.changed, decision.changed, "nothing was done");
    // What is said in the own server afterwards is answered: the words from there were not.
    assert!(!say(&bot, "maya", "status").await["content"].as_str().unwrap().is_empty());
    let view = bot.sandbox.view("maya").unwrap();
    let elsewhere = view.channels.iter().find(|channel| channel.id == there).unwrap();
    let said = |message: &&Value| message["author"]["bot"] == true && message["flags"] != 64;
    assert_eq!(elsewhere.messages.iter().find(said), None, "all see it");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_left_the_server_decides_nothing_by_a_direct_message() {
    let bot = Bot::start().await;
    // Jonas has the role, and a rule names him too.
    let jonas = bot.sandbox.addresses().user_id("jonas").unwrap().parse().unwrap();
    let rule = ApproverRule { users: vec![jonas], ..ApproverRule::default() };
    bot.handle.set_rules(Rules { approvers: vec![rule], ..(*bot.handle.rules()).clone() });
    let decision = bot.ask(request("Rename it?")).await;
    let list = say(&bot, "jonas", "what waits on me?").await;
    assert!(list.to_string().contains("Rename it?"), "{list:#}");
    let opened = bot.person("jonas").select(id(&list), &control(&list, "open"), &["1"]).await;
    let opened = opened.message.unwrap();
    // Another server is enough to write to the bot.
    bot.sandbox.invite("Evil", Age::Newer);
    bot.sandbox.set_member("jonas", false);
    let answer = say(&bot, "jonas", "approve 1").await;
    assert!(
        answer["content"].as_str().unwrap().contains("members of its own server"),
        "{answer:#}"
    );
    let clicked = click(&bot.person("jonas"), &opened, "approve").await;
    assert!(words(&clicked).contains("members of its own server"), "{clicked:?}");
    assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_projects_and_figures_are_for_approvers() {
    let bot = Bot::start().await;
    bot.ask_and_see(deploy()).await;
    let general = bot.sandbox.addresses().channel_id("general").unwrap().to_owned();
    let sven = bot.person("sven");
    for name in ["status", "digest", "calibration", "attention"] {
        let told = sven.command(&general, name, json!({})).await.message.unwrap().to_string();
        for secret in ["web-shop", "deploy", "<t:"] {
            assert!(!told.contains(secret), "/{name} tells of {secret}: {told}");
        }
    }
    let typed = json!({ "title": "x", "project": "" });
    let offered = sven.complete(&general, "ask", typed.clone(), "project").await;
    assert!(offered.choices.is_empty(), "{offered:?}");
    let status = say(&bot, "sven", "status").await.to_string();
    assert!(!status.contains("web-shop"), "{status}");
    let maya = bot.person("maya");
    let offered = maya.complete(&general, "ask", typed, "project").await;
    assert_eq!(offered.choices.len(), 1, "{offered:?}");
}
