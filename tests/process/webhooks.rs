//! Webhooks of GitHub and Alertmanager to the running bot: only who has the secret is heard, each
//! delivery counts once, and what is over is withdrawn.

use std::path::PathBuf;
use std::process::Stdio;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use discord_sandbox::Sandbox;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Client;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::common::cards::{card_that, click, open_card, reject};
use crate::common::process::{Home, LIMIT, Program, sandbox};
use crate::common::tools::{TOOLS, find, is_there};

const SECRET: &str = "webhook-secret-of-the-test";
const TOKEN: &str = "alertmanager-token-of-the-test";

fn fixture(file: &str) -> Value {
    let path = format!("{}/fixtures/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// The bot with webhooks, on a pretend Discord.
struct World {
    sandbox: Sandbox,
    home: Home,
    bot: Program,
    address: String,
    client: Client,
}

impl World {
    async fn new(github_api: &str) -> Self {
        let (sandbox, home) = (sandbox().await, Home::new());
        std::fs::write(home.path().join("secret"), SECRET).unwrap();
        std::fs::write(home.path().join("token"), TOKEN).unwrap();
        home.configure(&format!(
            "time_zone = \"UTC\"\nbatch.min = 0\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [github]\nsecret_file = \"secret\"\ntoken_file = \"token\"\napi = \"{github_api}\"\n\
             labels = [\"needs-human\"]\n[guard]\nglance = \"0s\"\nin_a_row = 0\n[alertmanager]\ntoken_file = \"token\"\n"
        ));
        let bot = home.serving(&sandbox).await;
        let line = bot.err.line("agents can connect: http://").await;
        let address = format!("http://{}", line.rsplit("http://").next().unwrap().trim());
        let client = Client::builder().no_proxy().build().unwrap();
        Self { sandbox, home, bot, address, client }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: String) -> u16 {
        let mut request = self.client.post(format!("{}{path}", self.address)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = tokio::time::timeout(LIMIT, request.send());
        sent.await.expect("an answer in time").unwrap().status().as_u16()
    }

    async fn github(&self, event: &str, delivery: &str, payload: &Value) -> u16 {
        let body = payload.to_string();
        let signature = signed(SECRET, &body);
        let headers = [
            ("x-github-event", event),
            ("x-github-delivery", delivery),
            ("x-hub-signature-256", signature.as_str()),
            ("content-type", "application/json"),
        ];
        self.post("/hooks/github", &headers, body).await
    }

    async fn alerts(&self, token: &str, message: &Value) -> u16 {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str())];
        self.post("/hooks/alertmanager", &headers, message.to_string()).await
    }
}

fn signed(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let hex: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_event_asks_once_and_the_next_one_withdraws() {
    let world = World::new("http://127.0.0.1:9").await;
    let failure = fixture("github/check-run-failure");
    assert_eq!(world.github("ping", "d-0", &json!({"zen": "Be."})).await, 202);
    assert_eq!(world.github("check_run", "d-1", &failure).await, 202);
    let card = open_card(&world.sandbox, 1).await;
    assert!(card.0.to_string().contains("Check failed: build on price-cache"), "{card:?}");

    // The delivery again, by whoever recorded it, after the check has passed.
    let mut passed = failure.clone();
    passed["check_run"]["conclusion"] = "success".into();
    assert_eq!(world.github("check_run", "d-2", &passed).await, 202);
    card_that(&world.sandbox, 1, "is withdrawn", |card| card.control("approve").is_none()).await;
    assert_eq!(world.github("check_run", "d-1", &failure).await, 200);
    world.home.run(&["show", "2"]).await.must(2, &["there is no decision"]);

    assert_eq!(world.github("issues", "d-3", &fixture("github/issue-labeled")).await, 202);
    assert_eq!(world.github("pull_request", "d-4", &fixture("github/review-requested")).await, 202);
    let review = open_card(&world.sandbox, 3).await;
    assert!(review.0.to_string().contains("Review requested: #77"), "{review:?}");
    world.bot.kill().await;

    // Deliveries are remembered by a new process too.
    let bot = world.home.serving(&world.sandbox).await;
    let line = bot.err.line("agents can connect: http://").await;
    let address = format!("http://{}", line.rsplit("http://").next().unwrap().trim());
    let world = World { bot, address, ..world };
    assert_eq!(world.github("check_run", "d-1", &failure).await, 200);
    world.bot.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_secret_nothing_is_heard() {
    let world = World::new("http://127.0.0.1:9").await;
    let body = fixture("github/check-run-failure").to_string();
    let wrong = signed("another secret", &body);
    let other_body = signed(SECRET, "{}");
    for (signature, expected) in [
        (Some(wrong.as_str()), 401),
        (Some(other_body.as_str()), 401),
        (Some("sha256="), 401),
        (Some("sha1=757107ea0eb2509fc211221cce984b8a37570b6d"), 401),
        (None, 401),
    ] {
        let mut headers = vec![("x-github-event", "check_run"), ("x-github-delivery", "d-1")];
        headers.extend(signature.map(|signature| ("x-hub-signature-256", signature)));
        let status = world.post("/hooks/github", &headers, body.clone()).await;
        assert_eq!(status, expected, "{signature:?}");
    }
    let signature = signed(SECRET, "no JSON");
    let signed_headers = [
        ("x-github-event", "check_run"),
        ("x-github-delivery", "d-1"),
        ("x-hub-signature-256", signature.as_str()),
    ];
    assert_eq!(world.post("/hooks/github", &signed_headers, "no JSON".into()).await, 400);
    assert_eq!(world.post("/hooks/github", &signed_headers[2..], "no JSON".into()).await, 400);
    assert_eq!(world.post("/hooks/github", &[], "x".repeat((1 << 20) + 1)).await, 413);
    // A web page cannot send it either.
    let page = [("origin", "https://evil.example")];
    assert_eq!(world.post("/hooks/github", &page, body).await, 403);

    let firing = fixture("alertmanager/firing");
    assert_eq!(world.alerts("wrong", &firing).await, 401);
    assert_eq!(world.alerts(TOKEN, &json!({"alerts": [{"status": "odd"}]})).await, 400);
    world.home.run(&["show", "1"]).await.must(2, &["there is no decision"]);
    world.bot.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_asks_once_until_it_is_resolved() {
    let world = World::new("http://127.0.0.1:9").await;
    let firing = fixture("alertmanager/firing");
    assert_eq!(world.alerts(TOKEN, &firing).await, 202);
    let card = open_card(&world.sandbox, 1).await;
    assert!(card.0.to_string().contains("Alert: DiskFull: The disk of db-1 is full"), "{card:?}");
    let other = open_card(&world.sandbox, 2).await;
    assert!(click(&world.sandbox.user("maya").unwrap(), &other, "approve").await.ok);
    card_that(&world.sandbox, 2, "is decided", |card| card.control("approve").is_none()).await;
    // Repeated: neither the open nor the answered alert is asked about again.
    assert_eq!(world.alerts(TOKEN, &firing).await, 202);
    let mut resolved = firing.clone();
    for alert in resolved["alerts"].as_array_mut().unwrap() {
        alert["status"] = "resolved".into();
    }
    assert_eq!(world.alerts(TOKEN, &resolved).await, 202);
    card_that(&world.sandbox, 1, "is withdrawn", |card| card.control("approve").is_none()).await;
    world.home.run(&["show", "3"]).await.must(2, &["there is no decision"]);
    // The same alert, at another time, is another question.
    let mut again = firing;
    again["alerts"][0]["startsAt"] = "2026-09-15T08:00:00.000Z".into();
    assert_eq!(world.alerts(TOKEN, &again).await, 202);
    open_card(&world.sandbox, 3).await;
    world.bot.kill().await;
}

/// A request that GitHub's stand-in got: path, authorization and body.
type Told = (String, String, Value);

/// A stand-in for GitHub's REST API. It answers 503 to the first request.
async fn github_standin() -> (String, mpsc::UnboundedReceiver<Told>) {
    let (tell, told) = mpsc::unbounded_channel();
    let busy = std::sync::atomic::AtomicBool::new(true);
    let state = std::sync::Arc::new((tell, busy));
    let answer = move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
        if state.1.swap(false, std::sync::atomic::Ordering::Relaxed) {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let authorization = headers["authorization"].to_str().unwrap().to_owned();
        let body = serde_json::from_slice(&body).unwrap();
        state.0.send((uri.path().to_owned(), authorization, body)).unwrap();
        StatusCode::NO_CONTENT
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, told)
}

async fn next(told: &mut mpsc::UnboundedReceiver<Told>) -> Told {
    tokio::time::timeout(LIMIT, told.recv()).await.expect("GitHub is told").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_approved_and_another_rejected_by_rest() {
    let (api, mut told) = github_standin().await;
    let world = World::new(&api).await;
    let maya = world.sandbox.user("maya").unwrap();
    let requested = fixture("github/deployment-requested");
    assert_eq!(world.github("deployment_protection_rule", "d-1", &requested).await, 202);
    let card = open_card(&world.sandbox, 1).await;
    assert!(card.0.to_string().contains("Deploy octo/shop to production"), "{card:?}");
    let clicked = click(&maya, &card, "approve").await;
    // High risk may ask for a confirmation first.
    if let Some(form) = clicked.modal_id() {
        maya.submit(form, json!({})).await;
    }
    card_that(&world.sandbox, 1, "is decided", |card| card.control("approve").is_none()).await;
    let (path, authorization, body) = next(&mut told).await;
    assert_eq!(path, "/repos/octo/shop/actions/runs/4711/deployment_protection_rule");
    assert_eq!(authorization, format!("Bearer {TOKEN}"));
    assert_eq!(body["environment_name"], "production");
    let said = |body: &Value| (body["state"].clone(), body["comment"].clone());
    assert_eq!(said(&body), (json!("approved"), json!("Approved by Maya with Gander")));

    let mut staging = requested;
    staging["environment"] = "staging".into();
    assert_eq!(world.github("deployment_protection_rule", "d-2", &staging).await, 202);
    let card = open_card(&world.sandbox, 2).await;
    reject(&maya, &card, "not on a Friday").await;
    let (_, _, body) = next(&mut told).await;
    assert_eq!(said(&body), (json!("rejected"), json!("not on a Friday")));
    card_that(&world.sandbox, 2, "has its outcome", |card| card.0.to_string().contains("🏁")).await;
    assert!(told.try_recv().is_err(), "GitHub was told once each");
    world.bot.kill().await;
}

/// Alertmanager itself, towards this address. It is killed with the test.
async fn alertmanager(folder: &std::path::Path, hook: &str) -> Option<(Child, String)> {
    let program = find("prometheus-alertmanager");
    let program = program.or_else(|| Some(PathBuf::from("/usr/bin/prometheus-alertmanager")));
    let program = program.filter(|program| program.is_file());
    let what = "Alertmanager (apt-get install prometheus-alertmanager)";
    if !is_there(what, program.is_some(), TOOLS) {
        return None;
    }
    let config = json!({
        "route": {"receiver": "gander", "group_wait": "0s", "group_interval": "1s",
            "repeat_interval": "1s"},
        "receivers": [{"name": "gander", "webhook_configs": [{"url": hook, "send_resolved": true,
            "http_config": {"authorization": {"type": "Bearer", "credentials": TOKEN}}}]}],
    });
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, config.to_string()).unwrap();
    // The system chooses the port: another program may take it in between, and then this fails.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(program?);
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--storage.path={}", folder.join("alerts").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    command.arg("--cluster.listen-address=").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Some((command.spawn().unwrap(), format!("http://127.0.0.1:{port}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn alertmanager_itself_asks_and_withdraws() {
    let world = World::new("http://127.0.0.1:9").await;
    let hook = format!("{}/hooks/alertmanager", world.address);
    let Some((_alertmanager, address)) = alertmanager(world.home.path(), &hook).await else {
        return;
    };
    let post = async |alerts: Value| {
        let url = format!("{address}/api/v2/alerts");
        let sent = tokio::time::timeout(LIMIT, async {
            loop {
                let request = world.client.post(&url).header("content-type", "application/json");
                match request.body(alerts.to_string()).send().await {
                    Ok(response) if response.status().is_success() => return,
                    // It is starting.
                    _ => tokio::task::yield_now().await,
                }
            }
        });
        sent.await.expect("Alertmanager takes the alert");
    };
    let labels = json!({"alertname": "DiskFull", "severity": "warning", "instance": "db-1"});
    let annotations = json!({"summary": "The disk is full"});
    post(json!([{"labels": labels, "annotations": annotations}])).await;
    let card = open_card(&world.sandbox, 1).await;
    assert!(card.0.to_string().contains("Alert: DiskFull: The disk is full"), "{card:?}");
    post(json!([{"labels": labels, "annotations": annotations,
        "endsAt": "2020-01-01T00:00:00Z", "startsAt": "2019-01-01T00:00:00Z"}]))
    .await;
    card_that(&world.sandbox, 1, "is withdrawn", |card| card.control("approve").is_none()).await;
    world.home.run(&["show", "2"]).await.must(2, &["there is no decision"]);
    world.bot.kill().await;
}
