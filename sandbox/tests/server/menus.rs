//! Commands of context menus, and select menus of people, roles and channels.

use discord_sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Answering, Rest, channel, register, relaxed, text};

fn id(sandbox: &Sandbox, user: &str) -> String {
    sandbox.addresses().user_id(user).unwrap().to_owned()
}

#[tokio::test]
async fn a_command_is_used_on_a_message() {
    let sandbox = relaxed().await;
    register(
        &sandbox,
        json!([{ "name": "Ask for a Decision", "type": 3 }, { "name": "ask", "description": "d" }]),
    )
    .await;
    let mut bot =
        Answering::start(&sandbox, |_| json!({ "type": 4, "data": { "content": "asked" } })).await;
    let general = channel(&sandbox, "general");
    let said = sandbox.user("jonas").unwrap().message(&general, "ship it?").await.message.unwrap();
    let outcome =
        sandbox.user("maya").unwrap().context(text(&said, "id"), "Ask for a Decision").await;
    assert_eq!(outcome.content(), "asked", "{outcome:?}");
    let answer = outcome.message.unwrap();
    assert_eq!(answer["type"], 23);
    assert_eq!(answer["interaction_metadata"]["target_message_id"], said["id"]);
    let used = bot.next().await;
    assert_eq!((&used["type"], &used["data"]["type"]), (&json!(2), &json!(3)));
    assert_eq!(used["data"]["name"], "Ask for a Decision");
    assert_eq!(used["data"]["target_id"], said["id"]);
    let target = &used["data"]["resolved"]["messages"][text(&said, "id")];
    assert_eq!(target["content"], "ship it?", "contents come with it, whatever the intents");
    assert_eq!(target["author"]["username"], "jonas");
    assert!(used["data"]["options"].is_null());
    assert_eq!(used["member"]["user"]["username"], "maya");
    assert_eq!(used["channel_id"], general);
}

#[tokio::test]
async fn a_command_is_used_on_a_person() {
    let sandbox = relaxed().await;
    register(&sandbox, json!([{ "name": "Open decisions", "type": 2, "description": "" }])).await;
    let mut bot =
        Answering::start(&sandbox, |_| json!({ "type": 4, "data": { "content": "none" } })).await;
    let jonas = id(&sandbox, "jonas");
    let shop = channel(&sandbox, "web-shop");
    let maya = sandbox.user("maya").unwrap();
    let outcome = maya.context_in(&shop, &jonas, "Open decisions").await;
    assert_eq!(outcome.message.unwrap()["interaction_metadata"]["target_user"]["id"], jonas);
    let used = bot.next().await;
    assert_eq!((&used["data"]["type"], &used["data"]["target_id"]), (&json!(2), &json!(jonas)));
    assert_eq!(used["data"]["resolved"]["users"][&jonas]["username"], "jonas");
    assert!(used["data"]["resolved"]["members"][&jonas]["permissions"].is_string());
    assert_eq!(used["channel_id"], shop);
    assert!(maya.context(&jonas, "Open decisions").await.ok);
    assert_eq!(bot.next().await["channel_id"], channel(&sandbox, "general"));
}

#[tokio::test]
async fn only_what_the_menu_offers_can_be_used() {
    let sandbox = relaxed().await;
    register(
        &sandbox,
        json!([
            { "name": "Ask", "type": 3, "contexts": [0] },
            { "name": "Look", "type": 2 },
            { "name": "Rule", "type": 3, "default_member_permissions": "8" },
        ]),
    )
    .await;
    let general = channel(&sandbox, "general");
    let jonas = sandbox.user("jonas").unwrap();
    let said = jonas.message(&general, "x").await.message.unwrap();
    let dm = jonas.dm_with_bot().unwrap();
    let direct = jonas.message(&dm, "y").await.message.unwrap();
    let (said, direct) = (text(&said, "id"), text(&direct, "id"));
    let maya = sandbox.user("maya").unwrap();
    for (outcome, why) in [
        (jonas.context(said, "ask").await, "registered are: [\"Ask\", \"Rule\"]"),
        (jonas.context(said, "Look").await, "for messages"),
        (jonas.context(&id(&sandbox, "maya"), "Ask").await, "for people"),
        (jonas.context(said, "Rule").await, "no command"),
        (jonas.context(direct, "Ask").await, "no command"),
        (maya.context(direct, "Ask").await, "does not see"),
        (maya.context("1", "Ask").await, "the message 1 does not exist"),
    ] {
        let error = outcome.error.unwrap();
        assert!(!outcome.ok && error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn context_commands_are_listed() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let path = format!("/applications/{}/commands", sandbox.addresses().application_id);
    let (status, made) = rest.post(&path, json!({ "name": "Ask for a Decision", "type": 3 })).await;
    assert_eq!((status, &made["type"], &made["description"]), (201, &json!(3), &json!("")));
    assert!(made["options"].is_null());
    // The same name stands beside it as another kind.
    let (status, _) = rest.post(&path, json!({ "name": "Ask for a Decision", "type": 2 })).await;
    assert_eq!(status, 201);
    assert_eq!(rest.get(&path).await.1.as_array().unwrap().len(), 2);
    for n in 1..15 {
        assert_eq!(rest.post(&path, json!({ "name": format!("M {n}"), "type": 3 })).await.0, 201);
    }
    let (status, full) = rest.post(&path, json!({ "name": "One more", "type": 3 })).await;
    assert_eq!((status, &full["code"]), (400, &json!(30032)));
    let many: Vec<_> = (0..16).map(|n| json!({ "name": format!("M {n}"), "type": 3 })).collect();
    assert_eq!(rest.call(Method::PUT, &path, json!(many)).await.1["code"], 50035);
    let kinds: Vec<_> = sandbox
        .view("maya")
        .unwrap()
        .commands
        .iter()
        .map(|command| command["type"].clone())
        .collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == 3).count(), 15);
}

