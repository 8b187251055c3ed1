//! The realm as Discord's JSON objects. Only renders: what is allowed to be seen is decided by
//! the callers.

use serde_json::{Value, json};

use crate::clock::iso;
use crate::gateway::intents::GUILD_MEMBERS;
use crate::model::{
    Application, Attachment, Cause, Channel, Guild, GuildPlace, Member, Message, Origin, Overwrite,
    OverwriteOf, Place, Realm, Role, Target, User,
};
use crate::snowflake::Snowflake;

impl Realm {
    /// A user object.
    pub(crate) fn user_object(&self, user: &User) -> Value {
        json!({
            "id": user.id,
            "username": user.name,
            "discriminator": "0",
            "global_name": if user.bot { Value::Null } else { json!(user.display_name) },
            "avatar": null,
            "bot": user.bot,
            "system": false,
            "banner": null,
            "accent_color": null,
            "public_flags": 0,
        })
    }

    /// The bot's own user object, with the fields only the account itself sees.
    pub(crate) fn current_user_object(&self, bot: &User) -> Value {
        let mut object = self.user_object(bot);
        object["verified"] = json!(true);
        object["mfa_enabled"] = json!(false);
        object["email"] = Value::Null;
        object["flags"] = json!(0);
        object
    }

    /// A guild member object without its user, as it accompanies messages.
    pub(crate) fn partial_member_object(&self, member: &Member) -> Value {
        json!({
            "nick": member.nick,
            "avatar": null,
            "roles": member.roles,
            "joined_at": iso(member.joined),
            "premium_since": null,
            "deaf": false,
            "mute": false,
            "flags": 0,
            "pending": false,
            "communication_disabled_until": member.timed_out_until.map(iso),
        })
    }

    /// A guild member object.
    pub(crate) fn member_object(&self, member: &Member) -> Value {
        let mut object = self.partial_member_object(member);
        object["user"] = json!(self.user(member.user).map(|user| self.user_object(user)));
        object
    }

    /// A role object.
    pub(crate) fn role_object(&self, guild: &Guild, role: &Role) -> Value {
        let position = guild.roles.iter().position(|r| r.id == role.id);
        let tags = role.bot.map_or(json!({}), |bot| json!({ "bot_id": bot }));
        json!({
            "id": role.id,
            "name": role.name,
            "color": role.color,
            "colors": {
                "primary_color": role.color,
                "secondary_color": null,
                "tertiary_color": null,
            },
            "hoist": role.hoist,
            "icon": null,
            "unicode_emoji": null,
            "position": position.unwrap_or_default(),
            "permissions": role.permissions.to_string(),
            "managed": role.bot.is_some(),
            "mentionable": role.mentionable,
            "tags": tags,
            "flags": 0,
        })
    }

    /// All role objects of a guild.
    pub(crate) fn role_objects(&self, guild: &Guild) -> Vec<Value> {
        guild.roles.iter().map(|role| self.role_object(guild, role)).collect()
    }

    /// A channel object.
    pub(crate) fn channel_object(&self, channel: &Channel) -> Value {
        let last = channel.public().next_back().map(|message| message.id);
        match &channel.place {
            Place::Dm { person, .. } => {
                let recipients: Vec<_> =
                    self.user(*person).map(|user| self.user_object(user)).into_iter().collect();
                json!({
                    "id": channel.id,
                    "type": 1,
                    "flags": 0,
                    "last_message_id": last,
                    "recipients": recipients,
                })
            }
            Place::Text { at, about } => {
                let mut object = self.guild_channel_object(channel, at, 0);
                let topic = &about.topic;
                object["topic"] = if topic.is_empty() { Value::Null } else { json!(topic) };
                object["nsfw"] = json!(about.nsfw);
                object["rate_limit_per_user"] = json!(about.slowmode);
                object["last_message_id"] = json!(last);
                if let Some(minutes) = about.thread_minutes {
                    object["default_auto_archive_duration"] = json!(minutes);
                }
                object
            }
            Place::Voice { at } => self.guild_channel_object(channel, at, 2),
            Place::Category { at } => self.guild_channel_object(channel, at, 4),
            Place::Thread(thread) => self.thread_object(channel, thread),
        }
    }

    /// What the objects of all channels of a guild but threads have; `kind` is Discord's number.
    fn guild_channel_object(&self, channel: &Channel, at: &GuildPlace, kind: u8) -> Value {
        let guild = self.guild(at.guild);
        let position = guild.and_then(|guild| guild.order.iter().position(|id| *id == channel.id));
        let overwrites = at.overwrites.iter().map(overwrite_object);
        json!({
            "id": channel.id,
            "type": kind,
            "guild_id": at.guild,
            "name": at.name,
            "position": position.unwrap_or_default(),
            "parent_id": at.parent,
            "flags": 0,
            "permission_overwrites": overwrites.collect::<Vec<_>>(),
        })
    }

