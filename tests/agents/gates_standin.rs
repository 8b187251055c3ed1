//! Stand-ins for the agents: they read the hook configuration that was installed and do with it
//! what each agent's documentation says, up to where it fails open. They are stricter with Claude
//! Code than the newest of it: `onFailure` is honoured only where that is what is tested, for older
//! versions do not know it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::common::process::LIMIT;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ClaudeCode,
    Goose,
    Codex,
}

pub(crate) const ALL: [Kind; 3] = [Kind::ClaudeCode, Kind::Goose, Kind::Codex];

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Goose => "goose",
            Self::Codex => "codex",
        }
    }

    pub(crate) fn file(self, project: &Path) -> PathBuf {
        project.join(match self {
            Self::ClaudeCode => ".claude/settings.local.json",
            Self::Goose => ".agents/plugins/gander/hooks/hooks.json",
            Self::Codex => ".codex/hooks.json",
        })
    }
}

/// Events that say themselves which they are.
const LATER: [&str; 6] = [
    "PermissionRequest",
    "PostToolUse",
    "PostToolUseFailure",
    "Stop",
    "SubagentStop",
    "UserPromptSubmit",
];

/// What goose takes for a decision; anything else is a failure of the hook.
const KNOWN: [&str; 2] = ["allow", "block"];

/// What became of the tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran, because the hook said so.
    Ran,
    /// It did not run, and the agent was told this.
    Denied(String),
    /// It did not run, and the agent ended to be resumed.
    Deferred(String),
    /// The agent's own prompt asks the person before it, who reads this.
    Asks(String),
    /// It ran although nobody said so: the agent fails open.
    Open(String),
}

impl Outcome {
    #[track_caller]
    pub(crate) fn denied(self) -> String {
        if let Self::Denied(reason) = self { reason } else { panic!("{self:?}") }
    }
}

/// An agent that works in a folder.
pub(crate) struct Agent {
    pub(crate) kind: Kind,
    pub(crate) project: PathBuf,
    /// What its hooks find in their environment.
    pub(crate) env: Vec<(String, String)>,
    /// Whether Claude Code knows `onFailure`.
    pub(crate) on_failure: bool,
    /// In place of the hook's own limit.
    pub(crate) patience: Option<Duration>,
}

/// A hook that runs.
pub(crate) struct Hooked {
    child: Child,
    hook: Value,
    input: Vec<u8>,
}

impl Agent {
    /// Makes a call: starts the hook that matches.
    pub(crate) fn start(&self, input: &[u8]) -> Result<Hooked, Outcome> {
        let said: Value = serde_json::from_slice(input).unwrap_or_default();
        let event =
            said["hook_event_name"].as_str().or(said["event"].as_str()).unwrap_or("PreToolUse");
        let event = if LATER.contains(&event) { event } else { "PreToolUse" };
        let tool = said["tool_name"].as_str().unwrap_or("Bash");
        let file = std::fs::read_to_string(self.kind.file(&self.project))
            .map_err(|_| Outcome::Open("no hooks".into()))?;
        let file: Value =
            serde_json::from_str(&file).map_err(|_| Outcome::Open("no JSON".into()))?;
        let groups =
            file["hooks"][event].as_array().ok_or_else(|| Outcome::Open("no hook".into()))?;
        let group = groups
            .iter()
            .find(|group| self.matches(group["matcher"].as_str().unwrap_or_default(), tool));
        let hook =
            group.ok_or_else(|| Outcome::Open("no hook matches".into()))?["hooks"][0].clone();
        // Codex runs hooks with the person's shell, as one that logs in.
        let flag = if self.kind == Kind::Codex { "-lc" } else { "-c" };
        let mut command = Command::new("/bin/sh");
        command
            .arg(flag)
            .arg(hook["command"].as_str().unwrap())
            .current_dir(&self.project)
            .process_group(0);
        command.env_clear().env("PATH", "/usr/bin:/bin").envs(self.env.iter().cloned());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
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
        let limit = Duration::from_secs(hooked.hook["timeout"].as_u64().unwrap());
        let group = hooked.child.id().unwrap();
        let hook = hooked.hook.clone();
        let talk = async {
            hooked.feed().await;
            hooked.child.wait_with_output().await.unwrap()
        };
        // The hook's limit is minutes; no test waits so long when all is well.
        let Ok(output) = timeout(self.patience.unwrap_or(LIMIT.min(limit)), talk).await else {
            kill(&format!("-{group}")).await;
            assert!(self.patience.is_some(), "the gate said nothing in time");
            return self.failed(&hook, "timed out");
        };
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let said: Option<Value> = serde_json::from_str(out.trim()).ok();
        match (output.status.code(), self.kind) {
            (Some(0), _) if out.trim().is_empty() => match self.kind {
                Kind::ClaudeCode => Outcome::Open("the hook said nothing".into()),
                Kind::Goose | Kind::Codex => Outcome::Ran,
            },
            (Some(0), kind) => {
                let known = said.filter(|said| {
                    kind != Kind::Goose || KNOWN.iter().any(|known| said["decision"] == *known)
                });
                known.map_or_else(|| self.failed(&hook, &out), |said| understood(kind, &said))
            }
            (Some(2), Kind::Codex) if err.trim().is_empty() => {
                self.failed(&hook, "exit 2 without a reason")
            }
            (Some(2), _) => Outcome::Denied(err.trim().to_owned()),
            (code, _) => self.failed(&hook, &format!("{code:?}: {err}")),
        }
    }

