//! `[[watch]]`, `[[inbox]]`, `[[workrail]]`, `[[wizard]]`, `[[commands]]`, `[github]` and
//! `[alertmanager]`: where decisions come from.
//!
//! Only in the user's own file: a repository must not name a command. Secrets are in the
//! environment or in a file named here.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::place::{Place, WrongValue};
use super::resolve;
use crate::channels::SecretFrom;
use crate::core::policy::rules::project_name;
use crate::sources::command::CommandSource;
use crate::sources::inbox::DropFolder;
use crate::sources::webhooks::{
    AlertmanagerHook, Endpoint, GithubHook, GithubRules, WebhookReceivers,
};
use crate::sources::wizard::WizardFolder;
use crate::sources::workrail::WorkRailFolder;
use crate::sources::{Answering, SourceSettings, WatchedFolder, agent_task};

/// Environment variable with the secret of GitHub's webhooks.
const GITHUB_SECRET: &str = "GANDER_GITHUB_WEBHOOK_SECRET";
/// Environment variable with the token for answers to GitHub.
const GITHUB_TOKEN: &str = "GANDER_GITHUB_TOKEN";
/// Environment variable with the token that Alertmanager sends.
const ALERTMANAGER_TOKEN: &str = "GANDER_ALERTMANAGER_TOKEN";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watch {
    path: PathBuf,
    project: Option<String>,
    #[serde(default)]
    answers: bool,
    #[serde(default)]
    rerun: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inbox {
    path: PathBuf,
    project: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkRail {
    path: Option<PathBuf>,
    project: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wizard {
    path: PathBuf,
    project: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Command {
    name: String,
    command: Vec<String>,
    folder: Option<PathBuf>,
    project: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Github {
    secret_file: Option<PathBuf>,
    token_file: Option<PathBuf>,
    api: Option<Endpoint>,
    project: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    reviewers: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alertmanager {
    token_file: Option<PathBuf>,
    project: Option<String>,
}

/// The webhooks of the file, and where their secrets are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiverSettings {
    /// GitHub's.
    pub github: Option<GithubSettings>,
    /// Alertmanager's.
    pub alertmanager: Option<AlertmanagerSettings>,
}

/// `[github]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubSettings {
    secret: SecretFrom,
    token: SecretFrom,
    api: Endpoint,
    rules: GithubRules,
}

/// `[alertmanager]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertmanagerSettings {
    token: SecretFrom,
    project: String,
}

impl ReceiverSettings {
    /// Whether a webhook is received.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.github.is_some() || self.alertmanager.is_some()
    }

    /// The receivers, with their secrets.
    ///
    /// # Errors
    /// As text: a secret is missing or unreadable.
    pub fn receivers(&self) -> Result<WebhookReceivers, String> {
        let github = |github: &GithubSettings| {
            Ok::<_, String>(GithubHook {
                secret: github
                    .secret
                    .demand("secret of GitHub's webhook", "[github] secret_file")?,
                token: github.token.read()?,
                api: github.api.clone(),
                rules: github.rules.clone(),
            })
        };
        let alertmanager = |alertmanager: &AlertmanagerSettings| {
            let (what, setting) = ("token that Alertmanager sends", "[alertmanager] token_file");
            let token = alertmanager.token.demand(what, setting)?;
            Ok::<_, String>(AlertmanagerHook { token, project: alertmanager.project.clone() })
        };
        Ok(WebhookReceivers {
            github: self.github.as_ref().map(github).transpose()?,
            alertmanager: self.alertmanager.as_ref().map(alertmanager).transpose()?,
        })
    }

    /// Whether GitHub's deployment requests can be answered.
    #[must_use]
    pub fn answers_github(&self) -> bool {
        self.github.as_ref().is_some_and(|github| matches!(github.token.read(), Ok(Some(_))))
    }
}

/// The sections about sources.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub(super) watch: Vec<Watch>,
    pub(super) inbox: Vec<Inbox>,
    pub(super) workrail: Vec<WorkRail>,
    pub(super) wizard: Vec<Wizard>,
    pub(super) commands: Vec<Command>,
}

impl Sections {
    /// The settings. Paths are relative to the file's folder.
    ///
    /// # Errors
    /// [`WrongValue`].
    pub(super) fn settings(self, folder: &Path) -> Result<SourceSettings, WrongValue> {
        let Self { watch, inbox, workrail, wizard, commands } = self;
        let watched = watch.into_iter().enumerate().map(|(index, watch)| {
            watch.settings(folder).map_err(|what| Place::of(&["watch"]).index(index).wrong(what))
        });
        let mut settings = SourceSettings {
            watched: watched.collect::<Result<_, _>>()?,
            dropped: inbox.into_iter().map(|inbox| inbox.settings(folder)).collect(),
            workrail: workrail.into_iter().map(|workrail| workrail.settings(folder)).collect(),
            wizards: wizard.into_iter().map(|wizard| wizard.settings(folder)).collect(),
            commands: Vec::new(),
        };
        for (index, command) in commands.into_iter().enumerate() {
            let wrong = |what: String| Place::of(&["commands"]).index(index).wrong(what);
            let command = command.settings(folder).map_err(wrong)?;
            if settings.commands.iter().any(|other| other.name == command.name) {
                let what =
                    format!("two [[commands]] are called {}: give each its own name", command.name);
                return Err(wrong(what));
            }
            settings.commands.push(command);
        }
        Ok(settings)
    }
}

impl Watch {
    fn settings(self, folder: &Path) -> Result<WatchedFolder, String> {
        if let Some(unknown) = self.rerun.iter().find_map(|argument| unknown_placeholder(argument))
        {
            return Err(format!(
                "{unknown} in rerun is not known: use {}",
                agent_task::PLACEHOLDERS.join(", ")
            ));
        }
        if self.rerun.first().is_some_and(|program| program.trim().is_empty()) {
            return Err("rerun names no program: write [\"program\", \"argument\"]".into());
        }
        Ok(WatchedFolder {
            path: resolve(folder, &self.path),
            project: self.project,
            answering: Answering { decision_file: self.answers, rerun: self.rerun },
        })
    }
}

/// A word in braces that is no placeholder: it would reach the program as it is.
fn unknown_placeholder(argument: &str) -> Option<&str> {
    let mut rest = argument;
    while let Some(start) = rest.find('{') {
        let end = start + rest[start..].find('}')? + 1;
        let word = &rest[start..end];
        let is_name = word[1..word.len() - 1].bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if is_name && word.len() > 2 && !agent_task::PLACEHOLDERS.contains(&word) {
            return Some(word);
        }
        rest = &rest[end..];
    }
    None
}

impl Inbox {
    fn settings(self, folder: &Path) -> DropFolder {
        DropFolder { path: resolve(folder, &self.path), project: self.project }
    }
}

impl WorkRail {
    fn settings(self, folder: &Path) -> WorkRailFolder {
        let path = self.path.unwrap_or_else(|| "~/.workrail".into());
        let project = self.project.as_deref().unwrap_or("workrail");
        WorkRailFolder { path: resolve(folder, &path), project: project_name(project) }
    }
}

impl Wizard {
    fn settings(self, folder: &Path) -> WizardFolder {
        let path = resolve(folder, &self.path);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let project = self.project.or(name).unwrap_or_else(|| "default".into());
        WizardFolder { path, project: project_name(&project) }
    }
}

impl Command {
    fn settings(self, folder: &Path) -> Result<CommandSource, String> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if self.name.is_empty() || self.name.len() > 60 || !self.name.bytes().all(is_plain) {
            return Err(format!(
                "{:?} is not a name: use the letters a to z, digits, - and _",
                self.name
            ));
        }
        if self.command.first().is_none_or(|program| program.trim().is_empty()) {
            return Err("command names no program: write [\"program\", \"argument\"]".into());
        }
        let own = resolve(folder, &self.folder.unwrap_or_else(|| ".".into()));
        Ok(CommandSource {
            name: self.name,
            command: self.command,
            folder: own,
            project: self.project,
        })
    }
}

