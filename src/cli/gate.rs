//! `gander gate`: an agent's hook waits for a person's decision before a tool call runs. Every
//! failure here denies the call.

mod bypass_checks;
mod hook;
mod install;
mod json;
mod plan;
mod remote;
mod stop;
mod transport;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::{Common, Outcome};
use crate::config::{TimeSpan, gates};
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
        std::env::current_dir().ok().and_then(|here| install::found(Some(&here), common).ok());
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

/// Adds to a tool call the facts that need the file system.
pub(super) fn with_file_facts(mut call: ToolCall) -> ToolCall {
    hook::add_file_facts(&mut call);
    call
}

/// The folders Claude Code works in, when started in `cwd`.
pub(super) fn roots_of(cwd: &Path) -> Vec<PathBuf> {
    hook::roots(AgentKind::ClaudeCode, cwd)
}

#[derive(Debug, Args)]
pub(super) struct Gate {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer a hook of Claude Code (PreToolUse, PermissionRequest), from standard input
    ClaudeCode(Stop),
    /// Answer a hook of goose (PreToolUse), from standard input
    Goose(Stop),
    /// Answer a hook of Codex (PreToolUse, PermissionRequest), from standard input
    Codex(Stop),
    /// Make an agent stop at the gate before each tool call
    Install(install::Install),
    /// Remove the gate from an agent's hooks
    Uninstall(install::Uninstall),
    /// Show which agents stop at the gate
    Status(install::StatusArgs),
}

#[derive(Debug, Args)]
struct Stop {
    /// Answer within this time, even if no person has decided yet; must be less than the hook's own
    /// limit [default: 9m 30s; goose: 15s]
    #[arg(long)]
    timeout: Option<TimeSpan>,
    #[command(flatten)]
    transport: transport::Transport,
    /// When the person defers the decision, let Claude Code end and resume later. Without this flag
    /// only under claude -p, as reported by Claude Code to its hooks
    #[arg(long)]
    may_defer: bool,
}

/// An agent with supported hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AgentKind {
    /// Anthropic's Claude Code
    ClaudeCode,
    /// goose
    Goose,
    /// OpenAI's Codex
    Codex,
}

impl AgentKind {
    const ALL: [Self; 3] = [Self::ClaudeCode, Self::Goose, Self::Codex];

    const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Goose => "goose",
            Self::Codex => "codex",
        }
    }
}

impl Gate {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        match self.command {
            Command::ClaudeCode(stop) => stop.run(AgentKind::ClaudeCode, common).await,
            Command::Goose(stop) => stop.run(AgentKind::Goose, common).await,
            Command::Codex(stop) => stop.run(AgentKind::Codex, common).await,
            Command::Install(install) => install.run(common).await,
            Command::Uninstall(uninstall) => uninstall.run(common),
            Command::Status(status) => status.run(common).await,
        }
    }
}
