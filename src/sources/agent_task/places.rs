//! Paths of task files, and reading them: with a size limit, and without taking an error for a
//! missing file.
//!
//! Looks only at known places, never at a whole tree: the folder itself, and one level below its
//! `.agents/worktrees`. A worktree may be a link to a folder elsewhere; a task file may not be a
//! link. Blocks. Does not depend on decisions or on the content of files.

use std::path::{Path, PathBuf};

use crate::core::policy::rules::{is_name_char, project_name};
use crate::disk::{self, FileId, Folder, is_absence, resolve};
use crate::sources::{Answering, WatchedFolder};

/// Name of a task file.
pub(super) const TASK_FILE: &str = ".agent-task.json";
/// Name of the file in which an agent at work reports its step, at least every 30 minutes.
pub(super) const HEARTBEAT_FILE: &str = ".agent-heartbeat";
/// Name of the file by which an agent claims a worktree.
pub(super) const LOCK_FILE: &str = ".agent-lock";
/// Folder of worktrees in a repository.
const WORKTREES: &str = ".agents/worktrees";
/// Size limit in bytes. Real task files have about a kilobyte.
const LONGEST_FILE: u64 = 1 << 20;
/// Size limit in bytes of a heartbeat or lock. Real ones have about a hundred bytes.
const LONGEST_NOTE: u64 = 4 << 10;

/// A watched folder with an absolute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    /// The repository, or another folder with a task file.
    pub(super) folder: PathBuf,
    /// Covers only the worktrees, not a file in the folder itself.
    worktrees_only: bool,
    project: Option<String>,
    /// How a verdict reaches the agents of this folder.
    pub(super) answering: Answering,
}

impl Root {
    /// Resolves links as far as the path exists, so that a file has a single path however the
    /// folder was configured.
    pub(super) fn of(watched: &WatchedFolder) -> Self {
        let project = watched.project.clone().filter(|project| !project.trim().is_empty());
        let answering = watched.answering.clone();
        let given = std::path::absolute(&watched.path).unwrap_or_else(|_| watched.path.clone());
        let resolved = resolve(&given);
        // The worktrees folder may be a link to another disk, so both the given and the resolved
        // name are checked.
        for path in [&given, &resolved] {
            if let Some(repository) = repository_of_worktrees(path) {
                return Self {
                    folder: resolve(repository),
                    worktrees_only: true,
                    project,
                    answering,
                };
            }
        }
        Self { folder: resolved, worktrees_only: false, project, answering }
    }

    /// The configured folder.
    pub(super) fn asked_for(&self) -> PathBuf {
        if self.worktrees_only { self.worktrees() } else { self.folder.clone() }
    }

    pub(super) fn worktrees(&self) -> PathBuf {
        self.folder.join(WORKTREES)
    }

    /// Whether a scan of this root looks at the file's folder.
    pub(super) fn covers(&self, file: &Path) -> bool {
        let Some(folder) = file.parent() else { return false };
        (folder == self.folder && !self.worktrees_only)
            || folder.parent() == Some(&self.worktrees())
    }

    /// The project of a task in `folder`: the configured project, else the name of the repository.
    pub(super) fn project_of(&self, folder: &Path) -> String {
        let repository = folder.parent().and_then(repository_of_worktrees).unwrap_or(folder);
        let name = || repository.file_name().map(|name| name.to_string_lossy().into_owned());
        plain(&self.project.clone().or_else(name).unwrap_or_else(|| "default".into()))
    }

    /// The folders that may contain a task file now.
    ///
    /// # Errors
    /// The worktrees cannot be listed. A missing worktrees folder is not an error.
    pub(super) fn task_folders(&self) -> Result<Vec<PathBuf>, SourceError> {
        let mut folders = children(&self.worktrees())?;
        if !self.worktrees_only {
            folders.insert(0, self.folder.clone());
        }
        Ok(folders)
    }
}

/// The repository of a worktrees folder.
fn repository_of_worktrees(path: &Path) -> Option<&Path> {
    if path.ends_with(WORKTREES) { path.parent()?.parent() } else { None }
}

/// Whether, by name alone, a change at this path may create or remove a task.
pub(super) fn is_of_interest(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == TASK_FILE)
        || path.ends_with(".agents")
        || path.ends_with(WORKTREES)
        || path.parent().is_some_and(|parent| parent.ends_with(WORKTREES))
}

/// A file or folder that cannot be read, or is incomplete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    /// The file or folder.
    pub path: PathBuf,
    /// The problem, for the log.
    pub why: String,
}

