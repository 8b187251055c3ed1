//! Pins and the deletion of messages by moderators: bots and people.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{INTENTS, Rest, Socket, channel, relaxed, text};

const MANAGE_MESSAGES: u64 = 1 << 13;
const PIN_MESSAGES: u64 = 1 << 51;

#[tokio::test]
async fn a_pin_is_told_and_listed_until_it_is_taken_off() {
    let sandbox = relaxed().await;
    sandbox.set_role_permissions("bot", PIN_MESSAGES);
    let (rest, general) = (Rest::of(&sandbox), channel(&sandbox, "general"));
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let said = rest.say(&general, json!({ "content": "Rules" })).await;
    let id = text(&said, "id");
    let pins = format!("/channels/{general}/messages/pins");
    let (status, body) = rest.call(Method::PUT, &format!("{pins}/{id}"), Value::Null).await;
    assert_eq!(status, 204, "{body}");
    assert_eq!(socket.event("MESSAGE_UPDATE").await["pinned"], true);
    let heard = socket.event("CHANNEL_PINS_UPDATE").await;
    assert_eq!(heard["channel_id"], general.as_str());
    let news = socket.event("MESSAGE_CREATE").await;
    assert_eq!((&news["type"], &news["message_reference"]["message_id"]), (&json!(6), &json!(id)));

    let (_, listed) = rest.get(&pins).await;
    assert_eq!(
        (&listed["has_more"], listed["items"].as_array().unwrap().len()),
        (&json!(false), 1)
    );
    assert_eq!(listed["items"][0]["message"]["id"], id);
    assert_eq!(listed["items"][0]["pinned_at"], heard["last_pin_timestamp"]);
    assert_eq!(rest.get(&format!("/channels/{general}/pins")).await.1[0]["id"], id);
    assert_eq!(sandbox.user("sven").unwrap().view().channel(&general).unwrap().pins, [id]);

    // What the system says cannot be pinned.
    let path = format!("{pins}/{}", text(&news, "id"));
    assert_eq!(rest.call(Method::PUT, &path, Value::Null).await.1["code"], 50021);
    assert_eq!(rest.delete(&format!("/channels/{general}/pins/{id}")).await.0, 204);
    assert_eq!(socket.event("CHANNEL_PINS_UPDATE").await["last_pin_timestamp"], Value::Null);
    assert_eq!(rest.get(&pins).await.1["items"], json!([]));
}

#[tokio::test]
async fn pins_come_in_pages_up_to_a_limit() {
    let sandbox = relaxed().await;
    sandbox.set_role_permissions("bot", PIN_MESSAGES);
    let (rest, general) = (Rest::of(&sandbox), channel(&sandbox, "general"));
    let maya = sandbox.user("maya").unwrap();
    for _ in 0..250 {
        let said = maya.message(&general, "Pin me").await.message.unwrap();
        assert!(maya.pin(text(&said, "id")).await.ok);
    }
    let pins = format!("/channels/{general}/messages/pins");
    let (_, page) = rest.get(&format!("{pins}?limit=2")).await;
    assert_eq!(page["has_more"], true);
    let last = text(&page["items"][1], "pinned_at").replace('+', "%2B");
    let (_, next) = rest.get(&format!("{pins}?limit=2&before={last}")).await;
    let ids = [&page, &next].map(|page| text(&page["items"][0]["message"], "id").to_owned());
    assert!(ids[0] > ids[1]);
    assert_eq!(rest.get(&format!("{pins}?limit=51")).await.0, 400);
    let said = rest.say(&general, json!({ "content": "One more" })).await;
    let path = format!("{pins}/{}", text(&said, "id"));
    assert_eq!(rest.call(Method::PUT, &path, Value::Null).await.1["code"], 30003);
}

