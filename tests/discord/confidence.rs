//! What an agent is sure of passes without a person, is listed for review, and can be disagreed
//! with.

use chrono::{NaiveTime, TimeDelta};
use discord_sandbox::Sandbox;
use gander::core::decision::event::Event;
use gander::core::decision::{Decision, DecisionId, Kind, Person, Request, Risk, State, Via};
use gander::core::escalation::Stage;
use gander::core::messaging::batch::Batching;
use gander::core::messaging::daily::Daily;
use gander::core::messaging::message::PostState;
use gander::core::policy::rules::{Rule, Rules};
use gander::engine::Claim;
use serde_json::{Value, json};

use crate::bot::{
    Bot, LIMIT, approvers, can_decide, cards_of, click, custom_ids, id, request, words,
};
use crate::common::process::sandbox;
use crate::ladder::until;
use gander::store::Store;

/// What passes by itself in the project `web-shop`: names, and deployments elsewhere than to
/// production.
fn routed(sandbox: &Sandbox) -> Rules {
    let yes = Rule { route_by_confidence: true, ..Rule::default() };
    Rules {
        approvers: approvers(sandbox),
        batching: Batching::off(),
        projects: [("web-shop".to_owned(), yes.clone())].into(),
        kinds: ["naming", "deploy"].map(|kind| (Kind::from(kind), yes.clone())).into(),
        daily: Daily { review: NaiveTime::from_hms_opt(9, 0, 0).unwrap(), digest: None },
        ..Rules::default()
    }
}

async fn server() -> Sandbox {
    sandbox().await
}

async fn start() -> Bot {
    let sandbox = server().await;
    let rules = routed(&sandbox);
    Bot::start_in(sandbox, rules).await
}

fn sure(title: &str) -> Request {
    Request {
        project: "web-shop".into(),
        kind: "naming".into(),
        risk: Risk::Low,
        confidence: Some(0.95),
        ..request(title)
    }
}

fn via(decision: &Decision) -> Option<Via> {
    decision.verdict().ok().map(|resolved| resolved.via)
}

/// What the agent is told, without taking it.
async fn verdict(bot: &Bot, id: DecisionId) -> Decision {
    let waited =
        tokio::time::timeout(LIMIT, bot.handle.approvals().wait(id, None, Claim::No, None)).await;
    waited.unwrap_or_else(|_| panic!("{id} has no verdict")).unwrap()
}

/// All messages of the server whose embed has such a title.
fn titled(sandbox: &Sandbox, title: &str) -> Vec<Value> {
    let view = sandbox.view("maya").unwrap();
    let is = |message: &&Value| {
        message["embeds"][0]["title"].as_str().is_some_and(|said| said.starts_with(title))
            && message["flags"].as_u64() != Some(64)
    };
    view.channels.iter().flat_map(|channel| &channel.messages).filter(is).cloned().collect()
}

async fn posted(bot: &Bot, title: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let probe = |sandbox: &Sandbox| titled(sandbox, title).into_iter().rev().find(&is_so);
    bot.sandbox.wait_for(&format!("{title}: {what}"), LIMIT, probe).await.unwrap()
}

async fn disagree(bot: &Bot, who: &str, review: &Value, number: i64) -> String {
    let menu = custom_ids(review).into_iter().find(|id| id.contains(":disagree-0:")).unwrap();
    let outcome = bot.person(who).select(id(review), &menu, &[&number.to_string()]).await;
    assert!(outcome.is_ephemeral(), "{outcome:?}");
    words(&outcome).to_owned()
}

fn store(bot: &Bot) -> Store {
    Store::open(&bot.folder.path().join("gander.db"), None, bot.handle.now()).unwrap()
}

/// Waits until the record knows the post of the latest message.
async fn becomes_known(bot: &Bot, purpose: &str) {
    let store = store(bot);
    let known = async {
        // Nobody is told of it, so it is looked at again and again.
        while store
            .messages()
            .latest(purpose)
            .unwrap()
            .is_none_or(|latest| latest.posted().is_none())
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, known)
        .await
        .unwrap_or_else(|_| panic!("no message of the {purpose} is recorded"));
}

