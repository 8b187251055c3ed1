//! Anthropic's Claude Code.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Adapter, Agent, Defer, claude_sample, copilot, cursor, permission_behavior,
    permission_decision, single_command, user_folder,
};
use crate::cli::gate::bypass::{Bypass, settings};
use crate::cli::gate::command::{HookCommand, own_desk_line};
use crate::cli::gate::contract::{Contract, Decides, Evidence, Fate, Start};
use crate::cli::gate::desk::{News, Notice, Prompt};
use crate::cli::gate::groups::{Grouped, TimeUnit};
use crate::cli::gate::hook::{Fields, HookAnswer, HookEvent, HookOutput};
use crate::cli::gate::hook_file::{Found, HookFile};
use crate::cli::gate::seat::ResumeCommand;
use crate::core::decision::resumption::SessionShape;
use crate::core::decision::{AgentCall, OwnPrompt};

/// Environment variable and value by which Claude Code tells its hooks that it runs as `claude -p`.
const ENTRY: (&str, &str) = ("CLAUDE_CODE_ENTRYPOINT", "sdk-cli");

/// Every call passes `PreToolUse`; a missing or killed hook would not deny in `PermissionRequest`,
/// which answers a prompt at the desk.
const FILE: Grouped = Grouped {
    agent: NAME,
    events: &["PreToolUse"],
    matcher: "*",
    unit: TimeUnit::Seconds,
    fields: &[("onFailure", "block")],
    desk: &["PermissionRequest", "PostToolUse", "PostToolUseFailure", "Stop", "SubagentStop"],
};

/// What MCP servers ask. Not needed to stop calls, so a file without it is a gate all the same.
const FORMS: Grouped = Grouped { events: &["Elicitation"], desk: &[], ..FILE };

/// The first version that knows [`FORMS`]. One that does not may ignore the whole file, and with it
/// the gate.
const KNOWS_FORMS: [u64; 3] = [2, 1, 76];

/// The value of [`ENTRY`] in a terminal with a person, where Claude Code shows its prompt and runs
/// `PermissionRequest` at once. How others show theirs is not known.
const TERMINAL: &str = "cli";

const NAME: &str = "claude-code";

const PROGRAM: &str = "claude";

/// With `onFailure`, which older versions do not know.
static CONTRACT: Contract = Contract {
    evidence: Evidence::Ran("2.1.332"),
    start: Start::Shell,
    decides: Some(Decides {
        at: "/hookSpecificOutput/permissionDecision",
        yes: "allow",
        no: "deny",
    }),
    output_first: false,
    empty: Fate::Runs,
    garbage: Fate::Denies,
    silent: Fate::Denies,
    failed: Fate::Denies,
    killed: Fate::Denies,
    late: Fate::Denies,
    usual_limit: Some(Duration::from_mins(10)),
    longest_limit: None,
    holes: &["a project's settings with disableAllHooks"],
};

/// Without a prompt among its arguments, `claude -p` reads one from standard input.
const RESUME: ResumeCommand = ResumeCommand {
    program: "claude",
    session: SessionShape::Uuid,
    first: &["-p"],
    before_session: &["--resume"],
    after_session: &[],
};

/// The settings of a folder.
const SETTINGS: [&str; 2] = [".claude/settings.json", ".claude/settings.local.json"];

/// Whether hooks in a folder's settings may answer Claude Code's prompt, other than the one that
/// was installed with this gate: another may ask another store. So may what cannot be read.
fn answers_prompts(folder: &Path, file: &str) -> bool {
    let Ok(text) = settings(&folder.join(file)) else { return true };
    if text.trim().is_empty() {
        return false;
    }
    let Ok(said) = serde_json::from_str::<Value>(&text) else { return true };
    let groups = &said["hooks"]["PermissionRequest"];
    let Some(groups) = groups.as_array() else { return !groups.is_null() };
    let own = own_desk_line(&ClaudeCode);
    let ours = |hook: &Value| own.is_some() && hook["command"].as_str() == own.as_deref();
    let hooks = groups.iter().map(|group| group["hooks"].as_array());
    let mut foreign = hooks.map(|hooks| hooks.is_none_or(|hooks| !hooks.iter().all(ours)));
    foreign.any(|foreign| foreign)
}

