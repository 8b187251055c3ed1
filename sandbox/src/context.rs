//! Commands of the context menu of a message or of a person ("Apps"): which are offered and what
//! Discord's app sends when somebody uses one.

use serde_json::json;

use crate::commands::{CommandUse, ON_MESSAGE, ON_USER, Typed};
use crate::model::{Message, Target, User};
use crate::resolve::Resolved;
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
    pub(crate) fn context_use(&self, typed: Typed<'_>, aim: Aim<'_>) -> Result<CommandUse, String> {
        let (application, command) =
            self.offered(aim.kind(), typed).ok_or_else(|| self.not_in_menu(typed, aim))?;
        let mut resolved = Resolved::default();
        let target = match aim {
            Aim::Message(message) => {
                resolved.message(self, message);
                message.id
            }
            Aim::User(user) => {
                resolved.user(self, user, typed.channel);
                user.id
            }
        };
        let mut data = json!({
            "id": command.id,
            "name": typed.name,
            "type": command.kind(),
            "target_id": target,
            "resolved": resolved.into_value(),
        });
        if let Some(guild) = command.scope.guild() {
            data["guild_id"] = json!(guild);
        }
        Ok(CommandUse { application, full_name: typed.name.to_owned(), data })
    }

    fn not_in_menu(&self, typed: Typed<'_>, aim: Aim<'_>) -> String {
        let names = self.registered(aim.kind(), typed.channel);
        let on = match aim {
            Aim::Message(_) => "messages",
            Aim::User(_) => "people",
        };
        let name = typed.name;
        format!("no command {name:?} is offered for {on} here; registered are: {names:?}")
    }
}
