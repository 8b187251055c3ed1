//! Stand-ins for eight agents: each reads its own configuration as it was installed, runs the hook
//! as the agent does, and does with what comes of it what was seen with the agent, or stands in its
//! source or manual, up to where it fails open.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::common::process::LIMIT;
use crate::gates_standin::{Outcome, kill_gate_below};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Copilot,
    Cursor,
    Gemini,
    OpenCode,
    Qwen,
    Kimi,
    Crush,
    Kiro,
}

pub(crate) const ALL: [Kind; 8] = [
    Kind::Copilot,
    Kind::Cursor,
    Kind::Gemini,
    Kind::OpenCode,
    Kind::Qwen,
    Kind::Kimi,
    Kind::Crush,
    Kind::Kiro,
];

/// A hook in an agent's configuration.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) command: String,
    /// How long the agent waits for it.
    pub(crate) limit: Duration,
}

/// What came of a hook.
enum Ended {
    /// Its status (`None`: a signal), output and errors.
    With(Option<i32>, String, String),
    Late,
}

/// An agent that works in a folder.
pub(crate) struct Agent {
    pub(crate) kind: Kind,
    pub(crate) home: PathBuf,
    pub(crate) project: PathBuf,
    /// In place of the hook's own limit.
    pub(crate) patience: Option<Duration>,
}

