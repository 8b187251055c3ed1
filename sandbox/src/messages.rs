//! The life of a message: posted, edited, deleted, with the events and notifications that follow.
//! Whether it may be done is decided before, by the REST routes and by the people's actions.

use serde_json::{Value, json};

use crate::clock::iso;
use crate::components;
use crate::gateway::{Event, intents};
use crate::mentions::AllowedMentions;
use crate::model::{
    Attachment, Audience, Channel, FLAG_LOADING, FLAG_SUPPRESS_NOTIFICATIONS, Guise, Mentions,
    Message, Notice, Origin, Place, User,
};
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::view::{Notification, Reason};

/// A message about to be posted.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) content: String,
    pub(crate) embeds: Vec<Value>,
    pub(crate) components: Vec<Value>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) flags: u64,
    pub(crate) allowed: AllowedMentions,
    pub(crate) nonce: Option<Value>,
    pub(crate) reply_to: Option<Snowflake>,
    pub(crate) notice: Option<Notice>,
    pub(crate) guise: Option<Guise>,
}

impl Draft {
    /// A message of nothing but text.
    pub(crate) fn text(content: &str) -> Self {
        Self {
            content: content.to_owned(),
            embeds: Vec::new(),
            components: Vec::new(),
            attachments: Vec::new(),
            flags: 0,
            allowed: AllowedMentions::read(&Value::Null),
            nonce: None,
            reply_to: None,
            notice: None,
            guise: None,
        }
    }
}

/// What an edit changes; `None` leaves a part as it is.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) content: Option<String>,
    pub(crate) embeds: Option<Vec<Value>>,
    pub(crate) components: Option<Vec<Value>>,
    pub(crate) attachments: Option<Vec<Attachment>>,
    /// Which flags to change, and to what.
    pub(crate) flags: Option<(u64, u64)>,
    pub(crate) allowed: Option<AllowedMentions>,
}

/// Where a message goes and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) channel: Snowflake,
    pub(crate) author: Snowflake,
    pub(crate) audience: Audience,
    pub(crate) origin: Option<Origin>,
}

impl State {
    /// Posts a message; `None` if the channel or the author do not exist any more.
    pub(crate) fn post(&mut self, envelope: Envelope, draft: Draft) -> Option<Snowflake> {
        let channel = self.realm.channel(envelope.channel)?;
        let author = self.realm.user(envelope.author);
        if author.is_none() && draft.guise.is_none() {
            return None;
        }
        let realm = &self.realm;
        let text = spoken(&draft.content, &draft.components);
        let mut mentions = realm.mentions(&text, author, channel, &draft.allowed);
        let replied = draft.reply_to.filter(|_| draft.allowed.replied_user);
        if let Some(original) = replied.and_then(|id| realm.message(id))
            && original.author != envelope.author
            && !mentions.users.contains(&original.author)
        {
            mentions.users.push(original.author);
        }
        let message = Message {
            id: self.clock().next_id(),
            channel: envelope.channel,
            author: envelope.author,
            audience: envelope.audience,
            content: draft.content,
            created: self.clock().now(),
            edited: None,
            mentions,
            embeds: draft.embeds,
            components: draft.components,
            attachments: draft.attachments,
            flags: draft.flags,
            nonce: draft.nonce,
            reply_to: draft.reply_to,
            origin: envelope.origin,
            reactions: Vec::new(),
            pinned: None,
            notice: draft.notice,
            guise: draft.guise,
        };
        let id = message.id;
        if message.notice.is_none() && message.audience == Audience::Channel {
            self.enliven(&message);
            self.notify(&message);
        }
        let mut events = self.message_events("MESSAGE_CREATE", &message);
        for event in events.iter_mut().filter(|event| event.application == message.author) {
            if let Some(nonce) = &message.nonce {
                event.data["nonce"] = nonce.clone();
            }
        }
        let channel = self.realm.channel_mut(envelope.channel)?;
        channel.messages.push(message);
        self.dispatch_all(events);
        self.admit_mentioned(id);
        Some(id)
    }

