//! `gander.toml`: the user's own file, and the file of a working directory.
//!
//! Agents run as the same user in directories that they may write to. So approvers, policy,
//! channels and the store come from the user's own file only; a `gander.toml` in the working
//! directory sets the project and defaults for asking, nothing else. Unknown fields are rejected
//! with the line and the nearest known name. No configuration file contains secrets.

mod auto_approval;
mod availability;
mod batch;
mod channels;
mod escalation;
mod file;
pub mod gates;
mod grants;
pub mod health;
pub mod http;
mod jobs;
mod place;
mod presence;
pub mod reload;
pub mod resume;
mod sources;
mod values;
mod work;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use self::file::UserFile;
pub use self::sources::{AlertmanagerSettings, GithubSettings, ReceiverSettings};
pub use self::values::TimeSpan;
use self::values::word;
pub use self::work::{WorkConfig, WorkTerms};
use crate::core::availability::presence::PresenceSettings;
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Kind, Priority, Risk, SafeDefault};
use crate::core::policy::claims::Claims;
use crate::core::policy::rules::Rules;
use crate::core::values::did_you_mean::did_you_mean;
use crate::disk::{self, Folder};
use crate::sources::SourceSettings;
use crate::surfaces::discord::Channels;

/// The file's name, in the user's configuration folder and in working directories.
pub const FILE: &str = "gander.toml";

/// Size limit in bytes of a working directory's file, which has eight short settings at most.
const LONGEST_ASK_DEFAULTS: u64 = 64 << 10;

/// The user's own configuration.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The file; `None` if no file exists and the defaults apply.
    pub file: Option<PathBuf>,
    /// Approvers, policy, escalation and availability.
    pub rules: Rules,
    /// The Discord channels for cards and digests.
    pub channels: Channels,
    /// The Discord server, if the bot is in several servers.
    pub guild: Option<u64>,
    /// The store's file.
    pub store: Option<PathBuf>,
    /// Folders and commands from which decisions come.
    pub sources: SourceSettings,
    /// Webhooks from which decisions come.
    pub webhooks: ReceiverSettings,
    /// The format of the log.
    pub log: LogFormat,
    /// The person giving verdicts at the terminal; `None`: terminal verdicts are off.
    pub terminal: Option<Voter>,
    /// Channels beyond Discord to notify people.
    pub external_channels: crate::channels::ChannelSettings,
    /// Folders whose project the user has set.
    pub folders: Vec<ProjectFolder>,
    /// How to see a person at the desk. Absent: nobody is.
    pub presence: Option<PresenceSettings>,
    /// Addresses for agents and programs.
    pub http: crate::surfaces::http::HttpSettings,
    /// How agents that ended are started again.
    pub resume: resume::ResumeSettings,
    /// How workers work.
    pub work: WorkConfig,
}

/// A folder of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFolder {
    /// The folder. Absolute.
    pub folder: PathBuf,
    /// The project of everything in the folder.
    pub project: String,
}

impl Config {
    /// The project that the user has set for a folder, or for a folder around it: the innermost
    /// one counts. Links are followed, because a link's name says nothing about its target.
    #[must_use]
    pub fn project_of(&self, folder: &Path) -> Option<&str> {
        let real = |folder: &Path| folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let folder = real(folder);
        let around = |mapped: &&ProjectFolder| folder.starts_with(real(&mapped.folder));
        let mapped = self.folders.iter().filter(around);
        let innermost = mapped.max_by_key(|mapped| real(&mapped.folder).as_os_str().len());
        innermost.map(|mapped| mapped.project.as_str())
    }
}

/// The folders in which the person lets agents be started again: those of projects, and those of
/// `[resume]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedFolders(Vec<PathBuf>);

impl NamedFolders {
    /// The innermost of these folders around a folder, without links. `folder`: a path without
    /// links.
    #[must_use]
    pub fn around(&self, folder: &Path) -> Option<PathBuf> {
        let real = self.0.iter().filter_map(|named| named.canonicalize().ok());
        real.filter(|named| folder.starts_with(named)).max_by_key(|named| named.as_os_str().len())
    }
}

impl Config {
    /// See [`NamedFolders`].
    #[must_use]
    pub fn named_folders(&self) -> NamedFolders {
        let projects = self.folders.iter().map(|mapped| mapped.folder.clone());
        NamedFolders(projects.chain(self.resume.folders.iter().cloned()).collect())
    }
}

/// The format of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: a JSON object per line.
    Json,
}

impl std::str::FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is not a log format: write text or json")),
        }
    }
}

/// Defaults for asking, from the working directory's file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskDefaults {
    /// The project.
    pub project: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The agent's name.
    pub agent: Option<String>,
    /// The risk.
    #[serde(deserialize_with = "word")]
    pub risk: Option<Risk>,
    /// The priority.
    #[serde(deserialize_with = "word")]
    pub priority: Option<Priority>,
    /// The SLA.
    pub sla: Option<TimeSpan>,
    /// The safe default.
    #[serde(deserialize_with = "word")]
    pub default: Option<SafeDefault>,
}