/// A hook that runs.
pub(crate) struct Hooked {
    child: Child,
    hook: Hook,
    input: Vec<u8>,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Copilot => "copilot",
            Self::Cursor => "cursor",
            Self::Gemini => "gemini",
            Self::OpenCode => "opencode",
            Self::Qwen => "qwen",
            Self::Kimi => "kimi",
            Self::Crush => "crush",
            Self::Kiro => "kiro",
        }
    }

    /// The recorded call of its shell.
    pub(crate) fn shell(self) -> &'static str {
        match self {
            Self::Copilot => "copilot/bash",
            Self::Cursor => "cursor/Shell",
            Self::Gemini => "gemini/run_shell_command",
            Self::OpenCode => "opencode/bash",
            Self::Qwen => "qwen/run_shell_command",
            Self::Kimi => "kimi/Bash",
            Self::Crush => "crush/bash",
            Self::Kiro => "kiro/v3-execute_bash",
        }
    }

    /// Kimi has no hooks of projects; of the others, those are tested.
    pub(crate) fn is_of_project(self) -> bool {
        self != Self::Kimi
    }

    pub(crate) fn file(self, home: &Path, project: &Path) -> PathBuf {
        match self {
            Self::Copilot => project.join(".github/hooks/gander.json"),
            Self::Cursor => project.join(".cursor/hooks.json"),
            Self::Gemini => project.join(".gemini/settings.json"),
            Self::OpenCode => project.join(".opencode/plugin/gander.js"),
            Self::Qwen => project.join(".qwen/settings.json"),
            Self::Kimi => home.join(".kimi-code/config.toml"),
            Self::Crush => project.join(".crush.json"),
            Self::Kiro => project.join(".kiro/hooks/gander.json"),
        }
    }

    /// What the agent makes of its configuration for a call of this tool.
    fn hook(self, text: &str, said: &Value) -> Option<Hook> {
        let file: Value = match self {
            Self::Kimi => kimi_settings(text)?,
            Self::OpenCode => return plugin(text),
            Self::Cursor => cursor_settings(text)?,
            _ => serde_json::from_str(text).ok()?,
        };
        let hooks = &file["hooks"];
        let tool = said["tool_name"].as_str().unwrap_or_default();
        let is_text = |hook: &Value, name: &str| hook[name].as_str().map(str::to_owned);
        let sees = |hook: &&Value| match is_text(hook, "matcher").as_deref() {
            None => true,
            // Rust's patterns look at nothing ahead.
            Some("^(?!MCP:)") => !tool.starts_with("MCP:"),
            Some(matcher) => Regex::new(matcher).is_ok_and(|matcher| matcher.is_match(tool)),
        };
        let (list, command, limit, usual) = match self {
            Self::Copilot => (&hooks["preToolUse"], "/bash", "timeoutSec", 30),
            Self::Cursor => (&hooks[said["hook_event_name"].as_str()?], "/command", "timeout", 60),
            Self::Gemini | Self::Qwen => return self.grouped(hooks),
            Self::Kimi => (hooks, "/command", "timeout", 30),
            Self::Kiro => (hooks, "/action/command", "timeout", 60),
            _ => (&hooks["PreToolUse"], "/command", "timeout", 30),
        };
        // Beside the gate, the agent runs the others' hooks, which have no say here.
        let is_gate = |hook: &&Value| {
            let line = hook.pointer(command).and_then(Value::as_str);
            line.is_some_and(|line| line.contains("/gander gate "))
        };
        let found = list.as_array()?.iter().filter(sees).find(is_gate)?;
        match self {
            Self::Copilot => assert_eq!(found["type"], "command"),
            Self::Cursor => assert_eq!(found["failClosed"], true),
            Self::Kiro => assert!(file["version"] == "v1" && found["trigger"] == "PreToolUse"),
            _ => {}
        }
        let limit = Duration::from_secs(found[limit].as_u64().unwrap_or(usual));
        Some(Hook { command: found.pointer(command)?.as_str()?.to_owned(), limit })
    }

    /// A hook in Claude Code's shape, with a limit in milliseconds.
    fn grouped(self, hooks: &Value) -> Option<Hook> {
        let event = if self == Self::Gemini { "BeforeTool" } else { "PreToolUse" };
        let mut groups = hooks[event].as_array()?.iter();
        let found = &groups.find(|group| group["matcher"] == "*")?["hooks"][0];
        let limit = found["timeout"].as_u64().unwrap_or(60_000);
        let limit = match self {
            // Node's timers.
            Self::Gemini if limit > 2_147_483_647 => 1,
            // Seconds; and every request to a hook ends after a minute.
            Self::Qwen if limit < 1000 => limit * 1000,
            Self::Qwen => limit.min(60_000),
            _ => limit,
        };
        let command = found["command"].as_str()?.to_owned();
        Some(Hook { command, limit: Duration::from_millis(limit) })
    }

    /// How the agent runs a hook.
    fn command(self, hook: &Hook, input: &[u8]) -> Command {
        let shell = match self {
            Self::Copilot | Self::Gemini | Self::Qwen | Self::Crush => "/bin/bash",
            _ => "/bin/sh",
        };
        let mut command = Command::new(shell);
        if self == Self::Cursor {
            // The input stands behind the command.
            let input = String::from_utf8_lossy(input);
            let line = format!("{} <<'CURSOR_HOOK_EOF'\n{input}\nCURSOR_HOOK_EOF", hook.command);
            command.arg("-lc").arg(line);
        } else {
            command.arg("-c").arg(&hook.command);
        }
        command
    }

    fn environment(self, project: &Path) -> Vec<(&'static str, String)> {
        let project = project.to_str().unwrap().to_owned();
        let set = |names: &[&'static str]| names.iter().map(|it| (*it, project.clone())).collect();
        match self {
            Self::Copilot => {
                let mut all: Vec<_> = set(&["COPILOT_PROJECT_DIR", "CLAUDE_PROJECT_DIR"]);
                let git = [
                    ("COPILOT_CLI", "1"),
                    ("GIT_CONFIG_COUNT", "1"),
                    ("GIT_CONFIG_KEY_0", "safe.bareRepository"),
                    ("GIT_CONFIG_VALUE_0", "explicit"),
                ];
                all.extend(git.map(|(name, value)| (name, value.to_owned())));
                all
            }
            Self::Cursor => set(&["CURSOR_PROJECT_DIR", "CLAUDE_PROJECT_DIR"]),
            Self::Gemini => set(&["GEMINI_PROJECT_DIR", "GEMINI_CWD", "CLAUDE_PROJECT_DIR"]),
            Self::Qwen => set(&["QWEN_PROJECT_DIR", "CLAUDE_PROJECT_DIR", "GEMINI_PROJECT_DIR"]),
            Self::OpenCode => set(&["OPENCODE_PROJECT_DIR"]),
            Self::Crush => set(&["CRUSH_PROJECT_DIR", "CRUSH_CWD"]),
            Self::Kimi | Self::Kiro => Vec::new(),
        }
    }

    /// What the agent does after its hook.
    fn outcome(self, ended: Ended) -> Outcome {
        let Ended::With(status, out, err) = ended else {
            return match self {
                Self::Cursor => Outcome::Denied("timed out".into()),
                Self::OpenCode => panic!("it waits for ever"),
                _ => Outcome::Open("timed out".into()),
            };
        };
        let (out, err) = (out.trim().to_owned(), err.trim().to_owned());
        let said = serde_json::from_str(&out).ok().filter(Value::is_object);
        let heard = Heard { status, out, err, said };
        match self {
            Self::Copilot => heard.by_copilot(),
            Self::Cursor => heard.by_cursor(),
            Self::Gemini => heard.by_gemini(),
            Self::OpenCode => heard.by_plugin(),
            Self::Qwen => heard.by_claudes_shape("/hookSpecificOutput/permissionDecision"),
            Self::Kimi => heard.by_claudes_shape("/hookSpecificOutput/permissionDecision"),
            Self::Crush => heard.by_claudes_shape("/decision"),
            Self::Kiro => heard.by_kiro(),
        }
    }
}

