//! Facts about the files of a call, which only the machine with these files knows. A gate looks
//! them up before the call is judged; the rules take them as an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::core::decision::ScriptContent;

/// What a gate found on the machine where the call would run. By default nothing was looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Existing files that the call names, as far as they lie outside the workspace, are links, or
    /// may hold secrets; and files to be written within a repository. By path: absolute and
    /// normalised, links not followed.
    pub files: BTreeMap<PathBuf, Vec<FileFact>>,
    /// The repository that git would use in the directories of the call.
    pub git: GitRepository,
    /// Files with secrets, by their names, that a recursive search of the call would read.
    pub searched: Vec<PathBuf>,
    /// Gander's own files on this machine: the store, the configuration, the gate's token.
    pub own: Vec<PathBuf>,
    /// Other names of the person's home folder: without links, and as the system has it.
    pub homes: Vec<PathBuf>,
    /// Programs, and agents that the call starts, which files of the workspace decide about: by the
    /// environment, or by a definition of the same name.
    pub shadowed: BTreeSet<String>,
    /// What the files hold that the call runs ([`super::scripts`]). By path: absolute and
    /// normalised.
    pub runs: BTreeMap<PathBuf, RunFile>,
    /// How much of the call was looked up.
    pub coverage: Coverage,
}

/// What a file holds that a call runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunFile {
    /// There is no file: nothing, or a folder.
    Nothing,
    /// A file.
    Found(ScriptContent),
}

impl RunFile {
    /// Whether a change would be noticed.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        !matches!(self, Self::Found(ScriptContent::Unknown))
    }
}

/// How much of a call was looked up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Coverage {
    /// Nothing: the caller knows only the names.
    #[default]
    Unknown,
    /// All of it.
    Complete,
    /// The call names more files, or searches larger folders, than a gate looks at.
    Partial,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFact {
    /// Where the path leads when all links are followed.
    pub real: PathBuf,
    /// What is there.
    pub kind: PlaceKind,
}

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceKind {
    /// Nothing, yet.
    Missing,
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A file outside the workspace that other users of the machine may not read.
    Private,
    /// A file that begins as a private key or as a token of Gander does.
    Key,
    /// A file or folder within a directory that git may take for a repository.
    Repository,
}

/// The repository that git would use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GitRepository {
    /// Not looked up.
    #[default]
    Unknown,
    /// The repository of the agent's workspace, or none at all.
    Own,
    /// Another repository, or a directory that poses as one: its configuration may name programs
    /// that git runs.
    Foreign,
}

impl Facts {
    /// The facts about a path.
    pub fn about(&self, path: &Path) -> impl Iterator<Item = &FileFact> {
        self.files.get(path).into_iter().flatten()
    }

    /// Adds a fact about a path.
    pub fn add(&mut self, path: PathBuf, fact: FileFact) {
        let facts = self.files.entry(path).or_default();
        if !facts.contains(&fact) {
            facts.push(fact);
        }
    }
}
