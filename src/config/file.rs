//! The user's own file as TOML: its tables, and their conversion to the configuration.
//!
//! Each table rejects unknown fields. A wrong value is reported with its line and the remedy.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde::Deserialize;
use toml::Spanned;

use super::batch::{BatchSection, GuardSection};
use super::escalation::{self, Ladders};
use super::place::{Place, WrongValue};
use super::presence::PresenceSection;
use super::values::{ByRisk, DiscordId, RiskWord, TimeSpan, word};
use super::{
    Config, ConfigError, LogFormat, ProjectFolder, auto_approval, availability, channels, grants,
    http, jobs, line_at, local_zone, resolve, resume, sources, work,
};
use crate::core::decision::authorization::{ApproverRule, Role, Voter};
use crate::core::decision::{DeferLimits, Kind, Person, Risk};
use crate::core::escalation::Ladder;
use crate::core::policy::ask_limits::AskLimits;
use crate::core::policy::rules::{Rule, Rules, project_name};
use crate::sources::SourceSettings;
use crate::surfaces::discord::Channels;

/// The file's path and text, for errors with a line.
struct FileText<'a> {
    path: &'a Path,
    text: &'a str,
}

impl FileText<'_> {
    /// The error of the line at a byte offset.
    fn wrong_at(&self, byte: usize, what: String) -> ConfigError {
        self.wrong(line_at(self.text, byte), what)
    }

    /// The error of a value, found by its place.
    fn wrong_value(&self, WrongValue { at, what }: WrongValue) -> ConfigError {
        self.wrong(at.line(self.text), what)
    }

    fn wrong(&self, line: usize, what: String) -> ConfigError {
        ConfigError::Wrong { path: self.path.to_owned(), line, what }
    }
}

