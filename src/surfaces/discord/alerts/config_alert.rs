//! Reports a configuration error in the default channel for cards, and edits the message when the
//! error is fixed.
//!
//! Each error has one message. The store records the message before posting, so a restart in
//! between neither posts a duplicate nor leaves a message about a fixed error.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serenity::all::{ChannelId, Message, MessageId, Nonce};

use crate::core::Time;
use crate::core::untrusted::only_own_links;
use crate::engine::reconciler::CLOCK_DIFFERENCE;
use crate::presentation::text;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::connection::error::{Meaning, meaning};
use crate::surfaces::discord::rendering::render::View;
use crate::surfaces::discord::rendering::search::messages_since;

/// The key of the message's record in the store.
const RECORD_KEY: &str = "configuration notice";
/// The retry interval.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// The record of the message, written before posting. Another version of Gander may have written
/// it, with fields more or fewer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Hanging {
    what: String,
    channel: u64,
    /// Ends with the time of the intent, in milliseconds of the wall clock.
    nonce: String,
    /// The posted words; empty in records of versions whose words are those of today.
    words: String,
    /// The message's id; `None` if posting was started but not confirmed.
    message: Option<u64>,
}

impl Hanging {
    fn new(what: &str, channel: u64, tag: &str, now: Time) -> Self {
        Self {
            what: what.to_owned(),
            channel,
            nonce: format!("{tag}.n{}", now.timestamp_millis()),
            words: text::configuration_wrong(what),
            message: None,
        }
    }

    /// Reads a record. `None` if the record names no channel, so that its message is unknown.
    fn read(text: &str) -> Option<Self> {
        let read: Option<Self> = serde_json::from_str(text).ok();
        let read = read.filter(|hanging| hanging.channel > 0);
        if read.is_none() {
            tracing::warn!("the record of the configuration alert is unreadable; the alert stays");
        }
        read
    }

    /// When posting began, by the wall clock.
    fn began(&self) -> Option<Time> {
        let (_, millis) = self.nonce.rsplit_once(".n")?;
        Time::from_timestamp_millis(millis.parse().ok()?)
    }

    fn words(&self) -> String {
        if self.words.is_empty() {
            text::configuration_wrong(&self.what)
        } else {
            self.words.clone()
        }
    }
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
    let hanging = kept.as_deref().and_then(Hanging::read);
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
            let begun = Hanging::new(what, channel, bot.handle.tag(), bot.handle.clock().wall());
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
            let view = View::words(begun.words()).create();
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
    let (words, me) = (only_own_links(&begun.words()), bot.application.me);
    // A record without a time is searched for in the last day.
    let usual = || bot.handle.clock().wall() - chrono::TimeDelta::days(1);
    let since = begun.began().unwrap_or_else(usual) - CLOCK_DIFFERENCE;
    let is_ours = move |message: &Message| message.author.id == me && message.content == words;
    match messages_since(&bot.http, ChannelId::new(begun.channel), since, is_ours).await {
        Ok(found) => Ok(found.first().copied()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_other_versions_are_read() {
        let now = Time::from_timestamp_millis(1_790_000_000_123).unwrap();
        let written = Hanging::new("gander.toml:3: wrong", 7, "abc123", now);
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(Hanging::read(&text), Some(written.clone()));
        assert_eq!(written.began(), Some(now));
        // Of an earlier version, without words, and of a later one, with more and without some.
        let earlier = r#"{"what":"x","channel":7,"nonce":"t.n1790000000123","message":null}"#;
        let read = Hanging::read(earlier).unwrap();
        assert_eq!((read.began(), read.words()), (Some(now), text::configuration_wrong("x")));
        let later = r#"{"channel":7,"message":9,"words":"other words","colour":{"is":"red"}}"#;
        let read = Hanging::read(later).unwrap();
        assert_eq!((read.message, read.words().as_str()), (Some(9), "other words"));
        for unusable in ["", "[]", r#"{"what":"x"}"#, r#"{"channel":"general"}"#] {
            assert_eq!(Hanging::read(unusable), None, "{unusable}");
        }
    }
}
