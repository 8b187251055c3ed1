//! Misbehaviour that hard cases need: of the gateway in each phase, of answers, of rate limits, and
//! a moderator's hand on permissions.

use discord_sandbox::{
    BotAccess, DropHow, Effect, Fault, GatewayFault, GatewayPhase, LimitHeader, LimitScope, Match,
    Sandbox,
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::common::{
    Answering, INTENTS, LIMIT, Received, Rest, Socket, channel, invalid_session, relaxed, text,
};

async fn control(sandbox: &Sandbox, body: Value) -> Value {
    let url = format!("{}_sandbox/fault", sandbox.addresses().page);
    let response = Client::new().post(url).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200, "{body}");
    response.json().await.unwrap()
}

/// A session past its GUILD_CREATE.
async fn listening(sandbox: &Sandbox) -> (Socket, Value) {
    let (mut socket, ready) = Socket::ready(sandbox, INTENTS).await;
    socket.event("GUILD_CREATE").await;
    (socket, ready)
}

/// What the next dispatches say, of messages.
async fn contents(socket: &mut Socket, count: usize) -> Vec<(u64, String)> {
    let mut heard = Vec::new();
    for _ in 0..count {
        let payload = socket.payload().await;
        heard.push((
            payload["s"].as_u64().unwrap(),
            payload["d"]["content"].as_str().unwrap_or_default().to_owned(),
        ));
    }
    heard
}

async fn say(sandbox: &Sandbox, words: &[&str]) {
    let dm = sandbox.user("maya").unwrap().dm_with_bot().unwrap();
    for word in words {
        assert!(sandbox.user("maya").unwrap().message(&dm, word).await.ok);
    }
}

fn heard(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|(s, content)| (*s, (*content).to_owned())).collect()
}

#[tokio::test]
async fn events_come_twice_out_of_order_or_not_at_all() {
    let sandbox = relaxed().await;
    let (mut socket, _) = listening(&sandbox).await;
    let event = Some("MESSAGE_CREATE".to_owned());
    sandbox.gateway_fault(GatewayFault::Duplicate { event: event.clone(), times: 1 });
    say(&sandbox, &["a", "b"]).await;
    assert_eq!(contents(&mut socket, 3).await, heard(&[(3, "a"), (3, "a"), (4, "b")]));
    sandbox.gateway_fault(GatewayFault::Reorder { event: event.clone(), count: 3 });
    sandbox.set_bot_access(&channel(&sandbox, "general"), BotAccess::Full);
    say(&sandbox, &["c", "d", "e", "f"]).await;
    assert_eq!(
        contents(&mut socket, 5).await,
        heard(&[(5, ""), (8, "e"), (7, "d"), (6, "c"), (9, "f")])
    );
    sandbox.gateway_fault(GatewayFault::Lose { event, times: 1 });
    say(&sandbox, &["g", "h"]).await;
    assert_eq!(contents(&mut socket, 1).await, heard(&[(11, "h")]));
    // What is kept back when the faults are cleared comes at last.
    control(&sandbox, json!({ "do": "reorder", "times": 5 })).await;
    say(&sandbox, &["i", "k"]).await;
    sandbox.clear_faults();
    say(&sandbox, &["l"]).await;
    assert_eq!(contents(&mut socket, 3).await, heard(&[(13, "k"), (12, "i"), (14, "l")]));
}

/// Resumes a session on a new connection.
async fn resume(sandbox: &Sandbox, session: &Value, sequence: u64) -> Socket {
    let mut socket = Socket::connect(sandbox).await;
    let token = &sandbox.addresses().token;
    socket
        .send(json!({ "op": 6, "d": { "token": token, "session_id": session, "seq": sequence } }))
        .await;
    socket
}

