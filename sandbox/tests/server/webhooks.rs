//! Webhooks of channels: managed by bots, used with their token alone.

use discord_sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{INTENTS, LIMIT, Rest, Socket, channel, relaxed, text};

/// MANAGE_WEBHOOKS, VIEW_AUDIT_LOG and READ_MESSAGE_HISTORY.
const MANAGER: u64 = 1 << 29 | 1 << 7 | 1 << 16;
/// The intent GUILD_WEBHOOKS.
const GUILD_WEBHOOKS: u64 = 1 << 5;

/// Creates a webhook and returns it with the address below `/api/v10` that its token opens.
async fn created(sandbox: &Sandbox, rest: &Rest, name: &str) -> (Value, String) {
    sandbox.set_role_permissions("bot", MANAGER);
    let path = format!("/channels/{}/webhooks", channel(sandbox, "general"));
    let (status, webhook) = rest.post(&path, json!({ "name": name })).await;
    assert_eq!(status, 200, "{webhook}");
    let address = format!("/webhooks/{}/{}", text(&webhook, "id"), text(&webhook, "token"));
    (webhook, address)
}

/// Calls without a bot's token.
async fn anonymous(sandbox: &Sandbox, method: Method, path: &str, body: Value) -> (u16, Value) {
    let address = format!("{}/v10{path}", sandbox.addresses().rest);
    let mut request = reqwest::Client::new().request(method, address);
    if !body.is_null() {
        request = request.json(&body);
    }
    let response = tokio::time::timeout(LIMIT, request.send()).await.unwrap().unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[tokio::test]
async fn webhooks_are_managed() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let of_channel = format!("/channels/{general}/webhooks");
    let refused = rest.post(&of_channel, json!({ "name": "News" })).await;
    assert_eq!((refused.0, &refused.1["code"]), (403, &json!(50013)));
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS | GUILD_WEBHOOKS).await;
    let (webhook, address) = created(&sandbox, &rest, "News").await;
    assert_eq!(socket.event("WEBHOOKS_UPDATE").await["channel_id"], general.as_str());
    let guild = text(&webhook, "guild_id");
    for path in [of_channel.clone(), format!("/guilds/{guild}/webhooks")] {
        assert_eq!(rest.get(&path).await.1[0]["id"], webhook["id"]);
    }
    let id = text(&webhook, "id");
    let target = channel(&sandbox, "decisions");
    let path = format!("/webhooks/{id}");
    let moved = rest.patch(&path, json!({ "name": "Old", "channel_id": target })).await.1;
    assert_eq!((&moved["name"], &moved["channel_id"]), (&json!("Old"), &json!(target)));
    let bare = anonymous(&sandbox, Method::GET, &address, Value::Null).await.1;
    assert_eq!((&bare["name"], bare.get("user")), (&json!("Old"), None));
    let log = rest.get(&format!("/guilds/{guild}/audit-logs?action_type=51")).await.1;
    assert_eq!(log["audit_log_entries"][0]["changes"][0]["old_value"], "News");
    assert_eq!(rest.delete(&path).await.0, 204);
    let gone = rest.get(&path).await;
    assert_eq!((gone.0, &gone.1["code"]), (404, &json!(10015)));
    for name in ["", "my Discord hook"] {
        let (status, refused) = rest.post(&of_channel, json!({ "name": name })).await;
        assert_eq!((status, refused["errors"]["name"].is_object()), (400, true), "{refused}");
    }
    for _ in 0..15 {
        assert_eq!(rest.post(&of_channel, json!({ "name": "More" })).await.0, 200);
    }
    assert_eq!(rest.post(&of_channel, json!({ "name": "More" })).await.1["code"], 30007);
}

#[tokio::test]
async fn a_webhook_speaks_in_its_guise() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let (webhook, address) = created(&sandbox, &rest, "News").await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let body = json!({ "content": "@everyone Rain", "username": "Weather" });
    let (status, nothing) = anonymous(&sandbox, Method::POST, &address, body.clone()).await;
    assert_eq!((status, nothing), (204, Value::Null));
    let heard = socket.event("MESSAGE_CREATE").await;
    assert_eq!(heard["author"]["username"], "Weather");
    assert_eq!((&heard["author"]["id"], &heard["webhook_id"]), (&webhook["id"], &webhook["id"]));
    assert_eq!(heard["author"]["bot"], true);
    assert_eq!((heard.get("member"), &heard["mention_everyone"]), (None, &json!(true)));
    let view = sandbox.view("maya").unwrap();
    assert_eq!(view.messages("general").last().unwrap()["author"]["username"], "Weather");
    assert_eq!(view.notifications.last().unwrap().author, "Weather");

    let waited = format!("{address}?wait=true");
    let (status, message) =
        anonymous(&sandbox, Method::POST, &waited, json!({ "content": "Sun" })).await;
    assert_eq!((status, &message["author"]["username"]), (200, &json!("News")));
    let own = format!("{address}/messages/{}", text(&message, "id"));
    assert_eq!(anonymous(&sandbox, Method::GET, &own, Value::Null).await.1["content"], "Sun");
    let edited = anonymous(&sandbox, Method::PATCH, &own, json!({ "content": "Wind" })).await.1;
    assert_eq!(edited["content"], "Wind");
    assert_eq!(anonymous(&sandbox, Method::DELETE, &own, Value::Null).await.0, 204);
    assert_eq!(anonymous(&sandbox, Method::GET, &own, Value::Null).await.1["code"], 10008);
    let bots = rest.say(&general, json!({ "content": "Mine" })).await;
    let other = format!("{address}/messages/{}", text(&bots, "id"));
    assert_eq!(anonymous(&sandbox, Method::DELETE, &other, Value::Null).await.1["code"], 10008);
}

#[tokio::test]
async fn a_webhook_writes_in_threads_of_its_channel() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let (_, address) = created(&sandbox, &rest, "News").await;
    let maya = sandbox.user("maya").unwrap();
    let there = maya.create_thread(&channel(&sandbox, "general"), None, "Weather").await;
    let elsewhere = maya.create_thread(&channel(&sandbox, "decisions"), None, "Weather").await;
    let content = json!({ "content": "Rain" });
    let path = |thread: &str| format!("{address}?wait=true&thread_id={thread}");
    let there = path(there.thread_id().unwrap());
    let message = anonymous(&sandbox, Method::POST, &there, content.clone()).await;
    assert_eq!(message.0, 200, "{}", message.1);
    let elsewhere = path(elsewhere.thread_id().unwrap());
    let refused = anonymous(&sandbox, Method::POST, &elsewhere, content).await.1;
    assert_eq!(refused["code"], 10003);
}

#[tokio::test]
async fn a_webhook_refuses_what_is_wrong() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let (webhook, address) = created(&sandbox, &rest, "News").await;
    let wrong = format!("/webhooks/{}/wrong", text(&webhook, "id"));
    let content = json!({ "content": "Rain" });
    let refused = anonymous(&sandbox, Method::POST, &wrong, content.clone()).await;
    assert_eq!((refused.0, &refused.1["code"]), (401, &json!(50027)));
    let unknown = anonymous(&sandbox, Method::POST, "/webhooks/1/token", content).await;
    assert_eq!((unknown.0, &unknown.1["code"]), (404, &json!(10015)));
    let empty = anonymous(&sandbox, Method::POST, &address, json!({ "content": "" })).await;
    assert_eq!((empty.0, &empty.1["code"]), (400, &json!(50006)));
    let slack = format!("{address}/slack");
    assert_eq!(anonymous(&sandbox, Method::POST, &slack, json!({ "text": "x" })).await.0, 501);
}
