//! Registered commands and the use of slash commands: which a person is offered, and the
//! interaction data that Discord's app builds from what they typed.

use serde_json::{Map, Value, json};

use crate::mentions::id_of;
use crate::resolve::Resolved;
use crate::server::{Channel, User};
use crate::snowflake::Snowflake;
use crate::state::State;

/// Kinds of command, in Discord's numbers: typed, on a person, on a message.
pub(crate) const SLASH: u64 = 1;
pub(crate) const ON_USER: u64 = 2;
pub(crate) const ON_MESSAGE: u64 = 3;

/// Option types, in Discord's numbers.
pub(crate) const SUB_COMMAND: u64 = 1;
pub(crate) const SUB_COMMAND_GROUP: u64 = 2;
const STRING: u64 = 3;
const INTEGER: u64 = 4;
const BOOLEAN: u64 = 5;
const USER: u64 = 6;
const CHANNEL: u64 = 7;
const ROLE: u64 = 8;
const MENTIONABLE: u64 = 9;
const NUMBER: u64 = 10;

/// A command the bot has registered.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) id: Snowflake,
    /// Registered for the server only, not everywhere.
    pub(crate) guild_only: bool,
    pub(crate) version: Snowflake,
    /// What the bot sent.
    pub(crate) spec: Value,
}

impl Command {
    pub(crate) fn new(spec: Value, guild_only: bool) -> Self {
        Self { id: Snowflake::next(), guild_only, version: Snowflake::next(), spec }
    }

    /// Discord's number for its kind; 1, a slash command, if the bot left it out.
    pub(crate) fn kind(&self) -> u64 {
        self.spec["type"].as_u64().unwrap_or(SLASH)
    }

    pub(crate) fn name(&self) -> &str {
        self.spec["name"].as_str().unwrap_or_default()
    }

    /// Whether two commands cannot stand beside each other.
    pub(crate) fn clashes(&self, other: &Self) -> bool {
        self.guild_only == other.guild_only
            && self.kind() == other.kind()
            && self.name() == other.name()
    }

    /// Whether somebody with these permissions in a channel may use it there.
    pub(crate) fn is_offered(&self, channel: &Channel, permissions: u64) -> bool {
        let context = u64::from(channel.is_dm());
        let here = match self.spec["contexts"].as_array() {
            Some(contexts) => contexts.iter().any(|c| c.as_u64() == Some(context)),
            None => context == 0 || self.spec["dm_permission"] != false,
        };
        here && !(self.guild_only && channel.is_dm()) && (channel.is_dm() || self.lets(permissions))
    }

    /// Whether somebody with these permissions in the server may use it.
    fn lets(&self, permissions: u64) -> bool {
        match self.spec["default_member_permissions"].as_str() {
            None => true,
            // "0" means: nobody but administrators.
            Some("0") => permissions & 1 << 3 != 0,
            Some(bits) => {
                let wanted = bits.parse().unwrap_or(0);
                permissions & wanted == wanted
            }
        }
    }
}

/// A command as a person used it.
#[derive(Debug)]
pub(crate) struct CommandUse {
    /// With its subcommand.
    pub(crate) full_name: String,
    /// The `data` of the interaction.
    pub(crate) data: Value,
}

/// Who uses a command where.
#[derive(Clone, Copy)]
struct Place<'a> {
    user: &'a User,
    channel: &'a Channel,
}

/// The definition a person arrived at after the subcommands.
struct Leaf<'a> {
    /// Names and types of the subcommands on the way.
    path: Vec<(&'a str, u64)>,
    options: &'a [Value],
}

impl State {
    /// A command object.
    pub(crate) fn command_object(&self, command: &Command) -> Value {
        let mut object = json!({
            "type": 1,
            "name_localizations": null,
            "description": "",
            "description_localizations": null,
            "default_member_permissions": null,
            "dm_permission": true,
            "contexts": null,
            "integration_types": [0],
            "nsfw": false,
            "options": [],
        });
        if let Some(fields) = object.as_object_mut() {
            fields.extend(crate::refusal::fields(&command.spec));
            if command.kind() != SLASH {
                fields.remove("options");
                fields.insert("description".to_owned(), json!(""));
            }
        }
        object["id"] = json!(command.id);
        object["application_id"] = json!(self.server.bot.id);
        object["version"] = json!(command.version);
        if command.guild_only {
            object["guild_id"] = json!(self.server.guild_id);
        }
        object
    }

