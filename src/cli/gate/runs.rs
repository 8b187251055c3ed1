//! Looks up the content of the scripts of a call: an approval for a session ends when a script
//! changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::core::gate::facts::RunFile;
use crate::core::gate::{ToolCall, scripts};
use crate::core::hex;
use crate::disk::{self, FileError};

/// Largest script, in bytes: larger than most compiled programs.
const LONGEST: u64 = 16 << 20;

/// The files of the workspace that a call runs, with their content.
pub(super) fn look(call: &ToolCall) -> BTreeMap<PathBuf, RunFile> {
    let home = call.home.as_deref();
    let files = scripts::of(call).unwrap_or_default();
    files.iter().map(|named| (named.path(home), content(&named.on_disk(home)))).collect()
}

fn content(file: &Path) -> RunFile {
    match disk::read_own(file, LONGEST) {
        Ok(bytes) => RunFile::Digest(hex(&Sha256::digest(bytes))),
        Err(FileError::Folder) => RunFile::Nothing,
        Err(error) if error.is_absence() => RunFile::Nothing,
        Err(_) => RunFile::Unknown,
    }
}
