//! Decisions that are chosen or answered instead of approved.

use discord_sandbox::Outcome;
use gander::core::decision::{Choice, Expects, Request, State, Verdict};
use gander::engine::{Claim, HandleError};
use serde_json::Value;

use crate::bot::{Bot, click, control, custom_ids, id, reject, request, submit, words};

fn choice(title: &str, options: &[(&str, &str)]) -> Request {
    let options = options
        .iter()
        .map(|(name, why)| Choice { name: (*name).into(), description: (*why).into() })
        .collect();
    Request { expects: Expects::Choose, options, ..request(title) }
}

fn databases() -> Request {
    choice(
        "Which database for the session store?",
        &[
            ("Postgres", "already in use; a little slower"),
            ("Redis", "fast; one more thing to run"),
            ("SQLite", ""),
        ],
    )
}

async fn verdict(bot: &Bot, decision: gander::core::decision::DecisionId) -> Verdict {
    let waited = bot.handle.approvals().wait(decision, None, Claim::Yes, None).await.unwrap();
    let State::Resolved(resolved) = waited.state.clone() else { panic!("{waited:?}") };
    resolved.verdict
}

async fn pick(bot: &Bot, who: &str, card: &Value, value: &str) -> Outcome {
    bot.person(who).select(id(card), &control(card, "pick"), &[value]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn up_to_five_options_are_buttons() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, card) = bot.ask_and_see(databases()).await;
    insta::assert_snapshot!("choice_waiting", pen.message(&card));
    let done = click(&bot.person("jonas"), &card, "choose-1").await;
    insta::assert_snapshot!("choice_made", pen.message(&done.message.unwrap()));
    assert_eq!(verdict(&bot, decision.id).await, Verdict::Chosen { option: "Redis".into() });
}

