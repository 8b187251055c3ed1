//! GitHub Copilot CLI.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::vocabulary::{self, BACKGROUND, PATIENCE, SHELL, Servers, Tool};
use super::{Adapter, SAMPLE_SESSION, permission_decision, user_folder};
use crate::cli::gate::bypass::{Bypass, all_hooks_off};
use crate::cli::gate::contract::{Contract, Decides, Evidence, Fate, Start};
use crate::cli::gate::hook::{Fields, HookAnswer, HookEvent, HookOutput, Told, Yes};
use crate::cli::gate::hook_file::HookFile;
use crate::cli::gate::json::Spelling;
use crate::cli::gate::lists::{Event, Field, Listed};
use crate::presentation::text;

/// In small letters, because the event then has Copilot's own names of tools and arguments.
const EVENT: &str = "preToolUse";

const FILE: Listed = Listed {
    agent: NAME,
    version: Some(1),
    events: &[Event { name: EVENT, matcher: None }],
    command: "bash",
    limit: "timeoutSec",
    fields: &[("type", Field::Text("command"))],
    spelling: Spelling::Plain,
};

const NAME: &str = "copilot";

/// The fields of the event in small letters, which does not name itself.
const FIELDS: Fields = Fields {
    event: &["hook_event_name", "hookName"],
    unnamed_event: EVENT,
    tool: "toolName",
    input: "toolArgs",
    cwd: &["cwd"],
    session: "sessionId",
};

/// The second half are the names that Copilot uses for hooks of Claude Code's shape; their
/// arguments are Copilot's own.
const TOOLS: &[Tool] = &[
    Tool("bash", SHELL, &[("initial_wait", PATIENCE)]),
    Tool("create", "Write", &[]),
    Tool("edit", "Edit", &[]),
    Tool("apply_patch", "apply_patch", &[]),
    Tool("view", "Read", &[]),
    Tool("grep", "Grep", &[]),
    Tool("rg", "Grep", &[]),
    Tool("glob", "Glob", &[]),
    Tool("task", "Agent", &[("agent_type", "subagent_type")]),
    Tool("skill", "Skill", &[]),
    Tool("ask_user", "AskUserQuestion", &[]),
    Tool("exit_plan_mode", "ExitPlanMode", &[]),
    Tool("web_fetch", "WebFetch", &[]),
    Tool("web_search", "WebSearch", &[]),
    Tool("read_bash", "BashOutput", &[]),
    Tool("stop_bash", "KillShell", &[]),
    Tool("Bash", SHELL, &[("initial_wait", PATIENCE)]),
    Tool("Write", "Write", &[]),
    Tool("Edit", "Edit", &[]),
    Tool("Read", "Read", &[]),
    Tool("Grep", "Grep", &[]),
    Tool("Glob", "Glob", &[]),
    Tool("Agent", "Agent", &[("agent_type", "subagent_type")]),
    Tool("AskUserQuestion", "AskUserQuestion", &[]),
];

static CONTRACT: Contract = Contract {
    evidence: Evidence::Ran("1.0.102"),
    start: Start::Bash,
    decides: Some(Decides { at: "/permissionDecision", yes: "allow", no: "deny" }),
    output_first: true,
    empty: Fate::Runs,
    garbage: Fate::Runs,
    silent: Fate::Denies,
    failed: Fate::Denies,
    killed: Fate::Denies,
    late: Fate::Runs,
    usual_limit: Some(Duration::from_secs(30)),
    longest_limit: None,
    holes: &[
        "commands that the person types with !",
        "a trusted project's settings with disableAllHooks",
        "cloud agents, which read only hooks that are in git",
    ],
};

#[derive(Debug)]
pub(super) struct Copilot;

/// Whether this input for a hook of Claude Code's shape comes from Copilot, which runs the hooks in
/// a project's `.claude/settings.json` too.
pub(super) fn speaks(input: &Value) -> bool {
    let has = |name: &str| input.get(name).is_some();
    has("hook_event_name")
        && has("timestamp")
        && !["transcript_path", "tool_use_id", "permission_mode"].into_iter().any(has)
}

/// What a shell call means without saying so. In the background, the command is still the same.
fn plain_shell(input: &mut Map<String, Value>) {
    vocabulary::drop_usual(input, "mode", &"sync".into());
    vocabulary::drop_usual(input, "detach", &false.into());
    if input.get("mode") == Some(&"async".into()) && !input.contains_key(BACKGROUND) {
        input.remove("mode");
        input.insert(BACKGROUND.to_owned(), true.into());
    }
}

