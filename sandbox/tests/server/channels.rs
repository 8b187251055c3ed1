//! Channels of a guild: created, changed, moved and deleted by bots, with overwrites and slowmode.

use std::time::Duration;

use discord_sandbox::{ChannelKind, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{INTENTS, Rest, Socket, channel, relaxed, text};

/// MANAGE_CHANNELS, VIEW_AUDIT_LOG and MANAGE_ROLES.
const MANAGER: u64 = 1 << 4 | 1 << 7 | 1 << 28;

async fn managed() -> (Sandbox, Rest, String) {
    let sandbox = relaxed().await;
    sandbox.set_role_permissions("bot", MANAGER);
    let rest = Rest::of(&sandbox);
    let guild = sandbox.addresses().guild_id.clone();
    (sandbox, rest, guild)
}

#[tokio::test]
async fn channels_are_created_in_categories() {
    let (sandbox, rest, guild) = managed().await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let path = format!("/guilds/{guild}/channels");
    let hidden = json!([{ "id": guild, "type": 0, "deny": "1024" }]);
    let body = json!({ "name": "Team", "type": 4, "permission_overwrites": hidden });
    let (status, category) = rest.post(&path, body).await;
    assert_eq!((status, &category["type"]), (201, &json!(4)), "{category}");
    assert_eq!(socket.event("CHANNEL_CREATE").await["id"], category["id"]);
    let parent = &category["id"];
    let body = json!({ "name": "Big Plans", "topic": "Ours", "parent_id": parent,
        "rate_limit_per_user": 5, "nsfw": true });
    let (status, text_channel) = rest.post(&path, body).await;
    assert_eq!((status, &text_channel["name"]), (201, &json!("big-plans")), "{text_channel}");
    assert_eq!(text_channel["parent_id"], *parent);
    assert_eq!(text_channel["rate_limit_per_user"], 5);
    assert_eq!(text_channel["permission_overwrites"], category["permission_overwrites"]);
    let (status, voice) = rest.post(&path, json!({ "name": "Talk", "type": 2 })).await;
    assert_eq!((status, &voice["type"]), (201, &json!(2)));

    let view = sandbox.view("maya").unwrap();
    assert_eq!(view.channel("Team").unwrap().kind, ChannelKind::Category);
    assert_eq!(view.channel("Talk").unwrap().kind, ChannelKind::Voice);
    let plans = view.channel("big-plans").unwrap();
    assert_eq!(json!(plans.parent_id), *parent);
    assert!(sandbox.view("sven").unwrap().channel("big-plans").is_none(), "it is hidden");

    let log = rest.get(&format!("/guilds/{guild}/audit-logs?action_type=10&limit=1")).await.1;
    assert_eq!(log["audit_log_entries"][0]["target_id"], voice["id"]);
    assert_eq!(rest.post(&path, json!({ "name": "Forum", "type": 15 })).await.0, 501);
    for (body, place) in [
        (json!({}), "name"),
        (json!({ "name": "x", "parent_id": text_channel["id"] }), "parent_id"),
        (json!({ "name": "x", "rate_limit_per_user": 21_601 }), "rate_limit_per_user"),
        (json!({ "name": "x", "topic": "x".repeat(1_025) }), "topic"),
    ] {
        let (status, refused) = rest.post(&path, body).await;
        assert_eq!((status, &refused["code"]), (400, &json!(50035)));
        assert!(refused["errors"][place]["_errors"].is_array(), "{refused}");
    }
}

#[tokio::test]
async fn nothing_is_managed_without_the_permission() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let guild = &sandbox.addresses().guild_id;
    let general = channel(&sandbox, "general");
    let overwrite = format!("/channels/{general}/permissions/{guild}");
    for (method, path) in [
        (Method::POST, format!("/guilds/{guild}/channels")),
        (Method::PATCH, format!("/guilds/{guild}/channels")),
        (Method::PATCH, format!("/channels/{general}")),
        (Method::DELETE, format!("/channels/{general}")),
        (Method::PUT, overwrite.clone()),
        (Method::DELETE, overwrite),
    ] {
        let (status, refused) = rest.call(method.clone(), &path, json!({ "name": "x" })).await;
        assert_eq!((status, &refused["code"]), (403, &json!(50013)), "{method} {path}");
    }
}

