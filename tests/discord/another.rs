//! Two stores behind one token: each hears what the other posts, and says so.

use gander::engine::operations::heartbeat;
use gander::engine::operations::heartbeat::{OtherStore, Sign};

use crate::bot::{Bot, LIMIT, click, request, words};

async fn sign_at(bot: &Bot, sign: Sign) -> OtherStore {
    let seen = |heartbeat: &Option<heartbeat::Heartbeat>| {
        heartbeat.as_ref().is_some_and(|heartbeat| {
            heartbeat.another.as_ref().is_some_and(|another| another.sign == sign)
        })
    };
    let mut pulses = bot.handle.operations().heartbeats();
    let heartbeat = tokio::time::timeout(LIMIT, pulses.wait_for(seen)).await.unwrap().unwrap();
    heartbeat.as_ref().and_then(|heartbeat| heartbeat.another.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_posts_under_the_same_name_is_noticed() {
    let bot = Bot::start().await;
    heartbeat::begin(&bot.handle);
    // Its own cards are no sign of another.
    bot.ask_and_see(request("From here?")).await;
    assert_eq!(bot.handle.operations().heartbeat().unwrap().another, None);
    let other = Bot::start_in(bot.sandbox.clone(), (*bot.handle.rules()).clone()).await;
    other.ask(request("From there?")).await;
    let another = sign_at(&bot, Sign::Posted).await;
    assert_eq!(another.tag, other.handle.tag());
    // A button that is pressed tells less: what is surer stays.
    bot.handle.operations().saw_other_store("elsewhere".into(), Sign::Pressed);
    assert_eq!(bot.handle.operations().heartbeat().unwrap().another.unwrap(), another);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_an_earlier_store_left_behind_is_no_proof_of_another_bot() {
    let mut earlier = Bot::start().await;
    let (_, card) = earlier.ask_and_see(request("From long ago?")).await;
    earlier.kill().await;
    let bot = Bot::start_in(earlier.sandbox.clone(), (*earlier.handle.rules()).clone()).await;
    heartbeat::begin(&bot.handle);
    let answer = click(&bot.person("maya"), &card, "approve").await;
    assert!(words(&answer).contains("belongs to another Gander"), "{answer:?}");
    let another = sign_at(&bot, Sign::Pressed).await;
    assert_eq!(another.tag, earlier.handle.tag());
    let channel = card["channel_id"].as_str().unwrap();
    let status = bot.person("maya").command(channel, "status", serde_json::json!({})).await;
    let said = words(&status);
    assert!(said.contains("remains from an earlier store, or another gander serve"), "{said}");
}
