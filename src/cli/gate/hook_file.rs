//! The files with which an agent is told of the gate. Installing and uninstalling change only the
//! gate's own bytes.

use std::path::PathBuf;

use super::command::HookCommand;

/// The format of a hook file.
pub(super) trait HookFile {
    /// The file's text with the gate.
    ///
    /// # Errors
    /// The file does not have the structure in the agent's documentation, as text.
    fn with_gate(&self, before: Option<&str>, hook: &HookCommand) -> Result<String, String>;

    /// The file's text without the gate, all other bytes unchanged; `None` if nothing is left.
    ///
    /// # Errors
    /// The file does not have the structure in the agent's documentation, as text.
    fn without_gate(&self, before: &str) -> Result<Option<String>, String>;

    /// The gate in the file; `None` if the gate is missing or does not see every call.
    fn installed(&self, text: &str) -> Option<Found>;
}

/// A gate in a hook file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The hook's command.
    pub(super) command: String,
    /// The agent's limit for the hook, in milliseconds. `None`: the agent waits for ever.
    pub(super) limit: Option<u64>,
}

/// A file that the gate needs beside the hook file.
#[derive(Debug)]
pub(super) struct Companion {
    /// The file.
    pub(super) file: PathBuf,
    /// The file's text with what the gate needs.
    pub(super) with: fn(Option<&str>) -> Result<String, String>,
    /// The file's text without; `None` if nothing is left.
    pub(super) without: fn(&str) -> Result<Option<String>, String>,
}
