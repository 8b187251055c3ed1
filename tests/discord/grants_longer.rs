//! Approvals for longer than a session, and for patterns, as a person gives, sees and ends them.

use std::sync::Arc;

use chrono::TimeDelta;
use gander::config::gates::RulesFile;
use gander::core::access::Caller;
use gander::core::decision::{Decision, DecisionId, GrantEndReason, State};
use gander::core::gate::ToolCall;
use gander::core::gate::edits::Before;
use gander::core::gate::facts::{Coverage, Facts, GitRepository};
use gander::core::policy::grants::GrantPolicy;
use gander::core::policy::rules::Rules;
use gander::engine::approvals::gates::{Edits, GateOutcome, GateRequest};
use gander::engine::approvals::grants;
use serde_json::{Value, json};

use crate::bot::{Bot, click, control, custom_ids, id, words};

/// Where, in which session and for which agent a call is made.
#[derive(Clone, Copy)]
struct Origin<'a> {
    session: &'a str,
    agent: &'a str,
    project: &'a str,
    folder: &'a str,
    user: u32,
}

const HERE: Origin<'_> =
    Origin { session: "s-1", agent: "claude-code", project: "web-shop", folder: "", user: 1000 };
const THERE: Origin<'_> = Origin { session: "s-2", ..HERE };

async fn gate(bot: &Bot, from: Origin<'_>, command: &str) -> GateOutcome {
    let folder = match from.folder {
        "" => bot.folder.path().to_owned(),
        inner => bot.folder.path().join(inner),
    };
    let facts = Facts { coverage: Coverage::Complete, git: GitRepository::Own, ..Facts::default() };
    let call = ToolCall {
        agent: from.agent.into(),
        session: Some(from.session.into()),
        tool: "Bash".into(),
        input: json!({ "command": command }),
        cwd: folder.clone(),
        roots: vec![folder],
        home: None,
        real: Vec::new(),
        poses_as_repository: false,
        own_prompt: false,
        before: Before::Absent,
        facts,
    };
    let project = Some(from.project.into());
    let request = GateRequest {
        call,
        project,
        context: String::new(),
        at_least: None,
        changed_since: None,
        edits: Edits::NotTaken,
    };
    let user = format!("user {}", from.user);
    let agent = bot.handle.access(Caller::of_user(from.user, &user, true));
    let rules = RulesFile(Some(bot.folder.path().join("gander.toml")));
    agent.gate(Arc::new(rules), request).await.unwrap()
}

async fn asked(bot: &Bot, from: Origin<'_>, command: &str) -> Decision {
    match gate(bot, from, command).await {
        GateOutcome::Asked(decision) => *decision,
        other => panic!("{command} was not asked: {other:?}"),
    }
}

async fn passes(bot: &Bot, from: Origin<'_>, command: &str) -> bool {
    matches!(gate(bot, from, command).await, GateOutcome::Allowed(_))
}

async fn of(bot: &Bot, id: DecisionId) -> Decision {
    bot.handle.approvals().get(id).await.unwrap()
}

/// What was seen, with one name for the temporary folder.
fn settled(bot: &Bot, seen: &str) -> String {
    let folder = bot.folder.path();
    let name = folder.file_name().unwrap().to_str().unwrap();
    seen.replace(folder.to_str().unwrap(), "/home/maya/web-shop").replace(name, "web-shop")
}

/// The values of a message's menu.
fn entries(message: &Value, verb: &str) -> Vec<(String, String)> {
    let rows = message["components"].as_array().unwrap();
    let menus = rows.iter().flat_map(|row| row["components"].as_array().unwrap());
    let menu = menus.into_iter().find(|menu| {
        menu["custom_id"].as_str().unwrap_or_default().split(':').nth(2) == Some(verb)
    });
    let text = |option: &Value, name: &str| option[name].as_str().unwrap().to_owned();
    let options = menu.unwrap()["options"].as_array().unwrap();
    options.iter().map(|option| (text(option, "value"), text(option, "label"))).collect()
}

/// Maya asks what she can approve, and chooses. Returns the question and its answer.
async fn approve(bot: &Bot, decision: &Decision, value: &str) -> (Value, Value) {
    let card = bot.card(decision.id, "is there", |_| true).await;
    let maya = bot.person("maya");
    let question = click(&maya, &card, "ask-grant").await.message.unwrap();
    let menu = control(&question, "grant-alone");
    let done = maya.select(id(&question), &menu, &[value]).await;
    (question, done.message.unwrap_or_else(|| panic!("{value} was not done")))
}