impl AskDefaults {
    /// The settings that bear on how a question is decided.
    #[must_use]
    pub fn claims(&self) -> Claims {
        Claims {
            project: self.project.clone(),
            kind: self.kind.clone().map(Kind::from),
            risk: self.risk,
            sla_seconds: self.sla.map(|sla| sla.0),
            safe_default: self.default,
        }
    }
}

/// A configuration error: where, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error text.
        why: String,
    },
    /// The file has an error.
    #[error("{}:{line}: {what}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The problem and the remedy.
        what: String,
    },
    /// The home directory is unknown.
    #[error(
        "there is no home directory for configuration and state: give --config FILE and --store \
         FILE"
    )]
    NoHome,
}

impl ConfigError {
    /// The error with the file's name only: a surface must not reveal the path.
    #[must_use]
    pub fn brief(&self) -> String {
        let name = |path: &Path| {
            path.file_name().map_or_else(|| FILE.into(), |name| name.to_string_lossy().into_owned())
        };
        match self {
            Self::Unreadable { path, why } => format!("{}: {why}", name(path)),
            Self::Wrong { path, line, what } => format!("{}:{line}: {what}", name(path)),
            Self::NoHome => self.to_string(),
        }
    }
}

fn folders() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "gander")
}

/// Path of the user's own configuration: `~/.config/gander/gander.toml` on Linux.
///
/// # Errors
/// [`ConfigError::NoHome`].
pub fn user_file() -> Result<PathBuf, ConfigError> {
    folders().map(|folders| folders.config_dir().join(FILE)).ok_or(ConfigError::NoHome)
}

/// Default path of the store: `~/.local/state/gander/gander.db` on Linux.
///
/// # Errors
/// [`ConfigError::NoHome`].
pub fn default_store_path() -> Result<PathBuf, ConfigError> {
    let folders = folders().ok_or(ConfigError::NoHome)?;
    Ok(folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).join("gander.db"))
}

/// Reads the user's own configuration: the named file, or else the default file if present.
///
/// # Errors
/// [`ConfigError`] with file, line and remedy.
pub fn load(named: Option<&Path>) -> Result<Config, ConfigError> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => match user_file() {
            Ok(path) if path.exists() => path,
            _ => return Ok(without_file()),
        },
    };
    understand(&path, &read(&path)?)
}

/// As [`load`] with a named file, or the defaults if the file does not exist.
///
/// # Errors
/// As [`load`].
pub fn load_if_present(path: &Path) -> Result<Config, ConfigError> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(without_file()),
        _ => understand(path, &read(path)?),
    }
}

/// The configuration without a file.
fn without_file() -> Config {
    Config { rules: Rules { zone: local_zone(), ..Rules::default() }, ..Config::default() }
}

fn understand(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let file: UserFile = toml::from_str(text).map_err(|error| wrong(path, text, &error))?;
    file.into_config(path.to_owned(), text)
}

/// Reads the defaults for asking from the working directory. Skips the user's own file, to avoid
/// reading the file twice.
///
/// # Errors
/// [`ConfigError`] with file, line and remedy.
pub fn load_ask_defaults(folder: &Path, user: Option<&Path>) -> Result<AskDefaults, ConfigError> {
    let path = folder.join(FILE);
    let is_same = |other: &Path| {
        path.canonicalize().is_ok_and(|real| other.canonicalize().is_ok_and(|other| other == real))
    };
    if user.is_some_and(is_same) {
        return Ok(AskDefaults::default());
    }
    // The folder may be a repository of strangers, so its file must be a regular file of its own.
    let read = Folder::open(folder)
        .and_then(|folder| folder.read_text(Path::new(FILE), LONGEST_ASK_DEFAULTS));
    let text = match read {
        Ok(text) => text,
        Err(error) if error.is_absence() => return Ok(AskDefaults::default()),
        Err(error) => return Err(ConfigError::Unreadable { path, why: error.to_string() }),
    };
    toml::from_str(&text).map_err(|error| match wrong(&path, &text, &error) {
        ConfigError::Wrong { path, line, what } => ConfigError::Wrong {
            path,
            line,
            what: format!(
                "{what} (a {FILE} in a working directory may only set the project and defaults \
                 for asking; approvers, channels, policy and the store belong in your own \
                 configuration, {})",
                user_file().map_or_else(
                    |_| "named with --config".into(),
                    |path| path.display().to_string()
                )
            ),
        },
        other => other,
    })
}

/// Reads a file of the person's.
fn read(path: &Path) -> Result<String, ConfigError> {
    disk::read_own_text(path, disk::LONGEST_SETTINGS)
        .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), why: error.to_string() })
}

fn wrong(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let line = error.span().map_or(1, |span| line_at(text, span.start));
    ConfigError::Wrong { path: path.to_owned(), line, what: did_you_mean(error.message()) }
}

/// The line, from 1, of a byte offset.
fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}

/// The machine's time zone; UTC if unknown.
fn local_zone() -> chrono_tz::Tz {
    iana_time_zone::get_timezone().ok().and_then(|name| name.parse().ok()).unwrap_or(chrono_tz::UTC)
}

/// Resolves a path of the file: `~` is the home directory, and relative paths start at the file's
/// folder.
fn resolve(folder: &Path, path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), directories::BaseDirs::new()) {
        (Ok(rest), Some(base)) => base.home_dir().join(rest),
        _ => folder.join(path),
    }
}
