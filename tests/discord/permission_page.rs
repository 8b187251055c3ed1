//! Permissions and confirmations as a person sees them in a browser, on a desktop and on a phone, with pictures to look at.
//!
//! Needs Chromium and chromedriver, as `tests/page.rs` does; the pictures are in `screenshots` in the target folder.

use fantoccini::{Client, Locator};
use gander::core::decision::{Person, Request, Risk, Verdict, Via};
use gander::core::permission::Voter;
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::bot::{Bot, LIMIT, click, deploy, id};
use crate::browser::{Browser, DESKTOP, Device, PHONE, STICKING_OUT, missing_tool, screenshots};
use crate::ladder::{directs, user};
use crate::permission::{DIFF, call, hidden, long};

#[tokio::test(flavor = "multi_thread")]
async fn permissions_and_confirmations_on_a_desktop() {
    drawn_on(Device { height: 1300, ..DESKTOP }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_and_confirmations_on_a_phone() {
    drawn_on(Device { height: 1500, ..PHONE }).await;
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
    let shots = staged(&bot).await;
    let browser = Browser::start(device).await;
    let (client, page) = (browser.client.clone(), bot.sandbox.addresses().page.clone());
    // A task of its own: whatever fails in it, the browser is put away.
    let looks = async move { tokio::task::spawn_local(look(client, page, shots, device)).await };
    let looked = LocalSet::new().run_until(looks).await;
    browser.close().await;
    looked.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
}

/// Everything that is looked at.
async fn staged(bot: &Bot) -> Vec<Shot> {
    let maya = bot.person("maya");
    let mut shots = Vec::new();
    let mut shot = |name, message: &Value, channel: &str| shots.push((name, id(message).to_owned(), channel.to_owned()));
    let long = long();
    for (name, details, request) in [
        ("command", "command-details", call("Bash", "cargo test --all -- --nocapture && git push origin main")),
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
    let voter = Voter { person: Person::discord(user(&bot.sandbox, "maya"), "Maya"), roles: Vec::new(), owner: false };
    let verdict = Verdict::noted(Some("Watch the queue.".into()));
    bot.handle.propose(decision.id, decision.revision, &voter, Via::Mcp, verdict).await.unwrap();
    let card = bot.card(decision.id, "to be confirmed", |card| card.to_string().contains("To be confirmed")).await;
    shot("confirm", &card, "web-shop");
    shot("confirm-direct", &directs(bot, "maya", 1).await[0], "dm");
    shots
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
        std::fs::write(folder.join(format!("permission-{}-{name}.png", device.name)), &picture).unwrap();
        let out = client.execute(STICKING_OUT, vec![json!(device.width)]).await.unwrap();
        assert_eq!(out, Value::Array(Vec::new()), "{name}: sticks out at the side on the {}", device.name);
    }
}
