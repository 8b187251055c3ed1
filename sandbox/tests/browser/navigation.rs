//! The page stays alive however often it is opened, left and opened again, and in however many
//! tabs. A browser opens at most six HTTP connections to a host: what holds one for as long as a
//! page stands, even one kept for the Back button, ends in a page that shows nothing.

use discord_sandbox::Sandbox;
use page_browser::{Browser, DESKTOP};
use serde_json::{Value, json};

use crate::common::{channel, relaxed};

/// Five times what a browser's connections to a host would allow.
const VISITS: usize = 30;

const PEOPLE: [&str; 3] = ["maya", "jonas", "sven"];

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_alive_at_each_of_thirty_visits() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let sandbox = relaxed().await;
    for visit in 0..VISITS {
        let person = PEOPLE[visit % PEOPLE.len()];
        match visit % 5 {
            3 => browser.client.goto("about:blank").await.unwrap(),
            4 => browser.client.refresh().await.unwrap(),
            _ => {}
        }
        browser.open(&sandbox.addresses().page, person, "general").await;
        hears(&browser, &sandbox, person, &format!("visit {visit}")).await;
    }
    // Back through what the browser kept: each page follows again and knows what it missed.
    for step in 0..5 {
        browser.client.back().await.unwrap();
        if browser.client.current_url().await.unwrap().scheme() != "about" {
            let person = browser
                .run("return new URLSearchParams(location.search).get('user')", vec![])
                .await;
            hears(&browser, &sandbox, person.as_str().unwrap(), &format!("back {step}")).await;
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_tabs_are_alive_at_once() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let sandbox = relaxed().await;
    let mut tabs = vec![browser.client.window().await.unwrap()];
    while tabs.len() < 8 {
        tabs.push(browser.client.new_window(true).await.unwrap().handle);
    }
    for tab in &tabs {
        browser.client.switch_to_window(tab.clone()).await.unwrap();
        browser.open(&sandbox.addresses().page, "maya", "general").await;
    }
    for (number, tab) in tabs.into_iter().enumerate() {
        browser.client.switch_to_window(tab).await.unwrap();
        hears(&browser, &sandbox, "maya", &format!("tab {number}")).await;
    }
    browser.close().await;
}

/// Whether the page is this person's and shows, without being asked to, what is written now.
async fn hears(browser: &Browser, sandbox: &Sandbox, person: &str, words: &str) {
    let general = channel(sandbox, "general");
    let sent = sandbox.user("sven").unwrap().message(&general, words).await;
    assert!(sent.ok, "{sent:?}");
    browser.see(&format!("//li[@data-message-id][contains(., '{words}')]")).await;
    browser.see("//html[@data-connection='live']").await;
    let shown: Value =
        browser.run("return new URLSearchParams(location.search).get('user')", vec![]).await;
    assert_eq!(shown, json!(person), "{words}");
}
