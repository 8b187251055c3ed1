//! Known arguments of the agents' own tools, for the tools that rules allow.
//!
//! A rule that allows a tool covers only the known arguments. An argument of another name or shape
//! may name another file, or give the tool further rights.

use serde_json::{Map, Value};

use super::facts::Facts;
use super::{ToolCall, tools};
use crate::core::decision::Risk;

/// Reading tools.
const READERS: [&str; 8] =
    ["read", "notebookread", "view_image", "glob", "grep", "ls", "tree", "analyze"];
/// Reading tools that need a path.
const NEED_PATH: [&str; 3] = ["read", "notebookread", "view_image"];
/// Arguments of reading tools that name files.
const PATHS: [&str; 6] = ["file_path", "path", "notebook_path", "filename", "paths", "glob"];
/// Other text arguments of reading tools.
const TEXTS: [&str; 20] = [
    "pattern",
    "type",
    "output_mode",
    "pages",
    "detail",
    "cell_id",
    "focus",
    "ignore",
    "description",
    "offset",
    "limit",
    "head_limit",
    "context",
    "depth",
    "max_depth",
    "follow_depth",
    "-A",
    "-B",
    "-C",
    "multiline",
];
/// Arguments of tools that start an agent.
const DELEGATES: [&str; 9] = [
    "description",
    "prompt",
    "subagent_type",
    "model",
    "resume",
    "run_in_background",
    "max_turns",
    "name",
    "team_name",
];

/// The tools that start an agent.
fn is_delegate(call: &ToolCall) -> bool {
    matches!(tools::own_name(call), Some("Task" | "Agent"))
}

/// The minimum risk of a call with unknown arguments. `None`: all arguments are known.
pub(super) fn unknown_arguments(call: &ToolCall) -> Option<Risk> {
    // Some programs trim a path, and then read another file than the gate has looked up.
    if call.named_files().iter().any(|file| file.trim() != file) {
        return Some(Risk::High);
    }
    let name = tools::own_name(call)?.to_lowercase();
    let unknown = if is_delegate(call) {
        call.input.as_object().is_none_or(|fields| !fields.iter().all(is_usual))
    } else if READERS.contains(&name.as_str()) {
        !reads_what_is_named(&name, &call.input)
    } else {
        false
    };
    unknown.then_some(Risk::Medium)
}

/// Whether an argument gives an agent no more than a rule for its name allows.
fn is_usual((name, value): (&String, &Value)) -> bool {
    match (name.as_str(), value.as_str()) {
        ("mode", Some(mode)) => ["default", "plan"].contains(&mode),
        ("isolation", Some(place)) => place == "worktree",
        (name, _) => value.is_null() || DELEGATES.contains(&name),
    }
}

/// Whether a reading tool's arguments have the usual names and shapes.
fn reads_what_is_named(tool: &str, input: &Value) -> bool {
    let empty = Map::new();
    let fields = match input {
        Value::Null => &empty,
        Value::Object(fields) => fields,
        _ => return false,
    };
    let is_known = |(name, value): (&String, &Value)| {
        let texts = TEXTS.contains(&name.as_str()) || PATHS.contains(&name.as_str());
        let simple = |value: &Value| match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
            Value::String(_) => texts,
            Value::Array(_) | Value::Object(_) => false,
        };
        match value {
            Value::Array(values) => values.iter().all(simple),
            value => simple(value),
        }
    };
    let has_path = PATHS.iter().any(|name| fields.get(*name).is_some_and(|path| !path.is_null()));
    let enough = has_path || fields.is_empty() || !NEED_PATH.contains(&tool);
    enough && fields.iter().all(is_known)
}

impl Facts {
    /// Whether files of the workspace decide about a program or an agent of this name.
    #[must_use]
    pub fn shadows(&self, name: &str) -> bool {
        self.shadowed.contains(name) || self.shadowed.contains(ALL)
    }
}

/// In place of a name: every program.
pub const ALL: &str = "*";

/// The agent that a call starts. `None` for other tools.
#[must_use]
pub fn delegate(call: &ToolCall) -> Option<&str> {
    let field = |name: &str| call.input.get(name).and_then(Value::as_str);
    is_delegate(call).then(|| field("subagent_type").unwrap_or("general-purpose"))
}

/// Whether files of the workspace decide about a tool that a rule allows by name: a search by the
/// settings of ripgrep, an agent by a definition.
pub(super) fn is_shadowed(call: &ToolCall) -> bool {
    let program = (tools::own_name(call) == Some("Grep")).then_some("rg");
    delegate(call).or(program).is_some_and(|name| call.facts.shadows(name))
}
