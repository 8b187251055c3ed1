//! Several decisions on one card.

use chrono::TimeDelta;
use discord_sandbox::{Outcome, Person, Sandbox};
use gander::core::decision::{
    Choice, Decision, Detail, Expects, Request, Revision, Risk, State, Verdict,
};
use gander::core::messaging::batch::Batching;
use gander::core::policy::approval_guard::Guard;
use gander::core::policy::rules::Rules;
use gander::engine::Claim;
use serde_json::Value;

use crate::bot::{Bot, LIMIT, can_decide, cards_of, click, control, defer, id, request, words};
use gander::store::Store;

/// All batch cards that hang, oldest first.
pub(crate) fn batches(sandbox: &Sandbox) -> Vec<Value> {
    let view = sandbox.view("maya").unwrap();
    let is_batch = |message: &&Value| {
        message["embeds"][0]["title"].as_str().is_some_and(|title| title.starts_with("Batch "))
    };
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
    let moved =
        bot.card(lone.id, "says where it went", |card| shows(card, "now part of batch")).await;
    assert_eq!(
        (id(&moved), moved["components"].as_array().map_or(0, Vec::len)),
        (id(&own), 0),
        "{moved:#}"
    );
    assert!(shows(&moved, id(&card)), "it leads there: {moved:#}");
    let none_else = |sandbox: &Sandbox| {
        let own = more.iter().flat_map(|decision| cards_of(sandbox, decision.id));
        (!own.into_iter().any(|card| can_decide(&card))).then_some(())
    };
    bot.sandbox.wait_for("no other card with buttons", LIMIT, none_else).await.unwrap();
    assert_eq!(batches(&bot.sandbox).len(), 1);
}

/// A bot with a batch of these on its card.
pub(crate) async fn with_batch(asked: Vec<Request>) -> (Bot, Vec<Decision>, Value) {
    let mut bot = Bot::start_batching(Batching::default()).await;
    let count = asked.len();
    // While nobody looks, one after another, so that the numbers are always the same.
    bot.kill().await;
    let mut decisions = Vec::new();
    for request in asked {
        decisions.push(bot.ask(request).await);
    }
    let bot = bot.restart().await;
    let is_whole = |card: &Value| shows(card, &format!("Batch 1 · {count} decisions"));
    let card = batch(&bot, "with all of them", is_whole).await;
    (bot, decisions, card)
}

/// Asks all of them in one go, so that none of them gets a card of its own first.
pub(crate) async fn ask_all(bot: &Bot, asked: Vec<Request>) -> Vec<Decision> {
    let asking = asked.into_iter().map(|request| bot.handle.approvals().ask(request));
    let asked = futures_util::future::join_all(asking).await;
    let mut decisions: Vec<Decision> =
        asked.into_iter().map(|asked| asked.unwrap().into_decision()).collect();
    decisions.sort_by_key(|decision| decision.id);
    decisions
}

pub(crate) fn some_low(count: usize) -> Vec<Request> {
    (1..=count).map(|number| low(&format!("Rename module {number}"))).collect()
}

/// What somebody sees after they clicked one of a message's buttons.
pub(crate) async fn press(person: &Person, message: &Value, verb: &str) -> Value {
    seen(click(person, message, verb).await)
}

pub(crate) fn seen(outcome: Outcome) -> Value {
    assert!(outcome.ok, "{outcome:?}");
    outcome.message.unwrap_or_else(|| panic!("nothing is shown"))
}

pub(crate) fn is_approved(decision: &Decision) -> bool {
    matches!(&decision.state, State::Resolved(resolved) if resolved.verdict == Verdict::approved())
}

