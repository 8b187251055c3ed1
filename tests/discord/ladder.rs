//! The ladder as people see it: direct messages, mentions, the report; who is reached, who is not,
//! and what the card says.

use chrono::TimeDelta;
use discord_sandbox::{Options, RateLimits, Sandbox};
use gander::core::decision::{Decision, DecisionId, Person, Request, Risk};
use gander::core::event::Event;
use gander::core::ladder::{Came, Ladder, Rung, Stage, Way, When};
use gander::core::outgoing::Ways;
use gander::core::people::{Profile, Wishes};
use gander::core::permission::ApproverRule;
use gander::core::policy::{Rule, Rules};
use gander::engine::Claim;
use serde_json::Value;

use crate::bot::{Bot, LIMIT, click, control, custom_ids, deploy, id, request};

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
    let knows =
        |climb: &gander::core::ladder::Climb| climb.stage == stage && !climb.contacts.is_empty();
    until(bot, decision, &format!("told of the {stage}"), |decision| {
        decision.climb.as_ref().is_some_and(knows)
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
            let decision = bot.handle.get(id).await.unwrap();
            if is_so(&decision) {
                return decision;
            }
            hints.changed().await.unwrap();
        }
    };
    match tokio::time::timeout(LIMIT, wait).await {
        Ok(decision) => decision,
        Err(_) => panic!("{id}: not {what}: {:#?}", bot.handle.history(id).await),
    }
}

fn came(decision: &Decision) -> Vec<(String, &'static str, &Came)> {
    let contacts = decision.climb.as_ref().map_or(&[][..], |climb| &climb.contacts);
    let who = |contact: &gander::core::ladder::Contact| {
        contact.who.as_ref().map_or("here".into(), |who| who.name.clone())
    };
    contacts.iter().map(|contact| (who(contact), contact.way.word(), &contact.came)).collect()
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
    let reached = becomes(
        &bot,
        "maya",
        &dm[0],
        "the direct message to say whom it reached",
        says("Reached: Maya"),
    )
    .await;
    show("after 30 minutes, Maya's direct message", &reached);
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
    show(
        "the breach, Maya's direct message",
        &becomes(&bot, "maya", &dms[1], "whom it reached", &is_told).await,
    );
    show("the card", &becomes(&bot, "maya", &card, "whom it reached", &is_told).await);
    assert!(came(&standing).iter().all(|(_, _, came)| **came == Came::Reached), "{standing:?}");

    bot.advance(TimeDelta::hours(2));
    let report = answered(&bot, 4).await;
    show("the report", &report[3]);
    show(
        "the card in the end",
        &bot.card(decision.id, "rejected", |card| card.to_string().contains("❌ Rejected")).await,
    );
    let edited = |sandbox: &Sandbox| {
        let all = direct(sandbox, "maya").into_iter().chain(answers(sandbox).into_iter().take(3));
        all.into_iter()
            .all(|copy| copy.to_string().contains("rejected by the safe default"))
            .then_some(())
    };
    bot.sandbox.wait_for("every copy to say what came of it", LIMIT, edited).await.unwrap();
    show("Maya's first direct message in the end", &direct(&bot.sandbox, "maya")[0]);
    show("the mention in the end", &answers(&bot.sandbox)[0]);
    insta::assert_snapshot!("whole_ladder", seen);

    let history = bot.handle.history(decision.id).await.unwrap();
    let rungs =
        history.iter().filter(|logged| matches!(logged.event, Event::Climbed { .. })).count();
    assert_eq!(rungs, 5, "each once: {history:#?}");
    assert_eq!((direct(&bot.sandbox, "maya").len(), answers(&bot.sandbox).len()), (2, 4));
}

/// A configuration in which only Maya decides.
pub(crate) async fn only_maya() -> Bot {
    let sandbox =
        Sandbox::start(Options { rate_limits: RateLimits::Relaxed, ..Options::default() })
            .await
            .unwrap();
    let maya = user(&sandbox, "maya");
    let approvers = vec![ApproverRule { users: vec![maya], ..ApproverRule::default() }];
    Bot::start_in(sandbox, Rules { approvers, ..Rules::default() }).await
}

