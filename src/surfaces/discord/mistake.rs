//! Says in the channel where cards go that the configuration has a mistake, and on the same message
//! that it is mended.
//!
//! One message for each mistake. Which message stands for which is kept in the store before it is
//! posted, so that a restart in between neither doubles it nor leaves it standing for a mistake
//! that is long gone.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serenity::all::{ChannelId, GetMessages, MessageId, Nonce};

use super::Bot;
use super::error::{Meaning, meaning};
use super::render::View;
use crate::core::text;

/// Under which name the message is kept.
const MEMO: &str = "configuration notice";
/// How soon it is tried again.
const AGAIN: Duration = Duration::from_secs(30);
/// Messages that are searched for one whose posting was interrupted (Discord: at most 100).
const PAGE: u8 = 100;

/// The message that hangs, or may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Hanging {
    what: String,
    channel: u64,
    nonce: String,
    /// Its id; absent: posting it was begun.
    message: Option<u64>,
}

/// Keeps the notice true, for as long as it is polled.
pub(super) async fn run(bot: &Bot) {
    let mut pulses = bot.handle.pulses();
    let mut said = None;
    loop {
        let mistake =
            pulses.borrow_and_update().as_ref().and_then(|pulse| pulse.configuration.clone());
        let pause = match make_true(bot, mistake.as_deref()).await {
            Ok(()) => None,
            Err(why) => {
                if said.as_ref() != Some(&why) {
                    tracing::warn!(
                        "the notice about the configuration cannot be posted or changed: {why}. It is tried every 30 s"
                    );
                    said = Some(why);
                }
                Some(AGAIN)
            }
        };
        let is_new = |pulse: &Option<crate::engine::pulse::Pulse>| {
            pulse.as_ref().and_then(|pulse| pulse.configuration.as_ref()) != mistake.as_ref()
        };
        let changed = pulses.wait_for(is_new);
        match pause {
            // The sender lives in the handle, so the channel cannot close.
            None => drop(changed.await),
            Some(pause) => drop(tokio::time::timeout(pause, changed).await),
        }
    }
}

async fn make_true(bot: &Bot, mistake: Option<&str>) -> Result<(), String> {
    let kept = bot.handle.memo(MEMO).await.map_err(|error| error.to_string())?;
    // What cannot be read was kept by another version: that message stays as it is.
    let hanging: Option<Hanging> = kept.and_then(|text| serde_json::from_str(&text).ok());
    let standing = match hanging {
        Some(hanging) if Some(hanging.what.as_str()) != mistake => {
            mend(bot, hanging).await?;
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
    bot.handle.put_memo(MEMO, text).await.map_err(|error| error.to_string())
}

/// Posts what was begun. The same nonce within a few minutes is the same message; one of an earlier
/// run is looked for.
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

/// Says on the message that its mistake is gone, and forgets it.
async fn mend(bot: &Bot, hanging: Hanging) -> Result<(), String> {
    let message = match hanging.message {
        Some(message) => Some(MessageId::new(message)),
        None => find(bot, &hanging).await?,
    };
    if let Some(message) = message {
        let view =
            View::words(text::configuration_mended(&hanging.what, bot.handle.clock().wall()));
        if let Err(error) =
            ChannelId::new(hanging.channel).edit_message(&bot.http, message, view.edit()).await
        {
            return lost(bot, &error).await;
        }
    }
    keep(bot, None).await
}

/// The message, if an interrupted posting did arrive.
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

/// What is gone needs no mending; anything else is tried again.
async fn lost(bot: &Bot, error: &serenity::Error) -> Result<(), String> {
    match meaning(error) {
        (Meaning::MessageGone | Meaning::ChannelGone, _) => keep(bot, None).await,
        (_, words) => Err(words),
    }
}
