//! Messages of components "version 2": what they may hold, what becomes of them, and that people
//! reach every button in them.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::common::{Answering, Rest, channel, first_error, relaxed, text};

/// The flag IS_COMPONENTS_V2.
const V2: u64 = 1 << 15;

fn message(components: Value) -> Value {
    json!({ "flags": V2, "components": components })
}

fn words(content: &str) -> Value {
    json!({ "type": 10, "content": content })
}

fn button(custom_id: &str) -> Value {
    json!({ "type": 2, "style": 1, "label": "Press", "custom_id": custom_id })
}

/// A container with a section, a row of a button, and a row of a menu.
fn card() -> Value {
    let options = json!([{ "label": "Now", "value": "now" }]);
    message(json!([
        { "type": 17, "accent_color": 0x33_66_99, "components": [
            { "type": 9, "components": [words("# Title")], "accessory": button("in-section") },
            { "type": 14 },
            { "type": 1, "components": [button("in-row")] },
            { "type": 1, "components": [{ "type": 3, "custom_id": "menu", "options": options }] },
        ] },
        words("Below"),
    ]))
}

#[tokio::test]
async fn a_message_of_components_is_completed_and_numbered() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let said = rest.say(&channel(&sandbox, "general"), card()).await;
    assert_eq!((&said["flags"], &said["content"]), (&json!(V2), &json!("")));
    let container = &said["components"][0];
    assert_eq!((&container["id"], &container["spoiler"]), (&json!(1), &json!(false)));
    assert_eq!(container["components"][0]["id"], 2);
    assert_eq!(container["components"][0]["components"][0]["id"], 3);
    assert_eq!(container["components"][0]["accessory"]["id"], 4);
    let separator = json!({ "type": 14, "id": 5, "divider": true, "spacing": 1 });
    assert_eq!(container["components"][1], separator);
    assert_eq!(said["components"][1]["content"], "Below");
    let seen = sandbox.user("maya").unwrap().view();
    assert_eq!(seen.message(text(&said, "id")).unwrap()["components"], said["components"]);
}

#[tokio::test]
async fn people_reach_buttons_and_menus_at_any_depth() {
    let sandbox = relaxed().await;
    let mut bot = Answering::start(&sandbox, |interaction| {
        let pressed = interaction["data"]["custom_id"].as_str().unwrap();
        json!({ "type": 7, "data": message(json!([words(pressed)])) })
    })
    .await;
    let rest = Rest::of(&sandbox);
    let maya = sandbox.user("maya").unwrap();
    for custom_id in ["in-section", "in-row", "menu"] {
        let said = rest.say(&channel(&sandbox, "general"), card()).await;
        let id = text(&said, "id");
        let outcome = match custom_id {
            "menu" => maya.select(id, custom_id, &["now"]).await,
            _ => maya.click(id, custom_id).await,
        };
        assert_eq!(outcome.error, None);
        let updated = outcome.message.unwrap();
        assert_eq!(updated["components"][0]["content"], custom_id);
        assert_eq!(updated["flags"], V2);
        let interaction = bot.next().await;
        assert_eq!(interaction["message"]["components"], said["components"]);
        assert!(interaction["data"]["id"].as_u64().unwrap() > 3);
    }
}

#[tokio::test]
async fn what_version_two_forbids_is_refused() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let path = format!("/channels/{}/messages", channel(&sandbox, "general"));
    let mut with_content = message(json!([words("x")]));
    with_content["content"] = json!("also");
    let many: Vec<_> = (0..41).map(|_| json!({ "type": 14 })).collect();
    let section = |inner: Value| message(json!([inner]));
    let legacy = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2";
    let picture = json!({ "media": { "url": "attachment://none.png" } });
    let missing = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND";
    let web = json!({ "type": 13, "file": { "url": "https://example.com/a.txt" } });
    let nested = json!({ "type": 17, "components": [{ "type": 17, "components": [words("x")] }] });
    let bare = json!({ "type": 9, "components": [words("x")] });
    for (body, at, code) in [
        (with_content, "content", legacy),
        (message(json!(many)), "components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED"),
        (
            message(json!([words(&"x".repeat(3_000)), words(&"x".repeat(1_001))])),
            "components",
            "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
        ),
        (section(bare), "components.0.accessory", "BASE_TYPE_REQUIRED"),
        (section(nested), "components.0.components.0", "UNION_TYPE_CHOICES"),
        (section(button("x")), "components.0", "UNION_TYPE_CHOICES"),
        (section(json!({ "type": 12, "items": [] })), "components.0.items", "BASE_TYPE_BAD_LENGTH"),
        (
            section(json!({ "type": 12, "items": [picture] })),
            "components.0.items.0.media.url",
            missing,
        ),
        (section(web), "components.0.file.url", "URL_TYPE_INVALID_SCHEME"),
        (
            message(json!([{ "type": 10, "id": 4, "content": "a" }, { "type": 14, "id": 4 }])),
            "components",
            "COMPONENT_ID_DUPLICATED",
        ),
    ] {
        let (status, refused) = rest.post(&path, body.clone()).await;
        assert_eq!((status, &refused["code"]), (400, &json!(50035)), "{body}");
        assert_eq!(first_error(&refused["errors"]), (at.to_owned(), code.to_owned()), "{body}");
    }
    let (status, refused) = rest.post(&path, json!({ "flags": V2 })).await;
    assert_eq!((status, &refused["code"]), (400, &json!(50006)));
    // Without the flag, only rows stand alone.
    let (status, _) = rest.post(&path, json!({ "components": [words("x")] })).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_file_shows_in_components_and_the_flag_stays() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let path = format!("/channels/{}/messages", channel(&sandbox, "general"));
    let body = message(json!([{ "type": 13, "file": { "url": "attachment://a.txt" } }]));
    let part = Part::bytes(b"abc".to_vec()).file_name("a.txt");
    let form = Form::new().text("payload_json", body.to_string()).part("files[0]", part);
    let sent = rest.request(Method::POST, &path).multipart(form).send().await.unwrap();
    let said: Value = serde_json::from_str(&sent.text().await.unwrap()).unwrap();
    let file = &said["components"][0];
    assert_eq!((&file["name"], &file["size"]), (&json!("a.txt"), &json!(3)), "{said}");
    assert!(text(&file["file"], "url").ends_with("/a.txt"));
    assert_eq!(file["file"]["attachment_id"], said["attachments"][0]["id"]);

    let path = format!("{path}/{}", text(&said, "id"));
    let (status, edited) = rest.patch(&path, json!({ "components": [words("only text")] })).await;
    assert_eq!((status, &edited["flags"]), (200, &json!(V2)), "{edited}");
    let (status, refused) = rest.patch(&path, json!({ "content": "plain again" })).await;
    assert_eq!(status, 400, "{refused}");
}

#[tokio::test]
async fn text_displays_mention_people() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let jonas = sandbox.addresses().user_id("jonas").unwrap();
    let mention = message(json!([words(&format!("<@{jonas}>, look"))]));
    let said = rest.say(&channel(&sandbox, "general"), mention).await;
    assert_eq!(said["mentions"][0]["id"], jonas);
    let shown = sandbox.user("jonas").unwrap().view().notifications;
    let last = shown.last().unwrap();
    assert_eq!((last.message_id.as_str(), last.text.as_str()), (text(&said, "id"), ""));
}
