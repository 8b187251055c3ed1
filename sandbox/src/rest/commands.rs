//! Routes of the application's commands, global and of the server.

use serde_json::Value;

use super::call::{Answer, Call, Reply, id};
use crate::commands::Command;
use crate::refusal::{Problems, Refusal};
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

pub(super) fn route(state: &mut State, call: &Call, application: &str, path: &[&str]) -> Answer {
    if id(application, "application_id")? != state.server.bot.id {
        return Err(Refusal::missing_access());
    }
    let (guild_only, rest) = match path {
        ["commands", rest @ ..] => (false, rest),
        ["guilds", guild, "commands", rest @ ..] => {
            if id(guild, "guild_id")? != state.server.guild_id {
                return Err(Refusal::missing_access());
            }
            (true, rest)
        }
        _ => return Err(Refusal::bare(404)),
    };
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(Reply::ok(list(state, guild_only))),
        ("PUT", []) => replace(state, &call.body, guild_only),
        ("POST", []) => create(state, &call.body, guild_only),
        ("GET", [command]) => {
            let index = index_of(state, id(command, "command_id")?, guild_only)?;
            Ok(Reply::ok(state.command_object(&state.commands[index])))
        }
        ("PATCH", [command]) => edit(state, call, id(command, "command_id")?, guild_only),
        ("DELETE", [command]) => {
            let index = index_of(state, id(command, "command_id")?, guild_only)?;
            state.commands.remove(index);
            state.touch();
            Ok(Reply::empty())
        }
        _ => Err(Refusal::bare(404)),
    }
}

fn list(state: &State, guild_only: bool) -> Vec<Value> {
    let listed = state.commands.iter();
    listed
        .filter(|command| command.guild_only == guild_only)
        .map(|command| state.command_object(command))
        .collect()
}

fn index_of(state: &State, id: Snowflake, guild_only: bool) -> Result<usize, Refusal> {
    let wanted = |command: &Command| command.id == id && command.guild_only == guild_only;
    let index = state.commands.iter().position(wanted);
    index.ok_or_else(Refusal::unknown_command)
}

/// Replaces all commands of a scope. One whose name stays keeps its id.
fn replace(state: &mut State, body: &Value, guild_only: bool) -> Answer {
    let specs = body.as_array().ok_or_else(|| {
        let words = "Only iterables may be used in a ListType";
        Problems::one("", "LIST_TYPE_CONVERT", words)
    })?;
    validate::command::all(specs)?;
    let (old, others): (Vec<_>, Vec<_>) = std::mem::take(&mut state.commands)
        .into_iter()
        .partition(|command| command.guild_only == guild_only);
    state.commands = others;
    for spec in specs {
        let command = Command::new(spec.clone(), guild_only);
        state.commands.push(succeed(command, &old));
    }
    state.touch();
    Ok(Reply::ok(list(state, guild_only)))
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

/// Adds a command, or overwrites the one with its name, as Discord does.
fn create(state: &mut State, body: &Value, guild_only: bool) -> Answer {
    validate::command::one(body)?;
    let command = succeed(Command::new(body.clone(), guild_only), &state.commands);
    let clashing = state.commands.iter().position(|old| old.clashes(&command));
    let beside = state
        .commands
        .iter()
        .filter(|old| old.guild_only == guild_only && old.kind() == command.kind())
        .count();
    let most = validate::command::most(command.kind());
    if clashing.is_none() && beside >= most {
        return Err(Refusal::too_many_commands(most));
    }
    let object = state.command_object(&command);
    let status = match clashing {
        Some(index) => {
            state.commands[index] = command;
            200
        }
        None => {
            state.commands.push(command);
            201
        }
    };
    state.touch();
    Ok(Reply { status, body: object })
}

fn edit(state: &mut State, call: &Call, id: Snowflake, guild_only: bool) -> Answer {
    let index = index_of(state, id, guild_only)?;
    let mut spec = state.commands[index].spec.clone();
    for (key, value) in crate::refusal::fields(&call.body) {
        spec[key] = value;
    }
    validate::command::one(&spec)?;
    let command = &mut state.commands[index];
    command.spec = spec;
    command.version = Snowflake::next();
    state.touch();
    Ok(Reply::ok(state.command_object(&state.commands[index])))
}
