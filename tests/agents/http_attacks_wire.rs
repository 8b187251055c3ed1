//! What comes from web pages, under other names, by odd paths, and in odd shapes.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use gander::core::access::Scope;
use gander::core::policy::rules::Rules;
use gander::surfaces::http::{BODY_WITHIN, HEADERS_WITHIN, HttpSettings, LONGEST_BODY};

use crate::http_world::{LIMIT, World, got, low};

/// What comes back on a connection on which just this is sent, until it is closed.
async fn raw(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.address.trim_start_matches("http://")).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await;
    read.expect("it is closed in time").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_host() {
    let world = World::with(
        HttpSettings { hosts: vec!["Gander.example".into()], ..HttpSettings::default() },
        Rules::default(),
        None,
    )
    .await;
    let agent = world.agent().await;
    for (host, taken) in [
        ("localhost", true),
        ("LOCALHOST:7777", true),
        ("127.0.0.1:1", true),
        ("[::1]:7777", true),
        ("gander.example", true),
        ("evil.example", false),
        ("localhost.evil.example", false),
        ("evil.example:80", false),
        ("127.0.0.1.nip.io", false),
        ("localhost:80@evil.example", false),
        ("[::1].evil.example", false),
        ("0.0.0.0", false),
        ("", false),
    ] {
        for path in ["/v1/decisions", "/health", "/nothing"] {
            let got = got(agent.get(path).header("Host", host)).await;
            assert_eq!(got.status != 403, taken, "{host} {path}: {got:?}");
            if !taken {
                got.must_be_problem(403, "foreign");
            }
        }
    }
    for head in [
        "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /health HTTP/1.0\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        "GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ] {
        let answer = raw(&world, head.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 403") || answer.starts_with("HTTP/1.0 403"),
            "{head}{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_origin() {
    let world = World::new().await;
    let agent = world.agent().await;
    for origin in
        ["http://evil.example", "null", "https://localhost", "http://localhost:1", "file://", ""]
    {
        for request in [
            agent.get("/v1/decisions"),
            agent.post("/v1/decisions", &low("x")),
            world.stranger(Method::OPTIONS, "/v1/decisions"),
        ] {
            let refused = got(request.header("Origin", origin)).await;
            refused.must_be_problem(403, "foreign");
            assert!(
                refused.headers.keys().all(|name| !name.as_str().starts_with("access-control")),
                "{refused:?}"
            );
        }
    }
    for (site, taken) in
        [("cross-site", false), ("same-site", false), ("same-origin", true), ("none", true)]
    {
        assert_eq!(
            got(agent.get("/v1/decisions").header("Sec-Fetch-Site", site)).await.status == 200,
            taken,
            "{site}"
        );
    }
    got(agent.get("/v1/decisions").header("Origin", &world.address)).await.must(200);
    // What a page can send without asking first is not taken for JSON.
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
    {
        let form = agent
            .request(Method::POST, "/v1/decisions")
            .header("Content-Type", kind)
            .body(low("x").to_string());
        got(form).await.must_be_problem(415, "unsupported-media-type");
    }
    assert_eq!(world.handle.event_log().head().await.unwrap().seq, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_paths() {
    let world = World::new().await;
    let agent = world.agent().await;
    let person = world.token(&[Scope::Decide], &[], Some(7)).await;
    agent.ask(&low("Deploy?")).await;
    for path in [
        "/v1//decisions/1/approve",
        "//v1/decisions/1/approve",
        "/v1/decisions/1/approve/",
        "/v1/decisions/1%2Fapprove",
        "/v1/decisions/%2e%2e/decisions/1/approve",
        "/v1/decisions/1/approve%00",
        "/v1/decisions/1/approve;x=1",
        "/V1/decisions/1/approve",
        "/v1/decisions/01/approve",
        "/v1/decisions/+1/approve",
        "/v1/decisions/%31%20/approve",
        "/v1/decisions/1.0/approve",
        "/v1/decisions/-1/approve",
        "/v1/decisions/9223372036854775808/approve",
        "/v1/decisions/\u{661}/approve",
        "/v1/%64ecisions/1/approve",
        "/health/../v1/decisions/1/approve%2e",
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nIf-Match: 1\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n",
            person.secret
        );
        let answer = raw(&world, head.as_bytes()).await;
        assert!(
            ["404", "400", "405"]
                .iter()
                .any(|status| answer.starts_with(&format!("HTTP/1.1 {status}"))),
            "{path}: {answer}"
        );
    }
    assert_eq!(world.handle.event_log().head().await.unwrap().seq, 1, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_bodies() {
    let world = World::new().await;
    let agent = world.agent().await;
    let title = "x".repeat(LONGEST_BODY);
    got(agent.post("/v1/decisions", &low(&title))).await.must_be_problem(413, "too-large");
    // Its length is not said, or a lie.
    let chunk = format!("{:x}\r\n{}\r\n", 60_000, " ".repeat(60_000));
    let head = format!(
        "POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        agent.secret
    );
    let answer = raw(&world, (head.clone() + &chunk.repeat(5)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let smuggled = head.replace("\r\nTransfer", "\r\nContent-Length: 4\r\nTransfer") + "0\r\n\r\n";
    let answer = raw(&world, smuggled.as_bytes()).await;
    assert!(!answer.contains("HTTP/1.1 2"), "{answer}");
    let long =
        format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(64 << 10));
    assert!(raw(&world, long.as_bytes()).await.starts_with("HTTP/1.1 431"));
    assert_eq!(world.handle.event_log().head().await.unwrap().seq, 0);
    let whole = "x".repeat(100 << 10);
    got(agent.post("/v1/decisions", &json!({ "title": "Long", "body": whole }))).await.must(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn deeply_nested_bodies() {
    let world = World::new().await;
    let agent = world.agent().await;
    for depth in [200, 100_000] {
        for (open, close) in [("[", "]"), ("{\"insight\":", "}")] {
            let nested = open.repeat(depth.min(LONGEST_BODY / open.len() / 2))
                + &close.repeat(depth.min(LONGEST_BODY / open.len() / 2));
            for body in [nested.clone(), format!("{{\"title\":\"x\",\"details\":{nested}}}")] {
                let request = agent
                    .request(Method::POST, "/v1/decisions")
                    .header("Content-Type", "application/json")
                    .body(body);
                let refused = got(request).await;
                assert!(matches!(refused.status, 400 | 413 | 422), "{depth} {open}: {refused:?}");
            }
        }
    }
    for body in [
        "{\"title\":\"x\",\"title\":\"y\"}",
        "{\"title\":1e999}",
        "\u{FEFF}",
        "null",
        "\"x\"",
        "{\"title\":\"\\ud800\"}",
        "{\"title\":\"x\"} {}",
    ] {
        let request = agent
            .request(Method::POST, "/v1/decisions")
            .header("Content-Type", "application/json")
            .body(body);
        let refused = got(request).await;
        assert!(matches!(refused.status, 400 | 422), "{body}: {refused:?}");
    }
    assert_eq!(world.handle.event_log().head().await.unwrap().seq, 0);
    got(agent.get("/health")).await.must(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders() {
    let world = World::new().await;
    let agent = world.agent().await;
    let began = std::time::Instant::now();
    let silent = raw(&world, b"");
    let headers = raw(&world, b"POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nX: ");
    let head = format!(
        "POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        agent.secret
    );
    let body = raw(&world, head.as_bytes());
    let (silent, headers, body) = tokio::join!(silent, headers, body);
    assert!(!silent.contains("HTTP/1.1 2") && !headers.contains("HTTP/1.1 2"), "{silent}{headers}");
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    assert!(began.elapsed() < HEADERS_WITHIN + BODY_WITHIN, "{:?}", began.elapsed());
    assert_eq!(world.handle.event_log().head().await.unwrap().seq, 0);
}
