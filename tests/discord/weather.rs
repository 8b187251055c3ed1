//! Discord and the network misbehave. Afterwards: one card, true; nothing lost, nothing doubled.

use discord_sandbox::{
    BotAccess, Effect, Fault, GatewayFault, JournalEntry, LimitScope, Match, Sandbox, Wire,
};
use gander::engine::Claim;
use gander::engine::clock::wall_time;
use gander::store::{Filter, Store};

use crate::bot::{Bot, LIMIT, can_decide, cards_of, click, id, request};
use crate::common::truth;

pub(crate) fn on(method: &str, path: &str, effect: Effect, times: u32) -> Fault {
    Fault {
        matching: Match { method: Some(method.into()), path: Some(path.into()) },
        effect,
        times,
    }
}

/// However the weather was, afterwards: one card each, true to the store; one verdict and one claim
/// at most; a whole log.
pub(crate) async fn calms_down(bot: &Bot) {
    let store = Store::open(&bot.folder.path().join("gander.db"), None, wall_time()).unwrap();
    truth::settled(&bot.sandbox, &store, None).await;
    for decision in store.decisions().list(&Filter::default()).unwrap() {
        truth::must_be_decided_once(&store, decision.id);
    }
    truth::must_be_whole(&store);
}

/// A decision from its question to the agent that picks up the verdict.
pub(crate) async fn settles(bot: &Bot, fault: Fault) {
    bot.sandbox.fault(fault);
    let (decision, card) = bot.ask_and_see(request("In this weather?")).await;
    let outcome = click(&bot.person("maya"), &card, "approve").await;
    assert!(outcome.ok, "{outcome:?}");
    bot.card(decision.id, "true", |card| !can_decide(card)).await;
    // Whatever was under way has been seen by now: the agent's claim is drawn after it.
    bot.handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap();
    bot.card(decision.id, "picked up", |card| card.to_string().contains("picked it up")).await;
    calms_down(bot).await;
    bot.sandbox.clear_faults();
}

/// The last entry of the journal.
pub(crate) fn now(sandbox: &Sandbox) -> u64 {
    sandbox.journal(0).last().map_or(0, |entry| entry.n)
}

