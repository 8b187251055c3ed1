//! OpenCode. It has no hooks for other programs, but plugins: the gate's is a file of its own.
//!
//! A plugin that does not load stops nothing. So `opencode.json` denies every tool, and the plugin
//! takes that back when it is loaded.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::vocabulary::{self, FOLDER, SHELL, Servers, Tool};
use super::{Adapter, claude_sample, user_folder};
use crate::cli::gate::bypass::Bypass;
use crate::cli::gate::command::{HookCommand, runs_gate_of};
use crate::cli::gate::contract::{Contract, Decides, Evidence, Fate, Start};
use crate::cli::gate::groups::EMPTY;
use crate::cli::gate::hook::{Fields, HookAnswer, HookEvent, HookOutput, Told};
use crate::cli::gate::hook_file::{Companion, Found, HookFile};
use crate::cli::gate::json::Json;
use crate::presentation::text;

const NAME: &str = "opencode";

const EVENT: &str = "tool.execute.before";

const PLUGIN: &str = include_str!("opencode.js");
/// What stands for the command in [`PLUGIN`].
const COMMAND: &str = "\"{command}\"";

const TOOLS: &[Tool] = &[
    Tool("bash", SHELL, &[("workdir", FOLDER)]),
    Tool("read", "Read", &[("filePath", "file_path")]),
    Tool("write", "Write", &[("filePath", "file_path")]),
    Tool(
        "edit",
        "Edit",
        &[
            ("filePath", "file_path"),
            ("oldString", "old_string"),
            ("newString", "new_string"),
            ("replaceAll", "replace_all"),
        ],
    ),
    Tool("apply_patch", "apply_patch", &[("patchText", "patch")]),
    Tool("glob", "Glob", &[]),
    Tool("grep", "Grep", &[("include", "glob")]),
    Tool("list", "LS", &[]),
    Tool("webfetch", "WebFetch", &[]),
    Tool("websearch", "WebSearch", &[]),
    Tool("task", "Agent", &[]),
    Tool("todowrite", "TodoWrite", &[]),
    Tool("todoread", "TodoRead", &[]),
    Tool("skill", "Skill", &[("name", "skill")]),
    Tool("question", "AskUserQuestion", &[]),
    Tool("plan_exit", "ExitPlanMode", &[]),
];

/// What the plugin makes of it: it runs the command itself.
static CONTRACT: Contract = Contract {
    evidence: Evidence::Ran("1.18.33"),
    start: Start::Shell,
    decides: Some(Decides { at: "/decision", yes: "allow", no: "deny" }),
    output_first: false,
    empty: Fate::Denies,
    garbage: Fate::Denies,
    silent: Fate::Denies,
    failed: Fate::Denies,
    killed: Fate::Denies,
    late: Fate::Denies,
    usual_limit: None,
    longest_limit: None,
    holes: &[
        "a project whose opencode.json allows a tool, when the plugin does not load",
        "commands that the person types with !",
    ],
};

#[derive(Debug)]
pub(super) struct OpenCode;

/// The file of the plugin.
struct Plugin;

/// The command in the text of the plugin, if it is otherwise as it was written.
fn command_in(text: &str) -> Option<String> {
    let (before, after) = PLUGIN.split_once(COMMAND)?;
    let command = text.strip_prefix(before)?.strip_suffix(after)?;
    let command: String = serde_json::from_str(command).ok()?;
    runs_gate_of(NAME, &command).then_some(command)
}

/// Whether the plugin is the gate's, perhaps of another version.
fn is_ours(text: &str) -> bool {
    PLUGIN.lines().next().is_some_and(|first| text.starts_with(first))
}

impl HookFile for Plugin {
    fn with_gate(&self, before: Option<&str>, hook: &HookCommand) -> Result<String, String> {
        if before.is_some_and(|text| !text.trim().is_empty() && !is_ours(text)) {
            return Err("it is another plugin: give it another name".into());
        }
        Ok(PLUGIN.replacen(COMMAND, &Value::from(hook.line.as_str()).to_string(), 1))
    }

    fn without_gate(&self, before: &str) -> Result<Option<String>, String> {
        Ok((!is_ours(before)).then(|| before.to_owned()))
    }

    fn installed(&self, text: &str) -> Option<Found> {
        command_in(text).map(|command| Found { command, limit: None })
    }
}

/// The file's permissions with a lock on every tool, before all others: the last that matches
/// counts.
fn with_lock(before: Option<&str>) -> Result<String, String> {
    let text = before.filter(|text| !text.trim().is_empty()).unwrap_or(EMPTY);
    let mut file = Json::read(text)?;
    file.names_each_once(&file.whole())?;
    let fields = file.fields(&file.whole()).ok_or("it is not an object")?;
    let Some(permission) = file.get(&file.whole(), "permission") else {
        let whole = file.whole();
        file.append_part(&whole, &fields, Some("permission"), &json!({ "*": "deny" }));
        return Ok(file.into_text());
    };
    file.names_each_once(&permission)?;
    let rules = file.fields(&permission).ok_or(
        "its permission is not an object: the gate needs \"permission\": {\"*\": \"deny\"}, which \
         its plugin takes back",
    )?;
    match file.get(&permission, "*").map(|rule| file.as_text(&rule)) {
        Some(Some(rule)) if rule == "deny" => {}
        Some(_) => {
            return Err("its permission of \"*\" must be \"deny\", which the plugin of the gate \
                        takes back: remove it, because the gate's rules decide about every tool"
                .into());
        }
        None => file.prepend_part(&permission, &rules, "*", &"deny"),
    }
    Ok(file.into_text())
}

