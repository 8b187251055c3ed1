//! Reminders over deaths and bad weather: each is sent once, and the log is told once.

use chrono::TimeDelta;
use discord_sandbox::{Effect, Fault, LimitScope, Match};
use gander::core::availability::Profile;
use gander::core::decision::DecisionId;
use gander::core::decision::authorization::ApproverRule;
use gander::core::decision::event::Event;
use gander::core::escalation::Stage;
use gander::core::messaging::notification::{ExternalChannel, ExternalChannels, Machine};
use gander::core::policy::rules::Rules;

use crate::bot::{Bot, LIMIT, request};
use crate::common::process::sandbox;
use crate::ladder::{direct, directs, only_maya, told, user};
use crate::weather::{calms_down, on};

/// How many of the bot's direct messages and mentions there are once all has calmed down.
async fn once_each(bot: &Bot, decision: DecisionId) {
    told(bot, decision, Stage::Reminder).await;
    directs(bot, "maya", 1).await;
    calms_down(bot).await;
    assert_eq!(direct(&bot.sandbox, "maya").len(), 1);
    let history = bot.handle.event_log().history(decision).await.unwrap();
    let count =
        |wanted: fn(&Event) -> bool| history.iter().filter(|logged| wanted(&logged.event)).count();
    assert_eq!(count(|event| matches!(event, Event::StepFired { .. })), 1);
    assert_eq!(count(|event| matches!(event, Event::ContactsRecorded { .. })), 1, "{history:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_dies_before_it_has_sent_sends_once_when_it_is_back() {
    let mut bot = only_maya().await;
    let (decision, _) = bot.ask_and_see(request("Once?")).await;
    // The rung is climbed while the bot is away from Discord: by its timers alone.
    bot.kill().await;
    bot.advance(TimeDelta::minutes(30));
    let timers = tokio::spawn(gander::engine::escalation::scheduler::run(bot.handle.clone()));
    let climbed = async {
        let mut hints = bot.handle.hints();
        while bot.handle.approvals().get(decision.id).await.unwrap().position.is_none() {
            hints.changed().await.unwrap();
        }
    };
    tokio::time::timeout(LIMIT, climbed).await.unwrap();
    timers.abort();
    let bot = bot.restart().await;
    once_each(&bot, decision.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_dies_while_its_message_is_on_the_way_finds_it_again() {
    let bot = only_maya().await;
    let (decision, _) = bot.ask_and_see(request("Once?")).await;
    // The message arrives, and its answer does not.
    bot.sandbox.fault(on("POST", "/messages", Effect::lost_answer(), 1));
    bot.advance(TimeDelta::minutes(30));
    directs(&bot, "maya", 1).await;
    let bot = bot.restart().await;
    once_each(&bot, decision.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_dies_before_it_has_told_the_log_tells_it_once() {
    let bot = only_maya().await;
    let (decision, _) = bot.ask_and_see(request("Once?")).await;
    bot.advance(TimeDelta::minutes(30));
    directs(&bot, "maya", 1).await;
    // Wherever it was between sending and telling.
    let bot = bot.restart().await;
    once_each(&bot, decision.id).await;
    let bot = bot.restart().await;
    once_each(&bot, decision.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limits_and_an_outage_delay_a_reminder_and_do_not_double_it() {
    for effect in [
        Effect::limited(LimitScope::User, 300, true),
        Effect::limited(LimitScope::Shared, 300, false),
        Effect::status(503),
    ] {
        let bot = only_maya().await;
        let (decision, _) = bot.ask_and_see(request("Once?")).await;
        for path in ["/messages", "/users/@me/channels"] {
            bot.sandbox.fault(on("POST", path, effect.clone(), 2));
        }
        bot.advance(TimeDelta::minutes(30));
        once_each(&bot, decision.id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_discord_is_unreachable_all_beyond_it_goes_out_and_the_rest_follows_once() {
    let sandbox = sandbox().await;
    let (maya, jonas) = (user(&sandbox, "maya"), user(&sandbox, "jonas"));
    let maya_is = Profile {
        ntfy: Some("maya-x7Kq".into()),
        phone: Some("+491701234567".into()),
        ..Profile::unknown(maya, "Maya", chrono_tz::UTC)
    };
    let approvers = vec![ApproverRule { users: vec![maya, jonas], ..ApproverRule::default() }];
    let pager =
        Machine { channel: ExternalChannel::Webhook, name: "pager".into(), projects: Vec::new() };
    let channels =
        ExternalChannels::new([ExternalChannel::Push, ExternalChannel::Sms], vec![pager]);
    let bot = Bot::start_in(
        sandbox,
        Rules { approvers, people: vec![maya_is], channels, ..Rules::default() },
    )
    .await;
    let (decision, _) = bot.ask_and_see(request("Anybody?")).await;
    bot.sandbox.fault(Fault {
        matching: Match { method: None, path: None },
        effect: Effect::status(503),
        times: u32::MAX,
    });
    bot.advance(TimeDelta::hours(4) + TimeDelta::minutes(30));
    let sent = async {
        let mut hints = bot.handle.hints();
        loop {
            hints.mark_unchanged();
            let letters = bot.handle.notifications().of_decision(decision.id).await.unwrap();
            if letters.len() >= 3 {
                return letters;
            }
            hints.changed().await.unwrap();
        }
    };
    let letters = tokio::time::timeout(LIMIT, sent).await.expect("messages beyond Discord");
    let mut by: Vec<&str> = letters.iter().map(|letter| letter.message.channel.word()).collect();
    by.sort_unstable();
    assert_eq!(by, ["push", "sms", "webhook"]);
    assert_eq!(
        (direct(&bot.sandbox, "maya").len(), direct(&bot.sandbox, "jonas").len()),
        (0, 0),
        "Discord is unreachable"
    );
    bot.sandbox.clear_faults();
    directs(&bot, "maya", 1).await;
    directs(&bot, "jonas", 1).await;
    told(&bot, decision.id, Stage::Breach).await;
    calms_down(&bot).await;
    assert_eq!(
        (direct(&bot.sandbox, "maya").len(), direct(&bot.sandbox, "jonas").len()),
        (1, 1),
        "once"
    );
    assert_eq!(bot.handle.notifications().of_decision(decision.id).await.unwrap().len(), 3, "once");
}
