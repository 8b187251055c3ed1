//! The hostile texts as a person sees them: drawn by a browser, on a desktop and on a phone, with pictures to look at.
//!
//! Needs Chromium and chromedriver, as `tests/page.rs` does; the pictures are in `screenshots` in the target folder.

use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::bot::{Bot, LIMIT, id};
use crate::browser::{Browser, DESKTOP, Device, PHONE, STICKING_OUT, missing_tool, screenshots};
use crate::texts::hostile;

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_draws_no_mark_of_an_agents_text_on_a_desktop() {
    drawn_on(Device { height: 1900, ..DESKTOP }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_draws_no_mark_of_an_agents_text_on_a_phone() {
    drawn_on(Device { height: 3200, scale: 1, ..PHONE }).await;
}

async fn drawn_on(device: Device) {
    if let Some(missing) = missing_tool() {
        assert!(std::env::var_os("GANDER_TEST_REQUIRE_TOOLS").is_none_or(|wanted| wanted != "1"), "{missing} is not installed");
        println!("skipped: {missing} is not installed");
        return;
    }
    let bot = Bot::start().await;
    let mut cards = Vec::new();
    for case in hostile(bot.folder.path()) {
        let (_, card) = bot.ask_and_see(case.request).await;
        cards.push((case.case, id(&card).to_owned()));
    }
    let address = format!("{}?user=maya&channel=decisions", bot.sandbox.addresses().page);
    let browser = Browser::start(device).await;
    let client = browser.client.clone();
    // A task of its own: whatever fails in it, the browser is put away.
    let looked = LocalSet::new().run_until(async { tokio::task::spawn_local(look(client, address, cards, device)).await }).await;
    browser.close().await;
    looked.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
}

async fn look(client: Client, address: String, cards: Vec<(String, String)>, device: Device) {
    client.goto(&address).await.unwrap();
    let folder = screenshots();
    std::fs::create_dir_all(&folder).unwrap();
    for (case, message) in cards {
        let card = format!("//li[@data-message-id='{message}'][.//*[@data-testid='embed']]");
        client.wait().at_most(LIMIT).for_element(Locator::XPath(&card)).await.unwrap();
        let drawn = client.execute(DRAWN, vec![json!(message)]).await.unwrap();
        let picture = client.screenshot().await.unwrap();
        std::fs::write(folder.join(format!("hostile-{}-{case}.png", device.name)), picture).unwrap();
        assert_eq!(drawn, json!([]), "{case}: drawn as more than text on the {}", device.name);
        let out = client.execute(STICKING_OUT, vec![json!(device.width)]).await.unwrap();
        assert_eq!(out, Value::Array(Vec::new()), "{case}: sticks out at the side on the {}", device.name);
    }
    // The lock screen, with one line for each.
    client.goto(&format!("{address}&phone=1")).await.unwrap();
    client.wait().at_most(LIMIT).for_element(Locator::Css("#phone [data-testid='notification']")).await.unwrap();
    let notes =
        client.execute("return [...document.querySelectorAll('#phone .note-text')].map((note) => note.innerHTML)", Vec::new());
    assert_eq!(notes.await.unwrap().as_array().map(Vec::len), Some(12));
    std::fs::write(folder.join(format!("hostile-{}-lock-screen.png", device.name)), client.screenshot().await.unwrap()).unwrap();
}

/// Shows a message, and lists what is drawn in it that only a mark could draw: mentions, spoilers, headings, lists with
/// bullets, small print, times but the bot's own, code but a diff, links that do not say where they lead.
const DRAWN: &str = r"
    const message = document.querySelector(`[data-message-id='${arguments[0]}']`);
    message.scrollIntoView({ block: 'start' });
    const marks = [
        ...message.querySelectorAll('.mention, .spoiler, .md-h1, .md-h2, .md-h3, .md-subtext, .markup ul, .custom-emoji'),
        ...message.querySelectorAll('.embed-fields em, .embed-fields u, .embed-fields s, .embed-fields code, .embed-fields time'),
        ...message.querySelectorAll('.embed-title > :not(a), .embed-field-name > :not(a)'),
    ];
    const own = (part) => {
        const name = part.closest('.embed-field')?.querySelector('.embed-field-name').textContent;
        return ['Answer by', 'Asked', 'If nobody answers'].includes(name) || part.closest('pre[data-language=diff]');
    };
    const links = [...message.querySelectorAll('.embed a[href]')];
    const masked = links.filter((a) => /[\\[\]()<>]/.test(a.textContent) || new URL(a.textContent).href !== a.href);
    return [...marks.filter((part) => !own(part)), ...masked].map((part) => part.outerHTML.slice(0, 300));
";
