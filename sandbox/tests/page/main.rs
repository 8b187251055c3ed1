//! The page in a real browser, on a desktop and on a phone.
//!
//! Needs Chromium (or Chrome) and chromedriver; where they are missing the tests say so and pass, unless
//! `GANDER_TEST_REQUIRE_TOOLS=1` asks for them. What they saw is in `screenshots` in the target folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]

mod browser;
#[path = "../common/mod.rs"]
mod common;

use browser::{Browser, DESKTOP, Device, PHONE};
use common::{Answering, INTENTS, Rest, Socket, channel, register, relaxed, text};
use discord_sandbox::Sandbox;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_apps_menu_of_a_message_at_a_desk() {
    the_apps_menu_of_a_message(DESKTOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_apps_menu_of_a_message_on_a_phone() {
    the_apps_menu_of_a_message(PHONE).await;
}

const ASK: &str = "//dialog[@open][@data-testid='apps-menu']//*[@data-testid='option'][contains(., 'Ask for a Decision')]";

async fn the_apps_menu_of_a_message(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let sandbox = relaxed().await;
    register(&sandbox, json!([{ "name": "Ask for a Decision", "type": 3 }, { "name": "Decisions of", "type": 2 }])).await;
    let mut bot = Answering::start(&sandbox, |_| json!({ "type": 4, "data": { "content": "Asked.", "flags": 64 } })).await;
    let general = channel(&sandbox, "general");
    let said = sandbox.user("jonas").unwrap().message(&general, "Shall we ship it?").await.message.unwrap();
    let said = text(&said, "id");
    browser.open(&sandbox.addresses().page, "maya", "general").await;
    let message = format!("//li[@data-message-id='{said}']");
    browser.see(&message).await;
    // A right click, or what a phone reports of a long press.
    browser.run(PRESS, vec![json!(format!("[data-message-id='{said}'] .content"))]).await;
    browser.see(ASK).await;
    browser.shot("apps-menu").await;
    browser.click(ASK).await;
    browser.see("//li[@data-ephemeral='true'][contains(., 'Asked.')]").await;
    let used = bot.next().await;
    assert_eq!((&used["data"]["type"], &used["data"]["target_id"]), (&json!(3), &json!(said)));
    // The button does the same.
    if !device.phone {
        browser.run("document.querySelector(arguments[0]).focus()", vec![json!(".message-more")]).await;
    }
    browser.click(&format!("{message}//*[@data-testid='message-more']")).await;
    browser.click(ASK).await;
    assert_eq!(bot.next().await["data"]["target_id"], said);
    // A person's menu hangs at their name.
    browser.run(PRESS, vec![json!(format!("[data-message-id='{said}'] .author"))]).await;
    browser.click("//dialog[@open]//*[@data-testid='option'][contains(., 'Decisions of')]").await;
    assert_eq!(bot.next().await["data"]["target_id"], sandbox.addresses().user_id("jonas").unwrap());
    browser.close().await;
}

/// Opens the menu of whatever fits the selector.
const PRESS: &str = "
    const node = document.querySelector(arguments[0]);
    const { left, top } = node.getBoundingClientRect();
    node.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true, clientX: left + 8, clientY: top + 8 }));
";

#[tokio::test(flavor = "multi_thread")]
async fn people_write_to_the_bot() {
    let Some(browser) = Browser::start(PHONE).await else { return };
    let sandbox = relaxed().await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    browser.open(&sandbox.addresses().page, "maya", "general").await;
    write(&browser, "@Bot what waits?").await;
    let heard = socket.event("MESSAGE_CREATE").await;
    assert_eq!(heard["content"], format!("<@{}> what waits?", sandbox.addresses().application_id));
    browser.click("//*[@data-testid='open-drawer']").await;
    browser.click("//*[@data-testid='channel'][@data-kind='dm']").await;
    browser.see("//*[@data-testid='channel-title'][.='bot']").await;
    write(&browser, "and here?").await;
    let heard = socket.event("MESSAGE_CREATE").await;
    assert_eq!((&heard["content"], &heard["guild_id"]), (&json!("and here?"), &Value::Null));
    browser.close().await;
}

/// Writes a message and sends it.
async fn write(browser: &Browser, words: &str) {
    let composer = browser.see("//textarea[@data-testid='composer']").await;
    composer.send_keys(words).await.unwrap();
    browser.click("//*[@data-testid='send']").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_roles_are_offered_in_menus() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let sandbox = relaxed().await;
    let mut bot = Answering::start(&sandbox, |_| json!({ "type": 6 })).await;
    let general = channel(&sandbox, "general");
    let jonas = sandbox.addresses().user_id("jonas").unwrap().to_owned();
    menus(&sandbox, &general, &jonas).await;
    browser.open(&sandbox.addresses().page, "maya", "general").await;
    browser.see("//*[@data-testid='select'][@data-custom-id='who'][contains(., 'Jonas')]").await;
    browser.click("//*[@data-testid='select'][@data-custom-id='who']").await;
    browser.see("//dialog[@open]//*[@data-testid='option'][contains(., '@Approvers')]").await;
    browser.shot("people-menu").await;
    browser.click("//dialog[@open]//*[@data-testid='option'][contains(., 'Sven')]").await;
    let chosen = bot.next().await;
    let sven = sandbox.addresses().user_id("sven").unwrap();
    assert_eq!(chosen["data"]["values"], json!([sven]));
    browser.click("//*[@data-testid='select'][@data-custom-id='where']").await;
    browser.click("//dialog[@open]//*[@data-testid='option'][contains(., 'web-shop')]").await;
    assert_eq!(bot.next().await["data"]["values"], json!([channel(&sandbox, "web-shop")]));
    browser.close().await;
}

/// A message with a menu of people and roles, Jonas chosen, and one of channels.
async fn menus(sandbox: &Sandbox, channel: &str, jonas: &str) {
    let row = |menu: Value| json!({ "type": 1, "components": [menu] });
    let body = json!({ "content": "Who, and where?", "components": [
        row(json!({ "type": 7, "custom_id": "who", "default_values": [{ "type": "user", "id": jonas }] })),
        row(json!({ "type": 8, "custom_id": "where", "placeholder": "A channel" })),
    ] });
    Rest::of(sandbox).say(channel, body).await;
}
