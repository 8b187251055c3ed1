//! Batches as a person sees them: drawn and clicked in a browser, on a desktop and on a phone, with pictures to look at.
//!
//! Needs Chromium and chromedriver, as `tests/page.rs` does; the pictures are in `screenshots` in the target folder.

use fantoccini::{Client, Locator};
use gander::core::decision::{Detail, Request, Risk};
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::batches::{low, mixed, some_low, with_batch};
use crate::bot::LIMIT;
use crate::browser::{Browser, DESKTOP, Device, PHONE, STICKING_OUT, missing_tool, screenshots};

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_approved_and_gone_through_at_a_desk() {
    on(Device { height: 1000, ..DESKTOP }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_approved_and_gone_through_on_a_phone() {
    on(PHONE).await;
}

async fn on(device: Device) {
    if let Some(missing) = missing_tool() {
        assert!(std::env::var_os("GANDER_TEST_REQUIRE_TOOLS").is_none_or(|wanted| wanted != "1"), "{missing} is not installed");
        println!("skipped: {missing} is not installed");
        return;
    }
    let (small, _, _) = with_batch(mixed()).await;
    let tested = || vec![Detail { name: "tests".into(), value: "47/47".into() }];
    let many = some_low(140).into_iter().map(|asked| Request { details: tested(), ..asked });
    let (large, _, _) = with_batch(many.chain([Request { risk: Risk::Medium, ..low("Raise the timeout") }]).collect()).await;
    let address = |bot: &crate::bot::Bot| format!("{}?user=maya&channel=decisions", bot.sandbox.addresses().page);
    let (small, large) = (address(&small), (address(&large), large));
    let browser = Browser::start(device).await;
    let page = Page { client: browser.client.clone(), device };
    // A task of its own: whatever fails in it, the browser is put away.
    let visit = async move {
        page.small(&small).await;
        page.large(&large.0).await;
    };
    let visited = LocalSet::new().run_until(async { tokio::task::spawn_local(visit).await }).await;
    browser.close().await;
    visited.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
}

struct Page {
    client: Client,
    device: Device,
}

const PRIVATE: &str = "//li[@data-ephemeral='true']";

impl Page {
    async fn small(&self, address: &str) {
        self.client.goto(address).await.unwrap();
        self.see("//*[@data-testid='embed'][contains(., 'Batch 1')]").await;
        self.shot("before").await;
        self.click("//button[contains(@data-custom-id, ':look:')]").await;
        self.see(&format!("{PRIVATE}[contains(., 'Nothing is approved until you click')]")).await;
        self.shot("preflight").await;
        self.click(&format!("{PRIVATE}//button[contains(@data-custom-id, ':together:')]")).await;
        self.see(&format!("{PRIVATE}[contains(., 'All 3 are approved')]")).await;
        self.see("//*[@data-testid='embed'][contains(., 'Batch 1')][contains(., '3 approved or answered')]").await;
        self.shot("after").await;
        self.click("//button[contains(@data-custom-id, ':walk-0:')]").await;
        self.see(&format!("{PRIVATE}[contains(., '4 of 5')]")).await;
        self.shot("walk").await;
        self.click(&format!("{PRIVATE}//button[contains(@data-custom-id, ':approve:')]")).await;
        self.see(&format!("{PRIVATE}[contains(., '5 of 5')]")).await;
        self.shot("walk-next").await;
        self.click(&format!("{PRIVATE}//button[contains(@data-custom-id, ':walk-5:')]")).await;
        self.see(&format!("{PRIVATE}[contains(., 'still waits on you')]")).await;
        self.shot("walk-end").await;
    }

    async fn large(&self, address: &str) {
        self.client.goto(address).await.unwrap();
        self.see("//*[@data-testid='embed'][contains(., '141 decisions')]").await;
        self.shot("long").await;
        self.click("//li[@data-message-id]//*[@data-testid='select']").await;
        self.see("//dialog[@open]//*[@data-testid='option'][contains(., '#26')]").await;
        self.shot("long-parts").await;
        self.click("//dialog[@open]//*[@data-testid='option'][contains(., '#26')]").await;
        self.see(&format!("{PRIVATE}[contains(., '26 to 50 of 141')]")).await;
        self.shot("long-part").await;
    }

    async fn see(&self, path: &str) -> fantoccini::elements::Element {
        let found = self.client.wait().at_most(LIMIT).for_element(Locator::XPath(path)).await;
        found.unwrap_or_else(|error| panic!("{path} is not there: {error}"))
    }

    async fn click(&self, path: &str) {
        let element = self.see(path).await;
        let into_view = "arguments[0].scrollIntoView({ block: 'center' })";
        self.client.execute(into_view, vec![serde_json::to_value(&element).unwrap()]).await.unwrap();
        element.click().await.unwrap();
    }

    /// A picture of what is seen, in which nothing sticks out.
    async fn shot(&self, name: &str) {
        let folder = screenshots();
        std::fs::create_dir_all(&folder).unwrap();
        let picture = self.client.screenshot().await.unwrap();
        std::fs::write(folder.join(format!("batch-{}-{name}.png", self.device.name)), picture).unwrap();
        let out = self.client.execute(STICKING_OUT, vec![json!(self.device.width)]).await.unwrap();
        assert_eq!(out, Value::Array(Vec::new()), "{name}: sticks out at the side on the {}", self.device.name);
    }
}
