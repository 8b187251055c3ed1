//! Which files git tracks in a folder, as far as a search with git needs to know it. Git itself is
//! not asked: it would obey the repository's configuration.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::disk::{self, Folder};

/// Longest index that is read, in bytes: some hundred thousand files.
const LONGEST_INDEX: u64 = 64 << 20;
/// Longest `.git` file, in bytes.
const LONGEST_POINTER: u64 = 8 << 10;
/// Versions of the index in which every path is spelled out.
const SPELLED_OUT: [u32; 2] = [2, 3];

/// The index of the repository around a folder.
pub(super) struct Index {
    /// The folder to which paths in the index are relative.
    top: PathBuf,
    /// The texts of the index that end like paths, each written backwards, sorted; `None` if they
    /// cannot be read for certain.
    ends: Option<Vec<Vec<u8>>>,
}

impl Index {
    /// The index of the repository that git finds from this place; `None` if there is none, so that
    /// nothing is tracked.
    pub(super) fn around(place: &Path) -> Option<Self> {
        let top = place.ancestors().find(|folder| folder.join(".git").exists())?.to_owned();
        let directory = directory_of(&top.join(".git"));
        let ends = match directory.map(|directory| read(&directory)) {
            Some(Content::Absent) => return None,
            Some(Content::Text(text)) => Some(ends_of(&text)),
            Some(Content::Unclear) | None => None,
        };
        Some(Self { top, ends })
    }

    /// Whether git may track a file. A longer path with this end counts too.
    pub(super) fn may_track(&self, file: &Path) -> bool {
        let Some(ends) = &self.ends else { return true };
        let Ok(below) = file.strip_prefix(&self.top) else { return true };
        let path: Vec<u8> = below.as_os_str().as_bytes().iter().rev().copied().collect();
        let first = ends.partition_point(|end| *end < path);
        ends.get(first).is_some_and(|end| end.starts_with(&path))
    }
}

/// A path in an index stands behind binary data, and a zero byte ends it. So every text before a
/// zero byte may be one, and some of its end is the path.
fn ends_of(text: &[u8]) -> Vec<Vec<u8>> {
    let parts = text.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    let mut ends: Vec<Vec<u8>> = parts.map(|part| part.iter().rev().copied().collect()).collect();
    ends.sort_unstable();
    ends
}

/// What is in the place of an index.
enum Content {
    Absent,
    Text(Vec<u8>),
    Unclear,
}

fn read(directory: &Path) -> Content {
    let text = match disk::read_own(&directory.join("index"), LONGEST_INDEX) {
        Ok(text) => text,
        Err(error) if error.is_absence() => return Content::Absent,
        Err(_) => return Content::Unclear,
    };
    let version = text.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let names = Folder::open(directory).and_then(|folder| Ok(folder.names()?));
    // A part of the index may be in a file of its own.
    let is_whole = names
        .is_ok_and(|names| !names.iter().any(|name| name.as_bytes().starts_with(b"sharedindex.")));
    let is_spelled = version.is_some_and(|version| SPELLED_OUT.contains(&version));
    if text.starts_with(b"DIRC") && is_spelled && is_whole {
        Content::Text(text)
    } else {
        Content::Unclear
    }
}

/// The directory of a repository or worktree, from its `.git`.
fn directory_of(git: &Path) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git.to_owned());
    }
    let text = String::from_utf8(disk::read_own(git, LONGEST_POINTER).ok()?).ok()?;
    Some(git.parent()?.join(text.trim_end().strip_prefix("gitdir:")?.trim()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) -> bool {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(folder).env("GIT_CONFIG_NOSYSTEM", "1");
        git.env("HOME", folder).env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.output().is_ok_and(|output| output.status.success())
    }

    #[test]
    fn what_git_tracks_is_in_its_index() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        assert!(Index::around(&root).is_none());
        if !git(&root, &["init", "-q"]) {
            eprintln!("skipped: git is not installed");
            return;
        }
        assert!(Index::around(&root).is_none(), "there is no index yet");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        let files = ["x", ".env", "a/.env", "a/b/key.pem", "a/other.pem"];
        for file in files {
            std::fs::write(root.join(file), "x").unwrap();
        }
        assert!(git(&root, &["add", "-f", "x", "a/.env", "a/b/key.pem"]));
        let tracked = |folder: &str| {
            let index = Index::around(&root.join(folder)).unwrap();
            files.map(|file| index.may_track(&root.join(file)))
        };
        // The end of `a/.env` may be `.env`.
        assert_eq!(tracked(""), [true, true, true, true, false]);
        assert_eq!(tracked("a/b"), tracked(""));
        // In this version, a path is what differs from the path before it.
        assert!(git(&root, &["update-index", "--index-version", "4"]));
        assert_eq!(tracked(""), [true; 5]);
        assert!(git(&root, &["update-index", "--index-version", "2"]));
        assert_eq!(tracked(""), [true, true, true, true, false]);
        assert!(git(&root, &["update-index", "--split-index"]));
        assert_eq!(tracked(""), [true; 5]);
    }
}
