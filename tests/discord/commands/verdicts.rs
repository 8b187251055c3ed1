//! Commands that decide, put off, take and undo.

use chrono::TimeDelta;
use gander::core::decision::authorization::ApproverRule;
use gander::core::decision::{Choice, Expects, Pending, Request, State, Verdict};
use serde_json::json;

use super::{command, content, entry, is_open, offered_for, verdict, verdicts};
use crate::bot::{Bot, custom_ids, deploy, request};

pub(crate) fn databases() -> Request {
    let option = |name: &str, why: &str| Choice { name: name.into(), description: why.into() };
    let options = vec![
        option("Postgres", "already in use"),
        option("Redis", "fast; one more thing to run"),
        option("SQLite", ""),
    ];
    Request { expects: Expects::Choose, options, ..request("Which database?") }
}

#[tokio::test(flavor = "multi_thread")]
async fn approve_decides_what_was_offered_and_the_agent_gets_the_note() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, _) = bot.ask_and_see(request("Rename the module?")).await;
    let picked = entry(&bot, "jonas", "approve", "rename").await;
    let seen = command(
        &bot,
        "jonas",
        "approve",
        json!({ "decision": picked, "note": " Mind the docs. " }),
    )
    .await;
    insta::assert_snapshot!("approved", pen.message(&seen));
    assert_eq!(
        verdict(&bot, &decision).await,
        (Verdict::noted(Some("Mind the docs.".into())), "Jonas".into())
    );
    assert_eq!(verdicts(&bot, &decision).await, 1);
    bot.card(decision.id, "approved", |card| card.to_string().contains("Approved")).await;
    let again = command(&bot, "maya", "approve", json!({ "decision": picked })).await;
    insta::assert_snapshot!("already_decided", pen.message(&again));
    assert_eq!(verdicts(&bot, &decision).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reject_tells_the_agent_why() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, _) = bot.ask_and_see(request("Delete the old code?")).await;
    let picked = entry(&bot, "maya", "reject", "1").await;
    let blank =
        command(&bot, "maya", "reject", json!({ "decision": picked, "reason": "  " })).await;
    assert!(content(&blank).contains("needs a reason"), "{blank:#}");
    let seen = command(
        &bot,
        "maya",
        "reject",
        json!({ "decision": picked, "reason": "Two customers still use it." }),
    )
    .await;
    insta::assert_snapshot!("rejected", pen.message(&seen));
    assert_eq!(
        verdict(&bot, &decision).await.0,
        Verdict::Rejected { reason: "Two customers still use it.".into() }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn defer_puts_off_and_reads_times_as_people_write_them() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, _) = bot.ask_and_see(deploy()).await;
    let picked = entry(&bot, "maya", "defer", "contact").await;
    let unread =
        command(&bot, "maya", "defer", json!({ "decision": picked, "until": "when pigs fly" }))
            .await;
    assert!(content(&unread).contains("could not read “when pigs fly”"), "{unread:#}");
    let far = command(&bot, "maya", "defer", json!({ "decision": picked, "until": "30d" })).await;
    insta::assert_snapshot!("deferred_too_far", pen.message(&far));
    let seen = command(&bot, "maya", "defer", json!({ "decision": picked, "until": "45m" })).await;
    insta::assert_snapshot!("deferred", pen.message(&seen));
    let State::Deferred { until, .. } =
        bot.handle.approvals().get(decision.id).await.unwrap().state
    else {
        panic!("not deferred")
    };
    assert_eq!(until, bot.handle.now() + TimeDelta::minutes(45));
    // What is put off can be decided: it is offered last, as such.
    let (name, _) = super::offered(&bot, "maya", "reject", "").await.remove(0);
    assert!(name.starts_with("#1 💤 high"), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn choose_takes_an_offered_option_or_its_name() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (first, _) = bot.ask_and_see(databases()).await;
    let picked = entry(&bot, "maya", "choose", "database").await;
    let options = offered_for(
        &bot,
        "maya",
        "choose",
        json!({ "decision": picked, "option": "fast" }),
        "option",
    )
    .await;
    assert_eq!(
        options.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["Redis: fast; one more thing to run"]
    );
    let wrong =
        command(&bot, "maya", "choose", json!({ "decision": picked, "option": "Oracle" })).await;
    insta::assert_snapshot!("no_such_option", pen.message(&wrong));
    assert!(is_open(&bot, &first).await);
    let seen =
        command(&bot, "maya", "choose", json!({ "decision": picked, "option": options[0].1 }))
            .await;
    insta::assert_snapshot!("chosen", pen.message(&seen));
    assert_eq!(verdict(&bot, &first).await.0, Verdict::Chosen { option: "Redis".into() });
    let (second, _) = bot.ask_and_see(databases()).await;
    let picked = entry(&bot, "maya", "choose", "").await;
    command(&bot, "maya", "choose", json!({ "decision": picked, "option": "sqlite" })).await;
    assert_eq!(verdict(&bot, &second).await.0, Verdict::Chosen { option: "SQLite".into() });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_of_an_older_revision_is_not_chosen() {
    let bot = Bot::start().await;
    let asked = Request { dedup_key: Some("database".into()), ..databases() };
    let (decision, _) = bot.ask_and_see(asked.clone()).await;
    let picked = entry(&bot, "maya", "choose", "").await;
    let options =
        offered_for(&bot, "maya", "choose", json!({ "decision": picked, "option": "" }), "option")
            .await;
    let mut turned = asked;
    turned.options.reverse();
    bot.ask(turned).await;
    let outdated =
        command(&bot, "maya", "choose", json!({ "decision": picked, "option": options[0].1 }))
            .await;
    assert!(content(&outdated).contains("changed after you saw it"), "{outdated:#}");
    // The decision is picked anew, the option is still the old entry: the first one is another now.
    let anew = entry(&bot, "maya", "choose", "").await;
    let wrong =
        command(&bot, "maya", "choose", json!({ "decision": anew, "option": options[0].1 })).await;
    assert!(content(&wrong).contains("does not offer"), "{wrong:#}");
    assert!(is_open(&bot, &decision).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_gives_the_agent_a_text() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, _) = bot
        .ask_and_see(Request { expects: Expects::Answer, ..request("What shall it be called?") })
        .await;
    bot.ask_and_see(request("Something to approve")).await;
    let picked = entry(&bot, "maya", "answer", "").await;
    let seen =
        command(&bot, "maya", "answer", json!({ "decision": picked, "text": "**Honker**" })).await;
    insta::assert_snapshot!("answered", pen.message(&seen));
    assert_eq!(verdict(&bot, &decision).await.0, Verdict::answered("**Honker**".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_may_not_is_told_who_may() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, _) = bot.ask_and_see(request("Not Sven's?")).await;
    let picked = entry(&bot, "maya", "approve", "").await;
    for typed in [picked.as_str(), "1"] {
        for (name, options) in [
            ("approve", json!({ "decision": typed })),
            ("reject", json!({ "decision": typed, "reason": "No." })),
            ("defer", json!({ "decision": typed, "until": "45m" })),
            ("take", json!({ "decision": typed })),
            ("undo", json!({ "decision": typed })),
            ("decision", json!({ "decision": typed })),
        ] {
            let refused = command(&bot, "sven", name, options).await;
            let thanks = content(&refused).lines().next().unwrap();
            insta::allow_duplicates! { insta::assert_snapshot!("not_an_approver", pen.steady(thanks)); }
            assert!(custom_ids(&refused).is_empty(), "/{name} {typed}");
        }
    }
    let words = command(&bot, "sven", "approve", json!({ "decision": "sven" })).await;
    assert!(content(&words).contains("Nothing that you may decide matches “sven”"), "{words:#}");
    assert_eq!(bot.handle.event_log().history(decision.id).await.unwrap().len(), 1, "only asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn take_says_who_is_on_it() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, _) = bot.ask_and_see(request("Whose?")).await;
    let seen = command(&bot, "jonas", "take", json!({ "decision": "1" })).await;
    insta::assert_snapshot!("taken", pen.message(&seen));
    let State::Pending(Pending { taken: Some(taken), .. }) =
        bot.handle.approvals().get(decision.id).await.unwrap().state
    else {
        panic!("not taken")
    };
    assert_eq!(taken.by.name, "Jonas");
    bot.card(decision.id, "taken", |card| card.to_string().contains("On it")).await;
    let picked = entry(&bot, "maya", "take", "whose").await;
    let refused = command(&bot, "maya", "take", json!({ "decision": picked })).await;
    assert!(content(&refused).contains("is already on #1"), "{refused:#}");
    let words = command(&bot, "maya", "take", json!({ "decision": "whose" })).await;
    assert!(content(&words).starts_with("👀"), "{words:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_takes_a_verdict_back_until_the_agent_has_it() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let (decision, _) = bot.ask_and_see(request("Too fast?")).await;
    let picked = entry(&bot, "maya", "approve", "").await;
    command(&bot, "maya", "approve", json!({ "decision": picked })).await;
    let (name, undo) = super::offered(&bot, "maya", "undo", "fast").await.remove(0);
    insta::assert_snapshot!("entry_of_a_verdict", name);
    let seen = command(&bot, "maya", "undo", json!({ "decision": undo })).await;
    insta::assert_snapshot!("undone", pen.message(&seen));
    assert!(is_open(&bot, &decision).await);
    bot.card(decision.id, "open again", |card| card.to_string().contains("Undone")).await;
    assert_eq!(super::offered(&bot, "maya", "undo", "").await, [], "there is no verdict any more");
    command(
        &bot,
        "jonas",
        "approve",
        json!({ "decision": entry(&bot, "jonas", "approve", "").await }),
    )
    .await;
    let undo = entry(&bot, "jonas", "undo", "").await;
    assert_eq!(verdict(&bot, &decision).await.0, Verdict::approved());
    let late = command(&bot, "jonas", "undo", json!({ "decision": undo })).await;
    insta::assert_snapshot!("undone_too_late", pen.message(&late));
    assert_eq!(
        super::offered(&bot, "jonas", "undo", "").await,
        [],
        "what the agent has is not offered"
    );
    assert!(!is_open(&bot, &decision).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_several_must_approve_a_command_is_one_vote() {
    let sandbox =
        discord_sandbox::Sandbox::start(discord_sandbox::Options::default()).await.unwrap();
    let everybody = ["maya", "jonas", "sven"]
        .map(|name| sandbox.addresses().user_id(name).unwrap().parse().unwrap());
    let approvers = vec![ApproverRule { users: everybody.to_vec(), ..ApproverRule::default() }];
    let rules = gander::core::policy::rules::Rules { approvers, ..Default::default() };
    let bot = Bot::start_in(sandbox, rules).await;
    let pen = bot.pen();
    let (decision, _) =
        bot.ask_and_see(Request { approvals_needed: 2, ..request("Two of us?") }).await;
    let picked = entry(&bot, "maya", "approve", "").await;
    let seen = command(&bot, "maya", "approve", json!({ "decision": picked })).await;
    insta::assert_snapshot!("voted", pen.message(&seen));
    let twice = command(&bot, "maya", "approve", json!({ "decision": picked })).await;
    assert!(content(&twice).contains("You have already approved #1"), "{twice:#}");
    assert!(is_open(&bot, &decision).await);
    command(&bot, "sven", "approve", json!({ "decision": picked })).await;
    assert_eq!(verdict(&bot, &decision).await, (Verdict::approved(), "Sven".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_in_a_direct_message_knows_the_persons_roles() {
    let bot = Bot::start().await;
    let (decision, _) = bot.ask_and_see(request("In private?")).await;
    let jonas = bot.person("jonas");
    let dm = jonas.dm_with_bot().unwrap();
    let offered = jonas.complete(&dm, "approve", json!({ "decision": "" }), "decision").await;
    let done =
        jonas.command(&dm, "approve", json!({ "decision": offered.choices[0]["value"] })).await;
    assert!(done.content().starts_with("✅"), "{done:?}");
    assert_eq!(verdict(&bot, &decision).await.1, "Jonas");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_store_is_waited_for_and_the_verdict_still_comes() {
    let bot = Bot::start_in_a_hurry().await;
    let (decision, _) = bot.ask_and_see(request("Slowly?")).await;
    let picked = entry(&bot, "maya", "approve", "").await;
    let mut other = rusqlite::Connection::open(bot.folder.path().join("gander.db")).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let before = bot.sandbox.journal(0).last().unwrap().n;
    let (maya, channel) = (bot.person("maya"), super::channel(&bot));
    let waiting = tokio::spawn(async move {
        maya.command(&channel, "approve", json!({ "decision": picked })).await
    });
    let deferred = |sandbox: &discord_sandbox::Sandbox| {
        let entries = sandbox.journal(before);
        entries
            .iter()
            .any(|entry| entry.path.ends_with("/callback") && entry.body["type"] == 5)
            .then_some(())
    };
    bot.sandbox.wait_for("the command to be deferred", crate::bot::LIMIT, deferred).await.unwrap();
    drop(held);
    let outcome = waiting.await.unwrap();
    assert!(outcome.is_ephemeral() && outcome.content().starts_with("✅"), "{outcome:?}");
    assert_eq!(
        (verdict(&bot, &decision).await.0, verdicts(&bot, &decision).await),
        (Verdict::approved(), 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_discord_loses_is_said_again_and_nothing_is_decided_twice() {
    let bot = Bot::start().await;
    let (decision, _) = bot.ask_and_see(request("Lost?")).await;
    let picked = entry(&bot, "maya", "approve", "").await;
    let matching =
        discord_sandbox::Match { method: Some("POST".into()), path: Some("/callback".into()) };
    bot.sandbox.fault(discord_sandbox::Fault {
        matching,
        effect: discord_sandbox::Effect::status(502),
        times: 1,
    });
    let seen = command(&bot, "maya", "approve", json!({ "decision": picked })).await;
    assert!(content(&seen).starts_with("✅"), "{seen:#}");
    assert_eq!(
        (verdict(&bot, &decision).await.0, verdicts(&bot, &decision).await),
        (Verdict::approved(), 1)
    );
}
