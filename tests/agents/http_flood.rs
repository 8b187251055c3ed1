//! What one caller cannot do to others, against the real program: fill it with tool calls to judge,
//! with questions, with silent connections, or with long waits.

use std::time::Duration;

use discord_sandbox::{Options, RateLimits, Sandbox};
use gander::core::policy::ask_limits::AskLimits;
use gander::core::policy::rules::Rules;
use gander::surfaces::http::{HEADERS_WITHIN, HttpSettings};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::common::cards::{card_that, cards, click, open_card};
use crate::common::process::{Home, LIMIT, Program, sandbox};
use crate::http_program::{address, home, post, token};
use crate::http_world::{World, client, got, low};

/// Calls of the flood: what once left 520 threads and no answered click.
const CALLS: usize = 472;
/// Discord's limit for the answer to a click.
const CLICK_WITHIN: Duration = Duration::from_secs(3);

/// The bot with so many open files at most.
fn serve_with_files(home: &Home, sandbox: &Sandbox, files: u32) -> Program {
    let serve = home.serve(sandbox);
    let serve = serve.as_std();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]);
    command.arg(serve.get_program()).args(serve.get_args()).env_clear();
    command.current_dir(home.work());
    for (name, value) in serve.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    Program::start(command)
}

fn threads(bot: &Program) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", bot.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap();
    line.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tool_calls_of_one_token_take_neither_the_threads_nor_the_clicks() {
    let (sandbox, home) = (sandbox().await, home());
    let bot = home.serving(&sandbox).await;
    let (at, secret, other) = (address(&bot).await, token(&home).await, token(&home).await);
    got(post(&at, &other, "/v1/decisions", &low("Deploy?"))).await.must(201);
    let card = open_card(&sandbox, 1).await;
    let call = json!({
        "agent": "x", "tool": "Bash", "input": { "command": "cd a;".repeat(400) },
        "cwd": "/tmp", "home": "/root", "roots": ["/tmp"],
    });
    let answered = watch::Sender::new(0_usize);
    let mut flood = JoinSet::new();
    for _ in 0..CALLS {
        let (request, answered) = (post(&at, &secret, "/v1/gate", &call), answered.clone());
        flood.spawn(async move {
            let answer = got(request).await;
            assert!(matches!(answer.status, 200 | 429 | 503), "{answer:?}");
            assert_eq!(answer.status == 200, answer.header("retry-after").is_empty(), "{answer:?}");
            answered.send_modify(|count| *count += 1);
        });
    }
    // At most 16 wait in the queue, and some are being judged: the others are answered.
    let mut told = answered.subscribe();
    timeout(LIMIT, told.wait_for(|count| *count >= CALLS - 32)).await.unwrap().unwrap();
    let (count, began) = (threads(&bot), std::time::Instant::now());
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    let took = began.elapsed();
    assert!(took < CLICK_WITHIN && count < 100, "{took:?}, {count} threads");
    println!("{CALLS} tool calls: {count} threads, a click is answered within {took:?}");
    // Whoever else asks is not refused for it.
    got(post(&at, &other, "/v1/decisions", &low("And this?"))).await.must(201);
}

/// Nobody needs a token for the document, so anybody may ask for it without end.
#[tokio::test(flavor = "multi_thread")]
async fn asking_for_the_document_takes_nothing_from_clicks() {
    let (sandbox, home) = (sandbox().await, home());
    let bot = home.serving(&sandbox).await;
    let (at, asker) = (address(&bot).await, token(&home).await);
    got(post(&at, &asker, "/v1/decisions", &low("Deploy?"))).await.must(201);
    let card = open_card(&sandbox, 1).await;
    let answered = watch::Sender::new(0_usize);
    let mut flood = JoinSet::new();
    for _ in 0..64 {
        let (client, url) = (client(), format!("{at}/openapi.json"));
        let answered = answered.clone();
        flood.spawn(async move {
            loop {
                let answer = client.get(&url).send().await.unwrap();
                assert!(answer.status().is_success());
                assert!(answer.bytes().await.unwrap().len() > 10_000);
                answered.send_modify(|count| *count += 1);
            }
        });
    }
    let mut told = answered.subscribe();
    timeout(LIMIT, told.wait_for(|count| *count >= 640)).await.unwrap().unwrap();
    let began = std::time::Instant::now();
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    got(post(&at, &asker, "/v1/decisions", &low("And this?"))).await.must(201);
    let took = began.elapsed();
    assert!(took < CLICK_WITHIN, "{took:?} beside {} documents", *answered.borrow());
}