impl Adapter for Copilot {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "GitHub Copilot CLI"
    }

    fn process(&self) -> &'static str {
        "copilot"
    }

    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String> {
        Ok(match project {
            Some(project) => project.join(".github/hooks/gander.json"),
            None => user_folder("COPILOT_HOME", ".copilot")?.join("hooks/gander.json"),
        })
    }

    fn format(&self) -> &dyn HookFile {
        &FILE
    }

    /// A trusted project's settings, also those for Claude Code, switch off the person's own hooks.
    fn check_enabled(&self, hooks: &Path, project: Option<&Path>) -> Result<(), Bypass> {
        let unknown = |why| Bypass { file: hooks.to_owned(), why };
        let own = user_folder("COPILOT_HOME", ".copilot").map_err(unknown)?.join("settings.json");
        let near = project.into_iter().flat_map(|project| {
            [".github/copilot", ".claude"].into_iter().flat_map(move |folder| {
                let folder = project.join(folder);
                [folder.join("settings.json"), folder.join("settings.local.json")]
            })
        });
        near.chain([own, hooks.to_owned()]).try_for_each(|file| all_hooks_off(&file))
    }

    fn advice(&self, project: Option<&Path>) -> Option<&'static str> {
        project.map(|_| text::gate::agents::COPILOT_PROJECT)
    }

    fn folder_variable(&self) -> Option<&'static str> {
        Some("COPILOT_PROJECT_DIR")
    }

    fn event(&self, name: &str) -> Option<HookEvent> {
        ["preToolUse", "PreToolUse"].contains(&name).then_some(HookEvent::PreToolUse)
    }

    fn understand(&self, input: &Value) -> Result<Told, String> {
        let fields = if speaks(input) { Fields::CLAUDE } else { FIELDS };
        let mut told = fields.read(NAME, input, |name| self.event(name))?;
        // A patch is the whole input.
        if let (Value::String(patch), "apply_patch" | "Edit") = (&told.input, told.tool.as_str()) {
            let input = json!({ "patch": patch });
            return Ok(Told { tool: "apply_patch".to_owned(), input, ..told });
        }
        if let (Value::Object(input), "bash" | "Bash") = (&mut told.input, told.tool.as_str()) {
            plain_shell(input);
        }
        Ok(vocabulary::translated(NAME, TOOLS, Servers::Unnamed, told))
    }

    /// `modifiedArgs`, which replaces all arguments; not in the other shape, for which Copilot does
    /// not document it.
    fn changeable(&self, _: HookEvent, input: &Value) -> Option<&'static str> {
        (!speaks(input)).then_some(FIELDS.input)
    }

    /// In both shapes: the event in small letters ignores Claude Code's, the other prefers it.
    fn say(&self, _: HookEvent, answer: HookAnswer) -> HookOutput {
        let (answer, changed) = match answer {
            HookAnswer::AllowChanged { words, note, input } => {
                (Ok(Yes { words, note: Some(note) }), Some(input))
            }
            answer => (answer.yes_or_no(), None),
        };
        let Yes { words, note } = match answer {
            Ok(yes) => yes,
            Err(words) => return self.refuse(words),
        };
        let mut nested = permission_decision("allow", &words);
        let mut said = json!({ "permissionDecision": "allow", "permissionDecisionReason": words });
        if let Some(note) = note {
            nested["additionalContext"] = note.as_str().into();
            said["additionalContext"] = note.into();
        }
        if let Some(changed) = changed {
            said["modifiedArgs"] = changed;
        }
        said["hookSpecificOutput"] = nested;
        HookOutput::json(said)
    }

    /// Copilot tells its model nothing of standard error.
    fn refuse(&self, words: String) -> HookOutput {
        let said = json!({
            "permissionDecision": "deny",
            "permissionDecisionReason": words,
            "hookSpecificOutput": permission_decision("deny", &words),
        });
        HookOutput::deny_both(words, said)
    }

    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn sample(&self, folder: &Path, command: &str) -> Value {
        json!({
            "sessionId": SAMPLE_SESSION,
            "cwd": folder,
            "toolName": "bash",
            "toolArgs": { "command": command, "mode": "sync" },
        })
    }
}