#[derive(Debug)]
pub(super) struct ClaudeCode;

/// [`FILE`], and [`FORMS`] where Claude Code knows them.
struct WithForms;

impl HookFile for WithForms {
    fn with_gate(&self, before: Option<&str>, hook: &HookCommand) -> Result<String, String> {
        let text = FILE.with_gate(before, hook)?;
        let knows_forms = || version().is_some_and(|version| version >= KNOWS_FORMS);
        if FORMS.installed(&text).is_some() || knows_forms() {
            return FORMS.with_gate(Some(&text), hook);
        }
        Ok(text)
    }

    fn without_gate(&self, before: &str) -> Result<Option<String>, String> {
        FILE.without_gate(before)
    }

    fn installed(&self, text: &str) -> Option<Found> {
        FILE.installed(text)
    }
}

/// The version of the installed Claude Code, if it is on the path: `2.1.197 (Claude Code)`.
fn version() -> Option<[u64; 3]> {
    let mut command = Command::new(PROGRAM);
    let output = command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let said = String::from_utf8(output.ok()?.stdout).ok()?;
    let mut parts = said.split_whitespace().next()?.split('.').map(str::parse);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) => Some([major, minor, patch]),
        _ => None,
    }
}

/// The answer to an MCP server. Without one, Claude Code shows the form itself.
fn elicited(answer: HookAnswer) -> HookOutput {
    let mut said = match answer {
        HookAnswer::Allow { .. } | HookAnswer::AllowChanged { .. } | HookAnswer::OwnPrompt(_) => {
            return HookOutput::NOTHING;
        }
        HookAnswer::Answer { input, .. } => json!({ "action": "accept", "content": input }),
        HookAnswer::Deny(_) => json!({ "action": "decline" }),
        HookAnswer::Defer(_) => json!({ "action": "cancel" }),
    };
    said["hookEventName"] = "Elicitation".into();
    HookOutput::json(json!({ "hookSpecificOutput": said }))
}

