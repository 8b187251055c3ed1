//! The clock of the sandbox, moved forward: what is over then.

use std::time::Duration;

use discord_sandbox::Options;
use reqwest::Client;
use serde_json::json;

use crate::common::{INTENTS, Rest, Socket, channel, start, text};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn an_interaction_fails_once_its_time_is_over() {
    // Far longer than the test waits: only the clock of the sandbox can end it.
    let sandbox = start(Options { interaction_deadline: HOUR, ..Options::default() }).await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let button = json!({ "type": 2, "style": 1, "label": "b", "custom_id": "go" });
    let rows = json!([{ "type": 1, "components": [button] }]);
    let card = rest.say(&general, json!({ "content": "card", "components": rows })).await;
    let (maya, id) = (sandbox.user("maya").unwrap(), text(&card, "id").to_owned());
    let click = tokio::spawn(async move { maya.click(&id, "go").await });
    let heard = socket.event("INTERACTION_CREATE").await;
    sandbox.advance(HOUR);
    let outcome = click.await.unwrap();
    assert_eq!(outcome.error.unwrap(), "This interaction failed (no answer within 3600 s)");
    assert_eq!(rest.respond(&heard, json!({ "type": 6 })).await.1["code"], 10062);
    assert!(sandbox.view("maya").unwrap().pending.is_empty());
}

#[tokio::test]
async fn a_token_expires_and_a_deferred_answer_fails() {
    let sandbox = start(Options { interaction_deadline: HOUR, ..Options::default() }).await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let application = &sandbox.addresses().application_id;
    let commands = format!("/applications/{application}/commands");
    let command = json!({ "name": "think", "description": "Thinks" });
    assert_eq!(rest.post(&commands, command).await.0, 201);
    let maya = sandbox.user("maya").unwrap();
    let used = tokio::spawn(async move { maya.command(&general, "think", json!({})).await });
    let heard = socket.event("INTERACTION_CREATE").await;
    assert_eq!(rest.respond(&heard, json!({ "type": 5 })).await.0, 204);
    sandbox.advance(Duration::from_secs(15 * 60));
    assert!(used.await.unwrap().error.unwrap().contains("deferred, but no answer within 900 s"));
    let webhook = format!("/webhooks/{application}/{}", text(&heard, "token"));
    assert_eq!(rest.post(&webhook, json!({ "content": "late" })).await.1["code"], 50027);
}

#[tokio::test]
async fn a_rate_limit_is_over_and_times_follow_the_clock() {
    let sandbox = start(Options::default()).await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    let before = rest.say(&general, json!({ "content": "x" })).await;
    let path = format!("/channels/{general}/messages");
    // As often as a slow machine needs to fill a window of 5 s.
    let mut status = 200;
    while status != 429 {
        status = rest.post(&path, json!({ "content": "x" })).await.0;
    }
    let url = format!("{}_sandbox/advance", sandbox.addresses().page);
    let advanced = Client::new().post(&url).json(&json!({ "ms": 86_400_000 })).send().await;
    assert_eq!(advanced.unwrap().status(), 200);
    let after = rest.say(&general, json!({ "content": "x" })).await;
    let day = |message: &serde_json::Value| text(message, "timestamp")[..10].to_owned();
    assert_ne!(day(&before), day(&after));
    let milliseconds =
        |message: &serde_json::Value| text(message, "id").parse::<u64>().unwrap() >> 22;
    assert!(milliseconds(&after) - milliseconds(&before) >= 86_400_000);
    let refused = Client::new().post(&url).json(&json!({ "days": 1 })).send().await;
    assert_eq!(refused.unwrap().status(), 400);
}