/// What an agent hears of its hook.
struct Heard {
    status: Option<i32>,
    out: String,
    err: String,
    said: Option<Value>,
}

impl Heard {
    fn text(&self, at: &str) -> &str {
        self.said.as_ref().and_then(|said| said.pointer(at)?.as_str()).unwrap_or_default()
    }

    fn denied(&self, words: &str) -> Outcome {
        Outcome::Denied(words.to_owned())
    }

    fn open(&self) -> Outcome {
        Outcome::Open(format!("{:?} {} {}", self.status, self.out, self.err))
    }

    fn by_copilot(&self) -> Outcome {
        match (self.status, self.text("/permissionDecision")) {
            (None, _) => self.denied("hook errored"),
            (_, "deny") => self.denied(self.text("/permissionDecisionReason")),
            (Some(0), "allow") => Outcome::Ran,
            (Some(2), _) => self.denied("hook exited with code 2"),
            (Some(0), _) => self.open(),
            _ => self.denied("hook errored"),
        }
    }

    fn by_cursor(&self) -> Outcome {
        match (self.status, self.text("/permission")) {
            (Some(0), "allow") => Outcome::Ran,
            (Some(0), "deny") => self.denied(self.text("/user_message")),
            (Some(2), _) if !self.out.is_empty() => self.denied(&self.out),
            (Some(2), _) => self.denied(&self.err),
            _ => self.denied("the hook failed"),
        }
    }

    fn by_gemini(&self) -> Outcome {
        match (&self.said, self.status) {
            (_, None | Some(1)) => self.open(),
            (Some(_), _) => match self.text("/decision") {
                "deny" | "block" => self.denied(self.text("/reason")),
                "allow" => Outcome::Ran,
                _ => self.open(),
            },
            (None, Some(0)) => self.open(),
            (None, _) if self.out.is_empty() && self.err.is_empty() => self.open(),
            (None, _) => self.denied(if self.out.is_empty() { &self.err } else { &self.out }),
        }
    }

    fn by_plugin(&self) -> Outcome {
        match (self.status, self.text("/decision")) {
            (Some(0), "allow") => Outcome::Ran,
            (_, "deny") => self.denied(self.text("/reason")),
            _ => self.denied(&self.err),
        }
    }

    /// Of agents that deny by exit status 2 with words, or by JSON, and take all else for nothing.
    fn by_claudes_shape(&self, at: &str) -> Outcome {
        match (self.status, self.text(at)) {
            (Some(2), _) if !self.err.is_empty() => self.denied(&self.err),
            (Some(0), "deny") => {
                let nested = self.text("/hookSpecificOutput/permissionDecisionReason");
                self.denied(if nested.is_empty() { self.text("/reason") } else { nested })
            }
            (Some(0), "allow") => Outcome::Ran,
            _ => self.open(),
        }
    }

    fn by_kiro(&self) -> Outcome {
        match self.status {
            Some(2) if !self.err.is_empty() => self.denied(&self.err),
            Some(0) => Outcome::Ran,
            _ => self.open(),
        }
    }
}

/// Cursor removes comments also within strings, and runs no hook of a file with an event that it
/// does not know: of the events in the tests' files, it knows these.
fn cursor_settings(text: &str) -> Option<Value> {
    let lines = Regex::new("(?m)//.*$").unwrap().replace_all(text, "").into_owned();
    let plain = Regex::new(r"(?s)/\*.*?\*/").unwrap().replace_all(&lines, "").into_owned();
    let file: Value = serde_json::from_str(&plain).ok()?;
    let known = ["preToolUse", "beforeMCPExecution", "stop"];
    let knows_all = file["hooks"].as_object()?.keys().all(|event| known.contains(&event.as_str()));
    (file["version"].as_u64()? > 0 && knows_all).then_some(file)
}

