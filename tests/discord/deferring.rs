//! Defer asks for how long, and the person who clicked alone sees the question.

use gander::core::decision::{Choice, Expects, Request, State};
use serde_json::{Value, json};

use crate::bot::{Bot, can_decide, click, control, custom_ids, deploy, id, request, words};
use crate::permission::call;

/// The verbs of the buttons and menus, row by row.
fn verbs(message: &Value) -> Vec<Vec<String>> {
    let verb = |component: &Value| {
        component["custom_id"].as_str().unwrap().split(':').nth(2).unwrap().to_owned()
    };
    let rows = message["components"].as_array().unwrap();
    rows.iter()
        .map(|row| row["components"].as_array().unwrap().iter().map(verb).collect())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verdicts_and_defer_share_a_row() {
    let bot = Bot::start().await;
    let maya = bot.person("maya");
    let (_, card) = bot.ask_and_see(call("Bash", "npm run build")).await;
    let others = ["session", "note", "take", "details"];
    assert_eq!(verbs(&card), [vec!["approve", "reject", "ask-time"], others.to_vec()]);
    let taken = click(&maya, &card, "take").await.message.unwrap();
    let others = vec!["session", "note", "details"];
    assert_eq!(verbs(&taken), [vec!["approve", "reject", "ask-time"], others, vec!["hand"]]);
    let question = Request { expects: Expects::Answer, ..request("What should it be called?") };
    let (_, card) = bot.ask_and_see(question).await;
    let others = vec!["take", "details"];
    assert_eq!(verbs(&card), [vec!["answer", "reject", "ask-time"], others.clone()]);
    let option = |name: &str| Choice { name: name.into(), description: String::new() };
    let question = Request {
        expects: Expects::Choose,
        options: vec![option("Calm"), option("Loud")],
        ..request("Which one?")
    };
    let (_, card) = bot.ask_and_see(question).await;
    let options = vec!["choose-0", "choose-1"];
    assert_eq!(verbs(&card), [options, vec!["reject", "ask-time"], others]);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_is_asked_and_answered_in_private() {
    let bot = Bot::start().await;
    let maya = bot.person("maya");
    let (decision, card) = bot.ask_and_see(deploy()).await;
    let asked = click(&maya, &card, "ask-time").await.message.unwrap();
    assert_eq!(asked["flags"], 64, "private");
    let state = bot.handle.approvals().get(decision.id).await.unwrap().state;
    assert!(matches!(state, State::Pending(_)), "nothing is done yet: {state:?}");
    insta::assert_snapshot!("defer_asked", bot.pen().message(&asked));
    let done = maya.select(id(&asked), &control(&asked, "until"), &["2h"]).await;
    let said = done.message.clone().unwrap();
    assert_eq!(id(&said), id(&asked), "the question becomes its answer");
    assert!(words(&done).contains("deferred until"), "{done:?}");
    assert!(custom_ids(&said).is_empty(), "{said:#}");
    let card = bot.card(decision.id, "deferred", |card| card.to_string().contains("💤")).await;
    assert!(can_decide(&card));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_counts_for_the_revision_that_was_clicked() {
    let bot = Bot::start().await;
    let maya = bot.person("maya");
    let mut question = request("Once?");
    question.dedup_key = Some("once".into());
    let (decision, card) = bot.ask_and_see(question.clone()).await;
    let asked = click(&maya, &card, "ask-time").await.message.unwrap();
    question.insight.observation = "Something new.".into();
    bot.ask(question).await;
    let late = maya.select(id(&asked), &control(&asked, "until"), &["2h"]).await;
    let shown = late.message.unwrap();
    assert!(shown.to_string().contains("Something new"), "what changed is shown: {shown:#}");
    let state = bot.handle.approvals().get(decision.id).await.unwrap().state;
    assert!(matches!(state, State::Pending(_)), "{state:?}");
    let new = |card: &Value| card.to_string().contains("Something new");
    let card = bot.card(decision.id, "revised", new).await;
    // The click on a card of the earlier revision is refused at once.
    let stale = format!("g1:{}:ask-time:{}:1", bot.handle.tag(), decision.id.0);
    let card = redraw(
        &bot,
        &card,
        &json!([row(json!({
            "type": 2, "style": 2, "label": "Defer …", "custom_id": stale
        }))]),
    )
    .await;
    let refused = maya.click(id(&card), &stale).await.message.unwrap();
    assert!(!verbs(&refused).concat().contains(&"until".to_owned()), "{refused:#}");
    assert!(refused.to_string().contains("Something new"), "{refused:#}");
}

/// A card that was posted by an earlier version has the menu of times itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_menu_on_an_old_card_still_defers() {
    let bot = Bot::start().await;
    let maya = bot.person("maya");
    let (decision, card) = bot.ask_and_see(request("Later?")).await;
    let menu = format!("g1:{}:defer:{}:1", bot.handle.tag(), decision.id.0);
    let old = redraw(
        &bot,
        &card,
        &json!([row(json!({
            "type": 3, "custom_id": menu, "options": [{ "label": "30 minutes", "value": "30m" }]
        }))]),
    )
    .await;
    let done = maya.select(id(&old), &menu, &["30m"]).await;
    assert!(words(&done).contains("deferred until"), "{done:?}");
    let shown = done.message.unwrap();
    assert_eq!(id(&shown), id(&card), "the card itself shows it");
    assert!(can_decide(&shown), "{shown:#}");
}

fn row(component: Value) -> Value {
    json!({ "type": 1, "components": [component] })
}

/// Gives a message other components, as the bot.
async fn redraw(bot: &Bot, message: &Value, components: &Value) -> Value {
    let addresses = bot.sandbox.addresses();
    let (channel, message) = (message["channel_id"].as_str().unwrap(), id(message));
    let answer = reqwest::Client::new()
        .patch(format!("{}/v10/channels/{channel}/messages/{message}", addresses.rest))
        .header("authorization", format!("Bot {}", addresses.token))
        .header("content-type", "application/json")
        .body(json!({ "components": components }).to_string())
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}
