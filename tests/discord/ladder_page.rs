//! The ladder as a person sees it in a browser, on a desktop and on a phone, with pictures to look
//! at.
//!
//! Needs Chromium and chromedriver, as `demo_page.rs` does; the pictures are in `screenshots` in
//! the target folder.

use chrono::TimeDelta;
use gander::core::decision::Risk;
use gander::core::escalation::Stage;
use page_browser::{Browser, DESKTOP, Device, PHONE, Page};
use serde_json::Value;

use crate::bot::{Bot, LIMIT, deploy, id, request};
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
pub(crate) type Shot = (&'static str, String, String);

async fn drawn_on(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let bot = Bot::start().await;
    browser.visit(async move |page| escalate(&bot, &page).await).await;
}

/// Climbs the ladder, and takes a picture at each stage.
async fn escalate(bot: &Bot, page: &Page) {
    let (decision, card) = bot.ask_and_see(deploy()).await;
    let shots =
        async |shots: Vec<Shot>| look(page, &bot.sandbox.addresses().page, "ladder", shots).await;
    let of = |name, message: &Value| {
        let view = bot.sandbox.view("maya").unwrap();
        let is_direct = view.dm().is_some_and(|dm| dm.id == message["channel_id"]);
        let named = || {
            view.channels
                .iter()
                .find(|channel| channel.id == message["channel_id"])
                .unwrap()
                .name
                .clone()
        };
        (name, id(message).to_owned(), if is_direct { "dm".to_owned() } else { named() })
    };
    bot.advance(TimeDelta::minutes(30));
    let dm = directs(bot, "maya", 1).await.remove(0);
    becomes(bot, "maya", &card, "told", says("Reached: Maya")).await;
    shots(vec![of("1-reminder", &dm), of("1-card", &card)]).await;
    for number in 1..=7 {
        let risk = [Risk::Low, Risk::Medium, Risk::High][number % 3];
        bot.ask(gander::core::decision::Request { risk, ..request(&format!("Question {number}")) })
            .await;
    }
    bot.advance(TimeDelta::minutes(30));
    let list = directs(bot, "maya", 2).await.remove(1);
    becomes(bot, "maya", &list, "complete", says("Question 7")).await;
    shots(vec![of("2-list", &list)]).await;
    bot.advance(TimeDelta::minutes(60));
    let mention = answered(bot, 1).await.remove(0);
    bot.advance(TimeDelta::hours(2));
    let warning = answered(bot, 2).await.remove(1);
    shots(vec![of("3-mention", &mention), of("4-warning", &warning), of("4-card", &card)]).await;
    bot.advance(TimeDelta::minutes(30));
    told(bot, decision.id, Stage::Breach).await;
    becomes(bot, "maya", &card, "breached", says("Reached: Maya, Approvers")).await;
    let breach = directs(bot, "maya", 3).await;
    shots(vec![of("5-card", &card), of("5-breach", breach.last().unwrap())]).await;
    bot.advance(TimeDelta::hours(2));
    let in_the_end = becomes(bot, "maya", &card, "over", says("❌ Rejected")).await;
    let report = bot.sandbox.wait_for("the report", LIMIT, |sandbox| {
        let all = crate::ladder::answers(sandbox);
        all.into_iter().find(|message| {
            message["content"].as_str().is_some_and(|words| words.starts_with("📋"))
        })
    });
    let report = report.await.unwrap();
    shots(vec![of("6-card", &in_the_end), of("6-report", &report)]).await;
}

/// Takes a picture of each of these messages, as Maya sees them.
pub(crate) async fn look(page: &Page, address: &str, of: &str, shots: Vec<Shot>) {
    for (name, message, channel) in shots {
        page.open(address, "maya", &channel).await;
        page.see(&format!("//li[@data-message-id='{message}']")).await;
        page.scroll_to(&message).await;
        page.shot(of, name).await;
    }
}
