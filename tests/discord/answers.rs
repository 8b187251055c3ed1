//! Each button, form and menu of a card, by those who may and those who may not; and what the agent
//! gets.

use std::sync::Arc;

use chrono::TimeDelta;
use gander::core::decision::event::Event;
use gander::core::decision::{State, Verdict};
use gander::core::policy::rules::Rules;
use gander::engine::Claim;

use crate::bot::{
    Bot, LIMIT, can_decide, cards_of, click, control, defer, deploy, id, reject, request, submit,
    submit_fields, words,
};
use crate::draw::Pen;

macro_rules! snapshot {
    ($name:literal, $pen:expr, $message:expr) => {
        insta::assert_snapshot!($name, $pen.message(&$message));
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_reaches_the_agent_once_and_the_card_says_so() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, card) = bot.ask_and_see(deploy()).await;
    snapshot!("card_waiting", pen, card);
    let agent = tokio::spawn({
        let handle = bot.handle.clone();
        async move { handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap() }
    });
    bot.advance(TimeDelta::minutes(3));
    let outcome = click(&bot.person("jonas"), &card, "approve").await;
    assert!(outcome.ok && outcome.error.is_none(), "{outcome:?}");
    let waited = tokio::time::timeout(LIMIT, agent).await.unwrap().unwrap();
    let State::Resolved(verdict) = &waited.state else { panic!("{waited:?}") };
    assert_eq!((&verdict.verdict, verdict.by.name.as_str()), (&Verdict::approved(), "Jonas"));
    let card = bot
        .card(decision.id, "picked up", |card| card.to_string().contains("The agent picked it up"))
        .await;
    snapshot!("card_approved_and_picked_up", pen, card);
    assert!(!can_decide(&card));
    assert_eq!(cards_of(&bot.sandbox, decision.id).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_needs_a_reason_and_the_agent_is_told() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, card) = bot.ask_and_see(deploy()).await;
    let maya = bot.person("maya");
    let form = click(&maya, &card, "reject").await;
    insta::assert_snapshot!(
        "form_reject",
        pen.steady(
            &serde_json::to_string_pretty(&form.modal.as_ref().unwrap()["components"]).unwrap()
        )
    );
    let blank = submit(&maya, &form, "   ").await;
    assert!(words(&blank).contains("needs a reason"), "{blank:?}");
    assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    let done = reject(&maya, &card, "Not on a Friday.\nTry Monday.").await;
    snapshot!("card_rejected", pen, done.message.unwrap());
    let waited = bot.handle.approvals().wait(decision.id, None, Claim::No, None).await.unwrap();
    let State::Resolved(resolved) = &waited.state else { panic!("{waited:?}") };
    assert_eq!(
        resolved.verdict,
        Verdict::Rejected { reason: "Not on a Friday.\nTry Monday.".into() }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_time_of_the_menu_puts_off_until_then() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let maya = bot.person("maya");
    let now = bot.handle.now();
    let tomorrow = gander::core::values::time_words::tomorrow_morning(now, chrono_tz::UTC).unwrap();
    for (value, until) in [
        ("30m", now + TimeDelta::minutes(30)),
        ("2h", now + TimeDelta::hours(2)),
        ("tomorrow 09:00", tomorrow),
    ] {
        let (decision, card) = bot.ask_and_see(request(value)).await;
        let outcome = defer(&maya, &card, value).await;
        assert!(words(&outcome).contains("deferred"), "{outcome:?}");
        let State::Deferred { until: stands, .. } =
            bot.handle.approvals().get(decision.id).await.unwrap().state
        else {
            panic!("{value}")
        };
        assert_eq!(stands, until, "{value}");
    }
    let (decision, card) = bot.ask_and_see(request("typed")).await;
    let form = defer(&maya, &card, "typed").await;
    insta::assert_snapshot!(
        "form_defer",
        pen.steady(
            &serde_json::to_string_pretty(&form.modal.as_ref().unwrap()["components"]).unwrap()
        )
    );
    let unread = submit(&maya, &form, "when pigs fly").await;
    assert!(words(&unread).contains("could not read"), "{unread:?}");
    let too_far = submit(&maya, &defer(&maya, &card, "typed").await, "30d").await;
    assert!(words(&too_far).contains("too late"), "{too_far:?}");
    let done = submit(&maya, &defer(&maya, &card, "typed").await, "45m").await;
    assert!(words(&done).contains("deferred until"), "{done:?}");
    let deferred =
        bot.card(decision.id, "deferred", |card| card.to_string().contains("Deferred")).await;
    snapshot!("card_deferred", pen, deferred);
    let waited = bot.handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap();
    assert!(matches!(waited.state, State::Deferred { .. }), "the agent is told: {waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_off_comes_back_as_a_new_message_even_over_a_restart() {
    let bot = Bot::start().await;
    let (decision, first) = bot.ask_and_see(request("Rename the module?")).await;
    let start = bot.handle.now();
    defer(&bot.person("maya"), &first, "30m").await;
    bot.advance(TimeDelta::minutes(29));
    let mut bot = bot.restart().await;
    assert_eq!(cards_of(&bot.sandbox, decision.id).len(), 1, "not yet");
    bot.kill().await;
    bot.advance(TimeDelta::minutes(2));
    let bot = bot.restart().await;
    let pen = Pen { sandbox: &bot.sandbox, start, tag: bot.handle.tag() };
    let second = bot.card(decision.id, "came back", |card| id(card) != id(&first)).await;
    snapshot!("card_came_back", pen, second);
    let moved = |sandbox: &discord_sandbox::Sandbox| {
        cards_of(sandbox, decision.id)
            .into_iter()
            .find(|card| id(card) == id(&first) && !can_decide(card))
    };
    let old =
        bot.sandbox.wait_for("the old card to say where it went", LIMIT, moved).await.unwrap();
    snapshot!("card_moved", pen, old);
    click(&bot.person("jonas"), &second, "approve").await;
    let waited = bot.handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap();
    assert!(matches!(waited.state, State::Resolved(_)), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_put_off_three_times_and_no_more() {
    let bot = Bot::start().await;
    let maya = bot.person("maya");
    let (decision, mut card) = bot.ask_and_see(request("Later?")).await;
    for _ in 0..3 {
        let before = id(&card).to_owned();
        defer(&maya, &card, "30m").await;
        bot.advance(TimeDelta::minutes(31));
        card = bot.card(decision.id, "came back", |card| id(card) != before).await;
    }
    let outcome = defer(&maya, &card, "30m").await;
    assert!(words(&outcome).contains("already deferred 3 times"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_refused_politely_and_told_who_may() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, card) = bot.ask_and_see(deploy()).await;
    let sven = bot.person("sven");
    for outcome in [
        click(&sven, &card, "approve").await,
        click(&sven, &card, "reject").await,
        defer(&sven, &card, "30m").await,
    ] {
        assert!(outcome.modal.is_none(), "no form for somebody who may not");
        assert_eq!(outcome.message.as_ref().unwrap()["flags"], 64, "private");
        insta::allow_duplicates! { insta::assert_snapshot!("stranger_refused", pen.steady(words(&outcome))); }
    }
    assert_eq!(bot.handle.event_log().history(decision.id).await.unwrap().len(), 1, "only asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_configuration_the_application_owner_decides_alone() {
    let sandbox =
        discord_sandbox::Sandbox::start(discord_sandbox::Options::default()).await.unwrap();
    let bot = Bot::start_in(sandbox, Rules::default()).await;
    let (decision, card) = bot.ask_and_see(request("Owner?")).await;
    let refused = click(&bot.person("jonas"), &card, "approve").await;
    let maya = bot.sandbox.addresses().user_id("maya").unwrap().to_owned();
    assert!(words(&refused).contains(&format!("<@{maya}>")), "{refused:?}");
    click(&bot.person("maya"), &card, "approve").await;
    assert!(!bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_at_once_make_one_verdict_500_times() {
    let bot = Bot::start().await;
    let (maya, jonas) = (Arc::new(bot.person("maya")), Arc::new(bot.person("jonas")));
    for round in 0..500 {
        let (decision, card) = bot.ask_and_see(request(&format!("Round {round}"))).await;
        let barrier = Arc::new(tokio::sync::Barrier::new(2));
        let clicks = [Arc::clone(&maya), Arc::clone(&jonas)].map(|person| {
            let (card, barrier) = (card.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                person.click(id(&card), &control(&card, "approve")).await
            })
        });
        let [first, second] = clicks;
        let outcomes = [first.await.unwrap(), second.await.unwrap()];
        let told = outcomes
            .iter()
            .filter(|outcome| words(outcome).starts_with("Another person was faster"))
            .count();
        let history = bot.handle.event_log().history(decision.id).await.unwrap();
        let verdicts =
            history.iter().filter(|logged| matches!(logged.event, Event::Resolved { .. })).count();
        // The slower person's client may see the card change before the click leaves it: then there
        // is no button any more.
        let too_late = outcomes.iter().filter(|outcome| !outcome.ok).count();
        assert_eq!((verdicts, told + too_late), (1, 1), "round {round}: {outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_person_is_told_who_decided_and_when() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (_, card) = bot.ask_and_see(deploy()).await;
    let jonas = bot.person("jonas");
    // A form that was open while somebody else decided.
    let form = click(&jonas, &card, "reject").await;
    click(&bot.person("maya"), &card, "approve").await;
    let late = submit(&jonas, &form, "No!").await;
    insta::assert_snapshot!("somebody_was_faster", pen.steady(words(&late)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_on_an_older_revision_decides_nothing_and_shows_what_changed() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let mut asked = deploy();
    asked.dedup_key = Some("deploy-contact-sync".into());
    let (decision, card) = bot.ask_and_see(asked.clone()).await;
    // The card cannot be redrawn for a while.
    let matching =
        discord_sandbox::Match { method: Some("PATCH".into()), path: Some("/messages/".into()) };
    let effect = discord_sandbox::Effect::status(503);
    bot.sandbox.fault(discord_sandbox::Fault { matching, effect, times: 0 });
    asked.details[0].value = "46/47".into();
    asked.risk = gander::core::decision::Risk::Critical;
    let revised = bot.ask(asked).await;
    assert_eq!((revised.id, revised.revision.0), (decision.id, 2));
    let maya = bot.person("maya");
    let outcome = click(&maya, &card, "approve").await;
    let shown = outcome.message.unwrap();
    snapshot!("outdated", pen, shown);
    assert!(
        bot.handle.approvals().get(decision.id).await.unwrap().state.is_open(),
        "nothing was decided"
    );
    let form = click(&maya, &shown, "approve").await;
    submit_fields(&maya, &form, serde_json::json!({ "word": "deploy" })).await;
    assert!(
        !bot.handle.approvals().get(decision.id).await.unwrap().state.is_open(),
        "the revision that was shown can be decided"
    );
    bot.sandbox.clear_faults();
    let card = bot.card(decision.id, "true in the end", |card| !can_decide(card)).await;
    assert!(card.to_string().contains("Approved"), "{card:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_of_another_store_decides_nothing() {
    let mut first = Bot::start().await;
    let (decision, card) = first.ask_and_see(request("Whose?")).await;
    first.kill().await;
    let second = Bot::start_in(first.sandbox.clone(), Rules::default()).await;
    second.ask(request("Another")).await;
    let outcome = click(&second.person("maya"), &card, "approve").await;
    insta::assert_snapshot!("button_of_another_store", words(&outcome));
    for bot in [&first, &second] {
        assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withdrawn_or_decided_elsewhere_shows_on_the_card() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, _) = bot.ask_and_see(request("Still needed?")).await;
    bot.handle.approvals().withdraw(decision.id, "the tests pass again").await.unwrap();
    let card = bot.card(decision.id, "withdrawn", |card| !can_decide(card)).await;
    snapshot!("card_withdrawn", pen, card);
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_with_the_same_key_is_one_card() {
    let bot = Bot::start().await;
    let mut asked = request("Once?");
    asked.dedup_key = Some("once".into());
    let (decision, _) = bot.ask_and_see(asked.clone()).await;
    assert_eq!(bot.ask(asked.clone()).await.id, decision.id);
    asked.insight.observation = "Something new.".into();
    bot.ask(asked).await;
    let card =
        bot.card(decision.id, "revised", |card| card.to_string().contains("Something new")).await;
    assert!(card["embeds"][0]["footer"]["text"].as_str().unwrap().contains("revision 2"));
    assert_eq!(cards_of(&bot.sandbox, decision.id).len(), 1);
}
