//! Going through a batch one by one, and lists that are longer than a message.

use gander::core::decision::{Request, Risk, State, Verdict};
use serde_json::Value;

use gander::core::messaging::batch::Batching;
use gander::core::policy::approval_guard::Guard;

use crate::batches::{
    ask_all, batch, is_approved, low, press, seen, shows, some_low, with_batch, words_of,
};
use crate::bot::{Bot, can_decide, click, control, custom_ids, defer, id, submit};

/// The button that goes on without deciding.
fn skip(message: &Value) -> String {
    custom_ids(message)
        .into_iter()
        .find(|id| id.split(':').nth(2).is_some_and(|verb| verb.starts_with("walk-")))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_goes_through_all_one_by_one_and_goes_on_after_a_restart() {
    let (bot, asked, card) = with_batch(some_low(5)).await;
    let (pen, maya) = (bot.pen(), bot.person("maya"));
    let first = press(&maya, &card, "walk-0").await;
    assert_eq!(first["flags"], 64, "only she sees it");
    insta::assert_snapshot!("walk_first", pen.message(&first));
    let second = press(&maya, &first, "approve").await;
    insta::assert_snapshot!("walk_second", pen.message(&second));
    assert_eq!(id(&second), id(&first), "the same message goes on");
    let form = click(&maya, &second, "reject").await;
    let third = seen(submit(&maya, &form, "Not in this release").await);
    assert!(
        words_of(&third).contains("**3 of 5**") && words_of(&third).contains("rejected by"),
        "{third:#}"
    );
    let bot = bot.restart().await;
    let maya = bot.person("maya");
    let fourth = seen(defer(&maya, &third, "30m").await);
    assert!(
        words_of(&fourth).contains("**4 of 5**") && words_of(&fourth).contains("deferred"),
        "{fourth:#}"
    );
    // Somebody is faster with the fifth.
    let elsewhere = seen(
        bot.person("jonas")
            .select(id(&card), &control(&card, "lopen-0"), &[&asked[4].id.0.to_string()])
            .await,
    );
    press(&bot.person("jonas"), &elsewhere, "approve").await;
    let end = seen(maya.click(id(&fourth), &skip(&fourth)).await);
    insta::assert_snapshot!("walk_end", bot.pen().message(&end));
    let again = press(&maya, &end, "walk-0").await;
    assert!(words_of(&again).contains("**4 of 5**"), "{again:#}");
    let over = press(&maya, &again, "approve").await;
    assert!(words_of(&over).contains("Nothing on this list of"), "{over:#}");
    let states: Vec<State> = {
        let mut states = Vec::new();
        for decision in &asked {
            states.push(bot.handle.approvals().get(decision.id).await.unwrap().state);
        }
        states
    };
    let rejected = matches!(&states[1], State::Resolved(resolved) if matches!(resolved.verdict, Verdict::Rejected { .. }));
    assert!(rejected && matches!(states[2], State::Deferred { .. }), "{states:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_way_what_changed_is_shown_and_what_is_over_is_passed_by() {
    let mut asked = some_low(3);
    asked[0].dedup_key = Some("k".into());
    let again = Request { title: "Rename everything".into(), ..asked[0].clone() };
    let (bot, decisions, card) = with_batch(asked).await;
    let maya = bot.person("maya");
    let place = decisions.iter().position(|decision| decision.request.dedup_key.is_some()).unwrap();
    let mut at = press(&maya, &card, "walk-0").await;
    for _ in 0..place {
        at = seen(maya.click(id(&at), &skip(&at)).await);
    }
    bot.ask(again).await;
    let shown = press(&maya, &at, "approve").await;
    assert!(
        words_of(&shown).contains("changed")
            && shows(&shown, "Rename everything")
            && can_decide(&shown),
        "{shown:#}"
    );
    press(&maya, &shown, "approve").await;
    let stands = bot.handle.approvals().get(decisions[place].id).await.unwrap();
    assert!(is_approved(&stands) && stands.request.title == "Rename everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_long_list_each_is_two_clicks_away() {
    let (bot, asked, card) = with_batch(some_low(60)).await;
    let maya = bot.person("maya");
    insta::assert_snapshot!(
        "batch_card_long",
        bot.pen()
            .message(&card)
            .lines()
            .filter(|l| !l.starts_with('│'))
            .collect::<Vec<_>>()
            .join("\n")
    );
    let file = &card["attachments"][0]["filename"];
    assert_eq!(file, "batch-1.csv", "{card:#}");
    let mut reached = 0;
    let menu = control(&card, "parts");
    let parts: Vec<String> = options(&card, &menu);
    for part in parts {
        let shown = seen(maya.select(id(&card), &menu, &[&part]).await);
        for open in custom_ids(&shown).into_iter().filter(|id| id.contains(":lopen-")) {
            let entries = options(&shown, &open);
            reached += entries.len();
            let opened = seen(maya.select(id(&shown), &open, &[&entries[0]]).await);
            assert!(can_decide(&opened), "{opened:#}");
        }
    }
    assert_eq!(reached, asked.len());
    let before = press(&maya, &card, "look").await;
    assert_eq!(before["attachments"][0]["filename"], "to-be-approved.txt", "{before:#}");
    let done = press(&maya, &before, "together").await;
    assert!(words_of(&done).starts_with("✅ All 60 approved"), "{done:#}");
    assert_eq!(done["attachments"][0]["filename"], "approved-together.txt", "{done:#}");
    let after =
        batch(&bot, "all done", |card| shows(card, "Nothing is waiting here any more")).await;
    assert_eq!(id(&after), id(&card));
}

fn options(message: &Value, menu: &str) -> Vec<String> {
    let rows = message["components"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row["components"].as_array().unwrap());
    let found = rows.into_iter().find(|component| component["custom_id"] == menu).unwrap();
    found["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| option["value"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_very_long_approval_says_how_far_it_is_and_ends_with_each_result() {
    let bot = Bot::start_batching(Batching::default()).await;
    let asked = ask_all(&bot, some_low(250)).await;
    let card = batch(&bot, "with all", |card| {
        shows(card, "250 decisions of") || shows(card, "250 decisions")
    })
    .await;
    let maya = bot.person("maya");
    let before = press(&maya, &card, "look").await;
    let said = press(&maya, &before, "together").await;
    assert!(
        words_of(&said).starts_with("⏳ Approving: ") || words_of(&said).starts_with("✅"),
        "{said:#}"
    );
    let done = |sandbox: &discord_sandbox::Sandbox| {
        let view = sandbox.view("maya")?;
        let message = view.message(id(&said))?.clone();
        words_of(&message).starts_with("✅ All 250 approved").then_some(message)
    };
    let done = bot.sandbox.wait_for("the results", crate::bot::LIMIT, done).await.unwrap();
    assert_eq!(done["attachments"][0]["filename"], "approved-together.txt", "{done:#}");
    for decision in &asked {
        assert!(is_approved(&bot.handle.approvals().get(decision.id).await.unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_gone_through_from_the_list_with_high_risk_too() {
    let bot = Bot::start().await;
    bot.guard(Guard::default());
    bot.ask(low("Small")).await;
    bot.ask(Request { risk: Risk::High, ..low("Big") }).await;
    let maya = bot.person("maya");
    let channel = bot.sandbox.addresses().channel_id("general").unwrap().to_owned();
    let list = seen(maya.command(&channel, "attention", serde_json::json!({})).await);
    let first = press(&maya, &list, "walk-0").await;
    assert!(
        words_of(&first).contains("**1 of 2**") && shows(&first, "Big"),
        "the most urgent first: {first:#}"
    );
    let asked = press(&maya, &first, "approve").await;
    assert!(words_of(&asked).contains("less than a second ago"), "{asked:#}");
    let second = press(&maya, &asked, "sure").await;
    assert!(words_of(&second).contains("**2 of 2**") && shows(&second, "Small"), "{second:#}");
    let end = press(&maya, &second, "approve").await;
    assert!(words_of(&end).contains("Nothing on this list of"), "{end:#}");
}