/// A push that is approved on these terms, and claimed by its gate.
async fn granted(bot: &Bot, value: &str) -> Decision {
    let decision = asked(bot, HERE, "git push origin main").await;
    let (_, answer) = approve(bot, &decision, value).await;
    assert!(answer["content"].as_str().unwrap().contains("approved"), "{answer:#}");
    bot.handle.approvals().claim(decision.id).await.unwrap();
    decision
}

const HOUR_OF_PUSHES: &str = "1.3600";

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_for_an_hour_is_spelled_out_counts_down_and_ends_by_itself() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let decision = asked(&bot, HERE, "git push origin main").await;
    let card = bot.card(decision.id, "is there", |_| true).await;
    let mut seen = format!("══ it waits\n{}", pen.message(&card));
    let (question, answer) = approve(&bot, &decision, HOUR_OF_PUSHES).await;
    assert_eq!(question["flags"], 64, "private");
    let labels: Vec<String> =
        entries(&question, "grant-alone").into_iter().map(|(_, label)| label).collect();
    seen.push_str(&format!("══ what to approve\n{}", pen.message(&question)));
    seen.push_str(&format!("{}\n══ approved\n{}", labels.join("\n"), pen.message(&answer)));
    bot.handle.approvals().claim(decision.id).await.unwrap();
    let has_end = |card: &Value| custom_ids(card).iter().any(|id| id.contains(":end:"));
    let card = bot.card(decision.id, "can be ended", has_end).await;
    seen.push_str(&format!("══ its card\n{}", pen.message(&card)));

    assert!(passes(&bot, THERE, "git push").await, "another session");
    assert!(passes(&bot, HERE, "git push origin feature").await);
    bot.advance(TimeDelta::minutes(59));
    assert!(passes(&bot, THERE, "git push origin v1").await);
    bot.advance(TimeDelta::minutes(1));
    assert!(!passes(&bot, THERE, "git push origin v2").await, "its time is over");
    let over = |card: &Value| !has_end(card);
    let card = bot.card(decision.id, "is over", over).await;
    seen.push_str(&format!("══ its time is over\n{}", pen.message(&card)));
    let ended = of(&bot, decision.id).await.grant().unwrap().progress;
    assert_eq!((ended.uses, ended.ended.unwrap().why), (3, Some(GrantEndReason::Expired)));
    let history = bot.handle.event_log().history(decision.id).await.unwrap();
    let events: Vec<&str> = history.iter().map(|logged| logged.event.word()).collect();
    assert_eq!(
        events[1..],
        ["resolved", "claimed", "grant_used", "grant_used", "grant_used", "grant_ended"]
    );
    assert_eq!(bot.handle.operations().audit().await.unwrap().fault, None);
    insta::assert_snapshot!("grant_of_an_hour", settled(&bot, &seen));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_nobody_calls_and_the_card_says_so() {
    let bot = Bot::start().await;
    let decision = granted(&bot, HOUR_OF_PUSHES).await;
    bot.advance(TimeDelta::hours(1));
    let over = |card: &Value| card.to_string().contains("its time is over");
    let card = bot.card(decision.id, "is over", over).await;
    assert!(card.to_string().contains("No further call was let through"), "{card:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn until_revoked_lasts_until_it_is_ended_in_the_list() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let decision = granted(&bot, "1.revoked").await;
    bot.advance(TimeDelta::days(90));
    assert!(passes(&bot, THERE, "git push").await);
    let general = bot.sandbox.addresses().channel_id("general").unwrap().to_owned();
    let maya = bot.person("maya");
    let list = maya.command(&general, "grants", json!({})).await.message.unwrap();
    assert_eq!(list["flags"], 64, "private");
    let mut seen = format!("══ the list\n{}", pen.message(&list));
    let refused = bot.person("sven").command(&general, "grants", json!({})).await;
    assert!(words(&refused).contains("Only people who may decide"), "{refused:?}");
    let after = maya.click(id(&list), &control(&list, "end-listed")).await.message.unwrap();
    seen.push_str(&format!("══ ended\n{}", pen.message(&after)));
    assert!(!passes(&bot, THERE, "git push").await);
    let again = maya.click(id(&list), &control(&list, "end-listed")).await;
    assert!(!again.ok || words(&again).contains("already ended"), "{again:?}");
    let end = of(&bot, decision.id).await.grant().unwrap().progress.ended.unwrap();
    assert_eq!((end.by.name.as_str(), end.why), ("Maya", None));
    insta::assert_snapshot!("grants_listed", settled(&bot, &seen));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_an_exact_call_is_for_this_call_in_every_session() {
    let bot = Bot::start().await;
    let decision = asked(&bot, HERE, "git push notes").await;
    let (question, _) = approve(&bot, &decision, "call.28800").await;
    assert!(question.to_string().contains("this exact call"), "{question:#}");
    bot.handle.approvals().claim(decision.id).await.unwrap();
    assert!(passes(&bot, HERE, "git push notes").await);
    assert!(passes(&bot, THERE, "git push notes").await);
    assert!(!passes(&bot, HERE, "git push notes x").await);
    bot.advance(TimeDelta::hours(8));
    assert!(!passes(&bot, HERE, "git push notes").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_widens_a_grant() {
    let bot = Bot::start().await;
    granted(&bot, HOUR_OF_PUSHES).await;
    for command in [
        "git push; rm x",
        "git push && cargo test",
        "git push $(rm x)",
        "git push \"`rm x`\"",
        "git push 'x' | sh",
        "git -c core.pager=x push",
        "git push --force",
        "git push --receive-pack=./x",
        "git push origin :main",
        "git 'push' +main",
        "git push > x",
        "cd .. && git push",
        "env git push",
        "gander grants",
    ] {
        assert!(!passes(&bot, THERE, command).await, "{command}");
    }
    for from in [
        Origin { agent: "codex", ..THERE },
        Origin { project: "docs", ..THERE },
        Origin { folder: "other", ..THERE },
        Origin { user: 1001, ..THERE },
    ] {
        assert!(!passes(&bot, from, "git push").await);
    }
    assert!(passes(&bot, THERE, "git push").await, "it still stands");
    // Agents do not end or give grants themselves.
    for command in ["gander grants end 1", "gander approve 1 --for 1h", "gander undo 1"] {
        assert!(matches!(gate(&bot, HERE, command).await, GateOutcome::Denied(_)), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_said_no_to_is_asked_all_the_same() {
    let bot = Bot::start().await;
    let no = asked(&bot, HERE, "git push origin secrets").await;
    let card = bot.card(no.id, "is there", |_| true).await;
    crate::bot::reject(&bot.person("maya"), &card, "Never that branch.").await;
    bot.handle.approvals().claim(no.id).await.unwrap();
    granted(&bot, HOUR_OF_PUSHES).await;
    assert!(!passes(&bot, HERE, "git push origin secrets").await);
    assert!(passes(&bot, HERE, "git push origin main").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_a_grant_makes_needless_is_withdrawn() {
    let bot = Bot::start().await;
    let waits = asked(&bot, THERE, "git push origin feature").await;
    granted(&bot, HOUR_OF_PUSHES).await;
    assert!(passes(&bot, THERE, "git push origin feature").await, "the agent asks again");
    let state = of(&bot, waits.id).await.state;
    assert!(matches!(state, State::Withdrawn { .. }), "{state:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_its_givers_membership_and_with_the_rules() {
    let bot = Bot::start().await;
    let decision = asked(&bot, HERE, "git push origin main").await;
    let card = bot.card(decision.id, "is there", |_| true).await;
    let jonas = bot.person("jonas");
    let question = click(&jonas, &card, "ask-grant").await.message.unwrap();
    let menu = control(&question, "grant-alone");
    assert!(jonas.select(id(&question), &menu, &[HOUR_OF_PUSHES]).await.ok);
    bot.handle.approvals().claim(decision.id).await.unwrap();
    assert!(passes(&bot, THERE, "git push").await);
    bot.sandbox.set_member("jonas", false);
    let keeper = tokio::spawn(grants::run(bot.handle.clone()));
    let over = |card: &Value| card.to_string().contains("no longer an approver");
    bot.advance(TimeDelta::minutes(5));
    bot.card(decision.id, "is over", over).await;
    keeper.abort();
    assert!(!passes(&bot, THERE, "git push").await);
    let end = of(&bot, decision.id).await.grant().unwrap().progress.ended.unwrap();
    assert_eq!(end.why, Some(GrantEndReason::GiverLeft));

    let second = asked(&bot, HERE, "git push origin next").await;
    approve(&bot, &second, HOUR_OF_PUSHES).await;
    let policy = GrantPolicy {
        longest: gander::core::decision::LongestGrant::Never,
        ..GrantPolicy::default()
    };
    bot.handle.set_rules(Rules { grants: policy, ..(*bot.handle.rules()).clone() });
    assert!(!passes(&bot, THERE, "git push origin x").await, "at its next use");
    bot.handle.operations().enforce_rules().await.unwrap();
    assert!(!of(&bot, second.id).await.has_live_grant());
    let third = asked(&bot, HERE, "git push origin third").await;
    let card = bot.card(third.id, "is there", |_| true).await;
    let verbs = custom_ids(&card).join(" ");
    assert!(!verbs.contains(":ask-grant:") && !verbs.contains(":session:"), "{verbs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_decide_gives_none_and_a_changed_question_gets_none() {
    let bot = Bot::start().await;
    let decision = asked(&bot, HERE, "git push origin main").await;
    let card = bot.card(decision.id, "is there", |_| true).await;
    let refused = click(&bot.person("sven"), &card, "ask-grant").await;
    assert!(words(&refused).contains("to decide"), "{refused:?}");
    let maya = bot.person("maya");
    let question = click(&maya, &card, "ask-grant").await.message.unwrap();
    let menu = control(&question, "grant-alone");
    // The menu is a person's own; Discord offers only its entries. A program may send others.
    let jonas = bot.person("jonas");
    click(&jonas, &card, "approve").await;
    let late = maya.select(id(&question), &menu, &[HOUR_OF_PUSHES]).await;
    assert!(words(&late).contains("Another person was faster"), "{late:?}");
    assert!(!of(&bot, decision.id).await.has_live_grant());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_at_the_end_never_pass_after_it() {
    let bot = Bot::start().await;
    let decision = granted(&bot, HOUR_OF_PUSHES).await;
    bot.advance(TimeDelta::minutes(60) - TimeDelta::milliseconds(1));
    let calls = (0..8).map(|n| {
        let (bot, command) = (&bot, format!("git push origin b-{n}"));
        async move {
            if n == 4 {
                bot.advance(TimeDelta::milliseconds(1));
            }
            passes(bot, THERE, &command).await
        }
    });
    let passed = futures_util::future::join_all(calls).await;
    let history = bot.handle.event_log().history(decision.id).await.unwrap();
    let words: Vec<&str> = history.iter().map(|logged| logged.event.word()).collect();
    let used = words.iter().filter(|word| **word == "grant_used").count();
    assert_eq!(used, passed.iter().filter(|passed| **passed).count(), "{words:?}");
    let after = words.iter().position(|word| *word == "grant_ended").unwrap();
    assert_eq!(words.len(), after + 1, "nothing is used after the end: {words:?}");
    assert!(!passes(&bot, THERE, "git push").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_bot_keeps_its_grants_and_their_ends() {
    let bot = Bot::start().await;
    let decision = granted(&bot, HOUR_OF_PUSHES).await;
    assert!(passes(&bot, THERE, "git push").await);
    let bot = bot.restart().await;
    assert!(passes(&bot, THERE, "git push").await);
    let mut bot = bot;
    bot.kill().await;
    bot.advance(TimeDelta::hours(2));
    let bot = bot.restart().await;
    let over = |card: &Value| card.to_string().contains("its time is over");
    let card = bot.card(decision.id, "is over", over).await;
    assert!(card.to_string().contains("2 further calls were let through"), "{card:#}");
    assert!(!passes(&bot, THERE, "git push").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_tells_how_often_each_was_used() {
    let bot = Bot::start().await;
    granted(&bot, HOUR_OF_PUSHES).await;
    for command in ["git push", "git push origin a", "git push origin b"] {
        assert!(passes(&bot, THERE, command).await);
    }
    let general = bot.sandbox.addresses().channel_id("general").unwrap().to_owned();
    let digest = bot.person("maya").command(&general, "digest", json!({})).await;
    let shown = digest.message.unwrap().to_string();
    assert!(shown.contains("git push") && shown.contains("3 calls without asking"), "{shown}");
    assert!(shown.contains("1 grant lets calls through"), "{shown}");
}