/// Kimi runs no hook at all if one of them is not as it should be.
fn kimi_settings(text: &str) -> Option<Value> {
    let file: toml::Table = text.parse().ok()?;
    let file = serde_json::to_value(file).ok()?;
    let valid = |hook: &Value| {
        let known = ["event", "matcher", "command", "timeout"];
        let timeout = hook["timeout"].as_u64().unwrap_or(30);
        let is_known = hook["event"] == "PreToolUse" || hook["event"] == "Stop";
        is_known
            && hook["command"].is_string()
            && hook.as_object().unwrap().keys().all(|name| known.contains(&name.as_str()))
            && (1..=600).contains(&timeout)
    };
    file["hooks"].as_array()?.iter().all(valid).then(|| json!({ "hooks": file["hooks"] }))
}

/// What the plugin runs. It waits for ever, and tests with Node see the rest of it.
fn plugin(text: &str) -> Option<Hook> {
    let line = text.lines().find_map(|line| line.strip_prefix("const COMMAND = "))?;
    Some(Hook { command: serde_json::from_str(line).ok()?, limit: Duration::MAX })
}

impl Agent {
    pub(crate) fn hook_file(&self) -> PathBuf {
        self.kind.file(&self.home, &self.project)
    }

    /// The hook for a call.
    pub(crate) fn hook(&self, input: &[u8]) -> Option<Hook> {
        let said: Value = serde_json::from_slice(input).unwrap_or_default();
        let usual = match self.kind {
            Kind::Cursor => json!({ "hook_event_name": "preToolUse", "tool_name": "Shell" }),
            _ => json!({}),
        };
        let said = if said["tool_name"].is_string() { said } else { usual };
        self.kind.hook(&std::fs::read_to_string(self.hook_file()).ok()?, &said)
    }

    pub(crate) fn edit_hooks(&self, change: impl Fn(String) -> String) {
        let there = std::fs::read_to_string(self.hook_file()).unwrap();
        let new = change(there.clone());
        assert_ne!(there, new);
        std::fs::write(self.hook_file(), new).unwrap();
    }

    /// Makes a call: starts the hook.
    pub(crate) fn start(&self, input: &[u8]) -> Result<Hooked, Outcome> {
        let hook = self.hook(input).ok_or_else(|| Outcome::Open("no hook".into()))?;
        let mut command = self.kind.command(&hook, input);
        command.current_dir(&self.project).process_group(0).kill_on_drop(true);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &self.home);
        command.envs(self.kind.environment(&self.project));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Hooked { child: command.spawn().unwrap(), hook, input: input.to_vec() })
    }

    /// Makes a call and awaits what becomes of it.
    pub(crate) async fn call(&self, input: impl AsRef<[u8]>) -> Outcome {
        match self.start(input.as_ref()) {
            Ok(hooked) => self.end(hooked).await,
            Err(outcome) => outcome,
        }
    }

    pub(crate) async fn end(&self, mut hooked: Hooked) -> Outcome {
        let mut stdin = hooked.child.stdin.take().unwrap();
        let group = hooked.child.id().unwrap();
        let input = std::mem::take(&mut hooked.input);
        let talk = async {
            if self.kind != Kind::Cursor {
                // A hook that does not read on closes its end.
                let _ = stdin.write_all(&input).await;
            }
            drop(stdin);
            hooked.child.wait_with_output().await.unwrap()
        };
        let limit = self.patience.unwrap_or(LIMIT.min(hooked.hook.limit));
        let Ok(output) = timeout(limit, talk).await else {
            let group = format!("-{group}");
            let killed = Command::new("kill").args(["-KILL", "--", &group]).status().await;
            assert!(killed.unwrap().success());
            assert!(self.patience.is_some(), "the gate said nothing in time");
            return self.kind.outcome(Ended::Late);
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        self.kind.outcome(Ended::With(output.status.code(), out, err))
    }
}

impl Hooked {
    /// Kills the gate alone, as the system does when memory runs out.
    pub(crate) async fn kill_gate(&self) {
        kill_gate_below(self.child.id().unwrap()).await;
    }
}
