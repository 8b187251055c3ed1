//! OpenAI's Codex.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Adapter, claude_sample, permission_behavior, permission_decision, single_command, user_folder,
};
use crate::cli::gate::bypass::{Bypass, settings};
use crate::cli::gate::contract::{Contract, Decides, Evidence, Fate, Start};
use crate::cli::gate::desk::{News, Notice, Prompt};
use crate::cli::gate::groups::{Grouped, TimeUnit};
use crate::cli::gate::hook::{HookAnswer, HookEvent, HookOutput};
use crate::cli::gate::hook_file::HookFile;
use crate::cli::gate::seat::ResumeCommand;
use crate::core::decision::resumption::SessionShape;
use crate::core::decision::{AgentCall, OwnPrompt};
use crate::core::hex;
use crate::disk;
use crate::presentation::text;

const FILE: Grouped = Grouped {
    agent: NAME,
    events: &["PreToolUse", "PermissionRequest"],
    matcher: ".*",
    unit: TimeUnit::Seconds,
    fields: &[],
    desk: &["PostToolUse", "Stop", "UserPromptSubmit"],
};

const NAME: &str = "codex";

/// Codex takes an empty answer for a yes: it has no other.
static CONTRACT: Contract = Contract {
    evidence: Evidence::Ran("0.171.0"),
    start: Start::Login,
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
    usual_limit: Some(Duration::from_mins(10)),
    longest_limit: None,
    holes: &["hooks that the person has not trusted", "what is typed into a running program"],
};

/// `-` stands for a prompt on standard input.
const RESUME: ResumeCommand = ResumeCommand {
    program: "codex",
    session: SessionShape::Uuid,
    first: &["exec", "resume"],
    before_session: &[],
    after_session: &["-"],
};

/// Largest record of a session that is read, in bytes.
const LONGEST_RECORD: u64 = 32 << 20;

/// Whether Codex's own record of the session says that its user, and no model, reviews what is
/// asked in this turn.
fn a_person_reviews(input: &Value, folders: &[PathBuf]) -> bool {
    let Some(record) = input["transcript_path"].as_str().map(Path::new) else { return false };
    let is_agents = |folder: &PathBuf| record.starts_with(folder);
    if !record.is_absolute() || folders.iter().any(is_agents) || !input["turn_id"].is_string() {
        return false;
    }
    let Ok(record) = disk::read_own_text(record, LONGEST_RECORD) else { return false };
    let turns = record.lines().rev().filter(|line| line.contains("approvals_reviewer"));
    let mut turns = turns.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    // The latest word counts: the reviewer may change within a turn.
    let latest = turns.find_map(|line| {
        let said = &line["payload"];
        let reviewer = |said: &Value| said["approvals_reviewer"].as_str().map(str::to_owned);
        let of_turn = said["turn_id"] == input["turn_id"];
        reviewer(&said["thread_settings"]).or_else(|| reviewer(said).filter(|_| of_turn))
    });
    latest.as_deref() == Some("user")
}

#[derive(Debug)]
pub(super) struct Codex;