#[tokio::test]
async fn a_connection_ends_in_each_phase() {
    let sandbox = relaxed().await;
    let token = sandbox.addresses().token.clone();
    let drop_at = |phase, how| sandbox.gateway_fault(GatewayFault::DropAt { phase, how, times: 1 });

    drop_at(GatewayPhase::BeforeHello, DropHow::Tcp);
    let mut socket = Socket::open(&sandbox).await;
    assert!(matches!(socket.receive().await, Received::Closed(None)));

    drop_at(GatewayPhase::AfterHello, DropHow::Close(Some(4000)));
    let mut socket = Socket::connect(&sandbox).await;
    socket.identify(&token, INTENTS).await;
    assert!(matches!(socket.receive().await, Received::Closed(Some(4000))));
    assert_eq!(sandbox.gateway_sessions(), 0);

    drop_at(GatewayPhase::DuringReady, DropHow::Tcp);
    let (mut socket, ready) = Socket::ready(&sandbox, INTENTS).await;
    assert!(matches!(socket.receive().await, Received::Closed(None)), "no GUILD_CREATE");
    let mut socket = resume(&sandbox, &ready["session_id"], 1).await;
    socket.event("GUILD_CREATE").await;
    socket.event("RESUMED").await;

    drop_at(GatewayPhase::AfterReady, DropHow::Close(Some(4009)));
    let (mut socket, ready) = listening(&sandbox).await;
    assert_eq!(socket.closed().await, Some(4009));
    let mut socket = resume(&sandbox, &ready["session_id"], 2).await;
    assert_eq!(socket.payload().await, invalid_session(), "4009 ends the session");
}

#[tokio::test]
async fn a_resume_breaks_off_half_way() {
    let sandbox = relaxed().await;
    let (mut socket, ready) = listening(&sandbox).await;
    sandbox.drop_gateway(DropHow::Tcp);
    socket.closed().await;
    say(&sandbox, &["a", "b", "c", "d"]).await;
    sandbox.gateway_fault(GatewayFault::DropAt {
        phase: GatewayPhase::DuringResume,
        how: DropHow::Tcp,
        times: 1,
    });
    let mut socket = resume(&sandbox, &ready["session_id"], 2).await;
    assert_eq!(contents(&mut socket, 2).await, heard(&[(3, "a"), (4, "b")]));
    assert!(matches!(socket.receive().await, Received::Closed(None)));
    let mut socket = resume(&sandbox, &ready["session_id"], 4).await;
    assert_eq!(contents(&mut socket, 2).await, heard(&[(5, "c"), (6, "d")]));
    assert_eq!(socket.payload().await["t"], "RESUMED");
    // A resume that is refused leads to a new session.
    sandbox.drop_gateway(DropHow::Tcp);
    let how = DropHow::InvalidSession { resumable: false };
    sandbox.gateway_fault(GatewayFault::DropAt {
        phase: GatewayPhase::DuringResume,
        how,
        times: 1,
    });
    let mut socket = resume(&sandbox, &ready["session_id"], 7).await;
    assert_eq!(socket.payload().await, invalid_session());
    socket.identify(&sandbox.addresses().token, INTENTS).await;
    socket.event("READY").await;
}

#[tokio::test]
async fn headers_of_rate_limits_are_malformed() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    for header in LimitHeader::ALL {
        sandbox
            .fault(Fault::once(Match::new("GET", "/users/@me"), Effect::malformed(header, "soon")));
        let response = rest.send(Method::GET, "/users/@me", Value::Null).await;
        let status = if header == LimitHeader::RetryAfter { 429 } else { 200 };
        assert_eq!(response.status(), status, "{header:?}");
        for other in LimitHeader::ALL {
            let value = response.headers().get(other.name()).map(|value| value.to_str().unwrap());
            if other == header {
                assert_eq!(value, Some("soon"));
            } else if other != LimitHeader::RetryAfter {
                assert!(value.unwrap().parse::<f64>().is_ok(), "{other:?} beside {header:?}");
            }
        }
    }
    let effect = Effect::MangleHeader {
        header: LimitHeader::Reset,
        value: None,
        effect: Some(Box::new(Effect::status(503))),
    };
    sandbox.fault(Fault::once(Match::default(), effect));
    let response = rest.send(Method::GET, "/users/@me", Value::Null).await;
    assert_eq!(
        (response.status().as_u16(), response.headers().get("x-ratelimit-reset")),
        (503, None)
    );
    control(&sandbox, json!({ "do": "malformed_header", "header": "limit", "value": "" })).await;
    let response = rest.send(Method::GET, "/users/@me", Value::Null).await;
    assert_eq!(response.headers()["x-ratelimit-limit"], "");
}

