//! A tool call of the protocol as the gate's rules know calls: a tool and its arguments.
//!
//! The protocol says little of a call for certain: a title for people, a kind, and perhaps the
//! arguments as the agent's own tool takes them. What is recognised is called as the rules call it;
//! anything else keeps the agent's name and is shown whole.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::known::{Described, KnownCall};
use crate::core::gate::ToolCall;
use crate::core::gate::edits::{Before, FileChange, edit_of};
use crate::core::gate::facts::Facts;

/// Other spellings of arguments, each with the one that the rules know.
const SPELLINGS: [(&str, &str); 7] = [
    ("filePath", "file_path"),
    ("filepath", "file_path"),
    ("absolute_path", "file_path"),
    ("oldString", "old_string"),
    ("newString", "new_string"),
    ("replaceAll", "replace_all"),
    ("dir_path", "path"),
];
/// Arguments with the directory in which a command runs.
const DIRECTORIES: [&str; 4] = ["workdir", "cwd", "working_dir", "directory"];
/// Arguments with the file that a tool changes.
const FILES: [&str; 4] = ["file_path", "path", "notebook_path", "filename"];
/// Separates the server and the tool in the name of a server's tool.
const OF_SERVER: &str = "__";
/// Longest name of a tool, in characters.
const LONGEST_NAME: usize = 120;

/// Where the agent works.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    /// The agent, as cards and rules name it.
    pub(super) agent: &'a str,
    /// The session.
    pub(super) session: &'a str,
    /// The directory of the session.
    pub(super) cwd: &'a Path,
    pub(super) home: Option<&'a Path>,
}

/// A call, and how much of it is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReadCall {
    /// Without facts and workspace, which need the file system.
    pub(super) call: ToolCall,
    pub(super) arguments: Arguments,
}

/// Whether the arguments of a call are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arguments {
    Told,
    /// The agent told only words about the call. No rule allows it.
    Unknown,
}

/// The tool call of a request. `known`: what updates told of it before.
pub(super) fn read(place: &Place<'_>, asked: &Described, known: &KnownCall) -> ReadCall {
    let told = asked.clone().over(known.last.clone());
    let diffs = diffs(told.content.as_deref().unwrap_or_default());
    let mut input = arguments(asked, known);
    let named = tool_name(&told, known);
    let cwd = take_directory(&mut input, place.cwd);
    let is_told = !input.is_empty() || !diffs.is_empty();
    let kind = told.kind.as_deref().unwrap_or_default();
    let (tool, input) = if !is_told {
        (named, words(&told))
    } else if named.contains(OF_SERVER) {
        // What a server does is unknown, whatever the agent says of its kind.
        (named, Value::Object(input))
    } else {
        recognised(kind, named, input, &diffs, &cwd)
    };
    let call = ToolCall {
        agent: place.agent.to_owned(),
        session: Some(place.session.to_owned()),
        tool,
        input,
        cwd,
        roots: Vec::new(),
        home: place.home.map(Path::to_owned),
        real: Vec::new(),
        poses_as_repository: false,
        own_prompt: false,
        before: Before::Absent,
        facts: Facts::default(),
    };
    let arguments = if is_told { Arguments::Told } else { Arguments::Unknown };
    ReadCall { call, arguments }
}

/// The arguments: those of the request, with what only an earlier update named.
fn arguments(asked: &Described, known: &KnownCall) -> Map<String, Value> {
    let of = |value: Option<&Value>| match value {
        Some(Value::Object(fields)) => Some(spelled_as_known(fields.clone())),
        Some(Value::Null) | None => None,
        // Neither names nor order are known.
        Some(other) => Some(Map::from_iter([("input".to_owned(), other.clone())])),
    };
    let fields = of(known.last.raw_input.as_ref()).filter(|fields| !fields.is_empty());
    let mut fields = fields.or_else(|| of(known.spelled.as_ref())).unwrap_or_default();
    fields.extend(of(asked.raw_input.as_ref()).unwrap_or_default());
    fields
}

