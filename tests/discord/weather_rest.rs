//! Discord's REST interface is down, limits, garbles, loses answers, is late, or lets nobody in.

use std::time::Duration;

use discord_sandbox::{Effect, Fault, LimitHeader, LimitScope, Match, Sandbox};
use gander::core::policy::rules::Rules;
use gander::engine::Claim;

use crate::bot::{Bot, LIMIT, approvers, can_decide, cards_of, click, request};
use crate::common::cards::open_card;
use crate::common::process::{Home, sandbox};
use crate::weather::{answered, calms_down, now, on, settles};

const POST: (&str, &str) = ("POST", "/messages");

fn everything(effect: Effect) -> Fault {
    Fault { matching: Match::default(), effect, times: 0 }
}

/// Nothing gets through while a card is to be posted and another is decided. The pauses between
/// tries are real time: it lasts until so many of them have failed.
async fn outage(effect: Effect, tries: usize) {
    let status = match &effect {
        Effect::Status { status, .. } => Some(*status),
        _ => None,
    };
    let bot = Bot::start().await;
    let (decided, card) = bot.ask_and_see(request("Decided in the outage?")).await;
    let since = now(&bot.sandbox);
    bot.sandbox.fault(everything(effect));
    let asked = bot.ask(request("Asked in the outage?")).await;
    // Whether the person is answered depends on what is lost; the verdict does not.
    click(&bot.person("maya"), &card, "approve").await;
    let failed = |sandbox: &Sandbox| {
        let failed = answered(sandbox, since, POST, status)
            + answered(sandbox, since, ("GET", "/messages"), status);
        (failed >= tries).then_some(())
    };
    bot.sandbox.wait_for("failed tries", LIMIT, failed).await.unwrap();
    bot.handle.approvals().wait(decided.id, None, Claim::Yes, None).await.unwrap();
    bot.sandbox.clear_faults();
    let card = bot.card(asked.id, "posted", |_| true).await;
    assert!(click(&bot.person("maya"), &card, "approve").await.ok);
    calms_down(&bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_waited_out() {
    outage(Effect::status(503), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_loses_every_answer_is_waited_out() {
    outage(Effect::lost_answer(), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_started_in_an_outage_comes_up_when_it_is_over() {
    let sandbox = sandbox().await;
    let rules = Rules { approvers: approvers(&sandbox), ..Rules::default() };
    sandbox.fault(Fault { times: 3, ..everything(Effect::status(503)) });
    let bot = Bot::start_in(sandbox, rules).await;
    bot.ask_and_see(request("Are you there?")).await;
    calms_down(&bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rate_limit_is_waited_for_with_its_header_and_without() {
    let bot = Bot::start().await;
    for scope in [LimitScope::User, LimitScope::Global, LimitScope::Shared] {
        for header in [true, false] {
            for (method, path) in
                [("POST", "/messages"), ("PATCH", "/messages"), ("POST", "/callback")]
            {
                let since = now(&bot.sandbox);
                settles(&bot, on(method, path, Effect::limited(scope, 300, header), 1)).await;
                let limited = answered(&bot.sandbox, since, (method, path), Some(429));
                assert_eq!(
                    limited, 1,
                    "{scope:?}, header {header}: {method} {path} waits, and is not refused again"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_that_comes_again_and_again_is_waited_for_each_time() {
    let bot = Bot::start().await;
    for header in [true, false] {
        settles(&bot, on("POST", "/messages", Effect::limited(LimitScope::User, 200, header), 3))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_header_that_cannot_be_read_makes_no_second_card() {
    let bot = Bot::start().await;
    for header in LimitHeader::ALL {
        for (method, path) in [("POST", "/messages"), ("PATCH", "/messages"), ("POST", "/callback")]
        {
            settles(&bot, on(method, path, Effect::malformed(header, "soon"), 1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_can_never_be_read_make_one_message_and_not_forty() {
    let bot = Bot::start().await;
    let since = now(&bot.sandbox);
    // The client repeats such a request at once; each is answered with a few milliseconds' delay,
    // to keep the journal short.
    let slow = Effect::Delay { ms: 20 };
    let garbled = Effect::MangleHeader {
        header: LimitHeader::Limit,
        value: Some("soon".into()),
        effect: Some(Box::new(slow)),
    };
    bot.sandbox.fault(on("POST", "/messages", garbled, 0));
    let (decision, card) = bot.ask_and_see(request("Once?")).await;
    let repeated =
        |sandbox: &Sandbox| (answered(sandbox, since, POST, Some(200)) >= 40).then_some(());
    bot.sandbox.wait_for("forty requests", LIMIT, repeated).await.unwrap();
    assert_eq!(cards_of(&bot.sandbox, decision.id).len(), 1);
    let outcome = click(&bot.person("maya"), &card, "approve").await;
    assert!(outcome.ok, "{outcome:?}");
    bot.handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap();
    bot.sandbox.clear_faults();
    calms_down(&bot).await;
    assert_eq!(cards_of(&bot.sandbox, decision.id).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_after_the_deed_does_nothing_twice() {
    let bot = Bot::start().await;
    for (method, path) in [("POST", "/messages"), ("PATCH", "/messages"), ("POST", "/callback")] {
        let since = now(&bot.sandbox);
        settles(&bot, on(method, path, Effect::lost_answer(), 1)).await;
        assert_eq!(answered(&bot.sandbox, since, (method, path), None), 1, "{method} {path}");
    }
    settles(&bot, on("POST", "/messages", Effect::WithholdAnswer { ms: Some(50) }, 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_locked_for_four_seconds_decides_nothing_and_says_so() {
    let bot = Bot::start_in_a_hurry().await;
    let (decision, card) = bot.ask_and_see(request("While it is locked?")).await;
    let mut other = rusqlite::Connection::open(bot.folder.path().join("gander.db")).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let maya = bot.person("maya");
    let acknowledged = click(&maya, &card, "approve").await;
    assert!(acknowledged.ok, "within 3 s, although nothing can be written: {acknowledged:?}");
    let told = |sandbox: &Sandbox| {
        let view = sandbox.view("maya")?;
        let messages: Vec<_> = view.channels.iter().flat_map(|channel| &channel.messages).collect();
        messages
            .iter()
            .any(|message| {
                message["content"].as_str().is_some_and(|text| text.contains("could not save that"))
            })
            .then_some(())
    };
    bot.sandbox.wait_for("Maya to be told", LIMIT, told).await.unwrap();
    assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    drop(held);
    assert!(click(&maya, &card, "approve").await.ok);
    bot.handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap();
    calms_down(&bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_takes_four_seconds_is_too_late_and_the_card_is_true_all_the_same() {
    let bot = Bot::start_in_a_hurry().await;
    let (decision, card) = bot.ask_and_see(request("Too slow?")).await;
    bot.sandbox.fault(on("POST", "/callback", Effect::Delay { ms: 4_000 }, 0));
    let outcome = click(&bot.person("maya"), &card, "approve").await;
    assert!(!outcome.ok, "she sees that it failed: {outcome:?}");
    let card = bot.card(decision.id, "true all the same", |card| !can_decide(card)).await;
    assert!(card.to_string().contains("Approved"), "{card:#}");
    bot.handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap();
    calms_down(&bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_accepted_any_more_stops_all_cards_together_and_is_said_once() {
    const CARDS: i64 = 30;
    let (sandbox, home) = (sandbox().await, Home::new());
    let bot = home.serving(&sandbox).await;
    home.run(&["ask", "Before?"]).await.must(0, &[]);
    open_card(&sandbox, 1).await;
    let since = now(&sandbox);
    let matching = Match { method: None, path: Some("/channels/".into()) };
    sandbox.fault(Fault { matching, effect: Effect::status(401), times: 0 });
    for _ in 0..CARDS {
        home.run(&["ask", "Who lets us in?"]).await.must(0, &[]);
    }
    let line = bot.err.line("posting and editing are paused").await;
    assert!(line.contains("DISCORD_TOKEN") && line.contains("start gander serve again"), "{line}");
    let refused = |sandbox: &Sandbox| {
        let methods = ["GET", "POST", "PATCH"];
        methods
            .iter()
            .map(|method| answered(sandbox, since, (method, "/channels/"), Some(401)))
            .sum::<usize>()
    };
    let before = refused(&sandbox);
    let again = |sandbox: &Sandbox| (refused(sandbox) > before).then_some(());
    sandbox
        .wait_for("another try after a while", LIMIT + Duration::from_secs(10), again)
        .await
        .unwrap();
    let all = refused(&sandbox);
    assert!(all <= 5, "{all} refused requests for {CARDS} cards");
    sandbox.clear_faults();
    for number in 1..=CARDS + 1 {
        open_card(&sandbox, number).await;
    }
    let said = bot.err.so_far();
    assert_eq!(said.matches("posting and editing are paused").count(), 1, "{said}");
    assert!(said.contains("requests are accepted again"), "{said}");
    assert!(!said.contains("card not posted yet"), "not once for each card: {said}");
}