#[tokio::test]
async fn every_limit_says_whose_it_is() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    for (scope, word) in
        [(LimitScope::User, "user"), (LimitScope::Global, "global"), (LimitScope::Shared, "shared")]
    {
        for with_header in [true, false] {
            sandbox
                .fault(Fault::once(Match::default(), Effect::limited(scope, 2_500, with_header)));
            let response = rest.send(Method::GET, "/users/@me", Value::Null).await;
            assert_eq!(response.status(), 429);
            let headers = response.headers().clone();
            assert_eq!(headers["x-ratelimit-scope"], word);
            assert_eq!(headers.get("retry-after").is_some(), with_header);
            assert_eq!(
                headers.get("x-ratelimit-remaining").is_some(),
                with_header && scope != LimitScope::Global
            );
            assert_eq!(headers.get("x-ratelimit-global").is_some(), scope == LimitScope::Global);
            let body: Value = response.json().await.unwrap();
            assert_eq!(
                (&body["retry_after"], &body["global"]),
                (&json!(2.5), &json!(scope == LimitScope::Global))
            );
        }
    }
}

#[tokio::test]
async fn an_answer_is_lost_after_the_deed() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let path = format!("/channels/{general}/messages");
    sandbox.fault(Fault::once(Match::new("POST", "/messages"), Effect::lost_answer()));
    let request =
        Rest::of(&sandbox).request(Method::POST, &path).json(&json!({ "content": "done" }));
    assert!(timeout(LIMIT, request.send()).await.unwrap().is_err());
    assert_eq!(sandbox.view("maya").unwrap().messages("general")[0]["content"], "done");
}

#[tokio::test]
async fn what_is_held_goes_on_when_it_is_released() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let said = || sandbox.view("maya").unwrap().messages("general").len();
    for (effect, before) in [(Effect::HoldRequest, 0), (Effect::HoldAnswer, 3)] {
        sandbox.fault(Fault::once(Match::new("POST", "/messages"), effect));
        let (rest, place) = (Rest::of(&sandbox), general.clone());
        let sent = tokio::spawn(async move { rest.say(&place, json!({ "content": "x" })).await });
        sandbox
            .wait_for("the request", LIMIT, |sandbox| (sandbox.held_requests() == 1).then_some(()))
            .await
            .unwrap();
        assert_eq!(said(), before, "an answer is held after the deed");
        assert!(!sent.is_finished());
        assert_eq!(sandbox.release_held(), 1);
        timeout(LIMIT, sent).await.unwrap().unwrap();
        assert_eq!(sandbox.held_requests(), 0);
        Rest::of(&sandbox).say(&general, json!({ "content": "between" })).await;
    }
    // A client that leaves is held no longer.
    sandbox.fault(Fault::once(Match::default(), Effect::HoldRequest));
    let rest = Rest::of(&sandbox);
    let sent = tokio::spawn(async move { rest.get("/users/@me").await });
    sandbox
        .wait_for("the request", LIMIT, |sandbox| (sandbox.held_requests() == 1).then_some(()))
        .await
        .unwrap();
    sent.abort();
    sandbox
        .wait_for("its end", LIMIT, |sandbox| (sandbox.held_requests() == 0).then_some(()))
        .await
        .unwrap();
    assert_eq!(control(&sandbox, json!({ "do": "release" })).await["released"], 0);
}

