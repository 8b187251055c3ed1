//! Amazon's Kiro: the command line from version 3, and the editor from version 1.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::vocabulary::{self, APPENDED, FOLDER, SHELL, Servers, Tool};
use super::{Adapter, claude_sample};
use crate::cli::gate::bypass::Bypass;
use crate::cli::gate::command::{GANDER, HookCommand, runs_gate_of};
use crate::cli::gate::contract::{Contract, Evidence, Fate, Start};
use crate::cli::gate::hook::{Fields, HookAnswer, HookEvent, HookOutput, Told};
use crate::cli::gate::hook_file::{Found, HookFile};
use crate::presentation::text;

const NAME: &str = "kiro";

/// `fs_write` is not among them: it has two shapes.
const TOOLS: &[Tool] = &[
    Tool("execute_bash", SHELL, &[("cwd", FOLDER)]),
    Tool("shell", SHELL, &[("cwd", FOLDER)]),
    Tool("str_replace", "Edit", &[("oldStr", "old_str"), ("newStr", "new_str")]),
    Tool("fs_append", "Write", &[("text", APPENDED)]),
    Tool("read_file", "Read", &[("explanation", "description")]),
    Tool("list_directory", "LS", &[("explanation", "description")]),
    Tool(
        "grep_search",
        "Grep",
        &[("query", "pattern"), ("includePattern", "glob"), ("explanation", "description")],
    ),
    Tool("web_fetch", "WebFetch", &[]),
];
/// The tool that writes a whole file.
const WRITE: &[Tool] = &[Tool("fs_write", "Write", &[("text", "content")])];
/// The same tool of version 2 of the command line, which edits, too.
const EDITOR: &[Tool] = &[Tool("fs_write", "text_editor", &[]), Tool("write", "text_editor", &[])];

static CONTRACT: Contract = Contract {
    evidence: Evidence::Read("its manual, and what others recorded; no registry has the program"),
    start: Start::Shell,
    decides: None,
    output_first: false,
    empty: Fate::Asks,
    garbage: Fate::Asks,
    silent: Fate::Runs,
    failed: Fate::Runs,
    killed: Fate::Runs,
    late: Fate::Runs,
    usual_limit: Some(Duration::from_mins(1)),
    longest_limit: None,
    holes: &[
        "calls of sub-agents: the default rules deny to start one",
        "version 0 of the editor, whose hooks see no arguments",
        "version 2 of the command line, except with an agent that has the hook",
    ],
};

#[derive(Debug)]
pub(super) struct Kiro;

/// A file of the gate's own: Kiro reads every file in the folder.
struct Own;

fn hook_in(text: &str) -> Option<Map<String, Value>> {
    let file: Value = serde_json::from_str(text).ok()?;
    let [hook] = file["hooks"].as_array()?.as_slice() else { return None };
    let command = hook["action"]["command"].as_str()?;
    runs_gate_of(NAME, command).then(|| hook.as_object().cloned())?
}

impl HookFile for Own {
    fn with_gate(&self, before: Option<&str>, hook: &HookCommand) -> Result<String, String> {
        if before.is_some_and(|text| !text.trim().is_empty() && hook_in(text).is_none()) {
            return Err("there is another hook in it: move it to a file of another name".into());
        }
        let file = json!({
            "version": "v1",
            "hooks": [{
                "name": GANDER,
                "trigger": "PreToolUse",
                "matcher": ".*",
                "action": { "type": "command", "command": hook.line },
                "timeout": hook.limit,
                "enabled": true,
            }],
        });
        let text = serde_json::to_string_pretty(&file).map_err(|error| error.to_string())?;
        Ok(format!("{text}\n"))
    }

    fn without_gate(&self, before: &str) -> Result<Option<String>, String> {
        Ok(hook_in(before).is_none().then(|| before.to_owned()))
    }

    fn installed(&self, text: &str) -> Option<Found> {
        let hook = hook_in(text)?;
        let is = |name: &str, wanted: &[Value]| {
            hook.get(name).is_none_or(|value| wanted.contains(value))
        };
        let sees = is("matcher", &[".*".into()])
            && is("enabled", &[true.into()])
            && hook.get("trigger") == Some(&"PreToolUse".into());
        let limit = hook.get("timeout").and_then(Value::as_u64);
        let command = hook.get("action")?["command"].as_str()?.to_owned();
        sees.then_some(Found { command, limit: limit.map(|limit| limit.saturating_mul(1000)) })
    }
}

impl Adapter for Kiro {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Kiro"
    }

    fn process(&self) -> &'static str {
        "kiro"
    }

    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String> {
        let project = project.ok_or("Kiro has hooks in a project only: give it with --project")?;
        Ok(project.join(".kiro/hooks/gander.json"))
    }

    fn format(&self) -> &dyn HookFile {
        &Own
    }

    fn check_enabled(&self, _: &Path, _: Option<&Path>) -> Result<(), Bypass> {
        Ok(())
    }

    fn advice(&self, _: Option<&Path>) -> Option<&'static str> {
        Some(text::gate::agents::KIRO)
    }

    fn event(&self, name: &str) -> Option<HookEvent> {
        ["PreToolUse", "preToolUse"].contains(&name).then_some(HookEvent::PreToolUse)
    }

    fn understand(&self, input: &Value) -> Result<Told, String> {
        let told = Fields::CLAUDE.read(NAME, input, |name| self.event(name))?;
        let file = |name: &str| told.input[name].as_str().and_then(vocabulary::deletion);
        let tools = match told.tool.as_str() {
            "delete_file" if file("targetFile").is_some() => {
                let input = file("targetFile").unwrap_or_default();
                return Ok(Told { tool: "apply_patch".into(), input, ..told });
            }
            "fs_write" | "write" if told.input["command"].is_string() => EDITOR,
            "fs_write" => WRITE,
            _ => TOOLS,
        };
        Ok(vocabulary::translated(NAME, tools, Servers::Unnamed, told))
    }

    /// No answer is a yes, which leaves the next step to Kiro.
    fn say(&self, _: HookEvent, answer: HookAnswer) -> HookOutput {
        match answer.yes_or_no() {
            Ok(_) => HookOutput::NOTHING,
            Err(words) => HookOutput::deny(words),
        }
    }

    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn sample(&self, folder: &Path, command: &str) -> Value {
        claude_sample("PreToolUse", "execute_bash", folder, command)
    }
}
