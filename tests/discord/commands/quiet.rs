//! Somebody says when they can be reached: `/snooze`, `/quiet`, `/away`, and in words.

use chrono::{Days, TimeDelta};
use chrono_tz::Asia::Tokyo;
use gander::core::availability::{Availability, QuietReason};
use regex::Regex;
use serde_json::json;

use super::{command, content, offered_for};
use crate::bot::Bot;

fn maya(bot: &Bot) -> u64 {
    bot.sandbox.addresses().user_id("maya").unwrap().parse().unwrap()
}

async fn availability(bot: &Bot) -> Availability {
    bot.handle
        .availability()
        .person_status(maya(bot), "Maya")
        .await
        .unwrap()
        .availability(bot.handle.now())
}

/// Without the day on which the test runs.
fn steady(bot: &Bot, text: &str) -> String {
    let clock = Regex::new(r"\d\d:\d\d now").unwrap();
    let today = bot.handle.now().date_naive();
    let mut text = clock.replace_all(text, "HH:MM now").into_owned();
    for (ahead, name) in [(0, "TODAY"), (1, "TOMORROW"), (9, "IN-9-DAYS")] {
        text = text.replace(&(today + Days::new(ahead)).to_string(), name);
    }
    bot.pen().steady(&text)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_says_what_now_holds_and_what_comes_through() {
    let bot = Bot::start().await;
    let today = bot.handle.now().date_naive();
    let day = |ahead| (today + Days::new(ahead)).to_string();
    let mut dialogue = String::new();
    for (name, options) in [
        ("quiet", json!({})),
        ("snooze", json!({ "until": "90m" })),
        ("snooze", json!({ "until": "off" })),
        ("away", json!({ "from": day(9) })),
        ("away", json!({ "from": "tomorrow", "to": day(9) })),
        ("away", json!({})),
        ("away", json!({ "from": "off" })),
        ("snooze", json!({ "until": "soon @everyone" })),
        ("snooze", json!({ "until": "9d" })),
        ("quiet", json!({ "from": "22:00" })),
        ("quiet", json!({ "to": "22:00" })),
        ("quiet", json!({ "from": "22:00", "to": "22:00" })),
        ("quiet", json!({ "zone": "Mars" })),
        ("away", json!({ "from": "2020-01-01" })),
    ] {
        let said = command(&bot, "maya", name, options.clone()).await;
        dialogue.push_str(&format!("══ /{name} {options}\n{}\n\n", content(&said)));
    }
    insta::assert_snapshot!(steady(&bot, &dialogue));
    assert_eq!(availability(&bot).await, Availability::Available);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_said_is_theirs_alone_and_outlives_the_bot() {
    let bot = Bot::start().await;
    let now = bot.handle.now();
    // Quiet for the next hour on Tokyo's clock, whatever the time is where this runs.
    let tokyo =
        |ahead| (now + TimeDelta::minutes(ahead)).with_timezone(&Tokyo).format("%H:%M").to_string();
    command(
        &bot,
        "maya",
        "quiet",
        json!({ "from": tokyo(-1), "to": tokyo(60), "zone": "Asia/Tokyo" }),
    )
    .await;
    let Availability::Quiet { until, why: QuietReason::QuietHours } = availability(&bot).await
    else {
        panic!()
    };
    assert!((until - now - TimeDelta::minutes(60)).abs() <= TimeDelta::minutes(1), "{until}");
    let jonas = bot.sandbox.addresses().user_id("jonas").unwrap().parse().unwrap();
    let jonas = bot.handle.availability().person_status(jonas, "Jonas").await.unwrap();
    assert_eq!(jonas.availability(now), Availability::Available);

    let bot = bot.restart().await;
    assert_eq!(
        availability(&bot).await,
        Availability::Quiet { until, why: QuietReason::QuietHours }
    );
    let status = command(&bot, "maya", "status", json!({})).await;
    assert!(content(&status).contains("🌙 You are in your quiet hours, until"), "{status:#}");
    let status = command(&bot, "jonas", "status", json!({})).await;
    assert!(!content(&status).contains("quiet hours"), "{status:#}");
    bot.advance(TimeDelta::minutes(61));
    assert_eq!(availability(&bot).await, Availability::Available);
}

#[tokio::test(flavor = "multi_thread")]
async fn not_now_can_be_said_in_words() {
    let bot = Bot::start().await;
    let said = crate::talk::say(&bot, "maya", "snooze me for 2h please").await;
    assert!(content(&said).starts_with("💤 Snoozed"), "{said:#}");
    let until = bot.handle.now() + TimeDelta::hours(2);
    assert_eq!(availability(&bot).await, Availability::Quiet { until, why: QuietReason::Snoozed });
    let said = crate::talk::say(&bot, "maya", "snooze me").await;
    assert!(content(&said).starts_with("Until when?"), "{said:#}");
    assert_eq!(
        availability(&bot).await,
        Availability::Quiet { until, why: QuietReason::Snoozed },
        "nothing was changed"
    );
    let said = crate::talk::say(&bot, "maya", "unsnooze me").await;
    assert!(content(&said).starts_with("🔔"), "{said:#}");
    assert_eq!(availability(&bot).await, Availability::Available);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_while_somebody_types_is_what_would_hold() {
    let bot = Bot::start().await;
    let offered = async |name: &str, option: &str, typed: &str| {
        let entries = offered_for(&bot, "maya", name, json!({ option: typed }), option).await;
        entries.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
    };
    assert_eq!(
        offered("snooze", "until", "").await,
        ["30m", "1h", "2h", "18:00", "tomorrow 09:00", "off"]
    );
    assert_eq!(offered("snooze", "until", "45m").await, ["45m"]);
    assert_eq!(offered("snooze", "until", "o").await, ["off"]);
    assert_eq!(offered("snooze", "until", "whenever").await, Vec::<String>::new());
    assert_eq!(offered("quiet", "from", "21:30").await, ["21:30"]);
    assert_eq!(offered("quiet", "to", "").await, ["06:00", "07:00", "08:00", "09:00"]);
    assert_eq!(offered("quiet", "zone", "berl").await, ["Europe/Berlin"]);
    let tomorrow = (bot.handle.now().date_naive() + Days::new(1)).to_string();
    assert_eq!(offered("away", "from", "tomo").await, [tomorrow]);
    assert_eq!(offered("away", "from", "2031-02-01").await, ["2031-02-01"]);
}