/// The subfolders of a folder, sorted by name.
fn children(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let trouble =
        |error: std::io::Error| SourceError { path: folder.to_owned(), why: error.to_string() };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        Err(error) => return Err(trouble(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(trouble)?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The content at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TaskContent {
    /// A text file.
    Text(String),
    /// Certainly no file.
    Gone,
    /// Unreadable, for now or for good.
    Unreadable(String),
}

/// Reads a task file.
pub(super) fn read(path: &Path) -> TaskContent {
    let read =
        disk::folder_and_name(path).and_then(|(folder, name)| folder.read_text(name, LONGEST_FILE));
    match read {
        Ok(text) => TaskContent::Text(text),
        Err(error) if error.is_absence() => TaskContent::Gone,
        Err(error) => TaskContent::Unreadable(error.to_string()),
    }
}

/// Reads a small text file beside a task file. `None` if it is missing or cannot be read: a task
/// must not depend on it.
pub(super) fn read_note(task_file: &Path, name: &str) -> Option<String> {
    Folder::open(task_file.parent()?).ok()?.read_text(Path::new(name), LONGEST_NOTE).ok()
}

/// The identity of a task file's folder, equal for every path to the folder. `None` if the folder
/// cannot be opened.
pub(super) fn folder_id(file: &Path) -> Option<FileId> {
    Folder::open(file.parent()?).and_then(|folder| Ok(folder.id()?)).ok()
}

/// Longest project name taken from a folder, in characters: at 4 bytes each, within policy's limit
/// of 100 bytes.
const LONGEST_PROJECT: usize = 25;

/// A valid project name: replaces characters that folder names allow and project names do not with
/// `-`.
fn plain(name: &str) -> String {
    let name: String = project_name(name)
        .chars()
        .map(|c| if is_name_char(c) { c } else { '-' })
        .take(LONGEST_PROJECT)
        .collect();
    if name.trim().is_empty() { "default".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(path: impl Into<PathBuf>) -> Root {
        Root::of(&WatchedFolder { path: path.into(), ..WatchedFolder::default() })
    }

    #[test]
    fn each_way_to_name_a_folder_leads_to_the_same_files() {
        let temporary = tempfile::tempdir().unwrap();
        let repository = temporary.path().canonicalize().unwrap().join("shop");
        let worktrees = repository.join(".agents/worktrees");
        let (a, b) = (worktrees.join("a"), worktrees.join("b"));
        for folder in [&a, &b, &repository.join("src/deep")] {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::fs::write(worktrees.join("README"), "").unwrap();
        let cases = [
            (repository.clone(), vec![repository.clone(), a.clone(), b.clone()]),
            (repository.join("src/.."), vec![repository.clone(), a.clone(), b.clone()]),
            (worktrees, vec![a.clone(), b]),
            (a.clone(), vec![a]),
            (repository.join("src"), vec![repository.join("src")]),
        ];
        for (given, expected) in cases {
            let root = root(&given);
            let found = root.task_folders().unwrap();
            assert_eq!(found, expected, "{}", given.display());
            for folder in found {
                assert!(
                    root.covers(&folder.join(TASK_FILE)),
                    "{} covers {}",
                    given.display(),
                    folder.display()
                );
                let project = if given.ends_with("src") { "src" } else { "shop" };
                assert_eq!(root.project_of(&folder), project, "{}", given.display());
            }
        }
    }

    #[test]
    fn what_is_not_there_is_gone_and_what_cannot_be_read_is_not() {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        std::fs::write(at("text"), "{}").unwrap();
        std::fs::write(at("cut"), [b'"', 0xE2, 0x80]).unwrap();
        std::fs::write(at("long"), vec![b' '; (1 << 20) + 1]).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        assert_eq!(read(&at("text")), TaskContent::Text("{}".into()));
        for gone in ["missing", "missing/below", "text/below"] {
            assert_eq!(read(&at(gone)), TaskContent::Gone, "{gone}");
        }
        std::os::unix::fs::symlink("text", at("link")).unwrap();
        std::fs::hard_link(at("cut"), at("second name")).unwrap();
        let fifo = std::process::Command::new("mkfifo").arg(at("pipe")).status();
        assert!(fifo.unwrap().success());
        for unreadable in ["cut", "long", "folder", "link", "pipe", "second name"] {
            assert!(matches!(read(&at(unreadable)), TaskContent::Unreadable(_)), "{unreadable}");
        }
        let real = temporary.path().canonicalize().unwrap();
        assert_eq!(root(at("missing/below")).task_folders().unwrap(), [real.join("missing/below")]);
    }

    #[test]
    fn only_names_of_interest_wake() {
        for (path, expected) in [
            ("/r/.agent-task.json", true),
            ("/r/.agents", true),
            ("/r/.agents/worktrees", true),
            ("/r/.agents/worktrees/w", true),
            ("/r/.agents/worktrees/w/.agent-task.json", true),
            ("/r/.agents/worktrees/w/src", false),
            ("/r/gander.db-wal", false),
            ("/r/.agent-heartbeat", false),
        ] {
            assert_eq!(is_of_interest(Path::new(path)), expected, "{path}");
        }
    }
}
