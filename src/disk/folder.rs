//! An opened folder. Every name is looked up in this very folder, whatever its path leads to by
//! now.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Component, Path};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::beneath::{self, Resolution};
use super::{AT_ONCE, FileError, Names, PRIVATE_FILE, is_absence, read_to_end, regular, text};

/// Device and inode: equal for every path to a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The identity of an opened file.
    ///
    /// # Errors
    /// The system's error.
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(id(&rustix::fs::fstat(file)?))
    }
}

/// The kind of what has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, socket or device.
    Other,
}

/// What the system says of a file without opening it. Differs after a change of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFacts {
    /// The kind; of the link itself for a link.
    pub kind: FileKind,
    /// The size in bytes.
    pub bytes: u64,
    /// When the content was last changed.
    pub modified: SystemTime,
    /// The identity.
    pub id: FileId,
}

/// Whether written bytes reach the disk before the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// They do: the file survives a power cut.
    Now,
    /// The system writes them in its own time, for content that may be lost.
    Later,
}

/// An opened folder. Methods take names, or paths within the folder for reading; no part may be a
/// link.
#[derive(Debug)]
pub struct Folder {
    opened: OwnedFd,
    resolution: Resolution,
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Mode of created folders: accessible to the owner only.
const PRIVATE_FOLDER: Mode = Mode::RWXU;

/// Distinguishes the temporary files of one process.
static TEMPORARY: AtomicU64 = AtomicU64::new(0);

impl Folder {
    /// Opens a folder that the user named: links lead where the user wants.
    ///
    /// # Errors
    /// [`FileError::System`].
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let opened = rustix::fs::openat(CWD, path, FOLDER, Mode::empty())?;
        Ok(Self { opened, resolution: Resolution::Best })
    }

    /// Opens a folder by an absolute path without links.
    ///
    /// # Errors
    /// [`FileError`]: some part of the path is a link.
    pub fn open_resolved(path: &Path) -> Result<Self, FileError> {
        let within = path.strip_prefix("/").map_err(|_| FileError::Outside)?;
        Self::open(Path::new("/"))?.folder(within)
    }

    /// Resolves part by part, as on a system without `openat2`.
    #[cfg(test)]
    pub(super) fn by_part(self) -> Self {
        Self { resolution: Resolution::ByPart, ..self }
    }

    fn open_at(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, FileError> {
        beneath::open(self.opened.as_fd(), path, flags, self.resolution)
    }

    /// Opens a folder within this folder.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn folder(&self, path: &Path) -> Result<Self, FileError> {
        Ok(Self { opened: self.open_at(path, FOLDER)?, resolution: self.resolution })
    }

    /// Creates a folder, accessible to the owner only, unless the name is taken.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn make_folder(&self, name: &Path) -> Result<(), FileError> {
        match rustix::fs::mkdirat(&self.opened, single(name)?, PRIVATE_FOLDER) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The names in the folder, unsorted.
    ///
    /// # Errors
    /// The system's error.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.opened)? {
            let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The folder's identity.
    ///
    /// # Errors
    /// The system's error.
    pub fn id(&self) -> io::Result<FileId> {
        Ok(id(&rustix::fs::fstat(&self.opened)?))
    }

    /// The facts of what has this name, without opening it.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn facts(&self, path: &Path) -> Result<FileFacts, FileError> {
        let name = Path::new(path.file_name().ok_or(FileError::Outside)?);
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.map(|parent| self.folder(parent)).transpose()?;
        let opened = parent.as_ref().map_or(&self.opened, |parent| &parent.opened);
        Ok(facts(&rustix::fs::statat(opened, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    /// Opens a file within this folder for reading.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open_file(&self, path: &Path) -> Result<File, FileError> {
        regular(self.open_at(path, OFlags::RDONLY | AT_ONCE)?, Names::One)
    }

    /// Reads a file within this folder, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
        read_to_end(self.open_file(path)?, limit)
    }

    /// Reads a text file within this folder, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read_text(&self, path: &Path, limit: u64) -> Result<String, FileError> {
        text(self.read(path, limit)?)
    }