/// The tables of the user's own file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UserFile {
    time_zone: Option<String>,
    store: Option<PathBuf>,
    discord: Discord,
    projects: BTreeMap<String, Project>,
    kinds: BTreeMap<String, Limits>,
    approvers: Vec<Approvers>,
    policy: Policy,
    watch: Vec<sources::Watch>,
    log: Log,
    inbox: Vec<sources::Inbox>,
    workrail: Vec<sources::WorkRail>,
    wizard: Vec<sources::Wizard>,
    commands: Vec<sources::Command>,
    github: Option<sources::Github>,
    alertmanager: Option<sources::Alertmanager>,
    terminal: Option<Terminal>,
    presence: Option<PresenceSection>,
    ladders: BTreeMap<String, Vec<escalation::Written>>,
    people: Vec<availability::Row>,
    batch: BatchSection,
    confidence: auto_approval::Confidence,
    review: auto_approval::Review,
    digest: auto_approval::DigestSection,
    ntfy: Option<channels::Ntfy>,
    twilio: Option<channels::Twilio>,
    webhooks: Vec<channels::Webhook>,
    desktop: Option<channels::Desktop>,
    guard: GuardSection,
    grants: grants::GrantsSection,
    http: http::HttpSection,
    resume: resume::ResumeSection,
    jobs: jobs::JobsSection,
    work: work::WorkSection,
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
    guild: Option<DiscordId>,
    channel: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Project {
    channel: Option<String>,
    folders: Vec<PathBuf>,
    #[serde(deserialize_with = "word")]
    risk: Option<Risk>,
    sla: Option<TimeSpan>,
    allow_default_approve: bool,
    approvals: Option<u32>,
    ladder: Option<String>,
    batch: Option<bool>,
    route_by_confidence: bool,
    longest_grant: Option<grants::Longest>,
    plan: Option<bool>,
    review: Option<bool>,
    validation: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    #[serde(deserialize_with = "word")]
    risk: Option<Risk>,
    sla: Option<TimeSpan>,
    allow_default_approve: bool,
    approvals: Option<u32>,
    ladder: Option<String>,
    route_by_confidence: Option<Spanned<bool>>,
    longest_grant: Option<grants::Longest>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Approvers {
    users: Vec<DiscordId>,
    roles: Vec<String>,
    projects: Vec<String>,
    kinds: Vec<String>,
    risks: Vec<RiskWord>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    sla: Option<TimeSpan>,
    sla_floor: Option<TimeSpan>,
    sla_by_risk: ByRisk<TimeSpan>,
    ladder: Option<String>,
    ladder_by_risk: ByRisk<String>,
    defer_times: Option<u32>,
    defer_longest: Option<TimeSpan>,
    open_questions: Option<NonZeroU32>,
    questions_per_minute: Option<NonZeroU32>,
}

impl Policy {
    fn ask_limits(&self) -> AskLimits {
        let usual = AskLimits::default();
        AskLimits {
            open: self.open_questions.map_or(usual.open, NonZeroU32::get),
            per_minute: self.questions_per_minute.map_or(usual.per_minute, NonZeroU32::get),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Terminal {
    user: Option<DiscordId>,
    name: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

impl Terminal {
    /// The person at the terminal. Without approvers, the author of this file has the rights of the
    /// application's owner.
    fn into_voter(self, owner: bool) -> Result<Voter, String> {
        let (Some(DiscordId(user)), Some(name)) =
            (self.user, self.name.filter(|name| !name.trim().is_empty()))
        else {
            return Err("[terminal] needs user, a Discord id, and name".into());
        };
        let role = |named: String| Role { id: named.parse().unwrap_or_default(), name: named };
        Ok(Voter {
            person: Person::discord(user, name),
            roles: self.roles.into_iter().map(role).collect(),
            owner,
        })
    }
}

impl UserFile {
    /// The configuration that the file describes. `text` is the file's text, for line numbers.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`].
    pub(super) fn into_config(mut self, path: PathBuf, text: &str) -> Result<Config, ConfigError> {
        let written = FileText { path: &path, text };
        let zone = self.zone(&written)?;
        self.check_approvers(&written)?;
        let terminal = self.take_terminal(&written)?;
        let people = availability::profiles(std::mem::take(&mut self.people), zone)
            .map_err(|(at, what)| written.wrong_at(at.start, what))?;
        auto_approval::check_routable(
            self.kinds.iter().map(|(name, kind)| (name, kind.route_by_confidence.as_ref())),
        )
        .map_err(|(at, what)| written.wrong_at(at, what))?;
        let confidence = self.confidence.thresholds().map_err(|what| {
            written.wrong_value(Place::of(&["confidence", "block_below"]).wrong(what))
        })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(".")).to_owned();
        let external_channels = channels::settings(
            self.ntfy.take(),
            self.twilio.take(),
            std::mem::take(&mut self.webhooks),
            self.desktop.take(),
            &folder,
        )
        .map_err(|wrong| written.wrong_value(wrong))?;
        let http = std::mem::take(&mut self.http)
            .settings(&folder)
            .map_err(|wrong| written.wrong_value(wrong))?;
        let resume = std::mem::take(&mut self.resume)
            .settings(&folder)
            .map_err(|wrong| written.wrong_value(wrong))?;
        let (sources, webhooks) =
            self.take_sources(&folder).map_err(|wrong| written.wrong_value(wrong))?;
        let folders = self.project_folders(&folder);
        let owner = self.approvers.is_empty();
        let desk = self.presence.take().map(|presence| presence.settings(&folder, owner));
        let desk = desk.transpose().map_err(|wrong| written.wrong_value(wrong))?;
        let (presence, desk) = desk.map(|desk| (desk.presence, desk.rules)).unzip();
        let work = std::mem::take(&mut self.work).config(self.project_work());
        Ok(Config {
            channels: self.discord_channels(),
            guild: self.discord.guild.map(|id| id.0),
            store: self.store.as_ref().map(|store| resolve(&folder, store)),
            sources,
            webhooks,
            log: self.log.format.unwrap_or_default(),
            terminal,
            rules: Rules {
                people,
                confidence,
                daily: auto_approval::daily(&self.review, &self.digest),
                desk,
                channels: crate::channels::channels(&external_channels),
                ..self.into_rules(zone).map_err(|wrong| written.wrong_value(wrong))?
            },
            folders,
            presence,
            external_channels,
            http,
            resume,
            work,
            file: Some(path),
        })
    }

    /// The server's time zone.
    fn zone(&self, written: &FileText<'_>) -> Result<chrono_tz::Tz, ConfigError> {
        self.time_zone.as_ref().map_or_else(
            || Ok(local_zone()),
            |name| {
                crate::core::availability::time_zone(name)
                    .map_err(|what| written.wrong_value(Place::of(&["time_zone"]).wrong(what)))
            },
        )
    }

    /// Checks that every approver rule names somebody.
    fn check_approvers(&self, written: &FileText<'_>) -> Result<(), ConfigError> {
        let names_nobody = |rule: &Approvers| rule.users.is_empty() && rule.roles.is_empty();
        match self.approvers.iter().position(names_nobody) {
            None => Ok(()),
            Some(index) => Err(written.wrong_value(
                Place::of(&["approvers"])
                    .index(index)
                    .wrong("an [[approvers]] rule names nobody: add users or roles"),
            )),
        }
    }

    /// Takes the person at the terminal out of the file.
    fn take_terminal(&mut self, written: &FileText<'_>) -> Result<Option<Voter>, ConfigError> {
        self.terminal
            .take()
            .map(|terminal| terminal.into_voter(self.approvers.is_empty()))
            .transpose()
            .map_err(|what| written.wrong_value(Place::of(&["terminal"]).wrong(what)))
    }

    /// Takes the sources out of the file. `folder` is the file's folder.
    fn take_sources(
        &mut self,
        folder: &Path,
    ) -> Result<(SourceSettings, sources::ReceiverSettings), WrongValue> {
        let sections = sources::Sections {
            watch: std::mem::take(&mut self.watch),
            inbox: std::mem::take(&mut self.inbox),
            workrail: std::mem::take(&mut self.workrail),
            wizard: std::mem::take(&mut self.wizard),
            commands: std::mem::take(&mut self.commands),
        };
        let webhooks = sources::webhooks(self.github.take(), self.alertmanager.take(), folder)?;
        Ok((sections.settings(folder)?, webhooks))
    }

    /// The folders whose project is set. `folder` is the file's folder.
    fn project_folders(&self, folder: &Path) -> Vec<ProjectFolder> {
        let of = |(name, project): (&String, &Project)| {
            let project_name = project_name(name);
            let at = |path: &PathBuf| ProjectFolder {
                folder: resolve(folder, path),
                project: project_name.clone(),
            };
            project.folders.iter().map(at).collect::<Vec<_>>()
        };
        self.projects.iter().flat_map(of).collect()
    }

    /// What workers do otherwise for some projects.
    fn project_work(&self) -> BTreeMap<String, work::Part> {
        let part = |project: &Project| work::Part {
            plan: project.plan,
            review: project.review,
            validation: project.validation.clone(),
        };
        let of = |(name, project): (&String, &Project)| (project_name(name), part(project));
        self.projects.iter().map(of).collect()
    }

    /// The Discord channels for cards and digests.
    fn discord_channels(&self) -> Channels {
        let named = |(name, project): (&String, &Project)| {
            Some((project_name(name), project.channel.clone()?))
        };
        Channels {
            usual: self.discord.channel.clone(),
            projects: self.projects.iter().filter_map(named).collect(),
            digest: self.digest.channel.clone(),
        }
    }

    /// Approvers and policy.
    fn into_rules(self, zone: chrono_tz::Tz) -> Result<Rules, WrongValue> {
        let usual = Rules::default();
        let ladders = Ladders::new(self.ladders)?;
        let by_name = |name: Option<String>, table: &str, of: &str| {
            name.map(|name| ladders.named(&name, &[table, of, "ladder"])).transpose()
        };
        let alone = self.projects.iter().filter(|(_, project)| project.batch == Some(false));
        let batching = self.batch.batching(alone.map(|(name, _)| project_name(name)));
        let ask_limits = self.policy.ask_limits();
        let jobs = self.jobs.rules()?;
        let mut rules = Rules {
            approvers: self.approvers.into_iter().map(Approvers::into_rule).collect(),
            sla_by_risk: self.policy.sla_by_risk.said().map(|(risk, sla)| (risk, sla.0)).collect(),
            sla_seconds: self.policy.sla.map_or(usual.sla_seconds, |sla| sla.0),
            sla_floor_seconds: self.policy.sla_floor.map_or(usual.sla_floor_seconds, |sla| sla.0),
            ladder: ladders.named(
                self.policy.ladder.as_deref().unwrap_or(escalation::USUAL),
                &["policy", "ladder"],
            )?,
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
            grants: self.grants.policy(),
            ask_limits,
            jobs,
            ..usual
        };
        for (risk, name) in self.policy.ladder_by_risk.said() {
            let at = ["policy", "ladder_by_risk", &risk.to_string()];
            rules.ladder_by_risk.insert(risk, ladders.named(&name, &at)?);
        }
        for (name, p) in self.projects {
            let ladder = by_name(p.ladder, "projects", &name)?;
            let rule = rule(p.risk, p.sla, p.allow_default_approve, p.approvals, ladder);
            let longest_grant = p.longest_grant.map(|longest| longest.0);
            rules.projects.insert(
                project_name(&name),
                Rule { route_by_confidence: p.route_by_confidence, longest_grant, ..rule },
            );
        }
        for (name, k) in self.kinds {
            let ladder = by_name(k.ladder, "kinds", &name)?;
            let rule = rule(k.risk, k.sla, k.allow_default_approve, k.approvals, ladder);
            let route_by_confidence = k.route_by_confidence.is_some_and(Spanned::into_inner);
            let longest_grant = k.longest_grant.map(|longest| longest.0);
            let rule = Rule { route_by_confidence, longest_grant, ..rule };
            rules.kinds.insert(Kind::from(name), rule);
        }
        Ok(rules)
    }
}

fn rule(
    risk: Option<Risk>,
    sla: Option<TimeSpan>,
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
