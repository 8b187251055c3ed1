//! The notice about a mistake in the configuration, and rules that change under open decisions.

use discord_sandbox::{BotAccess, Effect, Fault, Match, Sandbox};
use gander::core::decision::authorization::ApproverRule;
use gander::core::decision::{Request, Risk};
use gander::core::policy::rules::{Rule, Rules};
use serde_json::Value;

use crate::bot::{Bot, LIMIT, approvers, can_decide, click, request};

const MISTAKE: &str = "gander.toml:3: unknown field `usres`: did you mean `users`?";

fn notices(sandbox: &Sandbox) -> Vec<Value> {
    let view = sandbox.view("maya").unwrap();
    let messages = view.channels.iter().flat_map(|channel| &channel.messages);
    let says = |message: &&Value| {
        message["content"].as_str().is_some_and(|words| words.contains("configuration"))
    };
    messages.filter(says).cloned().collect()
}

/// Waits for these notices, by how they begin.
async fn become_notices(bot: &Bot, beginnings: &[&str]) {
    let are = |sandbox: &Sandbox| {
        let found = notices(sandbox);
        let begins = |(message, beginning): (&Value, &&str)| {
            message["content"].as_str().is_some_and(|words| words.starts_with(*beginning))
        };
        (found.len() == beginnings.len() && found.iter().zip(beginnings).all(begins)).then_some(())
    };
    let waited = bot.sandbox.wait_for("the notices", LIMIT, are).await;
    assert!(waited.is_ok(), "{:#?} instead of {beginnings:?}", notices(&bot.sandbox));
}

fn says_of(bot: &Bot, mistake: Option<&str>) {
    bot.handle
        .operations()
        .update_heartbeat(|heartbeat| heartbeat.configuration = mistake.map(ToOwned::to_owned));
}

