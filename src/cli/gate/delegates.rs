//! Looks for files that define the agent of a call. A folder may define an agent by the name of a
//! built-in agent, with other instructions and hooks.

use std::path::Path;

use crate::core::gate::{ToolCall, known};
use crate::disk;

/// Most files and folders read.
const MOST_FILES: usize = 500;
/// Where agents look for definitions of others.
const FOLDERS: [&str; 10] = [
    ".claude/agents",
    ".github/agents",
    ".copilot/agents",
    ".cursor/agents",
    ".gemini/agents",
    ".opencode/agent",
    ".opencode/agents",
    ".config/opencode/agent",
    ".qwen/agents",
    ".kimi-code/agents",
];
/// Largest definition, in bytes.
const LONGEST: u64 = 256 << 10;
/// Folders in folders with definitions.
const DEEPEST: u32 = 4;

/// The name of the call's agent, if a file defines or may define the agent.
pub(super) fn defined(call: &ToolCall) -> Option<String> {
    let name = known::delegate(call)?;
    let mut left = MOST_FILES;
    let around = call.roots.iter().chain([&call.cwd]).flat_map(|folder| folder.ancestors());
    let mut folders: Vec<&Path> = around.chain(call.home.as_deref()).collect();
    folders.sort_unstable();
    folders.dedup();
    let mut all = folders.into_iter().flat_map(|folder| FOLDERS.map(|below| folder.join(below)));
    all.any(|folder| defines(&folder, name, DEEPEST, &mut left)).then(|| name.to_owned())
}

/// Whether a folder holds a definition, or too many files to read.
fn defines(folder: &Path, name: &str, depth: u32, left: &mut usize) -> bool {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return !disk::is_absence(&error),
    };
    for entry in entries {
        let Ok(entry) = entry else { return true };
        let Some(fewer) = left.checked_sub(1) else { return true };
        *left = fewer;
        let path = entry.path();
        let found = if path.is_dir() {
            depth.checked_sub(1).is_none_or(|depth| defines(&path, name, depth, left))
        } else {
            path.extension().is_some_and(|end| end.eq_ignore_ascii_case("md"))
                && is_definition(&path, name)
        };
        if found {
            return true;
        }
    }
    false
}

/// Whether a file defines an agent of this name, by the file's name or by the field `name`. An
/// unreadable or uncertain name counts.
fn is_definition(file: &Path, name: &str) -> bool {
    if file.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case(name)) {
        return true;
    }
    let Ok(text) = disk::read_own_text(file, LONGEST) else { return true };
    let name = name.to_lowercase();
    let names = |line: &str| {
        let line = line.to_lowercase();
        let Some((field, value)) = line.split_once(':') else { return false };
        let value = value.trim();
        field.trim().trim_matches(['"', '\'', '?', ' ']) == "name"
            && (value.is_empty()
                || value.starts_with(['>', '|', '&', '!', '*'])
                || value.contains('\\')
                || value.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\''])
                    == name)
    };
    text.lines().any(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_known_by_its_names() {
        let temporary = tempfile::tempdir().unwrap();
        let file = temporary.path().join("x.md");
        for (text, is) in [
            ("---\nname: Explore\n---\n", true),
            ("---\nname: \"explore\" # x\n---\n", true),
            ("---\n\"name\" : 'Explore'\n---\n", true),
            ("---\nname: >\n  Explore\n---\n", true),
            ("---\nname: \"\\x45xplore\"\n---\n", true),
            ("---\nname: reviewer\ndescription: Explore the code\n---\n", false),
            ("Explore", false),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(is_definition(&file, "Explore"), is, "{text}");
        }
        assert!(is_definition(&temporary.path().join("explore.md"), "Explore"));
        assert!(is_definition(&temporary.path().join("unreadable.md"), "Explore"));
        let mut left = 10;
        assert!(!defines(&temporary.path().join("none"), "Explore", 1, &mut left));
        std::fs::write(&file, "name: reviewer").unwrap();
        assert!(!defines(temporary.path(), "Explore", 1, &mut left));
        std::fs::create_dir_all(temporary.path().join("a/b")).unwrap();
        assert!(defines(temporary.path(), "Explore", 1, &mut left), "deeper than is looked at");
    }
}
