//! Registered commands and the use of slash commands: which a person is offered, and the
//! interaction data that Discord's app builds from what they typed.

use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::mentions::id_of;
use crate::model::{Application, Channel, Place, User};
use crate::permissions::USE_APPLICATION_COMMANDS;
use crate::resolve::Resolved;
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
const ATTACHMENT: u64 = 11;

/// A command the bot has registered.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) id: Snowflake,
    pub(crate) scope: Scope,
    pub(crate) version: Snowflake,
    /// What the bot sent.
    pub(crate) spec: Value,
}

/// Where a command is registered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scope {
    /// Everywhere.
    Global,
    /// In one guild.
    Guild(Snowflake),
}

impl Scope {
    /// The guild, of a command that is registered in one.
    pub(crate) fn guild(self) -> Option<Snowflake> {
        match self {
            Self::Global => None,
            Self::Guild(guild) => Some(guild),
        }
    }
}

impl Command {
    pub(crate) fn new(clock: &Clock, spec: Value, scope: Scope) -> Self {
        Self { id: clock.next_id(), scope, version: clock.next_id(), spec }
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
        self.scope == other.scope && self.kind() == other.kind() && self.name() == other.name()
    }

    /// Whether somebody with these permissions in a channel may use it there.
    pub(crate) fn is_offered(&self, channel: &Channel, permissions: u64) -> bool {
        let context = u64::from(channel.is_dm());
        let here = match self.spec["contexts"].as_array() {
            Some(contexts) => contexts.iter().any(|c| c.as_u64() == Some(context)),
            None => context == 0 || self.spec["dm_permission"] != false,
        };
        let in_scope = self.scope.guild().is_none_or(|guild| channel.guild() == Some(guild));
        here && in_scope && (channel.is_dm() || self.lets(permissions))
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
    /// The application whose command it is.
    pub(crate) application: Snowflake,
    /// With its subcommand.
    pub(crate) full_name: String,
    /// The `data` of the interaction.
    pub(crate) data: Value,
}

/// Who uses a command where, and which.
#[derive(Clone, Copy)]
pub(crate) struct Typed<'a> {
    pub(crate) user: &'a User,
    pub(crate) channel: &'a Channel,
    pub(crate) name: &'a str,
    /// The bot that is meant, by its name; `None`: the first one that offers such a command.
    pub(crate) bot: Option<&'a str>,
}

/// The definition a person arrived at after the subcommands.
struct Leaf<'a> {
    /// Names and types of the subcommands on the way.
    path: Vec<(&'a str, u64)>,
    options: &'a [Value],
}

impl State {
    /// A command object.
    pub(crate) fn command_object(&self, application: Snowflake, command: &Command) -> Value {
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
        object["application_id"] = json!(application);
        object["version"] = json!(command.version);
        if let Some(guild) = command.scope.guild() {
            object["guild_id"] = json!(guild);
        }
        object
    }

    /// The commands a person may use anywhere.
    pub(crate) fn commands_for(&self, user: &User) -> Vec<Value> {
        let all = self.realm.applications.iter();
        all.flat_map(|application| {
            let commands = application.commands.iter();
            commands
                .filter(|command| self.is_open_to(application, command, user))
                .map(|command| self.command_object(application.id(), command))
        })
        .collect()
    }

    /// Whether a person may use a command somewhere.
    fn is_open_to(&self, application: &Application, command: &Command, user: &User) -> bool {
        let guilds = self.realm.guilds_of(application.id());
        let mut guilds = guilds
            .filter(|guild| command.scope.guild().is_none_or(|only| only == guild.id))
            .map(|guild| self.realm.guild_permissions(guild, user.id));
        guilds.any(|permissions| command.lets(permissions))
    }

    /// The applications whose bots are in a channel's guild or direct message, or the one of them
    /// that is meant by its name.
    pub(crate) fn applications_at<'a>(
        &'a self,
        channel: &'a Channel,
        bot: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Application> {
        let guild = self.realm.guild_of(channel);
        let all = self.realm.applications.iter();
        all.filter(move |application| match &channel.place {
            Place::Dm { application: id, .. } => *id == application.id(),
            _ => guild.is_some_and(|guild| guild.has(application.id())),
        })
        .filter(move |application| bot.is_none_or(|name| application.bot.name == name))
    }

