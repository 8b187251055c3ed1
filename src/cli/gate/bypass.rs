//! Why an agent ignores an installed gate: its own settings, or another file that it prefers.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::json;
use crate::disk;

/// Why an agent ignores its hook file, and which file causes this.
#[derive(Debug)]
pub(super) struct Bypass {
    pub(super) file: PathBuf,
    pub(super) why: String,
}

/// The text of a settings file, empty if the file does not exist.
pub(super) fn settings(file: &Path) -> Result<String, Bypass> {
    match disk::read_own_text(file, disk::LONGEST_SETTINGS) {
        Err(error) if !error.is_absence() => {
            Err(Bypass { file: file.to_owned(), why: error.to_string() })
        }
        read => Ok(read.unwrap_or_default()),
    }
}

/// A settings file in JSON, without its comments; null if the file does not exist or cannot be
/// understood, which the agents take for no settings.
pub(super) fn json_settings(file: &Path) -> Result<Value, Bypass> {
    Ok(serde_json::from_str(&json::without_comments(&settings(file)?)).unwrap_or_default())
}

/// Checks that a settings file does not switch off all hooks.
pub(super) fn all_hooks_off(file: &Path) -> Result<(), Bypass> {
    if json_settings(file)?["disableAllHooks"] != Value::Bool(true) {
        return Ok(());
    }
    let why = "it switches off all hooks (disableAllHooks): remove that first".into();
    Err(Bypass { file: file.to_owned(), why })
}
