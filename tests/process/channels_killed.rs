//! Deaths between the intent and its outcome: nothing is doubled silently, nothing is lost.

use gander::core::decision::authorization::Voter;
use gander::core::decision::{Person, Via};
use gander::core::messaging::notification::{DeliveryState, ExternalChannel};

use crate::channels_desk::{Desk, MAYA, about, message};
use crate::channels_standin::{Reply, Standin};
use crate::channels_twilio::{NOON, Twilio};

/// Before the request (Hang), and after it was carried out (Swallow): once each in the end.
#[tokio::test]
async fn an_sms_or_a_call_that_was_cut_off_is_looked_for_and_goes_once() {
    for channel in [ExternalChannel::Sms, ExternalChannel::Voice] {
        for went in [false, true] {
            let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
            let settings = desk.twilio(&twilio.standin.url);
            desk.run_with(&settings);
            // The same words went to the same number a moment ago: that one must not be taken for
            // this.
            desk.send(vec![message("before", channel, MAYA)]).await;
            desk.settled("before").await;
            twilio.standin.order([if went { Reply::Swallow } else { Reply::Hang }]);
            desk.send(vec![message("a", channel, MAYA)]).await;
            twilio.standin.asked_times(2).await;
            desk.die().await;
            assert!(matches!(
                desk.handle.notifications().get("a").await.unwrap().unwrap().state,
                DeliveryState::Trying { .. }
            ));

            desk.run_with(&settings);
            // While the list cannot be read, nothing is repeated.
            twilio.standin.order([Reply::status(500, ""), Reply::status(200, "<html>")]);
            for times in 3..=4 {
                desk.advance(60);
                twilio.standin.asked_times(times).await;
                desk.until("a", |sending| matches!(sending, DeliveryState::Trying { next_try, .. } if *next_try > desk.handle.now()))
                    .await;
            }
            assert!(twilio.standin.asked()[2..].iter().all(|asked| asked.method == "GET"));
            desk.advance(15 * 60);
            let letter = desk.settled("a").await;
            let accepted = twilio.accepted();
            assert_eq!(accepted.len(), 2, "{channel}, went {went}: once");
            assert!(
                matches!(letter.state, DeliveryState::Sent { receipt, .. } if accepted[1]["sid"] == receipt.as_str())
            );
            assert_eq!(letter.tries, if went { 1 } else { 2 });
        }
    }
}

#[tokio::test]
async fn what_is_over_after_a_death_is_not_repeated_but_what_went_is_known() {
    for went in [false, true] {
        let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
        let settings = desk.twilio(&twilio.standin.url);
        let decision = desk.ask("Deploy?").await;
        desk.run_with(&settings);
        twilio.standin.order([if went { Reply::Swallow } else { Reply::Hang }]);
        desk.send(vec![about(decision.id, message("a", ExternalChannel::Sms, MAYA))]).await;
        twilio.standin.asked_times(1).await;
        desk.die().await;
        let owner = Voter { person: Person::discord(1, "Maya"), roles: Vec::new(), owner: true };
        desk.handle
            .approvals()
            .approve(decision.id, decision.revision, &owner, Via::Discord)
            .await
            .unwrap();
        desk.run_with(&settings);
        desk.advance(30);
        let letter = desk.settled("a").await;
        assert_eq!(matches!(letter.state, DeliveryState::Sent { .. }), went, "{letter:?}");
        assert_eq!(matches!(letter.state, DeliveryState::Dropped { .. }), !went, "{letter:?}");
        assert_eq!(twilio.accepted().len(), usize::from(went));
    }
}

/// At least once: the second is the same message by its id, and the phone shows it in place of the
/// first.
#[tokio::test]
async fn a_push_that_was_cut_off_is_sent_again_as_the_same_message() {
    let (standin, mut desk) =
        (Standin::start(|_| (200, r#"{"id":"x"}"#.into())).await, Desk::new());
    let settings = desk.ntfy(&standin.url);
    standin.order([Reply::Swallow]);
    desk.run_with(&settings);
    desk.send(vec![message("a", ExternalChannel::Push, "topic")]).await;
    standin.asked_times(1).await;
    desk.die().await;
    desk.run_with(&settings);
    desk.advance(29);
    assert_eq!(standin.asked().len(), 1);
    desk.advance(1);
    assert_eq!(desk.settled("a").await.tries, 2);
    let ids: Vec<_> =
        standin.asked().iter().map(|asked| asked.json()["sequence_id"].clone()).collect();
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_death_before_the_intent_only_makes_it_late() {
    let (twilio, mut desk) = (Twilio::start(NOON).await, Desk::new());
    desk.send(vec![message("a", ExternalChannel::Sms, MAYA)]).await;
    desk.run_with(&desk.twilio(&twilio.standin.url));
    assert_eq!(desk.settled("a").await.tries, 1);
    desk.die().await;
    desk.run_with(&desk.twilio(&twilio.standin.url));
    desk.send(vec![message("b", ExternalChannel::Sms, MAYA)]).await;
    desk.settled("b").await;
    assert_eq!(twilio.accepted().len(), 2, "what is settled stays so");
}
