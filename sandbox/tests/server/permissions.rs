//! Permissions in a channel: overwrites of roles and members, the owner, and time-outs.

use std::time::Duration;

use discord_sandbox::{
    BotSpec, ChannelSpec, Options, OverwriteSpec, RateLimits, Sandbox, StartError, Subject, World,
};
use serde_json::json;

use crate::common::{INTENTS, Rest, Socket, channel, relaxed, start, text};

const VIEW_CHANNEL: u64 = 1 << 10;
const SEND_MESSAGES: u64 = 1 << 11;
const READ_MESSAGE_HISTORY: u64 = 1 << 16;

/// A channel named `staff` with these overwrites, in the default world with a second bot.
async fn with(overwrites: Vec<OverwriteSpec>) -> Sandbox {
    let mut world = World::default();
    world.channels.push(ChannelSpec { overwrites, ..ChannelSpec::new("staff") });
    world.more_bots.push(BotSpec::new("helper", &["Workshop"]));
    start(Options { world, rate_limits: RateLimits::Relaxed, ..Options::default() }).await
}

/// Who of the people sees the channel, and who may write in it.
async fn seeing_and_writing(sandbox: &Sandbox) -> (Vec<&'static str>, Vec<&'static str>) {
    let staff = channel(sandbox, "staff");
    let (mut seeing, mut writing) = (Vec::new(), Vec::new());
    for name in ["maya", "jonas", "sven"] {
        let person = sandbox.user(name).unwrap();
        if person.view().channel("staff").is_some() {
            seeing.push(name);
        }
        if person.message(&staff, "hello").await.ok {
            writing.push(name);
        }
    }
    (seeing, writing)
}

#[tokio::test]
async fn a_role_gets_back_what_everyone_lost() {
    let sandbox = with(vec![
        OverwriteSpec::deny(Subject::role("@everyone"), VIEW_CHANNEL),
        OverwriteSpec::allow(Subject::role("Approvers"), VIEW_CHANNEL),
    ])
    .await;
    let (seeing, writing) = seeing_and_writing(&sandbox).await;
    assert_eq!(seeing, ["maya", "jonas"], "the owner, and by the role");
    assert_eq!(writing, seeing);
    let staff = channel(&sandbox, "staff");
    for bot in [Rest::of(&sandbox), Rest::of_bot(&sandbox, "helper")] {
        assert_eq!(bot.get(&format!("/channels/{staff}")).await.1["code"], 50001);
    }
}

#[tokio::test]
async fn a_member_counts_more_than_roles_and_roles_allow_more_than_they_deny() {
    let sandbox = with(vec![
        OverwriteSpec::deny(Subject::role("@everyone"), SEND_MESSAGES),
        OverwriteSpec::allow(Subject::role("Approvers"), SEND_MESSAGES),
        OverwriteSpec::deny(Subject::member("jonas"), SEND_MESSAGES),
        OverwriteSpec::allow(Subject::member("sven"), SEND_MESSAGES),
        // Of the roles of one bot alone: the other keeps what @everyone is left.
        OverwriteSpec::allow(Subject::role("helper"), SEND_MESSAGES),
        OverwriteSpec::deny(Subject::role("bot"), VIEW_CHANNEL),
    ])
    .await;
    let (seeing, writing) = seeing_and_writing(&sandbox).await;
    assert_eq!(seeing, ["maya", "jonas", "sven"]);
    assert_eq!(writing, ["maya", "sven"]);
    let staff = channel(&sandbox, "staff");
    let path = format!("/channels/{staff}/messages");
    let body = json!({ "content": "x" });
    assert_eq!(Rest::of(&sandbox).post(&path, body.clone()).await.1["code"], 50001);
    assert_eq!(Rest::of_bot(&sandbox, "helper").post(&path, body).await.0, 200);
    let object = Rest::of_bot(&sandbox, "helper").get(&format!("/channels/{staff}")).await.1;
    let overwrites = object["permission_overwrites"].as_array().unwrap();
    assert_eq!(overwrites.len(), 6);
    let role = sandbox.addresses().role_id("Approvers").unwrap();
    let allow = SEND_MESSAGES.to_string();
    assert!(
        overwrites.contains(&json!({ "id": role, "type": 0, "allow": allow, "deny": "0" })),
        "{overwrites:?}"
    );
}

#[tokio::test]
async fn who_is_timed_out_looks_and_reads() {
    let sandbox = relaxed().await;
    let general = channel(&sandbox, "general");
    let sven = sandbox.user("sven").unwrap();
    sandbox.time_out("sven", Some(Duration::from_secs(60)));
    let refused = sven.message(&general, "let me").await;
    assert_eq!(refused.error.unwrap(), "you may not write in this channel");
    assert!(sven.view().channel("general").is_some());
    let member = format!(
        "/guilds/{}/members/{}",
        sandbox.addresses().guild_id,
        sandbox.addresses().user_id("sven").unwrap()
    );
    let rest = Rest::of(&sandbox);
    let until = rest.get(&member).await.1;
    assert!(!text(&until, "communication_disabled_until").is_empty());
    sandbox.advance(Duration::from_secs(61));
    assert!(sven.message(&general, "at last").await.ok);

    sandbox.time_out("sven", None);
    assert_eq!(rest.get(&member).await.1["communication_disabled_until"], json!(null));
    // Discord lets nobody time the owner out; here it has no effect.
    sandbox.time_out("maya", Some(Duration::from_secs(60)));
    assert!(sandbox.user("maya").unwrap().message(&general, "still here").await.ok);
}

#[tokio::test]
async fn a_time_out_over_http_is_heard_with_the_intent_for_members() {
    const GUILD_MEMBERS: u64 = 1 << 1;
    let options = Options { privileged_intents: true, ..Options::default() };
    let sandbox = start(options).await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS | GUILD_MEMBERS).await;
    let url = format!("{}_sandbox/world", sandbox.addresses().page);
    let body = json!({ "do": "time_out", "guild": "Workshop", "user": "sven", "seconds": 60 });
    let done = reqwest::Client::new().post(&url).json(&body).send().await.unwrap();
    assert_eq!(done.status(), 200);
    let heard = socket.event("GUILD_MEMBER_UPDATE").await;
    assert_eq!(heard["user"]["username"], "sven");
    assert!(heard["communication_disabled_until"].is_string());
    let body = json!({ "do": "time_out", "guild": "Nowhere", "user": "sven", "seconds": 60 });
    let refused = reqwest::Client::new().post(&url).json(&body).send().await.unwrap();
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn overwrites_that_contradict_themselves_are_refused() {
    let both = OverwriteSpec { of: Subject::role("Approvers"), allow: 1024, deny: 1024 };
    let read = OverwriteSpec::deny(Subject::member("sven"), READ_MESSAGE_HISTORY);
    for overwrites in [
        vec![both],
        vec![read.clone(), read],
        vec![OverwriteSpec::allow(Subject::role("Nobody"), 1024)],
        vec![OverwriteSpec::allow(Subject::member("nobody"), 1024)],
        vec![OverwriteSpec::allow(Subject::member("sven"), 1 << 60)],
    ] {
        let mut world = World::default();
        world.channels.push(ChannelSpec { overwrites, ..ChannelSpec::new("staff") });
        let started = Sandbox::start(Options { world, ..Options::default() }).await;
        assert!(matches!(started, Err(StartError::World(_))), "{started:?}");
    }
}
