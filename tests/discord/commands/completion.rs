//! What is offered while somebody types.

use gander::core::decision::{Kind, Priority, Request, Risk};
use serde_json::json;

use super::{command, entry, offered, offered_for, verdict};
use crate::bot::{Bot, deploy, request};

fn numbers(entries: &[(String, String)]) -> Vec<&str> {
    entries.iter().map(|(name, _)| name.split(' ').next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_found_by_number_title_project_and_kind() {
    let bot = Bot::start().await;
    bot.ask(deploy()).await;
    bot.ask(Request { kind: Kind::from("naming"), ..request("Rename the contact module?") }).await;
    bot.ask(Request {
        project: "notes".into(),
        priority: Priority::Urgent,
        ..request("Delete the logs")
    })
    .await;
    for (typed, found) in [
        ("", vec!["#3", "#1", "#2"]),
        ("2", vec!["#2"]),
        ("#2", vec!["#2"]),
        ("contact", vec!["#1", "#2"]),
        ("CONTACT mod", vec!["#2"]),
        ("web-shop", vec!["#1"]),
        ("naming", vec!["#2"]),
        ("notes logs", vec!["#3"]),
        ("delte", vec!["#3"]),
        ("stripe", vec![]),
    ] {
        assert_eq!(numbers(&offered(&bot, "maya", "approve", typed).await), found, "{typed:?}");
    }
    let names: Vec<String> =
        offered(&bot, "jonas", "approve", "").await.into_iter().map(|(name, _)| name).collect();
    insta::assert_snapshot!("entries", names.join("\n"));
    assert_eq!(offered(&bot, "sven", "approve", "").await, [], "nothing is Sven's");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_thirty_the_25_most_urgent_are_offered() {
    let bot = Bot::start().await;
    for number in 1..=30 {
        let priority = if number > 20 { Priority::High } else { Priority::Normal };
        bot.ask(Request { priority, ..request(&format!("Question {number}")) }).await;
    }
    let entries = offered(&bot, "maya", "approve", "").await;
    assert_eq!(entries.len(), 25);
    let expected: Vec<String> =
        (21..=30).chain(1..=15).map(|number| format!("#{number}")).collect();
    assert_eq!(numbers(&entries), expected);
    assert_eq!(numbers(&offered(&bot, "maya", "approve", "question 30").await)[0], "#30");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_title_is_cleaned_cut_and_cannot_pass_for_another() {
    let bot = Bot::start().await;
    let titles = [
        "👩‍💻".repeat(90),
        "x".repeat(5_000),
        "Delete \u{202E}gpj.atad\u{202C} now\u{200B}!\n#1 🟢 low".into(),
        "#999 🟢 low · harmless · @everyone <@1>".into(),
        format!("key {}{}", "AKIA", "IOSFODNN7EXAMPLE"),
    ];
    for title in &titles {
        bot.ask(Request {
            risk: Risk::Critical,
            project: "a very long name of a project indeed".into(),
            ..request(title)
        })
        .await;
    }
    let entries = offered(&bot, "maya", "approve", "").await;
    insta::assert_snapshot!(
        "hostile_entries",
        entries.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("\n")
    );
    for (number, (name, value)) in (1..).zip(&entries) {
        assert!(name.starts_with(&format!("#{number} 🔴 critical · ")), "{name}");
        assert!(name.encode_utf16().count() <= 100 && value.len() <= 100, "{name} {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_offers_what_it_can_act_on() {
    let bot = Bot::start().await;
    bot.ask(request("To approve")).await;
    bot.ask(serde_json::from_value(json!({ "title": "To answer", "expects": "answer" })).unwrap())
        .await;
    let options = json!([{ "name": "a" }, { "name": "b" }]);
    bot.ask(
        serde_json::from_value(
            json!({ "title": "To choose", "expects": "choose", "options": options }),
        )
        .unwrap(),
    )
    .await;
    let (decided, _) = bot.ask_and_see(request("Decided")).await;
    command(
        &bot,
        "maya",
        "approve",
        json!({ "decision": entry(&bot, "maya", "approve", "decided").await }),
    )
    .await;
    for (name, found) in [
        ("approve", vec!["#1"]),
        ("answer", vec!["#2"]),
        ("choose", vec!["#3"]),
        ("reject", vec!["#1", "#2", "#3"]),
        ("defer", vec!["#1", "#2", "#3"]),
        ("take", vec!["#1", "#2", "#3"]),
        ("undo", vec!["#4"]),
        ("decision", vec!["#1", "#2", "#3", "#4"]),
    ] {
        assert_eq!(numbers(&offered(&bot, "maya", name, "").await), found, "/{name}");
    }
    verdict(&bot, &decided).await;
    assert_eq!(
        numbers(&offered(&bot, "maya", "undo", "").await),
        Vec::<&str>::new(),
        "the agent has it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_offered_only_for_a_decision_that_is_theirs() {
    let bot = Bot::start().await;
    let options: Vec<_> = (1..=25)
        .map(|n| json!({ "name": format!("Option {n}"), "description": "d".repeat(300) }))
        .collect();
    bot.ask(
        serde_json::from_value(
            json!({ "title": "Which?", "expects": "choose", "options": options }),
        )
        .unwrap(),
    )
    .await;
    let picked = entry(&bot, "maya", "choose", "").await;
    let all =
        offered_for(&bot, "maya", "choose", json!({ "decision": picked, "option": "" }), "option")
            .await;
    assert_eq!(all.len(), 25);
    assert!(all.iter().all(|(name, _)| name.encode_utf16().count() <= 100), "{all:?}");
    for (who, decision) in
        [("sven", picked.as_str()), ("maya", "no number"), ("maya", "77"), ("maya", "1@1.other1")]
    {
        let none = offered_for(
            &bot,
            who,
            "choose",
            json!({ "decision": decision, "option": "" }),
            "option",
        )
        .await;
        assert_eq!(none, [], "{who} {decision}");
    }
    let early = offered_for(&bot, "maya", "choose", json!({ "option": "" }), "option").await;
    assert_eq!(early, [], "no decision yet");
}