    /// The commands a person may use anywhere.
    pub(crate) fn commands_for(&self, user: &User) -> Vec<Value> {
        let permissions = self.server.guild_permissions(user);
        self.commands
            .iter()
            .filter(|command| command.lets(permissions))
            .map(|command| self.command_object(command))
            .collect()
    }

    /// What Discord's app sends when a person uses a command, or types into its option `focused`.
    pub(crate) fn command_use(
        &self,
        user: &User,
        channel: &Channel,
        name: &str,
        options: &Value,
        focused: Option<&String>,
    ) -> Result<CommandUse, String> {
        let full_name = name.trim_start_matches('/');
        let mut words = full_name.split_whitespace();
        let first = words.next().unwrap_or_default();
        let permissions = self.server.permissions(user, channel);
        let command = self
            .commands
            .iter()
            .filter(|command| command.kind() == SLASH && command.name() == first)
            .find(|command| command.is_offered(channel, permissions))
            .ok_or_else(|| self.not_offered(first))?;
        let leaf = descend(&command.spec, words)?;
        let empty = Map::new();
        let given = match options {
            Value::Null => &empty,
            Value::Object(given) => given,
            other => return Err(format!("options must be an object, not {other}")),
        };
        let mut resolved = Resolved::default();
        let place = Place { user, channel };
        let filled = self.fill(&leaf, given, focused, place, &mut resolved)?;
        let mut data = json!({
            "id": command.id,
            "name": first,
            "type": SLASH,
            "options": wrap(filled, &leaf.path),
        });
        if !resolved.is_empty() {
            data["resolved"] = resolved.into_value();
        }
        if command.guild_only {
            data["guild_id"] = json!(self.server.guild_id);
        }
        Ok(CommandUse { full_name: full_name.to_owned(), data })
    }

    fn not_offered(&self, name: &str) -> String {
        let typed = self.commands.iter().filter(|command| command.kind() == SLASH);
        let names: Vec<_> = typed.map(Command::name).collect();
        format!("no command /{name} is offered here; registered are: {names:?}")
    }

    /// The options as the interaction has them.
    fn fill(
        &self,
        leaf: &Leaf<'_>,
        given: &Map<String, Value>,
        focused: Option<&String>,
        place: Place<'_>,
        resolved: &mut Resolved,
    ) -> Result<Vec<Value>, String> {
        let names = || leaf.options.iter().filter_map(|o| o["name"].as_str());
        if let Some(stray) = given.keys().chain(focused).find(|n| !names().any(|o| o == *n)) {
            let known: Vec<_> = names().collect();
            return Err(format!("there is no option {stray}; there are {known:?}"));
        }
        let mut filled = Vec::new();
        for option in leaf.options {
            let name = option["name"].as_str().unwrap_or_default();
            let kind = option["type"].as_u64().unwrap_or_default();
            let is_focused = focused.is_some_and(|focused| focused == name);
            match given.get(name) {
                _ if is_focused => filled.push(focus(option, name, kind, given.get(name))?),
                Some(value) => {
                    let value = self.typed(option, value, place, resolved)?;
                    filled.push(json!({ "name": name, "type": kind, "value": value }));
                }
                None if focused.is_none() && option["required"] == true => {
                    return Err(format!("the option {name} is required"));
                }
                None => {}
            }
        }
        Ok(filled)
    }

