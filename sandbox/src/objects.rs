//! The server as Discord's JSON objects. Only renders: what is allowed to be seen is decided by
//! the callers.

use serde_json::{Value, json};

use crate::clock::iso;
use crate::server::{
    Attachment, Cause, Channel, Message, Origin, Place, Role, Server, Target, User,
};
use crate::snowflake::Snowflake;

impl Server {
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
    pub(crate) fn current_user_object(&self) -> Value {
        let mut object = self.user_object(&self.bot);
        object["verified"] = json!(true);
        object["mfa_enabled"] = json!(false);
        object["email"] = Value::Null;
        object["flags"] = json!(0);
        object
    }

    /// A guild member object without its user, as it accompanies messages.
    pub(crate) fn partial_member_object(&self, user: &User) -> Value {
        json!({
            "nick": null,
            "avatar": null,
            "roles": user.roles,
            "joined_at": iso(self.founded),
            "premium_since": null,
            "deaf": false,
            "mute": false,
            "flags": 0,
            "pending": false,
            "communication_disabled_until": null,
        })
    }

    /// A guild member object.
    pub(crate) fn member_object(&self, user: &User) -> Value {
        let mut object = self.partial_member_object(user);
        object["user"] = self.user_object(user);
        object
    }

    /// A role object.
    pub(crate) fn role_object(&self, role: &Role) -> Value {
        let position = self.roles.iter().position(|r| r.id == role.id);
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
            "hoist": false,
            "icon": null,
            "unicode_emoji": null,
            "position": position.unwrap_or_default(),
            "permissions": role.permissions.to_string(),
            "managed": role.bot.is_some(),
            "mentionable": role.bot.is_none() && role.id != self.guild_id,
            "tags": tags,
            "flags": 0,
        })
    }

    /// All role objects.
    pub(crate) fn role_objects(&self) -> Vec<Value> {
        self.roles.iter().map(|r| self.role_object(r)).collect()
    }

    /// A channel object.
    pub(crate) fn channel_object(&self, channel: &Channel) -> Value {
        let last = channel.public().next_back().map(|message| message.id);
        match &channel.place {
            Place::Dm { user } => {
                let recipients: Vec<_> =
                    self.user(*user).map(|user| self.user_object(user)).into_iter().collect();
                json!({
                    "id": channel.id,
                    "type": 1,
                    "flags": 0,
                    "last_message_id": last,
                    "recipients": recipients,
                })
            }
            Place::Guild { name, topic, bot } => {
                let position = self.channels.iter().position(|c| c.id == channel.id);
                let mut overwrites = Vec::new();
                if bot.denied() != 0 {
                    overwrites.push(json!({
                        "id": self.bot.id,
                        "type": 1,
                        "allow": "0",
                        "deny": bot.denied().to_string(),
                    }));
                }
                json!({
                    "id": channel.id,
                    "type": 0,
                    "guild_id": self.guild_id,
                    "name": name,
                    "topic": if topic.is_empty() { Value::Null } else { json!(topic) },
                    "position": position.unwrap_or_default(),
                    "parent_id": null,
                    "nsfw": false,
                    "rate_limit_per_user": 0,
                    "flags": 0,
                    "last_message_id": last,
                    "permission_overwrites": overwrites,
                })
            }
            Place::Elsewhere { guild, name } => json!({
                "id": channel.id,
                "type": 0,
                "guild_id": guild,
                "name": name,
                "topic": null,
                "position": 0,
                "parent_id": null,
                "nsfw": false,
                "rate_limit_per_user": 0,
                "flags": 0,
                "last_message_id": last,
                "permission_overwrites": [],
            }),
        }
    }

    /// The objects of the server's own channels.
    pub(crate) fn guild_channel_objects(&self) -> Vec<Value> {
        self.channels
            .iter()
            .filter(|channel| channel.is_own())
            .map(|channel| self.channel_object(channel))
            .collect()
    }

    /// The guild object of REST.
    pub(crate) fn guild_object(&self) -> Value {
        json!({
            "id": self.guild_id,
            "name": self.name,
            "icon": null,
            "splash": null,
            "discovery_splash": null,
            "owner_id": self.owner().id,
            "afk_channel_id": null,
            "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "roles": self.role_objects(),
            "emojis": [],
            "stickers": [],
            "features": [],
            "mfa_level": 0,
            "application_id": null,
            "system_channel_id": null,
            "system_channel_flags": 0,
            "rules_channel_id": null,
            "max_members": 500_000,
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

    /// The guild object of the gateway's GUILD_CREATE. Without the privileged intent for members
    /// only the bot is among them.
    pub(crate) fn guild_create_object(&self, with_members: bool) -> Value {
        let listed = |user: &&User| user.member && (user.bot || with_members);
        let members: Vec<_> =
            self.everybody().filter(listed).map(|user| self.member_object(user)).collect();
        let mut object = self.guild_object();
        object["joined_at"] = json!(iso(self.founded));
        object["large"] = json!(false);
        object["unavailable"] = json!(false);
        object["member_count"] = json!(self.everybody().filter(|user| user.member).count());
        object["members"] = json!(members);
        object["channels"] = json!(self.guild_channel_objects());
        for empty in [
            "voice_states",
            "threads",
            "presences",
            "stage_instances",
            "guild_scheduled_events",
            "soundboard_sounds",
        ] {
            object[empty] = json!([]);
        }
        object
    }

    /// The guild object of GUILD_CREATE of another server, with the bot alone as its member.
    pub(crate) fn other_guild_object(&self, id: Snowflake, name: &str) -> Value {
        let mut object = self.guild_create_object(false);
        let channels: Vec<_> = self
            .channels
            .iter()
            .filter(|channel| self.guild_of(channel) == id)
            .map(|channel| self.channel_object(channel))
            .collect();
        object["id"] = json!(id);
        object["name"] = json!(name);
        object["roles"] = json!([]);
        object["channels"] = json!(channels);
        object
    }

    /// The application object; `endpoint` is where it wants its interactions.
    pub(crate) fn application_object(&self, endpoint: Option<&str>) -> Value {
        json!({
            "id": self.bot.id,
            "name": self.bot.name,
            "icon": null,
            "description": "",
            "summary": "",
            "bot_public": self.bot_public,
            "bot_require_code_grant": false,
            "verify_key": "0".repeat(64),
            "owner": self.user_object(self.owner()),
            "team": null,
            "flags": 0,
            "approximate_guild_count": 1 + self.others.len(),
            "approximate_user_install_count": 0,
            "redirect_uris": [],
            "interactions_endpoint_url": endpoint,
            "role_connections_verification_url": null,
            "integration_types_config": { "0": {} },
            "bot": self.user_object(&self.bot),
        })
    }

    /// A message object, as REST answers with it.
    pub(crate) fn message_object(&self, message: &Message) -> Value {
        let mut object = self.plain_message_object(message);
        if let Some(id) = message.reply_to {
            let referenced = self.message(id);
            object["message_reference"] = json!({
                "type": 0,
                "message_id": id,
                "channel_id": message.channel,
            });
            object["referenced_message"] =
                referenced.map_or(Value::Null, |original| self.plain_message_object(original));
        }
        object
    }

    /// A message object without the message it replies to.
    fn plain_message_object(&self, message: &Message) -> Value {
        let author = self.user(message.author);
        let mentioned = message.mentions.users.iter();
        let mentions: Vec<_> =
            mentioned.filter_map(|id| self.user(*id)).map(|user| self.user_object(user)).collect();
        let mut object = json!({
            "id": message.id,
            "channel_id": message.channel,
            "type": self.message_type(message),
            "author": author.map(|user| self.user_object(user)),
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
            "pinned": false,
            "flags": message.flags,
        });
        if let Some(origin) = &message.origin {
            object["application_id"] = json!(self.bot.id);
            object["webhook_id"] = json!(self.bot.id);
            object["interaction_metadata"] = self.origin_object(origin);
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

    /// A message interaction metadata object.
    fn origin_object(&self, origin: &Origin) -> Value {
        let mut object = json!({
            "id": origin.interaction,
            "user": self.user(origin.user).map(|user| self.user_object(user)),
            "authorizing_integration_owners": { "0": self.guild_id },
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
                object["triggering_interaction_metadata"] = self.origin_object(trigger);
            }
        }
        object
    }

    /// 0 for a plain message, 19 for a reply, 20 for the answer to a slash command, 23 for the
    /// answer to one of a context menu.
    fn message_type(&self, message: &Message) -> u8 {
        match (message.origin.as_ref().map(|origin| &origin.cause), message.reply_to) {
            (Some(Cause::Command { target: None, .. }), _) => 20,
            (Some(Cause::Command { target: Some(_), .. }), _) => 23,
            (_, Some(_)) => 19,
            (_, None) => 0,
        }
    }
}

impl Attachment {
    /// An attachment object.
    fn object(&self) -> Value {
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