/// A bot that knows that it is one, as `serve` does.
async fn start() -> Bot {
    let bot = Bot::start().await;
    gander::engine::operations::heartbeat::begin(&bot.handle);
    bot
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_whose_answer_was_lost_is_posted_once_and_mended_after_a_restart() {
    let mut bot = start().await;
    bot.sandbox
        .fault(Fault::once(Match::new("POST", "/messages"), Effect::WithholdAnswer { ms: None }));
    says_of(&bot, Some(MISTAKE));
    become_notices(&bot, &["⚠️"]).await;
    bot.kill().await;
    bot.sandbox.clear_faults();
    // Its successor starts with a configuration that is in order.
    let bot = bot.restart().await;
    become_notices(&bot, &["✅ **Fixed**"]).await;
    let says = notices(&bot.sandbox).remove(0);
    let words = says["content"].as_str().unwrap();
    assert!(words.contains("> gander.toml:3: unknown field \\`usres\\`"), "{words}");
}

/// People wrote more than a page of messages before the bot came back.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_whose_answer_was_lost_is_found_above_many_messages() {
    let mut bot = start().await;
    bot.sandbox
        .fault(Fault::once(Match::new("POST", "/messages"), Effect::WithholdAnswer { ms: None }));
    says_of(&bot, Some(MISTAKE));
    become_notices(&bot, &["⚠️"]).await;
    bot.kill().await;
    bot.sandbox.clear_faults();
    let channel = notices(&bot.sandbox).remove(0)["channel_id"].as_str().unwrap().to_owned();
    for number in 0..130 {
        bot.person("maya").message(&channel, &format!("something else {number}")).await;
    }
    let bot = bot.restart().await;
    become_notices(&bot, &["✅ **Fixed**"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_somebody_deleted_is_let_go() {
    let bot = start().await;
    says_of(&bot, Some(MISTAKE));
    become_notices(&bot, &["⚠️"]).await;
    let notice = notices(&bot.sandbox).remove(0);
    let text = |field: &str| notice[field].as_str().unwrap().to_owned();
    bot.sandbox.delete_message(&text("channel_id"), &text("id"));
    says_of(&bot, Some("gander.toml: it is gone"));
    become_notices(&bot, &["⚠️"]).await;
    says_of(&bot, None);
    become_notices(&bot, &["✅"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mistake_quotes_pings_nobody_and_draws_nothing() {
    let bot = start().await;
    says_of(
        &bot,
        Some("gander.toml:1: unknown field `@everyone <@&7> **bold** [x](https://example.org)`"),
    );
    become_notices(&bot, &["⚠️"]).await;
    let notice = notices(&bot.sandbox).remove(0);
    assert_eq!(
        (&notice["mention_everyone"], notice["mention_roles"].as_array().map(Vec::len)),
        (&false.into(), Some(0)),
        "{notice:#}"
    );
    assert!(!notice["content"].as_str().unwrap().contains("**bold**"), "{notice:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_become_stricter_hold_for_what_is_open_and_redraw_its_card() {
    let bot = Bot::start().await;
    let project = |name: &str| Request { project: name.into(), risk: Risk::Low, ..request("Go?") };
    let (shop, _) = bot.ask_and_see(project("web-shop")).await;
    let (notes, _) = bot.ask_and_see(project("notes")).await;
    let strict = Rule { risk: Some(Risk::High), approvals: Some(2), ..Rule::default() };
    let rules = Rules {
        approvers: approvers(&bot.sandbox),
        projects: [("web-shop".to_owned(), strict)].into(),
        ..Rules::default()
    };
    bot.handle.set_rules(rules);
    bot.handle.operations().enforce_rules().await.unwrap();
    let card = bot
        .card(shop.id, "has high risk", |card| card["content"].to_string().contains("high risk"))
        .await;
    assert!(card["edited_timestamp"].is_string(), "drawn anew on the same message");
    assert_eq!(bot.handle.approvals().get(shop.id).await.unwrap().terms.approvals, 2);
    let untouched = bot.handle.event_log().history(notes.id).await.unwrap();
    assert_eq!(untouched.len(), 1, "{untouched:#?}");
    // Rules that become laxer loosen nothing that is open.
    bot.handle.set_rules(Rules { approvers: approvers(&bot.sandbox), ..Rules::default() });
    bot.handle.operations().enforce_rules().await.unwrap();
    assert_eq!(bot.handle.approvals().get(shop.id).await.unwrap().terms.risk, Risk::High);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_who_is_removed_is_not_counted_and_the_card_says_so() {
    let bot = Bot::start().await;
    let user = |name: &str| bot.sandbox.addresses().user_id(name).unwrap().parse::<u64>().unwrap();
    let of = |names: &[&str]| Rules {
        approvers: vec![ApproverRule {
            users: names.iter().map(|name| user(name)).collect(),
            ..ApproverRule::default()
        }],
        ..(*bot.handle.rules()).clone()
    };
    bot.handle.set_rules(of(&["maya", "jonas"]));
    let (decision, card) = bot
        .ask_and_see(Request { approvals_needed: 2, risk: Risk::Medium, ..request("Go?") })
        .await;
    click(&bot.person("jonas"), &card, "approve").await;
    bot.card(decision.id, "counts one", |card| card.to_string().contains("1 of 2")).await;
    bot.handle.set_rules(of(&["maya"]));
    bot.handle.operations().enforce_rules().await.unwrap();
    let card =
        bot.card(decision.id, "counts none", |card| card.to_string().contains("0 of 2")).await;
    insta::assert_snapshot!("votes_lapsed", bot.pen().message(&card));
    // The second of two approvals is the first that counts.
    click(&bot.person("maya"), &card, "approve").await;
    let card =
        bot.card(decision.id, "counts one again", |card| card.to_string().contains("1 of 2")).await;
    assert!(can_decide(&card), "{card:#}");
    // Named again, he approves again.
    bot.handle.set_rules(of(&["maya", "jonas"]));
    click(&bot.person("jonas"), &card, "approve").await;
    let card = bot.card(decision.id, "is decided", |card| !can_decide(card)).await;
    assert!(!card.to_string().contains("No longer counted"), "{card:#}");
    let history = bot.handle.event_log().history(decision.id).await.unwrap();
    let words: Vec<&str> = history.iter().map(|logged| logged.event.word()).collect();
    assert_eq!(words, ["asked", "voted", "lapsed", "voted", "resolved"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_waits_for_a_channel_that_takes_it() {
    let bot = start().await;
    let view = bot.sandbox.view("maya").unwrap();
    let usual =
        view.channels.iter().find(|channel| channel.name == "decisions").unwrap().id.clone();
    bot.sandbox.set_bot_access(&usual, BotAccess::ReadOnly);
    let asked = bot.ask(request("Go?")).await;
    let held = |heartbeat: &Option<gander::engine::operations::heartbeat::Heartbeat>| {
        heartbeat.as_ref().is_some_and(|heartbeat| heartbeat.held_back.contains_key(&asked.id))
    };
    tokio::time::timeout(LIMIT, bot.handle.operations().heartbeats().wait_for(held))
        .await
        .unwrap()
        .unwrap();
    says_of(&bot, Some(MISTAKE));
    // One that is mended before it could be said is never said.
    says_of(&bot, None);
    bot.sandbox.set_bot_access(&usual, BotAccess::Full);
    bot.card(asked.id, "hangs", |_| true).await;
    let free = |heartbeat: &Option<gander::engine::operations::heartbeat::Heartbeat>| {
        heartbeat.as_ref().is_some_and(|heartbeat| heartbeat.held_back.is_empty())
    };
    tokio::time::timeout(LIMIT, bot.handle.operations().heartbeats().wait_for(free))
        .await
        .unwrap()
        .unwrap();
    assert!(notices(&bot.sandbox).is_empty());
}
