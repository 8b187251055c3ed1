//! Forms of labels: what the bot may open, what a person fills in, and what the bot gets.

use discord_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::common::{Answering, Rest, channel, first_error, register, relaxed, text};

/// A label around a component.
fn label(component: Value) -> Value {
    json!({ "type": 18, "label": "Of the label", "component": component })
}

/// A group of options named `a` and `b`.
fn group(kind: u64, custom_id: &str) -> Value {
    let options = json!([{ "label": "A", "value": "a" }, { "label": "B", "value": "b" }]);
    json!({ "type": kind, "custom_id": custom_id, "options": options })
}

fn form(components: Value) -> Value {
    let data = json!({ "custom_id": "ask", "title": "Ask", "components": components });
    json!({ "type": 9, "data": data })
}

/// Every kind of field that a label can wrap.
fn everything() -> Value {
    let mut checks = group(22, "checks");
    checks["required"] = json!(false);
    checks["min_values"] = json!(0);
    let pages: Vec<Value> = vec![
        json!({ "type": 10, "content": "Read this first." }),
        label(json!({ "type": 4, "custom_id": "words", "style": 2, "id": 3 })),
        label(json!({ "type": 7, "custom_id": "who", "max_values": 2 })),
        label(group(21, "one")),
        label(checks),
    ];
    json!(pages)
}

async fn ready() -> (Sandbox, String) {
    let sandbox = relaxed().await;
    register(&sandbox, json!([{ "name": "ask", "description": "Asks" }])).await;
    let general = channel(&sandbox, "general");
    (sandbox, general)
}

/// Opens a form with these components by the command and returns it as the person sees it.
async fn open(sandbox: &Sandbox, general: &str) -> Value {
    let outcome = sandbox.user("maya").unwrap().command(general, "ask", json!({})).await;
    outcome.modal.unwrap_or_else(|| panic!("{:?}", outcome.error))
}

#[tokio::test]
async fn a_form_of_labels_comes_back_with_its_values() {
    let (sandbox, general) = ready().await;
    let mut bot = Answering::start(&sandbox, |interaction| {
        if interaction["type"] == 5 {
            json!({ "type": 4, "data": { "content": "Thanks." } })
        } else {
            form(everything())
        }
    })
    .await;
    let opened = open(&sandbox, &general).await;
    // Numbers in order, passing over the one that the bot gave.
    assert_eq!(opened["components"][0]["id"], 1);
    assert_eq!(opened["components"][1]["id"], 2);
    assert_eq!(opened["components"][1]["component"]["id"], 3);
    assert_eq!(opened["components"][2]["component"]["id"], 5);
    bot.next().await;
    let maya = sandbox.user("maya").unwrap();
    let (jonas, role) =
        (sandbox.addresses().user_id("jonas").unwrap(), sandbox.addresses().role_id("Approvers"));
    let values = json!({ "words": "Two\nlines", "who": [jonas, role], "one": "b" });
    let outcome = maya.submit(text(&opened, "modal_id"), values).await;
    assert_eq!(outcome.content(), "Thanks.");
    let data = &bot.next().await["data"];
    assert_eq!(data["custom_id"], "ask");
    assert_eq!(data["components"][0], json!({ "type": 10, "id": 1 }));
    let field = |index: usize| &data["components"][index]["component"];
    let expected = json!({ "type": 4, "id": 3, "custom_id": "words", "value": "Two\nlines" });
    assert_eq!(field(1), &expected);
    assert_eq!(field(2)["values"], json!([jonas, role]));
    assert_eq!(data["resolved"]["users"][jonas]["username"], "jonas");
    assert_eq!(data["resolved"]["roles"][role.unwrap()]["name"], "Approvers");
    assert_eq!(field(3)["value"], "b");
    assert_eq!((&field(4)["type"], &field(4)["values"]), (&json!(22), &json!([])));
}

