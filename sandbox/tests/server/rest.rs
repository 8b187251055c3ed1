//! REST as a bot's library meets it: what is accepted, what is refused, and in which words.

use discord_sandbox::{BotAccess, Options, Reason, UserSpec, World};
use reqwest::{Client, Method, multipart};
use serde_json::{Value, json};

use crate::common::{LIMIT, Rest, channel, relaxed, start, text};

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let sandbox = relaxed().await;
    let url = format!("{}/v10/users/@me", sandbox.addresses().rest);
    for token in ["", "Bot wrong", &sandbox.addresses().token] {
        let request = Client::new().get(&url).header("authorization", token);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body, json!({ "message": "401: Unauthorized", "code": 0 }));
    }
}

#[tokio::test]
async fn the_bot_finds_itself_and_its_surroundings() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let addresses = sandbox.addresses();
    let guild = &addresses.guild_id;
    let (_, me) = rest.get("/users/@me").await;
    assert_eq!(me["id"], addresses.application_id.as_str());
    assert_eq!(me["bot"], true);
    let (_, application) = rest.get("/oauth2/applications/@me").await;
    assert_eq!(application["owner"]["username"], "maya");
    assert_eq!(application["interactions_endpoint_url"], Value::Null);
    let (_, gateway) = rest.get("/gateway/bot").await;
    assert_eq!(gateway["url"], addresses.gateway.as_str());
    let (_, channels) = rest.get(&format!("/guilds/{guild}/channels")).await;
    assert_eq!(channels.as_array().unwrap().len(), 5);
    let jonas = addresses.user_id("jonas").unwrap();
    let (_, member) = rest.get(&format!("/guilds/{guild}/members/{jonas}")).await;
    let (_, roles) = rest.get(&format!("/guilds/{guild}/roles")).await;
    let approvers = roles.as_array().unwrap().iter().find(|r| r["name"] == "Approvers");
    assert_eq!(member["roles"][0], approvers.unwrap()["id"]);
    let search = format!("/guilds/{guild}/members/search?query=MAY&limit=5");
    assert_eq!(rest.get(&search).await.1[0]["user"]["username"], "maya");
}

#[tokio::test]
async fn what_does_not_exist_is_refused_with_its_own_code() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    for (path, status, code) in [
        ("/nowhere".to_owned(), 404, 0),
        ("/channels/1".to_owned(), 404, 10003),
        ("/guilds/1".to_owned(), 404, 10004),
        ("/users/1".to_owned(), 404, 10013),
        (format!("/channels/{general}/messages/1"), 404, 10008),
        (format!("/channels/{}", channel(&sandbox, "locked")), 403, 50001),
        ("/channels/abc".to_owned(), 400, 50035),
    ] {
        let (got, body) = rest.get(&path).await;
        assert_eq!((got, &body["code"]), (status, &json!(code)), "{path}: {body}");
    }
    let (status, body) = rest.post("/interactions/1/x/callback", json!({ "type": 4 })).await;
    assert_eq!((status, &body["code"]), (404, &json!(10062)));
    let webhook = format!("/webhooks/{}/nonsense", sandbox.addresses().application_id);
    let (status, body) = rest.post(&webhook, json!({ "content": "x" })).await;
    assert_eq!((status, &body["code"]), (401, &json!(50027)));
}