#[tokio::test]
async fn a_held_callback_comes_too_late_for_nobody() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let button = json!({ "type": 2, "style": 1, "label": "b", "custom_id": "go" });
    let body = json!({ "content": "card", "components": [{ "type": 1, "components": [button] }] });
    let card = Rest::of(&sandbox).say(&general, body).await;
    let mut bot = Answering::start(&sandbox, |_| json!({ "type": 6 })).await;
    sandbox.fault(Fault::once(Match::new("POST", "/callback"), Effect::HoldAnswer));
    // The person has the answer although the bot does not know that it was taken.
    assert!(sandbox.user("maya").unwrap().click(text(&card, "id"), "go").await.ok);
    sandbox
        .wait_for("the answer", LIMIT, |sandbox| (sandbox.held_requests() == 1).then_some(()))
        .await
        .unwrap();
    sandbox.release_held();
    bot.next().await;
}

#[tokio::test]
async fn permissions_are_taken_and_given_back() {
    let sandbox = relaxed().await;
    let (mut socket, _) = listening(&sandbox).await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let path = format!("/channels/{general}/messages");
    let own = rest.say(&general, json!({ "content": "x" })).await;
    let embed = json!({ "embeds": [{ "title": "t" }] });
    let reply = json!({ "content": "x", "message_reference": { "message_id": own["id"] } });
    for (denied, method, path, body, expected) in [
        (1 << 14, Method::POST, path.clone(), embed.clone(), (403, json!(50013))),
        (1 << 16, Method::POST, path.clone(), reply, (403, json!(160_002))),
        (
            1 << 16,
            Method::GET,
            format!("{path}/{}", text(&own, "id")),
            Value::Null,
            (403, json!(50013)),
        ),
        (1 << 16, Method::GET, path.clone(), Value::Null, (200, Value::Null)),
    ] {
        sandbox.set_bot_access(&general, BotAccess::Without(denied));
        let update = socket.event("CHANNEL_UPDATE").await;
        assert_eq!(update["permission_overwrites"][0]["deny"], denied.to_string());
        let (status, answer) = rest.call(method, &path, body).await;
        assert_eq!((status, answer["code"].clone()), expected, "{answer}");
    }
    sandbox.set_bot_access(&general, BotAccess::Full);
    assert_eq!(socket.event("CHANNEL_UPDATE").await["permission_overwrites"], json!([]));
    assert_eq!(rest.post(&path, embed).await.0, 200);

    let everyone = sandbox.view("maya").unwrap().roles[0]["permissions"]
        .as_str()
        .unwrap()
        .parse::<u64>()
        .unwrap();
    for role in ["@everyone", "bot"] {
        sandbox.set_role_permissions(role, everyone & !(1 << 11));
        assert_eq!(socket.event("GUILD_ROLE_UPDATE").await["role"]["name"], role);
    }
    assert_eq!(rest.post(&path, json!({ "content": "x" })).await.1["code"], 50013);
    sandbox.set_role_permissions("bot", everyone);
    assert_eq!(rest.post(&path, json!({ "content": "x" })).await.0, 200);
}

#[tokio::test]
async fn several_messages_go_at_once() {
    let sandbox = relaxed().await;
    let (mut socket, _) = listening(&sandbox).await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(text(&rest.say(&general, json!({ "content": "x" })).await, "id").to_owned());
    }
    sandbox.delete_messages(&general, &[&ids[0], &ids[2], "1"]);
    let gone = socket.event("MESSAGE_DELETE_BULK").await;
    assert_eq!((&gone["ids"], &gone["channel_id"]), (&json!([ids[0], ids[2]]), &json!(general)));
    assert_eq!(sandbox.view("maya").unwrap().messages("general").len(), 1);
}
