//! SMS and calls: requests as Twilio documents them, and its failures. The stand-in keeps what it
//! accepted and lists it.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use gander::core::messaging::notification::{DeliveryState, ExternalChannel};
use serde_json::{Value, json};

use crate::channels_desk::{ACCOUNT, Desk, FROM, LINK, MAYA, TOKEN, message};
use crate::channels_standin::{Asked, Reply, Standin};

/// Twilio as far as it is documented: what it accepted can be listed, by receiver and sender.
pub(crate) struct Twilio {
    pub(crate) standin: Standin,
    accepted: Arc<Mutex<Vec<Value>>>,
}

impl Twilio {
    pub(crate) async fn start(date: &'static str) -> Self {
        let accepted = Arc::<Mutex<Vec<Value>>>::default();
        let kept = Arc::clone(&accepted);
        let standin = Standin::start(move |asked| {
            let (status, body) = serve(asked, &kept, date);
            (status, body.to_string())
        });
        Self { standin: standin.await, accepted }
    }

    /// What went out.
    pub(crate) fn accepted(&self) -> Vec<Value> {
        self.accepted.lock().unwrap().clone()
    }
}

fn wrong(status: u16, code: u32) -> (u16, Value) {
    (
        status,
        json!({"code": code, "message": "in Twilio's words",
            "more_info": format!("https://www.twilio.com/docs/errors/{code}"), "status": status}),
    )
}

fn serve(asked: &Asked, kept: &Mutex<Vec<Value>>, date: &str) -> (u16, Value) {
    let expected = base64::prelude::BASE64_STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
    if asked.header("authorization") != Some(&format!("Basic {expected}")) {
        return wrong(401, 20_003);
    }
    let Some(resource) = asked.path.strip_prefix(&format!("/2010-04-01/Accounts/{ACCOUNT}/"))
    else {
        return wrong(404, 20_404);
    };
    let (prefix, list, allowed) = match resource {
        "Messages.json" => ("SM", "messages", ["To", "From", "Body"]),
        "Calls.json" => ("CA", "calls", ["To", "From", "Twiml"]),
        _ => return wrong(404, 20_404),
    };
    let fields = asked.fields();
    let field = |name: &str| {
        fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    };
    let mut kept = kept.lock().unwrap();
    match asked.method.as_str() {
        "GET" => {
            let is = |told: &&Value| {
                told["sid"].as_str().unwrap().starts_with(prefix)
                    && field("To") == told["to"].as_str()
                    && field("From") == told["from"].as_str()
            };
            let page: Vec<Value> = kept.iter().rev().filter(is).cloned().collect();
            (200, json!({list: page, "page": 0, "page_size": 100, "next_page_uri": null}))
        }
        "POST" => {
            if asked.header("content-type") != Some("application/x-www-form-urlencoded")
                || fields.len() != 3
            {
                return wrong(400, 20_001);
            }
            let (Some(to), Some(from), Some(text)) =
                (field(allowed[0]), field(allowed[1]), field(allowed[2]))
            else {
                return wrong(400, 21_604);
            };
            let sid = format!("{prefix}{:032}", kept.len() + 1);
            let mut told = json!({"sid": sid, "to": to, "from": from, "status": "queued",
                "direction": "outbound-api", "date_created": date, "error_code": null});
            if prefix == "SM" {
                told["body"] = text.into();
            } else if text.len() > 4_000 || !text.starts_with("<Response>") {
                return wrong(400, 12_100);
            }
            kept.push(told.clone());
            (201, told)
        }
        _ => wrong(405, 20_004),
    }
}

pub(crate) const NOON: &str = "Sat, 21 Nov 2026 12:00:00 +0000";

