//! `gander gate`: an agent's hook waits for a person's decision before a tool call runs. Every
//! failure here denies the call.

mod adapters;
mod bypass;
mod check;
mod command;
mod contract;
mod delegates;
mod desk;
mod environment;
mod facts;
mod groups;
mod hook;
mod hook_file;
mod install;
mod json;
mod listener;
mod lists;
pub(super) mod local;
mod process;
pub(super) mod release;
pub(super) mod remote;
mod repository;
mod root;
mod runs;
pub(super) mod seat;
mod status;
mod stop;
mod tracked;
pub(super) mod transport;
mod unique;

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};

use self::adapters::{AGENTS, Agent};
pub(super) use self::desk::{GateAtDesk, gates as gates_at_desk};
pub(super) use self::unique::Unique;
use super::{Common, Outcome};
use crate::config::{self, Config, ConfigError, TimeSpan, gates};
use crate::core::gate::ToolCall;
use crate::core::values::check_result::CheckResult;
use crate::presentation::text;

/// Health check of the rules, and of how each gate installed for this user or in this folder
/// reaches decisions.
pub(super) async fn checkup(common: &Common) -> Vec<CheckResult> {
    const AREA: &str = "Gates";
    let mut told = Vec::new();
    if let Err(error) = gates::load(common.config.as_deref()) {
        let remedy = "Correct it as described: until then, the gates deny every tool call";
        told.push(CheckResult::broken(AREA, error.to_string(), remedy));
    }
    // Another check reports errors in the configuration.
    let found =
        std::env::current_dir().ok().and_then(|here| status::found(Some(&here), common).ok());
    for found in found.unwrap_or_default() {
        let name = format!("{} ({})", found.agent.name(), found.file.display());
        if let Some(why) = &found.off {
            let what = format!("{name} is installed, but off: {why}");
            told.push(CheckResult::broken(AREA, what, text::gate::BYPASSED_REMEDY));
            continue;
        }
        match found.look().await {
            None => {}
            Some(Ok(words)) => told.push(CheckResult::fine(AREA, format!("{name} {words}"))),
            Some(Err(words)) => told.push(CheckResult::broken(
                AREA,
                format!("{name} {words}"),
                text::gate::CONNECTION_REMEDY,
            )),
        }
    }
    told
}

/// Completes a tool call on the agent's machine: the workspace of the Claude Code that runs this
/// process, and the facts that need the file system. `store`: the store's file.
pub(super) fn with_file_facts(mut call: ToolCall, store: &Path) -> ToolCall {
    let homes = facts::homes(call.home.as_deref());
    call.roots = root::roots(adapters::CLAUDE_CODE, None, &homes);
    hook::add_file_facts(&mut call, homes, own_files(store, None, None));
    call
}

/// Completes a tool call of an agent that works in this folder: the workspace, and the facts that
/// need the file system. `own`: Gander's own files.
pub(super) fn with_facts_in(mut call: ToolCall, root: PathBuf, own: Vec<PathBuf>) -> ToolCall {
    let homes = facts::homes(call.home.as_deref());
    call.roots = root::workspace(Some(root), &homes);
    hook::add_file_facts(&mut call, homes, own);
    call
}

/// The workspace of an agent that works in this folder.
pub(super) fn workspace_in(root: PathBuf, home: Option<&Path>) -> Vec<PathBuf> {
    root::workspace(Some(root), &facts::homes(home))
}

/// The project of a call's workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ProjectClaim {
    /// Set by the person's configuration.
    pub(super) mapped: Option<String>,
    /// Claimed by a file in the workspace, if the person has set nothing.
    pub(super) claimed: Option<String>,
}

impl ProjectClaim {
    /// The workspace is the person's choice. The directory of a call is not, and has no say.
    pub(super) fn of(call: &ToolCall, user: &Config) -> Result<Self, ConfigError> {
        Self::of_workspace(&call.roots, user)
    }