    fn matches(&self, matcher: &str, tool: &str) -> bool {
        let anything = self.kind == Kind::ClaudeCode && matches!(matcher, "" | "*");
        // To goose, a rule whose matcher is no regular expression is not there.
        let whole =
            if self.kind == Kind::Goose { matcher.to_owned() } else { format!("^(?:{matcher})$") };
        anything || Regex::new(&whole).is_ok_and(|matcher| matcher.is_match(tool))
    }

    fn failed(&self, hook: &Value, why: &str) -> Outcome {
        let blocks = match self.kind {
            Kind::ClaudeCode => self.on_failure && hook["onFailure"] == "block",
            Kind::Goose => hook["on_failure"] == "block",
            Kind::Codex => false,
        };
        if blocks { Outcome::Denied(why.to_owned()) } else { Outcome::Open(why.to_owned()) }
    }
}

fn understood(kind: Kind, said: &Value) -> Outcome {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if kind == Kind::Goose {
        return match said["decision"].as_str() {
            Some("allow") => Outcome::Ran,
            Some("block") => Outcome::Denied(text(&said["reason"])),
            other => Outcome::Open(format!("{other:?}")),
        };
    }
    let own = &said["hookSpecificOutput"];
    if own["hookEventName"] == "PermissionRequest" {
        return match own["decision"]["behavior"].as_str() {
            Some("allow") => Outcome::Ran,
            Some("deny") => Outcome::Denied(text(&own["decision"]["message"])),
            other => Outcome::Open(format!("{other:?}")),
        };
    }
    match (own["permissionDecision"].as_str(), kind) {
        (Some("deny"), _) => Outcome::Denied(text(&own["permissionDecisionReason"])),
        (Some("allow"), Kind::ClaudeCode) => Outcome::Ran,
        (Some("ask"), Kind::ClaudeCode) => Outcome::Asks(text(&own["permissionDecisionReason"])),
        (Some("defer"), Kind::ClaudeCode) => {
            Outcome::Deferred(text(&own["permissionDecisionReason"]))
        }
        // Words beside the call, and no objection.
        (None, Kind::Codex) if own["additionalContext"].is_string() => Outcome::Ran,
        // Codex knows neither from this hook.
        (other, _) => Outcome::Open(format!("{other:?}")),
    }
}

impl Hooked {
    /// Tells the hook what it is called for. [`Agent::end`] does, too.
    pub(crate) async fn feed(&mut self) {
        if let Some(mut stdin) = self.child.stdin.take() {
            // Who refuses to read on closes its end.
            let _ = stdin.write_all(&std::mem::take(&mut self.input)).await;
        }
    }

    /// Returns once the gate waits beside the agent's prompt.
    pub(crate) async fn waits_beside_prompt(&self) {
        let process = self.child.id().unwrap();
        let waits = timeout(LIMIT, async {
            while !gate_below(process).is_some_and(catches_terminate) {
                tokio::task::yield_now().await;
            }
        });
        waits.await.expect("the gate waits");
    }

    /// Ends the hook as Claude Code does when its prompt is gone, once the gate waits for that.
    pub(crate) async fn prompt_gone(&self) {
        self.waits_beside_prompt().await;
        let group = format!("-{}", self.child.id().unwrap());
        let end = Command::new("kill").args(["-TERM", "--", &group]).status().await.unwrap();
        assert!(end.success());
    }

    /// Kills the gate alone, as the system does when memory runs out.
    pub(crate) async fn kill_gate(&self) {
        kill_gate_below(self.child.id().unwrap()).await;
    }
}

/// Kills the gate that a process has started, once it runs.
pub(crate) async fn kill_gate_below(process: u32) {
    let gate = timeout(LIMIT, async {
        loop {
            if let Some(gate) = gate_below(process) {
                return gate;
            }
            tokio::task::yield_now().await;
        }
    });
    kill(&gate.await.expect("the gate runs").to_string()).await;
}

async fn kill(process: &str) {
    assert!(Command::new("kill").args(["-KILL", "--", process]).status().await.unwrap().success());
}

/// Whether a process catches SIGTERM.
fn catches_terminate(process: u32) -> bool {
    const TERMINATE: u32 = 15;
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask >> (TERMINATE - 1) & 1 == 1)
}

/// The gate among a process's descendants.
fn gate_below(process: u32) -> Option<u32> {
    // Any of its threads may have started it.
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten();
    let children =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|list| {
            list.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<_>>()
        })
        .collect();
    children.into_iter().find_map(|child| {
        let name = std::fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
        if name.trim() == "gander" { Some(child) } else { gate_below(child) }
    })
}
