//! The demonstration as a person meets it: its page in a real browser, on a desktop and on a phone.
//!
//! Needs Chromium (or Chrome) and chromedriver. Where they are missing the tests say so and pass,
//! unless `GANDER_TEST_REQUIRE_TOOLS=1` asks for them. What they saw is in `screenshots` in the
//! target folder; `GANDER_UPDATE_PICTURES=1 cargo test --test discord demo_page` makes the pictures
//! in `docs` anew.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use page_browser::fantoccini::key::Key;
use page_browser::{Browser, DESKTOP, Device, PHONE};

use crate::common::process::{Home, Program, Said};
use crate::common::tools::wanted;

/// What becomes a picture of the documentation: device, screenshot, file.
const PICTURES: [(&str, &str, &str); 3] = [
    ("desktop", "waiting", "docs/demo.png"),
    ("desktop", "choosing", "docs/choose.png"),
    ("phone", "decided", "docs/phone.png"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_at_a_desk() {
    on(DESKTOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_on_a_phone() {
    on(PHONE).await;
}

async fn on(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let home = Home::new();
    let demo =
        Arc::new(Program::start(home.bare(&["demo", "--headless", "--listen", "127.0.0.1:0"])));
    let said = demo.out.line("http://").await;
    let address =
        said.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    let seen = Arc::clone(&demo);
    browser.visit(async move |page| visit(Page(page), address, &seen.out).await).await;
    demo.signal("INT").await;
    Arc::into_inner(demo).expect("the visit is over").ended().await.must(0, &[]);
}

/// What a person does.
async fn visit(page: Page, address: String, agents: &Said) {
    refuse(&page, &address).await;
    page.open_at(&address).await;
    approve(&page, agents).await;
    defer(&page, agents).await;
    reject(&page, agents).await;
    choose(&page, agents).await;
    from_the_list(&page, agents).await;
    talk(&page).await;
    assert_eq!(page.complaints().await, Vec::<String>::new(), "in the browser's log");
}

/// Somebody who may not decide tries to.
async fn refuse(page: &Page, address: &str) {
    page.open_at(&address.replace("user=maya", "user=sven")).await;
    let card = page.card("Deploy the new checkout to production").await;
    page.click(&card.button("approve")).await;
    page.see(
        "//li[@data-ephemeral='true'][contains(., '@Maya or anyone with the role Approvers')]",
    )
    .await;
    page.shot("refused").await;
    page.see(&card.button("approve")).await;
}

async fn approve(page: &Page, agents: &Said) {
    let card = page.card("Deploy the new checkout to production").await;
    page.see(&card.with("[contains(., 'high risk')][contains(., 'Due')]")).await;
    page.shot("waiting").await;
    page.click(&card.button("approve")).await;
    page.see(&card.decided("✅ Approved")).await;
    agents.line("goose | goes on,").await;
    page.see(&card.with("[contains(., 'The agent picked it up')]")).await;
    // The next question came in below: show the verdict, not that.
    page.card("Delete the code of the old checkout").await;
    page.scroll_to(&card.message_id).await;
    page.shot("approved").await;
}

async fn defer(page: &Page, agents: &Said) {
    let card = page.card("Delete the code of the old checkout").await;
    page.click(&card.button("ask-time")).await;
    page.click("//li[@data-ephemeral='true']//*[@data-testid='select']").await;
    page.see("//dialog[@open]//*[@data-testid='option'][contains(., '2 hours')]").await;
    page.shot("deferring").await;
    page.click("//dialog[@open]//*[@data-testid='option'][contains(., '2 hours')]").await;
    page.see("//li[@data-ephemeral='true'][contains(., 'deferred until')]").await;
    page.see(&card.with("[contains(., '💤 Deferred')]")).await;
    agents.line("goose | was deferred").await;
    page.shot("deferred").await;
}

async fn reject(page: &Page, agents: &Said) {
    page.open_channel("mobile-app").await;
    let card = page.card("Keep the session when the app is in the background?").await;
    page.click(&card.button("reject")).await;
    page.write(
        "//dialog[@open][@data-testid='modal']//textarea",
        "Fifteen minutes is too long.\nFive at most.",
    )
    .await;
    page.shot("rejecting").await;
    page.click("//dialog[@open]//*[@data-testid='modal-submit']").await;
    page.see(&card.decided("❌ Rejected")).await;
    page.see(&card.with("//blockquote[contains(., 'Fifteen minutes is too long.')]")).await;
    agents
        .line("claude-code | was rejected by Maya: Fifteen minutes is too long. Five at most.")
        .await;
    page.scroll_to(&card.message_id).await;
    page.shot("rejected").await;
}

/// The agent asks something smaller, then which of two pictures.
async fn choose(page: &Page, agents: &Said) {
    let card = page.card("Keep the session for one minute in the background?").await;
    page.click(&card.button("approve")).await;
    page.see(&card.decided("✅ Approved")).await;
    let card = page.card("Which start screen?").await;
    page.see(&card.with("[count(.//img[contains(@src, '.png')]) = 2]")).await;
    page.scroll_to(&card.message_id).await;
    page.shot("choosing").await;
    page.click(&card.button("choose-0")).await;
    page.see(&card.decided("✅ Chosen")).await;
    agents.line("claude-code | goes on, Calm").await;
}

/// Words to the bot, in the direct message.
async fn talk(page: &Page) {
    let enter = char::from(Key::Enter).to_string();
    page.open_channel("Gander").await;
    page.write("//textarea[@data-testid='composer']", &format!("what else?{enter}")).await;
    page.see(
        "//li[@data-message-id][contains(., 'Understood: what waits on you') or contains(., \
              'Nothing waits on you')]",
    )
    .await;
    page.write(
        "//textarea[@data-testid='composer']",
        &format!("should I approve the deploy?{enter}"),
    )
    .await;
    page.see("//li[@data-message-id][contains(., 'Nothing was decided')]").await;
    page.shot("talk").await;
}

async fn from_the_list(page: &Page, agents: &Said) {
    let enter = char::from(Key::Enter).to_string();
    page.write("//textarea[@data-testid='composer']", "/attention").await;
    page.see("//*[@role='option'][@data-command='attention']").await;
    page.write("//textarea[@data-testid='composer']", &enter).await;
    page.write("//*[@data-testid='command-form']", &enter).await;
    let list = "//li[@data-ephemeral='true'][contains(., 'on you')]";
    page.click(&format!("{list}//*[@data-testid='select']")).await;
    page.shot("attention").await;
    page.click("//dialog[@open]//*[@data-testid='option'][contains(., '2 of 214 tests fail')]")
        .await;
    let card = page.card("2 of 214 tests fail after the database upgrade. Go on?").await;
    page.see(&card.with("[@data-ephemeral='true']")).await;
    page.shot("opened").await;
    page.click(&card.button("approve")).await;
    page.see(
        &card.with(
            "[contains(., '✅ Approved')][not(.//*[contains(@data-custom-id, ':approve:')])]",
        ),
    )
    .await;
    agents.line("codex | goes on,").await;
    // The card that everybody sees says so as well.
    page.open_channel("decisions").await;
    page.see(
        "//li[@data-message-id][not(@data-ephemeral)][contains(., '✅ Approved')][contains(., \
              'The agent picked it up')]",
    )
    .await;
    page.shot("decided").await;
}

/// A message that stands for a decision.
struct Card {
    message_id: String,
}

impl Card {
    /// The message, and what is said of it or stands in it.
    fn with(&self, more: &str) -> String {
        format!("//li[@data-message-id='{}']{more}", self.message_id)
    }

    fn button(&self, verb: &str) -> String {
        self.with(&format!("//button[contains(@data-custom-id, ':{verb}:')]"))
    }

    /// The message once it shows this verdict and nothing to decide with.
    fn decided(&self, verdict: &str) -> String {
        self.with(&format!(
            "[contains(., '{verdict}')][not(.//*[contains(@data-custom-id, ':reject:')])]"
        ))
    }
}

/// The page, with what the demonstration shows on it.
struct Page(page_browser::Page);

impl Deref for Page {
    type Target = page_browser::Page;

    fn deref(&self) -> &page_browser::Page {
        &self.0
    }
}

impl Page {
    /// Waits for the card of a decision that can be decided.
    async fn card(&self, title: &str) -> Card {
        let xpath = format!(
            "//li[@data-message-id][.//*[@data-testid='embed']][contains(., \
             '{title}')][.//button[contains(@data-custom-id, ':reject:')]]"
        );
        let message_id =
            self.with(&xpath, async |message| message.attr("data-message-id").await).await;
        Card { message_id: message_id.expect("it was found by it") }
    }

    async fn open_channel(&self, name: &str) {
        if self.device.phone {
            self.click("//*[@data-testid='open-drawer']").await;
            self.see("//*[@id='shell'][@data-drawer='true']").await;
        }
        let space = if name == "Gander" { "rail-dms" } else { "rail-guild" };
        self.click(&format!("//*[@data-testid='{space}']")).await;
        self.click(&format!("//*[@data-testid='channel'][@data-channel-name='{name}']")).await;
        self.see(&format!("//*[@data-testid='channel-title'][.='{name}']")).await;
    }

    /// Takes a picture and checks that nothing sticks out.
    async fn shot(&self, name: &str) {
        let file = self.0.shot("demo", name).await;
        let wanted = wanted("GANDER_UPDATE_PICTURES");
        let named =
            |(device, shot, _): &&(&str, &str, &str)| (*device, *shot) == (self.device.name, name);
        if let Some((.., picture)) = PICTURES.iter().find(named).filter(|_| wanted) {
            std::fs::copy(file, Path::new(env!("CARGO_MANIFEST_DIR")).join(picture)).unwrap();
        }
    }
}
