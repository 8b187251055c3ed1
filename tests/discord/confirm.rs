//! What somebody wants decided over HTTP or through an agent, and confirms on Discord with their
//! own hand.

use chrono::TimeDelta;
use discord_sandbox::{Effect, Reason, Sandbox};
use gander::core::decision::authorization::Voter;
use gander::core::decision::event::Event;
use gander::core::decision::{Decision, Person, Request, Risk, State, Verdict, Via};
use gander::engine::{Claim, HandleError};
use serde_json::{Value, json};

use crate::bot::{
    Bot, LIMIT, can_decide, click, deploy, id, request, submit, submit_fields, words,
};
use crate::ladder::{answered, direct, directs, user};
use crate::weather::{calms_down, on};

fn voter(bot: &Bot, name: &str, called: &str) -> Voter {
    Voter {
        person: Person::discord(user(&bot.sandbox, name), called),
        roles: Vec::new(),
        owner: false,
    }
}

async fn propose(
    bot: &Bot,
    decision: &Decision,
    via: Via,
    verdict: Verdict,
) -> Result<Decision, HandleError> {
    bot.handle
        .approvals()
        .propose(decision.id, decision.revision, &voter(bot, "maya", "Maya"), via, verdict)
        .await
}

fn times(history: &[gander::core::decision::event::Logged], wanted: fn(&Event) -> bool) -> usize {
    history.iter().filter(|logged| wanted(&logged.event)).count()
}

/// Waits until the card in Maya's direct message is so.
async fn dm_becomes(bot: &Bot, message: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let probe = |sandbox: &Sandbox| {
        direct(sandbox, "maya").into_iter().find(|one| one["id"] == *message).filter(&is_so)
    };
    bot.sandbox.wait_for(&format!("the direct message: {what}"), LIMIT, probe).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wants_it_is_asked_once_and_confirms_with_the_button() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, _) = bot.ask_and_see(deploy()).await;
    let agent = tokio::spawn({
        let (handle, id) = (bot.handle.clone(), decision.id);
        async move { handle.approvals().wait(id, None, Claim::Yes, None).await.unwrap() }
    });
    let refused = bot
        .handle
        .approvals()
        .approve(decision.id, decision.revision, &voter(&bot, "maya", "Maya"), Via::Mcp)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("confirmed on Discord"), "{refused}");
    let proposed = propose(&bot, &decision, Via::Mcp, Verdict::approved()).await.unwrap();
    assert!(proposed.state.is_open() && proposed.proposals().len() == 1, "it decides nothing");
    let standing = bot.handle.escalation().progress(&proposed).unwrap();
    let lines = gander::presentation::text::progress_lines(&standing, bot.handle.now()).join("\n");
    assert!(
        lines.contains(
            "Maya wants to approve it (through an agent): waiting for confirmation on Discord"
        ),
        "{lines}"
    );
    let dm = directs(&bot, "maya", 1).await.remove(0);
    let card = bot
        .card(decision.id, "waiting for confirmation", |card| {
            card.to_string().contains("Waiting for confirmation")
        })
        .await;
    let mut seen = format!(
        "══ the card\n{}══ Maya's direct message\n{}",
        pen.message(&card),
        pen.message(&dm)
    );
    // The same again, by the other way too.
    propose(&bot, &decision, Via::Mcp, Verdict::approved()).await.unwrap();
    propose(&bot, &decision, Via::Http, Verdict::approved()).await.unwrap();
    let pressed = click(&bot.person("maya"), &dm, "approve").await;
    assert!(pressed.ok && pressed.error.is_none(), "{pressed:?}");
    let waited = tokio::time::timeout(LIMIT, agent).await.unwrap().unwrap();
    let State::Resolved(resolved) = &waited.state else { panic!("{waited:?}") };
    assert_eq!(
        (&resolved.verdict, resolved.via, resolved.by.name.as_str()),
        (&Verdict::approved(), Via::Discord, "Maya")
    );
    let over = dm_becomes(&bot, id(&dm), "decided", |dm| {
        !can_decide(dm) && dm.to_string().contains("The agent picked it up")
    })
    .await;
    // How soon that was is the machine's.
    let soon = |line: &str| {
        if line.contains("The agent picked it up") {
            "│    The agent picked it up.".to_owned()
        } else {
            line.to_owned()
        }
    };
    let over: Vec<String> = pen.message(&over).lines().map(soon).collect();
    seen.push_str(&format!("══ the direct message afterwards\n{}\n", over.join("\n")));
    insta::assert_snapshot!("confirmed", seen);
    let history = bot.handle.event_log().history(decision.id).await.unwrap();
    assert_eq!(times(&history, |event| matches!(event, Event::Proposed { .. })), 1, "{history:#?}");
    assert_eq!(times(&history, |event| matches!(event, Event::Resolved { .. })), 1);
    calms_down(&bot).await;
    assert_eq!(direct(&bot.sandbox, "maya").len(), 1, "one message, whatever was said again");
}

