//! Opens a path within an opened folder, without following any link.
//!
//! Linux resolves the whole path in one call (`openat2`, since 5.6). Elsewhere, and in containers
//! that forbid the call, each part of the path is opened in its parent.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{FileError, PRIVATE_FILE};

/// How a path is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolution {
    /// By the kernel where possible, else part by part.
    Best,
    /// Part by part.
    #[cfg(test)]
    ByPart,
}

/// Opens a path within a folder. An empty path, or `.`, is the folder itself.
pub(super) fn open(
    folder: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    resolution: Resolution,
) -> Result<OwnedFd, FileError> {
    let path = within(path)?;
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    #[cfg(target_os = "linux")]
    if resolution == Resolution::Best {
        match by_kernel(folder, &path, flags) {
            // An old kernel, or a container's filter, which may answer with "not permitted". If
            // the file itself is not permitted, the second way finds that again.
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {}
            opened => return opened.map_err(|error| named(folder, &path, error)),
        }
    }
    by_part(folder, &path, flags)
}

#[cfg(target_os = "linux")]
fn by_kernel(folder: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(folder, path, flags, mode(flags), resolve)
}

fn by_part(folder: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, FileError> {
    // Passing through a folder needs no permission to list it.
    #[cfg(target_os = "linux")]
    const PASS: OFlags = OFlags::PATH;
    #[cfg(not(target_os = "linux"))]
    const PASS: OFlags = OFlags::RDONLY;
    let through = PASS | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = |folder: BorrowedFd<'_>, part: &Path, flags| {
        rustix::fs::openat(folder, part, flags, mode(flags))
            .map_err(|error| named(folder, part, error))
    };
    let mut parts = path.iter().map(Path::new).peekable();
    let mut parent: Option<OwnedFd> = None;
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let from = parent.as_ref().map_or(folder, |parent| parent.as_fd());
        let opened = open(from, part, if is_last { flags } else { through })?;
        if is_last {
            return Ok(opened);
        }
        parent = Some(opened);
    }
    Err(FileError::Folder)
}

/// `openat2` rejects a mode for a file that is not created.
fn mode(flags: OFlags) -> Mode {
    if flags.contains(OFlags::CREATE) { PRIVATE_FILE } else { Mode::empty() }
}

/// The meaning of a failure. A link opened as a folder fails like a file opened as a folder.
fn named(folder: BorrowedFd<'_>, path: &Path, error: Errno) -> FileError {
    let is_link = |path: &Path| {
        rustix::fs::statat(folder, path, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Symlink)
    };
    match error {
        Errno::NOTDIR if is_link(path) => FileError::Link,
        other => other.into(),
    }
}

/// The path without `.` and `..`, relative to the folder. No link is followed, so `a/..` is the
/// folder of `a`.
fn within(path: &Path) -> Result<PathBuf, FileError> {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => found.push(name),
            Component::ParentDir if found.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(FileError::Outside);
            }
        }
    }
    if found.as_os_str().is_empty() {
        found.push(".");
    }
    Ok(found)
}
