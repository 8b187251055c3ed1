//! Threads: how bots and people start, join, change and find them, and what the clock makes of
//! them.

use std::time::Duration;

use discord_sandbox::{ChannelKind, Options, RateLimits, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{
    Answering, INTENTS, LIMIT, Rest, Socket, channel, register, relaxed, start, text,
};

/// Bits that the bot's role has in these tests besides those of `@everyone`: READ_MESSAGE_HISTORY
/// and MENTION_EVERYONE, which it has at first, VIEW_AUDIT_LOG and MANAGE_THREADS.
const MODERATOR: u64 = 1 << 16 | 1 << 17 | 1 << 7 | 1 << 34;

async fn put(rest: &Rest, path: &str) -> (u16, Value) {
    rest.call(Method::PUT, path, Value::Null).await
}

/// Starts a public thread without a message.
async fn public(rest: &Rest, parent: &str, name: &str) -> Value {
    let path = format!("/channels/{parent}/threads");
    let (status, thread) = rest.post(&path, json!({ "name": name, "type": 11 })).await;
    assert_eq!(status, 201, "{thread}");
    thread
}

#[tokio::test]
async fn a_thread_from_a_message_has_the_messages_id() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let message = rest.say(&general, json!({ "content": "Shall we?" })).await;
    let id = text(&message, "id");
    let path = format!("/channels/{general}/messages/{id}/threads");
    let body = json!({ "name": "Details", "auto_archive_duration": 60 });
    let (status, thread) = rest.post(&path, body.clone()).await;
    assert_eq!(status, 201, "{thread}");
    assert_eq!((&thread["id"], &thread["type"]), (&json!(id), &json!(11)));
    assert_eq!(thread["parent_id"], general.as_str());
    assert_eq!(thread["thread_metadata"]["auto_archive_duration"], 60);
    assert_eq!(thread["member"]["user_id"], sandbox.addresses().application_id.as_str());

    let created = socket.event("THREAD_CREATE").await;
    assert_eq!((&created["id"], &created["newly_created"]), (&json!(id), &json!(true)));
    let updated = socket.event("MESSAGE_UPDATE").await;
    assert_eq!(updated["flags"].as_u64().unwrap() & 1 << 5, 1 << 5);
    assert_eq!(updated["thread"]["id"], id);
    let starter = socket.event("MESSAGE_CREATE").await;
    assert_eq!((&starter["type"], &starter["channel_id"]), (&json!(21), &json!(id)));
    assert_eq!(starter["message_reference"]["message_id"], id);
    assert_eq!(starter["referenced_message"]["content"], "Shall we?");

    let fetched = rest.get(&format!("/channels/{general}/messages/{id}")).await.1;
    assert_eq!(fetched["thread"]["name"], "Details");
    let (status, again) = rest.post(&path, body).await;
    assert_eq!((status, &again["code"]), (400, &json!(160_004)));
}

#[tokio::test]
async fn a_thread_without_a_message_is_private_unless_said_otherwise() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    let path = format!("/channels/{general}/threads");
    let (status, private) = rest.post(&path, json!({ "name": "Quiet" })).await;
    assert_eq!((status, &private["type"]), (201, &json!(12)));
    assert_eq!(private["thread_metadata"]["invitable"], true);
    let quiet = text(&private, "id");
    let member = sandbox.user("jonas").unwrap();
    assert!(member.view().channel(quiet).is_none(), "only members see a private thread");
    let jonas = sandbox.addresses().user_id("jonas").unwrap().to_owned();
    assert_eq!(put(&rest, &format!("/channels/{quiet}/thread-members/{jonas}")).await.0, 204);
    let seen = member.view();
    let seen = seen.channel(quiet).unwrap();
    assert_eq!(seen.kind, ChannelKind::Thread);
    assert_eq!(seen.parent_id.as_deref(), Some(general.as_str()));
    assert_eq!(
        (&seen.object["type"], &seen.object["member"]["user_id"]),
        (&json!(12), &json!(jonas))
    );
    assert_eq!(seen.object["thread_metadata"]["archived"], false);

    let thread = public(&rest, &general, "Loud").await;
    let last = rest.get(&format!("/channels/{general}/messages?limit=1")).await.1;
    assert_eq!((&last[0]["type"], &last[0]["content"]), (&json!(18), &json!("Loud")));
    assert_eq!(last[0]["message_reference"]["channel_id"], thread["id"]);
    for (body, place) in [
        (json!({ "type": 11 }), "name"),
        (json!({ "name": "x", "auto_archive_duration": 5 }), "auto_archive_duration"),
    ] {
        let (status, refused) = rest.post(&path, body).await;
        assert_eq!((status, &refused["code"]), (400, &json!(50035)));
        assert!(refused["errors"][place]["_errors"].is_array(), "{refused}");
    }
}

