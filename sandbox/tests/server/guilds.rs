//! Several guilds and several bots in one sandbox: what is each one's own.

use discord_sandbox::{
    BotSpec, ChannelSpec, GuildSpec, MemberSpec, Options, RateLimits, RoleSpec, Sandbox,
    StartError, UserSpec, World,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{INTENTS, LIMIT, Rest, Socket, channel, start, text};

/// The default world with a second guild, which both bots are in, and a third one without bots.
fn world() -> World {
    let mut atelier = GuildSpec::new("Atelier", "jonas");
    atelier.roles.push(RoleSpec::new("Painters"));
    atelier.members.push(MemberSpec {
        nick: Some("Sunny".to_owned()),
        roles: vec!["Painters".to_owned()],
        ..MemberSpec::new("sven")
    });
    atelier.channels.push(ChannelSpec::new("easel"));
    let mut cellar = GuildSpec::new("Cellar", "sven");
    cellar.bot = false;
    cellar.channels.push(ChannelSpec::new("shelf"));
    World {
        more_bots: vec![BotSpec::new("helper", &["Workshop", "Atelier"])],
        more_guilds: vec![atelier, cellar],
        ..World::default()
    }
}

async fn two_bots() -> Sandbox {
    start(Options {
        world: world(),
        rate_limits: RateLimits::Relaxed,
        interaction_deadline: LIMIT,
        ..Options::default()
    })
    .await
}

/// What makes a world contradict itself.
type Change = fn(&mut World);

/// Registers a global command for a bot.
async fn register(rest: &Rest, application: &str, name: &str) -> Value {
    let path = format!("/applications/{application}/commands");
    let command = json!([{ "name": name, "description": "Does it" }]);
    let (status, commands) = rest.call(Method::PUT, &path, command).await;
    assert_eq!(status, 200, "{commands}");
    commands
}

/// The next interaction, which is the first event of its kind that a bot gets.
async fn interaction(socket: &mut Socket) -> Value {
    socket.event("INTERACTION_CREATE").await
}

#[tokio::test]
async fn two_bots_have_commands_and_interactions_of_their_own() {
    let sandbox = two_bots().await;
    let general = channel(&sandbox, "general");
    let addresses = sandbox.addresses();
    let (bot, helper) = (&addresses.application_id, addresses.bot("helper").unwrap());
    let (first, second) = (Rest::of(&sandbox), Rest::of_bot(&sandbox, "helper"));
    register(&first, bot, "deploy").await;
    register(&second, &helper.application_id, "deploy").await;
    let foreign = format!("/applications/{bot}/commands");
    let (status, refused) = second.get(&foreign).await;
    assert_eq!((status, &refused["code"]), (403, &json!(20012)));
    let own = second.get(&format!("/applications/{}/commands", helper.application_id)).await.1;
    assert_eq!(own[0]["application_id"], helper.application_id.as_str());
    assert_eq!(own.as_array().unwrap().len(), 1);

    let (mut first_socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let (mut second_socket, ready) = Socket::ready_bot(&sandbox, "helper", INTENTS).await;
    assert_eq!(ready["user"]["username"], "helper");
    let maya = sandbox.user("maya").unwrap();
    let (person, place) = (maya.clone(), general.clone());
    let to_second =
        tokio::spawn(async move { person.command_of("helper", &place, "deploy", json!({})).await });
    let heard = interaction(&mut second_socket).await;
    assert_eq!(heard["application_id"], helper.application_id.as_str());
    let secret = json!({ "type": 4, "data": { "content": "by helper", "flags": 64 } });
    assert_eq!(second.respond(&heard, secret).await.0, 204);
    let outcome = to_second.await.unwrap();
    assert_eq!(outcome.content(), "by helper");
    let message = outcome.message.unwrap();
    assert_eq!(message["author"]["username"], "helper");

    // The ephemeral answer is out of the other bot's reach, in both ways.
    let path = format!("/channels/{general}/messages/{}", text(&message, "id"));
    assert_eq!(first.get(&path).await.1["code"], 10008);
    let token = text(&heard, "token");
    let stolen = format!("/webhooks/{bot}/{token}");
    assert_eq!(first.post(&stolen, json!({ "content": "mine" })).await.1["code"], 50027);

    // The first bot heard of none of it: its first interaction is its own.
    let to_first = tokio::spawn(async move { maya.command(&general, "deploy", json!({})).await });
    let heard = interaction(&mut first_socket).await;
    assert_eq!(heard["application_id"], bot.as_str());
    let answer = json!({ "type": 4, "data": { "content": "by bot" } });
    assert_eq!(first.respond(&heard, answer).await.0, 204);
    assert_eq!(to_first.await.unwrap().content(), "by bot");
    let heard = second_socket.event("MESSAGE_CREATE").await;
    assert_eq!((&heard["author"]["id"], &heard["content"]), (&json!(bot), &json!("")));
}

#[tokio::test]
async fn a_component_asks_the_bot_that_posted_it() {
    let sandbox = two_bots().await;
    let general = channel(&sandbox, "general");
    let (mut socket, _) = Socket::ready_bot(&sandbox, "helper", INTENTS).await;
    let helper = Rest::of_bot(&sandbox, "helper");
    let button = json!({ "type": 2, "style": 1, "label": "b", "custom_id": "go" });
    let rows = json!([{ "type": 1, "components": [button] }]);
    let card = helper.say(&general, json!({ "content": "card", "components": rows })).await;
    let id = text(&card, "id").to_owned();
    let maya = sandbox.user("maya").unwrap();
    let click = tokio::spawn(async move { maya.click(&id, "go").await });
    let heard = interaction(&mut socket).await;
    assert_eq!(helper.respond(&heard, json!({ "type": 6 })).await.0, 204);
    assert!(click.await.unwrap().ok);
    // Another bot's message cannot be edited.
    let path = format!("/channels/{general}/messages/{}", text(&card, "id"));
    let edited = Rest::of(&sandbox).patch(&path, json!({ "content": "mine" })).await.1;
    assert_eq!(edited["code"], 50005);
}

#[tokio::test]
async fn each_bot_has_its_own_direct_message_and_rate_limits() {
    let sandbox = start(Options { world: world(), ..Options::default() }).await;
    let recipient = json!({ "recipient_id": sandbox.addresses().user_id("maya") });
    let (first, second) = (Rest::of(&sandbox), Rest::of_bot(&sandbox, "helper"));
    let path = "/users/@me/channels";
    let one = first.post(path, recipient.clone()).await.1;
    let other = second.post(path, recipient).await.1;
    assert_ne!(one["id"], other["id"]);
    let foreign = format!("/channels/{}/messages", text(&other, "id"));
    assert_eq!(first.get(&foreign).await.1["code"], 50001);
    second.say(text(&other, "id"), json!({ "content": "from helper" })).await;
    let view = sandbox.view("maya").unwrap();
    let direct: Vec<_> = view.channels.iter().filter(|c| c.guild_id.is_none()).collect();
    assert_eq!(direct.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["bot", "helper"]);
    assert!(direct[0].messages.is_empty());
    assert_eq!(direct[1].messages[0]["content"], "from helper");

    let general = channel(&sandbox, "general");
    let messages = format!("/channels/{general}/messages");
    for _ in 0..5 {
        first.say(&general, json!({ "content": "x" })).await;
    }
    assert_eq!(first.post(&messages, json!({ "content": "x" })).await.0, 429);
    second.say(&general, json!({ "content": "x" })).await;
}

#[tokio::test]
async fn a_bot_is_in_two_guilds_and_sees_no_third() {
    let sandbox = two_bots().await;
    let addresses = sandbox.addresses();
    let (atelier, cellar) =
        (addresses.guild("Atelier").unwrap(), addresses.guild("Cellar").unwrap());
    let rest = Rest::of(&sandbox);
    let guilds = rest.get("/users/@me/guilds").await.1;
    let names: Vec<_> = guilds.as_array().unwrap().iter().map(|g| text(g, "name")).collect();
    assert_eq!(names, ["Workshop", "Atelier"]);
    let (mut socket, ready) = Socket::ready(&sandbox, INTENTS).await;
    assert_eq!(ready["guilds"].as_array().unwrap().len(), 2);
    for name in names {
        assert_eq!(socket.event("GUILD_CREATE").await["name"], name);
    }
    let easel = atelier.channels.get("easel").unwrap();
    let sven = sandbox.user("sven").unwrap();
    assert!(sven.message(easel, "hello").await.ok);
    let heard = socket.event("MESSAGE_CREATE").await;
    assert_eq!(heard["guild_id"], atelier.id.as_str());
    assert_eq!(heard["member"]["nick"], "Sunny");
    let member = format!("/guilds/{}/members/{}", atelier.id, text(&heard["author"], "id"));
    let member = rest.get(&member).await.1;
    assert_eq!(member["roles"], json!([atelier.roles.get("Painters").unwrap()]));
    let member = format!("/guilds/{}/members/{}", addresses.guild_id, text(&heard["author"], "id"));
    assert_eq!(rest.get(&member).await.1["roles"], json!([]));

    // Maya is not in the Atelier.
    let maya = sandbox.user("maya").unwrap();
    assert!(!maya.message(easel, "hello").await.ok);
    assert!(maya.view().channel("easel").is_none());
    assert_eq!(sven.view().guilds.len(), 3);

    // No bot is in the Cellar.
    let shelf = cellar.channels.get("shelf").unwrap();
    assert!(sven.message(shelf, "alone").await.ok);
    for (path, status, code) in [
        (format!("/guilds/{}", cellar.id), 404, 10004),
        (format!("/guilds/{}/channels", cellar.id), 403, 50001),
        (format!("/channels/{shelf}"), 403, 50001),
        (format!("/channels/{shelf}/messages"), 403, 50001),
    ] {
        let (got, body) = rest.get(&path).await;
        assert_eq!((got, &body["code"]), (status, &json!(code)), "{path}");
    }
}

#[tokio::test]
async fn a_command_of_a_guild_is_offered_there_alone() {
    let sandbox = two_bots().await;
    let addresses = sandbox.addresses();
    let atelier = addresses.guild("Atelier").unwrap();
    let path =
        |guild: &str| format!("/applications/{}/guilds/{guild}/commands", addresses.application_id);
    let rest = Rest::of(&sandbox);
    let paint = json!({ "name": "paint", "description": "Paints" });
    let (status, command) = rest.post(&path(&atelier.id), paint.clone()).await;
    assert_eq!((status, &command["guild_id"]), (201, &json!(atelier.id)));
    assert_eq!(rest.get(&path(&addresses.guild_id)).await.1, json!([]));
    let cellar = addresses.guild("Cellar").unwrap();
    assert_eq!(rest.post(&path(&cellar.id), paint).await.1["code"], 50001);
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS).await;
    let sven = sandbox.user("sven").unwrap();
    let refused = sven.command(&channel(&sandbox, "general"), "paint", json!({})).await;
    assert!(refused.error.unwrap().contains("no command /paint is offered here"));
    let easel = atelier.channels.get("easel").unwrap().to_owned();
    let used = tokio::spawn(async move { sven.command(&easel, "paint", json!({})).await });
    let heard = interaction(&mut socket).await;
    assert_eq!(heard["guild_id"], atelier.id.as_str());
    assert_eq!(heard["member"]["nick"], "Sunny");
    let answer = json!({ "type": 4, "data": { "content": "painted" } });
    assert_eq!(rest.respond(&heard, answer).await.0, 204);
    assert_eq!(used.await.unwrap().content(), "painted");
}

#[tokio::test]
async fn a_session_is_resumed_by_its_own_bot_alone() {
    let sandbox = two_bots().await;
    let (socket, ready) = Socket::ready(&sandbox, INTENTS).await;
    let sequence = socket.sequence;
    drop(socket);
    let resume = |token: &str| {
        json!({ "op": 6, "d": {
            "token": token, "session_id": ready["session_id"], "seq": sequence,
        } })
    };
    let mut thief = Socket::connect(&sandbox).await;
    thief.send(resume(&sandbox.addresses().bot("helper").unwrap().token)).await;
    assert_eq!(thief.payload().await["op"], 9);
    let mut owner = Socket::connect(&sandbox).await;
    owner.send(resume(&sandbox.addresses().token)).await;
    owner.event("RESUMED").await;
}

#[test]
fn a_world_is_read_from_json() {
    let read: World = serde_json::from_value(json!({
        "guild": "Studio",
        "users": [{ "name": "ada" }, { "name": "bob", "roles": ["Crew"] }],
        "roles": [{ "name": "Crew" }],
        "channels": [
            { "name": "general" },
            { "name": "staff", "bot": "hidden", "overwrites": [
                { "of": { "role": "Crew" }, "allow": 1024 },
                { "of": { "member": "bob" }, "deny": 2048 },
            ] },
        ],
        "more_bots": [{ "name": "helper", "guilds": ["Studio"] }],
        "more_guilds": [{ "name": "Loft", "owner": "bob" }],
    }))
    .unwrap();
    assert_eq!((read.bot.as_str(), read.users[0].display_name.as_str()), ("bot", "Ada"));
    assert_eq!(read.roles, [RoleSpec::new("Crew")]);
    assert!(read.more_guilds[0].bot && read.users[0].member);
    let again: World = serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
    assert_eq!(again, read);
    let stray = serde_json::from_value::<World>(json!({ "guilds": [] })).unwrap_err();
    assert!(stray.to_string().contains("unknown field `guilds`"), "{stray}");
}

#[tokio::test]
async fn a_world_that_contradicts_itself_is_refused() {
    let twice: Change = |world| world.more_bots.push(BotSpec::new("helper", &[]));
    let nowhere: Change = |world| world.more_bots.push(BotSpec::new("other", &["Nowhere"]));
    let unowned: Change = |world| world.more_guilds.push(GuildSpec::new("Attic", "nobody"));
    let stray: Change = |world| world.more_guilds[0].members.push(MemberSpec::new("nobody"));
    let one_token: Change = |world| {
        for name in ["one", "two"] {
            let token = Some("t".to_owned());
            world.more_bots.push(BotSpec { token, ..BotSpec::new(name, &[]) });
        }
    };
    let role: Change = |world| {
        let roles = vec!["Painters".to_owned()];
        world.users.push(UserSpec { roles, ..UserSpec::new("olga") });
    };
    let changes = [
        (twice, "two accounts are named helper"),
        (nowhere, "the bot other is in Nowhere, which is no guild"),
        (unowned, "the owner of Attic is no user"),
        (stray, "the member nobody of Atelier is no user"),
        (one_token, "two bots have one token"),
        (role, "a user holds the role Painters, which does not exist"),
    ];
    for (change, words) in changes {
        let mut world = world();
        change(&mut world);
        match Sandbox::start(Options { world, ..Options::default() }).await {
            Err(StartError::World(why)) => assert_eq!(why, words),
            other => panic!("{words}: {other:?}"),
        }
    }
}
