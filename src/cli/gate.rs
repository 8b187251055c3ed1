//! `gander gate`: an agent's hook waits for a person's decision before a tool call runs. Every
//! failure here denies the call.

mod elsewhere;
mod hook;
mod install;
mod json;
mod off;
mod plan;
mod stop;
mod way;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::{Common, Outcome};
use crate::config::{Span, gates};
use crate::core::finding::Finding;
use crate::core::gate::ToolCall;
use crate::core::text;

/// Health check of the rules, and of how each gate installed for this user or in this folder
/// reaches decisions.
pub(super) async fn checkup(common: &Common) -> Vec<Finding> {
    const AREA: &str = "Gates";
    let mut told = Vec::new();
    if let Err(error) = gates::load(common.config.as_deref()) {
        let mend = "Mend it as it says: until then every tool call of every agent that stops at a gate is denied";
        told.push(Finding::broken(AREA, error.to_string(), mend));
    }
    // Another check reports errors in the configuration.
    let found =
        std::env::current_dir().ok().and_then(|here| install::found(Some(&here), common).ok());
    for found in found.unwrap_or_default() {
        let name = format!("{} ({})", found.agent.name(), found.file.display());
        match found.look().await {
            None => {}
            Some(Ok(words)) => told.push(Finding::fine(AREA, format!("{name} {words}"))),
            Some(Err(words)) => {
                told.push(Finding::broken(AREA, format!("{name} {words}"), text::gate::MEND_WAY))
            }
        }
    }
    told
}

/// Adds to a tool call the facts that need the file system.
pub(super) fn looked_at(mut call: ToolCall) -> ToolCall {
    hook::look_at_files(&mut call);
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
    Status(install::Status),
}

#[derive(Debug, Args)]
struct Stop {
    /// Answer within this time, even if no person has decided yet; must be less than the hook's own
    /// limit [default: 9m 30s; goose: 15s]
    #[arg(long)]
    timeout: Option<Span>,
    #[command(flatten)]
    way: way::Way,
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
