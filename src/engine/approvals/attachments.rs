//! Copies a question's attachments beside the store, so the bot can post the files after the agent
//! has deleted the originals.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::core::Time;
use crate::core::decision::Attachment;
use crate::core::untrusted::file_name;
use crate::store::{files, hex};

/// The largest file Discord accepts from a bot on a server without boosts: 10 MiB.
pub const LARGEST: u64 = 10 << 20;

/// Why an attachment was rejected, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The file cannot be read, or the copy cannot be written.
    #[error("the attachment {}: {why}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// The system's error.
        why: std::io::Error,
    },
    /// The file exceeds Discord's limit.
    #[error("the attachment {} has more than {LARGEST} bytes, Discord's limit. Make it smaller, \
        or give a link to it", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A folder, pipe or device.
    #[error("the attachment {} is not a regular file", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
}

/// Copies a file into the folder beside the store. The copy is named by the hash of its content, so
/// equal files are stored once.
///
/// # Errors
/// [`AttachError`].
pub fn keep(store: &Path, path: &Path) -> Result<Attachment, AttachError> {
    let failed = |why| AttachError::Failed { path: path.to_owned(), why };
    let kind = std::fs::metadata(path).map_err(failed)?;
    if !kind.is_file() {
        return Err(AttachError::NoFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(AttachError::TooLarge { path: path.to_owned() });
    }
    let folder = std::path::absolute(files::beside(store, ".files")).map_err(failed)?;
    files::private_folder(&folder).map_err(failed)?;
    let hash = hex(&Sha256::digest(&bytes));
    let kept = folder.join(&hash);
    // Write even if the file exists: a fresh modification time protects the file from `sweep`.
    write_private(&kept, &bytes).map_err(failed)?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    Ok(Attachment { name: file_name(&name), path: kept })
}

/// Writes a file readable only by its owner. Writes to a temporary name first and renames, so a
/// partial file is never posted.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let half = files::beside(path, &format!(".{}", std::process::id()));
    let mut file = files::private_file().write(true).create(true).truncate(true).open(&half)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&half, path))
}

/// Totals of the files removed by [`sweep`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Number of files.
    pub files: u64,
    /// Total size in bytes.
    pub bytes: u64,
}

/// Removes copied files not in use and last written before `before` (wall clock). A younger file
/// may belong to a question not yet stored.
///
/// # Errors
/// The system's error; files removed before the error stay removed.
pub fn sweep(store: &Path, in_use: &BTreeSet<String>, before: Time) -> std::io::Result<Swept> {
    let mut swept = Swept::default();
    let entries = match std::fs::read_dir(files::beside(store, ".files")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(swept),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let data = entry.metadata()?;
        let unused = data.is_file() && !in_use.contains(&*entry.file_name().to_string_lossy());
        if unused && Time::from(data.modified()?) < before {
            std::fs::remove_file(entry.path())?;
            (swept.files, swept.bytes) = (swept.files + 1, swept.bytes + data.len());
        }
    }
    Ok(swept)
}