/// How many requests since then were answered with this status; those of which the answer was
/// withheld have none.
pub(crate) fn answered(
    sandbox: &Sandbox,
    since: u64,
    request: (&str, &str),
    status: Option<u16>,
) -> usize {
    let is = |entry: &&JournalEntry| {
        entry.kind == Wire::Rest
            && entry.method == request.0
            && entry.path.contains(request.1)
            && entry.status == status
    };
    sandbox.journal(since).iter().filter(is).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_error_is_tried_again() {
    let bot = Bot::start().await;
    settles(&bot, on("POST", "/messages", Effect::status(503), 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_holds_up_one_card_and_no_other() {
    let bot = Bot::start().await;
    bot.sandbox.fault(on("POST", "/messages", Effect::Delay { ms: 20_000 }, 1));
    let asked = [bot.ask(request("One")).await.id, bot.ask(request("Another")).await.id];
    // Whichever is posted first hangs; the other is there long before it.
    let there = |sandbox: &Sandbox| {
        asked.into_iter().find(|decision| !cards_of(sandbox, *decision).is_empty())
    };
    let through = bot.sandbox.wait_for("one of the two cards", LIMIT, there).await.unwrap();
    let card = bot.card(through, "is there", |_| true).await;
    assert!(click(&bot.person("maya"), &card, "approve").await.ok);
    let hung = asked.into_iter().find(|decision| *decision != through).unwrap();
    assert!(cards_of(&bot.sandbox, hung).is_empty(), "still hanging");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_fails_once_is_repeated_and_one_that_is_lost_is_mended_by_an_edit() {
    let bot = Bot::start().await;
    settles(&bot, on("POST", "/callback", Effect::status(503), 1)).await;
    let (decision, card) = bot.ask_and_see(request("Lost answer?")).await;
    bot.sandbox.fault(on("POST", "/callback", Effect::status(503), 5));
    let outcome = click(&bot.person("maya"), &card, "approve").await;
    assert!(!outcome.ok, "the person sees that it failed: {outcome:?}");
    bot.card(decision.id, "true all the same", |card| !can_decide(card)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_a_moderator_deletes_is_posted_again_while_it_is_open() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(request("Deleted?")).await;
    let channel = card["channel_id"].as_str().unwrap();
    bot.sandbox.delete_message(channel, id(&card));
    let again = bot.card(decision.id, "posted again", |again| id(again) != id(&card)).await;
    click(&bot.person("maya"), &again, "approve").await;
    let done = bot.card(decision.id, "approved", |card| !can_decide(card)).await;
    bot.sandbox.delete_message(channel, id(&done));
    let (other, _) = bot.ask_and_see(request("Another")).await;
    assert_ne!(other.id, decision.id);
    assert!(cards_of(&bot.sandbox, decision.id).is_empty(), "what is decided needs no card");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_deleted_while_nobody_listened_is_posted_again() {
    let mut bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(request("Deleted meanwhile?")).await;
    bot.kill().await;
    bot.sandbox.delete_message(card["channel_id"].as_str().unwrap(), id(&card));
    let bot = bot.restart().await;
    bot.card(decision.id, "posted again", |again| id(again) != id(&card)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_closed_is_waited_for_and_the_card_comes_when_it_opens() {
    let bot = Bot::start().await;
    let channel = bot.sandbox.addresses().channel_id("web-shop").unwrap().to_owned();
    let read = |sandbox: &Sandbox| {
        (answered(sandbox, 0, ("GET", "/channels"), Some(200)) >= 2).then_some(())
    };
    bot.sandbox
        .wait_for(
            "the channels to be read, at the start and when the gateway is ready",
            LIMIT,
            read,
        )
        .await
        .unwrap();
    // From now on it does not hear of changes, so it tries and is refused.
    bot.sandbox
        .gateway_fault(GatewayFault::Lose { event: Some("CHANNEL_UPDATE".into()), times: 1 });
    bot.sandbox.set_bot_access(&channel, BotAccess::Hidden);
    let since = now(&bot.sandbox);
    let mut asked = request("Closed?");
    asked.project = "web-shop".into();
    let decision = bot.ask(asked).await;
    let post = ("POST", "/messages");
    let refused =
        |sandbox: &Sandbox| (answered(sandbox, since, post, Some(403)) == 1).then_some(());
    bot.sandbox.wait_for("the bot to be refused", LIMIT, refused).await.unwrap();
    let list = bot.handle.attention().list(None).await.unwrap();
    assert_eq!(list[0].id, decision.id, "it waits, and the list shows it");
    bot.sandbox.set_bot_access(&channel, BotAccess::Full);
    bot.card(decision.id, "posted", |_| true).await;
    assert_eq!(answered(&bot.sandbox, since, post, Some(403)), 1, "one refusal was enough");
    calms_down(&bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_channel_gets_its_cards_back_in_another() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(request("Where?")).await;
    bot.sandbox.delete_channel(card["channel_id"].as_str().unwrap());
    let again = bot.card(decision.id, "in another channel", |_| true).await;
    assert_ne!(again["channel_id"], card["channel_id"]);
    calms_down(&bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_not_discords_are_tried_again() {
    let bot = Bot::start().await;
    let page = || Some(serde_json::json!("<html>Sign in to the network</html>"));
    for status in [200, 403, 404] {
        let effect = Effect::Status {
            status,
            ms: None,
            body: page(),
            retry_after_header: false,
            scope: LimitScope::User,
        };
        settles(&bot, on("POST", "/messages", effect.clone(), 1)).await;
        settles(&bot, on("PATCH", "/messages", effect, 1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn access_that_is_taken_for_a_while_moves_no_card() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(request("Still here?")).await;
    let channel = card["channel_id"].as_str().unwrap().to_owned();
    let before = bot.sandbox.journal(0).last().map_or(0, |entry| entry.n);
    bot.sandbox.set_bot_access(&channel, BotAccess::Hidden);
    let refused = |sandbox: &Sandbox| {
        sandbox.journal(before).iter().any(|entry| entry.status == Some(403)).then_some(())
    };
    bot.sandbox.wait_for("the bot to be refused", LIMIT, refused).await.unwrap();
    let other = bot.ask(request("Confidential")).await;
    bot.sandbox.set_bot_access(&channel, BotAccess::Full);
    let posted = bot.card(other.id, "posted where it belongs", |_| true).await;
    assert_eq!(posted["channel_id"], channel.as_str(), "never in another channel");
    let cards = cards_of(&bot.sandbox, decision.id);
    assert_eq!(cards.iter().map(id).collect::<Vec<_>>(), [id(&card)], "the card stayed");
    click(&bot.person("maya"), &card, "approve").await;
    bot.card(decision.id, "true", |card| !can_decide(card)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_while_the_card_is_being_edited_is_not_overtaken() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(request("Both at once?")).await;
    bot.sandbox.fault(on("PATCH", "/messages", Effect::Delay { ms: 1_500 }, 1));
    // Put off elsewhere: the reconciler begins an edit that takes a while.
    let jonas = gander::core::decision::authorization::Voter {
        person: gander::core::decision::Person::discord(1, "Jonas"),
        roles: vec![gander::core::decision::authorization::Role {
            id: 1,
            name: "Approvers".into(),
        }],
        owner: false,
    };
    let until = bot.handle.now() + chrono::TimeDelta::hours(1);
    bot.handle.approvals().defer(decision.id, decision.revision, &jonas, until).await.unwrap();
    let outcome = click(&bot.person("maya"), &card, "approve").await;
    assert!(outcome.ok, "{outcome:?}");
    bot.card(decision.id, "true in the end", |card| {
        card.to_string().contains("✅ Approved") && !can_decide(card)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_discord_refuses_do_not_take_the_question_with_them() {
    let bot = Bot::start().await;
    let body = serde_json::json!({ "message": "Request entity too large", "code": 40_005 });
    let effect = Effect::Status {
        status: 413,
        ms: None,
        body: Some(body),
        retry_after_header: false,
        scope: LimitScope::User,
    };
    bot.sandbox.fault(on("POST", "/messages", effect, 1));
    let mut asked = request("With a file?");
    asked.body = "A long text.\n".repeat(500);
    let (_, card) = bot.ask_and_see(asked).await;
    assert!(card.to_string().contains("files that belong here could not be posted"), "{card:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_in_one_channel_holds_up_no_other() {
    let sandbox = Sandbox::start(discord_sandbox::Options::default()).await.unwrap();
    let rules = gander::core::policy::rules::Rules {
        batching: gander::core::messaging::batch::Batching::off(),
        ..Default::default()
    };
    let bot = Bot::start_in(sandbox, rules).await;
    // Under Discord's own limits of 5 messages in 5 s these take minutes.
    for n in 0..200 {
        let mut asked = request(&format!("One of many, {n}"));
        asked.project = "web-shop".into();
        bot.ask(asked).await;
    }
    bot.ask_and_see(request("In a quiet channel")).await;
    let shop = bot.sandbox.view("maya").unwrap().messages("web-shop").len();
    assert!(shop < 200, "the flood was still going on, with {shop} of 200 posted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_noticed_while_the_store_is_locked_is_not_forgotten() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(request("Deleted while locked?")).await;
    let mut other = rusqlite::Connection::open(bot.folder.path().join("gander.db")).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    bot.sandbox.delete_message(card["channel_id"].as_str().unwrap(), id(&card));
    // Each of these waits until the store gives up on its lock: the deletion's own write has failed
    // by then.
    for _ in 0..2 {
        assert!(bot.handle.approvals().ask(request("Locked out")).await.is_err());
    }
    drop(held);
    bot.card(decision.id, "posted again", |again| id(again) != id(&card)).await;
}
