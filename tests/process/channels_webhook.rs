//! Webhooks: the request as the Standard Webhooks specification has it, verified by the recipe that
//! docs/escalation.md gives.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use gander::core::messaging::notification::{DeliveryState, ExternalChannel};
use serde_json::json;

use crate::channels_desk::{Desk, LINK, about, message};
use crate::channels_standin::{Asked, Reply, Standin};
use crate::common::tools;

const SECRET: &str = "a secret of more than twenty-four bytes";

fn secret() -> String {
    format!("whsec_{}", base64::prelude::BASE64_STANDARD.encode(SECRET))
}

/// Runs the manual's own recipe on a request. `None` where there is no Python.
fn verify(asked: &Asked, secret: &str, now: i64) -> Option<bool> {
    let manual = include_str!("../../docs/escalation.md");
    let recipe = manual
        .split("```python\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a recipe in the manual");
    let script = format!(
        "{recipe}\nimport json, sys, time\ntime.time = lambda: {now}\n\
         given = json.load(sys.stdin)\n\
         print(verify({secret:?}, given['headers'], given['body'].encode()))\n"
    );
    let started = Command::new("python3")
        .arg("-c")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    tools::is_there("python3", started.is_ok(), tools::TOOLS);
    let mut python = started.ok()?;
    let headers: serde_json::Map<_, _> =
        asked.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let given =
        json!({"headers": headers, "body": String::from_utf8(asked.body.to_vec()).unwrap()});
    python.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let said = python.wait_with_output().unwrap();
    Some(String::from_utf8(said.stdout).unwrap().trim() == "True")
}

#[tokio::test]
async fn a_webhook_is_signed_so_that_its_receiver_can_verify_it() {
    let (standin, mut desk) = (Standin::start(|_| (204, String::new())).await, Desk::new());
    let decision = desk.ask("Deploy?").await;
    desk.run_with(&desk.webhook(&standin.url, &secret()));
    desk.send(vec![about(decision.id, message("a", ExternalChannel::Webhook, "pager"))]).await;
    let letter = desk.settled("a").await;
    let asked = standin.asked().remove(0);
    assert!(
        matches!(&letter.state, DeliveryState::Sent { receipt, .. } if Some(receipt.as_str()) == asked.header("webhook-id")),
        "{letter:?}"
    );
    let now = crate::channels_desk::noon().timestamp();
    assert_eq!(asked.header("webhook-timestamp"), Some(now.to_string().as_str()));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(
        asked.json(),
        json!({
            "type": "gander.attention",
            "timestamp": "2026-11-21T12:00:00Z",
            "data": {
                "title": "🚨 GHL deploy SLA BREACHED — action required",
                "text": "#142 waits since 4h 30m · high risk",
                "link": LINK,
                "urgency": "urgent",
                "decisions": [decision.id.0],
            },
        })
    );
    let Some(verified) = verify(&asked, &secret(), now) else { return };
    assert!(verified, "{asked:?}");
    assert_eq!(verify(&asked, &secret(), now + 301), Some(false), "too old");
    assert_eq!(verify(&asked, &secret(), now - 301), Some(false), "from the future");
    let other = format!(
        "whsec_{}",
        base64::prelude::BASE64_STANDARD.encode("another secret of enough bytes")
    );
    assert_eq!(verify(&asked, &other, now), Some(false), "another secret");
    let forged = Asked {
        body: String::from_utf8(asked.body.to_vec()).unwrap().replace("high", "low").into(),
        ..asked
    };
    assert_eq!(verify(&forged, &secret(), now), Some(false), "another body");
}

#[tokio::test]
async fn each_try_carries_the_same_id_and_its_own_time() {
    let (standin, mut desk) = (Standin::start(|_| (200, String::new())).await, Desk::new());
    standin.order([Reply::status(503, ""), Reply::status(408, "")]);
    desk.run_with(&desk.webhook(&standin.url, &secret()));
    desk.send(vec![message("a", ExternalChannel::Webhook, "pager")]).await;
    for tries in 1..=2 {
        desk.until("a", |sending| matches!(sending, DeliveryState::Queued { next_try, .. } if *next_try > desk.handle.now())).await;
        assert_eq!(standin.asked().len(), tries);
        desk.advance(20);
    }
    desk.settled("a").await;
    let asked = standin.asked();
    let of = |name: &str| {
        asked
            .iter()
            .map(|asked| asked.header(name).unwrap().to_owned())
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    };
    assert_eq!(
        (asked.len(), of("webhook-id"), of("webhook-timestamp"), of("webhook-signature")),
        (3, 1, 3, 3)
    );
}

#[tokio::test]
async fn a_webhook_that_cannot_be_signed_or_is_refused_is_on_record() {
    let (standin, mut desk) = (Standin::start(|_| (410, String::new())).await, Desk::new());
    desk.run_with(&desk.webhook(&format!("{}/hidden-part", standin.url), &secret()));
    desk.send(vec![
        message("gone", ExternalChannel::Webhook, "pager"),
        message("unknown", ExternalChannel::Webhook, "other"),
    ])
    .await;
    let why = desk.given_up("gone").await;
    assert!(
        why.contains("HTTP 410") && why.contains("[[webhooks]]") && !why.contains("hidden-part"),
        "{why}"
    );
    assert!(
        desk.given_up("unknown").await.contains("the webhook other is no longer in gander.toml")
    );
    standin.order([Reply::status(401, "")]);
    desk.send(vec![message("signature", ExternalChannel::Webhook, "pager")]).await;
    assert!(desk.given_up("signature").await.contains("same secret"));

    let mut desk = Desk::new();
    desk.run_with(&desk.webhook(&standin.url, "short"));
    desk.send(vec![message("short", ExternalChannel::Webhook, "pager")]).await;
    let why = desk.given_up("short").await;
    assert!(why.contains("too short") && why.contains("openssl rand"), "{why}");
}
