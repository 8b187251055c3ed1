//! Reports a configuration error in the default channel for cards, and edits the message when the
//! error is fixed.
//!
//! Each error has one message. The store records the message before posting, so a restart in
//! between neither posts a duplicate nor leaves a message about a fixed error.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serenity::all::{ChannelId, GetMessages, MessageId, Nonce};

use crate::presentation::text;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::connection::error::{Meaning, meaning};
use crate::surfaces::discord::rendering::render::View;

/// The key of the message's record in the store.
const RECORD_KEY: &str = "configuration notice";
/// The retry interval.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);
/// Messages to search for an interrupted post (Discord: at most 100).
const PAGE: u8 = 100;

/// The record of the message, written before posting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Hanging {
    what: String,
    channel: u64,
    nonce: String,
    /// The message's id; `None` if posting was started but not confirmed.
    message: Option<u64>,
}

/// Posts and edits the message whenever the error changes. Never returns.
pub(crate) async fn run(bot: &Bot) {
    let mut pulses = bot.handle.operations().heartbeats();
    let mut said = None;
    loop {
        let mistake = pulses
            .borrow_and_update()
            .as_ref()
            .and_then(|heartbeat| heartbeat.configuration.clone());
        let pause = match reconcile_alert(bot, mistake.as_deref()).await {
            Ok(()) => None,
            Err(why) => {
                if said.as_ref() != Some(&why) {
                    tracing::warn!(
                        "cannot post or edit the configuration alert: \
                         {why}. Trying again every 30 s"
                    );
                    said = Some(why);
                }
                Some(RETRY_INTERVAL)
            }
        };
        let is_new = |heartbeat: &Option<crate::engine::operations::heartbeat::Heartbeat>| {
            heartbeat.as_ref().and_then(|heartbeat| heartbeat.configuration.as_ref())
                != mistake.as_ref()
        };
        let changed = pulses.wait_for(is_new);
        match pause {
            // The handle owns the sender, so the channel cannot close.
            None => drop(changed.await),
            Some(pause) => drop(tokio::time::timeout(pause, changed).await),
        }
    }
}

async fn reconcile_alert(bot: &Bot, mistake: Option<&str>) -> Result<(), String> {
    let kept = bot.handle.operations().memo(RECORD_KEY).await.map_err(|error| error.to_string())?;
    // An unreadable record is from another version of Gander; its message stays unchanged.
    let hanging: Option<Hanging> = kept.and_then(|text| serde_json::from_str(&text).ok());
    let standing = match hanging {
        Some(hanging) if Some(hanging.what.as_str()) != mistake => {
            mark_fixed(bot, hanging).await?;
            None
        }
        other => other,
    };
    match (mistake, standing) {
        (None, _) | (_, Some(Hanging { message: Some(_), .. })) => Ok(()),
        (Some(_), Some(begun)) => post(bot, begun).await,
        (Some(what), None) => {
            let channel = bot.places.usual()?.get();
            let nonce =
                format!("{}.n{}", bot.handle.tag(), bot.handle.clock().wall().timestamp_millis());
            let begun = Hanging { what: what.to_owned(), channel, nonce, message: None };
            keep(bot, Some(&begun)).await?;
            post(bot, begun).await
        }
    }
}

async fn keep(bot: &Bot, hanging: Option<&Hanging>) -> Result<(), String> {
    let text = hanging.map(serde_json::to_string).transpose().map_err(|error| error.to_string())?;
    bot.handle.operations().put_memo(RECORD_KEY, text).await.map_err(|error| error.to_string())
}

/// Posts a recorded message. Discord drops a repeated nonce for a few minutes; a message from an
/// earlier run is searched for first.
async fn post(bot: &Bot, begun: Hanging) -> Result<(), String> {
    let channel = ChannelId::new(begun.channel);
    let message = match find(bot, &begun).await? {
        Some(message) => message,
        None => {
            let view = View::words(text::configuration_wrong(&begun.what)).create();
            let posted = channel
                .send_message(
                    &bot.http,
                    view.nonce(Nonce::String(begun.nonce.clone())).enforce_nonce(true),
                )
                .await;
            match posted {
                Ok(message) => message.id,
                Err(error) => {
                    lost(bot, &error).await?;
                    return Err("its channel is gone".into());
                }
            }
        }
    };
    keep(bot, Some(&Hanging { message: Some(message.get()), ..begun })).await
}

/// Edits the message to say that the error is fixed, and deletes the record.
async fn mark_fixed(bot: &Bot, hanging: Hanging) -> Result<(), String> {
    let message = match hanging.message {
        Some(message) => Some(MessageId::new(message)),
        None => find(bot, &hanging).await?,
    };
    if let Some(message) = message {
        let view = View::words(text::configuration_fixed(&hanging.what, bot.handle.clock().wall()));
        if let Err(error) =
            ChannelId::new(hanging.channel).edit_message(&bot.http, message, view.edit()).await
        {
            return lost(bot, &error).await;
        }
    }
    keep(bot, None).await
}

/// The message, if an interrupted post did arrive.
async fn find(bot: &Bot, begun: &Hanging) -> Result<Option<MessageId>, String> {
    let words = text::configuration_wrong(&begun.what);
    match ChannelId::new(begun.channel).messages(&bot.http, GetMessages::new().limit(PAGE)).await {
        Ok(page) => {
            let ours = page.iter().find(|message| {
                message.author.id == bot.application.me && message.content == words
            });
            Ok(ours.map(|message| message.id))
        }
        Err(error) => lost(bot, &error).await.map(|()| None),
    }
}

/// Deletes the record if the message or channel is gone. All other errors are retried.
async fn lost(bot: &Bot, error: &serenity::Error) -> Result<(), String> {
    match meaning(error) {
        (Meaning::MessageGone | Meaning::ChannelGone, _) => keep(bot, None).await,
        (_, words) => Err(words),
    }
}
