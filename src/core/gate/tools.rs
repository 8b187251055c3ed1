//! Names of tools: which are the agent's own, and which a rule means.
//!
//! A tool of an MCP server is named by server and tool (`mcp__server__tool`; goose:
//! `extension__tool`). The server chooses the tool's name, and what it does with its input is
//! unknown. Therefore the last part of a name proves nothing: no rule allows a server's tool unless
//! the rule names the server.

use serde_json::Value;

use super::pattern::like;
use super::{ToolCall, questions};

/// Separates the server and the tool in a name.
const SEPARATOR: &str = "__";
/// Start of the names of servers' tools, for Claude Code and Codex.
const SERVER: &str = "mcp__";

/// Extensions that are part of goose. Their tools may have the extension in their names; an
/// extension of the person's cannot have the same name beside them.
const GOOSE: [&str; 7] =
    ["developer", "todo", "extensionmanager", "summon", "code_execution", "analyze", "skills"];

/// Fields that name what a tool starts, or who asks: an agent, a skill, a server.
const SUBJECTS: [&str; 5] = ["subagent_type", "skill", "skill_name", "name", questions::SERVER];

/// The tool's name if the tool is the agent's own; `None` for the tool of a server.
#[must_use]
pub fn own_name(call: &ToolCall) -> Option<&str> {
    match call.tool.split_once(SEPARATOR) {
        None => Some(&call.tool),
        Some((extension, tool)) if call.agent == "goose" && GOOSE.contains(&extension) => {
            Some(tool)
        }
        Some(_) => None,
    }
}

/// The command in the input of a server's tool that is named like a shell.
pub(super) fn foreign_command(call: &ToolCall) -> Option<String> {
    if own_name(call).is_some() {
        return None;
    }
    call.command_of(call.tool.rsplit(SEPARATOR).next()?)
}

/// Whether a shell call requests a terminal, into which the agent can type.
pub(super) fn requests_terminal(call: &ToolCall) -> bool {
    let asks = |name: &str| {
        call.input.get(name).is_some_and(|value| !value.is_null() && *value != Value::Bool(false))
    };
    ["tty", "pty", "interactive"].into_iter().any(asks)
}

/// Whether patterns of a rule that allows mean the tool. For the tool of a server, a pattern must
/// name the server.
pub(super) fn may_be_allowed_by(patterns: &[String], call: &ToolCall) -> bool {
    if own_name(call).is_some() {
        return may_be_stopped_by(patterns, call);
    }
    let names_server = |pattern: &&String| {
        let known = pattern.split('*').next().unwrap_or_default();
        let server = known.strip_prefix(SERVER).unwrap_or(known);
        server.find(SEPARATOR).is_some_and(|end| end > 0)
    };
    patterns.iter().filter(names_server).any(|pattern| means(pattern, call))
}

/// Whether patterns of a rule that asks or denies mean the tool. No patterns mean every tool.
pub(super) fn may_be_stopped_by(patterns: &[String], call: &ToolCall) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| means(pattern, call))
}

/// What a tool starts, by the field that names it. `None`: the call has no such field.
pub(super) fn subject(call: &ToolCall) -> Option<&Value> {
    let said = SUBJECTS.iter().find_map(|name| call.input.get(name));
    said.filter(|said| !said.is_null())
}

/// Whether a pattern means a tool: `Edit`, or `Task(Explore)` for what the tool starts.
fn means(pattern: &str, call: &ToolCall) -> bool {
    let starts = pattern.strip_suffix(')').and_then(|pattern| pattern.split_once('('));
    let Some((tool, subject)) = starts else { return like(pattern, &call.tool) };
    let said = SUBJECTS.iter().find_map(|name| call.input.get(name)).unwrap_or(&Value::Null);
    let said = if said.is_null() { Some("") } else { said.as_str() };
    like(tool, &call.tool) && said.is_some_and(|said| like(subject, said))
}
