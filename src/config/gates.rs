//! `gates.toml`: rules for tool calls of agents. The file is beside the user's own `gander.toml`,
//! never in a working directory, because agents write there.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::Error as _;

use super::values::word;
use super::{ConfigError, read, user_file, wrong};
use crate::core::decision::{Kind, Risk};
use crate::core::gate::pattern::{CommandPattern, PathPattern};
use crate::core::gate::rules::{FileLocation, GateRule, RuleEffect};
use crate::engine::approvals::gates::RuleSource;

/// The file's name.
pub const FILE: &str = "gates.toml";

/// Written by `gander gate install`; also applies without a file.
pub const DEFAULTS: &str = include_str!("gates.toml");

/// The rules of the file beside this configuration file, or beside the user's own if `None`. Read
/// from disk at every call.
#[derive(Debug, Clone)]
pub struct RulesFile(pub Option<PathBuf>);

impl RuleSource for RulesFile {
    fn rules(&self) -> Result<Vec<GateRule>, String> {
        load(self.0.as_deref()).map_err(|error| error.to_string())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Gates {
    rules: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
struct Row(GateRule);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "do")]
    does: DoesWord,
    #[serde(default)]
    tools: Vec<String>,
    #[serde(default, deserialize_with = "commands")]
    commands: Vec<CommandPattern>,
    #[serde(default, deserialize_with = "paths")]
    paths: Vec<PathPattern>,
    #[serde(default, rename = "where")]
    place: Option<PlaceWord>,
    #[serde(default, deserialize_with = "word")]
    risk: Option<Risk>,
    kind: Option<String>,
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DoesWord {
    Allow,
    Ask,
    Deny,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PlaceWord {
    Inside,
    Outside,
}

fn patterns<'de, D: serde::Deserializer<'de>, T>(
    deserializer: D,
    new: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, D::Error> {
    let written = Vec::<String>::deserialize(deserializer)?;
    let pattern = |text: &String| {
        new(text).ok_or_else(|| D::Error::custom("a pattern is empty: write one, or leave it out"))
    };
    written.iter().map(pattern).collect()
}

fn commands<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<CommandPattern>, D::Error> {
    patterns(deserializer, CommandPattern::new)
}

fn paths<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<PathPattern>, D::Error> {
    patterns(deserializer, PathPattern::new)
}

impl TryFrom<Written> for Row {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let does = match written.does {
            DoesWord::Allow => RuleEffect::Allow,
            DoesWord::Ask => RuleEffect::Ask,
            DoesWord::Deny => RuleEffect::Deny,
        };
        if does != RuleEffect::Ask && (written.risk.is_some() || written.kind.is_some()) {
            return Err(
                "risk and kind are only for do = \"ask\": leave them out, or write do = \"ask\"",
            );
        }
        if does == RuleEffect::Allow && !written.commands.is_empty() && !written.paths.is_empty() {
            return Err(
                "a rule that allows commands cannot have paths, because a command's files are \
                 unknown: leave the paths out, and ask about them in an earlier rule",
            );
        }
        if written.place.is_some() && !written.commands.is_empty() {
            return Err(
                "where is only for tools that name files, not for commands: leave one of them out",
            );
        }
        let place = written.place.map(|place| match place {
            PlaceWord::Inside => FileLocation::Inside,
            PlaceWord::Outside => FileLocation::Outside,
        });
        Ok(Self(GateRule {
            does,
            tools: written.tools,
            commands: written.commands,
            paths: written.paths,
            place,
            risk: written.risk,
            kind: written.kind.map(Kind::from),
            reason: written.reason,
        }))
    }
}

/// Path of the gate rules: beside `config`, or beside the user's own configuration.
///
/// # Errors
/// [`ConfigError::NoHome`].
pub fn file(config: Option<&Path>) -> Result<PathBuf, ConfigError> {
    Ok(match config {
        Some(config) => config.with_file_name(FILE),
        None => user_file()?.with_file_name(FILE),
    })
}

/// The rules of the file, or [`DEFAULTS`] if no file exists.
///
/// # Errors
/// [`ConfigError`] with file, line and remedy.
pub fn load(config: Option<&Path>) -> Result<Vec<GateRule>, ConfigError> {
    let path = file(config)?;
    // Only a missing file means the defaults: an unreadable file must not lead to laxer rules.
    match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            understand(Path::new(FILE), DEFAULTS)
        }
        _ => understand(&path, &read(&path)?),
    }
}

fn understand(path: &Path, text: &str) -> Result<Vec<GateRule>, ConfigError> {
    let gates: Gates = toml::from_str(text).map_err(|error| wrong(path, text, &error))?;
    Ok(gates.rules.into_iter().map(|row| row.0).collect())
}

#[cfg(test)]
mod granting_tests;
#[cfg(test)]
mod place_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod widening_tests;
