//! Reactions, by bots and people: what is permitted, what is told, what is seen.

use discord_sandbox::{BotAccess, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{INTENTS, Rest, Socket, channel, relaxed, text};

/// GUILD_MESSAGE_REACTIONS and what the other tests hear of.
const REACTIONS: u64 = INTENTS | 1 << 10;
const ADD_REACTIONS: u64 = 1 << 6;
const MANAGE_MESSAGES: u64 = 1 << 13;

/// A percent-encoded thumb.
const THUMB: &str = "%F0%9F%91%8D";

/// A message of the bot in `general`; returns the path of its reactions and its id.
async fn said(sandbox: &Sandbox, rest: &Rest) -> (String, String) {
    let general = channel(sandbox, "general");
    let message = rest.say(&general, json!({ "content": "Lunch?" })).await;
    let id = text(&message, "id").to_owned();
    (format!("/channels/{general}/messages/{id}/reactions"), id)
}

async fn put(rest: &Rest, path: &str) -> (u16, Value) {
    rest.call(Method::PUT, path, Value::Null).await
}

#[tokio::test]
async fn reactions_are_told_counted_and_taken_away() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let (mut socket, _) = Socket::ready(&sandbox, REACTIONS).await;
    let (path, id) = said(&sandbox, &rest).await;
    let own = format!("{path}/{THUMB}/@me");
    assert_eq!(put(&rest, &own).await.0, 204);
    let heard = socket.event("MESSAGE_REACTION_ADD").await;
    assert_eq!(heard["emoji"], json!({ "id": null, "name": "👍" }));
    assert_eq!((&heard["message_id"], &heard["type"]), (&json!(id), &json!(0)));
    assert_eq!(heard["member"]["user"]["username"], "bot");
    // Again: nothing new.
    assert_eq!(put(&rest, &own).await.0, 204);
    let maya = sandbox.user("maya").unwrap();
    assert!(maya.react(&id, "👍").await.ok);
    let heard = socket.event("MESSAGE_REACTION_ADD").await;
    assert_eq!(heard["member"]["user"]["username"], "maya");
    assert_eq!(heard["message_author_id"], sandbox.addresses().application_id.as_str());

    let message = path.strip_suffix("/reactions").unwrap();
    let seen = rest.get(message).await.1;
    let thumb = &seen["reactions"][0];
    assert_eq!((&thumb["count"], &thumb["me"]), (&json!(2), &json!(true)));
    assert_eq!(thumb["count_details"], json!({ "burst": 0, "normal": 2 }));
    let jonas = sandbox.user("jonas").unwrap().view();
    assert_eq!(jonas.message(&id).unwrap()["reactions"][0]["me"], false);

    let first = rest.get(&format!("{path}/{THUMB}?limit=1")).await.1;
    assert_eq!(first.as_array().unwrap().len(), 1);
    let after = format!("{path}/{THUMB}?after={}", text(&first[0], "id"));
    assert_eq!(rest.get(&after).await.1.as_array().unwrap().len(), 1);

    assert!(maya.unreact(&id, "👍").await.ok);
    let heard = socket.event("MESSAGE_REACTION_REMOVE").await;
    assert_eq!(heard["user_id"], sandbox.addresses().user_id("maya").unwrap());
    assert_eq!(rest.delete(&own).await.0, 204);
    socket.event("MESSAGE_REACTION_REMOVE").await;
    assert_eq!(rest.get(message).await.1.get("reactions"), None);
    assert_eq!(rest.delete(&own).await.1["code"], 10014);
}

#[tokio::test]
async fn others_reactions_need_manage_messages() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let (path, id) = said(&sandbox, &rest).await;
    let maya = sandbox.user("maya").unwrap();
    let theirs = format!("{path}/{THUMB}/{}", sandbox.addresses().user_id("maya").unwrap());
    let of_emoji = format!("{path}/{THUMB}");
    assert!(maya.react(&id, "👍").await.ok);
    for forbidden in [&theirs, &of_emoji, &path] {
        let (status, refused) = rest.delete(forbidden).await;
        assert_eq!((status, &refused["code"]), (403, &json!(50013)), "{forbidden}");
    }
    sandbox.set_role_permissions("bot", MANAGE_MESSAGES);
    let (mut socket, _) = Socket::ready(&sandbox, REACTIONS).await;
    assert_eq!(rest.delete(&theirs).await.0, 204);
    socket.event("MESSAGE_REACTION_REMOVE").await;
    assert!(maya.react(&id, "👍").await.ok);
    assert_eq!(rest.delete(&of_emoji).await.0, 204);
    let heard = socket.event("MESSAGE_REACTION_REMOVE_EMOJI").await;
    assert_eq!(heard["emoji"]["name"], "👍");
    assert!(maya.react(&id, "🎉").await.ok);
    assert_eq!(rest.delete(&path).await.0, 204);
    assert_eq!(socket.event("MESSAGE_REACTION_REMOVE_ALL").await["message_id"], json!(id));
}

#[tokio::test]
async fn what_is_no_emoji_and_what_is_one_too_many_is_refused() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let (path, id) = said(&sandbox, &rest).await;
    for wrong in ["thumbsup", "ok%3A123456789012345678", "%F0%9F%91%8D%F0%9F%91%8D"] {
        let (status, refused) = put(&rest, &format!("{path}/{wrong}/@me")).await;
        assert_eq!((status, &refused["code"]), (404, &json!(10014)), "{wrong}");
    }
    let maya = sandbox.user("maya").unwrap();
    for letter in 0..20 {
        let emoji = char::from_u32(0x1f400 + letter).unwrap().to_string();
        assert!(maya.react(&id, &emoji).await.ok, "{emoji}");
    }
    let (_, refused) = put(&rest, &format!("{path}/{THUMB}/@me")).await;
    assert_eq!(refused["code"], 30010);
    assert!(!maya.react(&id, "👍").await.ok);
    // Joining in is not a new one.
    assert_eq!(put(&rest, &format!("{path}/%F0%9F%90%80/@me")).await.0, 204);
}

#[tokio::test]
async fn the_first_reaction_needs_a_permission_that_joining_in_does_not() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let (path, id) = said(&sandbox, &rest).await;
    let general = channel(&sandbox, "general");
    sandbox.set_bot_access(&general, BotAccess::Without(ADD_REACTIONS));
    let own = format!("{path}/{THUMB}/@me");
    assert_eq!(put(&rest, &own).await.1["code"], 50013);
    assert!(sandbox.user("maya").unwrap().react(&id, "👍").await.ok);
    assert_eq!(put(&rest, &own).await.0, 204);
    let history = 1 << 16;
    sandbox.set_bot_access(&general, BotAccess::Without(history));
    assert_eq!(put(&rest, &own).await.1["code"], 50013);
}
