//! What people do with messages beside writing them: reactions, replies, threads, pins, files. The
//! states are recorded, and what the page asks the server for is read.

use page_browser::{Browser, DESKTOP, Device, PHONE};
use serde_json::{Value, json};

use crate::recorded::{Recorded, recording};

/// A message of a recorded channel by what it says.
fn message(case: &str, words: &str) -> Value {
    let channels = recording(case);
    let all =
        channels.as_array().unwrap().iter().flat_map(|one| one["messages"].as_array().unwrap());
    let mut found = all.filter(|message| message["content"].as_str().unwrap().contains(words));
    found.next().unwrap_or_else(|| panic!("{case} has no message with {words}")).clone()
}

fn row(message: &Value) -> String {
    format!("//li[@data-message-id={}]", message["id"])
}

/// Puts the keyboard's place at a message, where its toolbar then shows.
async fn reach(browser: &Browser, message: &Value) {
    let script = "document.querySelector(`[data-message-id='${arguments[0]}']`).focus()";
    browser.run(script, vec![message["id"].clone()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_on_a_reaction_adds_ones_own_or_takes_it_away() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let recorded = Recorded::start(&["reactions"]).await;
    browser.open(&recorded.page, "maya", "general").await;
    let lights = message("reactions", "harbour lights");
    let chip = |emoji: &str, mine: bool| {
        let place = row(&lights);
        format!(
            "{place}//*[@data-testid='reaction'][@data-emoji='{emoji}'][@aria-pressed='{mine}']"
        )
    };
    browser.see(&format!("{}[contains(., '4')]", chip("🎉", true))).await;
    browser.shot("sandbox", "reactions").await;
    browser.click(&chip("🎉", true)).await;
    browser.click(&chip("🚢", false)).await;
    recorded.change(|state| {
        let reactions = &mut state["channels"][0]["messages"][0]["reactions"];
        reactions[2]["count"] = json!(2);
        reactions[2]["me"] = json!(true);
    });
    browser.see(&format!("{}[contains(., '2')]", chip("🚢", true))).await;
    let taken = recorded.act("unreact");
    assert_eq!((&taken["message_id"], &taken["emoji"]), (&lights["id"], &json!("🎉")));
    assert_eq!(recorded.act("react")["emoji"], "🚢");
    // One of a server's own is named with its id.
    let own = message("reactions", "They are beautiful");
    let own = format!(
        "{}//*[@data-testid='reaction'][starts-with(@data-emoji, 'blob_wave:')]",
        row(&own)
    );
    browser.click(&own).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let recorded = Recorded::start(&["reactions"]).await;
    recorded.answer("react", json!({ "ok": false, "error": "maya may not react here" }));
    browser.open(&recorded.page, "maya", "general").await;
    browser.click("//*[@data-testid='reaction'][@data-emoji='🚢']").await;
    browser.see("//*[@data-testid='failed-command'][contains(., 'maya may not react here')]").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_toolbar_of_a_message() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let recorded = Recorded::start(&["reactions"]).await;
    browser.open(&recorded.page, "maya", "general").await;
    let lunch = message("reactions", "Lunch at noon");
    let place = row(&lunch);
    browser.see(&place).await;
    reach(&browser, &lunch).await;
    browser.shot("sandbox", "toolbar").await;
    // An emoji by what it is called.
    browser.click(&format!("{place}//*[@data-testid='toolbar-react']")).await;
    browser.write("//*[@data-testid='emoji-search']", "rocket").await;
    browser.see("//dialog[@open]//*[@data-testid='emoji'][1][@data-emoji='🚀']").await;
    browser.shot("sandbox", "emoji").await;
    browser.click("//dialog[@open]//*[@data-emoji='🚀']").await;
    browser.see("//body[not(.//dialog)]").await;
    assert_eq!(recorded.act("react")["emoji"], "🚀");
    // A reply.
    reach(&browser, &lunch).await;
    browser.click(&format!("{place}//*[@data-testid='toolbar-reply']")).await;
    browser.see("//*[@data-testid='replying'][contains(., 'Replying to Inês')]").await;
    browser.write("//textarea[@data-testid='composer']", "Gladly").await;
    browser.click("//*[@data-testid='send']").await;
    browser.see("//body[not(.//*[@data-testid='replying'][not(@hidden)])]").await;
    let sent = recorded.act("message");
    assert_eq!((&sent["content"], &sent["reply_to"]), (&json!("Gladly"), &lunch["id"]));
    // A command of an app.
    reach(&browser, &lunch).await;
    browser.click(&format!("{place}//*[@data-testid='message-apps']")).await;
    browser.click("//dialog[@open]//*[@data-testid='option'][contains(., 'Ask for a')]").await;
    browser.see("//body[not(.//dialog)]").await;
    assert_eq!(recorded.act("context")["target_id"], lunch["id"]);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_at_a_desk() {
    threads(DESKTOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_on_a_phone() {
    threads(PHONE).await;
}

async fn threads(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let recorded = Recorded::start(&["threads"]).await;
    browser.open(&recorded.page, "maya", "web-shop").await;
    let card = "//*[@data-testid='thread-card'][contains(., 'Checkout above 1000 €')]";
    browser
        .see(&format!("{card}[contains(., '3 Messages')][contains(., 'Approved. Thanks')]"))
        .await;
    browser.see("//li[contains(., 'Maya started a thread: Colours of the sale')]").await;
    browser.shot("sandbox", "threads").await;
    browser.click(card).await;
    browser.see("//*[@data-testid='channel-title'][.='Checkout above 1000 €']").await;
    // It begins with the message where it began.
    browser.see("//li[@data-message-id][1][contains(., 'The checkout fails')]").await;
    browser.shot("sandbox", "thread").await;
    browser.click("//*[@data-testid='thread-menu']").await;
    browser.click("//dialog[@open]//*[@data-testid='option'][contains(., 'Leave Thread')]").await;
    browser.see("//body[not(.//dialog)]").await;
    let parent = recording("threads")[0]["id"].clone();
    let thread = recording("threads")[1]["id"].clone();
    browser.see("//*[@data-testid='thread-back']").await;
    assert_eq!(recorded.act("leave_thread")["channel"], thread);
    browser.click("//*[@data-testid='thread-back']").await;
    browser.see("//*[@data-testid='channel-title'][.='web-shop']").await;
    // All of them, and a new one.
    browser.click("//*[@data-testid='open-threads']").await;
    let archived = "//dialog[@open]//*[@data-testid='thread-row'][contains(., 'Archived')]";
    browser.see(&format!("{archived}[contains(., 'Colours of the sale')]")).await;
    browser.shot("sandbox", "threads-panel").await;
    browser.write("//dialog[@open]//*[@data-testid='thread-name']", "Vouchers").await;
    browser.click("//dialog[@open]//*[@data-testid='create-thread']").await;
    browser.see("//body[not(.//dialog)]").await;
    let created = recorded.act("create_thread");
    assert_eq!((&created["name"], &created["channel"]), (&json!("Vouchers"), &parent));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_hang_below_their_channel() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let recorded = Recorded::start(&["threads"]).await;
    browser.open(&recorded.page, "maya", "web-shop").await;
    let list = "//*[@id='channels']//li[.//*[@data-channel-name='web-shop']]/ul";
    let thread = |name: &str| format!("{list}//*[@data-testid='channel'][contains(., '{name}')]");
    browser.see(&thread("Checkout above")).await;
    browser.see(&thread("Prices for partners")).await;
    let closed = thread("Colours of the sale");
    browser
        .see(&format!("//body[not({})]", closed.trim_start_matches("//").replacen('*', ".//*", 1)))
        .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pins_at_a_desk() {
    pins(DESKTOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pins_on_a_phone() {
    pins(PHONE).await;
}

async fn pins(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let recorded = Recorded::start(&["pins"]).await;
    browser.open(&recorded.page, "maya", "decisions").await;
    browser.see("//li[contains(., 'Maya pinned a message to this channel')]").await;
    browser.click("//*[@data-testid='all-pins']").await;
    let pin = "//dialog[@open]//*[@data-testid='pin']";
    browser.see(&format!("{pin}[1][contains(., 'Who may approve a deploy?')]")).await;
    browser.see(&format!("{pin}[2][contains(., 'Deploys happen')]")).await;
    browser.shot("sandbox", "pins").await;
    browser.click(&format!("{pin}[2]//*[@data-testid='unpin']")).await;
    recorded.change(|state| state["channels"][0]["messages"][0]["pinned"] = json!(false));
    browser.see("//dialog[@open][count(.//*[@data-testid='pin']) = 1]").await;
    let pinned = recording("pins")[0]["messages"][0]["id"].clone();
    assert_eq!(recorded.act("unpin")["message_id"], pinned);
    browser.click(&format!("{pin}//*[@data-testid='pin-jump']")).await;
    browser.see("//body[not(.//dialog)]").await;
    browser.see("//li[contains(@class, 'flash')][contains(., 'Who may approve')]").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_components() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let recorded = Recorded::start(&["components-v2"]).await;
    browser.open(&recorded.page, "maya", "showcase").await;
    let container = "//*[@data-testid='container']";
    browser
        .see(&format!(
            "{container}//*[@data-testid='section'][1]//button[contains(@class, 'picture')]"
        ))
        .await;
    browser.shot("sandbox", "components-v2").await;
    browser.see(&format!("{container}//*[@data-testid='gallery'][count(.//img) = 3]")).await;
    browser
        .see(&format!("{container}//*[@data-testid='attachment'][contains(., 'report.csv')]"))
        .await;
    browser.click(&format!("{container}//button[@data-custom-id='curve']")).await;
    browser.see("//button[@data-custom-id='curve'][not(@aria-busy)]").await;
    assert_eq!(recorded.act("click")["custom_id"], "curve");
    // Behind a spoiler until it is pressed.
    let secret =
        "return getComputedStyle([...document.querySelectorAll('strong')].at(-1)).visibility";
    assert_eq!(browser.run(secret, vec![]).await, "hidden");
    browser.click("//*[@data-testid='veil']").await;
    browser.see("//body[not(.//*[@data-testid='veil'])]").await;
    assert_eq!(browser.run(secret, vec![]).await, "visible");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_messages_at_a_desk() {
    direct_messages(DESKTOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_messages_on_a_phone() {
    direct_messages(PHONE).await;
}

/// The people one writes with on the left, the profile of the one who is open on the right.
async fn direct_messages(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let recorded = Recorded::start(&["reactions", "direct-messages"]).await;
    browser.open(&recorded.page, "maya", "general").await;
    if device.phone {
        browser.click("//*[@data-testid='open-drawer']").await;
    }
    browser.click("//*[@data-testid='rail-dms']").await;
    browser.see("//*[@id='channels'][count(.//*[@data-testid='channel']) = 2]").await;
    browser.shot("sandbox", "dm-list").await;
    browser.click("//*[@data-testid='channel'][@data-kind='dm'][contains(., 'gander')]").await;
    browser.see("//*[@data-testid='channel-title'][.='gander']").await;
    if device.phone {
        browser.see("//*[@id='shell'][@data-drawer='false']").await;
        browser.click("//*[@data-testid='open-members']").await;
    }
    browser.see("//*[@data-testid='profile'][contains(., 'Asks the people')]").await;
    browser.see("//*[@data-testid='profile'][contains(., '/attention')]").await;
    browser.shot("sandbox", "dm").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_servers_have_channels_of_their_own() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let recorded = Recorded::start(&["reactions", "second-server"]).await;
    browser.open(&recorded.page, "maya", "general").await;
    browser.see("//*[@id='channels'][count(.//*[@data-testid='channel']) = 1]").await;
    browser.click("//nav[@id='rail']//button[@aria-label='Open Source']").await;
    browser.see("//*[@data-testid='channel-title'][.='lobby']").await;
    browser.see("//*[@id='guild-name'][.='Open Source']").await;
    // Members and their roles are the server's own.
    browser.see("//*[@id='members'][contains(., 'Crew — 1')][not(contains(., 'Leads'))]").await;
    browser.see("//*[@id='members'][count(.//*[@data-testid='member']) = 3]").await;
    browser.click("//nav[@id='rail']//button[@aria-label='Harbour']").await;
    browser.see("//*[@data-testid='channel-title'][.='general']").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_grouped_by_role_and_a_time_out_shows() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let recorded = Recorded::start(&["reactions"]).await;
    browser.open(&recorded.page, "maya", "general").await;
    browser.see("//*[@id='members'][contains(., 'Leads — 1')][contains(., 'Approvers — 2')]").await;
    let sven = "//*[@data-testid='member'][@data-user='sven']";
    browser.see(&format!("{sven}//*[starts-with(@aria-label, 'Timed out until')]")).await;
    browser
        .see("//*[@data-testid='member'][@data-user='maya']//*[@aria-label='Server Owner']")
        .await;
    browser.close().await;
}
