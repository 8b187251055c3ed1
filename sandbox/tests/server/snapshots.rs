//! A world that is added to while it runs, and put back.

use discord_sandbox::{
    ChannelSpec, Effect, Fault, Match, Options, OverwriteSpec, RoleSpec, Sandbox, Subject, UserSpec,
};
use reqwest::Client;
use serde_json::{Value, json};

use crate::common::{
    INTENTS, LIMIT, Rest, Socket, channel, invalid_session, register, relaxed, start, text,
};

/// With GUILD_MEMBERS.
const MEMBERS: u64 = INTENTS | 1 << 1;

/// Bit of SEND_MESSAGES.
const SEND_MESSAGES: u64 = 1 << 11;

async fn control(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> (u16, Value) {
    let url = format!("{}_sandbox/{path}", sandbox.addresses().page);
    let mut request = Client::new().request(method.parse().unwrap(), url);
    if !body.is_null() {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn post(sandbox: &Sandbox, path: &str, body: Value) -> Value {
    let (status, answer) = control(sandbox, "POST", path, body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn attentive() -> Sandbox {
    start(Options { privileged_intents: true, ..Options::default() }).await
}

#[tokio::test]
async fn what_is_added_is_there_for_people_and_bots() {
    let sandbox = attentive().await;
    let (mut socket, _) = Socket::ready(&sandbox, MEMBERS).await;
    socket.event("GUILD_CREATE").await;

    let crew = sandbox.add_role(None, &RoleSpec::new("Crew")).unwrap();
    let heard = socket.event("GUILD_ROLE_CREATE").await;
    assert_eq!((&heard["role"]["id"], &heard["role"]["name"]), (&json!(crew), &json!("Crew")));
    assert_eq!(heard["guild_id"], sandbox.addresses().guild_id.as_str());

    let user = UserSpec { roles: vec!["Crew".to_owned()], ..UserSpec::new("olga") };
    let olga = sandbox.add_user(&user).unwrap();
    let heard = socket.event("GUILD_MEMBER_ADD").await;
    assert_eq!((&heard["user"]["id"], &heard["roles"]), (&json!(olga), &json!([crew])));

    let mut staff = ChannelSpec::new("staff");
    staff.overwrites.push(OverwriteSpec::deny(Subject::role("@everyone"), SEND_MESSAGES));
    staff.overwrites.push(OverwriteSpec::allow(Subject::role("Crew"), SEND_MESSAGES));
    let staff = sandbox.add_channel(None, &staff).unwrap();
    let heard = socket.event("CHANNEL_CREATE").await;
    assert_eq!((&heard["id"], &heard["name"]), (&json!(staff), &json!("staff")));

    let person = sandbox.user("olga").unwrap();
    assert!(person.message(&staff, "my shift").await.ok);
    assert_eq!(socket.event("MESSAGE_CREATE").await["author"]["id"], olga.as_str());
    assert!(!sandbox.user("sven").unwrap().message(&staff, "mine").await.ok);
    assert!(person.dm_with_bot().is_some());
    let (_, addresses) = control(&sandbox, "GET", "addresses", Value::Null).await;
    assert_eq!(
        [&addresses["users"]["olga"], &addresses["roles"]["Crew"], &addresses["channels"]["staff"]],
        [&json!(olga), &json!(crew), &json!(staff)]
    );
    let transcript = sandbox.transcript(0);
    assert!(transcript.contains("olga in #staff: \"my shift\""), "{transcript}");
}

#[tokio::test]
async fn a_hidden_channel_is_added_without_a_word_to_the_bot() {
    let sandbox = attentive().await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let hidden = json!({ "channel": { "name": "vault", "bot": "hidden" } });
    post(&sandbox, "add_channel", hidden).await;
    post(&sandbox, "add_channel", json!({ "channel": { "name": "open" } })).await;
    assert_eq!(socket.event("CHANNEL_CREATE").await["name"], "open");
}

#[tokio::test]
async fn what_contradicts_the_world_is_not_added() {
    let sandbox = relaxed().await;
    for (path, body, words) in [
        ("add_user", json!({ "name": "maya" }), "two accounts are named maya"),
        ("add_user", json!({ "name": "bot" }), "two accounts are named bot"),
        ("add_user", json!({ "name": "olga", "roles": ["Crew"] }), "Crew, which does not exist"),
        ("add_user", json!({ "nick": "olga" }), "unknown field"),
        ("add_role", json!({ "role": { "name": "Approvers" } }), "two roles are named Approvers"),
        ("add_role", json!({ "guild": "Nowhere", "role": { "name": "A" } }), "no guild Nowhere"),
        ("add_channel", json!({ "channel": { "name": "general" } }), "two channels are named"),
        ("restore", json!({ "id": "7" }), "there is no snapshot 7"),
        ("restore", json!({ "id": "0" }), "there is no snapshot 0"),
    ] {
        let (status, answer) = control(&sandbox, "POST", path, body).await;
        assert_eq!(status, 400, "{path} {answer}");
        assert!(text(&answer, "error").contains(words), "{answer}");
    }
    assert!(sandbox.user("olga").is_none(), "nobody is half added");
}

#[tokio::test]
async fn a_reset_leaves_nothing_but_the_founding() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    register(&sandbox, json!([{ "name": "ping", "description": "d" }])).await;
    let message = rest.say(&general, json!({ "content": "before" })).await;
    post(&sandbox, "add_user", json!({ "name": "olga" })).await;
    let olga = sandbox.user("olga").unwrap();
    sandbox.close_dms("maya", true);
    let fault = Fault { times: 0, ..Fault::once(Match::default(), Effect::status(503)) };
    sandbox.fault(fault);
    let (mut socket, ready) = Socket::ready(&sandbox, INTENTS).await;
    socket.event("GUILD_CREATE").await;
    let last = sandbox.journal(0).last().map(|entry| entry.n);

    post(&sandbox, "reset", Value::Null).await;
    assert_eq!(socket.payload().await, invalid_session());
    assert!(sandbox.journal(0).is_empty());
    assert!(sandbox.faults().is_empty());
    assert_eq!(sandbox.gateway_sessions(), 0);
    let path = format!("/channels/{general}/messages/{}", text(&message, "id"));
    assert_eq!(rest.get(&path).await.1["code"], 10008);
    assert!(sandbox.journal(0)[0].n > last.unwrap(), "the numbers go on");
    let maya = sandbox.view("maya").unwrap();
    assert!(maya.commands.is_empty() && maya.messages("general").is_empty());
    assert_eq!(maya.me["dms_closed"], false);
    assert!(sandbox.user("olga").is_none());
    assert!(olga.view().channels.is_empty());
    assert!(!olga.message(&general, "still here?").await.ok);

    // The old session is gone; on the same connection a new one begins, in the same guild.
    socket
        .send(json!({ "op": 6, "d": {
            "token": sandbox.addresses().token, "session_id": ready["session_id"], "seq": 1,
        } }))
        .await;
    assert_eq!(socket.payload().await, invalid_session());
    socket.identify(&sandbox.addresses().token, INTENTS).await;
    let again = socket.event("READY").await;
    assert_eq!(again["guilds"], ready["guilds"]);
    assert_ne!(again["session_id"], ready["session_id"]);
}

#[tokio::test]
async fn a_snapshot_is_restored_as_often_as_wanted() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let rest = Rest::of(&sandbox);
    register(&sandbox, json!([{ "name": "ping", "description": "d" }])).await;
    let kept = rest.say(&general, json!({ "content": "kept" })).await;
    let id = text(&post(&sandbox, "snapshot", Value::Null).await, "id").to_owned();
    let empty = {
        sandbox.reset();
        sandbox.snapshot()
    };
    for _ in 0..2 {
        let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
        socket.event("GUILD_CREATE").await;
        rest.say(&general, json!({ "content": "lost" })).await;
        sandbox.delete_channel(&channel(&sandbox, "web-shop"));
        post(&sandbox, "restore", json!({ "id": id })).await;
        while socket.payload().await != invalid_session() {}
        let maya = sandbox.view("maya").unwrap();
        let contents: Vec<_> = maya.messages("general").iter().map(|m| &m["content"]).collect();
        assert_eq!(contents, ["kept"]);
        assert_eq!(maya.messages("general")[0]["id"], kept["id"]);
        assert!(maya.channel("web-shop").is_some());
        assert_eq!(maya.commands[0]["name"], "ping");
        socket.identify(&sandbox.addresses().token, INTENTS).await;
        let guild = socket.event("GUILD_CREATE").await;
        let names = guild["channels"].as_array().unwrap().iter().map(|c| text(c, "name"));
        assert!(names.into_iter().any(|name| name == "web-shop"));
    }
    sandbox.restore(&empty).unwrap();
    assert!(sandbox.view("maya").unwrap().messages("general").is_empty());
}

#[tokio::test]
async fn what_was_under_way_ends_with_its_world() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    register(&sandbox, json!([{ "name": "ping", "description": "d" }])).await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let (maya, place) = (sandbox.user("maya").unwrap(), general.clone());
    let used = tokio::spawn(async move { maya.command(&place, "ping", json!({})).await });
    let interaction = socket.event("INTERACTION_CREATE").await;

    sandbox.fault(Fault::once(Match::default(), Effect::HoldRequest));
    let (rest, place) = (Rest::of(&sandbox), general.clone());
    let held = tokio::spawn(async move {
        let path = format!("/channels/{place}/messages");
        rest.post(&path, json!({ "content": "from before" })).await
    });
    let waits = |sandbox: &Sandbox| (sandbox.held_requests() == 1).then_some(());
    sandbox.wait_for("the request to be held", LIMIT, waits).await.unwrap();

    sandbox.reset();
    assert!(!used.await.unwrap().ok);
    assert_eq!(held.await.unwrap().0, 503);
    assert!(sandbox.view("maya").unwrap().messages("general").is_empty());
    let late = json!({ "type": 4, "data": { "content": "pong" } });
    assert_eq!(Rest::of(&sandbox).respond(&interaction, late).await.1["code"], 10062);
}
