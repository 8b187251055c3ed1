//! How tall a card is on a phone: what an approver needs and the first row of buttons are in view
//! at once. Pictures of it, on a desktop and on a phone, dark and light.
//!
//! Needs Chromium and chromedriver, as `demo_page.rs` does; the pictures are in `screenshots` in
//! the target folder.

use page_browser::{Browser, DESKTOP, Device, PHONE, Page};
use serde_json::{Value, json};

use crate::bot::{Bot, deploy, id};
use crate::permission::call;

/// From the top of a message to the bottom of its first row of buttons, in CSS pixels at a width
/// of 390: below it remain the composer and the channel's title on the smallest common phone.
const TALLEST: f64 = 360.0;

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_short_on_a_phone() {
    cards_on(PHONE, Some(TALLEST)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_looks_well_on_a_desktop() {
    cards_on(DESKTOP, None).await;
}

async fn cards_on(device: Device, tallest: Option<f64>) {
    let Some(browser) = Browser::start(device).await else { return };
    let bot = Bot::start().await;
    let (_, question) = bot.ask_and_see(deploy()).await;
    let (_, permission) =
        bot.ask_and_see(call("Bash", "cargo test --all -- --nocapture && git push origin")).await;
    let address = bot.sandbox.addresses().page.clone();
    browser
        .visit(async move |page| {
            let cards = [("question", &question), ("permission", &permission)];
            for (name, card) in cards {
                let height = shown(&page, &address, name, card).await;
                println!("{}: the {name} card takes {height} px", device.name);
                assert!(
                    tallest.is_none_or(|tallest| height <= tallest),
                    "the {name} card takes {height} px"
                );
            }
        })
        .await;
}

/// The card's height down to its first row of buttons. Takes a picture in each theme.
async fn shown(page: &Page, address: &str, name: &str, card: &Value) -> f64 {
    const HEIGHT: &str = "
        const card = document.querySelector(`[data-message-id='${arguments[0]}']`);
        const button = card.querySelector('button[data-custom-id]');
        return button.getBoundingClientRect().bottom - card.getBoundingClientRect().top;";
    let mut height = 0.0;
    for theme in ["light", "dark"] {
        page.open_at(&format!("{address}?user=maya&channel=web-shop&theme={theme}")).await;
        page.see(&format!("//li[@data-message-id='{}']", id(card))).await;
        page.scroll_to(id(card)).await;
        page.shot("card", &format!("{theme}-{name}")).await;
        height = page.run(HEIGHT, vec![json!(id(card))]).await.as_f64().unwrap();
    }
    height
}
