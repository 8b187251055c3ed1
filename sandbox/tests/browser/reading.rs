//! What a reader has in view: the start of a message that is taller than the view, its title where
//! its buttons are, and what is new.

use page_browser::{Browser, DESKTOP, PHONE, Page};
use serde_json::{Value, json};

use crate::common::{Answering, Rest, channel, relaxed, text};
use crate::recorded::{Recorded, recording};

/// The boxes of these elements, in the view of the conversation or out of it.
const SEEN: &str = "
    const view = document.getElementById('scroller').getBoundingClientRect();
    const bar = document.querySelector('[data-testid=title-bar]')?.getBoundingClientRect();
    const top = bar ? bar.bottom : view.top;
    return [...arguments].map((selector) => {
        const node = document.querySelector(selector);
        const box = node?.getBoundingClientRect();
        return Boolean(box) && box.top >= top - 1 && box.bottom <= view.bottom + 1;
    });
";

async fn seen<const N: usize>(page: &Page, selectors: [&str; N]) -> [bool; N] {
    let seen = page.run(SEEN, selectors.map(|selector| json!(selector)).to_vec()).await;
    let seen: Vec<bool> = serde_json::from_value(seen).unwrap();
    seen.try_into().unwrap()
}

const TITLE: &str = ".embed-title";
const APPROVE: &str = "[data-custom-id=approve]";

#[tokio::test(flavor = "multi_thread")]
async fn a_long_card_opens_at_its_title_and_keeps_it_where_the_buttons_are() {
    let Some(browser) = Browser::start(PHONE).await else { return };
    let recorded = Recorded::start(&["long-card"]).await;
    browser.open(&recorded.page, "maya", "releases").await;
    browser
        .see("//*[@data-testid='jump-to-actions'][contains(., 'Approve · Reject · Defer')]")
        .await;
    browser.shot("sandbox", "long-card").await;
    assert_eq!(seen(&browser, [TITLE, APPROVE]).await, [true, false]);
    browser.click("//*[@data-testid='jump-to-actions']").await;
    browser.see("//*[@data-testid='title-bar'][contains(., 'Deploy the web shop')]").await;
    browser.shot("sandbox", "long-card-actions").await;
    let last = "[data-custom-id=hand]";
    assert_eq!(seen(&browser, [APPROVE, last]).await, [true, true]);
    browser.see("//body[not(.//*[@data-testid='jump-to-actions'])]").await;
    // The title leads back.
    browser.click("//*[@data-testid='title-bar']").await;
    browser.see("//body[not(.//*[@data-testid='title-bar'])]").await;
    assert_eq!(seen(&browser, [TITLE]).await, [true]);
    browser.close().await;
}