#[tokio::test(flavor = "multi_thread")]
async fn critical_risk_is_confirmed_by_the_word_all_the_same() {
    let bot = Bot::start().await;
    let (decision, _) = bot.ask_and_see(Request { risk: Risk::Critical, ..deploy() }).await;
    propose(&bot, &decision, Via::Http, Verdict::noted(Some("Watch the queue.".into())))
        .await
        .unwrap();
    let dm = directs(&bot, "maya", 1).await.remove(0);
    let maya = bot.person("maya");
    let form = click(&maya, &dm, "approve").await;
    let drawn = form.modal.as_ref().unwrap().to_string();
    assert!(
        drawn.contains("Watch the queue."),
        "what she said is in the form, to be seen: {drawn}"
    );
    let slip = submit_fields(&maya, &form, json!({ "word": "yes" })).await;
    assert!(words(&slip).contains("to approve it, type DEPLOY"), "{slip:?}");
    assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    let form = click(&maya, &dm, "approve").await;
    submit_fields(&maya, &form, json!({ "word": "deploy" })).await;
    let State::Resolved(resolved) = bot.handle.approvals().get(decision.id).await.unwrap().state
    else {
        panic!("not confirmed")
    };
    assert_eq!(resolved.verdict, Verdict::noted(Some("Watch the queue.".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_confirmed_with_its_reason_already_written() {
    let bot = Bot::start().await;
    let (decision, _) = bot.ask_and_see(deploy()).await;
    propose(&bot, &decision, Via::Mcp, Verdict::Rejected { reason: "The tests are red.".into() })
        .await
        .unwrap();
    let dm = directs(&bot, "maya", 1).await.remove(0);
    let form = click(&bot.person("maya"), &dm, "reject").await;
    let done = bot
        .person("maya")
        .submit(form.modal.as_ref().unwrap()["modal_id"].as_str().unwrap(), json!({}))
        .await;
    assert!(done.ok, "{done:?}");
    let State::Resolved(resolved) = bot.handle.approvals().get(decision.id).await.unwrap().state
    else {
        panic!("not rejected")
    };
    assert_eq!(resolved.verdict, Verdict::Rejected { reason: "The tests are red.".into() });
}

#[tokio::test(flavor = "multi_thread")]
async fn another_approver_decides_as_always_and_the_direct_message_says_so() {
    let bot = Bot::start().await;
    let (decision, _) = bot.ask_and_see(deploy()).await;
    propose(&bot, &decision, Via::Mcp, Verdict::approved()).await.unwrap();
    let dm = directs(&bot, "maya", 1).await.remove(0);
    let card = bot
        .card(decision.id, "waiting for confirmation", |card| {
            card.to_string().contains("Waiting for confirmation")
        })
        .await;
    let form = click(&bot.person("jonas"), &card, "reject").await;
    submit(&bot.person("jonas"), &form, "Not today.").await;
    let over = dm_becomes(&bot, id(&dm), "rejected", |dm| !can_decide(dm)).await;
    assert!(over["content"].as_str().unwrap().contains("rejected by Jonas"), "{over:#}");
    let late = propose(&bot, &decision, Via::Mcp, Verdict::approved()).await.unwrap_err();
    assert!(late.to_string().contains("already decided by Jonas"), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_direct_messages_are_closed_she_is_called_under_the_card() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    bot.sandbox.close_dms("maya", true);
    let (decision, card) = bot.ask_and_see(deploy()).await;
    propose(&bot, &decision, Via::Http, Verdict::approved()).await.unwrap();
    let called = answered(&bot, 1).await.remove(0);
    assert_eq!(called["message_reference"]["message_id"], card["id"]);
    let step = bot.person("maya").view().notifications;
    assert!(
        step.iter().any(|one| one.message_id == id(&called) && one.reason == Reason::Mention),
        "{step:?}"
    );
    assert!(
        !bot.person("jonas")
            .view()
            .notifications
            .iter()
            .any(|one| one.message_id == id(&called) && one.reason == Reason::Mention)
    );
    let mut seen = format!("══ under the card\n{}", pen.message(&called));
    let shown = click(&bot.person("maya"), &called, "walk-0").await.message.unwrap();
    click(&bot.person("maya"), &shown, "approve").await;
    assert!(!bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    let over = |sandbox: &Sandbox| {
        crate::ladder::answers(sandbox).into_iter().find(|one| {
            one["content"].as_str().is_some_and(|words| words.contains("approved by Maya"))
        })
    };
    let over =
        bot.sandbox.wait_for("the mention to say what came of it", LIMIT, over).await.unwrap();
    seen.push_str(&format!("══ afterwards\n{}", pen.message(&over)));
    insta::assert_snapshot!("confirm_under_the_card", seen);
    calms_down(&bot).await;
    assert_eq!(crate::ladder::answers(&bot.sandbox).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_or_is_put_off_needs_no_confirming_and_is_asked_anew() {
    let bot = Bot::start().await;
    let keyed =
        |title: &str| Request { title: title.into(), dedup_key: Some("deploy".into()), ..deploy() };
    let (decision, _) = bot.ask_and_see(keyed("Deploy 1.4")).await;
    propose(&bot, &decision, Via::Mcp, Verdict::approved()).await.unwrap();
    let dm = directs(&bot, "maya", 1).await.remove(0);
    let other = bot.ask(keyed("Deploy 1.5")).await;
    assert!(other.proposals().is_empty() && other.revision.0 == 2);
    let old = propose(&bot, &decision, Via::Mcp, Verdict::approved()).await.unwrap_err();
    assert!(matches!(old, HandleError::Refused(..)), "{old}");
    // Her old message is a card of what stands, and nothing is confirmed any more.
    dm_becomes(&bot, id(&dm), "the new content", |dm| {
        dm.to_string().contains("Deploy 1.5")
            && !dm.to_string().contains("Waiting for confirmation")
    })
    .await;
    let proposed = propose(&bot, &other, Via::Mcp, Verdict::approved()).await.unwrap();
    assert_eq!(proposed.proposals().len(), 1);
    directs(&bot, "maya", 2).await;
    let until = bot.handle.now() + TimeDelta::hours(2);
    let put_off = bot
        .handle
        .approvals()
        .defer(other.id, other.revision, &voter(&bot, "maya", "Maya"), until)
        .await
        .unwrap();
    assert!(put_off.proposals().is_empty());
    let refused = propose(&bot, &other, Via::Mcp, Verdict::approved()).await.unwrap_err();
    assert!(refused.to_string().contains("deferred until"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_decide_may_not_propose_and_who_asked_neither() {
    let bot = Bot::start().await;
    let (decision, _) = bot.ask_and_see(deploy()).await;
    let sven = voter(&bot, "sven", "Sven");
    let denied = bot
        .handle
        .approvals()
        .propose(decision.id, decision.revision, &sven, Via::Mcp, Verdict::approved())
        .await
        .unwrap_err();
    assert!(matches!(denied, HandleError::Denied(..)), "{denied}");
    let own = Request {
        asked_by: Some(voter(&bot, "maya", "Maya").person),
        risk: Risk::High,
        ..request("Mine?")
    };
    let own = bot.ask(own).await;
    let denied = propose(&bot, &own, Via::Http, Verdict::approved()).await.unwrap_err();
    assert!(matches!(denied, HandleError::Denied(..)), "{denied}");
    let wrong =
        propose(&bot, &decision, Via::Http, Verdict::answered("so".into())).await.unwrap_err();
    assert!(matches!(wrong, HandleError::Refused(..)), "{wrong}");
    assert_eq!(
        bot.handle.event_log().history(decision.id).await.unwrap().len(),
        1,
        "nothing was written"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_dies_anywhere_on_the_way_asks_once() {
    // Before it has read the log, while the message is on its way, after it has arrived.
    for place in 0..3 {
        let mut bot = Bot::start().await;
        let (decision, _) = bot.ask_and_see(deploy()).await;
        if place == 0 {
            bot.kill().await;
        } else if place == 1 {
            bot.sandbox.fault(on("POST", "/messages", Effect::lost_answer(), 1));
        }
        propose(&bot, &decision, Via::Mcp, Verdict::approved()).await.unwrap();
        if place > 0 {
            directs(&bot, "maya", 1).await;
        }
        let bot = bot.restart().await;
        let dm = directs(&bot, "maya", 1).await.remove(0);
        calms_down(&bot).await;
        assert_eq!(direct(&bot.sandbox, "maya").len(), 1, "place {place}");
        let dm = dm_becomes(&bot, id(&dm), "there", can_decide).await;
        click(&bot.person("maya"), &dm, "approve").await;
        assert!(!bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_low_and_medium_risk_is_decided_at_once_and_the_card_says_where() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let mut seen = Vec::new();
    for (title, via) in [("Rename it?", Via::Http), ("Rename that?", Via::Mcp)] {
        let (decision, _) = bot.ask_and_see(request(title)).await;
        bot.handle
            .approvals()
            .approve(decision.id, decision.revision, &voter(&bot, "maya", "Maya"), via)
            .await
            .unwrap();
        let card = bot.card(decision.id, "approved", |card| !can_decide(card)).await;
        seen.push(pen.message(&card));
    }
    insta::assert_snapshot!("decided_by_token", seen.join("\n"));
}
