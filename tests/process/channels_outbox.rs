//! What the outbox promises whoever uses it, over virtual time: one message a key, caps, the
//! record, nothing sent in vain.

use gander::core::decision::authorization::Voter;
use gander::core::decision::{Person, Via};
use gander::core::messaging::notification::{DeliveryState, ExternalChannel};

use crate::channels_desk::{Desk, MAYA, about, message};
use crate::channels_standin::{Reply, Standin};
use crate::channels_twilio::{NOON, Twilio};

#[tokio::test]
async fn asking_twice_is_one_message_whatever_else_it_says() {
    let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
    desk.run_with(&desk.twilio(&twilio.standin.url));
    assert_eq!(
        desk.handle
            .notifications()
            .enqueue(vec![
                message("a", ExternalChannel::Sms, MAYA),
                message("a", ExternalChannel::Sms, MAYA)
            ])
            .await
            .unwrap(),
        1
    );
    desk.settled("a").await;
    let other = gander::core::messaging::notification::Notification {
        title: "other".into(),
        ..message("a", ExternalChannel::Sms, "+1")
    };
    assert_eq!(
        desk.handle
            .notifications()
            .enqueue(vec![other, message("b", ExternalChannel::Sms, MAYA)])
            .await
            .unwrap(),
        1
    );
    desk.settled("b").await;
    assert_eq!(twilio.accepted().len(), 2);
    assert!(
        !desk
            .handle
            .notifications()
            .get("a")
            .await
            .unwrap()
            .unwrap()
            .message
            .title
            .contains("other")
    );
}

/// Whether nothing is done for a message now.
fn rests(sending: &DeliveryState, now: gander::core::Time) -> bool {
    !matches!(sending, DeliveryState::Trying { .. }) && sending.next().is_none_or(|next| next > now)
}