/// All that a batch may list: tests, a choice, two approvals, medium risk, somebody on it.
pub(crate) fn mixed() -> Vec<Request> {
    let tested = Detail { name: "tests".into(), value: "47/47".into() };
    let option = |name: &str| Choice { name: name.into(), description: String::new() };
    vec![
        Request { details: vec![tested.clone()], ..low("Rename the contact module") },
        Request {
            details: vec![tested],
            dedup_key: Some("k".into()),
            ..low("Remove an unused import")
        },
        low("Format the `notes` folder"),
        Request { risk: Risk::Medium, ..low("Raise the timeout to 30 s") },
        Request {
            expects: Expects::Choose,
            options: vec![option("tabs"), option("spaces")],
            ..low("Tabs or spaces?")
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_low_risk_are_approved_as_they_were_listed_and_each_result_is_told() {
    let (bot, asked, card) = with_batch(mixed()).await;
    let (pen, maya) = (bot.pen(), bot.person("maya"));
    insta::assert_snapshot!("batch_card", pen.message(&card));
    let before = press(&maya, &card, "look").await;
    assert_eq!(before["flags"], 64, "only she sees it");
    insta::assert_snapshot!("batch_preflight", pen.message(&before));
    for decision in &asked {
        assert!(
            matches!(
                bot.handle.approvals().get(decision.id).await.unwrap().state,
                State::Pending(_)
            ),
            "not before the second click"
        );
    }
    let changed = asked.iter().find(|decision| decision.request.dedup_key.is_some()).unwrap();
    bot.ask(Request { title: "Remove all imports".into(), ..changed.request.clone() }).await;
    batch(&bot, "shows the change", |card| shows(card, "Remove all imports")).await;
    let done = press(&maya, &before, "together").await;
    insta::assert_snapshot!("batch_results", pen.message(&done));
    let approved: Vec<bool> = {
        let mut approved = Vec::new();
        for decision in &asked {
            approved.push(is_approved(&bot.handle.approvals().get(decision.id).await.unwrap()));
        }
        approved
    };
    let expected: Vec<bool> = asked
        .iter()
        .map(|d| {
            d.terms.risk == Risk::Low && d.request.expects == Expects::Approve && d.id != changed.id
        })
        .collect();
    assert_eq!(approved, expected);
    // The agent is told.
    let first = asked.iter().position(is_low_yes).unwrap();
    let told = bot.handle.approvals().wait(asked[first].id, None, Claim::Yes, None).await.unwrap();
    assert!(is_approved(&told));
    let after = batch(&bot, "after the approval", |card| {
        card.to_string().matches("~~ approved by").count() == 2
    })
    .await;
    insta::assert_snapshot!("batch_card_after", pen.message(&after));
    assert_eq!(id(&after), id(&card), "the same message");
}

fn is_low_yes(decision: &Decision) -> bool {
    decision.terms.risk == Risk::Low
        && decision.request.expects == Expects::Approve
        && decision.request.dedup_key.is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_approve_the_same_batch_at_once_decide_each_item_once_and_are_told_the_truth() {
    let (bot, asked, card) = with_batch(some_low(8)).await;
    let (maya, jonas) = (bot.person("maya"), bot.person("jonas"));
    let (hers, his) = (press(&maya, &card, "look").await, press(&jonas, &card, "look").await);
    let (hers, his) =
        tokio::join!(press(&maya, &hers, "together"), press(&jonas, &his, "together"));
    let said = |view: &Value| view.to_string().matches("** approved: ").count();
    let others = |view: &Value| view.to_string().matches("was already approved by").count();
    assert_eq!(said(&hers) + said(&his), asked.len(), "{hers:#} {his:#}");
    assert_eq!(others(&hers) + others(&his), asked.len(), "{hers:#} {his:#}");
    let store = Store::open(&bot.folder.path().join("gander.db"), None, bot.handle.now()).unwrap();
    for decision in &asked {
        crate::common::truth::must_be_decided_once(&store, decision.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_may_not_decide_approves_nothing_and_may_look() {
    let (bot, asked, card) = with_batch(some_low(3)).await;
    let sven = bot.person("sven");
    let refused = press(&sven, &card, "look").await;
    assert!(
        shows(&refused, "not for you to decide")
            && refused["components"].as_array().is_none_or(Vec::is_empty),
        "{refused:#}"
    );
    let opened = seen(
        sven.select(id(&card), &control(&card, "lopen-0"), &[&asked[0].id.0.to_string()]).await,
    );
    assert!(shows(&opened, "Rename module") && !can_decide(&opened), "{opened:#}");
    let card = batch(&bot, "unchanged", |_| true).await;
    assert!(!shows(&card, "approved"), "{card:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_two_clicks_away_and_its_line_shows_what_came_of_it() {
    let (bot, asked, card) = with_batch(mixed()).await;
    let maya = bot.person("maya");
    let target = asked.iter().find(|decision| decision.terms.risk == Risk::Medium).unwrap();
    let opened =
        seen(maya.select(id(&card), &control(&card, "lopen-0"), &[&target.id.0.to_string()]).await);
    assert_eq!(opened["flags"], 64, "the batch's own message stays");
    let form = click(&maya, &opened, "reject").await;
    crate::bot::submit(&maya, &form, "30 s hides the real fault").await;
    let line = format!("❌ ~~**{}** Raise the timeout to 30 s~~ rejected by", target.id);
    let after = batch(&bot, "shows the rejection", |card| shows(card, &line)).await;
    // Taken back, it waits there again.
    let opened = seen(
        maya.select(id(&after), &control(&after, "lopen-0"), &[&target.id.0.to_string()]).await,
    );
    press(&maya, &opened, "undo").await;
    batch(&bot, "shows it again", |card| shows(card, &format!("🟡 **{}**", target.id))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_grows_riskier_or_comes_back_gets_a_card_of_its_own() {
    let (bot, asked, card) = with_batch(some_low(4)).await;
    let maya = bot.person("maya");
    // Put off, it stays on the list; back, it is a message of its own.
    let opened = seen(
        maya.select(id(&card), &control(&card, "lopen-0"), &[&asked[0].id.0.to_string()]).await,
    );
    defer(&maya, &opened, "30m").await;
    batch(&bot, "shows that it was deferred", |card| {
        shows(card, &format!("💤 **{}**", asked[0].id))
    })
    .await;
    bot.advance(TimeDelta::minutes(31));
    let back = bot.card(asked[0].id, "is back", can_decide).await;
    assert_ne!(id(&back), id(&card));
    batch(&bot, "says so", |card| {
        shows(card, &format!("↗️ **{}**", asked[0].id)) && shows(card, "it came back")
    })
    .await;
    // Riskier, and under rules that were not there when it was asked.
    let rule = gander::core::policy::rules::Rule { risk: Some(Risk::High), ..Default::default() };
    let rules = bot.handle.rules();
    bot.handle.set_rules(Rules { kinds: [("routine".into(), rule)].into(), ..(*rules).clone() });
    bot.handle.operations().enforce_rules().await.unwrap();
    for decision in &asked {
        bot.card(decision.id, "has its own", can_decide).await;
    }
    let after = batch(&bot, "says why", |card| {
        card.to_string().matches("its risk is high now").count() == 4
    })
    .await;
    insta::assert_snapshot!("batch_card_left", bot.pen().message(&after));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_two_must_approve_a_bulk_approval_is_a_vote_for_each() {
    let asked = (1..=3)
        .map(|number| Request { approvals_needed: 2, ..low(&format!("Both of you? {number}")) })
        .collect();
    let (bot, asked, card) = with_batch(asked).await;
    let hers = press(&bot.person("maya"), &card, "look").await;
    let done = press(&bot.person("maya"), &hers, "together").await;
    assert_eq!(
        done.to_string().matches("your approval counts; more are needed").count(),
        3,
        "{done:#}"
    );
    let card = batch(&bot, "shows the votes", |card| {
        card.to_string().matches("1 of 2 approvals").count() == 3
    })
    .await;
    let again = press(&bot.person("maya"), &card, "look").await;
    assert_eq!(again.to_string().matches("already has your approval").count(), 3, "{again:#}");
    let his = press(&bot.person("jonas"), &card, "look").await;
    press(&bot.person("jonas"), &his, "together").await;
    for decision in &asked {
        assert!(is_approved(&bot.handle.approvals().get(decision.id).await.unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn high_risk_and_credentials_and_projects_that_want_it_have_a_card_each() {
    let bot = Bot::start_batching(Batching {
        except: ["web-shop".to_owned()].into(),
        ..Batching::default()
    })
    .await;
    let mut asked: Vec<Request> =
        (0..3).map(|n| Request { risk: Risk::High, ..low(&format!("Drop table {n}?")) }).collect();
    asked.extend(
        (0..3).map(|n| Request { kind: "credentials".into(), ..low(&format!("Key {n}?")) }),
    );
    asked.extend(
        (0..3).map(|n| Request { project: "web-shop".into(), ..low(&format!("Colour {n}?")) }),
    );
    for decision in ask_all(&bot, asked).await {
        bot.card(decision.id, "has its own", can_decide).await;
    }
    assert!(batches(&bot.sandbox).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_ends_and_what_comes_later_is_told_by_a_message_of_its_own() {
    let (bot, _, card) = with_batch(some_low(3)).await;
    let (_, joined) = (
        bot.ask(low("At once")).await,
        batch(&bot, "with it", |card| shows(card, "4 decisions")).await,
    );
    assert_eq!(id(&joined), id(&card));
    bot.advance(TimeDelta::seconds(6));
    let (later, own) = bot.ask_and_see(low("Later")).await;
    assert!(can_decide(&own));
    bot.advance(TimeDelta::seconds(6));
    bot.ask_and_see(low("Later still")).await;
    assert_eq!(batches(&bot.sandbox).len(), 1);
    assert_eq!(bot.handle.approvals().get(later.id).await.unwrap().revision, Revision(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_somebody_is_on_is_not_drawn_into_a_batch() {
    let bot = Bot::start_batching(Batching::default()).await;
    let (mine, own) = bot.ask_and_see(low("Mine")).await;
    assert!(click(&bot.person("maya"), &own, "take").await.ok);
    ask_all(&bot, some_low(3)).await;
    let card = batch(&bot, "of the others", |card| shows(card, "3 decisions")).await;
    assert!(!shows(&card, "Mine"), "{card:#}");
    assert!(can_decide(&bot.card(mine.id, "stays", |_| true).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_frozen_when_it_is_approved_from_the_list() {
    let bot = Bot::start().await;
    let asked = ask_low(&bot, 8).await;
    bot.ask(Request { risk: Risk::Medium, ..low("Not this one") }).await;
    let maya = bot.person("maya");
    let channel = bot.sandbox.addresses().channel_id("general").unwrap().to_owned();
    let list = seen(maya.command(&channel, "attention", serde_json::json!({})).await);
    let before = press(&maya, &list, "look").await;
    let late = bot.ask(low("Asked after she looked")).await;
    let done = press(&maya, &before, "together").await;
    assert!(words_of(&done).starts_with("✅ All 8 approved"), "{done:#}");
    for decision in &asked {
        assert!(is_approved(&bot.handle.approvals().get(decision.id).await.unwrap()));
    }
    assert!(matches!(bot.handle.approvals().get(late.id).await.unwrap().state, State::Pending(_)));
    let jonas = bot.person("jonas").click(id(&done), &control(&before, "together")).await;
    assert!(!jonas.ok, "it is hers");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_approved_that_she_was_told_is_left_out() {
    let (bot, asked, card) = with_batch(some_low(4)).await;
    let (maya, jonas) = (bot.person("maya"), bot.person("jonas"));
    let opened = seen(
        jonas.select(id(&card), &control(&card, "lopen-0"), &[&asked[0].id.0.to_string()]).await,
    );
    press(&jonas, &opened, "approve").await;
    let before = press(&maya, &card, "look").await;
    assert!(shows(&before, "was already approved by Jonas"), "{before:#}");
    // Taken back while she reads: it waits again, at the revision that the card lists.
    let opened = seen(
        jonas.select(id(&card), &control(&card, "lopen-0"), &[&asked[0].id.0.to_string()]).await,
    );
    press(&jonas, &opened, "undo").await;
    let done = press(&maya, &before, "together").await;
    assert!(words_of(&done).starts_with("✅ All 3 approved"), "{done:#}");
    assert!(matches!(
        bot.handle.approvals().get(asked[0].id).await.unwrap().state,
        State::Pending(_)
    ));
}

pub(crate) fn words_of(message: &Value) -> &str {
    message["content"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_approvals_in_a_row_and_a_glance_at_high_risk_are_asked_about_once_more() {
    let bot = Bot::start().await;
    bot.guard(Guard::default());
    let maya = bot.person("maya");
    for number in 0..10 {
        let (_, card) = bot.ask_and_see(request(&format!("Quick {number}"))).await;
        assert!(click(&maya, &card, "approve").await.ok);
    }
    let (eleventh, card) = bot.ask_and_see(request("The eleventh")).await;
    let asked = click(&maya, &card, "approve").await;
    insta::assert_snapshot!("guard_in_a_row", words(&asked));
    assert!(matches!(
        bot.handle.approvals().get(eleventh.id).await.unwrap().state,
        State::Pending(_)
    ));
    press(&maya, &asked.message.unwrap(), "sure").await;
    assert!(is_approved(&bot.handle.approvals().get(eleventh.id).await.unwrap()));
    // Opening it just to click is no look.
    let (high, card) = bot.ask_and_see(Request { risk: Risk::High, ..request("Deploy") }).await;
    click(&maya, &card, "details").await;
    let asked = click(&maya, &card, "approve").await;
    insta::assert_snapshot!("guard_just_opened", words(&asked));
    assert!(matches!(bot.handle.approvals().get(high.id).await.unwrap().state, State::Pending(_)));
    bot.advance(TimeDelta::seconds(2));
    assert!(click(&maya, &card, "approve").await.ok);
    assert!(is_approved(&bot.handle.approvals().get(high.id).await.unwrap()), "she has looked");
}
