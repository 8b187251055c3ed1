//! The hostile texts as a person sees them: drawn by a browser, on a desktop and on a phone, with
//! pictures to look at.
//!
//! Needs Chromium and chromedriver, as `demo_page.rs` does; the pictures are in `screenshots` in
//! the target folder.

use page_browser::{Browser, DESKTOP, Device, PHONE, Page};
use serde_json::json;

use crate::bot::{Bot, id};
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
    let Some(browser) = Browser::start(device).await else { return };
    let bot = Bot::start().await;
    let mut cards = Vec::new();
    for case in hostile(bot.folder.path()) {
        let (_, card) = bot.ask_and_see(case.request).await;
        cards.push((case.case, id(&card).to_owned()));
    }
    let address = format!("{}?user=maya&channel=decisions", bot.sandbox.addresses().page);
    browser.visit(async move |page| look(&page, &address, cards).await).await;
}

async fn look(page: &Page, address: &str, cards: Vec<(String, String)>) {
    page.open_at(address).await;
    let count = cards.len();
    for (case, message) in cards {
        page.see(&format!("//li[@data-message-id='{message}'][.//*[@data-testid='embed']]")).await;
        let drawn = page.run(DRAWN, vec![json!(message)]).await;
        let picture = page.shot("hostile", &case).await;
        assert_eq!(drawn, json!([]), "{case}: drawn as more than text; see {}", picture.display());
    }
    // The lock screen, with one line for each.
    page.open_at(&format!("{address}&phone=1")).await;
    page.see("//*[@id='phone']//*[@data-testid='notification']").await;
    let notes =
        "return [...document.querySelectorAll('#phone .note-text')].map((note) => note.innerHTML)";
    assert_eq!(page.run(notes, Vec::new()).await.as_array().map(Vec::len), Some(count));
    page.shot("hostile", "lock-screen").await;
}

/// Shows a message, and lists what is drawn in it that only a mark could draw: mentions, spoilers,
/// headings, lists with bullets, small print, times but the bot's own, code but a diff, links that
/// do not say where they lead.
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
