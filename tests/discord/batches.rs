//! Several decisions on one card.

use discord_sandbox::Sandbox;
use gander::core::batch::Batching;
use gander::core::decision::{Decision, Request, Risk};
use serde_json::Value;

use crate::bot::{Bot, LIMIT, can_decide, cards_of, id, request};

/// All batch cards that hang, oldest first.
pub(crate) fn batches(sandbox: &Sandbox) -> Vec<Value> {
    let view = sandbox.view("maya").unwrap();
    let is_batch = |message: &&Value| message["embeds"][0]["title"].as_str().is_some_and(|title| title.starts_with("Batch "));
    let hanging = view.channels.iter().flat_map(|channel| &channel.messages).filter(is_batch);
    hanging.filter(|message| message["flags"].as_u64() != Some(64)).cloned().collect()
}

/// Waits until a batch's card is as it should be.
pub(crate) async fn batch(bot: &Bot, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let probe = |sandbox: &Sandbox| batches(sandbox).into_iter().rev().find(&is_so);
    let found = bot.sandbox.wait_for(&format!("a batch: {what}"), LIMIT, probe).await;
    found.unwrap_or_else(|error| panic!("{error:?}; there are {:#?}", batches(&bot.sandbox)))
}

pub(crate) fn low(title: &str) -> Request {
    Request { risk: Risk::Low, kind: "routine".into(), ..request(title) }
}

pub(crate) fn shows(message: &Value, words: &str) -> bool {
    message.to_string().contains(words)
}

pub(crate) async fn ask_low(bot: &Bot, count: usize) -> Vec<Decision> {
    let mut asked = Vec::new();
    for number in 1..=count {
        asked.push(bot.ask(low(&format!("Rename module {number}"))).await);
    }
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn three_of_low_risk_share_a_card_and_a_lone_one_has_its_own() {
    let bot = Bot::start_batching(Batching::default()).await;
    let (lone, own) = bot.ask_and_see(low("Alone?")).await;
    let more = ask_low(&bot, 2).await;
    let card = batch(&bot, "of three", |card| shows(card, "3 decisions")).await;
    for decision in more.iter().chain([&lone]) {
        assert!(shows(&card, &format!("**{}**", decision.id)), "{card:#}");
    }
    let moved = bot.card(lone.id, "says where it went", |card| shows(card, "together with others")).await;
    assert_eq!((id(&moved), moved["components"].as_array().map_or(0, Vec::len)), (id(&own), 0), "{moved:#}");
    assert!(shows(&moved, id(&card)), "it leads there: {moved:#}");
    let none_else = |sandbox: &Sandbox| {
        let own = more.iter().flat_map(|decision| cards_of(sandbox, decision.id));
        (!own.into_iter().any(|card| can_decide(&card))).then_some(())
    };
    bot.sandbox.wait_for("no other card with buttons", LIMIT, none_else).await.unwrap();
    assert_eq!(batches(&bot.sandbox).len(), 1);
}
