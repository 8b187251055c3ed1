//! What the ids of an interaction stand for: Discord sends the objects along under `resolved`.

use serde_json::{Map, Value, json};

use crate::server::{Channel, Message, Role, User};
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

    /// Adds an account; in a place of the server, what it is there as well.
    pub(crate) fn user(&mut self, state: &State, user: &User, place: &Channel) {
        let server = &state.server;
        self.keep("users", user.id, server.user_object(user));
        if user.member && !place.is_dm() {
            let mut member = server.partial_member_object(user);
            member["permissions"] = json!(server.permissions(user, place).to_string());
            self.keep("members", user.id, member);
        }
    }

    /// Adds a role.
    pub(crate) fn role(&mut self, state: &State, role: &Role) {
        self.keep("roles", role.id, state.server.role_object(role));
    }

    /// Adds a channel, in the short form of interactions, with what the person may do there.
    pub(crate) fn channel(&mut self, state: &State, channel: &Channel, person: &User) {
        let mut object = state.server.channel_object(channel);
        object["permissions"] = json!(state.server.permissions(person, channel).to_string());
        self.keep("channels", channel.id, object);
    }

    /// Adds a message.
    pub(crate) fn message(&mut self, state: &State, message: &Message) {
        self.keep("messages", message.id, state.server.message_object(message));
    }

    /// The object as the interaction has it.
    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}
