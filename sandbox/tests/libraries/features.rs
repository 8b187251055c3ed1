//! The features of a bot, one function each: Maya acts, and sees what should come of it. A bot that
//! could not read what the sandbox sent would answer something else, or nothing.

use std::pin::Pin;

use discord_sandbox::{Effect, Fault, Match};
use serde_json::json;

use crate::stage::{Checked, Stage, answered, same};
use crate::{places, resuming};

type Run = for<'a> fn(&'a Stage) -> Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// A feature: a row of the table.
pub(crate) struct Feature {
    pub(crate) name: &'static str,
    run: Run,
}

impl Feature {
    pub(crate) async fn run(&self, stage: &Stage) -> Checked {
        (self.run)(stage).await
    }
}

macro_rules! features {
    ($($name:literal: $run:path),* $(,)?) => {
        vec![$(Feature { name: $name, run: |stage| Box::pin($run(stage)) }),*]
    };
}

/// All of them, in the order in which they are tried.
pub(crate) fn all() -> Vec<Feature> {
    features! {
        "autocomplete": autocomplete,
        "embed, buttons, select": card,
        "form": form,
        "defer, follow up": slow,
        "ephemeral": secret,
        "file": file,
        "direct message": dm,
        "history": history,
        "reaction": places::reaction,
        "thread": places::thread,
        "pin": places::pin,
        "members": places::members,
        "roles": places::roles,
        "label form": places::label_form,
        "version 2": places::version2,
        "resume (TCP)": resuming::tcp,
        "resume (op 7)": resuming::reconnect,
        "resume (op 9)": resuming::invalid_session,
        "429, real": real_limit,
        "429, injected": injected_limit,
    }
}

async fn autocomplete(stage: &Stage) -> Checked {
    let typed = json!({ "feature": "sec" });
    let outcome = stage.maya.complete(&stage.general, "run", typed, "feature").await;
    let choices = answered(outcome)?.choices;
    let names: Vec<_> = choices.iter().map(|choice| choice["value"].clone()).collect();
    same("the offer for \"sec\"", names, vec![json!("secret")])
}

async fn card(stage: &Stage) -> Checked {
    let message = stage.use_command("card").await?.message.unwrap_or_default();
    same("the title", &message["embeds"][0]["title"], &json!("A card for maya"))?;
    let id = message["id"].as_str().unwrap_or_default();
    let clicked = answered(stage.maya.click(id, "go").await)?;
    same("after the click", clicked.content(), "clicked by maya")?;
    let chosen = answered(stage.maya.select(id, "menu", &["b"]).await)?;
    same("after the choice", chosen.content(), "chose b")?;
    let updated = chosen.message.unwrap_or_default();
    same("the updated message", &updated["id"], &message["id"])?;
    same("its buttons", updated["components"].as_array().map(Vec::len), Some(0))
}

async fn form(stage: &Stage) -> Checked {
    let opened = stage.use_command("form").await?;
    let form = opened.modal_id().ok_or("no form opened")?;
    let outcome = answered(stage.maya.submit(form, json!({ "name": "Maya" })).await)?;
    same("the answer", outcome.content(), "Hello, Maya!")
}

async fn slow(stage: &Stage) -> Checked {
    let outcome = stage.use_command("slow").await?;
    same("the deferred answer", outcome.content(), "done")?;
    stage.wait_for_message(&stage.general, "and more").await.map(drop)
}

async fn secret(stage: &Stage) -> Checked {
    let outcome = stage.use_command("secret").await?;
    same("the answer", outcome.content(), "hush")?;
    same("only Maya sees it", outcome.is_ephemeral(), true)
}

async fn file(stage: &Stage) -> Checked {
    let message = stage.use_command("file").await?.message.unwrap_or_default();
    let attachment = &message["attachments"][0];
    same("its name", &attachment["filename"], &json!("hello.txt"))?;
    let url = attachment["url"].as_str().unwrap_or_default();
    let failed = |error: reqwest::Error| error.to_string();
    let bytes = reqwest::get(url).await.map_err(failed)?.bytes().await.map_err(failed)?;
    same("its content", bytes.as_ref(), b"hello".as_slice())
}

async fn dm(stage: &Stage) -> Checked {
    let outcome = stage.use_command("dm").await?;
    same("the answer", outcome.content(), "sent")?;
    let channel = stage.maya.dm_with_bot().ok_or("no direct message")?;
    stage.wait_for_message(&channel, "psst").await?;
    // And the other way.
    answered(stage.maya.message(&channel, "hello?").await)?;
    stage.wait_for_message(&channel, "maya said hello?").await.map(drop)
}

async fn history(stage: &Stage) -> Checked {
    let shop = stage.sandbox.addresses().channel_id("web-shop").ok_or("no channel")?.to_owned();
    for words in ["one", "two", "three"] {
        answered(stage.maya.message(&shop, words).await)?;
    }
    let outcome = stage.use_command("history").await?;
    same("the answer", outcome.content(), "two, three")
}

/// Somebody uses up the bucket with the same token behind the library's back.
async fn real_limit(stage: &Stage) -> Checked {
    let addresses = stage.sandbox.addresses();
    let channel = addresses.channel_id("mobile-app").ok_or("no channel")?;
    let url = format!("{}/v10/channels/{channel}/messages", addresses.rest);
    for _ in 0..5 {
        let request = reqwest::Client::new()
            .post(&url)
            .header("authorization", format!("Bot {}", addresses.token))
            .json(&json!({ "content": "noise" }));
        request.send().await.map_err(|error| error.to_string())?;
    }
    retried(stage).await
}

async fn injected_limit(stage: &Stage) -> Checked {
    let effect = Effect::Status {
        status: 429,
        ms: Some(300),
        body: None,
        retry_after_header: true,
        scope: discord_sandbox::LimitScope::Shared,
    };
    stage.sandbox.fault(Fault::once(Match::new("POST", "/channels/*/messages"), effect));
    retried(stage).await
}

/// The bot writes in a channel in which it is told to wait first.
async fn retried(stage: &Stage) -> Checked {
    let mark = stage.mark();
    let outcome = stage.use_command("say").await?;
    same("the answer", outcome.content(), "said")?;
    let statuses: Vec<_> = stage
        .requests_since(mark)
        .iter()
        .filter(|entry| entry.path.starts_with("/channels/") && entry.path.ends_with("/messages"))
        .map(|entry| entry.status)
        .collect();
    // Some try twice before they know how long to wait.
    let retried = matches!(statuses.as_slice(), [Some(429), .., Some(200)]);
    if retried { Ok(()) } else { Err(format!("the statuses are {statuses:?}")) }
}