#[tokio::test]
async fn pinning_needs_its_permission() {
    let sandbox = relaxed().await;
    let (rest, general) = (Rest::of(&sandbox), channel(&sandbox, "general"));
    let said = rest.say(&general, json!({ "content": "Rules" })).await;
    let id = text(&said, "id");
    let path = format!("/channels/{general}/messages/pins/{id}");
    assert_eq!(rest.call(Method::PUT, &path, Value::Null).await.1["code"], 50013);
    // Deleting messages and pinning them have been two permissions since 2026.
    sandbox.set_role_permissions("bot", MANAGE_MESSAGES);
    assert_eq!(rest.call(Method::PUT, &path, Value::Null).await.1["code"], 50013);
    assert!(!sandbox.user("sven").unwrap().pin(id).await.ok);
    let maya = sandbox.user("maya").unwrap();
    assert!(maya.pin(id).await.ok);
    assert!(maya.unpin(id).await.ok);
    let dm = maya.dm_with_bot().unwrap();
    let said = rest.say(&dm, json!({ "content": "Between us" })).await;
    let path = format!("/channels/{dm}/messages/pins/{}", text(&said, "id"));
    assert_eq!(rest.call(Method::PUT, &path, Value::Null).await.0, 204);
}

#[tokio::test]
async fn moderators_delete_others_messages() {
    let sandbox = relaxed().await;
    let (rest, general) = (Rest::of(&sandbox), channel(&sandbox, "general"));
    let [sven, maya] = ["sven", "maya"].map(|name| sandbox.user(name).unwrap());
    let theirs = sven.message(&general, "Spam").await.message.unwrap();
    let path = format!("/channels/{general}/messages/{}", text(&theirs, "id"));
    assert_eq!(rest.delete(&path).await.1["code"], 50013);
    sandbox.set_role_permissions("bot", MANAGE_MESSAGES);
    assert_eq!(rest.delete(&path).await.0, 204);
    let own = rest.say(&general, json!({ "content": "Mine" })).await;
    assert!(!sven.delete(text(&own, "id")).await.ok);
    assert!(maya.delete(text(&own, "id")).await.ok);
    assert_eq!(maya.view().message(text(&own, "id")), None);
    let dm = maya.dm_with_bot().unwrap();
    let said = maya.message(&dm, "Hello").await.message.unwrap();
    let path = format!("/channels/{dm}/messages/{}", text(&said, "id"));
    assert_eq!(rest.delete(&path).await.1["code"], 50003);
}

#[tokio::test]
async fn messages_are_deleted_in_bulk_if_they_are_young() {
    let sandbox = relaxed().await;
    sandbox.set_role_permissions("bot", MANAGE_MESSAGES);
    let (rest, general) = (Rest::of(&sandbox), channel(&sandbox, "general"));
    let maya = sandbox.user("maya").unwrap();
    let mut ids = Vec::new();
    for text_ in ["a", "b", "c"] {
        let said = maya.message(&general, text_).await.message.unwrap();
        ids.push(text(&said, "id").to_owned());
    }
    let path = format!("/channels/{general}/messages/bulk-delete");
    for wrong in [json!([ids[0]]), json!([ids[0], ids[0]]), json!([ids[0], "x"]), Value::Null] {
        let (status, refused) = rest.post(&path, json!({ "messages": wrong })).await;
        assert_eq!((status, &refused["code"]), (400, &json!(50035)), "{wrong}");
    }
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    assert_eq!(rest.post(&path, json!({ "messages": [ids[0], ids[1]] })).await.0, 204);
    assert_eq!(socket.event("MESSAGE_DELETE_BULK").await["ids"], json!([ids[0], ids[1]]));
    sandbox.advance(Duration::from_secs(15 * 24 * 3600));
    let young = maya.message(&general, "d").await.message.unwrap();
    let body = json!({ "messages": [ids[2], text(&young, "id")] });
    assert_eq!(rest.post(&path, body).await.1["code"], 50034);
    sandbox.set_role_permissions("bot", 0);
    assert_eq!(rest.post(&path, json!({ "messages": ["1", "2"] })).await.1["code"], 50013);
}
