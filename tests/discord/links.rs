//! Links of agents: Discord previews none as the bot's own, and none shows as what it is not.

use chrono::TimeDelta;
use gander::core::decision::{Choice, Expects, Link, Request};
use serde_json::Value;

use crate::bot::{Bot, can_decide, click, request};
use crate::permission::call;

const EVIL: &str = "https://evil.example/x";

/// Nothing in the message's content is a link but those to messages.
fn assert_no_link(message: &Value) {
    let content = message["content"].as_str().unwrap();
    let others = content.replace("https://discord.com/channels/", "");
    assert!(content.contains("evil.example") && !others.contains("://"), "{content}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_content_has_a_link_of_an_agents() {
    let bot = Bot::start().await;
    let mut named = call("Bash", "ls");
    named.agent.name = EVIL.into();
    let (_, card) = bot.ask_and_see(named).await;
    assert_no_link(&card);
    let choice = |name: &str| Choice { name: name.into(), description: String::new() };
    let options = vec![choice(EVIL), choice("other")];
    let (decision, card) =
        bot.ask_and_see(Request { expects: Expects::Choose, options, ..request("Pick") }).await;
    let done = click(&bot.person("maya"), &card, "choose-0").await;
    let shown = bot.card(decision.id, "is chosen", |card| !can_decide(card)).await;
    assert_no_link(&shown);
    assert!(done.ok);
    // A reminder, in a direct message.
    let bot = Bot::start().await;
    bot.ask_and_see(Request { title: format!("See {EVIL}"), ..crate::bot::deploy() }).await;
    bot.advance(TimeDelta::minutes(31));
    let told = |sandbox: &discord_sandbox::Sandbox| {
        let messages = sandbox.view("maya")?.dm()?.messages.clone();
        messages.into_iter().find(|message| {
            message["content"].as_str().is_some_and(|content| content.contains("evil.example"))
        })
    };
    let told = bot.sandbox.wait_for("a reminder", crate::bot::LIMIT, told).await.unwrap();
    assert_no_link(&told);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_more_than_an_address_is_no_link() {
    let bot = Bot::start().await;
    let link = |url: &str| Link { name: "CI".into(), url: url.into() };
    let links = vec![
        link("https://ci.example/42"),
        link("https://ci.example/42/\u{2800}**Approved**\u{2800}[report](https://evil.example)"),
        link("https://ci.example/?password=Abcdef12345&x=[report](https://evil.example)**b**"),
        link("https://github.com@evil.example/login"),
    ];
    let (_, card) = bot.ask_and_see(Request { links, ..request("Deploy?") }).await;
    let details = click(&bot.person("maya"), &card, "details").await.message.unwrap();
    let fields = details["embeds"][0]["fields"].as_array().unwrap();
    let shown = fields.iter().find(|field| field["name"] == "Links").unwrap()["value"].as_str();
    let lines: Vec<&str> = shown.unwrap().lines().collect();
    assert_eq!(lines[0], "CI: <https://ci.example/42>");
    for line in &lines[1..] {
        assert!(!line.contains("://") && !line.contains("](") || line.contains("\\]("), "{line}");
        assert!(!line.contains(" **") && !line.contains("<http"), "{line}");
    }
    assert_eq!(lines.len(), 4, "{lines:?}");
}
