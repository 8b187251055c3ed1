//! Gate: stops an agent before a tool call until a person has answered. The agent needs no
//! knowledge of Gander.
//!
//! Defines a tool call, when two calls are identical ([`ToolCall::key`]), and what the rules say
//! about a call ([`rules`]). Does not depend on how an agent reports
//! a call or receives the answer, nor on where the rules are stored.

mod arguments;
pub mod autorun;
pub mod budget;
pub mod changes;
pub mod editing;
pub mod edits;
pub mod facts;
pub mod granting;
pub mod known;
pub mod lifecycle;
pub mod patches;
pub mod pattern;
pub mod places;
pub mod private;
pub mod programs;
pub mod questions;
pub mod reach;
pub mod rules;
pub mod scripts;
pub mod search;
pub mod shell;
pub mod tools;

use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use self::edits::{Before, Edit, FileChange, edit_of, patched_files};
use self::facts::{Facts, RunFile};
use self::pattern::plain_path;
use self::reach::NamedPath;
use super::hex;

pub use super::decision::session::GATE_KEY as KEY;
use super::decision::session::ONCE;

/// Maximum length of a session identifier in a key, in bytes; longer identifiers are hashed.
const LONGEST_SESSION: usize = 200;

/// A tool call that an agent is about to make.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The agent: `claude-code`, `goose`, `codex`.
    pub agent: String,
    /// The agent's session.
    pub session: Option<String>,
    /// Name of the tool, as the agent spells it.
    pub tool: String,
    /// Arguments of the call.
    pub input: Value,
    /// Working directory of the call. Absolute.
    pub cwd: PathBuf,
    /// The agent's workspace folders; a path below any of these is inside the workspace.
    pub roots: Vec<PathBuf>,
    /// The person's home folder.
    pub home: Option<PathBuf>,
    /// Resolved targets of files that the call names by symbolic links, in addition to the names.
    pub real: Vec<PathBuf>,
    /// Whether git takes the working directory for a repository although the directory is not a
    /// real repository: its files are writable for an agent, and the git configuration among these
    /// files says which programs git runs.
    pub poses_as_repository: bool,
    /// Whether the agent's own permission prompt asks about the call: for more than the call
    /// itself, such as to leave the agent's sandbox.
    pub own_prompt: bool,
    /// Content of the file to be changed; for a patch, of the one file that names scripts.
    pub before: Before,
    /// What else the gate found on the machine with the files.
    pub facts: Facts,
}

/// Tools of the agents themselves that run a shell command.
const SHELLS: [&str; 9] = [
    "bash",
    "shell",
    "exec_command",
    "shell_command",
    "local_shell",
    "container.exec",
    "execute_command",
    "terminal",
    "monitor",
];
/// Argument names for a command's text.
const COMMAND: [&str; 3] = ["command", "cmd", "script"];

