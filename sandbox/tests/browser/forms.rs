//! Forms with labels, and files that people give.

use page_browser::{Browser, DESKTOP, Device, PHONE, Page};
use serde_json::json;

use crate::recorded::{Recorded, recording};

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_labels_at_a_desk() {
    a_form_with_labels(DESKTOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_labels_on_a_phone() {
    a_form_with_labels(PHONE).await;
}

/// Opens the form of the recorded button.
async fn open(page: &Page, recorded: &Recorded) {
    recorded.answer("defer", recording("label-form"));
    page.open(&recorded.page, "maya", "releases").await;
    let button = "//button[@data-custom-id='defer']";
    page.see("//li[@data-message-id][.//*[@data-testid='embed']]").await;
    page.run("document.querySelector('[data-custom-id=defer]').scrollIntoView()", vec![]).await;
    page.click(button).await;
    page.see("//dialog[@open][@data-testid='modal']").await;
}

/// Puts a file into what the page opened last to choose one.
const CHOOSE: &str = "
    const [words, name] = arguments;
    const files = new DataTransfer();
    files.items.add(new File([words], name, { type: 'text/plain' }));
    const inForm = document.querySelector('dialog[open] .drop');
    const target = inForm ?? document.querySelector('.composer-box');
    const what = { bubbles: true, cancelable: true, dataTransfer: files };
    target.dispatchEvent(new DragEvent('drop', what));
";

async fn a_form_with_labels(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let recorded = Recorded::start(&["long-card"]).await;
    open(&browser, &recorded).await;
    browser.shot("sandbox", "label-form").await;
    let field = |id: &str| format!("//dialog[@open]//*[@data-field='{id}']");
    // What is missing is told, at its field.
    browser.click("//dialog[@open]//*[@data-testid='modal-submit']").await;
    browser.see(&format!("{}[contains(., 'This field is required.')]", field("reason"))).await;
    browser.see(&format!("{}[contains(., 'This field is required.')]", field("who"))).await;
    browser.write(&format!("{}//textarea", field("reason")), "Too late in the day").await;
    browser.click(&format!("{}//*[@data-value='1h']", field("length"))).await;
    browser.click(&format!("{}//*[@data-value='leads']", field("tell"))).await;
    // One box too many.
    browser.click(&format!("{}//*[@data-value='all']", field("tell"))).await;
    browser.click("//dialog[@open]//*[@data-testid='modal-submit']").await;
    browser.see(&format!("{}[contains(., 'Choose at most 2.')]", field("tell"))).await;
    browser.click(&format!("{}//*[@data-value='all']", field("tell"))).await;
    browser.click(&format!("{}//button", field("who"))).await;
    browser
        .click(
            "//dialog[@data-testid='select-menu']//*[contains(@class, 'option-label')][.='Jonas']",
        )
        .await;
    browser.click("//dialog[@data-testid='select-menu']//*[@data-testid='select-done']").await;
    browser.see(&format!("{}//button[contains(., 'Jonas')]", field("who"))).await;
    browser.run(CHOOSE, vec![json!("all went well"), json!("run.log")]).await;
    browser
        .see(&format!("{}//*[@data-testid='file-chip'][contains(., 'run.log')]", field("log")))
        .await;
    browser.click(&format!("{}//*[@data-testid='choice-option']", field("remind"))).await;
    browser.shot("sandbox", "label-form-filled").await;
    recorded.answer("upload", json!({ "ok": true, "attachment": { "id": "77" } }));
    browser.click("//dialog[@open]//*[@data-testid='modal-submit']").await;
    browser.see("//body[not(.//dialog)]").await;
    let upload = recorded.act("upload");
    assert_eq!(
        (&upload["filename"], &upload["content_type"], &upload["data"]),
        (&json!("run.log"), &json!("text/plain"), &json!("YWxsIHdlbnQgd2VsbA=="))
    );
    let jonas = recording("base")["users"][1]["id"].clone();
    let values = json!({
        "reason": "Too late in the day",
        "length": "1h",
        "tell": ["leads", "approvers"],
        "who": [jonas],
        "day": [],
        "log": ["77"],
        "remind": "false",
    });
    assert_eq!(recorded.act("submit")["values"], values);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_form_keeps_what_was_filled_in() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let recorded = Recorded::start(&["long-card"]).await;
    recorded.answer("submit", json!({ "ok": false, "error": "the form is too old" }));
    open(&browser, &recorded).await;
    browser.write("//dialog[@open]//textarea", "Later").await;
    browser.click("//dialog[@open]//*[@data-field='who']//button").await;
    browser
        .click(
            "//dialog[@data-testid='select-menu']//*[contains(@class, 'option-label')][.='Sven']",
        )
        .await;
    browser.click("//dialog[@data-testid='select-menu']//*[@data-testid='select-done']").await;
    browser.click("//dialog[@open]//*[@data-testid='modal-submit']").await;
    browser.see("//*[@data-testid='modal-error'][contains(., 'the form is too old')]").await;
    let kept = "return document.querySelector('dialog textarea').value";
    assert_eq!(browser.run(kept, vec![]).await, "Later");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_with_a_message() {
    let Some(browser) = Browser::start(DESKTOP).await else { return };
    let recorded = Recorded::start(&["reactions"]).await;
    recorded.answer("upload", json!({ "ok": true, "attachment": { "id": "78" } }));
    browser.open(&recorded.page, "maya", "general").await;
    browser.see("//li[contains(., 'Lunch')]").await;
    browser.run(CHOOSE, vec![json!("menu"), json!("menu.txt")]).await;
    browser.see("//*[@id='composer']//*[@data-testid='file-chip'][contains(., 'menu.txt')]").await;
    browser.click("//*[@data-testid='send']").await;
    browser.see("//*[@id='composer'][not(.//*[@data-testid='file-chip'])]").await;
    for _ in 0..100 {
        if recorded.acts().len() == 2 {
            break;
        }
        browser.run("return 1", vec![]).await;
    }
    assert_eq!(recorded.act("message")["attachments"], json!(["78"]));
    browser.close().await;
}
