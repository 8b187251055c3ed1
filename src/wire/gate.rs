//! A tool call that a gate brings, and what becomes of it.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::decision::Risk;

/// Characters of an agent's or a tool's name at most.
const LONGEST_NAME: usize = 200;
/// Files and folders that a call names at most.
const MOST_PATHS: usize = 1_000;

/// A tool call that an agent is about to make, as its gate saw it. The server makes the question of
/// it; nothing here names one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateCall {
    /// Whose call it is: `claude-code`, `goose`, `codex`, or your own agent's name.
    #[schemars(length(min = 1, max = 200), regex(pattern = r"\S"))]
    pub agent: String,
    /// The agent's session: an approval for the session holds in it alone. Without one there are
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The tool, by the agent's name for it.
    #[schemars(length(min = 1, max = 200), regex(pattern = r"\S"))]
    pub tool: String,
    /// What the tool is called with, as the agent says it.
    #[serde(default)]
    pub input: Value,
    /// The directory in which it runs, as a whole path.
    pub cwd: PathBuf,
    /// The folders that the agent works in, as whole paths; what lies below them is inside. Without
    /// one, nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub roots: Vec<PathBuf>,
    /// The home folder, as a whole path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<PathBuf>,
    /// Where the files that it names really lie, if links lead there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub real: Vec<PathBuf>,
    /// Whether the directory has a file `HEAD` and no `.git`: git takes it for a repository, and
    /// obeys files in it.
    #[serde(default)]
    pub poses_as_repository: bool,
    /// What the file holds now that it would change, for the diff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The project. Left out: the token's only one, or the usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Whether the agent asks by its own permissions about a call that its hook has seen just
    /// before: an approval of that, less than a minute ago, is for both.
    #[serde(default)]
    pub own_prompt: bool,
    /// A person is asked, at least so, whatever else the rules allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<AtLeast>,
}

/// How a call is asked at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtLeast {
    /// How bad a wrong answer is.
    pub risk: Risk,
    /// Why it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl GateCall {
    /// What is wrong with it that its schema cannot say.
    #[must_use]
    pub fn flaw(&self) -> Option<String> {
        let named = |name: &str| !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME;
        if !named(&self.agent) || !named(&self.tool) {
            return Some(format!("agent and tool: each has 1 to {LONGEST_NAME} characters"));
        }
        if self.roots.len() > MOST_PATHS || self.real.len() > MOST_PATHS {
            return Some(format!("roots and real: each has at most {MOST_PATHS} paths"));
        }
        let whole = |path: &Path| path.is_absolute();
        let folders = self.roots.iter().chain(&self.home).chain(&self.real);
        let all = std::iter::once(&self.cwd).chain(folders).all(|path| whole(path));
        (!all).then(|| "cwd, roots, home and real: write whole paths, from / on".to_owned())
    }
}

/// What becomes of the call. Whatever is not `allow` means: it does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It may run, once.
    Allow,
    /// It may not.
    Deny,
    /// A person has put it off: do something else.
    Defer,
    /// A person has been asked, or has answered and the answer is to be taken: wait for the
    /// decision.
    Wait,
}

/// What a gate is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateAnswer {
    /// What becomes of the call.
    pub answer: Verdict,
    /// What the agent reads; of `wait`: what it reads if nobody answers in time.
    pub words: String,
    /// What the person said beside their yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The number of the decision, if a person was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<i64>,
    /// The revision that was asked for this call. A verdict on another is none on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
}

/// Whether a gate can ask here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateReady {
    /// As whom it asks.
    pub caller: String,
    /// In which projects; none: in all.
    pub projects: Vec<String>,
    /// What makes every call denied, if something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
