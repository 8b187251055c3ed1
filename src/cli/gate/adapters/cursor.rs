//! Cursor: the editor and `cursor-agent`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::vocabulary::{self, FOLDER, PATIENCE, SHELL, Servers, Tool};
use super::{Adapter, claude_sample, home_folder, single_command};
use crate::cli::gate::bypass::{Bypass, settings};
use crate::cli::gate::contract::{Contract, Decides, Evidence, Fate, Start};
use crate::cli::gate::hook::{Fields, HookAnswer, HookEvent, HookOutput, Told, Yes};
use crate::cli::gate::hook_file::HookFile;
use crate::cli::gate::json::Spelling;
use crate::cli::gate::lists::{Event, Field, Listed};
use crate::cli::gate::unique::Unique;
use crate::presentation::text;

/// Before each tool call. Names the tool of a server, but not the server.
const EVERY: &str = "preToolUse";
/// Before the tool call of a server.
const SERVER: &str = "beforeMCPExecution";

const FILE: Listed = Listed {
    agent: NAME,
    version: Some(1),
    events: &[
        Event { name: EVERY, matcher: Some("^(?!MCP:)") },
        Event { name: SERVER, matcher: None },
    ],
    command: "command",
    limit: "timeout",
    fields: &[("failClosed", Field::Yes)],
    spelling: Spelling::WithoutCommentMarks,
};

const NAME: &str = "cursor";

const TOOLS: &[Tool] = &[
    Tool("Shell", SHELL, &[("cwd", FOLDER), ("timeout", PATIENCE)]),
    Tool("Write", "Write", &[]),
    Tool("Edit", "Edit", &[]),
    Tool("StrReplace", "Edit", &[]),
    Tool("Read", "Read", &[]),
    Tool("Grep", "Grep", &[("file_path", "path")]),
    Tool("List", "LS", &[("file_path", "path")]),
    Tool("Fetch", "WebFetch", &[]),
    Tool("WebSearch", "WebSearch", &[]),
    Tool("Task", "Agent", &[]),
];

/// Cursor's events: one that it does not know voids the whole file.
const EVENTS: [&str; 21] = [
    "beforeShellExecution",
    "beforeMCPExecution",
    "afterShellExecution",
    "afterMCPExecution",
    "beforeReadFile",
    "afterFileEdit",
    "beforeTabFileRead",
    "afterTabFileEdit",
    "stop",
    "beforeSubmitPrompt",
    "afterAgentResponse",
    "afterAgentThought",
    "sessionStart",
    "sessionEnd",
    "preCompact",
    "subagentStart",
    "subagentStop",
    "preToolUse",
    "postToolUse",
    "postToolUseFailure",
    "workspaceOpen",
];

/// Most characters of a note that Cursor passes on.
const LONGEST_NOTE: usize = 10_000;

/// With `failClosed`.
static CONTRACT: Contract = Contract {
    evidence: Evidence::RanPart("the hook runner of @cursor/sdk 1.0.18; Cursor needs an account"),
    start: Start::Heredoc,
    decides: Some(Decides { at: "/permission", yes: "allow", no: "deny" }),
    output_first: false,
    empty: Fate::Denies,
    garbage: Fate::Denies,
    silent: Fate::Denies,
    failed: Fate::Denies,
    killed: Fate::Denies,
    late: Fate::Denies,
    usual_limit: Some(Duration::from_mins(1)),
    longest_limit: None,
    holes: &[
        "Tab, and cloud agents at first",
        "an entry in the file that Cursor does not know: it then ignores the whole file",
    ],
};

#[derive(Debug)]
pub(super) struct Cursor;

/// Whether this input for a hook comes from Cursor, which runs the hooks in Claude Code's settings
/// too.
pub(super) fn speaks(input: &Value) -> bool {
    input["cursor_version"].is_string()
}

/// The text without what Cursor takes for comments, also within strings.
fn as_cursor_reads(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let end = if line.ends_with('\n') { "\n" } else { "" };
        line.split_once("//").map_or(line.to_owned(), |(before, _)| format!("{before}{end}"))
    });
    let mut text: String = lines.collect();
    while let Some(start) = text.find("/*") {
        let Some(end) = text[start + 2..].find("*/") else { break };
        text.replace_range(start..start + end + 4, "");
    }
    text
}

/// Why Cursor would ignore a hook file.
fn is_void(text: &str) -> Option<String> {
    let file: Value = match serde_json::from_str(&as_cursor_reads(text)) {
        Ok(file) => file,
        Err(error) => return Some(format!("Cursor cannot read it, and runs no hook: {error}")),
    };
    if file["version"].as_u64().is_none_or(|version| version == 0) {
        return Some("it has no version, so Cursor runs no hook: add \"version\": 1".into());
    }
    let Some(hooks) = file["hooks"].as_object() else {
        return Some("it has no hooks, so Cursor runs none".into());
    };
    let is_hook = |hook: &Value| {
        let text = |name: &str| hook[name].is_string() || hook[name].is_null();
        hook.is_object() && text("command") && text("matcher")
    };
    hooks.iter().find_map(|(event, hooks)| {
        if !EVENTS.contains(&event.as_str()) {
            return Some(format!("Cursor does not know the event {event:?}, and runs no hook"));
        }
        let valid = hooks.as_array().is_some_and(|hooks| hooks.iter().all(is_hook));
        (!valid).then(|| format!("its hooks of {event} are not valid, and Cursor runs no hook"))
    })
}

