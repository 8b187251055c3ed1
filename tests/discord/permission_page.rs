//! Permissions and confirmations as a person sees them in a browser, on a desktop and on a phone,
//! with pictures to look at.
//!
//! Needs Chromium and chromedriver, as `demo_page.rs` does; the pictures are in `screenshots` in
//! the target folder.

use gander::core::decision::authorization::Voter;
use gander::core::decision::{Person, Request, Risk, Verdict, Via};
use page_browser::{Browser, DESKTOP, Device, PHONE};
use serde_json::Value;

use crate::bot::{Bot, click, deploy, id};
use crate::ladder::{directs, user};
use crate::ladder_page::{Shot, look};
use crate::permission::{DIFF, call, hidden, long};

#[tokio::test(flavor = "multi_thread")]
async fn permissions_and_confirmations_on_a_desktop() {
    drawn_on(Device { height: 1300, ..DESKTOP }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_and_confirmations_on_a_phone() {
    drawn_on(Device { height: 1500, ..PHONE }).await;
}

async fn drawn_on(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let bot = Bot::start().await;
    let shots = staged(&bot).await;
    let address = bot.sandbox.addresses().page.clone();
    browser.visit(async move |page| look(&page, &address, "permission", shots).await).await;
}

/// Everything that is looked at.
async fn staged(bot: &Bot) -> Vec<Shot> {
    let maya = bot.person("maya");
    let mut shots = Vec::new();
    let mut shot = |name, message: &Value, channel: &str| {
        shots.push((name, id(message).to_owned(), channel.to_owned()))
    };
    let long = long();
    for (name, details, request) in [
        (
            "command",
            "command-details",
            call("Bash", "cargo test --all -- --nocapture && git push origin main"),
        ),
        ("long", "long-details", Request { risk: Risk::High, ..call("Bash", &long) }),
        ("hidden", "hidden-details", call("Bash", &hidden())),
        ("diff", "diff-details", call("Edit README.md", DIFF)),
    ] {
        let (_, card) = bot.ask_and_see(request).await;
        shot(name, &card, "web-shop");
        let shown = click(&maya, &card, "details").await.message.unwrap();
        shot(details, &shown, "web-shop");
    }
    let (_, card) = bot.ask_and_see(call("Bash", "npm run lint")).await;
    shot("session", &click(&maya, &card, "session").await.message.unwrap(), "web-shop");
    let (decision, _) = bot.ask_and_see(deploy()).await;
    let voter = Voter {
        person: Person::discord(user(&bot.sandbox, "maya"), "Maya"),
        roles: Vec::new(),
        owner: false,
    };
    let verdict = Verdict::noted(Some("Watch the queue.".into()));
    bot.handle
        .approvals()
        .propose(decision.id, decision.revision, &voter, Via::Mcp, verdict)
        .await
        .unwrap();
    let card = bot
        .card(decision.id, "waiting for confirmation", |card| {
            card.to_string().contains("Waiting for confirmation")
        })
        .await;
    shot("confirm", &card, "web-shop");
    shot("confirm-direct", &directs(bot, "maya", 1).await[0], "dm");
    shots
}
