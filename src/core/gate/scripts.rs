//! The files of the workspace that a call runs. An agent may edit them silently, so an approval for
//! a session holds only as long as their content stays the same.
//!
//! Finds the files that the words of a command name: a shell's or an interpreter's script, a
//! program with a folder before its name. What these files run in turn is unknown here: a Makefile,
//! scripts of a package, imported modules.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::ToolCall;
use super::budget::Budget;
use super::reach::{self, LONGEST_PATH, NamedPath};
use super::shell;
use super::{facts::RunFile, programs};

/// Most files of a call that are looked at.
const MOST_FILES: usize = 64;

/// The files of the workspace that a call may run. `None` if the call does not name all of them for
/// certain.
#[must_use]
pub fn of(call: &ToolCall) -> Option<Vec<NamedPath>> {
    let Some(text) = call.command() else { return Some(Vec::new()) };
    let budget = Budget::default();
    let line = shell::read(&text, &budget);
    let folders = reach::folders(call, &line.commands, &budget);
    let further = shell::further_commands(&text, &line, &budget);
    let mut names: BTreeSet<&str> = BTreeSet::new();
    // Code of another language names no files that can be told from its other words.
    for command in line.commands.iter().chain(further.iter().filter(|command| !command.guessed)) {
        let places = programs::run_files(&command.words);
        if places.iter().any(|at| command.varying.get(*at).copied().unwrap_or_default()) {
            return None;
        }
        names.extend(places.iter().filter_map(|at| command.words.get(*at)).map(String::as_str));
        if programs::reads_script(&command.words) || programs::runs_code(&command.words) {
            let read = command.files.iter().filter(|file| !command.writes.contains(file));
            names.extend(read.map(String::as_str));
        }
    }
    // What a program runs that another program starts need not have a folder before its name.
    let started = further.iter().filter(|command| !command.guessed);
    names.extend(started.filter_map(|command| command.words.first()).map(String::as_str));
    names.retain(|name| (1..=LONGEST_PATH).contains(&name.len()));
    if line.unread || budget.is_spent() || names.len() * folders.len() > MOST_FILES {
        return None;
    }
    let home = call.home.as_deref();
    let at = |name: &str| -> Vec<NamedPath> {
        let named = |folder: &PathBuf| NamedPath { folder: folder.clone(), name: name.to_owned() };
        folders.iter().map(named).collect()
    };
    let inside = |named: &NamedPath| {
        call.meanings(&named.path(home)).iter().any(|path| call.root_of(path).is_some())
    };
    Some(names.into_iter().flat_map(at).filter(inside).collect())
}

impl ToolCall {
    /// Whether the content of every file that the call runs is known, and so is part of the call's
    /// identity.
    pub(super) fn runs_known_files(&self) -> bool {
        let home = self.home.as_deref();
        let is_known = |named: &NamedPath| {
            let found = self.facts.runs.get(&named.path(home));
            found.is_some_and(|found| *found != RunFile::Unknown)
        };
        of(self).is_some_and(|files| files.iter().all(is_known))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::call;
    use super::*;

    fn names(command: &str) -> Option<Vec<String>> {
        let files = of(&call("Bash", json!({ "command": command })))?;
        Some(files.into_iter().map(|named| named.name).collect())
    }

    #[test]
    fn files_that_a_command_runs() {
        for (command, expected) in [
            ("bash src/x.sh", "src/x.sh"),
            ("bash -eu src/x.sh", "src/x.sh"),
            ("sh < src/x.sh", "src/x.sh"),
            ("./x --all", "./x"),
            ("scripts/x.sh a b", "scripts/x.sh"),
            ("python3.12 a.py out.json", "a.py"),
            ("python3 < a.py", "a.py"),
            (". ./env.sh", "./env.sh"),
            ("source env.sh", "env.sh"),
            ("timeout 60 ./x", "./x"),
            ("sh -c './x'", "./x"),
            ("cd src && ./x", "./x ./x"),
            ("uv run a.py", "a.py"),
            ("deno run a.ts", "a.ts run"),
            ("npx tsx a.ts", "a.ts tsx"),
            ("psql -f a.sql", "a.sql"),
            ("/usr/bin/env python3 a.py", "a.py python3"),
            ("python3 -m pytest tests", "pytest"),
            ("npm test", ""),
            ("cargo test", ""),
            ("cat a.py", ""),
        ] {
            let found = names(command).unwrap();
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            // The inline script of `sh -c` is no file.
            let found: Vec<&str> = found.into_iter().filter(|name| !name.contains("'")).collect();
            assert_eq!(found.join(" "), expected, "{command}");
        }
        for command in ["bash $X", "bash src/*.sh", "\"$HOME/x\"", "bash 'x"] {
            assert_eq!(names(command), None, "{command}");
        }
    }

    #[test]
    fn another_content_is_another_call() {
        let mut one = call("Bash", json!({ "command": "bash x.sh" }));
        assert!(one.key().ends_with(":once"), "nobody looked");
        one.facts.runs.insert("/home/maya/shop/x.sh".into(), RunFile::Digest("a".into()));
        let mut other = one.clone();
        assert!(!one.key().ends_with(":once"));
        other.facts.runs.insert("/home/maya/shop/x.sh".into(), RunFile::Digest("b".into()));
        assert_ne!(one.key(), other.key());
        other.facts.runs.insert("/home/maya/shop/x.sh".into(), RunFile::Nothing);
        assert_ne!(one.key(), other.key());
        other.facts.runs.insert("/home/maya/shop/x.sh".into(), RunFile::Unknown);
        assert!(other.key().ends_with(":once"));
        for command in ["cargo test", "bash /opt/x.sh"] {
            assert!(!call("Bash", json!({ "command": command })).key().ends_with(":once"));
        }
    }
}
