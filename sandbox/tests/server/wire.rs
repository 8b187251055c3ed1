//! Details of the wire that some libraries insist on. Each test names the library that fails
//! without them.

use flate2::{Decompress, FlushDecompress};
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use discord_sandbox::{DropHow, Effect, Fault, Match, Person, Sandbox};

use crate::common::{Answering, INTENTS, LIMIT, Rest, Socket, channel, register, relaxed, text};

fn ping() -> Value {
    json!([{ "name": "ping", "description": "d" }])
}

/// Maya uses the command `ping`; the outcome is of no interest here.
async fn used(sandbox: &Sandbox, socket: &mut Socket) -> Value {
    let maya: Person = sandbox.user("maya").unwrap();
    let general = channel(sandbox, "general");
    tokio::spawn(async move { maya.command(&general, "ping", json!({})).await });
    socket.event("INTERACTION_CREATE").await
}

/// hikari reads `s` and `t` of every payload.
#[tokio::test]
async fn payloads_that_are_no_events_have_the_fields_of_events() {
    let sandbox = relaxed().await;
    let mut socket = Socket::open(&sandbox).await;
    let hello = socket.payload().await;
    assert_eq!((&hello["op"], hello.get("s"), hello.get("t")), (&json!(10), NULL, NULL));
    socket.send(json!({ "op": 1, "d": null })).await;
    let ack = json!({ "op": 11, "d": null, "s": null, "t": null });
    assert_eq!(socket.payload().await, ack);
}

const NULL: Option<&Value> = Some(&Value::Null);

/// hikari answers interactions with a form, which aiohttp encodes like a web page's if there is no
/// file in it.
#[tokio::test]
async fn a_callback_may_be_a_form_without_files() {
    let sandbox = relaxed().await;
    register(&sandbox, ping()).await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let interaction = used(&sandbox, &mut socket).await;
    let path = format!(
        "/interactions/{}/{}/callback",
        text(&interaction, "id"),
        text(&interaction, "token")
    );
    // {"type": 4, "data": {"content": "a + b"}}
    let body =
        "payload_json=%7B%22type%22%3A+4%2C+%22data%22%3A+%7B%22content%22%3A+%22a+%2B+b%22%7D%7D";
    let request = Rest::of(&sandbox)
        .request(Method::POST, &path)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body);
    assert_eq!(request.send().await.unwrap().status(), 204);
    let view = sandbox.view("maya").unwrap();
    assert_eq!(view.messages("general")[0]["content"], "a + b");
}

/// discord.py and its relatives ask for it when they are ready.
#[tokio::test]
async fn the_default_sounds_are_listed() {
    let sandbox = relaxed().await;
    let (status, sounds) = Rest::of(&sandbox).get("/soundboard-default-sounds").await;
    assert_eq!(status, 200);
    assert!(sounds[0]["sound_id"].is_string(), "{sounds}");
}

/// nextcord, py-cord and hikari read nothing else than the stream.
#[tokio::test]
async fn a_gateway_may_be_one_zlib_stream() {
    let sandbox = relaxed().await;
    let address =
        format!("{}?v=10&encoding=json&compress=zlib-stream", sandbox.addresses().gateway);
    let (mut stream, _) = connect_async(address).await.unwrap();
    let mut inflater = Decompress::new(true);
    let mut identified = false;
    loop {
        let frame = timeout(LIMIT, stream.next()).await.unwrap().unwrap().unwrap();
        let Message::Binary(bytes) = frame else { panic!("{frame:?}") };
        assert!(bytes.ends_with(&[0, 0, 0xFF, 0xFF]), "the end of a whole payload");
        let mut payload = Vec::with_capacity(64 * 1024);
        inflater.decompress_vec(&bytes, &mut payload, FlushDecompress::Sync).unwrap();
        let payload: Value = serde_json::from_slice(&payload).unwrap();
        if payload["t"] == "GUILD_CREATE" {
            break;
        }
        if !identified {
            assert_eq!(payload["op"], 10);
            let data = json!({
                "token": sandbox.addresses().token, "intents": INTENTS, "properties": {},
            });
            let identify = json!({ "op": 2, "d": data }).to_string();
            stream.send(Message::text(identify)).await.unwrap();
            identified = true;
        }
    }
}

/// discord.py writes `with_response=1`; twilight's models refuse `null` as an id.
#[tokio::test]
async fn a_callback_can_be_asked_what_came_of_it() {
    let sandbox = relaxed().await;
    register(&sandbox, ping()).await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let field = json!({ "type": 4, "custom_id": "f", "label": "l", "style": 1 });
    let form = json!({
        "title": "t", "custom_id": "m", "components": [{ "type": 1, "components": [field] }],
    });
    for (set, callback, has_message) in [
        ("1", json!({ "type": 4, "data": { "content": "x" } }), true),
        ("true", json!({ "type": 4, "data": { "content": "x" } }), true),
        ("True", json!({ "type": 9, "data": form }), false),
    ] {
        let interaction = used(&sandbox, &mut socket).await;
        let path = format!(
            "/interactions/{}/{}/callback?with_response={set}",
            text(&interaction, "id"),
            text(&interaction, "token"),
        );
        let (status, answer) = Rest::of(&sandbox).post(&path, callback).await;
        assert_eq!(status, 200);
        let about = answer["interaction"].as_object().unwrap();
        assert_eq!(about.contains_key("response_message_id"), has_message, "{answer}");
    }
}