    /// The first application here that offers a person a command of a kind and name.
    pub(crate) fn offered<'a>(
        &'a self,
        kind: u64,
        use_of: Typed<'a>,
    ) -> Option<(Snowflake, &'a Command)> {
        let permissions = self.realm.permissions(use_of.user, use_of.channel);
        if !use_of.channel.is_dm() && permissions & USE_APPLICATION_COMMANDS == 0 {
            return None;
        }
        self.applications_at(use_of.channel, use_of.bot).find_map(|application| {
            let mut commands = application.commands.iter();
            let command = commands.find(|command| {
                command.kind() == kind
                    && command.name() == use_of.name
                    && command.is_offered(use_of.channel, permissions)
            })?;
            Some((application.id(), command))
        })
    }

    /// The names of the commands of a kind that are registered by applications in a channel.
    pub(crate) fn registered<'a>(&'a self, kind: u64, channel: &'a Channel) -> Vec<&'a str> {
        self.applications_at(channel, None)
            .flat_map(|application| &application.commands)
            .filter(|command| command.kind() == kind)
            .map(Command::name)
            .collect()
    }

    /// What Discord's app sends when a person uses a command, or types into its option `focused`.
    pub(crate) fn command_use(
        &self,
        typed: Typed<'_>,
        options: &Value,
        focused: Option<&String>,
    ) -> Result<CommandUse, String> {
        let full_name = typed.name.trim_start_matches('/');
        let mut words = full_name.split_whitespace();
        let first = words.next().unwrap_or_default();
        let typed = Typed { name: first, ..typed };
        let (application, command) =
            self.offered(SLASH, typed).ok_or_else(|| self.not_offered(typed))?;
        let leaf = descend(&command.spec, words)?;
        let empty = Map::new();
        let given = match options {
            Value::Null => &empty,
            Value::Object(given) => given,
            other => return Err(format!("options must be an object, not {other}")),
        };
        let mut resolved = Resolved::default();
        let filled = self.fill(&leaf, given, focused, typed, &mut resolved)?;
        let mut data = json!({
            "id": command.id,
            "name": first,
            "type": SLASH,
            "options": wrap(filled, &leaf.path),
        });
        if !resolved.is_empty() {
            data["resolved"] = resolved.into_value();
        }
        if let Some(guild) = command.scope.guild() {
            data["guild_id"] = json!(guild);
        }
        Ok(CommandUse { application, full_name: full_name.to_owned(), data })
    }

    fn not_offered(&self, typed: Typed<'_>) -> String {
        let names = self.registered(SLASH, typed.channel);
        format!("no command /{} is offered here; registered are: {names:?}", typed.name)
    }

    /// The options as the interaction has them.
    fn fill(
        &self,
        leaf: &Leaf<'_>,
        given: &Map<String, Value>,
        focused: Option<&String>,
        place: Typed<'_>,
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
        place: Typed<'_>,
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
            ATTACHMENT => {
                let file = self.uploaded(value);
                let file = file.ok_or_else(|| format!("the option {name} needs a file"))?;
                resolved.attachment(&file);
                return Ok(json!(file.id));
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
        place: Typed<'_>,
        resolved: &mut Resolved,
    ) -> Result<Value, String> {
        let nothing = || format!("{value} is not valid for the option {}", option["name"]);
        let id = id_of(value).ok_or_else(nothing)?;
        let kind = option["type"].as_u64();
        let realm = &self.realm;
        let guild = realm.guild_of(place.channel);
        let role = guild.and_then(|guild| Some((guild, guild.role(id)?)));
        let channel = realm.channel(id).filter(|channel| {
            channel.guild().is_some() && channel.guild() == place.channel.guild()
        });
        if let (Some(USER | MENTIONABLE), Some(user)) = (kind, realm.user(id)) {
            resolved.user(self, user, place.channel);
        } else if let (Some(ROLE | MENTIONABLE), Some((guild, role))) = (kind, role) {
            resolved.role(self, guild, role);
        } else if let (Some(CHANNEL), Some(channel)) = (kind, channel) {
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
