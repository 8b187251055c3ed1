//! Interactions from a person's hand to the bot's answer and back to the person's eyes.

use std::time::Duration;

use discord_sandbox::{Options, Person, Sandbox};
use serde_json::{Value, json};

use crate::common::{
    Answering, INTENTS, LIMIT, Rest, Socket, channel, register, relaxed, start, text,
};

fn person(sandbox: &Sandbox, name: &str) -> Person {
    sandbox.user(name).unwrap()
}

/// The path at which an interaction's token is used.
fn webhook(sandbox: &Sandbox, interaction: &Value) -> String {
    format!("/webhooks/{}/{}", sandbox.addresses().application_id, text(interaction, "token"))
}

/// A message with the button `go`, the disabled button `off` and the menu `pick`.
async fn card(sandbox: &Sandbox, channel: &str) -> String {
    let button = |id: &str, off: bool| json!({ "type": 2, "style": 1, "label": id, "custom_id": id, "disabled": off });
    let option = |value: &str| json!({ "label": value, "value": value });
    let menu = json!({ "type": 3, "custom_id": "pick", "options": [option("a"), option("b")] });
    let body = json!({ "content": "card", "components": [
        { "type": 1, "components": [button("go", false), button("off", true)] },
        { "type": 1, "components": [menu] },
    ] });
    let message = Rest::of(sandbox).say(channel, body).await;
    text(&message, "id").to_owned()
}

#[tokio::test]
async fn a_click_edits_the_message() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let mut bot = Answering::start(
        &sandbox,
        |_| json!({ "type": 7, "data": { "content": "done", "components": [] } }),
    )
    .await;
    let message = card(&sandbox, &general).await;
    let outcome = person(&sandbox, "jonas").click(&message, "go").await;
    assert!(outcome.ok, "{outcome:?}");
    assert!(outcome.ack_ms.is_some());
    assert_eq!(outcome.content(), "done");
    let interaction = bot.next().await;
    assert_eq!(interaction["type"], 3);
    assert_eq!(interaction["data"]["custom_id"], "go");
    assert_eq!(interaction["message"]["id"], message);
    assert_eq!(interaction["member"]["user"]["username"], "jonas");
    assert_eq!(interaction["context"], 0);
    assert!(interaction["user"].is_null());
    let again = person(&sandbox, "jonas").click(&message, "go").await;
    assert!(again.error.unwrap().contains("no component go"));
}

#[tokio::test]
async fn the_app_refuses_what_cannot_be_clicked() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let message = card(&sandbox, &general).await;
    let maya = person(&sandbox, "maya");
    for outcome in [
        maya.click(&message, "off").await,
        maya.click(&message, "pick").await,
        maya.click("1", "go").await,
        maya.select(&message, "pick", &["c"]).await,
        maya.select(&message, "pick", &["a", "b"]).await,
        maya.command(&general, "nothing", Value::Null).await,
        maya.submit("1", json!({})).await,
        maya.message("1", "x").await,
    ] {
        assert!(!outcome.ok);
        assert!(outcome.error.is_some());
    }
    let asked = sandbox.journal(0).iter().any(|e| e.method == "INTERACTION_CREATE");
    assert!(!asked, "the bot heard nothing of it");
}

#[tokio::test]
async fn a_click_in_a_direct_message_names_the_user() {
    let sandbox = relaxed().await;
    let mut bot = Answering::start(&sandbox, |_| json!({ "type": 6 })).await;
    let jonas = person(&sandbox, "jonas");
    let dm = jonas.view().dm().unwrap().id.clone();
    let message = card(&sandbox, &dm).await;
    let outcome = jonas.select(&message, "pick", &["b"]).await;
    assert_eq!(outcome.content(), "card");
    let interaction = bot.next().await;
    assert_eq!(interaction["user"]["username"], "jonas");
    assert_eq!(interaction["context"], 1);
    assert_eq!(interaction["data"]["values"], json!(["b"]));
    assert!(interaction["member"].is_null() && interaction["guild_id"].is_null());
    assert!(!person(&sandbox, "maya").click(&message, "go").await.ok);
}

