//! A tool call that a person changes before approving: which text of it, what the changed call is,
//! and whether it is still the call that was approved when it is about to run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use similar::TextDiff;

use super::ToolCall;
use super::edits::{Before, Edit, FileChange};
use super::facts::{Facts, RunFile};
use crate::core::decision::editing::{Editable, EditablePart, LONGEST_TEXT};
use crate::core::decision::{Agent, ScriptContent, Unshown};
use crate::core::hex;
use crate::core::untrusted::{is_hidden, units};

/// Longest arguments that are kept beside a question, in bytes as JSON.
const LONGEST_INPUT: usize = 32 << 10;
/// Most facts that are kept beside a question.
const MOST_FACTS: usize = 200;
/// Time limit for the diff; afterwards the diff becomes coarser.
const PATIENCE: Duration = Duration::from_millis(200);
/// Arguments with the whole text of a file, and with the new text of a piece of a file.
const WHOLE: [&str; 2] = ["content", "file_text"];
const PIECE: [&str; 3] = ["new_string", "new_str", "after"];

/// The beginnings of names in [`Editable::relied`].
const BEFORE: &str = "before";
const RUN: &str = "run:";
const FILE: &str = "file:";
const SURROUNDINGS: &str = "surroundings";
/// What is said of a file that is not there, or cannot be read.
const NOTHING: &str = "nothing";
const UNKNOWN: &str = "unknown";

/// What a person may change in a call. `None`: nothing, because the call runs no single command
/// and writes no single text, or because a form could not show the text as it is.
#[must_use]
pub fn editable(call: &ToolCall) -> Option<Editable> {
    if call.questions().is_some() || call.own_prompt || call.is_plan() {
        return None;
    }
    let (part, field) = part_of(call)?;
    let relied = relied_on(call);
    let editable = Editable {
        part,
        field: field.to_owned(),
        tool: call.tool.clone(),
        input: call.input.clone(),
        cwd: call.cwd.clone(),
        roots: call.roots.clone(),
        home: call.home.clone(),
        relied,
    };
    let fits = is_typable(editable.text())
        && editable.input.to_string().len() <= LONGEST_INPUT
        && editable.relied.len() <= MOST_FACTS;
    fits.then_some(editable)
}

/// The text that may change, and its argument.
fn part_of(call: &ToolCall) -> Option<(EditablePart, &'static str)> {
    if let Some(command) = call.command() {
        let field = call.command_field()?;
        // Of a list of words, the line is only what it means.
        let is_text = call.input.get(field).and_then(Value::as_str) == Some(command.as_str());
        return is_text.then_some((EditablePart::Command, field));
    }
    let Edit { path, change, .. } = call.edit()?;
    let named = |names: &[&'static str]| {
        names.iter().copied().find(|name| call.input.get(name).is_some_and(Value::is_string))
    };
    match change {
        FileChange::Whole(_) => Some((EditablePart::File { path }, named(&WHOLE)?)),
        FileChange::Pieces(pieces) if pieces.len() == 1 => {
            Some((EditablePart::Piece { path }, named(&PIECE)?))
        }
        FileChange::Pieces(_) | FileChange::Patch(_) => None,
    }
}

/// Whether a form can show a text, and give it back unchanged.
fn is_typable(text: &str) -> bool {
    let strange = |c: char| (is_hidden(c) || c.is_control()) && !matches!(c, '\n' | '\t');
    !text.trim().is_empty() && units(text) <= LONGEST_TEXT && !text.chars().any(strange)
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text)[..16])
}

/// What the gate looked up about a call, by name: the file to be changed, the files that the call
/// runs, what stands behind its names, and what surrounds it.
#[must_use]
pub fn relied_on(call: &ToolCall) -> BTreeMap<String, String> {
    let before = match &call.before {
        Before::Absent => NOTHING.to_owned(),
        Before::Text(text) => digest(text),
        Before::Unknown => UNKNOWN.to_owned(),
    };
    let Facts { files, git, shadowed, runs, .. } = &call.facts;
    let surroundings = format!("{:?} {git:?} {shadowed:?}", call.poses_as_repository);
    let mut relied = BTreeMap::from([
        (BEFORE.to_owned(), before),
        (SURROUNDINGS.to_owned(), digest(&surroundings)),
    ]);
    relied.extend(runs.iter().map(|(path, found)| {
        let content = match found {
            RunFile::Nothing => NOTHING,
            RunFile::Found(content) => content.digest().unwrap_or(UNKNOWN),
        };
        (format!("{RUN}{}", path.to_string_lossy()), content.to_owned())
    }));
    relied.extend(files.iter().map(|(path, facts)| {
        (format!("{FILE}{}", path.to_string_lossy()), digest(&format!("{facts:?}")))
    }));
    relied
}

