//! Gathers what a person sees from the state.

use serde_json::{Value, json};

use crate::interactions::{Kind, Stage};
use crate::model::{Cause, Channel, Guild, Member, Place, User};
use crate::refusal::fields;
use crate::state::State;
use crate::view::{ChannelKind, ChannelView, Pending, View};

impl State {
    /// What a person sees; `None` if there is none of this name.
    pub(crate) fn view(&self, user: &str) -> Option<View> {
        self.realm.person(user).map(|user| self.view_of(user))
    }

    /// What this person sees.
    pub(crate) fn view_of(&self, user: &User) -> View {
        let notifications = self.notifications.iter();
        let home = self.realm.home();
        View {
            me: self.account(user),
            users: self.realm.everybody().map(|u| self.account(u)).collect(),
            guild: json!({ "id": home.id, "name": home.name, "owner_id": home.owner }),
            roles: self.realm.role_objects(home),
            guilds: self.realm.guilds_of(user.id).map(|guild| self.guild_view(guild)).collect(),
            commands: self.commands_for(user),
            channels: self.channel_views(user),
            notifications: notifications
                .filter(|(reader, _)| *reader == user.id)
                .map(|(_, notification)| notification.clone())
                .collect(),
            pending: self.pending(user),
            bot_online: self.gateway.is_connected(self.realm.first_application().id()),
            change: self.change(),
        }
    }

    /// A user object with what the page needs to draw the account.
    fn account(&self, user: &User) -> Value {
        let mut object = self.realm.user_object(user);
        object["display_name"] = json!(user.display_name);
        let member = self.realm.home().member(user.id);
        object["roles"] = json!(member.map_or(&[][..], |member| &member.roles));
        if user.bot {
            object["online"] = json!(self.gateway.is_connected(user.id));
        }
        object["hue"] = json!(user.hue);
        object["dms_closed"] = json!(user.dms_closed);
        object
    }

    fn guild_view(&self, guild: &Guild) -> Value {
        let now = self.clock().now();
        let object = |member: &Member| {
            let mut object = self.realm.member_object(member);
            object["timed_out"] = json!(member.is_timed_out(now));
            object["status"] = json!(self.realm.user(member.user).map(|user| self.status(user)));
            object
        };
        let members: Vec<_> = guild.members.iter().map(object).collect();
        json!({
            "id": guild.id,
            "name": guild.name,
            "owner_id": guild.owner,
            "roles": self.realm.role_objects(guild),
            "members": members,
        })
    }

    /// The channels of the guilds, each followed by its threads, then the direct messages.
    fn channel_views(&self, user: &User) -> Vec<ChannelView> {
        let of_guilds = self.realm.guilds.iter().flat_map(|guild| self.realm.channels_of(guild));
        let of_guilds = of_guilds.flat_map(|channel| {
            let below = |thread: &&Channel| thread.thread().is_some_and(|t| t.parent == channel.id);
            [channel].into_iter().chain(self.realm.channels.iter().filter(below))
        });
        let applications = self.realm.applications.iter();
        let direct =
            applications.filter_map(|application| self.realm.dm_of(application.id(), user.id));
        of_guilds
            .chain(direct)
            .filter(|channel| self.realm.sees(user, channel))
            .map(|channel| self.channel_view(user, channel))
            .collect()
    }

    fn channel_view(&self, user: &User, channel: &Channel) -> ChannelView {
        let (kind, topic) = match &channel.place {
            Place::Text { about, .. } => (ChannelKind::Guild, about.topic.clone()),
            Place::Voice { .. } => (ChannelKind::Voice, String::new()),
            Place::Category { .. } => (ChannelKind::Category, String::new()),
            Place::Thread(_) => (ChannelKind::Thread, String::new()),
            Place::Dm { .. } => (ChannelKind::Dm, String::new()),
        };
        let parent = match channel.thread() {
            Some(thread) => Some(thread.parent),
            None => channel.at().and_then(|at| at.parent),
        };
        let mut object = fields(&self.realm.channel_object_for(channel, user.id));
        // Those that the view has in a form of its own; the recipients are those that the bot sees.
        let own = ["id", "name", "guild_id", "parent_id", "topic", "recipients"];
        object.retain(|key, _| !own.contains(&key.as_str()));
        let messages = channel.messages.iter();
        ChannelView {
            id: channel.id.to_string(),
            name: self.realm.channel_name(channel).to_owned(),
            kind,
            parent_id: parent.map(|parent| parent.to_string()),
            object,
            guild_id: channel.guild().map(|guild| guild.to_string()),
            topic,
            pins: channel.pins().iter().map(|message| message.id.to_string()).collect(),
            messages: messages
                .filter(|message| message.visible_to(user.id))
                .map(|message| self.realm.message_object_for(message, Some(user.id)))
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
