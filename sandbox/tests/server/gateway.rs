//! The gateway as a bot's library meets it: sessions, replays, intents, and how it closes.

use discord_sandbox::{BotAccess, DropHow, Options};
use serde_json::{Value, json};

use crate::common::{INTENTS, Received, Rest, Socket, channel, invalid_session, relaxed, start};

const MESSAGE_CONTENT: u64 = 1 << 15;

#[tokio::test]
async fn a_session_begins_with_ready_and_the_server() {
    let sandbox = relaxed().await;
    let (mut socket, ready) = Socket::ready(&sandbox, INTENTS).await;
    assert_eq!(ready["user"]["id"], sandbox.addresses().application_id.as_str());
    assert_eq!(ready["resume_gateway_url"], sandbox.addresses().gateway.as_str());
    let guild = socket.event("GUILD_CREATE").await;
    assert_eq!(guild["channels"].as_array().unwrap().len(), 5);
    assert!(guild["roles"][0]["colors"]["primary_color"].is_u64());
    assert_eq!(guild["members"].as_array().unwrap().len(), 1, "only the bot");
    assert_eq!(sandbox.gateway_sessions(), 1);
    assert!(sandbox.view("maya").unwrap().bot_online);
    socket.send(json!({ "op": 1, "d": 2 })).await;
    let ack = json!({ "op": 11, "d": null, "s": null, "t": null });
    assert_eq!(socket.payload().await, ack);
}

#[tokio::test]
async fn faults_of_the_client_close_the_connection() {
    let sandbox = relaxed().await;
    let token = sandbox.addresses().token.clone();
    let long = json!({ "op": 1, "d": "x".repeat(5_000) });
    for (payload, code) in [
        (long.to_string(), 4002),
        ("no JSON".to_owned(), 4002),
        (json!({ "op": 3, "d": {} }).to_string(), 4003),
        (json!({ "op": 99 }).to_string(), 4001),
    ] {
        let mut socket = Socket::connect(&sandbox).await;
        socket.send_text(payload).await;
        assert_eq!(socket.closed().await, Some(code));
    }
    for (token, intents, code) in [
        ("wrong", INTENTS, 4004),
        (token.as_str(), INTENTS | MESSAGE_CONTENT, 4014),
        (token.as_str(), 1 << 40, 4013),
    ] {
        let mut socket = Socket::connect(&sandbox).await;
        socket.identify(token, intents).await;
        assert_eq!(socket.closed().await, Some(code));
    }
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    socket.identify(&token, INTENTS).await;
    assert_eq!(socket.closed().await, Some(4005));
}

#[tokio::test]
async fn a_lost_session_is_resumed_with_what_it_missed() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let maya = sandbox.user("maya").unwrap();
    for how in [DropHow::Tcp, DropHow::Close(Some(4000)), DropHow::Close(None)] {
        let (mut socket, ready) = Socket::ready(&sandbox, INTENTS).await;
        socket.event("GUILD_CREATE").await;
        maya.message(&general, "before").await;
        socket.event("MESSAGE_CREATE").await;
        let sequence = socket.sequence;
        sandbox.drop_gateway(how);
        let code = socket.closed().await;
        assert_eq!(
            code.filter(|code| *code != 1005),
            match how {
                DropHow::Close(code) => code,
                _ => None,
            }
        );
        let missed = maya.message(&general, "missed").await.message.unwrap();

        let mut socket = Socket::connect(&sandbox).await;
        socket
            .send(json!({ "op": 6, "d": {
                "token": format!("Bot {}", sandbox.addresses().token),
                "session_id": ready["session_id"],
                "seq": sequence,
            } }))
            .await;
        let replayed = socket.payload().await;
        assert_eq!(replayed["s"], sequence + 1);
        assert_eq!(replayed["d"]["id"], missed["id"]);
        socket.event("RESUMED").await;
        sandbox.drop_gateway(DropHow::InvalidSession { resumable: false });
        assert_eq!(socket.payload().await, invalid_session());
    }
}

#[tokio::test]
async fn a_forgotten_session_cannot_be_resumed() {
    let sandbox = relaxed().await;
    let (_socket, ready) = Socket::ready(&sandbox, INTENTS).await;
    sandbox.drop_gateway(DropHow::Close(Some(4009)));
    let mut socket = Socket::connect(&sandbox).await;
    socket
        .send(json!({ "op": 6, "d": {
            "token": sandbox.addresses().token, "session_id": ready["session_id"], "seq": 1,
        } }))
        .await;
    assert_eq!(socket.payload().await, invalid_session());
    socket.identify(&sandbox.addresses().token, INTENTS).await;
    socket.event("READY").await;
    sandbox.drop_gateway(DropHow::Reconnect);
    loop {
        match socket.receive().await {
            Received::Payload(payload) if payload["op"] == 7 => {
                assert_eq!(payload, json!({ "op": 7, "d": null, "s": null, "t": null }));
                break;
            }
            Received::Payload(_) => {}
            Received::Closed(code) => panic!("closed with {code:?}"),
        }
    }
}

#[tokio::test]
async fn contents_of_others_need_an_intent() {
    let options = Options { privileged_intents: true, ..Options::default() };
    let sandbox = start(options).await;
    let general = channel(&sandbox, "general");
    let bot = &sandbox.addresses().application_id;
    let maya = sandbox.user("maya").unwrap();
    let (mut plain, _) = Socket::ready(&sandbox, INTENTS).await;
    let (mut privileged, _) = Socket::ready(&sandbox, INTENTS | MESSAGE_CONTENT).await;
    let mention = format!("<@{bot}> look");
    let dm = maya.view().dm().unwrap().id.clone();
    for (place, content, seen) in [
        (&general, "secret", ""),
        (&general, mention.as_str(), mention.as_str()),
        (&dm, "direct", "direct"),
    ] {
        assert!(maya.message(place, content).await.ok);
        assert_eq!(plain.event("MESSAGE_CREATE").await["content"], seen);
        assert_eq!(privileged.event("MESSAGE_CREATE").await["content"], content);
    }
    Rest::of(&sandbox).say(&general, json!({ "content": "own" })).await;
    let own = plain.event("MESSAGE_CREATE").await;
    assert_eq!(own["content"], "own");
    assert_eq!(own["guild_id"], sandbox.addresses().guild_id.as_str());
}

#[tokio::test]
async fn the_bot_hears_of_a_moderators_hand() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let message = Rest::of(&sandbox).say(&general, json!({ "content": "x", "nonce": 7 })).await;
    assert_eq!(socket.event("MESSAGE_CREATE").await["nonce"], 7);
    sandbox.delete_message(&general, message["id"].as_str().unwrap());
    assert_eq!(
        socket.event("MESSAGE_DELETE").await,
        json!({
            "id": message["id"],
            "channel_id": general,
            "guild_id": sandbox.addresses().guild_id,
        })
    );
    sandbox.set_bot_access(&general, BotAccess::ReadOnly);
    let update: Value = socket.event("CHANNEL_UPDATE").await;
    assert_eq!(update["permission_overwrites"][0]["deny"], "2048");
    sandbox.delete_channel(&general);
    assert_eq!(socket.event("CHANNEL_DELETE").await["id"], general);
}
