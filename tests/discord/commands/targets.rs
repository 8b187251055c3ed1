//! What a command is about where that was typed: a number or words show the card first, and so does
//! what is risky or has changed.

use gander::core::decision::{Expects, Request, Risk, Verdict};
use serde_json::json;

use super::verdicts::databases;
use super::{command, content, entry, is_open, verdict};
use crate::bot::{Bot, click, deploy, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_nobody_has_is_said_to_be_none() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let seen =
        command(&bot, "maya", "reject", json!({ "decision": "#999", "reason": "Not like this." }))
            .await;
    insta::assert_snapshot!("no_such_number", pen.message(&seen));
    let foreign = command(&bot, "maya", "approve", json!({ "decision": "1@1.other1" })).await;
    insta::assert_snapshot!("entry_of_another_store", pen.message(&foreign));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_number_shows_the_card_and_decides_only_once_that_was_seen() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, _) = bot.ask_and_see(request("Really this one?")).await;
    let shown =
        command(&bot, "maya", "reject", json!({ "decision": "#1", "reason": "Not like this." }))
            .await;
    insta::assert_snapshot!("typed_number", pen.message(&shown));
    assert!(is_open(&bot, &decision).await);
    let other = command(&bot, "jonas", "approve", json!({ "decision": "1" })).await;
    assert!(content(&other).starts_with("👀"), "what Maya saw, Jonas has not: {other:#}");
    command(&bot, "maya", "reject", json!({ "decision": "1", "reason": "Not like this." })).await;
    assert_eq!(
        verdict(&bot, &decision).await.0,
        Verdict::Rejected { reason: "Not like this.".into() }
    );
    let late = click(&bot.person("jonas"), &other, "approve").await;
    assert!(late.content().contains("already decided"), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buttons_of_the_shown_card_decide() {
    let bot = Bot::start().await;
    let (decision, _) = bot.ask_and_see(request("Really this one?")).await;
    let shown = command(&bot, "maya", "approve", json!({ "decision": "1" })).await;
    click(&bot.person("maya"), &shown, "approve").await;
    assert_eq!(verdict(&bot, &decision).await, (Verdict::approved(), "Maya".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_show_what_fits_and_never_decide() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    for title in ["Deploy contact sync", "Rename the contact module", "Delete the logs"] {
        bot.ask_and_see(request(title)).await;
    }
    let several = command(&bot, "maya", "approve", json!({ "decision": "contact" })).await;
    insta::assert_snapshot!("words_fit_several", pen.message(&several));
    let one =
        command(&bot, "maya", "approve", json!({ "decision": "logs", "note": "All but today's." }))
            .await;
    insta::assert_snapshot!("words_fit_one", pen.message(&one));
    let none =
        command(&bot, "maya", "approve", json!({ "decision": "**stripe** @everyone" })).await;
    insta::assert_snapshot!("words_fit_none", pen.message(&none));
    assert_eq!(bot.handle.attention().list(None).await.unwrap().len(), 3, "nothing was decided");
}

#[tokio::test(flavor = "multi_thread")]
async fn high_and_critical_risk_always_show_the_card() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, _) = bot.ask_and_see(deploy()).await;
    let picked = entry(&bot, "maya", "approve", "").await;
    let shown = command(
        &bot,
        "maya",
        "approve",
        json!({ "decision": picked, "note": "Not before ten.\nTell sales." }),
    )
    .await;
    insta::assert_snapshot!("high_risk", pen.message(&shown));
    assert!(is_open(&bot, &decision).await);
    click(&bot.person("maya"), &shown, "approve").await;
    assert_eq!(verdict(&bot, &decision).await.0, Verdict::approved());
    let (critical, _) = bot.ask_and_see(Request { risk: Risk::Critical, ..databases() }).await;
    let picked = entry(&bot, "maya", "choose", "").await;
    let shown =
        command(&bot, "maya", "choose", json!({ "decision": picked, "option": "redis" })).await;
    insta::assert_snapshot!("critical_risk", pen.message(&shown));
    assert!(is_open(&bot, &critical).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_risk_that_only_the_bots_rules_raise_shows_the_card_too() {
    let sandbox =
        discord_sandbox::Sandbox::start(discord_sandbox::Options::default()).await.unwrap();
    let rule = gander::core::policy::rules::Rule { risk: Some(Risk::High), ..Default::default() };
    let rules = gander::core::policy::rules::Rules {
        approvers: crate::bot::approvers(&sandbox),
        projects: [("web-shop".to_owned(), rule)].into(),
        ..Default::default()
    };
    let bot = Bot::start_in(sandbox, rules).await;
    let (decision, _) = bot
        .ask_and_see(Request {
            project: "web-shop".into(),
            risk: Risk::Low,
            ..request("Harmless?")
        })
        .await;
    let picked = entry(&bot, "maya", "approve", "").await;
    let shown = command(&bot, "maya", "approve", json!({ "decision": picked })).await;
    assert!(content(&shown).contains("has high risk"), "{shown:#}");
    assert!(is_open(&bot, &decision).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_it_was_offered_is_shown_and_not_decided() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let asked = Request { dedup_key: Some("prices".into()), ..request("Raise the price to 9?") };
    let (decision, _) = bot.ask_and_see(asked.clone()).await;
    let picked = entry(&bot, "maya", "approve", "price").await;
    bot.ask(Request { title: "Raise the price to 90?".into(), ..asked }).await;
    let outdated = command(
        &bot,
        "maya",
        "reject",
        json!({ "decision": picked, "reason": "9 is too little." }),
    )
    .await;
    insta::assert_snapshot!("outdated_entry", pen.message(&outdated));
    assert!(is_open(&bot, &decision).await);
    let (name, anew) = super::offered(&bot, "maya", "approve", "price").await.remove(0);
    assert!(name.contains("revision 2"), "{name}");
    command(&bot, "maya", "approve", json!({ "decision": anew })).await;
    assert_eq!(verdict(&bot, &decision).await.0, Verdict::approved());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_in_vain_comes_back_as_a_file_if_it_is_long() {
    let bot = Bot::start().await;
    let (_, _) = bot
        .ask_and_see(Request { expects: Expects::Answer, ..request("Tell me everything") })
        .await;
    let shown = command(
        &bot,
        "maya",
        "answer",
        json!({ "decision": "1", "text": "All of it. ".repeat(350) }),
    )
    .await;
    assert_eq!(shown["attachments"][0]["filename"], "your-words.txt", "{shown:#}");
    assert!(content(&shown).contains("Your answer was: see your-words.txt."), "{shown:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_number_to_undo_shows_the_card_with_its_button() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, card) = bot.ask_and_see(request("Too fast?")).await;
    click(&bot.person("maya"), &card, "approve").await;
    let shown = command(&bot, "jonas", "undo", json!({ "decision": "1" })).await;
    insta::assert_snapshot!("undo_by_number", pen.message(&shown));
    assert!(!is_open(&bot, &decision).await);
    click(&bot.person("jonas"), &shown, "undo").await;
    assert!(is_open(&bot, &decision).await);
    let open = command(&bot, "jonas", "undo", json!({ "decision": "1" })).await;
    assert!(content(&open).contains("has no verdict yet"), "{open:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_fit_many_show_the_first_and_words_to_undo_look_among_the_decided() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    for number in 1..=9 {
        bot.ask(request(&format!("Contact {number}"))).await;
    }
    let many =
        command(&bot, "maya", "reject", json!({ "decision": "contact", "reason": "No." })).await;
    insta::assert_snapshot!("words_fit_many", pen.message(&many));
    for number in [1, 2] {
        let picked =
            super::offered(&bot, "maya", "approve", &format!("#{number}")).await.remove(0).1;
        command(&bot, "maya", "approve", json!({ "decision": picked })).await;
    }
    let decided = command(&bot, "jonas", "undo", json!({ "decision": "contact" })).await;
    insta::assert_snapshot!("words_fit_decided", pen.message(&decided));
    let one = command(&bot, "jonas", "undo", json!({ "decision": "contact 2" })).await;
    click(&bot.person("jonas"), &one, "undo").await;
    assert!(
        bot.handle
            .approvals()
            .get(gander::core::decision::DecisionId(2))
            .await
            .unwrap()
            .state
            .is_open()
    );
}