    /// The objects of a guild's channels, top to bottom.
    pub(crate) fn guild_channel_objects(&self, guild: &Guild) -> Vec<Value> {
        self.channels_of(guild).map(|channel| self.channel_object(channel)).collect()
    }

    /// The guild object of REST.
    pub(crate) fn guild_object(&self, guild: &Guild) -> Value {
        json!({
            "id": guild.id,
            "name": guild.name,
            "icon": null,
            "splash": null,
            "discovery_splash": null,
            "owner_id": guild.owner,
            "afk_channel_id": null,
            "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "roles": self.role_objects(guild),
            "emojis": [],
            "stickers": [],
            "features": [],
            "mfa_level": 0,
            "application_id": null,
            "system_channel_id": null,
            "system_channel_flags": 0,
            "rules_channel_id": null,
            "max_members": 500_000,
            "max_presences": null,
            "vanity_url_code": null,
            "description": null,
            "banner": null,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "preferred_locale": "en-US",
            "public_updates_channel_id": null,
            "nsfw_level": 0,
            "premium_progress_bar_enabled": false,
            "safety_alerts_channel_id": null,
        })
    }

    /// The guild object of the gateway's GUILD_CREATE for a bot, which without the privileged
    /// intent for members is the only one of them.
    pub(crate) fn guild_create_object(&self, guild: &Guild, bot: Snowflake, hears: Hears) -> Value {
        let listed = |member: &&Member| hears == Hears::Members || member.user == bot;
        let members: Vec<_> =
            guild.members.iter().filter(listed).map(|member| self.member_object(member)).collect();
        let joined = guild.member(bot).map_or(guild.founded, |member| member.joined);
        let mut object = self.guild_object(guild);
        object["joined_at"] = json!(iso(joined));
        object["large"] = json!(false);
        object["unavailable"] = json!(false);
        object["member_count"] = json!(guild.members.len());
        object["members"] = json!(members);
        object["channels"] = json!(self.guild_channel_objects(guild));
        object["threads"] = json!(self.active_thread_objects(guild.id, bot));
        for empty in [
            "voice_states",
            "presences",
            "stage_instances",
            "guild_scheduled_events",
            "soundboard_sounds",
        ] {
            object[empty] = json!([]);
        }
        object
    }

    /// An application object.
    pub(crate) fn application_object(&self, application: &Application) -> Value {
        let owner = self.user(application.owner).map(|owner| self.user_object(owner));
        json!({
            "id": application.id(),
            "name": application.bot.name,
            "icon": null,
            "description": "",
            "summary": "",
            "bot_public": application.public,
            "bot_require_code_grant": false,
            "verify_key": "0".repeat(64),
            "owner": owner,
            "team": null,
            "flags": application.flags(),
            "approximate_guild_count": self.guilds_of(application.id()).count(),
            "approximate_user_install_count": 0,
            "redirect_uris": [],
            "interactions_endpoint_url": application.endpoint,
            "role_connections_verification_url": null,
            "integration_types_config": { "0": {} },
            "bot": self.user_object(&application.bot),
        })
    }

    /// A message object as nobody in particular sees it.
    pub(crate) fn message_object(&self, message: &Message) -> Value {
        self.message_object_for(message, None)
    }

    /// A message object, as REST answers with it. Reactions tell the viewer's own.
    pub(crate) fn message_object_for(&self, message: &Message, viewer: Option<Snowflake>) -> Value {
        let mut object = self.plain_message_object(message);
        if !message.reactions.is_empty() {
            object["reactions"] = json!(message.reaction_objects(viewer));
        }
        if let Some(id) = message.reply_to {
            let referenced = self.message(id);
            let guild = self.channel(message.channel).and_then(Channel::guild);
            object["message_reference"] = json!({
                "type": 0,
                "message_id": id,
                "channel_id": message.channel,
            });
            if let Some(guild) = guild {
                object["message_reference"]["guild_id"] = json!(guild);
            }
            object["referenced_message"] =
                referenced.map_or(Value::Null, |original| self.plain_message_object(original));
        }
        object
    }

