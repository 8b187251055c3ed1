//! Words to the bot: in a direct message and by mention, by those who may decide and those who may
//! not.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use discord_sandbox::Sandbox;
use gander::core::decision::{Decision, Request, Risk, State, Verdict};
use gander::engine::Claim;
use serde_json::Value;

use crate::bot::{Bot, LIMIT, click, custom_ids, id, request};

/// Says something in the direct message and waits for the bot's reply to it.
pub(crate) async fn say(bot: &Bot, name: &str, said: &str) -> Value {
    let person = bot.person(name);
    let channel = person.dm_with_bot().unwrap();
    let message = person.message(&channel, said).await.message.unwrap();
    let replied = |sandbox: &Sandbox| {
        let dm = sandbox.view(name)?.dm()?.messages.clone();
        dm.into_iter().find(|reply| reply["message_reference"]["message_id"] == message["id"])
    };
    bot.sandbox.wait_for(&format!("an answer to {said:?}"), LIMIT, replied).await.unwrap()
}

fn of(project: &str, kind: &str, risk: Risk, title: &str) -> Request {
    Request { project: project.into(), kind: kind.into(), risk, ..request(title) }
}

/// What waits in these tests: two deployments, two tests, small things.
async fn world() -> (Bot, BTreeMap<&'static str, Decision>) {
    let bot = Bot::start().await;
    let mut asked = BTreeMap::new();
    for (name, question) in [
        ("ghl", of("ghl", "deploy", Risk::Medium, "Deploy contact sync to production")),
        ("stripe", of("stripe", "deploy", Risk::High, "Deploy the new price list")),
        ("tests", of("ghl", "test_failure", Risk::Medium, "2 of 47 tests fail in contact sync")),
        ("typo", of("web-shop", "routine", Risk::Low, "Fix a typo in the footer")),
        ("lint", of("web-shop", "routine", Risk::Low, "Switch on a lint")),
    ] {
        asked.insert(name, bot.ask(question).await);
    }
    (bot, asked)
}

