//! File changes of a tool call as a unified diff: a person approves exactly the text that will be
//! written.

use std::time::Duration;

use serde_json::Value;
use similar::TextDiff;

/// Time limit for the diff of huge texts; afterwards the diff becomes coarser.
const PATIENCE: Duration = Duration::from_millis(500);

/// A change to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file, as the agent spelled the path.
    pub path: String,
    /// The change.
    pub change: FileChange,
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

fn piece(input: &Value) -> Option<Piece> {
    let everywhere = input.get("replace_all").and_then(Value::as_bool).unwrap_or(false);
    Some(Piece { old: text(input, &OLD)?, new: text(input, &NEW)?, everywhere })
}

/// Whether an input has no fields other than these. A field that the diff does not show must be
/// absent.
fn has_only(input: &Value, groups: &[&[&str]]) -> bool {
    let known = |name: &String| groups.iter().any(|group| group.contains(&name.as_str()));
    input.as_object().is_some_and(|fields| fields.keys().all(known))
}

/// Known arguments of file-writing tools, in addition to paths and content.
const BESIDE: [&str; 10] = [
    "replace_all",
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
            matches!(edit.change, FileChange::Patch(_)) && !edit.path.is_empty()
        });
    }
    text(input, &PATH).is_some() && has_only(input, &[&PATH, &OLD, &NEW, &WHOLE, &BESIDE])
}

/// The file change of a tool call. `None` when the call changes no file, or when a diff would not
/// show the complete call.
#[must_use]
pub fn edit_of(tool: &str, input: &Value) -> Option<Edit> {
    let patch = text(input, &["command", "patch", "input"])
        .filter(|text| text.trim_start().starts_with("*** Begin Patch"));
    if let Some(patch) = patch.filter(|_| {
        tool.ends_with("apply_patch") && has_only(input, &[&["command", "patch", "input"]])
    }) {
        let one = input.as_object().is_some_and(|fields| fields.len() == 1);
        return one.then(|| Edit {
            path: patched_files(&patch).join(", "),
            change: FileChange::Patch(patch),
        });
    }
    let path = text(input, &PATH)?;
    // Tools with several operations name the operation in "command".
    let usual: &[&str] = &["replace_all", "command"];
    let change = if let Some(edits) = input
        .get("edits")
        .and_then(Value::as_array)
        .filter(|_| has_only(input, &[&PATH, &["edits"]]))
    {
        let whole = edits.iter().all(|edit| has_only(edit, &[&OLD, &NEW, usual]));
        FileChange::Pieces(
            edits
                .iter()
                .map(piece)
                .collect::<Option<Vec<_>>>()
                .filter(|pieces| whole && !pieces.is_empty())?,
        )
    } else if has_only(input, &[&PATH, &OLD, &NEW, usual]) {
        FileChange::Pieces(vec![piece(input)?])
    } else if has_only(input, &[&PATH, &WHOLE, usual]) {
        FileChange::Whole(text(input, &WHOLE)?)
    } else {
        return None;
    };
    Some(Edit { path, change })
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
    /// Unified diff against the file's current content, if known.
    #[must_use]
    pub fn diff(&self, before: Option<&str>) -> String {
        match &self.change {
            FileChange::Patch(patch) => patch.clone(),
            FileChange::Whole(after) => {
                unified(&self.path, before.unwrap_or_default(), after, before.is_none())
            }
            FileChange::Pieces(pieces) => match before.and_then(|before| exchanged(before, pieces))
            {
                Some(after) => unified(&self.path, before.unwrap_or_default(), &after, false),
                // The file differs from the agent's assumption or is unreadable: only the pieces
                // are known.
                None => pieces
                    .iter()
                    .map(|piece| unified(&self.path, &piece.old, &piece.new, false))
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

fn unified(path: &str, before: &str, after: &str, is_new: bool) -> String {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
    // A line break in the file name would add lines to the diff.
    let path = path.replace(['\n', '\r'], " ");
    let from =
        if is_new { "/dev/null".to_owned() } else { format!("a/{}", path.trim_start_matches('/')) };
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

    #[test]
    fn an_edit_is_shown_against_the_file_as_it_is() {
        let edit = edit_of(
            "Edit",
            &json!({"file_path": "/p/a.rs", "old_string": "two", "new_string": "2"}),
        )
        .unwrap();
        assert_eq!(
            edit.diff(Some("one\ntwo\nthree\n")),
            "--- a/p/a.rs\n+++ b/p/a.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
        );
        assert!(edit.diff(None).contains("-two\n"), "{}", edit.diff(None));
        assert!(edit.diff(Some("other")).contains("+2\n"));
    }

    #[test]
    fn a_new_file_a_list_of_edits_and_a_patch() {
        let write = edit_of("Write", &json!({"file_path": "a", "content": "x\n"})).unwrap();
        assert_eq!(write.diff(None), "--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+x\n");
        let edits = json!([
            {"old_string": "a", "new_string": "b", "replace_all": true},
            {"old_string": "b", "new_string": "c"},
        ]);
        let many = edit_of("MultiEdit", &json!({"file_path": "a", "edits": edits})).unwrap();
        assert!(many.diff(Some("a\na\n")).contains("+c\n+b\n"), "{}", many.diff(Some("a\na\n")));
        let text =
            "*** Begin Patch\n*** Update File: a.rs\n*** Move to: b.rs\n@@\n-x\n+y\n*** End Patch";
        let patch = edit_of("apply_patch", &json!({"command": text})).unwrap();
        assert_eq!((patch.path.as_str(), patch.diff(None).as_str()), ("a.rs, b.rs", text));
        assert_eq!(edit_of("Read", &json!({"file_path": "a"})), None);
    }
}