    /// Edits a message. Filling a deferred answer is not an edit in the eyes of a reader: it gets
    /// no edited time and its mentions count anew.
    pub(crate) fn edit(&mut self, id: Snowflake, patch: Patch) {
        let mentions = self.mentions_after(id, &patch);
        let now = self.clock().now();
        let Some(message) = self.realm.message_mut(id) else {
            return;
        };
        if message.is_loading() {
            message.flags &= !FLAG_LOADING;
        } else {
            message.edited = Some(now);
        }
        message.mentions = mentions;
        if let Some(content) = patch.content {
            message.content = content;
        }
        if let Some(embeds) = patch.embeds {
            message.embeds = embeds;
        }
        if let Some(components) = patch.components {
            message.components = components;
        }
        if let Some((mask, flags)) = patch.flags {
            message.flags = message.flags & !mask | flags & mask;
        }
        if let Some(attachments) = patch.attachments {
            message.attachments = attachments;
        }
        let message = message.clone();
        self.tell_of_update(&message);
    }

    /// Tells the applications of a message that has changed.
    pub(crate) fn tell_of_update(&mut self, message: &Message) {
        let events = self.message_events("MESSAGE_UPDATE", message);
        self.dispatch_all(events);
    }

    /// Deletes a message from wherever it is.
    pub(crate) fn remove(&mut self, id: Snowflake) {
        let Some(message) = self.realm.message(id).cloned() else {
            return;
        };
        self.discard_files(&message);
        if let Some(channel) = self.realm.channel_mut(message.channel) {
            channel.messages.retain(|other| other.id != id);
        }
        let mut events = self.message_events("MESSAGE_DELETE", &message);
        for event in &mut events {
            let guild = event.data["guild_id"].clone();
            event.data = json!({ "id": id, "channel_id": message.channel });
            if !guild.is_null() {
                event.data["guild_id"] = guild;
            }
            event.redacted = None;
        }
        self.dispatch_all(events);
    }

    fn dispatch_all(&mut self, events: Vec<Event>) {
        for event in events {
            self.dispatch(event);
        }
        self.touch();
    }

    fn mentions_after(&self, id: Snowflake, patch: &Patch) -> Mentions {
        let Some(message) = self.realm.message(id) else {
            return Mentions::default();
        };
        let unchanged =
            patch.content.is_none() && patch.components.is_none() && patch.allowed.is_none();
        let author = self.realm.user(message.author);
        let channel = self.realm.channel(message.channel);
        let (false, Some(channel)) = (unchanged, channel) else {
            return message.mentions.clone();
        };
        let content = patch.content.as_ref().unwrap_or(&message.content);
        let everything = AllowedMentions::read(&Value::Null);
        let allowed = patch.allowed.as_ref().unwrap_or(&everything);
        let components = patch.components.as_ref().unwrap_or(&message.components);
        self.realm.mentions(&spoken(content, components), author, channel, allowed)
    }

    /// The events that tell the applications of a message, except those that may not hear of it
    /// (an ephemeral message, or a channel that is hidden from the bot).
    fn message_events(&self, name: &'static str, message: &Message) -> Vec<Event> {
        let Some(channel) = self.realm.channel(message.channel) else {
            return Vec::new();
        };
        if message.audience != Audience::Channel {
            return Vec::new();
        }
        let bots = self.realm.applications.iter().map(|application| &application.bot);
        bots.filter(|bot| self.realm.sees(bot, channel))
            .map(|bot| self.message_event(name, message, channel, bot))
            .collect()
    }

    fn message_event(
        &self,
        name: &'static str,
        message: &Message,
        channel: &Channel,
        bot: &User,
    ) -> Event {
        let mut data = self.realm.message_object_for(message, Some(bot.id));
        let Some(guild) = self.realm.guild_of(channel) else {
            return Event::new(bot.id, name, intents::DIRECT_MESSAGES, data);
        };
        data["guild_id"] = json!(guild.id);
        if let Some(member) = guild.member(message.author) {
            data["member"] = self.realm.partial_member_object(member);
        }
        let mut event = Event::new(bot.id, name, intents::GUILD_MESSAGES, data);
        event.redacted = self.redacted(message, bot.id, &event.data);
        event
    }

