//! Who is reached on the ladder and who is not: whoever has taken it, quiet time, absences, the
//! asker, roles, and pushes.

use chrono::TimeDelta;
use gander::core::availability::{Preferences, Profile};
use gander::core::decision::authorization::ApproverRule;
use gander::core::decision::{Decision, Person, Request, Risk};
use gander::core::escalation::{ContactResult, Stage};
use gander::core::messaging::notification::{ExternalChannel, ExternalChannels};
use gander::core::policy::rules::Rules;

use crate::bot::{Bot, click, deploy, id, request};
use crate::common::process::sandbox;

use crate::ladder::{becomes, came, direct, directs, only_maya, says, told, until, user};

/// Maya and Jonas, by name.
async fn both() -> Bot {
    let sandbox = sandbox().await;
    let users = vec![user(&sandbox, "maya"), user(&sandbox, "jonas")];
    let approvers = vec![ApproverRule { users, ..ApproverRule::default() }];
    Bot::start_in(sandbox, Rules { approvers, ..Rules::default() }).await
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
    let maya =
        bot.handle.availability().person_status(user(&bot.sandbox, "maya"), "Maya").await.unwrap();
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
        [("Jonas".to_owned(), "mention", &ContactResult::Reached)],
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
            .availability()
            .update_preferences(user, "", move |preferences| Preferences {
                snooze: Some(until),
                ..preferences
            })
            .await
            .unwrap();
        until
    };
    let until = snooze(maya, 1).await;
    let (decision, card) = bot.ask_and_see(deploy()).await;
    bot.advance(TimeDelta::minutes(30));
    let standing = told(&bot, decision.id, Stage::Reminder).await;
    assert_eq!(came(&standing)[0], ("Maya".to_owned(), "dm", &ContactResult::Held { until }));
    directs(&bot, "jonas", 1).await;
    assert_eq!(direct(&bot.sandbox, "maya").len(), 0);
    let card = becomes(
        &bot,
        "jonas",
        &card,
        "the card says so",
        says("Maya is notified when their quiet time ends"),
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
    bot.handle
        .availability()
        .update_preferences(jonas, "Jonas", |preferences| Preferences {
            snooze: None,
            ..preferences
        })
        .await
        .unwrap();
    directs(&bot, "jonas", 2).await;
    bot.handle.approvals().withdraw(early.id, "").await.unwrap();
    // Critical risk does not wait, nor does the breach.
    snooze(maya, 100).await;
    snooze(jonas, 100).await;
    let critical = bot.ask(Request { risk: Risk::Critical, ..request("Drop the database?") }).await;
    bot.advance(TimeDelta::minutes(30));
    told(&bot, critical.id, Stage::Reminder).await;
    directs(&bot, "maya", 3).await;
    bot.handle.approvals().withdraw(critical.id, "").await.unwrap();
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
        move |preferences| Preferences { away: Some(vec![days]), ..preferences }
    };
    bot.handle
        .availability()
        .update_preferences(user(&bot.sandbox, "maya"), "Maya", away(&bot))
        .await
        .unwrap();
    let (decision, card) = bot.ask_and_see(deploy()).await;
    bot.advance(TimeDelta::minutes(30));
    told(&bot, decision.id, Stage::Reminder).await;
    becomes(&bot, "jonas", &card, "the card says so", says("Maya is away and was skipped")).await;
    directs(&bot, "jonas", 1).await;
    bot.advance(TimeDelta::hours(4));
    told(&bot, decision.id, Stage::Breach).await;
    directs(&bot, "jonas", 2).await;
    assert_eq!(direct(&bot.sandbox, "maya").len(), 0, "Jonas is there");
    // Now everybody is away.
    bot.handle
        .availability()
        .update_preferences(user(&bot.sandbox, "jonas"), "Jonas", away(&bot))
        .await
        .unwrap();
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
    let sandbox = sandbox().await;
    sandbox.set_role_permissions("bot", 0);
    let approvers =
        vec![ApproverRule { users: vec![user(&sandbox, "maya")], ..ApproverRule::default() }];
    let bot = Bot::start_in(sandbox, Rules { approvers, ..Rules::default() }).await;
    let (decision, _) = bot.ask_and_see(request("May I?")).await;
    bot.advance(TimeDelta::hours(4));
    let standing = told(&bot, decision.id, Stage::Warning).await;
    let (who, channel, why) =
        came(&standing).into_iter().find(|(_, channel, _)| *channel == "here").unwrap();
    assert!(
        matches!(why, ContactResult::Failed { why } if why.contains("may not use @here in #")),
        "{who} {channel} {why:?}"
    );
    assert!(
        came(&standing).contains(&("Maya".to_owned(), "mention", &ContactResult::Reached)),
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
    assert_eq!(came(&standing), [("Jonas".to_owned(), "dm", &ContactResult::Reached)]);
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
    let sandbox = sandbox().await;
    let maya = user(&sandbox, "maya");
    let people = vec![Profile {
        ntfy: Some("maya-x7Kq".into()),
        ..Profile::unknown(maya, "Maya", chrono_tz::UTC)
    }];
    let approvers = vec![ApproverRule {
        users: vec![maya, user(&sandbox, "jonas")],
        ..ApproverRule::default()
    }];
    let channels = ExternalChannels::new([ExternalChannel::Push], Vec::new());
    let bot =
        Bot::start_in(sandbox, Rules { approvers, people, channels, ..Rules::default() }).await;
    let (first, card) = bot.ask_and_see(request("First")).await;
    let second = bot.ask(request("Second")).await;
    bot.advance(TimeDelta::hours(2));
    let is_mentioned =
        |decision: &Decision| came(decision).iter().any(|(_, channel, _)| *channel == "mention");
    until(&bot, first.id, "mentioned", is_mentioned).await;
    until(&bot, second.id, "mentioned", is_mentioned).await;
    let letters = bot.handle.notifications().of_decision(first.id).await.unwrap();
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