/// The fields by the names that the rules know. Where two names would become one, both stay.
fn spelled_as_known(mut fields: Map<String, Value>) -> Map<String, Value> {
    for (other, name) in SPELLINGS {
        if fields.contains_key(name) {
            continue;
        }
        if let Some(value) = fields.remove(other) {
            fields.insert(name.to_owned(), value);
        }
    }
    fields
}

/// The tool's own name, if the agent tells it anywhere.
fn tool_name(told: &Described, known: &KnownCall) -> String {
    let meta = told.meta.as_ref();
    let of_meta = meta.and_then(|meta| {
        let name = meta.get("toolName").or_else(|| meta.get("claudeCode")?.get("toolName"));
        name?.as_str()
    });
    let titles = [known.first_title.as_deref(), told.title.as_deref()];
    let kind = told.kind.as_deref();
    let name = of_meta.into_iter().chain(titles.into_iter().flatten()).chain(kind);
    let name = name.map(str::trim).find(|name| !name.is_empty()).unwrap_or("unknown");
    name.chars().take(LONGEST_NAME).collect()
}

/// All that the agent said of a call whose arguments it did not tell.
fn words(told: &Described) -> Value {
    let places = told.locations.as_deref().unwrap_or_default();
    let paths: Vec<&str> = places.iter().filter_map(|place| place["path"].as_str()).collect();
    let mut input = json!({ "title": told.title, "kind": told.kind, "text": told.texts() });
    if !paths.is_empty() {
        input["paths"] = paths.into();
    }
    input
}

/// Takes the directory in which the call runs out of its arguments.
fn take_directory(input: &mut Map<String, Value>, session: &Path) -> PathBuf {
    let mut named = DIRECTORIES.iter().filter(|name| input.contains_key(**name));
    let (Some(name), None) = (named.next(), named.next()) else { return session.to_owned() };
    let Some(folder) = input.get(*name).and_then(Value::as_str) else {
        return session.to_owned();
    };
    let folder = session.join(folder);
    input.remove(*name);
    folder
}

/// A change of a file, as the agent shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Diff {
    path: String,
    old: Option<String>,
    new: String,
}

fn diffs(content: &[Value]) -> Vec<Diff> {
    let diff = |part: &Value| {
        let text = |name: &str| part[name].as_str().map(ToOwned::to_owned);
        let new = text("newText")?;
        let path = text("path").filter(|_| part["type"] == "diff")?;
        Some(Diff { path, old: text("oldText"), new })
    };
    content.iter().filter_map(diff).collect()
}

/// The tool and its arguments, by the rules' names where the call is known for certain.
fn recognised(
    kind: &str,
    named: String,
    input: Map<String, Value>,
    diffs: &[Diff],
    cwd: &Path,
) -> (String, Value) {
    let has = |names: &[&str]| names.iter().any(|name| input.contains_key(*name));
    if has(&["plan"]) && kind == "switch_mode" {
        return (PLAN.into(), Value::Object(input));
    }
    let is_edit = kind == "edit" || !diffs.is_empty();
    // An editor may have commands too: create, insert.
    if has(&["command", "cmd"]) && !(is_edit && has(&["file_path", "path"])) {
        return (SHELL.into(), Value::Object(input));
    }
    if is_edit {
        return edit(named, input, diffs, cwd);
    }
    if kind == "read" && has(&["file_path", "path"]) {
        return ("Read".into(), Value::Object(input));
    }
    (named, Value::Object(input))
}

/// The rules' name for a tool that runs a command.
const SHELL: &str = "shell";
/// The rules' name for the end of planning.
const PLAN: &str = "ExitPlanMode";

