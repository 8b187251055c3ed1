//! Posts, edits and finds Discord messages for the reconciler.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serenity::all::{
    ActionRowComponent, ButtonKind, ChannelId, CreateAttachment, GetMessages, GuildId, Http,
    Message, MessageId, MessageReference, Nonce, UserId,
};

use super::alarm::Alarm;
use super::custom_id::{Act, CustomId};
use super::error::{Meaning, for_board, meaning};
use super::places::Places;
use super::{reminders, render, sheets};
use crate::core::Time;
use crate::core::card::Card;
use crate::core::decision::{Decision, DecisionId, Revision};
use crate::core::posting::{Place, PostingId, Purpose, Sheet};
use crate::core::text;
use crate::engine::Handle;
use crate::engine::deliveries::{Board, BoardError};

/// Messages per page when searching a channel (Discord: at most 100).
const PAGE: u8 = 100;
/// Pages to search for an interrupted create before concluding that nothing was posted.
const MOST_PAGES: usize = 50;

/// The [`Board`] of a Discord server.
#[derive(Debug)]
pub(super) struct DiscordBoard {
    pub(super) http: Arc<Http>,
    pub(super) places: Arc<Places>,
    pub(super) tag: String,
    pub(super) me: UserId,
    pub(super) guild: GuildId,
    pub(super) alarm: Alarm,
    pub(super) handle: Handle,
}

/// Meaning of a rejected direct message. Permanent: direct messages closed (50007), no server in
/// common (50278), unknown user (10013).
fn direct(error: &serenity::Error) -> BoardError {
    let code = match error {
        serenity::Error::Http(serenity::http::HttpError::UnsuccessfulRequest(response)) => {
            response.error.code
        }
        _ => 0,
    };
    match code {
        50_007 => BoardError::NoPlace(text::DIRECT_CLOSED.into()),
        50_278 | 10_013 => BoardError::NoPlace(text::DIRECT_NOT_HERE.into()),
        // The bot opened too many direct messages too quickly.
        40_003 => BoardError::Later {
            after: Duration::from_secs(10),
            why: "Discord wants direct messages opened more slowly".into(),
        },
        _ => for_board(error, || text::DIRECT_CLOSED.into()),
    }
}

/// Parses a recorded id. An invalid id cannot name an existing message, hence [`BoardError::Gone`].
fn channel_id(text: &str) -> Result<ChannelId, BoardError> {
    text.parse().map(ChannelId::new).map_err(|_| BoardError::Gone)
}

fn message_id(text: &str) -> Result<MessageId, BoardError> {
    text.parse().map(MessageId::new).map_err(|_| BoardError::Gone)
}

impl DiscordBoard {
    /// The channel, or an error while the channel is avoided after a rejected request.
    fn open_channel(&self, text: &str) -> Result<ChannelId, BoardError> {
        let channel = channel_id(text)?;
        self.places.must_wait(channel).map_err(BoardError::NoPlace)?;
        Ok(channel)
    }

    fn failed(&self, channel: ChannelId, error: &serenity::Error) -> BoardError {
        let failed = for_board(error, || self.places.advice(channel));
        if matches!(failed, BoardError::NoPlace(_)) {
            self.places.refused(channel);
        }
        failed
    }

