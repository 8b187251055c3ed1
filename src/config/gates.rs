//! `gates.toml`: what agents may do without asking, beside the user's own `gander.toml`. Never one
//! of a working directory: agents write there.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::Error as _;

use super::words::word;
use super::{ConfigError, read, user_file, wrong};
use crate::core::decision::{Kind, Risk};
use crate::core::gate::pattern::{CommandPattern, PathPattern};
use crate::core::gate::rules::{Does, Place, Rule};
use crate::engine::gates::Rulebook;

/// The name of the file.
pub const FILE: &str = "gates.toml";

/// What is written by `gander gate install`, and holds where there is no file.
pub const DEFAULTS: &str = include_str!("gates.toml");

/// The rules as the file has them: that beside this configuration, or the user's own.
#[derive(Debug, Clone)]
pub struct RulesFile(pub Option<PathBuf>);

impl Rulebook for RulesFile {
    fn rules(&self) -> Result<Vec<Rule>, String> {
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
struct Row(Rule);

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
        new(text).ok_or_else(|| {
            D::Error::custom("a pattern is empty: write what it is like, or leave it out")
        })
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
            DoesWord::Allow => Does::Allow,
            DoesWord::Ask => Does::Ask,
            DoesWord::Deny => Does::Deny,
        };
        if does != Does::Ask && (written.risk.is_some() || written.kind.is_some()) {
            return Err(
                "risk and kind are of what is asked: leave them out, or write do = \"ask\"",
            );
        }
        if does == Does::Allow && !written.commands.is_empty() && !written.paths.is_empty() {
            return Err(
                "a rule that allows commands cannot know their files: leave the paths out, and ask about those in a rule before it",
            );
        }
        if written.place.is_some() && !written.commands.is_empty() {
            return Err(
                "where is for tools that name files, and nothing knows where a command goes: leave one of them out",
            );
        }
        let place = written.place.map(|place| match place {
            PlaceWord::Inside => Place::Inside,
            PlaceWord::Outside => Place::Outside,
        });
        Ok(Self(Rule {
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

/// Where the rules of gates lie: beside the user's own configuration, which may be named.
///
/// # Errors
/// [`ConfigError::NoHome`].
pub fn file(config: Option<&Path>) -> Result<PathBuf, ConfigError> {
    Ok(match config {
        Some(config) => config.with_file_name(FILE),
        None => user_file()?.with_file_name(FILE),
    })
}

/// The rules: those of the file, or the usual ones where there is none.
///
/// # Errors
/// [`ConfigError`] with file, line and what to do.
pub fn load(config: Option<&Path>) -> Result<Vec<Rule>, ConfigError> {
    let path = file(config)?;
    // Only what is not there is not there: a file that cannot be read must not turn into laxer
    // rules.
    match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            understand(Path::new(FILE), DEFAULTS)
        }
        _ => understand(&path, &read(&path)?),
    }
}

fn understand(path: &Path, text: &str) -> Result<Vec<Rule>, ConfigError> {
    let gates: Gates = toml::from_str(text).map_err(|error| wrong(path, text, &error))?;
    Ok(gates.rules.into_iter().map(|row| row.0).collect())
}

#[cfg(test)]
mod tests;