    /// The same, without a call.
    pub(super) fn of_workspace(roots: &[PathBuf], user: &Config) -> Result<Self, ConfigError> {
        let Some(root) = roots.first() else { return Ok(Self::default()) };
        let asks = config::load_ask_defaults(root, user.file.as_deref())?;
        let mapped = user.project_of(root).map(str::to_owned);
        let claimed = asks.project.filter(|_| mapped.is_none());
        Ok(Self { mapped, claimed })
    }
}

/// The person's configuration, as the hook's command names it. The installation names the file even
/// if there is none yet, so that nobody's environment names another; no file means the defaults.
pub(super) fn config_of(common: &Common) -> Result<Config, ConfigError> {
    match &common.config {
        Some(file) => config::load_if_present(file),
        None => config::load(None),
    }
}

/// Files of Gander that no agent should read or write unasked, under each of their names.
pub(super) fn own_files(store: &Path, config: Option<&Path>, token: Option<&Path>) -> Vec<PathBuf> {
    let beside = |end: &str| {
        let mut name = store.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let mut files = vec![store.to_owned(), beside("-wal"), beside("-shm")];
    files.extend(config.map(Path::to_owned));
    files.extend(config.map(|config| config.with_file_name(gates::FILE)));
    files.extend(token.map(Path::to_owned));
    let whole = |file: PathBuf| std::path::absolute(&file).unwrap_or(file);
    let mut files: Vec<PathBuf> = files.into_iter().map(whole).collect();
    let real: Vec<PathBuf> = files.iter().filter_map(|file| facts::really(file)).collect();
    files.extend(real);
    files.sort();
    files.dedup();
    files
}

#[derive(Debug, Args)]
pub(super) struct Gate {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Stop(AgentHook),
    /// Make an agent stop at the gate before each tool call
    Install(install::Install),
    /// Remove the gate from an agent's hooks
    Uninstall(install::Uninstall),
    /// Show which agents stop at the gate
    Status(status::StatusArgs),
    /// Try out the installed gates, and show what an agent does with each failure
    ///
    /// Runs the hook's own command as the agent does, with a store of its own, where nobody is
    /// asked.
    Check(check::CheckArgs),
}

#[derive(Debug, Args)]
struct Stop {
    /// Answer within this time, even if no person has decided yet; must be less than the hook's own
    /// limit [default: 9m 30s; goose: 15s]
    #[arg(long)]
    timeout: Option<TimeSpan>,
    /// The folder that the agent works in, as the person chose it [default: the folder in which the
    /// agent was started]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    transport: transport::Transport,
    /// When the person defers the decision, let Claude Code end and resume later. Without this flag
    /// only under claude -p, as reported by Claude Code to its hooks. No effect on other agents
    #[arg(long)]
    may_defer: bool,
    /// While [presence] says that a person is at the desk, let the agent's own prompt ask there.
    /// Written by gander gate install --desk
    #[arg(long, conflicts_with = "connect")]
    desk: bool,
}

/// `gander gate AGENT`: a subcommand for each agent of the table.
#[derive(Debug)]
struct AgentHook {
    agent: Agent,
    stop: Stop,
}

impl FromArgMatches for AgentHook {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let unknown = || clap::Error::new(clap::error::ErrorKind::InvalidSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(unknown)?;
        let agent = adapters::named(name).ok_or_else(unknown)?;
        Ok(Self { agent, stop: Stop::from_arg_matches(matches)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for AgentHook {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        AGENTS.iter().fold(command, |command, agent| {
            let about = format!("Answer a hook of {}, from standard input", agent.title());
            command.subcommand(Stop::augment_args(clap::Command::new(agent.name()).about(about)))
        })
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        adapters::named(name).is_some()
    }
}

impl Gate {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        match self.command {
            Command::Stop(AgentHook { agent, stop }) => stop.run(agent, common).await,
            Command::Install(install) => install.run(common).await,
            Command::Uninstall(uninstall) => uninstall.run(common),
            Command::Status(status) => status.run(common).await,
            Command::Check(check) => check.run(common).await,
        }
    }
}