    /// Creates a file, accessible to the owner only. Fails if any file, also a link, has this name.
    ///
    /// # Errors
    /// The system's error.
    pub fn create(&self, name: &Path) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let flags = flags | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.opened, single(name)?, flags, PRIVATE_FILE)?.into())
    }

    /// Writes a file as a whole and flushes it. A link with this name is replaced.
    ///
    /// # Errors
    /// The system's error.
    pub fn replace(&self, name: &Path, bytes: &[u8]) -> io::Result<()> {
        let number = TEMPORARY.fetch_add(1, Ordering::Relaxed);
        let temporary = format!(".gander-{}-{number}.new", std::process::id());
        self.replace_by(name, Path::new(&temporary), bytes, Flush::Now)
    }

    /// Like [`Folder::replace`], by way of this temporary name. A file left there is removed first.
    ///
    /// # Errors
    /// The system's error.
    pub fn replace_by(
        &self,
        name: &Path,
        temporary: &Path,
        bytes: &[u8],
        flush: Flush,
    ) -> io::Result<()> {
        self.remove_if_there(temporary)?;
        let mut file = self.create(temporary)?;
        file.write_all(bytes)
            .and_then(|()| if flush == Flush::Now { file.sync_all() } else { Ok(()) })
            .and_then(|()| self.rename(temporary, self, name))
            .inspect_err(|_| {
                // Best effort: no reader looks for this name.
                let _ = self.remove(temporary);
            })
    }

    /// Appends to a file in one write, and flushes it; creates a missing file, accessible to the
    /// owner only. If the file ends within a line, the bytes begin a new line.
    ///
    /// # Errors
    /// [`FileError`]: a link, a pipe, several names, or the system's error.
    pub fn append_line(&self, name: &Path, line: &[u8]) -> Result<(), FileError> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | AT_ONCE;
        let opened = rustix::fs::openat(&self.opened, single(name)?, flags, PRIVATE_FILE)?;
        let mut file = regular(opened, Names::One)?;
        let length = file.metadata()?.len();
        let mut last = [b'\n'];
        if length > 0 {
            file.read_exact_at(&mut last, length - 1)?;
        }
        let mut bytes = Vec::with_capacity(line.len() + 2);
        if last != [b'\n'] {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
        file.write_all(&bytes)?;
        Ok(file.sync_all()?)
    }

    /// Moves a file, also between folders. An existing file of the new name is replaced.
    ///
    /// # Errors
    /// The system's error.
    pub fn rename(&self, name: &Path, to: &Self, new: &Path) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.opened, single(name)?, &to.opened, single(new)?)?)
    }

    /// Gives a file a second name, which must be free. A link is not followed.
    ///
    /// # Errors
    /// The system's error.
    pub fn hard_link(&self, name: &Path, to: &Self, new: &Path) -> io::Result<()> {
        let (name, new) = (single(name)?, single(new)?);
        Ok(rustix::fs::linkat(&self.opened, name, &to.opened, new, AtFlags::empty())?)
    }

    /// Removes a file or link.
    ///
    /// # Errors
    /// The system's error.
    pub fn remove(&self, name: &Path) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.opened, single(name)?, AtFlags::empty())?)
    }

    /// Removes a file or link, if the name is taken.
    ///
    /// # Errors
    /// The system's error.
    pub fn remove_if_there(&self, name: &Path) -> io::Result<()> {
        match self.remove(name) {
            Err(error) if !is_absence(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Flushes the folder, so that renames survive a power cut. A system that cannot flush a folder
    /// decides the order by itself.
    pub fn sync(&self) {
        let _ = rustix::fs::fsync(&self.opened);
    }
}

/// A name without a folder: a path could lead through a link.
fn single(name: &Path) -> Result<&Path, FileError> {
    let mut parts = name.components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) if part.len() == name.as_os_str().len() => Ok(name),
        _ => Err(FileError::Outside),
    }
}

fn id(found: &rustix::fs::Stat) -> FileId {
    FileId { device: found.st_dev, inode: found.st_ino }
}

fn facts(found: &rustix::fs::Stat) -> FileFacts {
    let kind = match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => FileKind::Regular,
        FileType::Directory => FileKind::Folder,
        FileType::Symlink => FileKind::Link,
        _ => FileKind::Other,
    };
    let seconds = u64::try_from(found.st_mtime).unwrap_or_default();
    let nanoseconds = u32::try_from(found.st_mtime_nsec).unwrap_or_default();
    FileFacts {
        kind,
        bytes: u64::try_from(found.st_size).unwrap_or_default(),
        modified: SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds),
        id: id(found),
    }
}
