//! `/ask`: a person asks another, the same channel as agents do.

use discord_sandbox::{Effect, Fault, Match};
use gander::core::decision::{Expects, Pending, Risk, State, Verdict};
use serde_json::{Value, json};

use super::{command, content, entry, is_open, offered_for, verdict};
use crate::bot::{Bot, LIMIT, click, control, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_asks_and_another_answers() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let asked = command(
        &bot,
        "sven",
        "ask",
        json!({
            "title": "Which colour for the button?",
            "options": "Blue=as everywhere; Orange=is seen", "project": "web-shop",
            "details": "pages=12; tests=47/47", "why": "Sign-ups.", "observation": "Few click it.",
            "what": "Orange.",
            "risk": 0, "priority": 2, "kind": "design review",
        }),
    )
    .await;
    insta::assert_snapshot!("asked", pen.message(&asked));
    let decision = bot.handle.attention().list(None).await.unwrap().remove(0);
    assert_eq!((decision.request.expects, decision.terms.risk), (Expects::Choose, Risk::Low));
    assert_eq!(
        (decision.request.project.as_str(), decision.request.kind.as_str()),
        ("web-shop", "design_review")
    );
    let card = bot.card(decision.id, "hangs", |_| true).await;
    insta::assert_snapshot!("asked_card", pen.message(&card));
    click(&bot.person("jonas"), &card, "choose-1").await;
    assert_eq!(
        verdict(&bot, &decision).await,
        (Verdict::Chosen { option: "Orange".into() }, "Jonas".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_handed_to_whom_they_name_and_that_person_is_told() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let jonas = bot.sandbox.addresses().user_id("jonas").unwrap().to_owned();
    let asked =
        command(&bot, "maya", "ask", json!({ "title": "Is the copy right?", "person": jonas }))
            .await;
    insta::assert_snapshot!("asked_of_a_person", pen.message(&asked));
    let decision = bot.handle.attention().list(None).await.unwrap().remove(0);
    let State::Pending(Pending { taken: Some(taken), .. }) = &decision.state else {
        panic!("{decision:?}")
    };
    assert_eq!(
        (taken.by.name.as_str(), taken.from.as_ref().unwrap().name.as_str()),
        ("Jonas", "Maya")
    );
    let told = |sandbox: &discord_sandbox::Sandbox| {
        let dm = sandbox.user("jonas")?.view().dm()?.messages.last()?.clone();
        dm["content"].as_str().map(ToOwned::to_owned)
    };
    let told = bot.sandbox.wait_for("Jonas to be told", LIMIT, told).await.unwrap();
    insta::assert_snapshot!("told_that_it_is_theirs", pen.steady(&told));
    let own = bot.card(decision.id, "hangs", |_| true).await;
    let refused = bot.person("maya").click(crate::bot::id(&own), &control(&own, "approve")).await;
    assert!(refused.content().contains("You asked #1 yourself"), "{refused:?}");
    command(
        &bot,
        "jonas",
        "approve",
        json!({ "decision": entry(&bot, "jonas", "approve", "copy").await }),
    )
    .await;
    assert_eq!(verdict(&bot, &decision).await.1, "Jonas");
}

/// The bot is killed between claiming a verdict and telling it: before the message arrived, and
/// after. Either way the person is told once.
#[tokio::test(flavor = "multi_thread")]
async fn who_asked_is_told_the_verdict_once_also_by_a_bot_that_was_killed_meanwhile() {
    let told = |sandbox: &discord_sandbox::Sandbox, title: &str| -> usize {
        let Some(view) = sandbox.user("sven") else { return 0 };
        let view = view.view();
        let messages = view.dm().map(|dm| dm.messages.clone()).unwrap_or_default();
        let is_it = |message: &&serde_json::Value| {
            let words = message["content"].as_str().unwrap_or_default();
            words.contains("Your question was answered") && words.contains(title)
        };
        messages.iter().filter(is_it).count()
    };
    for arrives in [false, true] {
        let mut bot = Bot::start().await;
        command(&bot, "sven", "ask", json!({ "title": "Blue?" })).await;
        let asked = bot.handle.attention().list(None).await.unwrap().remove(0);
        let card = bot.card(asked.id, "hangs", |_| true).await;
        bot.sandbox.fault(if arrives {
            let withheld = Effect::WithholdAnswer { ms: None };
            Fault::once(Match::new("POST", "/channels/*/messages"), withheld)
        } else {
            Fault::once(Match::new("POST", "/users/@me/channels"), Effect::HoldRequest)
        });
        click(&bot.person("jonas"), &card, "approve").await;
        let struck = |sandbox: &discord_sandbox::Sandbox| {
            let is_there =
                if arrives { told(sandbox, "Blue?") > 0 } else { sandbox.held_requests() > 0 };
            is_there.then_some(())
        };
        bot.sandbox.wait_for("the fault", LIMIT, struck).await.unwrap();
        bot.kill().await;
        bot.sandbox.clear_faults();
        bot.sandbox.release_held();
        let State::Resolved(resolved) = bot.handle.approvals().get(asked.id).await.unwrap().state
        else {
            panic!("it was answered")
        };
        assert!(resolved.claimed_at.is_some(), "claimed before it is told");

        let bot = bot.restart().await;
        // The next one is told after the first one is settled.
        command(&bot, "sven", "ask", json!({ "title": "Green?" })).await;
        let next = bot.handle.attention().list(None).await.unwrap().remove(0);
        let card = bot.card(next.id, "hangs", |_| true).await;
        click(&bot.person("jonas"), &card, "approve").await;
        let is_told =
            |sandbox: &discord_sandbox::Sandbox| (told(sandbox, "Green?") == 1).then_some(());
        bot.sandbox.wait_for("the next to be told", LIMIT, is_told).await.unwrap();
        assert_eq!(told(&bot.sandbox, "Blue?"), 1, "arrived before the kill: {arrives}");
        nothing_is_being_told(&bot).await;
    }
}

/// Waits until the store has no record of a verdict that is being told: the bot takes the record
/// back after the message is there.
async fn nothing_is_being_told(bot: &Bot) {
    let settled = async {
        // Nobody is told of it, so it is looked at again and again.
        while bot.handle.operations().memo("verdict being told").await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, settled).await.expect("the record is taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_decide_it_does_not_get_it() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let sven = bot.sandbox.addresses().user_id("sven").unwrap().to_owned();
    let asked = command(&bot, "maya", "ask", json!({ "title": "Sven?", "person": sven })).await;
    insta::assert_snapshot!("asked_of_somebody_who_may_not", pen.message(&asked));
    let maya = bot.sandbox.addresses().user_id("maya").unwrap().to_owned();
    let own = command(&bot, "maya", "ask", json!({ "title": "Me?", "person": maya })).await;
    insta::assert_snapshot!("asked_of_oneself", pen.message(&own));
    for decision in bot.handle.attention().list(None).await.unwrap() {
        assert!(
            matches!(&decision.state, State::Pending(Pending { taken: None, .. })),
            "{decision:?}"
        );
        assert!(is_open(&bot, &decision).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_refused_with_what_to_do() {
    let bot = Bot::start().await;
    let mut said = Vec::new();
    for options in [
        json!({ "title": "  " }),
        json!({ "title": "One option?", "options": "only" }),
        json!({ "title": "Twice?", "options": "a; a" }),
        json!({ "title": "Stray?", "options": "a; b", "expects": 0 }),
        json!({ "title": "Details?", "details": "tests 47" }),
        json!({ "title": "Secret?", "kind": "credentials", "expects": 2 }),
        json!({ "title": "Project?", "project": "web\u{200B}shop" }),
    ] {
        said.push(content(&command(&bot, "maya", "ask", options).await).to_owned());
    }
    insta::assert_snapshot!("not_asked", said.join("\n"));
    assert_eq!(
        bot.handle.approvals().list(gander::engine::Filter::default()).await.unwrap(),
        [],
        "nothing was asked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_are_offered() {
    let bot = Bot::start().await;
    for project in ["web-shop", "notes", "website"] {
        bot.ask(gander::core::decision::Request {
            project: project.into(),
            ..crate::bot::request("x")
        })
        .await;
    }
    let typed = json!({ "title": "x", "project": "WEB" });
    let found = offered_for(&bot, "sven", "ask", typed.clone(), "project").await;
    assert_eq!(found, [], "names are for approvers");
    let found = offered_for(&bot, "maya", "ask", typed, "project").await;
    assert_eq!(
        found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["web-shop", "website"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_else_may_decide_is_not_asked() {
    let sandbox =
        discord_sandbox::Sandbox::start(discord_sandbox::Options::default()).await.unwrap();
    let bot = Bot::start_in(sandbox, gander::core::policy::rules::Rules::default()).await;
    let pen = bot.pen();
    let refused = command(
        &bot,
        "maya",
        "ask",
        json!({ "title": "Owner alone?", "why": "I would like to know." }),
    )
    .await;
    insta::assert_snapshot!("nobody_to_ask", pen.message(&refused));
    assert_eq!(bot.handle.approvals().list(gander::engine::Filter::default()).await.unwrap(), []);
    let asked = command(&bot, "sven", "ask", json!({ "title": "The owner?" })).await;
    assert!(content(&asked).contains("may decide it"), "{asked:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_card_is_told_when_it_hangs() {
    let mut bot = Bot::start().await;
    bot.sandbox.fault(Fault::once(Match::new("POST", "/messages"), Effect::HoldRequest));
    let asked = bot.ask(request("Go?")).await;
    let waiting = tokio::spawn({
        let handle = bot.handle.clone();
        async move { handle.messages().card_within(asked.id, LIMIT).await }
    });
    bot.sandbox
        .wait_for("the card to be held up", LIMIT, |sandbox| {
            (sandbox.held_requests() > 0).then_some(())
        })
        .await
        .unwrap();
    assert!(!waiting.is_finished());
    bot.sandbox.release_held();
    let (channel, message) = waiting.await.unwrap().unwrap();
    let card = bot.card(asked.id, "hangs", |_| true).await;
    assert_eq!(
        (card["channel_id"].as_str(), card["id"].as_str()),
        (Some(channel.as_str()), Some(message.as_str()))
    );
    // Nobody posts any more: the limit is kept.
    bot.kill().await;
    let asked = bot.ask(request("And this?")).await;
    assert_eq!(
        bot.handle.messages().card_within(asked.id, std::time::Duration::from_millis(50)).await,
        None
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_asks_too_much_is_told_the_limit() {
    let bot = Bot::start().await;
    let ask_limits = gander::core::policy::ask_limits::AskLimits { open: 1, per_minute: 10 };
    let rules = gander::core::policy::rules::Rules { ask_limits, ..(*bot.handle.rules()).clone() };
    bot.handle.set_rules(rules);
    command(&bot, "sven", "ask", json!({ "title": "First?" })).await;
    let refused = command(&bot, "sven", "ask", json!({ "title": "Second?" })).await;
    assert!(content(&refused).contains("no more than 1 of your questions"), "{refused:#}");
    assert!(content(&refused).contains("Second?"), "what was typed is not lost: {refused:#}");
    command(&bot, "jonas", "ask", json!({ "title": "Another person's?" })).await;
    assert_eq!(bot.handle.attention().list(None).await.unwrap().len(), 2);
}

/// The messages to a person about assignments.
fn told(bot: &Bot, who: &str) -> Vec<String> {
    let view = bot.sandbox.view(who).unwrap();
    let messages = view.dm().map(|dm| dm.messages.clone()).unwrap_or_default();
    let content = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
    messages.iter().map(content).filter(|content| content.contains("assigned")).collect()
}

/// Assigns a question to a person.
async fn assign(bot: &Bot, from: &'static str, to: &str, risk: u8) -> Value {
    let to = bot.sandbox.addresses().user_id(to).unwrap().to_owned();
    command(bot, from, "ask", json!({ "title": "Blue?", "person": to, "risk": risk })).await
}

/// Assigns a question to Jonas and waits until he is told: all that was to be told before has
/// been told.
async fn jonas_is_told(bot: &Bot) {
    let said = assign(bot, "maya", "jonas", 3).await;
    assert!(content(&said).contains("assigned to <@"), "{said:#}");
    let is_told = |_: &discord_sandbox::Sandbox| (!told(bot, "jonas").is_empty()).then_some(());
    bot.sandbox.wait_for("Jonas to be told", LIMIT, is_told).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_nothing_neither_floods_nor_wakes_an_approver() {
    let bot = Bot::start().await;
    // In quiet hours the card waits.
    let quiet = json!({ "from": "00:00", "to": "23:59" });
    command(&bot, "maya", "quiet", quiet).await;
    let mut said = Vec::new();
    for _ in 0..4 {
        said.push(assign(&bot, "sven", "maya", 0).await);
    }
    assert!(said[..3].iter().all(|said| content(said).contains("assigned to <@")), "{said:?}");
    assert!(content(&said[3]).contains("3 of your questions wait for"), "{said:?}");
    jonas_is_told(&bot).await;
    assert_eq!(told(&bot, "maya"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_assigns_without_limit_and_sends_one_message_a_minute() {
    let bot = Bot::start().await;
    for _ in 0..5 {
        let said = assign(&bot, "jonas", "maya", 3).await;
        assert!(content(&said).contains("assigned to <@"), "{said:#}");
    }
    jonas_is_told(&bot).await;
    let is_told = |_: &discord_sandbox::Sandbox| (!told(&bot, "maya").is_empty()).then_some(());
    bot.sandbox.wait_for("Maya to be told", LIMIT, is_told).await.unwrap();
    assert_eq!(told(&bot, "maya").len(), 1);
}
