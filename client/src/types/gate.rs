//! A tool call that a gate submits, and the answer.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{GateFacts, QuestionAnswer, Risk};

/// Longest name of an agent or a tool, in characters.
const LONGEST_NAME: usize = 200;
/// Most paths in `roots` and in `real`.
const MOST_PATHS: usize = 1_000;

/// A tool call that an agent is about to make, as the agent's gate saw the call. The server derives
/// the question; a gate cannot set the question or its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateCall {
    /// The calling agent: `claude-code`, `goose`, `codex`, or your own agent's name.
    #[schemars(length(min = 1, max = 200), regex(pattern = r"\S"))]
    pub agent: String,
    /// The agent's session. An approval for the session covers only calls of this session; without
    /// a session, no call is covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The tool, as the agent names it.
    #[schemars(length(min = 1, max = 200), regex(pattern = r"\S"))]
    pub tool: String,
    /// The tool's arguments, as the agent gives them. All of them are shown, and make up the call;
    /// only `description` and `justification` of a shell command, and limits of time and output,
    /// may change when the call is repeated.
    #[serde(default)]
    pub input: Value,
    /// The working directory, as an absolute path.
    pub cwd: PathBuf,
    /// The folders that the agent works in, as absolute paths; files below count as inside. Empty:
    /// no file is inside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub roots: Vec<PathBuf>,
    /// The home folder, as an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<PathBuf>,
    /// The real paths of the call's files, where symbolic links lead elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub real: Vec<PathBuf>,
    /// Whether the working directory has a file `HEAD` and no `.git`: git treats such a directory
    /// as a repository and obeys files in it.
    #[serde(default)]
    pub poses_as_repository: bool,
    /// The current content of the file that the call would change, for the diff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Whether the file exists, but its content cannot be shown. Without this and `before`, there
    /// is no such file; without `facts`, nothing is known about it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub before_unknown: bool,
    /// What else the gate found about the files of the call. Left out: files are judged by their
    /// names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<GateFacts>,
    /// The project. Left out: the token's only project, or the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Whether the agent's own permission prompt asks about the call: for more than the call that
    /// the agent's hook submitted before, such as to leave the sandbox. This is a question of its
    /// own: neither a rule that allows the call nor an earlier approval of the call answers it.
    #[serde(default)]
    pub own_prompt: bool,
    /// What the agent told before the call: its last words, its plan. Shown with the call, and no
    /// part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Ask a person with at least this risk, even if the rules would allow the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<AtLeast>,
    /// The number of the decision by which the call was allowed, if the files of the call changed
    /// before it ran, or if a person changed the call into this one. In the second case, the call
    /// is allowed if it is what was approved, by the rules of now. Otherwise the question tells
    /// what changed, and the allowance counts as failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub changed_since: Option<i64>,
    /// Whether your agent runs a call with other arguments than its own, if a person changes them:
    /// the card then has a button for it, and the answer may have an `input`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_edits: bool,
}

/// The least risk with which a call is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtLeast {
    /// The least risk of a wrong answer.
    pub risk: Risk,
    /// Why a person must be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl GateCall {
    /// Checks beyond the schema. Returns a description of the first mistake.
    #[must_use]
    pub fn validation_error(&self) -> Option<String> {
        let named = |name: &str| !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME;
        if !named(&self.agent) || !named(&self.tool) {
            return Some(format!("agent and tool: each must have 1 to {LONGEST_NAME} characters"));
        }
        if self.roots.len() > MOST_PATHS || self.real.len() > MOST_PATHS {
            return Some(format!("roots and real: each can have at most {MOST_PATHS} paths"));
        }
        if let Some(mistake) = self.facts.as_ref().and_then(GateFacts::validation_error) {
            return Some(mistake);
        }
        let whole = |path: &Path| path.is_absolute();
        let folders = self.roots.iter().chain(&self.home).chain(&self.real);
        let all = std::iter::once(&self.cwd).chain(folders).all(|path| whole(path));
        (!all).then(|| "cwd, roots, home and real: write absolute paths".to_owned())
    }
}

/// The verdict on the call. Only `allow` lets the call run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Verdict")]
pub enum GateVerdict {
    /// The call may run, once.
    Allow,
    /// The call must not run.
    Deny,
    /// A person has deferred the decision: do something else.
    Defer,
    /// A person has been asked, or has answered and the verdict is unclaimed: wait for the
    /// decision.
    Wait,
}

/// The answer to a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateAnswer {
    /// The verdict on the call.
    pub answer: GateVerdict,
    /// Text for the agent; with `wait`, the text to show if no answer arrives in time.
    pub words: String,
    /// The approver's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// With `deny`, if the call asks the person and runs nothing: the person's answers. `words`
    /// tells them, for an agent whose tool takes no answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<QuestionAnswer>,
    /// With `deny`, if a person has approved the call with other arguments, and not as it is: these
    /// arguments. Submit the changed call with `changed_since`, and run it only if that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The number of the decision, if a person was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<i64>,
    /// The revision that was asked for this call. A verdict on another revision does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
}

/// Whether a gate can ask on this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateReady {
    /// The caller that the token identifies.
    pub caller: String,
    /// The projects that the caller may ask in; empty: all projects.
    pub projects: Vec<String>,
    /// A problem on the server that makes every call denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
