//! The gateway's connection ends in every phase and in every way; its events come twice, late, or
//! never.

use discord_sandbox::{Direction, DropHow, GatewayFault, GatewayPhase, Sandbox, Wire};
use gander::core::decision::event::Event;
use gander::core::decision::{Decision, Request};
use gander::core::policy::rules::Rules;
use gander::engine::Claim;
use serde_json::{Value, json};

use crate::bot::{
    Bot, LIMIT, approvers, can_decide, cards_of, click, control, defer, id, reject, request, words,
};
use crate::common::process::sandbox;
use crate::weather::{calms_down, now};

/// What the bot has said on the gateway since then.
fn said(sandbox: &Sandbox, since: u64, names: &[&str]) -> usize {
    let journal = sandbox.journal(since).into_iter();
    journal
        .filter(|entry| {
            entry.kind == Wire::Gateway
                && entry.direction == Direction::In
                && names.contains(&entry.method.as_str())
        })
        .count()
}

async fn is_back(bot: &Bot, since: u64, what: &str) {
    let back = |sandbox: &Sandbox| {
        let again = sandbox.journal(since).iter().any(|entry| {
            entry.kind == Wire::Gateway
                && matches!(entry.method.as_str(), "READY" | "RESUMED" | "RESUME")
        });
        (again && sandbox.view("maya")?.bot_online).then_some(())
    };
    bot.sandbox.wait_for(&format!("the bot to be back after {what}"), LIMIT, back).await.unwrap();
}

/// A decision from its question to the agent.
async fn goes_through(bot: &Bot, asked: Request) -> Decision {
    let (decision, card) = bot.ask_and_see(asked).await;
    assert!(clicks(bot, &card).await, "{decision:?}");
    bot.handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap()
}

/// Clicks as a person does: again, if nothing came of it.
async fn clicks(bot: &Bot, card: &Value) -> bool {
    for _ in 0..5 {
        if click(&bot.person("maya"), card, "approve").await.ok {
            return true;
        }
    }
    false
}

