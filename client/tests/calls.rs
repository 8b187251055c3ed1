//! The calls of the client, against a scripted server: retries, idempotency keys, reactions to
//! errors, and the event stream.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

use std::time::Duration;

use gander_client::types::{Problem, ProblemKind};
use gander_client::{Client, Error, Question, Reaction};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A decision with the fields that are always present.
const DECISION: &str = r#"{
    "id": 7, "revision": 1, "changed": 3, "state": "pending", "at": "2026-11-21T12:00:00Z",
    "asked_at": "2026-11-21T12:00:00Z", "breach_at": "2026-11-21T16:00:00Z",
    "terms": {"risk": "medium", "sla_seconds": 14400, "safe_default": "reject"},
    "question": {"title": "Deploy?"}
}"#;

fn response(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn problem(kind: ProblemKind, retry_after: Option<u64>) -> String {
    let problem = Problem { retry_after, ..Problem::new(kind, "why") };
    response(kind.status(), &serde_json::to_string(&problem).unwrap())
}

/// Answers one request for each response, in order. Returns the address, and the requests.
async fn server(responses: Vec<String>) -> (Client, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let requests = tokio::spawn(async move {
        let mut requests = Vec::new();
        for response in responses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
            }
            requests.push(String::from_utf8_lossy(&request).to_lowercase());
            stream.write_all(response.as_bytes()).await.unwrap();
        }
        requests
    });
    (client, requests)
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn a_question_is_repeated_with_its_key() {
    let busy = problem(ProblemKind::Unavailable, Some(0));
    let proxy = response(502, "<html>");
    let (client, requests) = server(vec![busy, proxy, response(201, DECISION)]).await;
    let client = client.token("tk_secret").unwrap();
    let asked = client.ask(&Question::new("Deploy?")).await.unwrap();
    assert_eq!((asked.id, asked.is_open(), asked.resolution.verdict), (7, true, None));
    let requests = requests.await.unwrap();
    let keys: Vec<_> = requests.iter().map(|it| header(it, "idempotency-key").unwrap()).collect();
    assert!(keys[0].len() == 22 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!(header(&requests[2], "authorization"), Some("bearer tk_secret"));
}

#[tokio::test]
async fn a_withdrawal_that_may_have_arrived_is_not_repeated() {
    let (client, requests) = server(vec![response(502, "")]).await;
    let error = client.withdraw(7, None).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(requests.await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_error_says_how_to_react() {
    let again = |seconds| Reaction::RetryAfter(Duration::from_secs(seconds));
    for (answer, reaction) in [
        (problem(ProblemKind::TooMany, Some(9)), again(9)),
        (problem(ProblemKind::Unavailable, None), again(1)),
        (response(502, "<html>"), again(1)),
        (response(503, "<html>").replacen("\r\n", "\r\nretry-after: 7\r\n", 1), again(7)),
        (
            response(503, "").replacen(
                "\r\n",
                "\r\ndate: Sun, 29 Nov 2026 12:00:00 GMT\r\n\
                 retry-after: Sun, 29 Nov 2026 12:00:20 GMT\r\n",
                1,
            ),
            again(20),
        ),
        (problem(ProblemKind::PositionGone, None), Reaction::ReadAgain),
        (problem(ProblemKind::Outdated, None), Reaction::GetDecision),
        (problem(ProblemKind::Decided, None), Reaction::GetDecision),
        (problem(ProblemKind::Unauthorized, None), Reaction::Unrecoverable),
        (response(404, "no such page"), Reaction::Unrecoverable),
        (response(200, "{}"), Reaction::Unrecoverable),
    ] {
        let (client, _requests) = server(vec![answer.clone()]).await;
        let error = client.retry_for(Duration::ZERO).get(7).await.unwrap_err();
        assert_eq!(error.reaction(), reaction, "{answer}: {error}");
    }
}

#[tokio::test]
async fn the_event_stream_resumes_after_the_last_position() {
    let stream = |events: &str| {
        format!(
            "HTTP/1.1 200 x\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{events}"
        )
    };
    let event = |seq: u64| {
        format!(
            "id: {seq}\nevent: asked\ndata: {{\"seq\":{seq},\"decision\":7,\"event\":\"asked\",\
             \"at\":\"2026-11-21T12:00:00Z\"}}\n\n"
        )
    };
    // The position 5 comes without an event, and the event 9 only by half.
    let half = &event(9)[..20];
    let first = stream(&format!("{}: nothing new\n\nid: 5\n\n{half}", event(4)));
    let (client, requests) = server(vec![first, stream(&event(9))]).await;
    let mut events = client.events(Some(3));
    assert_eq!(events.next().await.unwrap().seq, 4);
    assert_eq!((events.next().await.unwrap().seq, events.position()), (9, Some(9)));
    let requests = requests.await.unwrap();
    let after: Vec<_> = requests.iter().map(|it| header(it, "last-event-id")).collect();
    assert_eq!(after, [Some("3"), Some("5")]);
}

#[tokio::test]
async fn after_a_restored_backup_the_stream_says_so_and_continues_at_the_end_of_the_log() {
    let gone = Problem { position: Some(5), ..Problem::new(ProblemKind::PositionGone, "restored") };
    let gone = response(410, &serde_json::to_string(&gone).unwrap());
    let stream = "HTTP/1.1 200 x\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n\
        id: 6\nevent: asked\ndata: {\"seq\":6,\"decision\":7,\"event\":\"asked\",\
        \"at\":\"2026-11-21T12:00:00Z\"}\n\n";
    let (client, requests) = server(vec![gone, stream.to_owned()]).await;
    let mut events = client.events(Some(900));
    let error = events.next().await.unwrap_err();
    assert_eq!((error.reaction(), events.position()), (Reaction::ReadAgain, Some(5)));
    assert_eq!(events.next().await.unwrap().seq, 6);
    let requests = requests.await.unwrap();
    let after: Vec<_> = requests.iter().map(|it| header(it, "last-event-id")).collect();
    assert_eq!(after, [Some("900"), Some("5")]);
}
