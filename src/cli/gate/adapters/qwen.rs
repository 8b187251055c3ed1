//! Qwen Code.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::vocabulary::{self, BACKGROUND, FOLDER, SHELL, Servers, Tool};
use super::{Adapter, claude_sample, permission_decision, user_folder};
use crate::cli::gate::bypass::{Bypass, all_hooks_off};
use crate::cli::gate::command::GANDER;
use crate::cli::gate::contract::{Contract, Decides, Evidence, Fate, Start};
use crate::cli::gate::groups::{Grouped, TimeUnit};
use crate::cli::gate::hook::{Fields, HookAnswer, HookEvent, HookOutput, Told};
use crate::cli::gate::hook_file::HookFile;
use crate::presentation::text;

/// Qwen Code takes 1000 and more for milliseconds, less for seconds.
const FILE: Grouped = Grouped {
    agent: NAME,
    events: &["PreToolUse"],
    matcher: "*",
    unit: TimeUnit::Milliseconds,
    fields: &[("name", GANDER)],
    desk: &[],
};

const NAME: &str = "qwen";

const TOOLS: &[Tool] = &[
    Tool("run_shell_command", SHELL, &[("directory", FOLDER), ("is_background", BACKGROUND)]),
    Tool("monitor", "Monitor", &[]),
    Tool("write_file", "Write", &[]),
    Tool("edit", "Edit", &[]),
    Tool("notebook_edit", "NotebookEdit", &[]),
    Tool("read_file", "Read", &[]),
    Tool("grep_search", "Grep", &[]),
    Tool("glob", "Glob", &[]),
    Tool("list_directory", "LS", &[]),
    Tool("web_fetch", "WebFetch", &[]),
    Tool("web_search", "WebSearch", &[]),
    Tool("agent", "Agent", &[]),
    Tool("skill", "Skill", &[]),
    Tool("tool_search", "ToolSearch", &[]),
    Tool("todo_write", "TodoWrite", &[]),
    Tool("task_create", "TaskCreate", &[]),
    Tool("task_list", "TaskList", &[]),
    Tool("task_update", "TaskUpdate", &[]),
    Tool("task_stop", "TaskStop", &[]),
    Tool("ask_user_question", "AskUserQuestion", &[]),
    Tool("enter_plan_mode", "EnterPlanMode", &[]),
    Tool("exit_plan_mode", "ExitPlanMode", &[]),
];

/// Qwen Code goes on without any hook after 60 s, and the gate needs up to 10 s of these to say
/// that nobody has answered.
const LONGEST: Duration = Duration::from_secs(40);

static CONTRACT: Contract = Contract {
    evidence: Evidence::Ran("0.24.4"),
    start: Start::Bash,
    decides: Some(Decides {
        at: "/hookSpecificOutput/permissionDecision",
        yes: "allow",
        no: "deny",
    }),
    output_first: false,
    empty: Fate::Runs,
    garbage: Fate::Runs,
    silent: Fate::Runs,
    failed: Fate::Runs,
    killed: Fate::Runs,
    late: Fate::Runs,
    usual_limit: Some(Duration::from_mins(1)),
    longest_limit: Some(Duration::from_mins(1)),
    holes: &[
        "a project's settings with disableAllHooks",
        "qwen --safe-mode and --bare",
        "commands that the person types with !",
    ],
};

#[derive(Debug)]
pub(super) struct Qwen;

impl Adapter for Qwen {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Qwen Code"
    }

    fn process(&self) -> &'static str {
        "qwen"
    }

    fn longest_wait(&self) -> Option<Duration> {
        Some(LONGEST)
    }

    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String> {
        let folder = match project {
            Some(project) => project.join(".qwen"),
            None => user_folder("QWEN_HOME", ".qwen")?,
        };
        Ok(folder.join("settings.json"))
    }

    fn format(&self) -> &dyn HookFile {
        &FILE
    }

    fn check_enabled(&self, hooks: &Path, project: Option<&Path>) -> Result<(), Bypass> {
        let unknown = |why| Bypass { file: hooks.to_owned(), why };
        let own = self.hook_file(None).map_err(unknown)?;
        let near = project.map(|project| project.join(".qwen/settings.json"));
        let system = PathBuf::from("/etc/qwen-code/settings.json");
        let mut files = near.into_iter().chain([own, system, hooks.to_owned()]);
        files.try_for_each(|file| all_hooks_off(&file))
    }

    fn advice(&self, _: Option<&Path>) -> Option<&'static str> {
        Some(text::gate::agents::QWEN)
    }

    fn folder_variable(&self) -> Option<&'static str> {
        Some("QWEN_PROJECT_DIR")
    }

    fn event(&self, name: &str) -> Option<HookEvent> {
        (name == "PreToolUse").then_some(HookEvent::PreToolUse)
    }

    fn understand(&self, input: &Value) -> Result<Told, String> {
        let told = Fields::CLAUDE.read(NAME, input, |name| self.event(name))?;
        Ok(vocabulary::translated(NAME, TOOLS, Servers::Named, told))
    }

    /// Qwen Code ignores a note.
    fn say(&self, _: HookEvent, answer: HookAnswer) -> HookOutput {
        let (decision, words) = match answer.yes_or_no() {
            Ok(yes) => ("allow", yes.words),
            Err(words) => ("deny", words),
        };
        let said = permission_decision(decision, &words);
        HookOutput::json(json!({ "hookSpecificOutput": said }))
    }

    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn sample(&self, folder: &Path, command: &str) -> Value {
        claude_sample("PreToolUse", "run_shell_command", folder, command)
    }
}