#[tokio::test]
async fn a_message_lives() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let path = format!("/channels/{general}/messages");
    let first = rest.say(&general, json!({ "content": "one", "nonce": "n-1" })).await;
    assert_eq!(first["nonce"], "n-1");
    let id = text(&first, "id");
    assert!(rest.get(&format!("{path}/{id}")).await.1["nonce"].is_null());
    let second = rest
        .say(&general, json!({ "content": "two", "message_reference": { "message_id": id } }))
        .await;
    assert_eq!(second["type"], 19);
    assert_eq!(second["referenced_message"]["content"], "one");

    let (_, listed) = rest.get(&path).await;
    let contents: Vec<_> = listed.as_array().unwrap().iter().map(|m| &m["content"]).collect();
    assert_eq!(contents, ["two", "one"], "newest first");
    let (_, after) = rest.get(&format!("{path}?after={id}&limit=1")).await;
    assert_eq!(after[0]["content"], "two");
    let (_, before) = rest.get(&format!("{path}?before={}", text(&second, "id"))).await;
    assert_eq!(before[0]["content"], "one");
    assert_eq!(rest.get(&format!("{path}?limit=101")).await.0, 400);

    let (status, edited) = rest
        .patch(&format!("{path}/{id}"), json!({ "content": "uno", "embeds": [{ "title": "t" }] }))
        .await;
    assert_eq!(status, 200);
    assert_eq!(edited["content"], "uno");
    assert!(edited["edited_timestamp"].is_string());
    let (_, kept) = rest.patch(&format!("{path}/{id}"), json!({ "content": "eins" })).await;
    assert_eq!(kept["embeds"][0]["title"], "t");
    assert_eq!(sandbox.view("sven").unwrap().messages("general")[0]["content"], "eins");

    assert_eq!(rest.delete(&format!("{path}/{id}")).await.0, 204);
    assert_eq!(
        rest.patch(&format!("{path}/{id}"), json!({ "content": "x" })).await.1["code"],
        10008
    );
    assert_eq!(sandbox.view("sven").unwrap().messages("general").len(), 1);
}

#[tokio::test]
async fn others_messages_are_out_of_reach() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let maya = sandbox.user("maya").unwrap();
    let outcome = maya.message(&general, "mine").await;
    let path = format!("/channels/{general}/messages/{}", text(&outcome.message.unwrap(), "id"));
    assert_eq!(rest.patch(&path, json!({ "content": "x" })).await.1["code"], 50005);
    assert_eq!(rest.delete(&path).await.1["code"], 50013);
}

#[tokio::test]
async fn access_decides_what_the_bot_may_do() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let path = format!("/channels/{general}/messages");
    sandbox.set_bot_access(&general, BotAccess::ReadOnly);
    let (status, body) = rest.post(&path, json!({ "content": "x" })).await;
    assert_eq!((status, &body["code"]), (403, &json!(50013)));
    assert_eq!(rest.get(&path).await.0, 200);
    sandbox.set_bot_access(&general, BotAccess::Hidden);
    assert_eq!(rest.get(&path).await.1["code"], 50001);
    sandbox.delete_channel(&general);
    assert_eq!(rest.get(&path).await.1["code"], 10003);
}

#[tokio::test]
async fn direct_messages_can_be_refused() {
    let mut world = World::default();
    let mut outsider = UserSpec::new("olga");
    outsider.member = false;
    world.users.push(outsider);
    let sandbox = start(Options { world, ..Options::default() }).await;
    let rest = Rest::of(&sandbox);
    let open = |name: &str| json!({ "recipient_id": sandbox.addresses().user_id(name).unwrap() });
    let (status, dm) = rest.post("/users/@me/channels", open("jonas")).await;
    assert_eq!((status, &dm["type"]), (200, &json!(1)));
    assert_eq!(dm["recipients"][0]["username"], "jonas");
    let dm = text(&dm, "id").to_owned();
    rest.say(&dm, json!({ "content": "psst" })).await;
    let view = sandbox.view("jonas").unwrap();
    assert_eq!(view.notifications[0].reason, Reason::Dm);
    assert_eq!(view.dm().unwrap().messages[0]["content"], "psst");
    assert!(sandbox.view("maya").unwrap().notifications.is_empty());

    sandbox.close_dms("jonas", true);
    let path = format!("/channels/{dm}/messages");
    assert_eq!(rest.post(&path, json!({ "content": "x" })).await.1["code"], 50007);
    assert_eq!(rest.post("/users/@me/channels", open("olga")).await.1["code"], 50278);
    let nobody = json!({ "recipient_id": "1" });
    assert_eq!(rest.post("/users/@me/channels", nobody).await.1["code"], 50033);
}