#[tokio::test]
async fn a_change_tells_of_every_channel_that_moves() {
    let (sandbox, rest, guild) = managed().await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let general = channel(&sandbox, "general");
    let decisions = channel(&sandbox, "decisions");
    let path = format!("/channels/{general}");
    let body = json!({ "name": "Main Hall", "topic": "All of it", "position": 1 });
    let (status, changed) = rest.patch(&path, body).await;
    assert_eq!((status, &changed["name"]), (200, &json!("main-hall")));
    assert_eq!(changed["position"], 1);
    assert_eq!(socket.event("CHANNEL_UPDATE").await["topic"], "All of it");
    let moved = [socket.event("CHANNEL_UPDATE").await, socket.event("CHANNEL_UPDATE").await];
    assert_eq!(moved.map(|channel| channel["id"].clone()), [json!(decisions), json!(general)]);
    let list = format!("/guilds/{guild}/channels");
    let (status, _) = rest.patch(&list, json!([{ "id": decisions, "position": 4 }])).await;
    assert_eq!(status, 204);
    let listed = rest.get(&list).await.1;
    assert_eq!(listed[4]["id"], decisions.as_str());

    assert_eq!(rest.delete(&path).await.1["id"], general.as_str());
    assert_eq!(socket.event("CHANNEL_DELETE").await["name"], "main-hall");
    assert_eq!(rest.get(&path).await.1["code"], 10003);
}

#[tokio::test]
async fn a_category_leaves_its_channels() {
    let (sandbox, rest, guild) = managed().await;
    let path = format!("/guilds/{guild}/channels");
    let category = rest.post(&path, json!({ "name": "Team", "type": 4 })).await.1;
    let body = json!({ "name": "plans", "parent_id": category["id"] });
    let plans = rest.post(&path, body).await.1;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    rest.delete(&format!("/channels/{}", text(&category, "id"))).await;
    let orphan = socket.event("CHANNEL_UPDATE").await;
    assert_eq!((&orphan["id"], &orphan["parent_id"]), (&plans["id"], &Value::Null));
}

#[tokio::test]
async fn overwrites_are_put_and_taken() {
    let (sandbox, rest, guild) = managed().await;
    let general = channel(&sandbox, "general");
    let sven = sandbox.user("sven").unwrap();
    let id = sandbox.addresses().user_id("sven").unwrap().to_owned();
    let path = format!("/channels/{general}/permissions/{id}");
    let silent = json!({ "type": 1, "deny": "2048" });
    assert_eq!(rest.call(Method::PUT, &path, silent).await.0, 204);
    assert!(!sven.message(&general, "Hello").await.ok);
    let log = format!("/guilds/{guild}/audit-logs?action_type=13");
    assert_eq!(rest.get(&log).await.1["audit_log_entries"][0]["options"]["id"], id);
    assert_eq!(rest.delete(&path).await.0, 204);
    assert!(sven.message(&general, "Hello").await.ok);
    assert_eq!(rest.delete(&path).await.1["code"], 10009);
    let beyond = json!({ "type": 1, "allow": "8" });
    assert_eq!(rest.call(Method::PUT, &path, beyond).await.1["code"], 50013);
    let missing = rest.call(Method::PUT, &path, json!({ "deny": "2048" })).await.1;
    assert_eq!(missing["errors"]["type"]["_errors"][0]["code"], "BASE_TYPE_REQUIRED");
}

#[tokio::test]
async fn slowmode_slows_people_down() {
    let (sandbox, rest, _) = managed().await;
    let general = channel(&sandbox, "general");
    let path = format!("/channels/{general}");
    assert_eq!(rest.patch(&path, json!({ "rate_limit_per_user": 30 })).await.0, 200);
    let sven = sandbox.user("sven").unwrap();
    assert!(sven.message(&general, "One").await.ok);
    let error = sven.message(&general, "Two").await.error.unwrap();
    assert!(error.starts_with("slowmode is on"), "{error}");
    for content in ["A bot", "is not slowed down"] {
        rest.say(&general, json!({ "content": content })).await;
    }
    let maya = sandbox.user("maya").unwrap();
    for content in ["Nor is", "the owner"] {
        assert!(maya.message(&general, content).await.ok);
    }
    sandbox.advance(Duration::from_secs(31));
    assert!(sven.message(&general, "Two").await.ok);
}
