//! File changes of a tool call as a unified diff: a person approves exactly the text that will be
//! written.

use std::time::Duration;

use serde_json::{Map, Value};
use similar::TextDiff;

/// Time limit for the diff of huge texts; afterwards the diff becomes coarser.
const PATIENCE: Duration = Duration::from_millis(500);

/// The content of a file before a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Before {
    /// There is no file.
    #[default]
    Absent,
    /// The text.
    Text(String),
    /// The file is too large, not text or not readable; or nobody has looked.
    Unknown,
}

impl Before {
    /// The text, if there is one and it is known.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Unknown => None,
        }
    }
}

/// A change to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file, as the agent spelled the path.
    pub path: String,
    /// The change.
    pub change: FileChange,
    /// The arguments that neither the path nor the diff shows.
    pub beside: Map<String, Value>,
}

/// A change to a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// The whole file is written.
    Whole(String),
    /// Pieces are replaced, in this order.
    Pieces(Vec<Piece>),
    /// A patch that names its own files.
    Patch(String),
}

/// A replacement within a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    old: String,
    new: String,
    everywhere: bool,
}

fn text(input: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| input.get(name)?.as_str()).map(ToOwned::to_owned)
}

const PATH: [&str; 4] = ["file_path", "path", "notebook_path", "filename"];
const OLD: [&str; 3] = ["old_string", "old_str", "before"];
const NEW: [&str; 3] = ["new_string", "new_str", "after"];
const WHOLE: [&str; 2] = ["content", "file_text"];
/// Arguments of operations without a diff.
const MORE_CONTENT: [&str; 5] = ["edits", "insert_line", "insert_text", "new_source", "edit_mode"];

/// Removes the text of the only field with one of these names. `None` if no field or several fields
/// have such a name: agents differ in which one they read.
fn take_text(fields: &mut Map<String, Value>, names: &[&str]) -> Option<String> {
    let mut named = names.iter().filter(|name| fields.contains_key(**name));
    let (name, other) = (named.next()?, named.next());
    let text = fields.get(*name)?.as_str()?.to_owned();
    fields.remove(*name);
    other.is_none().then_some(text)
}

/// Takes a replacement from its arguments.
fn take_piece(fields: &mut Map<String, Value>) -> Option<Piece> {
    let everywhere = fields.get("replace_all").and_then(Value::as_bool).unwrap_or(false);
    Some(Piece { old: take_text(fields, &OLD)?, new: take_text(fields, &NEW)?, everywhere })
}

/// Takes the replacements of a list. What remains of each moves to the other arguments.
fn take_pieces(fields: &mut Map<String, Value>) -> Option<Vec<Piece>> {
    let edits = fields.get("edits")?.as_array()?.clone();
    fields.remove("edits");
    let mut pieces = Vec::new();
    for (place, edit) in edits.into_iter().enumerate() {
        let Value::Object(mut edit) = edit else { return None };
        pieces.push(take_piece(&mut edit)?);
        if names_content(&edit) {
            return None;
        }
        fields.extend(
            edit.into_iter().map(|(name, value)| (format!("edits[{place}].{name}"), value)),
        );
    }
    (!pieces.is_empty()).then_some(pieces)
}

/// Whether fields name another file or hold text that a tool might write.
fn names_content(fields: &Map<String, Value>) -> bool {
    let groups: [&[&str]; 5] = [&PATH, &OLD, &NEW, &WHOLE, &MORE_CONTENT];
    fields.keys().any(|name| groups.iter().any(|group| group.contains(&name.as_str())))
}

/// Whether an input has no fields other than these.
fn has_only(input: &Value, groups: &[&[&str]]) -> bool {
    let known = |name: &String| groups.iter().any(|group| group.contains(&name.as_str()));
    input.as_object().is_some_and(|fields| fields.keys().all(known))
}

/// Known arguments of file-writing tools, in addition to paths and content.
const BESIDE: [&str; 11] = [
    "replace_all",
    "description",
    "command",
    "edits",
    "insert_line",
    "insert_text",
    "view_range",
    "new_source",
    "cell_id",
    "cell_type",
    "edit_mode",
];

