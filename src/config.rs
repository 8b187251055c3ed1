//! `gander.toml`: the user's own file, and the file of a working directory.
//!
//! Agents run as the same user in directories that they may write to. So approvers, policy,
//! channels and the store come from the user's own file only; a `gander.toml` in the working
//! directory sets the project and defaults for asking, nothing else. Unknown fields are rejected
//! with the line and the nearest known name. No configuration file contains secrets.

mod batch;
pub mod checkup;
mod confidence;
pub mod gates;
pub mod http;
mod ladder;
mod people;
pub mod reload;
mod ways;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde::Deserialize;
use toml::Spanned;

use self::batch::{AskedOnceMore, Batch};
use self::ladder::Ladders;
pub use self::words::Span;
use self::words::{ByRisk, Id, RiskWord, word};
use crate::core::decision::{DeferLimits, Kind, Person, Priority, Risk, SafeDefault};
use crate::core::ladder::Ladder;
use crate::core::nearest::did_you_mean;
use crate::core::permission::{ApproverRule, Role, Voter};
use crate::core::policy::{Rule, Rules, project_name};
use crate::sources::WatchedFolder;
use crate::sources::inbox::DropFolder;
use crate::surfaces::discord::Channels;

/// The file's name, in the user's configuration folder and in working directories.
pub const FILE: &str = "gander.toml";

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
    /// Folders in which agents write their state.
    pub watch: Vec<WatchedFolder>,
    /// The format of the log.
    pub log: LogFormat,
    /// Folders into which agents write questions.
    pub inbox: Vec<DropFolder>,
    /// The person giving verdicts at the terminal; `None`: terminal verdicts are off.
    pub terminal: Option<Voter>,
    /// Channels beyond Discord to notify people.
    pub ways: crate::channels::Settings,
    /// Addresses for agents and programs.
    pub http: crate::surfaces::http::Settings,
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
            other => Err(format!("{other:?} is no format of the log: write text or json")),
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
    pub sla: Option<Span>,
    /// The safe default.
    #[serde(deserialize_with = "word")]
    pub default: Option<SafeDefault>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct UserFile {
    time_zone: Option<String>,
    store: Option<PathBuf>,
    discord: Discord,
    projects: BTreeMap<String, Project>,
    kinds: BTreeMap<String, Limits>,
    approvers: Vec<Approvers>,
    policy: Policy,
    watch: Vec<Watch>,
    log: Log,
    inbox: Vec<Watch>,
    terminal: Option<Terminal>,
    ladders: BTreeMap<String, Vec<ladder::Written>>,
    people: Vec<people::Row>,
    batch: Batch,
    confidence: confidence::Confidence,
    review: confidence::Review,
    digest: confidence::Digest,
    ntfy: Option<ways::Ntfy>,
    twilio: Option<ways::Twilio>,
    webhooks: Vec<ways::Webhook>,
    desktop: Option<ways::Desktop>,
    guard: AskedOnceMore,
    http: http::Http,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Log {
    #[serde(deserialize_with = "word")]
    format: Option<LogFormat>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Discord {
    guild: Option<Id>,
    channel: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Project {
    channel: Option<String>,
    #[serde(deserialize_with = "word")]
    risk: Option<Risk>,
    sla: Option<Span>,
    allow_default_approve: bool,
    approvals: Option<u32>,
    ladder: Option<String>,
    batch: Option<bool>,
    route_by_confidence: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    #[serde(deserialize_with = "word")]
    risk: Option<Risk>,
    sla: Option<Span>,
    allow_default_approve: bool,
    approvals: Option<u32>,
    ladder: Option<String>,
    route_by_confidence: Option<Spanned<bool>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Approvers {
    users: Vec<Id>,
    roles: Vec<String>,
    projects: Vec<String>,
    kinds: Vec<String>,
    risks: Vec<RiskWord>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    sla: Option<Span>,
    sla_floor: Option<Span>,
    sla_by_risk: ByRisk<Span>,
    ladder: Option<String>,
    ladder_by_risk: ByRisk<String>,
    defer_times: Option<u32>,
    defer_longest: Option<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Watch {
    path: PathBuf,
    project: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Terminal {
    user: Option<Id>,
    name: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

impl Terminal {
    /// The person at the terminal. Without approvers, the author of this file has the rights of the
    /// application's owner.
    fn into_voter(self, owner: bool) -> Result<Voter, String> {
        let (Some(Id(user)), Some(name)) =
            (self.user, self.name.filter(|name| !name.trim().is_empty()))
        else {
            return Err(
                "[terminal] says who gives verdicts there: it needs user, a Discord id, and name"
                    .into(),
            );
        };
        let role = |named: String| Role { id: named.parse().unwrap_or_default(), name: named };
        Ok(Voter {
            person: Person::discord(user, name),
            roles: self.roles.into_iter().map(role).collect(),
            owner,
        })
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
        "there is no home directory to keep configuration and state in: name them with --config FILE and --store FILE"
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
pub fn usual_store() -> Result<PathBuf, ConfigError> {
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
    let same = |other: &Path| path.canonicalize().ok() == other.canonicalize().ok();
    if !path.exists() || user.is_some_and(same) {
        return Ok(AskDefaults::default());
    }
    let text = read(&path)?;
    toml::from_str(&text).map_err(|error| match wrong(&path, &text, &error) {
        ConfigError::Wrong { path, line, what } => ConfigError::Wrong {
            path,
            line,
            what: format!(
                "{what} (a {FILE} in a working directory may only set the project and defaults for asking; approvers, channels, \
                 policy and the store belong into your own, {})",
                user_file().map_or_else(|_| "named with --config".into(), |path| path.display().to_string())
            ),
        },
        other => other,
    })
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
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

impl UserFile {
    fn into_config(mut self, path: PathBuf, text: &str) -> Result<Config, ConfigError> {
        let line_of = |needle: &str| {
            text.lines().position(|line| line.contains(needle)).map_or(1, |index| index + 1)
        };
        let zone = match &self.time_zone {
            None => local_zone(),
            Some(name) => {
                let wrong = |what| ConfigError::Wrong {
                    path: path.clone(),
                    line: line_of("time_zone"),
                    what,
                };
                crate::core::people::time_zone(name).map_err(wrong)?
            }
        };
        if self.approvers.iter().any(|rule| rule.users.is_empty() && rule.roles.is_empty()) {
            return Err(ConfigError::Wrong {
                path,
                line: line_of("approvers"),
                what: "an [[approvers]] names nobody: give it users or roles".into(),
            });
        }
        let terminal = self
            .terminal
            .take()
            .map(|terminal| terminal.into_voter(self.approvers.is_empty()))
            .transpose();
        let terminal = terminal.map_err(|what| ConfigError::Wrong {
            path: path.clone(),
            line: line_of("[terminal]"),
            what,
        })?;
        let people = people::profiles(std::mem::take(&mut self.people), zone);
        let people = people.map_err(|(at, what)| ConfigError::Wrong {
            path: path.clone(),
            line: line_at(text, at.start),
            what,
        })?;
        let wrong_at = |(at, what): (usize, String)| ConfigError::Wrong {
            path: path.clone(),
            line: line_at(text, at),
            what,
        };
        confidence::must_be_routable(
            self.kinds.iter().map(|(name, kind)| (name, kind.route_by_confidence.as_ref())),
        )
        .map_err(wrong_at)?;
        let confidence = self.confidence.thresholds().map_err(|what| ConfigError::Wrong {
            path: path.clone(),
            line: line_of("block_below"),
            what,
        })?;
        let named = |(name, project): (&String, &Project)| {
            Some((project_name(name), project.channel.clone()?))
        };
        let folder = path.parent().unwrap_or_else(|| Path::new(".")).to_owned();
        let hooks = std::mem::take(&mut self.webhooks);
        let unsound = |(what, at): (String, &str)| ConfigError::Wrong {
            path: path.clone(),
            line: line_of(at),
            what,
        };
        let ways = ways::settings(
            self.ntfy.take(),
            self.twilio.take(),
            hooks,
            self.desktop.take(),
            &folder,
        )
        .map_err(unsound)?;
        let http = std::mem::take(&mut self.http).settings(&folder).map_err(unsound)?;
        Ok(Config {
            channels: Channels {
                usual: self.discord.channel.clone(),
                projects: self.projects.iter().filter_map(named).collect(),
                digest: self.digest.channel.clone(),
            },
            guild: self.discord.guild.map(|id| id.0),
            store: self.store.as_ref().map(|store| resolve(&folder, store)),
            watch: self
                .watch
                .iter()
                .map(|w| WatchedFolder {
                    path: resolve(&folder, &w.path),
                    project: w.project.clone(),
                })
                .collect(),
            log: self.log.format.unwrap_or_default(),
            inbox: self
                .inbox
                .iter()
                .map(|i| DropFolder { path: resolve(&folder, &i.path), project: i.project.clone() })
                .collect(),
            terminal,
            rules: Rules {
                people,
                confidence,
                daily: confidence::daily(&self.review, &self.digest),
                ways: crate::channels::ways(&ways),
                ..self.into_rules(zone).map_err(|mistake| ConfigError::Wrong {
                    path: path.clone(),
                    line: line_of(&mistake.needle()),
                    what: mistake.to_string(),
                })?
            },
            ways,
            http,
            file: Some(path),
        })
    }

    fn into_rules(self, zone: chrono_tz::Tz) -> Result<Rules, ladder::Mistake> {
        let usual = Rules::default();
        let ladders = Ladders::new(self.ladders)?;
        let by_name = |name: Option<String>| name.map(|name| ladders.named(&name)).transpose();
        let alone = self.projects.iter().filter(|(_, project)| project.batch == Some(false));
        let batching = self.batch.batching(alone.map(|(name, _)| project_name(name)));
        let mut rules = Rules {
            approvers: self.approvers.into_iter().map(Approvers::into_rule).collect(),
            sla_by_risk: self.policy.sla_by_risk.said().map(|(risk, sla)| (risk, sla.0)).collect(),
            sla_seconds: self.policy.sla.map_or(usual.sla_seconds, |sla| sla.0),
            sla_floor_seconds: self.policy.sla_floor.map_or(usual.sla_floor_seconds, |sla| sla.0),
            ladder: ladders.named(self.policy.ladder.as_deref().unwrap_or(ladder::USUAL))?,
            defer: DeferLimits {
                times: self.policy.defer_times.unwrap_or(usual.defer.times),
                longest: self
                    .policy
                    .defer_longest
                    .and_then(|span| TimeDelta::try_seconds(i64::try_from(span.0).ok()?))
                    .unwrap_or(usual.defer.longest),
            },
            zone,
            batching,
            guard: self.guard.guard(),
            ..usual
        };
        for (risk, name) in self.policy.ladder_by_risk.said() {
            rules.ladder_by_risk.insert(risk, ladders.named(&name)?);
        }
        for (name, p) in self.projects {
            let rule =
                rule(p.risk, p.sla, p.allow_default_approve, p.approvals, by_name(p.ladder)?);
            rules.projects.insert(
                project_name(&name),
                Rule { route_by_confidence: p.route_by_confidence, ..rule },
            );
        }
        for (name, k) in self.kinds {
            let rule =
                rule(k.risk, k.sla, k.allow_default_approve, k.approvals, by_name(k.ladder)?);
            let route_by_confidence = k.route_by_confidence.is_some_and(Spanned::into_inner);
            rules.kinds.insert(Kind::from(name), Rule { route_by_confidence, ..rule });
        }
        Ok(rules)
    }
}

fn rule(
    risk: Option<Risk>,
    sla: Option<Span>,
    allow_default_approve: bool,
    approvals: Option<u32>,
    ladder: Option<Ladder>,
) -> Rule {
    Rule {
        risk,
        sla_seconds: sla.map(|sla| sla.0),
        allow_default_approve,
        approvals,
        ladder,
        ..Rule::default()
    }
}

impl Approvers {
    fn into_rule(self) -> ApproverRule {
        ApproverRule {
            users: self.users.into_iter().map(|id| id.0).collect(),
            roles: self.roles,
            projects: self.projects.iter().map(|name| project_name(name)).collect(),
            kinds: self.kinds.into_iter().map(Kind::from).collect(),
            risks: self.risks.into_iter().filter_map(|risk| risk.0).collect(),
        }
    }
}

/// Resolves a path of the file: `~` is the home directory, and relative paths start at the file's
/// folder.
fn resolve(folder: &Path, path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), directories::BaseDirs::new()) {
        (Ok(rest), Some(base)) => base.home_dir().join(rest),
        _ => folder.join(path),
    }
}
