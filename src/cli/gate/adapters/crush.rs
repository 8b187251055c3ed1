//! Charm's Crush.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::vocabulary::{self, FOLDER, PATIENCE, SHELL, Servers, Tool};
use super::{Adapter, claude_sample, single_command, user_folder};
use crate::cli::gate::bypass::Bypass;
use crate::cli::gate::command::GANDER;
use crate::cli::gate::contract::{Contract, Decides, Evidence, Fate, Start};
use crate::cli::gate::hook::{Fields, HookAnswer, HookEvent, HookOutput, Told, Yes};
use crate::cli::gate::hook_file::HookFile;
use crate::cli::gate::json::Spelling;
use crate::cli::gate::lists::{Event, Field, Listed};
use crate::presentation::text;

const FILE: Listed = Listed {
    agent: NAME,
    version: None,
    events: &[Event { name: "PreToolUse", matcher: None }],
    command: "command",
    limit: "timeout",
    fields: &[("name", Field::Text(GANDER))],
    spelling: Spelling::Plain,
};

const NAME: &str = "crush";

/// `agent` and `agentic_fetch` are left out: Crush runs no hook for the calls of what they start.
const TOOLS: &[Tool] = &[
    Tool("bash", SHELL, &[("working_dir", FOLDER), ("auto_background_after", PATIENCE)]),
    Tool("view", "Read", &[]),
    Tool("write", "Write", &[]),
    Tool("edit", "Edit", &[]),
    Tool("multiedit", "MultiEdit", &[]),
    Tool("grep", "Grep", &[("include", "glob")]),
    Tool("glob", "Glob", &[]),
    Tool("ls", "LS", &[]),
    Tool("fetch", "WebFetch", &[]),
    Tool("todos", "TodoWrite", &[]),
    Tool("question", "AskUserQuestion", &[]),
    Tool("job_output", "BashOutput", &[]),
    Tool("job_kill", "KillShell", &[]),
];

/// Crush runs the command in a shell of its own, where a program that does not start ends the
/// script without an exit status, and passes the whole call in variables, beyond what the system
/// lets a program start with.
const BEFORE: &str = "CRUSH_TOOL_INPUT_COMMAND= CRUSH_TOOL_INPUT_FILE_PATH=";

static CONTRACT: Contract = Contract {
    evidence: Evidence::Read("the source of August 2026; no registry has the program"),
    start: Start::Shell,
    decides: Some(Decides { at: "/decision", yes: "allow", no: "deny" }),
    output_first: false,
    empty: Fate::Runs,
    garbage: Fate::Runs,
    silent: Fate::Denies,
    failed: Fate::Runs,
    killed: Fate::Runs,
    late: Fate::Runs,
    usual_limit: Some(Duration::from_secs(30)),
    longest_limit: None,
    holes: &[
        "calls of sub-agents (agent, agentic_fetch): the default rules deny both",
        "a command with a NUL character: Crush cannot start the hook",
        "a project's crushrc, which runs at the start",
        "another hook that changes the call",
    ],
};

#[derive(Debug)]
pub(super) struct Crush;

/// Whether all names in a value are in small letters. Crush takes `Command` for `command`, and of
/// both the last.
fn is_folded(value: &Value) -> bool {
    let plain = |name: &String| {
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    match value {
        Value::Object(fields) => fields.iter().all(|(name, value)| plain(name) && is_folded(value)),
        Value::Array(values) => values.iter().all(is_folded),
        _ => true,
    }
}

/// Whether a value has two names that differ only in their case.
fn has_twins(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<String> = fields.keys().map(|name| name.to_lowercase()).collect();
            names.sort_unstable();
            names.windows(2).any(|pair| pair[0] == pair[1]) || fields.values().any(has_twins)
        }
        Value::Array(values) => values.iter().any(has_twins),
        _ => false,
    }
}

impl Adapter for Crush {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Crush"
    }

    fn process(&self) -> &'static str {
        "crush"
    }

    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String> {
        if let Some(project) = project {
            return Ok(project.join(".crush.json"));
        }
        if let Some(folder) = std::env::var_os("CRUSH_GLOBAL_CONFIG") {
            return Ok(PathBuf::from(folder).join("crush.json"));
        }
        Ok(user_folder("XDG_CONFIG_HOME", ".config")?.join("crush/crush.json"))
    }

    fn format(&self) -> &dyn HookFile {
        &FILE
    }

    fn shell_line(&self, line: String) -> String {
        format!("{BEFORE} {}", single_command(&line))
    }

    /// No setting switches hooks off, and Crush does not start with a file that it cannot read.
    fn check_enabled(&self, _: &Path, _: Option<&Path>) -> Result<(), Bypass> {
        Ok(())
    }

    fn advice(&self, _: Option<&Path>) -> Option<&'static str> {
        Some(text::gate::agents::CRUSH)
    }

    fn folder_variable(&self) -> Option<&'static str> {
        Some("CRUSH_PROJECT_DIR")
    }

    fn event(&self, name: &str) -> Option<HookEvent> {
        (name == "PreToolUse").then_some(HookEvent::PreToolUse)
    }

    fn understand(&self, input: &Value) -> Result<Told, String> {
        let told = Fields::CLAUDE.read(NAME, input, |name| self.event(name))?;
        let is_own = TOOLS.iter().any(|tool| tool.0 == told.tool);
        if has_twins(&told.input) || (is_own && !is_folded(&told.input)) {
            return Err(
                "an argument's name is not in small letters, or is there twice: Crush may \
                        read another value than a person would"
                    .into(),
            );
        }
        Ok(vocabulary::translated(NAME, TOOLS, Servers::Unnamed, told))
    }

    fn say(&self, _: HookEvent, answer: HookAnswer) -> HookOutput {
        match answer.yes_or_no() {
            Ok(Yes { note: None, .. }) => HookOutput::json(json!({ "decision": "allow" })),
            Ok(Yes { note, .. }) => {
                HookOutput::json(json!({ "decision": "allow", "context": note }))
            }
            Err(words) => HookOutput::deny(words),
        }
    }

    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn sample(&self, folder: &Path, command: &str) -> Value {
        claude_sample("PreToolUse", "bash", folder, command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_crush_reads_in_any_case_are_denied() {
        let told = |tool: &str, input: Value| {
            Crush.understand(&json!({ "event": "PreToolUse", "session_id": "s", "cwd": "/srv",
                "tool_name": tool, "tool_input": input }))
        };
        for (tool, input) in [
            ("bash", json!({ "command": "ls", "Command": "rm -rf x" })),
            ("bash", json!({ "Command": "rm -rf x" })),
            ("bash", json!({ "command": "ls", "\u{212a}ey": 1 })),
            ("multiedit", json!({ "file_path": "a", "edits": [{ "Old_string": "a" }] })),
            ("mcp_x_y", json!({ "a": { "name": 1, "Name": 2 } })),
        ] {
            assert!(told(tool, input.clone()).is_err(), "{tool} {input}");
        }
        for (tool, input) in [
            ("bash", json!({ "command": "ls", "description": "List" })),
            ("mcp_x_y", json!({ "someName": 1, "other": { "Name": 2 } })),
        ] {
            assert!(told(tool, input.clone()).is_ok(), "{tool} {input}");
        }
        let aside = told("agent", json!({ "prompt": "x" })).unwrap();
        assert_eq!(aside.tool, "crush__agent");
    }
}
