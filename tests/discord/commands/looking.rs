//! Commands that only look, and those in the menu of a message.

use chrono::TimeDelta;
use gander::core::decision::{Outcome, Person, Request, Risk};
use serde_json::{Value, json};

use super::{command, content, entry, is_open, verdict};
use crate::bot::{Bot, click, custom_ids, defer, deploy, id, reject, request};

/// Uses a command of a message's menu; the answer, which nobody else sees.
async fn menu(bot: &Bot, who: &str, message: &Value, name: &str) -> Value {
    let outcome = bot.person(who).context(id(message), name).await;
    assert!(outcome.ok, "{name}: {outcome:?}");
    let message = outcome.message.unwrap();
    assert_eq!(message["flags"], 64, "only they see it");
    message
}

/// A decision to which much has happened.
async fn eventful(bot: &Bot) -> (gander::core::decision::Decision, Value) {
    let asked = Request { dedup_key: Some("sync".into()), ..deploy() };
    let (decision, card) = bot.ask_and_see(asked.clone()).await;
    defer(&bot.person("maya"), &card, "30m").await;
    bot.advance(TimeDelta::minutes(31));
    let card = bot.card(decision.id, "came back", |again| id(again) != id(&card)).await;
    click(&bot.person("jonas"), &card, "take").await;
    reject(&bot.person("jonas"), &card, "Not on a **Friday**.\n@everyone").await;
    let card =
        bot.card(decision.id, "rejected", |card| card.to_string().contains("Rejected")).await;
    click(&bot.person("jonas"), &card, "undo").await;
    bot.ask(Request { title: "Deploy contact sync on Monday".into(), ..asked }).await;
    let card = bot.card(decision.id, "revised", |card| card.to_string().contains("Monday")).await;
    click(&bot.person("maya"), &card, "approve").await;
    bot.handle.approvals().report(decision.id, Outcome::Succeeded, "rolled out").await.unwrap();
    let card = bot.card(decision.id, "done", |card| card.to_string().contains("rolled out")).await;
    (decision, card)
}

