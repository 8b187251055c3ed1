//! What a gate found out about the files of a call.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most entries of each list. A gate looks up 1,000 names, with up to four facts each.
const MOST_FACTS: usize = 4_000;
/// Most text of all files in `runs`, in bytes.
const MOST_TEXT: usize = 64 << 10;

/// Facts about the files of a call, which only the machine with these files knows. Without them,
/// the server judges by names alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GateFacts {
    /// Existing files that the call names, if they are links, lie outside the workspace or may hold
    /// secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4000))]
    pub files: Vec<GateFile>,
    /// The repository that git would use in the directories of the call.
    pub git: GateRepository,
    /// Files with secrets that a recursive search of the call would read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4000))]
    pub searched: Vec<PathBuf>,
    /// Gander's own files on the gate's machine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4000))]
    pub own: Vec<PathBuf>,
    /// Other names of the home folder.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4000))]
    pub homes: Vec<PathBuf>,
    /// Programs, and agents that the call starts, which files of the workspace decide about: by the
    /// environment, or by a definition of the same name. `*`: every program.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4000))]
    pub shadowed: Vec<String>,
    /// What the files hold that the call runs. People read them beside the call. An approval for
    /// the session ends with a change of such a file, and is not offered if a content is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4000))]
    pub runs: Vec<GateScript>,
    /// How much of the call was looked up.
    pub coverage: GateCoverage,
}

/// What a file holds that the call runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateScript {
    /// The path as the call names it: absolute, links not followed.
    pub path: PathBuf,
    /// SHA-256 of the content, in hexadecimal. Left out: there is no file, or its content is
    /// unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub digest: Option<String>,
    /// Whether there is no file.
    #[serde(default)]
    pub missing: bool,
    /// The content, if it is text; all files together at most 64 KiB. It must fit the digest,
    /// otherwise the content counts as unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why the text of a known content is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unshown: Option<GateUnshown>,
}

/// Why a gate leaves out the text of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateUnshown {
    /// There is too much of it.
    TooLong,
    /// It is no text.
    Binary,
    /// It may hold secrets.
    Private,
}

/// A fact about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateFile {
    /// The path as the call names it: absolute, links not followed.
    pub path: PathBuf,
    /// Where the path leads when all links are followed.
    pub real: PathBuf,
    /// What is there.
    pub kind: GateFileKind,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateFileKind {
    /// Nothing, yet.
    Missing,
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A file that other users of the machine may not read.
    Private,
    /// A file that begins as a private key or as a token of Gander does.
    Key,
    /// A file in a directory that git may take for a repository.
    Repository,
}

/// The repository that git would use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateRepository {
    /// Not looked up.
    #[default]
    Unknown,
    /// The workspace's own repository, or none.
    Own,
    /// Another one: its configuration may name programs that git runs.
    Foreign,
}

/// How much of a call a gate looked up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateCoverage {
    /// Nothing.
    #[default]
    Unknown,
    /// Everything that the call names.
    Complete,
    /// Less than the call names.
    Partial,
}

impl GateFacts {
    /// Checks beyond the schema. Returns a description of the first mistake.
    pub(super) fn validation_error(&self) -> Option<String> {
        let (files, runs) = (self.files.len(), self.runs.len());
        let longest = [
            files,
            runs,
            self.shadowed.len(),
            self.searched.len(),
            self.own.len(),
            self.homes.len(),
        ];
        if longest.into_iter().any(|length| length > MOST_FACTS) {
            return Some(format!("facts: each list can have at most {MOST_FACTS} entries"));
        }
        let text = self.runs.iter().filter_map(|run| run.text.as_ref()).map(String::len).sum();
        if MOST_TEXT < text {
            return Some(format!("facts: the texts of runs can have at most {MOST_TEXT} bytes"));
        }
        let files = self.files.iter().flat_map(|file| [&file.path, &file.real]);
        let runs = self.runs.iter().map(|run| &run.path);
        let mut all = files.chain(runs).chain(&self.searched).chain(&self.own).chain(&self.homes);
        let whole = |path: &PathBuf| Path::is_absolute(path);
        (!all.all(whole)).then(|| "facts: write absolute paths".to_owned())
    }
}