    /// A message object, as REST gives it to a bot: what others wrote in a guild is left out
    /// unless the application may see contents.
    pub(crate) fn message_for_bot(&self, message: &Message, bot: Snowflake) -> Value {
        let object = self.realm.message_object_for(message, Some(bot));
        let application = self.realm.application(bot);
        if application.is_some_and(|application| application.privileged_intents) {
            return object;
        }
        self.redacted(message, bot, &object).unwrap_or(object)
    }

    /// A message object without the contents that need the intent MESSAGE_CONTENT; `None` if it
    /// has none.
    fn redacted(&self, message: &Message, bot: Snowflake, data: &Value) -> Option<Value> {
        let original = message.reply_to.and_then(|id| self.realm.message(id));
        let original = original.filter(|original| self.hides(original, bot));
        if !self.hides(message, bot) && original.is_none() {
            return None;
        }
        let mut data = data.clone();
        if self.hides(message, bot) {
            blank(&mut data);
        }
        if original.is_some() {
            blank(&mut data["referenced_message"]);
        }
        Some(data)
    }

    /// Whether a message's contents need the intent MESSAGE_CONTENT: others' in a guild that do not
    /// mention the bot.
    fn hides(&self, message: &Message, bot: Snowflake) -> bool {
        let direct = self.realm.channel(message.channel).is_some_and(Channel::is_dm);
        !direct && message.application() != bot && !message.mentions.users.contains(&bot)
    }

    /// Shows a new message on the phones of those who are to hear of it.
    fn notify(&mut self, message: &Message) {
        let silent = message.flags & (FLAG_SUPPRESS_NOTIFICATIONS | FLAG_LOADING) != 0;
        if silent || message.notice.is_some() || message.audience != Audience::Channel {
            return;
        }
        let readers: Vec<_> = self
            .realm
            .people
            .iter()
            .filter(|user| user.id != message.author)
            .filter_map(|user| Some((user.id, self.reason(message, user.id)?)))
            .collect();
        for (reader, reason) in readers {
            if let Some(notification) = self.notification(message, reason) {
                self.notifications.push((reader, notification));
            }
        }
    }

    /// Why a person hears of a message; `None` if they do not see its channel.
    fn reason(&self, message: &Message, reader: Snowflake) -> Option<Reason> {
        let channel = self.realm.channel(message.channel)?;
        let user = self.realm.user(reader)?;
        if !self.realm.sees(user, channel) {
            return None;
        }
        let mentions = &message.mentions;
        let member = self.realm.guild_of(channel).and_then(|guild| guild.member(reader));
        let by_role = member
            .is_some_and(|member| member.roles.iter().any(|role| mentions.roles.contains(role)));
        Some(if matches!(channel.place, Place::Dm { .. }) {
            Reason::Dm
        } else if by_role || mentions.users.contains(&reader) {
            Reason::Mention
        } else if mentions.everyone {
            Reason::Everyone
        } else {
            Reason::Message
        })
    }

    fn notification(&self, message: &Message, reason: Reason) -> Option<Notification> {
        let channel = self.realm.channel(message.channel)?;
        let author = match &message.guise {
            Some(guise) => &guise.name,
            None => &self.realm.user(message.author)?.display_name,
        };
        let text = if message.is_of_components() {
            // Empty on phones: https://github.com/discord/discord-api-docs/issues/7854.
            String::new()
        } else if !message.content.is_empty() {
            self.realm.resolved(&message.content)
        } else if message.attachments.is_empty() {
            "sent an embed".to_owned()
        } else {
            "sent an attachment".to_owned()
        };
        Some(Notification {
            n: self.notifications.last().map_or(0, |(_, last)| last.n) + 1,
            at: iso(self.clock().now()),
            channel_id: channel.id.to_string(),
            channel: self.realm.channel_name(channel).to_owned(),
            message_id: message.id.to_string(),
            author: author.clone(),
            text,
            reason,
        })
    }
}

/// What a message says: its content, or the texts that its components display.
fn spoken(content: &str, components: &[Value]) -> String {
    if content.is_empty() { components::text(components) } else { content.to_owned() }
}

/// Empties what the intent MESSAGE_CONTENT covers.
fn blank(data: &mut Value) {
    data["content"] = json!("");
    for list in ["embeds", "components", "attachments"] {
        data[list] = json!([]);
    }
}
