//! Members and bans: what a bot may do to whom, and what it hears.

use chrono::{DateTime, TimeDelta};
use discord_sandbox::{BotSpec, Options, RateLimits, Sandbox, UserSpec, World};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{INTENTS, LIMIT, Rest, Socket, channel, start, text};

const KICK_MEMBERS: u64 = 1 << 1;
const BAN_MEMBERS: u64 = 1 << 2;
const MANAGE_GUILD: u64 = 1 << 5;
const VIEW_CHANNEL: u64 = 1 << 10;
const MANAGE_NICKNAMES: u64 = 1 << 27;
const MANAGE_ROLES: u64 = 1 << 28;
const MODERATE_MEMBERS: u64 = 1 << 40;
/// GUILD_MEMBERS and GUILD_MODERATION.
const MODERATION: u64 = INTENTS | 1 << 1 | 1 << 2;

/// A sandbox whose bot has these permissions and privileged intents, the path of its guild, and
/// the bot's connection.
async fn moderated(permissions: u64) -> (Sandbox, String, Rest, Socket) {
    let sandbox = start(Options {
        rate_limits: RateLimits::Relaxed,
        interaction_deadline: LIMIT,
        privileged_intents: true,
        ..Options::default()
    })
    .await;
    sandbox.set_role_permissions("bot", permissions | VIEW_CHANNEL);
    let guild = format!("/guilds/{}", sandbox.addresses().guild_id);
    let rest = Rest::of(&sandbox);
    let (socket, _) = Socket::ready(&sandbox, MODERATION).await;
    (sandbox, guild, rest, socket)
}

fn id(sandbox: &Sandbox, name: &str) -> String {
    sandbox.addresses().user_id(name).unwrap().to_owned()
}

#[tokio::test]
async fn members_are_listed_in_pages_to_those_who_may_see_them() {
    let (_sandbox, guild, rest, _) = moderated(0).await;
    let (_, all) = rest.get(&format!("{guild}/members?limit=1000")).await;
    assert_eq!(all.as_array().unwrap().len(), 4);
    let (_, first) = rest.get(&format!("{guild}/members")).await;
    assert_eq!(first, json!([all[0]]));
    let after = text(&all[1]["user"], "id");
    let (_, rest_of) = rest.get(&format!("{guild}/members?limit=10&after={after}")).await;
    assert_eq!(rest_of, json!([all[2], all[3]]));
    assert_eq!(rest.get(&format!("{guild}/members?limit=0")).await.1["code"], 50035);
    let unprivileged = crate::common::relaxed().await;
    let path = format!("/guilds/{}/members", unprivileged.addresses().guild_id);
    assert_eq!(Rest::of(&unprivileged).get(&path).await.1["code"], 50001);
}

#[tokio::test]
async fn nicks_and_time_outs_change_whom_the_bot_stands_above() {
    let (sandbox, guild, rest, mut socket) = moderated(MANAGE_NICKNAMES | MODERATE_MEMBERS).await;
    let sven = format!("{guild}/members/{}", id(&sandbox, "sven"));
    let (status, edited) = rest.patch(&sven, json!({ "nick": "Sunny" })).await;
    assert_eq!((status, &edited["nick"]), (200, &json!("Sunny")));
    assert_eq!(socket.event("GUILD_MEMBER_UPDATE").await["nick"], "Sunny");
    assert_eq!(rest.patch(&sven, json!({ "nick": "x".repeat(33) })).await.1["code"], 50035);
    for above in ["maya", "jonas"] {
        let path = format!("{guild}/members/{}", id(&sandbox, above));
        assert_eq!(rest.patch(&path, json!({ "nick": "x" })).await.1["code"], 50013, "{above}");
    }
    let until = "communication_disabled_until";
    let (status, edited) = rest.patch(&sven, json!({ until: "2999-01-01T00:00:00Z" })).await;
    assert_eq!((status, &edited["code"]), (400, &json!(50035)));
    let joined = rest.get(&sven).await.1["joined_at"].as_str().unwrap().to_owned();
    let joined = DateTime::parse_from_rfc3339(&joined).unwrap();
    let soon = (joined + TimeDelta::days(2)).to_rfc3339();
    let (status, edited) = rest.patch(&sven, json!({ until: soon })).await;
    assert_eq!(status, 200, "{edited}");
    let general = channel(&sandbox, "general");
    assert!(!sandbox.user("sven").unwrap().message(&general, "hm").await.ok);
    let view = sandbox.user("maya").unwrap().view();
    let members = view.guilds[0]["members"].as_array().unwrap();
    assert!(members.iter().any(|m| m["timed_out"] == true && m["nick"] == "Sunny"));
    assert_eq!(rest.patch(&sven, json!({ until: null })).await.0, 200);
    assert!(sandbox.user("sven").unwrap().message(&general, "again").await.ok);
    // The own nick needs another permission, which everybody has.
    let own = format!("{guild}/members/@me");
    assert_eq!(rest.patch(&own, json!({ "nick": "Robot" })).await.1["nick"], "Robot");
}

