//! The ladder as people see it: direct messages, mentions, the report; who is reached, who is not,
//! and what the card says.

use chrono::TimeDelta;
use discord_sandbox::{JournalEntry, Sandbox};
use gander::core::decision::authorization::ApproverRule;
use gander::core::decision::event::Event;
use gander::core::decision::{Decision, DecisionId, Request, Risk};
use gander::core::escalation::{Channel, ContactResult, Ladder, Stage, Step, StepTime};
use gander::core::policy::rules::{Rule, Rules};
use gander::engine::Claim;
use serde_json::Value;

use crate::bot::{Bot, LIMIT, click, control, custom_ids, deploy, id, request};
use crate::common::process::sandbox;

/// The direct messages that the bot has written to somebody, oldest first.
pub(crate) fn direct(sandbox: &Sandbox, name: &str) -> Vec<Value> {
    let Some(view) = sandbox.view(name) else { return Vec::new() };
    view.dm().map(|dm| dm.messages.clone()).unwrap_or_default()
}

/// Waits until somebody has this many direct messages, and gives them.
pub(crate) async fn directs(bot: &Bot, name: &str, count: usize) -> Vec<Value> {
    let all =
        |sandbox: &Sandbox| Some(direct(sandbox, name)).filter(|messages| messages.len() >= count);
    bot.sandbox.wait_for(&format!("{count} direct messages to {name}"), LIMIT, all).await.unwrap()
}

/// Messages of the channels that answer another one, oldest first.
pub(crate) fn answers(sandbox: &Sandbox) -> Vec<Value> {
    let view = sandbox.view("maya").unwrap();
    let all = view.channels.iter().flat_map(|channel| &channel.messages);
    all.filter(|message| message["message_reference"].is_object()).cloned().collect()
}

pub(crate) async fn answered(bot: &Bot, count: usize) -> Vec<Value> {
    let all = |sandbox: &Sandbox| Some(answers(sandbox)).filter(|messages| messages.len() >= count);
    bot.sandbox.wait_for(&format!("{count} messages under cards"), LIMIT, all).await.unwrap()
}

/// Waits until the log knows what came of the rung of this stage.
pub(crate) async fn told(bot: &Bot, decision: DecisionId, stage: Stage) -> Decision {
    let knows = |position: &gander::core::escalation::LadderPosition| {
        position.stage == stage && !position.contacts.is_empty()
    };
    until(bot, decision, &format!("told of the {stage}"), |decision| {
        decision.position.as_ref().is_some_and(knows)
    })
    .await
}

/// Waits until this is so of a decision.
pub(crate) async fn until(
    bot: &Bot,
    id: DecisionId,
    what: &str,
    is_so: impl Fn(&Decision) -> bool,
) -> Decision {
    let mut hints = bot.handle.hints();
    let wait = async {
        loop {
            hints.mark_unchanged();
            let decision = bot.handle.approvals().get(id).await.unwrap();
            if is_so(&decision) {
                return decision;
            }
            hints.changed().await.unwrap();
        }
    };
    match tokio::time::timeout(LIMIT, wait).await {
        Ok(decision) => decision,
        Err(_) => panic!("{id}: not {what}: {:#?}", bot.handle.event_log().history(id).await),
    }
}

pub(crate) fn came(decision: &Decision) -> Vec<(String, &'static str, &ContactResult)> {
    let contacts = decision.position.as_ref().map_or(&[][..], |position| &position.contacts);
    let who = |contact: &gander::core::escalation::Contact| {
        contact.who.as_ref().map_or("here".into(), |who| who.name.clone())
    };
    contacts.iter().map(|contact| (who(contact), contact.channel.word(), &contact.result)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_ladder_of_a_decision_that_nobody_answers() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, card) = bot.ask_and_see(deploy()).await;
    let mut seen = String::new();
    let mut show = |title: &str, message: &Value| {
        seen.push_str(&format!("══ {title}\n{}\n", pen.message(message)))
    };

    bot.advance(TimeDelta::minutes(30));
    let dm = directs(&bot, "maya", 1).await;
    show("after 30 minutes, Maya's direct message", &dm[0]);
    show(
        "the card",
        &becomes(&bot, "maya", &card, "the card to say whom it reached", says("Reached: Maya"))
            .await,
    );
    assert_eq!(direct(&bot.sandbox, "jonas").len(), 0, "he only has a role, and never acted");

    bot.advance(TimeDelta::minutes(90));
    let mentions = answered(&bot, 1).await;
    show("after 2 hours, under the card", &mentions[0]);
    assert_eq!(mentions[0]["message_reference"]["message_id"], card["id"]);
    assert_eq!(mentions[0]["mention_everyone"], false);

    bot.advance(TimeDelta::hours(2));
    let warning = answered(&bot, 2).await;
    show("half an hour before the breach", &warning[1]);
    assert_eq!(warning[1]["mention_everyone"], true);

    bot.advance(TimeDelta::minutes(30));
    let breach = answered(&bot, 3).await;
    show("the breach, in the channel", &breach[2]);
    let dms = directs(&bot, "maya", 2).await;
    let standing = told(&bot, decision.id, Stage::Breach).await;
    let is_told = says("Reached: Maya, Approvers");
    show("the breach, Maya's direct message", &dms[1]);
    show("the card", &becomes(&bot, "maya", &card, "whom it reached", &is_told).await);
    assert!(
        came(&standing).iter().all(|(_, _, came)| **came == ContactResult::Reached),
        "{standing:?}"
    );

    bot.advance(TimeDelta::hours(2));
    let report = answered(&bot, 4).await;
    show("the report", &report[3]);
    show(
        "the card in the end",
        &bot.card(decision.id, "rejected", |card| card.to_string().contains("❌ Rejected")).await,
    );
    all_copies_tell_the_end(&bot.sandbox).await;
    show("Maya's first direct message in the end", &direct(&bot.sandbox, "maya")[0]);
    show("the mention in the end", &answers(&bot.sandbox)[0]);
    insta::assert_snapshot!("whole_ladder", seen);

    each_step_fired_once(&bot, decision.id).await;
    assert_eq!((direct(&bot.sandbox, "maya").len(), answers(&bot.sandbox).len()), (2, 4));
}

