//! The features beyond a conversation: what is on messages, and who is on the server.

use serde_json::{Value, json};

use crate::stage::{Checked, Stage, answered, same};

/// The bot's reaction is counted, and the bot hears of Maya's.
pub(crate) async fn reaction(stage: &Stage) -> Checked {
    stage.use_command("reaction").await?;
    let channel = stage.sandbox.addresses().channel_id("decisions").ok_or("no channel")?.to_owned();
    let message = stage.wait_for_message(&channel, "react").await?;
    let thumb = &message["reactions"][0];
    same("the bot's emoji", &thumb["emoji"]["name"], &json!("👍"))?;
    same("its count", &thumb["count"], &json!(1))?;
    let id = message["id"].as_str().unwrap_or_default();
    answered(stage.maya.react(id, "🎉").await)?;
    stage.wait_for_message(&channel, "maya reacted with 🎉").await.map(drop)
}

pub(crate) async fn thread(stage: &Stage) -> Checked {
    let outcome = stage.use_command("thread").await?;
    same("the thread's name", outcome.content(), "talk")?;
    let maya = &stage.maya;
    let posted = |_: &_| {
        let view = maya.view();
        let mut messages = view.channels.iter().flat_map(|channel| &channel.messages);
        messages.any(|message| message["content"] == "in the thread").then_some(())
    };
    stage.wait("the message in the thread", posted).await
}

pub(crate) async fn pin(stage: &Stage) -> Checked {
    let outcome = stage.use_command("pin").await?;
    same("the pins", outcome.content(), "pinned")
}

pub(crate) async fn members(stage: &Stage) -> Checked {
    let outcome = stage.use_command("members").await?;
    same("the members", outcome.content(), "bot, jonas, maya, sven")
}

/// Some libraries count `@everyone` as a role.
pub(crate) async fn roles(stage: &Stage) -> Checked {
    let outcome = stage.use_command("roles").await?;
    let words = outcome.content();
    let named = words.ends_with("Approvers");
    if named { Ok(()) } else { Err(format!("the roles were {words:?}")) }?;
    same("Maya's roles afterwards", &stage.maya.view().me["roles"], &json!([]))
}

pub(crate) async fn label_form(stage: &Stage) -> Checked {
    let opened = stage.use_command("label").await?;
    let form = opened.modal_id().ok_or("no form opened")?;
    let values = json!({ "name": "Maya", "letter": ["b"] });
    let outcome = answered(stage.maya.submit(form, values).await)?;
    same("the answer", outcome.content(), "Maya chose b")
}

pub(crate) async fn version2(stage: &Stage) -> Checked {
    let message = stage.use_command("version2").await?.message.unwrap_or_default();
    let container = &message["components"][0];
    same("the outermost component", &container["type"], &json!(17))?;
    let kinds: Vec<&Value> = container["components"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|component| &component["type"])
        .collect();
    same("what it holds", kinds, vec![&json!(10), &json!(14), &json!(9)])?;
    let id = message["id"].as_str().unwrap_or_default();
    let outcome = answered(stage.maya.click(id, "layout").await)?;
    same("after the click", outcome.content(), "went")
}