impl Adapter for ClaudeCode {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Claude Code"
    }

    fn process(&self) -> &'static str {
        PROGRAM
    }

    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String> {
        Ok(match project {
            // Not the shared settings file, because the command names a program on this machine.
            Some(project) => project.join(".claude/settings.local.json"),
            None => user_folder("CLAUDE_CONFIG_DIR", ".claude")?.join("settings.json"),
        })
    }

    fn format(&self) -> &dyn HookFile {
        &WithForms
    }

    /// Cursor runs this hook too, and writes the input behind the command, so that the command must
    /// be a single one.
    fn shell_line(&self, line: String) -> String {
        single_command(&line)
    }

    /// Claude Code runs no hook if any of its settings files disables all hooks.
    fn check_enabled(&self, hooks: &Path, project: Option<&Path>) -> Result<(), Bypass> {
        let own = self.hook_file(None).map_err(|why| Bypass { file: hooks.to_owned(), why })?;
        let near = project.map(|project| project.join(".claude"));
        let near = near
            .iter()
            .flat_map(|folder| [folder.join("settings.local.json"), folder.join("settings.json")]);
        for file in near.chain([own, hooks.to_owned()]) {
            // Invalid JSON in the hook file is reported by the code that writes the hook.
            let said: Value = serde_json::from_str(&settings(&file)?).unwrap_or_default();
            if said["disableAllHooks"] == Value::Bool(true) {
                return Err(Bypass {
                    file,
                    why: "it switches off all hooks (disableAllHooks): remove that first".into(),
                });
            }
        }
        Ok(())
    }

    /// Claude Code's own directory changes with commands.
    fn folder_variable(&self) -> Option<&'static str> {
        Some("CLAUDE_PROJECT_DIR")
    }

    /// Copilot CLI and Cursor run the hooks in Claude Code's settings too.
    fn caller(&self, input: &Value) -> Option<Agent> {
        if cursor::speaks(input) {
            Some(&cursor::Cursor)
        } else if copilot::speaks(input) {
            Some(&copilot::Copilot)
        } else {
            None
        }
    }

    fn event(&self, name: &str) -> Option<HookEvent> {
        match name {
            "PreToolUse" => Some(HookEvent::PreToolUse),
            // Its prompt is about the very call that its other hook has submitted.
            "PermissionRequest" => Some(HookEvent::PermissionRequest),
            "Elicitation" => Some(HookEvent::Elicitation),
            _ => None,
        }
    }

    /// `updatedInput`, which replaces all arguments.
    fn changeable(&self, event: HookEvent, _: &Value) -> Option<&'static str> {
        (event != HookEvent::Elicitation).then_some(Fields::CLAUDE.input)
    }

    fn can_defer(&self) -> Defer {
        let unattended = std::env::var(ENTRY.0).is_ok_and(|entry| entry == ENTRY.1);
        Defer::IfWanted { unattended }
    }

    fn resume(&self) -> Option<ResumeCommand> {
        Some(RESUME)
    }

    fn asks_at_desk(&self) -> bool {
        true
    }

    /// A hook's `ask` brings the prompt in every permission mode and beside every rule. A hook of
    /// the folder's own settings could answer the prompt.
    fn prompt(&self, event: HookEvent, _: &Value, folders: &[PathBuf]) -> Prompt {
        match event {
            HookEvent::PermissionRequest => return Prompt::Shown,
            // A form of an MCP server is no call.
            HookEvent::Elicitation => return Prompt::None,
            HookEvent::PreToolUse => {}
        }
        let in_terminal = std::env::var(ENTRY.0).is_ok_and(|entry| entry == TERMINAL);
        let answers = |folder: &PathBuf| SETTINGS.iter().any(|file| answers_prompts(folder, file));
        if in_terminal && !folders.is_empty() && !folders.iter().any(answers) {
            Prompt::Offered(OwnPrompt::Both)
        } else {
            Prompt::None
        }
    }

    fn name_call(&self, input: &Value) -> AgentCall {
        let text = |name: &str| input[name].as_str().map(str::to_owned);
        AgentCall { call: text("tool_use_id"), thread: text("agent_id") }
    }

    fn notice(&self, input: &Value) -> Option<Notice> {
        let AgentCall { call, thread } = self.name_call(input);
        let news = match input["hook_event_name"].as_str()? {
            "PostToolUse" | "PostToolUseFailure" => News::Ran(call?),
            "Stop" => News::Paused { thread: None },
            "SubagentStop" => News::Paused { thread: Some(thread?) },
            _ => return None,
        };
        Some(Notice { session: input["session_id"].as_str()?.to_owned(), news })
    }

    fn say(&self, event: HookEvent, answer: HookAnswer) -> HookOutput {
        if event == HookEvent::PermissionRequest {
            return permission_behavior(answer);
        }
        if event == HookEvent::Elicitation {
            return elicited(answer);
        }
        let (decision, words, note, input) = match answer {
            HookAnswer::Allow { words, note, input } => ("allow", words, note, input),
            HookAnswer::AllowChanged { words, note, input } => {
                ("allow", words, Some(note), Some(input))
            }
            HookAnswer::Answer { words, input } => ("allow", words, None, Some(input)),
            HookAnswer::Defer(words) => ("defer", words, None, None),
            HookAnswer::OwnPrompt(words) => ("ask", words, None, None),
            // Others that read this hook need not understand its JSON, but know the exit status.
            HookAnswer::Deny(words) => {
                let said = permission_decision("deny", &words);
                return HookOutput::deny_both(words, json!({ "hookSpecificOutput": said }));
            }
        };
        let mut said = permission_decision(decision, &words);
        if let Some(note) = note {
            said["additionalContext"] = note.into();
        }
        // Tools that wait for the person run without their own prompt only with an input.
        if let Some(input) = input {
            said["updatedInput"] = input;
        }
        HookOutput::json(json!({ "hookSpecificOutput": said }))
    }

    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn sample(&self, folder: &Path, command: &str) -> Value {
        let mut said = claude_sample("PreToolUse", "Bash", folder, command);
        said["tool_use_id"] = "toolu_1".into();
        said
    }
}