#[tokio::test]
async fn commands_are_checked_and_completed() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let application = &sandbox.addresses().application_id;
    let path =
        format!("/applications/{application}/guilds/{}/commands", sandbox.addresses().guild_id);
    let command = |name: &str| json!({ "name": name, "description": "d" });
    let (status, put) = rest.call(Method::PUT, &path, json!([command("a"), command("b")])).await;
    assert_eq!(status, 200);
    assert_eq!(put[0]["type"], 1);
    assert_eq!(put[0]["application_id"], application.as_str());
    let (_, again) = rest.call(Method::PUT, &path, json!([command("b")])).await;
    assert_eq!(again[0]["id"], put[1]["id"], "a name that stays keeps its id");
    let (status, _) = rest.post(&path, command("c")).await;
    assert_eq!(status, 201);
    assert_eq!(rest.get(&path).await.1.as_array().unwrap().len(), 2);

    let optional = json!({ "type": 3, "name": "o", "description": "d" });
    let required = json!({ "type": 3, "name": "r", "description": "d", "required": true });
    let mut disordered = command("d");
    disordered["options"] = json!([optional, required]);
    for wrong in [command("Upper"), json!({ "name": "x" }), disordered] {
        assert_eq!(rest.post(&path, wrong).await.1["code"], 50035);
    }
    let twice = json!([command("a"), command("a")]);
    assert_eq!(rest.call(Method::PUT, &path, twice).await.0, 400);
    assert_eq!(rest.get(&path).await.1.as_array().unwrap().len(), 2, "nothing changed");
}

#[tokio::test]
async fn an_enforced_nonce_posts_once() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let body = json!({ "content": "x", "nonce": "same", "enforce_nonce": true });
    let first = rest.say(&general, body.clone()).await;
    let second = rest.say(&general, body).await;
    assert_eq!(first["id"], second["id"]);
    rest.say(&general, json!({ "content": "x", "nonce": "same" })).await;
    assert_eq!(sandbox.view("maya").unwrap().messages("general").len(), 2);
}

#[tokio::test]
async fn mentions_honour_what_is_allowed() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let jonas = sandbox.addresses().user_id("jonas").unwrap();
    let content = format!("hey <@{jonas}> and @everyone");
    let open = rest.say(&general, json!({ "content": content })).await;
    assert_eq!(open["mention_everyone"], true);
    assert_eq!(open["mentions"][0]["username"], "jonas");
    let none = json!({ "parse": [] });
    let shut = rest.say(&general, json!({ "content": content, "allowed_mentions": none })).await;
    assert_eq!(shut["mention_everyone"], false);
    assert_eq!(shut["mentions"], json!([]));
    let listed = json!({ "users": [jonas] });
    let some = rest.say(&general, json!({ "content": content, "allowed_mentions": listed })).await;
    assert_eq!(some["mentions"][0]["username"], "jonas");
    let reasons = |name: &str| -> Vec<Reason> {
        let view = sandbox.view(name).unwrap();
        view.notifications.iter().map(|n| n.reason).collect()
    };
    assert_eq!(reasons("jonas"), [Reason::Mention, Reason::Message, Reason::Mention]);
    assert_eq!(reasons("sven"), [Reason::Everyone, Reason::Message, Reason::Message]);
    let view = sandbox.view("sven").unwrap();
    assert_eq!(view.notifications[0].text, "hey @Jonas and @everyone");
}

