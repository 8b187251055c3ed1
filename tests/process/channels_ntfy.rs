//! Push: requests as ntfy documents them, and its failures.

use gander::core::messaging::notification::{DeliveryState, ExternalChannel, NotificationPriority};
use serde_json::json;

use crate::channels_desk::{Desk, LINK, TOKEN, message};
use crate::channels_standin::{Asked, Reply, Standin};

/// Publishes as the documentation says ("Publish as JSON"), or refuses.
fn publish(asked: &Asked) -> (u16, String) {
    let wrong = |why: &str| (400, json!({"code": 40_000, "http": 400, "error": why}).to_string());
    if (asked.method.as_str(), asked.path.as_str()) != ("POST", "/") {
        return wrong("JSON is published to the root");
    }
    let body = asked.json();
    let documented = [
        "topic",
        "message",
        "title",
        "tags",
        "priority",
        "actions",
        "click",
        "attach",
        "markdown",
        "icon",
        "filename",
        "delay",
        "email",
        "call",
        "sequence_id",
    ];
    if let Some(unknown) =
        body.as_object().unwrap().keys().find(|key| !documented.contains(&key.as_str()))
    {
        return wrong(&format!("unknown field {unknown}"));
    }
    if !body["topic"].is_string()
        || !(1..=5).contains(&body["priority"].as_i64().unwrap())
        || !body["tags"].is_array()
    {
        return wrong("not as documented");
    }
    (
        200,
        json!({"id": "hwQ2YpKdmg", "time": 1_795_262_400, "event": "message",
        "topic": body["topic"]})
        .to_string(),
    )
}

#[tokio::test]
async fn a_push_is_published_as_documented_and_its_tap_opens_the_discord_message() {
    let (standin, mut desk) = (Standin::start(publish).await, Desk::new());
    desk.run_with(&desk.ntfy(&standin.url));
    desk.send(vec![message("a", ExternalChannel::Push, "gander-maya")]).await;
    let letter = desk.settled("a").await;
    assert!(
        matches!(&letter.state, DeliveryState::Sent { receipt, .. } if receipt == "hwQ2YpKdmg"),
        "{letter:?}"
    );
    assert_eq!(
        (letter.tries, letter.settled, letter.message.to.as_str()),
        (1, 1, ""),
        "the address is forgotten"
    );
    let asked = standin.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(asked[0].header("content-type"), Some("application/json"));
    let mut body = asked[0].json();
    assert!(body["sequence_id"].as_str().unwrap().len() == 33);
    body["sequence_id"] = json!("ID");
    assert_eq!(
        body,
        json!({
            "topic": "gander-maya",
            "title": "🚨 GHL deploy SLA BREACHED — action required",
            "message": "#142 waits since 4h 30m · high risk",
            "priority": 5,
            "tags": ["rotating_light"],
            "click": LINK,
            "sequence_id": "ID",
        })
    );
}

#[tokio::test]
async fn urgency_becomes_priority_and_a_link_that_decides_is_not_in_it() {
    let (standin, mut desk) = (Standin::start(publish).await, Desk::new());
    desk.run_with(&desk.ntfy(&standin.url));
    for (key, urgency, priority) in
        [("n", NotificationPriority::Normal, 3), ("h", NotificationPriority::High, 4)]
    {
        let mut push = message(key, ExternalChannel::Push, "gander-maya");
        push.urgency = urgency;
        push.link = Some("https://gander.example/approve/142?token=x".into());
        push.words = "Click https://gander.example/approve/142".into();
        desk.send(vec![push]).await;
        desk.settled(key).await;
        let body = standin.asked().last().unwrap().json();
        assert_eq!(body["priority"], priority);
        assert!(body.get("click").is_none() && !body.to_string().contains("://"), "{body}");
    }
}

