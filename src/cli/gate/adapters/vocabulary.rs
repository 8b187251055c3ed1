//! The tools of agents by the names that the rules know: those of Claude Code.
//!
//! Only the names in an agent's own table are translated. A tool that is not in the table gets a
//! name that no rule for another agent's tool can mean: `copilot__demo-echo`. It may be a server's,
//! and a server chooses the names of its tools.

use serde_json::{Map, Value};

use crate::cli::gate::facts::really;
use crate::cli::gate::hook::Told;
use crate::core::gate::pattern::plain_path;

/// A tool: the agent's name, the known name, and the arguments whose names differ.
#[derive(Debug)]
pub(super) struct Tool(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static [(&'static str, &'static str)],
);

/// The known name of a shell.
pub(super) const SHELL: &str = "Bash";
/// The known name of the argument with the directory of a shell command.
pub(super) const FOLDER: &str = "cwd";
/// The known name of an argument with which a command goes on while the agent does.
pub(super) const BACKGROUND: &str = "run_in_background";
/// The known name of an argument that says how long the agent waits.
pub(super) const PATIENCE: &str = "timeout";
/// Text that is written behind the end of a file: no known tool does so, and no diff shows it.
pub(super) const APPENDED: &str = "appended_text";
/// How the names of servers' tools begin.
const SERVER: &str = "mcp__";

/// How an agent names the tools of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Servers {
    /// `mcp__SERVER__TOOL`; no tool of the agent's own begins so.
    Named,
    /// So that server and tool cannot be told apart.
    Unnamed,
}

/// The call with known names. An argument that has the known name of another is not the agent's: a
/// call with both is shown as it is, and no rule knows it.
pub(super) fn translated(agent: &str, tools: &[Tool], servers: Servers, mut told: Told) -> Told {
    let Some(Tool(_, known, names)) = tools.iter().find(|tool| tool.0 == told.tool) else {
        return foreign(agent, servers, told);
    };
    let has = |name: &str| told.input.get(name).is_some();
    if names.iter().any(|(said, known)| said != known && has(said) && has(known)) {
        return foreign(agent, Servers::Unnamed, told);
    }
    // Only then the argument of this name is the agent's own.
    let moves = names.iter().any(|(said, known)| *known == FOLDER && (has(said) || said == known));
    told.tool = (*known).to_owned();
    if let Value::Object(input) = &mut told.input {
        for (said, known) in *names {
            rename(input, said, known);
        }
        drop_usual(input, BACKGROUND, &false.into());
    }
    if moves {
        enter(&mut told);
    }
    told
}

/// The call of a tool that is not the agent's own, or whose arguments mean something else than
/// those of the known tool.
pub(super) fn foreign(agent: &str, servers: Servers, mut told: Told) -> Told {
    let is_named = || {
        let parts = told.tool.strip_prefix(SERVER)?.split_once("__")?;
        Some(!parts.0.is_empty() && !parts.1.is_empty())
    };
    if servers == Servers::Unnamed || is_named() != Some(true) {
        told.tool = format!("{agent}__{}", told.tool);
    }
    told
}

/// The call of a server's tool.
pub(super) fn of_server(server: &str, tool: &str, told: Told) -> Told {
    Told { tool: format!("{SERVER}{server}__{tool}"), ..told }
}

fn rename(input: &mut Map<String, Value>, said: &str, known: &str) {
    if let Some(value) = input.remove(said) {
        input.insert(known.to_owned(), value);
    }
}

/// Removes an argument with this value, which is what the tool does without it.
pub(super) fn drop_usual(input: &mut Map<String, Value>, name: &str, usual: &Value) {
    if input.get(name) == Some(usual) {
        input.remove(name);
    }
}