#[tokio::test(flavor = "multi_thread")]
async fn decision_shows_all_about_one_with_its_history() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    eventful(&bot).await;
    let picked = entry(&bot, "maya", "decision", "monday").await;
    insta::assert_snapshot!(
        "all_about_one",
        pen.message(&command(&bot, "maya", "decision", json!({ "decision": picked })).await)
    );
    let by_number = command(&bot, "jonas", "decision", json!({ "decision": "#1" })).await;
    assert!(content(&by_number).contains("**History**"), "a look needs no caution: {by_number:#}");
    let by_words = command(&bot, "jonas", "decision", json!({ "decision": "contact sync" })).await;
    assert!(content(&by_words).contains("**History**"), "{by_words:#}");
    for typed in ["7", "stripe"] {
        let none = command(&bot, "jonas", "decision", json!({ "decision": typed })).await;
        assert!(content(&none).contains("/attention"), "{none:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_one_is_shown_with_its_buttons_and_they_work() {
    let bot = Bot::start().await;
    let (decision, _) = bot.ask_and_see(request("Look, then decide")).await;
    let shown = command(&bot, "maya", "decision", json!({ "decision": "1" })).await;
    click(&bot.person("maya"), &shown, "approve").await;
    verdict(&bot, &decision).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_may_look_and_not_decide() {
    let bot = Bot::start().await;
    let maya = bot.sandbox.addresses().user_id("maya").unwrap().parse().unwrap();
    let own =
        Request { asked_by: Some(Person::discord(maya, "Maya")), ..request("My own question") };
    let (decision, _) = bot.ask_and_see(own).await;
    let shown = command(&bot, "maya", "decision", json!({ "decision": "1" })).await;
    assert!(
        content(&shown).contains("My own question") && custom_ids(&shown).is_empty(),
        "{shown:#}"
    );
    let refused = command(&bot, "maya", "approve", json!({ "decision": "1" })).await;
    assert!(content(&refused).contains("You asked #1 yourself"), "{refused:#}");
    assert_eq!(super::offered(&bot, "maya", "approve", "").await, []);
    assert!(is_open(&bot, &decision).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_is_cut_in_the_middle_and_the_rest_is_a_file() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let asked = Request { dedup_key: Some("often".into()), ..request("Asked very often") };
    let (decision, card) = bot.ask_and_see(asked.clone()).await;
    for number in 2..=60 {
        bot.ask(Request { title: format!("Asked very often, {number} times"), ..asked.clone() })
            .await;
    }
    bot.card(decision.id, "revised", |card| card.to_string().contains("60 times")).await;
    let history = menu(&bot, "sven", &card, "History").await;
    insta::assert_snapshot!("history_cut", pen.message(&history));
    assert!(history["embeds"][0]["description"].as_str().unwrap().encode_utf16().count() <= 3_500);
    let all = command(&bot, "maya", "decision", json!({ "decision": "1" })).await;
    assert!(content(&all).encode_utf16().count() <= 2_000, "{all:#}");
    let files: Vec<&str> = all["attachments"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|file| file["filename"].as_str())
        .collect();
    assert_eq!(files, ["history-1.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cards_menu_shows_its_history_to_its_readers() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (_, card) = eventful(&bot).await;
    let history = menu(&bot, "sven", &card, "History").await;
    insta::assert_snapshot!("history", pen.message(&history));
    assert!(history["mentions"].as_array().unwrap().is_empty());
    assert_eq!(history["mention_everyone"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cards_menu_opens_the_decision_even_from_a_card_that_was_left_behind() {
    let bot = Bot::start().await;
    let (decision, first) = bot.ask_and_see(request("Later?")).await;
    let refused = menu(&bot, "sven", &first, "Decide").await;
    assert!(content(&refused).contains("is for") && custom_ids(&refused).is_empty(), "{refused:#}");
    defer(&bot.person("maya"), &first, "30m").await;
    bot.advance(TimeDelta::minutes(31));
    bot.card(decision.id, "came back", |again| id(again) != id(&first)).await;
    let opened = menu(&bot, "jonas", &first, "Decide").await;
    click(&bot.person("jonas"), &opened, "approve").await;
    assert_eq!(verdict(&bot, &decision).await.1, "Jonas");
    let over = menu(&bot, "maya", &first, "Decide").await;
    assert!(content(&over).starts_with("✅"), "{over:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_card_is_said_to_be_none() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (_, card) = bot.ask_and_see(request("A card")).await;
    let written = bot
        .person("maya")
        .message(&super::channel(&bot), "#1 · approve this")
        .await
        .message
        .unwrap();
    for name in ["Decide", "History"] {
        let answer = menu(&bot, "maya", &written, name).await;
        insta::allow_duplicates! { insta::assert_snapshot!("no_card", pen.message(&answer)); }
    }
    let shown = menu(&bot, "maya", &card, "Decide").await;
    assert!(crate::common::cards::is_card_of(&shown, 1), "{shown:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_counts_by_project_and_says_what_is_wrong() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    insta::assert_snapshot!(
        "status_nothing",
        content(&command(&bot, "maya", "status", json!({})).await)
    );
    for (project, risk, sla) in [
        ("web-shop", Risk::Low, 600),
        ("web-shop", Risk::High, 60_000),
        ("notes", Risk::Low, 60_000),
    ] {
        bot.ask_and_see(Request {
            project: project.into(),
            risk,
            sla_seconds: Some(sla),
            ..request("open")
        })
        .await;
    }
    let (_, put_off) =
        bot.ask_and_see(Request { project: "notes".into(), ..request("later") }).await;
    defer(&bot.person("maya"), &put_off, "2h").await;
    bot.advance(TimeDelta::minutes(15));
    insta::assert_snapshot!(
        "status",
        pen.steady(content(&command(&bot, "jonas", "status", json!({})).await))
    );
    let stranger = command(&bot, "sven", "status", json!({})).await;
    assert!(content(&stranger).contains("none for you"), "{stranger:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn help_is_short_and_names_each_command() {
    let bot = Bot::start().await;
    let help = command(&bot, "sven", "help", json!({})).await;
    insta::assert_snapshot!("help", content(&help));
    let registered = bot.person("maya").view().commands;
    assert_eq!(registered.len(), 20);
    for command in registered {
        let name = command["name"].as_str().unwrap().to_owned();
        assert!(name == "help" || content(&help).contains(&name), "/help does not name {name}");
    }
}
