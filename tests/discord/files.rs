//! Files that Discord refuses: what is read then, and what can no longer be approved.

use chrono::TimeDelta;
use discord_sandbox::{Effect, Fault, Match};
use gander::core::decision::{Attachment, Request, Risk};
use serde_json::Value;

use crate::bot::{Bot, click, control, custom_ids, id, reject, request, words};
use crate::permission::{call, hidden, long};

/// Discord refuses the next request of this kind for its size.
fn refuse_next(bot: &Bot, method: &str, path: &str) {
    bot.sandbox.fault(Fault::once(Match::new(method, path), Effect::status(413)));
}

fn description(message: &Value) -> &str {
    message["embeds"][0]["description"].as_str().unwrap_or_default()
}

fn offers(message: &Value, verb: &str) -> bool {
    custom_ids(message).iter().any(|id| id.contains(&format!(":{verb}:")))
}

const NOTICE: &str = "could not be posted";

/// Nothing that belongs to the call is missing, nothing is named that is not there, and no button
/// approves what nobody can read.
fn assert_unread(message: &Value) {
    let says = description(message);
    for part in [NOTICE, "hidden characters", "masked** as", "cp build/asset-001.js", "beginning"] {
        assert!(says.contains(part), "{part}: {message:#}");
    }
    assert!(!says.contains(".md"), "{message:#}");
    assert_eq!(message["attachments"].as_array().map(Vec::len), Some(0), "{message:#}");
    for verb in ["approve", "session", "note"] {
        assert!(!offers(message, verb), "{verb}: {message:#}");
    }
    assert!(offers(message, "reject") && offers(message, "details"), "{message:#}");
}

/// A long call with a secret and hidden characters.
fn secret_call() -> Request {
    let mut runs = long();
    runs.insert_str(60, &format!(" # {}", hidden()));
    Request { dedup_key: Some("k".into()), ..call("Bash", &runs) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_file_is_refused_is_not_approved() {
    let bot = Bot::start().await;
    let maya = bot.person("maya");
    refuse_next(&bot, "POST", "/messages");
    let (decision, card) = bot.ask_and_see(secret_call()).await;
    assert_unread(&card);
    // Neither the answer to a click nor a later edit brings the buttons back.
    let taken = click(&maya, &card, "take").await.message.unwrap();
    assert_unread(&taken);
    bot.ask(Request { risk: Risk::High, ..secret_call() }).await;
    let told = |card: &Value| card.to_string().contains("revision 2");
    let whole = bot.card(decision.id, "has the file of its new revision", told).await;
    assert!(offers(&whole, "approve") && description(&whole).contains("decision-1.md"));
    refuse_next(&bot, "PATCH", "/messages");
    bot.ask(Request { risk: Risk::Critical, ..secret_call() }).await;
    let told = |card: &Value| card.to_string().contains("revision 3");
    assert_unread(&bot.card(decision.id, "its new file is refused too", told).await);
    let card = bot.card(decision.id, "is there", |_| true).await;
    let done = reject(&maya, &card, "Nobody can read that.").await;
    assert!(words(&done).contains("rejected by Maya"), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_a_card_without_its_file_does_not_name_it() {
    let bot = Bot::start().await;
    refuse_next(&bot, "POST", "/messages");
    let (decision, card) = bot.ask_and_see(secret_call()).await;
    assert_unread(&card);
    bot.advance(TimeDelta::minutes(31));
    let later = |card: &Value| card.to_string().contains("Still waiting");
    assert_unread(&bot.card(decision.id, "was edited", later).await);
    let bot = bot.restart().await;
    bot.advance(TimeDelta::hours(2));
    let later = |edited: &Value| edited["embeds"] != card["embeds"];
    assert_unread(&bot.card(decision.id, "was edited after a restart", later).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_details_and_private_cards_are_shown_without_refused_files() {
    let bot = Bot::start().await;
    let maya = bot.person("maya");
    let (_, card) = bot.ask_and_see(secret_call()).await;
    assert!(offers(&card, "approve"));
    refuse_next(&bot, "POST", "/callback");
    let details = click(&maya, &card, "details").await.message.unwrap();
    let says = description(&details);
    assert!(says.contains(NOTICE) && says.contains("cp build/asset-001.js"), "{details:#}");
    assert!(!says.contains("decision-1.txt"), "{details:#}");
    // The whole of it is one click away.
    let details = click(&maya, &card, "details").await.message.unwrap();
    assert!(description(&details).contains("decision-1.txt"), "{details:#}");
    let general = bot.sandbox.addresses().channel_id("general").unwrap().to_owned();
    let list = maya.command(&general, "attention", serde_json::json!({})).await.message.unwrap();
    refuse_next(&bot, "POST", "/callback");
    let opened = maya.select(id(&list), &control(&list, "open"), &["1"]).await;
    assert_unread(&opened.message.clone().unwrap_or_else(|| panic!("{opened:?}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_whose_attachment_is_refused_is_asked_all_the_same() {
    let bot = Bot::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.txt");
    std::fs::write(&path, "1. Look").unwrap();
    let attachments = vec![Attachment { name: "plan.txt".into(), path }];
    refuse_next(&bot, "POST", "/messages");
    let (_, card) = bot.ask_and_see(Request { attachments, ..request("Leap?") }).await;
    assert!(description(&card).contains(NOTICE) && offers(&card, "approve"), "{card:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_not_read_on_its_line_is_not_approved_with_others() {
    use gander::core::messaging::batch::Batching;
    let bot = Bot::start_batching(Batching { min: 2, ..Batching::default() }).await;
    let low = |runs: &str| Request { risk: Risk::Low, ..call("Bash", runs) };
    let end = "git log --oneline --decorate --graph --all --max-count=100 && git gc";
    for runs in ["git status", end, "ls\npwd"] {
        bot.ask(low(runs)).await;
    }
    // The title looks like the whole of it.
    bot.ask(Request {
        title: "git status --short in shop".into(),
        ..low("git status --short in x; ls")
    })
    .await;
    let all = |sandbox: &discord_sandbox::Sandbox| {
        let view = sandbox.view("maya").unwrap();
        let messages = view.channels.iter().flat_map(|channel| channel.messages.clone());
        messages.into_iter().find(|message| {
            offers(message, "look") && message.to_string().contains("--short in shop")
        })
    };
    let batch = bot.sandbox.wait_for("the batch", crate::bot::LIMIT, all).await.unwrap();
    let list = click(&bot.person("maya"), &batch, "look").await.message.unwrap();
    let says = description(&list);
    assert_eq!(says.matches("🟢").count(), 1, "{says}");
    assert_eq!(says.matches("read it on its own card").count(), 3, "{list:#}");
}
