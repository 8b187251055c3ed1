//! Looks at a project's folder within limits: names some levels deep, and the texts of manifests
//! and sources. Follows no link, and opens nothing but regular files.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::frameworks::{Listing, is_manifest, is_source};
use crate::disk::{FileKind, Folder};

/// Levels of folders below the project's.
const DEEPEST: usize = 6;
/// Most names that are looked at.
const MOST_NAMES: usize = 20_000;
/// Most manifests and sources that are read.
const MOST_READ: usize = 2_000;
/// Size limit in bytes of a file that is read; larger ones count by their name.
const LONGEST_FILE: u64 = 256 << 10;
/// Most bytes that are read of all files.
const MOST_BYTES: usize = 32 << 20;

/// Folders with the code of others, or with what was built.
const SKIPPED: [&str; 14] = [
    "node_modules",
    "target",
    "vendor",
    "venv",
    "env",
    "site-packages",
    "__pycache__",
    "build",
    "dist",
    "out",
    "coverage",
    "Pods",
    "DerivedData",
    "bower_components",
];

/// Looks at the folder. What cannot be read is left out.
///
/// # Errors
/// The folder itself cannot be opened.
pub(super) fn of(folder: &Path) -> std::io::Result<Listing> {
    let root = Folder::open(folder)?;
    let mut found = Listing::new();
    let mut folders = VecDeque::from([(PathBuf::new(), 0)]);
    let (mut names, mut reads, mut bytes) = (0, 0, 0);
    // Level by level: the limits leave out what is deepest.
    while let Some((within, depth)) = folders.pop_front() {
        let Ok(opened) = root.folder(&within) else { continue };
        let mut entries = opened.names().unwrap_or_default();
        entries.sort();
        for entry in entries {
            names += 1;
            if names > MOST_NAMES {
                return Ok(found);
            }
            let Some(name) = entry.to_str() else { continue };
            let path = within.join(name);
            let Ok(facts) = opened.facts(Path::new(name)) else { continue };
            match facts.kind {
                FileKind::Folder if depth < DEEPEST && is_own(name) => {
                    folders.push_back((path, depth + 1));
                }
                FileKind::Regular => {
                    let Some(path) = path.to_str() else { continue };
                    let is_read = (is_manifest(path) || is_source(path))
                        && reads < MOST_READ
                        && bytes < MOST_BYTES;
                    let text = is_read.then(|| opened.read(Path::new(name), LONGEST_FILE).ok());
                    let text = text.flatten().map(|text| String::from_utf8_lossy(&text).into());
                    reads += usize::from(is_read);
                    bytes += text.as_ref().map_or(0, String::len);
                    found.insert(path.to_owned(), text);
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

fn is_own(name: &str) -> bool {
    !name.starts_with('.') && !SKIPPED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_project_itself_has_is_read() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        for (path, text) in [
            ("package.json", "{}"),
            ("src/a.ts", "a"),
            ("src/picture.png", "b"),
            ("node_modules/x/package.json", "{}"),
            (".git/config.py", "c"),
            ("1/2/3/4/5/6/deep.py", "d"),
            ("1/2/3/4/5/6/7/deeper.py", "e"),
        ] {
            let file = root.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        std::fs::write(root.join("large.py"), vec![b'x'; (LONGEST_FILE + 1) as usize]).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", root.join("link.py")).unwrap();
        std::os::unix::fs::symlink(root, root.join("loop")).unwrap();
        let found: Vec<(String, Option<String>)> = of(root).unwrap().into_iter().collect();
        let found: Vec<_> = found.iter().map(|(path, text)| (&**path, text.as_deref())).collect();
        let expected = [
            ("1/2/3/4/5/6/deep.py", Some("d")),
            ("large.py", None),
            ("package.json", Some("{}")),
            ("src/a.ts", Some("a")),
            ("src/picture.png", None),
        ];
        assert_eq!(found, expected);
        assert!(of(&root.join("nowhere")).is_err());
    }
}
