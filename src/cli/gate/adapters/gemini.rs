//! Google's Gemini CLI.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::vocabulary::{self, BACKGROUND, FOLDER, SHELL, Servers, Tool};
use super::{Adapter, claude_sample, user_folder};
use crate::cli::gate::bypass::{Bypass, json_settings};
use crate::cli::gate::command::{self, GANDER};
use crate::cli::gate::contract::{Contract, Decides, Evidence, Fate, Start};
use crate::cli::gate::groups::{Grouped, TimeUnit};
use crate::cli::gate::hook::{Fields, HookAnswer, HookEvent, HookOutput, Told};
use crate::cli::gate::hook_file::HookFile;
use crate::presentation::text;

const EVENT: &str = "BeforeTool";

const FILE: Grouped = Grouped {
    agent: NAME,
    events: &[EVENT],
    matcher: "*",
    unit: TimeUnit::Milliseconds,
    fields: &[("name", GANDER)],
    desk: &[],
};

const NAME: &str = "gemini";

const TOOLS: &[Tool] = &[
    Tool("run_shell_command", SHELL, &[("dir_path", FOLDER), ("is_background", BACKGROUND)]),
    Tool("write_file", "Write", &[]),
    Tool("replace", "Edit", &[("allow_multiple", "replace_all"), ("instruction", "description")]),
    Tool("read_file", "Read", &[]),
    Tool("grep_search", "Grep", &[("dir_path", "path"), ("include_pattern", "glob")]),
    Tool("glob", "Glob", &[("dir_path", "path")]),
    Tool("list_directory", "LS", &[("dir_path", "path")]),
    Tool("web_fetch", "WebFetch", &[]),
    Tool("google_web_search", "WebSearch", &[]),
    Tool("invoke_agent", "Agent", &[("agent_name", "subagent_type")]),
    Tool("activate_skill", "Skill", &[("name", "skill")]),
    Tool("write_todos", "TodoWrite", &[]),
    Tool("ask_user", "AskUserQuestion", &[]),
    Tool("enter_plan_mode", "EnterPlanMode", &[]),
    Tool("exit_plan_mode", "ExitPlanMode", &[]),
    Tool("read_background_output", "BashOutput", &[]),
];

/// Arguments with paths that Gemini reads more loosely than they look.
const PATHS: [&str; 2] = ["file_path", "dir_path"];

/// Node's longest timer is 2,147,483,647 ms; a longer one ends at once.
const LONGEST: Duration = Duration::from_secs(2_147_000);

static CONTRACT: Contract = Contract {
    evidence: Evidence::Ran("0.61.0"),
    start: Start::Bash,
    decides: Some(Decides { at: "/decision", yes: "allow", no: "deny" }),
    output_first: true,
    empty: Fate::Runs,
    garbage: Fate::Runs,
    silent: Fate::Runs,
    failed: Fate::Runs,
    killed: Fate::Runs,
    late: Fate::Runs,
    usual_limit: Some(Duration::from_mins(1)),
    longest_limit: None,
    holes: &[
        "all calls over ACP (Zed, JetBrains: gemini --acp)",
        "folders that Gemini does not trust",
        "a trusted project's settings that switch hooks off",
        "commands that the person types with !",
    ],
};

#[derive(Debug)]
pub(super) struct Gemini;

/// Whether Gemini would take a path for another: it removes NUL and a leading `@`, and looks for a
/// file that ends like a relative path that does not exist.
fn is_loose(told: &Told) -> bool {
    let loose = |path: &str| {
        let elsewhere = told.tool == "replace"
            && Path::new(path).is_relative()
            && told.cwd.join(path).symlink_metadata().is_err();
        path.contains('\0') || path.starts_with('@') || elsewhere
    };
    PATHS.iter().filter_map(|name| told.input.get(name)?.as_str()).any(loose)
}

/// Whether settings switch off hooks, or this one.
fn is_off(settings: &Value) -> Option<&'static str> {
    let hooks = &settings["hooksConfig"];
    let ours = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        name == GANDER || command::runs_gate_of(NAME, name)
    };
    if hooks["enabled"] == Value::Bool(false) {
        return Some("it switches off all hooks (hooksConfig.enabled): remove that first");
    }
    let disabled = hooks["disabled"].as_array().is_some_and(|names| names.iter().any(ours));
    disabled.then_some("it switches off the hook gander (hooksConfig.disabled): remove that first")
}