/// The files that the call of a question runs, without their text.
fn runs(editable: &Editable) -> BTreeMap<PathBuf, RunFile> {
    let run = |(name, content): (&String, &String)| {
        let path = PathBuf::from(name.strip_prefix(RUN)?);
        let found = match content.as_str() {
            NOTHING => RunFile::Nothing,
            UNKNOWN => RunFile::Found(ScriptContent::Unknown),
            digest => RunFile::Found(ScriptContent::Unshown {
                digest: digest.to_owned(),
                why: Unshown::NotSent,
            }),
        };
        Some((path, found))
    };
    editable.relied.iter().filter_map(run).collect()
}

/// The call of a question with changed arguments, as far as it is known without its files: it runs
/// the files of the call that was asked.
#[must_use]
pub fn call_of(editable: &Editable, agent: &Agent, input: Value) -> ToolCall {
    let facts = Facts { runs: runs(editable), ..Facts::default() };
    ToolCall {
        agent: agent.name.clone(),
        session: agent.session.clone(),
        tool: editable.tool.clone(),
        input,
        cwd: editable.cwd.clone(),
        roots: editable.roots.clone(),
        home: editable.home.clone(),
        real: Vec::new(),
        poses_as_repository: false,
        own_prompt: false,
        before: Before::Unknown,
        facts,
    }
}

/// A call with the text of approved arguments, without anything looked up. `None`: the arguments
/// are not those of this call with another text.
#[must_use]
pub fn changed(call: &ToolCall, approved: &Value) -> Option<ToolCall> {
    let (_, field) = part_of(call)?;
    let text = approved.get(field)?.as_str()?;
    let mut input = call.input.clone();
    *input.get_mut(field)? = text.into();
    let bare = |input: Value| {
        let (real, before, facts) = (Vec::new(), Before::Absent, Facts::default());
        ToolCall { input, real, before, facts, ..call.clone() }
    };
    let changed = bare(input);
    // Words that only introduce a command may differ.
    (changed.hash() == bare(approved.clone()).hash()).then_some(changed)
}

/// Whether a call, looked at now, is what was approved with these arguments: the same tool in the
/// same place, with files and surroundings as they were. It may run fewer files, and none that a
/// person did not see; of names that the question did not have, the rules judge.
#[must_use]
pub fn stands(editable: &Editable, agent: &Agent, approved: &Value, now: &ToolCall) -> bool {
    let bare = |call: ToolCall| ToolCall { facts: Facts::default(), ..call }.hash();
    let same = bare(call_of(editable, agent, approved.clone())) == bare(now.clone())
        && now.roots == editable.roots
        && !now.own_prompt;
    same && relied_on(now).iter().all(|(name, found)| match editable.relied.get(name) {
        Some(before) => before == found && (found != UNKNOWN || name == BEFORE),
        None => name.starts_with(FILE),
    })
}