fn is_open(decision: &Decision) -> bool {
    decision.state.is_open()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_is_decided_by_its_number_and_the_agent_gets_it_once() {
    let (bot, asked) = world().await;
    let pen = bot.pen();
    let list = say(&bot, "jonas", "what needs my attention?").await;
    insta::assert_snapshot!("talk_attention", pen.message(&list));
    let agent = tokio::spawn({
        let (handle, id) = (bot.handle.clone(), asked["ghl"].id);
        async move { handle.approvals().wait(id, None, Claim::Yes, None).await.unwrap() }
    });
    let done = say(&bot, "jonas", "approve 1: nice work").await;
    insta::assert_snapshot!("talk_approved", pen.message(&done));
    let waited = tokio::time::timeout(LIMIT, agent).await.unwrap().unwrap();
    let State::Resolved(resolved) = &waited.state else { panic!("{waited:?}") };
    assert_eq!(resolved.verdict, Verdict::noted(Some("nice work".into())));
    bot.card(asked["ghl"].id, "true", |card| card.to_string().contains("✅ Approved")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_shown_is_shown_first() {
    let (bot, asked) = world().await;
    let pen = bot.pen();
    let shown = say(&bot, "jonas", "approve the GHL deploy").await;
    insta::assert_snapshot!("talk_not_seen", pen.message(&shown));
    assert!(is_open(&bot.handle.approvals().get(asked["ghl"].id).await.unwrap()));
    // Now they have seen it, and may say it again, or click.
    say(&bot, "jonas", "approve the GHL deploy").await;
    assert!(!is_open(&bot.handle.approvals().get(asked["ghl"].id).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_after_it_was_shown_is_shown_again() {
    let (bot, _) = world().await;
    let asked = Request {
        dedup_key: Some("k".into()),
        ..of("docs", "routine", Risk::Low, "Publish the guide")
    };
    let decision = bot.ask(asked.clone()).await;
    say(&bot, "jonas", &format!("show {}", decision.id)).await;
    bot.ask(Request { title: "Publish the guide and the price list".into(), ..asked }).await;
    let shown = say(&bot, "jonas", &format!("approve {}", decision.id)).await;
    insta::assert_snapshot!("talk_outdated", bot.pen().message(&shown));
    assert!(is_open(&bot.handle.approvals().get(decision.id).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn high_risk_is_decided_by_its_card_alone() {
    let (bot, asked) = world().await;
    let pen = bot.pen();
    say(&bot, "jonas", "what needs my attention?").await;
    let shown = say(&bot, "jonas", "reject stripe: needs more tests").await;
    insta::assert_snapshot!("talk_high_risk", pen.message(&shown));
    assert!(is_open(&bot.handle.approvals().get(asked["stripe"].id).await.unwrap()));
    bot.advance(TimeDelta::seconds(2));
    click(&bot.person("jonas"), &shown, "approve").await;
    assert!(
        !is_open(&bot.handle.approvals().get(asked["stripe"].id).await.unwrap()),
        "the buttons of the answer work"
    );
}

/// Phrases whose answers are pinned, said one after another by Jonas.
const SAID: &[&str] = &[
    "help",
    "status",
    "what else?",
    "show me the GHL test failures",
    "show me the docker failures",
    "approve the deploy",
    "approve",
    "reject 1",
    "defer 1",
    "approve 99",
    "approve the gl deploy",
    "don't approve 1",
    "should I approve 1?",
    "approve 1 if the tests pass",
    "approve 1 and reject 3",
    "approve all high-risk items",
    "/approve 1",
    "hey, nice weather today",
    "history of 1",
    "approve **everything** @everyone",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_back_decides_nothing() {
    let (bot, asked) = world().await;
    let pen = bot.pen();
    let mut dialogue = String::new();
    for said in SAID {
        let reply = say(&bot, "jonas", said).await;
        dialogue.push_str(&format!("══ {said}\n{}\n\n", pen.message(&reply)));
        assert_eq!(reply["mentions"].as_array().map_or(0, Vec::len), 0, "{said}: nobody is pinged");
    }
    insta::assert_snapshot!("talk_dialogue", dialogue);
    for decision in asked.values() {
        assert!(is_open(&bot.handle.approvals().get(decision.id).await.unwrap()), "{decision:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_low_risk_are_approved_after_one_click_and_each_result_is_told() {
    let (bot, asked) = world().await;
    let pen = bot.pen();
    let changing = Request {
        dedup_key: Some("k".into()),
        ..of("docs", "routine", Risk::Low, "Publish the guide")
    };
    let changed = bot.ask(changing.clone()).await;
    let offer = say(&bot, "maya", "approve all low-risk items").await;
    insta::assert_snapshot!("talk_offer", pen.message(&offer));
    assert!(
        is_open(&bot.handle.approvals().get(asked["typo"].id).await.unwrap()),
        "not before the click"
    );
    bot.ask(Request { title: "Publish everything".into(), ..changing }).await;
    let button = custom_ids(&offer).into_iter().find(|id| id.contains(":together:")).unwrap();
    let stranger = bot.person("sven").click(id(&offer), &button).await;
    assert!(!stranger.ok, "it is Maya's message");
    let done = bot.person("maya").click(id(&offer), &button).await;
    insta::assert_snapshot!("talk_approved_together", pen.message(done.message.as_ref().unwrap()));
    for name in ["typo", "lint"] {
        assert!(!is_open(&bot.handle.approvals().get(asked[name].id).await.unwrap()), "{name}");
    }
    assert!(
        is_open(&bot.handle.approvals().get(changed.id).await.unwrap()),
        "what changed after it was shown is not approved"
    );
    for name in ["ghl", "stripe", "tests"] {
        assert!(is_open(&bot.handle.approvals().get(asked[name].id).await.unwrap()), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn putting_off_taking_and_undoing_in_words() {
    let (bot, asked) = world().await;
    say(&bot, "maya", "what needs my attention?").await;
    say(&bot, "maya", "defer 1 until 30m").await;
    let State::Deferred { until, .. } =
        bot.handle.approvals().get(asked["ghl"].id).await.unwrap().state
    else {
        panic!()
    };
    assert_eq!(until - bot.handle.now(), TimeDelta::minutes(30));
    say(&bot, "maya", "I'm on 3").await;
    let State::Pending(pending) =
        bot.handle.approvals().get(asked["tests"].id).await.unwrap().state
    else {
        panic!()
    };
    assert_eq!(pending.taken.unwrap().by.name, "Maya");
    say(&bot, "maya", "approve 3").await;
    let undone = say(&bot, "maya", "undo 3").await;
    insta::assert_snapshot!("talk_undone", bot.pen().message(&undone));
    assert!(is_open(&bot.handle.approvals().get(asked["tests"].id).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_decide_sees_nothing_and_decides_nothing() {
    let (bot, asked) = world().await;
    for said in [
        "what needs my attention?",
        "approve 1",
        "approve the ghl deploy",
        "approve all low-risk items",
        "show 1",
        "history of 1",
    ] {
        let reply = say(&bot, "sven", said).await;
        assert!(!reply.to_string().contains("contact sync"), "{said}: {reply:#}");
    }
    assert!(asked.values().count() > 0);
    for decision in asked.values() {
        assert!(is_open(&bot.handle.approvals().get(decision.id).await.unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_in_a_channel_is_answered_in_the_direct_message() {
    let (bot, _) = world().await;
    let jonas = bot.person("jonas");
    let channel = bot.sandbox.addresses().channel_id("general").unwrap().to_owned();
    let me = bot.sandbox.addresses().application_id.clone();
    let asked = jonas
        .message(&channel, &format!("<@{me}> what needs my attention?"))
        .await
        .message
        .unwrap();
    let note = |sandbox: &Sandbox| {
        let view = sandbox.view("sven")?;
        let mut messages = view.channels.iter().flat_map(|channel| &channel.messages);
        messages.find(|reply| reply["message_reference"]["message_id"] == asked["id"]).cloned()
    };
    let note = bot.sandbox.wait_for("the note in the channel", LIMIT, note).await.unwrap();
    insta::assert_snapshot!("talk_in_a_channel", note["content"].as_str().unwrap());
    let dm = bot.sandbox.view("jonas").unwrap().dm().unwrap().messages.last().cloned().unwrap();
    assert!(dm.to_string().contains("contact sync"), "{dm:#}");
    // What is not said to the bot is none of its business.
    bot.sandbox.close_dms("jonas", true);
    jonas.message(&channel, "approve 1").await;
    let asked = jonas.message(&channel, &format!("<@{me}> approve 1")).await.message.unwrap();
    let note = |sandbox: &Sandbox| {
        let view = sandbox.view("sven")?;
        let mut messages = view.channels.iter().flat_map(|channel| &channel.messages);
        messages.find(|reply| reply["message_reference"]["message_id"] == asked["id"]).cloned()
    };
    let note = bot.sandbox.wait_for("the note in the channel", LIMIT, note).await.unwrap();
    insta::assert_snapshot!("talk_direct_messages_closed", note["content"].as_str().unwrap());
}