#[tokio::test]
async fn a_form_opens_and_updates_its_message() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let mut bot = Answering::start(&sandbox, |interaction| match interaction["type"].as_u64() {
        Some(3) => {
            json!({ "type": 9, "data": { "title": "Why?", "custom_id": "form", "components": [
            { "type": 1, "components": [{
                "type": 4, "custom_id": "why", "label": "Reason", "style": 2, "min_length": 3,
            }] },
        ] } })
        }
        _ => json!({ "type": 7, "data": { "content": "rejected" } }),
    })
    .await;
    let message = card(&sandbox, &general).await;
    let maya = person(&sandbox, "maya");
    let opened = maya.click(&message, "go").await;
    assert_eq!(opened.modal.as_ref().unwrap()["title"], "Why?");
    let modal = opened.modal_id().unwrap();
    for wrong in [json!({}), json!({ "why": "no" }), json!({ "what": "x" })] {
        assert!(!maya.submit(modal, wrong).await.ok);
    }
    assert!(!person(&sandbox, "jonas").submit(modal, json!({ "why": "because" })).await.ok);
    let outcome = maya.submit(modal, json!({ "why": "because" })).await;
    assert_eq!(outcome.content(), "rejected");
    bot.next().await;
    let submitted = bot.next().await;
    assert_eq!(submitted["type"], 5);
    assert_eq!(submitted["data"]["components"][0]["components"][0]["value"], "because");
    assert_eq!(submitted["message"]["id"], message);
    assert!(!maya.submit(modal, json!({ "why": "again" })).await.ok, "the form is closed");
}

#[tokio::test]
async fn a_command_is_typed_and_answered() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    register(
        &sandbox,
        json!([{ "name": "task", "description": "d", "options": [{
        "type": 1, "name": "give", "description": "d", "options": [
            { "type": 6, "name": "to", "description": "d", "required": true },
            { "type": 4, "name": "count", "description": "d", "max_value": 3 },
            { "type": 3, "name": "what", "description": "d", "autocomplete": true },
        ],
    }] }]),
    )
    .await;
    let mut bot = Answering::start(&sandbox, |interaction| match interaction["type"].as_u64() {
        Some(4) => json!({ "type": 8, "data": { "choices": [{ "name": "A", "value": "a" }] } }),
        _ => json!({ "type": 4, "data": { "content": "given", "flags": 64 } }),
    })
    .await;
    let maya = person(&sandbox, "maya");
    let jonas = sandbox.addresses().user_id("jonas").unwrap();
    let offered = maya.complete(&general, "task give", json!({ "what": "x" }), "what").await;
    assert_eq!(offered.choices, [json!({ "name": "A", "value": "a" })]);
    let typed = bot.next().await;
    let options = &typed["data"]["options"][0]["options"];
    assert_eq!(options[0], json!({ "name": "what", "type": 3, "value": "x", "focused": true }));
    for wrong in [json!({}), json!({ "to": "1" }), json!({ "to": jonas, "count": 4 })] {
        assert!(!maya.command(&general, "task give", wrong).await.ok);
    }
    let options = json!({ "to": jonas, "count": 2 });
    let outcome = maya.command(&general, "task give", options).await;
    assert_eq!(outcome.content(), "given");
    assert!(outcome.is_ephemeral());
    let used = bot.next().await;
    assert_eq!(used["data"]["name"], "task");
    assert_eq!(used["data"]["options"][0]["name"], "give");
    assert_eq!(used["data"]["resolved"]["users"][jonas]["username"], "jonas");
}