/// 20 messages at once to one person: each minute is walked through, and what had gone by then is
/// looked at.
#[tokio::test]
async fn caps_are_kept_over_virtual_time_and_nothing_is_lost() {
    for (channel, quarter, hour) in [(ExternalChannel::Sms, 5, 11), (ExternalChannel::Voice, 3, 7)]
    {
        let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
        desk.run_with(&desk.twilio(&twilio.standin.url));
        let keys: Vec<String> = (0..20).map(|nth| format!("{nth}")).collect();
        desk.send(keys.iter().map(|key| message(key, channel, MAYA)).collect()).await;
        // Another person has caps of their own.
        let mut other = message("jonas", channel, "+491709999999");
        other.person = "discord:2".into();
        desk.send(vec![other]).await;
        desk.settled("jonas").await;
        let mut went: Vec<i64> = Vec::new();
        for minute in 0..180 {
            for key in &keys {
                desk.until(key, |sending| rests(sending, desk.handle.now())).await;
            }
            let mut sent = 0;
            for key in &keys {
                match desk.handle.notifications().get(key).await.unwrap().unwrap().state {
                    DeliveryState::Sent { .. } => sent += 1,
                    DeliveryState::Held { until } => assert!(until > desk.handle.now()),
                    other => panic!("{other:?}"),
                }
            }
            went.extend(std::iter::repeat_n(minute, sent - went.len()));
            let within = |span: i64| went.iter().filter(|at| minute - **at < span).count();
            assert!(
                within(15) <= quarter && within(60) <= hour,
                "{channel} in minute {minute}: {went:?}"
            );
            desk.advance(60);
        }
        assert_eq!(went.len(), 20, "{channel}: all of them went in the end: {went:?}");
        assert_eq!(
            went.iter().filter(|at| **at == 0).count(),
            quarter,
            "as many as may go at once do"
        );
        assert_eq!(went.iter().filter(|at| **at < 60).count(), hour, "{channel}: {went:?}");
        assert_eq!(twilio.accepted().len(), 21);
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_sent() {
    let (standin, mut desk) =
        (Standin::start(|_| (200, r#"{"id":"x"}"#.into())).await, Desk::new());
    let (first, second) = (desk.ask("Deploy?").await, desk.ask("Delete?").await);
    let both = gander::core::messaging::notification::Notification {
        decisions: [first.id, second.id].into(),
        ..message("both", ExternalChannel::Push, "topic")
    };
    standin.order([Reply::status(500, ""), Reply::status(500, "")]);
    desk.run_with(&desk.ntfy(&standin.url));
    desk.send(vec![about(first.id, message("one", ExternalChannel::Push, "topic")), both]).await;
    for key in ["one", "both"] {
        desk.until(key, |sending| matches!(sending, DeliveryState::Queued { why: Some(_), .. }))
            .await;
    }
    let owner = Voter { person: Person::discord(1, "Maya"), roles: Vec::new(), owner: true };
    desk.handle.approvals().approve(first.id, first.revision, &owner, Via::Discord).await.unwrap();
    desk.advance(10);
    assert!(matches!(desk.settled("one").await.state, DeliveryState::Dropped { .. }));
    assert!(
        matches!(desk.settled("both").await.state, DeliveryState::Sent { .. }),
        "the other one still waits"
    );
    assert_eq!(standin.asked().len(), 3);
    // Put off is not waiting either: its ladder has stopped.
    let until = desk.handle.now() + chrono::TimeDelta::hours(3);
    desk.handle.approvals().defer(second.id, second.revision, &owner, until).await.unwrap();
    desk.send(vec![about(second.id, message("deferred", ExternalChannel::Push, "topic"))]).await;
    assert!(matches!(desk.settled("deferred").await.state, DeliveryState::Dropped { .. }));
}

#[tokio::test]
async fn what_has_no_address_is_given_up_with_what_is_missing() {
    let mut desk = Desk::new();
    desk.run_with(&desk.twilio("http://127.0.0.1:9"));
    desk.send(vec![message("a", ExternalChannel::Sms, "")]).await;
    assert_eq!(
        desk.given_up("a").await,
        "they have no phone number (phone = \"+…\") under [[people]] in gander.toml"
    );
}

#[tokio::test]
async fn the_record_is_read_by_cursor_and_by_decision() {
    let (standin, mut desk) =
        (Standin::start(|_| (200, r#"{"id":"x"}"#.into())).await, Desk::new());
    let decision = desk.ask("Deploy?").await;
    desk.run_with(&desk.ntfy(&standin.url));
    desk.send(vec![
        about(decision.id, message("a", ExternalChannel::Push, "one")),
        message("b", ExternalChannel::Sms, MAYA),
    ])
    .await;
    desk.settled("a").await;
    desk.settled("b").await;
    let settled = desk.handle.notifications().settled(0, 10).await.unwrap();
    assert_eq!(settled.iter().map(|letter| letter.settled).collect::<Vec<_>>(), [1, 2]);
    let behind = desk.handle.notifications().settled(1, 10).await.unwrap();
    assert_eq!(behind.len(), 1);
    let about_it = desk.handle.notifications().of_decision(decision.id).await.unwrap();
    assert_eq!(
        about_it.iter().map(|letter| letter.message.key.as_str()).collect::<Vec<_>>(),
        ["a"]
    );
    // The number is not kept beside the record of what went to it.
    let database = rusqlite::Connection::open(desk.folder.path().join("gander.db")).unwrap();
    let kept = format!(
        "SELECT count(*) FROM outgoing WHERE address IS NOT NULL OR document LIKE '%{MAYA}%'"
    );
    assert_eq!(database.query_row(&kept, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

/// Held back for so long that it is no news any more: on record, not lost.
#[tokio::test]
async fn what_is_held_back_for_hours_is_given_up_on_record() {
    let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
    desk.run_with(&desk.twilio(&twilio.standin.url));
    let keys: Vec<String> = (0..70).map(|nth| format!("{nth}")).collect();
    desk.send(keys.iter().map(|key| message(key, ExternalChannel::Sms, MAYA)).collect()).await;
    for _ in 0..40 {
        for key in &keys {
            desk.until(key, |sending| rests(sending, desk.handle.now())).await;
        }
        desk.advance(10 * 60);
    }
    let mut given_up = 0;
    for key in &keys {
        match desk.settled(key).await.state {
            DeliveryState::Sent { .. } => {}
            DeliveryState::GaveUp { why, .. } => {
                given_up += 1;
                assert_eq!(
                    why,
                    "gave up after 6 hours: the person's limit of messages was used up"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(twilio.accepted().len() + given_up, 70);
    assert!(given_up > 0);
}