/// The person's folder of Gemini.
fn own_folder() -> Result<PathBuf, String> {
    Ok(user_folder("GEMINI_CLI_HOME", "")?.join(".gemini"))
}

/// Gemini runs no hook, not even the person's own, in a folder that is marked as not trusted.
fn is_distrusted(project: &Path) -> Result<(), Bypass> {
    let unknown = |why| Bypass { file: project.to_owned(), why };
    let file = own_folder().map_err(unknown)?.join("trustedFolders.json");
    let folder = std::path::absolute(project).unwrap_or_else(|_| project.to_owned());
    let marks = json_settings(&file)?;
    let mark = folder.ancestors().find_map(|folder| marks.get(folder.to_str()?)?.as_str());
    if mark != Some("DO_NOT_TRUST") {
        return Ok(());
    }
    let why = format!("{} is marked as not trusted: Gemini runs no hooks there", folder.display());
    Err(Bypass { file, why })
}

impl Adapter for Gemini {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Gemini CLI"
    }

    fn process(&self) -> &'static str {
        "gemini"
    }

    fn longest_wait(&self) -> Option<Duration> {
        Some(LONGEST)
    }

    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String> {
        let folder = match project {
            Some(project) => project.join(".gemini"),
            None => own_folder()?,
        };
        Ok(folder.join("settings.json"))
    }

    fn format(&self) -> &dyn HookFile {
        &FILE
    }

    fn check_enabled(&self, hooks: &Path, project: Option<&Path>) -> Result<(), Bypass> {
        let unknown = |why| Bypass { file: hooks.to_owned(), why };
        let own = self.hook_file(None).map_err(unknown)?;
        let near = project.map(|project| project.join(".gemini/settings.json"));
        let system = std::env::var_os("GEMINI_CLI_SYSTEM_SETTINGS_PATH").map(PathBuf::from);
        let system = system.unwrap_or_else(|| PathBuf::from("/etc/gemini-cli/settings.json"));
        for file in near.into_iter().chain([own, system, hooks.to_owned()]) {
            if let Some(why) = is_off(&json_settings(&file)?) {
                return Err(Bypass { file, why: why.into() });
            }
        }
        project.map_or(Ok(()), is_distrusted)
    }

    fn advice(&self, _: Option<&Path>) -> Option<&'static str> {
        Some(text::gate::agents::GEMINI)
    }

    fn folder_variable(&self) -> Option<&'static str> {
        Some("GEMINI_PROJECT_DIR")
    }

    fn event(&self, name: &str) -> Option<HookEvent> {
        (name == EVENT).then_some(HookEvent::PreToolUse)
    }

    fn understand(&self, input: &Value) -> Result<Told, String> {
        let told = Fields::CLAUDE.read(NAME, input, |name| self.event(name))?;
        let of_server =
            |name: &str| input["mcp_context"][name].as_str().filter(|it| !it.is_empty());
        if let (Some(server), Some(tool)) = (of_server("server_name"), of_server("tool_name")) {
            return Ok(vocabulary::of_server(server, tool, told));
        }
        if is_loose(&told) {
            return Ok(vocabulary::foreign(NAME, Servers::Unnamed, told));
        }
        Ok(vocabulary::translated(NAME, TOOLS, Servers::Unnamed, told))
    }

    /// `hookSpecificOutput.tool_input`, which overrides arguments of the same names.
    fn changeable(&self, _: HookEvent, _: &Value) -> Option<&'static str> {
        Some(Fields::CLAUDE.input)
    }

    /// Gemini has no field for a note that its model reads.
    fn say(&self, _: HookEvent, answer: HookAnswer) -> HookOutput {
        if let HookAnswer::AllowChanged { input, .. } = answer {
            let changed = json!({ "hookEventName": EVENT, "tool_input": input });
            return HookOutput::json(json!({ "decision": "allow", "hookSpecificOutput": changed }));
        }
        match answer.yes_or_no() {
            Ok(_) => HookOutput::json(json!({ "decision": "allow" })),
            Err(words) => {
                let said = json!({ "decision": "deny", "reason": words });
                HookOutput::deny_both(words, said)
            }
        }
    }

    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn sample(&self, folder: &Path, command: &str) -> Value {
        claude_sample(EVENT, "run_shell_command", folder, command)
    }
}