    /// A message object without the message it replies to.
    fn plain_message_object(&self, message: &Message) -> Value {
        let mentioned = message.mentions.users.iter();
        let mentions: Vec<_> =
            mentioned.filter_map(|id| self.user(*id)).map(|user| self.user_object(user)).collect();
        let mut object = json!({
            "id": message.id,
            "channel_id": message.channel,
            "type": self.message_type(message),
            "author": self.author_object(message),
            "content": message.content,
            "timestamp": iso(message.created),
            "edited_timestamp": message.edited.map(iso),
            "tts": false,
            "mention_everyone": message.mentions.everyone,
            "mentions": mentions,
            "mention_roles": message.mentions.roles,
            "attachments": message.attachments.iter().map(Attachment::object).collect::<Vec<_>>(),
            "embeds": message.embeds,
            "components": message.components,
            "pinned": message.pinned.is_some(),
            "flags": message.flags,
        });
        if let Some(guise) = &message.guise {
            object["webhook_id"] = json!(message.author);
            object["application_id"] = json!(guise.application);
        }
        self.add_threads(&mut object, message);
        if let Some(origin) = &message.origin {
            let guild = self.channel(message.channel).and_then(Channel::guild);
            object["application_id"] = json!(message.author);
            object["webhook_id"] = json!(message.author);
            object["interaction_metadata"] = self.origin_object(origin, guild);
            if let Cause::Command { name, .. } = &origin.cause {
                object["interaction"] = json!({
                    "id": origin.interaction,
                    "type": 2,
                    "name": name,
                    "user": self.user(origin.user).map(|user| self.user_object(user)),
                });
            }
        }
        object
    }

    /// The account that wrote a message, or the webhook in its guise.
    fn author_object(&self, message: &Message) -> Option<Value> {
        let Some(guise) = &message.guise else {
            return self.user(message.author).map(|user| self.user_object(user));
        };
        Some(json!({
            "id": message.author,
            "username": guise.name,
            "discriminator": "0000",
            "global_name": null,
            "avatar": guise.avatar,
            "bot": true,
            "public_flags": 0,
            "flags": 0,
        }))
    }

    /// A message interaction metadata object. In direct messages, the owner is written as "0".
    fn origin_object(&self, origin: &Origin, guild: Option<Snowflake>) -> Value {
        let owner = guild.map_or_else(|| "0".to_owned(), |guild| guild.to_string());
        let mut object = json!({
            "id": origin.interaction,
            "user": self.user(origin.user).map(|user| self.user_object(user)),
            "authorizing_integration_owners": { "0": owner },
        });
        match &origin.cause {
            Cause::Command { name, target } => {
                object["type"] = json!(2);
                object["name"] = json!(name);
                match target {
                    Some(Target::User(id)) => {
                        object["target_user"] =
                            json!(self.user(*id).map(|user| self.user_object(user)))
                    }
                    Some(Target::Message(id)) => object["target_message_id"] = json!(id),
                    None => {}
                }
            }
            Cause::Component { message } => {
                object["type"] = json!(3);
                object["interacted_message_id"] = json!(message);
            }
            Cause::Modal { trigger } => {
                object["type"] = json!(5);
                object["triggering_interaction_metadata"] = self.origin_object(trigger, guild);
            }
        }
        object
    }

    /// Discord's number for a notice; otherwise 0 for a plain message, 19 for a reply, 20 for the
    /// answer to a slash command, 23 for the answer to one of a context menu.
    fn message_type(&self, message: &Message) -> u8 {
        if let Some(notice) = message.notice {
            return notice.number();
        }
        match (message.origin.as_ref().map(|origin| &origin.cause), message.reply_to) {
            (Some(Cause::Command { target: None, .. }), _) => 20,
            (Some(Cause::Command { target: Some(_), .. }), _) => 23,
            (_, Some(_)) => 19,
            (_, None) => 0,
        }
    }
}

/// Which members the gateway tells a bot of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hears {
    Members,
    Itself,
}

impl Hears {
    /// What a session with these intents hears of.
    pub(crate) fn with(intents: u64) -> Self {
        if intents & GUILD_MEMBERS == 0 { Self::Itself } else { Self::Members }
    }
}

/// A permission overwrite object.
fn overwrite_object(overwrite: &Overwrite) -> Value {
    let (id, kind) = match overwrite.of {
        OverwriteOf::Role(id) => (id, 0),
        OverwriteOf::Member(id) => (id, 1),
    };
    json!({
        "id": id,
        "type": kind,
        "allow": overwrite.allow.to_string(),
        "deny": overwrite.deny.to_string(),
    })
}

impl Attachment {
    /// An attachment object.
    pub(crate) fn object(&self) -> Value {
        let mut object = json!({
            "id": self.id,
            "filename": self.name,
            "description": self.description,
            "content_type": self.content_type,
            "size": self.size,
            "url": self.url,
            "proxy_url": self.url,
        });
        if let Some((width, height)) = self.pixels {
            object["width"] = json!(width);
            object["height"] = json!(height);
        }
        object
    }
}