#[tokio::test]
async fn a_kick_and_a_ban_are_told_and_keep_people_out() {
    let (sandbox, guild, rest, mut socket) = moderated(KICK_MEMBERS | BAN_MEMBERS).await;
    let sven = id(&sandbox, "sven");
    assert_eq!(rest.delete(&format!("{guild}/members/{sven}")).await.0, 204);
    assert_eq!(socket.event("GUILD_MEMBER_REMOVE").await["user"]["id"], sven);
    assert_eq!(rest.get(&format!("{guild}/members/{sven}")).await.1["code"], 10007);
    sandbox.set_member("sven", true);
    let general = channel(&sandbox, "general");
    sandbox.user("sven").unwrap().message(&general, "spam").await;
    let ban = format!("{guild}/bans/{sven}");
    assert_eq!(rest.get(&ban).await.1["code"], 10026);
    let body = json!({ "delete_message_seconds": 3600 });
    assert_eq!(rest.call(Method::PUT, &ban, body).await.0, 204);
    socket.event("MESSAGE_DELETE_BULK").await;
    assert_eq!(socket.event("GUILD_BAN_ADD").await["user"]["id"], sven);
    assert_eq!(socket.event("GUILD_MEMBER_REMOVE").await["user"]["id"], sven);
    sandbox.set_member("sven", true);
    assert_eq!(rest.get(&format!("{guild}/members/{sven}")).await.1["code"], 10007);
    assert_eq!(rest.get(&format!("{guild}/bans")).await.1[0]["user"]["id"], sven);
    assert_eq!(rest.delete(&ban).await.0, 204);
    assert_eq!(socket.event("GUILD_BAN_REMOVE").await["user"]["id"], sven);
    assert_eq!(rest.delete(&ban).await.1["code"], 10026);
    for above in ["maya", "jonas"] {
        let path = format!("{guild}/bans/{}", id(&sandbox, above));
        let (_, refused) = rest.call(Method::PUT, &path, json!({})).await;
        assert_eq!(refused["code"], 50013, "{above}");
    }
}

#[tokio::test]
async fn a_bulk_ban_tells_who_was_banned() {
    let (sandbox, guild, rest, _socket) = moderated(BAN_MEMBERS).await;
    let [maya, sven] = ["maya", "sven"].map(|name| id(&sandbox, name));
    let path = format!("{guild}/bulk-ban");
    let body = json!({ "user_ids": [maya, sven, "1"] });
    assert_eq!(rest.post(&path, body.clone()).await.1["code"], 50013);
    sandbox.set_role_permissions("bot", BAN_MEMBERS | MANAGE_GUILD | VIEW_CHANNEL);
    let (status, done) = rest.post(&path, body).await;
    assert_eq!((status, &done["banned_users"]), (200, &json!([sven])));
    assert_eq!(done["failed_users"], json!([maya, "1"]));
    assert_eq!(rest.post(&path, json!({ "user_ids": [maya] })).await.1["code"], 500_000);
}

#[tokio::test]
async fn roles_are_given_below_the_own_role_only() {
    let (sandbox, guild, rest, mut socket) = moderated(MANAGE_ROLES).await;
    let (sven, role) = (id(&sandbox, "sven"), sandbox.addresses().role_id("Approvers").unwrap());
    let path = format!("{guild}/members/{sven}/roles/{role}");
    let put = |path: String| {
        let rest = rest.clone();
        async move { rest.call(Method::PUT, &path, Value::Null).await }
    };
    assert_eq!(put(path.clone()).await.1["code"], 50013);
    sandbox.set_role_position("bot", 2);
    assert_eq!(put(path.clone()).await.0, 204);
    assert_eq!(socket.event("GUILD_MEMBER_UPDATE").await["roles"], json!([role]));
    assert_eq!(rest.delete(&path).await.0, 204);
    assert_eq!(socket.event("GUILD_MEMBER_UPDATE").await["roles"], json!([]));
    let unknown = format!("{guild}/members/{sven}/roles/1");
    assert_eq!(put(unknown).await.1["code"], 10011);
    let member = format!("{guild}/members/{sven}");
    let (status, edited) = rest.patch(&member, json!({ "roles": [role] })).await;
    assert_eq!((status, &edited["roles"]), (200, &json!([role])));
}