fn without_lock(before: &str) -> Result<Option<String>, String> {
    let mut file = Json::read(before)?;
    let locked = |file: &Json| {
        let permission = file.get(&file.whole(), "permission")?;
        let rule = file.as_text(&file.get(&permission, "*")?)?;
        (rule == "deny").then_some(permission)
    };
    let Some(permission) = locked(&file) else { return Ok(Some(before.to_owned())) };
    file.cut(&permission, "*");
    let whole = file.whole();
    let left = file.get(&whole, "permission").and_then(|permission| file.fields(&permission));
    if left.is_some_and(|left| left.is_empty()) {
        file.cut(&whole, "permission");
    }
    // OpenCode adds the address of the schema to a file that has none.
    let left = file.fields(&file.whole()).unwrap_or_default();
    let is_empty = left.iter().all(|field| field.name == "$schema");
    Ok((!is_empty).then(|| file.into_text()))
}

impl Adapter for OpenCode {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "OpenCode"
    }

    fn process(&self) -> &'static str {
        "opencode"
    }

    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String> {
        let folder = match project {
            Some(project) => project.join(".opencode"),
            None => user_folder("XDG_CONFIG_HOME", ".config")?.join("opencode"),
        };
        Ok(folder.join("plugin/gander.js"))
    }

    fn companion(&self, hooks: &Path, _: Option<&Path>) -> Result<Option<Companion>, String> {
        let folder = hooks.ancestors().nth(2).unwrap_or(hooks);
        let file = folder.join("opencode.json");
        Ok(Some(Companion { file, with: with_lock, without: without_lock }))
    }

    fn own_folders(&self, hooks: &Path) -> Vec<PathBuf> {
        hooks.parent().map(Path::to_owned).into_iter().collect()
    }

    fn format(&self) -> &dyn HookFile {
        &Plugin
    }

    /// Without the plugin nothing runs, so nothing switches the gate off.
    fn check_enabled(&self, _: &Path, _: Option<&Path>) -> Result<(), Bypass> {
        Ok(())
    }

    fn advice(&self, _: Option<&Path>) -> Option<&'static str> {
        Some(text::gate::agents::OPENCODE)
    }

    fn folder_variable(&self) -> Option<&'static str> {
        Some("OPENCODE_PROJECT_DIR")
    }

    fn event(&self, name: &str) -> Option<HookEvent> {
        (name == EVENT).then_some(HookEvent::PreToolUse)
    }

    fn understand(&self, input: &Value) -> Result<Told, String> {
        let told = Fields::CLAUDE.read(NAME, input, |name| self.event(name))?;
        Ok(vocabulary::translated(NAME, TOOLS, Servers::Unnamed, told))
    }

    /// In the words of the plugin.
    fn say(&self, _: HookEvent, answer: HookAnswer) -> HookOutput {
        match answer.yes_or_no() {
            Ok(_) => HookOutput::json(json!({ "decision": "allow" })),
            Err(words) => HookOutput::json(json!({ "decision": "deny", "reason": words })),
        }
    }

    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn sample(&self, folder: &Path, command: &str) -> Value {
        claude_sample(EVENT, "bash", folder, command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_first_and_is_taken_back_byte_by_byte() {
        for text in [
            "{\n  \"model\": \"x\"\n}\n",
            "{\"permission\":{\"bash\":\"ask\",\"edit\":\"deny\"}}",
            "{\n  \"permission\": {\n    \"bash\": {\"git push\": \"ask\"}\n  },\n  \"a\": 1\n}\n",
        ] {
            let with = with_lock(Some(text)).unwrap();
            let file: Value = serde_json::from_str(&with).unwrap();
            assert_eq!(file["permission"]["*"], "deny", "{with}");
            let others = with.find("\"bash\"").unwrap_or(usize::MAX);
            assert!(with.find("\"*\"").unwrap() < others, "{with}");
            assert_eq!(with_lock(Some(&with)).unwrap(), with);
            assert_eq!(without_lock(&with).unwrap().as_deref(), Some(text));
            assert_eq!(without_lock(text).unwrap().as_deref(), Some(text));
        }
        let new = with_lock(None).unwrap();
        assert_eq!(without_lock(&new), Ok(None));
        for text in ["{\"permission\":\"allow\"}", "{\"permission\":{\"*\":\"ask\"}}", "[]"] {
            assert!(with_lock(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn the_plugin_holds_its_command() {
        let line = "/opt/gander gate opencode --timeout 1s || { echo 'no \"way\"' >&2; exit 2; }";
        let hook = HookCommand { line: line.into(), limit: 31, desk: None };
        let text = Plugin.with_gate(None, &hook).unwrap();
        assert_eq!(Plugin.installed(&text), Some(Found { command: line.into(), limit: None }));
        assert_eq!(Plugin.without_gate(&text), Ok(None));
        let changed = text.replacen("await ask", "ask", 1);
        assert_eq!(Plugin.installed(&changed), None);
        assert!(Plugin.with_gate(Some(&changed), &hook).is_ok());
        assert!(Plugin.with_gate(Some("export const Other = 1"), &hook).is_err());
    }
}