/// Maya and Jonas, by name.
async fn both() -> Bot {
    let sandbox =
        Sandbox::start(Options { rate_limits: RateLimits::Relaxed, ..Options::default() })
            .await
            .unwrap();
    let users = vec![user(&sandbox, "maya"), user(&sandbox, "jonas")];
    let approvers = vec![ApproverRule { users, ..ApproverRule::default() }];
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
    let is = |decision: &Decision| came(decision).iter().any(|(_, way, _)| *way == "mention");
    until(bot, id, "mentioned", is).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_falls_due_within_five_minutes_shares_a_message() {
    let sandbox =
        Sandbox::start(Options { rate_limits: RateLimits::Relaxed, ..Options::default() })
            .await
            .unwrap();
    let rung = |when, by: &[Way], default| Rung { when, by: by.to_vec(), repeat: None, default };
    let quick = Ladder::new(vec![
        rung(When::After(120), &[Way::Dm], false),
        rung(When::AfterBreach(60), &[], true),
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
    let history = bot.handle.history(decision.id).await.unwrap();
    let failed = history.iter().any(|logged| {
        matches!(&logged.event, Event::Told { contacts, complete: true, .. } if
        matches!(&contacts[0].came, Came::Failed { why } if why == "direct messages are closed"))
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
        async move { handle.wait(id, None, Claim::Yes, None).await.unwrap() }
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
    assert!(!bot.handle.get(decision.id).await.unwrap().state.is_open());
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
        becomes(&bot, "maya", &dm, "all are done", says("Nothing waits here any more")).await;
    // Whether the three shared a card before, and so which number this message has, is a matter of
    // moments.
    let menu = control(&done, "lopen-0").replace(bot.handle.tag(), "TAG");
    insta::assert_snapshot!("list_in_the_end", bot.pen().message(&done).replace(&menu, "MENU"));
    let stranger = bot.person("sven");
    assert!(!stranger.click(id(&dm), &control(&dm, "look")).await.ok, "it is Maya's message");
}

#[tokio::test(flavor = "multi_thread")]
async fn not_now_on_a_reminder_snoozes_whoever_clicks() {
    let bot = only_maya().await;
    bot.ask(request("Now?")).await;
    bot.advance(TimeDelta::minutes(30));
    let dm = directs(&bot, "maya", 1).await.remove(0);
    let said = click(&bot.person("maya"), &dm, "hush").await;
    assert!(
        said.message.as_ref().unwrap()["content"].as_str().unwrap().starts_with("💤 Snoozed"),
        "{said:?}"
    );
    let maya = bot.handle.somebody(user(&bot.sandbox, "maya"), "Maya").await.unwrap();
    assert_eq!(maya.snooze, Some(bot.handle.now() + TimeDelta::hours(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_taken_it_is_reminded_alone() {
    let bot = both().await;
    let (decision, card) = bot.ask_and_see(deploy()).await;
    click(&bot.person("jonas"), &card, "take").await;
    bot.advance(TimeDelta::minutes(30));
    told(&bot, decision.id, Stage::Reminder).await;
    directs(&bot, "jonas", 1).await;
    assert_eq!(direct(&bot.sandbox, "maya").len(), 0);
    bot.advance(TimeDelta::hours(3) + TimeDelta::minutes(30));
    let standing = told(&bot, decision.id, Stage::Warning).await;
    assert_eq!(
        came(&standing),
        [("Jonas".to_owned(), "mention", &Came::Reached)],
        "instead of @here"
    );
    bot.advance(TimeDelta::minutes(30));
    told(&bot, decision.id, Stage::Breach).await;
    directs(&bot, "maya", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_time_holds_back_and_delivers_when_it_ends_but_not_a_breach_nor_critical_risk() {
    let bot = both().await;
    let (maya, jonas) = (user(&bot.sandbox, "maya"), user(&bot.sandbox, "jonas"));
    let snooze = async |user, hours| {
        let until = bot.handle.now() + TimeDelta::hours(hours);
        bot.handle
            .wish(user, "", move |wishes| Wishes { snooze: Some(until), ..wishes })
            .await
            .unwrap();
        until
    };
    let until = snooze(maya, 1).await;
    let (decision, card) = bot.ask_and_see(deploy()).await;
    bot.advance(TimeDelta::minutes(30));
    let standing = told(&bot, decision.id, Stage::Reminder).await;
    assert_eq!(came(&standing)[0], ("Maya".to_owned(), "dm", &Came::Held { until }));
    directs(&bot, "jonas", 1).await;
    assert_eq!(direct(&bot.sandbox, "maya").len(), 0);
    let card = becomes(
        &bot,
        "jonas",
        &card,
        "the card says so",
        says("Maya is told when their quiet time ends"),
    )
    .await;
    insta::assert_snapshot!("card_with_quiet_time", bot.pen().message(&card));
    bot.advance(TimeDelta::minutes(30));
    directs(&bot, "maya", 1).await;
    assert_eq!(direct(&bot.sandbox, "jonas").len(), 1, "once");
    // Whoever ends their quiet time early gets it then.
    snooze(jonas, 100).await;
    let early = bot.ask(request("Early?")).await;
    bot.advance(TimeDelta::minutes(30));
    told(&bot, early.id, Stage::Reminder).await;
    directs(&bot, "maya", 2).await;
    bot.handle.wish(jonas, "Jonas", |wishes| Wishes { snooze: None, ..wishes }).await.unwrap();
    directs(&bot, "jonas", 2).await;
    bot.handle.withdraw(early.id, "").await.unwrap();
    // Critical risk does not wait, nor does the breach.
    snooze(maya, 100).await;
    snooze(jonas, 100).await;
    let critical = bot.ask(Request { risk: Risk::Critical, ..request("Drop the database?") }).await;
    bot.advance(TimeDelta::minutes(30));
    told(&bot, critical.id, Stage::Reminder).await;
    directs(&bot, "maya", 3).await;
    bot.handle.withdraw(critical.id, "").await.unwrap();
    bot.advance(TimeDelta::hours(3));
    told(&bot, decision.id, Stage::Breach).await;
    directs(&bot, "maya", 4).await;
    directs(&bot, "jonas", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_away_are_passed_over_and_the_card_says_so() {
    let bot = both().await;
    let away = |bot: &Bot| {
        let days = format!("{}..2099-01-01", bot.handle.now().date_naive() - TimeDelta::days(1))
            .parse()
            .unwrap();
        move |wishes| Wishes { away: Some(vec![days]), ..wishes }
    };
    bot.handle.wish(user(&bot.sandbox, "maya"), "Maya", away(&bot)).await.unwrap();
    let (decision, card) = bot.ask_and_see(deploy()).await;
    bot.advance(TimeDelta::minutes(30));
    told(&bot, decision.id, Stage::Reminder).await;
    becomes(&bot, "jonas", &card, "the card says so", says("Maya is away and was passed over"))
        .await;
    directs(&bot, "jonas", 1).await;
    bot.advance(TimeDelta::hours(4));
    told(&bot, decision.id, Stage::Breach).await;
    directs(&bot, "jonas", 2).await;
    assert_eq!(direct(&bot.sandbox, "maya").len(), 0, "Jonas is there");
    // Now everybody is away.
    bot.handle.wish(user(&bot.sandbox, "jonas"), "Jonas", away(&bot)).await.unwrap();
    let alone = bot.ask(request("And now?")).await;
    bot.advance(TimeDelta::minutes(30));
    told(&bot, alone.id, Stage::Warning).await;
    assert_eq!(
        (direct(&bot.sandbox, "maya").len(), direct(&bot.sandbox, "jonas").len()),
        (0, 2),
        "nobody is reached by name"
    );
    bot.advance(TimeDelta::hours(4));
    told(&bot, alone.id, Stage::Breach).await;
    directs(&bot, "maya", 1).await;
    directs(&bot, "jonas", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_use_here_the_approvers_are_mentioned_and_the_card_says_so() {
    let sandbox =
        Sandbox::start(Options { rate_limits: RateLimits::Relaxed, ..Options::default() })
            .await
            .unwrap();
    sandbox.set_role_permissions("bot", 0);
    let approvers =
        vec![ApproverRule { users: vec![user(&sandbox, "maya")], ..ApproverRule::default() }];
    let bot = Bot::start_in(sandbox, Rules { approvers, ..Rules::default() }).await;
    let (decision, _) = bot.ask_and_see(request("May I?")).await;
    bot.advance(TimeDelta::hours(4));
    let standing = told(&bot, decision.id, Stage::Warning).await;
    let (who, way, why) = came(&standing).into_iter().find(|(_, way, _)| *way == "here").unwrap();
    assert!(
        matches!(why, Came::Failed { why } if why.contains("may not use @here in #")),
        "{who} {way} {why:?}"
    );
    assert!(
        came(&standing).contains(&("Maya".to_owned(), "mention", &Came::Reached)),
        "{standing:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_asker_is_never_reminded() {
    let bot = both().await;
    let maya = Person::discord(user(&bot.sandbox, "maya"), "Maya");
    let decision = bot.ask(Request { asked_by: Some(maya), ..request("Mine") }).await;
    bot.advance(TimeDelta::minutes(30));
    let standing = told(&bot, decision.id, Stage::Reminder).await;
    assert_eq!(came(&standing), [("Jonas".to_owned(), "dm", &Came::Reached)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_role_and_has_once_acted_is_reminded_by_name() {
    let bot = Bot::start().await;
    let (_, card) = bot.ask_and_see(request("First")).await;
    click(&bot.person("jonas"), &card, "approve").await;
    let second = bot.ask(request("Second")).await;
    bot.advance(TimeDelta::minutes(30));
    told(&bot, second.id, Stage::Reminder).await;
    directs(&bot, "jonas", 1).await;
    directs(&bot, "maya", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_one_for_all_that_is_due_and_leads_to_the_card() {
    let sandbox =
        Sandbox::start(Options { rate_limits: RateLimits::Relaxed, ..Options::default() })
            .await
            .unwrap();
    let maya = user(&sandbox, "maya");
    let people = vec![Profile {
        ntfy: Some("maya-x7Kq".into()),
        ..Profile::unknown(maya, "Maya", chrono_tz::UTC)
    }];
    let approvers = vec![ApproverRule {
        users: vec![maya, user(&sandbox, "jonas")],
        ..ApproverRule::default()
    }];
    let ways = Ways { push: true, ..Ways::default() };
    let bot = Bot::start_in(sandbox, Rules { approvers, people, ways, ..Rules::default() }).await;
    let (first, card) = bot.ask_and_see(request("First")).await;
    let second = bot.ask(request("Second")).await;
    bot.advance(TimeDelta::hours(2));
    let is_mentioned =
        |decision: &Decision| came(decision).iter().any(|(_, way, _)| *way == "mention");
    until(&bot, first.id, "mentioned", is_mentioned).await;
    until(&bot, second.id, "mentioned", is_mentioned).await;
    let letters = bot.handle.outgoing_of(first.id).await.unwrap();
    assert_eq!(letters.len(), 1, "Jonas has no topic: {letters:#?}");
    let message = &letters[0].message;
    assert_eq!(message.decisions.len(), 2, "one for both");
    assert_eq!(
        (message.to.as_str(), message.person.as_str()),
        ("maya-x7Kq", format!("discord:{maya}").as_str())
    );
    let link = message.link.as_deref().unwrap();
    assert!(
        link.ends_with(id(&card)) && link.starts_with("https://discord.com/channels/"),
        "{link}"
    );
    insta::assert_snapshot!("push", format!("{}\n{}", message.title, message.words));
}
