//! The only way to open files: regular files only, never waiting for a writer, up to a size limit.
//!
//! Three kinds of owner need three kinds of care:
//!
//! - **A stranger's file** lies in a folder that agents can write to. [`Folder`] opens such a file
//!   by its name within the opened folder. No part of the name may be a link, and the file must
//!   have a single name (hard link): otherwise an agent that exchanges a file for a link between a
//!   check and the opening could have any file of Gander's user read or written.
//! - **The user's own file**, named by the user: links lead where the user wants ([`read_own`]).
//! - **A file beside the store**: Gander made it, so a link in its place is never followed
//!   ([`read_beside`], [`open_private`], [`replace`]).
//!
//! What counts is a check of the opened file, not of its path. Opening never blocks on a pipe. All
//! functions block for the time of the disk. Does not depend on any other part of Gander.

mod beneath;
mod folder;

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

pub use self::folder::{FileFacts, FileId, FileKind, Flush, Folder};

/// Size limit in bytes of a file with settings: far above any real one.
pub const LONGEST_SETTINGS: u64 = 4 << 20;
/// Size limit in bytes of a file with a secret. Real ones have less than 200 bytes.
pub const LONGEST_SECRET: u64 = 64 << 10;

/// Why a file was not opened or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file, or a folder on the way, is a link.
    #[error("it is a link: put a regular file there")]
    Link,
    /// The name leads out of the folder.
    #[error("it is outside the folder")]
    Outside,
    /// A folder.
    #[error("this is a folder: put a file there")]
    Folder,
    /// A pipe, socket or device.
    #[error("it is not a regular file")]
    NotRegular,
    /// A regular file with several hard links.
    #[error("it has several names (hard links): put a copy there")]
    SeveralNames,
    /// More bytes than the limit.
    #[error("it has more than {0} bytes")]
    TooLong(u64),
    /// Bytes that are not text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// The system's error.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl FileError {
    /// Whether no file exists, as opposed to a file that cannot be read.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::System(error) if is_absence(error))
    }
}

/// Whether the error says that no file exists.
#[must_use]
pub fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::System(error) => error,
            other => Self::new(ErrorKind::InvalidInput, other),
        }
    }
}

impl From<Errno> for FileError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::LOOP => Self::Link,
            Errno::XDEV => Self::Outside,
            // A socket, or a pipe that nobody reads.
            Errno::NXIO => Self::NotRegular,
            Errno::ISDIR => Self::Folder,
            other => Self::System(other.into()),
        }
    }
}

/// How many hard links a file may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Any,
    One,
}

/// Opens without waiting: for a pipe's writer, or for a terminal to become the process's own.
const AT_ONCE: OFlags = OFlags::CLOEXEC.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Mode of created files: accessible to the owner only.
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Checks the opened file.
fn regular(opened: OwnedFd, names: Names) -> Result<File, FileError> {
    let file = File::from(opened);
    let facts = file.metadata()?;
    match facts.file_type() {
        kind if kind.is_dir() => Err(FileError::Folder),
        kind if !kind.is_file() => Err(FileError::NotRegular),
        _ if names == Names::One && facts.nlink() > 1 => Err(FileError::SeveralNames),
        _ => Ok(file),
    }
}

/// Reads an opened file to its end.
fn read_to_end(file: File, limit: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLong(limit));
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> Result<String, FileError> {
    String::from_utf8(bytes).map_err(|_| FileError::NotText)
}

/// Opens a file of the user for reading. Links lead where the user wants.
///
/// # Errors
/// [`FileError`]: not a regular file, or the system's error.
pub fn open_own(path: &Path) -> Result<File, FileError> {
    let opened = rustix::fs::openat(CWD, path, OFlags::RDONLY | AT_ONCE, Mode::empty())?;
    regular(opened, Names::Any)
}

/// Reads a file of the user, of at most `limit` bytes.
///
/// # Errors
/// [`FileError`].
pub fn read_own(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    read_to_end(open_own(path)?, limit)
}

