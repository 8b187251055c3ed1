//! Commands of the context menu of a message or of a person ("Apps"): which are offered and what
//! Discord's app sends when somebody uses one.

use serde_json::json;

use crate::commands::{Command, CommandUse, ON_MESSAGE, ON_USER};
use crate::resolve::Resolved;
use crate::server::{Channel, Message, Target, User};
use crate::state::State;

/// What a person used a context menu on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim<'a> {
    Message(&'a Message),
    User(&'a User),
}

impl Aim<'_> {
    /// Discord's number for the kind of command that fits.
    fn kind(self) -> u64 {
        match self {
            Self::Message(_) => ON_MESSAGE,
            Self::User(_) => ON_USER,
        }
    }

    /// What is left of it in the interaction.
    pub(crate) fn target(self) -> Target {
        match self {
            Self::Message(message) => Target::Message(message.id),
            Self::User(user) => Target::User(user.id),
        }
    }
}

impl State {
    /// What Discord's app sends when a person uses a command of a context menu.
    pub(crate) fn context_use(
        &self,
        person: &User,
        channel: &Channel,
        name: &str,
        aim: Aim<'_>,
    ) -> Result<CommandUse, String> {
        let permissions = self.server.permissions(person, channel);
        let command = self
            .commands
            .iter()
            .filter(|command| command.kind() == aim.kind() && command.name() == name)
            .find(|command| command.is_offered(channel, permissions))
            .ok_or_else(|| self.not_in_menu(name, aim))?;
        let mut resolved = Resolved::default();
        let target = match aim {
            Aim::Message(message) => {
                resolved.message(self, message);
                message.id
            }
            Aim::User(user) => {
                resolved.user(self, user, channel);
                user.id
            }
        };
        let mut data = json!({
            "id": command.id,
            "name": name,
            "type": command.kind(),
            "target_id": target,
            "resolved": resolved.into_value(),
        });
        if command.guild_only {
            data["guild_id"] = json!(self.server.guild_id);
        }
        Ok(CommandUse { full_name: name.to_owned(), data })
    }

    fn not_in_menu(&self, name: &str, aim: Aim<'_>) -> String {
        let of_kind = self.commands.iter().filter(|command| command.kind() == aim.kind());
        let names: Vec<_> = of_kind.map(Command::name).collect();
        let on = match aim {
            Aim::Message(_) => "messages",
            Aim::User(_) => "people",
        };
        format!("no command {name:?} is offered for {on} here; registered are: {names:?}")
    }
}