#[tokio::test]
async fn members_come_and_go() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    let thread = public(&rest, &general, "Details").await;
    let id = text(&thread, "id");
    let bot = sandbox.addresses().application_id.clone();
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let listed = socket.event("GUILD_CREATE").await;
    assert_eq!(listed["threads"][0]["id"], id);
    assert_eq!(listed["threads"][0]["member"]["user_id"], bot.as_str());

    let own = format!("/channels/{id}/thread-members/@me");
    assert_eq!(rest.delete(&own).await.0, 204);
    let left = socket.event("THREAD_MEMBERS_UPDATE").await;
    assert_eq!(left["removed_member_ids"], json!([bot]));
    assert_eq!(rest.get(&own).await.1["code"], 10007);
    assert_eq!(put(&rest, &own).await.0, 204);
    assert_eq!(socket.event("THREAD_MEMBERS_UPDATE").await["added_members"][0]["user_id"], bot);
    assert_eq!(socket.event("THREAD_MEMBER_UPDATE").await["guild_id"], thread["guild_id"]);

    let sven = sandbox.user("sven").unwrap();
    assert!(sven.join_thread(id).await.ok);
    let sven_id = sandbox.addresses().user_id("sven").unwrap().to_owned();
    let path = format!("/channels/{id}/thread-members/{sven_id}?with_member=true");
    assert_eq!(rest.get(&path).await.1["member"]["user"]["username"], "sven");
    let (status, refused) = rest.delete(&format!("/channels/{id}/thread-members/{sven_id}")).await;
    assert_eq!((status, &refused["code"]), (403, &json!(50013)));
    sandbox.set_role_permissions("bot", MODERATOR);
    assert_eq!(rest.delete(&format!("/channels/{id}/thread-members/{sven_id}")).await.0, 204);
    assert!(!sven.view().channel(id).unwrap().object.contains_key("member"));
    let (status, refused) = rest.get(&format!("/channels/{id}/thread-members")).await;
    assert_eq!((status, &refused["code"]), (403, &json!(50001)), "needs the privileged intent");
}

#[tokio::test]
async fn the_privileged_intent_tells_of_everybody() {
    let sandbox = start(Options {
        privileged_intents: true,
        rate_limits: RateLimits::Relaxed,
        ..Options::default()
    })
    .await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS | 1 << 1).await;
    let maya = sandbox.user("maya").unwrap();
    let started = maya.create_thread(&general, None, "Lunch").await;
    assert!(started.ok, "{:?}", started.error);
    let id = started.thread_id().unwrap();
    let added = socket.event("THREAD_MEMBERS_UPDATE").await;
    assert_eq!(added["added_members"][0]["member"]["user"]["username"], "maya");
    let members = rest.get(&format!("/channels/{id}/thread-members")).await.1;
    assert_eq!(members.as_array().unwrap().len(), 1);
    rest.say(id, json!({ "content": "I come along" })).await;
    let members = rest.get(&format!("/channels/{id}/thread-members?with_member=true")).await.1;
    assert_eq!(members.as_array().unwrap().len(), 2, "who writes joins: {members}");
    let jonas = sandbox.addresses().user_id("jonas").unwrap().to_owned();
    rest.say(id, json!({ "content": format!("<@{jonas}>?") })).await;
    let view = sandbox.view("jonas").unwrap();
    let thread = &view.channel(id).unwrap().object;
    assert!(thread.contains_key("member"), "who is mentioned joins");
}