    /// The bot's messages in the channel since a wall-clock time with a component for a matching
    /// act.
    async fn search(
        &self,
        channel: &str,
        since: Time,
        is: impl Fn(&CustomId) -> bool + Send,
    ) -> Result<Vec<String>, BoardError> {
        let channel = self.open_channel(channel)?;
        let carries = |message: &&Message| {
            let is_ours = |text: &str| {
                CustomId::parse(text).is_some_and(|custom| custom.tag == self.tag && is(&custom))
            };
            message.author.id == self.me && custom_ids(message).any(is_ours)
        };
        let mut after = snowflake(since);
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let page =
                channel.messages(&self.http, GetMessages::new().after(after).limit(PAGE)).await;
            let page = page.map_err(|error| self.failed(channel, &error))?;
            found.extend(page.iter().filter(carries).map(|message| message.id.to_string()));
            match page.iter().map(|message| message.id).max() {
                Some(newest) if page.len() == usize::from(PAGE) => after = newest,
                _ => break,
            }
        }
        Ok(found)
    }

    /// The card to reply to: the card of the only decision in the message, if posted in this
    /// channel.
    async fn replies_to(&self, sheet: &Sheet, channel: ChannelId) -> Option<MessageId> {
        let beside = matches!(
            sheet.posting.purpose,
            Purpose::Mention { .. }
                | Purpose::Confirmation { .. }
                | Purpose::Incident { .. }
                | Purpose::Unreached { .. }
        );
        if !beside {
            return None;
        }
        let [one] = sheet.listed.as_slice() else { return None };
        let (hangs_in, message) = self.handle.card_of(one.decision.id).await.ok()??;
        (hangs_in == channel.to_string()).then(|| message_id(&message).ok()).flatten()
    }

    /// The channel of a project. If no channel is usable, alerts the decision's approvers.
    async fn channel_of(
        &self,
        project: &str,
        about: Option<&Decision>,
    ) -> Result<String, BoardError> {
        if let Ok(channel) = self.places.of_project(project) {
            return Ok(channel.to_string());
        }
        // Channel events may have been missed.
        if let Err(error) = self.places.refresh_if_old(&self.http, self.guild, self.me).await {
            tracing::debug!("the server's channels could not be read again: {}", meaning(&error).1);
        }
        self.places.of_project(project).map(|channel| channel.to_string()).map_err(|why| {
            self.raise(about, &why);
            BoardError::NoPlace(why)
        })
    }

    fn raise(&self, about: Option<&Decision>, why: &str) {
        if let Some(decision) = about {
            self.alarm.raise(&self.places.place_of(decision), decision, why);
        }
    }

    /// Evaluates the result of posting a message about this decision: clears or raises the alert.
    fn posted(
        &self,
        channel: ChannelId,
        about: Option<&Decision>,
        posted: serenity::Result<Message>,
    ) -> Result<String, BoardError> {
        match posted {
            Ok(message) => {
                if let Some(decision) = about {
                    self.alarm.clear(&self.places.place_of(decision));
                }
                Ok(message.id.to_string())
            }
            Err(error) => {
                let failed = self.failed(channel, &error);
                if let BoardError::NoPlace(why) = &failed {
                    self.raise(about, why);
                }
                Err(failed)
            }
        }
    }
}

pub(super) fn custom_ids(message: &Message) -> impl Iterator<Item = &str> {
    message.components.iter().flat_map(|row| &row.components).filter_map(
        |component| match component {
            ActionRowComponent::Button(button) => match &button.data {
                ButtonKind::NonLink { custom_id, .. } => Some(custom_id.as_str()),
                _ => None,
            },
            ActionRowComponent::SelectMenu(menu) => menu.custom_id.as_deref(),
            _ => None,
        },
    )
}

/// The decision's attachments. An unreadable file is logged and left out: the question matters
/// more.
async fn files(id: DecisionId, card: &Card) -> Vec<CreateAttachment> {
    let mut files = Vec::new();
    for attachment in &card.attachments {
        match tokio::fs::read(&attachment.path).await {
            Ok(bytes) => files.push(CreateAttachment::bytes(bytes, &attachment.name)),
            Err(error) => {
                tracing::warn!(decision = id.0, file = %attachment.path.display(), %error, "an attachment cannot be read; posted without it");
            }
        }
    }
    files
}

#[async_trait]
impl Board for DiscordBoard {
    async fn place(&self, decision: &Decision) -> Result<String, BoardError> {
        self.channel_of(&decision.request.project, Some(decision)).await
    }

    async fn post(
        &self,
        channel: &str,
        decision: &Decision,
        card: &Card,
        nonce: &str,
    ) -> Result<String, BoardError> {
        let channel = channel_id(channel)?;
        let mut view = render::card(card, decision, &self.tag);
        view.files.extend(files(decision.id, card).await);
        let send = |view: render::View| {
            let message = view.create().nonce(Nonce::String(nonce.to_owned())).enforce_nonce(true);
            channel.send_message(&self.http, message)
        };
        let posted = match send(view.clone()).await {
            Err(error) if meaning(&error).0 == Meaning::Refused && !view.files.is_empty() => {
                tracing::error!(
                    decision = decision.id.0,
                    "Discord refuses the card with its files: {}; posted without",
                    meaning(&error).1
                );
                send(view.without_files()).await
            }
            posted => posted,
        };
        self.posted(channel, Some(decision), posted)
    }