/// The bot was killed between posting a message and writing down which it is.
async fn forgotten(mut bot: Bot, purpose: &str) -> Bot {
    becomes_known(&bot, purpose).await;
    bot.kill().await;
    let (store, at) = (store(&bot), bot.handle.now());
    let latest = store.messages().latest(purpose).unwrap().unwrap();
    let PostState::Posted { channel, .. } = latest.state else { panic!("{latest:?}") };
    store
        .messages()
        .put_post_state(latest.id, latest.generation, PostState::Creating { channel, at })
        .unwrap();
    bot
}

/// A later decision has its card, so an earlier one's would be there too.
async fn all_is_drawn(bot: &Bot) {
    bot.ask_and_see(request("Something for people")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_is_sure_of_passes_at_once_and_one_click_disagrees() {
    let sandbox = server().await;
    let rules = routed(&sandbox);
    let bot = Bot::start_at(sandbox, rules, "2026-05-04T12:00:00Z".parse().unwrap()).await;
    let pen = bot.pen();
    let asked = bot.ask(sure("Call it Basket?")).await;
    let other = bot.ask(sure("Call it Till?")).await;
    let passed = verdict(&bot, asked.id).await;
    assert_eq!(via(&passed), Some(Via::Routing));
    let claimed = bot.handle.approvals().wait(other.id, None, Claim::Yes, None).await.unwrap();
    assert!(claimed.verdict().unwrap().claimed_at.is_some());
    all_is_drawn(&bot).await;
    assert!(
        cards_of(&bot.sandbox, asked.id).is_empty() && cards_of(&bot.sandbox, other.id).is_empty(),
        "nobody was asked"
    );
    assert!(titled(&bot.sandbox, "Review").is_empty(), "not before its hour");

    bot.advance(TimeDelta::days(1));
    let review = posted(&bot, "Review", "lists both", |_| true).await;
    insta::assert_snapshot!("review_before", pen.message(&review));

    let denied = disagree(&bot, "sven", &review, asked.id.0).await;
    assert!(!denied.contains("🙅"), "Sven may decide nothing: {denied}");
    assert_eq!(via(&bot.handle.approvals().get(asked.id).await.unwrap()), Some(Via::Routing));
    insta::assert_snapshot!("disagreed_in_time", disagree(&bot, "maya", &review, asked.id.0).await);
    let card = bot.card(asked.id, "has a card now", can_decide).await;
    assert!(card.to_string().contains("Undone"), "{card:#}");
    let late = disagree(&bot, "jonas", &review, other.id.0).await;
    assert!(late.contains("is acting on it"), "{late}");
    assert!(disagree(&bot, "maya", &review, other.id.0).await.contains("already disagreed"));
    let noted = bot.handle.approvals().get(other.id).await.unwrap();
    assert!(
        noted.disagreed.as_ref().is_some_and(|word| word.by.name == "Jonas")
            && via(&noted) == Some(Via::Routing)
    );

    let drawn = posted(&bot, "Review", "says who disagrees", |review| {
        review.to_string().matches("🙅").count() >= 2
    })
    .await;
    insta::assert_snapshot!("review_after", pen.message(&drawn));
    assert!(click(&bot.person("maya"), &card, "approve").await.ok);
    assert_eq!(via(&verdict(&bot, asked.id).await), Some(Via::Discord));
    let calibration =
        bot.handle.reports().calibration(Some("goose"), Some("naming")).await.unwrap();
    assert_eq!((calibration.count.disagreed, calibration.count.all()), (2, 2));

    // Once listed is listed for good.
    let bot = forgotten(bot, "review").await;
    bot.advance(TimeDelta::days(1));
    let bot = bot.restart().await;
    all_is_drawn(&bot).await;
    assert_eq!(titled(&bot.sandbox, "Review").len(), 1);
    becomes_known(&bot, "review").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_disagrees_with_counts_as_agreed_a_day_after_it_was_listed() {
    let bot = start().await;
    let asked = bot.ask(sure("Call it Basket?")).await;
    verdict(&bot, asked.id).await;
    bot.advance(TimeDelta::days(1));
    posted(&bot, "Review", "lists it", |_| true).await;
    becomes_known(&bot, "review").await;
    assert_eq!(
        bot.handle.reports().calibration(None, None).await.unwrap().count.all(),
        0,
        "silence says nothing yet"
    );
    bot.advance(TimeDelta::days(1));
    assert_eq!(bot.handle.reports().calibration(None, None).await.unwrap().count.stood, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_forbidden_case_has_its_card() {
    let bot = start().await;
    let kind = |kind: &str| Request { kind: kind.into(), confidence: Some(1.0), ..sure(kind) };
    let deploy =
        |environment: &str| Request { environment: Some(environment.into()), ..kind("deploy") };
    let cases = [
        Request { risk: Risk::High, ..sure("High risk") },
        Request { risk: Risk::Critical, ..sure("Critical risk") },
        Request { confidence: Some(0.9), ..sure("Not sure enough") },
        Request { confidence: Some(0.3), ..sure("Not sure at all") },
        Request { confidence: None, ..sure("Not said") },
        Request { approvals_needed: 2, ..sure("Two people") },
        Request { asked_by: Some(Person::discord(7, "Ann")), ..sure("A person asks") },
        Request { project: "other".into(), ..sure("Another project") },
        kind("pricing"),
        kind("legal"),
        kind("credentials"),
        kind("client_communication"),
        kind("Deploy "),
        deploy("prod"),
        deploy("Production"),
        deploy("live"),
    ];
    for asked in cases {
        let (decision, card) = bot.ask_and_see(asked).await;
        assert!(can_decide(&card) && decision.state.is_open(), "{card:#}");
        assert!(
            bot.handle.approvals().get(decision.id).await.unwrap().state.is_open(),
            "{}",
            decision.request.title
        );
    }
    let elsewhere = bot.ask(deploy("staging")).await;
    assert_eq!(via(&verdict(&bot, elsewhere.id).await), Some(Via::Routing));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_while_nothing_ran_passes_at_the_start() {
    let mut bot = start().await;
    bot.kill().await;
    let asked = bot.ask(sure("Asked in the night")).await;
    assert!(asked.state.is_open(), "not in the asking process");
    let bot = bot.restart().await;
    assert_eq!(via(&verdict(&bot, asked.id).await), Some(Via::Routing));
    all_is_drawn(&bot).await;
    assert!(cards_of(&bot.sandbox, asked.id).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_hangs_is_drawn_when_the_rules_let_its_decision_pass() {
    let sandbox = server().await;
    let rules = Rules { projects: std::collections::BTreeMap::new(), ..routed(&sandbox) };
    let bot = Bot::start_in(sandbox, rules).await;
    let pen = bot.pen();
    let (asked, card) = bot.ask_and_see(sure("Call it Basket?")).await;
    assert!(can_decide(&card));
    bot.handle.set_rules(routed(&bot.sandbox));
    let card = bot.card(asked.id, "is approved", |card| !can_decide(card)).await;
    insta::assert_snapshot!("approved_by_itself", pen.message(&card));
    // Undo on its card is a disagreement too.
    assert!(click(&bot.person("maya"), &card, "undo").await.ok);
    let undone = bot.handle.approvals().get(asked.id).await.unwrap();
    assert!(undone.disagreed.is_some() && matches!(undone.state, State::Pending(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_click_and_the_rules_give_one_verdict() {
    let sandbox = server().await;
    let rules = Rules { projects: std::collections::BTreeMap::new(), ..routed(&sandbox) };
    let bot = Bot::start_in(sandbox, rules).await;
    let mut cards = Vec::new();
    for number in 0..8 {
        cards.push(bot.ask_and_see(sure(&format!("Name {number}?"))).await);
    }
    let maya = bot.person("maya");
    let clicks = async {
        for (_, card) in &cards {
            // Either it counts, or she is told that it was decided.
            let _ = click(&maya, card, "approve").await;
        }
    };
    let rules = async {
        bot.handle.set_rules(routed(&bot.sandbox));
    };
    tokio::join!(clicks, rules);
    for (decision, _) in &cards {
        verdict(&bot, decision.id).await;
        bot.card(decision.id, "is decided", |card| !can_decide(card)).await;
        let history = bot.handle.event_log().history(decision.id).await.unwrap();
        assert_eq!(
            history.iter().filter(|logged| matches!(logged.event, Event::Resolved { .. })).count(),
            1,
            "{history:#?}"
        );
    }
}

/// Without what differs from run to run.
fn pinned(text: &str) -> String {
    let hash = |word: &str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    let words = text.split('`').map(|word| if hash(word) { "HASH" } else { word });
    let text = words.collect::<Vec<_>>().join("`");
    // How many depends on who was told what on the way.
    let number = |line: &str| {
        line.contains(" events, head")
            .then(|| format!("│    N events,{}", line.split_once(" events,").unwrap().1))
    };
    // So does how many other messages were posted before.
    let posting = |line: &str| match line.split_once(":now:") {
        Some((before, number)) => {
            format!("{before}:now:N{}", number.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => line.to_owned(),
    };
    text.lines()
        .map(|line| number(line).unwrap_or_else(|| posting(line)))
        .collect::<Vec<_>>()
        .join("\n")
}

fn has_picture(message: &Value) -> bool {
    message["attachments"][0]["filename"].as_str().is_some_and(|name| name.ends_with(".png"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_comes_once_a_day_over_a_change_of_the_clock_and_restarts() {
    let sandbox = server().await;
    let daily = Daily { digest: NaiveTime::from_hms_opt(8, 0, 0), ..Daily::default() };
    let rules = Rules { daily, zone: chrono_tz::Europe::Berlin, ..routed(&sandbox) };
    // The clocks go back in the night to the 25th.
    let bot = Bot::start_at(sandbox, rules, "2026-10-24T12:00:00Z".parse().unwrap()).await;
    let pen = bot.pen();
    let (decided, card) = bot.ask_and_see(request("Call it Basket?")).await;
    bot.advance(TimeDelta::minutes(12));
    assert!(click(&bot.person("maya"), &card, "approve").await.ok, "{decided:?}");
    bot.card(decided.id, "is approved", |card| !can_decide(card)).await;
    all_is_drawn(&bot).await;
    assert!(titled(&bot.sandbox, "Digest").is_empty(), "not before its hour");

    // The safe default comes only after people were told of the breach.
    bot.advance(TimeDelta::hours(4) + TimeDelta::minutes(30));
    let is_told = |decision: &Decision| {
        decision.position.as_ref().is_some_and(|it| it.stage == Stage::Breach)
    };
    until(&bot, DecisionId(2), "told of the breach", is_told).await;

    // 08:00 in Berlin is 07:00 in UTC by then. Meanwhile the other one has got its safe default.
    bot.advance(TimeDelta::hours(14) + TimeDelta::minutes(17));
    assert_eq!(via(&verdict(&bot, DecisionId(2)).await), Some(Via::SafeDefault));
    all_is_drawn(&bot).await;
    assert!(titled(&bot.sandbox, "Digest").is_empty(), "a minute before");
    bot.advance(TimeDelta::minutes(1));
    let digest = posted(&bot, "Digest of one day", "is posted", has_picture).await;
    insta::assert_snapshot!("digest", pinned(&pen.message(&digest)));
    let now = custom_ids(&digest).into_iter().find(|id| id.contains(":now:")).unwrap();
    let outcome = bot.person("sven").click(id(&digest), &now).await;
    assert!(outcome.is_ephemeral() && outcome.ok, "{outcome:?}");

    let mut bot = forgotten(bot, "digest").await.restart().await;
    posted(&bot, "Digest of one day", "is found again", has_picture).await;
    all_is_drawn(&bot).await;
    assert_eq!(titled(&bot.sandbox, "Digest").len(), 1, "the same day");
    bot.kill().await;
    bot.advance(TimeDelta::days(3));
    let bot = bot.restart().await;
    posted(&bot, "Digest of 3 days", "covers what was slept through", |_| true).await;
    let bot = bot.restart().await;
    all_is_drawn(&bot).await;
    assert_eq!(titled(&bot.sandbox, "Digest").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_for_whoever_asks() {
    let bot = start().await;
    let pen = bot.pen();
    let channel = bot.sandbox.addresses().channel_id("general").unwrap().to_owned();
    let jonas = bot.person("jonas");
    let nothing = jonas.command(&channel, "calibration", json!({})).await;
    insta::assert_snapshot!("calibration_nothing", words(&nothing));
    for (title, confidence, verb) in [("Yes?", 0.82, "approve"), ("Yes again?", 0.7, "approve")] {
        let (_, card) =
            bot.ask_and_see(Request { confidence: Some(confidence), ..sure(title) }).await;
        assert!(click(&jonas, &card, verb).await.ok);
    }
    let calibration =
        jonas.command(&channel, "calibration", json!({ "agent": "goose" })).await.message.unwrap();
    assert!(has_picture(&calibration) && calibration["flags"] == 64, "{calibration:#}");
    insta::assert_snapshot!("calibration", pen.message(&calibration));
    let digest = jonas.command(&channel, "digest", json!({})).await.message.unwrap();
    assert!(has_picture(&digest) && digest["flags"] == 64, "{digest:#}");
}
