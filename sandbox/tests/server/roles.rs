//! Roles: made, changed, sorted and deleted, within what the bot itself may do.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{INTENTS, Rest, Socket, relaxed, text};

const MANAGE_MESSAGES: u64 = 1 << 13;
const MANAGE_ROLES: u64 = 1 << 28;

#[tokio::test]
async fn a_role_is_made_changed_counted_and_deleted() {
    let sandbox = relaxed().await;
    let (rest, roles) = (Rest::of(&sandbox), format!("/guilds/{}/roles", guild(&sandbox)));
    assert_eq!(rest.post(&roles, json!({ "name": "Cooks" })).await.1["code"], 50013);
    sandbox.set_role_permissions("bot", MANAGE_ROLES);
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let body = json!({ "name": "Cooks", "color": 255, "hoist": true, "permissions": "1024" });
    let (status, made) = rest.post(&roles, body).await;
    assert_eq!((status, &made["name"], &made["position"]), (200, &json!("Cooks"), &json!(1)));
    assert_eq!((&made["hoist"], &made["permissions"]), (&json!(true), &json!("1024")));
    assert_eq!(made["colors"]["primary_color"], 255);
    assert_eq!(socket.event("GUILD_ROLE_CREATE").await["role"], made);
    let path = format!("{roles}/{}", text(&made, "id"));
    let (_, edited) = rest.patch(&path, json!({ "name": "Chefs", "mentionable": true })).await;
    assert_eq!((&edited["name"], &edited["color"]), (&json!("Chefs"), &json!(255)));
    assert_eq!(socket.event("GUILD_ROLE_UPDATE").await["role"], edited);
    assert_eq!(rest.get(&path).await.1, edited);
    let approvers = sandbox.addresses().role_id("Approvers").unwrap();
    let (_, counts) = rest.get(&format!("{roles}/member-counts")).await;
    assert_eq!((&counts[approvers], &counts[text(&made, "id")]), (&json!(1), &json!(0)));
    assert_eq!(rest.delete(&path).await.0, 204);
    assert_eq!(socket.event("GUILD_ROLE_DELETE").await["role_id"], made["id"]);
    assert_eq!(rest.get(&path).await.1["code"], 10011);
}

#[tokio::test]
async fn a_bot_gives_no_permission_that_it_lacks() {
    let sandbox = relaxed().await;
    sandbox.set_role_permissions("bot", MANAGE_ROLES);
    let (rest, roles) = (Rest::of(&sandbox), format!("/guilds/{}/roles", guild(&sandbox)));
    let greedy = json!({ "permissions": MANAGE_MESSAGES.to_string() });
    assert_eq!(rest.post(&roles, greedy.clone()).await.1["code"], 50013);
    let (_, made) = rest.post(&roles, json!({ "permissions": "0" })).await;
    assert_eq!(made["name"], "new role");
    let path = format!("{roles}/{}", text(&made, "id"));
    assert_eq!(rest.patch(&path, greedy).await.1["code"], 50013);
    assert_eq!(rest.patch(&path, json!({ "name": "x".repeat(101) })).await.1["code"], 50035);
}

#[tokio::test]
async fn only_roles_below_the_own_one_are_touched() {
    let sandbox = relaxed().await;
    sandbox.set_role_permissions("bot", MANAGE_ROLES);
    let (rest, roles) = (Rest::of(&sandbox), format!("/guilds/{}/roles", guild(&sandbox)));
    let approvers = sandbox.addresses().role_id("Approvers").unwrap();
    let path = format!("{roles}/{approvers}");
    assert_eq!(rest.patch(&path, json!({ "name": "x" })).await.1["code"], 50013);
    assert_eq!(rest.delete(&path).await.1["code"], 50013);
    sandbox.set_role_position("bot", 2);
    let (_, made) = rest.post(&roles, json!({ "name": "Cooks" })).await;
    let up = json!([{ "id": made["id"], "position": 2 }]);
    let (status, sorted) = rest.patch(&roles, up).await;
    assert_eq!(status, 200, "{sorted}");
    let names: Vec<_> = sorted.as_array().unwrap().iter().map(|role| &role["name"]).collect();
    assert_eq!(names, ["@everyone", "Approvers", "Cooks", "bot"]);
    let too_high = json!([{ "id": made["id"], "position": 3 }]);
    assert_eq!(rest.patch(&roles, too_high).await.1["code"], 50013);
    let everyone = format!("{roles}/{}", guild(&sandbox));
    assert_eq!(rest.delete(&everyone).await.1["code"], 50028);
    assert_eq!(rest.call(Method::DELETE, &path, Value::Null).await.0, 204);
    assert_eq!(rest.get(&format!("{roles}/member-counts")).await.1[approvers], Value::Null);
}

fn guild(sandbox: &discord_sandbox::Sandbox) -> String {
    sandbox.addresses().guild_id.clone()
}
