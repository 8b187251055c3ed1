//! Gathers what a person sees from the state.

use serde_json::{Value, json};

use crate::interactions::{Kind, Stage};
use crate::server::{Cause, Channel, Place, User};
use crate::state::State;
use crate::view::{ChannelKind, ChannelView, Pending, View};

impl State {
    /// What a person sees; `None` if there is none of this name.
    pub(crate) fn view(&self, user: &str) -> Option<View> {
        self.server.person(user).map(|user| self.view_of(user))
    }

    /// What this person sees.
    pub(crate) fn view_of(&self, user: &User) -> View {
        let notifications = self.notifications.iter();
        View {
            me: self.account(user),
            users: self.server.everybody().map(|u| self.account(u)).collect(),
            guild: json!({
                "id": self.server.guild_id,
                "name": self.server.name,
                "owner_id": self.server.owner().id,
            }),
            roles: self.server.role_objects(),
            commands: self.commands_for(user),
            channels: self.channel_views(user),
            notifications: notifications
                .filter(|(reader, _)| *reader == user.id)
                .map(|(_, notification)| notification.clone())
                .collect(),
            pending: self.pending(user),
            bot_online: self.gateway.connected() > 0,
            change: self.change(),
        }
    }

    /// A user object with what the page needs to draw the account.
    fn account(&self, user: &User) -> Value {
        let mut object = self.server.user_object(user);
        object["display_name"] = json!(user.display_name);
        object["roles"] = json!(user.roles);
        object["hue"] = json!(user.hue);
        object["dms_closed"] = json!(user.dms_closed);
        object
    }

    /// The channels of the server, then the direct message with the bot.
    fn channel_views(&self, user: &User) -> Vec<ChannelView> {
        let channels = self.server.channels.iter();
        channels
            .filter(|channel| self.server.sees(user, channel))
            .map(|channel| self.channel_view(user, channel))
            .collect()
    }

    fn channel_view(&self, user: &User, channel: &Channel) -> ChannelView {
        let (kind, topic) = match &channel.place {
            Place::Guild { topic, .. } => (ChannelKind::Guild, topic.clone()),
            Place::Elsewhere { .. } => (ChannelKind::Guild, String::new()),
            Place::Dm { .. } => (ChannelKind::Dm, String::new()),
        };
        let messages = channel.messages.iter();
        ChannelView {
            id: channel.id.to_string(),
            name: channel.name(&self.server.bot).to_owned(),
            kind,
            topic,
            messages: messages
                .filter(|message| message.visible_to(user.id))
                .map(|message| self.server.message_object(message))
                .collect(),
        }
    }

    fn pending(&self, user: &User) -> Vec<Pending> {
        let pending = self.interactions.pending(user.id).into_iter();
        pending
            .map(|interaction| Pending {
                message_id: match interaction.kind {
                    Kind::Component { message } => Some(message.to_string()),
                    Kind::Modal { message } => message.map(|id| id.to_string()),
                    Kind::Command | Kind::Autocomplete => None,
                },
                channel_id: interaction.channel.to_string(),
                name: match &interaction.origin.cause {
                    Cause::Command { name, .. } => Some(name.clone()),
                    Cause::Component { .. } | Cause::Modal { .. } => None,
                },
                thinking: matches!(interaction.stage, Stage::Thinking),
            })
            .collect()
    }
}
