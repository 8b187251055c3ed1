//! The program itself: a person clicks, the process is killed, the store is locked.

use gander::surfaces::http::{Bound, HttpSettings, ListenError};
use reqwest::{Client, RequestBuilder};
use serde_json::json;

use crate::common::cards::{click, open_card};
use crate::common::process::{Home, Program, sandbox};
use crate::http_world::{World, client, got, low};

/// The address that the bot has got.
pub(crate) async fn address(bot: &Program) -> String {
    let line = bot.err.line("agents can connect: http://").await;
    line.split("agents can connect: ").nth(1).unwrap().trim().to_owned()
}

pub(crate) async fn token(home: &Home) -> String {
    let made = home.run(&["token", "create", "goose"]).await;
    let secret = made.out.split_whitespace().find(|word| word.starts_with("gander_"));
    secret.unwrap_or_else(|| panic!("{made:?}")).to_owned()
}

pub(crate) fn home() -> Home {
    let home = Home::new();
    home.configure("time_zone = \"UTC\"\nbatch.min = 0\n[http]\nlisten = \"127.0.0.1:0\"\n");
    home
}

pub(crate) fn post(
    address: &str,
    secret: &str,
    path: &str,
    body: &serde_json::Value,
) -> RequestBuilder {
    let request = client().post(format!("{address}{path}")).bearer_auth(secret);
    request.header("Content-Type", "application/json").body(body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_reaches_the_agent_that_waits() {
    let (sandbox, home) = (sandbox().await, home());
    let bot = home.serving(&sandbox).await;
    let (address, secret) = (address(&bot).await, token(&home).await);
    got(post(&address, &secret, "/v1/decisions", &low("Deploy?"))).await.must(201);
    let waiting = tokio::spawn(got(post(
        &address,
        &secret,
        "/v1/decisions/1/wait?claim=true&timeout=600",
        &json!({}),
    )));
    let card = open_card(&sandbox, 1).await;
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    let told = waiting.await.unwrap().must(200);
    assert_eq!((&told["verdict"], &told["by"]), (&json!("approved"), &json!("Maya")));
    got(client().get(format!("{address}/ready"))).await.must(200);
    let found = home.run(&["doctor", "--offline"]).await;
    let socket = home.store().display().to_string() + ".sock";
    assert!(
        found.out.contains(&format!("it listens for agents on {socket} and {address}")),
        "{}",
        found.out
    );
    assert!(!bot.err.so_far().contains(&secret), "no token in the log");
    bot.signal("TERM").await;
    bot.ended().await.must(0, &[]);
    assert!(!std::path::Path::new(&socket).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_asking_and_the_answer_it_was_asked_once() {
    let (sandbox, home) = (sandbox().await, home());
    let bot = home.serving(&sandbox).await;
    let secret = token(&home).await;
    let mut at = address(&bot).await;
    let ask = |at: &str, n: u32| {
        post(at, &secret, "/v1/decisions", &low(&format!("Deploy {n}?")))
            .header("Idempotency-Key", format!("k{n}"))
    };
    let mut bot = Some(bot);
    for n in 1..=4 {
        let asking = tokio::spawn(ask(&at, n).send());
        // At another moment of the request each time.
        for _ in 0..(n - 1) * 40 {
            tokio::task::yield_now().await;
        }
        bot.take().unwrap().kill().await;
        let _ = asking.await.unwrap();
        let next = home.serving(&sandbox).await;
        at = address(&next).await;
        bot = Some(next);
        let told = got(ask(&at, n)).await;
        assert!(matches!(told.status, 200 | 201) && told.json["id"] == n, "{told:?}");
        assert_eq!(got(ask(&at, n)).await.must(200)["id"], n);
    }
    let events = home.run(&["events", "--json"]).await.out;
    assert_eq!(events.matches("\"event\":\"asked\"").count(), 4, "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_answered_when_the_program_is_asked_to_stop() {
    let (sandbox, home) = (sandbox().await, home());
    let bot = home.serving(&sandbox).await;
    let (address, secret) = (address(&bot).await, token(&home).await);
    got(post(&address, &secret, "/v1/decisions", &low("Deploy?"))).await.must(201);
    let waiting =
        tokio::spawn(got(post(&address, &secret, "/v1/decisions/1/wait?timeout=600", &json!({}))));
    let socket = home.store().display().to_string() + ".sock";
    let local = Client::builder().unix_socket(socket).build().unwrap();
    while !got(local.get("http://gander/metrics")).await.text.contains("gander_http_waiting 1\n") {}
    drop(local);
    bot.signal("TERM").await;
    assert_eq!(waiting.await.unwrap().must(200)["state"], "pending");
    bot.ended().await.must(0, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_store_is_said_and_nothing_is_filed() {
    let world = World::new().await;
    let agent = world.agent().await;
    agent.ask(&low("Before?")).await;
    let other = rusqlite::Connection::open(world.folder.path().join("gander.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = got(agent.post("/v1/decisions", &low("Deploy?"))).await;
    refused.must_be_problem(503, "unavailable");
    assert!(refused.header("retry-after") == "1" && refused.json["retry_after"] == 1);
    assert!(!refused.text.contains("gander.db"), "no path of this machine");
    got(agent.get("/v1/decisions/1")).await.must(200);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(agent.ask(&low("Deploy?")).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_was_left_behind_is_replaced_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (store, socket) = (folder.path().join("gander.db"), folder.path().join("gander.db.sock"));
    let settings = HttpSettings { socket: Some(socket.clone()), ..HttpSettings::default() };
    let first = Bound::new(&settings, &store).await.unwrap();
    assert!(matches!(Bound::new(&settings, &store).await, Err(ListenError::Taken(_))));
    drop(first);
    // As after a kill: the file is there, and nobody listens.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    drop(Bound::new(&settings, &store).await.unwrap());
    std::fs::write(&socket, "mine").unwrap();
    assert!(matches!(Bound::new(&settings, &store).await, Err(ListenError::NotASocket(_))));
    assert_eq!(std::fs::read(&socket).unwrap(), b"mine");
    let busy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = HttpSettings { listen: Some(busy.local_addr().unwrap()), socket: None, ..settings };
    assert!(matches!(
        Bound::new(&taken, &folder.path().join("other.db")).await,
        Err(ListenError::Tcp { .. })
    ));
}