#[tokio::test]
async fn the_clock_archives_and_a_message_unarchives() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    let thread = public(&rest, &general, "Details").await;
    let id = text(&thread, "id");
    let guild = text(&thread, "guild_id");
    assert_eq!(thread["thread_metadata"]["auto_archive_duration"], 1_440);
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    sandbox.advance(hours(23));
    let maya = sandbox.user("maya").unwrap();
    assert!(maya.message(id, "Still here").await.ok);
    sandbox.advance(hours(23));
    let active = rest.get(&format!("/guilds/{guild}/threads/active")).await.1;
    assert_eq!(active["threads"][0]["id"], id, "the message was activity");
    sandbox.advance(hours(1));
    assert_eq!(socket.event("THREAD_UPDATE").await["thread_metadata"]["archived"], true);
    let active = rest.get(&format!("/guilds/{guild}/threads/active")).await.1;
    assert_eq!(active["threads"], json!([]));
    let archived = rest.get(&format!("/channels/{general}/threads/archived/public")).await.1;
    assert_eq!((&archived["threads"][0]["id"], &archived["has_more"]), (&json!(id), &json!(false)));
    let members = put(&rest, &format!("/channels/{id}/thread-members/@me")).await;
    assert_eq!((members.0, &members.1["code"]), (400, &json!(50083)));

    assert!(maya.message(id, "Again").await.ok);
    assert_eq!(socket.event("THREAD_UPDATE").await["thread_metadata"]["archived"], false);
    let now = rest.get(&format!("/channels/{id}")).await.1;
    assert_eq!((&now["message_count"], &now["total_message_sent"]), (&json!(2), &json!(2)));
    assert_eq!(now["member_count"], 2);
}

#[tokio::test]
async fn a_thread_is_renamed_locked_and_deleted() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    let maya = sandbox.user("jonas").unwrap();
    let started = maya.create_thread(&general, None, "Lunch").await;
    let id = started.thread_id().unwrap().to_owned();
    let path = format!("/channels/{id}");
    let (status, refused) = rest.patch(&path, json!({ "name": "Supper" })).await;
    assert_eq!((status, &refused["code"]), (403, &json!(50013)), "it is not the bot's");
    sandbox.set_role_permissions("bot", MODERATOR);
    let request = rest.request(Method::PATCH, &path).json(&json!({ "name": "Supper" }));
    let renamed = request.header("x-audit-log-reason", "It%20is%20late").send().await.unwrap();
    assert_eq!(renamed.status(), 200);
    let guild = sandbox.addresses().guild_id.clone();
    let log = format!("/guilds/{guild}/audit-logs?action_type=111");
    let entry = rest.get(&log).await.1["audit_log_entries"][0].clone();
    assert_eq!((&entry["reason"], &entry["target_id"]), (&json!("It is late"), &json!(id)));
    let change = json!([{ "key": "name", "old_value": "Lunch", "new_value": "Supper" }]);
    assert_eq!(entry["changes"], change);
    let last = rest.get(&format!("{path}/messages?limit=1")).await.1;
    assert_eq!((&last[0]["type"], &last[0]["content"]), (&json!(4), &json!("Supper")));

    let (status, locked) = rest.patch(&path, json!({ "archived": true, "locked": true })).await;
    assert_eq!((status, &locked["thread_metadata"]["locked"]), (200, &json!(true)));
    let (status, refused) = rest.patch(&path, json!({ "name": "Late" })).await;
    assert_eq!((status, &refused["code"]), (400, &json!(50083)));
    assert_eq!(maya.message(&id, "Wait").await.error.unwrap(), "the thread is locked");
    assert!(!maya.unarchive_thread(&id).await.ok);
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    assert_eq!(rest.delete(&path).await.0, 200);
    assert_eq!(socket.event("THREAD_DELETE").await["parent_id"], general.as_str());
    assert_eq!(rest.get(&path).await.1["code"], 10003);
}

