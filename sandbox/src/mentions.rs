//! Whom a message pings: what its content says, cut down by its `allowed_mentions`. Does not know
//! who is notified in the end.

use serde_json::Value;

use crate::model::{Channel, Mentions, Realm, User};
use crate::permissions::MENTION_EVERYONE;
use crate::snowflake::Snowflake;

/// What `allowed_mentions` lets through.
#[derive(Clone, Debug)]
pub(crate) struct AllowedMentions {
    everyone: bool,
    users: Allowed,
    roles: Allowed,
    /// Whether a reply pings the author it replies to.
    pub(crate) replied_user: bool,
}

#[derive(Clone, Debug)]
enum Allowed {
    All,
    Only(Vec<Snowflake>),
}

impl Allowed {
    fn lets(&self, id: Snowflake) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
        }
    }
}

impl AllowedMentions {
    /// Reads the object; unset lets everything through.
    pub(crate) fn read(object: &Value) -> Self {
        if object.is_null() {
            return Self {
                everyone: true,
                users: Allowed::All,
                roles: Allowed::All,
                replied_user: true,
            };
        }
        let parses = |kind: &str| {
            let parse = object["parse"].as_array();
            parse.is_some_and(|kinds| kinds.iter().any(|k| k == kind))
        };
        let allowed = |kind: &str| {
            if parses(kind) {
                return Allowed::All;
            }
            let listed = object[kind].as_array().into_iter().flatten();
            Allowed::Only(listed.filter_map(id_of).collect())
        };
        Self {
            everyone: parses("everyone"),
            users: allowed("users"),
            roles: allowed("roles"),
            replied_user: object["replied_user"] == true,
        }
    }
}

/// An id as JSON has it: a string of digits or, from careless libraries, a number.
pub(crate) fn id_of(value: &Value) -> Option<Snowflake> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

impl Realm {
    /// Whom a message with this content by this author pings in this channel. Without an author it
    /// is a webhook's, which may ping everybody.
    pub(crate) fn mentions(
        &self,
        content: &str,
        author: Option<&User>,
        channel: &Channel,
        allowed: &AllowedMentions,
    ) -> Mentions {
        let guild = self.guild_of(channel);
        let is_role = |id| guild.is_some_and(|guild| guild.role(id).is_some());
        let may_ping_all =
            author.is_none_or(|author| self.permissions(author, channel) & MENTION_EVERYONE != 0);
        let mut mentions = Mentions {
            everyone: allowed.everyone
                && may_ping_all
                && (content.contains("@everyone") || content.contains("@here")),
            ..Mentions::default()
        };
        for tag in tags(content) {
            match tag {
                Tag::User(id) if allowed.users.lets(id) && self.user(id).is_some() => {
                    add(&mut mentions.users, id);
                }
                Tag::Role(id) if allowed.roles.lets(id) && is_role(id) => {
                    add(&mut mentions.roles, id);
                }
                Tag::User(_) | Tag::Role(_) | Tag::Channel(_) => {}
            }
        }
        mentions
    }

    /// The content as a notification shows it: mentions by name, markup left alone.
    pub(crate) fn resolved(&self, content: &str) -> String {
        let mut text = content.to_owned();
        for tag in tags(content) {
            let (marks, name): (&[String], Option<String>) = match tag {
                Tag::User(id) => (
                    &[format!("<@{id}>"), format!("<@!{id}>")],
                    self.user(id).map(|user| format!("@{}", user.display_name)),
                ),
                Tag::Role(id) => (
                    &[format!("<@&{id}>")],
                    self.role(id).map(|(_, role)| format!("@{}", role.name)),
                ),
                Tag::Channel(id) => (
                    &[format!("<#{id}>")],
                    self.channel(id).map(|channel| format!("#{}", self.channel_name(channel))),
                ),
            };
            for mark in marks {
                if let Some(name) = &name {
                    text = text.replace(mark, name);
                }
            }
        }
        text
    }
}

fn add(ids: &mut Vec<Snowflake>, id: Snowflake) {
    if !ids.contains(&id) {
        ids.push(id);
    }
}

/// A mention in a message's content.
#[derive(Debug, Eq, PartialEq)]
enum Tag {
    User(Snowflake),
    Role(Snowflake),
    Channel(Snowflake),
}

/// The mentions in a content, in order.
fn tags(content: &str) -> Vec<Tag> {
    let candidates = content.split('<').skip(1);
    candidates.filter_map(|piece| tag(piece.split_once('>')?.0)).collect()
}

fn tag(inner: &str) -> Option<Tag> {
    if let Some(id) = inner.strip_prefix("@&") {
        return id.parse().ok().map(Tag::Role);
    }
    if let Some(id) = inner.strip_prefix('#') {
        return id.parse().ok().map(Tag::Channel);
    }
    let id = inner.strip_prefix('@')?;
    let id = id.strip_prefix('!').unwrap_or(id);
    id.parse().ok().map(Tag::User)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_tags() {
        let id = |text: &str| text.parse().unwrap();
        assert_eq!(
            tags("<@1> and <@!2>, <@&3> in <#4>, not <5> or <@x>"),
            [Tag::User(id("1")), Tag::User(id("2")), Tag::Role(id("3")), Tag::Channel(id("4")),]
        );
    }
}
