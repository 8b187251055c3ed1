//! Files that name scripts which a package manager runs by itself, at an installation for example.
//!
//! An edit is asked unless its result is known, and makes the package manager run the same as
//! before. A file counts by each of its names: where a link leads, and where a patch moves it.

use std::path::Path;

use serde_json::Value;

use super::ToolCall;
use super::edits::{Before, FileChange, patched_files};
use super::patches;
use super::pattern::plain_path;

/// Which parts of a file a package manager runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manifest {
    /// npm and its like: some scripts, and what else names programs.
    Package,
    /// Composer: all scripts, and which plugins run.
    Composer,
    /// All of it, or the format is not read here.
    Whole,
}

/// Scripts of `package.json` that the package manager runs by itself.
const SCRIPTS: [&str; 15] = [
    "preinstall",
    "install",
    "postinstall",
    "preprepare",
    "prepare",
    "postprepare",
    "dependencies",
    "prepublish",
    "prepublishOnly",
    "prepack",
    "postpack",
    "preuninstall",
    "uninstall",
    "postuninstall",
    "pnpm:devPreinstall",
];
/// Other fields of `package.json` with which a package manager runs a program by itself: the
/// compiler of native code, a package manager from another address.
const FIELDS: [&str; 2] = ["gypfile", "packageManager"];

fn manifest(path: &Path) -> Option<Manifest> {
    match path.file_name()?.to_string_lossy().to_lowercase().as_str() {
        "package.json" => Some(Manifest::Package),
        "composer.json" => Some(Manifest::Composer),
        // npm compiles a package with `binding.gyp`, and this file names commands.
        "package.json5" | "package.yaml" | "package.yml" | "binding.gyp" => Some(Manifest::Whole),
        _ => None,
    }
}

/// What a package manager runs by itself. `None` if the text is not JSON.
fn parts(manifest: Manifest, text: &str) -> Option<Vec<Option<Value>>> {
    let parsed: Value = serde_json::from_str(text).ok()?;
    let field = |name: &&str| parsed.get(name).cloned();
    let script = |name: &&str| parsed.get("scripts")?.get(name).cloned();
    match manifest {
        Manifest::Package => {
            Some(SCRIPTS.iter().map(script).chain(FIELDS.iter().map(field)).collect())
        }
        Manifest::Composer => Some(["scripts", "config"].iter().map(field).collect()),
        Manifest::Whole => None,
    }
}

/// Whether a file after a change makes its package manager run something else than before. A text
/// that cannot be read counts as a change.
fn differs(manifest: Manifest, before: &Before, after: &str) -> bool {
    let before = match before {
        Before::Absent => parts(manifest, "{}"),
        Before::Text(before) if before == after => return false,
        Before::Text(before) => parts(manifest, before),
        Before::Unknown => None,
    };
    let after = parts(manifest, after);
    before.is_none() || after.is_none() || before != after
}

/// What a file is by any of its names.
fn manifest_by_any_name(call: &ToolCall, said: &str) -> Option<Manifest> {
    let path = plain_path(said, &call.cwd, call.home.as_deref());
    call.meanings(&path).iter().find_map(|path| manifest(path))
}

/// The only such file that a patch names: its content before decides.
#[must_use]
pub fn patched_manifest(call: &ToolCall) -> Option<String> {
    let FileChange::Patch(patch) = call.edit()?.change else { return None };
    let mut named = patched_files(&patch);
    named.retain(|file| manifest_by_any_name(call, file).is_some());
    named.pop().filter(|_| named.is_empty())
}

/// Whether an edit may change what a package manager runs by itself.
#[must_use]
pub fn changes(call: &ToolCall) -> bool {
    let Some(edit) = call.edit() else { return false };
    let Some(kind) = call.files().iter().find_map(|path| {
        let mut names = call.meanings(path).into_iter();
        names.find_map(|path| manifest(&path))
    }) else {
        return false;
    };
    let after = match &edit.change {
        FileChange::Patch(patch) => {
            patched_manifest(call).and_then(|file| patches::after(patch, &file, call.before.text()))
        }
        FileChange::Whole(_) | FileChange::Pieces(_) => edit.after(call.before.text()),
    };
    after.is_none_or(|after| differs(kind, &call.before, &after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_at_an_installation() {
        let usual = r#"{"scripts": {"test": "jest", "prepare": "tsc"}}"#;
        let text = |text: &str| Before::Text(text.to_owned());
        for (before, after, is) in [
            (text(usual), r#"{"version": "2", "scripts": {"prepare": "tsc"}}"#, false),
            (text(usual), r#"{"scripts": {"prepare": "sh x"}}"#, true),
            (text(usual), r#"{"scripts": {"prepare": "tsc", "postinstall": "x"}}"#, true),
            (text(usual), r#"{"\u0073cripts": {"prepare": "tsc", "postinstall": "x"}}"#, true),
            (text(usual), r#"{"scripts": {"prepare": "tsc", "pnpm:devPreinstall": "x"}}"#, true),
            (text(usual), r#"{"scripts": {"prepare": "tsc"}, "gypfile": true}"#, true),
            (Before::Absent, r#"{"scripts": {"test": "jest"}}"#, false),
            (Before::Absent, r#"{"scripts": {"preinstall": "x"}}"#, true),
            (Before::Absent, r#"{"packageManager": "yarn@https://evil.example/x.js"}"#, true),
            (Before::Unknown, r#"{"scripts": {"test": "jest"}}"#, true),
            (text(usual), "{", true),
        ] {
            assert_eq!(differs(Manifest::Package, &before, after), is, "{after}");
        }
        let scripts = r#"{"scripts": {"post-install-cmd": "x"}}"#;
        assert!(differs(Manifest::Composer, &Before::Absent, scripts));
        assert!(!differs(Manifest::Composer, &Before::Absent, r#"{"require": {"a/b": "1"}}"#));
        assert!(differs(Manifest::Whole, &Before::Absent, "{}"));
    }
}
