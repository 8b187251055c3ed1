//! Batches as a person sees them: drawn and clicked in a browser, on a desktop and on a phone, with
//! pictures to look at.
//!
//! Needs Chromium and chromedriver, as `demo_page.rs` does; the pictures are in `screenshots` in
//! the target folder.

use gander::core::decision::{Detail, Request, Risk};
use page_browser::{Browser, DESKTOP, Device, PHONE, Page};

use crate::batches::{low, mixed, some_low, with_batch};

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_approved_and_gone_through_at_a_desk() {
    on(Device { height: 1000, ..DESKTOP }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_approved_and_gone_through_on_a_phone() {
    on(PHONE).await;
}

async fn on(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let (small, _, _) = with_batch(mixed()).await;
    let tested = || vec![Detail { name: "tests".into(), value: "47/47".into() }];
    let many = some_low(140).into_iter().map(|asked| Request { details: tested(), ..asked });
    let (large, _, _) = with_batch(
        many.chain([Request { risk: Risk::Medium, ..low("Raise the timeout") }]).collect(),
    )
    .await;
    let address = |bot: &crate::bot::Bot| {
        format!("{}?user=maya&channel=decisions", bot.sandbox.addresses().page)
    };
    let (small, large) = (address(&small), (address(&large), large));
    browser
        .visit(async move |page| {
            small_batch(&page, &small).await;
            large_batch(&page, &large.0).await;
        })
        .await;
}

const PRIVATE: &str = "//li[@data-ephemeral='true']";

async fn small_batch(page: &Page, address: &str) {
    page.open_at(address).await;
    page.see("//*[@data-testid='embed'][contains(., 'Batch 1')]").await;
    page.shot("batch", "before").await;
    page.click("//button[contains(@data-custom-id, ':look:')]").await;
    page.see(&format!("{PRIVATE}[contains(., 'Nothing is approved until you click')]")).await;
    page.shot("batch", "preflight").await;
    page.click(&format!("{PRIVATE}//button[contains(@data-custom-id, ':together:')]")).await;
    page.see(&format!("{PRIVATE}[contains(., 'All 3 approved')]")).await;
    page.see(
        "//*[@data-testid='embed'][contains(., 'Batch 1')][contains(., '3 approved or answered')]",
    )
    .await;
    page.shot("batch", "after").await;
    page.click("//button[contains(@data-custom-id, ':walk-0:')]").await;
    page.see(&format!("{PRIVATE}[contains(., '4 of 5')]")).await;
    page.shot("batch", "walk").await;
    page.click(&format!("{PRIVATE}//button[contains(@data-custom-id, ':approve:')]")).await;
    page.see(&format!("{PRIVATE}[contains(., '5 of 5')]")).await;
    page.shot("batch", "walk-next").await;
    page.click(&format!("{PRIVATE}//button[contains(@data-custom-id, ':walk-5:')]")).await;
    page.see(&format!("{PRIVATE}[contains(., 'still waits on you')]")).await;
    page.shot("batch", "walk-end").await;
}

async fn large_batch(page: &Page, address: &str) {
    page.open_at(address).await;
    page.see("//*[@data-testid='embed'][contains(., '141 decisions')]").await;
    page.shot("batch", "long").await;
    page.click("//li[@data-message-id]//*[@data-testid='select']").await;
    page.see("//dialog[@open]//*[@data-testid='option'][contains(., '#26')]").await;
    page.shot("batch", "long-parts").await;
    page.click("//dialog[@open]//*[@data-testid='option'][contains(., '#26')]").await;
    page.see(&format!("{PRIVATE}[contains(., '26 to 50 of 141')]")).await;
    page.shot("batch", "long-part").await;
}
