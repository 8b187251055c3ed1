//! Copies a question's attachments beside the store, so the bot can post the files after the agent
//! has deleted the originals.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::core::Time;
use crate::core::decision::Attachment;
use crate::core::untrusted::file_name;
use crate::disk::{self, FileError, FileKind, Folder};
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
    /// A file that lies elsewhere: a link, or a path out of the folder.
    #[error("the attachment {}: {why}", path.display())]
    Unfit {
        /// The path.
        path: PathBuf,
        /// The reason.
        why: FileError,
    },
}

/// Copies a file of the user into the folder beside the store. The copy is named by the hash of its
/// content, so equal files are stored once.
///
/// # Errors
/// [`AttachError`].
pub fn keep(store: &Path, path: &Path) -> Result<Attachment, AttachError> {
    keep_read(store, path, disk::read_own(path, LARGEST))
}

/// Copies a file within a folder of agents. No part of the path may be a link.
///
/// # Errors
/// [`AttachError`].
pub fn keep_within(store: &Path, folder: &Folder, path: &Path) -> Result<Attachment, AttachError> {
    keep_read(store, path, folder.read(path, LARGEST))
}

fn keep_read(
    store: &Path,
    path: &Path,
    read: Result<Vec<u8>, FileError>,
) -> Result<Attachment, AttachError> {
    let failed = |why| AttachError::Failed { path: path.to_owned(), why };
    let bytes = read.map_err(|error| match error {
        FileError::NotRegular | FileError::Folder => AttachError::NoFile { path: path.to_owned() },
        FileError::TooLong(_) => AttachError::TooLarge { path: path.to_owned() },
        FileError::System(why) => failed(why),
        why => AttachError::Unfit { path: path.to_owned(), why },
    })?;
    let hash = hex(&Sha256::digest(&bytes));
    let kept = std::path::absolute(files::beside(store, ".files")).map_err(failed)?.join(&hash);
    // Write even if the file exists: a fresh modification time protects the file from `sweep`.
    make_folder(store)
        .and_then(|folder| folder.replace(Path::new(&hash), &bytes))
        .map_err(failed)?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    Ok(Attachment { name: file_name(&name), path: kept })
}

/// Opens the folder of the kept files beside a store, and creates a missing one.
///
/// # Errors
/// The system's error; also if a link has the folder's name.
pub(crate) fn make_folder(store: &Path) -> io::Result<Folder> {
    files::private_folder(files::folder_of(store))?;
    let folder = files::beside(store, ".files");
    let (beside, name) = disk::folder_and_name(&folder)?;
    beside.make_folder(name)?;
    Ok(beside.folder(name)?)
}

/// Opens the folder of the kept files beside a store.
///
/// # Errors
/// [`FileError`]; also if a link has the folder's name.
pub(crate) fn folder(store: &Path) -> Result<Folder, FileError> {
    let folder = files::beside(store, ".files");
    let (beside, name) = disk::folder_and_name(&folder)?;
    beside.folder(name)
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
pub fn sweep(store: &Path, in_use: &BTreeSet<String>, before: Time) -> io::Result<Swept> {
    let mut swept = Swept::default();
    let folder = match folder(store) {
        Err(error) if error.is_absence() => return Ok(swept),
        folder => folder?,
    };
    for name in folder.names()? {
        let name = Path::new(&name);
        let facts = folder.facts(name)?;
        let unused = facts.kind == FileKind::Regular && !in_use.contains(&*name.to_string_lossy());
        if unused && Time::from(facts.modified) < before {
            folder.remove(name)?;
            (swept.files, swept.bytes) = (swept.files + 1, swept.bytes + facts.bytes);
        }
    }
    Ok(swept)
}
