//! Why an agent ignores an installed gate: its own settings, or another file that it prefers.

use std::path::{Path, PathBuf};

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