impl Adapter for Codex {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Codex"
    }

    fn process(&self) -> &'static str {
        "codex"
    }

    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String> {
        Ok(match project {
            Some(project) => project.join(".codex/hooks.json"),
            None => user_folder("CODEX_HOME", ".codex")?.join("hooks.json"),
        })
    }

    fn format(&self) -> &dyn HookFile {
        &FILE
    }

    /// Codex runs hooks with the user's own shell, which may not be a POSIX shell.
    fn shell_line(&self, line: String) -> String {
        single_command(&line)
    }

    /// Codex runs hooks unless its configuration disables the feature.
    fn check_enabled(&self, hooks: &Path, _: Option<&Path>) -> Result<(), Bypass> {
        let file = hooks.with_file_name("config.toml");
        let off = |why: String| Bypass { file: file.clone(), why };
        let config: toml::Table =
            settings(&file)?.parse().map_err(|error: toml::de::Error| off(error.to_string()))?;
        let features = config.get("features").and_then(toml::Value::as_table);
        let is_off =
            |name: &str| features.and_then(|features| features.get(name)?.as_bool()) == Some(false);
        match ["hooks", "codex_hooks"].into_iter().find(|name| is_off(name)) {
            Some(name) => Err(off(format!(
                "it switches off hooks ([features] {name} = false): remove that first"
            ))),
            None => Ok(()),
        }
    }

    fn advice(&self, _: Option<&Path>) -> Option<&'static str> {
        Some(text::gate::CODEX_TRUST)
    }

    /// `codex -C DIR`.
    fn folder_argument<'a>(&self, arguments: &'a [String]) -> Option<&'a str> {
        let mut words = arguments.iter().skip(1).take_while(|word| *word != "--");
        while let Some(word) = words.next() {
            if ["-C", "--cd"].contains(&word.as_str()) {
                return words.next().map(String::as_str);
            }
            if let Some(folder) = word.strip_prefix("--cd=") {
                return Some(folder);
            }
        }
        None
    }

    fn model_moves_hook(&self) -> bool {
        true
    }

    fn event(&self, name: &str) -> Option<HookEvent> {
        match name {
            "PreToolUse" => Some(HookEvent::PreToolUse),
            "PermissionRequest" => Some(HookEvent::PermissionRequest),
            _ => None,
        }
    }

    /// Codex asks to leave its sandbox, and need not say so in the call.
    fn own_prompt(&self, event: HookEvent) -> bool {
        event == HookEvent::PermissionRequest
    }

    fn resume(&self) -> Option<ResumeCommand> {
        Some(RESUME)
    }

    fn asks_at_desk(&self) -> bool {
        true
    }

    /// Without an answer to `PermissionRequest`, Codex asks its reviewer: a person, or a model. It
    /// cannot be made to ask by `PreToolUse`.
    fn prompt(&self, event: HookEvent, input: &Value, folders: &[PathBuf]) -> Prompt {
        match event {
            HookEvent::PermissionRequest if a_person_reviews(input, folders) => {
                Prompt::Offered(OwnPrompt::Alone)
            }
            _ => Prompt::None,
        }
    }

    /// `PermissionRequest` does not name the call: the turn and the arguments do, without the words
    /// of the question.
    fn name_call(&self, input: &Value) -> AgentCall {
        let mut arguments = input["tool_input"].clone();
        if let Some(fields) = arguments.as_object_mut() {
            fields.remove("description");
        }
        let named = json!([input["turn_id"], input["tool_name"], arguments]).to_string();
        AgentCall { call: Some(hex(&Sha256::digest(named)[..16])), thread: None }
    }

    /// Codex tells no hook that its user said no: the next prompt or the end of the turn does.
    fn notice(&self, input: &Value) -> Option<Notice> {
        let news = match input["hook_event_name"].as_str()? {
            "PostToolUse" => News::Ran(self.name_call(input).call?),
            "Stop" | "UserPromptSubmit" => News::Paused { thread: None },
            _ => return None,
        };
        Some(Notice { session: input["session_id"].as_str()?.to_owned(), news })
    }

    fn say(&self, event: HookEvent, answer: HookAnswer) -> HookOutput {
        if event == HookEvent::PermissionRequest {
            return permission_behavior(match answer {
                HookAnswer::Answer { words, .. } => HookAnswer::Deny(words),
                HookAnswer::AllowChanged { note, .. } => {
                    HookAnswer::Deny(text::gate::not_handed_over(&note))
                }
                answer => answer,
            });
        }
        let said = match answer {
            // Codex has no explicit yes: an empty answer leaves the next step to Codex.
            HookAnswer::Allow { note: None, .. } => return HookOutput::NOTHING,
            HookAnswer::Allow { note: Some(note), .. } => {
                json!({ "hookEventName": "PreToolUse", "additionalContext": note })
            }
            HookAnswer::AllowChanged { note, .. } => {
                permission_decision("deny", &text::gate::not_handed_over(&note))
            }
            // Codex gives the model the reason of a denial: the answer stands in it.
            HookAnswer::Answer { words, .. }
            | HookAnswer::Deny(words)
            | HookAnswer::Defer(words)
            // Here, Codex would go on without a prompt.
            | HookAnswer::OwnPrompt(words) => permission_decision("deny", &words),
        };
        HookOutput::json(json!({ "hookSpecificOutput": said }))
    }

    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn sample(&self, folder: &Path, command: &str) -> Value {
        claude_sample("PreToolUse", "Bash", folder, command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_named_by_an_option() {
        let folder = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            Codex.folder_argument(&words).map(str::to_owned)
        };
        assert_eq!(folder("codex exec -C /srv/shop fix"), Some("/srv/shop".into()));
        assert_eq!(folder("codex --cd=shop"), Some("shop".into()));
        assert_eq!(folder("codex exec -- -C /"), None);
        assert_eq!(folder("codex exec fix"), None);
    }
}