#[tokio::test]
async fn the_audit_log_tells_who_did_it_and_why() {
    let (sandbox, guild, rest, _socket) = moderated(KICK_MEMBERS | 1 << 7).await;
    let sven = id(&sandbox, "sven");
    let path = format!("{guild}/members/{sven}");
    let request = rest.request(Method::DELETE, &path).header("x-audit-log-reason", "Too%20loud");
    assert_eq!(request.send().await.unwrap().status(), 204);
    let (_, log) = rest.get(&format!("{guild}/audit-logs")).await;
    let entry = &log["audit_log_entries"][0];
    assert_eq!((&entry["action_type"], &entry["target_id"]), (&json!(20), &json!(sven)));
    assert_eq!(entry["user_id"], sandbox.addresses().application_id.as_str());
    assert_eq!(entry["reason"], "Too loud");
}

/// GUILD_MEMBERS and GUILD_PRESENCES.
const MEMBERS: u64 = INTENTS | 1 << 1 | 1 << 8;

/// A guild of so many people, and a bot that hears of them.
async fn crowded(people: usize) -> (Sandbox, Socket) {
    let users = (0..people).map(|n| UserSpec::new(&format!("person{n}")));
    let world = World { users: users.collect(), ..World::default() };
    let sandbox = start(Options {
        rate_limits: RateLimits::Relaxed,
        privileged_intents: true,
        world,
        ..Options::default()
    })
    .await;
    let (socket, _) = Socket::ready(&sandbox, MEMBERS).await;
    (sandbox, socket)
}

async fn chunk(socket: &mut Socket, sandbox: &Sandbox, mut data: Value) -> Value {
    data["guild_id"] = json!(sandbox.addresses().guild_id);
    socket.send(json!({ "op": 8, "d": data })).await;
    socket.event("GUILD_MEMBERS_CHUNK").await
}

#[tokio::test]
async fn all_members_come_in_chunks_of_a_thousand() {
    let (sandbox, mut socket) = crowded(1_001).await;
    let all = json!({ "query": "", "limit": 0, "nonce": "n", "presences": true });
    let first = chunk(&mut socket, &sandbox, all).await;
    assert_eq!((&first["chunk_index"], &first["chunk_count"]), (&json!(0), &json!(2)));
    assert_eq!((first["members"].as_array().unwrap().len(), &first["nonce"]), (1_000, &json!("n")));
    assert_eq!(first["presences"].as_array().unwrap().len(), 1_000);
    let second = socket.event("GUILD_MEMBERS_CHUNK").await;
    assert_eq!(
        (&second["chunk_index"], second["members"].as_array().unwrap().len()),
        (&json!(1), 2)
    );

    let query = json!({ "query": "person1", "limit": 0, "nonce": "n".repeat(33) });
    let found = chunk(&mut socket, &sandbox, query).await;
    assert_eq!(found["members"].as_array().unwrap().len(), 100);
    assert_eq!(found.get("nonce"), None);
    assert_eq!(found.get("presences"), None);
    let one = id(&sandbox, "person7");
    let found = chunk(&mut socket, &sandbox, json!({ "user_ids": [one, "1"] })).await;
    assert_eq!(found["members"][0]["user"]["username"], "person7");
    assert_eq!(found["not_found"], json!(["1"]));
}

#[tokio::test]
async fn statuses_of_people_and_bots_are_told() {
    let helper = BotSpec { privileged_intents: true, ..BotSpec::new("helper", &["Workshop"]) };
    let world = World { more_bots: vec![helper], ..World::default() };
    let options = Options { privileged_intents: true, world, ..Options::default() };
    let sandbox = start(options).await;
    let (mut socket, _) = Socket::ready(&sandbox, MEMBERS).await;
    let guild = socket.event("GUILD_CREATE").await;
    // The people and the bot itself; the other bot is not connected.
    assert_eq!(guild["presences"].as_array().unwrap().len(), 4);
    sandbox.set_status("sven", "idle");
    let heard = socket.event("PRESENCE_UPDATE").await;
    assert_eq!(
        (&heard["user"]["id"], &heard["status"]),
        (&json!(id(&sandbox, "sven")), &json!("idle"))
    );
    let (mut other, _) = Socket::ready_bot(&sandbox, "helper", INTENTS).await;
    assert_eq!(socket.event("PRESENCE_UPDATE").await["status"], "online");
    let activities = json!([{ "name": "the kettle", "type": 3 }]);
    let data = json!({ "since": null, "activities": activities, "status": "dnd", "afk": false });
    other.send(json!({ "op": 3, "d": data })).await;
    let heard = socket.event("PRESENCE_UPDATE").await;
    assert_eq!((&heard["status"], &heard["activities"]), (&json!("dnd"), &activities));
    let view = sandbox.user("maya").unwrap().view();
    let members = view.guilds[0]["members"].as_array().unwrap();
    assert!(members.iter().any(|m| m["user"]["username"] == "sven" && m["status"] == "idle"));
    other.send(json!({ "op": 3, "d": { "status": "asleep" } })).await;
    assert_eq!(other.closed().await, Some(4002));
}
