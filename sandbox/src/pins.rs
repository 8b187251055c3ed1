//! Pinned messages of channels, and the events that tell of them. Who may pin is decided by the
//! callers.

use serde_json::{Value, json};

use crate::audit::{Deed, action};
use crate::clock::iso;
use crate::gateway::intents;
use crate::messages::{Draft, Envelope};
use crate::model::{Audience, Channel, Message, Notice};
use crate::snowflake::Snowflake;
use crate::state::State;

/// Pins of a channel (error 30003, page "Opcodes and Status Codes").
pub(crate) const MOST: usize = 250;

impl Channel {
    /// The pinned messages, the last pinned first.
    pub(crate) fn pins(&self) -> Vec<&Message> {
        let mut pins: Vec<_> = self.public().filter(|message| message.pinned.is_some()).collect();
        pins.sort_by_key(|message| std::cmp::Reverse(message.pinned));
        pins
    }
}

impl State {
    /// Pins a message, which a message of the system tells everybody.
    pub(crate) fn pin(&mut self, id: Snowflake, by: Snowflake, reason: Option<&str>) {
        let now = self.clock().now();
        let Some(message) = self.realm.message_mut(id) else { return };
        if message.pinned.is_some() {
            return;
        }
        message.pinned = Some(now);
        let channel = message.channel;
        self.audit_pin(action::MESSAGE_PIN, id, by, reason);
        self.tell_of_pins(id);
        let envelope = Envelope { channel, author: by, audience: Audience::Channel, origin: None };
        let draft = Draft { notice: Some(Notice::Pinned(id)), ..Draft::text("") };
        self.post(envelope, draft);
    }

    /// Takes the pin off a message, if it has one.
    pub(crate) fn unpin(&mut self, id: Snowflake, by: Snowflake, reason: Option<&str>) {
        let Some(message) = self.realm.message_mut(id) else { return };
        if message.pinned.take().is_none() {
            return;
        }
        self.audit_pin(action::MESSAGE_UNPIN, id, by, reason);
        self.tell_of_pins(id);
    }

    fn audit_pin(&mut self, action: u16, id: Snowflake, by: Snowflake, reason: Option<&str>) {
        let Some(message) = self.realm.message(id) else { return };
        let deed = Deed::new(action, Some(message.author)).because(reason);
        let deed = deed.with("channel_id", message.channel).with("message_id", id);
        if let Some(guild) = self.realm.channel(message.channel).and_then(Channel::guild) {
            self.audit(guild, by, deed);
        }
    }

    fn tell_of_pins(&mut self, id: Snowflake) {
        let Some(message) = self.realm.message(id).cloned() else { return };
        self.tell_of_update(&message);
        let Some(channel) = self.realm.channel(message.channel) else { return };
        let last = channel.pins().first().and_then(|message| message.pinned).map(iso);
        let data = json!({ "channel_id": channel.id, "last_pin_timestamp": last });
        let intents = (intents::GUILDS, intents::DIRECT_MESSAGES);
        self.tell_channel(channel.id, "CHANNEL_PINS_UPDATE", intents, data);
    }

    /// Sends an event to the bots that see a channel, under the intent of guilds or that of direct
    /// messages.
    pub(crate) fn tell_channel(
        &mut self,
        channel: Snowflake,
        name: &'static str,
        (in_guild, direct): (u64, u64),
        mut data: Value,
    ) {
        let Some(place) = self.realm.channel(channel) else { return };
        if let Some(guild) = place.guild() {
            data["guild_id"] = json!(guild);
        }
        let intent = if place.is_dm() { direct } else { in_guild };
        let bots = self.realm.applications.iter().map(|application| &application.bot);
        let seeing: Vec<_> =
            bots.filter(|bot| self.realm.sees(bot, place)).map(|bot| bot.id).collect();
        for application in seeing {
            let event = crate::gateway::Event::new(application, name, intent, data.clone());
            self.dispatch(event);
        }
        self.touch();
    }
}