/// Moves a command to the directory that it names. A directory that is not certain stays an
/// argument, and is asked about.
fn enter(told: &mut Told) {
    let Some(said) = told.input.get(FOLDER).and_then(Value::as_str) else { return };
    let there = plain_path(said, &told.cwd, None);
    // Behind a link, `..` leads elsewhere than its text says.
    let real = really(&told.cwd.join(said));
    if real.is_none() || real != really(&there) || !there.is_dir() {
        return;
    }
    told.cwd = there;
    if let Some(input) = told.input.as_object_mut() {
        input.remove(FOLDER);
    }
}

/// The deletion of a file, as a patch shows it. `None`: the name would be read as something else.
pub(super) fn deletion(path: &str) -> Option<Value> {
    let is_plain = !path.contains(['\n', '\r']) && path.trim() == path && !path.is_empty();
    let patch = format!("*** Begin Patch\n*** Delete File: {path}\n*** End Patch");
    is_plain.then(|| serde_json::json!({ "patch": patch }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::gate::hook::HookEvent;

    const TOOLS: &[Tool] = &[
        Tool("run", SHELL, &[("dir", FOLDER), ("background", BACKGROUND)]),
        Tool("peek", "Read", &[("filePath", "file_path")]),
    ];

    fn told(tool: &str, input: Value) -> Told {
        let (event, cwd) = (HookEvent::PreToolUse, "/".into());
        Told { event, tool: tool.into(), input, cwd, session: None }
    }

    #[test]
    fn only_the_agents_own_tools_have_known_names() {
        let name =
            |tool: &str, servers| translated("copilot", TOOLS, servers, told(tool, json!({}))).tool;
        for (tool, named, unnamed) in [
            ("run", "Bash", "Bash"),
            ("peek", "Read", "Read"),
            // Names that are those of known tools, or of another agent's.
            ("Read", "copilot__Read", "copilot__Read"),
            ("todo_write", "copilot__todo_write", "copilot__todo_write"),
            ("mcp__a__b", "mcp__a__b", "copilot__mcp__a__b"),
            ("mcp__a", "copilot__mcp__a", "copilot__mcp__a"),
            ("mcp____b", "copilot__mcp____b", "copilot__mcp____b"),
        ] {
            assert_eq!(name(tool, Servers::Named), named);
            assert_eq!(name(tool, Servers::Unnamed), unnamed);
        }
    }

    #[test]
    fn arguments_have_known_names_unless_both_are_given() {
        let input = |tool: &str, input: Value| {
            translated("x", TOOLS, Servers::Unnamed, told(tool, input)).input
        };
        let one = json!({ "filePath": "a" });
        assert_eq!(input("peek", one), json!({ "file_path": "a" }));
        assert_eq!(input("peek", json!("text")), json!("text"));
        for (tool, both) in [
            ("peek", json!({ "filePath": "a", "file_path": "b" })),
            ("run", json!({ "command": "ls", "dir": "a", "cwd": "b" })),
        ] {
            let call = translated("x", TOOLS, Servers::Unnamed, told(tool, both.clone()));
            assert_eq!((call.tool, call.input), (format!("x__{tool}"), both));
        }
        // Not the agent's own argument.
        let other = json!({ "command": "ls", "cwd": "/etc" });
        assert_eq!(input("run", other.clone()), other);
    }

    #[test]
    fn a_command_runs_where_it_says_if_that_is_certain() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::os::unix::fs::symlink(root.join("a/b"), root.join("link")).unwrap();
        for (said, folder, left) in [
            ("a", "a", false),
            ("./a/../a/b", "a/b", false),
            ("link", "link", false),
            // Leads to `a`.
            ("link/..", "", true),
            ("nowhere", "", true),
        ] {
            let call = Told { cwd: root.clone(), ..told("run", json!({ "dir": said })) };
            let call = translated("x", TOOLS, Servers::Unnamed, call);
            assert_eq!(call.cwd, root.join(folder).components().collect::<std::path::PathBuf>());
            assert_eq!(call.input.get(FOLDER).is_some(), left, "{said}");
        }
    }
}
