//! What answers a gate that connects is not always Gander, and not always well: whatever it is, the
//! call does not run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::common::process::{Home, LIMIT};
use crate::gates_reach::{installed, pre};
use crate::gates_standin::{ALL, Agent, Kind};

/// What a server does with a connection.
#[derive(Debug, Clone)]
enum Does {
    /// Says this.
    Says(String),
    /// Reads, and says nothing.
    Hangs,
    /// Closes it.
    Closes,
}

fn answer(status: &str, kind: &str, body: &str) -> Does {
    let length = body.len();
    Does::Says(format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    ))
}

fn json(body: &str) -> Does {
    answer("200 OK", "application/json", body)
}

/// A server that does this with the first connection, that with the second, and the last with all
/// that follow. Its address, and how many came.
async fn server(does: Vec<Does>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) =
        (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let nth = counted.fetch_add(1, Ordering::SeqCst);
            let does = does.get(nth).or(does.last()).unwrap().clone();
            tokio::spawn(async move {
                let mut asked = vec![0; 64 << 10];
                let _ = stream.read(&mut asked).await;
                match does {
                    Does::Says(words) => drop(stream.write_all(words.as_bytes()).await),
                    Does::Hangs => std::future::pending().await,
                    Does::Closes => {}
                }
            });
        }
    });
    (address, count)
}

const WAIT: &str =
    r#"{"answer":"wait","words":"Not decided yet: decision #7 waits.","decision":7,"revision":1}"#;

async fn connected(home: &Home, kind: Kind, address: &str) -> Agent {
    let (agent, ended) = installed(home, kind, &["--timeout", "2s", "--connect", address]).await;
    ended.must(0, &["wrote"]);
    agent
}

/// Installed while all is well; asked with what is wrong.
async fn denied(kind: Kind, does: Vec<Does>) -> String {
    let home = Home::new();
    let ready = json(r#"{"caller":"x","projects":[]}"#);
    let (address, _) = server([vec![ready], does].concat()).await;
    let agent = connected(&home, kind, &address).await;
    let began = Instant::now();
    let told = agent.call(pre(&home, kind, "git status")).await.denied();
    // 2 s for a person, and what a gate may take beyond on a machine that is busy; its hook waits
    // for 32 s.
    assert!(began.elapsed() < Duration::from_secs(2) + LIMIT / 2, "{:?}", began.elapsed());
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_answers_wrongly_denies() {
    let problem = |status: u16, more: &str| {
        let body = format!(
            r#"{{"type":"urn:gander:problem:x","title":"X","status":{status},"detail":"Words of it."{more}}}"#
        );
        answer(&format!("{status} X"), "application/problem+json", &body)
    };
    let cases: Vec<(Does, &str)> = vec![
        (problem(401, ""), "Words of it."),
        (problem(403, ""), "Words of it."),
        (problem(404, ""), "Words of it."),
        (problem(422, ""), "Words of it."),
        (problem(429, r#","retry_after":3600"#), "Words of it."),
        (problem(500, ""), "Words of it."),
        (problem(503, r#","retry_after":1"#), "Words of it."),
        (answer("500 X", "text/html", "<h1>no</h1>"), "HTTP 500"),
        (answer("502 X", "text/html", "<h1>no</h1>"), "HTTP 502"),
        (answer("302 Found", "text/html", "{\"answer\":\"allow\",\"words\":\"\"}"), "HTTP 302"),
        (answer("200 OK", "text/html", "<h1>Welcome to the hotel</h1>"), "not Gander"),
        (answer("204 No Content", "text/plain", ""), "not Gander"),
        (json(""), "not Gander"),
        (json("{}"), "not Gander"),
        (json("[]"), "not Gander"),
        (json("null"), "not Gander"),
        (json("\"allow\""), "not Gander"),
        (json(r#"{"answer":"yes","words":"x"}"#), "not Gander"),
        (json(r#"{"answer":"ALLOW","words":"x"}"#), "not Gander"),
        (json(r#"{"answer":["allow"],"words":"x"}"#), "not Gander"),
        (json(r#"{"answer":"allow"}"#), "not Gander"),
        (json(r#"{"answer":"wait","words":"x"}"#), "not for which decision"),
        (json(r#"{"answer":"wait","words":"x","decision":1}"#), "not for which decision"),
        (
            Does::Says(
                "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n\
                        {\"answer\":\"allow\",\"words\":\"\"}"
                    .into(),
            ),
            "no answer from",
        ),
        (Does::Says("SSH-2.0-OpenSSH_9.6\r\n".into()), "no answer from"),
        (Does::Closes, "no answer from"),
        (Does::Hangs, "did not answer within"),
    ];
    for (does, words) in cases {
        let told = denied(Kind::ClaudeCode, vec![does.clone()]).await;
        for words in [words, "so the call is denied", "Tell the person who runs Gander"] {
            assert!(told.contains(words), "{words:?} is missing in {told} of {does:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_denies() {
    for kind in ALL {
        let home = Home::new();
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        for address in [format!("http://{free}"), "/nowhere/gander.sock".to_owned()] {
            let (agent, ended) =
                installed(&home, kind, &["--timeout", "2s", "--connect", &address]).await;
            ended.must(0, &["does not work, so every call is denied"]);
            let told = agent.call(pre(&home, kind, "git status")).await.denied();
            assert!(
                told.contains("no answer from") && told.contains("so the call is denied"),
                "{told}"
            );
        }
    }
}

/// Between the question and its answer: what passes is waited through, what does not is said.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_breaks_off_goes_on_and_ends_in_time() {
    let home = Home::new();
    let ready = json(r#"{"caller":"x","projects":[]}"#);
    let cut =
        Does::Says("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"answer\":\"allow\"".into());
    let busy = answer("503 X", "text/html", "later");
    let yes = json(r#"{"answer":"allow","words":"Approved by Maya (decision #7)."}"#);
    let (address, count) =
        server(vec![ready, json(WAIT), Does::Closes, cut, busy, json(WAIT), yes]).await;
    let (agent, ended) =
        installed(&home, Kind::ClaudeCode, &["--timeout", "1m", "--connect", &address]).await;
    ended.must(0, &["wrote"]);
    assert_eq!(
        agent.call(pre(&home, Kind::ClaudeCode, "git status")).await,
        crate::gates_standin::Outcome::Ran
    );
    assert_eq!(count.load(Ordering::SeqCst), 7, "each was met");
    for does in [Does::Closes, Does::Hangs, answer("502 X", "text/html", "no")] {
        let told = denied(Kind::Goose, vec![json(WAIT), does.clone()]).await;
        assert!(
            told.contains("decision #7 waits") && told.contains("may have been answered since"),
            "{told} of {does:?}"
        );
    }
    let told = denied(Kind::Codex, vec![json(WAIT), json("{}")]).await;
    assert!(told.contains("not Gander") && told.contains("so the call is denied"), "{told}");
    // A limit that is over while it still says to wait.
    let told = denied(Kind::Goose, vec![json(WAIT)]).await;
    assert!(told.contains("decision #7 waits") && !told.contains("meanwhile"), "{told}");
}