/// Whether a tool writes files, judged by the usual names of such tools.
#[must_use]
pub fn is_editor(tool: &str) -> bool {
    let name = tool.rsplit("__").next().unwrap_or(tool).to_lowercase();
    ["edit", "write", "text_editor", "apply_patch"].iter().any(|end| name.ends_with(end))
}

/// Whether a call of a file-writing tool names every file that the call would write. `false` for a
/// patch in another format and for unknown fields, because these may name more files.
#[must_use]
pub fn names_its_files(tool: &str, input: &Value) -> bool {
    if tool.ends_with("apply_patch") {
        return edit_of(tool, input).is_some_and(|edit| {
            matches!(edit.change, FileChange::Patch(_))
                && !edit.path.is_empty()
                && edit.beside.is_empty()
        });
    }
    text(input, &PATH).is_some() && has_only(input, &[&PATH, &OLD, &NEW, &WHOLE, &BESIDE])
}

/// The file change of a tool call. `None` when the call changes no file, or when a diff would not
/// show the complete call.
#[must_use]
pub fn edit_of(tool: &str, input: &Value) -> Option<Edit> {
    let mut beside = input.as_object()?.clone();
    if tool.ends_with("apply_patch") {
        let patch = take_text(&mut beside, &["command", "patch", "input"])
            .filter(|text| text.trim_start().starts_with("*** Begin Patch"))
            .filter(|_| !names_content(&beside))?;
        let path = patched_files(&patch).join(", ");
        return Some(Edit { path, change: FileChange::Patch(patch), beside });
    }
    let path = take_text(&mut beside, &PATH)?;
    let change = if beside.contains_key("edits") {
        FileChange::Pieces(take_pieces(&mut beside)?)
    } else if WHOLE.iter().any(|name| beside.contains_key(*name)) {
        FileChange::Whole(take_text(&mut beside, &WHOLE)?)
    } else {
        FileChange::Pieces(vec![take_piece(&mut beside)?])
    };
    // Text beside the change might be written in its place.
    (!names_content(&beside)).then_some(Edit { path, change, beside })
}

/// Files named in a patch of the `*** Update File: …` format.
#[must_use]
pub fn patched_files(patch: &str) -> Vec<String> {
    let marks = ["*** Update File: ", "*** Add File: ", "*** Delete File: ", "*** Move to: "];
    let named = |line: &str| {
        marks
            .iter()
            .find_map(|mark| line.trim_start().strip_prefix(mark))
            .map(|file| file.trim().to_owned())
    };
    patch.lines().filter_map(named).collect()
}

impl Edit {
    /// The file's text after the change. `None` for a patch, or if the file is not as expected.
    #[must_use]
    pub fn after(&self, before: Option<&str>) -> Option<String> {
        match &self.change {
            FileChange::Patch(_) => None,
            FileChange::Whole(after) => Some(after.clone()),
            FileChange::Pieces(pieces) => before.and_then(|before| exchanged(before, pieces)),
        }
    }

    /// Unified diff against the file's current content, if known.
    #[must_use]
    pub fn diff(&self, before: &Before) -> String {
        let text = before.text();
        match &self.change {
            FileChange::Patch(patch) => patch.clone(),
            FileChange::Whole(after) => {
                unified(&self.path, text.unwrap_or_default(), after, before)
            }
            FileChange::Pieces(pieces) => match text.and_then(|text| exchanged(text, pieces)) {
                Some(after) => unified(&self.path, text.unwrap_or_default(), &after, before),
                // The file differs from the agent's assumption or is unreadable: only the pieces
                // are known.
                None => pieces
                    .iter()
                    .map(|piece| {
                        let old = Before::Text(piece.old.clone());
                        unified(&self.path, &piece.old, &piece.new, &old)
                    })
                    .collect(),
            },
        }
    }
}

fn exchanged(before: &str, pieces: &[Piece]) -> Option<String> {
    pieces.iter().try_fold(before.to_owned(), |text, piece| {
        if piece.old.is_empty() || !text.contains(&piece.old) {
            return None;
        }
        Some(if piece.everywhere {
            text.replace(&piece.old, &piece.new)
        } else {
            text.replacen(&piece.old, &piece.new, 1)
        })
    })
}

