//! The agents that the gate can stop. An adapter per agent says how the gate is installed, what the
//! agent's hook sends, and how an answer is said.
//!
//! To add an agent: write its file in this folder, add a line to [`AGENTS`], and add the agent to
//! the table in `docs/gates.md`.

mod claude_code;
mod codex;
mod copilot;
mod crush;
mod cursor;
mod gemini;
mod goose;
mod kimi;
mod kiro;
mod opencode;
mod qwen;
mod vocabulary;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde_json::Value;

use super::bypass::Bypass;
use super::contract::Contract;
use super::desk::{Notice, Prompt};
use super::hook::{Fields, HookAnswer, HookEvent, HookOutput, Told};
use super::hook_file::{Companion, HookFile};
use super::seat::ResumeCommand;
use crate::core::decision::AgentCall;
use crate::core::gate::quote;

/// All agents, in the order of the manual.
pub(super) const AGENTS: &[Agent] = &[
    &claude_code::ClaudeCode,
    &codex::Codex,
    &goose::Goose,
    &copilot::Copilot,
    &cursor::Cursor,
    &gemini::Gemini,
    &opencode::OpenCode,
    &qwen::Qwen,
    &kimi::Kimi,
    &crush::Crush,
    &kiro::Kiro,
];

/// The agent whose permission prompt is an MCP tool.
pub(super) const CLAUDE_CODE: Agent = &claude_code::ClaudeCode;

/// An agent with supported hooks.
pub(super) type Agent = &'static dyn Adapter;

/// How long a gate without a limit waits, where the agent waits for ever.
const LONGEST_USUAL: Duration = Duration::from_mins(10);

/// How much of the agent's limit is kept for what the gate does before and after it waits for a
/// person. More than the gate takes at most (`stop::GRACE`).
const ANSWERING: Duration = Duration::from_secs(20);

/// How Gander and an agent talk about a tool call.
pub(super) trait Adapter: Debug + Sync {
    /// The agent in commands, rules and keys: `claude-code`.
    fn name(&self) -> &'static str;

    /// The agent as its makers write it.
    fn title(&self) -> &'static str;

    /// How the name of the agent's process begins, in small letters.
    fn process(&self) -> &'static str;

    /// How long the gate waits for a person if the hook's command does not say: as long as the
    /// agent's usual limit for a hook leaves time to answer.
    fn usual_wait(&self) -> Duration {
        let limit = self.contract().usual_limit.unwrap_or(LONGEST_USUAL);
        limit.saturating_sub(ANSWERING.min(limit / 2))
    }

    /// How long the gate may wait for a person at most, because the agent then goes on without the
    /// hook, whatever the hook's limit. `None`: as long as the person likes.
    fn longest_wait(&self) -> Option<Duration> {
        None
    }

    /// The file with the agent's hooks: the user's, or a project's.
    ///
    /// # Errors
    /// There is no home folder, as text.
    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String>;

    /// A file that the gate needs beside the agent's hook file.
    ///
    /// # Errors
    /// There is no home folder, as text.
    fn companion(
        &self,
        _hooks: &Path,
        _project: Option<&Path>,
    ) -> Result<Option<Companion>, String> {
        Ok(None)
    }

    /// Folders of the gate's own, from the inmost, to be removed once they are empty.
    fn own_folders(&self, _hooks: &Path) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The format of the hook file.
    fn format(&self) -> &dyn HookFile;

    /// The hook's command, as the agent's shell needs it.
    fn shell_line(&self, line: String) -> String {
        line
    }

    /// Checks that an agent in this project, or outside all projects, runs the hooks in this file.
    ///
    /// # Errors
    /// The agent ignores the file, or its settings cannot be read.
    fn check_enabled(&self, hooks: &Path, project: Option<&Path>) -> Result<(), Bypass>;

