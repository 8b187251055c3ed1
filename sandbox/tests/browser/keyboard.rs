//! The page by keyboard alone: Tab, arrows, letters and Enter. And what is said of it to those who
//! listen.

use page_browser::fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use page_browser::fantoccini::key::Key;
use page_browser::{Browser, DESKTOP, Page};
use serde_json::{Value, json};

use crate::common::{Answering, Rest, channel, relaxed, text};
use crate::recorded::Recorded;

/// Presses these keys, one after the other.
async fn press(page: &Page, keys: impl IntoIterator<Item = char>) {
    let pressed =
        keys.into_iter().fold(KeyActions::new("keyboard".to_owned()), |actions, value| {
            actions.then(KeyAction::Down { value }).then(KeyAction::Up { value })
        });
    page.client.perform_actions(pressed).await.unwrap();
}

/// Presses Tab until what has the focus fits the selector.
async fn tab_to(page: &Page, selector: &str) {
    for _ in 0..60 {
        press(page, [Key::Tab.into()]).await;
        let script = "const at = document.activeElement; return [at.matches(arguments[0]), at.matches(':focus-visible')]";
        let at = page.run(script, vec![json!(selector)]).await;
        if at[0] == true {
            assert_eq!(at[1], true, "{selector} does not show that it has the focus");
            return;
        }
    }
    panic!("Tab does not lead to {selector}");
}

/// Approving takes the buttons away; rejecting asks for a reason first.
fn decides(interaction: &Value) -> Value {
    let decided =
        |verdict: &str| json!({ "type": 7, "data": { "content": verdict, "components": [] } });
    let reason = &interaction["data"]["components"][0]["components"][0]["value"];
    match (interaction["type"].as_u64(), interaction["data"]["custom_id"].as_str()) {
        (Some(5), _) => decided(&format!("Rejected: {}", reason.as_str().unwrap_or_default())),
        (_, Some("approve")) => decided("Approved"),
        _ => {
            let field = json!({ "type": 4, "custom_id": "reason", "style": 2, "label": "Why?" });
            let rows = json!([{ "type": 1, "components": [field] }]);
            json!({ "type": 9, "data": { "custom_id": "why", "title": "Reject", "components": rows } })
        }
    }
}

fn card(title: &str) -> Value {
    let button = |style: u8, label: &str, id: &str| json!({ "type": 2, "style": style, "label": label, "custom_id": id });
    let row = json!({ "type": 1, "components": [button(3, "Approve", "approve"), button(4, "Reject", "reject")] });
    json!({ "embeds": [{ "title": title }], "components": [row] })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_decisions_by_keyboard_alone() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let sandbox = relaxed().await;
    let _bot = Answering::start(&sandbox, decides).await;
    let (rest, general) = (Rest::of(&sandbox), channel(&sandbox, "general"));
    let deploy = text(&rest.say(&general, card("Deploy?")).await, "id").to_owned();
    let delete = text(&rest.say(&general, card("Delete?")).await, "id").to_owned();
    browser.open(&sandbox.addresses().page, "maya", "general").await;
    browser.see(&format!("//li[@data-message-id='{delete}']")).await;
    let at_message = "return document.activeElement.dataset.messageId ?? null";

    // Up from the newest to the first, and into it.
    tab_to(&browser, "#scroller").await;
    press(&browser, [Key::Up.into(), Key::Up.into()]).await;
    assert_eq!(browser.run(at_message, vec![]).await, json!(deploy));
    tab_to(&browser, "button[data-custom-id=approve]").await;
    browser.shot("sandbox", "keyboard").await;
    press(&browser, [Key::Enter.into()]).await;
    browser.see(&format!("//li[@data-message-id='{deploy}'][contains(., 'Approved')][not(.//button[@data-custom-id])]")).await;
    assert_eq!(
        browser.run(at_message, vec![]).await,
        json!(deploy),
        "the keyboard's place is kept"
    );

    press(&browser, [Key::Down.into()]).await;
    tab_to(&browser, "button[data-custom-id=reject]").await;
    press(&browser, [Key::Enter.into()]).await;
    browser.see("//dialog[@open]//textarea").await;
    press(&browser, "Not on a Friday".chars()).await;
    tab_to(&browser, "[data-testid=modal-submit]").await;
    press(&browser, [Key::Enter.into()]).await;
    browser
        .see(&format!(
            "//li[@data-message-id='{delete}'][contains(., 'Rejected: Not on a Friday')]"
        ))
        .await;
    browser.see("//body[not(.//dialog)]").await;
    assert_eq!(
        browser.run(at_message, vec![]).await,
        json!(delete),
        "the keyboard's place is kept"
    );
    browser.close().await;
}

