//! Both themes, measured: words and controls stand out from their ground as WCAG 2.2 asks at level
//! AA (success criteria 1.4.3 and 1.4.11).

use page_browser::{Browser, DESKTOP, Device, PHONE, Page};
use serde_json::{Value, json};

use crate::recorded::{Recorded, recording};

/// All words on the page whose contrast is below 4.5 : 1, or 3 : 1 where they are large (24 px, or
/// 18.66 px and bold), and fields whose border is below 3 : 1. What is disabled is exempt.
const PALE: &str = r"
    const options = { willReadFrequently: true };
    const canvas = document.createElement('canvas').getContext('2d', options);
    const rgba = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = ([r, g, b, a], ground) =>
        [r, g, b].map((one, at) => one * a + ground[at] * (1 - a));
    const ground = (node) => {
        if (!node) return [255, 255, 255];
        const style = getComputedStyle(node);
        if (style.backgroundImage !== 'none') return null;
        const colour = rgba(style.backgroundColor);
        if (colour[3] === 1) return colour.slice(0, 3);
        // A dialog lies over the page, not in it.
        const below = node.tagName === 'DIALOG' ? [0, 0, 0] : ground(node.parentElement);
        return below && over(colour, below);
    };
    const light = (colour) => {
        const [r, g, b] = colour
            .map((one) => one / 255)
            .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (a, b) => {
        const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
        return (high + 0.05) / (low + 0.05);
    };
    const pale = [];
    const top = document.querySelector('dialog[open]') ?? document.body;
    const walker = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
    let words = 0;
    while (walker.nextNode()) {
        const text = walker.currentNode.textContent.trim();
        const node = walker.currentNode.parentElement;
        const style = getComputedStyle(node);
        const exempt = '.unseen, .phone, .emoji, [disabled], [aria-disabled=true], noscript';
        if (!text || node.closest(exempt) || !node.getClientRects().length) continue;
        const shown = { opacityProperty: true, visibilityProperty: true };
        if (!node.checkVisibility(shown)) continue;
        const below = ground(node);
        if (!below) continue;
        words++;
        const ratio = contrast(over(rgba(style.color), below), below);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        const name = `${text.slice(0, 40)} (${node.className || node.tagName})`;
        if (ratio < (large ? 3 : 4.5)) pale.push(`${name}: ${ratio.toFixed(2)}`);
    }
    for (const field of top.querySelectorAll('.select, .field-text, .choice-mark, .drop')) {
        const style = getComputedStyle(field);
        const below = ground(field.parentElement);
        if (field.matches(':checked ~ *') || !below) continue;
        const ratio = contrast(over(rgba(style.borderTopColor), below), below);
        if (ratio < 3) pale.push(`the border of ${field.className}: ${ratio.toFixed(2)}`);
    }
    return { pale, words };
";

async fn stands_out(page: &Page, theme: &str, place: &str) {
    let measured = page.run(PALE, vec![]).await;
    assert!(measured["words"].as_u64().unwrap() > 5, "{place} has words: {measured}");
    assert_eq!(measured["pale"], json!([]), "{place}, {theme}");
}

const CASES: [&str; 6] =
    ["long-card", "reactions", "threads", "pins", "components-v2", "direct-messages"];

async fn looks(device: Device, theme: &str) {
    let Some(browser) = Browser::start(device).await else { return };
    let recorded = Recorded::start(&CASES).await;
    recorded.answer("defer", recording("label-form"));
    let thread = recording("threads")[1]["id"].as_str().unwrap().to_owned();
    for channel in ["releases", "general", "web-shop", &thread, "decisions", "showcase", "@gander"]
    {
        let address = format!("{}?user=maya&theme={theme}&channel={channel}", recorded.page);
        browser.open_at(&address).await;
        browser.see("//li[@data-message-id]").await;
        browser.shot("sandbox", &format!("{theme}-{channel}")).await;
        stands_out(&browser, theme, channel).await;
    }
    browser.open_at(&format!("{}?user=maya&theme={theme}&channel=releases", recorded.page)).await;
    browser.see("//button[@data-custom-id='defer']").await;
    browser.run("document.querySelector('[data-custom-id=defer]').click()", vec![]).await;
    browser.see("//dialog[@open][@data-testid='modal']").await;
    stands_out(&browser, theme, "the form").await;
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dark_theme_at_a_desk() {
    looks(DESKTOP, "dark").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_light_theme_at_a_desk() {
    looks(DESKTOP, "light").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dark_theme_on_a_phone() {
    looks(PHONE, "dark").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_light_theme_on_a_phone() {
    looks(PHONE, "light").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_theme_is_switched_and_remembered() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let recorded = Recorded::start(&["reactions"]).await;
    let ground = "return getComputedStyle(document.querySelector('.chat')).backgroundColor";
    browser.open_at(&format!("{}?user=maya&theme=dark", recorded.page)).await;
    assert_eq!(browser.run(ground, vec![]).await, "rgb(26, 26, 30)");
    browser.click("//*[@data-testid='theme-switch'][@aria-label='Use the light theme']").await;
    browser.see("//*[@data-testid='theme-switch'][@aria-label='Use the dark theme']").await;
    let light: Value = json!("rgb(251, 251, 251)");
    assert_eq!(browser.run(ground, vec![]).await, light);
    browser.open(&recorded.page, "maya", "general").await;
    assert_eq!(browser.run(ground, vec![]).await, light);
    browser.close().await;
}
