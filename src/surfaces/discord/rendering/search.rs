//! Searches a channel for messages that an interrupted create may have posted.

use serenity::all::{ChannelId, GetMessages, Http, Message, MessageId};

use crate::core::Time;

/// Messages per page (Discord: at most 100).
const PAGE: u8 = 100;
/// Pages to search before concluding that nothing was posted.
const MOST_PAGES: usize = 50;

/// The channel's messages since a wall-clock time that match, oldest first.
pub(crate) async fn messages_since(
    http: &Http,
    channel: ChannelId,
    since: Time,
    matches: impl Fn(&Message) -> bool + Send,
) -> serenity::Result<Vec<MessageId>> {
    let mut after = snowflake(since);
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = channel.messages(http, GetMessages::new().after(after).limit(PAGE)).await?;
        found.extend(page.iter().filter(|message| matches(message)).map(|message| message.id));
        match page.iter().map(|message| message.id).max() {
            Some(newest) if page.len() == usize::from(PAGE) => after = newest,
            _ => break,
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The smallest message id for this time: the upper 42 bits of a Discord id count milliseconds from
/// 2015.
fn snowflake(at: Time) -> MessageId {
    const DISCORD_EPOCH_MILLIS: i64 = 1_420_070_400_000;
    let millis = u64::try_from(at.timestamp_millis() - DISCORD_EPOCH_MILLIS).unwrap_or(0);
    MessageId::new((millis << 22).max(1))
}
