//! What people do around a verdict: several approve, one is on it, one adds a note, confirms, takes
//! it back; and what the agent reports.

use std::sync::Arc;

use chrono::TimeDelta;
use discord_sandbox::Sandbox;
use gander::core::decision::{Agent, Attachment, Link, Outcome, Request, Risk, State, Verdict};
use gander::engine::Claim;
use serde_json::json;

use crate::bot::{
    Bot, LIMIT, can_decide, click, control, custom_ids, deploy, id, reject, request, submit_fields,
    words,
};

macro_rules! snapshot {
    ($name:literal, $pen:expr, $message:expr) => {
        insta::assert_snapshot!($name, $pen.message(&$message));
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn several_must_approve_and_the_card_shows_the_votes() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, card) = bot.ask_and_see(Request { approvals_needed: 2, ..deploy() }).await;
    snapshot!("votes_none", pen, card);
    let form = click(&bot.person("maya"), &card, "note").await;
    let voted =
        submit_fields(&bot.person("maya"), &form, json!({ "note": "Watch the error rate." })).await;
    snapshot!("votes_one", pen, voted.message.as_ref().unwrap());
    assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    let again = click(&bot.person("maya"), &card, "approve").await;
    insta::assert_snapshot!("votes_twice", words(&again));
    let card = click(&bot.person("jonas"), &card, "approve").await.message.unwrap();
    snapshot!("votes_enough", pen, card);
    let State::Resolved(resolved) = bot.handle.approvals().get(decision.id).await.unwrap().state
    else {
        panic!()
    };
    assert_eq!((resolved.verdict, resolved.votes.len()), (Verdict::approved(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rejection_of_several_rejects() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(Request { approvals_needed: 3, ..deploy() }).await;
    click(&bot.person("maya"), &card, "approve").await;
    reject(&bot.person("jonas"), &card, "Not before the freeze ends.").await;
    let waited = bot.handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap();
    assert!(
        matches!(waited.state, State::Resolved(resolved) if matches!(resolved.verdict, Verdict::Rejected { .. }))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_forgets_the_votes_for_what_it_was() {
    let bot = Bot::start().await;
    let asked = Request { approvals_needed: 2, dedup_key: Some("k".into()), ..deploy() };
    let (decision, card) = bot.ask_and_see(asked.clone()).await;
    click(&bot.person("maya"), &card, "approve").await;
    bot.ask(Request { title: "Deploy something else".into(), ..asked }).await;
    let card =
        bot.card(decision.id, "revised", |card| card.to_string().contains("something else")).await;
    click(&bot.person("jonas"), &card, "approve").await;
    assert!(
        bot.handle.approvals().get(decision.id).await.unwrap().state.is_open(),
        "Maya approved another question"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn critical_risk_is_confirmed_by_typing() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let maya = bot.person("maya");
    let (decision, card) = bot.ask_and_see(Request { risk: Risk::Critical, ..deploy() }).await;
    let form = click(&maya, &card, "approve").await;
    insta::assert_snapshot!(
        "form_confirm",
        pen.steady(
            &serde_json::to_string_pretty(&form.modal.as_ref().unwrap()["components"]).unwrap()
        )
    );
    let wrong = submit_fields(&maya, &form, json!({ "word": "yes" })).await;
    insta::assert_snapshot!("unconfirmed", words(&wrong));
    assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
    let form = click(&maya, &card, "approve").await;
    submit_fields(&maya, &form, json!({ "word": " deploy ", "note": "At noon." })).await;
    let State::Resolved(resolved) = bot.handle.approvals().get(decision.id).await.unwrap().state
    else {
        panic!()
    };
    assert_eq!(resolved.verdict, Verdict::noted(Some("At noon.".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_critical_choice_is_confirmed_from_buttons_and_from_the_menu() {
    let bot = Bot::start().await;
    let jonas = bot.person("jonas");
    for count in [3, 8] {
        let options =
            (0..count).map(|n| json!({ "name": format!("Plan {n}") })).collect::<Vec<_>>();
        let asked: Request = serde_json::from_value(json!({
            "title": format!("Which of {count}?"), "kind": "legal", "risk": "critical",
            "expects": "choose", "options": options
        }))
        .unwrap();
        let (decision, card) = bot.ask_and_see(asked).await;
        let form = if count == 3 {
            click(&jonas, &card, "choose-1").await
        } else {
            jonas.select(id(&card), &control(&card, "pick"), &["1"]).await
        };
        submit_fields(&jonas, &form, json!({ "word": "LEGAL" })).await;
        let State::Resolved(resolved) =
            bot.handle.approvals().get(decision.id).await.unwrap().state
        else {
            panic!()
        };
        assert_eq!(resolved.verdict, Verdict::Chosen { option: "Plan 1".into() });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_is_undone_until_the_agent_has_it() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, card) = bot.ask_and_see(deploy()).await;
    let approved = click(&bot.person("jonas"), &card, "approve").await.message.unwrap();
    snapshot!("approved_not_picked_up", pen, approved);
    bot.advance(TimeDelta::minutes(2));
    let undone = click(&bot.person("maya"), &approved, "undo").await.message.unwrap();
    snapshot!("undone", pen, undone);
    assert!(
        can_decide(&undone)
            && bot.handle.approvals().get(decision.id).await.unwrap().state.is_open()
    );
    click(&bot.person("maya"), &undone, "approve").await;
    bot.advance(TimeDelta::seconds(3));
    bot.handle.approvals().claim(decision.id).await.unwrap();
    let card =
        bot.card(decision.id, "picked up", |card| card.to_string().contains("3s later")).await;
    assert!(
        !custom_ids(&card).iter().any(|id| id.contains(":undo:")),
        "what cannot be undone offers no undo: {card:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_of_more_than_a_day_ago_stands() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(deploy()).await;
    let approved = click(&bot.person("jonas"), &card, "approve").await.message.unwrap();
    bot.advance(TimeDelta::hours(24) + TimeDelta::seconds(1));
    let late = click(&bot.person("jonas"), &approved, "undo").await;
    assert!(words(&late).contains("Too late"), "{late:?}");
    assert!(!bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_again_is_not_undone_beside_it() {
    let bot = Bot::start().await;
    let asked = Request { dedup_key: Some("checkout".into()), ..deploy() };
    let (first, card) = bot.ask_and_see(asked.clone()).await;
    let approved = click(&bot.person("jonas"), &card, "approve").await.message.unwrap();
    let (second, _) = bot.ask_and_see(asked).await;
    assert_ne!(first.id, second.id);
    let refused = click(&bot.person("jonas"), &approved, "undo").await;
    insta::assert_snapshot!("undo_asked_again", words(&refused));
    assert!(!bot.handle.approvals().get(first.id).await.unwrap().state.is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_tells_what_the_agent_did() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    for (outcome, text, name) in [
        (Outcome::Succeeded, "Deployed in 41 s.", "outcome_done"),
        (Outcome::Failed, "Migration 7 timed out.", "outcome_failed"),
    ] {
        let (decision, card) =
            bot.ask_and_see(Request { title: format!("Deploy, {outcome}"), ..deploy() }).await;
        click(&bot.person("jonas"), &card, "approve").await;
        bot.handle.approvals().report(decision.id, outcome, text).await.unwrap();
        let card = bot
            .card(decision.id, "reported", |card| card.to_string().contains("It reported"))
            .await;
        insta::assert_snapshot!(name, pen.message(&card));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_on_it_and_everybody_sees_who() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, card) = bot.ask_and_see(deploy()).await;
    let taken = click(&bot.person("jonas"), &card, "take").await.message.unwrap();
    snapshot!("taken", pen, taken);
    let refused = click(&bot.person("sven"), &card, "take").await;
    assert!(refused.message.is_none() || words(&refused).contains("to decide"), "{refused:?}");
    click(&bot.person("maya"), &taken, "approve").await;
    assert!(
        !bot.handle.approvals().get(decision.id).await.unwrap().state.is_open(),
        "being on it keeps nobody else from deciding"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_handed_over_to_somebody_who_may_decide_and_they_are_told() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (jonas, maya) = (bot.person("jonas"), bot.person("maya"));
    let id_of = |name: &str| bot.sandbox.addresses().user_id(name).unwrap().to_owned();
    let (decision, card) = bot.ask_and_see(deploy()).await;
    let taken = click(&jonas, &card, "take").await.message.unwrap();
    let hand = |to: String| {
        let (jonas, card, menu) = (jonas.clone(), id(&taken).to_owned(), control(&taken, "hand"));
        async move { jonas.select(&card, &menu, &[&to]).await }
    };
    let refused = hand(id_of("sven")).await;
    insta::assert_snapshot!("hand_over_refused", pen.steady(words(&refused)));
    let handed = hand(id_of("maya")).await.message.unwrap();
    snapshot!("handed_over", pen, handed);
    let told = |sandbox: &Sandbox| sandbox.view("maya")?.dm()?.messages.last().cloned();
    let told = bot.sandbox.wait_for("Maya to be told", LIMIT, told).await.unwrap();
    insta::assert_snapshot!("handed_to_you", pen.steady(told["content"].as_str().unwrap()));
    // With her direct messages closed she is mentioned under the card.
    bot.sandbox.close_dms("jonas", true);
    let handed = bot.card(decision.id, "drawn", |_| true).await;
    maya.select(id(&handed), &control(&handed, "hand"), &[&id_of("jonas")]).await;
    let mentioned = |sandbox: &Sandbox| {
        let view = sandbox.view("jonas")?;
        let mentions = |message: &&serde_json::Value| {
            message["mentions"].as_array().is_some_and(|people| !people.is_empty())
        };
        view.channels.iter().flat_map(|channel| &channel.messages).find(mentions).cloned()
    };
    let mention = bot.sandbox.wait_for("Jonas to be mentioned", LIMIT, mentioned).await.unwrap();
    assert_eq!(mention["message_reference"]["message_id"].as_str(), Some(id(&handed)));
    insta::assert_snapshot!(
        "handed_to_you_in_the_channel",
        pen.steady(mention["content"].as_str().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn details_are_for_the_clicker_alone_and_hold_everything() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let diff = format!(
        "--- a/plan.md\n+++ b/plan.md\n@@ -1 +1 @@\n{}",
        "+a line that is added\n".repeat(300)
    );
    let asked = Request {
        body: diff.clone(),
        links: vec![Link { name: "pull request".into(), url: "https://example.org/pr/7".into() }],
        job: Some("job-12".into()),
        agent: Agent { name: "goose".into(), session: Some("s-7".into()) },
        ..deploy()
    };
    let (_, card) = bot.ask_and_see(asked).await;
    let shown = click(&bot.person("sven"), &card, "details").await.message.unwrap();
    assert_eq!(shown["flags"].as_u64(), Some(64), "private");
    snapshot!("details", pen, shown);
    let names: Vec<&str> = shown["attachments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["filename"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["decision-1.md", "decision-1.diff"]);
    let sizes: Vec<u64> = shown["attachments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["size"].as_u64().unwrap())
        .collect();
    assert!(sizes.iter().all(|size| *size >= diff.len() as u64), "{sizes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_put_on_the_machine_and_never_typed() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let mut asked = request("The GHL key is missing");
    asked.kind = "credentials".into();
    asked.insight.what_to_do = "Put it into ~/.config/ghl/token".into();
    let (_, card) = bot.ask_and_see(asked.clone()).await;
    snapshot!("credentials", pen, card);
    let typed = Request { expects: gander::core::decision::Expects::Answer, ..asked };
    let refused = bot.handle.approvals().ask(typed).await.unwrap_err().to_string();
    assert!(refused.contains("never typed into Discord"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_hang_side_by_side_and_are_named() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let file = |name: &str| {
        let path = bot.folder.path().join(name);
        std::fs::write(&path, b"not looked into").unwrap();
        Attachment { name: name.into(), path }
    };
    let asked: Request = serde_json::from_value(json!({
        "title": "Which of the two?", "kind": "design_review", "expects": "choose",
        "options": [{ "name": "Calm", "description": "one column" },
            { "name": "Dense", "description": "two columns" }]
    }))
    .unwrap();
    let (_, card) = bot
        .ask_and_see(Request { attachments: vec![file("calm.png"), file("dense.png")], ..asked })
        .await;
    snapshot!("pictures", pen, card);
    assert_eq!(card["attachments"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_undo_and_decide_at_once_leave_one_truth() {
    let bot = Arc::new(Bot::start().await);
    for round in 0..20 {
        let (decision, card) = bot.ask_and_see(request(&format!("round {round}"))).await;
        let approved = click(&bot.person("jonas"), &card, "approve").await.message.unwrap();
        let undo = tokio::spawn({
            let (bot, card) = (Arc::clone(&bot), approved.clone());
            async move { click(&bot.person("maya"), &card, "undo").await }
        });
        let claimed = bot.handle.approvals().claim(decision.id).await;
        undo.await.unwrap();
        let stands = bot.handle.approvals().get(decision.id).await.unwrap();
        // Whichever was first: what the agent has is never taken back.
        assert_eq!(claimed.is_ok(), !stands.state.is_open(), "round {round}: {stands:?}");
        bot.card(decision.id, "true", |card| can_decide(card) == stands.state.is_open()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_asked_is_told_the_answer_once() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let sven = bot.sandbox.addresses().user_id("sven").unwrap().parse().unwrap();
    let asked = Request {
        title: "May I take Friday off?".into(),
        agent: Agent { name: "Sven".into(), session: None },
        asked_by: Some(gander::core::decision::Person::discord(sven, "Sven")),
        ..Request::default()
    };
    let (decision, card) = bot.ask_and_see(asked).await;
    reject(&bot.person("maya"), &card, "The release is on Friday.").await;
    let card =
        bot.card(decision.id, "told", |card| card.to_string().contains("has been notified")).await;
    snapshot!("person_told", pen, card);
    // The claim, which the card shows, precedes the direct message.
    let told = |sandbox: &Sandbox| sandbox.view("sven")?.dm()?.messages.last().cloned();
    bot.sandbox.wait_for("Sven to be told", LIMIT, told).await.unwrap();
    // A restart looks back, and tells nobody twice.
    let start = bot.handle.now();
    let bot = bot.restart().await;
    let (next, _) = bot.ask_and_see(request("Something else")).await;
    assert_ne!(next.id, decision.id);
    let told = bot.sandbox.view("sven").unwrap().dm().unwrap().messages.clone();
    assert_eq!(told.len(), 1, "{told:#?}");
    let pen = crate::draw::Pen { sandbox: &bot.sandbox, start, tag: bot.handle.tag() };
    insta::assert_snapshot!("answered_you", pen.message(&told[0]));
}