impl Adapter for Cursor {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Cursor"
    }

    fn process(&self) -> &'static str {
        "cursor"
    }

    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String> {
        let folder = match project {
            Some(project) => project.to_owned(),
            None => home_folder()?,
        };
        Ok(folder.join(".cursor/hooks.json"))
    }

    fn format(&self) -> &dyn HookFile {
        &FILE
    }

    /// Cursor writes the input behind the command, so the command must be a single one.
    fn shell_line(&self, line: String) -> String {
        single_command(&line)
    }

    fn check_enabled(&self, hooks: &Path, _: Option<&Path>) -> Result<(), Bypass> {
        let text = settings(hooks)?;
        let is_new = text.trim().is_empty();
        match is_void(&text).filter(|_| !is_new) {
            Some(why) => Err(Bypass { file: hooks.to_owned(), why }),
            None => Ok(()),
        }
    }

    fn advice(&self, _: Option<&Path>) -> Option<&'static str> {
        Some(text::gate::agents::CURSOR)
    }

    fn folder_variable(&self) -> Option<&'static str> {
        Some("CURSOR_PROJECT_DIR")
    }

    fn event(&self, name: &str) -> Option<HookEvent> {
        [EVERY, SERVER].contains(&name).then_some(HookEvent::PreToolUse)
    }

    fn understand(&self, input: &Value) -> Result<Told, String> {
        let mut input = input.clone();
        let folder = input.pointer("/workspace_roots/0").filter(|folder| folder.is_string());
        // Only a shell call names its directory, and among its arguments.
        if let (Some(folder), Some(fields)) = (folder.cloned(), input.as_object_mut()) {
            fields.insert("cwd".to_owned(), folder);
        }
        let told = Fields::CLAUDE.read(NAME, &input, |name| self.event(name))?;
        if input["hook_event_name"] == SERVER {
            let server = input["mcp_server_name"].as_str().filter(|name| !name.is_empty());
            let server = server.ok_or("the hook's input does not name the server")?;
            let told = Told { input: arguments(&told.input)?, ..told };
            let tool = told.tool.clone();
            return Ok(vocabulary::of_server(server, &tool, told));
        }
        if told.tool == "Delete"
            && let Some(patch) = told.input["file_path"].as_str().and_then(vocabulary::deletion)
        {
            return Ok(Told { tool: "apply_patch".into(), input: patch, ..told });
        }
        Ok(vocabulary::translated(NAME, TOOLS, Servers::Unnamed, told))
    }

    fn say(&self, _: HookEvent, answer: HookAnswer) -> HookOutput {
        match answer.yes_or_no() {
            Ok(Yes { note: None, .. }) => HookOutput::json(json!({ "permission": "allow" })),
            Ok(Yes { note: Some(note), .. }) => {
                let note: String = note.chars().take(LONGEST_NOTE).collect();
                HookOutput::json(json!({ "permission": "allow", "additional_context": note }))
            }
            Err(words) => HookOutput::json(json!({
                "permission": "deny",
                "user_message": words,
                "agent_message": words,
            })),
        }
    }

    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn sample(&self, folder: &Path, command: &str) -> Value {
        let mut said = claude_sample(EVERY, "Shell", folder, command);
        said["cursor_version"] = "0".into();
        said["workspace_roots"] = json!([folder]);
        said
    }
}

/// The arguments of a server's tool, which come as JSON in a string.
fn arguments(input: &Value) -> Result<Value, String> {
    let Value::String(text) = input else { return Ok(input.clone()) };
    let read: Result<Unique, _> = serde_json::from_str(text);
    read.map(|Unique(input)| input)
        .map_err(|error| format!("the arguments of the server's tool are not JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_cursor_ignore_a_file_is_found() {
        let hooks = |text: &str| format!("{{\"version\": 1, \"hooks\": {{{text}}}}}");
        for text in [
            hooks("\"stop\": [{\"command\": \"a\"}] // mine\n"),
            hooks("\"stop\": [] /* a // b\n */"),
            hooks("\"preToolUse\": [{\"command\": \"http:\\/\\/x\"}]"),
        ] {
            assert_eq!(is_void(&text), None, "{text}");
        }
        for (text, words) in [
            (hooks("\"stop\": [{\"command\": \"http://x\"}]"), "cannot read"),
            (hooks("\"beforeEverything\": []"), "does not know the event"),
            (hooks("\"stop\": [1]"), "not valid"),
            (hooks("\"stop\": {}"), "not valid"),
            ("{\"hooks\": {}}".to_owned(), "no version"),
            ("{\"version\": 1}".to_owned(), "no hooks"),
        ] {
            assert!(is_void(&text).unwrap().contains(words), "{text}");
        }
    }
}
