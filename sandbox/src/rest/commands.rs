//! Routes of the application's commands, global and of a guild.

use serde_json::Value;

use super::call::{Answer, Call, Reply};
use crate::commands::{Command, Scope};
use crate::model::Application;
use crate::refusal::Refusal;
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    Ok(Reply::ok(Shelf::of(state, call)?.list(state)?))
}

pub(super) fn replace(state: &mut State, call: &Call) -> Answer {
    Shelf::of(state, call)?.replace(state, &call.body)
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    Shelf::of(state, call)?.create(state, &call.body)
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let shelf = Shelf::of(state, call)?;
    let index = shelf.index_of(state, call)?;
    shelf.reply(state, index)
}

pub(super) fn edit(state: &mut State, call: &Call) -> Answer {
    Shelf::of(state, call)?.edit(state, call)
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let shelf = Shelf::of(state, call)?;
    let index = shelf.index_of(state, call)?;
    shelf.commands(state)?.remove(index);
    state.touch();
    Ok(Reply::empty())
}

/// The commands of one application in one scope.
#[derive(Clone, Copy)]
struct Shelf {
    bot: Snowflake,
    scope: Scope,
}

impl Shelf {
    /// The commands that a request is about. Those of other applications are none of the bot's
    /// business.
    fn of(state: &State, call: &Call) -> Result<Self, Refusal> {
        let bot = call.bot()?;
        if call.id("application_id")? != bot {
            return Err(Refusal::not_your_application());
        }
        if call.parameter("guild_id").is_empty() {
            return Ok(Self { bot, scope: Scope::Global });
        }
        let guild = state.realm.guild(call.id("guild_id")?);
        let guild = guild.filter(|guild| guild.has(bot)).ok_or_else(Refusal::missing_access)?;
        Ok(Self { bot, scope: Scope::Guild(guild.id) })
    }

    fn application(self, state: &State) -> Result<&Application, Refusal> {
        state.realm.application(self.bot).ok_or_else(Refusal::missing_access)
    }

    /// The application's commands of all scopes.
    fn commands(self, state: &mut State) -> Result<&mut Vec<Command>, Refusal> {
        let application = state.realm.application_mut(self.bot);
        Ok(&mut application.ok_or_else(Refusal::missing_access)?.commands)
    }

    fn list(self, state: &State) -> Result<Vec<Value>, Refusal> {
        let listed = self.application(state)?.commands.iter();
        Ok(listed
            .filter(|command| command.scope == self.scope)
            .map(|command| state.command_object(self.bot, command))
            .collect())
    }

    fn index_of(self, state: &State, call: &Call) -> Result<usize, Refusal> {
        let id = call.id("command_id")?;
        let wanted = |command: &Command| command.id == id && command.scope == self.scope;
        let index = self.application(state)?.commands.iter().position(wanted);
        index.ok_or_else(Refusal::unknown_command)
    }

    fn reply(self, state: &State, index: usize) -> Answer {
        let command = self.application(state)?.commands.get(index);
        let command = command.ok_or_else(Refusal::unknown_command)?;
        Ok(Reply::ok(state.command_object(self.bot, command)))
    }

    /// Replaces all commands of the scope. One whose name stays keeps its id.
    fn replace(self, state: &mut State, body: &Value) -> Answer {
        validate::command::all(body)?;
        let specs = body.as_array().map_or(&[][..], Vec::as_slice);
        let clock = state.clock().clone();
        let commands = self.commands(state)?;
        let (old, others): (Vec<_>, Vec<_>) =
            std::mem::take(commands).into_iter().partition(|command| command.scope == self.scope);
        *commands = others;
        for spec in specs {
            let command = Command::new(&clock, spec.clone(), self.scope);
            commands.push(succeed(command, &old));
        }
        state.touch();
        Ok(Reply::ok(self.list(state)?))
    }

    /// Adds a command, or overwrites the one with its name, as Discord does.
    fn create(self, state: &mut State, body: &Value) -> Answer {
        validate::command::one(body)?;
        let clock = state.clock().clone();
        let commands = self.commands(state)?;
        let command = succeed(Command::new(&clock, body.clone(), self.scope), commands);
        let clashing = commands.iter().position(|old| old.clashes(&command));
        let beside = commands
            .iter()
            .filter(|old| old.scope == self.scope && old.kind() == command.kind())
            .count();
        let most = validate::command::most(command.kind());
        if clashing.is_none() && beside >= most {
            return Err(Refusal::too_many_commands(most));
        }
        let (index, status) = match clashing {
            Some(index) => {
                commands[index] = command;
                (index, 200)
            }
            None => {
                commands.push(command);
                (commands.len() - 1, 201)
            }
        };
        state.touch();
        Ok(Reply { status, ..self.reply(state, index)? })
    }

    fn edit(self, state: &mut State, call: &Call) -> Answer {
        let index = self.index_of(state, call)?;
        let version = state.clock().next_id();
        let command = &mut self.commands(state)?[index];
        let mut spec = command.spec.clone();
        for (key, value) in crate::refusal::fields(&call.body) {
            spec[key] = value;
        }
        validate::command::one(&spec)?;
        command.spec = spec;
        command.version = version;
        state.touch();
        self.reply(state, index)
    }
}

/// A command in the place of the one with its name.
fn succeed(mut command: Command, old: &[Command]) -> Command {
    if let Some(before) = old.iter().find(|before| before.clashes(&command)) {
        command.id = before.id;
        if before.spec == command.spec {
            command.version = before.version;
        }
    }
    command
}
