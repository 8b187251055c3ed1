//! Posts, edits and finds Discord messages for the reconciler.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serenity::all::{
    ActionRowComponent, ButtonKind, ChannelId, CreateAttachment, EditMessage, GuildId, Http,
    Message, MessageId as DiscordMessageId, MessageReference, Nonce, UserId,
};

use super::search::messages_since;
use super::shown::{Digest, ShownContent};
use super::{message_views, render};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Revision};
use crate::core::messaging::message::{
    Destination, Message as StoredMessage, MessageView, Purpose,
};
use crate::disk;
use crate::engine::Handle;
use crate::engine::approvals::attachments::LARGEST;
use crate::engine::reconciler::{MessageSink, SinkError};
use crate::presentation::card::Card;
use crate::presentation::text;
use crate::surfaces::discord::alerts::reminders;
use crate::surfaces::discord::alerts::undeliverable_alert::Alarm;
use crate::surfaces::discord::connection::channels::Places;
use crate::surfaces::discord::connection::error::{for_sink, meaning};
use crate::surfaces::discord::interactions::custom_id::{Control, CustomId};

/// The [`MessageSink`] of a Discord server.
#[derive(Debug)]
pub(crate) struct DiscordSink {
    pub(crate) http: Arc<Http>,
    pub(crate) places: Arc<Places>,
    pub(crate) tag: String,
    pub(crate) me: UserId,
    pub(crate) guild: GuildId,
    pub(crate) alarm: Alarm,
    pub(crate) handle: Handle,
    pub(crate) shown: ShownContent,
}

/// Meaning of a rejected direct message. Permanent: direct messages closed (50007), no server in
/// common (50278), unknown user (10013).
fn direct(error: &serenity::Error) -> SinkError {
    let code = match error {
        serenity::Error::Http(serenity::http::HttpError::UnsuccessfulRequest(response)) => {
            response.error.code
        }
        _ => 0,
    };
    match code {
        50_007 => SinkError::NoPlace(text::DIRECT_CLOSED.into()),
        50_278 | 10_013 => SinkError::NoPlace(text::DIRECT_NOT_HERE.into()),
        // The bot opened too many direct messages too quickly.
        40_003 => SinkError::Later {
            after: Duration::from_secs(10),
            why: "Discord limits how fast direct messages can be opened".into(),
        },
        _ => for_sink(error, || text::DIRECT_CLOSED.into()),
    }
}

/// Parses a recorded id. An invalid id cannot name an existing message, hence [`SinkError::Gone`].
fn channel_id(text: &str) -> Result<ChannelId, SinkError> {
    text.parse().map(ChannelId::new).map_err(|_| SinkError::Gone)
}

fn message_id(text: &str) -> Result<DiscordMessageId, SinkError> {
    text.parse().map(DiscordMessageId::new).map_err(|_| SinkError::Gone)
}

impl DiscordSink {
    /// The channel, or an error while the channel is avoided after a rejected request.
    fn open_channel(&self, text: &str) -> Result<ChannelId, SinkError> {
        let channel = channel_id(text)?;
        self.places.check_not_avoided(channel).map_err(SinkError::NoPlace)?;
        Ok(channel)
    }