#[tokio::test]
async fn an_ephemeral_answer_is_for_one_person() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let mut bot = Answering::start(&sandbox, |_| {
        let button = json!({ "type": 2, "style": 1, "label": "b", "custom_id": "inner" });
        json!({ "type": 4, "data": {
            "content": "only you", "flags": 64,
            "components": [{ "type": 1, "components": [button] }],
        } })
    })
    .await;
    let message = card(&sandbox, &general).await;
    let maya = person(&sandbox, "maya");
    let answer = maya.click(&message, "go").await.message.unwrap();
    let id = text(&answer, "id");
    assert_eq!(maya.view().messages("general").len(), 2);
    assert_eq!(sandbox.view("jonas").unwrap().messages("general").len(), 1);
    assert!(!person(&sandbox, "jonas").click(id, "inner").await.ok);
    let rest = Rest::of(&sandbox);
    let by_channel = format!("/channels/{general}/messages/{id}");
    assert_eq!(rest.get(&by_channel).await.1["code"], 10008);
    let interaction = bot.next().await;
    let application = &sandbox.addresses().application_id;
    let by_token =
        format!("/webhooks/{application}/{}/messages/@original", text(&interaction, "token"));
    assert_eq!(rest.get(&by_token).await.1["id"], id);
    let (status, _) = rest.patch(&by_token, json!({ "content": "edited" })).await;
    assert_eq!(status, 200);
    assert_eq!(maya.view().message(id).unwrap()["content"], "edited");
    assert!(maya.click(id, "inner").await.ok);
    assert_eq!(bot.next().await["message"]["flags"], 64);
    assert_eq!(rest.delete(&by_token).await.0, 204);
    assert!(maya.view().message(id).is_none());
}

#[tokio::test]
async fn a_deferred_answer_is_waited_for() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let mut bot =
        Answering::start(&sandbox, |_| json!({ "type": 5, "data": { "flags": 64 } })).await;
    let message = card(&sandbox, &general).await;
    let maya = person(&sandbox, "maya");
    let click = tokio::spawn(async move { maya.click(&message, "go").await });
    let interaction = bot.next().await;
    let pending = sandbox.view("maya").unwrap().pending;
    assert!(pending[0].thinking);
    let rest = Rest::of(&sandbox);
    let application = &sandbox.addresses().application_id;
    let path = format!("/webhooks/{application}/{}", text(&interaction, "token"));
    let (status, followed) = rest.post(&path, json!({ "content": "at last" })).await;
    assert_eq!(status, 200);
    let outcome = click.await.unwrap();
    assert_eq!(outcome.content(), "at last");
    assert!(outcome.is_ephemeral(), "the deferral said so");
    assert_eq!(followed["flags"], 64, "no longer loading");
    let (_, more) = rest.post(&path, json!({ "content": "more" })).await;
    assert_ne!(more["id"], followed["id"]);
    let one = format!("{path}/messages/{}", text(&more, "id"));
    assert_eq!(rest.patch(&one, json!({ "content": "most" })).await.0, 200);
    let foreign = format!("{path}/messages/1");
    assert_eq!(rest.get(&foreign).await.1["code"], 10008);
}

#[tokio::test]
async fn an_answer_can_come_too_late() {
    let sandbox =
        start(Options { interaction_deadline: Duration::from_millis(50), ..Options::default() })
            .await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let message = card(&sandbox, &channel(&sandbox, "general")).await;
    let outcome = person(&sandbox, "maya").click(&message, "go").await;
    assert_eq!(outcome.error.unwrap(), "This interaction failed (no answer within 50 ms)");
    let late = socket.event("INTERACTION_CREATE").await;
    let (status, body) = Rest::of(&sandbox).respond(&late, json!({ "type": 6 })).await;
    assert_eq!((status, &body["code"]), (404, &json!(10062)));
}

#[tokio::test]
async fn only_the_first_answer_counts() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let rest = Rest::of(&sandbox);
    let message = card(&sandbox, &general).await;
    let maya = person(&sandbox, "maya");
    let click = tokio::spawn(async move { maya.click(&message, "go").await });
    let interaction = socket.event("INTERACTION_CREATE").await;
    let webhook = webhook(&sandbox, &interaction);
    assert_eq!(rest.post(&webhook, json!({ "content": "x" })).await.1["code"], 10015);
    for wrong in [json!({ "type": 8 }), json!({ "type": 4 }), json!({ "type": 4, "data": {} })] {
        assert_eq!(rest.respond(&interaction, wrong).await.0, 400);
    }
    let answer = json!({ "type": 4, "data": { "content": "once" } });
    assert_eq!(rest.respond(&interaction, answer.clone()).await.0, 204);
    assert_eq!(rest.respond(&interaction, answer).await.1["code"], 40060);
    assert_eq!(click.await.unwrap().content(), "once");
}