#[tokio::test]
async fn files_and_truth_values_are_submitted_and_defaults_stay() {
    let (sandbox, general) = ready().await;
    let mut bot = Answering::start(&sandbox, |interaction| {
        if interaction["type"] == 5 {
            return json!({ "type": 4, "data": { "content": "Thanks." } });
        }
        let mut menu = group(3, "menu");
        menu["options"][1]["default"] = json!(true);
        form(json!([
            label(json!({ "type": 23, "custom_id": "agree", "default": true })),
            label(json!({ "type": 23, "custom_id": "news", "default": true })),
            label(json!({ "type": 19, "custom_id": "files", "max_values": 2 })),
            label(menu),
            { "type": 1, "components": [
                { "type": 4, "custom_id": "old", "style": 1, "label": "Old", "required": false },
            ] },
        ]))
    })
    .await;
    let opened = open(&sandbox, &general).await;
    bot.next().await;
    let maya = sandbox.user("maya").unwrap();
    let modal = text(&opened, "modal_id");
    let without = maya.submit(modal, json!({ "news": false })).await;
    assert!(without.error.unwrap().contains("files"));
    let uploaded = maya.upload("a.txt", b"abc").await.attachment.unwrap();
    let values = json!({ "news": false, "files": [uploaded["id"]] });
    assert_eq!(maya.submit(modal, values).await.content(), "Thanks.");
    let data = &bot.next().await["data"];
    let field = |index: usize| &data["components"][index]["component"];
    assert_eq!((&field(0)["value"], &field(1)["value"]), (&json!(true), &json!(false)));
    let file = field(2)["values"][0].as_str().unwrap().to_owned();
    let attachment = &data["resolved"]["attachments"][&file];
    assert_eq!((&attachment["filename"], &attachment["size"]), (&json!("a.txt"), &json!(3)));
    assert_eq!(field(3)["values"], json!(["b"]));
    let old = &data["components"][4];
    assert_eq!((&old["type"], &old["components"][0]["value"]), (&json!(1), &json!("")));
    assert!(old["components"][0]["id"].is_u64());
}

#[tokio::test]
async fn a_person_cannot_submit_what_the_form_does_not_offer() {
    let (sandbox, general) = ready().await;
    let _bot = Answering::start(&sandbox, |_| form(everything())).await;
    let modal = open(&sandbox, &general).await;
    let maya = sandbox.user("maya").unwrap();
    let jonas = sandbox.addresses().user_id("jonas").unwrap();
    let good = json!({ "words": "x", "who": [jonas], "one": "a" });
    for (field, value, why) in [
        ("one", json!("z"), "no value z"),
        ("one", json!(["a", "b"]), "1 to 1"),
        ("one", json!(7), "needs a text"),
        ("who", json!(["1"]), "does not offer"),
        ("who", json!([jonas, jonas]), "once only"),
        ("who", json!([]), "1 to 2"),
        ("checks", json!(["a", "c"]), "no value c"),
        ("words", json!(""), "required"),
        ("other", json!("x"), "no field other"),
    ] {
        let mut values = good.clone();
        values[field] = value;
        let outcome = maya.submit(text(&modal, "modal_id"), values.clone()).await;
        let error = outcome.error.unwrap_or_else(|| panic!("{values} was submitted"));
        assert!(error.contains(why), "{values}: {error}");
    }
}

#[tokio::test]
async fn forms_that_discord_refuses_are_refused() {
    let (sandbox, general) = ready().await;
    let mut bot = Answering::start(&sandbox, |_| Value::Null).await;
    let maya = sandbox.user("maya").unwrap();
    let asked = tokio::spawn(async move { maya.command(&general, "ask", json!({})).await });
    let interaction = bot.next().await;
    let rest = Rest::of(&sandbox);
    let mut no_least = group(22, "c");
    no_least["min_values"] = json!(0);
    let mut disabled = group(3, "c");
    disabled["disabled"] = json!(true);
    let mut lone = group(21, "c");
    lone["options"] = json!([{ "label": "A", "value": "a" }]);
    let mut twice = group(22, "c");
    twice["options"][1]["value"] = json!("a");
    let input = json!({ "type": 4, "custom_id": "c", "style": 1 });
    let cases = [
        (json!([label(no_least)]), "0.component.min_values", "COMPONENT_REQUIRED_ZERO_MIN_VALUES"),
        (json!([label(disabled)]), "0.component.disabled", "COMPONENT_VALIDATION_FAILED"),
        (json!([label(lone)]), "0.component.options", "BASE_TYPE_BAD_LENGTH"),
        (
            json!([label(twice)]),
            "0.component.options.1",
            "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
        ),
        (json!([label(json!({ "type": 2 }))]), "0.component", "UNION_TYPE_CHOICES"),
        (json!([{ "type": 18, "label": "x" }]), "0.component", "BASE_TYPE_REQUIRED"),
        (json!([{ "type": 18, "component": input }]), "0.label", "BASE_TYPE_REQUIRED"),
        (json!([{ "type": 17 }]), "0", "UNION_TYPE_CHOICES"),
        (
            json!([label(input.clone()), label(input.clone())]),
            "1.component.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (json!([]), "", "BASE_TYPE_BAD_LENGTH"),
    ];
    for (components, path, code) in cases {
        let (status, body) = rest.respond(&interaction, form(components.clone())).await;
        assert_eq!((status, &body["code"]), (400, &json!(50035)), "{components}");
        let below = format!("data.components.{path}");
        let expected = (below.trim_end_matches('.').to_owned(), code.to_owned());
        assert_eq!(first_error(&body["errors"]), expected, "{components}");
    }
    assert_eq!(rest.respond(&interaction, form(everything())).await.0, 204);
    assert!(asked.await.unwrap().modal.is_some());
}