/// The webhooks. Paths are relative to the file's folder.
///
/// # Errors
/// [`WrongValue`].
pub(super) fn webhooks(
    github: Option<Github>,
    alertmanager: Option<Alertmanager>,
    folder: &Path,
) -> Result<ReceiverSettings, WrongValue> {
    let secret = |file: Option<PathBuf>, variable| SecretFrom {
        file: file.map(|file| resolve(folder, &file)),
        variable,
    };
    let github = github.map(|github| {
        let usual = || "https://api.github.com".parse::<Endpoint>();
        let api = github.api.map_or_else(usual, Ok);
        Ok::<_, WrongValue>(GithubSettings {
            secret: secret(github.secret_file, GITHUB_SECRET),
            token: secret(github.token_file, GITHUB_TOKEN),
            api: api.map_err(|why: String| Place::of(&["github", "api"]).wrong(why))?,
            rules: GithubRules {
                project: github.project.as_deref().map(project_name),
                labels: github.labels,
                reviewers: github.reviewers,
            },
        })
    });
    Ok(ReceiverSettings {
        github: github.transpose()?,
        alertmanager: alertmanager.map(|alertmanager| AlertmanagerSettings {
            token: secret(alertmanager.token_file, ALERTMANAGER_TOKEN),
            project: project_name(alertmanager.project.as_deref().unwrap_or("alerts")),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_braces_must_be_placeholders() {
        for (argument, expected) in [
            ("ISSUE={issue}", None),
            ("{ISSUE}", None),
            ("{}", None),
            ("{\"a\": 1}", None),
            ("{isue}", Some("{isue}")),
            ("{issue}{x}", Some("{x}")),
            ("{issue", None),
        ] {
            assert_eq!(unknown_placeholder(argument), expected, "{argument}");
        }
    }
}