    fn failed(&self, channel: ChannelId, error: &serenity::Error) -> SinkError {
        let failed = for_sink(error, || self.places.advice(channel));
        if matches!(failed, SinkError::NoPlace(_)) {
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
        is: impl Fn(&CustomId) -> bool + Send + Sync,
    ) -> Result<Vec<String>, SinkError> {
        let channel = self.open_channel(channel)?;
        let carries = |message: &Message| {
            let is_ours = |text: &str| {
                CustomId::parse(text).is_some_and(|custom| custom.tag == self.tag && is(&custom))
            };
            message.author.id == self.me && custom_ids(message).any(is_ours)
        };
        let found = messages_since(&self.http, channel, since, carries).await;
        let found = found.map_err(|error| self.failed(channel, &error))?;
        Ok(found.into_iter().map(|message| message.to_string()).collect())
    }

    /// The card to reply to: the card of the only decision in the message, if posted in this
    /// channel.
    async fn replies_to(
        &self,
        message_view: &MessageView,
        channel: ChannelId,
    ) -> Option<DiscordMessageId> {
        let beside = matches!(
            message_view.message.purpose,
            Purpose::Mention { .. }
                | Purpose::Confirmation { .. }
                | Purpose::Incident { .. }
                | Purpose::Unreached { .. }
        );
        if !beside {
            return None;
        }
        let [one] = message_view.listed.as_slice() else { return None };
        let (posted_in, message) = self.handle.messages().card_of(one.decision.id).await.ok()??;
        (posted_in == channel.to_string()).then(|| message_id(&message).ok()).flatten()
    }

    /// The channel of a project. If no channel is usable, alerts the decision's approvers.
    async fn channel_of(
        &self,
        project: &str,
        about: Option<&Decision>,
    ) -> Result<String, SinkError> {
        if let Ok(channel) = self.places.of_project(project) {
            return Ok(channel.to_string());
        }
        // Channel events may have been missed.
        if let Err(error) = self.places.refresh_if_old(&self.http, self.guild, self.me).await {
            tracing::debug!("could not read the server's channels again: {}", meaning(&error).1);
        }
        self.places.of_project(project).map(|channel| channel.to_string()).map_err(|why| {
            self.raise(about, &why);
            SinkError::NoPlace(why)
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
    ) -> Result<String, SinkError> {
        match posted {
            Ok(message) => {
                if let Some(decision) = about {
                    self.alarm.clear(&self.places.place_of(decision));
                }
                Ok(message.id.to_string())
            }
            Err(error) => {
                let failed = self.failed(channel, &error);
                if let SinkError::NoPlace(why) = &failed {
                    self.raise(about, why);
                }
                Err(failed)
            }
        }
    }
}

pub(crate) fn custom_ids(message: &Message) -> impl Iterator<Item = &str> {
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
        let path = attachment.path.clone();
        let read = tokio::task::spawn_blocking(move || disk::read_beside(&path, LARGEST));
        match read.await.map_err(io::Error::other).and_then(|read| Ok(read?)) {
            Ok(bytes) => files.push(CreateAttachment::bytes(bytes, &attachment.name)),
            Err(error) => {
                tracing::warn!(
                    decision = id.0,
                    file = %attachment.path.display(),
                    %error,
                    "cannot read an attachment; posting without it"
                );
            }
        }
    }
    files
}

impl DiscordSink {
    /// Posts a view.
    async fn send(
        &self,
        channel: ChannelId,
        view: render::View,
        of: &MessageView,
        nonce: &str,
    ) -> serenity::Result<Message> {
        let answered_card = self.replies_to(of, channel).await;
        let send = |view: render::View| {
            let nonce = Nonce::String(nonce.to_owned());
            let mut message = view.create().nonce(nonce).enforce_nonce(true);
            if let Some(card) = answered_card {
                let reference = MessageReference::from((channel, card)).fail_if_not_exists(false);
                message = message.reference_message(reference);
            }
            channel.send_message(&self.http, message)
        };
        view.send_with(send).await
    }

    /// The view as an edit of a card whose files were posted with revision 1. Without these files,
    /// which Discord may have refused, the edit must not speak of them.
    async fn keeping_files(
        &self,
        channel: ChannelId,
        id: DiscordMessageId,
        view: render::View,
    ) -> Result<render::View, SinkError> {
        if view.bare.is_none() {
            return Ok(view);
        }
        match channel.message(&self.http, id).await {
            Ok(message) => Ok(view.beside_files(message.attachments.len())),
            Err(error) => Err(self.failed(channel, &error)),
        }
    }
}

#[async_trait]
impl MessageSink for DiscordSink {
    async fn channel_for(
        &self,
        place: &Destination,
        about: Option<&Decision>,
    ) -> Result<String, SinkError> {
        match place {
            Destination::Project(project) => self.channel_of(project, about).await,
            Destination::Channel(channel) => {
                self.open_channel(channel).map(|channel| channel.to_string())
            }
            Destination::Direct(user) => {
                match UserId::new(*user).create_dm_channel(&self.http).await {
                    Ok(channel) => Ok(channel.id.to_string()),
                    Err(error) => Err(direct(&error)),
                }
            }
            Destination::Digest => match self.places.channel_for_digest() {
                Ok(channel) => Ok(channel.to_string()),
                Err(why) => Err(SinkError::NoPlace(why)),
            },
            Destination::Nowhere => {
                Err(SinkError::Refused("the message has no destination".into()))
            }
        }
    }

    async fn post(
        &self,
        channel: &str,
        message_view: &MessageView,
        card: &Card,
        nonce: &str,
    ) -> Result<String, SinkError> {
        let channel = channel_id(channel)?;
        let mut view = message_views::message_view(card, message_view, &self.tag);
        if let Some(decision) = message_view.message.purpose.card_of() {
            view.files.extend(files(decision, card).await);
        }
        let digest = Digest::of(&view);
        let view = reminders::pings(view, &message_view.message.purpose);
        let posted = self.send(channel, view, message_view, nonce).await;
        if let (Destination::Direct(_), Err(error)) = (&message_view.message.place, &posted) {
            return Err(direct(error));
        }
        let message = self.posted(channel, message_view.first_open(), posted)?;
        self.shown.put(&message, digest);
        Ok(message)
    }

    async fn edit(
        &self,
        channel: &str,
        message: &str,
        message_view: &MessageView,
        card: &Card,
    ) -> Result<(), SinkError> {
        let (channel, id) = (self.open_channel(channel)?, message_id(message)?);
        let mut view = message_views::message_view(card, message_view, &self.tag);
        let digest = Digest::of(&view);
        if self.shown.is(message, digest) {
            return Ok(());
        }
        // A failed request may have been carried out all the same.
        self.shown.put(message, None);
        let send = |edit: EditMessage| channel.edit_message(&self.http, id, edit);
        let edited = match (message_view.message.purpose.card_of(), message_view.listed.first()) {
            // The files posted with revision 1 are still valid; a later revision may have other
            // files.
            (Some(_), Some(listed)) if listed.decision.revision == Revision(1) => {
                send(self.keeping_files(channel, id, view).await?.edit()).await
            }
            (about, _) => {
                if let Some(decision) = about {
                    view.files.extend(files(decision, card).await);
                }
                view.send_with(|view| send(view.edit_with_files())).await
            }
        };
        match edited {
            Ok(_) => {
                self.shown.put(message, digest);
                Ok(())
            }
            Err(error) => Err(self.failed(channel, &error)),
        }
    }

    fn forget_content(&self, message: &str) {
        self.shown.put(message, None);
    }

    async fn find(
        &self,
        channel: &str,
        message: &StoredMessage,
        since: Time,
    ) -> Result<Vec<String>, SinkError> {
        let is_on_it = |custom: &CustomId| match message.purpose {
            Purpose::Card { decision } => custom.decision() == Some(decision),
            _ => matches!(custom.act, Control::With(id, ..) if id == message.id),
        };
        self.search(channel, since, is_on_it).await
    }

    async fn exists(&self, channel: &str, message: &str) -> Result<bool, SinkError> {
        let (channel, message) = (self.open_channel(channel)?, message_id(message)?);
        match self.http.get_message(channel, message).await {
            Ok(_) => Ok(true),
            Err(error) => match self.failed(channel, &error) {
                SinkError::Gone => Ok(false),
                other => Err(other),
            },
        }
    }

    fn link(&self, channel: &str, message: &str) -> Option<String> {
        Some(format!("https://discord.com/channels/{}/{channel}/{message}", self.guild))
    }
}