/// Reads a text file of the user, of at most `limit` bytes.
///
/// # Errors
/// [`FileError`].
pub fn read_own_text(path: &Path, limit: u64) -> Result<String, FileError> {
    text(read_own(path, limit)?)
}

/// Opens a file given on the command line for reading. Unlike the other functions, also opens a
/// pipe, as a shell's `<(command)` gives one: only the command that was given the pipe waits.
///
/// # Errors
/// [`FileError`]: neither a regular file nor a pipe, or the system's error.
pub fn open_argument(path: &Path) -> Result<File, FileError> {
    use std::os::unix::fs::FileTypeExt as _;
    let opened = rustix::fs::openat(CWD, path, OFlags::RDONLY | AT_ONCE, Mode::empty())?;
    let file = File::from(opened);
    if !file.metadata()?.file_type().is_fifo() {
        return regular(file.into(), Names::Any);
    }
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(file)
}

/// Reads a file given on the command line, of at most `limit` bytes.
///
/// # Errors
/// [`FileError`].
pub fn read_argument(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    read_to_end(open_argument(path)?, limit)
}

/// Opens a file beside the store for reading: a link there is not followed.
///
/// # Errors
/// [`FileError`].
pub fn open_beside(path: &Path) -> Result<File, FileError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | AT_ONCE;
    regular(rustix::fs::openat(CWD, path, flags, Mode::empty())?, Names::Any)
}

/// Reads a file beside the store, of at most `limit` bytes.
///
/// # Errors
/// [`FileError`].
pub fn read_beside(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    read_to_end(open_beside(path)?, limit)
}

/// Opens a file beside the store for reading and writing; creates a missing file with mode 0600. A
/// link there is not followed, so nothing is written elsewhere.
///
/// # Errors
/// [`FileError`].
pub fn open_private(path: &Path) -> Result<File, FileError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | AT_ONCE;
    regular(rustix::fs::openat(CWD, path, flags, PRIVATE_FILE)?, Names::One)
}

/// Opens an existing file for reading and writing, to see whether that is permitted. The store may
/// be a link.
///
/// # Errors
/// [`FileError`].
pub fn open_to_write(path: &Path) -> Result<File, FileError> {
    let opened = rustix::fs::openat(CWD, path, OFlags::RDWR | AT_ONCE, Mode::empty())?;
    regular(opened, Names::Any)
}

/// Creates a file with mode 0600. Fails if any file, also a link, has this name.
///
/// # Errors
/// The system's error.
pub fn create_private(path: &Path) -> io::Result<File> {
    create(path, PRIVATE_FILE)
}

/// Creates a file with the usual permissions. Fails if any file, also a link, has this name.
///
/// # Errors
/// The system's error.
pub fn create_own(path: &Path) -> io::Result<File> {
    create(path, Mode::from_raw_mode(0o666))
}

fn create(path: &Path, mode: Mode) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, path, flags, mode)?.into())
}

/// Writes a file readable only by its owner, as a whole: a reader sees the old or the new content.
/// A link with this name is replaced and not followed.
///
/// # Errors
/// The system's error.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (folder, name) = folder_and_name(path)?;
    folder.replace(name, bytes)
}

/// Opens the folder of a file that the user or Gander named.
///
/// # Errors
/// [`FileError`].
pub fn folder_and_name(path: &Path) -> Result<(Folder, &Path), FileError> {
    let name = path.file_name().ok_or(FileError::Folder)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok((Folder::open(folder.unwrap_or_else(|| Path::new(".")))?, Path::new(name)))
}

/// The path without links, as far as it exists.
#[must_use]
pub fn resolve(path: &Path) -> PathBuf {
    let existing = path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    match existing.and_then(|(part, real)| Some((real, path.strip_prefix(part).ok()?))) {
        Some((real, rest)) if rest.as_os_str().is_empty() => real,
        Some((real, rest)) => real.join(rest),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests;
