//! An approval for an agent's session, through the gate: it lets calls through silently until a
//! person ends it, on the card, by a command, or by a token.

use std::sync::Arc;

use gander::config::gates::RulesFile;
use gander::core::access::{Caller, Grant, Holder, Scope};
use gander::core::decision::authorization::ApproverRule;
use gander::core::decision::{Decision, DecisionId, Person};
use gander::core::gate::ToolCall;
use gander::core::policy::rules::Rules;
use gander::engine::Filter;
use gander::engine::approvals::gates::{Edits, GateOutcome, GateRequest};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::bot::{Bot, click, control, custom_ids, words};

/// A call that the rules neither allow nor deny.
const COMMAND: &str = "cargo test notes";

async fn gate(bot: &Bot, session: &str) -> GateOutcome {
    let folder = bot.folder.path();
    let call = ToolCall {
        agent: "claude-code".into(),
        session: Some(session.into()),
        tool: "Bash".into(),
        input: json!({ "command": COMMAND }),
        cwd: folder.to_owned(),
        roots: vec![folder.to_owned()],
        home: None,
        real: Vec::new(),
        poses_as_repository: false,
        own_prompt: false,
        before: gander::core::gate::edits::Before::Absent,
        facts: gander::core::gate::facts::Facts::default(),
    };
    let request = GateRequest {
        call,
        project: Some("web-shop".into()),
        context: String::new(),
        at_least: None,
        changed_since: None,
        edits: Edits::NotTaken,
    };
    let agent = bot.handle.access(Caller::of_user(1000, "user 1000", true));
    agent.gate(Arc::new(RulesFile(Some(folder.join("gander.toml")))), request).await.unwrap()
}

/// The decision that a call waits for.
async fn asked(bot: &Bot) -> Decision {
    match gate(bot, "s-1").await {
        GateOutcome::Asked(decision) => *decision,
        other => panic!("not asked: {other:?}"),
    }
}

/// Maya approves the call for the session, and the gate claims at once.
async fn granted(bot: &Bot) -> (Decision, serde_json::Value) {
    let decision = asked(bot).await;
    let card = bot.card(decision.id, "is there", |_| true).await;
    assert!(click(&bot.person("maya"), &card, "session").await.ok);
    bot.handle.approvals().claim(decision.id).await.unwrap();
    let has_end = |card: &serde_json::Value| custom_ids(card).iter().any(|id| id.contains(":end:"));
    let card = bot.card(decision.id, "can be ended", has_end).await;
    (decision, card)
}

async fn must_pass(bot: &Bot) {
    assert!(matches!(gate(bot, "s-1").await, GateOutcome::Allowed(_)));
}

async fn of(bot: &Bot, id: DecisionId) -> Decision {
    bot.handle.approvals().get(id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_call_is_silent_and_after_end_the_third_asks() {
    let bot = Bot::start().await;
    let (decision, card) = granted(&bot).await;
    must_pass(&bot).await;
    must_pass(&bot).await;
    assert!(matches!(gate(&bot, "s-2").await, GateOutcome::Asked(_)), "another session");
    let grant = of(&bot, decision.id).await.grant().unwrap();
    assert_eq!((grant.progress.uses, grant.by.name.as_str()), (2, "Maya"));
    assert_eq!((grant.project.as_str(), grant.agent.session.as_deref()), ("web-shop", Some("s-1")));
    let live = Filter { granted: true, ..Filter::default() };
    assert_eq!(bot.handle.approvals().list(live.clone()).await.unwrap().len(), 1);

    let denied = click(&bot.person("sven"), &card, "end").await;
    assert!(words(&denied).contains("to decide"), "{denied:?}");
    must_pass(&bot).await;
    let ended = click(&bot.person("jonas"), &card, "end").await;
    assert!(words(&ended).contains("ended by Jonas"), "{ended:?}");
    let third = asked(&bot).await;
    assert!(third.id > decision.id);
    assert!(bot.handle.approvals().list(live).await.unwrap().is_empty());

    let card = bot
        .card(decision.id, "is over", |card| {
            custom_ids(card).iter().all(|id| !id.contains(":end:"))
        })
        .await;
    let shown = card["embeds"][0]["fields"].to_string();
    assert!(
        shown.contains("Approval for this session ended")
            && shown.contains("3 further calls were let through"),
        "{shown}"
    );
    let history = bot.handle.event_log().history(decision.id).await.unwrap();
    let events: Vec<&str> = history.iter().map(|logged| logged.event.word()).collect();
    let uses = ["grant_used"; 3];
    assert_eq!(events[..3], ["asked", "resolved", "claimed"]);
    assert_eq!((&events[3..6], events[6]), (&uses[..], "grant_ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_command_after_any_time_and_two_who_end_it_are_told() {
    let bot = Bot::start().await;
    let (decision, card) = granted(&bot).await;
    bot.advance(chrono::TimeDelta::days(30));
    must_pass(&bot).await;
    let general = bot.sandbox.addresses().channel_id("general").unwrap().to_owned();
    let maya = bot.person("maya");
    let offered = maya.complete(&general, "undo", json!({ "decision": "" }), "decision").await;
    let entry = offered.choices.first().expect("the grant is offered")["value"].clone();
    let done = maya.command(&general, "undo", json!({ "decision": entry })).await;
    assert!(words(&done).contains("The next call asks again"), "{done:?}");
    assert!(asked(&bot).await.id > decision.id);
    let late =
        bot.person("jonas").click(card["id"].as_str().unwrap(), &control(&card, "end")).await;
    // The card may have been redrawn already: then the button is gone.
    assert!(!late.ok || words(&late).contains("already ended"), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_the_token_of_an_approver() {
    let bot = Bot::start().await;
    let (decision, _) = granted(&bot).await;
    let maya = bot.sandbox.addresses().user_id("maya").unwrap().parse().unwrap();
    let grant = Grant {
        scopes: [Scope::Decide].into(),
        projects: vec!["web-shop".into()],
        holder: Some(Holder { person: Person::discord(maya, "Maya"), roles: Vec::new() }),
    };
    let (_, secret) = bot.handle.tokens().create("phone", grant).await.unwrap();
    let caller = bot.handle.tokens().caller_of(secret.expose_secret()).await.unwrap().unwrap();
    bot.handle.access(caller).undo(decision.id).await.unwrap();
    assert!(asked(&bot).await.id > decision.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_its_giver_may_decide_no_more() {
    let bot = Bot::start().await;
    let (decision, _) = granted(&bot).await;
    let jonas = bot.sandbox.addresses().user_id("jonas").unwrap().parse().unwrap();
    let only_jonas = ApproverRule { users: vec![jonas], ..ApproverRule::default() };
    bot.handle.set_rules(Rules { approvers: vec![only_jonas], ..(*bot.handle.rules()).clone() });
    bot.handle.operations().enforce_rules().await.unwrap();
    assert!(asked(&bot).await.id > decision.id);
    let end = of(&bot, decision.id).await.grant().unwrap().progress.ended.unwrap();
    assert_eq!(end.by, Person::gander());
}
