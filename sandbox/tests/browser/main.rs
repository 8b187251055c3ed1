//! The page in a real browser, on a desktop and on a phone.
//!
//! Needs Chromium (or Chrome) and chromedriver; where they are missing the tests say so and pass,
//! unless `GANDER_TEST_REQUIRE_TOOLS=1` asks for them. What they saw is in `screenshots` in the
//! target folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]

#[path = "../common/mod.rs"]
mod common;
mod features;
mod forms;
mod keyboard;
mod looks;
mod navigation;
mod pictures;
mod reading;
mod recorded;
mod served;

use common::{Answering, INTENTS, Rest, Socket, channel, register, relaxed, text};
use discord_sandbox::Sandbox;
use page_browser::{Browser, DESKTOP, Device, PHONE};
use pictures::png;
use reqwest::{Method, multipart};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_apps_menu_of_a_message_at_a_desk() {
    the_apps_menu_of_a_message(DESKTOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_apps_menu_of_a_message_on_a_phone() {
    the_apps_menu_of_a_message(PHONE).await;
}

const ASK: &str = "//dialog[@open][@data-testid='message-menu' or @data-testid='apps-menu']\
    //*[@data-testid='option'][contains(., 'Ask for a Decision')]";

async fn the_apps_menu_of_a_message(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let sandbox = relaxed().await;
    register(
        &sandbox,
        json!([{ "name": "Ask for a Decision", "type": 3 }, { "name": "Decisions of", "type": 2 }]),
    )
    .await;
    let mut bot = Answering::start(
        &sandbox,
        |_| json!({ "type": 4, "data": { "content": "Asked.", "flags": 64 } }),
    )
    .await;
    let general = channel(&sandbox, "general");
    let said = sandbox
        .user("jonas")
        .unwrap()
        .message(&general, "Shall we ship it?")
        .await
        .message
        .unwrap();
    let said = text(&said, "id");
    browser.open(&sandbox.addresses().page, "maya", "general").await;
    let message = format!("//li[@data-message-id='{said}']");
    browser.see(&message).await;
    // A right click, or what a phone reports of a long press.
    browser.run(PRESS, vec![json!(format!("[data-message-id='{said}'] .content"))]).await;
    browser.see(ASK).await;
    browser.shot("sandbox", "apps-menu").await;
    browser.click(ASK).await;
    browser.see("//li[@data-ephemeral='true'][contains(., 'Asked.')]").await;
    browser.see("//*[@data-testid='used-command']/*[.='Ask for a Decision']").await;
    let used = bot.next().await;
    assert_eq!((&used["data"]["type"], &used["data"]["target_id"]), (&json!(3), &json!(said)));
    // The button does the same; at a desk it shows where the keyboard is.
    if !device.phone {
        let place = json!(format!("[data-message-id='{said}']"));
        browser.run("document.querySelector(arguments[0]).focus()", vec![place]).await;
        browser.click(&format!("{message}//*[@data-testid='message-apps']")).await;
    } else {
        browser.click(&format!("{message}//*[@data-testid='message-more']")).await;
    }
    browser.click(ASK).await;
    assert_eq!(bot.next().await["data"]["target_id"], said);
    // A person's menu hangs at their name.
    browser.run(PRESS, vec![json!(format!("[data-message-id='{said}'] .author"))]).await;
    browser.click("//dialog[@open]//*[@data-testid='option'][contains(., 'Decisions of')]").await;
    assert_eq!(
        bot.next().await["data"]["target_id"],
        sandbox.addresses().user_id("jonas").unwrap()
    );
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
    browser.click("//*[@data-testid='rail-dms']").await;
    browser.click("//*[@data-testid='channel'][@data-kind='dm']").await;
    browser.see("//*[@data-testid='channel-title'][.='bot']").await;
    write(&browser, "and here?").await;
    let heard = socket.event("MESSAGE_CREATE").await;
    assert_eq!((&heard["content"], &heard["guild_id"]), (&json!("and here?"), &Value::Null));
    browser.close().await;
}

/// Writes a message and sends it.
async fn write(browser: &Browser, words: &str) {
    browser.write("//textarea[@data-testid='composer']", words).await;
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
    browser.shot("sandbox", "people-menu").await;
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

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_a_mosaic_at_a_desk() {
    pictures_are_a_mosaic(DESKTOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_a_mosaic_on_a_phone() {
    pictures_are_a_mosaic(PHONE).await;
}

/// How many pictures lie in each row of a mosaic, by their number. Of three, the first is as high
/// as the others together.
const ROWS: [&[usize]; 10] = [
    &[1],
    &[2],
    &[2, 1],
    &[2, 2],
    &[2, 3],
    &[3, 3],
    &[1, 3, 3],
    &[2, 3, 3],
    &[3, 3, 3],
    &[1, 3, 3, 3],
];

async fn pictures_are_a_mosaic(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    for (index, rows) in ROWS.iter().enumerate() {
        let count = index + 1;
        let message = post(&sandbox, &general, count).await;
        browser.open(&sandbox.addresses().page, "maya", "general").await;
        let place = format!("[data-message-id='{}']", text(&message, "id"));
        browser
            .see(&format!(
                "//li[@data-message-id='{}']//*[@data-testid='gallery']",
                text(&message, "id")
            ))
            .await;
        let drawn = browser.run_async(LOOK, vec![json!(place)]).await;
        let found: Vec<usize> = serde_json::from_value(drawn["rows"].clone()).unwrap();
        assert_eq!(found, *rows, "{count} pictures: {drawn}");
        let colours: Vec<_> = (0..count).map(colour).collect();
        assert_eq!(drawn["colours"], json!(colours), "the bytes are drawn");
        assert_eq!(drawn["above"], true, "above the embed");
        assert_eq!(drawn["inside"], true, "nothing sticks out: {drawn}");
        if matches!(count, 1 | 3 | 5 | 10) {
            browser.shot("sandbox", &format!("mosaic-{count}")).await;
        }
    }
    browser.click("(//*[@data-testid='gallery'])[last()]//button[1]").await;
    browser.see("//dialog[@open][@data-testid='lightbox']//img").await;
    browser.shot("sandbox", "lightbox").await;
    browser.close().await;
}

/// A colour for each picture of a message.
fn colour(index: usize) -> [u8; 3] {
    let step = u8::try_from(index * 20).unwrap();
    [40 + step, 200 - step, 120]
}

/// Posts a message with an embed and so many pictures, wide and high by turns.
async fn post(sandbox: &Sandbox, channel: &str, count: usize) -> Value {
    let payload = json!({ "content": format!("{count} of them"), "embeds": [{ "title": "Below the pictures" }] });
    let mut form = multipart::Form::new().text("payload_json", payload.to_string());
    for index in 0..count {
        let (width, height) = if index % 2 == 0 { (160, 90) } else { (90, 160) };
        let part = multipart::Part::bytes(png(width, height, colour(index)))
            .file_name(format!("{index}.png"));
        form = form.part(format!("files[{index}]"), part);
    }
    let request = Rest::of(sandbox)
        .request(Method::POST, &format!("/channels/{channel}/messages"))
        .multipart(form);
    let message: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&message["attachments"][0]["width"], &message["attachments"][0]["height"]),
        (&json!(160), &json!(90))
    );
    message
}

/// What is drawn of a message's pictures: how many begin at each height, the colour in the middle
/// of each, and where they are.
const LOOK: &str = "
    const [place, done] = arguments;
    const message = document.querySelector(place);
    message.scrollIntoView();
    const pictures = [...message.querySelectorAll('[data-testid=gallery] img')];
    const colourOf = (picture) => {
        const canvas = document.createElement('canvas');
        canvas.width = canvas.height = 1;
        const context = canvas.getContext('2d');
        context.drawImage(picture, 0, 0, 1, 1);
        return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    };
    Promise.all(pictures.map((picture) => { picture.loading = 'eager'; return picture.decode(); })).then(() => {
        const tops = new Map();
        for (const picture of pictures) {
            const top = Math.round(picture.getBoundingClientRect().top);
            tops.set(top, (tops.get(top) ?? 0) + 1);
        }
        const box = message.querySelector('[data-testid=gallery]').getBoundingClientRect();
        const inside = pictures.every((picture) => {
            const { left, right, width, height } = picture.closest('.picture').getBoundingClientRect();
            return width > 20 && height > 20 && left >= box.left - 1 && right <= box.right + 1 && right <= innerWidth;
        });
        const above = box.bottom <= message.querySelector('[data-testid=embed]').getBoundingClientRect().top;
        done({ rows: [...tops.values()], colours: pictures.map(colourOf), inside, above });
    }, (failed) => done({ failed: String(failed) }));
";

#[tokio::test(flavor = "multi_thread")]
async fn cards_in_a_row_stand_apart() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    let card = |title: &str| {
        let button = json!({ "type": 2, "style": 3, "label": "Approve", "custom_id": title });
        json!({ "embeds": [{ "title": title, "description": "Why it matters.", "color": 0x00e6_7e22 }],
            "components": [{ "type": 1, "components": [button] }] })
    };
    let mut ids = Vec::new();
    for body in [
        card("one"),
        card("two"),
        json!({ "content": "a" }),
        json!({ "content": "b" }),
        card("three"),
    ] {
        ids.push(text(&rest.say(&general, body).await, "id").to_owned());
    }
    browser.open(&sandbox.addresses().page, "maya", "general").await;
    browser.see(&format!("//li[@data-message-id='{}']", ids[4])).await;
    browser.shot("sandbox", "cards").await;
    let gaps = browser.run(GAPS, vec![json!(ids)]).await;
    let gaps: Vec<f64> = serde_json::from_value(gaps).unwrap();
    assert!(gaps[0] >= 12.0 && gaps[1] >= 12.0 && gaps[3] >= 12.0, "{gaps:?}");
    assert!(gaps[2] < 6.0, "words in a row stay together: {gaps:?}");
    browser.close().await;
}

/// The space between what one message shows and what the next one does.
const GAPS: &str = "
    const bodies = arguments[0].map((id) => document.querySelector(`[data-message-id='${id}'] .message-body`));
    const boxes = bodies.map((body) => body.getBoundingClientRect());
    return boxes.slice(1).map((box, at) => box.top - boxes[at].bottom);
";