fn unified(path: &str, before: &str, after: &str, found: &Before) -> String {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
    // A line break in the file name would add lines to the diff.
    let path = path.replace(['\n', '\r'], " ");
    let name = path.trim_start_matches('/');
    let from = match found {
        Before::Absent => "/dev/null".to_owned(),
        Before::Text(_) => format!("a/{name}"),
        Before::Unknown => format!("a/{name} (content not shown)"),
    };
    let text = diff
        .unified_diff()
        .header(&from, &format!("b/{}", path.trim_start_matches('/')))
        .to_string();
    if text.is_empty() {
        format!("--- {from}\n+++ b/{}\n", path.trim_start_matches('/'))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(text: &str) -> Before {
        Before::Text(text.to_owned())
    }

    #[test]
    fn an_edit_is_shown_against_the_file_as_it_is() {
        let edit = edit_of(
            "Edit",
            &json!({"file_path": "/p/a.rs", "old_string": "two", "new_string": "2"}),
        )
        .unwrap();
        assert_eq!(
            edit.diff(&text("one\ntwo\nthree\n")),
            "--- a/p/a.rs\n+++ b/p/a.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
        );
        let unknown = edit.diff(&Before::Unknown);
        assert!(unknown.contains("-two\n"), "{unknown}");
        assert!(edit.diff(&text("other")).contains("+2\n"));
    }

    #[test]
    fn a_new_file_a_list_of_edits_and_a_patch() {
        let write = edit_of("Write", &json!({"file_path": "a", "content": "x\n"})).unwrap();
        assert_eq!(write.diff(&Before::Absent), "--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+x\n");
        let over = write.diff(&Before::Unknown);
        assert!(over.starts_with("--- a/a (content not shown)\n+++ b/a\n"), "{over}");
        let edits = json!([
            {"old_string": "a", "new_string": "b", "replace_all": true},
            {"old_string": "b", "new_string": "c"},
        ]);
        let many = edit_of("MultiEdit", &json!({"file_path": "a", "edits": edits})).unwrap();
        let shown = many.diff(&text("a\na\n"));
        assert!(shown.contains("+c\n+b\n"), "{shown}");
        let text =
            "*** Begin Patch\n*** Update File: a.rs\n*** Move to: b.rs\n@@\n-x\n+y\n*** End Patch";
        let patch = edit_of("apply_patch", &json!({"command": text})).unwrap();
        assert_eq!(
            (patch.path.as_str(), patch.diff(&Before::Absent).as_str()),
            ("a.rs, b.rs", text)
        );
        assert_eq!(edit_of("Read", &json!({"file_path": "a"})), None);
    }

    #[test]
    fn what_the_diff_does_not_show_stands_beside() {
        let beside =
            |tool: &str, input: Value| edit_of(tool, &input).map(|edit| Value::Object(edit.beside));
        let edit = json!({"old_string": "a", "new_string": "b", "replace_all": true});
        for (tool, input, shown) in [
            (
                "Edit",
                json!({"file_path": "x", "old_string": "a", "new_string": "b",
                "replace_all": true, "backup": "y"}),
                json!({"replace_all": true, "backup": "y"}),
            ),
            (
                "MultiEdit",
                json!({"file_path": "x", "edits": [edit]}),
                json!({"edits[0].replace_all": true}),
            ),
            (
                "text_editor",
                json!({"command": "create", "path": "x", "file_text": "y"}),
                json!({"command": "create"}),
            ),
            (
                "apply_patch",
                json!({"command": "*** Begin Patch\n*** End Patch", "description": "d"}),
                json!({"description": "d"}),
            ),
        ] {
            assert_eq!(beside(tool, input), Some(shown), "{tool}");
        }
        for (tool, input) in [
            ("Edit", json!({"file_path": "x", "path": "y", "old_string": "a", "new_string": "b"})),
            ("Write", json!({"file_path": "x", "content": "a", "file_text": "b"})),
            ("Write", json!({"file_path": "x", "content": "a", "new_string": "b"})),
            ("Edit", json!({"file_path": "x", "edits": ["a"]})),
            ("apply_patch", json!({"command": "*** Begin Patch", "path": "y"})),
            ("apply_patch", json!({"command": "*** Begin Patch", "input": "*** Begin Patch"})),
        ] {
            assert_eq!(beside(tool, input), None, "{tool}");
        }
    }
}
