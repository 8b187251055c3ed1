//! Each slash command: what the person sees, and what the agent gets.

mod asking;
mod completion;
mod looking;
mod quiet;
mod targets;
mod verdicts;

use gander::core::decision::event::Event;
use gander::core::decision::{Decision, State, Verdict};
use gander::engine::Claim;
use serde_json::{Value, json};

use crate::bot::Bot;

fn channel(bot: &Bot) -> String {
    bot.sandbox.addresses().channel_id("general").unwrap().to_owned()
}

/// Uses a command; the answer, which nobody else sees.
async fn command(bot: &Bot, who: &str, name: &str, options: Value) -> Value {
    let outcome = bot.person(who).command(&channel(bot), name, options).await;
    assert!(outcome.ok, "/{name}: {outcome:?}");
    let message = outcome.message.unwrap();
    assert_eq!(message["flags"], 64, "only they see it");
    message
}

fn content(message: &Value) -> &str {
    message["content"].as_str().unwrap()
}

/// What is offered for an option, as names and values.
async fn offered_for(
    bot: &Bot,
    who: &str,
    name: &str,
    options: Value,
    focused: &str,
) -> Vec<(String, String)> {
    let outcome = bot.person(who).complete(&channel(bot), name, options, focused).await;
    assert!(outcome.ok, "/{name}: {outcome:?}");
    let pair = |choice: &Value| {
        (choice["name"].as_str().unwrap().to_owned(), choice["value"].as_str().unwrap().to_owned())
    };
    outcome.choices.iter().map(pair).collect()
}

/// What is offered for `decision:` once this is typed.
async fn offered(bot: &Bot, who: &str, name: &str, typed: &str) -> Vec<(String, String)> {
    offered_for(bot, who, name, json!({ "decision": typed }), "decision").await
}

/// The one entry that is offered.
async fn entry(bot: &Bot, who: &str, name: &str, typed: &str) -> String {
    let mut entries = offered(bot, who, name, typed).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0).1
}

/// The verdict that the agent takes.
async fn verdict(bot: &Bot, decision: &Decision) -> (Verdict, String) {
    let waited = bot.handle.approvals().wait(decision.id, None, Claim::Yes, None).await.unwrap();
    let State::Resolved(resolved) = waited.state.clone() else { panic!("{waited:?}") };
    (resolved.verdict, resolved.by.name)
}

/// How many events of a decision are verdicts.
async fn verdicts(bot: &Bot, decision: &Decision) -> usize {
    let history = bot.handle.event_log().history(decision.id).await.unwrap();
    history.iter().filter(|logged| matches!(logged.event, Event::Resolved { .. })).count()
}

async fn is_open(bot: &Bot, decision: &Decision) -> bool {
    bot.handle.approvals().get(decision.id).await.unwrap().state.is_open()
}