#[tokio::test(flavor = "multi_thread")]
async fn critical_questions_of_one_token_do_not_delay_anothers_card() {
    let options = Options { rate_limits: RateLimits::Real, ..Options::default() };
    let (sandbox, home) = (Sandbox::start(options).await.unwrap(), home());
    let bot = home.serving(&sandbox).await;
    let (at, flood, other) = (address(&bot).await, token(&home).await, token(&home).await);
    let critical = |n: usize| json!({ "title": format!("Flood {n}"), "risk": "critical" });
    let questions: Vec<Value> = (0..100).map(critical).collect();
    let batch = json!({ "questions": questions });
    got(post(&at, &flood, "/v1/decisions:batch", &batch)).await.must(200);
    open_card(&sandbox, 1).await;
    let one = json!({ "title": "Other", "risk": "low" });
    let asked = got(post(&at, &other, "/v1/decisions", &one)).await.must(201);
    open_card(&sandbox, asked["id"].as_i64().unwrap()).await;
    let view = sandbox.view("maya").unwrap();
    let posted = (1..=100).filter(|number| !cards(&view, *number).is_empty()).count();
    assert!(posted < 50, "{posted} cards of the flood were posted before");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asker_has_a_limit_of_open_questions() {
    let rules =
        || Rules { ask_limits: AskLimits { open: 3, per_minute: 1_000 }, ..Rules::default() };
    let world = World::with(HttpSettings::default(), rules(), None).await;
    let (agent, other) = (world.agent().await, world.agent().await);
    let keyed = |key: &str, title: &str| json!({ "title": title, "dedup_key": key });
    for key in ["a", "b", "c"] {
        agent.ask(&keyed(key, "Deploy?")).await;
    }
    let refused = got(agent.post("/v1/decisions", &keyed("d", "Deploy?"))).await;
    refused.must_be_problem(429, "too-many-requests");
    assert!(refused.text.contains("o more than 3 of your questions"), "{refused:?}");
    assert_eq!(refused.header("retry-after"), "60");
    // What is open already is no more than before.
    got(agent.post("/v1/decisions", &keyed("c", "Deploy?"))).await.must(200);
    assert_eq!(
        got(agent.post("/v1/decisions", &keyed("c", "Now?"))).await.must(200)["revision"],
        2
    );
    let once = || agent.post("/v1/decisions", &low("x")).header("Idempotency-Key", "k");
    got(once()).await.must_be_problem(429, "too-many-requests");
    let gate = json!({ "agent": "x", "tool": "Bash", "input": { "command": "make deploy" },
        "cwd": "/tmp" });
    got(agent.post("/v1/gate", &gate)).await.must_be_problem(429, "too-many-requests");
    other.ask(&low("Another asker's")).await;
    got(agent.post("/v1/decisions/1/withdraw", &json!({}))).await.must(200);
    let filed = got(once()).await.must(201);
    assert_eq!(got(once()).await.must(200)["id"], filed["id"], "asked before");
    // Programs of the bot's own user could write the store themselves.
    let local = Client::builder().unix_socket(world.socket.as_path()).build().unwrap();
    for _ in 0..5 {
        let asked =
            local.post("http://gander/v1/decisions").header("Content-Type", "application/json");
        got(asked.body(low("Local").to_string())).await.must(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asker_has_a_limit_of_questions_a_minute() {
    let ask_limits = AskLimits { open: 2, per_minute: 1 };
    let rules = Rules { ask_limits, ..Rules::default() };
    let world = World::with(HttpSettings::default(), rules, None).await;
    let agent = world.agent().await;
    for id in 1..=2 {
        assert_eq!(agent.ask(&low("Deploy?")).await, id);
        got(agent.post(&format!("/v1/decisions/{id}/withdraw"), &json!({}))).await.must(200);
    }
    let refused = got(agent.post("/v1/decisions", &low("Deploy?"))).await;
    refused.must_be_problem(429, "too-many-requests");
    let after: u64 = refused.header("retry-after").parse().unwrap();
    assert!(refused.text.contains("1 a minute") && (1..=61).contains(&after), "{refused:?}");
}

/// More connections than places, none of which says anything, and more in their stead.
#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_stop_nothing() {
    let (sandbox, home) = (sandbox().await, home());
    let bot = serve_with_files(&home, &sandbox, 256);
    bot.err.line("the gateway is ready").await;
    let at = address(&bot).await;
    let port = at.trim_start_matches("http://").to_owned();
    let socket = home.store().display().to_string() + ".sock";
    let (mut over_tcp, mut local) = (Vec::new(), Vec::new());
    for n in 0..400 {
        let mut silent = TcpStream::connect(&port).await.unwrap();
        // Half a request is no request.
        if n % 2 == 0 {
            let _ = silent.write_all(b"GET /health HTTP/1.1\r\nHost: local").await;
        }
        over_tcp.push(silent);
        local.push(UnixStream::connect(&socket).await.unwrap());
    }
    // Sooner than any of them expires.
    let soon = HEADERS_WITHIN / 2;
    let health = timeout(soon, got(client().get(format!("{at}/health"))));
    health.await.expect("a request is answered").must(200);
    let own = Client::builder().unix_socket(socket.as_str()).build().unwrap();
    let asked = own.post("http://gander/v1/decisions").header("Content-Type", "application/json");
    let asked = timeout(soon, got(asked.body(low("Deploy?").to_string())));
    asked.await.expect("the socket answers").must(201);
    open_card(&sandbox, 1).await;
    home.configure("time_zone = \"UTC\"\nbatch.min = 0\n[projects.shop]\nrisk = \"high\"\n");
    bot.err.line("the new configuration is in use").await;
    card_that(&sandbox, 1, "has the new risk", |card| card.headline().contains("high risk")).await;
    let said = bot.err.so_far();
    assert!(!said.contains("could not accept"), "{said}");
    assert!(said.contains("no place is left for another connection"), "{said}");
    // The first ones gave way.
    let (mut first, mut byte) = (over_tcp.remove(0), [0]);
    let closed = timeout(soon, first.read(&mut byte));
    assert!(!matches!(closed.await.expect("it is closed"), Ok(1..)));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_waits_leave_places_for_others() {
    let (sandbox, home) = (sandbox().await, home());
    // 32 connections: 16 of one address, and 8 requests of one caller.
    let bot = serve_with_files(&home, &sandbox, 128);
    bot.err.line("the gateway is ready").await;
    let at = address(&bot).await;
    let mut waiting = JoinSet::new();
    let mut refused = 0;
    for _ in 0..2 {
        let secret = token(&home).await;
        let asked = got(post(&at, &secret, "/v1/decisions", &low("Deploy?"))).await.must(201);
        let wait = format!("/v1/decisions/{}/wait?timeout=600", asked["id"]);
        for _ in 0..8 {
            waiting.spawn(got(post(&at, &secret, &wait, &json!({}))));
        }
        let socket = home.store().display().to_string() + ".sock";
        let own = Client::builder().unix_socket(socket).build().unwrap();
        let count = format!("gander_http_waiting {}\n", waiting.len());
        while !got(own.get("http://gander/metrics")).await.text.contains(&count) {}
        let more = got(post(&at, &secret, &wait, &json!({}))).await;
        refused += usize::from(more.status == 429);
        if more.status == 503 {
            more.must_be_problem(503, "unavailable");
            assert_eq!(more.header("retry-after"), "1");
        }
    }
    assert_eq!(refused, 1, "the first caller's ninth; then the address has no place left");
    let socket = home.store().display().to_string() + ".sock";
    let own = Client::builder().unix_socket(socket).build().unwrap();
    got(own.get("http://gander/v1/decisions")).await.must(200);
    drop(waiting);
    // Their places are free again as soon as the server has seen that they are gone.
    while got(client().get(format!("{at}/health"))).await.status != 200 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_one_token_take_a_dozen_threads_at_most() {
    let (sandbox, home) = (sandbox().await, home());
    let bot = home.serving(&sandbox).await;
    let (at, secret) = (address(&bot).await, token(&home).await);
    let long = |n: usize| json!({ "title": format!("{n}?"), "body": "x".repeat(2_000) });
    let questions: Vec<Value> = (0..100).map(long).collect();
    let batch = json!({ "questions": questions });
    got(post(&at, &secret, "/v1/decisions:batch", &batch)).await.must(200);
    let mut reads = JoinSet::new();
    for _ in 0..300 {
        let read = client().get(format!("{at}/v1/decisions?limit=100")).bearer_auth(&secret);
        reads.spawn(got(read));
    }
    for answer in reads.join_all().await {
        assert!(matches!(answer.status, 200 | 429), "{answer:?}");
    }
    // A thread that was needed lives on for 10 s.
    let count = threads(&bot);
    assert!(count < 60, "{count} threads");
}