impl ToolCall {
    /// The shell command of this call, or `None` for other tools. A command that a server runs is
    /// none: where and how is unknown.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        self.command_of(tools::own_name(self)?)
    }

    fn command_of(&self, tool: &str) -> Option<String> {
        if !SHELLS.contains(&tool.to_lowercase().as_str()) {
            return None;
        }
        self.command_field().and_then(|field| match self.input.get(field)? {
            Value::String(line) => Some(line.clone()),
            Value::Array(words) => {
                Some(line_of(&words.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?))
            }
            _ => None,
        })
    }

    fn command_field(&self) -> Option<&'static str> {
        COMMAND.into_iter().find(|field| self.input.get(field).is_some())
    }

    /// The file change of this call, or `None` for other tools. A server may mean files elsewhere.
    #[must_use]
    pub fn edit(&self) -> Option<Edit> {
        tools::own_name(self)?;
        if self.command().is_some() { None } else { edit_of(&self.tool, &self.input) }
    }

    /// Files that the call names, as absolute paths, and the resolved targets of links.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let said = self
            .named_files()
            .into_iter()
            .map(|said| plain_path(&said, &self.cwd, self.home.as_deref()));
        said.chain(self.real.iter().cloned()).collect()
    }

    /// Files that the call names, spelled as in the arguments.
    #[must_use]
    pub fn named_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(Edit { change: FileChange::Patch(patch), .. }) = self.edit() {
            found = patched_files(&patch);
        }
        let Value::Object(fields) = &self.input else { return found };
        for (name, value) in fields {
            let name = name.to_lowercase();
            // The pattern of Claude Code's Glob is a path.
            let is_glob = self.tool == "Glob" && name == "pattern";
            let is_file = is_glob
                || ["path", "file", "glob", "folder", "directory", "uri"]
                    .iter()
                    .any(|part| name.contains(part));
            if is_file && !name.contains("text") && !name.contains("content") {
                let values = match value {
                    Value::Array(values) => values.as_slice(),
                    one => std::slice::from_ref(one),
                };
                found.extend(values.iter().filter_map(Value::as_str).map(without_scheme));
            }
        }
        found
    }

    /// Where a path as spelled in the arguments lies: absolute, but `..` stays, because after a
    /// link it leads elsewhere than its text says.
    #[must_use]
    pub fn on_disk(&self, said: &str) -> PathBuf {
        let name = without_scheme(said);
        NamedPath { folder: self.cwd.clone(), name }.on_disk(self.home.as_deref())
    }

    /// Texts of the call that a person reads and relies on.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let mut texts = self.named_files();
        texts.extend(self.command());
        texts.push(self.tool.clone());
        texts
    }

    /// Beginning of [`Self::hash`], in hexadecimal. Equal for identical calls.
    #[must_use]
    pub fn identity(&self) -> String {
        hex(&self.hashed_in(self.session.as_deref().unwrap_or_default())[..16])
    }

    /// As [`ToolCall::identity`], without the session.
    #[must_use]
    pub fn identity_in_any_session(&self) -> String {
        hex(&self.hashed_in("")[..16])
    }

    /// SHA-256 of agent, session, directory, tool, effective arguments and the content of the files
    /// that the call runs, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        hex(&self.hashed_in(self.session.as_deref().unwrap_or_default()))
    }

    fn hashed_in(&self, session: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        let cwd = self.cwd.to_string_lossy();
        for part in [self.agent.as_str(), session, &cwd, &self.tool] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        digest(&self.meaning(), &mut hash);
        if self.own_prompt {
            hash.update("own prompt");
        }
        for (path, found) in &self.facts.runs {
            let content = match found {
                RunFile::Nothing => "nothing",
                RunFile::Found(content) => content.digest().unwrap_or("unknown"),
            };
            let path = path.to_string_lossy();
            hash.update(format!("{}:{path}{}:{content}", path.len(), content.len()));
        }
        hash.finalize().into()
    }

    /// The arguments, without those that only introduce a shell command.
    fn meaning(&self) -> Value {
        let mut input = self.input.clone();
        if let Some(fields) = input.as_object_mut() {
            let introduction = self.introduction();
            fields.retain(|name, _| !introduction.contains_key(name));
        }
        input
    }

    /// Dedup key of the decision for this call. Ends with [`ONCE`] if an approval cannot be
    /// repeated for the session, because nobody knows whether the same would run.
    #[must_use]
    pub fn key(&self) -> String {
        let once = if self.runs_known_files() { "" } else { ONCE };
        let session = key_of_session(&self.agent, self.session.as_deref());
        format!("{session}{}{once}", self.identity())
    }

    /// The path relative to a workspace folder.
    #[must_use]
    pub fn shorter(&self, path: &str) -> String {
        let inside = |root: &PathBuf| {
            PathBuf::from(path)
                .strip_prefix(root)
                .ok()
                .map(|path| path.to_string_lossy().into_owned())
        };
        self.roots
            .iter()
            .find_map(inside)
            .filter(|short| !short.is_empty())
            .unwrap_or_else(|| path.to_owned())
    }
}

/// How the dedup keys of all calls of an agent's session begin.
#[must_use]
pub fn key_of_session(agent: &str, session: Option<&str>) -> String {
    let session = match session {
        Some(long) if long.len() > LONGEST_SESSION => hex(&Sha256::digest(long)[..16]),
        session => session.unwrap_or_default().to_owned(),
    };
    format!("{KEY}{agent}:{session}:")
}

/// Converts a `file://` URL to a path.
fn without_scheme(file: &str) -> String {
    match file.get(..7).filter(|start| start.eq_ignore_ascii_case("file://")) {
        // A host name may follow the scheme.
        Some(_) => file[7..].find('/').map_or("/", |at| &file[7 + at..]).to_owned(),
        None => file.to_owned(),
    }
}

/// Joins words to a line that a shell splits into exactly these words. For `sh -c SCRIPT`, returns
/// the script.
fn line_of(words: &[&str]) -> String {
    if let [shell, flag, script] = words
        && matches!(
            shell.strip_prefix("/usr").unwrap_or(shell).trim_start_matches("/bin/"),
            "sh" | "bash" | "zsh" | "dash" | "ksh"
        )
        && matches!(*flag, "-c" | "-lc")
    {
        return (*script).to_owned();
    }
    let plain = |word: &str| {
        !word.is_empty()
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-=:,+@%".contains(c))
    };
    let quoted = |word: &&str| if plain(word) { (*word).to_owned() } else { quote(word) };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// Quotes a text as one word for a POSIX shell.
#[must_use]
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Hashes a value; the order of object fields does not affect the hash.
fn digest(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            hash.update(format!("{{{}", names.len()));
            for name in names {
                digest(&Value::String(name.clone()), hash);
                digest(&fields[name], hash);
            }
        }
        Value::Array(values) => {
            hash.update(format!("[{}", values.len()));
            values.iter().for_each(|value| digest(value, hash));
        }
        Value::String(text) => {
            hash.update(format!("\"{}:", text.len()));
            hash.update(text);
        }
        other => hash.update(format!("{other};")),
    }
}

#[cfg(test)]
pub(crate) mod tests;