/// The first connection ends in a phase, and so does a later one that must begin anew.
async fn ends_in(phase: GatewayPhase) {
    let sandbox = sandbox().await;
    let rules = Rules { approvers: approvers(&sandbox), ..Rules::default() };
    sandbox.gateway_fault(GatewayFault::DropAt { phase, how: DropHow::Tcp, times: 1 });
    let bot = Bot::start_in(sandbox, rules).await;
    goes_through(&bot, request("After a bad start?")).await;
    let (deleted, card) = bot.ask_and_see(request("Deleted meanwhile?")).await;
    let since = now(&bot.sandbox);
    bot.sandbox.gateway_fault(GatewayFault::DropAt {
        phase,
        how: DropHow::Close(Some(4000)),
        times: 1,
    });
    bot.sandbox.drop_gateway(DropHow::InvalidSession { resumable: false });
    bot.sandbox.delete_message(card["channel_id"].as_str().unwrap(), id(&card));
    let meanwhile = bot.ask(request("Asked meanwhile?")).await;
    is_back(&bot, since, &format!("{phase:?}")).await;
    let again = bot.card(deleted.id, "posted again", |again| id(again) != id(&card)).await;
    assert!(clicks(&bot, &again).await);
    let card = bot.card(meanwhile.id, "posted", |_| true).await;
    assert!(clicks(&bot, &card).await);
    // A connection that ends before it said who it is leaves no other trace.
    let tries = if phase == GatewayPhase::BeforeHello { 1 } else { 2 };
    assert!(
        said(&bot.sandbox, since, &["IDENTIFY", "RESUME"]) >= tries,
        "{phase:?}: it was not struck"
    );
    calms_down(&bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_before_hello_loses_nothing() {
    ends_in(GatewayPhase::BeforeHello).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_after_it_said_who_it_is_loses_nothing() {
    ends_in(GatewayPhase::AfterHello).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_while_it_gets_ready_loses_nothing() {
    ends_in(GatewayPhase::DuringReady).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_once_it_is_ready_loses_nothing() {
    ends_in(GatewayPhase::AfterReady).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_while_it_resumes_loses_nothing() {
    let bot = Bot::start().await;
    for how in
        [DropHow::Tcp, DropHow::Close(Some(4000)), DropHow::InvalidSession { resumable: false }]
    {
        let (deleted, card) = bot.ask_and_see(request(&format!("Deleted during {how:?}?"))).await;
        let since = now(&bot.sandbox);
        bot.sandbox.gateway_fault(GatewayFault::DropAt {
            phase: GatewayPhase::DuringResume,
            how,
            times: 2,
        });
        bot.sandbox.drop_gateway(DropHow::Tcp);
        bot.sandbox.delete_message(card["channel_id"].as_str().unwrap(), id(&card));
        let again = bot.card(deleted.id, "posted again", |again| id(again) != id(&card)).await;
        is_back(&bot, since, &format!("{how:?}")).await;
        assert!(clicks(&bot, &again).await);
        assert!(said(&bot.sandbox, since, &["RESUME"]) >= 1, "{how:?}: it did not resume");
        bot.sandbox.clear_faults();
    }
    calms_down(&bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_drops_in_every_way_and_clicks_work_again() {
    let bot = Bot::start().await;
    for how in [
        DropHow::Tcp,
        DropHow::Close(Some(4000)),
        DropHow::Reconnect,
        DropHow::InvalidSession { resumable: true },
        DropHow::InvalidSession { resumable: false },
    ] {
        let (decision, card) = bot.ask_and_see(request(&format!("{how:?}"))).await;
        let since = now(&bot.sandbox);
        bot.sandbox.drop_gateway(how);
        is_back(&bot, since, &format!("{how:?}")).await;
        let outcome = click(&bot.person("maya"), &card, "approve").await;
        assert!(outcome.ok, "{how:?}: {outcome:?}");
        assert!(!bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    }
    calms_down(&bot).await;
}

/// How often something like this stands in a decision's log.
async fn times(bot: &Bot, decision: &Decision, is: fn(&Event) -> bool) -> usize {
    bot.handle
        .event_log()
        .history(decision.id)
        .await
        .unwrap()
        .iter()
        .filter(|logged| is(&logged.event))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_twice_do_nothing_twice() {
    let bot = Bot::start().await;
    bot.sandbox.gateway_fault(GatewayFault::Duplicate { event: None, times: 0 });
    let (maya, jonas) = (bot.person("maya"), bot.person("jonas"));
    let (approved, card) = bot.ask_and_see(request("Approved?")).await;
    let outcome = click(&maya, &card, "approve").await;
    assert!(
        words(&outcome).contains("Approved"),
        "she sees the card, not that somebody was faster: {outcome:?}"
    );
    let (_, card) = bot.ask_and_see(request("Rejected?")).await;
    let outcome = reject(&maya, &card, "No.").await;
    assert!(words(&outcome).contains("Rejected"), "{outcome:?}");
    let (put_off, card) = bot.ask_and_see(request("Put off?")).await;
    let outcome = defer(&jonas, &card, "30m").await;
    assert!(words(&outcome).contains("deferred until"), "{outcome:?}");
    let (taken, card) = bot.ask_and_see(request("Taken?")).await;
    assert!(click(&jonas, &card, "take").await.ok);
    let channel = bot.sandbox.addresses().channel_id("general").unwrap().to_owned();
    assert!(maya.command(&channel, "attention", json!({})).await.ok);
    assert!(
        maya.command(&channel, "ask", json!({ "title": "Asked once?", "person": jonas_id(&bot) }))
            .await
            .ok
    );
    bot.sandbox.delete_message(card["channel_id"].as_str().unwrap(), id(&card));
    bot.card(taken.id, "posted again", |again| id(again) != id(&card)).await;
    bot.advance(chrono::TimeDelta::minutes(31));
    bot.card(put_off.id, "came back", can_decide).await;
    bot.handle.approvals().wait(approved.id, None, Claim::Yes, None).await.unwrap();
    calms_down(&bot).await;
    let once = [
        (&approved, times(&bot, &approved, |event| matches!(event, Event::Resolved { .. })).await),
        (&put_off, times(&bot, &put_off, |event| matches!(event, Event::Deferred { .. })).await),
        (&put_off, times(&bot, &put_off, |event| matches!(event, Event::Returned)).await),
        (&taken, times(&bot, &taken, |event| matches!(event, Event::Taken { .. })).await),
    ];
    for (decision, times) in once {
        assert_eq!(
            times,
            1,
            "{}: {:#?}",
            decision.id,
            bot.handle.event_log().history(decision.id).await.unwrap()
        );
    }
    assert_eq!(cards_of(&bot.sandbox, taken.id).len(), 1);
    let all = bot.handle.approvals().list(gander::engine::Filter::default()).await.unwrap();
    let asked: Vec<_> =
        all.iter().filter(|decision| decision.request.title == "Asked once?").collect();
    assert_eq!(asked.len(), 1, "{asked:#?}");
}

fn jonas_id(bot: &Bot) -> String {
    bot.sandbox.addresses().user_id("jonas").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_that_arrive_in_the_wrong_order_make_one_verdict() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(request("Who was first?")).await;
    bot.sandbox.gateway_fault(GatewayFault::Reorder {
        event: Some("INTERACTION_CREATE".into()),
        count: 2,
    });
    let (maya, jonas) = (bot.person("maya"), bot.person("jonas"));
    let (button, message) = (control(&card, "approve"), id(&card));
    let (first, second) = tokio::join!(maya.click(message, &button), jonas.click(message, &button));
    let told = [&first, &second]
        .iter()
        .filter(|outcome| words(outcome).starts_with("Another person was faster"))
        .count();
    assert_eq!(told, 1, "{first:?} {second:?}");
    bot.handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap();
    calms_down(&bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_and_closings_that_arrive_in_the_wrong_order_leave_true_cards() {
    let bot = Bot::start().await;
    let mut asked = Vec::new();
    for n in 0..4 {
        asked.push(bot.ask_and_see(request(&format!("Number {n}?"))).await);
    }
    let channel = asked[0].1["channel_id"].as_str().unwrap().to_owned();
    // Three of these four: what happens in a channel that is hidden from the bot is not told to it.
    bot.sandbox.gateway_fault(GatewayFault::Reorder { event: None, count: 3 });
    bot.sandbox.delete_message(&channel, id(&asked[0].1));
    bot.sandbox.set_bot_access(&channel, discord_sandbox::BotAccess::Hidden);
    bot.sandbox.delete_message(&channel, id(&asked[1].1));
    bot.sandbox.set_bot_access(&channel, discord_sandbox::BotAccess::Full);
    for (decision, card) in &asked[..2] {
        bot.card(decision.id, "posted again", |again| id(again) != id(card)).await;
    }
    calms_down(&bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_told_is_found_when_the_connection_is_made_anew() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(request("Deleted in silence?")).await;
    bot.sandbox
        .gateway_fault(GatewayFault::Lose { event: Some("MESSAGE_DELETE".into()), times: 1 });
    bot.sandbox
        .gateway_fault(GatewayFault::Lose { event: Some("INTERACTION_CREATE".into()), times: 1 });
    let outcome = click(&bot.person("maya"), &card, "approve").await;
    assert!(!outcome.ok, "the bot did not hear of it: {outcome:?}");
    bot.sandbox.delete_message(card["channel_id"].as_str().unwrap(), id(&card));
    bot.sandbox.drop_gateway(DropHow::InvalidSession { resumable: false });
    let again = bot.card(decision.id, "posted again", |again| id(again) != id(&card)).await;
    assert!(clicks(&bot, &again).await);
    calms_down(&bot).await;
}