#[tokio::test]
async fn gaining_a_channel_brings_its_threads() {
    let sandbox = relaxed().await;
    let locked = channel(&sandbox, "locked");
    let jonas = sandbox.user("jonas").unwrap();
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let started = jonas.create_thread(&locked, None, "Hidden").await;
    let id = started.thread_id().unwrap().to_owned();
    let (status, refused) = Rest::of(&sandbox).get(&format!("/channels/{id}")).await;
    assert_eq!((status, &refused["code"]), (403, &json!(50001)));
    sandbox.set_bot_access(&locked, discord_sandbox::BotAccess::Full);
    let sync = socket.event("THREAD_LIST_SYNC").await;
    assert_eq!((&sync["channel_ids"], &sync["threads"][0]["id"]), (&json!([locked]), &json!(id)));
}

#[tokio::test]
async fn people_upload_files_in_messages_and_commands() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    let maya = sandbox.user("maya").unwrap();
    let notes = maya.upload("notes.txt", b"hello").await;
    let sent = maya.message_with(&general, "", &[notes.attachment_id().unwrap()]).await;
    let message = sent.message.unwrap();
    assert_eq!(message["attachments"][0]["filename"], "notes.txt");
    assert_eq!(message["attachments"][0]["size"], 5);
    let bytes = reqwest::get(text(&message["attachments"][0], "url")).await.unwrap();
    assert_eq!(bytes.text().await.unwrap(), "hello");
    let fetched = rest.get(&format!("/channels/{general}/messages/{}", text(&message, "id"))).await;
    assert_eq!(fetched.0, 200);

    register(
        &sandbox,
        json!([{ "name": "read", "description": "Reads", "options": [
        { "name": "file", "description": "What", "type": 11, "required": true },
    ] }]),
    )
    .await;
    let mut bot =
        Answering::start(&sandbox, |_| json!({ "type": 4, "data": { "content": "read" } })).await;
    let file = maya.upload("a.json", b"{}").await;
    let options = json!({ "file": file.attachment_id() });
    let outcome = maya.command(&general, "read", options).await;
    assert_eq!(outcome.content(), "read", "{:?}", outcome.error);
    let data = bot.next().await["data"].clone();
    let id = text(&data["options"][0], "value");
    let file = &data["resolved"]["attachments"][id];
    assert_eq!((&file["content_type"], &file["size"]), (&json!("application/json"), &json!(2)));
    let refused = maya.command(&general, "read", json!({ "file": "a.json" })).await;
    assert_eq!(refused.error.unwrap(), "the option file needs a file");
}

#[tokio::test]
async fn the_control_api_acts_on_threads() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let act = |body: Value| act(&sandbox, body);
    let upload = json!({ "user": "maya", "action": "upload", "filename": "a.txt", "data": "eA==" });
    let file = act(upload).await;
    let sent = act(json!({ "user": "maya", "action": "message", "channel": general,
        "attachments": [file["attachment"]["id"]] }))
    .await;
    assert_eq!(sent["message"]["attachments"][0]["filename"], "a.txt");
    assert_eq!(sent["message"]["attachments"][0]["size"], 1);
    let started = act(json!({ "user": "maya", "action": "create_thread", "channel": general,
        "message_id": sent["message"]["id"], "name": "About a.txt" }))
    .await;
    assert_eq!(started["channel"]["id"], sent["message"]["id"]);
    let id = &started["channel"]["id"];
    for (user, action, ok) in [
        ("jonas", "join_thread", true),
        ("jonas", "archive_thread", false),
        ("maya", "archive_thread", true),
        ("jonas", "leave_thread", false),
        ("jonas", "unarchive_thread", true),
        ("jonas", "leave_thread", true),
    ] {
        let done = act(json!({ "user": user, "action": action, "channel": id })).await;
        assert_eq!(done["ok"], ok, "{user} {action}: {done}");
    }
}

/// Acts as a person through the control API.
async fn act(sandbox: &Sandbox, body: Value) -> Value {
    let address = format!("{}/_sandbox/act", sandbox.addresses().page.trim_end_matches('/'));
    let sent = reqwest::Client::new().post(address).json(&body).send();
    let response = tokio::time::timeout(LIMIT, sent).await.unwrap().unwrap();
    response.json().await.unwrap()
}