/// twilight reads the `id` of every component of a submitted form.
#[tokio::test]
async fn the_components_of_a_submitted_form_have_ids() {
    let sandbox = relaxed().await;
    register(&sandbox, ping()).await;
    let mut bot = Answering::start(&sandbox, |interaction| match interaction["type"].as_u64() {
        Some(2) => {
            let field = |id: &str| json!({ "type": 4, "custom_id": id, "label": "l", "style": 1 });
            let row = |field: Value| json!({ "type": 1, "components": [field] });
            json!({ "type": 9, "data": {
                "title": "t", "custom_id": "m", "components": [row(field("a")), row(field("b"))],
            } })
        }
        _ => json!({ "type": 4, "data": { "content": "x" } }),
    })
    .await;
    let maya = sandbox.user("maya").unwrap();
    let opened = maya.command(&channel(&sandbox, "general"), "ping", json!({})).await;
    bot.next().await;
    let form = opened.modal_id().unwrap().to_owned();
    assert!(maya.submit(&form, json!({ "a": "1", "b": "2" })).await.ok);
    let submitted = bot.next().await;
    let rows = submitted["data"]["components"].as_array().unwrap();
    let ids: Vec<_> = rows
        .iter()
        .flat_map(|row| [row["id"].as_u64(), row["components"][0]["id"].as_u64()])
        .collect();
    assert_eq!(ids, [Some(1), Some(2), Some(3), Some(4)]);
}

/// nextcord reads `max_presences`; hikari the counts when it asks for them.
#[tokio::test]
async fn a_server_tells_how_many_it_has() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let path = format!("/guilds/{}", sandbox.addresses().guild_id);
    let (_, guild) = rest.get(&path).await;
    assert_eq!(guild.get("max_presences"), NULL);
    assert_eq!(guild.get("approximate_member_count"), None);
    let (_, guild) = rest.get(&format!("{path}?with_counts=true")).await;
    assert_eq!(guild["approximate_member_count"], 4, "the bot is a member");
    assert_eq!(guild["approximate_presence_count"], 4);
}

/// The libraries for Python take a 429 without this header for a ban by Cloudflare.
#[tokio::test]
async fn answers_of_the_api_name_the_proxy() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    sandbox.fault(Fault::once(Match::new("GET", "/users/@me"), Effect::status(429)));
    for status in [429, 200] {
        let answer = rest.send(Method::GET, "/users/@me", Value::Null).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["via"], "1.1 google");
    }
}

/// discord.py 2.6 asks here, no longer at `/channels/{id}/pins`.
#[tokio::test]
async fn pins_are_listed_below_the_messages() {
    let sandbox = relaxed().await;
    let path = format!("/channels/{}/messages/pins", channel(&sandbox, "general"));
    let (status, pins) = Rest::of(&sandbox).get(&path).await;
    assert_eq!((status, pins), (200, json!({ "items": [], "has_more": false })));
}

/// discord.js resumes on the connection on which it was told that its session is invalid.
#[tokio::test]
async fn an_invalid_session_is_resumed_on_its_own_connection() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let (mut socket, ready) = Socket::ready(&sandbox, INTENTS).await;
    socket.event("GUILD_CREATE").await;
    let sequence = socket.sequence;
    sandbox.drop_gateway(DropHow::InvalidSession { resumable: true });
    let invalid = json!({ "op": 9, "d": true, "s": null, "t": null });
    assert_eq!(socket.payload().await, invalid);
    assert!(sandbox.user("maya").unwrap().message(&general, "missed").await.ok);
    socket
        .send(json!({ "op": 6, "d": {
            "token": sandbox.addresses().token,
            "session_id": ready["session_id"],
            "seq": sequence,
        } }))
        .await;
    socket.event("MESSAGE_CREATE").await;
    socket.event("RESUMED").await;
    assert_eq!(sandbox.gateway_sessions(), 1);
}

/// hikari reports headers of a bucket on callbacks, which on Discord have none.
#[tokio::test]
async fn callbacks_belong_to_no_bucket() {
    let sandbox = relaxed().await;
    register(&sandbox, ping()).await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let interaction = used(&sandbox, &mut socket).await;
    let path = format!(
        "/interactions/{}/{}/callback",
        text(&interaction, "id"),
        text(&interaction, "token")
    );
    let rest = Rest::of(&sandbox);
    let answer = rest.send(Method::POST, &path, json!({ "type": 5 })).await;
    assert_eq!(answer.status(), 204);
    assert!(!answer.headers().contains_key("x-ratelimit-bucket"));
}