/// Lines enough to be taller than a phone's view.
fn tall(title: &str) -> Value {
    let lines: Vec<_> = (0..50).map(|line| format!("line {line}")).collect();
    json!({ "embeds": [{ "title": title, "description": lines.join("\n") }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_is_shown_from_its_start() {
    let Some(browser) = Browser::start(PHONE).await else { return };
    let sandbox = relaxed().await;
    let (rest, general) = (Rest::of(&sandbox), channel(&sandbox, "general"));
    rest.say(&general, json!({ "content": "before" })).await;
    browser.open(&sandbox.addresses().page, "maya", "general").await;
    browser.see("//li[contains(., 'before')]").await;
    // To a reader at the end.
    let first = text(&rest.say(&general, tall("First")).await, "id").to_owned();
    browser.see("//*[contains(@class, 'embed-title')][.='First']").await;
    let title = format!("[data-message-id='{first}'] .embed-title");
    assert_eq!(seen(&browser, [&title]).await, [true]);
    // To one who reads something else: a bar leads to it.
    let second = text(&rest.say(&general, tall("Second")).await, "id").to_owned();
    browser.see("//*[@data-testid='jump-to-news'][contains(., 'New message')]").await;
    rest.say(&general, json!({ "content": "a word" })).await;
    browser.see("//*[@data-testid='jump-to-news'][contains(., '2 new messages')]").await;
    assert_eq!(seen(&browser, [&title]).await, [true], "nobody is torn away");
    browser.click("//*[@data-testid='jump-to-news']").await;
    browser.see("//*[@data-testid='jump-to-news'][contains(., 'New message')]").await;
    let title = format!("[data-message-id='{second}'] .embed-title");
    assert_eq!(seen(&browser, [&title]).await, [true]);
    browser.close().await;
}

const LINE: &str = "//li[contains(@class, 'divider')][.='New']";

#[tokio::test(flavor = "multi_thread")]
async fn a_line_stands_above_what_came_meanwhile_and_never_above_ones_own_answer() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let sandbox = relaxed().await;
    let answer = |_: &Value| json!({ "type": 4, "data": { "content": "Done." } });
    let _bot = Answering::start(&sandbox, answer).await;
    let (rest, general) = (Rest::of(&sandbox), channel(&sandbox, "general"));
    let row = json!([{ "type": 1, "components": [
        { "type": 2, "style": 1, "label": "Go", "custom_id": "go" }
    ] }]);
    rest.say(&general, json!({ "content": "Shall I?", "components": row })).await;
    let page = &sandbox.addresses().page;
    browser.open(page, "maya", "general").await;
    browser.see("//li[contains(., 'Shall I?')]").await;
    // The answer to one's own press, and what others say while one reads along.
    browser.click("//button[@data-custom-id='go']").await;
    browser.see("//li[contains(., 'Done.')]").await;
    rest.say(&general, json!({ "content": "while you read" })).await;
    browser.see("//li[contains(., 'while you read')]").await;
    let lines = "return document.querySelectorAll('.divider.new').length";
    assert_eq!(browser.run(lines, vec![]).await, 0);
    // Elsewhere, something comes: the line is above it, and gone with one's own words.
    browser.open(page, "maya", "web-shop").await;
    rest.say(&general, json!({ "content": "while you were away" })).await;
    browser.see("//*[@data-channel-name='general'][contains(@class, 'unread')]").await;
    browser.open(page, "maya", "general").await;
    browser
        .see(&format!("{LINE}/following-sibling::li[1][contains(., 'while you were away')]"))
        .await;
    browser.write("//textarea[@data-testid='composer']", "I am back").await;
    browser.click("//*[@data-testid='send']").await;
    browser.see("//li[contains(., 'I am back')]").await;
    assert_eq!(browser.run(lines, vec![]).await, 0);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_comes_begins_at_what_is_new() {
    let Some(browser) = Browser::start(PHONE).await else { return };
    let recorded = Recorded::start(&["reactions", "pins"]).await;
    browser.open(&recorded.page, "maya", "general").await;
    browser.see("//li[contains(., 'Welcome aboard')]").await;
    browser.open(&recorded.page, "maya", "decisions").await;
    browser.see("//li[contains(., 'Good to have it')]").await;
    let mut more = recording("long-card")[0]["messages"].as_array().unwrap().clone();
    recorded.change(|state| {
        let messages = state["channels"][0]["messages"].as_array_mut().unwrap();
        let last: u64 = messages.last().unwrap()["id"].as_str().unwrap().parse().unwrap();
        for (at, message) in more.iter_mut().enumerate() {
            message["id"] = json!((last + 1 + at as u64).to_string());
        }
        messages.extend(more);
    });
    browser.open(&recorded.page, "maya", "general").await;
    browser.see(LINE).await;
    assert_eq!(seen(&browser, [".divider.new"]).await, [true]);
    browser.click("//*[@data-testid='jump-to-actions']").await;
    browser.see("//*[@data-testid='jump-to-unread'][contains(., '3 new messages since')]").await;
    browser.shot("sandbox", "unread").await;
    browser.click("//*[@data-testid='mark-read']").await;
    browser.see("//body[not(.//*[contains(@class, 'divider new')])]").await;
    browser.close().await;
}
