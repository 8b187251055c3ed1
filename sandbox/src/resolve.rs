//! What the ids of an interaction stand for: Discord sends the objects along under `resolved`.

use serde_json::{Map, Value, json};

use crate::model::{Attachment, Channel, Guild, Message, Role, User};
use crate::snowflake::Snowflake;
use crate::state::State;

/// The objects gathered for one interaction.
#[derive(Debug, Default)]
pub(crate) struct Resolved(Map<String, Value>);

impl Resolved {
    fn keep(&mut self, kind: &str, id: Snowflake, object: Value) {
        let objects = self.0.entry(kind).or_insert_with(|| json!({}));
        objects[id.to_string()] = object;
    }

    /// Whether nothing was gathered.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an account; in a channel of a guild, what it is there as well.
    pub(crate) fn user(&mut self, state: &State, user: &User, place: &Channel) {
        let realm = &state.realm;
        self.keep("users", user.id, realm.user_object(user));
        if let Some(member) = realm.guild_of(place).and_then(|guild| guild.member(user.id)) {
            let mut member = realm.partial_member_object(member);
            member["permissions"] = json!(realm.permissions(user, place).to_string());
            self.keep("members", user.id, member);
        }
    }

    /// Adds a role.
    pub(crate) fn role(&mut self, state: &State, guild: &Guild, role: &Role) {
        self.keep("roles", role.id, state.realm.role_object(guild, role));
    }

    /// Adds a channel, in the short form of interactions, with what the person may do there.
    pub(crate) fn channel(&mut self, state: &State, channel: &Channel, person: &User) {
        let mut object = state.realm.channel_object(channel);
        object["permissions"] = json!(state.realm.permissions(person, channel).to_string());
        self.keep("channels", channel.id, object);
    }

    /// Adds a message.
    pub(crate) fn message(&mut self, state: &State, message: &Message) {
        self.keep("messages", message.id, state.realm.message_object(message));
    }

    /// Adds a file that a person uploaded.
    pub(crate) fn attachment(&mut self, attachment: &Attachment) {
        self.keep("attachments", attachment.id, attachment.object());
    }

    /// The object as the interaction has it.
    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}
