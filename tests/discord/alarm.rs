//! Cards that cannot be shown: whoever may decide hears of it another way.

use discord_sandbox::{BotAccess, Sandbox};

use crate::bot::{Bot, LIMIT, request};

fn told(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let view = sandbox.view(name).unwrap();
    let messages = view.dm().map(|dm| dm.messages.clone()).unwrap_or_default();
    messages.iter().map(|message| message["content"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn approvers_hear_once_by_direct_message_that_a_channel_is_closed() {
    let bot = Bot::start().await;
    let channel = bot.sandbox.addresses().channel_id("web-shop").unwrap().to_owned();
    // The second time is too soon after the first to be news.
    for round in 1..=2 {
        bot.sandbox.set_bot_access(&channel, BotAccess::Hidden);
        let mut decisions = Vec::new();
        for title in ["one", "two", "three"] {
            let mut asked = request(&format!("{title} of round {round}"));
            asked.project = "web-shop".into();
            decisions.push(bot.ask(asked).await);
        }
        let heard = |sandbox: &Sandbox| (told(sandbox, "maya").len() == 1).then_some(());
        bot.sandbox.wait_for("Maya to be told", LIMIT, heard).await.unwrap();
        bot.sandbox.set_bot_access(&channel, BotAccess::Full);
        for decision in decisions {
            bot.card(decision.id, "posted when it is open again", |_| true).await;
        }
        assert_eq!(told(&bot.sandbox, "maya").len(), 1, "once, not for every card");
    }
    let words = told(&bot.sandbox, "maya");
    // Which of the three is tried first is not said, nor whether the gateway tells the bot of the
    // closed channel before Discord refuses the first card.
    let words = words[0].replace("#2", "#1").replace("#3", "#1");
    if words.contains("Missing Access") {
        insta::assert_snapshot!("channel_refused", words);
    } else {
        insta::assert_snapshot!("channel_closed", words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_direct_messages_hold_nothing_up() {
    let bot = Bot::start().await;
    let channel = bot.sandbox.addresses().channel_id("web-shop").unwrap().to_owned();
    bot.sandbox.close_dms("maya", true);
    bot.sandbox.set_bot_access(&channel, BotAccess::Hidden);
    let mut asked = request("Closed everywhere?");
    asked.project = "web-shop".into();
    let decision = bot.ask(asked).await;
    let tried = |sandbox: &Sandbox| {
        let opened = |entry: &discord_sandbox::JournalEntry| {
            format!("{entry:?}").contains("/users/@me/channels")
        };
        sandbox.journal(0).iter().any(opened).then_some(())
    };
    bot.sandbox.wait_for("the bot to try", LIMIT, tried).await.unwrap();
    bot.sandbox.set_bot_access(&channel, BotAccess::Full);
    bot.card(decision.id, "posted", |_| true).await;
}