#[tokio::test]
async fn files_are_kept_and_served() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let path = format!("/channels/{}/messages", channel(&sandbox, "general"));
    let payload = json!({
        "embeds": [{ "image": { "url": "attachment://a.png" } }],
        "attachments": [{ "id": 0, "filename": "a.png", "description": "a picture" }],
    });
    let part = multipart::Part::bytes(b"png".to_vec()).file_name("a.png");
    let form =
        multipart::Form::new().text("payload_json", payload.to_string()).part("files[0]", part);
    let request = rest.request(Method::POST, &path).multipart(form);
    let message: Value = request.send().await.unwrap().json().await.unwrap();
    let attachment = &message["attachments"][0];
    assert_eq!(attachment["description"], "a picture");
    assert_eq!(attachment["content_type"], "image/png");
    assert_eq!(message["embeds"][0]["image"]["url"], attachment["url"]);
    let file = Client::new().get(text(attachment, "url")).send().await.unwrap();
    assert_eq!(file.headers()["x-content-type-options"], "nosniff");
    assert_eq!(file.bytes().await.unwrap(), "png");
    let view = sandbox.view("maya").unwrap();
    assert_eq!(view.notifications[0].text, "sent an attachment");

    let one = format!("{path}/{}", text(&message, "id"));
    let (_, kept) = rest.patch(&one, json!({ "content": "x" })).await;
    assert_eq!(kept["attachments"].as_array().unwrap().len(), 1);
    let (_, gone) = rest.patch(&one, json!({ "attachments": [] })).await;
    assert_eq!(gone["attachments"], json!([]));
    let file = Client::new().get(text(attachment, "url")).send().await.unwrap();
    assert_eq!(file.status(), 404);
}

#[tokio::test]
async fn the_sixth_message_in_five_seconds_is_too_much() {
    let sandbox = start(Options::default()).await;
    let rest = Rest::of(&sandbox);
    let path = format!("/channels/{}/messages", channel(&sandbox, "general"));
    for left in (0..5).rev() {
        let response = rest.send(Method::POST, &path, json!({ "content": "x" })).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["x-ratelimit-remaining"], left.to_string());
        assert!(response.headers().contains_key("x-ratelimit-bucket"));
    }
    let response = rest.send(Method::POST, &path, json!({ "content": "x" })).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["x-ratelimit-scope"], "user");
    assert!(response.headers().contains_key("retry-after"));
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["global"], false);
    assert!(body["retry_after"].as_f64().unwrap() <= 5.0);
    let elsewhere = format!("/channels/{}/messages", channel(&sandbox, "web-shop"));
    assert_eq!(rest.post(&elsewhere, json!({ "content": "x" })).await.0, 200);
}

#[tokio::test]
async fn tls_answers_as_discord() {
    let sandbox = relaxed().await;
    let addresses = sandbox.addresses();
    let authority = std::fs::read(&addresses.ca).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    let address = addresses.tls.strip_prefix("https://").unwrap().parse().unwrap();
    let client = Client::builder()
        .add_root_certificate(authority)
        .resolve("discord.com", address)
        .timeout(LIMIT)
        .build()
        .unwrap();
    let response = client
        .get("https://discord.com/api/v10/users/@me")
        .header("authorization", format!("Bot {}", addresses.token))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_file_may_be_large_but_not_too_large() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let path = format!("/channels/{}/messages", channel(&sandbox, "general"));
    for (megabytes, status) in [(9, 200), (11, 413)] {
        let part = multipart::Part::bytes(vec![b'x'; megabytes << 20]).file_name("log.txt");
        let form = multipart::Form::new().part("files[0]", part);
        let response = rest.request(Method::POST, &path).multipart(form).send().await.unwrap();
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn a_reply_pings_unless_told_otherwise() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let general = channel(&sandbox, "general");
    let question = sandbox.user("maya").unwrap().message(&general, "well?").await.message.unwrap();
    let reference = json!({ "message_id": question["id"] });
    rest.say(&general, json!({ "content": "yes", "message_reference": reference })).await;
    let quiet = json!({ "parse": ["users"] });
    let body =
        json!({ "content": "no", "message_reference": reference, "allowed_mentions": quiet });
    rest.say(&general, body).await;
    let view = sandbox.view("maya").unwrap();
    let reasons: Vec<_> = view.notifications.iter().map(|n| n.reason).collect();
    assert_eq!(reasons, [Reason::Mention, Reason::Message]);
}
