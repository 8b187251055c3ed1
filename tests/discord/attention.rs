//! `/attention`: what waits on one person, in order, page by page, and decided from the list.

use chrono::TimeDelta;
use gander::core::decision::{Priority, Risk};
use serde_json::{Value, json};

use crate::bot::{Bot, can_decide, click, custom_ids, defer, id, reject, request, words};

async fn attention(bot: &Bot, who: &str) -> Value {
    let channel = bot.sandbox.addresses().channel_id("general").unwrap().to_owned();
    let outcome = bot.person(who).command(&channel, "attention", json!({})).await;
    assert!(outcome.ok, "{outcome:?}");
    let message = outcome.message.unwrap();
    assert_eq!(message["flags"], 64, "only they see it");
    message
}

/// Chooses a decision from the list's menu.
async fn open(bot: &Bot, who: &str, list: &Value, number: i64) -> Value {
    let menu = custom_ids(list).into_iter().find(|id| id.contains(":open:")).unwrap();
    bot.person(who).select(id(list), &menu, &[&number.to_string()]).await.message.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits() {
    let bot = Bot::start().await;
    insta::assert_snapshot!(
        "attention_nothing",
        attention(&bot, "maya").await["content"].as_str().unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_urgent_stands_first_and_pages_turn() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    for (title, priority, risk, sla) in [
        ("an ordinary one", Priority::Normal, Risk::Medium, None),
        ("a breached one", Priority::Low, Risk::Low, Some(600)),
        ("a soon breached one", Priority::Normal, Risk::Medium, Some(3600)),
        ("an urgent one", Priority::Urgent, Risk::Low, None),
        ("a riskier one", Priority::Normal, Risk::High, None),
        ("a calm one", Priority::Low, Risk::Medium, None),
        ("a later ordinary one", Priority::Normal, Risk::Medium, None),
    ] {
        bot.ask_and_see(gander::core::decision::Request {
            priority,
            risk,
            sla_seconds: sla,
            ..request(title)
        })
        .await;
    }
    bot.advance(TimeDelta::minutes(11));
    let maya = bot.person("maya");
    let first = attention(&bot, "maya").await;
    insta::assert_snapshot!("attention_page_1", pen.message(&first));
    let next = custom_ids(&first).into_iter().find(|id| id.ends_with(":page:1:2")).unwrap();
    let second = maya.click(id(&first), &next).await.message.unwrap();
    insta::assert_snapshot!("attention_page_2", pen.message(&second));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_can_be_given_from_the_list() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    for title in ["one", "two", "three"] {
        bot.ask_and_see(request(title)).await;
    }
    let jonas = bot.person("jonas");
    let list = attention(&bot, "jonas").await;
    let opened = open(&bot, "jonas", &list, 1).await;
    insta::assert_snapshot!("attention_opened", pen.message(&opened));
    let decided = click(&jonas, &opened, "approve").await.message.unwrap();
    insta::assert_snapshot!("attention_decided", pen.message(&decided));
    let list = click(&jonas, &decided, "page").await.message.unwrap();
    let opened = open(&bot, "jonas", &list, 2).await;
    let decided = reject(&jonas, &opened, "No.").await.message.unwrap();
    let list = click(&jonas, &decided, "page").await.message.unwrap();
    let opened = open(&bot, "jonas", &list, 3).await;
    let decided = defer(&jonas, &opened, "2h").await.message.unwrap();
    let empty = click(&jonas, &decided, "page").await;
    assert!(words(&empty).contains("Nothing waits"), "{empty:?}");
    for (number, word) in [(1, "Approved"), (2, "Rejected"), (3, "Deferred")] {
        let card = bot
            .card(gander::core::decision::DecisionId(number), word, |card| {
                card.to_string().contains(word)
            })
            .await;
        assert_eq!(can_decide(&card), word == "Deferred");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_sees_that_nothing_waits_on_them() {
    let bot = Bot::start().await;
    bot.ask_and_see(request("Not Sven's")).await;
    assert!(
        attention(&bot, "sven").await["content"].as_str().unwrap().contains("Nothing waits on you")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_decides_by_direct_message_has_their_roles_there_too() {
    let bot = Bot::start().await;
    bot.ask_and_see(request("In private?")).await;
    let jonas = bot.person("jonas");
    let dm = jonas.view().dm().unwrap().id.clone();
    let list = jonas.command(&dm, "attention", json!({})).await.message.unwrap();
    assert_eq!(list["embeds"][0]["title"], "1 decision waits on you");
}
