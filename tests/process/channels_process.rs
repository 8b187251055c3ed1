//! The ways through the program itself: `gander serve` and its configuration, `gander doctor
//! --send-test`.

use std::os::unix::fs::PermissionsExt as _;

use gander::core::messaging::notification::{DeliveryState, ExternalChannel};
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use tokio::process::Command;

use crate::channels_desk::{ACCOUNT, FROM, MAYA, TOKEN, message};
use crate::channels_standin::{Reply, Standin};
use crate::channels_twilio::{NOON, Twilio};
use crate::common::engine;
use crate::common::process::{Home, Program, sandbox};

const MAYAS: &str = "[[people]]\nuser = 80351110224678912\nname = \"Maya\"\n\
                     phone = \"+49 170 1234567\"\nntfy = \"gander-maya\"\n";

async fn push_server() -> Standin {
    Standin::start(|_| (200, r#"{"id":"hwQ2YpKdmg","event":"message"}"#.into())).await
}

fn replace(home: &Home, toml: &str) {
    let new = home.path().join("gander.toml.new");
    std::fs::write(&new, toml).unwrap();
    std::fs::rename(new, home.config()).unwrap();
}

async fn sent(handle: &Handle, key: &str) {
    handle
        .notifications()
        .enqueue(vec![message(key, ExternalChannel::Push, "gander-maya")])
        .await
        .unwrap();
    let waited = tokio::time::timeout(crate::channels_standin::LIMIT, async {
        // Another process sends it: the store tells.
        while !matches!(
            handle.notifications().get(key).await.unwrap().unwrap().state,
            DeliveryState::Sent { .. }
        ) {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "{:?}", handle.notifications().get(key).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_sends_what_is_in_the_outbox_by_what_the_configuration_says_now() {
    let (first, second, sandbox, home) =
        (push_server().await, push_server().await, sandbox().await, Home::new());
    home.configure(&format!("{MAYAS}[ntfy]\nserver = \"{}\"\n", first.url));
    let bot = home.serving(&sandbox).await;
    let handle = engine::handle(&home.store(), Rules::default());
    sent(&handle, "a").await;
    assert_eq!(first.asked().len(), 1);
    replace(&home, &format!("{MAYAS}[ntfy]\nserver = \"{}\"\n", second.url));
    bot.err.line("the new configuration is in use").await;
    sent(&handle, "b").await;
    assert_eq!((first.asked().len(), second.asked().len()), (1, 1));
    assert!(!bot.err.so_far().contains("gander-maya"), "no address in the log");
}

/// Killed for good, after Twilio has taken the SMS and before it has said so: it is found in
/// Twilio's list.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_serve_finds_what_it_sent() {
    let (twilio, sandbox, home) =
        (Twilio::start("Sat, 01 Jan 2050 00:00:00 +0000").await, sandbox().await, Home::new());
    home.configure(&format!("{MAYAS}[twilio]\naccount = \"{ACCOUNT}\"\nfrom = \"{FROM}\"\n"));
    let serve = || {
        let mut command = home.serve(&sandbox);
        command.env("TWILIO_AUTH_TOKEN", TOKEN).env("GANDER_TWILIO_API", &twilio.standin.url);
        Program::start(command)
    };
    let bot = serve();
    bot.err.line("the gateway is ready").await;
    let handle = engine::handle(&home.store(), Rules::default());
    twilio.standin.order([Reply::Swallow]);
    handle.notifications().enqueue(vec![message("a", ExternalChannel::Sms, MAYA)]).await.unwrap();
    twilio.standin.asked_times(1).await;
    let said = bot.kill().await;
    assert!(!said.contains(TOKEN) && !said.contains(MAYA), "{said}");
    let bot = serve();
    // It is looked for half a minute after the intent.
    let asked = twilio.standin.asked_times(2).await;
    assert_eq!(asked[1].method, "GET");
    bot.err.line("notification sent").await;
    let letter = handle.notifications().get("a").await.unwrap().unwrap();
    let accepted = twilio.accepted();
    assert!(
        matches!(&letter.state, DeliveryState::Sent { receipt, .. } if accepted[0]["sid"] == receipt.as_str()),
        "{letter:?}"
    );
    assert_eq!((accepted.len(), letter.tries), (1, 1));
}

/// What was sent about a decision is told with it, to people and to programs.
#[tokio::test(flavor = "multi_thread")]
async fn show_tells_what_was_sent_and_what_was_not() {
    let (push, sandbox, home) = (push_server().await, sandbox().await, Home::new());
    home.configure(&format!("time_zone = \"UTC\"\n{MAYAS}[ntfy]\nserver = \"{}\"\n", push.url));
    let bot = home.serving(&sandbox).await;
    home.run(&["ask", "Deploy?"]).await.must(0, &["1"]);
    let handle = engine::handle(&home.store(), Rules::default());
    let about = |key: &str, channel| {
        let message = crate::channels_desk::about(
            gander::core::decision::DecisionId(1),
            message(key, channel, "gander-maya"),
        );
        gander::core::messaging::notification::Notification {
            person: "discord:80351110224678912".into(),
            ..message
        }
    };
    handle
        .notifications()
        .enqueue(vec![about("a", ExternalChannel::Push), about("b", ExternalChannel::Sms)])
        .await
        .unwrap();
    bot.err.line("notification sent").await;
    bot.err.line("notification given up").await;
    let shown = home.run(&["show", "1"]).await;
    shown.must(
        0,
        &[
            "Notifications",
            "push notification to Maya: sent at 20",
            "receipt hwQ2YpKdmg",
            "SMS to Maya: not sent (20",
            "[twilio] is not in gander.toml",
        ],
    );
    let json = home.run(&["show", "1", "--json"]).await.json();
    assert_eq!(
        (&json["outgoing"][0]["state"], &json["outgoing"][1]["state"]),
        (&"sent".into(), &"gave_up".into()),
        "{json}"
    );
}

fn with_twilio(home: &Home, twilio: &Twilio, args: &[&str]) -> Command {
    let mut command = home.gander(args);
    command.env("TWILIO_AUTH_TOKEN", TOKEN).env("GANDER_TWILIO_API", &twilio.standin.url);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_message_goes_by_each_way_and_says_what_is_wrong() {
    let (push, hook, twilio, home) =
        (push_server().await, push_server().await, Twilio::start(NOON).await, Home::new());
    let program = home.path().join("notify-send");
    std::fs::write(
        &program,
        format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > {}/notified\n", home.path().display()),
    )
    .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(home.path().join("hook"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    std::fs::set_permissions(home.path().join("hook"), std::fs::Permissions::from_mode(0o600))
        .unwrap();
    home.configure(&format!(
        "{MAYAS}[ntfy]\nserver = \"{}\"\n[twilio]\naccount = \"{ACCOUNT}\"\nfrom = \"{FROM}\"\n\
         [[webhooks]]\nname = \"pager\"\n\
         url = \"{}\"\nsecret_file = \"hook\"\n[desktop]\nprogram = \"{}\"\n",
        push.url,
        hook.url,
        program.display()
    ));
    let ended =
        Program::start(with_twilio(&home, &twilio, &["doctor", "--send-test"])).ended().await;
    ended.must(0, &[]);
    let receipt = hook.asked()[0].header("webhook-id").unwrap().to_owned();
    insta::assert_snapshot!("a_test_by_each_way", ended.out.replace(&receipt, "RECEIPT"));
    assert_eq!(push.asked()[0].json()["topic"], "gander-maya");
    let accepted = twilio.accepted();
    assert!(accepted.len() == 2 && accepted.iter().all(|told| told["to"] == MAYA), "{accepted:?}");
    let notified = std::fs::read_to_string(home.path().join("notified")).unwrap();
    assert!(
        notified.starts_with("--app-name=Gander\n--urgency=normal\n--hint=string:sound-name:"),
        "{notified}"
    );
    assert!(!home.store().exists(), "no store is needed");

    // One of them alone, with a failure.
    twilio
        .standin
        .order([Reply::status(400, r#"{"code":21211,"message":"+491701234567","status":400}"#)]);
    let ended = Program::start(with_twilio(&home, &twilio, &["doctor", "--send-test", "sms"]))
        .ended()
        .await;
    ended.must(
        1,
        &["✘ SMS to Maya: the phone number does not exist", "→ Correct phone under [[people]]"],
    );
    let ended = home.run(&["doctor", "--send-test", "sms"]).await;
    ended.must(1, &["SMS to Maya: the Twilio token is missing: set TWILIO_AUTH_TOKEN"]);
    assert_eq!((push.asked().len(), hook.asked().len(), twilio.accepted().len()), (1, 1, 2));
    let ended = home.run(&["doctor", "--send-test", "pigeon"]).await;
    ended.must(2, &["pigeon", "push, sms, voice, webhook, desktop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_ways_that_cannot_work() {
    let home = Home::new();
    home.run(&["doctor", "--send-test"])
        .await
        .must(1, &["no channel beyond Discord is configured", "Beyond Discord"]);
    home.run(&["doctor", "--send-test", "push"]).await.must(1, &["[ntfy] is not in gander.toml"]);
    std::fs::write(home.path().join("token"), "tk_x").unwrap();
    std::fs::set_permissions(home.path().join("token"), std::fs::Permissions::from_mode(0o644))
        .unwrap();
    home.configure(&format!(
        "[ntfy]\ntoken_file = \"token\"\n[twilio]\naccount = \"{ACCOUNT}\"\nfrom = \"{FROM}\"\n\
         [desktop]\nprogram = \"nowhere\"\n"
    ));
    let ended = home.run(&["doctor", "--offline"]).await;
    for words in [
        "the Twilio token is missing",
        "others can read the secret's file",
        "nobody can be reached by push notification",
        "nobody can be reached by SMS",
    ] {
        assert!(ended.out.contains(words), "{words:?} is not in\n{}", ended.out);
    }
    home.run(&["doctor", "--send-test", "desktop"]).await.must(1, &["nowhere is not installed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_is_named_with_its_line_and_what_to_do() {
    let home = Home::new();
    let mut said = Vec::new();
    for toml in [
        "[ntfy]\nserver = \"http://push.example\"\n",
        "[ntfy]\nserver = \"push\"\n",
        "[ntfy]\ntoken = \"tk_geheim\"\n",
        "[twilio]\naccount = \"AC1\"\nfrom = \"+15005550006\"\n",
        "[twilio]\naccount = \"AC00000000000000000000000000000abc\"\nfrom = \"0170\"\n",
        "[twilio]\nfrom = \"+15005550006\"\n",
        "[[webhooks]]\nname = \"pager\"\n",
        "[[webhooks]]\nurl = \"https://user:pass@x.example\"\n",
        "[[webhooks]]\nurl = \"https://x.example/a\"\n[[webhooks]]\nurl = \"https://x.example/b\"\n",
        "[desktop]\nsound = true\n",
    ] {
        home.configure(toml);
        let ended = home.run(&["status"]).await;
        assert_eq!(ended.code, Some(2), "{}", ended.err);
        said.push(ended.err.replace(home.path().to_str().unwrap(), "HOME").trim().to_owned());
    }
    insta::assert_snapshot!("wrong_settings", said.join("\n"));
}