#[tokio::test]
async fn what_ntfy_says_is_wrong_is_on_record_with_what_to_do() {
    let (standin, mut desk) = (Standin::start(publish).await, Desk::new());
    desk.run_with(&desk.ntfy(&standin.url));
    let cases = [
        (
            Reply::status(
                401,
                r#"{"code":40101,"http":401,"error":"unauthorized","link":"https://ntfy.sh/docs/publish/#authentication"}"#,
            ),
            "token that may write",
        ),
        (
            Reply::status(403, r#"{"code":40301,"http":403,"error":"forbidden"}"#),
            "token that may write",
        ),
        (
            Reply::status(
                400,
                r#"{"code":40009,"http":400,"error":"invalid request: topic invalid"}"#,
            ),
            "ntfy says: invalid request: topic invalid (40009)",
        ),
        (Reply::status(200, "<html>welcome to this router</html>"), "is not ntfy"),
        (
            Reply::Say(302, vec![("location", "https://evil.example/".into())], String::new()),
            "configure the final address",
        ),
    ];
    for (nth, (reply, words)) in cases.into_iter().enumerate() {
        standin.order([reply]);
        let key = nth.to_string();
        desk.send(vec![message(&key, ExternalChannel::Push, "gander-maya")]).await;
        let why = desk.given_up(&key).await;
        assert!(
            why.contains(words) && !why.contains(TOKEN) && !why.contains("gander-maya"),
            "{why}"
        );
        assert_eq!(standin.asked().len(), nth + 1, "not tried again, and no redirect followed");
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_with_growing_pauses_and_after_what_is_asked_for() {
    let (standin, mut desk) = (Standin::start(publish).await, Desk::new());
    standin.order([
        Reply::status(500, "oops"),
        Reply::Say(
            429,
            vec![("retry-after", "77".into())],
            r#"{"code":42901,"http":429,"error":"limit reached"}"#.into(),
        ),
    ]);
    desk.run_with(&desk.ntfy(&standin.url));
    desk.send(vec![message("a", ExternalChannel::Push, "gander-maya")]).await;
    let waits = |seconds: i64| {
        let at = crate::channels_desk::noon() + chrono::TimeDelta::seconds(seconds);
        move |sending: &DeliveryState| matches!(sending, DeliveryState::Queued { next_try, why: Some(_) } if *next_try == at)
    };
    let letter = desk.until("a", waits(10)).await;
    assert!(
        matches!(&letter.state, DeliveryState::Queued { why: Some(why), .. } if why.contains("HTTP 500")),
        "{letter:?}"
    );
    desk.advance(10);
    let letter = desk.until("a", waits(10 + 77)).await;
    assert!(
        matches!(&letter.state, DeliveryState::Queued { why: Some(why), .. } if why.contains("too many requests")),
        "{letter:?}"
    );
    desk.advance(76);
    assert_eq!(standin.asked().len(), 2);
    desk.advance(1);
    assert_eq!(desk.settled("a").await.tries, 3);
    let ids: Vec<_> =
        standin.asked().iter().map(|asked| asked.json()["sequence_id"].to_string()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "each try is the same message: {ids:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_given_up_after_a_bounded_number_of_tries() {
    let mut desk = Desk::new();
    // Nobody listens on the discard port of loopback.
    desk.run_with(&desk.ntfy("http://127.0.0.1:9"));
    desk.send(vec![message("a", ExternalChannel::Push, "gander-maya")]).await;
    let mut tries = 0;
    let letter = loop {
        let letter = desk.until("a", |sending| match sending {
            DeliveryState::Queued { why, next_try } => {
                why.is_some() && *next_try > desk.handle.now()
            }
            sending => sending.is_settled(),
        });
        let letter = letter.await;
        if letter.state.is_settled() {
            break letter;
        }
        tries += 1;
        assert_eq!(letter.tries, tries);
        let DeliveryState::Queued { next_try, .. } = letter.state else { panic!() };
        desk.advance((next_try - desk.handle.now()).num_seconds());
    };
    let DeliveryState::GaveUp { why, at } = letter.state else { panic!("{letter:?}") };
    assert_eq!(letter.tries, 12);
    assert!(why.starts_with("gave up after 12 tries: cannot reach ntfy at 127.0.0.1"), "{why}");
    assert!((at - crate::channels_desk::noon()).num_hours() < 2);
}

/// The real server, if somebody has installed it: no Debian package and no package of crates.io,
/// PyPI or npm is it.
#[tokio::test]
async fn the_real_ntfy_takes_it_and_gives_it_back() {
    let Ok(version) = std::process::Command::new("ntfy").arg("--help").output() else {
        eprintln!(
            "skipped: the ntfy server is not installed (https://docs.ntfy.sh/install/); the \
             stand-in checks what is documented"
        );
        return;
    };
    if !String::from_utf8_lossy(&version.stdout).contains("serve") {
        eprintln!("skipped: the ntfy on the path is not the server");
        return;
    }
    let folder = tempfile::TempDir::new().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    std::fs::write(folder.path().join("server.yml"), "").unwrap();
    let mut server = tokio::process::Command::new("ntfy");
    server
        .arg("serve")
        .arg("--config")
        .arg(folder.path().join("server.yml"))
        .args(["--listen-http", &address]);
    server
        .arg("--cache-file")
        .arg(folder.path().join("cache.db"))
        .arg("--base-url")
        .arg(format!("http://{address}"));
    let _server = server.kill_on_drop(true).spawn().unwrap();
    let ask = async |path: &str| {
        reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .get(format!("http://{address}{path}"))
            .send()
            .await
    };
    tokio::time::timeout(crate::channels_standin::LIMIT, async {
        while ask("/v1/health").await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let mut desk = Desk::new();
    let mut settings = desk.ntfy(&format!("http://{address}"));
    settings.ntfy.as_mut().unwrap().token =
        gander::channels::SecretFrom { file: None, variable: "GANDER_TEST_NO_SUCH" };
    desk.run_with(&settings);
    desk.send(vec![message("a", ExternalChannel::Push, "gander-maya")]).await;
    let letter = desk.settled("a").await;
    let DeliveryState::Sent { receipt, .. } = letter.state else { panic!("{letter:?}") };
    let kept = ask("/gander-maya/json?poll=1").await.unwrap().text().await.unwrap();
    let kept: serde_json::Value = serde_json::from_str(kept.lines().last().unwrap()).unwrap();
    assert_eq!(kept["id"], receipt);
    assert_eq!(
        (&kept["priority"], &kept["click"], &kept["tags"]),
        (&json!(5), &json!(LINK), &json!(["rotating_light"]))
    );
    assert_eq!(kept["title"], "🚨 GHL deploy SLA BREACHED — action required");
}