/// What the ladder costs at Discord: each message once, one edit of the card for each step, and one
/// of every copy in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_costs_one_edit_and_a_copy_is_edited_in_the_end() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(deploy()).await;
    let steps = [
        (30, 0, "Reached: Maya\\nNext: reminder"),
        (90, 1, "Reached: Maya, Approvers\\nNext: SLA warning"),
        (120, 2, "about to be breached\\nReached: everyone here\\nNext: SLA breach"),
        (30, 3, "Reached: Maya, Approvers"),
    ];
    for (minutes, replies, words) in steps {
        bot.advance(TimeDelta::minutes(minutes));
        answered(&bot, replies).await;
        becomes(&bot, "maya", &card, words, says(words)).await;
    }
    bot.advance(TimeDelta::hours(2));
    answered(&bot, 4).await;
    bot.card(decision.id, "rejected", |card| card.to_string().contains("❌ Rejected")).await;
    all_copies_tell_the_end(&bot.sandbox).await;
    let all_posted = |sandbox: &Sandbox| {
        let journal = sandbox.journal(0);
        let is_post =
            |entry: &&JournalEntry| entry.method == "POST" && entry.path.contains("/messages");
        (journal.iter().filter(is_post).count() >= 7).then_some(())
    };
    bot.sandbox.wait_for("the report", LIMIT, all_posted).await.unwrap();

    let journal = bot.sandbox.journal(0);
    let to = |method: &str, end: &str| {
        let requests = journal.iter().filter(|entry| entry.method == method);
        let mut paths: Vec<_> = requests.filter(|entry| entry.path.contains(end)).collect();
        paths.sort_by(|one, other| one.path.cmp(&other.path));
        paths
    };
    assert_eq!(to("POST", "/messages").len(), 7, "the card, five reminders, the report");
    let edits = to("PATCH", "/messages/");
    // The card at each of four steps and at the verdict, and five copies. Results that come one
    // after the other, and the last step just before the verdict, may edit the card once more.
    assert!((10..=14).contains(&edits.len()), "{} edits: {edits:#?}", edits.len());
    for pair in edits.windows(2) {
        let [one, next] = pair else { unreachable!() };
        assert!(one.path != next.path || one.body != next.body, "twice: {next:#?}");
    }
}

/// The log has each of the five steps of the ladder once.
async fn each_step_fired_once(bot: &Bot, id: DecisionId) {
    let history = bot.handle.event_log().history(id).await.unwrap();
    let steps =
        history.iter().filter(|logged| matches!(logged.event, Event::StepFired { .. })).count();
    assert_eq!(steps, 5, "each once: {history:#?}");
}

/// Waits until Maya's direct messages and the mentions say what came of it.
async fn all_copies_tell_the_end(sandbox: &Sandbox) {
    let edited = |sandbox: &Sandbox| {
        let mut all =
            direct(sandbox, "maya").into_iter().chain(answers(sandbox).into_iter().take(3));
        all.all(|copy| copy.to_string().contains("rejected by the safe default")).then_some(())
    };
    sandbox.wait_for("every copy to say what came of it", LIMIT, edited).await.unwrap();
}

/// A configuration in which only Maya decides.
pub(crate) async fn only_maya() -> Bot {
    let sandbox = sandbox().await;
    let maya = user(&sandbox, "maya");
    let approvers = vec![ApproverRule { users: vec![maya], ..ApproverRule::default() }];
    Bot::start_in(sandbox, Rules { approvers, ..Rules::default() }).await
}

