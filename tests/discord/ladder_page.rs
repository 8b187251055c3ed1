//! The ladder as a person sees it in a browser, on a desktop and on a phone, with pictures to look at.
//!
//! Needs Chromium and chromedriver, as `tests/page.rs` does; the pictures are in `screenshots` in the target folder.

use chrono::TimeDelta;
use fantoccini::{Client, Locator};
use gander::core::decision::Risk;
use gander::core::ladder::Stage;
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::bot::{Bot, LIMIT, deploy, id, request};
use crate::browser::{Browser, DESKTOP, Device, PHONE, STICKING_OUT, missing_tool, screenshots};
use crate::ladder::{answered, becomes, directs, says, told};

#[tokio::test(flavor = "multi_thread")]
async fn the_ladder_on_a_desktop() {
    drawn_on(Device { height: 1200, ..DESKTOP }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ladder_on_a_phone() {
    drawn_on(Device { height: 1300, ..PHONE }).await;
}

/// A picture: its name, the message that it is of, and the channel in which that is.
type Shot = (&'static str, String, String);

async fn drawn_on(device: Device) {
    if let Some(missing) = missing_tool() {
        assert!(std::env::var_os("GANDER_TEST_REQUIRE_TOOLS").is_none_or(|wanted| wanted != "1"), "{missing} is not installed");
        println!("skipped: {missing} is not installed");
        return;
    }
    let bot = Bot::start().await;
    walk(&bot, device).await.unwrap_or_else(|failed| std::panic::resume_unwind(failed));
}

/// Climbs the ladder, and takes a picture at each stage. What fails in the browser is given back.
async fn walk(bot: &Bot, device: Device) -> Result<(), Box<dyn std::any::Any + Send>> {
    let (decision, card) = bot.ask_and_see(deploy()).await;
    let shots = async |shots: Vec<Shot>| {
        let browser = Browser::start(device).await;
        let (client, page) = (browser.client.clone(), bot.sandbox.addresses().page.clone());
        let looks = async move { tokio::task::spawn_local(look(client, page, shots, device)).await };
        let looked = LocalSet::new().run_until(looks).await.map_err(tokio::task::JoinError::into_panic);
        browser.close().await;
        looked
    };
    let of = |name, message: &Value| {
        let view = bot.sandbox.view("maya").unwrap();
        let is_direct = view.dm().is_some_and(|dm| dm.id == message["channel_id"]);
        let named = || view.channels.iter().find(|channel| channel.id == message["channel_id"]).unwrap().name.clone();
        (name, id(message).to_owned(), if is_direct { "dm".to_owned() } else { named() })
    };
    bot.advance(TimeDelta::minutes(30));
    let dm = directs(bot, "maya", 1).await.remove(0);
    becomes(bot, "maya", &dm, "told", says("Reached: Maya")).await;
    shots(vec![of("1-reminder", &dm), of("1-card", &card)]).await?;
    for number in 1..=7 {
        let risk = [Risk::Low, Risk::Medium, Risk::High][number % 3];
        bot.ask(gander::core::decision::Request { risk, ..request(&format!("Question {number}")) }).await;
    }
    bot.advance(TimeDelta::minutes(30));
    let list = directs(bot, "maya", 2).await.remove(1);
    becomes(bot, "maya", &list, "complete", says("Question 7")).await;
    shots(vec![of("2-list", &list)]).await?;
    bot.advance(TimeDelta::minutes(60));
    let mention = answered(bot, 1).await.remove(0);
    bot.advance(TimeDelta::hours(2));
    let warning = answered(bot, 2).await.remove(1);
    shots(vec![of("3-mention", &mention), of("4-warning", &warning), of("4-card", &card)]).await?;
    bot.advance(TimeDelta::minutes(30));
    told(bot, decision.id, Stage::Breach).await;
    becomes(bot, "maya", &card, "breached", says("Reached: Maya, Approvers")).await;
    let breach = directs(bot, "maya", 3).await;
    shots(vec![of("5-card", &card), of("5-breach", breach.last().unwrap())]).await?;
    bot.advance(TimeDelta::hours(2));
    let in_the_end = becomes(bot, "maya", &card, "over", says("❌ Rejected")).await;
    let report = bot.sandbox.wait_for("the report", LIMIT, |sandbox| {
        let all = crate::ladder::answers(sandbox);
        all.into_iter().find(|message| message["content"].as_str().is_some_and(|words| words.starts_with("📋")))
    });
    let report = report.await.unwrap();
    shots(vec![of("6-card", &in_the_end), of("6-report", &report)]).await
}

async fn look(client: Client, page: String, shots: Vec<Shot>, device: Device) {
    let folder = screenshots();
    std::fs::create_dir_all(&folder).unwrap();
    for (name, message, channel) in shots {
        client.goto(&format!("{page}?user=maya&channel={channel}")).await.unwrap();
        let found = format!("//li[@data-message-id='{message}']");
        client.wait().at_most(LIMIT).for_element(Locator::XPath(&found)).await.unwrap();
        let show = "document.querySelector(`[data-message-id='${arguments[0]}']`).scrollIntoView({ block: 'start' })";
        client.execute(show, vec![json!(message)]).await.unwrap();
        let picture = client.screenshot().await.unwrap();
        std::fs::write(folder.join(format!("ladder-{}-{name}.png", device.name)), &picture).unwrap();
        let out = client.execute(STICKING_OUT, vec![json!(device.width)]).await.unwrap();
        assert_eq!(out, Value::Array(Vec::new()), "{name}: sticks out at the side on the {}", device.name);
    }
}