    /// What the person must know after the installation, if anything.
    fn advice(&self, _project: Option<&Path>) -> Option<&'static str> {
        None
    }

    /// The environment variable in which the agent tells its hooks the folder where it was started.
    fn folder_variable(&self) -> Option<&'static str> {
        None
    }

    /// The folder that the person named when starting the agent, among the arguments of its
    /// process.
    fn folder_argument<'a>(&self, _arguments: &'a [String]) -> Option<&'a str> {
        None
    }

    /// Whether the directory of the hook's process may be another than the agent's, by the choice
    /// of the model.
    fn model_moves_hook(&self) -> bool {
        false
    }

    /// The agent that called this agent's hook, by the hook's input: some agents run the hooks of
    /// others. `None`: the agent itself.
    fn caller(&self, _input: &Value) -> Option<Agent> {
        None
    }

    /// The event that the hook's input names; `None`: not a supported event.
    fn event(&self, name: &str) -> Option<HookEvent>;

    /// Reads the hook's input. The tools and arguments have the names that the rules know.
    ///
    /// # Errors
    /// The input does not describe a tool call, or hides one, as text.
    fn understand(&self, input: &Value) -> Result<Told, String> {
        Fields::CLAUDE.read(self.name(), input, |name| self.event(name))
    }

    /// The field of the hook's input with the call's arguments, if the agent documents that the
    /// hook may change them in this event. `None`: the agent runs what it asked about, or nothing.
    fn changeable(&self, _event: HookEvent, _input: &Value) -> Option<&'static str> {
        None
    }

    /// Whether the agent's own prompt in this event asks for more than the call itself.
    fn own_prompt(&self, _event: HookEvent) -> bool {
        false
    }

    /// Whether the agent can end while a decision is deferred, and asks again when resumed.
    fn can_defer(&self) -> Defer {
        Defer::Never
    }

    /// How the agent goes on with a session after it has ended. `None`: it cannot, or not without a
    /// person at the desk.
    fn resume(&self) -> Option<ResumeCommand> {
        None
    }

    /// Whether the agent's own prompt can ask a person at the desk for certain, in some event.
    fn asks_at_desk(&self) -> bool {
        false
    }

    /// The agent's own prompt about the call of this input, for an agent that works in these
    /// folders. Offered only if a person is then asked, whatever the agent's settings, or nothing
    /// runs.
    fn prompt(&self, _event: HookEvent, _input: &Value, _folders: &[PathBuf]) -> Prompt {
        Prompt::None
    }

    /// How the agent names the call that this input describes.
    fn name_call(&self, _input: &Value) -> AgentCall {
        AgentCall::default()
    }

    /// What this input tells of earlier calls. `None`: it is a call.
    fn notice(&self, _input: &Value) -> Option<Notice> {
        None
    }

    /// The agent's form of an answer.
    fn say(&self, event: HookEvent, answer: HookAnswer) -> HookOutput;

    /// The agent's form of a denial in every event, also if its input was not understood.
    fn refuse(&self, words: String) -> HookOutput {
        HookOutput::deny(words)
    }

    /// What the agent does with what a hook leaves behind.
    fn contract(&self) -> &'static Contract;

    /// What the agent sends for a shell command in this folder.
    fn sample(&self, folder: &Path, command: &str) -> Value;
}

/// What an agent with the fields of Claude Code sends for a shell command.
fn claude_sample(event: &str, tool: &str, folder: &Path, command: &str) -> Value {
    serde_json::json!({
        "session_id": SAMPLE_SESSION,
        "cwd": folder,
        "hook_event_name": event,
        "tool_name": tool,
        "tool_input": { "command": command },
    })
}

/// The session of a sample.
const SAMPLE_SESSION: &str = "gander-gate-check";

/// Whether an agent can end while its decision is deferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defer {
    Never,
    /// If the hook's command says so, or in this run: it goes on without a person at the desk.
    IfWanted {
        unattended: bool,
    },
}

/// Reads an agent's name on the command line.
pub(super) fn parser() -> impl TypedValueParser<Value = Agent> {
    let names = AGENTS.iter().map(|agent| PossibleValue::new(agent.name()).help(agent.title()));
    PossibleValuesParser::new(names).try_map(|name| named(&name).ok_or("not an agent"))
}

/// The agent of this name.
pub(super) fn named(name: &str) -> Option<Agent> {
    AGENTS.iter().copied().find(|agent| agent.name() == name)
}

/// The agent that runs this process's hook by the name of another, or the agent itself.
pub(super) fn speaking(agent: Agent, input: &Value) -> Agent {
    agent.caller(input).unwrap_or(agent)
}

/// The user's home folder (plus `usual`), unless an environment variable names another folder.
fn user_folder(variable: &str, usual: &str) -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os(variable).filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    let home = home_folder()?;
    Ok(if usual.is_empty() { home } else { home.join(usual) })
}

/// The user's home folder.
fn home_folder() -> Result<PathBuf, String> {
    let base = directories::BaseDirs::new()
        .ok_or("there is no home folder: give a folder with --project")?;
    Ok(base.home_dir().to_owned())
}

/// A line of shell as a single command, for agents whose shell may not be a POSIX shell or that
/// write something behind the command.
fn single_command(line: &str) -> String {
    format!("/bin/sh -c {}", quote(line))
}

/// An answer in the shape of Claude Code's `PreToolUse`.
fn permission_decision(decision: &str, words: &str) -> Value {
    serde_json::json!({
        "hookEventName": "PreToolUse",
        "permissionDecision": decision,
        "permissionDecisionReason": words,
    })
}

/// An answer in the shape of Claude Code's `PermissionRequest`. Without an answer, the agent's own
/// prompt decides.
fn permission_behavior(answer: HookAnswer) -> HookOutput {
    let decision = match answer {
        HookAnswer::OwnPrompt(_) => return HookOutput::NOTHING,
        HookAnswer::Allow { input: None, .. } => serde_json::json!({ "behavior": "allow" }),
        HookAnswer::Allow { input: Some(input), .. }
        | HookAnswer::AllowChanged { input, .. }
        | HookAnswer::Answer { input, .. } => {
            serde_json::json!({ "behavior": "allow", "updatedInput": input })
        }
        HookAnswer::Deny(words) | HookAnswer::Defer(words) => {
            serde_json::json!({ "behavior": "deny", "message": words })
        }
    };
    HookOutput::json(serde_json::json!({
        "hookSpecificOutput": { "hookEventName": "PermissionRequest", "decision": decision },
    }))
}

/// The agents without a gate in any hook file. `told`: the files, as `gander gate status` tells
/// them.
pub(super) fn without_gate(told: &[Value]) -> Vec<&'static str> {
    let has = |name: &&str| {
        told.iter().any(|found| found["agent"] == **name && found["installed"] == true)
    };
    AGENTS.iter().map(|agent| agent.name()).filter(|name| !has(name)).collect()
}

#[cfg(test)]
mod tests;