#[tokio::test(flavor = "multi_thread")]
async fn more_options_are_a_menu_with_their_descriptions() {
    let bot = Bot::start().await;
    let names: Vec<String> = (1..=25).map(|n| format!("Option {n} {}", "x".repeat(80))).collect();
    let options: Vec<(&str, &str)> =
        names.iter().map(|name| (name.as_str(), "speaks for it")).collect();
    let (decision, card) = bot.ask_and_see(choice("Which of many?", &options)).await;
    let menu = &card["components"][0]["components"][0];
    assert_eq!(menu["options"].as_array().unwrap().len(), 25);
    assert_eq!(menu["options"][24]["description"], "speaks for it");
    assert!(words(&pick(&bot, "sven", &card, "3").await).contains("Nothing was changed"));
    pick(&bot, "maya", &card, "24").await;
    assert_eq!(verdict(&bot, decision.id).await, Verdict::Chosen { option: names[24].clone() });
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_begin_alike_are_told_apart() {
    let bot = Bot::start().await;
    let same = "Keep the old tables, and copy every row to the new ones before anything is ";
    assert!(same.len() > 74);
    for count in [2, 6] {
        let names: Vec<String> =
            (0..count).map(|n| format!("{same}changed: case {n} {}", "x".repeat(n))).collect();
        let options: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let (decision, card) = bot.ask_and_see(choice("Which?", &options)).await;
        let row = &card["components"][0]["components"];
        let shown = if count > 5 { &row[0]["options"] } else { row };
        let labels: Vec<&str> =
            shown.as_array().unwrap().iter().map(|part| part["label"].as_str().unwrap()).collect();
        for (n, label) in labels.iter().enumerate() {
            assert!(label.starts_with(&format!("{}. Keep the old", n + 1)), "{label}");
            assert!(label.ends_with(&format!("case {n} {}", "x".repeat(n)).trim()), "{label}");
        }
        // The list on the card has the numbers of the buttons, and both ends of each name.
        let list = card["embeds"][0]["fields"].to_string();
        assert!(list.contains("2. **Keep the old") && list.contains("case 1 x**"), "{list}");
        let clicked = if count > 5 {
            pick(&bot, "maya", &card, "1").await
        } else {
            click(&bot.person("maya"), &card, "choose-1").await
        };
        assert!(clicked.ok, "{clicked:?}");
        assert_eq!(verdict(&bot, decision.id).await, Verdict::Chosen { option: names[1].clone() });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn none_of_the_options_is_a_rejection_with_its_reason() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(databases()).await;
    reject(&bot.person("maya"), &card, "Keep it in memory.").await;
    assert_eq!(
        verdict(&bot, decision.id).await,
        Verdict::Rejected { reason: "Keep it in memory.".into() }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_written_into_a_form() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, card) = bot
        .ask_and_see(Request {
            expects: Expects::Answer,
            ..request("How shall the release be called?")
        })
        .await;
    insta::assert_snapshot!("answer_waiting", pen.message(&card));
    let maya = bot.person("maya");
    let form = click(&maya, &card, "answer").await;
    let blank = submit(&maya, &form, " \n ").await;
    assert!(words(&blank).contains("empty"), "{blank:?}");
    let form = click(&maya, &card, "answer").await;
    let done = submit(&maya, &form, "**Honker**\n(not Goose)").await;
    insta::assert_snapshot!("answer_given", pen.message(&done.message.unwrap()));
    assert_eq!(
        verdict(&bot, decision.id).await,
        Verdict::answered("**Honker**\n(not Goose)".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_changed_since_they_were_seen_are_not_chosen() {
    let bot = Bot::start().await;
    let mut asked = databases();
    asked.dedup_key = Some("database".into());
    let (decision, card) = bot.ask_and_see(asked.clone()).await;
    let matching =
        discord_sandbox::Match { method: Some("PATCH".into()), path: Some("/messages/".into()) };
    bot.sandbox.fault(discord_sandbox::Fault {
        matching,
        effect: discord_sandbox::Effect::status(503),
        times: 0,
    });
    asked.options.reverse();
    asked.options.pop();
    bot.ask(asked).await;
    // The third button meant SQLite; now there are two, and the first is SQLite.
    let outcome = click(&bot.person("maya"), &card, "choose-2").await;
    assert!(words(&outcome).contains("changed after you saw it"), "{outcome:?}");
    assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    bot.sandbox.clear_faults();
    let card = bot
        .card(decision.id, "revised", |card| {
            custom_ids(card).iter().all(|id| !id.contains("choose-2"))
        })
        .await;
    click(&bot.person("maya"), &card, "choose-0").await;
    assert_eq!(verdict(&bot, decision.id).await, Verdict::Chosen { option: "SQLite".into() });
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_make_no_sense_are_refused_with_what_to_do() {
    let bot = Bot::start().await;
    let many: Vec<String> = (0..26).map(|n| n.to_string()).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    let cases = [
        (choice("one", &[("only", "")]), "2 to 25 options, not 1"),
        (choice("many", &many), "not 26"),
        (choice("twice", &[("a", ""), ("a ", "")]), "is a duplicate"),
        (choice("hidden", &[("Keep", ""), ("Ke\u{200B}ep", "")]), "is a duplicate"),
        (choice("Cyrillic", &[("Postgres", ""), ("P\u{43e}stgres", "")]), "looks like no other"),
        (choice("wide", &[("Redis", ""), ("\u{ff32}edis", "")]), "looks like no other"),
        (choice("blank", &[("a", ""), ("  ", "")]), "has no name"),
        (Request { expects: Expects::Approve, ..databases() }, "leave them out"),
        (
            Request {
                safe_default: Some(gander::core::decision::SafeDefault::Approve),
                ..databases()
            },
            "a default of approve",
        ),
    ];
    for (request, says) in cases {
        let HandleError::InvalidRequest(error) =
            bot.handle.approvals().ask(request).await.unwrap_err()
        else {
            panic!("{says}")
        };
        assert!(error.to_string().contains(says), "{error}");
    }
}