    async fn edit(
        &self,
        channel: &str,
        message: &str,
        decision: &Decision,
        card: &Card,
    ) -> Result<(), BoardError> {
        let (channel, message) = (self.open_channel(channel)?, message_id(message)?);
        let mut view = render::card(card, decision, &self.tag);
        // The files posted with revision 1 are still valid; a later revision may have other files.
        let edit = if decision.revision > Revision(1) {
            view.files.extend(files(decision.id, card).await);
            view.edit_with_files()
        } else {
            view.edit()
        };
        match channel.edit_message(&self.http, message, edit).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(channel, &error)),
        }
    }

    async fn find(
        &self,
        channel: &str,
        id: DecisionId,
        since: Time,
    ) -> Result<Vec<String>, BoardError> {
        self.search(channel, since, |custom| custom.decision() == Some(id)).await
    }

    async fn place_of(&self, sheet: &Sheet) -> Result<String, BoardError> {
        let about =
            sheet.listed.iter().find(|listed| listed.waits_here()).map(|listed| &listed.decision);
        match &sheet.posting.place {
            Place::Project(project) => self.channel_of(project, about).await,
            Place::Channel(channel) => {
                self.open_channel(channel).map(|channel| channel.to_string())
            }
            Place::Direct(user) => match UserId::new(*user).create_dm_channel(&self.http).await {
                Ok(channel) => Ok(channel.id.to_string()),
                Err(error) => Err(direct(&error)),
            },
            Place::Digest => match self.places.of_digest() {
                Ok(channel) => Ok(channel.to_string()),
                Err(why) => Err(BoardError::NoPlace(why)),
            },
            Place::Nowhere => Err(BoardError::Refused("it belongs nowhere".into())),
        }
    }

    async fn post_sheet(
        &self,
        channel: &str,
        sheet: &Sheet,
        card: &Card,
        nonce: &str,
    ) -> Result<String, BoardError> {
        let channel = channel_id(channel)?;
        let view = reminders::pings(sheets::sheet(card, sheet, &self.tag), &sheet.posting.purpose);
        let mut message = view.create().nonce(Nonce::String(nonce.to_owned())).enforce_nonce(true);
        if let Some(card) = self.replies_to(sheet, channel).await {
            message = message.reference_message(
                MessageReference::from((channel, card)).fail_if_not_exists(false),
            );
        }
        let posted = channel.send_message(&self.http, message).await;
        if let (Place::Direct(_), Err(error)) = (&sheet.posting.place, &posted) {
            return Err(direct(error));
        }
        let about =
            sheet.listed.iter().find(|listed| listed.waits_here()).map(|listed| &listed.decision);
        self.posted(channel, about, posted)
    }

    async fn edit_sheet(
        &self,
        channel: &str,
        message: &str,
        sheet: &Sheet,
        card: &Card,
    ) -> Result<(), BoardError> {
        let (channel, message) = (self.open_channel(channel)?, message_id(message)?);
        let edit = sheets::sheet(card, sheet, &self.tag).edit_with_files();
        match channel.edit_message(&self.http, message, edit).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(channel, &error)),
        }
    }

    async fn find_sheet(
        &self,
        channel: &str,
        id: PostingId,
        since: Time,
    ) -> Result<Vec<String>, BoardError> {
        self.search(
            channel,
            since,
            |custom| matches!(custom.act, Act::With(posting, ..) if posting == id),
        )
        .await
    }

    async fn hangs(&self, channel: &str, message: &str) -> Result<bool, BoardError> {
        let (channel, message) = (self.open_channel(channel)?, message_id(message)?);
        match self.http.get_message(channel, message).await {
            Ok(_) => Ok(true),
            Err(error) => match self.failed(channel, &error) {
                BoardError::Gone => Ok(false),
                other => Err(other),
            },
        }
    }

    fn link(&self, channel: &str, message: &str) -> Option<String> {
        Some(format!("https://discord.com/channels/{}/{channel}/{message}", self.guild))
    }
}

/// The smallest message id for this time: the upper 42 bits of a Discord id count milliseconds from
/// 2015.
fn snowflake(at: Time) -> MessageId {
    const DISCORD_EPOCH_MILLIS: i64 = 1_420_070_400_000;
    let millis = u64::try_from(at.timestamp_millis() - DISCORD_EPOCH_MILLIS).unwrap_or(0);
    MessageId::new((millis << 22).max(1))
}