/// An edit as one of the tools that the rules know, if the arguments and the diff agree on the
/// file.
fn edit(
    named: String,
    mut input: Map<String, Value>,
    diffs: &[Diff],
    cwd: &Path,
) -> (String, Value) {
    // What the tool takes is what runs, and the diff is made of it.
    let mut taken = input.clone();
    if !diffs.is_empty() {
        taken.remove("diff");
    }
    let taken = Value::Object(taken);
    if let Some(edit) = edit_of("Edit", &taken) {
        let is_shown = |diff: &Diff| cwd.join(&diff.path) == cwd.join(&edit.path);
        if diffs.iter().all(is_shown) {
            let tool = if let FileChange::Whole(_) = edit.change { "Write" } else { "Edit" };
            return (tool.into(), taken);
        }
    }
    let path = ["file_path", "path"].iter().find_map(|name| input.get(*name));
    match diffs {
        [] => (named, Value::Object(input)),
        // Only the diff tells the change.
        [diff] if path.is_none_or(|path| path.as_str() == Some(&diff.path)) => {
            for told in ["diff", "path"] {
                input.remove(told);
            }
            input.insert("file_path".into(), diff.path.as_str().into());
            match diff.old.as_deref().unwrap_or_default() {
                "" => {
                    input.insert("content".into(), diff.new.as_str().into());
                    ("Write".into(), Value::Object(input))
                }
                old => {
                    input.insert("old_string".into(), old.into());
                    input.insert("new_string".into(), diff.new.as_str().into());
                    ("Edit".into(), Value::Object(input))
                }
            }
        }
        // All of it is shown, and nothing takes it for an edit of one file.
        _ => {
            // A list of files is not the file of an edit.
            for name in FILES {
                if let Some(path) = input.get_mut(name) {
                    *path = json!([path.take()]);
                }
            }
            let paths: Vec<&str> = diffs.iter().map(|diff| diff.path.as_str()).collect();
            let change =
                |diff: &Diff| json!({ "file": diff.path, "old": diff.old, "new": diff.new });
            input.insert("diff_paths".into(), paths.into());
            input.insert("diffs_shown".into(), diffs.iter().map(change).collect());
            (named, Value::Object(input))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(asked: Value, known: Value) -> ReadCall {
        let asked: Described = serde_json::from_value(asked).unwrap();
        let known = KnownCall {
            first_title: known["title"].as_str().map(Into::into),
            last: serde_json::from_value(known).unwrap(),
            ..KnownCall::default()
        };
        let cwd = Path::new("/home/maya/shop");
        let place = Place { agent: "an-agent", session: "s", cwd, home: None };
        read(&place, &asked, &known)
    }

    fn in_short(asked: Value, known: Value) -> String {
        let ReadCall { call, arguments } = read_of(asked, known);
        format!("{arguments:?} {} {} {}", call.tool, call.input, call.cwd.display())
    }

    #[test]
    fn a_command_runs_in_the_directory_that_the_call_names() {
        let run =
            |input: Value| in_short(json!({ "kind": "execute", "rawInput": input }), json!({}));
        assert_eq!(
            run(json!({ "command": "ls" })),
            r#"Told shell {"command":"ls"} /home/maya/shop"#
        );
        assert_eq!(
            run(json!({ "command": "ls", "workdir": "/etc" })),
            r#"Told shell {"command":"ls"} /etc"#
        );
        assert_eq!(
            run(json!({ "command": "ls", "cwd": "api" })),
            r#"Told shell {"command":"ls"} /home/maya/shop/api"#
        );
        // Which of two it runs in is not known, and both are shown.
        assert_eq!(
            run(json!({ "command": "ls", "cwd": "/a", "workdir": "/b" })),
            r#"Told shell {"command":"ls","cwd":"/a","workdir":"/b"} /home/maya/shop"#
        );
        // What an earlier update told is part of the call.
        let asked = json!({ "kind": "execute", "rawInput": { "command": "ls" } });
        let known = json!({ "rawInput": { "command": "other", "workdir": "/etc", "env": "X=1" } });
        assert_eq!(in_short(asked, known), r#"Told shell {"command":"ls","env":"X=1"} /etc"#);
    }

    #[test]
    fn a_call_without_arguments_is_shown_as_words() {
        let told = in_short(
            json!({ "title": "rm -rf .", "kind": "execute", "locations": [{ "path": "/etc" }],
                "content": [{ "type": "content", "content": { "text": "Sure?" } }] }),
            json!({}),
        );
        let shown = json!({ "kind": "execute", "paths": ["/etc"], "text": ["Sure?"],
            "title": "rm -rf ." });
        assert_eq!(told, format!("Unknown rm -rf . {shown} /home/maya/shop"));
        assert!(in_short(json!({ "rawInput": {} }), json!({})).starts_with("Unknown unknown"));
    }

    #[test]
    fn a_tool_of_a_server_stays_one_whatever_its_kind() {
        let asked = json!({ "kind": "read", "rawInput": { "path": "a" },
            "_meta": { "claudeCode": { "toolName": "mcp__files__read" } } });
        assert!(in_short(asked, json!({})).starts_with("Told mcp__files__read "));
    }

    #[test]
    fn an_edit_is_recognised_where_all_agree_on_the_file() {
        fn diff(path: &str, old: Value) -> Value {
            json!([{ "type": "diff", "path": path, "oldText": old, "newText": "b" }])
        }
        let edit = |input: Value, content: Value| {
            let ReadCall { call, .. } = read_of(
                json!({ "kind": "edit", "title": "x", "rawInput": input, "content": content }),
                json!({}),
            );
            let edit = call.edit().map(|edit| edit.path);
            (call.tool, edit, call.input)
        };
        let write = json!({ "file_path": "a.txt", "content": "b" });
        let (tool, path, input) = edit(write.clone(), diff("/home/maya/shop/a.txt", Value::Null));
        assert_eq!(
            (tool.as_str(), path.as_deref(), input),
            ("Write", Some("a.txt"), write.clone())
        );
        // OpenCode tells the change as a text only, beside the diff.
        let (tool, path, input) =
            edit(json!({ "filepath": "/x/a.txt", "diff": "…" }), diff("/x/a.txt", json!("a")));
        assert_eq!((tool.as_str(), path.as_deref()), ("Edit", Some("/x/a.txt")));
        assert_eq!(input["old_string"], "a");
        let (tool, ..) = edit(json!({}), diff("a.txt", json!("")));
        assert_eq!(tool, "Write");
        let (tool, ..) = edit(
            json!({ "filePath": "a", "oldString": "a", "newString": "b", "replaceAll": true }),
            json!([]),
        );
        assert_eq!(tool, "Edit");
        // The diff shows another file than the one that is written.
        let (tool, path, input) = edit(write.clone(), diff("/home/maya/shop/b.txt", Value::Null));
        assert_eq!((tool.as_str(), path), ("x", None));
        assert_eq!(input["diff_paths"], json!(["/home/maya/shop/b.txt"]));
        assert_eq!(input["file_path"], json!(["a.txt"]), "the rules know this file too");
        let two = json!([diff("a", Value::Null)[0], diff("b", Value::Null)[0]]);
        let (tool, path, input) = edit(json!({}), two);
        assert_eq!((tool.as_str(), path), ("x", None));
        assert_eq!(input["diff_paths"], json!(["a", "b"]));
    }

    #[test]
    fn what_may_be_anything_is_not_called_by_a_known_name() {
        let named = |asked: Value| read_of(asked, json!({})).call.tool;
        assert_eq!(
            named(json!({ "kind": "read", "rawInput": { "command": "cat x", "path": "x" } })),
            "shell"
        );
        assert_eq!(
            named(json!({ "kind": "read", "title": "Read", "rawInput": { "absolute_path": "x" } })),
            "Read"
        );
        assert_eq!(
            named(json!({ "kind": "fetch", "title": "Get", "rawInput": { "url": "x" } })),
            "Get"
        );
        assert_eq!(
            named(json!({ "kind": "switch_mode", "rawInput": { "plan": "1." } })),
            "ExitPlanMode"
        );
        assert_eq!(named(json!({ "kind": "other", "rawInput": [1] })), "other");
    }
}