#[tokio::test]
async fn an_sms_is_sent_as_documented_in_two_parts_at_most() {
    let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
    desk.run_with(&desk.twilio(&twilio.standin.url));
    desk.send(vec![message("a", ExternalChannel::Sms, MAYA)]).await;
    let letter = desk.settled("a").await;
    assert!(
        matches!(&letter.state, DeliveryState::Sent { receipt, .. } if receipt.starts_with("SM")),
        "{letter:?}"
    );
    let asked = &twilio.standin.asked()[0];
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("POST", format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json").as_str())
    );
    let body = format!(
        "GHL deploy SLA BREACHED - action required\n#142 waits since 4h 30m - high risk\n{LINK}"
    );
    let fields = [("To", MAYA), ("From", FROM), ("Body", &body)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(asked.fields(), fields);
}

#[tokio::test]
async fn a_call_speaks_the_words_twice_and_no_text_can_command_it() {
    let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
    desk.run_with(&desk.twilio(&twilio.standin.url));
    let mut call = message("a", ExternalChannel::Voice, MAYA);
    call.words = "\"</Say><Dial>+15005550001</Dial>\" & more".into();
    desk.send(vec![call]).await;
    let letter = desk.settled("a").await;
    assert!(
        matches!(&letter.state, DeliveryState::Sent { receipt, .. } if receipt.starts_with("CA")),
        "{letter:?}"
    );
    let asked = &twilio.standin.asked()[0];
    assert_eq!(asked.path, format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json"));
    insta::assert_snapshot!("a_call", asked.fields()[2].1);
}

#[tokio::test]
async fn what_twilio_refuses_is_on_record_with_what_to_do_and_not_tried_again() {
    let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
    desk.run_with(&desk.twilio(&twilio.standin.url));
    let body = |code: u32| {
        json!({"code": code, "message": format!("The 'To' number {MAYA} is wrong"), "status": 400})
            .to_string()
    };
    for (status, code, words) in [
        (400, 21_211, "the phone number does not exist"),
        (400, 21_610, "START"),
        (400, 21_614, "cannot receive SMS"),
        (401, 20_003, "TWILIO_AUTH_TOKEN"),
        (400, 21_606, "one of the account's own numbers"),
        (400, 77_777, "https://www.twilio.com/docs/errors/77777"),
    ] {
        let key = format!("{code}");
        twilio.standin.order([Reply::status(status, &body(code))]);
        desk.send(vec![message(&key, ExternalChannel::Sms, MAYA)]).await;
        let why = desk.given_up(&key).await;
        assert!(why.contains(words) && !why.contains(MAYA) && !why.contains(TOKEN), "{why}");
    }
    assert_eq!(twilio.standin.asked().len(), 6);
    assert!(twilio.accepted().is_empty());
}

#[tokio::test]
async fn too_many_requests_wait_as_long_as_twilio_asks() {
    let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
    let too_many =
        json!({"code": 20_429, "message": "Too Many Requests", "status": 429}).to_string();
    twilio.standin.order([Reply::Say(429, vec![("retry-after", "60".into())], too_many)]);
    desk.run_with(&desk.twilio(&twilio.standin.url));
    desk.send(vec![message("a", ExternalChannel::Sms, MAYA)]).await;
    desk.until("a", |sending| matches!(sending, DeliveryState::Queued { why: Some(_), .. })).await;
    desk.advance(59);
    assert_eq!(twilio.standin.asked().len(), 1);
    desk.advance(1);
    assert_eq!(desk.settled("a").await.tries, 2);
}

/// After a 500, an answer that is none, or silence, nobody knows: it is looked for before it is
/// sent again.
#[tokio::test]
async fn an_answer_that_leaves_it_open_is_looked_into_before_it_is_repeated() {
    // Silence lasts until the request's own time-out: side by side.
    futures_util::future::join_all([
        looked_into(ExternalChannel::Sms, Reply::status(500, "oops"), false),
        looked_into(ExternalChannel::Voice, Reply::status(201, "<html>"), false),
        looked_into(ExternalChannel::Sms, Reply::Swallow, true),
        looked_into(ExternalChannel::Voice, Reply::Swallow, true),
        looked_into(ExternalChannel::Sms, Reply::Hang, false),
    ])
    .await;
}

async fn looked_into(channel: ExternalChannel, reply: Reply, went: bool) {
    let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
    desk.run_with(&desk.twilio(&twilio.standin.url));
    desk.send(vec![message("before", channel, MAYA)]).await;
    desk.settled("before").await;
    twilio.standin.order([reply.clone()]);
    let mut second = message("a", channel, MAYA);
    second.words = "another".into();
    desk.send(vec![second]).await;
    twilio.standin.asked_times(2).await;
    let mut hints = desk.handle.hints();
    while !matches!(
        desk.handle.notifications().get("a").await.unwrap().unwrap().state,
        DeliveryState::Sent { .. }
    ) {
        hints.mark_unchanged();
        desk.advance(30);
        // Whatever is written next; a time that is moved on while a request is under way starts
        // nothing.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), hints.changed()).await;
    }
    assert_eq!(twilio.accepted().len(), 2, "{channel} {reply:?}: once each");
    let methods: Vec<String> =
        twilio.standin.asked().into_iter().map(|asked| asked.method).collect();
    let expected: &[&str] =
        if went { &["POST", "POST", "GET"] } else { &["POST", "POST", "GET", "POST"] };
    assert_eq!(methods, expected, "{channel} {reply:?}");
    let receipts: Vec<_> =
        twilio.accepted().iter().map(|told| told["sid"].as_str().unwrap().to_owned()).collect();
    assert!(
        matches!(desk.settled("a").await.state, DeliveryState::Sent { receipt, .. } if receipt == receipts[1])
    );
}

#[tokio::test]
async fn without_a_token_every_message_says_so_and_nothing_is_asked() {
    let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
    let mut settings = desk.twilio(&twilio.standin.url);
    settings.twilio.as_mut().unwrap().token =
        gander::channels::SecretFrom { file: None, variable: "GANDER_TEST_NO_SUCH" };
    desk.run_with(&settings);
    desk.send(vec![
        message("a", ExternalChannel::Sms, MAYA),
        message("b", ExternalChannel::Push, "topic"),
    ])
    .await;
    assert!(desk.given_up("a").await.contains("[twilio] auth_token_file in gander.toml"));
    assert!(desk.given_up("b").await.contains("[ntfy] is not in gander.toml"));
    assert!(twilio.standin.asked().is_empty());
}