#[tokio::test]
async fn an_expired_token_is_of_no_use() {
    let sandbox = start(Options { token_lifetime: Duration::ZERO, ..Options::default() }).await;
    let mut bot = Answering::start(&sandbox, |_| json!({ "type": 6 })).await;
    let message = card(&sandbox, &channel(&sandbox, "general")).await;
    assert!(person(&sandbox, "maya").click(&message, "go").await.ok);
    let webhook = webhook(&sandbox, &bot.next().await);
    let rest = Rest::of(&sandbox);
    assert_eq!(rest.post(&webhook, json!({ "content": "x" })).await.1["code"], 50027);
    let original = format!("{webhook}/messages/@original");
    assert_eq!(rest.patch(&original, json!({ "content": "x" })).await.1["code"], 50027);
}

#[tokio::test]
async fn a_callback_can_tell_what_came_of_it() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let message = card(&sandbox, &general).await;
    let maya = person(&sandbox, "maya");
    let click = tokio::spawn(async move { maya.click(&message, "go").await });
    let interaction = socket.event("INTERACTION_CREATE").await;
    let path = format!(
        "/interactions/{}/{}/callback?with_response=true",
        text(&interaction, "id"),
        text(&interaction, "token")
    );
    let body = json!({ "type": 4, "data": { "content": "yes" } });
    let (status, answer) = Rest::of(&sandbox).post(&path, body).await;
    assert_eq!(status, 200);
    assert_eq!(answer["resource"]["message"]["content"], "yes");
    let outcome = tokio::time::timeout(LIMIT, click).await.unwrap().unwrap();
    let id = text(outcome.message.as_ref().unwrap(), "id");
    assert_eq!(answer["interaction"]["response_message_id"], id);
}

#[tokio::test]
async fn an_endpoint_set_by_mistake_swallows_every_interaction() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    register(&sandbox, json!([{ "name": "ask", "description": "d" }])).await;
    let message = card(&sandbox, &general).await;
    let rest = Rest::of(&sandbox);
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    socket.event("GUILD_CREATE").await;
    let endpoint = "https://example.com/interactions";
    sandbox.set_interactions_endpoint_url(Some(endpoint));
    for path in ["/applications/@me", "/oauth2/applications/@me"] {
        assert_eq!(rest.get(path).await.1["interactions_endpoint_url"], endpoint);
    }
    let maya = person(&sandbox, "maya");
    let clicked = maya.click(&message, "go").await;
    assert_eq!(
        clicked.error.unwrap(),
        format!(
            "This interaction failed (sent to the Interactions Endpoint URL {endpoint}, not over the gateway)"
        )
    );
    let used = maya.command(&general, "ask", Value::Null).await.error.unwrap();
    assert!(used.starts_with("The application did not respond"), "{used}");

    let set = json!({ "interactions_endpoint_url": "https://example.com/other" });
    assert_eq!(rest.patch("/applications/@me", set).await.1["code"], 50035);
    let (status, cleared) =
        rest.patch("/applications/@me", json!({ "interactions_endpoint_url": null })).await;
    assert_eq!((status, &cleared["interactions_endpoint_url"]), (200, &Value::Null));
    let click = tokio::spawn(async move { maya.click(&message, "go").await });
    // The first that the gateway brings is the interaction after the mistake.
    let payload = socket.payload().await;
    assert_eq!(payload["t"], "INTERACTION_CREATE");
    assert_eq!(rest.respond(&payload["d"], json!({ "type": 6 })).await.0, 204);
    assert!(click.await.unwrap().ok);
}