    /// A value in the type of its option, with what it refers to added to `resolved`.
    fn typed(
        &self,
        option: &Value,
        value: &Value,
        place: Place<'_>,
        resolved: &mut Resolved,
    ) -> Result<Value, String> {
        let name = option["name"].as_str().unwrap_or_default();
        let kind = option["type"].as_u64().unwrap_or_default();
        let fits = match kind {
            STRING => value.is_string(),
            INTEGER => value.is_i64(),
            BOOLEAN => value.is_boolean(),
            NUMBER => value.is_number(),
            USER | CHANNEL | ROLE | MENTIONABLE => {
                return self.refer(option, value, place, resolved);
            }
            _ => return Err(format!("options of type {kind} are not simulated")),
        };
        if !fits {
            return Err(format!("{value} does not fit the option {name}"));
        }
        check_bounds(option, name, value)?;
        Ok(value.clone())
    }

    /// An id of a person, role or channel.
    fn refer(
        &self,
        option: &Value,
        value: &Value,
        place: Place<'_>,
        resolved: &mut Resolved,
    ) -> Result<Value, String> {
        let nothing = || format!("{value} is not valid for the option {}", option["name"]);
        let id = id_of(value).ok_or_else(nothing)?;
        let kind = option["type"].as_u64();
        let server = &self.server;
        if let (Some(USER | MENTIONABLE), Some(user)) = (kind, server.user(id)) {
            resolved.user(self, user, place.channel);
        } else if let (Some(ROLE | MENTIONABLE), Some(role)) = (kind, server.role(id)) {
            resolved.role(self, role);
        } else if let (Some(CHANNEL), Some(channel)) = (kind, server.channel(id)) {
            resolved.channel(self, channel, place.user);
        } else {
            return Err(nothing());
        }
        Ok(json!(id))
    }
}

/// Follows the subcommands to the options.
fn descend<'a>(spec: &'a Value, words: impl Iterator<Item = &'a str>) -> Result<Leaf<'a>, String> {
    let options_of = |value: &'a Value| value["options"].as_array().map_or(&[][..], Vec::as_slice);
    let is_sub =
        |option: &Value| matches!(option["type"].as_u64(), Some(SUB_COMMAND | SUB_COMMAND_GROUP));
    let mut leaf = Leaf { path: Vec::new(), options: options_of(spec) };
    for word in words {
        let next = leaf.options.iter().find(|o| is_sub(o) && o["name"] == word);
        let next = next.ok_or_else(|| format!("there is no subcommand {word}"))?;
        leaf.path.push((word, next["type"].as_u64().unwrap_or_default()));
        leaf.options = options_of(next);
    }
    if leaf.options.iter().any(is_sub) {
        let names: Vec<_> = leaf.options.iter().map(|o| &o["name"]).collect();
        return Err(format!("a subcommand is needed, one of {names:?}"));
    }
    Ok(leaf)
}

/// Puts the options under their subcommands.
fn wrap(filled: Vec<Value>, path: &[(&str, u64)]) -> Vec<Value> {
    path.iter().rev().fold(filled, |options, (name, kind)| {
        vec![json!({ "name": name, "type": kind, "options": options })]
    })
}

/// The option that is being typed into.
fn focus(option: &Value, name: &str, kind: u64, value: Option<&Value>) -> Result<Value, String> {
    if option["autocomplete"] != true {
        return Err(format!("the option {name} has no autocomplete"));
    }
    let text = match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    Ok(json!({ "name": name, "type": kind, "value": text, "focused": true }))
}

fn check_bounds(option: &Value, name: &str, value: &Value) -> Result<(), String> {
    if let Some(choices) = option["choices"].as_array().filter(|c| !c.is_empty())
        && !choices.iter().any(|choice| choice["value"] == *value)
    {
        return Err(format!("{value} is not a choice of the option {name}"));
    }
    let (size, least, most) = match value.as_str() {
        Some(text) => {
            let most = option["max_length"].as_f64().unwrap_or(6_000.0);
            (Some(text.chars().count() as f64), option["min_length"].as_f64(), Some(most))
        }
        None => (value.as_f64(), option["min_value"].as_f64(), option["max_value"].as_f64()),
    };
    let Some(size) = size else { return Ok(()) };
    if least.is_some_and(|least| size < least) || most.is_some_and(|most| size > most) {
        return Err(format!("{value} is out of the bounds of the option {name}"));
    }
    Ok(())
}
