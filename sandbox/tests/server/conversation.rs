//! What people write: in the server and directly to the bot, and what the bot gets of it.

use discord_sandbox::{Options, RateLimits};
use serde_json::{Value, json};

use crate::common::{INTENTS, Rest, Socket, channel, relaxed, start, text};

/// GUILDS and nothing else.
const GUILDS: u64 = 1;
const GUILD_MESSAGES: u64 = 1 << 9;
const DIRECT_MESSAGES: u64 = 1 << 12;

#[tokio::test]
async fn each_kind_of_message_needs_its_intent() {
    let sandbox = relaxed().await;
    let maya = sandbox.user("maya").unwrap();
    let (mut none, _) = Socket::ready(&sandbox, GUILDS).await;
    let (mut in_server, _) = Socket::ready(&sandbox, GUILDS | GUILD_MESSAGES).await;
    let (mut direct, _) = Socket::ready(&sandbox, GUILDS | DIRECT_MESSAGES).await;
    let general = channel(&sandbox, "general");
    let dm = maya.dm_with_bot().unwrap();
    let public = maya.message(&general, "public").await.message.unwrap();
    let private = maya.message(&dm, "private").await.message.unwrap();
    assert_eq!(in_server.event("MESSAGE_CREATE").await["id"], public["id"]);
    let heard = direct.event("MESSAGE_CREATE").await;
    assert_eq!((&heard["id"], &heard["content"]), (&private["id"], &json!("private")));
    assert!(heard["guild_id"].is_null() && heard["member"].is_null());
    // Something that everybody hears of comes next: nothing was in between.
    sandbox.delete_channel(&general);
    none.event("GUILD_CREATE").await;
    for socket in [&mut none, &mut in_server, &mut direct] {
        assert_eq!(socket.payload().await["t"], "CHANNEL_DELETE");
    }
}

#[tokio::test]
async fn a_mention_of_the_bot_brings_the_content() {
    let sandbox = relaxed().await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let general = channel(&sandbox, "general");
    let bot = sandbox.addresses().application_id.clone();
    let maya = sandbox.user("maya").unwrap();
    maya.message(&general, &format!("<@{bot}> ask jonas")).await;
    let heard = socket.event("MESSAGE_CREATE").await;
    assert_eq!(heard["content"], format!("<@{bot}> ask jonas"));
    assert_eq!(heard["mentions"][0]["id"], bot);
    assert_eq!(heard["member"]["roles"], json!([]));
    maya.message(&general, "not for you").await;
    let heard = socket.event("MESSAGE_CREATE").await;
    assert_eq!((&heard["content"], &heard["mentions"]), (&json!(""), &json!([])));
}

#[tokio::test]
async fn a_reply_to_the_bot_mentions_it() {
    let sandbox = relaxed().await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let general = channel(&sandbox, "general");
    let (maya, jonas) = (sandbox.user("maya").unwrap(), sandbox.user("jonas").unwrap());
    let card = Rest::of(&sandbox).say(&general, json!({ "content": "card" })).await;
    socket.event("MESSAGE_CREATE").await;
    let outcome = maya.reply(text(&card, "id"), "why?").await;
    assert!(outcome.ok, "{outcome:?}");
    let heard = socket.event("MESSAGE_CREATE").await;
    assert_eq!((&heard["content"], &heard["type"]), (&json!("why?"), &json!(19)));
    assert_eq!(heard["referenced_message"]["id"], card["id"]);
    assert_eq!(heard["mentions"][0]["id"], sandbox.addresses().application_id);
    // Somebody else's message does not come along with a reply that the bot may not read.
    let secret = jonas.message(&general, "secret").await.message.unwrap();
    socket.event("MESSAGE_CREATE").await;
    maya.reply(text(&secret, "id"), "so?").await;
    let heard = socket.event("MESSAGE_CREATE").await;
    assert_eq!(
        (&heard["content"], &heard["referenced_message"]["content"]),
        (&json!(""), &json!(""))
    );
    assert!(!maya.reply("1", "x").await.ok);
}

#[tokio::test]
async fn contents_are_left_out_of_rest_as_well() {
    let content_of = |privileged_intents| async move {
        let options =
            Options { privileged_intents, rate_limits: RateLimits::Relaxed, ..Options::default() };
        let sandbox = start(options).await;
        let general = channel(&sandbox, "general");
        let maya = sandbox.user("maya").unwrap();
        let said = maya.message(&general, "secret").await.message.unwrap();
        let rest = Rest::of(&sandbox);
        rest.say(&general, json!({ "content": "own" })).await;
        let path = format!("/channels/{general}/messages");
        let listed = rest.get(&path).await.1;
        assert_eq!(listed[0]["content"], "own");
        let one = rest.get(&format!("{path}/{}", text(&said, "id"))).await.1;
        assert_eq!(one["content"], listed[1]["content"]);
        let dm = maya.dm_with_bot().unwrap();
        maya.message(&dm, "direct").await;
        assert_eq!(rest.get(&format!("/channels/{dm}/messages")).await.1[0]["content"], "direct");
        one["content"].clone()
    };
    assert_eq!(content_of(false).await, "");
    assert_eq!(content_of(true).await, "secret");
}

#[tokio::test]
async fn the_bot_answers_in_the_direct_message() {
    let sandbox = relaxed().await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let rest = Rest::of(&sandbox);
    let jonas = sandbox.user("jonas").unwrap();
    let dm = jonas.dm_with_bot().unwrap();
    jonas.message(&dm, "what waits?").await;
    let asked = socket.event("MESSAGE_CREATE").await;
    assert_eq!(asked["channel_id"], dm);
    let recipient = json!({ "recipient_id": sandbox.addresses().user_id("jonas") });
    assert_eq!(rest.post("/users/@me/channels", recipient.clone()).await.1["id"], dm);
    assert_eq!(rest.get("/users/@me/channels").await.1, json!([]));
    assert_eq!(rest.post(&format!("/channels/{dm}/typing"), Value::Null).await.0, 204);
    let quiet = json!({ "parse": [], "replied_user": false });
    let reference = json!({ "message_id": asked["id"] });
    let body =
        json!({ "content": "nothing", "message_reference": reference, "allowed_mentions": quiet });
    let answer = rest.say(&dm, body).await;
    assert_eq!((&answer["type"], &answer["mentions"]), (&json!(19), &json!([])));
    assert_eq!(answer["referenced_message"]["content"], "what waits?");
    let unknown = json!({ "content": "x", "message_reference": { "message_id": "1" } });
    assert_eq!(rest.post(&format!("/channels/{dm}/messages"), unknown).await.1["code"], 50035);

    sandbox.close_dms("jonas", true);
    for path in ["messages", "typing"] {
        let (status, body) =
            rest.post(&format!("/channels/{dm}/{path}"), json!({ "content": "x" })).await;
        assert_eq!((status, &body["code"]), (403, &json!(50007)), "{path}");
    }
    sandbox.close_dms("jonas", false);
    sandbox.set_member("jonas", false);
    let path = format!("/channels/{dm}/messages");
    assert_eq!(rest.post(&path, json!({ "content": "x" })).await.1["code"], 50278);
    assert_eq!(rest.post("/users/@me/channels", recipient).await.1["code"], 50278);
    assert!(jonas.view().messages("general").is_empty());
    assert!(jonas.view().channel("general").is_none());
    sandbox.set_member("jonas", true);
    rest.say(&dm, json!({ "content": "welcome back" })).await;
}