pub(crate) fn user(sandbox: &Sandbox, name: &str) -> u64 {
    sandbox.addresses().user_id(name).unwrap().parse().unwrap()
}

/// Waits until this is so of a message that somebody sees.
pub(crate) async fn becomes(
    bot: &Bot,
    who: &str,
    message: &Value,
    what: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Value {
    let seen = |sandbox: &Sandbox| {
        let view = sandbox.view(who)?;
        let mut all = view.channels.iter().flat_map(|channel| &channel.messages);
        all.find(|other| other["id"] == message["id"]).filter(|message| is_so(message)).cloned()
    };
    bot.sandbox.wait_for(what, LIMIT, seen).await.unwrap()
}

pub(crate) fn says(words: &'static str) -> impl Fn(&Value) -> bool {
    move |message| message.to_string().contains(words)
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_decisions_are_one_message_for_each_person_and_rung() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let mut asked = Vec::new();
    for number in 1..=50 {
        let risk = [Risk::Low, Risk::Medium, Risk::High][number % 3];
        asked.push(bot.ask(Request { risk, ..request(&format!("Question {number}")) }).await.id);
    }
    bot.advance(TimeDelta::minutes(30));
    for id in &asked {
        told(&bot, *id, Stage::Reminder).await;
    }
    let dm = directs(&bot, "maya", 1).await;
    assert_eq!(dm.len(), 1, "one message, not fifty");
    insta::assert_snapshot!("fifty_waiting", pen.message(&dm[0]));
    bot.advance(TimeDelta::minutes(90));
    for id in &asked {
        mentioned(&bot, *id).await;
    }
    let mentions = bare(&bot.sandbox);
    assert_eq!(mentions.len(), 1, "{mentions:#?}");
    insta::assert_snapshot!("fifty_mentioned", pen.message(&mentions[0]));
    bot.advance(TimeDelta::hours(2) + TimeDelta::minutes(30));
    for id in &asked {
        told(&bot, *id, Stage::Breach).await;
    }
    let dms = directs(&bot, "maya", 2).await;
    assert_eq!(dms.len(), 2, "one more at the breach");
    assert!(
        dms[1]["content"].as_str().unwrap().starts_with("🚨 50 decisions: SLA BREACHED"),
        "{:#}",
        dms[1]
    );
}

/// Messages of the channels without an embed: mentions and reports.
fn bare(sandbox: &Sandbox) -> Vec<Value> {
    let view = sandbox.view("maya").unwrap();
    let dm = view.dm().map(|dm| dm.id.clone());
    let channels = view.channels.iter().filter(|channel| Some(&channel.id) != dm.as_ref());
    let all = channels.flat_map(|channel| &channel.messages);
    all.filter(|message| message["embeds"].as_array().is_none_or(Vec::is_empty)).cloned().collect()
}

/// Waits until the log knows that a decision was mentioned.
async fn mentioned(bot: &Bot, id: DecisionId) {
    let is =
        |decision: &Decision| came(decision).iter().any(|(_, channel, _)| *channel == "mention");
    until(bot, id, "mentioned", is).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_falls_due_within_five_minutes_shares_a_message() {
    let sandbox = sandbox().await;
    let step =
        |when, by: &[Channel], default| Step { when, by: by.to_vec(), repeat: None, default };
    let quick = Ladder::new(vec![
        step(StepTime::After(120), &[Channel::Dm], false),
        step(StepTime::AfterBreach(60), &[], true),
    ])
    .unwrap();
    let projects = [("quick".to_owned(), Rule { ladder: Some(quick), ..Rule::default() })].into();
    let approvers =
        vec![ApproverRule { users: vec![user(&sandbox, "maya")], ..ApproverRule::default() }];
    let bot = Bot::start_in(sandbox, Rules { approvers, projects, ..Rules::default() }).await;

    let first = bot.ask(request("First")).await;
    bot.advance(TimeDelta::minutes(3));
    let soon = bot.ask(request("Soon")).await;
    bot.advance(TimeDelta::minutes(27));
    told(&bot, soon.id, Stage::Reminder).await;
    told(&bot, first.id, Stage::Reminder).await;
    let dm = directs(&bot, "maya", 1).await.remove(0);
    becomes(&bot, "maya", &dm, "what is due in 3 minutes is listed too", says("Soon")).await;
    // This one was not known then, and its ladder is steep.
    let steep = bot.ask(Request { project: "quick".into(), ..request("Steep") }).await;
    bot.advance(TimeDelta::minutes(2));
    told(&bot, steep.id, Stage::Reminder).await;
    becomes(&bot, "maya", &dm, "it is added", says("Steep")).await;
    assert_eq!(direct(&bot.sandbox, "maya").len(), 1, "all on one message");
    let late = bot.ask(Request { project: "quick".into(), ..request("Late") }).await;
    bot.advance(TimeDelta::minutes(4));
    told(&bot, late.id, Stage::Reminder).await;
    directs(&bot, "maya", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_direct_messages_are_closed_the_ladder_climbs_at_once_and_the_card_says_why() {
    let bot = only_maya().await;
    bot.sandbox.close_dms("maya", true);
    let (decision, card) = bot.ask_and_see(deploy()).await;
    bot.advance(TimeDelta::minutes(30));
    let mention = answered(&bot, 1).await;
    assert!(
        mention[0]["content"].as_str().unwrap().contains("<@"),
        "the next rung does not wait: {mention:#?}"
    );
    let history = bot.handle.event_log().history(decision.id).await.unwrap();
    let words = "direct messages are closed";
    let is_closed =
        |came: &ContactResult| matches!(came, ContactResult::Failed { why } if why == words);
    let failed = history.iter().any(|logged| {
        matches!(&logged.event, Event::ContactsRecorded { contacts, complete: true, .. }
            if is_closed(&contacts[0].result))
    });
    assert!(failed, "{history:#?}");
    let card =
        becomes(&bot, "maya", &card, "the card says whom it reached", says("Reached: Maya")).await;
    insta::assert_snapshot!("card_after_closed_messages", bot.pen().message(&card));
    assert_eq!(direct(&bot.sandbox, "maya").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buttons_of_the_direct_message_decide_and_every_copy_says_so() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(request("Deploy the docs?")).await;
    bot.advance(TimeDelta::hours(2));
    let mention = answered(&bot, 1).await.remove(0);
    let other = bot.ask(request("Deploy the blog?")).await;
    bot.advance(TimeDelta::minutes(30));
    let dm = directs(&bot, "maya", 1).await.remove(0);
    let agent = tokio::spawn({
        let (handle, id) = (bot.handle.clone(), other.id);
        async move { handle.approvals().wait(id, None, Claim::Yes, None).await.unwrap() }
    });
    assert!(click(&bot.person("maya"), &dm, "approve").await.ok);
    let waited = tokio::time::timeout(LIMIT, agent).await.unwrap().unwrap();
    assert!(!waited.state.is_open(), "the agent has it");
    becomes(&bot, "maya", &dm, "the direct message says so", says("✅ Approved")).await;
    bot.card(other.id, "says so", |card| card.to_string().contains("✅ Approved")).await;
    // The one that was mentioned, from its card.
    click(&bot.person("jonas"), &card, "approve").await;
    let mention = becomes(&bot, "maya", &mention, "the mention says so", |mention| {
        mention["content"].as_str().is_some_and(|words| words.starts_with("✅"))
    })
    .await;
    assert!(
        custom_ids(&mention).is_empty() && !mention["content"].as_str().unwrap().contains("<@"),
        "{}",
        mention["content"]
    );
    assert!(!bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_in_a_direct_message_are_opened_gone_through_and_approved_from_it() {
    let bot = only_maya().await;
    let mut asked = Vec::new();
    for title in ["One", "Two", "Three"] {
        asked.push(bot.ask(Request { risk: Risk::Low, ..request(title) }).await);
    }
    bot.advance(TimeDelta::minutes(30));
    told(&bot, asked[2].id, Stage::Reminder).await;
    let dm = directs(&bot, "maya", 1).await.remove(0);
    let maya = bot.person("maya");
    let opened =
        maya.select(id(&dm), &control(&dm, "lopen-0"), &[&asked[0].id.0.to_string()]).await;
    assert!(
        opened.ok && opened.message.as_ref().unwrap()["flags"] == 64,
        "privately, beside the list: {opened:?}"
    );
    click(&maya, opened.message.as_ref().unwrap(), "approve").await;
    becomes(&bot, "maya", &dm, "one is done", says("✅ ~~**#1** One~~")).await;
    let now = direct(&bot.sandbox, "maya").remove(0);
    let look = click(&maya, &now, "look").await;
    assert!(look.ok, "{look:?}");
    let sure = look.message.unwrap();
    assert!(click(&maya, &sure, "together").await.ok);
    let done =
        becomes(&bot, "maya", &dm, "all are done", says("Nothing is waiting here any more")).await;
    // Whether the three shared a card before, and so which number this message has, is a matter of
    // moments.
    let menu = control(&done, "lopen-0").replace(bot.handle.tag(), "TAG");
    insta::assert_snapshot!("list_in_the_end", bot.pen().message(&done).replace(&menu, "MENU"));
    let stranger = bot.person("sven");
    assert!(!stranger.click(id(&dm), &control(&dm, "look")).await.ok, "it is Maya's message");
}