/// What can be used and has no name, as a screen reader would look for one.
const NAMELESS: &str = "
    const used = document.querySelectorAll('button, a[href], input, textarea, select, [role=button], [role=listbox], [role=option]');
    const named = (node) => node.getAttribute('aria-label') || node.textContent.trim() || node.title || node.labels?.length
        || document.getElementById(node.getAttribute('aria-labelledby'));
    return [...used].filter((node) => !named(node)).map((node) => node.outerHTML.slice(0, 200));
";

#[tokio::test(flavor = "multi_thread")]
async fn news_are_read_out_and_everything_has_a_name() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let sandbox = relaxed().await;
    let _bot = Answering::start(&sandbox, decides).await;
    let (rest, general) = (Rest::of(&sandbox), channel(&sandbox, "general"));
    let old = text(&rest.say(&general, card("Old?")).await, "id").to_owned();
    browser.open(&sandbox.addresses().page, "maya", "general").await;
    browser.see(&format!("//li[@data-message-id='{old}']")).await;
    let said = "return document.getElementById('announcer').textContent";
    assert_eq!(browser.run(said, vec![]).await, "", "what stood before is not news");
    let mut body = card("Deploy?");
    body["content"] =
        json!(format!("<@{}>, a decision", sandbox.addresses().user_id("maya").unwrap()));
    rest.say(&general, body).await;
    browser.see("//li[contains(., 'a decision')]").await;
    assert_eq!(browser.run(said, vec![]).await, "bot: @Maya, a decision");
    // Its buttons say what they are for, and a card that changes is not read out again.
    browser.see("//*[@role='group'][@aria-label='Actions: Deploy?']//button[.='Approve']").await;
    let path = format!("/channels/{general}/messages/{old}");
    assert_eq!(rest.patch(&path, json!({ "content": "changed" })).await.0, 200);
    browser.see("//li[contains(., 'changed')]").await;
    assert_eq!(browser.run(said, vec![]).await, "bot: @Maya, a decision");
    assert_eq!(browser.run(NAMELESS, vec![]).await, json!([]));
    browser.click("(//button[@data-custom-id='reject'])[last()]").await;
    browser.see("//dialog[@open]//textarea").await;
    assert_eq!(browser.run(NAMELESS, vec![]).await, json!([]));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_by_keyboard_alone() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let recorded = Recorded::start(&["pins"]).await;
    browser.open(&recorded.page, "maya", "decisions").await;
    browser.see("//li[contains(., 'Good to have it')]").await;
    tab_to(&browser, "#scroller").await;
    press(&browser, [Key::Up.into()]).await;
    // One stop for the whole toolbar; arrows walk along it.
    tab_to(&browser, ".toolbar button").await;
    press(&browser, [Key::Right.into(), Key::Right.into(), Key::Right.into()]).await;
    press(&browser, [Key::Enter.into()]).await;
    browser.see("//dialog[@open][@data-testid='emoji-picker']").await;
    press(&browser, "rocket".chars()).await;
    press(&browser, [Key::Enter.into()]).await;
    browser.see("//body[not(.//dialog)]").await;
    assert_eq!(recorded.act("react")["emoji"], "🚀");
    assert_eq!(browser.run(NAMELESS, vec![]).await, json!([]));
    browser.close().await;
}