/// Posts a message with one select menu and returns its id.
async fn menu(sandbox: &Sandbox, channel: &str, menu: Value) -> String {
    let body = json!({ "content": "who?", "components": [{ "type": 1, "components": [menu] }] });
    text(&Rest::of(sandbox).say(channel, body).await, "id").to_owned()
}

#[tokio::test]
async fn people_are_chosen() {
    let sandbox = relaxed().await;
    let mut bot = Answering::start(&sandbox, |_| json!({ "type": 6 })).await;
    let general = channel(&sandbox, "general");
    let (jonas, sven) = (id(&sandbox, "jonas"), id(&sandbox, "sven"));
    let default = json!([{ "type": "user", "id": jonas }]);
    let card = menu(
        &sandbox,
        &general,
        json!({ "type": 5, "custom_id": "who", "max_values": 2, "default_values": default }),
    )
    .await;
    let maya = sandbox.user("maya").unwrap();
    let shown = maya.view().message(&card).unwrap()["components"][0]["components"][0].clone();
    assert_eq!(shown["default_values"], default);
    assert!(maya.select(&card, "who", &[&jonas, &sven]).await.ok);
    let chosen = bot.next().await;
    assert_eq!((&chosen["type"], &chosen["data"]["component_type"]), (&json!(3), &json!(5)));
    assert_eq!(chosen["data"]["values"], json!([jonas, sven]));
    assert_eq!(chosen["data"]["resolved"]["users"][&sven]["username"], "sven");
    assert!(chosen["data"]["resolved"]["members"][&sven]["roles"].is_array());
    assert!(chosen["data"]["resolved"]["roles"].is_null());
    let general_id = general.as_str();
    for wrong in [vec!["1"], vec![general_id], vec![&jonas, &jonas], vec![], vec!["jonas"]] {
        assert!(!maya.select(&card, "who", &wrong).await.ok, "{wrong:?}");
    }
}

#[tokio::test]
async fn roles_and_channels_are_chosen() {
    let sandbox = relaxed().await;
    let mut bot = Answering::start(&sandbox, |_| json!({ "type": 6 })).await;
    let general = channel(&sandbox, "general");
    let maya = sandbox.user("maya").unwrap();
    let roles = maya.view().roles;
    let approvers = roles.iter().find(|role| role["name"] == "Approvers").unwrap();
    let (approvers, jonas) = (text(approvers, "id"), id(&sandbox, "jonas"));

    let card = menu(&sandbox, &general, json!({ "type": 6, "custom_id": "role" })).await;
    assert!(maya.select(&card, "role", &[approvers]).await.ok);
    assert_eq!(bot.next().await["data"]["resolved"]["roles"][approvers]["name"], "Approvers");
    assert!(!maya.select(&card, "role", &[&jonas]).await.ok);

    let card = menu(
        &sandbox,
        &general,
        json!({ "type": 7, "custom_id": "any", "min_values": 0, "max_values": 2 }),
    )
    .await;
    assert!(maya.select(&card, "any", &[approvers, &jonas]).await.ok);
    let resolved = bot.next().await["data"]["resolved"].clone();
    assert!(resolved["roles"][approvers].is_object() && resolved["users"][&jonas].is_object());
    assert!(maya.select(&card, "any", &[]).await.ok);
    assert_eq!(bot.next().await["data"]["values"], json!([]));

    let shop = channel(&sandbox, "web-shop");
    let card =
        menu(&sandbox, &general, json!({ "type": 8, "custom_id": "where", "channel_types": [0] }))
            .await;
    assert!(maya.select(&card, "where", &[&shop]).await.ok);
    let place = bot.next().await["data"]["resolved"]["channels"][&shop].clone();
    assert_eq!((&place["name"], place["permissions"].is_string()), (&json!("web-shop"), true));
    let voice =
        menu(&sandbox, &general, json!({ "type": 8, "custom_id": "where", "channel_types": [2] }))
            .await;
    assert!(!maya.select(&voice, "where", &[&shop]).await.ok);
    assert!(!maya.select(&card, "where", &[&maya.dm_with_bot().unwrap()]).await.ok);
}