/// The change of a text as a diff, with all of both texts: of a command its lines alone, of a file
/// below the file's name.
#[must_use]
pub fn diff(editable: &Editable, changed: &Value) -> String {
    let (old, new) = (editable.text(), editable.text_in(changed).unwrap_or_default());
    let mut lines = TextDiff::configure();
    let lines = lines.timeout(PATIENCE);
    match &editable.part {
        EditablePart::Command => {
            let (old, new) = (format!("{old}\n"), format!("{new}\n"));
            let diff = lines.diff_lines(&old, &new);
            diff.iter_all_changes().map(|line| format!("{}{line}", line.tag())).collect()
        }
        EditablePart::File { path } | EditablePart::Piece { path } => {
            // A line break in the name would add lines to the diff.
            let name = path.replace(['\n', '\r'], " ");
            let diff = lines.diff_lines(old, new);
            let mut diff = diff.unified_diff();
            diff.context_radius(LONGEST_TEXT)
                .header(&format!("asked/{name}"), &format!("changed/{name}"))
                .to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::gate::facts::{FileFact, GitRepository, PlaceKind};

    fn call(tool: &str, input: Value) -> ToolCall {
        ToolCall {
            agent: "claude-code".into(),
            session: Some("s".into()),
            tool: tool.into(),
            input,
            cwd: "/w".into(),
            roots: vec!["/w".into()],
            home: None,
            real: Vec::new(),
            poses_as_repository: false,
            own_prompt: false,
            before: Before::Absent,
            facts: Facts::default(),
        }
    }

    fn bash(command: &str) -> ToolCall {
        call("Bash", json!({ "command": command }))
    }

    fn agent() -> Agent {
        Agent { name: "claude-code".into(), session: Some("s".into()) }
    }

    #[test]
    fn one_text_may_change() {
        let text =
            |call: &ToolCall| editable(call).map(|it| (it.field.clone(), it.text().to_owned()));
        let of = |field: &str, text: &str| Some((field.to_owned(), text.to_owned()));
        assert_eq!(text(&bash("make\n\ttest")), of("command", "make\n\ttest"));
        let write = call("Write", json!({ "file_path": "a", "content": "x\n" }));
        assert_eq!(text(&write), of("content", "x\n"));
        let piece = json!({ "file_path": "a", "old_string": "x", "new_string": "y" });
        assert_eq!(text(&call("Edit", piece)), of("new_string", "y"));
        let several = json!([{ "old_string": "a", "new_string": "b" }]);
        for other in [
            call("Bash", json!({ "command": ["sh", "-c", "make"] })),
            call("MultiEdit", json!({ "file_path": "a", "edits": several })),
            call("Edit", json!({ "file_path": "a", "old_string": "x", "new_string": "" })),
            call("apply_patch", json!({ "patch": "*** Begin Patch\n*** Add File: a\n+x" })),
            call("mcp__db__query", json!({ "command": "ls" })),
            call("ExitPlanMode", json!({ "plan": "x" })),
            call("AskUserQuestion", json!({ "questions": [] })),
            bash(&"x".repeat(LONGEST_TEXT + 1)),
            bash("ls \u{202E}x"),
            bash("ls \u{1b}[2K"),
            bash("make\r\n"),
            ToolCall { own_prompt: true, ..bash("make") },
        ] {
            assert_eq!(text(&other), None, "{other:?}");
        }
    }

    #[test]
    fn the_approved_text_is_put_into_the_call_that_waits() {
        let waits = call("Bash", json!({ "command": "make", "description": "again" }));
        let approved = json!({ "command": "make test", "description": "at first" });
        let changed = super::changed(&waits, &approved).unwrap();
        assert_eq!(changed.input, json!({ "command": "make test", "description": "again" }));
        for bad in [
            json!({ "command": "make test", "cwd": "/etc" }),
            json!({ "command": ["make"] }),
            json!({}),
        ] {
            assert_eq!(super::changed(&waits, &bad), None, "{bad}");
        }
    }

    #[test]
    fn it_stands_while_everything_else_is_as_it_was() {
        let run = |text: &str| {
            let digest = digest(text);
            RunFile::Found(ScriptContent::Text { digest, text: text.into() })
        };
        let mut asked = bash("./deploy.sh prod x");
        asked.facts.runs.insert("/w/deploy.sh".into(), run("echo"));
        let at = |real: &str| FileFact { real: real.into(), kind: PlaceKind::File };
        asked.facts.add("/w/x".into(), at("/w/y"));
        let editable = editable(&asked).unwrap();
        let approved = json!({ "command": "./deploy.sh test x" });
        let now = ToolCall { input: approved.clone(), ..asked.clone() };
        let stands = |now: &ToolCall| super::stands(&editable, &agent(), &approved, now);
        assert!(stands(&now));
        // The hash that is attested is that of the call with the files that it runs.
        assert_eq!(call_of(&editable, &agent(), approved.clone()).hash(), now.hash());
        let mut fewer = now.clone();
        fewer.facts.runs.clear();
        fewer.facts.add("/w/z".into(), at("/w/z"));
        assert!(stands(&fewer));
        let with = |change: &dyn Fn(&mut ToolCall)| {
            let mut now = now.clone();
            change(&mut now);
            now
        };
        for other in [
            with(&|now| drop(now.facts.runs.insert("/w/deploy.sh".into(), run("rm")))),
            with(&|now| drop(now.facts.runs.insert("/w/other.sh".into(), run("echo")))),
            with(&|now| drop(now.facts.files.insert("/w/x".into(), vec![at("/etc")]))),
            with(&|now| now.facts.git = GitRepository::Foreign),
            with(&|now| now.before = Before::Text(String::new())),
            with(&|now| now.cwd = "/w/sub".into()),
            with(&|now| now.session = None),
            with(&|now| now.own_prompt = true),
            with(&|now| now.input = json!({ "command": "./deploy.sh test x; id" })),
        ] {
            assert!(!stands(&other), "{other:?}");
        }
    }

    #[test]
    fn the_diff_has_all_of_both_texts() {
        let shown = |call: &ToolCall, text: &str| {
            let editable = editable(call).unwrap();
            diff(&editable, &editable.with_text(text))
        };
        assert_eq!(shown(&bash("git push --force"), "git push"), "-git push --force\n+git push\n");
        let write = call("Write", json!({ "file_path": "a\nb", "content": "1\n2\n3\n4\n5\n6\n" }));
        assert_eq!(
            shown(&write, "0\n2\n3\n4\n5\n6\n"),
            "--- asked/a b\n+++ changed/a b\n@@ -1,6 +1,6 @@\n-1\n+0\n 2\n 3\n 4\n 5\n 6\n"
        );
    }
}
