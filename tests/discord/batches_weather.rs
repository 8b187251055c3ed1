//! Batches in bad weather: killed while one is made, deleted, refused, changed while it is drawn.
//! Afterwards each decision stands on one message, and that message is true.

use discord_sandbox::{BotAccess, Effect, LimitScope, Sandbox};
use gander::core::decision::{Decision, Request};
use gander::core::messaging::batch::Batching;
use gander::engine::clock::wall_time;
use serde_json::Value;

use crate::batches::{ask_all, batch, batches, low, press, shows, some_low, with_batch};
use crate::bot::{Bot, LIMIT, can_decide, cards_of, click, control, custom_ids, id, request};
use crate::weather::{answered, now, on};
use gander::store::Store;

/// Every decision has buttons on one message alone: a batch's that lists it, or its own. And the
/// store knows nothing unsettled.
async fn calms_down(bot: &Bot, asked: &[Decision]) {
    let store = Store::open(&bot.folder.path().join("gander.db"), None, wall_time()).unwrap();
    let deadline = tokio::time::Instant::now() + LIMIT;
    loop {
        let wrong = wrong(&bot.sandbox, &store, asked);
        if wrong.is_empty() {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{wrong:#?}");
        let _ = bot
            .sandbox
            .wait_for("calm", std::time::Duration::from_millis(200), |_| None::<()>)
            .await;
    }
}

fn wrong(sandbox: &Sandbox, store: &Store, asked: &[Decision]) -> Vec<String> {
    let mut wrong = Vec::new();
    let hanging = batches(sandbox);
    for decision in asked
        .iter()
        .filter(|decision| store.decisions().get(decision.id).unwrap().unwrap().state.is_open())
    {
        let carrier = store.messages().batch_card_of(decision.id).unwrap();
        let on_batches = hanging.iter().filter(|card| lists(card, decision)).count();
        let own = cards_of(sandbox, decision.id).iter().filter(|card| can_decide(card)).count();
        if (on_batches, own) != if carrier.is_some() { (1, 0) } else { (0, 1) } {
            wrong.push(format!(
                "{} is on {on_batches} batches and has {own} cards; the store says {carrier:?}",
                decision.id
            ));
        }
    }
    wrong.extend(
        store.messages().outdated_cards().unwrap().iter().map(|id| format!("{id} is unsettled")),
    );
    wrong.extend(
        store
            .messages()
            .outdated(None)
            .unwrap()
            .iter()
            .map(|id| format!("message {id} is outdated")),
    );
    wrong
}

fn lists(card: &Value, decision: &Decision) -> bool {
    let is_waiting =
        |line: &str| line.contains(&format!("**{}**", decision.id)) && !line.starts_with("↗️");
    !custom_ids(card).is_empty()
        && card["embeds"][0]["description"].as_str().unwrap_or_default().lines().any(is_waiting)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_a_batch_is_posted_there_is_one_in_the_end() {
    for (effect, what) in [
        (Effect::WithholdAnswer { ms: None }, "posted, and not recorded"),
        (Effect::HoldRequest, "intended, and not posted"),
        (Effect::status(503), "refused for now"),
    ] {
        let mut bot = Bot::start_batching(Batching::default()).await;
        let since = now(&bot.sandbox);
        bot.sandbox.fault(on("POST", "/messages", effect, 1));
        let asked = ask_all(&bot, some_low(4)).await;
        let tried = |sandbox: &Sandbox| {
            let posts = sandbox
                .journal(since)
                .iter()
                .filter(|e| e.method == "POST" && e.path.contains("/messages"))
                .count();
            (posts > 0 || sandbox.held_requests() > 0).then_some(())
        };
        bot.sandbox.wait_for(what, LIMIT, tried).await.unwrap();
        bot.kill().await;
        bot.sandbox.clear_faults();
        bot.sandbox.release_held();
        let bot = bot.restart().await;
        calms_down(&bot, &asked).await;
        assert_eq!(batches(&bot.sandbox).len(), 1, "{what}: {:#?}", batches(&bot.sandbox));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_the_cards_before_it_are_sent_to_the_batch_they_get_there() {
    let mut bot = Bot::start_batching(Batching::default()).await;
    let (first, _) = bot.ask_and_see(low("First")).await;
    // The first card's edit never ends.
    bot.sandbox.fault(on("PATCH", "/messages", Effect::HoldRequest, 0));
    let mut asked = ask_all(&bot, some_low(3)).await;
    asked.push(first);
    bot.sandbox
        .wait_for("the edit to begin", LIMIT, |sandbox| (sandbox.held_requests() > 0).then_some(()))
        .await
        .unwrap();
    bot.kill().await;
    bot.sandbox.clear_faults();
    bot.sandbox.release_held();
    let bot = bot.restart().await;
    calms_down(&bot, &asked).await;
    assert_eq!(batches(&bot.sandbox).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_a_moderator_deletes_is_posted_again_while_something_on_it_waits() {
    let (bot, asked, card) = with_batch(some_low(3)).await;
    let channel = card["channel_id"].as_str().unwrap();
    bot.sandbox.delete_message(channel, id(&card));
    let again = batch(&bot, "again", |again| id(again) != id(&card)).await;
    calms_down(&bot, &asked).await;
    let maya = bot.person("maya");
    let before = press(&maya, &again, "look").await;
    press(&maya, &before, "together").await;
    let done = batch(&bot, "done", |card| shows(card, "Nothing is waiting here any more")).await;
    bot.sandbox.delete_message(channel, id(&done));
    let (lone, _) =
        bot.ask_and_see(Request { project: "other".into(), ..request("Another") }).await;
    assert!(batches(&bot.sandbox).is_empty(), "what is decided needs no card");
    // Taken back, it waits again, on a card of its own.
    let voter = gander::core::decision::authorization::Voter {
        person: gander::core::decision::Person::discord(1, "Jonas"),
        roles: vec![gander::core::decision::authorization::Role {
            id: 1,
            name: "Approvers".into(),
        }],
        owner: false,
    };
    bot.handle.approvals().undo(asked[0].id, &voter).await.unwrap();
    bot.card(asked[0].id, "is there again", can_decide).await;
    assert_ne!(lone.id, asked[0].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_while_nobody_listened_it_is_posted_again() {
    let (mut bot, asked, card) = with_batch(some_low(3)).await;
    bot.kill().await;
    bot.sandbox.delete_message(card["channel_id"].as_str().unwrap(), id(&card));
    let bot = bot.restart().await;
    batch(&bot, "again", |again| id(again) != id(&card)).await;
    calms_down(&bot, &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_closed_keeps_the_batch_and_one_that_is_deleted_gives_it_another() {
    let (bot, asked, card) = with_batch(some_low(3)).await;
    let channel = card["channel_id"].as_str().unwrap().to_owned();
    bot.sandbox.set_bot_access(&channel, BotAccess::Hidden);
    let late = ask_all(&bot, some_low(1)).await;
    bot.sandbox.set_bot_access(&channel, BotAccess::Full);
    let whole =
        batch(&bot, "with the late one", |card| shows(card, &format!("**{}**", late[0].id))).await;
    assert_eq!(id(&whole), id(&card), "the same message");
    calms_down(&bot, &asked).await;
    bot.sandbox.delete_channel(&channel);
    let again = batch(&bot, "elsewhere", |card| card["channel_id"] != channel.as_str()).await;
    assert!(shows(&again, "4 decisions"), "{again:#}");
    calms_down(&bot, &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limits_and_outages_only_make_it_late() {
    let (bot, mut asked, card) = with_batch(some_low(3)).await;
    for effect in
        [Effect::limited(LimitScope::User, 300, true), Effect::status(503), Effect::lost_answer()]
    {
        let since = now(&bot.sandbox);
        bot.sandbox.fault(on("PATCH", "/messages", effect, 1));
        asked.extend(ask_all(&bot, some_low(1)).await);
        let last = asked.last().unwrap().id;
        batch(&bot, "with it", |card| shows(card, &format!("**{last}**"))).await;
        calms_down(&bot, &asked).await;
        assert!(answered(&bot.sandbox, since, ("PATCH", "/messages"), Some(200)) >= 1);
    }
    assert_eq!(batches(&bot.sandbox).iter().map(id).collect::<Vec<_>>(), [id(&card)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_while_its_batch_is_drawn_is_shown_decided() {
    let bot = Bot::start_batching(Batching::default()).await;
    let (first, own) = bot.ask_and_see(low("First")).await;
    bot.sandbox.fault(on("POST", "/messages", Effect::HoldRequest, 1));
    let asked = ask_all(&bot, some_low(3)).await;
    bot.sandbox
        .wait_for("the batch to be posted", LIMIT, |sandbox| {
            (sandbox.held_requests() > 0).then_some(())
        })
        .await
        .unwrap();
    // Its own card still hangs, and still decides.
    assert!(click(&bot.person("maya"), &own, "approve").await.ok);
    bot.sandbox.release_held();
    let card = batch(&bot, "shows it", |card| {
        shows(card, &format!("~~**{}** First~~ approved", first.id))
    })
    .await;
    let last = asked.last().unwrap();
    assert!(lists(&card, last), "{card:#}");
    bot.card(first.id, "leads there", |card| shows(card, "now part of batch")).await;
    calms_down(&bot, &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_one_is_left_and_can_be_decided_there() {
    let (bot, asked, card) = with_batch(some_low(3)).await;
    let maya = bot.person("maya");
    for decision in &asked[..2] {
        let menu = control(&card, "lopen-0");
        let opened = crate::batches::seen(
            maya.select(id(&card), &menu, &[&decision.id.0.to_string()]).await,
        );
        press(&maya, &opened, "approve").await;
    }
    let card = batch(&bot, "one left", |card| shows(card, "1 of 3 decisions needs")).await;
    let before = press(&maya, &card, "look").await;
    press(&maya, &before, "together").await;
    batch(&bot, "none left", |card| shows(card, "Nothing is waiting here any more")).await;
    calms_down(&bot, &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_many_at_once_is_few_edits() {
    let (bot, asked, card) = with_batch(some_low(40)).await;
    let since = now(&bot.sandbox);
    let maya = bot.person("maya");
    let before = press(&maya, &card, "look").await;
    press(&maya, &before, "together").await;
    batch(&bot, "done", |card| shows(card, "Nothing is waiting here any more")).await;
    calms_down(&bot, &asked).await;
    let edits = answered(&bot.sandbox, since, ("PATCH", "/messages"), Some(200));
    assert!(edits <= 3, "{edits} edits for {} changes", asked.len());
}
